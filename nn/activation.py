"""Activations as modules. Each is a function of `functional.activation`, whose arguments its constructor takes.

Stands on `functional` and `module`.
"""

import inspect
from collections.abc import Callable
from typing import Any, ClassVar

from autograd import ShapeError

from . import init
from .functional import activation as F
from .module import Module, parameter


class Applied(Module):
    """A function as a module: the constructor takes the arguments after the inputs, and keeps them as attributes."""

    function: ClassVar[Callable[..., Any]]
    inputs: ClassVar[int] = 1
    passed_on: ClassVar[tuple[str, ...]]  # all its arguments but `inplace`, for nothing is done in place

    def __init_subclass__(cls) -> None:
        own = [p for p in inspect.signature(cls.function).parameters.values() if p.name != "dtype"][cls.inputs :]
        cls.__signature__ = inspect.Signature(own)  # type: ignore[attr-defined] # what help() shows
        cls.passed_on = tuple(p.name for p in own if p.name != "inplace")

    def __init__(self, *args: Any, **options: Any) -> None:
        try:
            bound = inspect.signature(type(self)).bind(*args, **options)
        except TypeError as error:
            raise TypeError(f"{type(self).__name__}: {error}") from None
        bound.apply_defaults()
        vars(self).update(bound.arguments)

    def forward(self, *inputs: Any) -> Any:
        return type(self).function(*inputs, **{name: getattr(self, name) for name in self.passed_on})


class _Activation(Applied):
    function: ClassVar[Callable[..., Any]] = staticmethod(F.relu)

    def extra_repr(self) -> str:
        shown = [f"{name}={getattr(self, name)!r}" for name in self.passed_on]
        return ", ".join(shown + ["inplace=True"] * getattr(self, "inplace", False))


class ReLU(_Activation):
    """max(x, 0)."""

    function = staticmethod(F.relu)


class ReLU6(_Activation):
    """min(max(x, 0), 6)."""

    function = staticmethod(F.relu6)


class LeakyReLU(_Activation):
    """x where it is positive, else negative_slope * x."""

    function = staticmethod(F.leaky_relu)


class ELU(_Activation):
    """x where it is positive, else alpha * (exp(x) - 1)."""

    function = staticmethod(F.elu)


class SELU(_Activation):
    """ELU with the scale and alpha that keep mean 0 and variance 1 from layer to layer."""

    function = staticmethod(F.selu)


class CELU(_Activation):
    """x where it is positive, else alpha * (exp(x / alpha) - 1)."""

    function = staticmethod(F.celu)


class GELU(_Activation):
    """x * P(x), for the normal distribution function P; approximate="tanh" takes the formula of 2016 for it."""

    function = staticmethod(F.gelu)


class SiLU(_Activation):
    """x * sigmoid(x), also known as swish."""

    function = staticmethod(F.silu)


class Mish(_Activation):
    """x * tanh(softplus(x))."""

    function = staticmethod(F.mish)


class Softplus(_Activation):
    """log(1 + exp(beta * x)) / beta; x itself where beta * x is above the threshold."""

    function = staticmethod(F.softplus)


class Softsign(_Activation):
    """x / (1 + abs(x))."""

    function = staticmethod(F.softsign)


class Tanhshrink(_Activation):
    """x - tanh(x)."""

    function = staticmethod(F.tanhshrink)


class Threshold(_Activation):
    """x where it is above the threshold, else the value."""

    function = staticmethod(F.threshold)


class Hardtanh(_Activation):
    """min(max(x, min_val), max_val)."""

    function = staticmethod(F.hardtanh)


class Hardsigmoid(_Activation):
    """0 up to -3, 1 from 3 on, and x / 6 + 1 / 2 between."""

    function = staticmethod(F.hardsigmoid)


class Hardswish(_Activation):
    """x * hardsigmoid(x)."""

    function = staticmethod(F.hardswish)


class Sigmoid(_Activation):
    """1 / (1 + exp(-x))."""

    function = staticmethod(F.sigmoid)


class Tanh(_Activation):
    """The hyperbolic tangent."""

    function = staticmethod(F.tanh)


class LogSigmoid(_Activation):
    """log(sigmoid(x))."""

    function = staticmethod(F.logsigmoid)


class GLU(_Activation):
    """The first half along an axis times the sigmoid of the second half."""

    function = staticmethod(F.glu)


class Softmax(_Activation):
    """exp(x) / sum(exp(x)) along an axis, which has to be said."""

    function = staticmethod(F.softmax)


class Softmin(_Activation):
    """softmax(-x) along an axis, which has to be said."""

    function = staticmethod(F.softmin)


class LogSoftmax(_Activation):
    """log(softmax(x)) along an axis, which has to be said."""

    function = staticmethod(F.log_softmax)


class _Shrink(_Activation):
    function: ClassVar[Callable[..., Any]] = staticmethod(F.softshrink)

    def extra_repr(self) -> str:
        return str(self.lambd)  # type: ignore[attr-defined]


class Softshrink(_Shrink):
    """x, nearer to 0 by lambd; 0 between -lambd and lambd."""


class Hardshrink(_Shrink):
    """x, and 0 between -lambd and lambd."""

    function = staticmethod(F.hardshrink)


class RReLU(Module):
    """LeakyReLU with slopes drawn between lower and upper in training, and the middle of them otherwise."""

    def __init__(self, lower: float = 1 / 8, upper: float = 1 / 3, inplace: bool = False) -> None:
        self.lower, self.upper, self.inplace = lower, upper, inplace

    def forward(self, input: Any) -> Any:
        return F.rrelu(input, self.lower, self.upper, self.training)

    def extra_repr(self) -> str:
        return f"lower={self.lower}, upper={self.upper}" + ", inplace=True" * self.inplace


class PReLU(Module):
    """x where it is positive, else weight * x, with a weight that is learnt: one, or one for each channel.

    >>> PReLU(3).weight
    Parameter([0.25, 0.25, 0.25], dtype=float32, requires_grad=True)
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None) -> None:
        self.num_parameters, self.init = num_parameters, init
        self.weight = parameter(num_parameters, dtype=dtype, device=device)
        self.reset_parameters()

    def reset_parameters(self, generator: Any = None) -> None:
        """The weights as they are at the start: all of them `init`."""
        init.constant_(self.weight, self.init)

    def forward(self, input: Any) -> Any:
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class Softmax2d(Module):
    """Softmax over the channels of each place of an image: input (N, C, H, W) or (C, H, W)."""

    def forward(self, input: Any) -> Any:
        shape = getattr(input, "shape", ())
        if len(shape) not in (3, 4):
            raise ShapeError(f"softmax2d: expected an input (N, C, H, W) or (C, H, W), got shape {shape}")
        return F.softmax(input, -3)


class CosineSimilarity(Applied):
    """The cosine of the angle between vectors along an axis."""

    function = staticmethod(F.cosine_similarity)
    inputs = 2


class PairwiseDistance(Applied):
    """The p-norm of x1 - x2 + eps along the last axis."""

    function = staticmethod(F.pairwise_distance)
    inputs = 2
