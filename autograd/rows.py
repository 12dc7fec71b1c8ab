"""Rows: a gradient of a table that is zero but for some rows, which are all that is kept.

An embedding looks up a few rows of a table that may be far larger than memory has room for twice. Its derivative hands out the
rows and their numbers; whoever wants an array gets one from `dense`, and an optimizer whose rule leaves the other rows alone
need not ask. Stands on NumPy and SciPy; knows no graph and no Tensor.
"""

import math
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

SMALL = {np.dtype(np.float16): np.dtype(np.float32)}  # float16 would count no further than 2048


def added(rows: Any, numbers: Any, count: int) -> Any:
    """A table of `count` rows, each the sum of those that have its number.

    As a product with a sparse matrix: fifty times faster than np.add.at on rows of a hundred numbers.
    """
    if type(rows) is not np.ndarray or rows.dtype.newbyteorder("=") not in (np.float32, np.float64):
        wide = SMALL.get(rows.dtype, rows.dtype)
        table = np.zeros((count, rows.shape[1]), wide, like=rows)
        np.add.at(table, numbers, rows.astype(wide))
        return table
    from scipy.sparse import csc_array

    n = len(numbers)
    which = csc_array((np.ones(n, rows.dtype), numbers, np.arange(n + 1)), shape=(count, n))
    return which @ rows


class Rows:
    """The rows `values` of a table of the shape `shape`, at the places `numbers`, all different and rising; zero elsewhere."""

    __slots__ = ("numbers", "shape", "values")
    __array_ufunc__ = None  # array + rows is for us to answer

    def __init__(self, numbers: Array, values: Array, shape: tuple[int, ...]) -> None:
        self.numbers, self.values, self.shape = numbers, values, shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the values."""
        dtype: np.dtype[Any] = self.values.dtype
        return dtype

    def astype(self, dtype: Any) -> "Rows":
        """The same in another dtype."""
        return Rows(self.numbers, self.values.astype(dtype, copy=False), self.shape)

    def dense(self) -> Array:
        """The whole table."""
        table = np.zeros(self.shape, self.dtype)
        table[self.numbers] = self.values
        return table

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, Rows):
            return self.dense() + other
        return summed(np.concatenate([self.numbers, other.numbers]), np.concatenate([self.values, other.values]), self.shape)

    def __radd__(self, other: Any) -> Any:
        return other + self.dense()

    def __repr__(self) -> str:
        return f"<{len(self.numbers)} of {self.shape[0]} rows, {self.dtype}>"


def summed(numbers: Any, values: Any, shape: tuple[int, ...]) -> Rows:
    """Rows in any order, in which a number may stand several times."""
    own, place = np.unique(numbers, return_inverse=True)
    flat = values.reshape(len(place), math.prod(shape[1:]))
    return Rows(own, added(flat, place, len(own)).astype(values.dtype, copy=False).reshape(-1, *shape[1:]), shape)


def dense(g: Any) -> Any:
    """An array for rows; anything else as it is."""
    return g.dense() if type(g) is Rows else g
