"""The SVG: well-formed whatever the labels are, self-contained, everything in it, and the same as ever on three small graphs.

`WENGERT_GOLDEN=write pytest tests/viz/test_svg.py` writes the golden files anew: look at them before they are committed.
"""

import os
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from autograd.viz import colours
from autograd.viz.model import Box, Edge, GraphData, Group, Stats
from autograd.viz.reasons import origin
from autograd.viz.svg import bytes_text, seconds_text, to_svg
from autograd.viz.view import Options, View
from tests.viz.test_view import SEEDS, chain, every_item, nested, some_graph

GOLDEN = Path(__file__).with_name("golden")
SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = [
    "<b>&amp;\"'",
    "</script><script>alert(1)</script>",
    "]]>",
    "</text></svg>",
    "a\nb\tc\x00\x0b\x1b",
    "\ud800",
    "￾",
    "重み ж é",
    "\u202e",
]


def scalar() -> GraphData:
    """e = a b; d = e + c; L = d f: values, gradients and slopes."""
    values = {
        "a": (2.0, 6.0),
        "b": (-3.0, -4.0),
        "c": (10.0, -2.0),
        "f": (-2.0, 4.0),
        "e": (-6.0, -2.0),
        "d": (4.0, -2.0),
        "L": (-8.0, 1.0),
    }
    ops = {"e": "multiply", "d": "add", "L": "multiply"}
    graph = GraphData(title="L")
    for name, (value, gradient) in values.items():
        box = Box(len(graph.boxes), ops.get(name, ""), "op" if name in ops else "input", name, value=value, gradient=gradient)
        box.is_output, box.source = name == "L", ("demo.py", 7, f"{name} = ...")
        graph.boxes.append(box)
    edges = [(0, 4, -3.0), (1, 4, 2.0), (4, 5, 1.0), (2, 5, 1.0), (5, 6, -2.0), (3, 6, 4.0)]
    graph.edges = [Edge(source, target, i % 2, slope=slope) for i, (source, target, slope) in enumerate(edges)]
    return graph


def failed() -> GraphData:
    """A matmul whose shapes clash."""
    boxes = [
        Box(0, "", "input", "x", shape=(16, 32), dtype="float32", marks=("clash: axis 1",)),
        Box(1, "", "parameter", "w", shape=(64, 8), dtype="float32", marks=("clash: axis 0",)),
        Box(2, "matmul", marks=("failed",), error="matmul: 32 and 64 differ"),
    ]
    return GraphData(boxes, [Edge(0, 2, 0), Edge(1, 2, 1, marks=("failed",))], title="a failed call")


GRAPHS = {
    "scalar": (scalar(), Options()),
    "modules": (nested(), Options(depth=2, direction="right", title="two blocks")),
    "failed": (failed(), Options()),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_golden(name: str) -> None:
    """The same text as in the golden file."""
    graph, options = GRAPHS[name]
    text, file = to_svg(graph, options), GOLDEN / f"{name}.svg"
    if os.environ.get("WENGERT_GOLDEN") == "write":
        file.write_text(text, encoding="utf-8", newline="\n")
    assert text == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("label", HOSTILE)
def test_hostile_labels(label: str) -> None:
    """In every place where a text can stand: it is XML, and no element comes of a label."""
    group = Group(0, label, label)
    box = Box(
        1, label, name=label, group=0, dtype=label, marks=(label, "failed"), error=label, why=label, source=(label, 1, label)
    )
    box.attributes = {label: label}
    graph = GraphData([Box(0, "", "input", label), box], [Edge(0, 1, marks=(label,))], [group], title=label, notes=[label])
    for depth in (0, 1):
        text = to_svg(graph, Options(depth=depth, title=label))
        text.encode("utf-8")
        root = ElementTree.fromstring(text)
        assert {element.tag for element in root.iter()} <= {
            SVG + tag for tag in ("svg", "title", "desc", "style", "rect", "text", "tspan", "g", "path")
        }
        assert "script" not in text.replace("&lt;/script&gt;", "").replace("&lt;script&gt;", "")


@pytest.mark.parametrize("seed", SEEDS)
def test_everything_is_drawn(seed: int) -> None:
    """As many lines as links, as many names as items, in any direction and colour; twice the same text."""
    graph = some_graph(seed)
    options = Options(direction=["down", "right"][seed % 2], colour=["kind", "gradient", "time", "memory"][seed % 4])
    text = to_svg(graph, options)
    root = ElementTree.fromstring(text)
    view = View.of(graph, options)
    items = every_item(view)
    shown = {element.text for element in root.iter(SVG + "text") if "wv-title" in element.get("class", "")}
    assert {item.lines[0] for item in items if item.kind in ("box", "folded", "open")} <= {line or "" for line in shown}
    assert len(root.findall(f".//{SVG}g")) == len(items)
    assert text == to_svg(graph, options)


@pytest.mark.parametrize("options", [Options(), Options(direction="right", colour="gradient")])
def test_self_contained(options: Options) -> None:
    """No address but the name of the format, no script, no id, no class that could meet another of a page."""
    text = to_svg(scalar(), options)
    assert re.findall(r"https?://[^\"]*", text) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"<script|href|url\(|@import|\bid=", text)
    classes = {name for found in re.findall(r'class="([^"]*)"', text) for name in found.split()}
    assert all(name == "wv" or name.startswith("wv-") for name in classes)
    styled = set(re.findall(r"\.([a-z][\w-]*)", re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1]))  # type: ignore[index]
    assert all(name == "wv" or name.startswith("wv-") for name in styled)
    assert "prefers-color-scheme:dark" in text


def test_texts_stay_inside() -> None:
    """Every text is within the picture, and the lines of a box within the box, as the table of widths has it."""
    for options in (Options(), Options(direction="right")):
        root = ElementTree.fromstring(to_svg(some_graph(3), options))
        width, height = float(root.get("width", "0")), float(root.get("height", "0"))
        for element in root.iter(SVG + "text"):
            assert 0 <= float(element.get("x", "-1")) <= width
            assert 0 <= float(element.get("y", "-1")) <= height


def test_values_and_gradients_can_be_left_out() -> None:
    """values=False and gradients=False; slopes on the lines go with the gradients."""
    assert "value -8" in to_svg(scalar())
    assert "×-3" in to_svg(scalar())
    bare = to_svg(scalar(), Options(values=False, gradients=False))
    assert not re.search(r">(value|gradient|×)", bare)


@pytest.mark.slow
def test_caption_says_what_is_folded() -> None:
    """100,000 boxes are a small picture that says what is not in it."""
    text = to_svg(chain(100_000))
    assert "10 folded groups hold 100,000 of 100,000 values." in text
    assert len(text) < 20_000
    assert to_svg(chain(1000), opened=[0]).count("<title>tanh") == 99


def test_colour_by_gradient() -> None:
    """The smallest is at one end of the scale and the largest at the other; zero has a colour of its own."""
    graph = chain(5)
    for i, size in enumerate((1e-6, 1e-3, 1.0, 0.0)):
        graph.boxes[i + 1].gradients = Stats.of([size])
    text = to_svg(graph, Options(colour="gradient"))
    used = re.findall(r'class="wv-op" [^>]*style="fill:(#\w+)"', text)
    assert used == [colours.SCALE[0], colours.scale(0.5), colours.SCALE[-1]]
    assert text.count('class="wv-zero"') == 2
    assert ">1e-6<" in text


def test_clashing_axes_are_marked() -> None:
    """In brackets, and in the colour of a fault."""
    assert '16×<tspan class="wv-clash">[32]</tspan> float32' in to_svg(failed())
    assert "Failed: matmul: 32 and 64 differ" in to_svg(failed())


def test_the_origin_of_a_nan_has_its_colour_and_a_word_in_the_legend() -> None:
    x = Box(0, "", "input", "x", value=-1.0, gradient=1.0, wanted=True)
    log = Box(1, "log", value=float("nan"), gradient=1.0, wanted=True)
    out = Box(2, "tanh", value=float("nan"), gradient=1.0, wanted=True, marks=("no_grad",), is_output=True)
    graph = GraphData([x, log, out], [Edge(0, 1), Edge(1, 2)])
    origin(graph)
    text = to_svg(graph)
    assert len(re.findall('rect class="wv-op wv-mark-origin"', text)) == 2  # the box, and the legend
    assert len(re.findall('rect class="wv-op wv-mark-reached', text)) == 2
    assert ">origin of nan or infinity<" in text
    assert ">reached by it<" in text


def test_what_is_around_the_origin_of_a_nan_is_open() -> None:
    graph = GraphData([Box(i, "tanh", group=i // 100, value=float("nan") if i >= 350 else 0.5) for i in range(500)])
    graph.edges = [Edge(i, i + 1) for i in range(499)]
    graph.groups = [Group(i, f"m{i}", "Block") for i in range(5)]
    origin(graph)
    assert 3 in View(graph, limit=500).opened


def test_gradients_that_were_reached_are_not_told_in_words() -> None:
    assert View(GraphData([Box(0, "tanh", marks=("gradient reached",))])).level.items[0].lines == ["tanh"]


def test_units() -> None:
    """Of times and sizes."""
    assert [seconds_text(s) for s in (2.5, 0.0123, 4e-7)] == ["2.5 s", "12.3 ms", "0.4 µs"]
    assert [bytes_text(n) for n in (100, 1536, 3 * 2**20, 2**31)] == ["100 B", "1.5 KiB", "3 MiB", "2 GiB"]


def test_scale_grows_lighter() -> None:
    """Magnitudes can be read without seeing hue: luminance only grows along the scale."""
    steps = [colours.scale(i / 50) for i in range(51)]
    weights = [0.2126 * int(c[1:3], 16) + 0.7152 * int(c[3:5], 16) + 0.0722 * int(c[5:7], 16) for c in steps]
    assert weights == sorted(weights)
    assert steps[0] == colours.SCALE[0]
    assert colours.scale(7.0) == colours.SCALE[-1]
