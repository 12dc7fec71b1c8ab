"""Convolutions and transposed convolutions, patches taken and laid (`unfold`, `fold`), margins (`pad`).

Each function checks what it is given and hands it to the rules of `autograd.ops.windows`, which know any number of axes.
Knows no module.
"""

import math
from typing import Any

import numpy as np

from autograd import DtypeError, ShapeError
from autograd.ops import spellings, windows

ops: Any = windows  # ops carry no types
as_array: Any = spellings.as_array
NAMES = {1: "length", 2: "height, width", 3: "depth, height, width"}


def per_axis(name: str, argument: str, value: Any, d: int, least: int = 0) -> tuple[int, ...]:
    """An argument that is a number for all axes, or one for each of d."""
    given = tuple(value) if isinstance(value, (tuple, list)) else (value,) * d
    if len(given) == 1:
        given *= d
    whole = all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) for n in given)
    if len(given) != d or not whole or any(n < least for n in given):
        raise ShapeError(f"{name}: expected {argument} as a whole number or {d} of them, each at least {least}, got {value!r}")
    return tuple(map(int, given))


def image(name: str, x: Any, d: int, kinds: str = "fc") -> Any:
    """An input with d axes after its channels, in a batch or alone."""
    x = as_array(x)
    if x.ndim not in (d + 1, d + 2):
        raise ShapeError(
            f"{name}: expected an input (batch, channels, {NAMES[d]}), or one without the batch, got shape {x.shape}"
        )
    if x.dtype.kind not in kinds:
        raise DtypeError(f"{name}: expected an input of floats, got {x.dtype}. Convert it: x.astype('float32')")
    return x


def _parts(name: str, d: int, input: Any, weight: Any, bias: Any, groups: int, transposed: bool) -> tuple[Any, Any, Any]:
    """Input, weight and bias of a convolution, as arrays that fit together."""
    x, w = image(name, input, d), as_array(weight)
    b = None if bias is None else as_array(bias)
    order = "(in, out / groups" if transposed else "(out, in / groups"
    if w.ndim != d + 2:
        raise ShapeError(f"{name}: expected a weight {order}, {', '.join(['kernel'] * d)}), got shape {w.shape}")
    if 0 in w.shape:
        raise ShapeError(f"{name}: expected a weight without empty axes, got shape {w.shape}")
    if not isinstance(groups, (int, np.integer)) or groups < 1 or w.shape[0] % groups:
        raise ShapeError(f"{name}: groups={groups} do not divide the {w.shape[0]} channels of weight axis 0")
    inner = w.shape[0] if transposed else w.shape[1] * groups
    outer = w.shape[1] * groups if transposed else w.shape[0]
    if x.shape[-d - 1] != inner:
        axis = x.ndim - d - 1
        more = f", groups={groups}" if groups > 1 else ""
        raise ShapeError(
            f"{name}: expected {inner} channels in axis {axis}, got {x.shape[axis]} "
            f"(input shape {x.shape}, weight shape {w.shape}{more})"
        )
    if b is not None and b.shape != (outer,):
        raise ShapeError(f"{name}: expected a bias of shape {(outer,)}, got shape {b.shape}")
    return x if x.ndim == d + 2 else x[None], w, b


def margins(name: str, padding: Any, kernel: Any, stride: Any, dilation: Any) -> list[tuple[int, int]]:
    """How many zeros stand before and after each axis: of a number for both, or of "same" or "valid"."""
    d = len(kernel)
    if not isinstance(padding, str):
        return [(n, n) for n in per_axis(name, "padding", padding, d)]
    if padding not in ("same", "valid"):
        raise ShapeError(f"{name}: expected padding as numbers, 'same' or 'valid', got {padding!r}")
    if padding == "valid":
        return [(0, 0)] * d
    if math.prod(stride) != 1:
        raise ShapeError(f"{name}: padding='same' needs stride=1, got stride={stride}: give the padding in numbers")
    wide = [step * (k - 1) for k, step in zip(kernel, dilation, strict=True)]
    return [(n // 2, n - n // 2) for n in wide]


def _convolution(
    d: int, input: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: int, name: str
) -> Any:
    x, w, b = _parts(name, d, input, weight, bias, groups, False)
    stride, dilation = per_axis(name, "stride", stride, d, 1), per_axis(name, "dilation", dilation, d, 1)
    pads = margins(name, padding, w.shape[2:], stride, dilation)
    reach = [step * (k - 1) + 1 for k, step in zip(w.shape[2:], dilation, strict=True)]
    wide = [n + before + after for n, (before, after) in zip(x.shape[2:], pads, strict=True)]
    if any(n < r for n, r in zip(wide, reach, strict=True)):
        raise ShapeError(f"{name}: the kernel reaches over {tuple(reach)}, and the input has {tuple(wide)} with its padding")
    geometry = {
        "size": tuple((n - r) // s + 1 for n, r, s in zip(wide, reach, stride, strict=True)),
        "stride": stride,
        "padding": tuple(before for before, _ in pads),
        "dilation": dilation,
        "groups": groups,
    }
    y = ops.correlation(x, w, **geometry) if b is None else ops.biased_correlation(x, w, b, **geometry)
    return y if np.ndim(input) == d + 2 else y[0]


def conv1d(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """The correlation of sequences with kernels: (N, C, L) or (C, L), weight (O, C / groups, K), result (N, O, L').

    y[n, o, p] = bias[o] + sum over c and k of input[n, c, stride p + dilation k - padding] weight[o, c, k], zeros outside.

    >>> conv1d([[1.0, 2.0, 3.0]], [[[1.0, 10.0]]]).tolist()
    [[21.0, 32.0]]
    """
    return _convolution(1, input, weight, bias, stride, padding, dilation, groups, "conv1d")


def conv2d(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """The correlation of images with kernels: (N, C, H, W) or (C, H, W), weight (O, C / groups, K, K'), result (N, O, H', W').

    >>> conv2d(np.ones((1, 2, 2)), np.ones((1, 1, 3, 3)), padding="same").tolist()
    [[[4.0, 4.0], [4.0, 4.0]]]
    """
    return _convolution(2, input, weight, bias, stride, padding, dilation, groups, "conv2d")


def _transposed(
    d: int, input: Any, weight: Any, bias: Any, stride: Any, padding: Any, more: Any, groups: int, dilation: Any, name: str
) -> Any:
    x, w, b = _parts(name, d, input, weight, bias, groups, True)
    stride, dilation = per_axis(name, "stride", stride, d, 1), per_axis(name, "dilation", dilation, d, 1)
    padding, more = per_axis(name, "padding", padding, d), per_axis(name, "output_padding", more, d)
    if any(m >= max(s, step) for m, s, step in zip(more, stride, dilation, strict=True)):
        raise ShapeError(f"{name}: output_padding={more} must be smaller than stride={stride} or dilation={dilation}")
    whole = [(n - 1) * s + step * (k - 1) + 1 for n, s, step, k in zip(x.shape[2:], stride, dilation, w.shape[2:], strict=True)]
    size = tuple(n - 2 * p + m for n, p, m in zip(whole, padding, more, strict=True))
    if min(size) < 1:
        raise ShapeError(f"{name}: padding={padding} leaves nothing of an output of {tuple(whole)} (input shape {x.shape})")
    y = ops.correlation_transpose(x, w, size=size, stride=stride, padding=padding, dilation=dilation, groups=groups)
    y = y if b is None else y + b.reshape((-1,) + (1,) * d)
    return y if np.ndim(input) == d + 2 else y[0]


def conv_transpose1d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    """The transpose of conv1d in its input: (N, C, L) or (C, L), weight (C, O / groups, K), result (N, O, L').

    >>> conv_transpose1d([[1.0, 2.0]], [[[1.0, 10.0]]], stride=2).tolist()
    [[1.0, 10.0, 2.0, 20.0]]
    """
    return _transposed(1, input, weight, bias, stride, padding, output_padding, groups, dilation, "conv_transpose1d")


def conv_transpose2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    """The transpose of conv2d in its input: (N, C, H, W) or (C, H, W), weight (C, O / groups, K, K'), result (N, O, H', W').

    >>> conv_transpose2d([[[1.0]]], [[[[1.0, 2.0], [3.0, 4.0]]]]).tolist()
    [[[1.0, 2.0], [3.0, 4.0]]]
    """
    return _transposed(2, input, weight, bias, stride, padding, output_padding, groups, dilation, "conv_transpose2d")


# --- patches ---------------------------------------------------------------------------------------------------------------


def _patches(
    name: str, lengths: Any, kernel: Any, dilation: Any, padding: Any, stride: Any
) -> tuple[list[int], list[tuple[int, ...]]]:
    """How many patches there are along each axis, and the windows they are."""
    sides = [
        per_axis(name, argument, value, 2, least)
        for argument, value, least in (
            ("kernel_size", kernel, 1),
            ("stride", stride, 1),
            ("padding", padding, 0),
            ("dilation", dilation, 1),
        )
    ]
    found = list(zip(*sides, strict=True))
    counts = [(n + 2 * p - step * (k - 1) - 1) // s + 1 for n, (k, s, p, step) in zip(lengths, found, strict=True)]
    if min(counts) < 1:
        raise ShapeError(
            f"{name}: kernel_size={kernel} with dilation={dilation} is larger than {tuple(lengths)} with its padding"
        )
    return counts, found


def unfold(input: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """The patches of images as columns: (N, C, H, W) -> (N, C * K * K', patches); also without the batch.

    >>> unfold([[[1.0, 2.0, 3.0]]], (1, 2)).tolist()
    [[1.0, 2.0], [2.0, 3.0]]
    """
    x = image("unfold", input, 2)
    (rows, columns), (high, wide) = _patches("unfold", x.shape[-2:], kernel_size, dilation, padding, stride)
    x = ops.window_stack(x, axis=-2, size=rows, window=high)
    x = ops.window_stack(x, axis=-1, size=columns, window=wide)
    shape = (*x.shape[:-5], x.shape[-5] * high[0] * wide[0], rows * columns)
    return np.reshape(np.swapaxes(x, -3, -2), shape)


def fold(input: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """Patches laid on images of `output_size` and summed: (N, C * K * K', patches) -> (N, C, H, W). The transpose of unfold.

    >>> fold([[1.0, 2.0], [2.0, 3.0]], (1, 3), (1, 2)).tolist()
    [[[1.0, 4.0, 3.0]]]
    """
    x, lengths = as_array(input), per_axis("fold", "output_size", output_size, 2, 1)
    if x.ndim not in (2, 3) or x.dtype.kind not in "fc":
        raise ShapeError(f"fold: expected floats (batch, channels * kernel, patches), got {x.dtype} of shape {x.shape}")
    (rows, columns), (high, wide) = _patches("fold", lengths, kernel_size, dilation, padding, stride)
    channels, left = divmod(x.shape[-2], high[0] * wide[0])
    if left or x.shape[-1] != rows * columns:
        raise ShapeError(
            f"fold: expected (batch, channels * {high[0] * wide[0]}, {rows * columns} patches) for these sizes, "
            f"got shape {x.shape}"
        )
    x = np.reshape(x, (*x.shape[:-2], channels, high[0], wide[0], rows, columns))
    x = ops.window_join(np.swapaxes(x, -3, -2), axis=-1, size=lengths[1], window=wide)
    return ops.window_join(x, axis=-2, size=lengths[0], window=high)


# --- margins ---------------------------------------------------------------------------------------------------------------

MODES = ("constant", "reflect", "replicate", "circular")


def pad(input: Any, pad: Any, mode: str = "constant", value: Any = None) -> Any:
    """With margins: `pad` is (before, after) of the last axis, then of the one before it, and so on.

    Of a constant `value` (where a negative width cuts), or of the input itself: "reflect" without its edge, "replicate" the
    edge, "circular" the other end.

    >>> pad([[1.0, 2.0, 3.0]], (1, 2), mode="reflect").tolist()
    [[2.0, 1.0, 2.0, 3.0, 2.0, 1.0]]
    """
    x, given = as_array(input), tuple(pad) if np.iterable(pad) else (pad,)
    if len(given) % 2 or len(given) > 2 * x.ndim or not all(isinstance(n, (int, np.integer)) for n in given):
        raise ShapeError(
            f"pad: expected a pair of whole numbers (before, after) for each of at most {x.ndim} axes, got {pad!r}"
        )
    if mode not in MODES:
        raise ShapeError(f"pad: mode={mode!r}, and the modes are {', '.join(map(repr, MODES))}")
    if mode != "constant" and value is not None and value != 0:
        raise ShapeError(f"pad: value={value} belongs to mode='constant', and this is mode={mode!r}")
    pairs = list(zip(given[::2], given[1::2], strict=True))
    if mode == "constant":
        return _constant(x, pairs[::-1], 0 if value is None else value)
    for axis, (before, after) in zip(range(x.ndim - 1, -1, -1), pairs, strict=False):
        x = _with_margin(x, axis, before, after, mode) if before or after else x
    return x


def _constant(x: Any, pairs: list[tuple[int, int]], value: Any) -> Any:
    pairs = [(0, 0)] * (x.ndim - len(pairs)) + pairs
    if any(n + min(a, 0) + min(b, 0) < 0 for n, (a, b) in zip(x.shape, pairs, strict=True)):
        raise ShapeError(f"pad: the widths {pairs} cut away more than there is of shape {x.shape}")
    if any(min(pair) < 0 for pair in pairs):
        x = x[tuple(slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(x.shape, pairs, strict=True))]
    return np.pad(x, [(max(a, 0), max(b, 0)) for a, b in pairs], constant_values=value)


def _with_margin(x: Any, axis: int, before: int, after: int, mode: str) -> Any:
    n = x.shape[axis]
    most = {"reflect": n - 1, "circular": n}.get(mode, max(before, after) if n else 0)
    if min(before, after) < 0 or max(before, after) > most:
        raise ShapeError(f"pad: mode={mode!r} can add 0 to {most} to axis {axis} of shape {x.shape}, got {(before, after)}")

    def part(start: int, stop: int) -> Any:
        return x[(slice(None),) * axis + (slice(start, stop),)]

    def repeated(edge: Any, count: int) -> Any:
        return np.broadcast_to(edge, (*x.shape[:axis], count, *x.shape[axis + 1 :]))

    if mode == "circular":
        pieces = part(n - before, n), x, part(0, after)
    elif mode == "reflect":
        pieces = np.flip(part(1, before + 1), axis), x, np.flip(part(n - 1 - after, n - 1), axis)
    else:
        pieces = repeated(part(0, 1), before), x, repeated(part(n - 1, n), after)
    return np.concatenate([piece for piece in pieces if piece.shape[axis]], axis)
