"""The ops as NumPy spells them, where that differs from one rule with its inputs first and its attributes after.

Sequences of arrays, optional bounds, several functions in one, and what is a plain composite of ops. Each returns plain
values for plain values. Stands on the ops.
"""

import math
import operator
from typing import Any

import numpy as np

from ..errors import DtypeError, GradientError, IndexingError, NoRuleError, ShapeError
from ..graph import modes
from ..tensor import Tensor, become, cast_like, constant, implementations, is_array, owned, refuse_reading
from ..tree import leaves, transform
from . import contraction, creation, elementwise, indexing, movement

# --- arguments -------------------------------------------------------------------------------------------------------------


def as_array(x):
    """What has axes: Tensors and arrays as they are, numbers and lists as NumPy arrays."""
    return x if isinstance(x, Tensor) or is_array(x) else np.asarray(x)


def axis_of(axis, ndim):
    """An axis as a number from 0 on."""
    if not -ndim <= axis < ndim:
        raise IndexingError(f"axis {axis} is out of bounds for an array of {ndim} axes")
    return operator.index(axis) % ndim


def known(value, name):
    """The plain value of an argument that decides shapes and places, such as a number of repeats."""
    if not isinstance(value, Tensor):
        return value
    refuse_reading(value, name)
    return value.detach().numpy()


def refuse(name, **given):
    """An error for arguments that NumPy has and that have no meaning here: never are they ignored."""
    for argument, value in given.items():
        raise NoRuleError(f"{name}({argument}={value!r}) has no meaning on Tensors, which own their memory: leave it out")


def where(condition, x=None, w=None, /):
    """x where the condition holds, else w; with the condition alone, the indices at which it holds.

    >>> from autograd import Tensor, where
    >>> where(Tensor([1.0, -1.0]) > 0, 2.0, 0.0)
    Tensor([2., 0.])
    """
    if x is None and w is None:
        return indexing.nonzero(condition)
    return elementwise.where(condition, x, w)


def clip(x, min=None, max=None, out=None, *, a_min=None, a_max=None):
    """min(max(x, min), max); a bound that is None does not bind.

    >>> from autograd import Tensor, clip
    >>> clip(Tensor([-2.0, 0.5, 2.0]), 0.0, 1.0)
    Tensor([0. , 0.5, 1. ], op=clip)
    """
    if out is not None:
        refuse("clip", out=out)
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    if low is None and high is None:
        return elementwise.positive(x)
    dtype = as_array(x).dtype
    ends = (-math.inf, math.inf)  # a bound that is weak, and that nothing exceeds
    if dtype.kind in "iu":
        ends = (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))
    elif dtype.kind == "b":
        ends = (False, True)
    return elementwise.clip(x, ends[0] if low is None else low, ends[1] if high is None else high)


def concatenate(arrays, /, axis=0, out=None, *, dtype=None, casting="same_kind"):
    """Joined one after the other along an axis that exists, or flattened if it is None.

    >>> from autograd import Tensor, concatenate
    >>> concatenate([Tensor([1.0]), [2.0, 3.0]])
    Tensor([1., 2., 3.], op=concatenate)
    """
    return movement.concatenate(*_alike("concatenate", arrays, out, dtype, casting), axis=axis)


def stack(arrays, axis=0, out=None, *, dtype=None, casting="same_kind"):
    """Joined side by side along a new axis.

    >>> from autograd import Tensor, stack
    >>> stack([Tensor(1.0), Tensor(2.0)])
    Tensor([1., 2.], op=stack)
    """
    return movement.stack(*_alike("stack", arrays, out, dtype, casting), axis=axis)


def _alike(name, arrays, out, dtype, casting):
    """Arrays to be joined, in one dtype if there is one wanted."""
    if out is not None:
        refuse(name, out=out)
    if dtype is None and casting == "same_kind":
        return arrays
    arrays = [as_array(x) for x in arrays]
    wanted = np.dtype(dtype) if dtype is not None else np.result_type(*(x.dtype for x in arrays))
    for x in arrays:
        if not np.can_cast(x.dtype, wanted, casting):
            raise DtypeError(f"{name}: {x.dtype} does not become {wanted} by the rule casting={casting!r}")
    return [astype(x, wanted) for x in arrays]


def split(x, indices_or_sections, axis=0):
    """Cut along an axis, into equal parts or at the given places: a list.

    >>> from autograd import Tensor, split
    >>> [part.shape for part in split(Tensor([1.0, 2.0, 3.0]), [1])]
    [(1,), (2,)]
    """
    indices_or_sections = known(indices_or_sections, "split")
    x = as_array(x)
    axis = axis_of(axis, x.ndim)
    if np.ndim(indices_or_sections) == 0:
        sections = operator.index(indices_or_sections)
        if sections < 1:
            raise ShapeError(f"split into {sections} parts: it takes one at least")
        return list(movement.split(x, indices_or_sections=sections, axis=axis))
    places = tuple(map(operator.index, indices_or_sections))
    ends = [slice(place).indices(x.shape[axis])[1] for place in places]
    if ends == sorted(ends):
        return list(movement.split(x, indices_or_sections=places, axis=axis))
    before = (slice(None),) * axis  # parts that overlap
    return [getitem(x, (*before, slice(*ends))) for ends in zip((0, *places), (*places, None), strict=True)]


# --- margins ---------------------------------------------------------------------------------------------------------------

# The arguments of each mode of pad, with NumPy's defaults.
MODES: dict[str, dict[str, Any]] = {
    "constant": {"constant_values": 0},
    "edge": {},
    "linear_ramp": {"end_values": 0},
    "maximum": {"stat_length": None},
    "mean": {"stat_length": None},
    "median": {"stat_length": None},
    "minimum": {"stat_length": None},
    "reflect": {"reflect_type": "even"},
    "symmetric": {"reflect_type": "even"},
    "wrap": {},
    "empty": {},
}
STATISTICS: dict[str, Any] = {"maximum": np.max, "mean": np.mean, "median": np.median, "minimum": np.min}


def pad(x, pad_width, mode="constant", **kwargs):
    """With a margin along each axis, in all modes of numpy.pad: of constants, or made of the array itself.

    `pad_width` is a number, a pair (before, after), a pair for each axis, or a dict from axes to one of these. Differentiable
    in the array, and in `constant_values` and `end_values`.

    >>> from autograd import Tensor, pad
    >>> pad(Tensor([1.0, 2.0, 3.0]), 1, mode="reflect")
    Tensor([2., 1., 2., 3., 2.], op=getitem)
    """
    x = as_array(x)
    if mode not in MODES:
        words = "a function writes into an array; build the margin with concatenate" if callable(mode) else repr(mode)
        raise NoRuleError(f"pad has no rule for mode={words}; it knows {', '.join(MODES)}")
    if unknown := kwargs.keys() - MODES[mode].keys():
        takes = ", ".join(MODES[mode]) or "none"
        raise DtypeError(f"pad: mode={mode!r} does not know {', '.join(sorted(unknown))}; it takes {takes}")
    widths = _widths(known(pad_width, "pad"), x.ndim)
    options = {**MODES[mode], **kwargs}
    if x.ndim == 0:
        return movement.copy(x)
    if mode == "constant" and not _has_tensor(options):
        values = options["constant_values"]
        return movement.pad_constant(x, pad_width=widths, value=values if np.ndim(values) == 0 else _pairs(values, x.ndim))
    if mode == "empty":
        return movement.pad_constant(x, pad_width=widths)
    if mode in ("edge", "wrap") or options.get("reflect_type") == "even":
        return _gathered(x, widths, mode)
    for axis, width in enumerate(widths):  # each margin reaches over those of the axes before it, as NumPy's does
        if width != (0, 0):
            x = concatenate(_with_margins(x, axis, width, mode, options), axis=axis)
    return x


def _has_tensor(values):
    return any(isinstance(value, Tensor) for value in leaves(values))


def _widths(pad_width, ndim):
    """How wide the margin is: (before, after) for each axis."""
    if isinstance(pad_width, dict):
        rows = [(0, 0)] * ndim
        for axis, width in pad_width.items():
            rows[axis_of(axis, ndim)] = (width, width) if np.ndim(width) == 0 else width
        pad_width = rows
    given = np.asarray(pad_width)
    if given.dtype.kind not in "iu":
        raise DtypeError(f"pad: pad_width is made of whole numbers, not of {given.dtype}")
    if (given < 0).any():
        raise ShapeError("pad: no width can be negative; cut with x[1:-1]")
    return tuple((int(before), int(after)) for before, after in _pairs(given, ndim))


def _pairs(values, ndim):
    """(before, after) for each axis: of numbers, lists of them, or Tensors."""
    if isinstance(values, (list, tuple)) and _has_tensor(values):
        values = stack([stack(row) if isinstance(row, (list, tuple)) else row for row in values])
    try:
        values = np.broadcast_to(values, (ndim, 2))
    except ValueError as error:
        raise ShapeError(f"pad: one number, (before, after), or such a pair for each of {ndim} axes: {error}") from None
    return tuple((row[0], row[1]) for row in values)


def _gathered(x, widths, mode):
    """The modes whose margin repeats elements of the array: one index does them all."""
    n = math.prod(x.shape)
    try:
        places = np.pad(np.arange(n).reshape(x.shape), widths, mode=mode)
    except ValueError as error:
        raise ShapeError(f"pad of shape {x.shape}: {error}") from None
    return take(x, places)


def _with_margins(x, axis, width, mode, options):
    """What goes before the array along an axis, the array, and what goes after it."""
    if mode in ("reflect", "symmetric"):
        return _mirrored(x, axis, width, mode)
    front, n = (slice(None),) * axis, x.shape[axis]
    if mode in STATISTICS:
        lengths = options["stat_length"]
        lengths = (None, None) if lengths is None else _pairs(known(lengths, "pad"), x.ndim)[axis]
        if 0 in lengths or n == 0:
            raise ShapeError(f"pad: there is no {mode} of no elements (shape {x.shape}, stat_length={lengths})")
        first, last = (n if length is None else min(int(length), n) for length in lengths)
        edges = [_statistic(mode, getitem(x, (*front, chosen)), axis) for chosen in (slice(None, first), slice(n - last, None))]
        margins = [movement.repeat(edge, repeats=count, axis=axis) for edge, count in zip(edges, width, strict=True)]
        return [margins[0], x, margins[1]]
    shape = tuple(1 if i == axis else m for i, m in enumerate(x.shape))
    key = "constant_values" if mode == "constant" else "end_values"
    ends = [movement.broadcast_to(as_array(v), shape=shape) for v in _pairs(options[key], x.ndim)[axis]]
    if mode == "linear_ramp" and n == 0:
        raise ShapeError(f"pad: a ramp needs an edge to lead to, and shape {x.shape} has none")
    margins = []
    for end, count, place in zip(ends, width, (slice(None, 1), slice(n - 1, None)), strict=True):
        margin = movement.repeat(end, repeats=count, axis=axis)
        if mode == "linear_ramp":
            t = (np.arange(count) / max(count, 1)).reshape((-1,) + (1,) * (x.ndim - axis - 1))
            margin = margin + (getitem(x, (*front, place)) - 1.0 * end) * t
            margin = elementwise.floor(margin) if x.dtype.kind in "iu" else margin
        margins.append(astype(margin, x.dtype, copy=False))
    after = movement.flip(margins[1], axis=axis) if mode == "linear_ramp" else margins[1]
    return [margins[0], x, after]


def _statistic(mode, x, axis):
    y = STATISTICS[mode](x, axis=axis, keepdims=True)
    return astype(elementwise.rint(y) if x.dtype.kind in "iu" else y, x.dtype, copy=False)


def _mirrored(x, axis, width, mode):
    """Margins of odd reflections: NumPy's own pad of the unit matrix tells what they are made of, in three terms at most."""
    n = x.shape[axis]
    try:
        weights = np.pad(np.eye(n), (width, (0, 0)), mode=mode, reflect_type="odd")
    except ValueError as error:
        raise ShapeError(f"pad of shape {x.shape}: {error}") from None
    places = np.argsort(weights == 0, axis=1, kind="stable")[:, :3]
    weights = np.take_along_axis(weights, places, 1).astype(x.dtype)

    def margin(rows):
        total = 0
        for term in range(places.shape[1]):
            weight = weights[rows, term].reshape((-1,) + (1,) * (x.ndim - axis - 1))
            total = total + elementwise.where(weight == 0, 0, weight * take(x, places[rows, term], axis))
        return astype(total, x.dtype, copy=False)

    return [margin(slice(None, width[0])), x, margin(slice(width[0] + n, None))]


# --- pieces of an array ----------------------------------------------------------------------------------------------------


def repeat(x, repeats, axis=None):
    """Each element (or slice along an axis) several times in a row; as many times each as `repeats` says.

    >>> from autograd import Tensor, repeat
    >>> repeat(Tensor([1.0, 2.0]), [2, 1])
    Tensor([1., 1., 2.], op=getitem)
    """
    repeats = known(repeats, "repeat")
    x = as_array(x)
    if np.ndim(repeats) == 0:
        return movement.repeat(x, repeats=operator.index(repeats), axis=axis)
    length = math.prod(x.shape) if axis is None else x.shape[axis_of(axis, x.ndim)]
    return take(x, np.repeat(np.arange(length), repeats), axis)


def tile(x, reps):
    """Laid side by side, `reps` times along each axis."""
    return movement.tile(as_array(x), reps=known(reps, "tile"))


def roll(x, shift, axis=None):
    """Shifted along the axes; what leaves at one end comes in at the other."""
    return movement.roll(as_array(x), shift=known(shift, "roll"), axis=axis)


def take(x, indices, axis=None, out=None, mode="raise"):
    """The elements, or the slices along an axis, at integer indices; what is too large is an error, or "clip" or "wrap".

    >>> from autograd import Tensor, take
    >>> take(Tensor([1.0, 2.0]), [1, 1])
    Tensor([2., 2.], op=getitem)
    """
    if out is not None:
        refuse("take", out=out)
    x = as_array(x)
    if axis is None or x.ndim == 0:
        x, axis = movement.ravel(x), axis or 0
    axis = axis_of(axis, x.ndim)
    return getitem(x, (slice(None),) * axis + (_within(indices, x.shape[axis], mode, "take"),))


def _within(indices, n, mode, name):
    """Indices of an axis of length n, by NumPy's three modes. Booleans count as 0 and 1 here, and are no mask."""
    indices = as_array(indices)
    if indices.dtype.kind == "b":
        indices = astype(indices, int)
    if mode == "clip":
        return elementwise.minimum(elementwise.maximum(indices, 0), n - 1)
    if mode == "wrap":
        return elementwise.remainder(indices, n)
    if mode != "raise":
        raise DtypeError(f"{name}: mode is 'raise', 'clip' or 'wrap', not {mode!r}")
    return indices


def take_along_axis(x, indices, axis=-1):
    """The elements at indices that are given for each line along an axis, as argsort and argmax return them.

    >>> from autograd import Tensor, take_along_axis
    >>> import numpy as np
    >>> take_along_axis(Tensor([[1.0, 2.0], [3.0, 4.0]]), np.array([[1], [0]]), axis=1)
    Tensor([[2.],
            [3.]], op=getitem)
    """
    x, key = _along_axis(as_array(x), as_array(indices), axis, "take_along_axis")
    return getitem(x, key)


def _along_axis(x, indices, axis, name):
    """The array (flattened, where the axis is None) and the index that indices for each line along an axis mean."""
    if axis is None:
        x, axis = movement.ravel(x), 0
    if indices.ndim != x.ndim:
        raise ShapeError(f"{name}: indices of shape {indices.shape} for an array of shape {x.shape}: as many axes are needed")
    axis, grid = axis_of(axis, x.ndim), np.ogrid[tuple(slice(n) for n in x.shape)]
    return x, tuple(indices if i == axis else places for i, places in enumerate(grid))


def getitem(x, key):
    """x[key], where the key may hold Tensors of integers or booleans."""
    key, arrays = indexing.split_key(key)
    return indexing.getitem(x, *arrays, key=key)


# --- in place --------------------------------------------------------------------------------------------------------------


def setitem(x, key, value):
    """x[key] = value, differentiable in both. A leaf that requires a gradient refuses: it would stop being one."""
    key, arrays = indexing.split_key(key)
    refuse_leaf(x)
    rewrite(x, indexing.assign(x, _storable(value, x), *arrays, key=key))


def _storable(value, x):
    """A value that is written into the Tensor x, as a Tensor in its dtype."""
    if not isinstance(value, Tensor):
        value = constant(owned(value))
    return value if x.dtype == value.dtype else cast_like(value, x._raw if np.ndim(x._raw) else np.asarray(x._raw))


def is_variable(x):
    """Whether it is a leaf that wants a gradient."""
    return x.node is not None and x.node.rule is None


def rewrite(x, new):
    """The Tensor x takes another value, in place and in its own dtype. An update by hand leaves a leaf what it is."""
    by_hand = is_variable(x) and not modes.gradients
    new = cast_like(new, x._raw if x.ndim or by_hand else np.asarray(x._raw))
    become(x, new, x.node if by_hand else new.node)


def refuse_leaf(x):
    """An error if an in-place change would cut a leaf from its gradient."""
    if modes.gradients and is_variable(x) and "argument" not in x.node.attributes:
        raise GradientError(
            "an in-place change of a leaf that requires a gradient: afterwards it would no longer be the leaf, and its "
            "gradient would be lost. Change a copy (y = x.copy(); y[0] = 1.0), or update the value outside the graph: "
            "under no_grad(), or through x.data"
        )


def _writer(function, key=None):
    """Makes NumPy's function that writes into its first argument of one that returns what shall be there.

    Into a Tensor it writes as t[index] = value does: in place, differentiable in the Tensor and in the value, with the same
    errors for leaves and views. Into a plain array it is NumPy's own, and an error if a gradient would be lost there.
    """
    name = f"np.{function.__name__}" if key is None else f"np.{key[0].__name__}.{key[1]}"

    def decorate(result):
        first = result.__code__.co_varnames[0]

        def write(*args, **kwargs):
            target, args = (args[0], args[1:]) if args else (kwargs.pop(first), ())
            if not isinstance(target, Tensor):
                return _write_plain(function, name, target, args, kwargs)
            refuse_leaf(target)
            new = result(target, *args, **kwargs)
            if new.shape != target.shape:
                raise ShapeError(f"{name} would turn shape {target.shape} into {new.shape}")
            rewrite(target, new)
            return None

        write.__name__ = write.__qualname__ = result.__name__
        write.__doc__ = result.__doc__
        implementations[key or function] = write
        return write

    return decorate


def _write_plain(function, name, target, args, kwargs):
    tensors = [leaf for leaf in leaves((args, kwargs)) if isinstance(leaf, Tensor)]
    for tensor in tensors:
        refuse_reading(tensor, name)
    if modes.gradients and any(tensor.node is not None for tensor in tensors):
        raise NoRuleError(
            f"{name} would write the value of a Tensor into an array, where its gradient is lost. Write into a Tensor "
            "(y = autograd.zeros(3), then the same call on y), or detach() the value"
        )
    args, kwargs = transform(lambda leaf: owned(leaf) if isinstance(leaf, Tensor) else leaf, (args, kwargs))
    return function(target, *args, **kwargs)


def _repeated(values, n, name):
    """n values in a row: the given ones, from the beginning again where they are too few."""
    values = movement.ravel(as_array(values))
    if values.size == 0 and n:
        raise ShapeError(f"{name}: there is no value to write")
    return values if values.size == n else getitem(values, np.arange(n) % max(values.size, 1))


def _assigned(x, value, key):
    """x with the value written at an index: what x[key] = value leaves."""
    key, arrays = indexing.split_key(key)
    return indexing.assign(x, _storable(value, x), *arrays, key=key)


@_writer(np.copyto)
def copyto(dst, src, casting="same_kind", where=True):
    """Writes one array over another, in place, where a condition holds: everywhere by default.

    >>> from autograd import Tensor
    >>> x = Tensor([1.0, 2.0])
    >>> y = x * 1.0
    >>> copyto(y, 7.0, where=x > 1.5)
    >>> y
    Tensor([1., 7.], op=where)
    """
    src = as_array(src) if isinstance(src, list) else src
    if np.ndim(src) and not np.can_cast(src.dtype, dst.dtype, casting):
        raise DtypeError(f"copyto: {src.dtype} does not become {dst.dtype} by the rule casting={casting!r}")
    return elementwise.where(as_array(where), src, dst)


@_writer(np.put)
def put(a, ind, v, mode="raise"):
    """Writes values at indices of the flattened array, in place; too few values begin again."""
    places = movement.ravel(as_array(ind))
    if not places.size or not np.size(as_array(v)):
        return movement.copy(a)
    places = _within(places, a.size, mode, "put")
    return movement.reshape(_assigned(movement.ravel(a), _repeated(v, places.size, "put"), places), shape=a.shape)


@_writer(np.place)
def place(arr, mask, vals):
    """Writes values one after the other where a mask holds, in place; too few values begin again."""
    mask, vals = astype(movement.ravel(as_array(mask)), bool), movement.ravel(as_array(vals))
    if mask.size != arr.size:
        raise ShapeError(f"place: a mask of {mask.size} elements for an array of {arr.size}")
    if not vals.size or not arr.size:
        if vals.size == 0 and known(mask, "place").any():
            raise ShapeError("place: there is no value to write")
        return movement.copy(arr)
    order = elementwise.remainder(elementwise.maximum(np.cumsum(mask) - 1, 0), vals.size)
    chosen = elementwise.where(mask, getitem(vals, order), movement.ravel(arr))
    return movement.reshape(chosen, shape=arr.shape)


@_writer(np.putmask)
def putmask(a, mask, values):
    """Writes values where a mask holds, in place: to each element the value at its own place, counted round."""
    new = movement.reshape(_repeated(values, a.size, "putmask"), shape=a.shape)
    return elementwise.where(astype(movement.reshape(as_array(mask), shape=a.shape), bool), new, a)


@_writer(np.put_along_axis)
def put_along_axis(arr, indices, values, axis):
    """Writes values at indices that are given for each line along an axis, in place.

    >>> from autograd import Tensor
    >>> y = Tensor([[1.0, 2.0], [3.0, 4.0]]) * 1.0
    >>> put_along_axis(y, np.array([[1], [0]]), 0.0, axis=1)
    >>> y
    Tensor([[1., 0.],
            [0., 4.]], op=assign)
    """
    x, key = _along_axis(arr, as_array(indices), axis, "put_along_axis")
    new = _assigned(x, values, key)
    return movement.reshape(new, shape=arr.shape) if new.shape != arr.shape else new


@_writer(np.fill_diagonal)
def fill_diagonal(a, val, wrap=False):
    """Writes values on the main diagonal, in place; with `wrap`, that of a tall matrix begins again below."""
    if a.ndim < 2 or (a.ndim > 2 and len(set(a.shape)) > 1):
        raise ShapeError(f"fill_diagonal needs two axes, or more of equal length, and not shape {a.shape}")
    if a.ndim == 2:
        step, end = a.shape[1] + 1, None if wrap else a.shape[1] * a.shape[1]
    else:
        step, end = 1 + sum(a.shape[0] ** power for power in range(1, a.ndim)), None
    count = len(range(*slice(None, end, step).indices(a.size)))
    val = _repeated(val, count, "fill_diagonal") if np.ndim(val) else val
    return movement.reshape(_assigned(movement.ravel(a), val, slice(None, end, step)), shape=a.shape)


def _index_sum(x, indices, value):
    key, arrays = indexing.split_key(indices)
    return indexing.scatter(as_array(value), *arrays, key=key, shape=x.shape)


@_writer(np.add.at, (np.add, "at"))
def add_at(a, indices, b):
    """a[indices] += b, in place, as often as an index is named."""
    return elementwise.add(a, _index_sum(a, indices, b))


@_writer(np.subtract.at, (np.subtract, "at"))
def subtract_at(a, indices, b):
    """a[indices] -= b, in place, as often as an index is named."""
    return elementwise.subtract(a, _index_sum(a, indices, b))


def _once(ufunc):
    """The `at` of a ufunc whose effects do not add up: for indices that name no place twice."""
    name, op = ufunc.__name__, implementations[ufunc]

    @_writer(ufunc.at, (ufunc, "at"))
    def at(a, indices, *b):
        key, arrays = indexing.split_key(indices)
        arrays = [known(array, f"np.{name}.at") for array in arrays]
        places = np.arange(a.size).reshape(a.shape)[indexing.join_key(key, arrays)]
        if np.unique(places).size != np.size(places):
            raise NoRuleError(
                f"np.{name}.at has no rule for indices that name a place twice: np.add.at and np.subtract.at have, and "
                f"t[index] = np.{name}(t[index], value) takes each place once"
            )
        return indexing.assign(a, op(indexing.getitem(a, *arrays, key=key), *b), *arrays, key=key)

    return at


for _ufunc in (np.multiply, np.divide, np.power, np.maximum, np.minimum, np.fmax, np.fmin, np.negative):
    _once(_ufunc)


# --- shapes and orders -----------------------------------------------------------------------------------------------------


def reshape(x, /, shape, order="C", *, copy=None):
    """The same elements in another shape, read and written row by row, or column by column for order="F".

    >>> from autograd import Tensor
    >>> reshape(Tensor([1.0, 2.0, 3.0, 4.0]), (2, 2), order="F")
    Tensor([[1., 3.],
            [2., 4.]], op=transpose)
    """
    x = as_array(x)
    several = isinstance(shape, (tuple, list)) or np.ndim(shape)
    shape = tuple(map(operator.index, shape)) if several else (operator.index(shape),)
    if _by_rows("reshape", order):
        y = movement.reshape(x, shape=shape)
    else:
        y = movement.transpose(movement.reshape(movement.transpose(x), shape=shape[::-1]))
    if copy:
        return movement.copy(y)
    if copy is False and not _shares(x, y):
        raise ShapeError(f"reshape of {x.shape} to {shape} cannot do without a copy here: leave copy=False out")
    return y


def _by_rows(name, order):
    if order not in ("C", "F"):
        raise NoRuleError(
            f"{name}(order={order!r}) reads the elements as they lie in memory, which is no part of a Tensor's value: say 'C' "
            "(row by row) or 'F' (column by column)"
        )
    return order == "C"


def _shares(x, y):
    x, y = (value._raw if isinstance(value, Tensor) else value for value in (x, y))
    return not np.ndim(x) or np.may_share_memory(x, y)


def ravel(x, order="C"):
    """All elements in one axis, row by row, or column by column for order="F"."""
    x = as_array(x)
    return movement.ravel(x if _by_rows("ravel", order) else movement.transpose(x))


def copy(x, order="K", subok=False):
    """The same values in memory of their own. (How they lie there, `order`, is no part of a Tensor's value.)"""
    return movement.copy(as_array(x))


def broadcast_to(x, shape, subok=False):
    """Repeated, without a copy, along new axes and axes of length 1."""
    return movement.broadcast_to(as_array(x), shape=shape)


def transpose(x, axes=None):
    """The axes in another order, reversed by default."""
    return movement.transpose(x, axes=None if axes is None else tuple(map(operator.index, np.atleast_1d(axes).tolist())))


def astype(x, dtype, /, *, copy=True, device=None):
    """The same values as another dtype. Integers and booleans end the gradient."""
    creation.refuse_device(device)
    try:
        dtype = np.dtype(dtype)
    except TypeError as error:
        raise DtypeError(f"astype: {error}") from None
    if dtype.kind not in "biufc":
        raise DtypeError(f"astype: a Tensor holds numbers and booleans, not {dtype}")
    if not copy and getattr(x, "dtype", None) == dtype:
        return x
    return movement.astype(x, dtype=dtype)


# --- products --------------------------------------------------------------------------------------------------------------


def vdot(x, w, /):
    """The sum of products of all elements, the first ones conjugated."""
    x = movement.ravel(as_array(x))
    return contraction.matmul(elementwise.conj(x) if x.dtype.kind == "c" else x, movement.ravel(as_array(w)))


def dot(x, w, out=None):
    """numpy.dot: a matrix product up to two axes, beyond that a sum over the last axis of x and the last but one of w."""
    if out is not None:
        refuse("dot", out=out)
    if np.ndim(x) == 0 or np.ndim(w) == 0:
        return elementwise.multiply(x, w)
    if np.ndim(x) <= 2 and np.ndim(w) <= 2:
        return contraction.matmul(x, w)
    return tensordot(x, w, axes=((-1,), (-2 if np.ndim(w) > 1 else -1,)))


def inner(x, w):
    """The sum of products over the last axis of both."""
    if np.ndim(x) == 0 or np.ndim(w) == 0:
        return elementwise.multiply(x, w)
    return tensordot(x, w, axes=((-1,), (-1,)))


def outer(x, w):
    """Every element of one times every element of the other.

    >>> from autograd import Tensor, outer
    >>> outer(Tensor([1.0, 2.0]), [3.0, 4.0])
    Tensor([[3., 4.],
            [6., 8.]], op=multiply)
    """
    column = movement.reshape(as_array(x), shape=(-1, 1))
    return elementwise.multiply(column, movement.ravel(as_array(w)))


def tensordot(x, w, axes=2):
    """The sum of products over pairs of axes: the last n of x and the first n of w, or two lists of axes."""
    x, w = as_array(x), as_array(w)
    if isinstance(axes, (int, np.integer)):
        axes = (tuple(range(-axes, 0)), tuple(range(axes)))
    of_x, of_w = (
        tuple(axis_of(a, array.ndim) for a in ((group,) if isinstance(group, (int, np.integer)) else group))
        for group, array in zip(axes, (x, w), strict=True)
    )
    summed = [x.shape[a] for a in of_x]
    if summed != [w.shape[a] for a in of_w]:
        raise ShapeError(
            f"tensordot of shapes {x.shape} and {w.shape} over the axes {of_x} and {of_w}: their lengths {tuple(summed)} and "
            f"{tuple(w.shape[a] for a in of_w)} must be equal"
        )
    free_x = tuple(a for a in range(x.ndim) if a not in of_x)
    free_w = tuple(a for a in range(w.ndim) if a not in of_w)
    inner_size = math.prod(summed)
    left = movement.transpose(x, axes=free_x + of_x).reshape((math.prod(x.shape[a] for a in free_x), inner_size))
    right = movement.transpose(w, axes=of_w + free_w).reshape((inner_size, math.prod(w.shape[a] for a in free_w)))
    product = contraction.matmul(left, right)
    return product.reshape(tuple(x.shape[a] for a in free_x) + tuple(w.shape[a] for a in free_w))


def einsum(subscripts, *operands, optimize=False, **kwargs):
    """Einstein's summation, with the subscripts first: `einsum("ij,jk->ik", a, b)`.

    `optimize` is as in NumPy: True or "greedy" look for a good order of the products, forward and backward, and a path from
    numpy.einsum_path is one.

    >>> from autograd import Tensor, einsum
    >>> einsum("ii", Tensor([[1.0, 2.0], [3.0, 4.0]]))
    Tensor(5.0, op=einsum)
    """
    if kwargs:
        refuse("einsum", **kwargs)
    if not isinstance(subscripts, str):
        subscripts, operands = _subscripts_of((subscripts, *operands))
    return contraction.einsum(*operands, subscripts=subscripts, optimize=optimize)


def _subscripts_of(args):
    """NumPy's other form, einsum(a, [0, 1], b, [1, 2], [0, 2]), as subscripts and operands."""

    def letters(labels):
        return "".join("..." if label is Ellipsis else contraction.LETTERS[label] for label in labels)

    pairs = len(args) // 2
    operands, terms = args[: 2 * pairs : 2], [letters(labels) for labels in args[1 : 2 * pairs : 2]]
    return ",".join(terms) + ("->" + letters(args[-1]) if len(args) % 2 else ""), operands


def einsum_path(subscripts, *operands, **kwargs):
    """The order of products that np.einsum would take, from the shapes alone."""
    if not isinstance(subscripts, str):
        subscripts, operands = _subscripts_of((subscripts, *operands))
    return np.einsum_path(subscripts, *(np.broadcast_to(0.0, np.shape(x)) for x in operands), **kwargs)


implementations.update(
    {
        np.where: where,
        np.clip: clip,
        np.concatenate: concatenate,
        np.stack: stack,
        np.split: split,
        np.pad: pad,
        np.repeat: repeat,
        np.take: take,
        np.tile: tile,
        np.roll: roll,
        np.take_along_axis: take_along_axis,
        np.reshape: reshape,
        np.ravel: ravel,
        np.copy: copy,
        np.broadcast_to: broadcast_to,
        np.transpose: transpose,
        np.astype: astype,
        np.dot: dot,
        np.inner: inner,
        np.outer: outer,
        np.tensordot: tensordot,
        np.vdot: vdot,
        np.einsum: einsum,
        np.einsum_path: einsum_path,
        np.linalg.matmul: contraction.matmul,
    }
)
