"""New constants: Tensors that come from nothing. Stands on Tensor alone.

They want no gradient unless `requires_grad=True`; `Tensor(...)` is how a user makes a variable.
"""

import numpy as np

from ..tensor import Tensor, constant, implementations, literal, owned


def asarray(x, dtype=None, copy=None):
    """A Tensor of x: x itself if it is one already and nothing has to change."""
    if isinstance(x, Tensor):
        x = x if dtype is None or x.dtype == dtype else implementations[np.astype](x, dtype)
        return implementations[np.copy](x) if copy else x
    return constant(owned(x, dtype))


def _maker(function, doc):
    def make(*args, requires_grad=False, **kwargs):
        raw = function(*args, **kwargs)
        return Tensor(raw, requires_grad=True) if requires_grad else literal(raw)

    make.__name__ = make.__qualname__ = function.__name__
    make.__doc__ = doc
    return make


zeros = _maker(np.zeros, "Zeros of a shape: `zeros(shape, dtype=float)`.")
ones = _maker(np.ones, "Ones of a shape: `ones(shape, dtype=float)`.")
empty = _maker(np.empty, "An array of a shape with arbitrary values: `empty(shape, dtype=float)`.")
full = _maker(np.full, "One value everywhere: `full(shape, value)`.")
arange = _maker(np.arange, "Evenly spaced numbers: `arange(start, stop, step)`.")
linspace = _maker(np.linspace, "A given number of evenly spaced numbers, both ends included: `linspace(start, stop, num)`.")
eye = _maker(np.eye, "Ones on a diagonal, zeros elsewhere: `eye(n)`.")


def _like(function, doc):
    def make(x, *args, **kwargs):
        raw = function(x._raw if isinstance(x, Tensor) else x, *args, **kwargs)
        return literal(raw) if isinstance(x, Tensor) else raw

    make.__name__ = make.__qualname__ = function.__name__
    make.__doc__ = doc
    implementations[function] = make
    return make


zeros_like = _like(np.zeros_like, "Zeros of the shape and dtype of x.")
ones_like = _like(np.ones_like, "Ones of the shape and dtype of x.")
empty_like = _like(np.empty_like, "Arbitrary values of the shape and dtype of x.")
full_like = _like(np.full_like, "One value everywhere, in the shape and dtype of x.")


def detach(x):
    """The same value, outside the graph; a plain value stays what it is."""
    if not isinstance(x, Tensor):
        return x
    return x.detach()


__all__ = [
    "arange",
    "asarray",
    "detach",
    "empty",
    "empty_like",
    "eye",
    "full",
    "full_like",
    "linspace",
    "ones",
    "ones_like",
    "zeros",
    "zeros_like",
]
