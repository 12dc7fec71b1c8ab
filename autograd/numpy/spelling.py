"""How a name of NumPy becomes one of `autograd.numpy`: NumPy's own function on plain values, our op where a Tensor takes part.

NumPy's functions find our ops by themselves when they are given a Tensor. What is added here: lists with Tensors in them
become arrays, as lists of numbers do; functions that make arrays may be given Tensors; and the way to an op is shorter.
Stands on `autograd`.
"""

from collections.abc import Callable
from functools import cache, wraps
from types import ModuleType
from typing import Any

import numpy as np

from ..errors import NoRuleError, ShapeError
from ..tensor import Tensor, implementations
from ..tree import leaves

Function = Callable[..., Any]

# These take a list of arrays; in the others a list is one array.
OF_SEQUENCES: frozenset[Any] = frozenset(
    (
        np.concatenate,
        np.stack,
        np.vstack,
        np.hstack,
        np.dstack,
        np.column_stack,
        np.select,
        np.choose,
        np.histogramdd,
        np.lexsort,
        np.linalg.multi_dot,
    )
)
SEE_LISTS: frozenset[Any] = frozenset((np.block, np.piecewise))  # and find the Tensors in them by themselves


def has_tensor(value: Any) -> bool:
    """Whether a value is a Tensor, or a list or tuple with one in it, however deep."""
    if type(value) is Tensor:
        return True
    if not isinstance(value, (list, tuple)):
        return False
    for kind in set(map(type, value)):  # a long list of numbers is looked through in one go
        if kind is Tensor or (issubclass(kind, (list, tuple)) and any(map(has_tensor, value))):
            return True
    return False


def assembled(value: Any) -> Any:
    """The array of a nested list that has Tensors in it, as np.array makes one of a list of arrays. Other values stay.

    >>> assembled([[Tensor(1.0), 2.0], [3.0, 4.0]])
    Tensor([[1., 2.],
            [3., 4.]], op=stack)
    """
    if type(value) is Tensor or not has_tensor(value):
        return value
    parts = [assembled(part) for part in value]
    shapes = sorted({np.shape(part) for part in parts})
    if len(shapes) > 1:
        raise ShapeError(
            f"an array of a list whose elements have the shapes {', '.join(map(str, shapes))}: they have to be equal. To join "
            "arrays of different lengths, use np.concatenate or np.hstack"
        )
    return implementations[np.stack](parts)


def _of_arrays(value: Any) -> Any:
    return [assembled(part) for part in value] if isinstance(value, (list, tuple)) else value


def is_protocol(value: Any) -> bool:
    """Whether it is a function that asks its arguments for their own version of it, which arrays and Tensors have."""
    return isinstance(value, np.ufunc) or type(value) is type(np.sum)


UFUNC_MEMBERS = ("accumulate", "at", "identity", "nargs", "nin", "nout", "outer", "reduce", "reduceat", "signature", "types")


@cache
def spelling(function: Function) -> Function:
    """NumPy's function, with a short way to the op that it means on Tensors, and with arrays made of lists of Tensors."""
    op = implementations.get(function)
    made = _of_arrays if function in OF_SEQUENCES else assembled

    @wraps(function)
    def spelled(*args: Any, **kwargs: Any) -> Any:
        met = nested = False
        for arg in (*args, *kwargs.values()) if kwargs else args:
            kind = type(arg)
            if kind is Tensor:
                met = True
            elif (kind is list or kind is tuple) and has_tensor(arg):
                met = nested = True
        if nested and function not in SEE_LISTS:
            args = tuple(arg if type(arg) is Tensor else made(arg) for arg in args)
            kwargs = {name: arg if type(arg) is Tensor else made(arg) for name, arg in kwargs.items()}
        if met and op is not None and "out" not in kwargs:
            return op(*args, **kwargs)
        return function(*args, **kwargs)

    if isinstance(function, np.ufunc):
        spelled.__module__ = "numpy"
        for name in UFUNC_MEMBERS:
            setattr(spelled, name, getattr(function, name))
    return spelled


def _without_protocol(function: Function, on_tensors: Function) -> Function:
    """A function that looks at no argument's own version of it: ours, where a Tensor is among the arguments."""

    @wraps(function)
    def spelled(*args: Any, **kwargs: Any) -> Any:
        if any(map(has_tensor, args)) or any(map(has_tensor, kwargs.values())):
            return on_tensors(*args, **kwargs)
        return function(*args, **kwargs)

    return spelled


def array(
    object: Any,
    dtype: Any = None,
    *,
    copy: Any = True,
    order: Any = None,
    subok: bool = False,
    ndmin: int = 0,
    like: Any = None,
) -> Any:
    """np.array of a Tensor, or of nested lists with Tensors in them. (`order`, `subok` and `like` change no value.)"""
    made = asarray(object, dtype)
    if copy and made is object:
        made = implementations[np.copy](made)
    missing = ndmin - np.ndim(made)
    return made.reshape((1,) * missing + made.shape) if missing > 0 else made


def asarray(a: Any, dtype: Any = None, order: Any = None, *, device: Any = None, copy: Any = None, like: Any = None) -> Any:
    """np.asarray of the same: a Tensor is returned as it is, unless the dtype has to change."""
    made = assembled(a)
    if dtype is not None and made.dtype != dtype:
        made = implementations[np.astype](made, dtype)
    return implementations[np.copy](made) if copy and made is a else made


def full(shape: Any, fill_value: Any, dtype: Any = None, order: Any = "C", *, device: Any = None, like: Any = None) -> Any:
    """np.full of a Tensor: its value, broadcast to the shape."""
    shape = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    return implementations[np.broadcast_to](asarray(fill_value, dtype), shape)


class _Joined:
    """np.r_ and np.c_, which may be given Tensors: the parts are joined along the first axis, or side by side as columns."""

    def __init__(self, plain: Any, columns: bool) -> None:
        self._plain = plain
        self._columns = columns

    def __getitem__(self, key: Any) -> Any:
        parts = key if isinstance(key, tuple) else (key,)
        if not any(map(has_tensor, parts)):
            return self._plain[key]
        if any(isinstance(part, str) for part in parts):
            raise NoRuleError("np.r_ and np.c_ take no directives with Tensors: use np.concatenate or np.stack")
        arrays = [np.r_[part] if isinstance(part, slice) else assembled(part) for part in parts]
        arrays = [part if np.ndim(part) else implementations[np.reshape](part, (1,)) for part in arrays]
        if self._columns:
            arrays = [part if np.ndim(part) > 1 else implementations[np.reshape](part, (-1, 1)) for part in arrays]
        return implementations[np.concatenate](arrays, axis=-1 if self._columns else 0)


SPECIAL: dict[Any, Any] = {
    np.array: _without_protocol(np.array, array),
    np.asarray: _without_protocol(np.asarray, asarray),
    np.asanyarray: _without_protocol(np.asanyarray, asarray),
    np.ascontiguousarray: _without_protocol(np.ascontiguousarray, asarray),
    np.asfortranarray: _without_protocol(np.asfortranarray, asarray),
    np.full: _without_protocol(np.full, full),
    np.r_: _Joined(np.r_, columns=False),
    np.c_: _Joined(np.c_, columns=True),
}


def names(module: ModuleType) -> dict[str, Any]:
    """The public names of a module of NumPy, submodules excepted: functions that know Tensors, types and constants."""
    there = {name: vars(module)[name] for name in module.__all__ if name in vars(module)}
    found = {}
    for name, value in there.items():
        if is_protocol(value):
            found[name] = spelling(value)
        elif not isinstance(value, ModuleType):
            found[name] = SPECIAL.get(value, value) if value.__hash__ else value
    return found


def on_plain_values(function: Function, remedy: str) -> Function:
    """A function without derivatives: on a Tensor that requires a gradient an error, which tells the remedy."""
    module = (getattr(function, "__module__", None) or "numpy.random").partition("._")[0]

    def refuse(*args: Any, **kwargs: Any) -> Any:
        if any(isinstance(leaf, Tensor) and leaf.requires_grad for leaf in leaves((args, kwargs))):
            raise NoRuleError(f"{module}.{function.__name__} has no derivative rule. {remedy}")
        return function(*args, **kwargs)

    return _without_protocol(function, refuse)
