"""Linear layers, and those that only change a shape. Stands on `functional`."""

import math
from typing import Any

import numpy as np

from autograd import ShapeError

from . import init
from .functional.linear import bilinear, linear
from .module import Module, parameter


class Identity(Module):
    """Returns its input. Whatever it is made with is ignored, so that it can stand in the place of another layer.

    >>> Identity(54, unused=0.1)("x")
    'x'
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def forward(self, input: Any) -> Any:
        return input


class Linear(Module):
    """y = x @ weight.T + bias, over the last axis of x: (..., in_features) -> (..., out_features).

    `weight` is (out_features, in_features), `bias` (out_features,); both are drawn from U(-b, b), b = 1 / sqrt(in_features).

    >>> Linear(4, 2)(np.ones((5, 3, 4), np.float32)).shape
    (5, 3, 2)
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        self.in_features = in_features
        self.out_features = out_features
        self.weight = parameter(out_features, in_features, dtype=dtype, device=device)
        self.bias = parameter(out_features, dtype=dtype, device=device) if bias else None
        self.reset_parameters()

    def reset_parameters(self, generator: Any = None) -> None:
        """Draws the parameters anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5), generator=generator)
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features) if self.in_features else 0.0
            init.uniform_(self.bias, -bound, bound, generator=generator)

    def forward(self, input: Any) -> Any:
        return linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Bilinear(Module):
    """y[..., o] = x1 @ weight[o] @ x2 + bias[o]; `weight` is (out_features, in1_features, in2_features).

    >>> Bilinear(2, 3, 4)(np.ones((5, 2), np.float32), np.ones((5, 3), np.float32)).shape
    (5, 4)
    """

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if in1_features <= 0:
            raise ShapeError(f"Bilinear: in1_features must be positive, got {in1_features}")
        self.in1_features = in1_features
        self.in2_features = in2_features
        self.out_features = out_features
        self.weight = parameter(out_features, in1_features, in2_features, dtype=dtype, device=device)
        self.bias = parameter(out_features, dtype=dtype, device=device) if bias else None
        self.reset_parameters()

    def reset_parameters(self, generator: Any = None) -> None:
        """Draws the parameters anew: from U(-b, b), b = 1 / sqrt(in1_features)."""
        bound = 1 / math.sqrt(self.in1_features)
        for value in (self.weight, self.bias):
            if value is not None:
                init.uniform_(value, -bound, bound, generator=generator)

    def forward(self, input1: Any, input2: Any) -> Any:
        return bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )


class Flatten(Module):
    """Makes one axis of the axes from `start_dim` to `end_dim`, both included.

    >>> Flatten()(np.ones((5, 2, 3))).shape
    (5, 6)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Any) -> Any:
        x = input if hasattr(input, "reshape") else np.asarray(input)
        shape = x.shape
        first, last = (_axis("flatten", axis, len(shape)) for axis in (self.start_dim, self.end_dim))
        if first > last:
            raise ShapeError(f"flatten: start_dim {self.start_dim} stands behind end_dim {self.end_dim} (input shape {shape})")
        return x.reshape(*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :])

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Makes several axes of one; a length of -1 is what the others leave.

    >>> Unflatten(1, (2, -1))(np.ones((5, 6))).shape
    (5, 2, 3)
    """

    def __init__(self, dim: int, unflattened_size: Any) -> None:
        self.dim = dim
        self.unflattened_size = tuple(unflattened_size)

    def forward(self, input: Any) -> Any:
        x = input if hasattr(input, "reshape") else np.asarray(input)
        shape, inner = x.shape, self.unflattened_size
        dim = _axis("unflatten", self.dim, len(shape))
        known = math.prod(n for n in inner if n != -1)
        if inner.count(-1) > 1 or (shape[dim] % known if -1 in inner and known else known != shape[dim]):
            raise ShapeError(f"unflatten: an axis of {shape[dim]} does not make axes of {inner} (input shape {shape})")
        return x.reshape(shape[:dim] + inner + shape[dim + 1 :])

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


def _axis(name: str, axis: int, ndim: int) -> int:
    if not -ndim <= axis < ndim:
        raise ShapeError(f"{name}: axis {axis} of an input with {ndim} axes")
    return axis % ndim
