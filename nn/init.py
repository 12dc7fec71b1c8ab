"""Initial values of parameters, with PyTorch's names, arguments and distributions.

Each function writes a Parameter, or another leaf Tensor, in place, in its own dtype, and returns it. Draws come from
`generator`, a NumPy Generator, or else from the stream that `autograd.random.seed` starts anew. `reset` makes the values of
a whole model depend on one seed, and on nothing else. Stands on `autograd` and on Module; knows no layer.

>>> from autograd import Tensor
>>> xavier_uniform_(Tensor([[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])).shape
(2, 3)
"""

import math
from typing import Any, TypeVar

import numpy as np

from autograd import DtypeError, GradientError, ShapeError, Tensor, no_grad, random

from .module import Module

draws: Any = random  # ops carry no types
T = TypeVar("T", bound=Tensor)
M = TypeVar("M", bound=Module)

GAINS = {
    **dict.fromkeys(("linear", "conv1d", "conv2d", "conv3d", "sigmoid"), 1.0),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), 1.0),
    "tanh": 5 / 3,
    "relu": math.sqrt(2),
    "selu": 3 / 4,
}


# --- a whole model ---------------------------------------------------------------------------------------------------------


def reset(model: M, seed: int = 0) -> M:
    """Fills a model anew, so that its parameters depend on `seed` and the names in the model only.

    Each module that has `reset_parameters(generator=None)` is called with a generator of its own, which comes from the seed
    and the module's name. So it makes no difference in which order the layers were built, and one layer more leaves the
    others as they were. A module goes after those inside it, as when it was built.
    """
    for name, module in reversed(list(model.named_modules())):
        if hasattr(module, "reset_parameters"):
            sequence = np.random.SeedSequence(seed, spawn_key=tuple(f"nn.init {name}".encode()))
            module.reset_parameters(generator=np.random.default_rng(sequence))
    return model


# --- draws -----------------------------------------------------------------------------------------------------------------


def uniform_(tensor: T, a: float = 0.0, b: float = 1.0, generator: Any = None) -> T:
    """Uniform draws of [a, b)."""
    return _uniform("uniform_", tensor, a, b, generator)


def normal_(tensor: T, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> T:
    """Normal draws, mean + std * z."""
    return _normal("normal_", tensor, mean, std, generator)


def trunc_normal_(tensor: T, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Any = None) -> T:
    """Normal draws, given that they fall into [a, b]. Exact for any such interval, far out in a tail as well."""
    import scipy.special

    name = "trunc_normal_"
    if not (std > 0 and a < b):
        raise ValueError(f"{name}: std > 0 and a < b are needed, got std={std}, a={a}, b={b}")
    low, high = (a - mean) / std, (b - mean) / std
    side = -1.0 if low > 0 else 1.0  # the logarithms below are exact in the lower tail
    low, high = sorted((side * low, side * high))
    log_low, log_high = scipy.special.log_ndtr([low, high])
    ratio = math.exp(log_low - log_high)
    u = 1 - draws.uniform(size=_drawn(name, tensor), generator=_stream(name, generator))  # never 0
    z = scipy.special.ndtri_exp(log_high + np.log(ratio + (1 - ratio) * u))
    return _fill(name, tensor, np.clip(mean + side * std * z, a, b))


def xavier_uniform_(tensor: T, gain: float = 1.0, generator: Any = None) -> T:
    """Uniform draws of ±gain * sqrt(6 / (fan_in + fan_out)): Glorot's, which keep the variance both ways."""
    bound = gain * math.sqrt(6 / max(sum(_fans("xavier_uniform_", tensor)), 1))
    return _uniform("xavier_uniform_", tensor, -bound, bound, generator)


def xavier_normal_(tensor: T, gain: float = 1.0, generator: Any = None) -> T:
    """Normal draws of standard deviation gain * sqrt(2 / (fan_in + fan_out))."""
    std = gain * math.sqrt(2 / max(sum(_fans("xavier_normal_", tensor)), 1))
    return _normal("xavier_normal_", tensor, 0.0, std, generator)


def kaiming_uniform_(
    tensor: T, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> T:
    """Uniform draws of ±gain * sqrt(3 / fan): He's, which keep the variance through a ReLU of slope `a` below zero."""
    bound = calculate_gain(nonlinearity, a) * math.sqrt(3 / _fan("kaiming_uniform_", tensor, mode))
    return _uniform("kaiming_uniform_", tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: T, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> T:
    """Normal draws of standard deviation gain / sqrt(fan)."""
    std = calculate_gain(nonlinearity, a) / math.sqrt(_fan("kaiming_normal_", tensor, mode))
    return _normal("kaiming_normal_", tensor, 0.0, std, generator)


def orthogonal_(tensor: T, gain: float = 1, generator: Any = None) -> T:
    """A random matrix of orthonormal rows, or columns if there are fewer of those, times gain.

    All axes but the first are taken as one. The distribution is uniform over such matrices (that of Haar).
    """
    name = "orthogonal_"
    if tensor.ndim < 2:
        raise ShapeError(f"{name}: a matrix has two axes or more, and this Tensor has shape {tensor.shape}")
    rows = tensor.shape[0]
    columns = math.prod(tensor.shape[1:])
    shape = (max(rows, columns), min(rows, columns))
    q, r = np.linalg.qr(draws.normal(size=shape, generator=_stream(name, generator)))
    q = q * np.where(np.diagonal(r) < 0, -1.0, 1.0)  # else the signs would be those of the algorithm
    return _fill(name, tensor, gain * np.reshape(q.T if rows < columns else q, _drawn(name, tensor)))


def sparse_(tensor: T, sparsity: float, std: float = 0.01, generator: Any = None) -> T:
    """Normal draws, with the fraction `sparsity` of each column set to zero at random."""
    name = "sparse_"
    _axes(name, tensor, 2)
    if not 0 <= sparsity <= 1:
        raise ValueError(f"{name}: sparsity is a fraction between 0 and 1, not {sparsity}")
    stream = _stream(name, generator)
    rank = np.argsort(np.argsort(draws.uniform(size=tensor.shape, generator=stream), axis=0), axis=0)
    zeros = math.ceil(sparsity * tensor.shape[0])
    values = draws.normal(0.0, float(std), _drawn(name, tensor), stream, _precision(tensor))
    return _fill(name, tensor, np.where(rank < zeros, 0.0, values))


# --- no draws --------------------------------------------------------------------------------------------------------------


def constant_(tensor: T, val: float) -> T:
    """One value everywhere."""
    return _fill("constant_", tensor, np.full(tensor.shape, val))


def ones_(tensor: T) -> T:
    """Ones everywhere."""
    return constant_(tensor, 1)


def zeros_(tensor: T) -> T:
    """Zeros everywhere."""
    return constant_(tensor, 0)


def eye_(tensor: T) -> T:
    """Ones on the diagonal of a matrix: a linear layer that passes on what it can."""
    _axes("eye_", tensor, 2)
    return _fill("eye_", tensor, np.eye(tensor.shape[0], tensor.shape[1]))


def dirac_(tensor: T, groups: int = 1) -> T:
    """Ones in the middle of the kernel of a convolution, which then passes on as many channels of each group as it can."""
    _axes("dirac_", tensor, 3, 4, 5)
    out_channels, in_channels, *kernel = tensor.shape
    if out_channels % groups:
        raise ShapeError(f"dirac_: {out_channels} output channels cannot be divided into {groups} groups")
    value = np.zeros(tensor.shape)
    middle = tuple(length // 2 for length in kernel)
    for i in range(out_channels):
        channel = i % (out_channels // groups)
        if channel < in_channels:
            value[(i, channel, *middle)] = 1
    return _fill("dirac_", tensor, value)


# --- scales ----------------------------------------------------------------------------------------------------------------


def calculate_gain(nonlinearity: str, param: Any = None) -> float:
    """By what a nonlinearity asks to multiply the standard deviation; `param` is the slope of leaky_relu below zero.

    >>> calculate_gain("leaky_relu", 1.0)
    1.0
    """
    if nonlinearity == "leaky_relu":
        return math.sqrt(2 / (1 + (0.01 if param is None else param) ** 2))
    if nonlinearity not in GAINS:
        raise ValueError(f"calculate_gain: no gain is known of {nonlinearity!r}, only of {', '.join(GAINS)}, leaky_relu")
    return GAINS[nonlinearity]


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """Into how many terms of its sum an output of this weight adds, and in how many sums an input stands.

    The first axis is that of the outputs, the second that of the inputs, the others are those of a kernel.

    >>> _calculate_fan_in_and_fan_out(Tensor(np.zeros((16, 3, 5, 5))))
    (75, 400)
    """
    return _fans("_calculate_fan_in_and_fan_out", tensor)


def _fans(name: str, tensor: Tensor) -> tuple[int, int]:
    if tensor.ndim < 2:
        raise ShapeError(
            f"{name}: fan in and fan out are those of a weight with two axes or more, and this Tensor has shape "
            f"{tensor.shape}. For a bias take uniform_ or zeros_"
        )
    outputs, inputs, *kernel = tensor.shape
    return inputs * math.prod(kernel), outputs * math.prod(kernel)


def _fan(name: str, tensor: Tensor, mode: str) -> int:
    """The fan of a mode; at least one, for a weight without elements has nothing to fill."""
    fans = dict(zip(("fan_in", "fan_out"), _fans(name, tensor), strict=True))
    if mode not in fans:
        raise ValueError(f"{name}: mode is 'fan_in' or 'fan_out', not {mode!r}")
    return max(fans[mode], 1)


# --- writing ---------------------------------------------------------------------------------------------------------------


def _axes(name: str, tensor: Tensor, *wanted: int) -> None:
    if tensor.ndim not in wanted:
        axes = " or ".join(map(str, wanted))
        raise ShapeError(f"{name}: a Tensor of {axes} axes is needed, and this one has shape {tensor.shape}")


def _stream(name: str, generator: Any) -> Any:
    """The generator to draw from."""
    if generator is not None and not isinstance(generator, np.random.Generator):
        raise DtypeError(f"{name}: generator is a NumPy Generator, np.random.default_rng(seed), not {generator!r}")
    return draws.default_generator() if generator is None else generator


def _drawn(name: str, tensor: Tensor) -> tuple[int, ...]:
    """The shape of what can be filled by draws, which are floats."""
    if tensor.dtype.kind != "f":
        raise DtypeError(f"{name}: random values are floats, and this Tensor is of {tensor.dtype}")
    return tensor.shape


def _precision(tensor: Tensor) -> Any:
    return np.float64 if tensor.dtype.itemsize > 4 else np.float32


def _uniform(name: str, tensor: T, a: float, b: float, generator: Any) -> T:
    if a > b:
        raise ValueError(f"{name}: the lower bound {a} is above the upper bound {b}")
    shape = _drawn(name, tensor)
    return _fill(name, tensor, draws.uniform(float(a), float(b), shape, _stream(name, generator), _precision(tensor)))


def _normal(name: str, tensor: T, mean: float, std: float, generator: Any) -> T:
    if std < 0:
        raise ValueError(f"{name}: a standard deviation is not negative, and this is {std}")
    shape = _drawn(name, tensor)
    return _fill(name, tensor, draws.normal(float(mean), float(std), shape, _stream(name, generator), _precision(tensor)))


def _fill(name: str, tensor: T, value: Any) -> T:
    """The tensor takes a value, in its own dtype."""
    if not isinstance(tensor, Tensor):
        raise DtypeError(f"{name}: a Parameter, or another Tensor, is filled in place, and this is a {type(tensor).__name__}")
    if not tensor.is_leaf:
        raise GradientError(f"{name}: this Tensor is the result of an op; only a parameter, or another leaf, can be filled")
    with no_grad():
        if hasattr(tensor._raw, "__array_function__") and not isinstance(tensor._raw, np.ndarray | np.generic):  # on a GPU
            value = np.asarray(np.array(value), like=tensor._raw)
        tensor.data = value
    return tensor
