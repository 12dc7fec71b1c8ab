"""Other shapes and other orders of the same elements. Stands on `rule` alone.

What one of these moves forward, its derivative moves back; the names of axes stay as the user gave them.
"""

import math

import numpy as np

from ..graph import unchanged
from ..rule import from_end, rule, sample


def back(g, x_shape, y_shape):
    """The derivative of whatever changes the shape and nothing else."""
    return g.reshape(g.shape[: g.ndim - len(y_shape)] + x_shape)


def _reshape_hint(raws, attributes):
    return f"{math.prod(np.shape(raws[0]))} elements do not make an array of shape {attributes.get('shape')}"


@rule(kind="linear", leading=True, x=back, view=True, hint=_reshape_hint, samples=[sample((2, 3), shape=(3, -1))])
def reshape(x, *, shape):
    """The same elements, row by row, in another shape; one length may be -1."""
    return x.reshape(shape)


@rule(kind="linear", leading=True, x=back, view=True, samples=[sample((2, 3))])
def ravel(x):
    """All elements in one axis, row by row."""
    return x.reshape(-1)


@rule(
    kind="linear",
    leading=True,
    x=back,
    numpy=np.expand_dims,
    view=True,
    samples=[sample((2, 3), axis=1), sample((3,), axis=(0, -1))],
)
def expand_dims(x, *, axis=0):
    """With new axes of length 1 at the given places of the result."""
    return np.expand_dims(x, axis)


@rule(
    kind="linear",
    leading=True,
    x=back,
    numpy=np.squeeze,
    view=True,
    samples=[sample((2, 1, 3, 1)), sample((2, 1, 3, 1), axis=1)],
)
def squeeze(x, *, axis=None):
    """Without the axes of length 1, or without the given ones of them."""
    return np.squeeze(x, axis)


@rule(kind="linear", x=unchanged, view=True, samples=[sample((3, 1), shape=(2, 3, 4))])
def broadcast_to(x, *, shape):
    """Repeated, without a copy, along new axes and axes of length 1."""
    return np.broadcast_to(x, shape)


def _transpose_x(g, y_shape, axes):
    rank = len(y_shape)
    lead = g.ndim - rank
    if axes is None and not lead:
        return np.transpose(g)
    order = range(rank)[::-1] if axes is None else sorted(range(rank), key=lambda i: axes[i] % rank)
    return np.transpose(g, (*range(lead), *(lead + i for i in order)))


@rule(
    kind="linear",
    leading=True,
    x=_transpose_x,
    numpy=np.transpose,
    view=True,
    samples=[sample((2, 3)), sample((2, 3, 4), axes=(2, 0, 1)), sample((2, 3, 4), axes=(-1, 0, 1))],
)
def transpose(x, *, axes=None):
    """The axes in another order, reversed by default."""
    return np.transpose(x, axes)


@rule(
    kind="linear",
    leading=True,
    x=lambda g, x_shape, axis1, axis2: np.swapaxes(g, from_end(axis1, len(x_shape)), from_end(axis2, len(x_shape))),
    numpy=np.swapaxes,
    view=True,
    samples=[sample((2, 3, 4), axis1=0, axis2=-1)],
)
def swapaxes(x, *, axis1, axis2):
    """Two axes exchanged."""
    return np.swapaxes(x, axis1, axis2)


@rule(
    kind="linear",
    leading=True,
    x=lambda g, x_shape, source, destination: np.moveaxis(
        g, from_end(destination, len(x_shape)), from_end(source, len(x_shape))
    ),
    numpy=np.moveaxis,
    view=True,
    samples=[sample((2, 3, 4), source=0, destination=-1), sample((2, 3, 4), source=(0, 1), destination=(2, 0))],
)
def moveaxis(x, *, source, destination):
    """Axes moved to other places, the others in their order."""
    return np.moveaxis(x, source, destination)


@rule(
    kind="linear",
    leading=True,
    x=lambda g, x_shape, axis: np.flip(g, tuple(range(-len(x_shape), 0)) if axis is None else from_end(axis, len(x_shape))),
    numpy=np.flip,
    view=True,
    samples=[sample((2, 3)), sample((2, 3), axis=1), sample((2, 3), axis=(0, 1))],
)
def flip(x, *, axis=None):
    """The order reversed along the axes, all by default."""
    return np.flip(x, axis)


def _roll_x(g, x_shape, shift, axis):
    shift = tuple(-s for s in shift) if isinstance(shift, (tuple, list)) else -shift
    if axis is None:
        return np.roll(g.reshape((*g.shape[: g.ndim - len(x_shape)], -1)), shift, -1).reshape(g.shape)
    return np.roll(g, shift, from_end(axis, len(x_shape)))


@rule(
    kind="linear",
    leading=True,
    x=_roll_x,
    samples=[sample((2, 3), shift=1), sample((2, 3), shift=(1, -2), axis=(0, 1))],
)
def roll(x, *, shift, axis=None):
    """Shifted along the axes; what leaves at one end comes in at the other."""
    return np.roll(x, shift, axis)


def _tile_x(g, x_shape, reps):
    reps = tuple(reps) if np.ndim(reps) else (reps,)
    rank = max(len(reps), len(x_shape))
    reps = (1,) * (rank - len(reps)) + reps
    lengths = (1,) * (rank - len(x_shape)) + tuple(x_shape)
    pairs = tuple(n for pair in zip(reps, lengths, strict=True) for n in pair)
    return g.reshape(pairs).sum(axis=tuple(range(0, 2 * rank, 2))).reshape(x_shape)


@rule(
    kind="linear",
    x=_tile_x,
    samples=[sample((3,), reps=2), sample((2, 3), reps=(2, 1, 2)), sample((2, 3), reps=2)],
)
def tile(x, *, reps):
    """Laid side by side, `reps` times along each axis."""
    return np.tile(x, reps)


def _repeat_x(g, x_shape, repeats, axis):
    if axis is None:
        return _repeat_x(g, (math.prod(x_shape),), repeats, 0).reshape(x_shape)
    axis %= len(x_shape)
    return g.reshape((*x_shape[: axis + 1], repeats, *x_shape[axis + 1 :])).sum(axis=axis + 1)


@rule(kind="linear", x=_repeat_x, samples=[sample((3,), repeats=2), sample((2, 3), repeats=2, axis=1)])
def repeat(x, *, repeats, axis=None):
    """Each element, or each slice along an axis, the same number of times in a row."""
    return np.repeat(x, repeats, axis)


def _inside(shape, pad_width):
    return (Ellipsis, *(slice(before, before + n) for n, (before, _) in zip(shape, pad_width, strict=True)))


@rule(
    leading=True,
    x=lambda g, x_shape, pad_width: g[_inside(x_shape, pad_width)],
    samples=[
        sample((2, 3), pad_width=((1, 0), (2, 1))),
        sample((3,), pad_width=((0, 2),), value=1.5),
        sample((3,), pad_width=((1, 2),), value=((3.0, 4.0),)),
    ],
)
def pad_constant(x, *, pad_width, value=0):
    """With a margin: `pad_width` is (before, after) for each axis, and `value` one value, or (before, after) for each axis."""
    return np.pad(x, pad_width, constant_values=value)


def _piece(g, arrays_shape, axis, index):
    if axis is None:
        sizes = [math.prod(shape) for shape in arrays_shape]
        start = sum(sizes[:index])
        return g[..., start : start + sizes[index]].reshape(g.shape[:-1] + arrays_shape[index])
    axis = from_end(axis, len(arrays_shape[0]))
    start = sum(shape[axis] for shape in arrays_shape[:index])
    return g[(Ellipsis, slice(start, start + arrays_shape[index][axis])) + (slice(None),) * (-axis - 1)]


def _joined_hint(raws, attributes):
    shapes = [np.shape(raw) for raw in raws]
    return f"the shapes {', '.join(map(str, shapes))} may differ along axis {attributes.get('axis')} only"


@rule(
    leading=True,
    arrays=_piece,
    hint=_joined_hint,
    samples=[sample((2, 3), (1, 3)), sample((2, 1), (2, 2), axis=-1), sample((2,), (1, 2), axis=None)],
)
def concatenate(*arrays, axis=0):
    """One after the other along an axis that exists."""
    return np.concatenate(arrays, axis)


@rule(
    leading=True,
    arrays=lambda g, y_shape, axis, index: np.moveaxis(g, from_end(axis, len(y_shape)), 0)[index],
    hint=lambda raws, attributes: f"stack needs equal shapes, got {', '.join(str(np.shape(raw)) for raw in raws)}",
    samples=[sample((2, 3), (2, 3)), sample((3,), (3,), axis=-1)],
)
def stack(*arrays, axis=0):
    """Side by side along a new axis."""
    return np.stack(arrays, axis)


@rule(
    leading=True,
    x=lambda g, x_shape, axis: np.concatenate(g, from_end(axis, len(x_shape))),
    view=True,
    drops=True,
    samples=[sample((4, 2), indices_or_sections=2), sample((2, 5), indices_or_sections=(1, 3), axis=1)],
)
def split(x, *, indices_or_sections, axis=0):
    """Cut along an axis, into equal parts or at the given places: a tuple."""
    return tuple(np.split(x, indices_or_sections, axis))


@rule(kind="linear", x=unchanged, samples=[sample((2, 3))])
def copy(x):
    """The same values in memory of their own."""
    return x.copy()


@rule(kind="linear", x=unchanged, numpy=np.astype, samples=[sample((2, 3), dtype=np.float64)])
def astype(x, *, dtype):
    """The same values as another dtype. Integers and booleans end the gradient."""
    return x.astype(dtype)
