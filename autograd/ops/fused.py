"""Composites with a rule of their own, because one pass over the array pays where five would not.

Each is defined, in `definitions`, as a plain function of ops; a test holds rule and definition equal, to second order.
"""

import numpy as np

from ..rule import from_end, rule, sample
from .elementwise import exp, log, subtract
from .reduction import max as largest
from .reduction import sum as total

AXIS = [sample((2, 3)), sample((2, 3), axis=0), sample((2, 3, 2), axis=1)]


def through_softmax(g, y, axis):
    """The cotangent before a softmax whose result is y."""
    return y * (g - (g * y).sum(axis=from_end(axis, y.ndim), keepdims=True))


@rule(leading=True, x=through_softmax, samples=AXIS)
def softmax(x, *, axis=-1):
    """exp(x) / sum(exp(x)): positive, with sum 1 along the axis."""
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    wide = np.float32 if e.dtype == np.float16 else None  # in which a sum of ones ends at 65504
    return (e / e.sum(axis=axis, keepdims=True, dtype=wide)).astype(e.dtype, copy=False)


def _log_softmax_x(g, y, axis):
    # g - p * sum(g), rearranged: where p is nearly 1 the difference would cancel, and -expm1(y) is 1 - p exactly.
    p = np.exp(y)
    return -g * np.expm1(y) - p * (g.sum(axis=from_end(axis, y.ndim), keepdims=True) - g)


@rule(leading=True, x=_log_softmax_x, samples=AXIS)
def log_softmax(x, *, axis=-1):
    """x - log(sum(exp(x))) along the axis; exact also where one element outweighs all others."""
    top = np.expand_dims(np.argmax(x, axis=axis), axis)
    shifted = x - np.take_along_axis(x, top, axis)
    others = np.exp(shifted)
    np.put_along_axis(others, top, 0, axis)  # the largest counts as the 1 of log1p
    return shifted - np.log1p(others.sum(axis=axis, keepdims=True))


def _softmax(x, axis=-1):
    e = exp(subtract(x, largest(x, axis=axis, keepdims=True)))
    return e / total(e, axis=axis, keepdims=True)


def _log_softmax(x, axis=-1):
    return subtract(x, log(total(exp(x), axis=axis, keepdims=True)))


definitions = {softmax: _softmax, log_softmax: _log_softmax}
