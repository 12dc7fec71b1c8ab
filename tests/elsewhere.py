"""An array type that is not NumPy's, for tests of arrays that live elsewhere (on a GPU).

`Double` works through NumPy's protocols alone, and refuses to become a NumPy array silently.
"""

from typing import Any

import numpy as np


class Double:
    """An array that only NumPy's protocols can reach."""

    def __init__(self, array: Any) -> None:
        self._array = np.asarray(array)

    shape = property(lambda self: self._array.shape)
    dtype = property(lambda self: self._array.dtype)
    ndim = property(lambda self: self._array.ndim)
    size = property(lambda self: self._array.size)
    nbytes = property(lambda self: self._array.nbytes)
    real = property(lambda self: wrap(self._array.real))
    imag = property(lambda self: wrap(self._array.imag))
    T = property(lambda self: wrap(self._array.T))
    base = None

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("this array lives elsewhere: no silent conversion to NumPy")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        for value in inputs:
            if isinstance(value, np.ndarray) and value.ndim:
                raise TypeError("a NumPy array meets an array that lives elsewhere")
        result = getattr(ufunc, method)(*map(bare, inputs), **{k: bare(v) for k, v in kwargs.items()})
        return wrap(result)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function in (np.zeros, np.ones, np.full, np.eye, np.empty, np.arange):  # like=
            return wrap(function(*args, **kwargs))
        return wrap(function(*bare(args), **{k: bare(v) for k, v in kwargs.items()}))

    def __getitem__(self, key: Any) -> Any:
        return wrap(self._array[bare(key)])

    def __setitem__(self, key: Any, value: Any) -> None:
        self._array[bare(key)] = bare(value)

    def __len__(self) -> int:
        return len(self._array)

    def __bool__(self) -> bool:
        return bool(self._array)


def bare(value: Any) -> Any:
    """The NumPy array inside, in nested tuples and lists too."""
    if isinstance(value, Double):
        return value._array
    if isinstance(value, (tuple, list)):
        return type(value)(map(bare, value))
    return value


def wrap(value: Any) -> Any:
    """Results back into the foreign type: scalars too, which on a GPU are arrays without axes."""
    if isinstance(value, tuple):
        return tuple(map(wrap, value))
    if isinstance(value, list):
        return [wrap(v) for v in value]
    return Double(value) if isinstance(value, (np.ndarray, np.generic)) else value


def _forward(name: str) -> Any:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return wrap(getattr(self._array, name)(*bare(args), **{k: bare(v) for k, v in kwargs.items()}))

    return method


for _name in [
    "sum",
    "mean",
    "prod",
    "max",
    "min",
    "any",
    "all",
    "copy",
    "astype",
    "reshape",
    "conj",
    "transpose",
    "item",
    "__neg__",
    "__pos__",
    "__abs__",
    "__invert__",
]:
    setattr(Double, _name, _forward(_name))


def _operator(ufunc: Any, reflected: bool) -> Any:
    def method(self: Any, other: Any) -> Any:
        if hasattr(other, "__array_ufunc__") and not isinstance(other, (Double, np.ndarray, np.generic)):
            return NotImplemented
        return ufunc(other, self) if reflected else ufunc(self, other)

    return method


for _name, _ufunc in {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "truediv": np.divide,
    "floordiv": np.floor_divide,
    "mod": np.remainder,
    "pow": np.power,
    "matmul": np.matmul,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
}.items():
    setattr(Double, f"__{_name}__", _operator(_ufunc, False))
    setattr(Double, f"__r{_name}__", _operator(_ufunc, True))
for _name, _ufunc in {
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
}.items():
    setattr(Double, f"__{_name}__", _operator(_ufunc, False))
Double.__hash__ = object.__hash__  # type: ignore[method-assign]
