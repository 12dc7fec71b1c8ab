"""Order statistics, moments, the functions that skip nan, and NumPy's reductions with all that these accept.

A quantile is made of order statistics, whose ties share the gradient equally, as those of max and min do; what skips nan is
a reduction over the elements that are not nan. Stands on sorting and reductions.
"""

import math
import warnings

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..errors import DtypeError, NoRuleError, ShapeError
from ..graph import unchanged
from ..rule import Domain, positives, rule, sample
from ..tensor import NUMBERS, Tensor, implementations, is_array
from . import contraction, indexing, movement, reduction, spellings
from .sorting import refuse_out
from .spellings import as_array

# --- axes and options ------------------------------------------------------------------------------------------------------


def axes_of(x, axis):
    """The axes that `axis` means, not negative; an error for one that x does not have."""
    return tuple(range(x.ndim)) if axis is None else normalize_axis_tuple(axis, x.ndim)


def lanes(x, axis):
    """x with the axes that are reduced in front, as one."""
    if axis is None:
        return movement.ravel(x)
    axes = axes_of(x, axis)
    rest = tuple(i for i in range(x.ndim) if i not in axes)
    moved = movement.transpose(x, axes=axes + rest)
    return movement.reshape(moved, shape=(math.prod(x.shape[i] for i in axes), *(x.shape[i] for i in rest)))


def reduced_shape(x, axis, keepdims):
    """The shape of a reduction of x."""
    axes = axes_of(x, axis)
    return tuple(1 if i in axes else n for i, n in enumerate(x.shape) if keepdims or i not in axes)


def given(value):
    """Whether an option was given: NumPy has a value of its own for those that were not."""
    return value is not None and value is not np._NoValue


def kept_elements(where, x):
    """The mask of a reduction in the shape of x."""
    return movement.broadcast_to(as_array(where), shape=as_array(x).shape)


def is_exact(x):
    """Whether x is of integers or booleans."""
    return as_array(x).dtype.kind in "biu"


@rule(samples=[sample(np.array([2, 3]), empty="nothing"), sample(np.array([1.5]), empty="nothing")])
def divisor(n, *, empty):
    """How many elements a mean is taken of; nan, with NumPy's warning, where there are none."""
    if np.any(n <= 0):
        warnings.warn(empty, RuntimeWarning, stacklevel=2)
    return np.where(n > 0, n, np.nan)


EMPTY_MEAN, EMPTY_VARIANCE = "Mean of empty slice", "Degrees of freedom <= 0 for slice"


def _divided(total, n, empty):
    """A total by a count, in the dtype of the total."""
    return spellings.astype(total / divisor(n, empty=empty), as_array(total).dtype, copy=False)


# --- NumPy's reductions ----------------------------------------------------------------------------------------------------


def sum(a, axis=None, dtype=None, out=None, keepdims=False, initial=None, where=True):
    """The sum of the elements, of those alone where the mask holds, and of an initial value.

    >>> from autograd import Tensor
    >>> import numpy as np
    >>> np.sum(Tensor([1.0, 2.0, 3.0]), where=[True, False, True], initial=10.0)
    Tensor(14.0, op=add)
    """
    return _total(reduction.sum, 0, np.add, a, axis, dtype, out, keepdims, initial, where)


def prod(a, axis=None, dtype=None, out=None, keepdims=False, initial=None, where=True):
    """The product of the elements, of those alone where the mask holds, and of an initial value."""
    return _total(reduction.prod, 1, np.multiply, a, axis, dtype, out, keepdims, initial, where)


def _total(op, neutral, join, a, axis, dtype, out, keepdims, initial, where):
    refuse_out(op.__name__, out)
    if given(where) and where is not True:
        a = np.where(kept_elements(where, a), a, neutral)
    y = op(a, axis=axis, dtype=dtype, keepdims=_flag(keepdims))
    return join(y, _initial(initial, as_array(y).dtype)) if given(initial) else y


def _initial(value, dtype):
    """The value in the dtype of a result; a Python number beside floats has it."""
    number = type(value) in NUMBERS and dtype.kind in "fc"
    return value if number else spellings.astype(as_array(value), dtype, copy=False)


def _flag(keepdims):
    return given(keepdims) and bool(keepdims)


def max(a, axis=None, out=None, keepdims=False, initial=None, where=True):
    """The largest of the elements, of those alone where the mask holds, and of an initial value. Ties share the gradient
    equally, and the initial value has its share.

    >>> from autograd import Tensor
    >>> import numpy as np
    >>> np.max(Tensor([1.0, 2.0]), initial=3.0).item()
    3.0
    """
    return _extreme(reduction.max, a, axis, out, keepdims, initial, where)


def min(a, axis=None, out=None, keepdims=False, initial=None, where=True):
    """The smallest of the elements, of those alone where the mask holds, and of an initial value: see `max`."""
    return _extreme(reduction.min, a, axis, out, keepdims, initial, where)


def _extreme(op, a, axis, out, keepdims, initial, where):
    refuse_out(op.__name__, out)
    masked, keepdims = given(where) and where is not True, _flag(keepdims)
    if not given(initial):
        if masked:
            raise ShapeError(f"{op.__name__}: with where=, give initial= as well, for where the mask leaves nothing")
        return op(a, axis=axis, keepdims=keepdims)
    a = as_array(a)
    if masked:
        a = np.where(kept_elements(where, a), a, _least_of_all(op, a.dtype))
    front = lanes(a, axis)
    first = movement.broadcast_to(spellings.astype(as_array(initial), a.dtype), shape=(1, *front.shape[1:]))
    y = op(spellings.concatenate([first, front]), axis=0)
    return movement.reshape(y, shape=reduced_shape(a, axis, keepdims))


def _least_of_all(op, dtype):
    """What no element is worse than, for max or for min."""
    if dtype.kind in "fc":
        return -math.inf if op is reduction.max else math.inf
    if dtype.kind == "b":
        return op is reduction.min
    return int(np.iinfo(dtype).min if op is reduction.max else np.iinfo(dtype).max)


def any(a, axis=None, out=None, keepdims=False, *, where=True):
    """Whether at least one element is true, of those where the mask holds."""
    refuse_out("any", out)
    a = a if where is True or not given(where) else np.logical_and(a, kept_elements(where, a))
    return reduction.any(a, axis=axis, keepdims=_flag(keepdims))


def all(a, axis=None, out=None, keepdims=False, *, where=True):
    """Whether every element is true, of those where the mask holds."""
    refuse_out("all", out)
    a = a if where is True or not given(where) else np.logical_or(a, np.logical_not(kept_elements(where, a)))
    return reduction.all(a, axis=axis, keepdims=_flag(keepdims))


def mean(a, axis=None, dtype=None, out=None, keepdims=False, *, where=True):
    """The arithmetic mean of the elements, of those alone where the mask holds.

    >>> from autograd import Tensor
    >>> import numpy as np
    >>> np.mean(Tensor([1.0, 2.0, 3.0]), where=[True, False, True]).item()
    2.0
    """
    refuse_out("mean", out)
    if where is True or not given(where):
        return reduction.mean(a, axis=axis, dtype=dtype, keepdims=_flag(keepdims))
    a = as_array(a)
    wide = np.dtype(dtype or (np.float64 if is_exact(a) else a.dtype))
    total = sum(a, axis, np.float32 if wide == np.float16 else wide, None, keepdims, where=where)
    return spellings.astype(_divided(total, _count(a, axis, keepdims, where), EMPTY_MEAN), wide, copy=False)


def _count(a, axis, keepdims, where):
    """How many elements there are, where the mask holds."""
    if where is True or not given(where):
        return math.prod(a.shape[i] for i in axes_of(a, axis))
    return indexing.count_nonzero(kept_elements(where, a), axis=axis, keepdims=_flag(keepdims))


def var(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, where=True, mean=None, correction=None):
    """The mean square distance from the mean, with n - ddof for n (`correction` is another name for ddof), of the elements
    where the mask holds. A `mean` that is given, with the reduced axes kept, is an input like any other.

    >>> from autograd import Tensor
    >>> import numpy as np
    >>> np.var(Tensor([1.0, 2.0, 3.0]), correction=1).item()
    1.0
    """
    refuse_out("var", out)
    ddof = _ddof("var", ddof, correction)
    if not given(mean) and (where is True or not given(where)):
        return reduction.var(a, axis=axis, dtype=dtype, ddof=ddof, keepdims=_flag(keepdims))
    a = as_array(a)
    centre = mean if given(mean) else _mean(a, axis, dtype, None, True, where=where)
    distance = a - centre
    square = np.real(np.conj(distance) * distance) if np.iscomplexobj(distance) else distance * distance
    return _divided(
        sum(square, axis, dtype, None, keepdims, where=where), _count(a, axis, keepdims, where) - ddof, EMPTY_VARIANCE
    )


_mean = mean


def _ddof(name, ddof, correction):
    if not given(correction):
        return ddof
    if ddof != 0:
        raise ShapeError(f"{name}: ddof and correction are two names for one thing, give one of them")
    return correction


def std(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, where=True, mean=None, correction=None):
    """The standard deviation, the root of the variance: see `var`."""
    refuse_out("std", out)
    ddof = _ddof("std", ddof, correction)
    if not given(mean) and (where is True or not given(where)):
        return reduction.std(a, axis=axis, dtype=dtype, ddof=ddof, keepdims=_flag(keepdims))
    return np.sqrt(var(a, axis, dtype, None, ddof, keepdims, where=where, mean=mean))


def ptp(a, axis=None, out=None, keepdims=False):
    """From peak to peak: the largest element less the smallest.

    >>> from autograd import Tensor
    >>> ptp(Tensor([1.0, 4.0, 2.0])).item()
    3.0
    """
    refuse_out("ptp", out)
    keepdims = _flag(keepdims)
    return reduction.max(a, axis=axis, keepdims=keepdims) - reduction.min(a, axis=axis, keepdims=keepdims)


def _cumulative(op, neutral, x, axis, dtype, out, include_initial):
    refuse_out(op.__name__, out)
    x = as_array(x)
    if axis is None and x.ndim > 1:
        raise ShapeError(f"a running result of an array of shape {x.shape}: say along which axis")
    axis = 0 if axis is None else axis
    y = op(x, axis=axis, dtype=dtype)
    if not include_initial:
        return y
    first = np.full(tuple(1 if i == axis % y.ndim else n for i, n in enumerate(y.shape)), neutral, y.dtype, like=y)
    return spellings.concatenate([first, y], axis=axis)


def cumulative_sum(x, /, *, axis=None, dtype=None, out=None, include_initial=False):
    """The running sum along an axis, which an array with several axes needs; with a zero in front if asked for.

    >>> from autograd import Tensor
    >>> cumulative_sum(Tensor([1.0, 2.0]), include_initial=True).tolist()
    [0.0, 1.0, 3.0]
    """
    return _cumulative(reduction.cumsum, 0, x, axis, dtype, out, include_initial)


def cumulative_prod(x, /, *, axis=None, dtype=None, out=None, include_initial=False):
    """The running product along an axis, which an array with several axes needs; with a one in front if asked for.

    >>> from autograd import Tensor
    >>> cumulative_prod(Tensor([2.0, 3.0]), include_initial=True).tolist()
    [1.0, 2.0, 6.0]
    """
    return _cumulative(reduction.cumprod, 1, x, axis, dtype, out, include_initial)


def _accumulation(op):
    """The running extreme as a ufunc's own method: along axis 0."""

    def accumulate(array, axis=0, dtype=None, out=None):
        refuse_out(op.__name__, out)
        if dtype is not None:
            raise DtypeError(f"{op.__name__} keeps the dtype: it does not know dtype={dtype!r}")
        return op(array, axis=axis)

    return accumulate


# --- without nan -----------------------------------------------------------------------------------------------------------


def _present(a, where=True):
    """The mask of the elements that are not nan."""
    present = np.logical_not(np.isnan(a))
    return present if where is True or not given(where) else np.logical_and(present, where)


def nansum(a, axis=None, dtype=None, out=None, keepdims=False, initial=None, where=True):
    """The sum of the elements that are not nan; nan has no gradient.

    >>> from autograd import Tensor
    >>> x = Tensor([1.0, float("nan")])
    >>> nansum(x).backward()
    >>> x.grad
    Tensor([1., 0.])
    """
    return sum(a, axis, dtype, out, keepdims, initial, _present(a, where))


def nanprod(a, axis=None, dtype=None, out=None, keepdims=False, initial=None, where=True):
    """The product of the elements that are not nan."""
    return prod(a, axis, dtype, out, keepdims, initial, _present(a, where))


def nanmean(a, axis=None, dtype=None, out=None, keepdims=False, *, where=True):
    """The mean of the elements that are not nan; nan, with a warning, where all are."""
    return mean(a, axis, dtype, out, keepdims, where=_present(a, where))


def nanvar(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, where=True, mean=None, correction=None):
    """The variance of the elements that are not nan: see `var`."""
    present = _present(a, where)
    return var(a, axis, dtype, out, ddof, keepdims, where=present, mean=mean, correction=correction)


def nanstd(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, where=True, mean=None, correction=None):
    """The standard deviation of the elements that are not nan: see `var`."""
    present = _present(a, where)
    return std(a, axis, dtype, out, ddof, keepdims, where=present, mean=mean, correction=correction)


def nanmax(a, axis=None, out=None, keepdims=False, initial=None, where=True):
    """The largest of the elements that are not nan; nan, with a warning, where all are. Ties share the gradient equally.

    >>> from autograd import Tensor
    >>> nanmax(Tensor([1.0, float("nan"), 2.0])).item()
    2.0
    """
    return _nanextreme(reduction.nanmax, reduction.max, a, axis, out, keepdims, initial, where)


def nanmin(a, axis=None, out=None, keepdims=False, initial=None, where=True):
    """The smallest of the elements that are not nan; nan, with a warning, where all are. Ties share the gradient equally."""
    return _nanextreme(reduction.nanmin, reduction.min, a, axis, out, keepdims, initial, where)


def _nanextreme(op, plain, a, axis, out, keepdims, initial, where):
    refuse_out(op.__name__, out)
    if given(initial):
        return _extreme(plain, a, axis, out, keepdims, initial, _present(a, where))
    if given(where) and where is not True:
        raise ShapeError(f"{op.__name__}: with where=, give initial= as well, for where the mask leaves nothing")
    return op(a, axis=axis, keepdims=_flag(keepdims))


def nancumsum(a, axis=None, dtype=None, out=None):
    """The running sum with zero for nan."""
    refuse_out("nancumsum", out)
    return reduction.cumsum(np.where(np.isnan(a), 0, a), axis=axis, dtype=dtype)


def nancumprod(a, axis=None, dtype=None, out=None):
    """The running product with one for nan."""
    refuse_out("nancumprod", out)
    return reduction.cumprod(np.where(np.isnan(a), 1, a), axis=axis, dtype=dtype)


# --- order statistics ------------------------------------------------------------------------------------------------------


def _ranked_x(g, x, y, skip_nan):
    rows = (slice(None),) * (g.ndim - y.ndim)
    total = np.zeros(g.shape[: len(rows)] + np.shape(x), g.dtype, like=g)
    for i in range(len(y)):
        hit = x == y[i : i + 1]
        hit = hit if skip_nan else hit | (x != x)
        total = total + reduction.shared(g[(*rows, slice(i, i + 1))], hit, 0)
    return total


@rule(
    leading=True,
    x=_ranked_x,
    drops=True,
    samples=[
        sample((5,), np.array([1, 2])),
        sample((4, 2), np.array([[0], [3]])),
        sample((4, 2), np.array([[0, 1], [3, 0]]), skip_nan=True),
        sample(np.array([[0.5, np.nan], [1.0, -1.0], [np.nan, 0.2]]), np.array([[0, 0], [1, 0]]), skip_nan=True),
    ],
)
def order_statistics(x, ranks, *, skip_nan=False):
    """The elements along axis 0 that have given ranks: 0 for the smallest. Equal elements share the gradient equally. Where
    there is nan, it is the answer; with `skip_nan` it comes last, and has no gradient."""
    if skip_nan:
        return np.take_along_axis(np.sort(x, axis=0), ranks, 0)
    ordered = np.partition(x, np.append(ranks.reshape(-1), len(x) - 1), axis=0)
    y = np.take_along_axis(ordered, ranks, 0)
    last = ordered[len(x) - 1 :]
    return np.where(last == last, y, last)


@rule(kind="elementwise", q=unchanged, domain=Domain(0.0, 1.0))
def proportion(q):
    """q itself, which must lie between 0 and 1."""
    if not np.all((q >= 0) & (q <= 1)):
        raise ValueError("a quantile lies in the range [0, 1], a percentile in [0, 100]")
    return +q


def _lerp(a, b, t):
    with np.errstate(invalid="ignore"):
        y = np.where(t < 0.5, a + (b - a) * t, b - (b - a) * (1 - t))
    y = np.where((t == 0) | (a == b), a, np.where(t == 1, b, y))  # exact where an infinite distance would make nan
    return y.astype(np.result_type(a, b, t), copy=False)


@rule(kind="elementwise", a=lambda g, t: g * (1 - t), b=lambda g, t: g * t, t=lambda g, a, b: g * (b - a))
def lerp(a, b, t):
    """a + (b - a) * t: from a at t = 0 to b at t = 1 along a line."""
    return _lerp(a, b, t)


# Where the quantile of a continuous method lies between the ranks: alpha and beta of Hyndman and Fan (1996).
CONTINUOUS = {
    "interpolated_inverted_cdf": (0.0, 1.0),
    "hazen": (0.5, 0.5),
    "weibull": (0.0, 0.0),
    "linear": (1.0, 1.0),
    "median_unbiased": (1 / 3, 1 / 3),
    "normal_unbiased": (3 / 8, 3 / 8),
}


def _closest(n, q):
    place = n * q - 1.5
    return np.ceil(place) + ((place == np.floor(place)) & (np.floor(place) % 2 == 0))


# The ranks of the methods that choose one element.
DISCRETE = {
    "lower": lambda n, q: np.floor((n - 1) * q),
    "higher": lambda n, q: np.ceil((n - 1) * q),
    "nearest": lambda n, q: np.round((n - 1) * q),
    "inverted_cdf": lambda n, q: np.ceil(n * q - 1),
    "closest_observation": _closest,
}
METHODS = (*CONTINUOUS, *DISCRETE, "midpoint", "averaged_inverted_cdf")


def _continuous_place(n, q, method):
    if method == "linear":
        return (n - 1) * q
    alpha, beta = CONTINUOUS[method]
    return np.clip(n * q + (alpha + q * (1 - alpha - beta)) - 1, 0, n - 1)


def _neighbours(n, q, method):
    """The ranks below and above a quantile of n elements, and how far it is from the one to the other."""
    if method == "midpoint":
        return np.floor((n - 1) * q), np.ceil((n - 1) * q), 0.5
    if method == "averaged_inverted_cdf":
        place = n * q - 1
        low = np.floor(place)
        return low, low + 1, np.where(place == low, 0.5, 1.0)
    place = _continuous_place(n, q, method)
    low = np.minimum(np.floor(place), (n - 2) * (n > 1))  # at the end from below, so that the slope in q is there, too
    return low, low + 1, place - low


def _ranks(places, n):
    """Whole numbers, inside of the n elements."""
    return spellings.astype(np.clip(places, 0, np.maximum(n - 1, 0)), np.int64)


def _beside(value, x):
    """Ranks and such, which are computed on the host, as an array of the kind that x is made of."""
    raw = x._raw if isinstance(x, Tensor) else x
    at_hand = isinstance(value, Tensor) or not is_array(raw) or isinstance(raw, (np.ndarray, np.generic))
    return value if at_hand else np.asarray(value, like=raw)


def _quantiles(front, n, q, dtype, method, skip_nan):
    """The quantiles of the lanes, along a new first axis like q; `dtype` is that of the way between neighbours."""
    if method in DISCRETE:
        return order_statistics(front, _beside(_ranks(DISCRETE[method](n, q), n), front), skip_nan=skip_nan)
    low, high, t = _neighbours(n, q, method)
    count = q.shape[0]
    ranks = spellings.concatenate([_ranks(low, n), _ranks(high, n)])
    both = order_statistics(front, _beside(ranks, front), skip_nan=skip_nan)
    return lerp(both[:count], both[count:], _beside(spellings.astype(as_array(t), dtype, copy=False), front))


def _quantile(a, q, axis, keepdims, method, weights, skip_nan):
    a = as_array(a)
    weak = type(q._raw if isinstance(q, Tensor) else q) in (int, float)  # as weak as a number is in NumPy's promotion
    q = as_array(q)
    if method == "linear" and q.dtype.kind in "iub":
        method = "lower"  # the ends are elements
    _check_quantile(a, method, weights)
    q = proportion(q if q.dtype.kind == "f" else spellings.astype(q, np.float64))
    front = lanes(a, axis)
    places = movement.reshape(q, shape=(q.size,) + (1,) * (front.ndim - 1))
    if skip_nan and 0 in a.shape:
        return _median(a, axis, keepdims, skip_nan)  # without the axes of q, as in NumPy
    n, places = (_present_count(front), _beside(places, front)) if skip_nan else (front.shape[0], places)
    y = _quantiles(front, n, places, a.dtype if weak and a.dtype.kind == "f" else q.dtype, method, skip_nan)
    return movement.reshape(y, shape=q.shape + reduced_shape(a, axis, _flag(keepdims)))


def _check_quantile(a, method, weights):
    if weights is not None:
        raise NoRuleError("a quantile with weights has no rule: leave them out, or repeat the elements")
    if method not in METHODS:
        raise ShapeError(f"{method!r} is not a method of quantile; these are: {', '.join(METHODS)}")
    if a.dtype.kind == "c" or (a.dtype.kind == "b" and method not in DISCRETE):
        raise DtypeError(f"a quantile of {a.dtype}: it lies between real numbers, in their order")


def _present_count(front):
    """How many elements of each lane are not nan, with a warning where there are none."""
    n = indexing.count_nonzero(_present(front), axis=0, keepdims=True)
    divisor(n, empty="All-NaN slice encountered")
    return n


def quantile(a, q, axis=None, out=None, overwrite_input=False, method="linear", keepdims=False, *, weights=None):
    """The value below which the fraction q of the elements lies, by any of NumPy's methods. Equal elements share the gradient
    equally. Where the method interpolates, q has a gradient as well: at an element the slope to the next one.

    >>> from autograd import Tensor
    >>> x = Tensor([4.0, 1.0, 3.0, 2.0])
    >>> quantile(x, 0.5).backward()
    >>> x.grad
    Tensor([0. , 0. , 0.5, 0.5])
    """
    refuse_out("quantile", out)
    return _quantile(a, q, axis, keepdims, method, weights, skip_nan=False)


def nanquantile(a, q, axis=None, out=None, overwrite_input=False, method="linear", keepdims=False, *, weights=None):
    """The quantile of the elements that are not nan; nan, with a warning, where all are: see `quantile`."""
    refuse_out("nanquantile", out)
    return _quantile(a, q, axis, keepdims, method, weights, skip_nan=True)


def _of_hundred(q):
    """Percent as a fraction, as weak as it came."""
    return q / 100 if isinstance(q, (int, float, Tensor)) else np.asarray(q) / 100


def percentile(a, q, axis=None, out=None, overwrite_input=False, method="linear", keepdims=False, *, weights=None):
    """The quantile for q percent: see `quantile`.

    >>> percentile([1.0, 2.0, 3.0], 50).item()
    2.0
    """
    return quantile(a, _of_hundred(q), axis, out, overwrite_input, method, keepdims, weights=weights)


def nanpercentile(a, q, axis=None, out=None, overwrite_input=False, method="linear", keepdims=False, *, weights=None):
    """The percentile of the elements that are not nan: see `quantile`."""
    return nanquantile(a, _of_hundred(q), axis, out, overwrite_input, method, keepdims, weights=weights)


def median(a, axis=None, out=None, overwrite_input=False, keepdims=False):
    """The middle element, or the mean of the middle two. Equal elements share the gradient equally.

    >>> from autograd import Tensor
    >>> x = Tensor([4.0, 1.0, 3.0, 2.0])
    >>> median(x).backward()
    >>> x.grad
    Tensor([0. , 0. , 0.5, 0.5])
    """
    refuse_out("median", out)
    return _median(as_array(a), axis, keepdims, skip_nan=False)


def nanmedian(a, axis=None, out=None, overwrite_input=False, keepdims=False):
    """The median of the elements that are not nan; nan, with a warning, where all are: see `median`."""
    refuse_out("nanmedian", out)
    return _median(as_array(a), axis, keepdims, skip_nan=True)


def _median(a, axis, keepdims, skip_nan):
    front = lanes(a, axis)
    if front.shape[0] == 0:
        return reduction.mean(a, axis=axis, keepdims=_flag(keepdims))  # nan, and NumPy's warning
    n = _present_count(front) if skip_nan else np.full((1,) * front.ndim, front.shape[0])
    middle = spellings.concatenate([_ranks((n - 1) // 2, n), _ranks(n // 2, n)])
    y = reduction.mean(order_statistics(front, _beside(middle, front), skip_nan=skip_nan), axis=0)
    return movement.reshape(y, shape=reduced_shape(a, axis, _flag(keepdims)))


# --- weighted means and covariances ----------------------------------------------------------------------------------------


@rule(kind="elementwise", x=unchanged)
def nonzero_total(x):
    """x itself, the sum of weights, which must not be zero."""
    if np.any(x == 0):
        raise ZeroDivisionError("Weights sum to zero, can't be normalized")
    return +x


def _aligned(weights, a, axis):
    """The weights in a shape that goes with a."""
    weights = as_array(weights)
    if weights.shape == a.shape:
        return weights
    if axis is None:
        raise DtypeError(f"average: weights of shape {weights.shape} for {a.shape}: say along which axis they lie")
    axes = axes_of(a, axis)
    if weights.shape != tuple(a.shape[i] for i in axes):
        raise ShapeError(f"average: weights of shape {weights.shape} do not fit axes {axes} of shape {a.shape}")
    weights = movement.transpose(weights, axes=tuple(sorted(range(len(axes)), key=axes.__getitem__)))
    return movement.reshape(weights, shape=tuple(n if i in axes else 1 for i, n in enumerate(a.shape)))


def average(a, axis=None, weights=None, returned=False, *, keepdims=False):
    """The mean with weights, which have a gradient: sum(a * weights) / sum(weights); then, with `returned`, the sum of the
    weights.

    >>> from autograd import Tensor
    >>> average(Tensor([1.0, 2.0]), weights=[3.0, 1.0]).item()
    1.25
    """
    a, keepdims = as_array(a), _flag(keepdims)
    if weights is None:
        y = reduction.mean(a, axis=axis, keepdims=keepdims)
        total = np.full_like(y, _count(a, axis, keepdims, True))
        return (y, total) if returned else y
    weights = _aligned(weights, a, axis)
    wide = np.result_type(a.dtype, weights.dtype, *([np.float64] if is_exact(a) else []))
    total = nonzero_total(reduction.sum(spellings.astype(weights, wide, copy=False), axis=axis, keepdims=keepdims))
    y = reduction.sum(a * spellings.astype(weights, wide, copy=False), axis=axis, keepdims=keepdims) / total
    return (y, np.broadcast_to(total, y.shape)) if returned else y


def _variables(m, rowvar, dtype):
    """The variables as the rows of a matrix."""
    if np.ndim(m) > 2:
        raise ShapeError(f"cov: an array of shape {np.shape(m)}, where one or two axes are wanted")
    m = spellings.astype(as_array(m), dtype, copy=False)
    if m.ndim < 2:
        return movement.reshape(m, shape=(1, -1))
    return m if rowvar else movement.transpose(m)


@rule(kind="elementwise", x=unchanged, domain=positives)
def not_negative(x, *, whole=False):
    """x itself, weights of observations, which must not be negative, or which must be whole numbers as well."""
    if np.any(x < 0):
        raise ValueError("a weight is negative")
    if whole and np.any(x != np.round(x)):
        raise TypeError("weights that count observations are whole numbers")
    return +x


def _observations(weights, name, count):
    """Weights of observations, as floats."""
    if weights is None:
        return None
    weights = spellings.astype(as_array(weights), np.float64, copy=False)
    if weights.shape != (count,):
        raise ShapeError(f"cov: {name} of shape {weights.shape} for {count} observations")
    return not_negative(weights, whole=name == "fweights")


def cov(m, y=None, rowvar=True, bias=False, ddof=None, fweights=None, aweights=None, *, dtype=None):
    """The covariances of variables, each a row of m and y, or a column with `rowvar=False`: the mean product of the distances
    from the means, with n - 1 for n unless `bias` or `ddof` says otherwise. `fweights` say how often an observation was made,
    `aweights` how much it counts.

    >>> from autograd import Tensor
    >>> cov(Tensor([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]])).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    if ddof is not None and ddof != int(ddof):
        raise ShapeError(f"cov: ddof={ddof!r} is not a whole number")
    parts = [as_array(part) for part in (m, y) if part is not None]
    dtype = dtype or np.result_type(np.float64, *(part.dtype for part in parts))
    x = spellings.concatenate([_variables(part, rowvar, dtype) for part in parts])
    often = _observations(fweights, "fweights", x.shape[1])
    count = _observations(aweights, "aweights", x.shape[1])
    ddof = (0 if bias else 1) if ddof is None else ddof
    weights = count if often is None else often if count is None else often * count
    if weights is None:
        x = x - reduction.mean(x, axis=1, keepdims=True)
        factor, weighted = float(x.shape[1] - ddof), x
    else:
        centre, total = average(x, axis=1, weights=weights, returned=True)
        x = x - movement.expand_dims(centre, axis=1)
        factor, weighted = _freedom(total[:1], weights, count, ddof), x * weights
    product = contraction.matmul(x, np.conj(movement.transpose(weighted)))
    return movement.squeeze(product / freedom(factor))


def _freedom(total, weights, count, ddof):
    """What the sum of weighted products is divided by."""
    if ddof == 0:
        return total
    return total - (ddof if count is None else ddof * reduction.sum(weights * count) / total)


@rule(kind="elementwise", x=lambda g, x: np.where(x > 0, g, 0), domain=positives)
def freedom(x):
    """x itself, the degrees of freedom: zero, with a warning, where they are not positive."""
    if np.any(x <= 0):
        warnings.warn(EMPTY_VARIANCE, RuntimeWarning, stacklevel=2)
    return np.maximum(x, 0)


def corrcoef(x, y=None, rowvar=True, *, dtype=None):
    """The coefficients of correlation of variables: their covariances over the product of their standard deviations.

    >>> from autograd import Tensor
    >>> corrcoef(Tensor([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]])).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    c = cov(x, y, rowvar, dtype=dtype)
    if np.ndim(c) == 0:
        return c / c
    deviation = np.sqrt(np.real(spellings.einsum("ii->i", c)))
    c = c / deviation[:, None] / deviation[None, :]
    if np.iscomplexobj(c):
        return np.clip(np.real(c), -1, 1) + 1j * np.clip(np.imag(c), -1, 1)
    return np.clip(c, -1, 1)


SPELLINGS = [sum, prod, max, min, any, all, mean, var, std, ptp, cumulative_sum, cumulative_prod]
SPELLINGS += [nansum, nanprod, nanmean, nanvar, nanstd, nanmax, nanmin, nancumsum, nancumprod]
SPELLINGS += [median, quantile, percentile, nanmedian, nanquantile, nanpercentile, average, cov, corrcoef]

implementations.update({getattr(np, spelling.__name__): spelling for spelling in SPELLINGS})
implementations.update({np.amax: max, np.amin: min})
implementations[np.maximum, "accumulate"] = _accumulation(reduction.cummax)
implementations[np.minimum, "accumulate"] = _accumulation(reduction.cummin)
