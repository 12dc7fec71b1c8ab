"""Convolution and correlation, interpolation, the trapezoidal rule and unwrapped phases.

Every convolution, in any number of dimensions, is one op, whose derivatives are convolutions again. Interpolation and the
trapezoidal rule are composites. Stands on the lower ops and on NumPy's spelling of them.
"""

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..errors import DtypeError, ShapeError
from ..graph import unchanged
from ..rule import rule, sample
from ..tensor import implementations
from . import elementwise, movement, spellings

COPIED = 2**24  # elements of windows: up to here they are copied for one matrix product, beyond that only looked at


def _flipped(x):
    """The first two axes exchanged, the others reversed."""
    return np.flip(np.swapaxes(x, 0, 1), tuple(range(2, len(x.shape))))


def _convolution_x(g, x_shape, w, start):
    ends = tuple(m - 1 - first for m, first in zip(w.shape[2:], start, strict=True))
    return convolution(g, _flipped(w), start=ends, size=x_shape[2:])


def _convolution_w(g, x, w_shape, start):
    ends = tuple(n - 1 - first for n, first in zip(x.shape[2:], start, strict=True))
    return convolution(np.swapaxes(g, 0, 1), _flipped(x), start=ends, size=w_shape[2:])


@rule(
    kind="multilinear",
    x=_convolution_x,
    w=_convolution_w,
    samples=[
        sample((1, 1, 5), (1, 1, 3), start=(0,), size=(7,)),
        sample((1, 1, 3), (1, 1, 5), start=(2,), size=(3,)),
        sample((2, 3, 4), (1, 3, 3), start=(1,), size=(4,)),
        sample((1, 1, 3, 4), (2, 1, 2, 2), start=(0, 1), size=(4, 3)),
        sample(np.array([[[0.3 + 1j, -0.7 + 0.2j, 1.1 - 0.4j]]]), (1, 1, 2), start=(0,), size=(4,)),
        sample((2, 3), (4, 3), start=(), size=()),
    ],
)
def convolution(x, w, *, start, size):
    """y[p, q, k] = sum over r and j of x[p, r, start + k - j] w[q, r, j], for k below `size`; x is zero outside.

    k and j stand for any number of axes. With `start` zero and the largest `size` it is the full convolution.
    """
    inner = tuple(range(2, x.ndim))
    margins, places = [(0, 0), (0, 0)], [slice(None), slice(None)]
    for n, m, first, count in zip(x.shape[2:], w.shape[2:], start, size, strict=True):
        low, high = first - m + 1, first + count  # what the windows reach of x
        margins.append((max(-low, 0), max(high - n, 0)))
        places.append(slice(max(low, 0), max(low, 0) + count + m - 1))
    x = np.pad(x, margins)[tuple(places)] if inner else x
    if len(inner) == 1 and x.shape[:2] == w.shape[:2] == (1, 1):
        return np.convolve(x[0, 0], w[0, 0], "valid").reshape(1, 1, -1)
    windows = sliding_window_view(x, w.shape[2:], axis=inner) if inner else x
    w = np.flip(w, inner)
    taken = tuple(range(2 + len(inner), windows.ndim))
    if w.shape[0] > 1 and windows.size <= COPIED:  # for a single q the copy costs more than the faster product saves
        y = np.tensordot(windows, w, axes=((1, *taken), (1, *inner)))
        return np.moveaxis(y, -1, 1)
    labels = list(range(windows.ndim))
    return np.einsum(windows, labels, w, [windows.ndim, 1, *taken], [0, windows.ndim, *inner])


def _window(name, n, m, mode):
    """Where in the full convolution of two lengths the wanted part starts, and how long it is."""
    parts = {"full": (0, n + m - 1), "same": ((m - 1) // 2, n), "valid": (min(n, m) - 1, abs(n - m) + 1)}
    if mode not in parts:
        raise ShapeError(f"{name}: mode={mode!r}, and the modes are 'full', 'same' and 'valid'")
    return parts[mode]


# --- along one axis --------------------------------------------------------------------------------------------------------


def _line(name, x):
    x = spellings.as_array(x)
    if x.ndim > 1 or x.size == 0:
        raise ShapeError(f"{name} takes arrays with one axis and at least one element, and got shape {x.shape}")
    return movement.reshape(x, shape=(1, 1, -1))


def convolve(x, w, mode="full"):
    """The convolution of two arrays of one axis: y[k] = sum over j of x[k - j] w[j].

    `mode` says what is kept of it: "full" all, "valid" where the two overlap completely, "same" the middle, as long as the
    longer one.

    >>> from autograd import Tensor, convolve
    >>> convolve(Tensor([1.0, 2.0, 3.0]), [1.0, 10.0])
    Tensor([ 1., 12., 23., 30.], op=reshape)
    """
    x, w = _line("convolve", x), _line("convolve", w)
    if w.shape[-1] > x.shape[-1]:
        x, w = w, x
    start, size = _window("convolve", x.shape[-1], w.shape[-1], mode)
    return movement.reshape(convolution(x, w, start=(start,), size=(size,)), shape=(-1,))


def correlate(x, w, mode="valid"):
    """The cross-correlation of two arrays of one axis: y[k] = sum over j of x[k + j] conj(w[j]).

    >>> from autograd import Tensor, correlate
    >>> correlate(Tensor([1.0, 2.0, 3.0]), [1.0, 10.0])
    Tensor([21., 32.], op=reshape)
    """
    x, w = _line("correlate", x), _line("correlate", w)
    w = elementwise.conj(w) if np.iscomplexobj(w) else w  # of booleans, conj makes integers
    n, m = x.shape[-1], w.shape[-1]
    start, size = _window("correlate", n, m, mode)
    if mode == "same" and m > n:
        start, size = n // 2, m
    return movement.reshape(convolution(x, movement.flip(w, axis=-1), start=(start,), size=(size,)), shape=(-1,))


# --- along several axes ----------------------------------------------------------------------------------------------------


def convolve_nd(x, w, axes=None, dot_axes=((), ()), mode="full"):
    """The convolution of two arrays along pairs of axes: the lists `axes` of x and of w, all axes by default.

    Pairs of `dot_axes` are multiplied and summed. Along every other axis each slice of x meets each slice of w. The axes of
    the result: the others of x, the others of w, then those of the convolution. `mode` "same" keeps the lengths of x.

    >>> from autograd import Tensor, ones
    >>> from autograd.ops.signal import convolve_nd
    >>> convolve_nd(Tensor([[1.0, 2.0], [3.0, 4.0]]), ones((2, 2)), mode="valid")
    Tensor([[10.]], op=reshape)
    """
    x, w = (spellings.as_array(v) for v in (x, w))
    axes = (range(x.ndim), range(x.ndim)) if axes is None else axes
    (x, others_x), (w, others_w) = (_sorted_axes(v, a, d) for v, a, d in zip((x, w), axes, dot_axes, strict=True))
    if len(x.shape) != len(w.shape) or x.shape[1] != w.shape[1]:
        raise ShapeError(f"convolve_nd: axes={axes} and dot_axes={dot_axes} must pair axes, dot_axes those of equal lengths")
    n, m = x.shape[2:], w.shape[2:]
    if 0 in n + m:
        raise ShapeError(f"convolve_nd: the lengths {n} and {m} along the axes of the convolution must be 1 or more")
    if mode == "valid" and min(map(int.__sub__, n, m), default=0) < 0 < max(map(int.__sub__, n, m)):
        raise ShapeError(f"convolve_nd: for mode='valid' one array must be the longer along all axes; they are {n} and {m}")
    windows = [_window("convolve_nd", a, b, mode) for a, b in zip(n, m, strict=True)]
    start, size = (tuple(part) for part in zip(*windows, strict=True)) if windows else ((), ())
    return movement.reshape(convolution(x, w, start=start, size=size), shape=(*others_x, *others_w, *size))


def _sorted_axes(x, axes, dot_axes):
    """x with three groups of axes: the others as one, those of a dot product as one, and those of the convolution."""
    axes, dot_axes = (tuple(int(a) % x.ndim for a in group) for group in (axes, dot_axes))
    if len({*axes, *dot_axes}) < len(axes) + len(dot_axes):
        raise ShapeError(f"convolve_nd: the axes {axes} and {dot_axes} of one array must be different")
    others = tuple(a for a in range(x.ndim) if a not in axes + dot_axes)
    lengths = tuple(x.shape[a] for a in others)
    shape = (math.prod(lengths), math.prod(x.shape[a] for a in dot_axes), *(x.shape[a] for a in axes))
    return movement.reshape(movement.transpose(x, axes=others + dot_axes + axes), shape=shape), lengths


# --- interpolation ---------------------------------------------------------------------------------------------------------


def interp(x, xp, fp, left=None, right=None, period=None):
    """The values at x of the piecewise linear function through the points (xp, fp); xp increases.

    Outside it is `left` and `right`, by default the first and the last of fp; with a period, it repeats instead. At a point
    the slope with respect to x is the one nearest to zero that lies between the slopes on its sides, as for every kink.

    >>> from autograd import Tensor, interp
    >>> x = Tensor(1.5)
    >>> y = interp(x, [0.0, 1.0, 2.0], [0.0, 1.0, 5.0])
    >>> y.backward()
    >>> y.item(), x.grad
    (3.0, Tensor(4.0))
    """
    x, xp, fp = (spellings.as_array(v) for v in (x, xp, fp))
    if xp.ndim != 1 or xp.shape != fp.shape or xp.size == 0:
        raise ShapeError(f"interp: xp and fp of shapes {xp.shape} and {fp.shape} must be of one length, at least 1")
    if "c" in x.dtype.kind + xp.dtype.kind:
        raise DtypeError("interp: x and xp have an order, so they cannot be complex; fp can")
    if fp.dtype.kind == "c" or np.iscomplexobj(left) or np.iscomplexobj(right):
        real, imag = (
            interp(x, xp, part(fp), _given(part, left), _given(part, right), period)
            for part in (elementwise.real, elementwise.imag)
        )
        return real + 1j * imag
    if period is not None:
        if isinstance(period, (int, float)) and period == 0:
            raise ShapeError("interp: period=0, and the points repeat after a period that is not zero")
        left = right = None
        x, xp, fp = _one_period(x, xp, fp, elementwise.absolute(period))
    return _piecewise(x, xp, fp, left, right)


def _given(function, end):
    return None if end is None else function(end)


def _one_period(x, xp, fp, period):
    """x within one period, and the points of that period with one more on either side."""
    order = np.argsort(xp % period)
    xp, fp = spellings.take(xp % period, order), spellings.take(fp, order)
    xp = spellings.concatenate([xp[-1:] - period, xp, xp[:1] + period])
    return x % period, xp, spellings.concatenate([fp[-1:], fp, fp[:1]])


def _piecewise(x, xp, fp, left, right):
    slopes = _slopes(xp, fp, left, right)
    place = np.searchsorted(xp, x, side="right")
    knot = np.maximum(place - 1, 0)
    at, before, after = spellings.take(xp, knot), spellings.take(slopes, knot), spellings.take(slopes, place)
    slope = np.where(x == at, _nearest_zero(before, after), after)
    below, above = x < xp[0], x > xp[-1]
    y = spellings.take(fp, knot) + slope * np.where(below | above, 0.0, x - at)
    y = y if left is None else np.where(below, left, y)
    return y if right is None else np.where(above, right, y)


def _slopes(xp, fp, left, right):
    """The slope before the first point, between each two, and after the last."""
    gap, rise = xp[1:] - xp[:-1], fp[1:] - fp[:-1]
    jump = gap == 0
    inner = np.where(jump, 0.0, rise) / np.where(jump, 1.0, gap)
    flat = np.zeros_like(fp[:1]) * 1.0
    before = flat if left is None or xp.size == 1 else inner[:1]
    after = flat if right is None or xp.size == 1 else inner[-1:]
    return spellings.concatenate([before, inner, after])


def _nearest_zero(a, b):
    return np.maximum(np.minimum(a, b), 0.0) + np.minimum(np.maximum(a, b), 0.0)


# --- integrals and phases --------------------------------------------------------------------------------------------------


def trapezoid(y, x=None, dx=1.0, axis=-1):
    """The integral of samples y along an axis by the trapezoidal rule; x holds the places, or dx their distance.

    >>> from autograd import Tensor, trapezoid
    >>> trapezoid(Tensor([1.0, 2.0, 4.0]), dx=0.5)
    Tensor(2.25, op=sum)
    """
    y = spellings.as_array(y)
    if y.ndim == 0:
        raise ShapeError("trapezoid integrates along an axis, and y is a single number")
    before, after = (_along(y.ndim, axis, part) for part in (slice(None, -1), slice(1, None)))
    width = dx
    if x is not None:
        x = spellings.as_array(x)
        if x.ndim == 1:
            width = movement.reshape(x[1:] - x[:-1], shape=(-1,) + (1,) * (y.ndim - 1 - axis % y.ndim))
        else:
            width = x[_along(x.ndim, axis, slice(1, None))] - x[_along(x.ndim, axis, slice(None, -1))]
    return np.sum(width * (y[after] + y[before]) / 2.0, axis=axis)


def _along(ndim, axis, part):
    """The index that takes a slice along one axis."""
    return tuple(part if i == axis % ndim else slice(None) for i in range(ndim))


@rule(x=unchanged, numpy=np.unwrap, samples=[sample((5,)), sample((2, 4), axis=0), sample((4,), discont=2.0, period=1.5)])
def unwrap(x, *, discont=None, axis=-1, period=2 * math.pi):
    """Angles without their jumps of more than half a period: whole periods are added along an axis. The slope is 1.

    >>> from autograd import Tensor, unwrap
    >>> unwrap(Tensor([0.0, 3.5, 7.0]), period=4.0)
    Tensor([ 0. , -0.5, -1. ], op=unwrap)
    """
    return np.unwrap(x, discont, axis, period=period)


implementations.update({np.convolve: convolve, np.correlate: correlate, np.interp: interp, np.trapezoid: trapezoid})
