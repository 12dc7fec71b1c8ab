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
from autograd.tree import paths

GLOBAL = np.random.mtrand  # NumPy's stream without a generator, which nothing here draws from, but a user's code may
STREAMS = (np.random.Generator, np.random.BitGenerator, np.random.RandomState, random.Random)


# --- random streams --------------------------------------------------------------------------------------------------------


def generators(model: Any) -> dict[str, Any]:
    """The generators that a run draws from, by name: the default one, and those that modules have as attributes.

    Those in an attribute's lists, tuples and dictionaries too. Of a model that is None or has no modules, the default one.
    """
    found = {"default": default_generator()}
    for path, module in model.named_modules() if hasattr(model, "named_modules") else ():
        for name, value in vars(module).items():
            for place, leaf in paths(value, name):
                if isinstance(leaf, STREAMS) and not isinstance(leaf, random.SystemRandom):
                    found[f"{path}.{place}"] = leaf
    return found


def streams(model: Any) -> dict[str, Any]:
    """Where all random streams stand: of the generators, of NumPy without a generator, and of Python's `random`."""
    return {
        "generators": {name: _state(generator) for name, generator in generators(model).items()},
        "numpy": GLOBAL.get_state(legacy=False),
        "python": random.getstate(),
    }


def check_streams(model: Any, saved: Mapping[str, Any]) -> None:
    """An error if what `streams` found is of other generators than the model has."""
    known = {name: _kind(_state(generator)) for name, generator in generators(model).items()}
    theirs = {name: _kind(state) for name, state in saved["generators"].items()}
    faults = [
        f"{name or 'none'} {words}"
        for name in dict.fromkeys([*theirs, *known])
        for words in [_difference(known.get(name), theirs.get(name))]
        if words
    ]
    if faults:
        raise ValueError(f"this state is of other random generators: {', '.join(faults)}. Build the model as it was")


def _difference(known: str | None, saved: str | None) -> str:
    if known == saved:
        return ""
    if known is None:
        return "is not in the model"
    return "is in the model alone" if saved is None else f"was of {saved} and is of {known}"


def restore_streams(model: Any, saved: Mapping[str, Any]) -> None:
    """All random streams go back to where `streams` found them. The generators are the same objects: a Program holds them."""
    check_streams(model, saved)
    known = generators(model)
    for name, state in saved["generators"].items():
        _go(known[name], state)
    GLOBAL.set_state(saved["numpy"])
    random.setstate(saved["python"])


def _state(generator: Any) -> Any:
    if isinstance(generator, random.Random):
        return generator.getstate()
    if isinstance(generator, np.random.RandomState):
        return generator.get_state(legacy=False)
    return getattr(generator, "bit_generator", generator).state


def _go(generator: Any, state: Any) -> None:
    if isinstance(generator, random.Random):
        generator.setstate(state)
    elif isinstance(generator, np.random.RandomState):
        generator.set_state(state)
    else:
        getattr(generator, "bit_generator", generator).state = state


def _kind(state: Any) -> str:
    return str(state["bit_generator"]) if isinstance(state, Mapping) else "Python's random"


# --- a model ---------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def preserved(model: Any) -> Iterator[None]:
    """Within it a model may be trained, run and filled anew; afterwards everything is as before, bit for bit.

    That is: parameters, buffers, gradients, what is an attribute of a module (its mode, its hooks), and all random streams. The
    arrays are the same objects as before: within, the model has copies, and no gradients.

    >>> import nn
    >>> model = nn.Linear(1, 1)
    >>> before = model.state_dict()
    >>> with preserved(model):
    ...     model.weight.data = model.weight.data * 2
    >>> bool((model.weight.data == before["weight"]).all())
    True
    """
    values = [*model.parameters(), *model.buffers()]
    before = [(value, value._raw, value.node, value.sharing) for value in values]
    nodes = [(n, n.grad, n.hooks, n.dtype, n.value) for n in (value.node for value in values) if n is not None]
    attributes = [(module, dict(vars(module))) for module in model.modules()]
    drawn = [(generator, _state(generator)) for generator in generators(model).values()]
    elsewhere = GLOBAL.get_state(legacy=False), random.getstate()
    copies = [copied(value._raw) for value in values]
    for value, copy in zip(values, copies, strict=True):
        value._raw, value.sharing = copy, None
    for node, *_ in nodes:
        node.grad = None  # else a backward pass within would add to it
    del copies
    try:
        yield
    finally:
        for value, raw, node, sharing in before:
            value._raw, value.node, value.sharing = raw, node, sharing
        for node, grad, hooks, dtype, number in nodes:
            node.grad, node.hooks, node.dtype, node.value = grad, hooks, dtype, number
        for module, were in attributes:
            vars(module).clear()
            vars(module).update(were)
        for generator, state in drawn:
            _go(generator, state)
        GLOBAL.set_state(elsewhere[0])
        random.setstate(elsewhere[1])


def copied(raw: Any) -> Any:
    """A copy that lies in memory as its original does: a matrix product is rounded by that."""
    return raw.copy(order="K") if hasattr(raw, "strides") else raw
