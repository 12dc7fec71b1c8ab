"""Nested containers of arrays as one flat vector, and back. Both ways are differentiable. Stands on `autograd`."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..tensor import Tensor, implementations
from ..tree import leaves, rebuild


def _in_order(tree: Any) -> Any:
    """The same containers with dictionaries sorted by key."""
    if isinstance(tree, dict):
        return {key: _in_order(tree[key]) for key in sorted(tree)}
    if isinstance(tree, (list, tuple)):
        return [_in_order(child) for child in tree]
    return tree


def _as_given(tree: Any, ordered: Any) -> Any:
    """What `_in_order` made, in the containers that it was made from."""
    if isinstance(tree, dict):
        return {key: _as_given(child, ordered[key]) for key, child in tree.items()}
    if isinstance(tree, (list, tuple)):
        children = [_as_given(child, part) for child, part in zip(tree, ordered, strict=True)]
        return type(tree)(*children) if hasattr(tree, "_fields") else type(tree)(children)
    return ordered


def flatten(value: Any) -> tuple[Any, Callable[[Any], Any]]:
    """(vector, unflatten): the elements of nested containers of arrays and numbers, and the way back.

    Dictionaries are taken in the order of their keys. Floats and complex numbers come back in their own dtype.

    >>> vector, unflatten = flatten({"w": np.array([[1.0, 2.0]]), "b": 3.0})
    >>> vector
    array([3., 1., 2.])
    >>> unflatten(2 * vector)
    {'w': array([[2., 4.]]), 'b': np.float64(6.0)}
    """
    template = _in_order(value)
    parts = leaves(template)
    shapes = [np.shape(part) for part in parts]
    dtypes = [part.dtype if isinstance(part, Tensor) else np.asarray(part).dtype for part in parts]
    ends = np.cumsum([int(np.prod(shape, dtype=int)) for shape in shapes]).tolist()

    def unflatten(vector: Any) -> Any:
        pieces = []
        for start, end, shape, dtype in zip([0, *ends], ends, shapes, dtypes, strict=False):
            pieces.append(_cast(np.reshape(vector[start:end], shape), dtype)[()])
        empty = _as_given(value, template)
        return _as_given(empty, rebuild(template, iter(pieces)))

    flat = np.concatenate([np.ravel(part) for part in parts]) if parts else np.array([])
    return flat, unflatten


def _cast(piece: Any, dtype: np.dtype[Any]) -> Any:
    if dtype.kind not in "fc" or piece.dtype == dtype:
        return piece
    if dtype.kind == "f" and piece.dtype.kind == "c":
        piece = np.real(piece)
    return implementations[np.astype](piece, dtype) if isinstance(piece, Tensor) else piece.astype(dtype)


def flatten_func(func: Callable[..., Any], example: Any) -> tuple[Callable[..., Any], Callable[[Any], Any], Any]:
    """(flat function, unflatten, flat example): the function from vector to vector that `func` is on containers like
    `example`.

    >>> double, unflatten, x = flatten_func(lambda p: {"a": 2 * p["a"]}, {"a": np.ones(2)})
    >>> double(x)
    array([2., 2.])
    """
    flat_example, unflatten = flatten(example)

    def flat_func(vector: Any, *args: Any, **kwargs: Any) -> Any:
        return flatten(func(unflatten(vector), *args, **kwargs))[0]

    return flat_func, unflatten, flat_example
