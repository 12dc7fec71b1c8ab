"""Convolutional layers, patches and margins. Stands on `functional.convolution`."""

import math
from typing import Any

from autograd import ShapeError

from . import init
from .functional import convolution as functional
from .functional.convolution import margins, per_axis
from .module import Module, Parameter, parameter

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


# --- what convolutions and transposed ones share: the layer comes first ----------------------------------------------------


def _sizes(layer: Any, d: int, kernel_size: Any, stride: Any, padding: Any, dilation: Any, output_padding: Any) -> None:
    name = type(layer).__name__
    layer.kernel_size = per_axis(name, "kernel_size", kernel_size, d, 1)
    layer.stride = per_axis(name, "stride", stride, d, 1)
    layer.dilation = per_axis(name, "dilation", dilation, d, 1)
    layer.output_padding = per_axis(name, "output_padding", output_padding, d)
    pairs = margins(name, padding, layer.kernel_size, layer.stride, layer.dilation)
    layer.padding = padding if isinstance(padding, str) else tuple(before for before, _ in pairs)
    layer.margins = tuple(n for pair in reversed(pairs) for n in pair)  # as pad() takes them


def _parameters(layer: Any, first: int, second: int, bias: bool, padding_mode: str, device: Any, dtype: Any) -> None:
    name, groups = type(layer).__name__, layer.groups
    per_axis(name, "in_channels, out_channels and groups", (layer.in_channels, layer.out_channels, groups), 3)
    if groups < 1 or first % groups or second % groups:
        raise ShapeError(
            f"{name}: groups={groups} must divide in_channels={layer.in_channels} and out_channels={layer.out_channels}"
        )
    if padding_mode not in PADDING_MODES:
        raise ShapeError(f"{name}: padding_mode={padding_mode!r}, and the modes are {', '.join(map(repr, PADDING_MODES))}")
    layer.padding_mode = padding_mode
    layer.weight = parameter(first, second // groups, *layer.kernel_size, dtype=dtype, device=device)
    layer.bias = parameter(layer.out_channels, dtype=dtype, device=device) if bias else None
    layer.reset_parameters()


def _draw(layer: Any, generator: Any) -> None:
    init.kaiming_uniform_(layer.weight, a=math.sqrt(5), generator=generator)
    fan_in = math.prod(layer.weight.shape[1:])
    if layer.bias is not None and fan_in:
        bound = 1 / math.sqrt(fan_in)
        init.uniform_(layer.bias, -bound, bound, generator=generator)


def _words(layer: Any) -> str:
    none = (0,) * len(layer.kernel_size)
    words = [f"{layer.in_channels}, {layer.out_channels}, kernel_size={layer.kernel_size}, stride={layer.stride}"]
    words += [f"padding={layer.padding}"] if layer.padding != none else []
    words += [f"dilation={layer.dilation}"] if max(layer.dilation) > 1 else []
    words += [f"output_padding={layer.output_padding}"] if layer.output_padding != none else []
    words += [f"groups={layer.groups}"] if layer.groups != 1 else []
    words += ["bias=False"] if layer.bias is None else []
    words += [f"padding_mode={layer.padding_mode}"] if layer.padding_mode != "zeros" else []
    return ", ".join(words)


# --- convolutions ----------------------------------------------------------------------------------------------------------


class _Convolution(Module):
    """The constructor and the parameters of Conv1d and Conv2d."""

    axes = 0
    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: Any
    dilation: tuple[int, ...]
    output_padding: tuple[int, ...]
    padding_mode: str
    margins: tuple[int, ...]
    weight: Parameter
    bias: Parameter | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        _sizes(self, self.axes, kernel_size, stride, padding, dilation, 0)
        _parameters(self, out_channels, in_channels, bias, padding_mode, device, dtype)

    def reset_parameters(self, generator: Any = None) -> None:
        """Draws the parameters anew."""
        _draw(self, generator)

    def forward(self, input: Any) -> Any:
        convolve = functional.conv1d if self.axes == 1 else functional.conv2d
        padding = self.padding
        if self.padding_mode != "zeros":
            functional.image(convolve.__name__, input, self.axes)
            input, padding = functional.pad(input, self.margins, self.padding_mode), 0
        return convolve(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def extra_repr(self) -> str:
        return _words(self)


class Conv1d(_Convolution):
    """The correlation of sequences with kernels: (N, C, L) or (C, L) -> (N, O, L') or (O, L').

    `weight` is (out_channels, in_channels / groups, kernel), `bias` (out_channels,); both are drawn from U(-b, b), b the
    inverse root of in_channels / groups * kernel. `padding` is a number, "same" or "valid"; `padding_mode` says of what.

    >>> import numpy as np
    >>> Conv1d(2, 4, 3, padding="same")(np.ones((5, 2, 9), np.float32)).shape
    (5, 4, 9)
    """

    axes = 1


class Conv2d(_Convolution):
    """The correlation of images with kernels: (N, C, H, W) or (C, H, W) -> (N, O, H', W') or (O, H', W').

    `weight` is (out_channels, in_channels / groups, kernel, kernel), for the rest see Conv1d; each size is a number or a pair.

    >>> Conv2d(1, 16, 3, padding=1)
    Conv2d(1, 16, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
    """

    axes = 2


class _TransposedConvolution(Module):
    """The constructor and the parameters of ConvTranspose1d and ConvTranspose2d."""

    axes = 0
    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: Any
    dilation: tuple[int, ...]
    output_padding: tuple[int, ...]
    padding_mode: str
    margins: tuple[int, ...]
    weight: Parameter
    bias: Parameter | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if padding_mode != "zeros" or isinstance(padding, str):
            raise ShapeError(
                f"{type(self).__name__}: expected padding in numbers and of zeros, got {padding!r}, {padding_mode!r}"
            )
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        _sizes(self, self.axes, kernel_size, stride, padding, dilation, output_padding)
        _parameters(self, in_channels, out_channels, bias, padding_mode, device, dtype)

    def reset_parameters(self, generator: Any = None) -> None:
        """Draws the parameters anew."""
        _draw(self, generator)

    def forward(self, input: Any, output_size: Any = None) -> Any:
        convolve = functional.conv_transpose1d if self.axes == 1 else functional.conv_transpose2d
        more = self.output_padding if output_size is None else self._output_padding(input, output_size)
        return convolve(input, self.weight, self.bias, self.stride, self.padding, more, self.groups, self.dilation)

    def _output_padding(self, input: Any, output_size: Any) -> tuple[int, ...]:
        """What must be added for an output of the wanted lengths."""
        name = f"conv_transpose{self.axes}d"
        lengths = functional.image(name, input, self.axes).shape[-self.axes :]
        sides = zip(lengths, self.stride, self.padding, self.dilation, self.kernel_size, strict=True)
        least = [(n - 1) * s - 2 * p + d * (k - 1) + 1 for n, s, p, d, k in sides]
        most = [n + s - 1 for n, s in zip(least, self.stride, strict=True)]
        given = tuple(output_size)[-self.axes :] if isinstance(output_size, (tuple, list)) else output_size
        wanted = per_axis(name, "output_size", given, self.axes, 1)
        if any(not low <= n <= high for low, n, high in zip(least, wanted, most, strict=True)):
            raise ShapeError(f"{name}: output_size={output_size} must lie between {least} and {most}")
        return tuple(n - low for n, low in zip(wanted, least, strict=True))

    def extra_repr(self) -> str:
        return _words(self)


class ConvTranspose1d(_TransposedConvolution):
    """The transpose of Conv1d in its input: (N, C, L) or (C, L) -> (N, O, L') or (O, L').

    `weight` is (in_channels, out_channels / groups, kernel), `bias` (out_channels,), drawn as for Conv1d. Of the lengths that
    would give the same input, `output_padding`, or `output_size` in the call, chooses one.

    >>> import numpy as np
    >>> ConvTranspose1d(2, 4, 3, stride=2)(np.ones((5, 2, 9), np.float32), output_size=(20,)).shape
    (5, 4, 20)
    """

    axes = 1


class ConvTranspose2d(_TransposedConvolution):
    """The transpose of Conv2d in its input: (N, C, H, W) or (C, H, W) -> (N, O, H', W') or (O, H', W').

    >>> ConvTranspose2d(8, 4, 2, stride=2, bias=False)
    ConvTranspose2d(8, 4, kernel_size=(2, 2), stride=(2, 2), bias=False)
    """

    axes = 2


# --- patches ---------------------------------------------------------------------------------------------------------------


class Unfold(Module):
    """The patches of images as columns: (N, C, H, W) -> (N, C * kernel * kernel, patches).

    >>> import numpy as np
    >>> Unfold(3, padding=1)(np.ones((5, 2, 4, 4))).shape
    (5, 18, 16)
    """

    def __init__(self, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> None:
        self.kernel_size, self.dilation, self.padding, self.stride = kernel_size, dilation, padding, stride

    def forward(self, input: Any) -> Any:
        return functional.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, stride={self.stride}"


class Fold(Module):
    """Patches laid on images and summed: (N, C * kernel * kernel, patches) -> (N, C, *output_size)."""

    def __init__(self, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> None:
        self.output_size = output_size
        self.kernel_size, self.dilation, self.padding, self.stride = kernel_size, dilation, padding, stride

    def forward(self, input: Any) -> Any:
        return functional.fold(input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}, {Unfold.extra_repr(self)}"  # type: ignore[arg-type]


# --- margins ---------------------------------------------------------------------------------------------------------------


class _Margin(Module):
    """A margin around the last axes: `padding` is one width, or (before, after) of the last axis, then of the one before."""

    axes = 0
    mode = "constant"

    value: float | None = None

    def __init__(self, padding: Any) -> None:
        given = tuple(padding) if isinstance(padding, (tuple, list)) else (padding,) * (2 * self.axes)
        if len(given) != 2 * self.axes:
            raise ShapeError(f"{type(self).__name__}: expected padding as a number or {2 * self.axes} of them, got {padding!r}")
        self.padding = given

    def forward(self, input: Any) -> Any:
        return functional.pad(input, self.padding, self.mode, self.value)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad1d(_Margin):
    """Zeros around (N, C, L) or (C, L)."""

    axes = 1


class ZeroPad2d(_Margin):
    """Zeros around (N, C, H, W) or (C, H, W)."""

    axes = 2


class ReflectionPad1d(_Margin):
    """The input, mirrored at its edges, around (N, C, L) or (C, L)."""

    axes, mode = 1, "reflect"


class ReflectionPad2d(_Margin):
    """The input, mirrored at its edges, around (N, C, H, W) or (C, H, W).

    >>> ReflectionPad2d((1, 0, 0, 0))([[[1.0, 2.0]]]).tolist()
    [[[2.0, 1.0, 2.0]]]
    """

    axes, mode = 2, "reflect"


class ReplicationPad1d(_Margin):
    """The outermost elements again, around (N, C, L) or (C, L)."""

    axes, mode = 1, "replicate"


class ReplicationPad2d(_Margin):
    """The outermost elements again, around (N, C, H, W) or (C, H, W)."""

    axes, mode = 2, "replicate"


class CircularPad1d(_Margin):
    """The other end of the input, around (N, C, L) or (C, L)."""

    axes, mode = 1, "circular"


class CircularPad2d(_Margin):
    """The other end of the input, around (N, C, H, W) or (C, H, W)."""

    axes, mode = 2, "circular"


class ConstantPad1d(_Margin):
    """A value around (N, C, L) or (C, L)."""

    axes = 1

    def __init__(self, padding: Any, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad2d(_Margin):
    """A value around (N, C, H, W) or (C, H, W)."""

    axes = 2

    def __init__(self, padding: Any, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"
