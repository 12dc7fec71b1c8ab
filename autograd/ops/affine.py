"""Products with a weight matrix, as a linear layer has them: x @ w.T, with and without a bias, for any number of leading axes.

Forward and backward are one matrix product each, over all leading axes at once; the transposed weight is a view. Each rule is
defined in `definitions` as a plain function of ops. Stands on `rule` and on contraction.
"""

import math

import numpy as np

from ..errors import DtypeError, ShapeError
from ..rule import rule, sample
from .contraction import matmul


def _refuse(x, w, b=None):
    """The error for inputs that do not fit together."""
    if w.ndim != 2:
        raise ShapeError(f"linear: expected a weight of shape (out, in), got shape {w.shape}")
    if not x.ndim:
        raise ShapeError("linear: expected an input with features in its last axis, got a number")
    if x.shape[-1] != w.shape[1]:
        hint = ". Did you mean weight.T? The weight is (out, in)" if x.shape[-1] == w.shape[0] else ""
        raise ShapeError(
            f"linear: expected {w.shape[1]} features in the last axis, got {x.shape[-1]} (input shape {x.shape}){hint}"
        )
    if b is not None and b.shape != w.shape[:1]:
        raise ShapeError(f"linear: expected a bias of shape {w.shape[:1]} for a weight of shape {w.shape}, got shape {b.shape}")
    raise DtypeError(
        f"linear: expected an input of floats, got {x.dtype}. Convert it: x.astype('float32')"
        + (". For indices take an Embedding" if x.dtype.kind in "iu" else "")
    )


def _product(x, w):
    if x.ndim < 3:
        return x @ w.T
    return (x.reshape(-1, x.shape[-1]) @ w.T).reshape(*x.shape[:-1], w.shape[0])


def _linear_x(g, w):
    if g.ndim < 3:
        return g @ w
    return (g.reshape(math.prod(g.shape[:-1]), w.shape[0]) @ w).reshape(*g.shape[:-1], w.shape[1])


def _linear_w(g, x):
    if g.ndim == x.ndim == 2:
        return g.T @ x
    lead = g.shape[: g.ndim - x.ndim]
    rows = math.prod(x.shape[:-1])
    return np.swapaxes(g.reshape(*lead, rows, g.shape[-1]), -1, -2) @ x.reshape(rows, x.shape[-1])


def _affine_b(g, x):  # which is there for the weight: a shape alone would take longer to find
    if g.ndim == x.ndim == 2 and g.dtype.itemsize > 2:  # a sum over the first axis counts in float16 no further than 2048
        return g.sum(0)
    lead, rows = g.shape[: g.ndim - x.ndim], math.prod(x.shape[:-1])
    return np.ones(rows, g.dtype, like=g) @ g.reshape(*lead, rows, g.shape[-1])


SHAPES = [((2, 3), (4, 3)), ((3,), (4, 3)), ((5, 2, 3), (1, 3)), ((2, 1, 2, 3), (4, 3))]


@rule(
    kind="multilinear",
    leading=True,
    x=_linear_x,
    w=_linear_w,
    samples=[*(sample(x, w) for x, w in SHAPES), sample(np.array([[1 + 2j, 0.5j]]), np.array([[0.3 - 1j, 2.0], [1j, 0.4]]))],
)
def linear(x, w):
    """x @ w.T, for an x of any number of leading axes."""
    if w.ndim != 2 or not x.ndim or x.shape[-1] != w.shape[1] or x.dtype.kind not in "fc":
        _refuse(x, w)
    return _product(x, w)


@rule(leading=True, x=_linear_x, w=_linear_w, b=_affine_b, samples=[sample(x, w, w[:1]) for x, w in SHAPES])
def affine(x, w, b):
    """x @ w.T + b, for an x of any number of leading axes."""
    if w.ndim != 2 or not x.ndim or x.shape[-1] != w.shape[1] or b.shape != w.shape[:1] or x.dtype.kind not in "fc":
        _refuse(x, w, b)
    y = _product(x, w)
    if y.dtype != b.dtype:
        return y + b
    y += b
    return y


def _linear(x, w):
    return matmul(x, w.T)


def _affine(x, w, b):
    return matmul(x, w.T) + b


definitions = {linear: _linear, affine: _affine}
