"""The Python array API standard, version 2024.12: every name of it on Tensors, against NumPy's own namespace.

One table: for each function the calls that its signature allows, the kinds of dtype that it takes, and whether a gradient
comes back. NumPy is the reference for values and dtypes, finite differences for gradients.
"""

import inspect
import json
import math
import operator
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import autograd as ag
from autograd import Tensor, vjp
from autograd.testing import check_grads

# --- the names -------------------------------------------------------------------------------------------------------------

CONSTANTS = "e inf nan newaxis pi"
DTYPES = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64 complex64 complex128"
FUNCTIONS = """
    arange asarray empty empty_like eye from_dlpack full full_like linspace meshgrid ones ones_like tril triu zeros zeros_like
    astype can_cast finfo iinfo isdtype result_type
    abs acos acosh add asin asinh atan atan2 atanh bitwise_and bitwise_left_shift bitwise_invert bitwise_or
    bitwise_right_shift bitwise_xor ceil clip conj copysign cos cosh divide equal exp expm1 floor floor_divide greater
    greater_equal hypot imag isfinite isinf isnan less less_equal log log1p log2 log10 logaddexp logical_and logical_not
    logical_or logical_xor maximum minimum multiply negative nextafter not_equal positive pow real reciprocal remainder round
    sign signbit sin sinh square sqrt subtract tan tanh trunc
    take take_along_axis
    matmul matrix_transpose tensordot vecdot
    broadcast_arrays broadcast_to concat expand_dims flip moveaxis permute_dims repeat reshape roll squeeze stack tile unstack
    argmax argmin count_nonzero nonzero searchsorted where
    unique_all unique_counts unique_inverse unique_values
    argsort sort
    cumulative_prod cumulative_sum max mean min prod std sum var
    all any diff
"""
LINALG = """
    cholesky cross det diagonal eigh eigvalsh inv matmul matrix_norm matrix_power matrix_rank matrix_transpose outer pinv qr
    slogdet solve svd svdvals tensordot trace vecdot vector_norm
"""
FFT = "fft ifft fftn ifftn rfft irfft rfftn irfftn hfft ihfft fftfreq rfftfreq fftshift ifftshift"
BINARY = "add sub mul truediv floordiv mod pow matmul and or xor lshift rshift"
OTHER_METHODS = """
    __abs__ __array_namespace__ __bool__ __complex__ __dlpack__ __dlpack_device__ __eq__ __float__ __ge__ __getitem__ __gt__
    __index__ __int__ __invert__ __le__ __lt__ __ne__ __neg__ __pos__ __setitem__ to_device dtype device mT ndim shape size T
"""
METHODS = OTHER_METHODS.split() + [f"__{side}{name}__" for name in BINARY.split() for side in ("", "r", "i")]
ALL_FUNCTIONS = [
    *FUNCTIONS.split(),
    *(f"linalg.{name}" for name in LINALG.split()),
    *(f"fft.{name}" for name in FFT.split()),
]


# --- the table -------------------------------------------------------------------------------------------------------------

REAL, COMPLEX, INTEGER, BOOL = ("float32", "float64"), ("complex64", "complex128"), ("int32", "int64", "uint8"), ("bool",)
F, FC, FI, FCI, FCIB, FIB, IB, B = (
    REAL,
    REAL + COMPLEX,
    REAL + INTEGER,
    REAL + COMPLEX + INTEGER,
    REAL + COMPLEX + INTEGER + BOOL,
    REAL + INTEGER + BOOL,
    INTEGER + BOOL,
    BOOL,
)
I = INTEGER  # noqa: E741
INDEX = np.array([[2, 0, 1], [0, 0, 2]])


def arrays(dtype: str) -> dict[str, Any]:
    """What the parameters of a call stand for, in a dtype: all numbers small, positive and different."""
    rng = np.random.default_rng(3)
    drawn = 0  # how often: no two arrays share a value, which would be a kink for some functions

    def draw(*shape: int) -> Any:
        nonlocal drawn
        drawn += 1
        values = rng.permutation(np.linspace(0.15, 0.9, math.prod(shape)) + 0.011 * drawn).reshape(shape)
        kind = np.dtype(dtype).kind
        if kind in "iu":
            values = np.floor(values * 10)
        elif kind == "b":
            values = rng.random(shape) > 0.5
        elif kind == "c":
            values = values * 0.7 + 0.6j * rng.permutation(values.ravel()).reshape(shape)
        return np.asarray(values, dtype)

    x, w, v, cube = draw(2, 3), draw(2, 3), draw(3), draw(2, 3, 3)
    square = draw(3, 3) + 2 * np.eye(3, dtype=dtype) if dtype != "bool" else draw(3, 3)
    definite = (square @ square.conj().T) if dtype != "bool" else square
    ordered = np.sort(v)
    return {
        "x": x,
        "w": w,
        "v": v,
        "cube": cube,
        "square": square,
        "definite": definite,
        "ordered": ordered,
        "column": draw(2, 1),
        "long": draw(8),
    }


class Call:
    """One call: a function of the namespace and of arrays, the dtypes it is tried with, and whether it has a gradient."""

    def __init__(self, run: Any, dtypes: tuple[str, ...] = (), *, grad: bool = False, reference: Any = None) -> None:
        self.run = run
        self.reference = reference or run
        self.dtypes = dtypes
        self.grad = grad
        parameters = inspect.signature(run).parameters.values()
        self.names = [parameter.name for parameter in parameters if parameter.default is parameter.empty][1:]


def D(run: Any, dtypes: tuple[str, ...] = FC, reference: Any = None) -> Call:
    """A differentiable call."""
    return Call(run, dtypes, grad=True, reference=reference)


def N(run: Any, dtypes: tuple[str, ...] = (), reference: Any = None) -> Call:
    """A call without a gradient."""
    return Call(run, dtypes, reference=reference)


def descending(x: Any, axis: int) -> Any:
    return np.flip(np.sort(x, axis=axis), axis)


def through(name: str, dtypes: tuple[str, ...], grad: bool = True, binary: bool = False) -> tuple[str, list[Call]]:
    """The calls of an elementwise function: of one or two arrays that broadcast, and of an array and a Python number."""
    if not binary:
        return name, [Call(lambda xp, x: getattr(xp, name)(x), dtypes, grad=grad)]
    return name, [
        Call(lambda xp, x, w: getattr(xp, name)(x, w), dtypes, grad=grad),
        Call(lambda xp, x, column: getattr(xp, name)(x, column), dtypes, grad=grad),
        Call(lambda xp, cube, v: getattr(xp, name)(cube, v), dtypes, grad=grad),
        *([] if "bool" in dtypes and name.startswith("bitwise") else [_with_number(name, dtypes, grad)]),
    ]


def _with_number(name: str, dtypes: tuple[str, ...], grad: bool) -> Call:
    number: Any = 2 if set(dtypes) - set(REAL + COMPLEX + BOOL) else 0.5
    number = True if name.startswith("logical") else number
    return Call(
        lambda xp, x: getattr(xp, name)(x, number), tuple(d for d in dtypes if d != "bool" or number is True), grad=grad
    )


TABLE: dict[str, list[Call]] = dict(
    [
        *(
            through(name, FC)
            for name in [
                "acos",
                "asin",
                "asinh",
                "atan",
                "atanh",
                "cos",
                "cosh",
                "exp",
                "expm1",
                "log",
                "log1p",
                "log2",
                "log10",
                "sin",
                "sinh",
            ]
        ),
        *(through(name, FC) for name in ["sqrt", "tan", "tanh"]),
        *(through(name, FCI) for name in ["abs", "negative", "positive", "square"]),
        *(through(name, F) for name in ("imag",)),
        *(through(name, FI, grad=False) for name in ["ceil", "floor", "trunc"]),
        *(through(name, F, grad=False) for name in ("signbit",)),
        *(through(name, FCI, grad=False) for name in ["isfinite", "isinf", "isnan", "sign"]),
        *(through(name, FC) for name in ("reciprocal",)),
        *(through(name, FCI, binary=True) for name in ["add", "subtract", "multiply"]),
        *(through(name, FC, binary=True) for name in ("divide", "pow")),
        *(through(name, F, binary=True) for name in ["atan2", "copysign", "hypot", "logaddexp"]),
        *(through(name, FI, binary=True) for name in ["maximum", "minimum"]),
        *(through(name, F, grad=False, binary=True) for name in ("nextafter", "floor_divide")),
        *(through(name, F, binary=True) for name in ("remainder",)),
        *(through(name, FCIB, grad=False, binary=True) for name in ["equal", "not_equal"]),
        *(through(name, FI, grad=False, binary=True) for name in ["greater", "greater_equal", "less", "less_equal"]),
        *(through(name, B, grad=False, binary=True) for name in ["logical_and", "logical_or", "logical_xor"]),
        *(through(name, IB, grad=False, binary=True) for name in ["bitwise_and", "bitwise_or", "bitwise_xor"]),
        *(through(name, I, grad=False, binary=True) for name in ["bitwise_left_shift", "bitwise_right_shift"]),
        through("bitwise_invert", IB, grad=False),
        through("logical_not", B, grad=False),
    ]
)
TABLE["imag"] = [D(lambda xp, x: xp.imag(x), COMPLEX)]
TABLE["floor_divide"].append(N(lambda xp, x: xp.floor_divide(x, 2), I))
TABLE["remainder"].append(N(lambda xp, x: xp.remainder(x, 2), I))
TABLE["pow"].append(N(lambda xp, x: xp.pow(x, 2), I))
TABLE.update(
    {
        # creation
        "arange": [
            N(lambda xp: xp.arange(3)),
            N(lambda xp: xp.arange(1, 7, 2, dtype=xp.float32, device="cpu")),
            N(lambda xp: xp.arange(3.0, step=0.5)),
        ],
        "asarray": [
            N(lambda xp: xp.asarray(1.0, dtype=xp.float32, device="cpu", copy=None)),
            N(lambda xp: xp.asarray(1.0)),
            N(lambda xp: xp.asarray(2)),
            N(lambda xp: xp.asarray(True)),
            N(lambda xp: xp.asarray(1j)),
            N(lambda xp: xp.asarray([[1, 2], [3, 4]], copy=True)),
            D(lambda xp, x: xp.asarray(x, copy=True), FC),
            D(lambda xp, x: xp.asarray(x, copy=False), FC),
            D(lambda xp, x: xp.asarray(x, dtype=xp.complex128), F),
        ],
        "empty": [N(lambda xp: xp.empty((2, 0), dtype=xp.float32, device="cpu"))],
        "empty_like": [N(lambda xp, x: xp.empty_like(x[:0], dtype=xp.float32, device="cpu"), FCIB)],
        "eye": [N(lambda xp: xp.eye(3)), N(lambda xp: xp.eye(2, 3, k=-1, dtype=xp.int32, device="cpu"))],
        "from_dlpack": [
            N(lambda xp, x: xp.from_dlpack(x), FCIB),
            N(lambda xp, x: xp.from_dlpack(x, device="cpu", copy=True), FCIB),
        ],
        "full": [
            N(lambda xp: xp.full((2, 3), 1.5)),
            N(lambda xp: xp.full(2, 3)),
            N(lambda xp: xp.full((2,), fill_value=True)),
            N(lambda xp: xp.full((), 1, dtype=xp.float32, device="cpu")),
        ],
        "full_like": [
            N(lambda xp, x: xp.full_like(x, 1), FCIB),
            N(lambda xp, x: xp.full_like(x, fill_value=1, dtype=xp.int8, device="cpu"), FCIB),
        ],
        "linspace": [
            N(lambda xp: xp.linspace(0.0, 1.0, num=4)),
            N(lambda xp: xp.linspace(0, 1, 4, dtype=xp.float32, device="cpu", endpoint=False)),
        ],
        "meshgrid": [
            D(lambda xp, x, v: xp.meshgrid(x[0], v), FCI),
            D(lambda xp, x, v: xp.meshgrid(x[0], v, indexing="ij"), FCIB),
        ],
        "ones": [N(lambda xp: xp.ones((2, 3))), N(lambda xp: xp.ones(2, dtype=xp.int16, device="cpu"))],
        "ones_like": [N(lambda xp, x: xp.ones_like(x), FCIB), N(lambda xp, x: xp.ones_like(x, dtype=xp.bool, device="cpu"), F)],
        "tril": [D(lambda xp, cube: xp.tril(cube), FCI), D(lambda xp, cube: xp.tril(cube, k=-1), FCIB)],
        "triu": [D(lambda xp, cube: xp.triu(cube), FCI), D(lambda xp, cube: xp.triu(cube, k=1), FCIB)],
        "zeros": [N(lambda xp: xp.zeros((2, 3))), N(lambda xp: xp.zeros(2, dtype=xp.complex64, device="cpu"))],
        "zeros_like": [N(lambda xp, x: xp.zeros_like(x), FCIB), N(lambda xp, x: xp.zeros_like(x, dtype=xp.int8), F)],
        # dtypes
        "astype": [
            D(lambda xp, x: xp.astype(x, xp.complex128), FCI),
            N(lambda xp, x: xp.astype(x, xp.int64, copy=False, device="cpu"), FIB),
        ],
        "can_cast": [
            N(lambda xp, x: xp.asarray(xp.can_cast(x, xp.float32)), FCIB, lambda xp, x: np.can_cast(x.dtype, np.float32)),
            N(lambda xp: xp.asarray([xp.can_cast(xp.int8, xp.int16), xp.can_cast(xp.float64, xp.float32)])),
        ],
        "finfo": [
            N(lambda xp: xp.asarray([xp.finfo(xp.float32).eps, xp.finfo(xp.float64).smallest_normal])),
            N(lambda xp, x: xp.asarray([xp.finfo(x).bits, xp.finfo(x).max]), FC, lambda xp, x: finfo_of(x)),
        ],
        "iinfo": [
            N(lambda xp: xp.asarray([xp.iinfo(xp.int8).max, xp.iinfo(xp.int16).min])),
            N(lambda xp, x: xp.asarray(xp.iinfo(x).bits), I, lambda xp, x: np.asarray(np.iinfo(x.dtype).bits)),
        ],
        "isdtype": [
            N(lambda xp, x: xp.asarray(xp.isdtype(x.dtype, "real floating")), FCIB),
            N(lambda xp, x: xp.asarray(xp.isdtype(x.dtype, ("integral", xp.bool))), FCIB),
        ],
        "result_type": [
            N(lambda xp, x: xp.zeros(1, dtype=xp.result_type(x, xp.float32, 1.0)), FCIB),
            N(lambda xp, x: xp.zeros(1, dtype=xp.result_type(xp.asarray(1.0), x)), FCIB),
        ],
        # elementwise, where not covered above
        "acosh": [D(lambda xp, x: xp.acosh(1 + x))],
        "clip": [
            D(lambda xp, x: xp.clip(x), FI),
            D(lambda xp, x: xp.clip(x, 0.34, 0.7), F),
            D(lambda xp, x: xp.clip(x, min=0.34), F),
            D(lambda xp, x: xp.clip(x, max=0.7), F),
            D(lambda xp, x, column: xp.clip(x, min=column), F),
            N(lambda xp, x: xp.clip(x, 3, 6), I),
        ],
        "conj": [D(lambda xp, x: xp.conj(x), COMPLEX)],
        "real": [D(lambda xp, x: xp.real(x), COMPLEX)],
        "round": [N(lambda xp, x: xp.round(x * 3), FCI)],
        # indexing
        "take": [
            D(lambda xp, x: xp.take(x, xp.asarray([2, 0]), axis=1), FCIB),
            D(lambda xp, v: xp.take(v, xp.asarray([2, 0])), FCI),
        ],
        "take_along_axis": [
            D(lambda xp, x: xp.take_along_axis(x, xp.asarray(INDEX), axis=1), FCIB),
            D(lambda xp, x: xp.take_along_axis(x, xp.asarray(INDEX)), FCIB),
        ],
        # linear algebra
        "matmul": [
            D(lambda xp, x, square: xp.matmul(x, square), FCI),
            D(lambda xp, cube, v: xp.matmul(cube, v), FCI),
        ],
        "matrix_transpose": [D(lambda xp, cube: xp.matrix_transpose(cube), FCIB)],
        "tensordot": [
            D(lambda xp, cube, x: xp.tensordot(x, cube), FCI),
            D(lambda xp, cube, x: xp.tensordot(x, cube, axes=((1,), (2,))), FCI),
            D(lambda xp, x, v: xp.tensordot(x, v, axes=0), FCI),
        ],
        "vecdot": [D(lambda xp, x, v: xp.vecdot(x, v), FCI), D(lambda xp, x, w: xp.vecdot(x, w, axis=-2), FCI)],
        # manipulation
        "broadcast_arrays": [D(lambda xp, x, column: xp.broadcast_arrays(x, column), FCIB)],
        "broadcast_to": [D(lambda xp, column: xp.broadcast_to(column, (3, 2, 4)), FCIB)],
        "concat": [
            D(lambda xp, x, column: xp.concat((x, column), axis=1), FCIB),
            D(lambda xp, x, w: xp.concat([x, w]), FCIB),
            D(lambda xp, x, v: xp.concat([x, v], axis=None), FCIB, lambda xp, x, v: np.concat([x, v], axis=None)),
        ],
        "expand_dims": [
            D(lambda xp, x: xp.expand_dims(x, axis=1), FCIB),
            D(lambda xp, x: xp.expand_dims(x), FCIB, lambda xp, x: x[None]),
        ],
        "flip": [D(lambda xp, x: xp.flip(x), FCIB), D(lambda xp, x: xp.flip(x, axis=(0, 1)), FCIB)],
        "moveaxis": [D(lambda xp, cube: xp.moveaxis(cube, 0, -1), FCIB), D(lambda xp, cube: xp.moveaxis(cube, (0, 1), (1, 2)))],
        "permute_dims": [
            D(lambda xp, cube: xp.permute_dims(cube, (2, 0, 1)), FCIB),
            D(lambda xp, x: xp.permute_dims(x, axes=(1, 0))),
        ],
        "repeat": [
            D(lambda xp, x: xp.repeat(x, 2), FCIB),
            D(lambda xp, x: xp.repeat(x, 2, axis=1), FCIB),
            D(lambda xp, x: xp.repeat(x, xp.asarray([0, 2, 1]), axis=1), FCIB),
        ],
        "reshape": [
            D(lambda xp, x: xp.reshape(x, (3, -1)), FCIB),
            D(lambda xp, x: xp.reshape(x, shape=(6,), copy=None), FCIB),
            D(lambda xp, x: xp.reshape(x, (6,), copy=True), FCIB),
        ],
        "roll": [D(lambda xp, x: xp.roll(x, 1), FCIB), D(lambda xp, x: xp.roll(x, shift=(1, -1), axis=(0, 1)), FCIB)],
        "squeeze": [
            D(lambda xp, column: xp.squeeze(column, 1), FCIB),
            D(lambda xp, column: xp.squeeze(column, axis=(1,)), FCIB),
        ],
        "stack": [D(lambda xp, x, w: xp.stack([x, w]), FCIB), D(lambda xp, x, w: xp.stack((x, w), axis=-1), FCIB)],
        "tile": [D(lambda xp, x: xp.tile(x, (2, 1, 2)), FCIB)],
        "unstack": [D(lambda xp, x: xp.unstack(x), FCIB), D(lambda xp, x: xp.unstack(x, axis=1), FCIB)],
        # searching
        "argmax": [N(lambda xp, x: xp.argmax(x), FI), N(lambda xp, x: xp.argmax(x, axis=1, keepdims=True), FI)],
        "argmin": [N(lambda xp, x: xp.argmin(x), FI), N(lambda xp, x: xp.argmin(x, axis=0, keepdims=True), FI)],
        "count_nonzero": [
            N(lambda xp, x: xp.count_nonzero(x), FCIB),
            N(lambda xp, x: xp.count_nonzero(x, axis=1, keepdims=True), FCIB),
            N(lambda xp, x: xp.count_nonzero(x, axis=(0, 1)), FCIB),
        ],
        "nonzero": [N(lambda xp, x: xp.nonzero(x), FCIB)],
        "searchsorted": [
            N(lambda xp, ordered, x: xp.searchsorted(ordered, x), FI),
            N(lambda xp, ordered, v: xp.searchsorted(ordered, v, side="right", sorter=xp.asarray([0, 1, 2])), FI),
        ],
        "where": [
            D(lambda xp, x, w: xp.where(x > w, x, w), FI),
            D(lambda xp, x: xp.where(x > 0.5, x, 0), FI),
            D(lambda xp, x: xp.where(x > 0.5, 1, x), FI),
        ],
        # sets
        "unique_all": [N(lambda xp, x: xp.unique_all(x + x)[1:], FIB), D(lambda xp, x: xp.unique_all(x)[0], FIB)],
        "unique_counts": [N(lambda xp, x: xp.unique_counts(x)[1:], FIB), D(lambda xp, x: xp.unique_counts(x)[0], FIB)],
        "unique_inverse": [N(lambda xp, x: xp.unique_inverse(x)[1:], FIB), D(lambda xp, x: xp.unique_inverse(x)[0], FIB)],
        "unique_values": [D(lambda xp, x: xp.unique_values(x), FIB, lambda xp, x: np.unique(x))],
        # sorting
        "argsort": [
            N(lambda xp, x: xp.argsort(x), F),
            N(lambda xp, x: xp.argsort(x, axis=0, stable=True), FI),
            N(lambda xp, x: xp.argsort(x, axis=1, descending=True, stable=False), F, lambda xp, x: np.argsort(-x, axis=1)),
            N(
                lambda xp, x: xp.argsort(x * 0, descending=True, stable=True),
                FI,
                lambda xp, x: np.argsort(x * 0, stable=True),
            ),
        ],
        "sort": [
            D(lambda xp, x: xp.sort(x), FI),
            D(lambda xp, x: xp.sort(x, axis=0, stable=True), FI),
            D(lambda xp, x: xp.sort(x, axis=1, descending=True, stable=False), FI, lambda xp, x: descending(x, 1)),
        ],
        # statistics
        "cumulative_prod": [
            D(lambda xp, v: xp.cumulative_prod(v), FCI),
            D(lambda xp, x: xp.cumulative_prod(x, axis=1, dtype=xp.complex128, include_initial=True), FCI),
        ],
        "cumulative_sum": [
            D(lambda xp, v: xp.cumulative_sum(v), FCI),
            D(lambda xp, x: xp.cumulative_sum(x, axis=1, dtype=xp.complex128, include_initial=True), FCI),
        ],
        "max": [D(lambda xp, x: xp.max(x), FI), D(lambda xp, x: xp.max(x, axis=(0, 1), keepdims=True), FI)],
        "min": [D(lambda xp, x: xp.min(x), FI), D(lambda xp, x: xp.min(x, axis=1, keepdims=True), FI)],
        "mean": [D(lambda xp, x: xp.mean(x)), D(lambda xp, x: xp.mean(x, axis=1, keepdims=True))],
        "prod": [
            D(lambda xp, x: xp.prod(x), FCI),
            D(lambda xp, x: xp.prod(x, axis=(0, 1), dtype=xp.complex128, keepdims=True), FCI),
        ],
        "sum": [
            D(lambda xp, x: xp.sum(x), FCI),
            D(lambda xp, x: xp.sum(x, axis=1, dtype=xp.complex128, keepdims=True), FCI),
            D(lambda xp, x: xp.sum(x, axis=()), FCI),
        ],
        "std": [D(lambda xp, x: xp.std(x), F), D(lambda xp, x: xp.std(x, axis=1, correction=1, keepdims=True), F)],
        "var": [D(lambda xp, x: xp.var(x), F), D(lambda xp, x: xp.var(x, axis=(0, 1), correction=1.0, keepdims=True), F)],
        # utility
        "all": [N(lambda xp, x: xp.all(x), FCIB), N(lambda xp, x: xp.all(x, axis=(0, 1), keepdims=True), FCIB)],
        "any": [N(lambda xp, x: xp.any(x), FCIB), N(lambda xp, x: xp.any(x, axis=1, keepdims=True), FCIB)],
        "diff": [
            D(lambda xp, x: xp.diff(x), FCI),
            D(lambda xp, x, w: xp.diff(x, axis=0, n=2, prepend=w, append=w), FCI),
        ],
    }
)
TABLE.update(
    {
        f"linalg.{name}": calls
        for name, calls in {
            "cholesky": [
                D(lambda xp, definite: xp.linalg.cholesky(symmetric(definite)), F),
                D(lambda xp, definite: xp.linalg.cholesky(symmetric(definite), upper=True), F),
            ],
            "cross": [
                D(lambda xp, x, w: xp.linalg.cross(x, w), FCI),
                D(lambda xp, square, cube: xp.linalg.cross(square, cube[0], axis=0), FCI),
            ],
            "det": [D(lambda xp, square: xp.linalg.det(square)), D(lambda xp, cube: xp.linalg.det(cube))],
            "diagonal": [
                D(lambda xp, cube: xp.linalg.diagonal(cube), FCIB),
                D(lambda xp, cube: xp.linalg.diagonal(cube, offset=1), FCIB),
            ],
            "eigh": [
                D(lambda xp, definite: xp.linalg.eigh(symmetric(definite))[0], F),
                D(lambda xp, definite: xp.linalg.eigh(symmetric(definite)).eigenvectors ** 2, F),
            ],
            "eigvalsh": [D(lambda xp, definite: xp.linalg.eigvalsh(symmetric(definite)), F)],
            "inv": [D(lambda xp, square: xp.linalg.inv(square))],
            "matmul": [D(lambda xp, x, square: xp.linalg.matmul(x, square), FCI)],
            "matrix_norm": [
                D(lambda xp, cube: xp.linalg.matrix_norm(cube)),
                *(
                    D(lambda xp, cube, ord=ord: xp.linalg.matrix_norm(cube, ord=ord, keepdims=True), F)
                    for ord in (1, -1, 2, -2, math.inf, -math.inf, "nuc", "fro")
                ),
            ],
            "matrix_power": [
                D(lambda xp, square: xp.linalg.matrix_power(square, 3)),
                D(lambda xp, square: xp.linalg.matrix_power(square, -2)),
            ],
            "matrix_rank": [
                N(lambda xp, cube: xp.linalg.matrix_rank(cube), FC),
                N(lambda xp, cube: xp.linalg.matrix_rank(cube, rtol=0.9), FC),
            ],
            "matrix_transpose": [D(lambda xp, cube: xp.linalg.matrix_transpose(cube), FCIB)],
            "outer": [D(lambda xp, v, long: xp.linalg.outer(v, long), FCI)],
            "pinv": [D(lambda xp, x: xp.linalg.pinv(x)), D(lambda xp, x: xp.linalg.pinv(x, rtol=1e-6))],
            "qr": [
                D(lambda xp, square: abs(xp.linalg.qr(square).R), F),
                D(lambda xp, square: abs(xp.linalg.qr(square, mode="reduced").Q), F),
                N(lambda xp, square: abs(xp.linalg.qr(square, mode="complete")[1]), F),
            ],
            "slogdet": [
                D(lambda xp, cube: xp.linalg.slogdet(cube).logabsdet, FC),
                N(lambda xp, cube: xp.linalg.slogdet(cube)[0], F),
            ],
            "solve": [
                D(lambda xp, square, v: xp.linalg.solve(square, v)),
                D(lambda xp, square, cube: xp.linalg.solve(square, cube)),
            ],
            "svd": [
                D(lambda xp, x: xp.linalg.svd(x, full_matrices=False).S),
                D(lambda xp, x: abs(xp.linalg.svd(x, full_matrices=False)[0]), F),
                N(lambda xp, x: xp.linalg.svd(x)[1], FC),
            ],
            "svdvals": [D(lambda xp, cube: xp.linalg.svdvals(cube))],
            "tensordot": [D(lambda xp, x, square: xp.linalg.tensordot(x, square, axes=1), FCI)],
            "trace": [
                D(lambda xp, cube: xp.linalg.trace(cube), FCI),
                D(lambda xp, cube: xp.linalg.trace(cube, offset=1, dtype=xp.complex128), FCI),
            ],
            "vecdot": [D(lambda xp, x, v: xp.linalg.vecdot(x, v, axis=-1), FCI)],
            "vector_norm": [
                D(lambda xp, x: xp.linalg.vector_norm(x)),
                D(lambda xp, x: xp.linalg.vector_norm(x, axis=1, keepdims=True, ord=3)),
                D(lambda xp, x: xp.linalg.vector_norm(x, axis=(0, 1), ord=1)),
                D(lambda xp, x: xp.linalg.vector_norm(x, axis=0, ord=math.inf)),
                D(lambda xp, x: xp.linalg.vector_norm(x, axis=0, ord=-math.inf)),
                N(lambda xp, x: xp.linalg.vector_norm(x, axis=0, ord=0), FC),
            ],
        }.items()
    }
)


def _transforms(name: str, dtypes: tuple[str, ...]) -> list[Call]:
    def call(xp: Any, x: Any, **options: Any) -> Any:
        return getattr(xp.fft, name)(x, **options)

    several = name.rstrip("2").endswith("n")
    lengths: dict[str, Any] = {"s": (4, 2), "axes": (0, 1)} if several else {"n": 4, "axis": 0}
    return [
        D(lambda xp, square: call(xp, square), dtypes),
        D(lambda xp, square: call(xp, square, **lengths, norm="ortho"), dtypes),
        D(lambda xp, square: call(xp, square, norm="forward"), dtypes),
    ]


TABLE.update({f"fft.{name}": _transforms(name, FC) for name in ["fft", "ifft", "fftn", "ifftn"]})
TABLE.update({f"fft.{name}": _transforms(name, F) for name in ["rfft", "rfftn", "ihfft"]})
TABLE.update({f"fft.{name}": _transforms(name, COMPLEX) for name in ["irfft", "irfftn", "hfft"]})
TABLE.update(
    {
        "fft.fftfreq": [N(lambda xp: xp.fft.fftfreq(5)), N(lambda xp: xp.fft.fftfreq(4, d=0.5, device="cpu"))],
        "fft.rfftfreq": [N(lambda xp: xp.fft.rfftfreq(5)), N(lambda xp: xp.fft.rfftfreq(4, d=0.5, device="cpu"))],
        "fft.fftshift": [D(lambda xp, x: xp.fft.fftshift(x)), D(lambda xp, x: xp.fft.fftshift(x, axes=(1,)))],
        "fft.ifftshift": [D(lambda xp, x: xp.fft.ifftshift(x)), D(lambda xp, x: xp.fft.ifftshift(x, axes=1))],
    }
)


def symmetric(x: Any) -> Any:
    return (x + x.mT) / 2


def finfo_of(x: Any) -> Any:
    limits = np.finfo(x.dtype)
    return np.asarray([limits.bits, limits.max])


def leaves(result: Any) -> list[Any]:
    return [leaf for part in result for leaf in leaves(part)] if isinstance(result, (tuple, list)) else [result]


def problems(check: Any, calls: list[tuple[Call, str]]) -> list[str]:
    """What a check says of the calls that do not pass it."""
    found = []
    for call, dtype in calls:
        try:
            check(call, dtype)
        except Exception as error:  # noqa: BLE001 - all of them are wanted, not only the first
            found.append(f"{inspect.getsource(call.run).strip()} on {dtype}: {type(error).__name__}: {error}")
    return found


def same(call: Call, dtype: str) -> None:
    given = {name: arrays(dtype)[name] for name in call.names}
    expected = leaves(call.reference(np, **given))
    results = leaves(call.run(ag, **{name: ag.asarray(value) for name, value in given.items()}))
    assert len(results) == len(expected)
    for result, want in zip(results, expected, strict=True):
        assert isinstance(result, Tensor), f"{type(result).__name__} is no Tensor"
        assert (result.shape, result.dtype) == (np.shape(want), np.asarray(want).dtype)
        single = result.dtype in (np.float32, np.complex64)
        np.testing.assert_allclose(result.numpy(), want, rtol=2e-5 if single else 1e-12, atol=1e-5 if single else 1e-12)


def number(result: Any) -> Any:
    """A real number made of all values of a result, each with another weight."""
    total = 0.0
    for i, part in enumerate(leaves(result)):
        weights = np.random.default_rng(7 + i).normal(size=np.shape(part))
        total = total + np.sum(np.real(part) * weights) + 0.3 * np.sum(np.imag(part) * weights)
    return total


def differentiated(call: Call, dtype: str) -> None:
    check_grads(lambda *values: number(call.run(ag, *values)), *(arrays(dtype)[name] for name in call.names), order=1)


@pytest.mark.parametrize("name", TABLE)
def test_a_function_of_the_standard_gives_what_numpy_gives(name: str) -> None:
    calls = [(call, dtype) for call in TABLE[name] for dtype in call.dtypes or ("float64",)]
    assert not problems(same, calls)


@pytest.mark.parametrize("name", [name for name, calls in TABLE.items() if any(call.grad for call in calls)])
def test_a_gradient_comes_back(name: str) -> None:
    wide = ("float64", "complex128")
    calls = [(call, dtype) for call in TABLE[name] if call.grad for dtype in wide if dtype in call.dtypes]
    assert calls
    assert not problems(differentiated, calls)


def counts() -> dict[str, int]:
    """How many functions the standard has, how many of them are here, and through how many a gradient comes back."""
    return {
        "named by the standard": len(ALL_FUNCTIONS),
        "present": sum(callable(operator.attrgetter(name)(ag)) for name in ALL_FUNCTIONS),
        "differentiable": sum(any(call.grad for call in calls) for calls in TABLE.values()),
    }


def test_the_table_covers_the_standard() -> None:
    assert set(ALL_FUNCTIONS) == set(TABLE)
    found = counts()
    assert found["named by the standard"] == found["present"] == 170
    assert found["differentiable"] >= 115
    assert {*CONSTANTS.split(), *DTYPES.split(), *FUNCTIONS.split(), "linalg", "fft"} <= set(ag.__all__)


# --- what is not a function ------------------------------------------------------------------------------------------------


def test_the_namespace_is_the_package() -> None:
    t = Tensor([1.0, 2.0])
    assert t.__array_namespace__() is ag
    assert t.__array_namespace__(api_version="2024.12") is ag
    assert ag.__array_api_version__ == "2024.12"
    with pytest.raises(ValueError, match=r"2024\.12"):
        t.__array_namespace__(api_version="1999.01")


@pytest.mark.parametrize("name", CONSTANTS.split())
def test_constants(name: str) -> None:
    np.testing.assert_equal(getattr(ag, name), getattr(np, name))


@pytest.mark.parametrize("name", DTYPES.split())
def test_dtypes(name: str) -> None:
    dtype = getattr(ag, name)
    assert np.dtype(dtype) == np.dtype(name)
    assert ag.zeros(2, dtype=dtype).dtype == dtype


def test_inspection() -> None:
    info, want = ag.__array_namespace_info__(), np.__array_namespace_info__()
    assert info.capabilities() == {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}
    assert info.devices() == ["cpu"]
    assert info.default_device() == "cpu"
    assert info.default_dtypes() == info.default_dtypes(device="cpu") == want.default_dtypes()
    kinds = ["bool", "signed integer", "unsigned integer", "integral", "real floating", "complex floating", "numeric", None]
    for kind in [*kinds, ("bool", "real floating")]:
        assert info.dtypes(kind=kind) == want.dtypes(kind=kind)
    assert set(info.dtypes(device="cpu")) == set(DTYPES.split())
    with pytest.raises(ValueError, match="device"):
        info.dtypes(device="gpu")


@pytest.mark.parametrize("name", METHODS)
def test_methods_and_attributes(name: str) -> None:
    assert hasattr(Tensor([[1.0]]), name)


OPERATORS = {
    **dict.fromkeys(["add", "sub", "mul", "matmul"], FCI),
    **dict.fromkeys(["truediv", "pow"], FC),
    **dict.fromkeys(["floordiv", "mod"], FI),
    **dict.fromkeys(["and_", "or_", "xor"], IB),
    **dict.fromkeys(["lshift", "rshift"], I),
    **dict.fromkeys(["eq", "ne"], FCIB),
    **dict.fromkeys(["lt", "le", "gt", "ge"], FI),
}


@pytest.mark.parametrize(
    ("name", "dtype"), [pytest.param(n, d, id=f"{n}-{d}") for n, dtypes in OPERATORS.items() for d in dtypes]
)
def test_operators(name: str, dtype: str) -> None:
    square = arrays(dtype)["square"]
    first, second = square, (square.T % 5 + 1).astype(dtype) if np.dtype(dtype).kind in "iu" else square.T
    apply = getattr(operator, name)
    want = apply(first, second)
    for result in (
        apply(ag.asarray(first), ag.asarray(second)),
        apply(first, ag.asarray(second)),
        apply(ag.asarray(first), second),
    ):
        assert isinstance(result, Tensor)
        assert result.dtype == want.dtype
        np.testing.assert_allclose(result.numpy(), want, rtol=1e-5)
    if name not in ("eq", "ne", "lt", "le", "gt", "ge"):
        t = ag.asarray(first)
        same_object = t
        t = getattr(operator, "i" + name.rstrip("_"))(t, ag.asarray(second))
        assert t is same_object
        assert t.dtype == want.dtype
        np.testing.assert_allclose(t.numpy(), want, rtol=1e-5)


def test_scalars() -> None:
    assert [10, 20, 30][ag.asarray(1)] == 20
    assert complex(ag.asarray(1 + 2j)) == 1 + 2j
    assert float(ag.asarray(1.5)) == 1.5
    assert int(ag.asarray(3)) == 3
    assert bool(ag.asarray(True)) is True
    assert ag.asarray(np.eye(2)[None]).mT.shape == (1, 2, 2)


def test_a_python_number_becomes_an_array_of_its_own_dtype() -> None:
    single = ag.ones(2, dtype="float32")
    assert (single + ag.asarray(1.0)).dtype == np.float64 == (np.ones(2, "float32") + np.asarray(1.0)).dtype
    assert (single + ag.asarray(1.0, dtype="float32")).dtype == np.float32
    assert (single + 1.0).dtype == np.float32
    assert (single + Tensor(1.0)).dtype == np.float32  # the weak scalar


def test_devices() -> None:
    t = Tensor([1.0])
    assert (t.device, Tensor(1.0).device, t.sum().device) == ("cpu", "cpu", "cpu")
    assert t.to_device("cpu") is t
    for call in (
        lambda: t.to_device("gpu"),
        lambda: ag.asarray(1.0, device="gpu"),
        lambda: ag.asarray(t, device="gpu"),
        lambda: ag.asarray(np.ones(2), device="gpu"),
        lambda: ag.zeros(2, device="gpu"),
        lambda: ag.full(2, t[0], device="gpu"),
        lambda: ag.zeros_like(t, device="gpu"),
        lambda: ag.astype(t, "float32", device="gpu"),
        lambda: ag.from_dlpack(np.ones(2), device="gpu"),
    ):
        with pytest.raises(ValueError, match=r"[Dd]evice"):
            call()


def test_copies_that_are_refused() -> None:
    t = Tensor([1.0])
    assert ag.asarray(t, copy=False) is t
    for call in (
        lambda: ag.asarray(np.ones(2), copy=False),
        lambda: ag.asarray(t, dtype="float32", copy=False),
        lambda: ag.from_dlpack(np.ones(2), copy=False),
    ):
        with pytest.raises(ValueError, match="copy"):
            call()


@pytest.mark.parametrize("dtype", ["float32", "int64", "complex128", "bool"])
def test_dlpack_gives_a_copy(dtype: str) -> None:
    array = np.array([[0, 1], [1, 0]], dtype)
    t = ag.asarray(array)
    out = np.from_dlpack(t)
    np.testing.assert_array_equal(out, array, strict=True)
    if out.flags.writeable:
        out[:] = 1
        np.testing.assert_array_equal(t.numpy(), array)
    back = ag.from_dlpack(array)
    array[:] = 0
    np.testing.assert_array_equal(back.numpy(), t.numpy(), strict=True)
    assert not back.requires_grad
    assert t.__dlpack_device__() == array.__dlpack_device__()
    np.testing.assert_array_equal(np.from_dlpack(ag.asarray(2.0)), 2.0)
    np.testing.assert_array_equal(np.from_dlpack(Tensor(2.0, requires_grad=False)), 2.0)


def test_dlpack_hands_out_no_memory_of_a_graph() -> None:
    t = Tensor([1.0, 2.0])
    with pytest.raises(ag.NoRuleError, match="detach"):
        np.from_dlpack(t)
    with pytest.raises(BufferError, match="copies"):
        t.detach().__dlpack__(copy=False)
    with pytest.raises(ValueError, match="copies"):
        np.asarray(t.detach(), copy=False)
    with ag.no_grad():
        np.testing.assert_array_equal(np.from_dlpack(t), [1.0, 2.0])


def test_full_and_linspace_of_tensors() -> None:
    v = Tensor([1.0, 2.0, 3.0])
    y, pull = vjp(lambda v: ag.full((2, 3), v), v)
    np.testing.assert_array_equal(y.numpy(), np.full((2, 3), v.detach().numpy()))
    np.testing.assert_array_equal(pull(np.ones((2, 3)))[0].numpy(), [2.0, 2.0, 2.0])
    y, pull = vjp(lambda v: ag.full_like(np.zeros((2, 2), "float32"), v[0]), v)
    assert y.dtype == np.float32
    assert pull(np.ones((2, 2), "float32"))[0].tolist() == [4.0, 0.0, 0.0]
    for options in ({}, {"endpoint": False}, {"axis": -1}, {"num": 1}, {"num": 0}, {"dtype": "float32"}):
        options = {"num": 5, **options}
        w = np.array([2.0, -1.0, 0.5])
        y, pull = vjp(lambda v, w, o=options: np.linspace(v, w, **o), v, ag.asarray(w))
        want = np.linspace(v.detach().numpy(), w, **options)
        assert y.dtype == want.dtype
        np.testing.assert_allclose(y.numpy(), want, rtol=1e-6 if "dtype" in options else 1e-15)
        left, right = pull(np.ones(y.shape, y.dtype))
        np.testing.assert_allclose((left + right).numpy(), np.full(3, options["num"]), rtol=1e-6)
    with pytest.raises(TypeError, match="retstep"):
        np.linspace(v, w, retstep=True)


# --- libraries that are written for the standard ---------------------------------------------------------------------------

POINTS = np.array([0.3, 1.2, -0.7, 2.1, 0.15])
OTHERS = np.array([1.3, 0.2, 0.7, -1.1, 0.5])
POSITIVE = np.array([0.4, 1.3, 0.8, 2.2, 0.25])
TABLES = np.random.default_rng(0).normal(size=(12, 3))
TARGET = TABLES @ [1.0, 2.0, -1.0] + 0.3 * np.random.default_rng(1).normal(size=12)
LABELS = (np.arange(12) % 3 > 0).astype(int)
ROWS = np.abs(TABLES) + 0.1
SIGNAL = np.random.default_rng(1).normal(size=25)


def like(x: Any, value: Any) -> Any:
    """A constant beside x: an array where x is one, else a Tensor."""
    return value if isinstance(x, np.ndarray) else ag.asarray(value)


# Functions of SciPy and scikit-learn that have a gradient in each of their arrays. `scipy` and `sklearn` are the libraries.
CONSUMERS: dict[str, tuple[Any, ...]] = {
    "special.logsumexp": (lambda lib, x: lib.special.logsumexp(x), POINTS),
    "special.softmax": (lambda lib, x: lib.special.softmax(x), POINTS),
    "special.log_softmax": (lambda lib, x: lib.special.log_softmax(x), POINTS),
    "special.xlogy": (lambda lib, x, w: lib.special.xlogy(x, w), POSITIVE, POSITIVE[::-1]),
    "special.rel_entr": (lambda lib, x, w: lib.special.rel_entr(x, w), POSITIVE, POSITIVE[::-1]),
    "special.erf": (lambda lib, x: lib.special.erf(x), POINTS),
    "special.gammaln": (lambda lib, x: lib.special.gammaln(x), POSITIVE),
    "special.betainc": (lambda lib, x: lib.special.betainc(1.5, 2.5, x), POSITIVE / 3),
    "stats.zscore": (lambda lib, x: lib.stats.zscore(x), POINTS),
    "stats.zmap": (lambda lib, x, w: lib.stats.zmap(x, w), POINTS, OTHERS),
    "stats.gzscore": (lambda lib, x: lib.stats.gzscore(x), POSITIVE),
    "stats.moment": (lambda lib, x: lib.stats.moment(x, 3), POINTS),
    "stats.skew": (lambda lib, x: lib.stats.skew(x), POINTS),
    "stats.skew, unbiased": (lambda lib, x: lib.stats.skew(x, axis=0, bias=False), TABLES),
    "stats.kurtosis": (lambda lib, x: lib.stats.kurtosis(x), POINTS),
    "stats.variation": (lambda lib, x: lib.stats.variation(x), POSITIVE),
    "stats.pearsonr": (lambda lib, x, w: lib.stats.pearsonr(x, w).statistic, POINTS, OTHERS),
    "stats.gmean": (lambda lib, x: lib.stats.gmean(x), POSITIVE),
    "stats.hmean": (lambda lib, x: lib.stats.hmean(x), POSITIVE),
    "stats.pmean": (lambda lib, x: lib.stats.pmean(x, 3), POSITIVE),
    "stats.gstd": (lambda lib, x: lib.stats.gstd(x), POSITIVE),
    "stats.tmean": (lambda lib, x: lib.stats.tmean(x), POINTS),
    "stats.tvar": (lambda lib, x: lib.stats.tvar(x), POINTS),
    "stats.sem": (lambda lib, x: lib.stats.sem(x), POINTS),
    "stats.describe": (lambda lib, x: lib.stats.describe(x).variance, POINTS),
    "stats.iqr": (lambda lib, x: lib.stats.iqr(x), POINTS),
    "stats.quantile": (lambda lib, x: lib.stats.quantile(x, 0.3), POINTS),
    "stats.entropy": (lambda lib, x, w: lib.stats.entropy(x, w), POSITIVE, POSITIVE[::-1]),
    "stats.differential_entropy": (lambda lib, x: lib.stats.differential_entropy(x), POINTS),
    "stats.ttest_ind": (lambda lib, x, w: lib.stats.ttest_ind(x, w).statistic, POINTS, OTHERS),
    "stats.ttest_1samp, p": (lambda lib, x: lib.stats.ttest_1samp(x, 0.1).pvalue, POINTS),
    "stats.bartlett": (lambda lib, x, w: lib.stats.bartlett(x, w).statistic, POINTS, OTHERS),
    "stats.chisquare": (lambda lib, x: lib.stats.chisquare(x / x.sum(), like(x, np.full(5, 0.2))).statistic, POSITIVE),
    "stats.jarque_bera": (lambda lib, x: lib.stats.jarque_bera(x).statistic, POINTS),
    "stats.normaltest": (lambda lib, x: lib.stats.normaltest(x).statistic, SIGNAL),
    "stats.skewtest": (lambda lib, x: lib.stats.skewtest(x).statistic, SIGNAL),
    "stats.combine_pvalues": (lambda lib, x: lib.stats.combine_pvalues(x).statistic, POSITIVE / 3),
    "stats.kstat": (lambda lib, x: lib.stats.kstat(x, 3), POINTS),
    "stats.circmean": (lambda lib, x: lib.stats.circmean(x), POINTS),
    "stats.circvar": (lambda lib, x: lib.stats.circvar(x), POINTS),
    "stats.directional_stats": (lambda lib, x: lib.stats.directional_stats(x).mean_direction, TABLES),
    "stats.lmoment": (lambda lib, x: lib.stats.lmoment(x), POINTS),
    "stats.boxcox_llf": (lambda lib, x: lib.stats.boxcox_llf(0.5, x), POSITIVE),
    "cluster.vq.whiten": (lambda lib, x: lib.cluster.vq.whiten(x), TABLES),
    "integrate.trapezoid": (lambda lib, x: lib.integrate.trapezoid(x), POINTS),
    "integrate.cumulative_trapezoid": (lambda lib, x: lib.integrate.cumulative_trapezoid(x), POINTS),
    "integrate.cumulative_simpson": (lambda lib, x: lib.integrate.cumulative_simpson(x, dx=0.1), POINTS),
    "integrate.romb": (lambda lib, x: lib.integrate.romb(x), POINTS),
    "optimize.rosen": (lambda lib, x: lib.optimize.rosen(x), POINTS),
    "optimize.rosen_der": (lambda lib, x: lib.optimize.rosen_der(x), POINTS),
    "optimize.rosen_hess": (lambda lib, x: lib.optimize.rosen_hess(x), POINTS),
    "signal.fftconvolve": (lambda lib, x, w: lib.signal.fftconvolve(x, w), POINTS, OTHERS),
    "signal.oaconvolve": (lambda lib, x, w: lib.signal.oaconvolve(x, w), POINTS, OTHERS),
    "signal.hilbert": (lambda lib, x: lib.signal.hilbert(x), POINTS),
    "signal.resample": (lambda lib, x: lib.signal.resample(x, 7), POINTS),
    "signal.freqz": (lambda lib, x: lib.signal.freqz(x)[1], POINTS),
    "fft.fft": (lambda lib, x: lib.fft.fft(x), POINTS),
    "spatial.Rotation": (lambda lib, x: lib.spatial.transform.Rotation.from_quat(x).as_matrix(), POSITIVE[:4]),
    "root_mean_squared_error": (
        lambda lib, x, w: lib.metrics.root_mean_squared_error(x, w, multioutput="raw_values"),
        TABLES,
        ROWS,
    ),
    "r2_score": (lambda lib, x, w: lib.metrics.r2_score(x, w, multioutput="raw_values"), TABLES, ROWS),
    "mean_squared_log_error": (
        lambda lib, x, w: lib.metrics.mean_squared_log_error(x, w, multioutput="raw_values"),
        ROWS,
        2 * ROWS + 0.1,
    ),
    "euclidean_distances": (lambda lib, x, w: lib.pairwise.euclidean_distances(x, w), TABLES, ROWS),
    "cosine_similarity": (lambda lib, x, w: lib.pairwise.cosine_similarity(x, w), TABLES, ROWS),
    "laplacian_kernel": (lambda lib, x, w: lib.pairwise.laplacian_kernel(x, w), TABLES[:3], ROWS[3:6]),
    "rbf_kernel": (lambda lib, x, w: lib.pairwise.rbf_kernel(x, w), TABLES, ROWS),
    "chi2_kernel": (lambda lib, x, w: lib.pairwise.chi2_kernel(x, w), ROWS, 2 * ROWS + 0.1),
    "StandardScaler": (lambda lib, x: lib.preprocessing.StandardScaler().fit_transform(x), TABLES),
    "MinMaxScaler": (lambda lib, x: lib.preprocessing.MinMaxScaler().fit_transform(x), TABLES),
    "Normalizer": (lambda lib, x: lib.preprocessing.Normalizer().fit_transform(x), TABLES),
    "PolynomialFeatures": (lambda lib, x: lib.preprocessing.PolynomialFeatures().fit_transform(x), TABLES),
    "PCA": (lambda lib, x: abs(lib.decomposition.PCA(2, svd_solver="full").fit_transform(x)), TABLES),
    "Ridge": (lambda lib, x, w: lib.linear_model.Ridge(solver="svd").fit(x, w).coef_, TABLES, TARGET),
    "RidgeCV": (lambda lib, x, w: lib.linear_model.RidgeCV().fit(x, w).coef_, TABLES, TARGET),
    "RidgeClassifier": (
        lambda lib, x: lib.linear_model.RidgeClassifier(solver="svd").fit(x, like(x, LABELS)).decision_function(x),
        TABLES,
    ),
    "Ridge.predict": (lambda lib, x, w: lib.linear_model.Ridge(solver="svd").fit(x, w).predict(x), TABLES, TARGET),
    "LinearDiscriminantAnalysis": (
        lambda lib, x: lib.discriminant_analysis.LinearDiscriminantAnalysis().fit(x, like(x, LABELS)).decision_function(x),
        TABLES,
    ),
    "GaussianNB": (lambda lib, x: lib.naive_bayes.GaussianNB().fit(x, like(x, LABELS)).predict_proba(x), TABLES),
}

# What they do with Tensors that want a gradient and cannot keep it: an error each, never a wrong gradient.
REFUSED: dict[str, tuple[Any, ...]] = {
    "NumPy only: simpson": (lambda lib, x: lib.integrate.simpson(x), POINTS),
    "NumPy only: expectile": (lambda lib, x: lib.stats.expectile(x, 0.3), POINTS),
    "NumPy only: linregress": (lambda lib, x, w: lib.stats.linregress(x, w).slope, POINTS, OTHERS),
    "compiled: detrend": (lambda lib, x: lib.signal.detrend(x), POINTS),
    "compiled: vq": (lambda lib, x, w: lib.cluster.vq.vq(x, w)[1], TABLES, ROWS[:2]),
    "compiled: dct": (lambda lib, x: lib.fft.dct(x), POINTS),
    "writes through a view: svd_flip": (
        lambda lib, x: lib.decomposition.PCA(2, svd_solver="covariance_eigh").fit_transform(x),
        TABLES,
    ),
    "takes the number: mean_squared_error": (lambda lib, x, w: lib.metrics.mean_squared_error(x, w), TABLES, ROWS),
    "takes the number: r2_score": (lambda lib, x, w: lib.metrics.r2_score(x, w), TABLES, ROWS),
    "NumPy only: LinearRegression": (lambda lib, x, w: lib.linear_model.LinearRegression().fit(x, w).coef_, TABLES, TARGET),
}


def consume() -> None:
    """Runs the functions on arrays and on Tensors, and prints what is wrong with them, a JSON object."""
    import scipy.cluster
    import scipy.fft
    import scipy.integrate
    import scipy.optimize
    import scipy.signal
    import scipy.spatial
    import scipy.special
    import scipy.stats
    import sklearn
    from sklearn import decomposition, discriminant_analysis, linear_model, metrics, mixture, naive_bayes, preprocessing

    learn = (decomposition, discriminant_analysis, linear_model, metrics, mixture, naive_bayes, preprocessing)
    lib = SimpleNamespace(**{module.__name__.rpartition(".")[2]: module for module in learn}, pairwise=metrics.pairwise)
    for name in ("special", "stats", "cluster", "integrate", "optimize", "signal", "fft", "spatial"):
        setattr(lib, name, getattr(scipy, name))
    sklearn.set_config(array_api_dispatch=True)
    report = {}
    for name, (run, *xs) in CONSUMERS.items():
        call = Call(partial(run, lib), ("float64",), grad=True)
        report[name] = "; ".join(consumed(call, xs))
    for name, (run, *xs) in REFUSED.items():
        report[name] = "; ".join(refused(partial(run, lib), xs))
    print(json.dumps(report))


def refused(run: Any, xs: list[Any]) -> list[str]:
    """What is wrong with a function that cannot keep the gradient: anything but an error of ours."""
    run(*xs)
    try:
        run(*map(Tensor, xs))
    except ag.AutogradError:
        return []
    return ["no error"]


def consumed(call: Call, xs: list[Any]) -> list[str]:
    """What is wrong with one function: what it returns, its value, its gradient."""
    try:
        want = leaves(call.run(*xs))
        for result, value in zip(leaves(call.run(*map(ag.asarray, xs))), want, strict=True):
            assert isinstance(result, Tensor), type(result)
            np.testing.assert_allclose(result.numpy(), value, rtol=1e-9, atol=1e-12)
        check_grads(lambda *values: number(call.run(*values)), *xs, modes=("rev",), order=1)
    except Exception as error:  # noqa: BLE001 - it goes into the report
        return [f"{type(error).__name__}: {error}"]
    return []


@pytest.fixture(scope="module")
def consumption() -> dict[str, str]:
    """The report of a process in which SciPy and scikit-learn have the standard switched on."""
    code = "from tests import test_array_api; test_array_api.consume()"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=Path(__file__).parent.parent,
        env={**os.environ, "SCIPY_ARRAY_API": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report: dict[str, str] = json.loads(done.stdout)
    return report


@pytest.mark.slow
@pytest.mark.parametrize("name", [*CONSUMERS, *REFUSED])
def test_a_library_runs_on_tensors(name: str, consumption: dict[str, str]) -> None:
    assert not consumption[name]


@pytest.mark.slow
def test_views_that_are_put_back() -> None:
    """x[key] += w works on x[key], which is a view, and writes it back; a view with a name of its own is another matter."""

    def f(x: Any) -> Any:
        y = x * 1.0
        for _ in range(100):
            y[0] += 1.0
        y[:, 1:] *= x[:, 1:]
        y[..., -1] -= y[..., 0]
        return y

    x = arrays("float64")["x"]
    np.testing.assert_array_equal(f(ag.asarray(x)).numpy(), f(x))
    check_grads(f, x)
    t = ag.asarray(x)
    key = 0
    for _ in range(100):  # until Python has specialised the instruction
        t[key] = operator.iadd(t[key], 1.0)  # as SciPy's at(t)[0].add(1.0) has it
    np.testing.assert_allclose(t.numpy()[0], x[0] + 100)


def _by_name(t: Any) -> None:
    row = t[0]
    row += 1.0


def _from_a_list(t: Any) -> None:
    rows = [t[0]]
    rows[0] += 1.0


def _to_another_place(t: Any) -> None:
    key, other = 0, 1
    t[other] = operator.iadd(t[key], 1.0)


def _through_a_function(t: Any) -> None:
    key = 0
    t[key] = abs(operator.iadd(t[key], 1.0))


def _in_a_loop(t: Any) -> None:
    for row in t:
        row += 1.0


def _of_another_view(t: Any) -> None:
    t.T[0] += 1.0


VIEWS_WITH_A_LIFE = {
    "by name": _by_name,
    "from a list": _from_a_list,
    "to another place": _to_another_place,
    "through a function": _through_a_function,
    "in a loop": _in_a_loop,
    "of another view": _of_another_view,
    "nowhere": lambda t: operator.iadd(t[0], 1.0),
    "an argument": lambda t: (lambda row: row.__iadd__(1.0))(t[0]),
}


@pytest.mark.parametrize("name", VIEWS_WITH_A_LIFE)
def test_a_view_that_is_not_put_back_refuses(name: str) -> None:
    t = Tensor(arrays("float64")["x"]) * 1.0
    for _ in range(20):  # before and after Python has specialised the instructions
        with pytest.raises(ag.AliasError):
            VIEWS_WITH_A_LIFE[name](t)
    np.testing.assert_array_equal(t.numpy(), arrays("float64")["x"])


# --- methods of NumPy's arrays ---------------------------------------------------------------------------------------------

METHOD_CALLS = {
    "argpartition": lambda x: np.take_along_axis(x, x.argpartition(1, axis=1), axis=1).sum(axis=1),
    "argsort": lambda x: x.argsort(axis=0),
    "choose": lambda x: (x > 0.5).astype(int).choose([x, -x]),
    "compress": lambda x: x.compress([True, False, True], axis=1),
    "compress flat": lambda x: x.compress([True, False, True]),
    "cumprod": lambda x: x.cumprod(axis=1),
    "cumsum": lambda x: x.cumsum(),
    "diagonal": lambda x: x.diagonal(offset=1),
    "divmod": lambda x: divmod(x, 0.4)[1],
    "rdivmod": lambda x: divmod(2.0, x)[1],
    "mean": lambda x: x.mean(axis=1, keepdims=True),
    "repeat": lambda x: x.repeat(2, axis=1),
    "reshape by columns": lambda x: x.reshape((3, 2), order="F"),
    "ravel by columns": lambda x: x.ravel("F"),
    "flatten by columns": lambda x: x.flatten(order="F"),
    "copy": lambda x: x.copy(order="C"),
    "searchsorted": lambda x: np.sort(x[0]).searchsorted(0.5),
    "std": lambda x: x.std(axis=0, ddof=1),
    "swapaxes": lambda x: x.swapaxes(0, 1),
    "trace": lambda x: x.trace(offset=1),
    "itemsize": lambda x: np.asarray(x.itemsize * 1.0),
}


@pytest.mark.parametrize("name", METHOD_CALLS)
def test_methods_of_arrays(name: str) -> None:
    call, x = METHOD_CALLS[name], arrays("float64")["x"]
    y, want = call(ag.asarray(x)), call(x)
    np.testing.assert_allclose(y.numpy() if isinstance(y, Tensor) else y, want, rtol=1e-14)
    if want.dtype.kind == "f" and isinstance(y, Tensor):
        check_grads(call, x, rtol=1e-7)


IN_PLACE = {
    "sort": lambda x: x.sort(),
    "sort axis": lambda x: x.sort(axis=0),
    "partition": lambda x: x.partition(0, axis=0),
    "fill": lambda x: x.fill(1.5),
    "put": lambda x: x.put([0, 2, 5], [7.0, 8.0]),
    "put one": lambda x: x.put(1, 3.0),
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_methods_that_change_an_array(name: str) -> None:
    change, x = IN_PLACE[name], arrays("float64")["x"]

    def f(x: Any) -> Any:
        y = x * 2
        assert change(y) is None
        return y

    np.testing.assert_array_equal(f(ag.asarray(x)).numpy(), f(x))
    check_grads(f, x, rtol=1e-7)
    with pytest.raises(ag.GradientError, match="leaf"):
        change(Tensor(x))
