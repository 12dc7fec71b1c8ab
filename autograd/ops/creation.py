"""New constants: Tensors that come from nothing. Stands on Tensor and on NumPy's spelling of the ops.

They want no gradient unless `requires_grad=True`; `Tensor(...)` is how a user makes a variable. Names and arguments are those
of the Python array API standard and of NumPy; the only device for new arrays is NumPy's "cpu".
"""

import numpy as np

from ..errors import ShapeError
from ..tensor import Tensor, constant, implementations, literal, owned


def refuse_device(device, here="cpu"):
    """An error if an array is wanted somewhere else than where it is."""
    if device is not None and device != here:
        raise ValueError(f"device {device!r} is not known here: this array is on {here!r}, and arrays do not move")


def asarray(x, /, dtype=None, *, device=None, copy=None):
    """A Tensor of x: x itself if it is one already and nothing has to change; a constant else.

    A Python number becomes a value of a dtype of its own (float64 for 1.0), which takes part in promotion as an array does;
    `Tensor(1.0)` is the weak scalar that never widens an array. `copy=False` is an error where a copy is needed: always, but
    for Tensors, because a Tensor owns its memory.

    >>> from autograd import asarray
    >>> asarray(1.0, dtype="float32")
    Tensor(1.0, dtype=float32)
    """
    if isinstance(x, Tensor):
        refuse_device(device, x.device if device is not None else None)
        same = dtype is None or x.dtype == dtype
        if copy is False and not same:
            raise ValueError(f"a Tensor of {x.dtype} cannot become {np.dtype(dtype)} without a copy: leave copy=False out")
        if same:
            return implementations[np.copy](x) if copy else x
        return implementations[np.astype](x, dtype)
    if copy is False:
        raise ValueError("a Tensor copies what it is made from, so that nobody else writes to it: leave copy=False out")
    if device is not None:
        refuse_device(device, getattr(x, "device", "cpu"))
    raw = owned(x, dtype)
    return constant(np.asarray(raw)[()] if isinstance(raw, (float, int)) else raw)


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
arange = _maker(np.arange, "Evenly spaced numbers: `arange(start, stop, step)`.")
eye = _maker(np.eye, "Ones on a diagonal, zeros elsewhere: `eye(n)`.")
_full = _maker(np.full, "One value everywhere.")
_linspace = _maker(np.linspace, "Evenly spaced numbers.")


def full(shape, fill_value, dtype=None, **kwargs):
    """One value everywhere: `full(shape, value)`. The value may be a Tensor, which then gets the sum of the gradient.

    >>> from autograd import Tensor, full
    >>> full(2, Tensor(3.0)).sum()
    Tensor(6.0, op=sum)
    """
    if not isinstance(fill_value, Tensor):
        return _full(shape, fill_value, dtype, **kwargs)
    _refuse_keywords("full", kwargs)
    shape = tuple(int(n) for n in shape) if np.ndim(shape) else (int(shape),)
    return implementations[np.copy](implementations[np.broadcast_to](asarray(fill_value, dtype), shape))


def _refuse_keywords(name, kwargs):
    refuse_device(kwargs.pop("device", None))
    for key, value in kwargs.items():
        if value not in (None, False):
            raise TypeError(f"{name}() of a Tensor does not know {key}={value!r}")


def linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0, **kwargs):
    """A given number of evenly spaced numbers, both ends included: `linspace(start, stop, num)`. The ends may be Tensors.

    >>> from autograd import Tensor, linspace
    >>> linspace(Tensor(0.0), 1.0, 3)
    Tensor([0. , 0.5, 1. ], op=where)
    """
    if not isinstance(start, Tensor) and not isinstance(stop, Tensor):
        return _linspace(start, stop, num, endpoint=endpoint, retstep=retstep, dtype=dtype, axis=axis, **kwargs)
    _refuse_keywords("linspace", {"retstep": retstep, **kwargs})
    if num < 0:
        raise ShapeError(f"linspace of {num} numbers: there cannot be fewer than none")
    start, stop = (np.asarray(end) if isinstance(end, (list, tuple)) else end for end in (start, stop))
    computed = np.result_type(start, stop, 1.0)
    start, stop = asarray(start, computed), asarray(stop, computed)
    steps = np.reshape(np.arange(num), (num,) + (1,) * max(start.ndim, stop.ndim))
    line = steps.astype(np.finfo(computed).dtype) * ((stop - start) / max(num - bool(endpoint), 1)) + start
    line = np.where(steps == num - 1, stop, line) if endpoint and num > 1 else line  # the last one exactly
    line = line if axis == 0 else np.moveaxis(line, 0, axis)
    if dtype is None:
        return line
    return implementations[np.astype](np.floor(line) if np.dtype(dtype).kind in "iu" else line, dtype)


implementations[np.linspace] = linspace


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
_full_like = _like(np.full_like, "One value everywhere, in the shape and dtype of x.")


def full_like(x, fill_value, dtype=None, **kwargs):
    """One value everywhere, in the shape and dtype of x. The value may be a Tensor, which then gets the sum of the gradient."""
    if not isinstance(fill_value, Tensor):
        return _full_like(x, fill_value, dtype=dtype, **kwargs)
    dtype = getattr(x, "dtype", np.asarray(x).dtype) if dtype is None else dtype
    return full(np.shape(x), fill_value, dtype, **kwargs)


implementations[np.full_like] = full_like


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
