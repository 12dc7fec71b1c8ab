"""Linear maps: `linear`, `bilinear`. Stands on the fused rules of `autograd.ops.affine`; knows no module."""

from typing import Any

import numpy as np

import autograd
from autograd import DtypeError, ShapeError
from autograd.ops import affine

engine: Any = autograd  # ops carry no types
ops: Any = affine


def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    """input @ weight.T + bias: input (..., in), weight (out, in), bias (out,), result (..., out).

    >>> linear([[1.0, 2.0]], [[1.0, 1.0], [0.0, 3.0]], [10.0, 20.0]).tolist()
    [[13.0, 26.0]]
    """
    return ops.linear(input, weight) if bias is None else ops.affine(input, weight, bias)


def bilinear(input1: Any, input2: Any, weight: Any, bias: Any = None) -> Any:
    """Sums of products of two inputs: y[..., o] = sum over i, j of input1[..., i] weight[o, i, j] input2[..., j], + bias[o].

    >>> bilinear([[1.0, 2.0]], [[3.0]], [[[1.0], [10.0]]]).tolist()
    [[63.0]]
    """
    shapes = [np.shape(x) for x in (input1, input2)]
    if np.ndim(weight) != 3:
        raise ShapeError(f"bilinear: expected a weight of shape (out, in1, in2), got shape {np.shape(weight)}")
    for name, x, shape, wanted in zip(("input1", "input2"), (input1, input2), shapes, np.shape(weight)[1:], strict=True):
        if not shape or shape[-1] != wanted:
            raise ShapeError(f"bilinear: expected {wanted} features in the last axis of {name}, got shape {shape}")
        if getattr(x, "dtype", np.dtype(float)).kind not in "fc":
            raise DtypeError(f"bilinear: expected an {name} of floats, got {x.dtype}. Convert it: x.astype('float32')")
    if shapes[0][:-1] != shapes[1][:-1]:
        raise ShapeError(f"bilinear: the leading axes of the inputs are to be equal, got shapes {shapes[0]} and {shapes[1]}")
    if bias is not None and np.shape(bias) != np.shape(weight)[:1]:
        raise ShapeError(f"bilinear: expected a bias of shape {np.shape(weight)[:1]}, got shape {np.shape(bias)}")
    y = engine.einsum("...i,oij,...j->...o", input1, weight, input2, optimize=True)
    return y if bias is None else y + bias
