"""Sparse matrices times dense arrays, with gradients for both sides.

`matmul(S, t)` takes a matrix of scipy.sparse as a constant. `matrix(S)` and `from_coo(data, (rows, columns), shape)` make a
matrix whose stored values are a Tensor: where they are is fixed, and each has a gradient of its own; what is not stored has
none. Two rules, each of which is the other's derivative, on the compressed rows that SciPy computes with. Stands on `rule`.
"""

import operator

import numpy as np

from ..errors import DtypeError, ShapeError
from ..rule import apply_operator, rule, sample
from ..tensor import Tensor, is_array
from . import indexing, movement

INDICES, STARTS = np.array([1, 2, 0, 2, 2]), np.array([0, 2, 2, 5])  # a matrix of 3 x 4 for the samples, one place twice


def rows_of(starts):
    """The row of each stored value, from the places where the rows start."""
    return np.repeat(np.arange(len(starts) - 1), np.diff(starts))


@rule(
    kind="multilinear",
    values=lambda g, dense, columns, starts, shape, transposed: sampled(
        *((dense, g) if transposed else (g, dense)), columns, starts, shape=shape
    ),
    dense=lambda g, values, columns, starts, shape, transposed: product(
        values, g, columns, starts, shape=shape, transposed=not transposed
    ),
    host=True,
    samples=[
        sample((5,), (4,), INDICES, STARTS, shape=(3, 4)),
        sample((5,), (4, 2), INDICES, STARTS, shape=(3, 4)),
        sample((5,), (3, 2), INDICES, STARTS, shape=(3, 4), transposed=True),
    ],
)
def product(values, dense, columns, starts, *, shape, transposed=False):
    """A sparse matrix, or its transpose, times a vector or a matrix. Row i holds values[starts[i]:starts[i + 1]]."""
    import scipy.sparse

    dtype = np.result_type(values, dense)
    wide = np.result_type(dtype, np.float32)  # SciPy knows no float16
    kind = scipy.sparse.csc_array if transposed else scipy.sparse.csr_array
    matrix = kind((values.astype(wide, copy=False), columns, starts), shape=shape[::-1] if transposed else shape)
    return (matrix @ dense.astype(wide, copy=False)).astype(dtype, copy=False)


@rule(
    kind="multilinear",
    left=lambda g, right, columns, starts, shape: product(g, right, columns, starts, shape=shape),
    right=lambda g, left, columns, starts, shape: product(g, left, columns, starts, shape=shape, transposed=True),
    host=True,
    samples=[
        sample((3,), (4,), INDICES, STARTS, shape=(3, 4)),
        sample((3, 2), (4, 2), INDICES, STARTS, shape=(3, 4)),
    ],
)
def sampled(left, right, columns, starts, *, shape):
    """The elements of left @ right.T that a sparse matrix of that structure stores, and no others."""
    pairs = left[rows_of(starts)] * right[columns]
    return pairs.sum(axis=-1) if pairs.ndim > 1 else pairs


class SparseMatrix:
    """A matrix whose stored values are a Tensor, `data`, at places that do not change. Made by `matrix` and `from_coo`.

    It knows `@` on both sides, `T`, `toarray()`, and the product with a number. A place that is stored twice counts as the sum.
    """

    __slots__ = ("_columns", "_order", "_starts", "_transposed", "data", "shape")
    __array_ufunc__ = None  # so that an array on the left leaves `@` to us

    def __init__(self, data, order, columns, starts, shape, transposed=False):
        self.data = data
        self.shape = shape
        self._order = order  # which of the data each value of the rows is; None for all in their order
        self._columns = _frozen(columns)
        self._starts = _frozen(starts)
        self._transposed = transposed

    dtype = property(lambda self: self.data.dtype, doc="The dtype of the stored values.")
    nnz = property(lambda self: len(self._columns), doc="How many values are stored.")
    ndim = 2

    @property
    def T(self):
        """The transpose, of the same values."""
        return SparseMatrix(self.data, self._order, self._columns, self._starts, self.shape[::-1], not self._transposed)

    def __repr__(self):
        return f"<SparseMatrix {self.shape[0]} x {self.shape[1]} of {self.dtype}, {self.nnz} values stored>"

    def _values(self):
        return self.data if self._order is None else indexing.getitem(self.data, self._order, key=(indexing.HERE,))

    def _times(self, dense):
        """The product with a vector, a matrix, or matrices along leading axes."""
        dense = dense if isinstance(dense, Tensor) or is_array(dense) else np.asarray(dense)
        ndim = np.ndim(dense)
        if ndim == 0 or dense.shape[-2 if ndim > 1 else 0] != self.shape[1]:
            raise ShapeError(
                f"a sparse matrix of shape {self.shape} times an array of shape {np.shape(dense)}: the last axis of the first "
                "and the last but one of the second (the only one of a vector) must be equal"
            )
        if ndim > 2:
            lead, wide = dense.shape[:-2], dense.shape[-1]
            flat = movement.moveaxis(dense, source=-2, destination=0).reshape((self.shape[1], -1))
            return movement.moveaxis(self._times(flat).reshape((self.shape[0], *lead, wide)), source=0, destination=-2)
        shape = self.shape[::-1] if self._transposed else self.shape
        return product(self._values(), dense, self._columns, self._starts, shape=shape, transposed=self._transposed)

    def __matmul__(self, dense):
        if _is_sparse(dense):
            raise DtypeError("the product of two sparse matrices has no rule: make one of them dense, with toarray()")
        return self._times(dense)

    def __rmatmul__(self, dense):
        if np.ndim(dense) < 2:
            return self.T @ dense
        return np.swapaxes(self.T @ np.swapaxes(dense, -1, -2), -1, -2)

    def __mul__(self, number):
        if np.ndim(number):
            raise DtypeError("a sparse matrix times an array element by element has no rule: * takes a number, @ an array")
        return SparseMatrix(self.data * number, self._order, self._columns, self._starts, self.shape, self._transposed)

    __rmul__ = __mul__

    def __neg__(self):
        return self * -1

    def toarray(self):
        """The matrix as a dense array, differentiable in the stored values."""
        rows, columns = rows_of(self._starts), self._columns
        places = (columns, rows) if self._transposed else (rows, columns)
        return indexing.scatter(self._values(), *places, key=(indexing.HERE, indexing.HERE), shape=self.shape)


def _frozen(x):
    """An array that nobody can write to any more, so that graphs may hold it without a copy of their own."""
    if x.flags.writeable or x.base is not None:
        x = x.copy()
        x.flags.writeable = False
    return x


def _is_sparse(value):
    """Whether it is a matrix of scipy.sparse, or one of ours."""
    return isinstance(value, SparseMatrix) or (hasattr(value, "tocsr") and hasattr(value, "nnz"))


def _data_of(data, count, what):
    if not isinstance(data, Tensor):
        data = Tensor(np.asarray(data))
    if data.shape != (count,):
        raise ShapeError(f"{what} has {count} places for values, and got values of shape {data.shape}")
    return data


def matrix(S, data=None):
    """A matrix of the structure of `S` (of scipy.sparse), whose stored values are a Tensor: `data`, or those of S as a leaf.

    The values are in the order of `S.data`, of any format that has one (csr, csc, coo).

    >>> import scipy.sparse
    >>> from autograd import Tensor
    >>> A = matrix(scipy.sparse.csr_array([[0.0, 2.0], [3.0, 0.0]]))
    >>> (A @ Tensor([1.0, 10.0])).sum().backward()
    >>> A.data.grad
    Tensor([10.,  1.])
    """
    made = _constant(S)
    data = _data_of(Tensor(made.data) if data is None else data, np.size(made.data), "the matrix")
    return SparseMatrix(data, made._order, made._columns, made._starts, made.shape, made._transposed)


def apply_matmul(rule, inputs, attributes):
    """`apply_operator` for `@`, which also knows the matrices of scipy.sparse: they are no arrays to NumPy."""
    if any(_is_sparse(value) and not isinstance(value, SparseMatrix) for value in inputs):
        return matmul(*inputs)
    return apply_operator(rule, inputs, attributes)


def _constant(S):
    """A matrix of scipy.sparse as one of ours, whose values want no gradient; one of ours as it is."""
    if isinstance(S, SparseMatrix):
        return S
    if not _is_sparse(S):
        raise DtypeError(f"a matrix of scipy.sparse is wanted, not a {type(S).__name__}: scipy.sparse.csr_array(x) makes one")
    if S.ndim != 2:
        raise ShapeError(f"a sparse matrix has two axes, and this one has shape {S.shape}")
    if S.format == "coo":
        return SparseMatrix(S.data, *_compressed(S.row, S.col, S.shape))
    S = S if S.format in ("csr", "csc") else S.tocsr()
    return SparseMatrix(S.data, None, S.indices, S.indptr, tuple(map(int, S.shape)), S.format == "csc")


def _compressed(rows, columns, shape):
    order = np.argsort(rows, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=shape[0]))]).astype(columns.dtype)
    ordered = bool((order == np.arange(order.size)).all())
    return None if ordered else order, columns[order], starts, tuple(map(int, shape))


def from_coo(data, places, shape):
    """A matrix of a shape with data[k] at (rows[k], columns[k]); values at the same place are added up.

    >>> from autograd import Tensor
    >>> from_coo(Tensor([1.0, 2.0]), ([0, 1], [1, 1]), (2, 2)).toarray()
    Tensor([[0., 1.],
            [0., 2.]], op=scatter)
    """
    rows, columns = (np.asarray(place if len(place) else np.zeros(0, int)) for place in places)
    shape = tuple(map(operator.index, shape))
    if rows.dtype.kind not in "iu" or columns.dtype.kind not in "iu" or rows.shape != columns.shape or rows.ndim != 1:
        raise DtypeError("from_coo takes two lists of integers of the same length, the rows and the columns")
    for axis, (place, n) in enumerate(zip((rows, columns), shape, strict=True)):
        if place.size and not 0 <= place.min() <= place.max() < n:
            raise ShapeError(f"from_coo: places from {place.min()} to {place.max()} along axis {axis}, which has length {n}")
    return SparseMatrix(_data_of(data, rows.size, "the list of places"), *_compressed(rows, columns, shape))


def matmul(x, w):
    """The product of a sparse and a dense array, in either order; a matrix of scipy.sparse is a constant.

    Each call copies what such a matrix holds, so that a later change of it spoils no gradient. For many calls with one
    constant, make it once: `matrix(S, data=Tensor(S.data, requires_grad=False))`.

    >>> import scipy.sparse
    >>> from autograd import Tensor
    >>> matmul(scipy.sparse.csr_array([[0.0, 2.0], [3.0, 0.0]]), Tensor([1.0, 10.0]))
    Tensor([20.,  3.], op=product)
    """
    if _is_sparse(x):
        return _constant(x) @ w
    if _is_sparse(w):
        return _constant(w).__rmatmul__(x)
    raise DtypeError("sparse.matmul: one side is a sparse matrix; for two dense arrays there is autograd.matmul")
