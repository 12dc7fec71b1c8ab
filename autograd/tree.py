"""Nested containers (dict, list, tuple, named tuple) of leaves: walk them, and build them again with other leaves.

Anything that is not one of these containers is a leaf; None is a leaf too. Dictionaries keep their own order.
Stands on nothing and knows no Tensor.
"""

from collections.abc import Callable, Iterator
from typing import Any


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
    rows = zip(leaves(tree), *map(leaves, others), strict=True)
    return rebuild(tree, iter([function(*row) for row in rows]))
