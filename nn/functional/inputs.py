"""What functions are given, looked at first thing: dtypes, shapes and axes. What is wrong is said in words.

Stands on `autograd`; knows no function.
"""

from typing import Any

import numpy as np

from autograd import DtypeError, ShapeError, Tensor


def floats(function: str, x: Any, name: str = "input") -> Any:
    """x as something to compute with, if it is of floats; else an error that names the function."""
    if type(x) is float:
        return x
    if not isinstance(x, Tensor):
        if hasattr(x, "forward"):
            raise DtypeError(f"{function}: the {name} is a module, not what it returns. Call it: model(x)")
        x = x if hasattr(x, "dtype") else np.asarray(x)
    if x.dtype.kind != "f":
        one = f"an {name}" if name[0] in "aeiou" else f"a {name}"
        raise DtypeError(f"{function}: expected {one} of floats, got {x.dtype}. Convert it: {name}.astype('float32')")
    return x


def axis_of(function: str, x: Any, dim: Any) -> int:
    """An axis that x has."""
    ndim = np.ndim(x)
    if dim is None:
        raise ShapeError(f"{function}: say along which axis, dim=-1 for the last one (input shape {np.shape(x)})")
    if not -ndim <= dim < ndim:
        raise ShapeError(f"{function}: there is no axis {dim} in an input of shape {np.shape(x)}")
    return int(dim) % ndim


def shape_of(x: Any) -> tuple[int, ...]:
    """np.shape, which takes ten times longer to find its way to a Tensor."""
    shape: tuple[int, ...] = x.shape if hasattr(x, "shape") else np.shape(x)
    return shape


def broadcast(function: str, a: Any, b: Any) -> tuple[int, ...]:
    """The shape that two arrays have together."""
    try:
        return np.broadcast_shapes(np.shape(a), np.shape(b))
    except ValueError:
        raise ShapeError(f"{function}: the shapes {np.shape(a)} and {np.shape(b)} do not fit together") from None
