"""Pictures of random programs over the registry: every value once, every edge, folded and unfolded, twice the same."""

import json
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import autograd as ag
from autograd import Tensor
from autograd.graph import ancestors
from autograd.testing.programs import programs
from autograd.viz import Picture
from autograd.viz.collect import from_tensor
from autograd.viz.dot import to_digraph
from autograd.viz.model import GraphData
from autograd.viz.programs import from_program
from autograd.viz.view import Options, View
from autograd.viz.watch import watch

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of NumPy's: a program may take the mean of nothing

EVERYTHING = Options(limit=10_000, depth=99)
SLOW = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def held(graph: GraphData) -> None:
    """What holds for the picture of any graph."""
    graph.check()
    assert repr(GraphData.from_json(json.loads(json.dumps(graph.to_json(), allow_nan=False)))) == repr(graph)
    view = View.of(graph, EVERYTHING)
    items, links, levels = [], [], [view.level]
    while levels:
        level = levels.pop()
        items += level.items
        links += level.links
        levels += [item.inner for item in level.items if item.inner is not None]
    boxes = [item.number for item in items if item.kind == "box"]
    chips = {item.number for item in items if item.kind == "chip"}
    assert sorted({*boxes, *chips}) == list(range(len(graph.boxes)))
    assert len(boxes) == len(set(boxes))
    assert {edge for link in links for edge in link.edges} == set(range(len(graph.edges)))
    picture = Picture(graph, EVERYTHING)
    for write in (picture.text, picture.svg, lambda: to_digraph(graph, EVERYTHING).source):
        assert write() == write()
    ElementTree.fromstring(picture.svg())


def total(out: Any) -> Any:
    """A number of whatever a program returns."""
    return (out * np.arange(1.0, out.size + 1).reshape(out.shape)).sum() if out.size else None


@pytest.mark.slow
@SLOW
@given(programs())
def test_a_program_in_all_ways_that_it_can_be_seen(program):
    inputs = [Tensor(x) for x in program.inputs]
    with watch() as seen:
        out = program.run(*inputs)
    held(seen.graph)
    if not isinstance(out, Tensor):
        return
    if out.node is not None:
        graph = from_tensor(out)
        held(graph)
        nodes = ancestors(out.node)
        assert sum(box.kind != "constant" for box in graph.boxes) == len(nodes)
        parents = sum(parent is not None for node in nodes for parent in node.parents)
        assert sum(graph.boxes[edge.source].kind != "constant" for edge in graph.edges) == parents


@pytest.mark.slow
@SLOW
@given(programs())
def test_a_recorded_program(program):
    _, recorded = ag.record(program.run, *program.inputs)
    held(from_program(recorded))
    graph = from_program(recorded, *program.inputs)
    held(graph)
    assert sum(box.kind == "op" for box in graph.boxes) == sum(len(step.outputs) for step in recorded)


@pytest.mark.slow
@SLOW
@given(programs())
def test_a_watch_changes_no_number(program):
    found = []
    for watched in (False, True):
        inputs = [Tensor(x) for x in program.inputs]
        with watch() if watched else ag.enable_grad():
            out = program.run(*inputs)
            number = total(out) if isinstance(out, Tensor) else None
            if number is not None and number.node is not None:
                number.backward()
        found.append([None if x.grad is None else x.grad.numpy().tobytes() for x in inputs])
    assert found[0] == found[1]
