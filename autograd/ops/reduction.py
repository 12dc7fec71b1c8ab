"""Sums, products, extremes and statistics along axes. Stands on `rule`, and on elementwise ops where a rule needs one."""

import math

import numpy as np

from ..errors import IndexingError
from ..rule import from_end, rule, sample


def spread(g, shape, axis, keepdims):
    """The cotangent of a reduction along `axis`, at every element that was reduced; axes in front of its own stay there."""
    if isinstance(g, np.generic):  # what NumPy makes of arithmetic with arrays that have no axes
        g = np.asarray(g)
    lead = g.shape[: g.ndim - (len(shape) if keepdims else len(shape) - len(reduced_axes(len(shape), axis)))]
    if not keepdims and (lead or axis is not None):
        g = g.reshape(lead + kept_shape(shape, axis))
    if math.prod(lead + shape) < 1000:  # np.broadcast_to is written in Python, and four times slower on a short array
        return g * np.ones(lead + shape, g.dtype, like=g)
    return np.broadcast_to(g, lead + shape)


def kept_shape(shape, axis):
    """The shape of a reduction with keepdims."""
    axes = reduced_axes(len(shape), axis)
    return tuple(1 if i in axes else n for i, n in enumerate(shape))


def reduced_axes(ndim, axis):
    """The axes that `axis` means, not negative. (NumPy lets a number have an axis 0, which is none.)"""
    if axis is None or not ndim:
        return tuple(range(ndim))
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    for a in axes:
        if not -ndim <= a < ndim:
            raise IndexingError(f"axis {a} of an array with {ndim} axes")
    return tuple(a % ndim for a in axes)


def count(shape, axis):
    """How many elements are reduced to one."""
    return math.prod(shape[a] for a in reduced_axes(len(shape), axis))


def share(n):
    """1 / n as a Python number: n itself would be infinite in float16. Of nothing, or of less, there is no share."""
    return 1.0 / n if n > 0 else math.nan


AXES = [sample((2, 3)), sample((2, 3), axis=0), sample((2, 3, 2), axis=(0, -1)), sample((3, 2), axis=1, keepdims=True)]


@rule(
    kind="linear",
    leading=True,
    x=lambda g, x_shape, axis, keepdims: spread(g, x_shape, axis, keepdims),
    numpy=np.sum,
    samples=AXES,
)
def sum(x, *, axis=None, dtype=None, keepdims=False):
    """The sum of the elements along `axis` (all of them by default)."""
    return x.sum(axis=axis, dtype=dtype, keepdims=keepdims)


@rule(
    kind="linear",
    leading=True,
    x=lambda g, x_shape, axis, keepdims: spread(g * share(count(x_shape, axis)), x_shape, axis, keepdims),
    numpy=np.mean,
    samples=AXES,
)
def mean(x, *, axis=None, dtype=None, keepdims=False):
    """The arithmetic mean."""
    return x.mean(axis=axis, dtype=dtype, keepdims=keepdims)


# --- products --------------------------------------------------------------------------------------------------------------


def _one_first(x):
    """x along axis 0, moved one place down, with a one on top: what has been multiplied before each element."""
    return np.concatenate([np.ones_like(x[:1]), x[:-1]])


def _prod_x(g, x, axis, keepdims):
    axes = reduced_axes(np.ndim(x), axis)
    rest = tuple(i for i in range(np.ndim(x)) if i not in axes)
    order = axes + rest
    x_shape = np.shape(x)
    front = np.transpose(x, order).reshape((count(x_shape, axis), *(x_shape[i] for i in rest)))
    # Everything before times everything after: y / x would be nan at a zero, and inf after an overflow.
    others = np.cumprod(_one_first(front), axis=0) * np.flip(np.cumprod(_one_first(np.flip(front, 0)), axis=0), 0)
    back = np.argsort(np.array(order, dtype=int))
    others = np.transpose(others.reshape(tuple(x_shape[i] for i in order)), tuple(int(i) for i in back))
    return spread(g, x_shape, axis, keepdims) * others


@rule(leading=True, x=_prod_x, numpy=np.prod, samples=AXES)
def prod(x, *, axis=None, dtype=None, keepdims=False):
    """The product of the elements; its derivative is right at zeros."""
    return x.prod(axis=axis, dtype=dtype, keepdims=keepdims)


def along_first(g, axis, *arrays):
    """g and the arrays of one op with an axis in front; the arrays have as many more axes as g has, for many cotangents."""
    axis = from_end(axis, np.ndim(arrays[0]))
    return [np.moveaxis(a, axis, 0) for a in (g, *(np.broadcast_to(a, np.shape(g)) for a in arrays))]


@rule(
    leading=True,
    vjp=lambda g, a, y: _recurrence_inputs(g, a, y),
    samples=[sample((4,), (4,)), sample((3, 2), (3, 2)), sample(np.array([True, False, True, True, True]), (5,))],
)
def linear_recurrence(a, b):
    """y[i] = a[i] * y[i-1] + b[i] along axis 0, from y[-1] = 0. Its derivative is another recurrence, backwards. Where `a` is
    of booleans, these are running sums that start anew wherever it is false."""
    if a.dtype.kind == "b":
        return _running_sums(a, b)
    y = np.empty_like(b)
    before = np.zeros_like(b[0]) if len(b) else None
    for i in range(len(b)):
        before = y[i] = a[i] * before + b[i]
    return y


def _running_sums(goes_on, b):
    """Running sums that start anew, over twice as many elements in each round: as many rounds as the longest run has bits."""
    y, joined, step = b.copy(), goes_on.copy(), 1
    joined[:1] = False
    while step < len(b) and joined.any():
        y[step:] = y[step:] + np.where(joined[step:], y[:-step], 0)
        joined[step:] = joined[step:] & joined[:-step]
        joined[:step] = False
        step *= 2
    return y


def _recurrence_inputs(g, a, y):
    into_b = np.moveaxis(_sums_from_end(*along_first(g, 0, a)), 0, -np.ndim(y))
    before = np.concatenate([np.zeros_like(y[:1]), y[:-1]])
    return into_b * before, into_b


def _sums_from_end(g, a):
    """g[i] + a[i+1] * (g[i+1] + a[i+2] * ...): what a running result with the factors a hands on to each of its terms."""
    return np.flip(linear_recurrence(_one_first(np.flip(a, 0)), np.flip(g, 0)), 0)


def _cumprod_x(g, x, axis):
    if axis is None or not np.ndim(x):
        return _cumprod_x(g, x.reshape(-1), 0).reshape(np.shape(g)[:-1] + np.shape(x))
    g, front = along_first(g, axis, x)
    # y[k] = before[i] * x[i] * x[i+1] ... x[k]: what follows x[i] is summed by a recurrence from the end, without division.
    return np.moveaxis(np.cumprod(_one_first(front), axis=0) * _sums_from_end(g, front), 0, from_end(axis, np.ndim(x)))


@rule(leading=True, x=_cumprod_x, numpy=np.cumprod, samples=[sample((4,), axis=0), sample((2, 3), axis=1), sample((2, 2))])
def cumprod(x, *, axis=None, dtype=None):
    """The running product along `axis`; its derivative is right at zeros."""
    return np.cumprod(x, axis=axis, dtype=dtype)


def _cumsum_x(g, x_shape, axis):
    if axis is None or not x_shape:
        return _cumsum_x(g, (math.prod(x_shape),), 0).reshape(g.shape[:-1] + x_shape)
    axis = from_end(axis, len(x_shape))
    return np.flip(np.cumsum(np.flip(g, axis), axis=axis), axis)


@rule(
    kind="linear",
    leading=True,
    x=_cumsum_x,
    numpy=np.cumsum,
    samples=[sample((4,), axis=0), sample((2, 3), axis=1), sample((2, 2))],
)
def cumsum(x, *, axis=None, dtype=None):
    """The running sum along `axis`; of the flattened array by default."""
    return np.cumsum(x, axis=axis, dtype=dtype)


# --- extremes --------------------------------------------------------------------------------------------------------------


def shared(g, hit, axis):
    """g in equal parts at the places along the axes that were hit; nothing where none was."""
    ties = hit.sum(axis=axis, keepdims=True)  # of integers: exact where float16 would not be
    return np.where(hit, g / np.maximum(ties, 1), 0)


def extreme_x(g, x, y, axis, keepdims):
    """g at the extreme elements, in equal parts where there are several; nan counts as extreme."""
    x_shape = np.shape(x)
    hit = (x == spread(y, x_shape, axis, keepdims)) | (x != x)
    return shared(spread(g, x_shape, axis, keepdims), hit, reduced_axes(len(x_shape), axis))


def _nanextreme_x(g, x, y, axis, keepdims):
    x_shape = np.shape(x)
    hit = x == spread(y, x_shape, axis, keepdims)
    return shared(spread(g, x_shape, axis, keepdims), hit, reduced_axes(len(x_shape), axis))


@rule(leading=True, x=extreme_x, numpy=(np.max, np.amax), samples=AXES)
def max(x, *, axis=None, keepdims=False):
    """The largest element; ties share the gradient equally."""
    return x.max(axis=axis, keepdims=keepdims)


@rule(leading=True, x=extreme_x, numpy=(np.min, np.amin), samples=AXES)
def min(x, *, axis=None, keepdims=False):
    """The smallest element; ties share the gradient equally."""
    return x.min(axis=axis, keepdims=keepdims)


NANS = [sample((2, 3)), sample(np.array([[0.5, np.nan, 1.0], [np.nan, -1.0, np.nan]]), axis=1, keepdims=True)]


@rule(leading=True, x=_nanextreme_x, drops=True, samples=NANS)
def nanmax(x, *, axis=None, keepdims=False):
    """The largest element that is not nan; ties share the gradient equally, and nan has none."""
    return np.nanmax(x, axis=axis, keepdims=keepdims)


@rule(leading=True, x=_nanextreme_x, drops=True, samples=NANS)
def nanmin(x, *, axis=None, keepdims=False):
    """The smallest element that is not nan; ties share the gradient equally, and nan has none."""
    return np.nanmin(x, axis=axis, keepdims=keepdims)


def _running_x(g, x, y, axis):
    """Each cotangent goes to the elements so far that are equal to the extreme, in equal parts; nan counts as extreme."""
    if axis is None:
        return _running_x(g, x.reshape(-1), y, 0).reshape(np.shape(g)[:-1] + np.shape(x))
    axis = from_end(axis, np.ndim(x))
    g, x, y = along_first(g, axis, x, y)
    hit = (x == y) | (x != x)
    unchanged = (y[1:] == y[:-1]) | ((y[1:] != y[1:]) & (y[:-1] != y[:-1]))
    goes_on = np.concatenate([np.zeros_like(hit[:1]), unchanged])  # the extreme that was there before
    ties = linear_recurrence(goes_on, hit.astype(int))
    return np.moveaxis(np.where(hit, _sums_from_end(g / ties, goes_on), 0), 0, axis)


@rule(leading=True, x=_running_x, samples=[sample((4,), axis=0), sample((2, 3), axis=1), sample((2, 2))])
def cummax(x, *, axis=None):
    """The largest element so far along `axis`; of the flattened array by default. Ties share the gradient equally."""
    return np.maximum.accumulate(x.reshape(-1) if axis is None else x, axis=axis or 0)


@rule(leading=True, x=_running_x, samples=[sample((4,), axis=0), sample((2, 3), axis=1), sample((2, 2))])
def cummin(x, *, axis=None):
    """The smallest element so far along `axis`; of the flattened array by default. Ties share the gradient equally."""
    return np.minimum.accumulate(x.reshape(-1) if axis is None else x, axis=axis or 0)


@rule(numpy=np.argmax, samples=[sample((2, 3)), sample((2, 3), axis=1)])
def argmax(x, *, axis=None, keepdims=False):
    """The index of the largest element, the first of several."""
    return np.argmax(x, axis=axis, keepdims=keepdims)


@rule(numpy=np.argmin, samples=[sample((2, 3)), sample((2, 3), axis=1)])
def argmin(x, *, axis=None, keepdims=False):
    """The index of the smallest element, the first of several."""
    return np.argmin(x, axis=axis, keepdims=keepdims)


@rule(numpy=np.any, samples=[sample((2, 3)), sample((2, 3), axis=1)])
def any(x, *, axis=None, keepdims=False):
    """Whether at least one element is true."""
    return x.any(axis=axis, keepdims=keepdims)


@rule(numpy=np.all, samples=[sample((2, 3)), sample((2, 3), axis=1)])
def all(x, *, axis=None, keepdims=False):
    """Whether every element is true."""
    return x.all(axis=axis, keepdims=keepdims)


# --- statistics ------------------------------------------------------------------------------------------------------------


def _centred(x, axis):
    return x - x.mean(axis=reduced_axes(np.ndim(x), axis), keepdims=True)


def _var_x(g, x, axis, ddof, keepdims):
    x_shape = np.shape(x)
    return spread(g, x_shape, axis, keepdims) * (2 * np.conj(_centred(x, axis))) * share(count(x_shape, axis) - ddof)


@rule(leading=True, x=_var_x, numpy=np.var, samples=[*AXES, sample((4, 2), axis=0, ddof=1)])
def var(x, *, axis=None, dtype=None, ddof=0, keepdims=False):
    """The variance: the mean square distance from the mean, with n - ddof for n."""
    return np.var(x, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims)


def _std_x(g, x, y, axis, ddof, keepdims):
    x_shape = np.shape(x)
    flat = y == 0  # all equal: the tip of a cone, where the slope of least norm is zero
    scale = spread(np.where(flat, 0, g / np.where(flat, 1, y)), x_shape, axis, keepdims)
    return scale * np.conj(_centred(x, axis)) * share(count(x_shape, axis) - ddof)


@rule(leading=True, x=_std_x, numpy=np.std, samples=[*AXES, sample((4, 2), axis=0, ddof=1)])
def std(x, *, axis=None, dtype=None, ddof=0, keepdims=False):
    """The standard deviation, the root of the variance."""
    return np.std(x, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims)


def _logsumexp_x(g, x, y, axis, keepdims):
    x_shape = np.shape(x)
    return spread(g, x_shape, axis, keepdims) * np.exp(x - spread(y, x_shape, axis, keepdims))


@rule(leading=True, x=_logsumexp_x, samples=AXES)
def logsumexp(x, *, axis=None, keepdims=False):
    """log(sum(exp(x))), without overflow."""
    x = x if x.dtype.kind in "fc" else x.astype(float)
    peak = x.max(axis=reduced_axes(x.ndim, axis), keepdims=True, initial=-np.inf)
    peak = np.where(np.isfinite(peak), peak, np.zeros_like(peak))
    with np.errstate(divide="ignore"):  # nothing but -inf: the logarithm of 0 is meant
        y = np.log(np.exp(x - peak).sum(axis=axis, keepdims=keepdims))
    return y + peak.reshape(np.shape(y))
