"""Which op is which operator and method of Tensor: one table, put on the class when the ops are imported.

The functions are put there as they are, because a call through a method of our own would cost a tenth of an op.
"""

import dis
import operator
import sys
from sys import getrefcount
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..graph import modes
from ..rule import apply_operator, binary
from ..tensor import Tensor, become, cast_like, implementations
from . import contraction, elementwise, movement, numbers, reduction, spellings


def _reflected(operation):
    def back(x, w):
        return operation(w, x)

    return back


def _is_put_back(view, frame):
    """Whether what += returns is written at once to where the view looks: `x[key] += w`, or `x[key] = iadd(x[key], w)`."""
    rest = (i for i in dis.get_instructions(frame.f_code) if i.offset >= frame.f_lasti and i.opname not in ("CACHE", "SWAP"))
    operation = next(rest).opname
    if operation == "BINARY_OP":
        return next(rest).opname in ("STORE_SUBSCR", "STORE_SLICE")
    if operation == "PRECALL":  # Python 3.11 calls in either of two instructions
        next(rest)
    names: list[str] = []
    for last in rest:
        if not last.opname.startswith("LOAD_FAST"):
            break
        names += last.argval if isinstance(last.argval, tuple) else [last.argval]
    if len(names) != 2 or last.opname != "STORE_SUBSCR":
        return False
    target, key = (frame.f_locals[name] for name in names)
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

    def __setitem__(self, key, value):
        self.temporary = value


_probe = _Probe()
_probe[0] += 1


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
        if x.sharing is not None and getrefcount(x) == _probe.temporary and _is_put_back(x, sys._getframe(1)):
            return new  # x is x[key] itself, a view that is gone with this instruction, and `new` is written in its place
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
        new = implementations[function](x, *args, **kwargs)
        become(x, new, new.node)

    return method


def _fill(x, value):
    spellings.setitem(x, Ellipsis, value)


def _put(x, indices, values):
    """x.put(indices, values): values written at places of the flat array, from their start again if there are too few."""
    spellings.refuse_leaf(x)
    flat = movement.copy(movement.ravel(x))
    indices, values = (movement.ravel(v if isinstance(v, Tensor) else np.asarray(v)) for v in (indices, values))
    spellings.setitem(flat, indices, spellings.take(values, np.arange(indices.size) % values.size))
    new = movement.reshape(flat, shape=x.shape)
    become(x, new, new.node)


METHODS = {
    **{f"__{name}__": binary(op.rule, apply_operator) for name, op in {**BINARY, **COMPARISONS}.items()},
    **{f"__r{name}__": _reflected(binary(op.rule, apply_operator)) for name, op in BINARY.items()},
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
    "var": reduction.var,
    "std": reduction.std,
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
    "reshape": _several(movement.reshape, "shape"),
    "transpose": _transposed,
    "swapaxes": movement.swapaxes,
    "squeeze": movement.squeeze,
    "ravel": movement.ravel,
    "flatten": lambda x: movement.copy(movement.ravel(x)),
    "repeat": spellings.repeat,
    "take": spellings.take,
    "diagonal": _function(np.diagonal),
    "trace": _function(np.trace),
    "choose": _function(np.choose),
    "compress": _compress,
    "put": _put,
    "fill": _fill,
    "nonzero": implementations[np.nonzero],
    "astype": spellings.astype,
    "copy": movement.copy,
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
