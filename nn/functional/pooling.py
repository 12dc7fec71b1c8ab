"""Pools, interpolation and pixel shuffles: what makes an image smaller or larger without weights.

A pool of several axes is one of each, the last axis first, by the rules of `autograd.ops.windows`: so the first of equal
maxima, row by row, is the one that counts. Knows no module.
"""

import math
from typing import Any

import numpy as np

from autograd import ShapeError
from autograd.ops import windows

from .convolution import as_array, image, per_axis

ops: Any = windows  # ops carry no types

Windows = list[tuple[int, tuple[int, ...]]]  # for each axis, how many, and which


def _windows(
    name: str, lengths: tuple[int, ...], kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> Windows:
    """The windows of a pool. With `ceil_mode`, a last one that begins in the input or its padding before may end beyond."""
    found: Windows = []
    d = len(lengths)
    sides = zip(
        per_axis(name, "kernel_size", kernel, d, 1),
        per_axis(name, "stride", kernel if stride is None or stride == [] else stride, d, 1),
        per_axis(name, "padding", padding, d),
        per_axis(name, "dilation", dilation, d, 1),
        strict=True,
    )
    for n, (k, s, p, step) in zip(lengths, sides, strict=True):
        reach = step * (k - 1) + 1
        if 2 * p > reach:
            raise ShapeError(f"{name}: padding={padding} is more than half of a window of {reach}")
        size = (n + 2 * p - reach + (s - 1 if ceil_mode else 0)) // s + 1
        if ceil_mode and (size - 1) * s >= n + p:
            size -= 1
        if size < 1 or not n:
            raise ShapeError(f"{name}: a window of {reach} does not fit into {n} elements with padding {p} (axes {lengths})")
        found.append((size, (k, s, p, step)))
    return found


def _adaptive(name: str, lengths: tuple[int, ...], output_size: Any) -> Windows:
    d = len(lengths)
    given = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size,) * d
    if len(given) == d:
        given = tuple(n if size is None else size for n, size in zip(lengths, given, strict=True))
    if 0 in lengths:
        raise ShapeError(f"{name}: expected an input without empty axes, got {lengths}")
    return [(size, ()) for size in per_axis(name, "output_size", given, d, 1)]


def _largest(x: Any, found: Windows, return_indices: bool) -> Any:
    """The maxima; and, where they are wanted, their places among all elements of the image, row by row."""
    places, below = None, 1
    for axis, (size, window) in enumerate(reversed(found), 1):
        options = {"axis": -axis, "size": size, "window": window}
        if return_indices:
            here = ops.window_argmax(x, **options)
            places = here if places is None else here * below + np.take_along_axis(places, here, -axis)
            below *= x.shape[-axis]
        x = ops.window_max(x, **options)
    return (x, places) if return_indices else x


def _max_pool(
    d: int, input: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool, return_indices: bool, name: str
) -> Any:
    x = image(name, input, d, "fiu")
    return _largest(x, _windows(name, x.shape[-d:], kernel, stride, padding, dilation, ceil_mode), return_indices)


def max_pool1d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The maximum of each window of (N, C, L) or (C, L); of equal ones the first has the gradient, and a nan wins.

    >>> max_pool1d([[1.0, 3.0, 2.0, 5.0]], 2).tolist()
    [[3.0, 5.0]]
    """
    return _max_pool(1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices, "max_pool1d")


def max_pool2d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The maximum of each window of (N, C, H, W) or (C, H, W), with its place in H * W if `return_indices`.

    >>> y, places = max_pool2d([[[1.0, 3.0], [5.0, 2.0]]], 2, return_indices=True)
    >>> y.tolist(), places.tolist()
    ([[[5.0]]], [[[2]]])
    """
    return _max_pool(2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices, "max_pool2d")


def _means(x: Any, found: Windows, with_padding: bool = False, divisor: Any = None) -> Any:
    """The sums of the windows, each divided by the number of its elements unless there is a divisor."""
    sums = x.astype(np.float32) if x.dtype == np.float16 else x  # whose sums soon pass 65504
    for axis, (size, window) in enumerate(reversed(found), 1):
        sums = ops.window_sum(sums, axis=-axis, size=size, window=window)
    means = sums / (_counts(x.shape, sums.real.dtype, found, with_padding) if divisor is None else float(divisor))
    return means if means.dtype == x.dtype else means.astype(x.dtype)


def _counts(shape: tuple[int, ...], dtype: Any, found: Windows, with_padding: bool) -> Any:
    """How many elements each window has: a number where they are equal, else an array."""
    each = []
    for n, (size, window) in zip(shape[-len(found) :], found, strict=True):
        i = np.arange(size)
        if window:
            k, s, p, _ = window
            start, stop = i * s - p, np.minimum(i * s - p + k, n + p)
            counts = stop - start if with_padding else np.minimum(stop, n) - np.maximum(start, 0)
        else:
            counts = -(-(i + 1) * n // size) - i * n // size
        each.append(counts)
    if all((counts == counts[0]).all() for counts in each):
        return math.prod(int(counts[0]) for counts in each)
    whole = each[0]
    for counts in each[1:]:
        whole = whole[..., None] * counts
    return whole.astype(dtype)


def _avg_pool(
    d: int, input: Any, kernel: Any, stride: Any, padding: Any, ceil_mode: bool, with_padding: bool, divisor: Any, name: str
) -> Any:
    x = image(name, input, d)
    if divisor is not None and (not isinstance(divisor, (int, float, np.number)) or divisor == 0):
        raise ShapeError(f"{name}: expected divisor_override as a number other than 0, got {divisor!r}")
    found = _windows(name, x.shape[-d:], kernel, stride, padding, 1, ceil_mode)
    return _means(x, found, with_padding, divisor)


def avg_pool1d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:
    """The mean of each window of (N, C, L) or (C, L); the zeros of the padding count, unless `count_include_pad=False`.

    >>> avg_pool1d([[1.0, 3.0, 2.0, 5.0]], 2).tolist()
    [[2.0, 3.5]]
    """
    return _avg_pool(1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None, "avg_pool1d")


def avg_pool2d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: Any = None,
) -> Any:
    """The mean of each window of (N, C, H, W) or (C, H, W), or its sum divided by `divisor_override`.

    >>> avg_pool2d([[[1.0, 3.0], [5.0, 2.0]]], 2).tolist()
    [[[2.75]]]
    """
    return _avg_pool(2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, "avg_pool2d")


# --- windows that share out the whole input --------------------------------------------------------------------------------


def _adaptive_avg_pool(d: int, input: Any, output_size: Any, name: str) -> Any:
    x = image(name, input, d)
    found = _adaptive(name, x.shape[-d:], output_size)
    if all(size == 1 for size, _ in found):
        return np.mean(x, axis=tuple(range(-d, 0)), keepdims=True)
    return _means(x, found)


def adaptive_avg_pool1d(input: Any, output_size: Any) -> Any:
    """The means of `output_size` windows that share out (N, C, L) or (C, L): window i is from floor(i L / size) to
    ceil((i + 1) L / size).

    >>> adaptive_avg_pool1d([[1.0, 2.0, 3.0]], 2).tolist()
    [[1.5, 2.5]]
    """
    return _adaptive_avg_pool(1, input, output_size, "adaptive_avg_pool1d")


def adaptive_avg_pool2d(input: Any, output_size: Any) -> Any:
    """The means of windows that share out (N, C, H, W) or (C, H, W); None keeps the length of an axis.

    >>> adaptive_avg_pool2d([[[1.0, 2.0], [3.0, 4.0]]], (1, None)).tolist()
    [[[2.0, 3.0]]]
    """
    return _adaptive_avg_pool(2, input, output_size, "adaptive_avg_pool2d")


def _adaptive_max_pool(d: int, input: Any, output_size: Any, return_indices: bool, name: str) -> Any:
    x = image(name, input, d, "fiu")
    return _largest(x, _adaptive(name, x.shape[-d:], output_size), return_indices)


def adaptive_max_pool1d(input: Any, output_size: Any, return_indices: bool = False) -> Any:
    """The maxima of `output_size` windows that share out (N, C, L) or (C, L).

    >>> adaptive_max_pool1d([[1.0, 3.0, 2.0]], 2).tolist()
    [[3.0, 3.0]]
    """
    return _adaptive_max_pool(1, input, output_size, return_indices, "adaptive_max_pool1d")


def adaptive_max_pool2d(input: Any, output_size: Any, return_indices: bool = False) -> Any:
    """The maxima of windows that share out (N, C, H, W) or (C, H, W); None keeps the length of an axis.

    >>> adaptive_max_pool2d([[[1.0, 2.0], [3.0, 4.0]]], (1, None)).tolist()
    [[[3.0, 4.0]]]
    """
    return _adaptive_max_pool(2, input, output_size, return_indices, "adaptive_max_pool2d")


# --- larger and smaller ----------------------------------------------------------------------------------------------------

SAMPLED = {"nearest": None, "nearest-exact": None, "area": None, "linear": 1, "bilinear": 2, "trilinear": 3}  # number of axes


def interpolate(
    input: Any,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Any:
    """Images (N, C, ...) in another size, or larger by a factor: of the nearest pixel, or linear between pixels.

    With `align_corners` the centres of the corner pixels stay where they are, otherwise the corners of the images.

    >>> interpolate([[[1.0, 2.0]]], scale_factor=2).tolist()
    [[[1.0, 1.0, 2.0, 2.0]]]
    >>> interpolate([[[1.0, 2.0]]], size=3, mode="linear", align_corners=True).tolist()
    [[[1.0, 1.5, 2.0]]]
    """
    x = as_array(input)
    d = x.ndim - 2
    if mode not in SAMPLED:
        raise ShapeError(f"interpolate: mode={mode!r}, and the modes are {', '.join(map(repr, SAMPLED))}")
    wanted = SAMPLED[mode]
    if d not in (1, 2, 3) or wanted not in (None, d):
        axes = f"{wanted or 'one to three'} axes" if wanted != 1 else "one axis"
        raise ShapeError(f"interpolate: mode={mode!r} takes (batch, channels) and {axes}, got shape {x.shape}")
    x = image("interpolate", x, d)
    if align_corners is not None and wanted is None:
        raise ShapeError(f"interpolate: align_corners belongs to the linear modes, and this is mode={mode!r}")
    if antialias:
        raise ShapeError("interpolate: antialias=True is not known here; blur first, with avg_pool2d say")
    sizes, factors = _sizes(x.shape[2:], size, scale_factor, recompute_scale_factor)
    if mode == "area":
        return _means(x, [(n, ()) for n in sizes])
    for axis, n, factor in zip(range(-d, 0), sizes, factors, strict=True):
        if wanted is None:
            x = ops.take_ascending(x, _nearest(x.shape[axis], n, factor, 0.5 if mode == "nearest-exact" else 0.0), axis=axis)
        else:
            x = _linear(x, axis, n, factor, bool(align_corners))
    return x


def _sizes(lengths: tuple[int, ...], size: Any, factor: Any, recompute: Any) -> tuple[tuple[int, ...], list[float]]:
    """The new lengths, and how many old pixels a new one is wide."""
    d = len(lengths)
    if (size is None) == (factor is None):
        raise ShapeError("interpolate: expected either size or scale_factor")
    if 0 in lengths:
        raise ShapeError(f"interpolate: expected an input without empty axes, got {lengths}")
    if size is not None:
        if recompute:
            raise ShapeError("interpolate: recompute_scale_factor belongs to scale_factor, and size was given")
        sizes = per_axis("interpolate", "size", size, d, 1)
        return sizes, [n / m for n, m in zip(lengths, sizes, strict=True)]
    given = tuple(factor) if isinstance(factor, (tuple, list)) else (factor,) * d
    if len(given) != d or not all(isinstance(f, (int, float, np.number)) and 0 < f < math.inf for f in given):
        raise ShapeError(f"interpolate: expected scale_factor as a positive number or {d} of them, got {factor!r}")
    sizes = per_axis("interpolate", "size", tuple(math.floor(n * f) for n, f in zip(lengths, given, strict=True)), d, 1)
    if recompute:
        return sizes, [n / m for n, m in zip(lengths, sizes, strict=True)]
    return sizes, [1 / f for f in given]


def _nearest(n: int, size: int, factor: float, centre: float) -> Any:
    """Which pixel is nearest to each new one. In float32, as PyTorch counts: a pixel more or less is seen.

    (For images of which height and width are 128 together at most, PyTorch ignores a factor that is nearly 1 or 2.)
    """
    places = np.floor(((np.arange(size) + centre) * float(np.float32(factor))).astype(np.float32))
    return np.minimum(places.astype(int), n - 1)


def _linear(x: Any, axis: int, size: int, factor: float, align_corners: bool) -> Any:
    n = x.shape[axis]
    if size == n:  # as in PyTorch, whatever the factor
        return ops.take_ascending(x, np.arange(n), axis=axis)
    if align_corners:
        at = np.arange(size) * ((n - 1) / (size - 1) if size > 1 else 0.0)
    else:
        at = np.maximum((np.arange(size) + 0.5) * factor - 0.5, 0.0)
    low = np.minimum(at.astype(int), n - 1)
    part = np.minimum(at - low, 1.0).astype(x.real.dtype).reshape(-1, *[1] * (-axis - 1))
    lower, upper = (ops.take_ascending(x, places, axis=axis) for places in (low, np.minimum(low + 1, n - 1)))
    return lower * (1 - part) + upper * part


def pixel_shuffle(input: Any, upscale_factor: int) -> Any:
    """Channels as pixels: (..., C * r * r, H, W) -> (..., C, H * r, W * r), r the upscale_factor.

    >>> pixel_shuffle([[[1.0]], [[2.0]], [[3.0]], [[4.0]]], 2).tolist()
    [[[1.0, 2.0], [3.0, 4.0]]]
    """
    x, (r,) = as_array(input), per_axis("pixel_shuffle", "upscale_factor", upscale_factor, 1, 1)
    if x.ndim < 3 or x.shape[-3] % (r * r):
        raise ShapeError(f"pixel_shuffle: expected (..., a multiple of {r * r} channels, height, width), got shape {x.shape}")
    *lead, channels, h, w = x.shape
    x = np.reshape(x, (*lead, channels // (r * r), r, r, h, w))
    x = np.moveaxis(x, (-4, -3), (-3, -1))
    return np.reshape(x, (*lead, channels // (r * r), h * r, w * r))


def pixel_unshuffle(input: Any, downscale_factor: int) -> Any:
    """Pixels as channels: (..., C, H * r, W * r) -> (..., C * r * r, H, W), r the downscale_factor. Undoes pixel_shuffle.

    >>> pixel_unshuffle([[[1.0, 2.0], [3.0, 4.0]]], 2).tolist()
    [[[1.0]], [[2.0]], [[3.0]], [[4.0]]]
    """
    x, (r,) = as_array(input), per_axis("pixel_unshuffle", "downscale_factor", downscale_factor, 1, 1)
    if x.ndim < 3 or x.shape[-1] % r or x.shape[-2] % r:
        raise ShapeError(f"pixel_unshuffle: expected (..., channels, multiples of {r}), got shape {x.shape}")
    *lead, channels, h, w = x.shape
    x = np.reshape(x, (*lead, channels, h // r, r, w // r, r))
    x = np.moveaxis(x, (-3, -1), (-4, -3))
    return np.reshape(x, (*lead, channels * r * r, h // r, w // r))
