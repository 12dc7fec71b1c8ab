"""Activations, softmax and its relatives, similarities and distances: plain functions of arrays or Tensors.

Names, arguments and defaults are PyTorch's. `inplace=` is accepted and does nothing: no function here writes to its input.
Slopes at kinks are those of the whole project (of all between the two sides, the one nearest to 0). Knows no module.
"""

from typing import Any

import numpy as np

import autograd
from autograd import ShapeError, random
from autograd.ops import activations

from .inputs import axis_of, broadcast, floats

engine: Any = autograd  # ops carry no types
ops: Any = activations
draws: Any = random

SELU_SCALE, SELU_ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717


# --- of each element -------------------------------------------------------------------------------------------------------


def relu(input: Any, inplace: bool = False) -> Any:
    """max(x, 0), with slope 0 at 0.

    >>> relu([-1.0, 2.0]).tolist()
    [0.0, 2.0]
    """
    return engine.relu(floats("relu", input))


def relu6(input: Any, inplace: bool = False) -> Any:
    """min(max(x, 0), 6), with slope 0 at 0 and at 6."""
    return engine.clip(floats("relu6", input), 0.0, 6.0)


def leaky_relu(input: Any, negative_slope: float = 0.01, inplace: bool = False) -> Any:
    """x where it is positive, else negative_slope * x."""
    return ops.prelu(floats("leaky_relu", input), float(negative_slope))


def prelu(input: Any, weight: Any) -> Any:
    """x where it is positive, else weight * x: one weight for all, or one for each channel, along the second axis.

    >>> prelu([[-1.0, -1.0, 1.0]], [0.5, 0.1, 0.1]).tolist()
    [[-0.5, -0.1, 1.0]]
    """
    x = floats("prelu", input)
    weight = floats("prelu", weight if hasattr(weight, "dtype") else np.asarray(weight, x.dtype), "weight")
    shape, size = np.shape(x), np.size(weight)
    if size == 1:
        return ops.prelu(x, weight if len(shape) else weight.reshape(()))
    channels = shape[1] if len(shape) > 1 else 1
    if np.ndim(weight) != 1 or channels != size:
        raise ShapeError(f"prelu: {size} weights for {channels} channels in the second axis (input shape {shape})")
    return ops.prelu(x, weight.reshape((size,) + (1,) * (len(shape) - 2)))


def rrelu(input: Any, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False, inplace: bool = False) -> Any:
    """leaky_relu with slopes drawn between lower and upper for each element in training, and the middle of them otherwise."""
    x = floats("rrelu", input)
    if lower > upper:
        raise ValueError(f"rrelu: the lower slope {lower} is above the upper one, {upper}")
    if not training:
        return ops.prelu(x, (lower + upper) / 2)
    return ops.prelu(x, draws.uniform(lower, upper, size=np.shape(x), dtype=getattr(x, "dtype", np.float64)))


def elu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """x where it is positive, else alpha * (exp(x) - 1)."""
    return ops.elu(floats("elu", input), alpha=float(alpha))


def selu(input: Any, inplace: bool = False) -> Any:
    """elu with the scale and alpha that keep mean 0 and variance 1 from layer to layer."""
    return ops.elu(floats("selu", input), alpha=SELU_ALPHA, scale=SELU_SCALE)


def celu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """x where it is positive, else alpha * (exp(x / alpha) - 1): smooth at 0 for each alpha."""
    if alpha == 0:
        raise ValueError("celu: alpha cannot be 0, for x is divided by it")
    return ops.elu(floats("celu", input), alpha=float(alpha), rate=1 / alpha)


def gelu(input: Any, approximate: str = "none") -> Any:
    """x * P(x), for the normal distribution function P; or, with approximate="tanh", the formula of 2016 for it.

    >>> gelu([0.0, 100.0, -100.0]).tolist()
    [0.0, 100.0, 0.0]
    """
    x = floats("gelu", input)
    if approximate not in ("none", "tanh"):
        raise ValueError(f"gelu: approximate is 'none' or 'tanh', not {approximate!r}")
    return ops.gelu_tanh(x) if approximate == "tanh" else ops.gelu(x)


def silu(input: Any, inplace: bool = False) -> Any:
    """x * sigmoid(x), also known as swish."""
    return ops.silu(floats("silu", input))


def mish(input: Any, inplace: bool = False) -> Any:
    """x * tanh(softplus(x))."""
    x = engine.maximum(floats("mish", input), -1000.0)  # -inf * 0 would be nan
    return x * engine.tanh(ops.softplus(x))


def softplus(input: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """log(1 + exp(beta * x)) / beta; x itself where beta * x is above the threshold."""
    if beta == 0:
        raise ValueError("softplus: beta cannot be 0, for it is divided by")
    return ops.softplus(floats("softplus", input), beta=float(beta), threshold=float(threshold))


def softsign(input: Any) -> Any:
    """x / (1 + abs(x))."""
    return ops.softsign(floats("softsign", input))


def softshrink(input: Any, lambd: float = 0.5) -> Any:
    """x, nearer to 0 by lambd; 0 between -lambd and lambd."""
    if lambd < 0:
        raise ValueError(f"softshrink: lambd is at least 0, not {lambd}")
    return ops.softshrink(floats("softshrink", input), lambd=float(lambd))


def hardshrink(input: Any, lambd: float = 0.5) -> Any:
    """x, and 0 between -lambd and lambd."""
    return ops.hardshrink(floats("hardshrink", input), lambd=float(lambd))


def tanhshrink(input: Any) -> Any:
    """x - tanh(x)."""
    return ops.tanhshrink(floats("tanhshrink", input))


def threshold(input: Any, threshold: float, value: float, inplace: bool = False) -> Any:
    """x where it is above the threshold, else the value."""
    return ops.threshold(floats("threshold", input), threshold=float(threshold), value=float(value))


def hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Any:
    """min(max(x, min_val), max_val), with slope 0 at both."""
    if min_val > max_val:
        raise ValueError(f"hardtanh: min_val {min_val} is above max_val {max_val}")
    return engine.clip(floats("hardtanh", input), float(min_val), float(max_val))


def hardsigmoid(input: Any, inplace: bool = False) -> Any:
    """0 up to -3, 1 from 3 on, and x / 6 + 1 / 2 between."""
    return engine.clip(floats("hardsigmoid", input) + 3.0, 0.0, 6.0) / 6.0


def hardswish(input: Any, inplace: bool = False) -> Any:
    """x * hardsigmoid(x)."""
    return ops.hardswish(floats("hardswish", input))


def sigmoid(input: Any) -> Any:
    """1 / (1 + exp(-x))."""
    return engine.sigmoid(floats("sigmoid", input))


def tanh(input: Any) -> Any:
    """The hyperbolic tangent."""
    return engine.tanh(floats("tanh", input))


def logsigmoid(input: Any) -> Any:
    """log(sigmoid(x)), exact in both tails.

    >>> logsigmoid([-1000.0]).tolist()
    [-1000.0]
    """
    return ops.logsigmoid(floats("logsigmoid", input))


# --- along an axis ---------------------------------------------------------------------------------------------------------


def glu(input: Any, dim: int = -1) -> Any:
    """The first half along an axis times the sigmoid of the second half.

    >>> glu([1.0, 3.0, 0.0, 100.0]).tolist()
    [0.5, 3.0]
    """
    x = floats("glu", input)
    axis = axis_of("glu", x, dim)
    if np.shape(x)[axis] % 2:
        raise ShapeError(f"glu: an axis of even length is halved, and axis {dim} of shape {np.shape(x)} is odd")
    a, b = engine.split(x, 2, axis=axis)
    return a * engine.sigmoid(b)


def _softmax_like(function: str, x: Any, dim: Any, dtype: Any, op: Any, sign: int = 1) -> Any:
    x = floats(function, x)
    axis = axis_of(function, x, dim)
    if dtype is not None:
        x = x.astype(dtype)
    return op(x if sign == 1 else -x, axis=axis)


def softmax(input: Any, dim: int | None = None, *, dtype: Any = None) -> Any:
    """exp(x) / sum(exp(x)): positive, with sum 1 along the axis. The axis has to be said.

    >>> softmax([0.0, 0.0, -float("inf")], dim=-1).tolist()
    [0.5, 0.5, 0.0]
    """
    return _softmax_like("softmax", input, dim, dtype, engine.softmax)


def softmin(input: Any, dim: int | None = None, *, dtype: Any = None) -> Any:
    """softmax(-x)."""
    return _softmax_like("softmin", input, dim, dtype, engine.softmax, -1)


def log_softmax(input: Any, dim: int | None = None, *, dtype: Any = None) -> Any:
    """log(softmax(x)), without underflow."""
    return _softmax_like("log_softmax", input, dim, dtype, engine.log_softmax)


def gumbel_softmax(logits: Any, tau: float = 1, hard: bool = False, *, dim: int = -1) -> Any:
    """Draws from a categorical distribution, softened: softmax((logits + noise) / tau), with the noise of Gumbel.

    With `hard`, the value is the one-hot vector of its largest element, and the gradient that of the soft one.
    """
    x = floats("gumbel_softmax", logits, "logits")
    axis = axis_of("gumbel_softmax", x, dim)
    u = draws.uniform(size=np.shape(x), dtype=x.dtype)
    tiny = float(np.finfo(x.dtype).tiny)
    noise = -engine.log(-engine.log(engine.maximum(u, tiny) * (1 - float(np.finfo(x.dtype).eps))))
    y = engine.softmax((x + noise) / tau, axis=axis)
    if not hard:
        return y
    places = np.arange(np.shape(x)[axis]).reshape([-1 if i == axis else 1 for i in range(np.ndim(x))])
    chosen = (engine.argmax(y, axis=axis, keepdims=True) == places).astype(x.dtype)
    return chosen - engine.detach(y) + y


def normalize(input: Any, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Any:
    """x / max(norm(x), eps), for the p-norm along an axis.

    >>> normalize([3.0, 4.0], dim=0).tolist()
    [0.6, 0.8]
    """
    x = floats("normalize", input)
    length = engine.linalg.vector_norm(x, axis=axis_of("normalize", x, dim), ord=p, keepdims=True)
    return x / _at_least(length, eps)


def _at_least(length: Any, eps: float) -> Any:
    """max(length, eps), for an eps that float16 may round to 0: then its least positive number."""
    return engine.maximum(length, max(eps, float(np.finfo(length.dtype).smallest_subnormal)) if eps > 0 else eps)


def _direction(x: Any, axis: int, eps: float) -> Any:
    """x / max(norm(x), eps), but with slope 0 at 0, where the direction is not defined."""
    length = engine.linalg.vector_norm(x, axis=axis, keepdims=True)
    return engine.where(length == 0, 0.0, x / _at_least(length, eps))


def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    """The cosine of the angle between vectors along an axis; 0, with slope 0, where one of them is 0.

    >>> round(float(cosine_similarity([1.0, 0.0], [1.0, 1.0], dim=0)), 6)
    0.707107
    """
    a, b = floats("cosine_similarity", x1, "x1"), floats("cosine_similarity", x2, "x2")
    shape = broadcast("cosine_similarity", a, b)
    axis = axis_of("cosine_similarity", np.empty(shape), dim) - len(shape)
    a, b = engine.broadcast_to(a, shape), engine.broadcast_to(b, shape)
    return engine.sum(_direction(a, axis, eps) * _direction(b, axis, eps), axis=axis)


def pairwise_distance(x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Any:
    """The p-norm of x1 - x2 + eps along the last axis.

    >>> pairwise_distance([[0.0, 0.0]], [[3.0, 4.0]], eps=0.0).tolist()
    [5.0]
    """
    a, b = floats("pairwise_distance", x1, "x1"), floats("pairwise_distance", x2, "x2")
    broadcast("pairwise_distance", a, b)
    return engine.linalg.vector_norm(a - b + eps, axis=-1, ord=p, keepdims=keepdim)
