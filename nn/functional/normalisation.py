"""Normalisation by the statistics of a row, a group or a channel. Stands on the rules of `autograd.ops.normalisation`; knows
no module."""

import math
from typing import Any

import numpy as np

from autograd import ShapeError, Tensor, no_grad
from autograd.ops import normalisation

from .inputs import floats, shape_of

ops: Any = normalisation  # ops carry no types


def layer_norm(input: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """(x - mean) / sqrt(var + eps) * weight + bias, with the mean and variance over the last axes, those of `normalized_shape`.

    >>> layer_norm([[1.0, 3.0]], (2,), eps=0.0).tolist()
    [[-1.0, 1.0]]
    """
    return _over_last("layer_norm", input, normalized_shape, weight, bias, eps)


def rms_norm(input: Any, normalized_shape: Any, weight: Any = None, eps: float | None = None) -> Any:
    """x / sqrt(mean(x**2) + eps) * weight, with the mean over the last axes; eps is that of the dtype, unless given.

    >>> rms_norm([[3.0, 4.0, 5.0]], (3,), eps=0.0).round(2).tolist()
    [[0.73, 0.98, 1.22]]
    """
    return _over_last("rms_norm", input, normalized_shape, weight, None, eps, centred=False)


def _over_last(name: str, x: Any, shape: Any, weight: Any, bias: Any, eps: float | None, **options: Any) -> Any:
    x = _of_floats(name, x)
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    if not shape or x.shape[-len(shape) :] != shape:
        raise ShapeError(f"{name}: expected last axes of shape {shape}, got {x.shape[-len(shape) :]} (input shape {x.shape})")
    _refuse_shape(name, shape, weight=weight, bias=bias)
    eps = float(np.finfo(x.dtype).eps) if eps is None else eps
    scale = [part for part in (weight, bias) if part is not None] if weight is not None else []
    rows = x
    if len(shape) > 1:
        rows = x.reshape(*x.shape[: -len(shape)], math.prod(shape))
        scale = [np.reshape(part, -1) for part in scale]
    y = ops.layer_norm(rows, *scale, eps=eps, **options)[0]
    y = y.reshape(x.shape) if len(shape) > 1 else y
    return y + bias if weight is None and bias is not None else y


def group_norm(input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """Normalises each group of channels of each item, (N, C, ...), then weighs each channel.

    >>> group_norm([[1.0, 3.0, 10.0, 30.0]], 2, eps=0.0).tolist()
    [[-1.0, 1.0, -1.0, 1.0]]
    """
    x = _of_floats("group_norm", input)
    if x.ndim < 2:
        raise ShapeError(f"group_norm: expected an input (N, C, ...), got shape {x.shape}")
    n, channels = x.shape[:2]
    if num_groups < 1 or channels % num_groups:
        raise ShapeError(
            f"group_norm: expected a number of channels that {num_groups} groups divide, got {channels} (input shape {x.shape})"
        )
    _refuse_shape("group_norm", (channels,), weight=weight, bias=bias)
    if x.size == num_groups:  # PyTorch's error, whose condition this is
        raise ShapeError(f"group_norm: expected more than 1 value per channel when training, got input size {x.shape}")
    rows = x.reshape(n, num_groups, math.prod(x.shape[1:]) // num_groups)
    return _per_channel(ops.layer_norm(rows, eps=eps)[0].reshape(x.shape), weight, bias)


def batch_norm(
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: Any = 0.1,
    eps: float = 1e-5,
) -> Any:
    """(x - mean) / sqrt(var + eps) * weight + bias for each channel, the second axis of x.

    In training the mean and variance are those of the batch, and the running ones move towards them: by `momentum`, the
    variance by its unbiased estimate. Otherwise they are the running ones.

    >>> batch_norm([[1.0], [3.0]], None, None, training=True, eps=0.0).tolist()
    [[-1.0], [1.0]]
    """
    x = _of_floats("batch_norm", input)
    channels = _channels("batch_norm", x, weight, bias, running_mean, running_var)
    if not training:
        if running_mean is None or running_var is None:
            raise ShapeError("batch_norm: expected running_mean and running_var when not training: there are none")
        return _by_running(x, running_mean, running_var, weight, bias, eps)
    if x.size == channels:
        raise ShapeError(f"batch_norm: expected more than 1 value per channel when training, got input size {x.shape}")
    if not x.size:
        return _per_channel(x, weight, bias)
    scale = [part for part in (weight, bias) if part is not None] if weight is not None else []
    y, _, mean, var = ops.batch_norm(x, *scale, eps=eps)
    n = x.size // channels
    _move(running_mean, mean, momentum)
    _move(running_var, var, momentum, n / (n - 1))
    return y if weight is not None else _per_channel(y, None, bias)


def instance_norm(
    input: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: Any = 0.1,
    eps: float = 1e-5,
) -> Any:
    """Normalises each channel of each item, (N, C, ...), then weighs each channel.

    >>> instance_norm([[[1.0, 3.0], [10.0, 30.0]]], eps=0.0).tolist()
    [[[-1.0, 1.0], [-1.0, 1.0]]]
    """
    x = _of_floats("instance_norm", input)
    channels = _channels("instance_norm", x, weight, bias, running_mean, running_var)
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise ShapeError("instance_norm: expected running_mean and running_var with use_input_stats=False: there are none")
        return _by_running(x, running_mean, running_var, weight, bias, eps)
    n = math.prod(x.shape[2:])
    if n == 1:
        raise ShapeError(f"instance_norm: expected more than 1 spatial element when training, got input size {x.shape}")
    y, _, mean, var = ops.layer_norm(x.reshape(x.shape[0], channels, n), eps=eps)
    if x.size:
        _move(running_mean, mean, momentum)
        _move(running_var, var, momentum, n / (n - 1))
    return _per_channel(y.reshape(x.shape), weight, bias)


def local_response_norm(input: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Any:
    """x / (k + alpha * s)**beta, s the mean of x**2 over `size` neighbouring channels, those beyond the ends being zero.

    >>> local_response_norm([[[1.0], [2.0]]], 2, alpha=2.0, beta=1.0).tolist()
    [[[0.5], [0.3333333333333333]]]
    """
    x = _of_floats("local_response_norm", input)
    if x.ndim < 3:
        raise ShapeError(f"local_response_norm: expected an input (N, C, ...) of at least 3 axes, got shape {x.shape}")
    if size < 1:
        raise ShapeError(f"local_response_norm: size is a number of channels, at least 1, not {size}")
    if not x.size:
        return x
    padded = np.pad(x * x, [(0, 0), (size // 2, (size - 1) // 2)] + [(0, 0)] * (x.ndim - 2))
    total = padded[:, : x.shape[1]]
    for i in range(1, size):
        total = total + padded[:, i : i + x.shape[1]]
    return x / (total * (alpha / size) + k) ** beta


# --- what they share -------------------------------------------------------------------------------------------------------


def _of_floats(name: str, x: Any) -> Any:
    """The input, as something with a shape; an error unless it is of real floats."""
    return floats(name, x if hasattr(x, "dtype") else np.asarray(x))


def _refuse_shape(name: str, shape: tuple[int, ...], **given: Any) -> None:
    for what, value in given.items():
        if value is not None and shape_of(value) != shape:
            raise ShapeError(f"{name}: expected a {what} of shape {shape}, got shape {shape_of(value)}")


def _channels(name: str, x: Any, weight: Any, bias: Any, running_mean: Any, running_var: Any) -> int:
    if x.ndim < 2:
        raise ShapeError(f"{name}: expected an input (N, C, ...), got shape {x.shape}")
    channels: int = x.shape[1]
    for what, value in {"weight": weight, "bias": bias, "running_mean": running_mean, "running_var": running_var}.items():
        if value is not None and shape_of(value) != (channels,):
            expected = f"{shape_of(value)[0]} channels" if len(shape_of(value)) == 1 else "one value per channel"
            raise ShapeError(
                f"{name}: expected {expected} in the second axis, as {what} has shape {shape_of(value)}, got {channels} "
                f"(input shape {x.shape})"
            )
    return channels


def _per_channel(x: Any, weight: Any, bias: Any) -> Any:
    """x * weight + bias, for each channel, as far as they are given."""
    shape = (-1,) + (1,) * (x.ndim - 2)
    x = x if weight is None else x * np.reshape(weight, shape)
    return x if bias is None else x + np.reshape(bias, shape)


def _by_running(x: Any, running_mean: Any, running_var: Any, weight: Any, bias: Any, eps: float) -> Any:
    """Normalised by given statistics, in one multiplication and one addition."""
    slope = 1 / np.sqrt(np.add(running_var, eps))
    slope = slope if weight is None else slope * weight
    shift = np.negative(running_mean) * slope
    y = _per_channel(x, slope, shift if bias is None else shift + bias)
    return y if y.dtype == x.dtype or weight is not None else y.astype(x.dtype)


def _move(running: Any, found: Any, momentum: Any, factor: float = 1.0) -> None:
    """Moves running statistics, in place, towards those of a batch: one per channel, or one per item and channel."""
    if running is None:
        return
    with no_grad():
        new = ops.moving_average(running, found, momentum, factor=factor)
        if isinstance(running, Tensor):
            running.data = new
        else:
            running[...] = new
