"""Which op is which operator and method of Tensor: one table, put on the class when the ops are imported.

The functions are put there as they are, because a call through a method of our own would cost a tenth of an op.
"""

import operator
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..graph import modes
from ..rule import apply_operator, binary
from ..tensor import Tensor, become, cast_like, implementations
from . import contraction, elementwise, movement, reduction, spellings


def _reflected(operation):
    def back(x, w):
        return operation(w, x)

    return back


def _in_place(op):
    """x += w: a scalar is a number, so the name is bound anew; an array changes for everyone who holds it."""

    def method(x, w):
        new = op(x, w)
        scalar = not x.shape
        leaf = x.node is not None and x.node.rule is None
        if scalar and not (leaf and not modes.gradients):
            return new
        if leaf and not modes.gradients:  # an update by hand: the leaf stays what it is, with another value
            become(x, cast_like(new, x._raw), x.node)
            return x
        spellings.refuse_leaf(x)
        if new.shape != x.shape:
            raise ShapeError(f"an in-place operation would turn shape {x.shape} into {new.shape}: write x = x + ... instead")
        new = cast_like(new, x._raw)
        become(x, new, new.node)
        return x

    return method


BINARY: dict[str, Any] = {
    "add": elementwise.add,
    "sub": elementwise.subtract,
    "mul": elementwise.multiply,
    "truediv": elementwise.divide,
    "floordiv": elementwise.floor_divide,
    "mod": elementwise.remainder,
    "pow": elementwise.power,
    "matmul": contraction.matmul,
    "and": elementwise.bitwise_and,
    "or": elementwise.bitwise_or,
    "xor": elementwise.bitwise_xor,
}
COMPARISONS: dict[str, Any] = {
    "eq": elementwise.equal,
    "ne": elementwise.not_equal,
    "lt": elementwise.less,
    "le": elementwise.less_equal,
    "gt": elementwise.greater,
    "ge": elementwise.greater_equal,
}


def _several(op, name):
    """`x.reshape(2, 3)` as well as `x.reshape((2, 3))`."""

    def method(x, *values):
        first = values[0] if len(values) == 1 else values
        if not isinstance(first, (tuple, list, type(None))):
            first = (first,)
        return op(x, **{name: first if first is None else tuple(operator.index(v) for v in first)})

    return method


def _transposed(x, *axes):
    if not axes or axes == (None,):
        return movement.transpose(x, axes=None)
    return spellings.transpose(x, axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes)


METHODS = {
    **{f"__{name}__": binary(op.rule, apply_operator) for name, op in {**BINARY, **COMPARISONS}.items()},
    **{f"__r{name}__": _reflected(binary(op.rule, apply_operator)) for name, op in BINARY.items()},
    **{f"__i{name}__": _in_place(op) for name, op in BINARY.items()},
    "__neg__": elementwise.negative,
    "__pos__": elementwise.positive,
    "__abs__": elementwise.absolute,
    "__invert__": elementwise.invert,
    "__getitem__": spellings.getitem,
    "__setitem__": spellings.setitem,
    "exp": elementwise.exp,
    "log": elementwise.log,
    "sqrt": elementwise.sqrt,
    "sin": elementwise.sin,
    "cos": elementwise.cos,
    "tanh": elementwise.tanh,
    "sigmoid": elementwise.sigmoid,
    "relu": elementwise.relu,
    "abs": elementwise.absolute,
    "conj": elementwise.conj,
    "conjugate": elementwise.conj,
    "round": elementwise.round,
    "clip": spellings.clip,
    "sum": reduction.sum,
    "mean": reduction.mean,
    "prod": reduction.prod,
    "max": reduction.max,
    "min": reduction.min,
    "var": reduction.var,
    "std": reduction.std,
    "argmax": reduction.argmax,
    "argmin": reduction.argmin,
    "argsort": implementations[np.argsort],
    "any": reduction.any,
    "all": reduction.all,
    "cumsum": reduction.cumsum,
    "cumprod": reduction.cumprod,
    "dot": spellings.dot,
    "reshape": _several(movement.reshape, "shape"),
    "transpose": _transposed,
    "swapaxes": movement.swapaxes,
    "squeeze": movement.squeeze,
    "ravel": movement.ravel,
    "flatten": lambda x: movement.copy(movement.ravel(x)),
    "repeat": spellings.repeat,
    "take": spellings.take,
    "nonzero": implementations[np.nonzero],
    "astype": spellings.astype,
    "copy": movement.copy,
    "T": property(movement.transpose, doc="The axes reversed."),
    "mT": property(lambda x: movement.swapaxes(x, axis1=-1, axis2=-2), doc="The last two axes exchanged."),
    "real": property(elementwise.real, doc="The real part."),
    "imag": property(elementwise.imag, doc="The imaginary part."),
}

for _name, _method in METHODS.items():
    setattr(Tensor, _name, _method)


def _along_first(op):
    """A ufunc's own reduction: along axis 0 where the functions of NumPy take all axes."""

    def reduction(x, axis=0, **kwargs):
        return op(x, axis=axis, **kwargs)

    return reduction


# What NumPy's ufuncs do besides a plain call.
implementations.update(
    {
        (np.add, "reduce"): _along_first(reduction.sum),
        (np.multiply, "reduce"): _along_first(reduction.prod),
        (np.maximum, "reduce"): _along_first(reduction.max),
        (np.minimum, "reduce"): _along_first(reduction.min),
        (np.logical_or, "reduce"): _along_first(reduction.any),
        (np.logical_and, "reduce"): _along_first(reduction.all),
        (np.add, "accumulate"): _along_first(reduction.cumsum),
        (np.multiply, "accumulate"): _along_first(reduction.cumprod),
    }
)
