"""What leads to what among the items that are visible, across the borders of open modules.

A view tells its lines level by level, with ports where a value enters or leaves an open module. Whoever draws without ports, as
text and Graphviz do, needs them from end to end. Stands on view.py.
"""

from dataclasses import dataclass, field

from .view import Item, Level, View


@dataclass(slots=True)
class Arrow:
    """From one item to another: boxes, chips and folded groups, by key. `edges` are numbers of edges of the graph."""

    source: str
    target: str
    edges: list[int] = field(default_factory=list)


def levels(view: View) -> list[Level]:
    """All levels, outer ones first."""
    found = [view.level]
    for level in found:  # grows meanwhile
        found.extend(item.inner for item in level.items if item.inner is not None)
    return found


def ends(view: View) -> dict[str, Item]:
    """The items that stand for values, by key, in the order of execution: everything but open groups and ports."""
    found: dict[str, Item] = {}
    stack = view.level.items[::-1]
    while stack:
        item = stack.pop()
        if item.inner is not None:
            stack.extend(reversed(item.inner.items))
        elif item.kind != "port":
            found[item.key] = item
    return found


def arrows(view: View) -> list[Arrow]:
    """Every line from end to end, in the order of the edges that it stands for.

    >>> from .model import Box, Edge, GraphData, Group
    >>> graph = GraphData([Box(0, "", "input"), Box(1, "tanh", group=0)], [Edge(0, 1)], [Group(0, "net", "Tanh")])
    >>> arrows(View(graph))
    [Arrow(source='b0', target='b1', edges=[0])]
    """
    items = ends(view)
    links = [link for level in levels(view) for link in level.links]
    # A line that crosses a border names its value, at the first of its pieces too: there we see what stands for the value.
    stands_for = {_value(link.target, link.value): link.source for link in links if link.source in items}
    found: dict[tuple[str, str], Arrow] = {}
    for link in links:
        if link.target in items:
            source = link.source if link.source in items else stands_for[_value(link.source, link.value)]
            found.setdefault((source, link.target), Arrow(source, link.target)).edges.extend(link.edges)
    return sorted(found.values(), key=lambda arrow: (arrow.edges[0], arrow.source, arrow.target))


def _value(key: str, value: int | None) -> int | None:
    """The box whose value goes to or comes from an open group, or a port of it."""
    return int(key.partition(".")[2]) if key[0] == "p" else value
