"""Layers that normalise. Stands on `functional`.

Batch and instance norm keep running statistics as buffers, which a recorded Program replaces at every run, as a step does.
"""

import operator
from typing import Any, ClassVar

import numpy as np

from autograd import ShapeError, Tensor, no_grad

from . import init
from .functional.inputs import shape_of
from .functional.normalisation import batch_norm, group_norm, instance_norm, layer_norm, local_response_norm, rms_norm
from .module import Module, Parameter, parameter


def _reset(weight: Parameter | None, bias: Parameter | None) -> None:
    if weight is not None:
        init.ones_(weight)
    if bias is not None:
        init.zeros_(bias)


class LayerNorm(Module):
    """(x - mean) / sqrt(var + eps) * weight + bias, with mean and variance over the last axes, those of `normalized_shape`.

    >>> LayerNorm(4)(np.ones((2, 4), np.float32)).tolist()
    [[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    """

    def __init__(
        self,
        normalized_shape: Any,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        self.normalized_shape = _shape(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self.weight = parameter(*self.normalized_shape, dtype=dtype, device=device) if elementwise_affine else None
        self.bias = parameter(*self.normalized_shape, dtype=dtype, device=device) if elementwise_affine and bias else None
        self.reset_parameters()

    def reset_parameters(self, generator: Any = None) -> None:
        """Ones and zeros."""
        _reset(self.weight, self.bias)

    def forward(self, input: Any) -> Any:
        return layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(Module):
    """x / sqrt(mean(x**2) + eps) * weight, with the mean over the last axes; eps is that of the input's dtype, unless given."""

    def __init__(
        self,
        normalized_shape: Any,
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        self.normalized_shape = _shape(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self.weight = parameter(*self.normalized_shape, dtype=dtype, device=device) if elementwise_affine else None
        self.reset_parameters()

    def reset_parameters(self, generator: Any = None) -> None:
        """Ones."""
        _reset(self.weight, None)

    def forward(self, input: Any) -> Any:
        return rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


def _shape(normalized_shape: Any) -> tuple[int, ...]:
    return tuple(map(operator.index, (normalized_shape,) if np.ndim(normalized_shape) == 0 else normalized_shape))


class GroupNorm(Module):
    """Normalises each of `num_groups` groups of the channels of each item, (N, C, ...), then weighs each channel."""

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        if num_groups < 1 or num_channels % num_groups:
            raise ShapeError(f"GroupNorm: num_channels must be divisible by num_groups, got {num_channels} and {num_groups}")
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        self.weight = parameter(num_channels, dtype=dtype, device=device) if affine else None
        self.bias = parameter(num_channels, dtype=dtype, device=device) if affine and bias else None
        self.reset_parameters()

    def reset_parameters(self, generator: Any = None) -> None:
        """Ones and zeros."""
        _reset(self.weight, self.bias)

    def forward(self, input: Any) -> Any:
        return group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.affine and self.bias is not None}"
        )


class LocalResponseNorm(Module):
    """x / (k + alpha * s)**beta, s the mean of x**2 over `size` neighbouring channels."""

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: Any) -> Any:
        return local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class _Tracking(Module):
    """What batch and instance norm share: one weight, bias, running mean and running variance per channel."""

    dims: ClassVar[tuple[int, ...]]  # how many axes an input may have

    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self,
        num_features: int,
        eps: float,
        momentum: float | None,
        affine: bool,
        track_running_stats: bool,
        device: Any,
        dtype: Any,
        bias: bool,
    ) -> None:
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        self.weight = parameter(num_features, dtype=dtype, device=device) if affine else None
        self.bias = parameter(num_features, dtype=dtype, device=device) if affine and bias else None
        self.reset_running_stats(dtype)
        if device is not None:
            self.to(device=device)
        self.reset_parameters()

    def reset_running_stats(self, dtype: Any = None) -> None:
        """Running mean 0, running variance 1, and no batch seen."""
        dtype = dtype or getattr(getattr(self, "running_mean", None), "dtype", np.float32)
        tracks = self.track_running_stats
        self.register_buffer("running_mean", np.zeros(self.num_features, dtype) if tracks else None)
        self.register_buffer("running_var", np.ones(self.num_features, dtype) if tracks else None)
        self.register_buffer("num_batches_tracked", np.array(0) if tracks else None)

    def reset_parameters(self, generator: Any = None) -> None:
        """Weights of 1, biases of 0, running statistics as before the first batch."""
        self.reset_running_stats()
        _reset(self.weight, self.bias)

    def _refuse(self, shape: tuple[int, ...], axis: int) -> None:
        if len(shape) not in self.dims:
            wanted = " or ".join(f"{n}D" for n in self.dims)
            raise ShapeError(f"norm: expected {wanted} input, got {len(shape)}D input (input shape {shape})")
        if shape[axis] != self.num_features:
            raise ShapeError(f"norm: expected {self.num_features} channels, got {shape[axis]} (input shape {shape})")

    def _seen(self) -> Any:
        """Counts the batch; the share that it has in the running statistics."""
        if self.num_batches_tracked is None:
            return self.momentum or 0.0
        with no_grad():
            self.num_batches_tracked.data = self.num_batches_tracked + 1
        return 1.0 / self.num_batches_tracked if self.momentum is None else self.momentum

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_Tracking):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def forward(self, input: Any) -> Any:
        self._refuse(shape_of(input), 1)
        by_batch = self.training or self.running_mean is None
        momentum = self._seen() if self.training else 0.0
        return batch_norm(input, self.running_mean, self.running_var, self.weight, self.bias, by_batch, momentum, self.eps)


class BatchNorm1d(_BatchNorm):
    """Normalises each channel of a batch, (N, C) or (N, C, L), by the mean and variance that it has in the batch.

    The running mean and variance, which take their place in `eval()`, move by `momentum` towards those of each batch; with
    `momentum=None` they are the averages over all batches.

    >>> BatchNorm1d(2)(np.array([[0.0, 5.0], [2.0, 5.0]], np.float32)).numpy().round(3).tolist()
    [[-1.0, 0.0], [1.0, 0.0]]
    """

    dims = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Normalises each channel of a batch of images, (N, C, H, W), by the mean and variance that it has in the batch."""

    dims = (4,)


class _InstanceNorm(_Tracking):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def forward(self, input: Any) -> Any:
        shape = shape_of(input)
        batched = len(shape) == max(self.dims)
        self._refuse(shape, 1 if batched else 0)
        x = input if batched else np.expand_dims(input, 0)
        by_input = self.training or not self.track_running_stats
        y = instance_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, by_input, self.momentum or 0.0, self.eps
        )
        return y if batched else y[0]


class InstanceNorm1d(_InstanceNorm):
    """Normalises each channel of each item, (N, C, L) or (C, L), by the mean and variance that it has there."""

    dims = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    """Normalises each channel of each image, (N, C, H, W) or (C, H, W), by the mean and variance that it has there."""

    dims = (3, 4)
