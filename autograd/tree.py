"""Nested containers (dict, list, tuple, named tuple) of leaves: walk them, and build them again with other leaves.

Anything that is not one of these containers is a leaf; None is a leaf too. Dictionaries keep their own order.
Stands on nothing and knows no Tensor.
"""

from collections.abc import Callable, Iterator
from typing import Any

from .errors import ShapeError


def paths(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each leaf with the Python expression that reaches it from the root.

    >>> list(paths({"w": [1, 2]}))
    [("['w'][0]", 1), ("['w'][1]", 2)]
    """
    if isinstance(tree, dict):
        for key, child in tree.items():
            yield from paths(child, f"{path}[{key!r}]")
    elif isinstance(tree, (list, tuple)):
        fields = getattr(tree, "_fields", None)
        for i, child in enumerate(tree):
            yield from paths(child, f"{path}.{fields[i]}" if fields else f"{path}[{i}]")
    else:
        yield path, tree


def leaves(tree: Any) -> list[Any]:
    """The leaves, left to right.

    >>> leaves((1, {"a": 2, "b": [3]}))
    [1, 2, 3]
    """
    if isinstance(tree, dict):
        tree = tree.values()
    elif not isinstance(tree, (list, tuple)):
        return [tree]
    return [leaf for child in tree for leaf in leaves(child)]


def leaves_like(tree: Any, other: Any) -> list[Any]:
    """The leaves of another tree in the order of this one's, by key in dictionaries; an error where its containers differ.

    >>> leaves_like({"a": 1, "b": [2]}, {"b": [20], "a": 10})
    [10, 20]
    """
    if isinstance(tree, dict) and isinstance(other, dict) and tree.keys() == other.keys():
        return [leaf for key, child in tree.items() for leaf in leaves_like(child, other[key])]
    if isinstance(tree, (list, tuple)) and isinstance(other, (list, tuple)) and len(tree) == len(other):
        return [leaf for pair in zip(tree, other, strict=True) for leaf in leaves_like(*pair)]
    if isinstance(tree, (dict, list, tuple)):
        raise ShapeError(f"containers that differ: {_shown(tree)} and {_shown(other)}")
    return [other]


def _shown(tree: Any) -> str:
    """The containers of a tree, one level deep."""
    if isinstance(tree, dict):
        return f"a dict of {', '.join(map(repr, tree)) or 'nothing'}"
    return f"a {type(tree).__name__} of {len(tree)}" if isinstance(tree, (list, tuple)) else f"a {type(tree).__name__}"


def rebuild(tree: Any, new_leaves: Iterator[Any]) -> Any:
    """The same containers around other leaves, taken in order.

    >>> rebuild((1, {"a": 2}), iter("xy"))
    ('x', {'a': 'y'})
    """
    if isinstance(tree, dict):
        return {key: rebuild(child, new_leaves) for key, child in tree.items()}
    if isinstance(tree, (list, tuple)):
        children = [rebuild(child, new_leaves) for child in tree]
        if hasattr(tree, "_fields"):
            return type(tree)(*children)
        return type(tree)(children)
    return next(new_leaves)


def transform(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """`function` applied to each leaf (and to the leaves at the same places of the other trees).

    >>> transform(lambda a, b: a + b, [1, (2,)], [10, (20,)])
    [11, (22,)]
    """
    rows = zip(leaves(tree), *(leaves_like(tree, other) for other in others), strict=True)
    return rebuild(tree, iter([function(*row) for row in rows]))
