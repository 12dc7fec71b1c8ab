"""HTML: one file that stands alone, with the graph in it and a page that draws, folds, searches and steps through it.

The graph goes in as JSON in columns, deflated where it is large; a `<` never appears in it, so no label can end a script. The
page asks for nothing from outside, and says so in its security policy. Stands on GraphData and on the files in page/; the
layout happens in the browser. Knows no Tensor.
"""

import json
import math
import re
import zlib
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import asdict, fields
from functools import cache
from html import escape
from operator import attrgetter
from pathlib import Path
from typing import Any

from . import colours
from .model import BINS, Box, Edge, GraphData, Group, Stats
from .view import Options, View

PAGE = Path(__file__).with_name("page")
SCRIPTS = (
    *("view.js", "layout.js", "data.js", "words.js", "colour.js", "canvas.js"),
    *(
        "mathematics.js",
        "panel.js",
        "steps.js",
        "stepper.js",
        "search.js",
        "address.js",
        "save.js",
        "page.js",
    ),  # page.js last: it starts
)
DEFLATED_ABOVE = 256 * 1024  # characters
HISTOGRAMS = 20_000  # values of a graph, up to which the page has their histograms: they are most of what it holds
FEWER = f"Histograms are left out of a page of more than {HISTOGRAMS:,} values."

DIGITS = 5  # of a statistic; a scalar keeps all of its own


def to_html(graph: GraphData, options: Options | None = None) -> str:
    """The page of a graph: one text, to be written to a file as UTF-8.

    >>> "<title>x &lt; y</title>" in to_html(GraphData(title="x < y"))
    True
    """
    chosen = options or Options()
    if chosen.hide:
        View.of(graph, chosen)  # which says what is wrong with a word; the page could not tell anybody
    parts = {
        "title": _ascii(escape(chosen.title or graph.title or "Graph")),
        "style": _page("page.css"),
        "drawing": _variables() + _page("drawing.css"),
        "data": _data({"graph": packed(graph), "options": _plain(asdict(chosen)), "colours": {"scale": colours.SCALE}}),
        "scripts": "\n".join(f"<script>\n{_page(name)}</script>" for name in SCRIPTS),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _page("page.html"))


@cache
def _page(name: str) -> str:
    return (PAGE / name).read_text(encoding="utf-8")


def _variables() -> str:
    """The table of colours as custom properties of CSS, for light and for dark: `--ink`, `--op-fill`, `--op-line`, ..."""
    names = {"paper": colours.PAPER, "ink": colours.INK, "quiet": colours.QUIET, "wire": colours.LINE, "zero": colours.ZERO}
    names |= {mark.replace(" ", "-"): pair for mark, pair in colours.MARKS.items()}
    for kind, (fill, line, dark_fill, dark_line) in colours.KINDS.items():
        names |= {f"{kind}-fill": (fill, dark_fill), f"{kind}-line": (line, dark_line)}
    both = ["".join(f"  --{name}: {pair[i]};\n" for name, pair in names.items()) for i in (0, 1)]
    return f":root {{\n{both[0]}}}\n:root[data-theme=dark] {{\n{both[1]}}}\n"


def _ascii(text: str) -> str:
    return text.encode("ascii", "xmlcharrefreplace").decode("ascii")


def _data(content: dict[str, Any]) -> str:
    """The script element that holds it: JSON, or where that is long, JSON deflated in base 64."""
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)  # all of it ASCII, lone surrogates too
    if len(text) <= DEFLATED_ABOVE:
        return '<script type="application/json" id="data">' + text.replace("<", "\\u003c") + "</script>"
    packed_text = b64encode(zlib.compress(text.encode("ascii"))).decode("ascii")
    return f'<script type="application/octet-stream" id="data">{packed_text}</script>'


def packed(graph: GraphData) -> dict[str, Any]:
    """The graph in columns: what `GraphData.to_json` says, in a tenth of the characters. page/data.js reads it."""
    return {
        "title": graph.title,
        "notes": graph.notes + [FEWER] * (len(graph.boxes) > HISTOGRAMS),
        "ops": {name: asdict(op) for name, op in sorted(graph.ops.items())},
        "boxes": _table(graph.boxes, Box, leave=("number",)),
        "edges": _table(graph.edges, Edge),
        "groups": _table(graph.groups, Group, leave=("number",)),
    }


def _table(rows: Sequence[Any], kind: type, leave: tuple[str, ...] = ()) -> dict[str, Any]:
    names = [field.name for field in fields(kind) if field.name not in leave]
    return {"count": len(rows), "columns": {name: _column(list(map(attrgetter(name), rows)), name) for name in names}}


def _column(values: list[Any], name: str) -> Any:
    """A column, in the shortest of its forms: one value for all rows, places in a table of values, or each value."""
    if name in ("values", "gradients"):
        return _statistics(values)
    if name == "bins":
        values = list(map(_bins, values))
    elif name in ROUNDED:
        values = _rounded(values)
    if name == "bins" or name in ROUNDED or set(map(type, values)) == {int}:  # hardly any are the same, unless all are
        return {"all": values[0]} if values and values.count(values[0]) == len(values) else values
    texts = list(map(repr, values))  # they tell 1, 1.0, True and "1" apart, and a dict takes them
    table = dict(zip(texts, values, strict=True))
    if len(table) == 1:
        return {"all": _plain(values[0])}
    if len(table) * 2 > len(texts):
        return list(map(_plain, values))
    places = {text: place for place, text in enumerate(table)}
    return {"table": list(map(_plain, table.values())), "at": [places[text] for text in texts]}


def _statistics(values: list[Stats | None]) -> dict[str, Any]:
    known = [i for i, value in enumerate(values) if value is not None]
    left_out = ("bins",) if len(values) > HISTOGRAMS else ()
    stats = _table([value for value in values if value is not None], Stats, left_out)
    stats["columns"] |= {name: {"all": [0] * BINS} for name in left_out}
    return {"where": known, "stats": stats}


def _plain(value: Any) -> Any:
    """As JSON takes it: nan and infinity are text there, and tuples are lists."""
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict):
        return {str(key): _plain(child) for key, child in value.items()}
    return [_plain(child) for child in value] if isinstance(value, list | tuple | set | frozenset) else value


def _rounded(values: list[float | None]) -> list[Any]:
    """Numbers with few digits; one call of % for all of them takes a fifth of the time of one for each."""
    known = [value for value in values if value is not None]
    text = f"%.{DIGITS}g " * len(known) % tuple(known)
    rounded: list[Any] = list(map(float, text.split()))
    if "n" in text:  # of nan, or inf
        rounded = list(map(_plain, rounded))
    found = iter(rounded)
    return rounded if len(known) == len(values) else [None if value is None else next(found) for value in values]


def _bins(counts: Sequence[int]) -> Sequence[int]:
    """A histogram is looked at: three digits of a count are enough."""
    return counts if max(counts) < 1000 else [n if n < 1000 else int(float(f"{n:.2e}")) for n in counts]


ROUNDED = frozenset(("least", "largest", "mean", "std", "norm", "zeros", "seconds"))
