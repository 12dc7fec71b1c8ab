"""Two graphs compared: what was added, removed, and what has another shape, dtype, value or gradient.

Boxes are matched within a module by what they are, in their order, as lines of two texts are by a diff; what has moved to a
place in between others is matched by its inputs. Stands on GraphData alone.
"""

import math
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from heapq import heapify, heappop, heappush
from typing import Any, TypeAlias

from .model import Box, Edge, GraphData, Group, Stats

TOLERANCE = 1e-6  # of the size of a number: what is nearer is the same
CHANGES = ("changed shape", "changed dtype", "changed value", "changed gradient")
MARKS = ("added", "removed", *CHANGES)

Pairs: TypeAlias = dict[int, int]  # places in b, by those in a
Path: TypeAlias = tuple[str, int]  # of a module, and which of its calls


def compare(a: GraphData, b: GraphData) -> GraphData:
    """The union of two graphs, with marks on what differs and a summary in the notes. What both have is told as b has it.

    >>> a = GraphData([Box(0, kind="input"), Box(1, "tanh")], [Edge(0, 1)])
    >>> b = GraphData([Box(0, kind="input"), Box(1, "relu")], [Edge(0, 1)])
    >>> [(box.title, box.marks) for box in compare(a, b).boxes]
    [('input', ()), ('tanh', ('removed',)), ('relu', ('added',))]
    """
    pairs = match(a, b)
    order, _ = _sorted(a, b, pairs)
    groups, place_a, place_b = _all_groups(a, b)
    union = GraphData(
        groups=groups, ops={**a.ops, **b.ops}, title=_title(a, b), notes=list(dict.fromkeys([*a.notes, *b.notes]))
    )
    numbers: dict[tuple[str, int], int] = {}
    back = {j: i for i, j in pairs.items()}
    for side, place in order:
        box, places = (a.boxes[place], place_a) if side == "a" else (b.boxes[place], place_b)
        if side == "a":
            marks: tuple[str, ...] = ("removed",)
        else:
            marks = changes(a.boxes[back[place]], box) if place in back else ("added",)
            if place in back:
                numbers["a", back[place]] = len(union.boxes)
        numbers[side, place] = len(union.boxes)
        group = None if box.group is None else places[box.group]
        union.boxes.append(replace(box, number=len(union.boxes), group=group, marks=(*box.marks, *marks)))
    union.edges = _all_edges(a, b, numbers)
    union.notes.append(summary(union))
    return union


def summary(graph: GraphData) -> str:
    """What the marks of a comparison come to, in a sentence."""
    counts = Counter(mark for box in graph.boxes for mark in box.marks)
    words = [f"{counts[mark]} {mark}" for mark in MARKS if counts[mark]]
    edges = Counter(mark for edge in graph.edges for mark in edge.marks)
    if not words and (edges["added"] or edges["removed"]):
        words = [f"{edges[mark]} {'connection' if edges[mark] == 1 else 'connections'} {mark}" for mark in MARKS if edges[mark]]
    same = sum(not set(box.marks) & set(MARKS) for box in graph.boxes)
    return f"Compared: {', '.join(words)}; {same} the same." if words else f"Compared: all {same} values are the same."


def changes(a: Box, b: Box) -> tuple[str, ...]:
    """How two boxes that stand for the same value differ. What is not known of one of them is no difference."""
    found = (
        a.shape != b.shape,
        a.dtype != b.dtype,
        _differ(a.value, a.values, b.value, b.values),
        _differ(a.gradient, a.gradients, b.gradient, b.gradients),
    )
    return tuple(mark for mark, differs in zip(CHANGES, found, strict=True) if differs)


def _differ(a: float | None, of_a: Stats | None, b: float | None, of_b: Stats | None) -> bool:
    if a is not None and b is not None:
        return not _near(a, b, max(abs(a), abs(b)))
    if of_a is None or of_b is None:
        return False
    size = max(abs(x) for x in (of_a.least, of_a.largest, of_b.least, of_b.largest, 0.0) if math.isfinite(x))
    if (of_a.size, of_a.nans, of_a.infinities) != (of_b.size, of_b.nans, of_b.infinities):
        return True
    pairs = [(of_a.least, of_b.least), (of_a.largest, of_b.largest), (of_a.mean, of_b.mean), (of_a.std, of_b.std)]
    return not all(_near(x, y, size) for x, y in pairs)


def _near(a: float, b: float, size: float) -> bool:
    if not (math.isfinite(a) and math.isfinite(b)):
        return a == b or (a != a and b != b)
    return abs(a - b) <= TOLERANCE * size


# --- which box is which ----------------------------------------------------------------------------------------------------


def match(a: GraphData, b: GraphData) -> Pairs:
    """Boxes of a and of b that stand for the same value: by module, kind, op and name, in order.

    First those that also have the same history, then within what is left between them any of the same op, first those of the
    same shape. Which of two graphs comes first makes no difference. A match that would close a ring, of two graphs that do the
    same in contrary orders, is given up.
    """
    if _signature(b) < _signature(a):
        return {i: j for j, i in match(b, a).items()}
    pairs, given_up = _matched(a, b), 1
    while stuck := _sorted(a, b, pairs)[1]:
        for place in stuck[:given_up]:
            del pairs[place]
        given_up *= 2  # so that even very many take a few rounds
    return pairs


def _signature(graph: GraphData) -> tuple[Any, ...]:
    """Something by which any two graphs have an order."""
    boxes = [(*_kind(box), box.shape, box.dtype, -1 if box.group is None else box.group) for box in graph.boxes]
    edges = [(edge.source, edge.target, edge.slot) for edge in graph.edges]
    return len(boxes), len(edges), boxes, edges, _paths(graph)


def _matched(a: GraphData, b: GraphData) -> Pairs:
    paths = [_paths(graph) for graph in (a, b)]
    found: Pairs = {}
    sides = [_by_group(graph, of) for graph, of in zip((a, b), paths, strict=True)]
    known: dict[Hashable, int] = {}
    histories = [_histories(graph, of, known) for graph, of in zip((a, b), paths, strict=True)]
    for path in sides[0]:
        places = [side.get(path, []) for side in sides]
        found |= _aligned(places, a, b, histories)
    return found


def _aligned(places: list[list[int]], a: GraphData, b: GraphData, histories: list[list[int]]) -> Pairs:
    keys: list[Callable[[GraphData, int, int], Hashable]] = [
        lambda graph, place, side: histories[side][place],
        lambda graph, place, side: (*_kind(graph.boxes[place]), graph.boxes[place].shape),
        lambda graph, place, side: _kind(graph.boxes[place]),
    ]
    found: Pairs = {}
    gaps = [(places[0], places[1])]
    for key in keys:
        remaining = []
        for left, right in gaps:
            here = common(
                [key(a, place, 0) for place in left],
                [key(b, place, 1) for place in right],
            )
            found |= {left[i]: right[j] for i, j in here}
            remaining += _between(left, right, here)
        gaps = remaining
    return found


def _between(left: list[int], right: list[int], found: list[tuple[int, int]]) -> list[tuple[list[int], list[int]]]:
    """What lies between matched boxes, where both sides have something left."""
    gaps, i, j = [], 0, 0
    for m, n in [*found, (len(left), len(right))]:
        if i < m and j < n:
            gaps.append((left[i:m], right[j:n]))
        i, j = m + 1, n + 1
    return gaps


def _kind(box: Box) -> tuple[str, ...]:
    named = box.name if box.kind in ("parameter", "buffer", "input") else ""
    return box.kind, box.op, named, box.phase


def _paths(graph: GraphData) -> list[Path]:
    return [(group.path, group.call) for group in graph.groups]


def _by_group(graph: GraphData, paths: Sequence[Path]) -> dict[Path | None, list[int]]:
    found: dict[Path | None, list[int]] = defaultdict(list)
    for box in graph.boxes:
        found[None if box.group is None else paths[box.group]].append(box.number)
    return found


def _histories(graph: GraphData, paths: Sequence[Path], known: dict[Hashable, int]) -> list[int]:
    """For each box a number that is the same for those of the same op, module and shape, made from the same. `known` has the
    numbers that were given."""
    inputs: list[list[tuple[int, int]]] = [[] for _ in graph.boxes]
    found: list[int] = []
    for edge in graph.edges:
        inputs[edge.target].append((edge.slot, edge.source))
    for box in graph.boxes:
        before = tuple((slot, found[source]) for slot, source in sorted(inputs[box.number]))
        where = None if box.group is None else paths[box.group]
        found.append(known.setdefault((_kind(box), box.shape, where, before), len(known)))
    return found


def common(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Pairs of places with equal entries, ascending on both sides: all at both ends, and in between the most that can be had
    of entries whose k-th occurrence on one side goes with the k-th on the other. It takes n log n steps.

    >>> common("abcd", "xbd")
    [(1, 1), (3, 2)]
    """
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    end = 0
    while end < min(len(a), len(b)) - start and a[-1 - end] == b[-1 - end]:
        end += 1
    middle = _ascending(_occurrences(a, start, len(a) - end), _occurrences(b, start, len(b) - end))
    tail = [(len(a) - k, len(b) - k) for k in range(end, 0, -1)]
    return [(k, k) for k in range(start)] + middle + tail


def _occurrences(entries: Sequence[Hashable], start: int, stop: int) -> dict[tuple[Hashable, int], int]:
    counts: Counter[Hashable] = Counter()
    found = {}
    for place in range(start, stop):
        found[entries[place], counts[entries[place]]] = place
        counts[entries[place]] += 1
    return found


def _ascending(a: dict[tuple[Hashable, int], int], b: dict[tuple[Hashable, int], int]) -> list[tuple[int, int]]:
    """The longest ascending row of pairs, by patience: ends of the best rows of each length, and who came before whom."""
    pairs = [(place, b[entry]) for entry, place in a.items() if entry in b]
    ends: list[int] = []
    holders: list[int] = []
    before: list[int] = []
    for index, (_, j) in enumerate(pairs):
        at = bisect_left(ends, j)
        before.append(holders[at - 1] if at else -1)
        ends[at : at + 1] = [j]
        holders[at : at + 1] = [index]
    row, index = [], holders[-1] if holders else -1
    while index >= 0:
        row.append(pairs[index])
        index = before[index]
    return row[::-1]


# --- the union -------------------------------------------------------------------------------------------------------------


def _sorted(a: GraphData, b: GraphData, pairs: Pairs) -> tuple[list[tuple[str, int]], list[int]]:
    """All boxes in an order in which each comes after what it reads, and otherwise as near to both orders as that allows; and
    the places in a of those matches that wait for one another."""
    # Those of b go by their places, those that only a has by what follows: plain numbers, for this may run a dozen times.
    count = len(b.boxes)
    number = [pairs.get(i, count + i) for i in range(len(a.boxes))]
    links = [(number[edge.source], number[edge.target]) for edge in a.edges]
    links += [(edge.source, edge.target) for edge in b.edges]
    after: list[list[int]] = [[] for _ in range(count + len(a.boxes))]
    waiting = [0] * len(after)
    for source, target in links:
        after[source].append(target)
        waiting[target] += 1
    ranks = _ranks(number, count)
    nodes = [*range(count), *(place for place in number if place >= count)]
    ready = [(ranks[node], node) for node in nodes if not waiting[node]]
    heapify(ready)
    order = []
    while ready:
        here = heappop(ready)[1]
        order.append(here)
        for node in after[here]:
            waiting[node] -= 1
            if not waiting[node]:
                heappush(ready, (ranks[node], node))
    sides = [("b", node) if node < count else ("a", node - count) for node in order]
    if len(order) == len(nodes):
        return sides, []
    return sides, [i for i, node in enumerate(number) if node < count and waiting[node]]


def _ranks(number: list[int], count: int) -> list[int]:
    """Where each would like to stand: what only a has after the matched box before it there, and before what b has next."""
    size = len(number) + 1
    ranks = [j * size for j in range(count)] + [0] * len(number)
    last = -1
    for i, node in enumerate(number):
        if node < count:
            last = node
        else:
            ranks[node] = last * size + i + 1
    return ranks


def _all_groups(a: GraphData, b: GraphData) -> tuple[list[Group], list[int], list[int]]:
    """The groups of both, each once, and the places of those of a and of b among them."""
    places: list[list[int]] = []
    groups: list[Group] = []
    known: dict[Path, int] = {}
    for graph in (b, a):
        own: list[int] = []
        for group in graph.groups:
            key = (group.path, group.call)
            if key not in known:
                known[key] = len(groups)
                parent = None if group.parent is None else own[group.parent]
                groups.append(replace(group, number=len(groups), parent=parent))
            own.append(known[key])
        places.append(own)
    return groups, places[1], places[0]


def _all_edges(a: GraphData, b: GraphData, numbers: dict[tuple[str, int], int]) -> list[Edge]:
    ours, theirs = ({_ends(edge, side, numbers): edge for edge in graph.edges} for side, graph in (("a", a), ("b", b)))
    edges = []
    for ends, edge in {**ours, **theirs}.items():
        marks = () if ends in ours and ends in theirs else ("added",) if ends in theirs else ("removed",)
        edges.append(replace(edge, source=ends[0], target=ends[1], marks=(*edge.marks, *marks)))
    return sorted(edges, key=lambda edge: (edge.target, edge.slot, edge.source))


def _ends(edge: Edge, side: str, numbers: dict[tuple[str, int], int]) -> tuple[int, int, int]:
    return numbers[side, edge.source], numbers[side, edge.target], edge.slot


def _title(a: GraphData, b: GraphData) -> str:
    titles: Iterable[Any] = dict.fromkeys(title for title in (a.title, b.title) if title)
    return " and ".join(titles)
