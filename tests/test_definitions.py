"""Every rule that stands for a composition of ops, against that composition: values, gradients, and gradients of gradients.

A family says what its rules stand for in `definitions`; a rule is tried on the samples that stand on it.
"""

from typing import Any

import numpy as np
import pytest

from autograd import Tensor, grad, ops
from autograd.testing.samples import build, samples_of

DEFINITIONS = {op: f for family in vars(ops).values() for op, f in getattr(family, "definitions", {}).items()}
# What a definition leaves out: pooling over windows of several lengths.
UNDEFINED = {"window_sum": {"window": ()}, "window_spread": {"window": ()}}
CASES = [
    pytest.param(op, sample, id=f"{op.__name__}-{i}")
    for op in DEFINITIONS
    for i, sample in enumerate(samples_of(op.rule))
    if not UNDEFINED.get(op.__name__, {"": ""}).items() <= sample.attributes.items()
]


def parts(y: Any) -> Any:
    return y if isinstance(y, tuple) else (y,)


def moves(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.dtype.kind in "fc"


def orders(f: Any, inputs: list[Any], attributes: dict[str, Any]) -> list[Any]:
    """The outputs of f, the gradients of a function of them, and the gradients of a function of those."""
    free = [i for i, x in enumerate(inputs) if moves(x)]

    def loss(*xs: Any) -> Any:
        given = list(inputs)
        for i, x in zip(free, xs, strict=True):
            given[i] = x
        return sum((y * y * np.linspace(0.3, 1.7, y.size).reshape(y.shape)).sum().real for y in parts(f(*given, **attributes)))

    slopes = grad(loss, tuple(range(len(free))))
    xs = [Tensor(inputs[i]) for i in free]
    bend = grad(lambda *xs: sum((g * g).sum().real for g in slopes(*xs)), tuple(range(len(free))))
    return [*parts(f(*inputs, **attributes)), *slopes(*xs), *bend(*xs)]


@pytest.mark.parametrize(("op", "sample"), CASES)
def test_a_rule_is_its_definition_to_second_order(op: Any, sample: Any) -> None:
    inputs = build(op.rule, sample)
    results = (orders(f, inputs, sample.attributes) for f in (op, DEFINITIONS[op]))
    for ours, defined in zip(*results, strict=True):
        ours, defined = (x.detach().numpy() if isinstance(x, Tensor) else x for x in (ours, defined))
        np.testing.assert_allclose(ours, defined, rtol=1e-9, atol=1e-11)
