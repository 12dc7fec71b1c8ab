"""Clipping of gradients, by their norm and by value, in place of the gradients that parameters have.

The norm of all gradients together is taken in float64, whatever they are of, a block at a time; while a step is recorded the
same arithmetic runs on Tensors, all blocks of a gradient at once, and gives the same bits. No array is written to: a parameter
gets a new gradient. Knows no optimizer and no model, but asks a model for its parameters.
"""

import math
import warnings
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from autograd import DtypeError, GradientError, RecordingError, Tensor, no_grad
from autograd.graph import modes
from autograd.rows import Rows
from autograd.tensor import constant

from .optimizer import BLOCK, SMALL, blocks, gradient

Named = list[tuple[str, Tensor]]

NORM = "clip_grad_norm_"
VALUE = "clip_grad_value_"
SHOWN = 5  # parameters that a message names


def clip_grad_norm_(parameters: Any, max_norm: Any, norm_type: Any = 2.0, error_if_nonfinite: bool = False) -> Any:
    """Scales all gradients by one factor where their norm n, as of one vector, is above max_norm; returns the norm before.

        n = (sum of |g|^p)^(1/p), p = norm_type; the largest |g| for p = inf;      g <- g * max_norm / (n + 1e-6)

    `parameters` are a model, parameters, pairs (name, parameter), or one parameter; one that comes twice counts once. Those
    without a gradient are left out. max_norm = inf only measures.

    A norm that is inf or nan is told with the names of the parameters, and the gradients are left as they are: a
    RuntimeWarning, or with `error_if_nonfinite` a GradientError. PyTorch goes on without a word, multiplies by max_norm / nan,
    and so puts nan into every parameter; with inf it sets all other gradients to zero.

    In a recorded step the norm is a Tensor and nothing can be told: gradients whose norm is not finite are left as they are.

    >>> w = Tensor([1.0, 1.0])
    >>> (w * np.array([3.0, 4.0])).sum().backward()
    >>> clip_grad_norm_([w], 0.5)
    5.0
    >>> w.grad.data.round(6)
    array([0.3, 0.4])
    """
    limit, exponent = _limit(NORM, "max_norm", max_norm), _exponent(norm_type)
    recording = modes.recorder is not None
    if recording and error_if_nonfinite:
        raise RecordingError(
            f"{NORM}: whether a norm is finite is known when a Program runs, and it cannot raise then: leave "
            "error_if_nonfinite out, and look at the norm, which the recorded function may return"
        )
    named = _with_gradients(parameters, NORM)
    with no_grad(), np.errstate(all="ignore"):
        gradients = [_gradient(p) for _, p in named]
        norm = _norm(gradients, exponent)
        factor = np.where(np.isfinite(norm), limit / (norm + 1e-6), 1.0)
        if recording or factor < 1:
            for (_, p), g in zip(named, gradients, strict=True):
                _put(p, _scaled(g, factor))
    if recording:
        return norm
    if not math.isfinite(norm):
        words = f"{NORM}: the norm of the gradients is {float(norm)}: {_faults(named, gradients)}"
        if error_if_nonfinite:
            raise GradientError(words)
        warnings.warn(f"{words}. The gradients are left as they are", RuntimeWarning, stacklevel=2)
    return float(norm)


def clip_grad_value_(parameters: Any, clip_value: Any) -> None:
    """Brings every element of every gradient into a range: g <- min(max(g, -clip_value), clip_value).

    `parameters` as in `clip_grad_norm_`. As in PyTorch an infinite element becomes clip_value, and nan stays nan.

    >>> w = Tensor([1.0, 1.0])
    >>> (w * np.array([3.0, -0.5])).sum().backward()
    >>> clip_grad_value_([w], 1.0)
    >>> w.grad
    Tensor([ 1. , -0.5])
    """
    limit = _limit(VALUE, "clip_value", clip_value)
    named = _with_gradients(parameters, VALUE)
    unordered = [name for name, p in named if p.dtype.kind == "c"]
    if unordered:
        raise DtypeError(f"{VALUE}: {', '.join(unordered)}: complex numbers have no order. Use {NORM}, or keep two parts")
    with no_grad(), np.errstate(over="ignore"):
        for _, p in named:
            g = _gradient(p)
            if modes.recorder is not None:
                p.grad = np.clip(g, -limit, limit)
            elif g.size and (np.fmax.reduce(g, axis=None) > limit or np.fmin.reduce(g, axis=None) < -limit):
                _put(p, constant(np.clip(g, -limit, limit)))


# --- what is given ---------------------------------------------------------------------------------------------------------


def _limit(what: str, name: str, value: Any) -> Any:
    """A bound, as a Python number; while recording it may be a Tensor, and so an input of the Program."""
    if isinstance(value, Tensor) and modes.recorder is not None:
        return value
    if isinstance(value, Tensor) or (isinstance(value, (np.generic, np.ndarray)) and np.ndim(value) == 0):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{what}: {name} is a number, not {value!r}")
    if not value >= 0:
        raise ValueError(f"{what}: {name} is not negative and not nan: {value!r} came")
    return float(value)


def _exponent(norm_type: Any) -> float:
    exponent = float(norm_type)
    if not exponent > 0:
        raise ValueError(f"{NORM}: norm_type is a positive number or inf, not {norm_type!r}")
    return exponent


def _with_gradients(parameters: Any, what: str) -> Named:
    """The parameters that have a gradient, each once, with their names."""
    kind = parameters.__name__ if isinstance(parameters, type) else type(parameters).__name__
    if isinstance(parameters, type):
        raise TypeError(f"{what}: {kind} is a class, which has no parameters: make an object of it, {kind}(...)")
    items = parameters.named_parameters() if hasattr(parameters, "named_parameters") else parameters
    if isinstance(items, Tensor):
        items = [items]
    if not isinstance(items, Iterable) or isinstance(items, (str, dict)):
        called = ": call it" if callable(items) else ""
        raise TypeError(f"{what} takes a model, parameters, or pairs (name, parameter), not a {kind}{called}")
    named: dict[int, tuple[str, Tensor]] = {}
    for i, item in enumerate(items):
        name, p = item if isinstance(item, tuple) and len(item) == 2 else ("", item)
        if not isinstance(p, Tensor):
            raise TypeError(f"{what} takes parameters, which are Tensors, and number {i} is a {type(p).__name__}")
        named.setdefault(id(p), (name or f"parameter {i} of shape {p.shape}", p))
    return [(name, p) for name, p in named.values() if p.node is not None and p.node.grad is not None]


def _gradient(p: Tensor) -> Any:
    """The gradient as an array, or as a Tensor while a step is recorded; of sparse ones the rows that are there."""
    if modes.recorder is not None:
        return p.grad
    g = p.node and p.node.grad
    return g.values if type(g) is Rows else gradient(p)


def _put(p: Tensor, new: Tensor) -> None:
    """Gives a parameter another gradient: in rows, if the one before was."""
    g = p.node and p.node.grad
    if p.node and type(g) is Rows:
        p.node.grad = Rows(g.numbers, new._raw, g.shape)
    else:
        p.grad = new


# --- the norm --------------------------------------------------------------------------------------------------------------


def _norm(gradients: list[Any], exponent: float) -> Any:
    """The norm of all gradients together. Elements are divided by the largest where their powers could leave float64."""
    rows = [row for g in _side_by_side(gradients) for row in _rows(g)]
    if not rows:
        return np.float64(0.0)
    scale: Any = 1.0
    if exponent > 2 or any(np.finfo(row.dtype).bits > 32 for row in rows):
        largest = np.max(np.concatenate([np.max(np.abs(_wide(row)), axis=-1) for row in rows]))
        if exponent == math.inf:
            return largest
        scale = np.where((largest > 0) & (largest < math.inf), largest, 1.0)
    total = np.sum(np.concatenate([_powers(_wide(row), scale, exponent) for row in rows]))
    return scale * (np.sqrt(total) if exponent == 2 else np.power(total, 1 / exponent))


def _powers(row: Any, scale: Any, exponent: float) -> Any:
    """The sum of |g / scale|^p over each row."""
    x = row if type(scale) is float else row / scale
    if exponent != 2 or x.dtype.kind == "c":
        x = np.abs(x)
    return np.sum(x * x if exponent == 2 else np.power(x, exponent), axis=-1)


def _wide(x: Any) -> Any:
    """In float64, or complex128."""
    return x.astype(np.result_type(x.dtype, np.float64))


def _side_by_side(gradients: list[Any]) -> list[Any]:
    """Gradients of one dtype that are small, as one vector for each block: a call of NumPy costs as much as 1,000 elements."""
    packs: dict[Any, list[Any]] = {}
    counts: Counter[Any] = Counter()
    for g in gradients:
        small = g.size < SMALL
        packs.setdefault((g.dtype, counts[g.dtype] // BLOCK) if small else id(g), []).append(np.ravel(g))
        counts[g.dtype] += small * g.size
    return [np.concatenate(pack) if len(pack) > 1 else pack[0] for pack in packs.values()]


def _rows(g: Any) -> list[Any]:
    """A gradient in rows of a block, and what is left over: each row for itself, or while recording all rows as one array.

    A row is summed in the same order either way, so that the sums are the same bits.
    """
    flat = np.ravel(g)
    whole = flat.size - flat.size % BLOCK
    step = BLOCK if modes.recorder is None else max(whole, 1)
    rows = [np.reshape(flat[i : i + step], (-1, BLOCK)) for i in range(0, whole, step)]
    return rows + ([np.reshape(flat[whole:], (1, -1))] if whole < flat.size else [])


def _scaled(g: Any, factor: Any) -> Any:
    """The gradient times a factor, if that is below 1; computed in float64: float16 has no factor below 6e-8."""

    def product(x: Any) -> Any:
        return (_wide(x) * factor).astype(g.dtype)

    if isinstance(g, Tensor):
        return np.where(factor < 1, product(g), g)
    if g.size <= BLOCK:
        return constant(product(g))
    y = np.empty_like(g)
    for block in blocks(g.shape):
        y[block] = product(g[block])
    return constant(y)


def _faults(named: Named, gradients: list[Any]) -> str:
    """Which gradients are not finite, and how many of their elements."""
    wrong = []
    for (name, _), g in zip(named, gradients, strict=True):
        nans, infinite = int(np.isnan(g).sum()), int(np.isinf(g).sum())
        if nans or infinite:
            counts = [f"{count} {word}" for count, word in ((nans, "nan"), (infinite, "inf")) if count]
            wrong.append(f"{name} has {' and '.join(counts)} of {g.size}")
    if not wrong:
        return "every gradient is finite, and all together are beyond float64"
    more = f"; and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
    return "; ".join(wrong[:SHOWN]) + more
