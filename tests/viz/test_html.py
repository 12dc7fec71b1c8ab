"""The page as a text: it stands alone, no label leaves its place, and the graph in it is the graph that went in."""

import base64
import json
import math
import zlib
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from autograd.viz.html import DEFLATED_ABOVE, SCRIPTS, packed, to_html
from autograd.viz.model import Box, Edge, GraphData, Group, Op, Stats
from autograd.viz.view import Options

HOSTILE = [
    "</script><script>document.title = 'owned'</script>",
    "<img src=x onerror=\"document.title = 'owned'\">",
    "<!-- <script>",
    "\"quotes\" & 'apostrophes' &amp; &lt;",
    "new\nline\r\ttab \x00 \x1b \u2028 \u2029",
    "]]> {{data}} {{title}} ${x} `y`",
    "длина 長さ طول 😀",
    "lone \ud800 surrogate",
    "__proto__",
    "constructor",
    "<math><mi onclick='f()'>x</mi><mtext><script>document.title = 'owned'</script></mtext></math>",
]


def hostile() -> GraphData:
    """Every text that a graph can hold, with every label in it that could do harm."""
    groups = [Group(i, text, text) for i, text in enumerate(HOSTILE)]
    boxes = [
        Box(
            i,
            text,
            "op" if i else "input",
            text,
            group=i,
            dtype=text,
            attributes={text: text},
            source=(text, i, text),
            error=text,
            why=text,
            marks=(text,),
        )
        for i, text in enumerate(HOSTILE)
    ]
    edges = [Edge(i, i + 1, 0, text, marks=(text,)) for i, text in enumerate(HOSTILE[:-1])]
    ops = {text: Op(text, text, {text: text}, {text: text}) for text in HOSTILE}
    return GraphData(boxes, edges, groups, ops, HOSTILE[0], list(HOSTILE))


def numbers(n: int = 40, seed: int = 0) -> GraphData:
    """A graph with statistics, numbers that JSON does not know, and rows that are alike and unlike."""
    rng = np.random.default_rng(seed)
    boxes = [
        Box(
            i,
            "tanh" if i else "",
            "op" if i else "input",
            group=i % 2 if i % 3 else None,
            shape=(i, 3),
            dtype="float64",
            value=[1 / 3, math.nan, math.inf, -math.inf, 1e-300, 1.0, 0.1, None][i % 8],
            values=Stats.of(rng.normal(size=3000) * 10.0 ** (i % 7 - 3)) if i % 4 else None,
            gradients=Stats.of(np.where(rng.random(50) < 0.1, np.nan, rng.normal(size=50))) if i % 5 else None,
            seconds=1e-5 * i if i % 2 else None,
            nbytes=24 * i,
            marks=("reached",) if i % 6 == 0 else (),
        )
        for i in range(n)
    ]
    return GraphData(
        boxes, [Edge(i, i + 1, 0, "x", 0.5) for i in range(n - 1)], [Group(0, "", "A"), Group(1, "b", "B", 0)], title="n"
    )


class Page(HTMLParser):
    """The elements of a page, their attributes, and the texts of its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.title = ""
        self._inside = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts[-1] += data
        if self._inside == "title" and not self.title:
            self.title = data

    def content(self) -> dict:
        """What the page reads at its start."""
        kind = next(attributes["type"] for tag, attributes in self.tags if tag == "script" and attributes.get("id") == "data")
        text = self.scripts[0]
        return json.loads(text if kind == "application/json" else zlib.decompress(base64.b64decode(text)))


def rows(table: dict) -> list[dict]:
    """The rows of a table in columns: what data.js does, in Python."""

    def cells(column, count):
        if isinstance(column, list):
            return column
        if "all" in column:
            return [column["all"]] * count
        if "at" in column:
            return [column["table"][i] for i in column["at"]]
        known = dict(zip(column["where"], rows(column["stats"]), strict=True))
        return [known.get(i) for i in range(count)]

    columns = {name: cells(column, table["count"]) for name, column in table["columns"].items()}
    return [{name: column[i] for name, column in columns.items()} for i in range(table["count"])]


@pytest.mark.parametrize("graph", [GraphData(), numbers(1), numbers(), hostile()], ids=["empty", "one", "many", "hostile"])
def test_the_graph_in_the_page_is_the_graph(graph):
    found = Page(to_html(graph)).content()["graph"]
    expected = graph.to_json()
    for name in ("boxes", "groups", "edges"):
        number = {} if name == "edges" else {"number": None}
        shown = [{**number, **row} for row in rows(found[name])]
        for i, (row, wanted) in enumerate(zip(shown, expected[name], strict=True)):
            if "number" in row:
                row["number"] = i
            for key, value in wanted.items():
                assert near(row[key], value), (name, i, key)
    assert (found["title"], found["notes"], found["ops"]) == (graph.title, graph.notes, expected["ops"])


def near(a, b) -> bool:
    """Equal, but for the fifth digit of a statistic and the third of a count in a histogram."""
    if isinstance(b, dict):
        return a.keys() == b.keys() and all(near(a[key], b[key]) for key in b)
    if isinstance(b, list):
        return len(a) == len(b) and all(near(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(b, int | float) and not isinstance(b, bool) and a is not None:
        return math.isclose(a, b, rel_tol=5e-3 if isinstance(b, int) and b >= 1000 else 5e-5)
    return a == b


def test_a_scalar_keeps_all_of_its_digits():
    graph = GraphData([Box(0, "", "input", value=1 / 3, gradient=-1 / 7)])
    [box] = rows(packed(graph)["boxes"])
    assert (box["value"], box["gradient"]) == (1 / 3, -1 / 7)


def test_labels_stay_labels():
    page = Page(to_html(hostile()))
    assert len(page.scripts) == 1 + len(SCRIPTS)
    assert page.title == HOSTILE[0]
    assert not [tag for tag, _ in page.tags if tag == "img"]
    assert "<" not in page.scripts[0]
    assert page.content()["graph"]["notes"] == HOSTILE
    to_html(hostile()).encode("utf-8")  # no lone surrogate is left


def test_nothing_comes_from_outside():
    page = Page(to_html(numbers()))
    assert [tag for tag, attributes in page.tags if {"src", "href", "action", "data"} & attributes.keys()] == []
    policy = next(attributes["content"] for tag, attributes in page.tags if attributes.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy
    assert page.tags[2] == ("meta", {"charset": "utf-8"})  # after html and head


@pytest.mark.slow
def test_a_large_graph_is_deflated_and_a_small_one_can_be_read():
    small, large = Page(to_html(numbers())), Page(to_html(numbers(3000)))
    assert small.scripts[0].startswith("{")
    assert large.scripts[0].isalnum() or set(large.scripts[0]) - set("+/=") <= set(filter(str.isalnum, large.scripts[0]))
    assert len(json.dumps(large.content())) > DEFLATED_ABOVE > len(large.scripts[0])


@pytest.mark.slow
def test_five_thousand_boxes_with_all_statistics_are_less_than_a_megabyte():
    assert len(to_html(numbers(5000)).encode()) < 1_000_000


def test_the_same_graph_is_the_same_page():
    assert to_html(numbers()) == to_html(GraphData.from_json(numbers().to_json()))
    shuffled = replace(numbers(), ops={name: Op(name) for name in "zyx"})
    assert to_html(shuffled) == to_html(replace(shuffled, ops={name: Op(name) for name in "xyz"}))


def test_a_wrong_word_is_told_before_there_is_a_page():
    with pytest.raises(ValueError, match="nothing here is called so"):
        to_html(numbers(), Options(hide="tahn"))


def test_options_reach_the_page():
    page = Page(to_html(numbers(), Options(depth=2, direction="LR", hide=("constant",), colour="gradient", title="A & B")))
    options = page.content()["options"]
    assert page.title == "A & B"
    assert (options["depth"], options["direction"], options["hide"], options["colour"]) == (
        2,
        "right",
        ["constant"],
        "gradient",
    )
