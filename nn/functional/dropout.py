"""Dropout in its variants. The draws are ops of `autograd.random`, so that a recorded Program draws anew; knows no module."""

import math
from typing import Any

import numpy as np

from autograd import DtypeError, ShapeError, random

draws: Any = random  # ops carry no types
FLOOR = -1.7580993408473766  # what SELU tends to far left: -scale * alpha


def dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Zeros each element with probability p and multiplies the others by 1 / (1 - p). `inplace` is there for PyTorch's sake.

    >>> dropout([1.0, 2.0], p=1.0).tolist(), dropout([1.0, 2.0], training=False)
    ([0.0, 0.0], [1.0, 2.0])
    """
    return _dropped("dropout", input, p, training, None)


def dropout1d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Zeros whole channels of an input (N, C, L), or (C, L), with probability p, and multiplies the others by 1 / (1 - p)."""
    if np.ndim(input) not in (2, 3):
        raise ShapeError(f"dropout1d: expected an input (N, C, L) or (C, L), got shape {np.shape(input)}")
    return _dropped("dropout1d", input, p, training, np.ndim(input) - 1)


def dropout2d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Zeros whole channels of an input (N, C, H, W) with probability p, and multiplies the others by 1 / (1 - p)."""
    if np.ndim(input) != 4:
        hint = ": for (N, C, L) take dropout1d, to an image (C, H, W) add an axis, x[None]" if np.ndim(input) == 3 else ""
        raise ShapeError(f"dropout2d: expected an input (N, C, H, W), got shape {np.shape(input)}{hint}")
    return _dropped("dropout2d", input, p, training, 2)


def alpha_dropout(input: Any, p: float = 0.5, training: bool = False, inplace: bool = False) -> Any:
    """Dropout that goes with SELU: puts elements to the floor of SELU, and keeps mean 0 and variance 1 as they were."""
    return _dropped("alpha_dropout", input, p, training, None, floor=FLOOR)


def feature_alpha_dropout(input: Any, p: float = 0.5, training: bool = False, inplace: bool = False) -> Any:
    """The same for whole channels of an input (N, C, ...)."""
    if np.ndim(input) < 2:
        raise ShapeError(f"feature_alpha_dropout: expected an input (N, C, ...), got shape {np.shape(input)}")
    return _dropped("feature_alpha_dropout", input, p, training, 2, floor=FLOOR)


def _dropped(name: str, x: Any, p: float, training: bool, lead: int | None, floor: float = 0.0) -> Any:
    """Elements, or what belongs to an index of the first `lead` axes, replaced by the floor; then mean and variance mended."""
    refuse_probability(name, p)
    if not training or p == 0:
        return x
    x = x if hasattr(x, "dtype") else np.asarray(x)
    if x.dtype.kind not in "fc":
        raise DtypeError(f"{name}: expected an input of floats, got {x.dtype}. Convert it: x.astype('float32')")
    if p == 1:
        return np.where(False, x, np.zeros_like(x))  # not 0 * x, which would be nan at infinity
    shape = x.shape if lead is None else x.shape[:lead] + (1,) * (x.ndim - lead)
    uniform = draws.uniform(size=shape, dtype=np.float32)
    kept = uniform >= p
    if not floor:
        return x * (kept * x.dtype.type(1 / (1 - p)))
    slope = 1 / math.sqrt((1 - p) * (1 + p * floor**2))
    return x * (kept * x.dtype.type(slope)) + ((uniform < p) * x.dtype.type(slope * floor) - slope * floor * p)


def refuse_probability(name: str, p: float) -> None:
    """An error unless p is a probability."""
    if not 0 <= p <= 1:
        raise ShapeError(f"{name}: dropout probability has to be between 0 and 1, but got {p}")
