"""DOT: golden files, every box and edge once, labels that say what they said; and `dot`, slow, missing and failing."""

import json
import os
import subprocess
import time
import warnings
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd.viz import dot
from autograd.viz.arrows import arrows, ends
from autograd.viz.dot import long_edges, plain, render, run, to_digraph
from autograd.viz.model import Box, GraphData, Group
from autograd.viz.picture import Picture
from autograd.viz.view import Options, View
from tests.viz.drawn import HOSTILE, chain, expression, failed, network, wild

GOLDEN = Path(__file__).with_name("golden")
ALL = Options(limit=10_000, depth=99)


@pytest.mark.parametrize(
    ("name", "graph", "options"),
    [
        ("expression", expression(), Options()),
        ("network_folded", network(), Options(depth=1, direction="right", colour="gradient")),
        ("network_open", network(), Options(gradients=False)),
        ("failed", failed(), Options()),
    ],
)
def test_golden(name, graph, options):
    assert to_digraph(graph, options).source == (GOLDEN / f"{name}.dot").read_text(encoding="utf-8")


def test_it_is_a_digraph_that_can_be_gone_on_with():
    graph = to_digraph(expression())
    graph.node("extra")
    graph.edge("b6", "extra")
    assert "b6 -> extra" in graph.source
    assert type(graph).__name__ == "Digraph"


@pytest.mark.slow
@given(st.integers(0, 10_000), st.sampled_from([None, 0, 1, 99]))
def test_deterministic(seed, depth):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # graphviz warns of what it cannot quote
        options = Options(depth=depth)
        source = to_digraph(wild(seed), options).source
    assert source == to_digraph(GraphData.from_json(wild(seed).to_json()), options).source


def parsed(source):
    """What Graphviz itself reads in the source; laid out by osage, for dot has faults of its own with circles of clusters."""
    done = subprocess.run(
        ["dot", "-Kosage", "-Tdot_json"], input=source.encode("utf-8"), capture_output=True, check=True, timeout=60
    )
    assert not done.stderr, done.stderr.decode()
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.dot
@settings(max_examples=20)
@given(st.integers(0, 10_000), st.sampled_from([0, 1, 99]))
def test_every_box_and_edge_once_as_graphviz_reads_it(seed, depth):
    graph = wild(seed)
    options = Options(depth=depth, limit=10_000)
    view = View.of(graph, options)
    items, found = ends(view), parsed(to_digraph(graph, options).source)
    things = found.get("objects", [])
    nodes = {thing["_gvid"]: thing for thing in things if "nodes" not in thing and not thing["name"].startswith("cluster")}
    assert sorted(node["name"] for node in nodes.values()) == sorted(items)
    clusters = [thing for thing in things if thing["name"].startswith("cluster")]
    assert sorted(cluster["name"] for cluster in clusters) == sorted(f"cluster_g{group}" for group in view.opened)
    lines = sorted((nodes[edge["tail"]]["name"], nodes[edge["head"]]["name"]) for edge in found.get("edges", []))
    wanted = []
    for arrow in arrows(view):
        count = 1 if "g" in (arrow.source[0], arrow.target[0]) else len(arrow.edges)
        wanted += [(arrow.source, arrow.target)] * count
    assert lines == sorted(wanted)
    if depth == 99:
        assert len(lines) == len(graph.edges)


@pytest.mark.dot
@pytest.mark.parametrize("text", [text for text in HOSTILE if text])
def test_labels_say_what_they_said(text):
    graph = GraphData([Box(0, "", "input", text, 0, marks=(text,))], [], [Group(0, text, text)], title=text, notes=[text])
    drawn = render(graph, Options(), "svg")
    words = ["".join(part.itertext()) for part in ElementTree.fromstring(drawn).iter("{http://www.w3.org/2000/svg}text")]
    wanted = View.of(graph, Options()).level.items[0].inner.items[0].lines[0]
    assert wanted.split() in [word.split() for word in words]


def test_a_label_cannot_be_html():
    assert plain(["<b>", "x", "</b>"]).startswith("<")
    assert '"<b>\\nscalar x\\n</b>"' in to_digraph(GraphData([Box(0, "", "input", "<b>", dtype="x", marks=("</b>",))])).source


# --- the program -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Puts a program named dot first on the path, written in the language of the shell."""

    def put(script):
        folder = tmp_path / "bin"
        folder.mkdir()
        (folder / "dot").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "dot").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    return put


def is_gone(group):
    """Whether no process of the group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    time.sleep(0.05)
    return False


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="the program is a shell script")
def test_a_slow_dot_is_killed_with_what_it_started(program, tmp_path):
    program(f"echo $$ > {tmp_path}/pid; sleep 60; echo done")
    start = time.monotonic()
    with pytest.warns(UserWarning, match="built-in layout: dot took more than 0.5 s") as caught:
        assert render(expression(), seconds=0.5) is None
    assert caught[0].filename == __file__
    assert time.monotonic() - start < 30
    group = int((tmp_path / "pid").read_text())
    assert any(is_gone(group) for _ in range(100))


@pytest.mark.skipif(os.name != "posix", reason="the program is a shell script")
@pytest.mark.parametrize("script", ["echo 'Error: out of stack' >&2; exit 1", "kill -11 $$", "exit 3"])
def test_a_dot_that_fails_leaves_the_built_in_layout(program, tmp_path, script):
    program(script)
    with pytest.warns(UserWarning, match="built-in layout: dot failed: "):
        Picture(expression()).save(tmp_path / "x.svg")
    assert "wv-" in (tmp_path / "x.svg").read_text()


@pytest.mark.slow
def test_without_dot_the_built_in_layout_draws_and_nobody_is_warned(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert render(expression()) is None
    for name in ("x.svg", "x.png", "x.pdf"):
        assert Picture(expression()).save(tmp_path / name).stat().st_size > 1000
    with pytest.raises(FileNotFoundError, match=r"is not on the path: install it .* or write engine=\"built-in\""):
        Picture(expression()).save(tmp_path / "y.svg", engine="dot")


def test_long_edges_are_not_even_tried(monkeypatch):
    monkeypatch.setattr(dot.shutil, "which", lambda name: "dot")
    monkeypatch.setattr(dot, "run", lambda *args: pytest.fail("it was tried"))
    with pytest.warns(UserWarning, match="250 boxes, and edges that pass [0-9,]+ rows, would take dot too long"):
        assert render(chain(250, hub=7), ALL) is None


@pytest.mark.slow
def test_rows_that_edges_pass():
    assert long_edges(View.of(chain(50), ALL)) == 0
    three = chain(5, hub=50)  # the first is read by the second, and by the fourth, two rows further
    assert long_edges(View.of(three, ALL)) == 2
    assert long_edges(View.of(chain(250, hub=7, kind="parameter"), ALL)) == 0  # a chip at each use
    assert long_edges(View.of(chain(100_000, hub=7, kind="parameter"), Options())) == 0


@pytest.mark.dot
@pytest.mark.parametrize(("form", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_dot_draws(form, start):
    assert render(network(), form=form).startswith(start)


@pytest.mark.dot
def test_dot_says_what_is_wrong():
    with pytest.raises(subprocess.CalledProcessError):
        run("dot", "svg", "digraph {", 20)
