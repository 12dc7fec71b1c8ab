"""The tree for terminals: golden files, and for any graph: every value told once, in plain lines, the same each time."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd.viz.arrows import arrows, ends
from autograd.viz.model import Box, Edge, GraphData
from autograd.viz.text import DEEPEST, to_text, width
from autograd.viz.view import Options, View
from tests.viz.drawn import chain, expression, failed, network, wild

GOLDEN = Path(__file__).with_name("golden")
ALL = Options(limit=10_000, depth=99)


@pytest.mark.parametrize(
    ("name", "graph", "options"),
    [
        ("expression", expression(), Options()),
        ("expression_bare", expression(), Options(values=False, gradients=False, title="Only the ops")),
        ("network_folded", network(), Options(depth=1)),
        ("network_open", network(), Options()),
        ("network_hidden", network(), Options(hide=("parameter", "tanh"))),
        ("failed", failed(), Options()),
    ],
)
def test_golden(name, graph, options):
    assert to_text(graph, options) + "\n" == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


def told(text):
    """The lines that tell a value, without those that only name it."""
    return [line for line in text.splitlines() if not re.search(r"\^ .* above|, below$", line)]


@pytest.mark.slow
@given(st.integers(0, 10_000))
def test_every_value_once(seed):
    graph = wild(seed)
    for i, box in enumerate(graph.boxes):
        box.name, box.op, box.error, box.marks = f"value{i}", "op" if box.kind == "op" else "", None, ()
    graph.title = ""
    names = re.findall(r"\bvalue\d+\b", "\n".join(told(to_text(graph, ALL))))
    chips = {item.number for item in ends(View.of(graph, ALL)).values() if item.kind == "chip"}
    once = [name for name in names if int(name.removeprefix("value")) not in chips]
    assert sorted(once) == sorted(f"value{i}" for i in range(len(graph.boxes)) if i not in chips)
    assert {int(name.removeprefix("value")) for name in names} >= chips


@pytest.mark.slow
@given(st.integers(0, 10_000))
def test_every_edge_leads_from_end_to_end(seed):
    graph = wild(seed)
    view = View.of(graph, ALL)
    items = ends(view)
    found = []
    for arrow in arrows(view):
        for edge in arrow.edges:
            found.append(edge)
            assert (items[arrow.source].number, items[arrow.target].number) == (
                graph.edges[edge].source,
                graph.edges[edge].target,
            )
    assert sorted(found) == list(range(len(graph.edges)))


@pytest.mark.slow
@given(st.integers(0, 10_000), st.integers(0, 3))
def test_arrows_of_folded_modules_end_in_what_holds_the_values(seed, depth):
    graph = wild(seed)
    view = View.of(graph, Options(depth=depth))
    items = ends(view)

    def holds(item, box):
        if item.kind != "folded":
            return item.number == box
        group = graph.boxes[box].group
        while group is not None and group != item.number:
            group = graph.groups[group].parent
        return group == item.number

    for arrow in arrows(view):
        for edge in (graph.edges[number] for number in arrow.edges):
            assert holds(items[arrow.source], edge.source)
            assert holds(items[arrow.target], edge.target)


@pytest.mark.slow
@given(st.integers(0, 10_000), st.sampled_from(["down", "right"]), st.sampled_from([None, 0, 1, 2]))
def test_deterministic_in_lines_that_a_terminal_shows(seed, direction, depth):
    options = Options(direction=direction, depth=depth)
    text = to_text(wild(seed), options)
    assert text == to_text(wild(seed), options) == to_text(GraphData.from_json(wild(seed).to_json()), options)
    assert not [letter for letter in text if letter != "\n" and (ord(letter) < 32 or 127 <= ord(letter) < 160)]
    text.encode("utf-8")
    assert to_text(wild(seed), options, ascii=True).isascii()


def test_a_shared_value_is_told_once_and_named_where_it_is_met_again():
    boxes = [Box(0, "", "input", "x"), Box(1, "exp", name="e"), Box(2, "tanh"), Box(3, "add", is_output=True)]
    text = to_text(GraphData(boxes, [Edge(0, 1), Edge(1, 2), Edge(2, 3, 0), Edge(1, 3, 1)]))
    assert text.splitlines() == ["add", "├─ tanh", "│  ← e = exp", "│  ← x", "└─ ^ e above"]


def test_one_of_several_with_a_name_is_told_apart_by_a_number():
    boxes = [Box(0, "", "input", "x"), Box(1, "tanh"), Box(2, "tanh"), Box(3, "add", is_output=True)]
    text = to_text(GraphData(boxes, [Edge(0, 1), Edge(1, 2), Edge(2, 3, 0), Edge(1, 3, 1)]))
    assert text.splitlines() == ["add", "├─ tanh", "│  ← tanh #1", "│  ← x", "└─ ^ tanh #1 above"]


def test_inputs_stand_in_the_order_of_their_slots():
    boxes = [Box(0, "", "input", "x"), Box(1, "", "input", "w"), Box(2, "subtract")]
    assert to_text(GraphData(boxes, [Edge(0, 2, 1), Edge(1, 2, 0)])).splitlines() == ["subtract", "├─ w", "└─ x"]


def test_a_chain_keeps_its_margin_and_a_deep_tree_goes_on_in_another():
    assert max(map(len, to_text(chain(140), ALL).splitlines())) < 40
    deep = chain(100)
    for i in range(1, 99):  # every op reads a value of its own too
        deep.boxes.append(Box(len(deep.boxes), "", "constant", f"c{i}"))
    n = len(deep.boxes)
    boxes = [deep.boxes[i] for i in (*range(100, n), *range(100))]
    for number, box in enumerate(boxes):
        box.number = number
    edges = [Edge(edge.source + n - 100, edge.target + n - 100) for edge in deep.edges]
    edges += [Edge(i, i + n - 99, 1) for i in range(n - 100)]
    lines = to_text(GraphData(boxes, edges), ALL).splitlines()
    assert max(line.count("│") for line in lines) <= DEEPEST
    assert any(line.endswith(", below") for line in lines)
    assert len(told("\n".join(lines))) == n


@pytest.mark.slow
def test_a_hundred_thousand_values_are_summed_up():
    lines = to_text(chain(100_000)).splitlines()
    assert len(lines) < 160
    assert "of 100,000 values" in lines[-1]


def test_letters_of_two_places_keep_the_columns():
    boxes = [Box(0, "", "input", "長さ", value=1.0), Box(1, "tanh", value=2.0)]
    first, second = to_text(GraphData(boxes, [Edge(0, 1)])).splitlines()
    assert width(first.partition("value")[0]) == width(second.partition("value")[0])


def test_nothing():
    assert to_text(GraphData()) == "nothing to show"
