"""Reading and writing by index, in every way that NumPy allows. Stands on `rule` alone.

An index is split in two: `key`, a plain template that stands on the node as an attribute, and the index arrays, which are
inputs like any other, so that a recorded Program can be run with other ones.
"""

from typing import Any

import numpy as np

from ..errors import DtypeError
from ..rule import rule, sample
from ..tensor import Tensor, is_array

HERE = "array"  # in a key: the place of the next index array


def split_key(key):
    """A user's index as (key, arrays)."""
    if type(key) is int:
        return (key,), ()
    template: list[Any] = []
    arrays = []
    for entry in key if isinstance(key, tuple) else (key,):
        if isinstance(entry, (list, tuple, Tensor)) or _is_index_array(entry):
            array = np.asarray(entry) if isinstance(entry, (list, tuple)) else entry
            if isinstance(entry, (list, tuple)) and not array.size:
                array = array.astype(int)
            if array.dtype.kind not in "iub":
                raise DtypeError(f"an index of {array.dtype}: use integers, or booleans of the shape of what is indexed")
            template.append(HERE)
            arrays.append(array)
        elif isinstance(entry, slice):
            template.append(slice(*(None if n is None else n.__index__() for n in (entry.start, entry.stop, entry.step))))
        elif entry is None or entry is Ellipsis or isinstance(entry, (bool, np.bool_)):
            template.append(entry)
        elif hasattr(entry, "__index__"):
            template.append(entry.__index__())
        else:
            raise DtypeError(f"an index of type {type(entry).__name__}: use integers, slices, None, ... or arrays of integers")
    return tuple(template), arrays


def _is_index_array(entry):
    """Whether it is an array with axes, or one of a single boolean, which adds an axis where an integer takes one away."""
    return is_array(entry) and not isinstance(entry, np.generic) and bool(entry.ndim or entry.dtype.kind == "b")


def join_key(key, arrays):
    """The index that NumPy understands."""
    arrays = iter(arrays)
    return tuple(next(arrays) if entry is HERE else entry for entry in key)


def _getitem_x(g, x_shape, y_shape, indices, key):
    lead = g.shape[: g.ndim - len(y_shape)]
    if lead and _goes_in_front(key):
        return np.stack([scatter(row, *indices, key=key, shape=x_shape) for row in g])
    return scatter(g, *indices, key=(slice(None),) * len(lead) + key, shape=lead + x_shape)


def _goes_in_front(key):
    """Whether NumPy puts the axes of the index arrays first, because they do not stand side by side in the key."""
    if HERE not in key:
        return False
    places = [i for i, entry in enumerate(key) if not (entry is None or entry is Ellipsis or isinstance(entry, slice))]
    return places[-1] - places[0] >= len(places)


def _scatter_g(g, indices, key, shape):
    lead = g.ndim - len(shape)
    if lead and _goes_in_front(key):
        return np.stack([getitem(row, *indices, key=key) for row in g])
    return getitem(g, *indices, key=(slice(None),) * lead + key)


@rule(
    kind="multilinear",
    leading=True,
    x=_getitem_x,
    view=True,
    drops=True,
    samples=[
        sample((4, 3), key=(1,)),
        sample((4, 3), key=(slice(None, None, -2), None, Ellipsis)),
        sample((4, 3), np.array([0, 0, 3]), key=(HERE,)),
        sample((4, 3), np.array([[True, False, True]] * 4), key=(HERE,)),
        sample((4, 3), np.array([1, -1]), np.array([0, 2]), key=(HERE, HERE)),
        sample((4, 3, 2), np.array([1, 1]), key=(slice(1, 3), HERE, 0)),
        sample((4, 3, 2), np.array([1, 1]), key=(0, slice(None), HERE)),
        sample((4, 3, 2), np.array([1, 1]), key=(Ellipsis, HERE, None)),
    ],
)
def getitem(x, *indices, key):
    """x[index]"""
    return x[join_key(key, indices)]


@rule(
    kind="multilinear",
    leading=True,
    g_in=_scatter_g,
    samples=[
        sample((3,), key=(slice(1, 4), 2), shape=(4, 3)),
        sample((3, 2), np.array([0, 0, 3]), key=(HERE,), shape=(4, 2)),
    ],
)
def scatter(g_in, *indices, key, shape):
    """Zeros of a shape, to which the values are added at an index, as often as it names a place: the transpose of x[index]."""
    g_in = np.asarray(g_in) if isinstance(g_in, np.generic) else g_in
    out = np.zeros(shape, g_in.dtype, like=g_in)
    where = join_key(key, indices)
    if all(index.dtype.kind == "b" for index in indices):  # names no place twice
        out[where] = g_in
    else:
        np.add.at(out, where, g_in)
    return out


def _assigned_value(g, value_shape, indices, key):
    taken = getitem(g, *indices, key=key)
    if any(index.dtype.kind != "b" for index in indices):
        # A place that is named twice holds what was written last, so only that writing has a gradient.
        order = np.arange(taken.size, like=g).reshape(taken.shape)
        last = assign(np.full(np.shape(g), -1, like=g), order, *indices, key=key)
        taken = taken * (getitem(last, *indices, key=key) == order)
    return taken.reshape((1,) * (len(value_shape) - taken.ndim) + taken.shape)  # a value may have more axes of length 1


@rule(
    x=lambda g, indices, key: assign(g, 0.0, *indices, key=key),
    value=_assigned_value,
    drops=True,
    samples=[
        sample((4, 3), (3,), key=(1,)),
        sample((4, 3), (), key=(slice(None), 1)),
        sample((4, 3), (1, 1, 4, 1), key=(Ellipsis,)),
        sample((4, 3), (3, 3), np.array([0, 0, 3]), key=(HERE,)),
        sample((4, 3), (2,), np.array([[True, False, True]] + [[False] * 3] * 3), key=(HERE,)),
    ],
)
def assign(x, value, *indices, key):
    """x with the value written at an index, in memory of its own."""
    out = np.array(x) if isinstance(x, np.generic) else x.copy()
    out[join_key(key, indices)] = value
    return out


@rule(numpy=np.nonzero, samples=[sample((2, 3))])
def nonzero(x):
    """The indices of the elements that are not zero: a tuple with an array for each axis."""
    return np.nonzero(x)


@rule(numpy=np.argsort, samples=[sample((4,)), sample((2, 3), axis=0)])
def argsort(x, *, axis=-1):
    """The indices that would sort along an axis; equal elements keep their order."""
    if x.dtype == np.float64 and x.size > 10_000:  # in half the time; without equal elements, there is one order alone
        order = np.argsort(x, axis=axis)
        ordered = np.moveaxis(np.take_along_axis(x, order, axis), axis, -1)
        if (ordered[..., 1:] > ordered[..., :-1]).all():
            return order
    return np.argsort(x, axis=axis, stable=True)


@rule(numpy=np.count_nonzero, samples=[sample((2, 3))])
def count_nonzero(x, *, axis=None, keepdims=False):
    """How many elements are not zero."""
    return np.count_nonzero(x, axis=axis, keepdims=keepdims)
