"""What training changes, set aside and put back: weights, buffers, gradients, modes, and the streams of random numbers.

Whoever tries something on a model, and wants it as it was, bit for bit, does so within `preserved(model)`. A checkpoint takes
the streams from here. Stands on autograd's generators and on what a model tells of itself; knows no optimizer, which is copied
by `copy.copy`.
"""

import contextlib
import random
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from autograd.ops.random import default_generator

GLOBAL = np.random.mtrand  # NumPy's stream without a generator, which nothing here draws from, but a user's code may


def generators(model: Any) -> dict[str, np.random.Generator]:
    """The generators that a run draws from: the default one, and those that modules have as attributes, by name."""
    found = {"default": default_generator()}
    for path, module in model.named_modules():
        for name, value in vars(module).items():
            if isinstance(value, np.random.Generator):
                found[f"{path}.{name}"] = value
    return found


def streams(model: Any) -> dict[str, Any]:
    """Where all random streams stand: of the generators, of NumPy without a generator, and of Python's `random`."""
    return {
        "generators": {name: generator.bit_generator.state for name, generator in generators(model).items()},
        "numpy": GLOBAL.get_state(legacy=False),
        "python": random.getstate(),
    }


def restore_streams(model: Any, saved: Mapping[str, Any]) -> None:
    """All random streams go back to where `streams` found them. The generators are the same objects: a Program holds them."""
    known = generators(model)
    for name, state in saved["generators"].items():
        if name not in known:
            raise ValueError(f"this state has a random generator {name!r}, and the model has none there: build it as it was")
        known[name].bit_generator.state = state
    GLOBAL.set_state(saved["numpy"])
    random.setstate(saved["python"])


@contextlib.contextmanager
def preserved(model: Any) -> Iterator[None]:
    """Within it a model may be trained, run and filled anew; afterwards everything is as before, bit for bit.

    That is: parameters, buffers, gradients, the mode of each module, and all random streams.

    >>> import nn
    >>> model = nn.Linear(1, 1)
    >>> before = model.state_dict()
    >>> with preserved(model):
    ...     model.weight.data = model.weight.data * 2
    >>> bool((model.weight.data == before["weight"]).all())
    True
    """
    values = [*model.parameters(), *model.buffers()]
    before = [(value, _copied(value._raw), value.grad, value.requires_grad) for value in values]
    modes = [(module, module.training) for module in model.modules()]
    drawn = streams(model)
    for value, *_ in before:
        value.grad = None  # else a backward pass within would add to it
    try:
        yield
    finally:
        for value, raw, grad, requires_grad in before:
            value._raw, value.sharing = raw, None
            value.requires_grad = requires_grad
            value.grad = grad
        for module, training in modes:
            module.training = training
        restore_streams(model, drawn)


def _copied(raw: Any) -> Any:
    return raw.copy() if hasattr(raw, "copy") else raw
