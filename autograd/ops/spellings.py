"""The ops as NumPy spells them, where that differs from one rule with its inputs first and its attributes after.

Sequences of arrays, optional bounds, several functions in one, and what is a plain composite of ops. Each returns plain
values for plain values. Stands on the ops.
"""

import math

import numpy as np

from ..errors import DtypeError, GradientError, NoRuleError, ShapeError
from ..tensor import Tensor, become, cast_like, constant, implementations, owned
from . import contraction, elementwise, indexing, movement


def where(condition, x=None, w=None, /):
    """x where the condition holds, else w; with the condition alone, the indices at which it holds.

    >>> from autograd import Tensor, where
    >>> where(Tensor([1.0, -1.0]) > 0, 2.0, 0.0)
    Tensor([2., 0.])
    """
    if x is None and w is None:
        return indexing.nonzero(condition)
    return elementwise.where(condition, x, w)


def clip(x, min=None, max=None, *, a_min=None, a_max=None):
    """min(max(x, min), max); a bound that is None does not bind.

    >>> from autograd import Tensor, clip
    >>> clip(Tensor([-2.0, 0.5, 2.0]), 0.0, 1.0)
    Tensor([0. , 0.5, 1. ], op=clip)
    """
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    if low is None and high is None:
        return elementwise.positive(x)
    dtype = getattr(x, "dtype", np.dtype(float))
    limits = np.iinfo(dtype) if dtype.kind in "iu" else None
    if low is None:
        low = int(limits.min) if limits else -math.inf
    if high is None:
        high = int(limits.max) if limits else math.inf
    return elementwise.clip(x, low, high)


def concatenate(arrays, axis=0):
    """Joined one after the other along an axis.

    >>> from autograd import Tensor, concatenate
    >>> concatenate([Tensor([1.0]), [2.0, 3.0]])
    Tensor([1., 2., 3.], op=concatenate)
    """
    return movement.concatenate(*arrays, axis=axis)


def stack(arrays, axis=0):
    """Joined side by side along a new axis.

    >>> from autograd import Tensor, stack
    >>> stack([Tensor(1.0), Tensor(2.0)])
    Tensor([1., 2.], op=stack)
    """
    return movement.stack(*arrays, axis=axis)


def split(x, indices_or_sections, axis=0):
    """Cut along an axis, into equal parts or at the given places: a list.

    >>> from autograd import Tensor, split
    >>> [part.shape for part in split(Tensor([1.0, 2.0, 3.0]), [1])]
    [(1,), (2,)]
    """
    if not isinstance(indices_or_sections, int):
        indices_or_sections = tuple(int(i) for i in indices_or_sections)
    return list(movement.split(x, indices_or_sections=indices_or_sections, axis=axis))


def pad(x, pad_width, mode="constant", constant_values=0):
    """With a margin: of a constant, or of the array itself (mode edge, reflect, symmetric or wrap).

    >>> from autograd import Tensor, pad
    >>> pad(Tensor([1.0, 2.0, 3.0]), 1, mode="reflect")
    Tensor([2., 1., 2., 3., 2.], op=getitem)
    """
    widths = tuple((int(a), int(b)) for a, b in np.broadcast_to(np.asarray(pad_width), (np.ndim(x), 2)))
    if mode == "constant":
        return movement.pad_constant(x, pad_width=widths, value=constant_values)
    if mode not in ("edge", "reflect", "symmetric", "wrap"):
        raise NoRuleError(f"pad has no rule for mode={mode!r}; it knows constant, edge, reflect, symmetric and wrap")
    places = np.pad(np.arange(math.prod(np.shape(x))).reshape(np.shape(x)), widths, mode=mode)
    return take(x, places)


def repeat(x, repeats, axis=None):
    """Each element (or slice along an axis) several times in a row; as many times each as `repeats` says.

    >>> from autograd import Tensor, repeat
    >>> repeat(Tensor([1.0, 2.0]), [2, 1])
    Tensor([1., 1., 2.], op=getitem)
    """
    if isinstance(repeats, (int, np.integer)):
        return movement.repeat(x, repeats=int(repeats), axis=axis)
    length = math.prod(np.shape(x)) if axis is None else np.shape(x)[axis]
    return take(x, np.repeat(np.arange(length), repeats), axis)


def take(x, indices, axis=None):
    """The elements, or the slices along an axis, at integer indices.

    >>> from autograd import Tensor, take
    >>> take(Tensor([1.0, 2.0]), [1, 1])
    Tensor([2., 2.], op=getitem)
    """
    if axis is None:
        x, axis = movement.ravel(x), 0
    axis = axis % np.ndim(x) if np.ndim(x) else axis
    return getitem(x, (slice(None),) * axis + (indices,))


def take_along_axis(x, indices, axis=-1):
    """The elements at indices that are given for each line along an axis, as argsort and argmax return them.

    >>> from autograd import Tensor, take_along_axis
    >>> import numpy as np
    >>> take_along_axis(Tensor([[1.0, 2.0], [3.0, 4.0]]), np.array([[1], [0]]), axis=1)
    Tensor([[2.],
            [3.]], op=getitem)
    """
    shape = np.shape(indices)
    axis %= len(shape)
    grid = np.ogrid[tuple(slice(n) for n in shape)]
    return getitem(x, tuple(indices if i == axis else places for i, places in enumerate(grid)))


def getitem(x, key):
    """x[key], where the key may hold Tensors of integers or booleans."""
    key, arrays = indexing.split_key(key)
    return indexing.getitem(x, *arrays, key=key)


def setitem(x, key, value):
    """x[key] = value, differentiable in both. A leaf that requires a gradient refuses: it would stop being one."""
    key, arrays = indexing.split_key(key)
    refuse_leaf(x)
    if not isinstance(value, Tensor):
        value = constant(owned(value))
    value = value if x.dtype == value.dtype else cast_like(value, x._raw if np.ndim(x._raw) else np.asarray(x._raw))
    new = indexing.assign(x, value, *arrays, key=key)
    become(x, new, new.node)


def refuse_leaf(x):
    """An error if an in-place change would cut a leaf from its gradient."""
    if x.node is not None and x.node.rule is None and "argument" not in x.node.attributes:
        raise GradientError(
            "an in-place change of a leaf that requires a gradient: afterwards it would no longer be the leaf, and its "
            "gradient would be lost. Change a copy (y = x.copy(); y[0] = 1.0), or update the value outside the graph: "
            "under no_grad(), or through x.data"
        )


def transpose(x, axes=None):
    """The axes in another order, reversed by default."""
    return movement.transpose(x, axes=None if axes is None else tuple(int(a) for a in axes))


def astype(x, dtype, copy=True):
    """The same values as another dtype. Integers and booleans end the gradient."""
    try:
        dtype = np.dtype(dtype)
    except TypeError as error:
        raise DtypeError(f"astype: {error}") from None
    if dtype.kind not in "biufc":
        raise DtypeError(f"astype: a Tensor holds numbers and booleans, not {dtype}")
    if not copy and getattr(x, "dtype", None) == dtype:
        return x
    return movement.astype(x, dtype=dtype)


def dot(x, w):
    """numpy.dot: a matrix product up to two axes, beyond that a sum over the last axis of x and the last but one of w."""
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
    column = movement.reshape(_as_array(x), shape=(-1, 1))
    return elementwise.multiply(column, movement.ravel(_as_array(w)))


def _as_array(x):
    return x if isinstance(x, Tensor) else np.asarray(x)


def tensordot(x, w, axes=2):
    """The sum of products over pairs of axes: the last n of x and the first n of w, or two lists of axes."""
    x, w = _as_array(x), _as_array(w)
    if isinstance(axes, (int, np.integer)):
        axes = (tuple(range(x.ndim - axes, x.ndim)), tuple(range(axes)))
    of_x, of_w = (
        tuple(int(a) % array.ndim for a in ((group,) if isinstance(group, (int, np.integer)) else group))
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


def einsum(subscripts, *operands, optimize=False):
    """Einstein's summation, with the subscripts first: `einsum("ij,jk->ik", a, b)`.

    >>> from autograd import Tensor, einsum
    >>> einsum("ii", Tensor([[1.0, 2.0], [3.0, 4.0]]))
    Tensor(5.0, op=einsum)
    """
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
        np.take_along_axis: take_along_axis,
        np.transpose: transpose,
        np.astype: astype,
        np.dot: dot,
        np.inner: inner,
        np.outer: outer,
        np.tensordot: tensordot,
        np.einsum: einsum,
        np.linalg.matmul: contraction.matmul,
    }
)
