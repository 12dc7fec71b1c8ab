"""Sorting, searching and sets. Stands on `rule` and the ops of indexing and movement.

The order in which elements are taken is an op of its own, without a derivative; given the order, a sorted array is linear in
the elements. So a recorded Program sorts anew whenever it runs. Sorts are stable here: equal elements keep their order.
"""

from typing import Any, NamedTuple

import numpy as np

from ..errors import DtypeError, NoRuleError
from ..graph import unchanged
from ..rule import from_end, rule, sample
from ..tensor import implementations
from . import indexing, movement, reduction, spellings
from .spellings import as_array


def refuse_out(name, out):
    """An error where the result is to be written into an array."""
    if out is not None:
        spellings.refuse(name, out=out)


def flat_if_no_axis(x, axis):
    """x and the axis, or all elements of x in one axis where that is None."""
    return (movement.ravel(as_array(x)), 0) if axis is None else (as_array(x), axis)


# --- sorting ---------------------------------------------------------------------------------------------------------------


ORDERS = [sample((4,), np.array([2, 0, 3, 1]), axis=0), sample((2, 3), np.array([[1, 0, 2], [2, 0, 1]]), axis=-1)]


def _in_order(op, g, order, axis):
    """One of the next two ops on a cotangent, which may have one more axis in front than the order."""
    return op(g, np.broadcast_to(order, np.shape(g)), axis=from_end(axis, np.ndim(order)))


@rule(kind="multilinear", leading=True, x=lambda g, order, axis: _in_order(put_back, g, order, axis), samples=ORDERS)
def rearranged(x, order, *, axis):
    """The elements along an axis in another order, a permutation for each line. (`take_along_axis` may leave some out.)"""
    return np.take_along_axis(x, order, axis)


@rule(kind="multilinear", leading=True, x=lambda g, order, axis: _in_order(rearranged, g, order, axis), samples=ORDERS)
def put_back(x, order, *, axis):
    """The elements along an axis where they were before `rearranged`."""
    y = np.empty_like(x)
    np.put_along_axis(y, order, x, axis)
    return y


def argsort(x, axis=-1, kind=None, order=None, *, stable=None, descending=False):
    """The indices that sort along an axis, or all elements where `axis` is None; equal elements keep their order.

    >>> from autograd import Tensor
    >>> argsort(Tensor([2.0, 1.0, 2.0]), descending=True)
    Tensor([0, 2, 1])
    """
    _refuse_fields("argsort", order)
    x, axis = flat_if_no_axis(x, axis)
    if not descending:
        return indexing.argsort(x, axis=axis)
    backwards = indexing.argsort(movement.flip(x, axis=axis), axis=axis)
    return x.shape[axis] - 1 - movement.flip(backwards, axis=axis)


def _refuse_fields(name, order):
    if order is not None:
        raise DtypeError(f"{name}: order={order!r} names fields of a structured array, and these are plain numbers")


def sort(x, axis=-1, kind=None, order=None, *, stable=None, descending=False):
    """The elements in ascending order along an axis, or all of them where `axis` is None. The gradient goes back to where
    each element was; of equal ones, the first comes first.

    >>> from autograd import Tensor
    >>> sort(Tensor([3.0, 1.0, 2.0])).tolist()
    [1.0, 2.0, 3.0]
    """
    _refuse_fields("sort", order)
    x, axis = flat_if_no_axis(x, axis)
    return rearranged(x, argsort(x, axis, descending=descending), axis=axis)


def sort_complex(a):
    """Sorted along the last axis, by the real part first, as complex numbers."""
    ordered = sort(a)
    if np.iscomplexobj(ordered):
        return ordered
    short = ordered.dtype.kind in "iu" and ordered.dtype.itemsize < 4
    return spellings.astype(ordered, np.complex64 if short else np.complex128)


@rule(samples=[sample((5,), kth=2), sample((2, 4), kth=(1, 2)), sample((4, 2), kth=-1, axis=0)])
def partition_indices(x, *, kth, axis=-1):
    """The indices that put the element of rank kth where sorting would put it, smaller ones before, larger ones after."""
    return np.argpartition(x, kth, axis=axis)


def argpartition(a, kth, axis=-1, kind="introselect", order=None):
    """The indices that would partition along an axis, or all elements where `axis` is None: see `partition`."""
    _refuse_fields("argpartition", order)
    a, axis = flat_if_no_axis(a, axis)
    return partition_indices(a, kth=kth, axis=axis)


def partition(a, kth, axis=-1, kind="introselect", order=None):
    """The elements with that of rank kth where sorting would put it, smaller ones before it and larger ones after, in any
    order. The gradient goes back to where each element was.

    >>> from autograd import Tensor
    >>> partition(Tensor([3.0, 1.0, 2.0]), 1)[1].item()
    2.0
    """
    _refuse_fields("partition", order)
    a, axis = flat_if_no_axis(a, axis)
    return rearranged(a, partition_indices(a, kth=kth, axis=axis), axis=axis)


def top_k(x, k, axis=-1, *, largest=True):
    """The k largest elements along an axis, the largest first, and their indices; the smallest with `largest=False`. Of equal
    elements the first comes first.

    >>> from autograd import Tensor
    >>> values, indices = top_k(Tensor([1.0, 3.0, 2.0]), 2)
    >>> values.tolist(), indices.tolist()
    ([3.0, 2.0], [1, 2])
    """
    x, axis = flat_if_no_axis(x, axis)
    axis %= x.ndim
    order = argsort(x, axis, descending=largest)[(slice(None),) * axis + (slice(k),)]
    return spellings.take_along_axis(x, order, axis), order


@rule(samples=[sample((3,), (3,)), sample((2, 3), (2, 3), axis=0)])
def indirect_sort(*keys, axis=-1):
    """The indices that sort by several keys, the last one first of all."""
    return np.lexsort(keys, axis=axis)


def lexsort(keys, axis=-1):
    """The indices that sort by several keys, of which the last counts most; the rows of an array are keys.

    >>> lexsort(([3, 1, 2], [1, 1, 0])).tolist()
    [2, 1, 0]
    """
    return indirect_sort(*keys, axis=axis)


# --- searching -------------------------------------------------------------------------------------------------------------


@rule(samples=[sample(np.array([1.0, 2.0, 4.0]), (2, 3)), sample(np.array([1.0, 2.0, 4.0]), np.array([2.0]), side="right")])
def insertion_points(a, v, *, side="left"):
    """Where the elements of v would be inserted in the sorted a."""
    return np.searchsorted(a, v, side=side)


def searchsorted(a, v, side="left", sorter=None):
    """The indices at which the elements of v would be inserted to keep `a` sorted; `sorter` sorts an `a` that is not.

    >>> searchsorted([1.0, 2.0, 3.0], [2.0, 2.5]).tolist()
    [1, 2]
    """
    return insertion_points(a if sorter is None else spellings.take(as_array(a), sorter), v, side=side)


@rule(numpy=np.digitize, samples=[sample((2, 3), np.array([-1.0, 0.0, 1.0])), sample((3,), np.array([1.0, 0.0]), right=True)])
def digitize(x, bins, *, right=False):
    """The number of the bin that each element falls in: bins[i-1] <= x < bins[i], or bins[i-1] < x <= bins[i] with `right`."""
    return np.digitize(x, bins, right)


@rule(numpy=np.nanargmax, samples=[sample((2, 3)), sample((2, 3), axis=1, keepdims=True)])
def nanargmax(x, *, axis=None, keepdims=False):
    """The index of the largest element that is not nan; an error where all are."""
    return np.nanargmax(x, axis=axis, keepdims=keepdims)


@rule(numpy=np.nanargmin, samples=[sample((2, 3)), sample((2, 3), axis=1, keepdims=True)])
def nanargmin(x, *, axis=None, keepdims=False):
    """The index of the smallest element that is not nan; an error where all are."""
    return np.nanargmin(x, axis=axis, keepdims=keepdims)


@rule(numpy=np.argwhere, samples=[sample((2, 3))])
def argwhere(x):
    """The places of the elements that are not zero: a row of indices for each."""
    return np.argwhere(x)


@rule(numpy=np.flatnonzero, samples=[sample((2, 3))])
def flatnonzero(x):
    """The indices in the flattened array of the elements that are not zero."""
    return np.flatnonzero(x)


def compress(condition, a, axis=None, out=None):
    """The slices along an axis, or the elements, at which the condition holds; what it is too short for is left out.

    >>> from autograd import Tensor
    >>> compress([False, True], Tensor([1.0, 2.0, 3.0])).tolist()
    [2.0]
    """
    refuse_out("compress", out)
    return spellings.take(as_array(a), flatnonzero(condition), axis)


def extract(condition, arr):
    """The elements at which the condition holds, in one axis.

    >>> from autograd import Tensor
    >>> extract([[True, False]], Tensor([[1.0, 2.0]])).tolist()
    [1.0]
    """
    return compress(condition, arr)


# --- counting --------------------------------------------------------------------------------------------------------------


@rule(samples=[sample(np.array([0, 2, 2])), sample(np.array([0, 1]), minlength=4)])
def counts_of(x, *, minlength=0):
    """How often each of the integers 0, 1, 2, ... occurs."""
    return np.bincount(x, minlength=minlength)


@rule(
    kind="multilinear",
    leading=True,
    weights=lambda g, x: g[..., x],
    samples=[sample(np.array([0, 2, 2]), (3,)), sample(np.array([0, 1]), (2,), minlength=4)],
)
def weights_of(x, weights, *, minlength=0):
    """The sum of the weights of each of the integers 0, 1, 2, ..."""
    return np.bincount(x, weights, minlength).astype(weights.dtype)


def bincount(x, /, weights=None, minlength=0):
    """How often each of the integers 0, 1, 2, ... occurs in x, or the sum of its weights, which have a gradient.

    >>> from autograd import Tensor
    >>> bincount([0, 2, 2], Tensor([1.0, 2.0, 3.0])).tolist()
    [1.0, 0.0, 5.0]
    """
    if weights is None:
        return counts_of(x, minlength=minlength)
    return weights_of(x, spellings.astype(as_array(weights), np.float64, copy=False), minlength=minlength)


def _bin_edges_x(g, x, y, range):
    if range is not None or 0 in np.shape(x):
        return np.zeros(g.shape[:-1] + np.shape(x), g.dtype, like=g)
    bins = len(y) - 1
    along = np.arange(bins + 1, like=y) / bins  # the edges lie on the line from the smallest element to the largest
    low, high = (g * (1 - along)).sum(axis=-1), (g * along).sum(axis=-1)
    return reduction.extreme_x(low, x, x.min(), None, False) + reduction.extreme_x(high, x, x.max(), None, False)


@rule(
    leading=True,
    x=_bin_edges_x,
    samples=[sample((5,), bins=3), sample((2, 3), bins="sqrt"), sample((4,), bins=2, range=(0.0, 1.0))],
)
def bin_edges(x, *, bins, range=None):
    """The edges of bins of equal width, from the smallest element to the largest."""
    return np.histogram_bin_edges(x, bins, range)


@rule(x=unchanged, samples=[sample(np.array([-1.0, 0.5, 3.0]))])
def rising(x):
    """x itself, the edges of bins, which must not fall."""
    if np.any(x[:-1] > x[1:]):
        raise ValueError("`bins` must increase monotonically")
    return +x


def histogram_bin_edges(a, bins=10, range=None, weights=None):
    """The edges of the bins that `histogram` counts in. They move with the smallest and the largest element.

    >>> histogram_bin_edges([0.0, 1.0, 2.0], bins=2).tolist()
    [0.0, 1.0, 2.0]
    """
    if np.ndim(bins) == 1:
        return rising(as_array(bins))
    if weights is not None and isinstance(bins, str):
        raise NoRuleError(f"histogram: bins={bins!r} does not know weights; give the number of bins, or their edges")
    return bin_edges(as_array(a), bins=bins, range=range)


def histogram(a, bins=10, range=None, density=None, weights=None):
    """How many elements fall in each bin, or the sum of their weights, and the edges of the bins. Counts are constant as the
    elements move; the weights, and edges that are taken from the elements, have a gradient. `density` divides by the width
    and the total.

    >>> from autograd import Tensor
    >>> counts, edges = histogram(Tensor([0.0, 1.0, 2.0]), bins=2)
    >>> counts.tolist(), edges.tolist()
    ([1, 2], [0.0, 1.0, 2.0])
    """
    edges = histogram_bin_edges(a, bins, range, weights)
    count, x = edges.shape[0] - 1, movement.ravel(as_array(a))
    place = insertion_points(edges, x, side="right") - 1
    place = np.where(x == edges[-1], count - 1, np.where((x < edges[0]) | (x > edges[-1]) | (x != x), count, place))
    weights = None if weights is None else movement.ravel(as_array(weights))
    totals = bincount(place, weights, count + 1)[:count]  # the last one collects what is in no bin
    if density:
        totals = totals / (edges[1:] - edges[:-1]) / totals.sum()
    return totals, edges


# --- sets ------------------------------------------------------------------------------------------------------------------


@rule(samples=[sample(np.array([2.0, 1.0, 2.0])), sample(np.array([[1, 0], [1, 0]]), axis=0), sample(np.array([np.nan] * 2))])
def distinct_places(x, *, axis=None, equal_nan=True):
    """Of the distinct elements, or slices along an axis, in ascending order: where each occurs first, which of them each
    element is, and how often each occurs."""
    return np.unique(x, True, True, True, axis, equal_nan=equal_nan)[1:]


def _distinct_x(g, y_shape, inverse, counts):
    counts = counts.reshape((-1,) + (1,) * (len(y_shape) - 1))
    return (g / counts)[(slice(None),) * (g.ndim - len(y_shape)) + (inverse,)]


@rule(
    leading=True,
    x=_distinct_x,
    samples=[
        sample((3,), np.array([2, 0, 1]), np.array([1, 2, 0]), np.array([1, 1, 1])),
        sample((3, 2), np.array([1, 0, 2]), np.array([1, 0, 2]), np.array([1, 1, 1])),
    ],
)
def distinct(x, index, inverse, counts):
    """The distinct slices along axis 0, given their places; equal ones share the gradient equally."""
    return x[index]


def unique(
    ar,
    return_index=False,
    return_inverse=False,
    return_counts=False,
    axis=None,
    *,
    equal_nan=True,
    sorted=True,
):
    """The distinct elements, or slices along an axis, in ascending order; then, if asked for, where each occurs first, which
    of them each element is, and how often each occurs. Equal elements share the gradient equally.

    >>> from autograd import Tensor
    >>> x = Tensor([2.0, 1.0, 2.0])
    >>> unique(x)[1].backward()
    >>> x.grad
    Tensor([0.5, 0. , 0.5])
    """
    x = as_array(ar)
    index, inverse, counts = distinct_places(x, axis=axis, equal_nan=equal_nan)
    front = movement.ravel(x) if axis is None else movement.moveaxis(x, source=axis, destination=0)
    values = distinct(front, index, movement.ravel(inverse), counts)
    values = values if axis is None else movement.moveaxis(values, source=0, destination=axis)
    asked = zip((return_index, return_inverse, return_counts), (index, inverse, counts), strict=True)
    extra = [part for wanted, part in asked if wanted]
    return (values, *extra) if extra else values


class UniqueAllResult(NamedTuple):
    """What `unique_all` returns."""

    values: Any
    indices: Any
    inverse_indices: Any
    counts: Any


class UniqueCountsResult(NamedTuple):
    """What `unique_counts` returns."""

    values: Any
    counts: Any


class UniqueInverseResult(NamedTuple):
    """What `unique_inverse` returns."""

    values: Any
    inverse_indices: Any


def unique_all(x):
    """The distinct elements, where each occurs first, which of them each element is, and how often each occurs. Every nan
    counts as distinct."""
    return UniqueAllResult(*unique(x, True, True, True, equal_nan=False))


def unique_counts(x):
    """The distinct elements, and how often each occurs. Every nan counts as distinct."""
    return UniqueCountsResult(*unique(x, return_counts=True, equal_nan=False))


def unique_inverse(x):
    """The distinct elements, and which of them each element is. Every nan counts as distinct."""
    return UniqueInverseResult(*unique(x, return_inverse=True, equal_nan=False))


def unique_values(x):
    """The distinct elements. Every nan counts as distinct."""
    return unique(x, equal_nan=False)


@rule(samples=[sample((2, 3), (2,)), sample(np.array([1, 2]), np.array([2]), invert=True)])
def contained(element, test, *, invert=False):
    """Whether each element is among the others, or is not."""
    return np.isin(element, test, invert=invert)


def isin(element, test_elements, assume_unique=False, invert=False, *, kind=None):
    """Whether each element is among the test elements, or is not where `invert` is true.

    >>> isin([1, 2], [2, 3]).tolist()
    [False, True]
    """
    return contained(element, test_elements, invert=invert)


def union1d(ar1, ar2):
    """The distinct elements of both arrays together, in ascending order.

    >>> union1d([2.0, 1.0], [2.0]).tolist()
    [1.0, 2.0]
    """
    return unique(spellings.concatenate([as_array(ar1), as_array(ar2)], axis=None))


def _members(ar, assume_unique):
    return movement.ravel(as_array(ar)) if assume_unique else unique(ar)


def _of_both(ar1, ar2, assume_unique):
    """The distinct elements of two sets, how many of the two have each, and where it is first in one after the other."""
    joined = spellings.concatenate([_members(ar1, assume_unique), _members(ar2, assume_unique)])
    return unique(joined, return_counts=True, return_index=True, equal_nan=False)


def intersect1d(ar1, ar2, assume_unique=False, return_indices=False):
    """The elements that both arrays have, in ascending order; then, if asked for, where each occurs first in either.

    >>> intersect1d([3.0, 1.0], [3.0, 2.0]).tolist()
    [3.0]
    """
    values, _, counts = _of_both(ar1, ar2, assume_unique)
    values = values[counts == 2]
    if not return_indices:
        return values
    return (values, *(_first_places(ar, values) for ar in (ar1, ar2)))


def _first_places(ar, values):
    """Where each of some elements of an array occurs first in it."""
    members, index = unique(ar, return_index=True)
    return index[insertion_points(members, values)]


def setdiff1d(ar1, ar2, assume_unique=False):
    """The elements of the first array that the second does not have.

    >>> setdiff1d([3.0, 1.0], [3.0, 2.0]).tolist()
    [1.0]
    """
    members = _members(ar1, assume_unique)
    return members[isin(members, as_array(ar2), invert=True)]


def setxor1d(ar1, ar2, assume_unique=False):
    """The elements that only one of two arrays has, in ascending order.

    >>> setxor1d([3.0, 1.0], [3.0, 2.0]).tolist()
    [1.0, 2.0]
    """
    values, _, counts = _of_both(ar1, ar2, assume_unique)
    return values[counts == 1]


SPELLINGS = [argsort, sort, sort_complex, argpartition, partition, lexsort, searchsorted, compress, extract]
SPELLINGS += [bincount, histogram_bin_edges, histogram, unique, unique_all, unique_counts, unique_inverse, unique_values]
SPELLINGS += [isin, union1d, intersect1d, setdiff1d, setxor1d]

implementations.update({getattr(np, spelling.__name__): spelling for spelling in SPELLINGS})
