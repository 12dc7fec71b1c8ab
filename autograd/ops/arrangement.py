"""What NumPy builds of other movements: diagonals, triangles, stacks, pieces, differences, grids.

Two rules (a diagonal taken and a diagonal placed are each other's transpose; so is a triangle its own), and composites of
movement, indexing and the spellings. Each returns plain values for plain values.
"""

import math
import operator

import numpy as np

from ..errors import DtypeError, ShapeError
from ..rule import rule, sample
from ..tensor import Tensor, implementations
from ..tree import leaves
from . import creation, elementwise, indexing, movement
from . import numbers as numbers
from .spellings import as_array, astype, axis_of, concatenate, getitem, known, refuse, split, stack, take, where

MISSING = object()  # an argument that was not given


# --- diagonals and triangles -----------------------------------------------------------------------------------------------


def _diagonal_x(g, x_shape, offset, axis1, axis2):
    lengths = (x_shape[axis1], x_shape[axis2])
    return place_diagonal(g, offset=offset, axis1=axis1, axis2=axis2, lengths=lengths)


@rule(
    kind="linear",
    x=_diagonal_x,
    numpy=np.diagonal,
    view=True,
    drops=True,
    samples=[
        sample((3, 3)),
        sample((2, 4), offset=1),
        sample((4, 2), offset=-2),
        sample((2, 3, 4), offset=-1, axis1=2, axis2=0),
        sample((2, 3, 3), axis1=-1, axis2=-2),
    ],
)
def diagonal(x, *, offset=0, axis1=0, axis2=1):
    """The elements x[i, i + offset] of two axes, along a new last axis."""
    return np.diagonal(x, offset, axis1, axis2)


@rule(
    kind="linear",
    x=lambda g, offset, axis1, axis2: np.diagonal(g, offset, axis1, axis2),
    samples=[
        sample((3,), lengths=(3, 3)),
        sample((2,), offset=1, lengths=(2, 4)),
        sample((5, 2), offset=-1, axis1=2, axis2=0, lengths=(3, 2)),
    ],
)
def place_diagonal(x, *, offset=0, axis1=0, axis2=1, lengths):
    """Zeros with the last axis of x on the diagonal of two axes of the given lengths: the transpose of diagonal."""
    x = np.asarray(x) if isinstance(x, np.generic) else x
    out = np.zeros((*x.shape[:-1], *lengths), x.dtype, like=x)
    i = np.arange(x.shape[-1])
    out[..., i + max(-offset, 0), i + max(offset, 0)] = x
    return np.moveaxis(out, (-2, -1), (axis1, axis2))


def make_diagonal(x, offset=0, axis1=-2, axis2=-1):
    """Square matrices of zeros with the last axis of x on a diagonal; the two axes stand at axis1 and axis2.

    >>> from autograd import Tensor
    >>> make_diagonal(Tensor([1.0, 2.0]))
    Tensor([[1., 0.],
            [0., 2.]], op=place_diagonal)
    """
    n = np.shape(x)[-1] + abs(offset)
    return place_diagonal(as_array(x), offset=offset, axis1=axis1, axis2=axis2, lengths=(n, n))


def diag(v, k=0):
    """The k-th diagonal of a matrix, or a matrix of zeros with the vector v on it.

    >>> from autograd import Tensor
    >>> diag(Tensor([[1.0, 2.0], [3.0, 4.0]]))
    Tensor([1., 4.], op=diagonal)
    """
    if np.ndim(v) == 1:
        return make_diagonal(v, offset=k)
    if np.ndim(v) != 2:
        raise ShapeError(f"diag takes a vector or a matrix, not an array of shape {np.shape(v)}: diagonal() takes any")
    return diagonal(as_array(v), offset=k)


def diagflat(v, k=0):
    """A matrix of zeros with all elements of v on its k-th diagonal."""
    return make_diagonal(movement.ravel(as_array(v)), offset=k)


TRIANGLES = [sample((3, 3)), sample((2, 3), k=1), sample((2, 3, 2), k=-1), sample((3,), k=0)]


@rule(kind="linear", x=lambda g, k: np.tril(g, k), numpy=np.tril, drops=True, leading=True, samples=TRIANGLES)
def tril(x, *, k=0):
    """The lower triangle of the last two axes, up to the k-th diagonal; zeros above it."""
    return np.tril(x, k)


@rule(kind="linear", x=lambda g, k: np.triu(g, k), numpy=np.triu, drops=True, leading=True, samples=TRIANGLES)
def triu(x, *, k=0):
    """The upper triangle of the last two axes, from the k-th diagonal on; zeros below it."""
    return np.triu(x, k)


# --- turns -----------------------------------------------------------------------------------------------------------------


def fliplr(x):
    """The order along axis 1 reversed."""
    if np.ndim(x) < 2:
        raise ShapeError("fliplr needs two axes: flip(x, 0) turns a vector around")
    return movement.flip(as_array(x), axis=1)


def flipud(x):
    """The order along axis 0 reversed."""
    if np.ndim(x) < 1:
        raise ShapeError("flipud needs an axis")
    return movement.flip(as_array(x), axis=0)


def rot90(x, k=1, axes=(0, 1)):
    """Turned by k quarters in the plane of two axes, from the first towards the second."""
    x = as_array(x)
    plane = [axis_of(axis, x.ndim) for axis in axes]
    if len(plane) != 2 or plane[0] == plane[1]:
        raise ShapeError(f"rot90 turns in the plane of two different axes, not {tuple(axes)}")
    first, second = plane
    if k % 4 == 2:
        return movement.flip(x, axis=(first, second))
    if k % 4 == 1:
        x = movement.flip(x, axis=second)
    x = movement.swapaxes(x, axis1=first, axis2=second) if k % 2 else movement.copy(x)
    return movement.flip(x, axis=second) if k % 4 == 3 else x


def rollaxis(x, axis, start=0):
    """One axis moved in front of the place `start`; moveaxis says the same more clearly."""
    ndim = np.ndim(x)
    axis = axis_of(axis, ndim)
    start = axis_of(start, ndim) if start != ndim else ndim
    return movement.moveaxis(as_array(x), source=axis, destination=start - 1 if axis < start else start)


def matrix_transpose(x):
    """The last two axes exchanged."""
    if np.ndim(x) < 2:
        raise ShapeError(f"matrix_transpose needs two axes, and shape {np.shape(x)} has {np.ndim(x)}")
    return movement.swapaxes(as_array(x), axis1=-1, axis2=-2)


# --- more axes -------------------------------------------------------------------------------------------------------------


def _at_least(n, places, arrays):
    """What the three functions below share: new axes of length 1, at `places` of the result for each number of axes."""

    def widen(x):
        x = as_array(x)
        return movement.expand_dims(x, axis=places[x.ndim]) if x.ndim < n else x

    widened = tuple(map(widen, arrays))
    return widened[0] if len(widened) == 1 else widened


def atleast_1d(*arrays):
    """A number as an array of one axis; arrays as they are. Of several arguments, a tuple."""
    return _at_least(1, ((0,),), arrays)


def atleast_2d(*arrays):
    """With new axes in front, up to two."""
    return _at_least(2, ((0, 1), (0,)), arrays)


def atleast_3d(*arrays):
    """With new axes up to three: a vector of n becomes (1, n, 1), a matrix (m, n, 1)."""
    return _at_least(3, ((0, 1, 2), (0, 2), (2,)), arrays)


# --- joined ----------------------------------------------------------------------------------------------------------------


def vstack(tup, *, dtype=None, casting="same_kind"):
    """Joined along axis 0, a vector standing for a row."""
    return concatenate([atleast_2d(x) for x in tup], axis=0, dtype=dtype, casting=casting)


def hstack(tup, *, dtype=None, casting="same_kind"):
    """Joined along axis 1; vectors along their only axis."""
    arrays = [atleast_1d(x) for x in tup]
    return concatenate(arrays, axis=0 if arrays and arrays[0].ndim == 1 else 1, dtype=dtype, casting=casting)


def dstack(tup):
    """Joined along axis 2, a matrix standing for a slice."""
    return concatenate([atleast_3d(x) for x in tup], axis=2)


def column_stack(tup):
    """Joined along axis 1, a vector standing for a column."""
    columns = [movement.reshape(as_array(x), shape=(-1, 1)) if np.ndim(x) < 2 else x for x in tup]
    return concatenate(columns, axis=1)


def block(arrays):
    """Nested lists of blocks as one array: the innermost lists along the last axis, the next along the one before it.

    >>> from autograd import Tensor
    >>> block([[Tensor([1.0]), np.array([2.0])], [np.array([3.0, 4.0])]])
    Tensor([[1., 2.],
            [3., 4.]], op=concatenate)
    """
    depths = set(_depths(arrays))
    if len(depths) != 1:
        raise ShapeError(f"block: every list must be as deep as every other; these end at depths {sorted(depths)}")
    (depth,) = depths
    if depth == 0:
        return movement.copy(as_array(arrays))
    ndim = max(depth, max(_ndims(arrays)))
    return _joined(arrays, ndim, ndim - depth)


def _depths(item):
    """How deep in lists each array is."""
    if isinstance(item, tuple):
        raise DtypeError("block takes lists of arrays, and this is a tuple")
    if not isinstance(item, list):
        yield 0
        return
    if not item:
        raise ShapeError("block: a list without an array in it")
    for part in item:
        for depth in _depths(part):
            yield depth + 1


def _ndims(item):
    return [n for part in item for n in _ndims(part)] if isinstance(item, list) else [np.ndim(item)]


def _joined(item, ndim, axis):
    if isinstance(item, list):
        return concatenate([_joined(part, ndim, axis + 1) for part in item], axis=axis)
    return movement.reshape(as_array(item), shape=(1,) * (ndim - np.ndim(item)) + np.shape(item))


def append(arr, values, axis=None):
    """With values after the end of an axis; without an axis, of the flattened array."""
    return concatenate([arr, values], axis=axis)


def insert(arr, obj, values, axis=None):
    """With values in front of the index or indices `obj` of an axis, as numpy.insert counts them.

    >>> from autograd import Tensor
    >>> insert(Tensor([1.0, 2.0]), 1, 9.0)
    Tensor([1., 9., 2.], op=getitem)
    """
    x, axis = _along(arr, axis)
    n, shape, values = x.shape[axis], list(x.shape), as_array(values)
    places = _places(known(obj, "insert"), n)
    values = movement.reshape(values, shape=(1,) * (x.ndim - values.ndim) + values.shape)
    if places.ndim == 0:  # NumPy's convention for a single index: the first axis of the values is the axis of the new ones
        values = movement.moveaxis(values, source=0, destination=axis)
    shape[axis] = values.shape[axis] if places.size == 1 else places.size
    order = np.insert(np.arange(n), places.item() if places.size == 1 else places, np.arange(n, n + shape[axis]))
    values = movement.broadcast_to(astype(values, x.dtype), shape=tuple(shape))
    return take(concatenate([x, values], axis=axis), order, axis)


def _places(obj, n):
    """The indices that an index, a slice or a mask of an axis of length n means."""
    if isinstance(obj, slice):
        return np.arange(*obj.indices(n))
    obj = np.asarray(obj)
    return np.flatnonzero(obj) if obj.dtype == bool else obj if obj.size else obj.astype(int)


def _along(x, axis):
    """An array and an axis of it: the flattened array, where the axis is None."""
    x = as_array(x)
    return (movement.ravel(x), 0) if axis is None else (x, axis_of(axis, x.ndim))


def delete(arr, obj, axis=None):
    """Without what stands at the index or indices `obj` of an axis."""
    x, axis = _along(arr, axis)
    return take(x, np.delete(np.arange(x.shape[axis]), known(obj, "delete")), axis)


def resize(a, new_shape):
    """In another shape, the elements repeated as often as it takes."""
    x = movement.ravel(as_array(a))
    shape = tuple(map(operator.index, new_shape)) if np.ndim(new_shape) else (operator.index(new_shape),)
    if any(n < 0 for n in shape):
        raise ShapeError(f"resize to {shape}: no length can be negative")
    if not x.size:
        return np.zeros_like(x, shape=shape)
    return take(x, np.resize(np.arange(x.size), shape))


def trim_zeros(filt, trim="fb", axis=None):
    """Without the zeros at the front ("f") and at the back ("b") of the given axes, all by default."""
    x = as_array(filt)
    if trim.lower() not in ("f", "b", "fb", "bf"):
        raise ShapeError(f"trim_zeros: trim is 'f', 'b' or 'fb', not {trim!r}")
    held = np.asarray(known(x, "trim_zeros") != 0)
    key = []
    for i, n in enumerate(x.shape):
        places = np.flatnonzero(held.any(axis=tuple(j for j in range(x.ndim) if j != i)))
        start, stop = (places[0], places[-1] + 1) if places.size else (n, n)
        wanted = axis is None or i in {axis_of(a, x.ndim) for a in np.atleast_1d(axis).tolist()}
        front, back = wanted and "f" in trim.lower(), wanted and "b" in trim.lower()
        key.append(slice(start if front else 0, stop if back else n))
    return getitem(x, tuple(key))


# --- pieces ----------------------------------------------------------------------------------------------------------------


def array_split(ary, indices_or_sections, axis=0):
    """Cut along an axis, into so many parts (the first ones longer by one where it does not come out even) or at places."""
    if np.ndim(indices_or_sections):
        return split(ary, indices_or_sections, axis)
    n, sections = np.shape(ary)[axis_of(axis, np.ndim(ary))], operator.index(indices_or_sections)
    if sections <= 0:
        raise ShapeError(f"array_split into {sections} parts: it takes one at least")
    each, longer = divmod(n, sections)
    ends = np.cumsum([each + 1] * longer + [each] * (sections - longer))
    return split(ary, ends[:-1].tolist(), axis)


def _splitter(name, least, axis):
    def cut(ary, indices_or_sections):
        if np.ndim(ary) < least:
            raise ShapeError(f"{name} needs {least} axes at least, and shape {np.shape(ary)} has {np.ndim(ary)}")
        return split(ary, indices_or_sections, axis if np.ndim(ary) > 1 else 0)

    cut.__name__ = cut.__qualname__ = name
    cut.__doc__ = f"Cut along axis {axis}, into equal parts or at the given places: a list."
    return cut


hsplit = _splitter("hsplit", 1, 1)
vsplit = _splitter("vsplit", 2, 0)
dsplit = _splitter("dsplit", 3, 2)


def unstack(x, /, *, axis=0):
    """The slices along an axis, as a tuple: the inverse of stack."""
    x = as_array(x)
    if x.ndim == 0:
        raise ShapeError("unstack needs an axis, and this is a single number")
    axis = axis_of(axis, x.ndim)
    return tuple(getitem(x, (slice(None),) * axis + (i,)) for i in range(x.shape[axis]))


# --- grids -----------------------------------------------------------------------------------------------------------------


def broadcast_arrays(*args, subok=False):
    """All in the shape that they broadcast to, as a tuple."""
    shape = np.broadcast_shapes(*map(np.shape, args))
    return tuple(movement.broadcast_to(as_array(x), shape=shape) for x in args)


def meshgrid(*xi, copy=True, sparse=False, indexing="xy"):
    """The coordinates of a grid, from those along its axes: a tuple with an array for each.

    >>> from autograd import Tensor
    >>> x, y = meshgrid(Tensor([1.0, 2.0]), [3.0, 4.0, 5.0])
    >>> x.shape, y.shape
    ((3, 2), (3, 2))
    """
    if indexing not in ("xy", "ij"):
        raise ShapeError(f"meshgrid: indexing is 'xy' or 'ij', not {indexing!r}")
    n = len(xi)
    places = [1, 0, *range(2, n)] if indexing == "xy" and n > 1 else list(range(n))
    grids = [
        movement.reshape(as_array(x), shape=(1,) * place + (-1,) + (1,) * (n - place - 1))
        for x, place in zip(xi, places, strict=True)
    ]
    if not sparse:
        grids = list(broadcast_arrays(*grids)) if grids else []
    return tuple(map(movement.copy, grids)) if copy else tuple(grids)


# --- differences -----------------------------------------------------------------------------------------------------------


def diff(a, n=1, axis=-1, prepend=MISSING, append=MISSING):
    """The differences x[i + 1] - x[i] along an axis, n times over.

    >>> from autograd import Tensor
    >>> diff(Tensor([1.0, 4.0, 9.0]))
    Tensor([3., 5.], op=subtract)
    """
    x = as_array(a)
    if n == 0:
        return x
    if n < 0 or x.ndim == 0:
        raise ShapeError(f"diff needs an axis and n of 0 or more; got shape {x.shape} and n={n}")
    axis = axis_of(axis, x.ndim)
    parts = [_end(prepend, x, axis), [x], _end(append, x, axis)]
    parts = [part for group in parts for part in group]
    x = concatenate(parts, axis=axis) if len(parts) > 1 else x
    front = (slice(None),) * axis
    for _ in range(n):
        later, earlier = getitem(x, (*front, slice(1, None))), getitem(x, (*front, slice(None, -1)))
        x = (elementwise.not_equal if x.dtype == bool else elementwise.subtract)(later, earlier)
    return x


def _end(value, x, axis):
    """What diff puts before or after the array: nothing, or one array (a number standing for a whole slice)."""
    if value is MISSING:
        return []
    value = as_array(value)
    if value.ndim == 0:
        value = movement.broadcast_to(value, shape=(*x.shape[:axis], 1, *x.shape[axis + 1 :]))
    return [value]


def ediff1d(ary, to_end=None, to_begin=None):
    """The differences of the flattened array, with other values before and after them."""
    x = movement.ravel(as_array(ary))
    parts = [to_begin, diff(x), to_end]
    for name, part in (("to_end", to_end), ("to_begin", to_begin)):
        if part is not None and not np.can_cast(as_array(part).dtype, x.dtype, "same_kind"):
            raise DtypeError(f"ediff1d: {name} of {as_array(part).dtype} does not fit differences of {x.dtype}")
    parts = [astype(movement.ravel(as_array(part)), x.dtype) for part in parts if part is not None]
    return concatenate(parts) if len(parts) > 1 else parts[0]


def gradient(f, *varargs, axis=None, edge_order=1):
    """The slope of samples along each axis: central differences inside, one-sided ones of order 1 or 2 at the ends.

    The spacing is 1, or a number for all axes, or for each axis a number or the coordinates. One array for one axis, a tuple
    for several. Differentiable in the samples and in the spacing.

    >>> from autograd import Tensor
    >>> gradient(Tensor([1.0, 2.0, 4.0]))
    Tensor([1. , 1.5, 2. ], op=moveaxis)
    """
    f = as_array(f)
    f = f if f.dtype.kind in "fc" else astype(f, float)
    given = range(f.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    axes = [axis_of(a, f.ndim) for a in given]
    if edge_order not in (1, 2):
        raise ShapeError(f"gradient: edge_order is 1 or 2, not {edge_order}")
    if len(varargs) == 0:
        varargs = (1.0,)
    if len(varargs) == 1 and np.ndim(varargs[0]) == 0:
        varargs = varargs * len(axes)
    if len(varargs) != len(axes):
        raise DtypeError(
            f"gradient takes no spacing, one number, or one spacing for each of {len(axes)} axes; got {len(varargs)}"
        )
    slopes = tuple(_slope(f, _steps(h, f.shape[a]), a, edge_order) for h, a in zip(varargs, axes, strict=True))
    return slopes[0] if len(slopes) == 1 else slopes


def _steps(h, n):
    """The distances between neighbours: one number, or an array."""
    if np.ndim(h) == 0:
        return h
    if np.shape(h) != (n,):
        raise ShapeError(f"gradient: coordinates of shape {np.shape(h)} along an axis of length {n}")
    return diff(h if as_array(h).dtype.kind in "fc" else astype(as_array(h), float))


def _slope(f, h, axis, edge_order):
    if f.shape[axis] < edge_order + 1:
        raise ShapeError(f"gradient needs {edge_order + 1} samples along an axis at least, and shape {f.shape} has too few")
    f = movement.moveaxis(f, source=axis, destination=-1)
    even = np.ndim(h) == 0
    if even:
        inside = (f[..., 2:] - f[..., :-2]) / (2.0 * h)
    else:
        a, b = h[:-1], h[1:]
        inside = -b / (a * (a + b)) * f[..., :-2] + (b - a) / (a * b) * f[..., 1:-1] + a / (b * (a + b)) * f[..., 2:]
    if edge_order == 1:
        first, last = (h, h) if even else (h[:1], h[-1:])
        ends = (f[..., 1:2] - f[..., :1]) / first, (f[..., -1:] - f[..., -2:-1]) / last
    else:
        ab, cd = ((h, h), (h, h)) if even else ((h[:1], h[1:2]), (h[-1:], h[-2:-1]))
        ends = (
            _one_sided(f[..., :1], f[..., 1:2], f[..., 2:3], *ab),
            -_one_sided(f[..., -1:], f[..., -2:-1], f[..., -3:-2], *cd),
        )
    slopes = astype(concatenate([ends[0], inside, ends[1]], axis=-1), f.dtype, copy=False)
    return movement.moveaxis(slopes, source=-1, destination=axis)


def _one_sided(f0, f1, f2, a, b):
    """The slope at the first of three samples, at distances a and b, of the parabola through them."""
    return -(2.0 * a + b) / (a * (a + b)) * f0 + (a + b) / (a * b) * f1 - a / (b * (a + b)) * f2


# --- choices ---------------------------------------------------------------------------------------------------------------


def select(condlist, choicelist, default=0):
    """For each element the choice whose condition is the first to hold, else the default.

    >>> from autograd import Tensor
    >>> x = Tensor([-1.0, 0.5, 2.0])
    >>> select([x < 0, x > 1], [-x, x * x], x)
    Tensor([1. , 0.5, 4. ], op=where)
    """
    if len(condlist) != len(choicelist) or not condlist:
        raise ShapeError(f"select got {len(condlist)} conditions and {len(choicelist)} choices: it takes one choice for each")
    result = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        condition = as_array(condition)
        if condition.dtype != bool:
            raise DtypeError(f"select: a condition is an array of booleans, not of {condition.dtype}")
        result = where(condition, choice if np.ndim(choice) == 0 else as_array(choice), result)
    return result


def _choice(g, a, choices_shape, mode, index):
    n = len(choices_shape)
    wanted = np.clip(a, 0, n - 1) if mode == "clip" else a % n if mode == "wrap" else a
    return np.where(wanted == index, g, 0)


@rule(
    choices=_choice,
    drops=True,
    samples=[
        sample(np.array([0, 1, 1]), (3,), (2, 1)),
        sample(np.array([[-1, 4, 1]]), (3,), (3,), mode="clip"),
        sample(np.array([-1, 4, 1]), (3,), (3,), (), mode="wrap"),
    ],
)
def chosen(a, *choices, mode="raise"):
    """For each element of the integers a, the choice of that number."""
    return np.choose(a, choices, mode=mode)


def choose(a, choices, out=None, mode="raise"):
    """For each element of the integers a, the choice of that number: an error beyond the last, or "clip" or "wrap".

    >>> from autograd import Tensor
    >>> choose([1, 0], [[1.0, 2.0], Tensor([3.0, 4.0])])
    Tensor([3., 2.], op=chosen)
    """
    if out is not None:
        refuse("choose", out=out)
    return chosen(a, *choices, mode=mode)


def piecewise(x, condlist, funclist, *args, **kw):
    """Each function on the elements at which its condition holds; one function more is for the elements at which none does.

    >>> from autograd import Tensor
    >>> x = Tensor([-1.0, 4.0])
    >>> piecewise(x, [x > 0], [lambda v: v**0.5, 0.0])
    Tensor([0., 2.], op=assign)
    """
    x = as_array(x)
    if isinstance(condlist, (list, tuple)) and np.ndim(condlist[0]) == np.ndim(x):
        conditions = [as_array(condition) for condition in condlist]
    else:
        condlist = as_array(condlist)
        conditions = [condlist] if condlist.ndim == x.ndim else list(condlist)
    conditions = [astype(condition, bool) for condition in conditions]
    if len(funclist) == len(conditions) + 1:
        held = conditions[0]
        for condition in conditions[1:]:
            held = elementwise.logical_or(held, condition)
        conditions.append(elementwise.logical_not(held))
    if len(funclist) != len(conditions):
        raise ShapeError(f"piecewise got {len(conditions)} conditions: it takes as many functions, or one more")
    y = np.zeros_like(x)
    for condition, function in zip(conditions, funclist, strict=True):
        value = function
        if callable(function):
            part = getitem(x, condition)
            if part.size == 0:
                continue
            value = function(part, *args, **kw)
        y = indexing.assign(y, value, condition, key=(indexing.HERE,))
    return y


def apply_along_axis(func1d, axis, arr, *args, **kwargs):
    """A function of one line, on every line along an axis; what it returns takes the place of the line.

    >>> from autograd import Tensor
    >>> apply_along_axis(lambda line: line[0] * line[1], 1, Tensor([[1.0, 2.0], [3.0, 4.0]]))
    Tensor([ 2., 12.], op=reshape)
    """
    x = as_array(arr)
    axis = axis_of(axis, x.ndim)
    others = (*x.shape[:axis], *x.shape[axis + 1 :])
    if 0 in others:
        raise ShapeError(f"apply_along_axis: an array of shape {x.shape} has no line to apply the function to")
    lines = movement.reshape(movement.moveaxis(x, source=axis, destination=-1), shape=(math.prod(others), x.shape[axis]))
    results = stack([as_array(func1d(line, *args, **kwargs)) for line in lines])
    new = results.ndim - 1
    results = movement.reshape(results, shape=others + results.shape[1:])
    lead = len(others)
    order = (*range(axis), *range(lead, lead + new), *range(axis, lead))
    return movement.transpose(results, axes=order) if new and axis < lead else results


def apply_over_axes(func, a, axes):
    """A function of an array and an axis, such as a sum, over several axes, one after the other; they keep length 1."""
    x = as_array(a)
    for axis in np.atleast_1d(axes).tolist():
        axis = axis_of(axis, x.ndim)
        y = func(x, axis)
        x = y if np.ndim(y) == x.ndim else movement.expand_dims(as_array(y), axis=axis)
        if np.ndim(x) != np.ndim(a):
            raise ShapeError("apply_over_axes: the function must keep the axes, or take away the one it is given")
    return x


# --- evenly spaced ---------------------------------------------------------------------------------------------------------


def _among(*values):
    """Whether there is a Tensor among them."""
    return any(isinstance(value, Tensor) for value in leaves(values))


def _finished(y, axis, dtype):
    """What has its new axis in front, with the axis where it is wanted, and in the dtype; whole numbers are cut off."""
    y = movement.moveaxis(as_array(y), source=0, destination=axis) if axis else y
    return y if dtype is None else astype(y, dtype)


def logspace(start, stop, num=50, endpoint=True, base=10.0, dtype=None, axis=0):
    """Numbers whose logarithms are evenly spaced: base**start to base**stop. Differentiable in all three.

    >>> from autograd import Tensor
    >>> logspace(0.0, Tensor(2.0), 3)
    Tensor([  1.,  10., 100.], op=power)
    """
    if not _among(start, stop, base):
        return creation.asarray(np.logspace(start, stop, num, endpoint, base, dtype, axis))
    y = as_array(creation.linspace(start, stop, num, endpoint))
    missing = np.ndim(base) - (np.ndim(y) - 1)
    if missing > 0:
        y = movement.expand_dims(y, axis=tuple(range(1, missing + 1)))
    return _finished(elementwise.power(base, y), axis, dtype)


def geomspace(start, stop, num=50, endpoint=True, dtype=None, axis=0):
    """Numbers of equal ratio from start to stop: start * (stop / start)**t, for t from 0 to 1. Differentiable in both ends."""
    if not _among(start, stop):
        return creation.asarray(np.geomspace(start, stop, num, endpoint, dtype, axis))
    computed = np.result_type(as_array(start).dtype, as_array(stop).dtype, 1.0, np.dtype(dtype or float))
    start, stop = creation.asarray(start, computed), creation.asarray(stop, computed)
    t = np.linspace(0.0, 1.0, num, endpoint).reshape((-1,) + (1,) * max(start.ndim, stop.ndim))
    t = t.astype(np.finfo(computed).dtype)
    y = elementwise.multiply(start, elementwise.power(elementwise.divide(stop, start), t))
    return _finished(elementwise.where(t == 1, stop, y) if num > 1 else y, axis, dtype)


def vander(x, N=None, increasing=False):
    """A column for each power of x, from the highest to the power 0, or the other way round: the matrix of Vandermonde.

    >>> from autograd import Tensor
    >>> vander(Tensor([2.0, 3.0]), 3)
    Tensor([[4., 2., 1.],
            [9., 3., 1.]], op=power)
    """
    x = as_array(x)
    if x.ndim != 1:
        raise ShapeError(f"vander takes a vector, not an array of shape {x.shape}")
    x = astype(x, np.promote_types(x.dtype, int), copy=False)
    powers = np.arange(x.shape[0] if N is None else N)
    return elementwise.power(movement.expand_dims(x, axis=1), powers if increasing else powers[::-1])


# --- plain indices ---------------------------------------------------------------------------------------------------------


def tri(n, m=None, k=0, dtype=float):
    """Ones at and below the k-th diagonal, zeros above it: plain values."""
    return np.tri(n, m, k, dtype)


def tril_indices(n, k=0, m=None):
    """The indices of the lower triangle of a matrix of n rows: plain integers."""
    return np.tril_indices(n, k, m)


def triu_indices(n, k=0, m=None):
    """The indices of the upper triangle of a matrix of n rows: plain integers."""
    return np.triu_indices(n, k, m)


def tril_indices_from(x, k=0):
    """The indices of the lower triangle of a matrix like x: plain integers."""
    return np.tril_indices(*_matrix_shape(x, "tril_indices_from", k))


def triu_indices_from(x, k=0):
    """The indices of the upper triangle of a matrix like x: plain integers."""
    return np.triu_indices(*_matrix_shape(x, "triu_indices_from", k))


def _matrix_shape(x, name, k):
    if np.ndim(x) != 2:
        raise ShapeError(f"{name} takes a matrix, not an array of shape {np.shape(x)}")
    rows, columns = np.shape(x)
    return rows, k, columns


def diag_indices_from(x):
    """The indices of the main diagonal of an array like x: plain integers."""
    if np.ndim(x) < 2 or len(set(np.shape(x))) > 1:
        raise ShapeError(f"diag_indices_from needs axes of equal length, two at least, not {np.shape(x)}")
    return np.diag_indices(np.shape(x)[0], np.ndim(x))


implementations.update(
    {
        np.diag: diag,
        np.diagflat: diagflat,
        np.fliplr: fliplr,
        np.flipud: flipud,
        np.rot90: rot90,
        np.rollaxis: rollaxis,
        np.matrix_transpose: matrix_transpose,
        np.linalg.matrix_transpose: matrix_transpose,
        np.linalg.diagonal: lambda x, /, *, offset=0: diagonal(x, offset=offset, axis1=-2, axis2=-1),
        np.atleast_1d: atleast_1d,
        np.atleast_2d: atleast_2d,
        np.atleast_3d: atleast_3d,
        np.vstack: vstack,
        np.hstack: hstack,
        np.dstack: dstack,
        np.column_stack: column_stack,
        np.block: block,
        np.append: append,
        np.insert: insert,
        np.delete: delete,
        np.resize: resize,
        np.trim_zeros: trim_zeros,
        np.array_split: array_split,
        np.hsplit: hsplit,
        np.vsplit: vsplit,
        np.dsplit: dsplit,
        np.broadcast_arrays: broadcast_arrays,
        np.meshgrid: meshgrid,
        np.diff: diff,
        np.ediff1d: ediff1d,
        np.gradient: gradient,
        np.select: select,
        np.choose: choose,
        np.piecewise: piecewise,
        np.apply_along_axis: apply_along_axis,
        np.apply_over_axes: apply_over_axes,
        np.vander: vander,
        np.logspace: logspace,
        np.geomspace: geomspace,
        np.tril_indices_from: tril_indices_from,
        np.triu_indices_from: triu_indices_from,
        np.diag_indices_from: diag_indices_from,
    }
)
if hasattr(np, "unstack"):  # NumPy 2.1
    implementations[np.unstack] = unstack
