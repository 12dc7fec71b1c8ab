"""Two graphs compared: examples, and properties over random graphs and random changes of them."""

import random
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd import Tensor, relu
from autograd.viz.collect import from_tensor
from autograd.viz.compare import MARKS, changes, common, compare, match
from autograd.viz.model import Box, Edge, GraphData, Group, Stats

OPS = ["add", "matmul", "tanh", "sum"]


def random_graph(seed: int, size: int = 40, groups: int = 4) -> GraphData:
    rng = random.Random(seed)
    graph = GraphData(title=f"random {seed}")
    for i in range(groups):
        graph.groups.append(Group(i, f"m{i}", "Linear", rng.choice([None, *range(i)]) if i else None, rng.choice([1, 1, 2])))
    for i in range(size):
        kind = rng.choice(["op"] * 6 + ["parameter", "constant"]) if i else "input"
        box = Box(i, rng.choice(OPS) if kind == "op" else "", kind, "" if kind == "op" else f"{kind}{i}", value=float(i))
        box.group, box.shape = rng.choice([None, *range(groups)]), (rng.choice([1, 3]),)
        graph.boxes.append(box)
        if kind == "op":
            graph.edges += [Edge(rng.randrange(i), i, slot) for slot in range(rng.randint(1, 2))]
    graph.check()
    return graph


def changed(graph: GraphData, seed: int) -> GraphData:
    """A graph with some boxes gone, some new, some of another op, shape or value."""
    rng = random.Random(seed)
    new = GraphData(groups=graph.groups)
    places: dict[int, int] = {}
    for box in graph.boxes:
        fate = rng.random()
        if fate < 0.1 and box.number:
            continue
        places[box.number] = len(new.boxes)
        new.boxes.append(replace(box, number=len(new.boxes)))
        if 0.1 <= fate < 0.2:
            new.boxes[-1].shape = (7,)
        elif 0.2 <= fate < 0.3:
            new.boxes[-1].value = -1.0
        elif 0.3 <= fate < 0.4 and box.kind == "op":
            new.boxes[-1].op = rng.choice(OPS)
        if fate > 0.9:
            new.boxes.append(Box(len(new.boxes), "exp", group=box.group))
            new.edges.append(Edge(places[box.number], len(new.boxes) - 1))
    new.edges += [
        replace(edge, source=places[edge.source], target=places[edge.target])
        for edge in graph.edges
        if edge.source in places and edge.target in places
    ]
    new.check()
    return new


def counts(graph: GraphData) -> Counter:
    return Counter(mark for part in (*graph.boxes, *graph.edges) for mark in part.marks)


SEEDS = st.tuples(st.integers(0, 99), st.integers(0, 99), st.booleans())


def pair_of(seed: int, other: int, related: bool) -> tuple[GraphData, GraphData]:
    """Two graphs, of which the second is made from the first or has nothing to do with it."""
    return random_graph(seed), changed(random_graph(seed), other) if related else random_graph(other)


@pytest.mark.slow
@given(st.integers(0, 10_000))
def test_a_graph_is_the_same_as_itself(seed):
    graph = random_graph(seed)
    union = compare(graph, random_graph(seed))
    assert counts(union) == Counter()
    assert union.notes == ["Compared: all 40 values are the same."]
    assert [replace(box, number=0, group=None) for box in union.boxes] == [
        replace(box, number=0, group=None) for box in graph.boxes
    ]


@pytest.mark.slow
@given(SEEDS)
def test_every_box_and_every_edge_is_accounted_for(seeds):
    a, b = pair_of(*seeds)
    union = compare(a, b)
    union.check()
    total = counts(union)
    added, removed = (sum(mark in box.marks for box in union.boxes) for mark in ("added", "removed"))
    assert len(union.boxes) - added == len(a.boxes)
    assert len(union.boxes) - removed == len(b.boxes)
    new, old = (sum(mark in edge.marks for edge in union.edges) for mark in ("added", "removed"))
    assert len(union.edges) - new == len({(e.source, e.target, e.slot) for e in a.edges})
    assert len(union.edges) - old == len({(e.source, e.target, e.slot) for e in b.edges})
    assert set(total) <= set(MARKS)
    for side, mark in ((a, "added"), (b, "removed")):
        words = Counter((box.op, box.kind) for box in union.boxes if mark not in box.marks)
        assert words == Counter((box.op, box.kind) for box in side.boxes)


@pytest.mark.slow
@given(SEEDS)
def test_the_other_way_round_added_is_removed(seeds):
    a, b = pair_of(*seeds)
    there, back = counts(compare(a, b)), counts(compare(b, a))
    exchanged = {"added": "removed", "removed": "added"}
    assert there == Counter({exchanged.get(mark, mark): count for mark, count in back.items()})


@pytest.mark.slow
@given(SEEDS)
def test_matched_boxes_are_of_one_kind_and_module(seeds):
    a, b = pair_of(*seeds)
    pairs = match(a, b)
    assert len(set(pairs.values())) == len(pairs)
    for i, j in pairs.items():
        x, y = a.boxes[i], b.boxes[j]
        assert (x.op, x.kind, x.group is None) == (y.op, y.kind, y.group is None)
        assert x.group is None or a.groups[x.group].path == b.groups[y.group].path


@given(st.lists(st.integers(0, 4), max_size=12), st.lists(st.integers(0, 4), max_size=12))
def test_what_is_common_ascends_and_is_equal(a, b):
    found = common(a, b)
    assert all(a[i] == b[j] for i, j in found)
    assert all(m[0] < n[0] and m[1] < n[1] for m, n in pairwise(found))
    assert len(common(a, a)) == len(a)


# --- examples --------------------------------------------------------------------------------------------------------------


def network(activation, width=3, extra=False, scale=1.0) -> GraphData:
    x, w = Tensor(np.ones((2, 4))), Tensor(np.full((4, width), 0.5))
    y = activation(x @ w)
    if extra:
        y = y * 2.0
    loss = (y * scale).sum()
    loss.backward(retain_graph=True)
    return from_tensor(loss, [("x", x), ("w", w)])


def told(union: GraphData) -> dict[str, tuple[str, ...]]:
    return {box.title: box.marks for box in union.boxes if box.marks}


def test_another_activation():
    union = compare(network(np.tanh), network(relu))
    assert told(union)["tanh"] == ("removed",)
    assert told(union)["relu"] == ("added",)
    assert union.notes[-1].startswith("Compared: 1 added, 1 removed, ")


def test_an_op_more():
    union = compare(network(np.tanh), network(np.tanh, extra=True))
    assert Counter(mark for box in union.boxes for mark in box.marks)["added"] == 2  # the product, and its constant
    assert "removed" not in {mark for box in union.boxes for mark in box.marks}
    assert [box.title for box in union.boxes if "added" in box.marks] == ["constant", "multiply"]


def test_another_shape():
    marks = told(compare(network(np.tanh), network(np.tanh, width=5)))
    assert "changed shape" in marks["w"]
    assert {"added", "removed"}.isdisjoint(mark for each in marks.values() for mark in each)


def test_another_scale_changes_values_and_gradients():
    marks = told(compare(network(np.tanh), network(np.tanh, scale=3.0)))
    assert marks["sum"] == ("changed value",)
    assert "changed gradient" in marks["w"]
    assert "changed value" not in marks["w"]


def test_a_connection_that_goes_elsewhere():
    boxes = [Box(0, kind="input", name="x"), Box(1, kind="input", name="w"), Box(2, "tanh")]
    union = compare(GraphData(boxes, [Edge(0, 2)]), GraphData(boxes, [Edge(1, 2)]))
    assert [(edge.source, edge.marks) for edge in union.edges] == [(0, ("removed",)), (1, ("added",))]
    assert union.notes == ["Compared: 1 connection added, 1 connection removed; 3 the same."]


def test_a_module_that_only_one_has():
    a = GraphData([Box(0, "tanh", group=0)], [], [Group(0, "head", "Linear", None)])
    b = GraphData([Box(0, "tanh", group=1)], [], [Group(0, "body", "Block", None), Group(1, "body.0", "Linear", 0)])
    union = compare(a, b)
    union.check()
    assert [(union.groups[box.group].path, box.marks) for box in union.boxes] == [
        ("head", ("removed",)),
        ("body.0", ("added",)),
    ]


def test_contrary_orders_make_no_ring():
    groups = [Group(0, "m", "Linear", None), Group(1, "n", "Linear", None)]
    a = GraphData([Box(0, "exp", group=0), Box(1, "log", group=1)], [Edge(0, 1)], groups)
    b = GraphData([Box(0, "log", group=1), Box(1, "exp", group=0)], [Edge(0, 1)], groups)
    for union in (compare(a, b), compare(b, a)):
        union.check()
        assert len(union.boxes) == 3


@pytest.mark.parametrize(
    ("a", "b", "marks"),
    [
        (Box(0, value=1.0), Box(0, value=1.0 + 1e-9), ()),
        (Box(0, value=1.0), Box(0, value=1.1), ("changed value",)),
        (Box(0, value=float("nan")), Box(0, value=float("nan")), ()),
        (Box(0, value=float("inf")), Box(0, value=1.0), ("changed value",)),
        (Box(0, value=1.0), Box(0), ()),
        (Box(0, dtype="float32", gradient=1.0), Box(0, dtype="float64", gradient=2.0), ("changed dtype", "changed gradient")),
        (Box(0, values=Stats.of(np.arange(4.0))), Box(0, values=Stats.of(np.arange(4.0) + 1e-9)), ()),
        (Box(0, values=Stats.of(np.arange(4.0))), Box(0, values=Stats.of(np.array([0, 1, 2, np.nan]))), ("changed value",)),
        (Box(0, values=Stats.of(np.array([np.nan]))), Box(0, values=Stats.of(np.array([np.nan]))), ()),
    ],
)
def test_what_counts_as_a_change(a, b, marks):
    assert changes(a, b) == marks


@pytest.mark.slow
def test_long_graphs_take_few_steps():
    size = 20_000
    a = GraphData([Box(i, OPS[i % 4] if i else "", "op" if i else "input") for i in range(size)])
    a.edges = [Edge(i, i + 1) for i in range(size - 1)]
    b = GraphData([replace(box) for box in a.boxes], a.edges)
    for place in range(10, size, 40):
        b.boxes[place].op = "exp"
    union = compare(a, b)
    assert counts(union)["added"] >= size // 40
    assert len(union.boxes) <= size + 3 * (size // 40)
