"""Wrong rules, planted, and the tests of test_rules.py demanded to catch each of them.

A check that cannot fail is a defect. Each row is a rule with one fault, and the test that has to notice it.
"""

from functools import partial
from typing import Any

import numpy as np
import pytest

from autograd import Tensor
from autograd.rule import Sample, rule
from autograd.testing import check_grads

from . import test_rules as checks


def add_scaled(x: Any, w: Any) -> Any:
    """x + 2 w"""
    return x + 2 * w


def cubed(x: Any) -> Any:
    """x * x * x"""
    return x * x * x


def total(x: Any, *, axis: Any = None) -> Any:
    """The sum."""
    return np.sum(x, axis=axis)


def writes(x: Any) -> Any:
    """Twice x, in place."""
    x *= 2
    return x


def wide(x: Any) -> Any:
    """x * x in float64, whatever x is."""
    return x * np.asarray(x, np.float64)


def hidden(g: Any) -> Any:
    """g itself, of which the sweep knows nothing."""
    return g.detach() if isinstance(g, Tensor) else g


class Wrong:
    """A slope that is right, whose own derivative is not: it hides x from the sweep."""

    @staticmethod
    def slope(g: Any, x: Any) -> Any:
        return g * 3 * (x.detach() if isinstance(x, Tensor) else x) ** 2


ONE, TWO, MATRIX = Sample(((2, 3),), {}), Sample(((2, 3), (2, 3)), {}), Sample(((2, 3),), {"axis": 0})
DERIVATIVES = partial(checks.test_derivatives_in_both_modes_to_second_order, gradcheck=check_grads)
COTANGENT = checks.test_a_sweep_is_differentiable_in_its_cotangent
LINEAR = partial(checks.test_properties_of_every_derivative, holds="linear")
MUTATION = partial(checks.test_properties_of_every_derivative, holds="no mutation")
DTYPES = partial(checks.test_dtypes_are_kept, dtype=np.float32)
LAYOUTS = checks.test_layout_does_not_matter
RECORDED, ELSEWHERE = checks.test_a_recorded_op_replays_with_other_inputs, checks.test_arrays_that_are_not_numpys
e: Any = {"kind": "elementwise"}

FAULTS: dict[str, tuple[Any, dict[str, Any], Sample, Any]] = {
    "a factor of 2.001": (add_scaled, {**e, "x": lambda g: g, "w": lambda g: 2.001 * g}, TWO, DERIVATIVES),
    "a sign": (add_scaled, {**e, "x": lambda g: -g, "w": lambda g: 2 * g}, TWO, DERIVATIVES),
    "a missing term": (cubed, {**e, "x": lambda g, x: 2 * g * x * x}, ONE, DERIVATIVES),
    "a forgotten derivative": (add_scaled, {**e, "x": lambda g: g, "w": lambda g: 0 * g}, TWO, DERIVATIVES),
    "a wrong axis": (
        total,
        {"x": lambda g, x_shape, axis: np.broadcast_to(np.expand_dims(g, 1)[:2], x_shape)},
        MATRIX,
        DERIVATIVES,
    ),
    "linear, and is not": (cubed, {"kind": "linear", "x": lambda g, x: 3 * g * x * x}, ONE, DERIVATIVES),
    "elementwise, and is not": (
        np_cumsum := lambda x: np.cumsum(x, axis=-1),
        {**e, "x": lambda g: np.flip(np.cumsum(np.flip(g, -1), axis=-1), -1)},
        ONE,
        DERIVATIVES,
    ),
    "a wrong second derivative": (cubed, {**e, "x": Wrong.slope}, ONE, DERIVATIVES),
    "not linear in g": (cubed, {"x": lambda g, x: 3 * g * x * x + 1e-3}, ONE, DERIVATIVES),
    "a little more than linear in g": (cubed, {"x": lambda g, x: 3 * g * x * x + 1e-9}, ONE, LINEAR),
    "a cotangent that is hidden": (add_scaled, {"x": hidden, "w": lambda g: 2 * g}, TWO, COTANGENT),
    "a float64 constant": (wide, {**e, "x": lambda g, x: 2 * g * x}, ONE, DTYPES),
    "an input that is written to": (writes, {**e, "x": lambda g: 2 * g}, ONE, MUTATION),
    "a conversion to NumPy": (cubed, {**e, "x": lambda g, x: g * 3 * np.array(x) ** 2}, ONE, ELSEWHERE),
}  # fmt: skip


pytestmark = pytest.mark.usefixtures("own_ops")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_caught(fault: str) -> None:
    forward, facts, sample, check = FAULTS[fault]
    made = rule(**facts)(forward).rule
    with pytest.raises((AssertionError, TypeError, ValueError)):
        check(made, sample)


RIGHT: dict[str, tuple[Any, dict[str, Any], Sample]] = {
    "two inputs": (add_scaled, {**e, "x": lambda g: g, "w": lambda g: 2 * g}, TWO),
    "a general cube": (cubed, {"x": lambda g, x: 3 * g * x * x}, ONE),
    "a shape is all that is read": (
        lambda x: x + np.zeros(np.shape(x)[-1:], x.dtype, like=x),
        {**e, "x": lambda g, x_shape: g.reshape(x_shape)},
        ONE,
    ),
    "a tuple is all that is read": (
        lambda x, *, factors=(2, 3): factors[0] * factors[1] * x,
        {**e, "x": lambda g, factors: g * factors[0] * factors[1]},
        ONE,
    ),
    "a sum": (total, {"x": lambda g, x_shape, axis: np.broadcast_to(np.expand_dims(g, axis), x_shape)}, MATRIX),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_rule_is_not_accused(name: str) -> None:
    forward, facts, sample = RIGHT[name]
    made = rule(**facts)(forward).rule
    for check in (DERIVATIVES, COTANGENT, LINEAR, MUTATION, RECORDED, ELSEWHERE, DTYPES, LAYOUTS):
        check(made, sample)
