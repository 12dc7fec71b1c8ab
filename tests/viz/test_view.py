"""What is visible of a graph: nothing is lost or shown twice, folding is undone by opening, and long lists never fill a level.

`some_graph` makes the random graphs that the tests of layout and SVG look at too.
"""

import random
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pytest

from autograd.viz.model import Box, Edge, GraphData, Group, Stats
from autograd.viz.view import FAN, Item, Level, Options, View, box_lines, clean, number_text, shape_text, shorten, text_width

SEEDS = range(40)
NAMES = [
    "",
    "x",
    "m1.weight",
    "m2.weight.a",
    "a longer name than fits in one line of a box",
    "ж\n<b>",
    "重み",
    "é\x00\u202e",
    "\U0001f600 ok",
]
MARKS = [
    *((), (), (), ("failed", "clash: axis 1"), ("reached",), ("origin",), ("clash: axis -1",), ("added",)),
    ("gradient origin", "gradient reached"),
]


def some_graph(seed: int, sizes: tuple[int, ...] = (1, 7, 60, 60, 250)) -> GraphData:
    """A graph of any form: values read often and never, groups that are left and entered again, nan, marks."""
    r = random.Random(seed)
    graph = GraphData(title=f"{seed}")
    for i in range(r.choice([0, 3, 12])):
        path, kind = f"m{i}" + r.choice(["", ".weight"]), r.choice(["Linear", '<Odd & "kind">', ""])
        graph.groups.append(Group(i, path, kind, r.choice([None, *range(i)]), r.choice([1, 1, 2]), r.choice([0, 12345])))
    around: list[int | None] = [None, *range(len(graph.groups))]
    group = None
    for i in range(r.choice(sizes)):
        group = r.choice(around) if r.random() < 0.3 else group
        kind: Any = r.choice(["op"] * 6 + ["parameter", "constant", "buffer", "input"]) if i else "input"
        box = Box(i, r.choice(["add", "matmul", "tanh"]) if kind == "op" else "", kind, r.choice(NAMES), group)
        box.shape = tuple(r.choices([1, 3, 128], k=r.choice([0, 1, 2, 9])))
        box.dtype, box.marks = r.choice(["", "float32"]), r.choice(MARKS)
        box.value = r.choice([None, None, r.gauss(0, 1), float("nan")])
        box.gradient = r.choice([None, None, r.gauss(0, 1e-7), 1e200])
        box.gradients = r.choice([None, Stats.of([r.gauss(0, 1), 2.0]), Stats.of([float("inf"), float("nan"), 1.0])])
        box.seconds, box.nbytes = r.choice([None, r.random()]), r.randrange(2**40)
        box.error = "says <why>" if r.random() < 0.01 else None
        graph.boxes.append(box)
        if kind == "op":
            reach = r.choice([3, 30, i])
            for slot in range(r.randint(1, 3)):
                graph.edges.append(Edge(r.choice([0, r.randrange(max(0, i - reach), i)]), i, slot))
    graph.check()
    return graph


def every_level(level: Level) -> Iterator[Level]:
    """The level and all inside it."""
    waiting = [level]
    while waiting:
        one = waiting.pop()
        yield one
        waiting.extend(item.inner for item in one.items if item.inner is not None)


def every_item(view: View) -> list[Item]:
    """The items of all levels."""
    return [item for level in every_level(view.level) for item in level.items]


def all_groups(graph: GraphData, limit: int = 150) -> range:
    """Numbers of all groups of a graph, the runs that a view makes included."""
    return range(len(View(graph, limit=limit).tree.parent))


# ------------------------------------------------------------------------------------------------------- nothing is lost


@pytest.mark.parametrize("seed", SEEDS)
def test_all_open_shows_every_box_once_and_every_edge(seed: int) -> None:
    """Chips aside, which stand at each use; and every edge arrives at the item of its target."""
    graph = some_graph(seed)
    view = View(graph, opened=all_groups(graph))
    items = every_item(view)
    shown = [item.number for item in items if item.kind == "box"]
    chips = {item.number for item in items if item.kind == "chip"}
    assert len(shown) == len(set(shown)) == view.shown
    assert len({item.key for item in items}) == len(items)
    assert set(shown) | chips == set(range(len(graph.boxes)))
    assert not set(shown) & chips
    arrived = [
        edge for level in every_level(view.level) for link in level.links for edge in link.edges if link.target[0] == "b"
    ]
    assert sorted(arrived) == list(range(len(graph.edges)))
    uses = [sum(edge.source == box.number for edge in graph.edges) for box in graph.boxes]
    assert chips == {box.number for box in graph.boxes if box.kind != "op" and uses[box.number] >= FAN}


@pytest.mark.parametrize("seed", SEEDS)
def test_every_edge_can_be_followed(seed: int) -> None:
    """Whatever is folded: the links of an edge lead from the item of its source, through ports, to that of its target."""
    graph = some_graph(seed)
    r = random.Random(seed)
    groups = all_groups(graph, 20)
    view = View(graph, opened=r.sample(groups, len(groups) // 2), limit=20)
    steps: dict[int, dict[str, str]] = {edge: {} for edge in range(len(graph.edges))}
    for level in every_level(view.level):
        keys = {item.key for item in level.items}
        for link in level.links:
            assert {link.source, link.target} <= keys
            for edge in link.edges:
                assert link.source not in steps[edge]
                steps[edge][link.source] = link.target
    for number, edge in enumerate(graph.edges):
        start, finish = item_for(view, edge.source), item_for(view, edge.target)
        at, left = start, dict(steps[number])
        if view.tree.chip[edge.source] and start != finish:
            at = next(key for key in left if key.startswith(f"c{edge.source}."))
        while at != finish:
            at = left.pop(at)
            inside = f"{at[1:]}.{edge.source}"  # through the border of an open group, to the port of the value
            if at[0] == "g" and f"p{inside}" in left:
                at = f"p{inside}"
            elif at[0] == "p" and at not in left:
                at = f"g{at[1:].split('.')[0]}"
        assert not left, (edge, steps[number])


def item_for(view: View, box: int) -> str:
    """The key of the box, or of the outermost group around it that is not open."""
    key, group = f"b{box}", view.tree.where[box]
    while group >= 0:
        if group not in view.opened:
            key = f"g{group}"
        group = view.tree.parent[group]
    return key


@pytest.mark.parametrize("seed", SEEDS[:15])
def test_fold_then_unfold_is_the_identity(seed: int) -> None:
    """For each open group: folding takes it away, opening it brings back what was there."""
    graph = some_graph(seed, (60,))
    before = View(graph, opened=all_groups(graph))
    for group in before.opened:
        folded = View(graph, opened=[other for other in before.opened if other != group])
        assert f"g{group}" in {item.key for item in every_item(folded) if item.kind == "folded"}
        again = View(graph, opened=[*folded.opened, *(g for g in before.opened if g not in folded.opened)])
        assert asdict(again.level) == asdict(before.level)


@pytest.mark.parametrize("seed", SEEDS)
def test_deterministic_with_unique_keys(seed: int) -> None:
    """Two views of a graph, and of the graph after a way through JSON, are the same; keys are unique in a picture."""
    graph = some_graph(seed)
    found = View(graph, limit=20)
    assert asdict(View(graph, limit=20).level) == asdict(found.level)
    assert asdict(View(GraphData.from_json(graph.to_json()), limit=20).level) == asdict(found.level)
    keys = [item.key for item in every_item(found)]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("seed", SEEDS)
def test_folded_groups_stand_for_all_the_rest(seed: int) -> None:
    """What is shown, what is in folded groups and what is a chip make up the graph; sums add up to those of the boxes."""
    graph = some_graph(seed)
    view = View(graph, depth=0)
    items = [item for item in every_item(view) if item.kind in ("box", "folded")]
    loose = {item.number for item in items if item.kind == "box"}
    chips = {box for box, chip in enumerate(view.tree.chip) if chip and view.tree.where[box] < 0}
    assert sum(item.boxes for item in items) + len(chips) == len(graph.boxes)
    assert sum(item.nbytes for item in items) + sum(graph.boxes[box].nbytes for box in chips) == sum(
        b.nbytes for b in graph.boxes
    )
    assert loose == {box.number for box in graph.boxes if box.group is None} - chips or graph.groups == []


# ------------------------------------------------------------------------------------------------------------------ size


@pytest.mark.slow
@pytest.mark.parametrize("n", [150, 151, 1000, 15_001, 100_000])
def test_long_lists_are_folded_in_runs(n: int) -> None:
    """A graph without groups shows at most 150 boxes, and says what they hold; opened to the end, each level does so too."""
    graph = chain(n)
    view = View(graph)
    assert view.shown == len([item for item in view.level.items if item.kind != "chip"]) <= 150
    assert (view.notes == []) == (n <= 150)
    if n > 150:
        assert f"of {n:,} values" in view.notes[0]
    if n < 100_000:
        opened = View(graph, depth=99)
        assert max(len(level.items) for level in every_level(opened.level)) <= 150 + 2  # with a port in and a port out
        assert opened.shown == n


def chain(n: int) -> GraphData:
    """x and then tanh of tanh of ..."""
    boxes = [
        Box(i, "tanh" if i else "", "op" if i else "input", "" if i else "x", shape=(8,), dtype="float64") for i in range(n)
    ]
    return GraphData(boxes, [Edge(i, i + 1) for i in range(n - 1)])


@pytest.mark.slow
def test_deep_groups() -> None:
    """Ten thousand groups in one another: nothing calls itself."""
    groups = [Group(i, "m" + ".m" * i, "Deep", i - 1 if i else None) for i in range(10_000)]
    graph = GraphData([Box(0, "", "input", "x"), Box(1, "tanh", group=9_999)], [Edge(0, 1)], groups)
    assert len(View(graph, depth=10_000).opened) == 10_000
    assert [item.kind for item in View(graph).level.items] == ["box", "open"]


def nested() -> GraphData:
    """A model of two blocks, each of a linear map and a tanh, on an input; a constant that all ops read."""
    groups = [
        Group(0, "", "Net"),
        Group(1, "0", "Block", 0),
        Group(2, "0.linear", "Linear", 1, 1, 6),
        Group(3, "1", "Block", 0),
    ]
    groups.append(Group(4, "1.linear", "Linear", 3, 1, 6))
    graph = GraphData([Box(0, "", "input", "x"), Box(1, "", "constant", "mask")], groups=groups)
    value = 0
    for block in (1, 3):
        weight = len(graph.boxes)
        graph.boxes.append(
            Box(weight, "", "parameter", f"{groups[block].path}.linear.weight", block + 1, shape=(2, 3), dtype="float32")
        )
        for op, group, inputs in (
            ("linear", block + 1, [value, weight, 1]),
            ("tanh", block, [weight + 1, 1]),
            ("add", block, [weight + 2, 1]),
        ):
            number = len(graph.boxes)
            graph.boxes.append(Box(number, op, group=group, shape=(2,), dtype="float32"))
            graph.edges.extend(Edge(source, number, slot) for slot, source in enumerate(inputs))
        value = weight + 3
    graph.check()
    return graph


# ------------------------------------------------------------------------------------------------------------- what is open


def test_depth_opens_from_outside() -> None:
    """No depth is as much as fits; 0, 1, 2 open so many levels."""
    graph = nested()
    assert View(graph, depth=0).opened == []
    assert View(graph, depth=1).opened == [0]
    assert View(graph, depth=2).opened == [0, 1, 3]
    assert View(graph).opened == [0, 1, 3, 2, 4]
    assert View(graph, limit=8).opened == [0]


def test_keys_lines_and_ports() -> None:
    """What the writers rely on: keys, the names inside a module, chips at each use, ports named after the value."""
    view = View(nested(), opened=[0, 1, 2])
    levels = {level.group: level for level in every_level(view.level)}
    assert [item.key for item in levels[None].items] == ["b0", "g0"]
    assert [item.key for item in levels[0].items] == ["p0.0", "g1", "c1.7.2", "g3"]
    assert [item.key for item in levels[1].items] == ["p1.0", "g2", "c1.4.1", "b4", "c1.5.1", "b5", "p1.5"]
    assert [item.key for item in levels[2].items] == ["p2.0", "b2", "c1.3.2", "b3", "p2.3"]
    assert levels[2].items[1].lines == ["weight", "2×3 float32"]
    assert [(link.source, link.target, link.value) for link in levels[None].links] == [("b0", "g0", 0)]
    assert [(link.source, link.target, link.value) for link in levels[0].links] == [
        ("p0.0", "g1", 0),
        ("g1", "g3", 5),
        ("c1.7.2", "g3", None),
    ]
    folded = next(item for item in levels[0].items if item.key == "g3")
    assert folded.lines == ["1", "Block", "3 ops · 6 parameters", "→ 2 float32"]
    assert folded.boxes == 4
    assert next(link for link in levels[0].links if link.source[0] == "c").edges == [9, 11, 13]


def test_a_fault_is_opened_first() -> None:
    """The groups around a box that failed are open although nothing else fits."""
    graph = nested()
    graph.boxes[7].marks = ("failed",)
    assert View(graph, limit=8).opened == [0]
    assert View(graph, limit=11).opened == [0, 1, 3]


# ----------------------------------------------------------------------------------------------------------------- hiding


@pytest.mark.parametrize(
    ("word", "left"),
    [("parameter", 8), ("tanh", 8), ("0.linear", 8), ("Linear", 6), ("constant", 9)],
)
def test_hide(word: str, left: int) -> None:
    """Kinds, ops, modules by path and by class; lines go around what is hidden."""
    view = View(nested(), depth=9, hide=[word])
    assert len({item.number for item in every_item(view) if item.kind in ("box", "chip")}) == left
    assert view.notes[0] == f"{10 - left} value{'s' if left != 9 else ''} left out."


def test_lines_go_around_what_is_hidden() -> None:
    """x -> tanh -> add without the tanh is x -> add, and the edge is the one into add."""
    graph = GraphData([Box(0, "", "input", "x"), Box(1, "tanh"), Box(2, "add")], [Edge(0, 1), Edge(1, 2)])
    links = View(graph, hide=["tanh"]).level.links
    assert [(link.source, link.target, link.edges) for link in links] == [("b0", "b2", [1])]


def test_wrong_words_are_told_with_the_right_ones() -> None:
    """Of options, and of what to hide."""
    with pytest.raises(ValueError, match=r"direction='up': expected one of 'down', 'TB', 'right', 'LR'"):
        Options(direction="up")
    with pytest.raises(ValueError, match=r"colour='grad': expected one of 'kind', 'gradient', 'time', 'memory'"):
        Options(colour="grad")
    with pytest.raises(ValueError, match=r"hide='relu': .* ops: add, linear, tanh; modules: 0, 0.linear, 1, 1.linear"):
        View(nested(), hide=["relu"])
    for wrong in ({"limit": None}, {"depth": "all"}):
        with pytest.raises(ValueError, match="expected a whole number"):
            Options(**wrong)
    with pytest.raises(ValueError, match="limit=1"):
        Options(limit=1)
    with pytest.raises(ValueError, match="depth=-1"):
        Options(depth=-1)
    assert Options(hide="tanh").hide == ("tanh",)


# ------------------------------------------------------------------------------------------------------------------- text


@pytest.mark.parametrize(
    ("x", "text"),
    [
        *((0.0, "0"), (-0.0, "0"), (-8.0, "-8"), (0.5, "0.5"), (1 / 3, "0.3333"), (1e-4, "0.0001"), (9.99951e-5, "0.0001")),
        *((123.456, "123.5"), (1234.56, "1235"), (99999.6, "100000"), (1e6, "1e6"), (-1.25e-9, "-1.25e-9")),
        *((1.0625, "1.063"), (float("-inf"), "-inf")),
    ],
)
def test_numbers(x: float, text: str) -> None:
    """Four digits, half rounded up as JavaScript does."""
    assert number_text(x) == text


def test_lines_of_a_box() -> None:
    """Value or shape, gradient, marks; what is not finite is told."""
    box = Box(3, "matmul", name="net.h", shape=(2, 3), dtype="float32", marks=("clash: axis -1",))
    box.gradients = Stats.of([3.0, 4.0, float("nan")])
    lines, styles = box_lines(box, values=True, gradients=True, path="net")
    assert lines == ["h = matmul", "2×[3] float32", "‖gradient‖ 5", "clash: axis -1", "1 nan in the gradient"]
    assert styles == ["title", "value", "gradient", "mark", "mark"]
    scalar = Box(0, "", "input", "a", dtype="float", value=2.0, gradient=-0.125)
    assert box_lines(scalar, values=True, gradients=True)[0] == ["a", "value 2", "gradient -0.125"]
    assert box_lines(scalar, values=False, gradients=False)[0] == ["a", "scalar float"]
    assert shape_text(Box(0, shape=(1,) * 9)) == "1×1×1×…×1×1×1"


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b", "a\u202eb", "a\ufffeb", "a\x7fb"])
def test_clean(text: str) -> None:
    """No line holds what XML cannot, or what turns the direction of writing."""
    assert clean(text) == "a·b"


def test_text_is_as_wide_as_said() -> None:
    """Longer texts are wider, in every style; letters of other scripts have a width too."""
    assert text_width("mm", "title") == 2 * text_width("m", "title") > text_width("ii", "title")
    assert text_width("重", "value") == 2 * text_width("m", "value")
    assert len(shorten("x" * 100, 30)) == 30


def test_parameters_of_a_module_that_is_called_often_count_once() -> None:
    groups = [Group(0, "", "Net", None, parameters=5)]
    for call in range(1, 201):
        groups.append(Group(len(groups), "cell", "Cell", 0, call, 7))
        groups.append(Group(len(groups), "cell.gate", "Linear", len(groups) - 1, 1, 11))
    boxes = [Box(i, "tanh", group=2 + 2 * i) for i in range(200)]
    graph = GraphData(boxes, [Edge(i, i + 1) for i in range(199)], groups)
    totals = View(graph, depth=0).tree.totals
    assert [totals[number].parameters for number in (0, 1, 2, 399)] == [23, 18, 11, 18]
    assert {total.parameters for total in totals[len(groups) :]} == {18}  # of runs
