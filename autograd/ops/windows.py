"""Windows that slide over arrays: convolutions, pools, patches and resampling.

A convolution of any number of axes is one of three products, each of which is linear in two arrays and whose derivatives are
the other two. They copy the windows once, a block that fits the cache at a time, for one matrix product each; in memory the
batch is the innermost axis, so that rows are long whatever the image. Pools and patches go one axis at a time, and come in
pairs that are each other's transpose. Knows no padding but zeros, and no layer.
"""

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..errors import DtypeError
from ..rule import rule, sample

BLOCK = 2**18  # elements of windows that are copied at a time: 1 MB of float32, what stays in a cache


# --- convolutions ----------------------------------------------------------------------------------------------------------
# The sum over n, o, c, k and p of  x[n, c, stride * p + dilation * k - padding]  w[o, c, k]  v[n, o, p], where x is zero
# outside, is linear in x, w and v. Each of three rules is its derivative with respect to one of them, and `size` are the
# lengths of what it returns. With groups, o and c go through equal parts of their axes side by side.


def _innermost(x):
    """The batch as the last axis, and memory of that order: copied only where it is not so already."""
    x = np.moveaxis(x, 0, -1)
    return x.reshape(-1).reshape(x.shape)


def _surrounded(x, padding, lengths):
    """What windows of altogether these lengths see of x, with zeros where they reach beyond; the batch innermost."""
    x = np.moveaxis(x, 0, -1)
    inside, places = [slice(None)], [slice(None)]
    for n, before, length in zip(x.shape[1:-1], padding, lengths, strict=True):
        start = min(max(before, 0), length)
        stop = max(min(n + before, length), start)
        places.append(slice(start, stop))
        inside.append(slice(start - before, stop - before))
    seen = x[tuple(inside)]
    shape = (x.shape[0], *lengths, x.shape[-1])
    if seen.shape == shape:
        return seen.reshape(-1).reshape(shape)
    out = np.zeros(shape, x.dtype, like=x)
    out[tuple(places)] = seen
    return out


def _blocks(count, each):
    """Slices of an axis: as many places at a time as make up a block."""
    step = max(1, BLOCK // each) if each else max(1, count)
    return [slice(i, min(i + step, count)) for i in range(0, count, step)]


def _whole(kernel, size, stride, dilation):
    """The lengths that all windows together see."""
    return tuple((m - 1) * s + (k - 1) * d + 1 for k, m, s, d in zip(kernel, size, stride, dilation, strict=True))


def _columns(x, kernel, size, stride, padding, dilation, groups):
    """The windows, block by block: which columns of the product they are, and a matrix of them for each group."""
    d, height = len(kernel), x.shape[1] // groups * math.prod(kernel)
    if 0 in kernel + size:
        yield slice(None), np.zeros((groups, height, math.prod(size) * len(x)), x.dtype, like=x)
        return
    x = _surrounded(x, padding, _whole(kernel, size, stride, dilation))
    reach = tuple((k - 1) * step + 1 for k, step in zip(kernel, dilation, strict=True))
    windows = sliding_window_view(x, reach, axis=tuple(range(1, d + 1)))
    every = [slice(None, None, step) for step in (1, *stride, 1, *dilation)]
    windows = windows[tuple(every)].transpose(0, *range(d + 2, 2 * d + 2), *range(1, d + 2))
    row = math.prod(size[1:]) * x.shape[-1]
    copied = 0 if math.prod(kernel + stride) == 1 else groups * height * row
    for rows in _blocks(size[0], copied):
        part = windows[(slice(None),) * (d + 1) + (rows,)]
        yield slice(rows.start * row, rows.stop * row), part.reshape(groups, height, (rows.stop - rows.start) * row)


def _correlated(x, w, b, size, stride, padding, dilation, groups):
    n, o = len(x), len(w)
    dtype = np.result_type(x, w) if b is None else np.result_type(x, w, b)
    y = np.empty((groups, o // groups, math.prod(size) * n), dtype, like=x)
    matrix = w.reshape(groups, o // groups, math.prod(w.shape[1:]))
    for columns, windows in _columns(x, w.shape[2:], size, stride, padding, dilation, groups):
        block = y[:, :, columns]
        np.matmul(matrix, windows, out=block)
        if b is not None:  # while the block is in the cache
            np.add(block, b.reshape(groups, o // groups, 1), out=block)
    return np.moveaxis(y.reshape(o, *size, n), -1, 0)


def _correlation_x(g, x_shape, w, stride, padding, dilation, groups):
    return correlation_transpose(g, w, size=x_shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups)


def _correlation_w(g, x, w_shape, stride, padding, dilation, groups):
    return correlation_kernel(x, g, size=w_shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups)


def _like_it(stride=1, padding=0, dilation=1, groups=1, **given):
    """The attributes of a sample."""
    d = len(given["size"])
    every = {"stride": stride, "padding": padding, "dilation": dilation}
    return {**given, "groups": groups, **{k: v if isinstance(v, tuple) else (v,) * d for k, v in every.items()}}


# Shapes of x, w and v, and what else: each of the rules takes its samples from here.
CONVOLUTIONS: list[Any] = [
    ((2, 3, 5), (2, 3, 2), (2, 2, 4), {}),
    ((1, 1, 5), (2, 1, 3), (1, 2, 3), {"stride": 2, "padding": 1}),
    ((1, 1, 5), (1, 1, 2), (1, 1, 2), {"padding": -2}),
    ((1, 4, 6), (2, 2, 2), (1, 2, 3), {"stride": 2, "dilation": 2, "groups": 2, "padding": 1}),
    ((2, 2, 3, 4), (3, 2, 1, 1), (2, 3, 3, 4), {}),
    ((1, 2, 3, 4), (2, 1, 2, 3), (1, 2, 4, 4), {"padding": 1, "groups": 2}),
    ((1, 1, 4, 3), (1, 1, 2, 1), (1, 1, 2, 2), {"stride": (2, 1), "padding": (1, -1)}),
]


def _samples(*inputs, size):
    return [
        sample(*(shapes["xwv".index(i)] for i in inputs), **_like_it(size=shapes["xwv".index(size)][2:], **given))
        for *shapes, given in CONVOLUTIONS
    ]


@rule(kind="multilinear", x=_correlation_x, w=_correlation_w, samples=_samples("x", "w", size="v"))
def correlation(x, w, *, size, stride, padding, dilation, groups):
    """y[n, o, p] = sum over c and k of x[n, c, stride * p + dilation * k - padding] w[o, c, k]; x is zero outside."""
    return _correlated(x, w, None, size, stride, padding, dilation, groups)


@rule(
    x=_correlation_x,
    w=_correlation_w,
    b=lambda g: g.sum(axis=(0, *range(2, g.ndim))),
    samples=[sample(*s.inputs, (s.inputs[1][0],), **s.attributes) for s in _samples("x", "w", size="v")],
)
def biased_correlation(x, w, b, *, size, stride, padding, dilation, groups):
    """correlation(x, w) plus a number b[o] for each output channel."""
    return _correlated(x, w, b, size, stride, padding, dilation, groups)


def _transpose_v(g, v_shape, w, stride, padding, dilation, groups):
    return correlation(g, w, size=v_shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups)


def _transpose_w(g, v, w_shape, stride, padding, dilation, groups):
    return correlation_kernel(g, v, size=w_shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups)


@rule(kind="multilinear", v=_transpose_v, w=_transpose_w, samples=_samples("v", "w", size="x"))
def correlation_transpose(v, w, *, size, stride, padding, dilation, groups):
    """x[n, c, i] = sum over o, k and p with stride * p + dilation * k - padding = i of v[n, o, p] w[o, c, k]."""
    n, kernel, steps, channels = len(v), w.shape[2:], v.shape[2:], w.shape[1] * groups
    v = _innermost(v)
    v = v.reshape(groups, len(v) // groups, math.prod(steps) * n)
    matrix = np.swapaxes(w.reshape(groups, len(w) // groups, math.prod(w.shape[1:])), 1, 2)
    if math.prod(kernel + stride) == 1 and not any(padding) and steps == size:
        return np.moveaxis((matrix @ v).reshape(channels, *size, n), -1, 0)
    # x inside zeros that take what falls beside it: from `lead` on where the windows begin, from `start` on where x does
    lead = tuple(max(-before, 0) for before in padding)
    start = tuple(max(before, 0) for before in padding)
    whole = _whole(kernel, steps, stride, dilation)
    lengths = [max(a + t, b + m) for a, t, b, m in zip(lead, whole, start, size, strict=True)]
    x = np.zeros((channels, *lengths, n), np.result_type(v, w), like=v)
    row = math.prod(steps[1:]) * n
    for rows in _blocks(steps[0], channels * math.prod(kernel) * row):
        counts = (rows.stop - rows.start, *steps[1:])
        columns = v[:, :, rows.start * row : rows.stop * row]
        # Products of a column and a row take BLAS four times as long.
        part = matrix * columns if len(w) == groups else matrix @ columns
        part = part.reshape(channels, *kernel, *counts, n)
        begin = (lead[0] + rows.start * stride[0], *lead[1:])
        for tap in np.ndindex(*kernel):
            firsts = [i + t * d for i, t, d in zip(begin, tap, dilation, strict=True)]
            places = [slice(i, i + (m - 1) * s + 1, s) for i, m, s in zip(firsts, counts, stride, strict=True)]
            x[(slice(None), *places)] += part[(slice(None), *tap)]
    inside = tuple(slice(i, i + m) for i, m in zip(start, size, strict=True))
    return np.moveaxis(x[(slice(None), *inside)], -1, 0)


def _kernel_x(g, x_shape, v, stride, padding, dilation, groups):
    return correlation_transpose(v, g, size=x_shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups)


def _kernel_v(g, x, v_shape, stride, padding, dilation, groups):
    return correlation(x, g, size=v_shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups)


@rule(kind="multilinear", x=_kernel_x, v=_kernel_v, samples=_samples("x", "v", size="w"))
def correlation_kernel(x, v, *, size, stride, padding, dilation, groups):
    """w[o, c, k] = sum over n and p of x[n, c, stride * p + dilation * k - padding] v[n, o, p]; x is zero outside."""
    channels, outputs, steps = x.shape[1] // groups, v.shape[1], v.shape[2:]
    v = _innermost(v).reshape(groups, outputs // groups, math.prod(steps) * len(v))
    w = np.zeros((groups, outputs // groups, channels * math.prod(size)), np.result_type(x, v), like=x)
    for columns, windows in _columns(x, size, steps, stride, padding, dilation, groups):
        w += v[:, :, columns] @ np.swapaxes(windows, 1, 2)
    return w.reshape(outputs, channels, *size)


# --- one axis at a time ----------------------------------------------------------------------------------------------------
# `window` is (length, stride, padding, dilation), or () for windows of nearly equal lengths that share out the whole axis;
# `size` is how many there are. Axes count from the end.


@lru_cache(1024)
def _taps(n, axis, size, window):
    """For each place in a window: which windows have an element there (an index), whether all do, and which elements."""
    if not window and n % size == 0:
        window = (n // size, n // size, 0, 1)
    if window:
        found = _regular(n, size, *window)
    else:
        starts = np.arange(size) * n // size
        counts = -(-np.arange(1, size + 1) * n // size) - starts
        inside = [np.flatnonzero(counts > t) for t in range(counts.max())]
        found = [(p if len(p) < size else slice(0, size), starts[p] + t) for t, p in enumerate(inside)]
    return [(_at(axis, p), isinstance(p, slice) and p == slice(0, size), _at(axis, i)) for p, i in found]


def _regular(n, size, length, stride, padding, dilation):
    for first in range(-padding, length * dilation - padding, dilation):
        start, stop = max(0, -(first // stride)), min(size, (n - 1 - first) // stride + 1)
        if start < stop:
            yield slice(start, stop), slice(first + start * stride, first + (stop - 1) * stride + 1, stride)
        else:
            yield slice(0, 0), slice(0, 0)


def _at(axis, places):
    """The index that takes places along an axis."""
    return (Ellipsis, places, *[slice(None)] * (-axis - 1))


def _with_length(shape, axis, length):
    """The shape with another length along an axis."""
    return (*shape[:axis], length, *shape[len(shape) + axis + 1 :])


def _collected(x, axis, size, window, join, start):
    """What `join` makes of the elements of each window; `start` is its value for none."""
    taps = _taps(x.shape[axis], axis, size, window)
    whole = [i for _, every, i in taps if every]
    if len(whole) > 1:
        y = join(x[whole[0]], x[whole[1]])
    elif whole:
        y = x[whole[0]].copy()
    else:
        y = np.full_like(x, start, shape=_with_length(x.shape, axis, size))
    for i in whole[2:]:
        join(y, x[i], out=y)
    for p, every, i in taps:
        if not every:
            y[p] = join(y[p], x[i])
    return y


def _add(x, places, part):
    if isinstance(places[1], slice):
        x[places] += part
    else:  # an index array may name a place twice
        np.add.at(x, places, part)


def _window_sum_x(g, x_shape, axis, size, window):
    return window_spread(g, axis=axis, size=x_shape[axis], window=window)


SHARED: list[Any] = [
    ((2, 6), {"axis": -1, "size": 3, "window": (2, 2, 0, 1)}),
    ((2, 5, 2), {"axis": -2, "size": 3, "window": (3, 2, 1, 1)}),
    ((5,), {"axis": -1, "size": 5, "window": (2, 1, 1, 2)}),
    ((7,), {"axis": -1, "size": 3, "window": ()}),
    ((2,), {"axis": -1, "size": 3, "window": ()}),
    ((3, 4), {"axis": -1, "size": 4, "window": (1, 1, 0, 1)}),
    ((2, 4), {"axis": -1, "size": 2, "window": (2, 3, 0, 1)}),  # as many elements as in all windows, and one in none
]
TURNED = [
    (_with_length(shape, given["axis"], given["size"]), {**given, "size": shape[given["axis"]]}) for shape, given in SHARED
]


@rule(kind="linear", leading=True, x=_window_sum_x, samples=[sample(shape, **given) for shape, given in SHARED])
def window_sum(x, *, axis, size, window):
    """The sum of the elements of each window along an axis."""
    return _collected(x, axis, size, window, np.add, 0)


@rule(
    kind="linear",
    leading=True,
    v=lambda g, v_shape, axis, window: window_sum(g, axis=axis, size=v_shape[axis], window=window),
    samples=[sample(shape, **given) for shape, given in TURNED],
)
def window_spread(v, *, axis, size, window):
    """Zeros, to which each value is added at all elements of its window, of an axis of length `size`."""
    x = np.zeros_like(v, shape=_with_length(v.shape, axis, size))
    for p, _, i in _taps(size, axis, v.shape[axis], window):
        _add(x, i, v[p])
    return x


# A maximum is where it is found first. A nan is larger than any number.


def _hits(x, top, axis, size, window):
    """For each place in a window: the windows, the elements there, and which of these are their window's maximum."""
    taps = _taps(x.shape[axis], axis, size, window)
    nans = top.dtype.kind == "f" and bool(np.isnan(top).any())
    free = None  # the windows whose maximum was not met yet
    for n, (p, every, i) in enumerate(taps, 1):
        if every and n == len(taps) and free is not None:
            hit = free
        else:
            hit = x[i] == top[p]
            if nans:
                hit |= x[i] != x[i]
            if free is not None:
                hit &= free[p]
        yield p, i, hit
        if n == len(taps):
            return
        if every and free is None:
            free = ~hit
        else:
            free = np.ones_like(top, dtype=bool) if free is None else free
            free[p] = free[p] & ~hit


def _placed(g, x, y, axis, size, window):
    return window_place(g, x, y, axis=axis, size=size, window=window)


def _lowest(dtype):
    if dtype.kind not in "fiu":
        raise DtypeError(f"the largest of values that have no order: {dtype}")
    return -np.inf if dtype.kind == "f" else np.iinfo(dtype).min


@rule(leading=True, x=_placed, samples=[sample(shape, **given) for shape, given in SHARED])
def window_max(x, *, axis, size, window):
    """The maximum of each window along an axis; a nan in the window wins."""
    return _collected(x, axis, size, window, np.maximum, _lowest(x.dtype))


@rule(samples=[sample(shape, **given) for shape, given in SHARED])
def window_argmax(x, *, axis, size, window):
    """Where along an axis the maximum of each window is; the first of equal ones."""
    top = _collected(x, axis, size, window, np.maximum, _lowest(x.dtype))
    n = x.shape[axis]
    order = np.arange(n, like=x).reshape(n, *[1] * (-axis - 1))
    found = np.zeros_like(top, dtype=order.dtype)
    for p, i, hit in _hits(x, top, axis, size, window):
        found[p] += order[i] * hit
    return found


def _is_finite(v):
    return bool(np.isfinite(v).all())


def _where(hit, v, finite):
    """v where it hits, else 0. np.where takes ten times as long as a product, which is right for finite numbers alone."""
    return v * hit if finite else np.where(hit, v, 0)


def _in_order_of(v, x):
    """v in the order that x has in memory: operations on both then go along it."""
    if v.ndim != x.ndim or getattr(v, "strides", None) == getattr(x, "strides", None):
        return v
    out = np.empty_like(x, dtype=v.dtype)
    out[...] = v
    return out


def _picked(g, x, top, axis, size, window):
    return window_pick(g, x, top, axis=axis, size=size, window=window)


def _with_tops(turned):
    """Samples of the two below: for a cotangent of the maxima, or for one of the elements."""
    for k, (shape, given) in enumerate(SHARED):
        size = math.prod(shape)
        x = ((np.arange(size) * 7919 + k) % size).reshape(shape) // 2 * 1.0  # 7919 is prime: every number once, then in pairs
        top = _collected(x, **given, join=np.maximum, start=-np.inf)
        yield sample(shape if turned else top.shape, x, top, **given)


def _still(g, y_shape, shape):
    """A choice does not move with what it was made by."""
    return np.zeros_like(g, shape=g.shape[: g.ndim - len(y_shape)] + shape)


CHOICE: dict[str, Any] = {
    "x": lambda g, y_shape, x_shape: _still(g, y_shape, x_shape),
    "top": lambda g, y_shape, top_shape: _still(g, y_shape, top_shape),
}


@rule(leading=True, v=_picked, **CHOICE, samples=list(_with_tops(False)))
def window_place(v, x, top, *, axis, size, window):
    """Zeros like x, to which each value is added where its window has its maximum `top`."""
    v, finite = _in_order_of(v, top), _is_finite(v)
    shape = (*v.shape[: v.ndim - x.ndim], *x.shape)
    tiled = bool(window) and window == (window[0], window[0], 0, 1) and window[0] * size == x.shape[axis]
    out = (np.empty_like if tiled else np.zeros_like)(x if v.ndim == x.ndim else v, dtype=v.dtype, shape=shape)
    for p, i, hit in _hits(x, top, axis, size, window):
        if tiled and finite:
            np.multiply(v[p], hit, out=out[i])
        elif tiled:
            out[i] = _where(hit, v[p], finite)
        else:
            _add(out, i, _where(hit, v[p], finite))
    return out


@rule(
    leading=True,
    v=lambda g, x, top, axis, size, window: _placed(g, x, top, axis, size, window),
    **CHOICE,
    samples=list(_with_tops(True)),
)
def window_pick(v, x, top, *, axis, size, window):
    """The elements of v at the places where the windows of x have their maxima `top`."""
    shape = (*v.shape[: v.ndim - x.ndim], *top.shape)
    out, finite = np.zeros_like(v, shape=shape), _is_finite(v)
    for p, i, hit in _hits(x, top, axis, size, window):
        out[p] += _where(hit, v[i], finite)
    return out


@rule(
    kind="linear",
    x=lambda g, x_shape, axis, window: window_join(g, axis=axis, size=x_shape[axis], window=window),
    samples=[sample(shape, **given) for shape, given in SHARED if given["window"]],
)
def window_stack(x, *, axis, size, window):
    """The windows themselves: in front of their axis stands a new one, along which lie the elements of each."""
    shape = _with_length(x.shape, axis, size)
    y = np.zeros((*shape[:axis], window[0], *shape[axis:]), x.dtype, like=x)
    for k, (p, _, i) in enumerate(_taps(x.shape[axis], axis, size, window)):
        y[_at(axis - 1, k)][p] = x[i]
    return y


@rule(
    kind="linear",
    v=lambda g, v_shape, axis, window: window_stack(g, axis=axis, size=v_shape[axis], window=window),
    samples=[
        sample((*shape[: given["axis"]], given["window"][0], *shape[given["axis"] :]), **given)
        for shape, given in TURNED
        if given["window"]
    ],
)
def window_join(v, *, axis, size, window):
    """Windows laid over one another on an axis of length `size`, and summed: the transpose of window_stack."""
    shape = v.shape[: axis - 1] + v.shape[v.ndim + axis :]
    x = np.zeros(_with_length(shape, axis, size), v.dtype, like=v)
    for k, (p, _, i) in enumerate(_taps(size, axis, v.shape[axis], window)):
        x[i] += v[_at(axis - 1, k)][p]
    return x


# --- resampling ------------------------------------------------------------------------------------------------------------

PLACES = np.array([0, 0, 2, 2, 2, 4])


@rule(
    kind="multilinear",
    leading=True,
    x=lambda g, x_shape, places, axis: add_ascending(g, places, axis=axis, size=x_shape[axis]),
    samples=[sample((5,), PLACES, axis=-1), sample((2, 5, 3), PLACES, axis=-2)],
)
def take_ascending(x, places, *, axis):
    """The slices at places along an axis, counted from the end; no place is smaller than the one before it."""
    return x[_at(axis, places)]


@rule(
    kind="multilinear",
    leading=True,
    v=lambda g, places, axis: take_ascending(g, places, axis=axis),
    samples=[sample((6,), PLACES, axis=-1, size=5), sample((2, 6, 3), PLACES, axis=-2, size=6)],
)
def add_ascending(v, places, *, axis, size):
    """Zeros of a length `size` along an axis, to which each slice is added at its place: the transpose of take_ascending."""
    x = np.zeros_like(v, shape=_with_length(v.shape, axis, size))
    first = np.flatnonzero(np.diff(places, prepend=-1))  # equal places stand side by side: each run is one sum
    x[_at(axis, places[first])] = np.add.reduceat(v, first, axis=axis)
    return x


# --- definitions -----------------------------------------------------------------------------------------------------------


def _biased_correlation(x, w, b, **geometry):
    return correlation(x, w, **geometry) + b.reshape((-1,) + (1,) * (x.ndim - 2))


def _window_sum(x, axis, size, window):
    return window_stack(x, axis=axis, size=size, window=window).sum(axis=axis - 1)


def _window_spread(v, axis, size, window):
    copies = np.stack([v] * window[0], axis - 1)
    return window_join(copies, axis=axis, size=size, window=window)


definitions = {biased_correlation: _biased_correlation, window_sum: _window_sum, window_spread: _window_spread}
