"""Rows of a table by their numbers, as an embedding looks them up, and the transpose, which adds rows to a table.

A gradient with respect to a table is `add_rows` of a cotangent, or `Rows` where the table is looked up with `sparse`. Each rule
is defined in `definitions` as a plain function of ops. Stands on `rule` and indexing.
"""

import math

import numpy as np

from ..errors import DtypeError, IndexingError, ShapeError
from ..rows import added, summed
from ..rule import rule, sample
from .indexing import HERE, getitem, scatter


def _refuse_outside(name, indices, count):
    if indices.dtype.kind not in "iu":
        raise DtypeError(f"{name}: expected indices of integers, got {indices.dtype}. Convert them: indices.astype(int)")
    if indices.size and (indices.min() < 0 or indices.max() >= count):
        wrong = indices[(indices < 0) | (indices >= count)]
        raise IndexingError(f"{name}: index {wrong[0]} is out of range for {count} rows: 0 to {count - 1} are there")


def _lookup_table(g, table_shape, indices, padding, by_frequency, sparse):
    if sparse and not by_frequency and type(g) is np.ndarray:  # no Tensor: a pass that is recorded wants ops on tables
        kept = slice(None) if padding is None else indices != padding
        return summed(indices[kept].reshape(-1), g[kept], table_shape)
    rows = add_rows(g, indices, count=table_shape[0], padding=padding)
    if not by_frequency:
        return rows
    often = np.maximum(frequencies(indices, count=table_shape[0]), 1).astype(rows.dtype)
    return rows / often.reshape(-1, *(1,) * (len(table_shape) - 1))


@rule(
    table=_lookup_table,
    samples=[
        sample((4, 3), np.array([[0, 2, 2], [3, 0, 0]])),
        sample((4,), np.array([1, 1])),
        sample((3, 2, 2), np.array(2)),
        sample((4, 3), np.array([[0, 2, 2], [3, 0, 0]]), sparse=True),
    ],
)
def embedding(table, indices, *, padding=None, by_frequency=False, sparse=False):
    """table[indices]: the row of each index.

    The row `padding` gets no gradient; `by_frequency` divides that of a row by the number of times that it was looked up. With
    `sparse` the gradient is kept as the rows that were looked up, until it is asked for.
    """
    if not table.ndim:
        raise ShapeError("embedding: expected a table with rows, got a number")
    _refuse_outside("embedding", indices, table.shape[0])
    return np.take(table, indices, axis=0)


def _add_rows_x(g, indices, padding):
    rows = embedding(g, indices)
    if padding is None:
        return rows
    return rows * (indices != padding).reshape(np.shape(indices) + (1,) * (rows.ndim - np.ndim(indices)))


@rule(
    kind="multilinear",
    x=_add_rows_x,
    samples=[
        sample((2, 3), np.array([3, 3]), count=4),
        sample((2, 2, 3), np.array([[3, 0], [0, 1]]), count=4, padding=0),
        sample((2,), np.array([1, 1]), count=3),
        sample(np.array([[1 + 2j, 0.5j], [0.3, 1.0]]), np.array([0, 0]), count=2),
    ],
)
def add_rows(x, indices, *, count, padding=None):
    """A table of `count` rows, each the sum of those x that have its index; the row `padding` stays zero."""
    _refuse_outside("add_rows", indices, count)
    inner = x.shape[indices.ndim :]
    table = added(x.reshape(indices.size, math.prod(inner)), indices.reshape(-1), count).astype(x.dtype)
    if padding is not None:
        table[padding] = 0
    return table.reshape(count, *inner)


@rule(samples=[sample(np.array([0, 2, 2]), count=4)])
def frequencies(indices, *, count):
    """How often each of the numbers below `count` stands among the indices."""
    return np.bincount(indices.reshape(-1), minlength=count)


@rule(samples=[sample(np.array([0, 2, 2]), count=4)])
def bag_numbers(offsets, *, count):
    """For each of `count` places in a row the number of its bag, from the places where the bags begin."""
    if count and not (offsets.size and offsets[0] == 0):
        raise IndexingError("embedding_bag: the first of the offsets has to be 0, so that every index is in a bag")
    if offsets.size and ((offsets[1:] < offsets[:-1]).any() or offsets[-1] > count):
        raise IndexingError(f"embedding_bag: offsets have to ascend, and not beyond the number of indices, which is {count}")
    return np.searchsorted(offsets, np.arange(count, like=offsets), side="right") - 1


def _bag_largest_rows(g, rows, y, bags, count):
    hit = rows == y[bags]
    ties = add_rows(hit.astype(g.dtype), bags, count=count)
    return np.where(hit, (g / np.maximum(ties, 1))[bags], 0)


@rule(
    rows=_bag_largest_rows,
    drops=True,
    samples=[sample((4, 2), np.array([0, 2, 2, 0]), count=4)],
)
def bag_largest(rows, bags, *, count):
    """The largest elements of the rows of each bag, column by column; zeros for a bag without rows. Ties share the gradient."""
    table = np.full((count, *rows.shape[1:]), -np.inf, rows.dtype, like=rows)
    np.maximum.at(table, bags, rows)
    table[np.bincount(bags, minlength=count) == 0] = 0
    return table


@rule(samples=[sample(np.array([0, 2, 2]), count=4)])
def one_hot(indices, *, count):
    """Rows of `count` integers, 1 at the index and 0 elsewhere."""
    _refuse_outside("one_hot", indices, count)
    return (indices[..., None] == np.arange(count, like=indices)).astype(np.int64)


def _embedding(table, indices, padding=None, by_frequency=False, sparse=False):
    return getitem(table, indices, key=(HERE,))


def _add_rows(x, indices, count, padding=None):
    kept = x if padding is None else x * (indices != padding).reshape(indices.shape + (1,) * (x.ndim - indices.ndim))
    return scatter(kept, indices, key=(HERE,), shape=(count, *x.shape[indices.ndim :]))


definitions = {embedding: _embedding, add_rows: _add_rows}
