"""Which op is which operator and method of Tensor: one table, put on the class when the ops are imported.

The functions are put there as they are, because a call through a method of our own would cost a tenth of an op.
"""

import sys
from opcode import opname
from sys import getrefcount
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..graph import modes
from ..rule import apply_operator, binary
from ..tensor import Tensor, cast_like, implementations
from . import contraction, elementwise, movement, numbers, reduction, sparse, spellings


def _reflected(operation):
    def back(x, w):
        return operation(w, x)

    return back


def _is_put_back(view, frame):
    """Whether what += returns is written at once to where the view looks: `x[key] += w`, or `x[key] = iadd(x[key], w)`."""
    code, start, names, name = frame.f_code, frame.f_lasti, [], ""
    ahead = code.co_code[start : start + 40]  # enough for either of the two, with the caches in between
    steps = [(opname[op], arg) for op, arg in zip(ahead[::2], ahead[1::2], strict=True)]
    steps = [(name, arg) for name, arg in steps if name not in ("CACHE", "SWAP")]
    if steps[0][0] == "BINARY_OP":
        return steps[1][0] in ("STORE_SUBSCR", "STORE_SLICE")
    for name, arg in steps[2 if steps[0][0] == "PRECALL" else 1 :]:  # Python 3.11 calls in either of two instructions
        if not name.startswith("LOAD_FAST"):
            break
        names += [arg >> 4, arg & 15] if name == "LOAD_FAST_LOAD_FAST" else [arg]
    if len(names) != 2 or name != "STORE_SUBSCR":
        return False
    target, key = (frame.f_locals[code.co_varnames[place]] for place in names)
    if not isinstance(target, Tensor) or target.sharing is not view.sharing:
        return False
    place, looks = target._raw[key], view._raw
    return type(looks) is type(place) is np.ndarray and place.__array_interface__ == looks.__array_interface__


class _Probe:
    """Counts the references to what is nobody's but the interpreter's, in the middle of `x[key] += w`."""

    def __getitem__(self, key):
        return _Probe()

    def __iadd__(x, w):
        return getrefcount(x)

    def __setitem__(self, key, count):
        self.count = count


_probe = _Probe()
_probe[0] += 1
TEMPORARY = _probe.count


def _in_place(op):
    """x += w: a scalar is a number, so the name is bound anew; an array changes for everyone who holds it."""

    def method(x, w):
        new = op(x, w)
        if not x.shape and (modes.gradients or not spellings.is_variable(x)):
            return new
        spellings.refuse_leaf(x)
        if new.shape != x.shape:
            raise ShapeError(f"an in-place operation would turn shape {x.shape} into {new.shape}: write x = x + ... instead")
        if x.sharing is not None and getrefcount(x) == TEMPORARY and _is_put_back(x, sys._getframe(1)):
            return cast_like(new, x._raw)  # x is x[key], a view that is gone with this instruction; `new` takes its place
        spellings.rewrite(x, new)
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
    "lshift": numbers.left_shift,
    "rshift": numbers.right_shift,
}
COMPARISONS: dict[str, Any] = {
    "eq": elementwise.equal,
    "ne": elementwise.not_equal,
    "lt": elementwise.less,
    "le": elementwise.less_equal,
    "gt": elementwise.greater,
    "ge": elementwise.greater_equal,
}


def _reshaped(x, *shape, order="C", copy=None):
    """`x.reshape(2, 3)` as well as `x.reshape((2, 3))`."""
    return spellings.reshape(x, shape[0] if len(shape) == 1 else shape, order, copy=copy)


def _transposed(x, *axes):
    if not axes or axes == (None,):
        return movement.transpose(x, axes=None)
    return spellings.transpose(x, axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes)


def _function(function):
    """A method that is NumPy's function of the same name, whichever op that is."""

    def method(x, *args, **kwargs):
        return implementations[function](x, *args, **kwargs)

    return method


def _compress(x, condition, axis=None):
    return implementations[np.compress](condition, x, axis=axis)


def _rearranged(function):
    """x.sort() and x.partition(kth): in place, as in NumPy. (`np.sort(x)` leaves x as it is.)"""

    def method(x, *args, **kwargs):
        spellings.refuse_leaf(x)
        spellings.rewrite(x, implementations[function](x, *args, **kwargs))

    return method


def _fill(x, value):
    spellings.setitem(x, Ellipsis, value)


OPERATORS = {name: binary(op.rule, apply_operator) for name, op in {**BINARY, **COMPARISONS}.items()}
OPERATORS["matmul"] = binary(BINARY["matmul"].rule, sparse.apply_matmul)  # knows SciPy's matrices too

METHODS = {
    **{f"__{name}__": operation for name, operation in OPERATORS.items()},
    **{f"__r{name}__": _reflected(OPERATORS[name]) for name in BINARY},
    **{f"__i{name}__": _in_place(op) for name, op in BINARY.items()},
    "__divmod__": numbers.divmod,
    "__rdivmod__": _reflected(numbers.divmod),
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
    "var": _function(np.var),
    "std": _function(np.std),
    "argmax": reduction.argmax,
    "argmin": reduction.argmin,
    "argsort": _function(np.argsort),
    "argpartition": _function(np.argpartition),
    "searchsorted": _function(np.searchsorted),
    "sort": _rearranged(np.sort),
    "partition": _rearranged(np.partition),
    "any": reduction.any,
    "all": reduction.all,
    "cumsum": reduction.cumsum,
    "cumprod": reduction.cumprod,
    "dot": spellings.dot,
    "reshape": _reshaped,
    "transpose": _transposed,
    "swapaxes": movement.swapaxes,
    "squeeze": movement.squeeze,
    "ravel": spellings.ravel,
    "flatten": lambda x, order="C": movement.copy(spellings.ravel(x, order)),
    "repeat": spellings.repeat,
    "take": spellings.take,
    "diagonal": _function(np.diagonal),
    "trace": _function(np.trace),
    "choose": _function(np.choose),
    "compress": _compress,
    "put": spellings.put,
    "fill": _fill,
    "nonzero": implementations[np.nonzero],
    "astype": spellings.astype,
    "copy": spellings.copy,
    "T": property(movement.transpose, doc="The axes reversed."),
    "mT": property(lambda x: movement.swapaxes(x, axis1=-1, axis2=-2), doc="The last two axes exchanged."),
    "real": property(elementwise.real, doc="The real part."),
    "imag": property(elementwise.imag, doc="The imaginary part."),
    "itemsize": property(lambda x: x.dtype.itemsize, doc="Bytes of one element."),
}

for _name, _method in METHODS.items():
    setattr(Tensor, _name, _method)


def _along_first(op):
    """A ufunc's own reduction: along axis 0 where the functions of NumPy take all axes."""

    def reduction(x, axis=0, **kwargs):
        return op(x, axis=axis, **kwargs)

    return reduction


def _outer(op):
    """A ufunc's own `outer`: every element of one with every element of the other."""

    def outer(x, w):
        return op(movement.reshape(spellings.as_array(x), shape=np.shape(x) + (1,) * np.ndim(w)), w)

    return outer


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
implementations.update(
    {
        (ufunc, "outer"): _outer(op)
        for ufunc, op in implementations.items()
        if isinstance(ufunc, np.ufunc) and (ufunc.nin, ufunc.signature) == (2, None)
    }
)
