"""Where everything stands: nothing overlaps, lines go from border to border along the direction, size does no harm."""

import itertools

import pytest

from autograd.viz import layout
from autograd.viz.layout import HEAD, PAD, path, place
from autograd.viz.model import Box, Edge, GraphData, Group
from autograd.viz.view import Item, Level, View
from tests.viz.test_view import SEEDS, all_groups, chain, every_level, some_graph

DIRECTIONS = ["down", "right"]


def placed(graph: GraphData, direction: str = "down", **how: object) -> View:
    """The view of a graph with coordinates."""
    view = View(graph, **how)  # type: ignore[arg-type]
    place(view.level, direction)
    return view


def overlap(a: Item, b: Item) -> bool:
    """Whether two items of a level have a point in common."""
    across = a.x < b.x + b.width and b.x < a.x + a.width
    return across and a.y < b.y + b.height and b.y < a.y + a.height


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("seed", SEEDS)
def test_items_stand_apart_and_inside(seed: int, direction: str) -> None:
    """Of each level: no two overlap, all are within it, and open groups are wide enough for what is in them."""
    graph = some_graph(seed)
    for level in every_level(placed(graph, direction, opened=all_groups(graph)).level):
        for a, b in itertools.combinations(level.items, 2):
            assert not overlap(a, b), (a.key, b.key)
        for item in level.items:
            assert 0 <= item.x <= item.x + item.width <= level.width
            assert 0 <= item.y <= item.y + item.height <= level.height
            assert item.x == int(item.x)
            if item.inner is not None:
                assert item.inner.x >= PAD
                assert item.inner.y == HEAD
                assert item.width >= item.inner.width + 2 * PAD
                assert item.height == item.inner.height + HEAD + PAD


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("seed", SEEDS)
def test_lines_go_from_border_to_border_along_the_direction(seed: int, direction: str) -> None:
    """From the far border of the source to the near border of the target, never against the direction on the way.

    Only links that say so in `back` go the other way round, and there are such only where items form a circle.
    """
    graph = some_graph(seed)
    for level in every_level(placed(graph, direction, opened=all_groups(graph)).level):
        items = {item.key: item for item in level.items}
        for link in level.links:
            points = link.points[::-1] if link.back else link.points
            upper, lower = items[link.source], items[link.target]
            if link.back:
                upper, lower = lower, upper
                assert reaches(level, link.target, link.source)
            along = 1 if direction == "down" else 0
            depths = [point[along] for point in points]
            assert depths == sorted(depths)
            if direction == "down":
                assert depths[0] == upper.y + upper.height
                assert depths[-1] == lower.y
                assert upper.x <= points[0][0] <= upper.x + upper.width
                assert lower.x <= points[-1][0] <= lower.x + lower.width
            else:
                assert depths[0] == upper.x + upper.width
                assert depths[-1] == lower.x
            assert depths[0] < depths[-1]


def reaches(level: Level, start: str, end: str) -> bool:
    """Whether links lead from one item to another."""
    found = [start]
    for key in found:
        found.extend(link.target for link in level.links if link.source == key and link.target not in found)
    return end in found


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("seed", SEEDS)
def test_ports_stand_at_the_border_where_lines_arrive(seed: int, direction: str) -> None:
    """What enters stands at the near border and what leaves at the far one; a line outside meets the middle of its port."""
    graph = some_graph(seed)
    for level in every_level(placed(graph, direction, opened=all_groups(graph)).level):
        items = {item.key: item for item in level.items}
        for item in level.items:
            if item.kind == "port":
                near = item.y if direction == "down" else item.x
                far = level.height - item.y - item.height if direction == "down" else level.width - item.x - item.width
                assert (near == 0) if item.enters else (0 <= far <= 1)
        for link in level.links:
            for key, point in ((link.source, link.points[0]), (link.target, link.points[-1])):
                inner = items[key].inner
                if inner is not None:
                    port = next(port for port in inner.items if port.key == f"p{items[key].number}.{link.value}")
                    middle = (
                        items[key].x + inner.x + port.x + port.width / 2,
                        items[key].y + inner.y + port.y + port.height / 2,
                    )
                    across = 0 if direction == "down" else 1
                    assert point[across] == middle[across]


@pytest.mark.slow
def test_lines_do_not_run_through_boxes() -> None:
    """In the ranks that a long link passes, its straight pieces keep clear of all boxes."""
    for seed in SEEDS:
        level = placed(some_graph(seed)).level
        for link in level.links:
            for (x, top), (u, bottom) in itertools.pairwise(link.points):
                if x != u:
                    continue
                for item in level.items:
                    if item.key not in (link.source, link.target) and item.x < x < item.x + item.width:
                        assert bottom <= item.y or item.y + item.height <= top, (seed, link, item)


def test_a_residual_stream_is_straight() -> None:
    """x -> norm -> linear -> add, and x -> add past them, four times: all adds stand under one another."""
    graph = GraphData([Box(0, "tanh", name="x")])
    for _ in range(4):
        stream, n = len(graph.boxes) - 1, len(graph.boxes)
        graph.boxes.extend(Box(n + i, op, shape=(16, 64, 128)) for i, op in enumerate(("layer_norm", "linear", "add")))
        graph.edges.extend([Edge(stream, n), Edge(n, n + 1), Edge(stream, n + 2, 0), Edge(n + 1, n + 2, 1)])
    level = placed(graph).level
    past = [
        link for link in level.links if graph.boxes[int(link.target[1:])].op == "add" and graph.edges[link.edges[0]].slot == 0
    ]
    assert len(past) == 4
    assert len({x for link in past for x, _ in link.points}) == 1


def test_long_links_from_one_place_share_their_way() -> None:
    """A hub that is no chip: 1,000 boxes, of which 300 read the first, take as many passing points as there are ranks."""
    graph = chain(1000)
    graph.boxes[0].kind, graph.boxes[0].op = "op", "tanh"
    graph.edges.extend(Edge(0, i, 1) for i in range(3, 1000, 3))
    level = placed(graph, limit=10_000).level
    columns = {x for link in level.links for x, _ in link.points}
    assert len(columns) < 10
    assert level.width < 400


def test_too_many_passing_points_go_straight(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond a number of passing points the longest links are drawn without any; all are drawn."""
    monkeypatch.setattr(layout, "TRUNKS", 100)
    graph = chain(60)
    graph.edges.extend(Edge(i, 59, i) for i in range(1, 50))
    level = placed(graph, limit=100).level
    assert sum(len(link.points) for link in level.links) < 1000
    assert all(len(link.points) >= 2 for link in level.links)


def test_a_circle_is_told() -> None:
    """A module that is left and entered again: one of the two lines runs back, and says so."""
    graph = GraphData(
        [Box(0, "tanh", group=0), Box(1, "exp"), Box(2, "add", group=0)], [Edge(0, 1), Edge(1, 2)], [Group(0, "m", "M")]
    )
    view = placed(graph, depth=0)
    assert [(link.source, link.target, link.back) for link in view.level.links] == [("g0", "b1", False), ("b1", "g0", True)]
    out, back = view.level.links
    assert out.points[0][1] < out.points[-1][1]
    assert back.points[0][1] > back.points[-1][1]


@pytest.mark.slow
def test_a_long_chain_does_not_recurse() -> None:
    """20,000 boxes in one level, each under the one before."""
    items = placed(chain(20_000), limit=10**6).level.items
    assert all(a.y + a.height < b.y for a, b in itertools.pairwise(items))
    assert len({item.x + item.width / 2 for item in items}) == 1


def test_nothing_to_draw() -> None:
    """An empty graph is a level without size."""
    level = placed(GraphData()).level
    assert (level.width, level.height, level.items) == (0, 0, [])


def test_what_hangs_on_nothing_is_packed() -> None:
    """A hundred boxes without a line make about a square, not a row."""
    level = placed(GraphData([Box(i, "", "parameter", f"w{i}", shape=(3,)) for i in range(100)])).level
    assert 0.4 < level.width / level.height < 2.5


def test_path() -> None:
    """Straight where it is, curved elsewhere, in both directions."""
    points = [(0.0, 0.0), (0.0, 8.0), (10.5, 20.0)]
    assert path(points) == "M0,0V8C0,14 10.5,14 10.5,20"
    assert path([(y, x) for x, y in points], "right") == "M0,0H8C14,0 14,10.5 20,10.5"
