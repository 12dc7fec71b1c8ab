"""Rows of a table by index: `one_hot`, `embedding`, `embedding_bag`. Stands on the rules of `autograd.ops.lookup`; knows no
module."""

from typing import Any

import numpy as np

from autograd import DtypeError, ShapeError, Tensor, no_grad
from autograd.ops import lookup

ops: Any = lookup  # ops carry no types


def one_hot(tensor: Any, num_classes: int = -1) -> Any:
    """Integers with 1 at the index and 0 elsewhere along a new last axis; as many classes as the indices ask for, unless given.

    >>> one_hot([2, 0], num_classes=3).tolist()
    [[0, 0, 1], [1, 0, 0]]
    """
    indices = _indices("one_hot", tensor)
    if num_classes == -1:
        if not np.size(indices):
            raise ShapeError("one_hot: expected num_classes, as there are no indices to tell it from")
        num_classes = int(indices.max()) + 1
    return ops.one_hot(indices, count=num_classes)


def embedding(
    input: Any,
    weight: Any,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Any:
    """weight[input]: for each index a row of the table `weight`, which is (rows, dim).

    The row `padding_idx` gets no gradient. With `max_norm` the rows that are looked up and longer are shortened to it first,
    in the table itself. `scale_grad_by_freq` divides the gradient of a row by the number of times that it was looked up. With
    `sparse` backward() keeps the gradient as the rows that were looked up, and SGD and Adagrad (without momentum and decay of
    weights) change those alone: the same numbers, for a table of any size. `weight.grad` shows a table all the same.

    >>> embedding([2, 0], [[1.0, 1.5], [2.0, 2.5], [3.0, 3.5]]).tolist()
    [[3.0, 3.5], [1.0, 1.5]]
    """
    weight = _table("embedding", weight)
    indices = _indices("embedding", input)
    padding = row_number("embedding", padding_idx, weight.shape[0])
    weight = _shortened(weight, indices, max_norm, norm_type)
    return ops.embedding(weight, indices, padding=padding, by_frequency=scale_grad_by_freq, sparse=sparse)


def embedding_bag(
    input: Any,
    weight: Any,
    offsets: Any = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Any:
    """For each bag of indices the sum, mean or largest elements ("max") of their rows; zeros for an empty bag.

    The bags are the rows of a matrix of indices, or parts of a vector, which begin at the `offsets`. Indices equal to
    `padding_idx` count for nothing. `per_sample_weights`, of the shape of the indices, go with "sum" only.

    >>> embedding_bag([0, 1, 2], [[1.0], [2.0], [4.0]], offsets=[0, 2], mode="sum").tolist()
    [[3.0], [4.0]]
    """
    weight = _table("embedding_bag", weight)
    indices = _indices("embedding_bag", input)
    _refuse_bags(indices, offsets, mode, scale_grad_by_freq, per_sample_weights)
    if per_sample_weights is not None:
        per_sample_weights = np.reshape(per_sample_weights, -1)
    bags, count = _bags(indices, offsets, include_last_offset)
    padding = row_number("embedding_bag", padding_idx, weight.shape[0])
    flat = np.reshape(indices, -1)
    weight = _shortened(weight, flat, max_norm, norm_type)
    rows = ops.embedding(weight, flat, padding=padding, by_frequency=scale_grad_by_freq, sparse=sparse)
    counts = None if padding is None else np.expand_dims(flat != padding, 1)
    if mode == "max":
        if padding is None:
            return ops.bag_largest(rows, bags, count=count)
        return ops.bag_largest(rows, np.where(flat != padding, bags, count), count=count + 1)[
            :count
        ]  # one bag more, for padding
    if per_sample_weights is not None:
        rows = rows * np.expand_dims(per_sample_weights, 1)
    total = ops.add_rows(rows if counts is None else rows * counts, bags, count=count)
    if mode == "sum":
        return total
    ones = np.ones((flat.size, 1), weight.dtype) if counts is None else counts.astype(weight.dtype)
    return total / np.maximum(ops.add_rows(ones, bags, count=count), 1)


def _bags(indices: Any, offsets: Any, include_last: bool) -> tuple[Any, int]:
    """For each index the number of its bag, and how many bags there are."""
    if indices.ndim == 2:
        count, length = indices.shape
        return np.repeat(np.arange(count), length), count
    starts = _indices("embedding_bag", offsets)
    starts = starts[:-1] if include_last else starts
    return ops.bag_numbers(starts, count=indices.shape[0]), starts.shape[0]


def _refuse_bags(indices: Any, offsets: Any, mode: str, by_frequency: bool, weights: Any) -> None:
    if mode not in ("sum", "mean", "max"):
        raise ShapeError(f"embedding_bag: mode is 'sum', 'mean' or 'max', not {mode!r}")
    if indices.ndim not in (1, 2):
        raise ShapeError(f"embedding_bag: expected indices with 1 or 2 axes, got shape {indices.shape}")
    if indices.ndim == 2 and offsets is not None:
        raise ShapeError("embedding_bag: the rows of a matrix of indices are the bags, so offsets have to be None")
    if indices.ndim == 1 and np.ndim(offsets if offsets is not None else 0) != 1:
        raise ShapeError("embedding_bag: indices in a vector need offsets, a vector of where the bags begin")
    if by_frequency and mode == "max":
        raise ShapeError("embedding_bag: scale_grad_by_freq does not go with mode='max'")
    if weights is not None and mode != "sum":
        raise ShapeError(f"embedding_bag: per_sample_weights go with mode='sum' only, not with {mode!r}")
    if weights is not None and np.shape(weights) != indices.shape:
        raise ShapeError(
            f"embedding_bag: expected per_sample_weights of the shape of the indices, {indices.shape}, got {np.shape(weights)}"
        )


def _table(name: str, weight: Any) -> Any:
    weight = weight if hasattr(weight, "dtype") else np.asarray(weight)
    if weight.ndim != 2:
        raise ShapeError(f"{name}: expected a weight of shape (rows, dim), got shape {weight.shape}")
    return weight


def _indices(name: str, input: Any) -> Any:
    indices = input if hasattr(input, "dtype") else np.asarray(input, None if np.size(input) else int)
    if indices.dtype.kind not in "iu":
        raise DtypeError(f"{name}: expected indices of integers, got {indices.dtype}. Convert them: indices.astype(int)")
    return indices


def row_number(name: str, padding_idx: int | None, count: int) -> int | None:
    """A padding index counted from the front; an error if there is no such row."""
    if padding_idx is None:
        return None
    if not -count <= padding_idx < count:
        raise ShapeError(f"{name}: padding_idx must be within num_embeddings, {count}, got {padding_idx}")
    return padding_idx % count


def _shortened(weight: Any, indices: Any, max_norm: float | None, norm_type: float) -> Any:
    """The table after the rows that are looked up have been brought to a norm of at most `max_norm`, in place."""
    if max_norm is None:
        return weight
    with no_grad():
        often = ops.frequencies(indices, count=weight.shape[0])
        sizes = abs(weight)
        norms = (sizes**norm_type).sum(axis=1) ** (1 / norm_type) if np.isfinite(norm_type) else sizes.max(axis=1)
        factor = np.where((often > 0) & (norms > max_norm), max_norm / (norms + 1e-7), 1)
        new = weight * np.expand_dims(factor, 1).astype(weight.dtype)
        if isinstance(weight, Tensor):
            weight.data = new
        else:
            weight[...] = new
    return weight
