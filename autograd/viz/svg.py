"""The picture as SVG: one file that needs nothing else, in the light and in the dark, with a legend and a caption.

Stands on view.py (what is visible), layout.py (where) and colours.py. Every text goes through `_text`, so that no label can
end an element. No ids, no scripts and no classes without the prefix `wv-`: pictures may stand side by side in one page.
"""

import html
import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from autograd.viz import colours
from autograd.viz.layout import HEAD, PAD, digits, path, place
from autograd.viz.model import Box, GraphData
from autograd.viz.view import Item, Level, Link, Options, View, clean, number_text, text_width

MARGIN = 24.0
FONT = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"
NUMBERS = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"
LEGEND = {"origin": "origin of nan or infinity", "reached": "reached by it"}
HEATS = {"gradient": "gradient (root mean square)", "time": "time", "memory": "memory of the values"}


@dataclass(frozen=True)
class Heat:
    """What boxes are coloured by: the range of a magnitude among the items, on a log scale."""

    what: str
    least: float
    largest: float

    @classmethod
    def of(cls, items: Iterable[Item], what: str) -> "Heat":
        """The range that the items have; from 1 to 1 if none has any."""
        found = [value for item in items if item.kind != "open" and (value := magnitude(item, what))]
        return cls(what, min(found, default=1.0), max(found, default=1.0))

    def colour(self, item: Item) -> str | None:
        """The colour of an item: None if nothing is known, "zero" if it is zero."""
        value = magnitude(item, self.what)
        if value is None:
            return None
        return colours.scale(self.along(value)) if value else "zero"

    def along(self, value: float) -> float:
        """Where on the scale a magnitude is, from 0 to 1."""
        if self.largest == self.least:
            return 1.0
        return (math.log10(value) - math.log10(self.least)) / (math.log10(self.largest) - math.log10(self.least))

    def label(self, value: float) -> str:
        """A magnitude with its unit."""
        if self.what == "time":
            return seconds_text(value)
        return bytes_text(value) if self.what == "memory" else number_text(value)


def magnitude(item: Item, what: str) -> float | None:
    """What an item is coloured by: its gradient, its seconds or its bytes; None where that is not known."""
    if what == "gradient":
        return item.gradient
    return item.seconds if what == "time" else float(item.nbytes) or None


def seconds_text(seconds: float) -> str:
    """A time with its unit.

    >>> seconds_text(0.00012)
    '120 µs'
    """
    unit, factor = next(((u, f) for u, f in (("s", 1.0), ("ms", 1e3)) if seconds * f >= 1), ("µs", 1e6))
    return f"{number_text(round(seconds * factor, 3))} {unit}"


def bytes_text(count: float) -> str:
    """A number of bytes with its unit.

    >>> bytes_text(2048.0)
    '2 KiB'
    """
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{number_text(count)} {unit}"
        count /= 1024
    return f"{number_text(count)} GiB"


def to_svg(graph: GraphData, options: Options | None = None, *, opened: Collection[int] | None = None) -> str:
    """The picture of a graph as an SVG document; `opened` are the groups that are open, if not `options` says it.

    >>> to_svg(GraphData([Box(0, "", "input", "x")])).startswith("<svg ")
    True
    """
    options = options or Options()
    view = View.of(graph, options, opened)
    place(view.level, options.direction)
    return _Sheet(view, options).document()


class _Sheet:
    """A document in the making: `parts` are its elements from the back to the front."""

    def __init__(self, view: View, options: Options) -> None:
        self.view, self.graph, self.options = view, view.graph, options
        self.levels = [(view.level, 0.0, 0.0)]
        for level, x, y in self.levels:  # grows meanwhile
            for item in level.items:
                if item.inner is not None:
                    self.levels.append((item.inner, x + item.x + item.inner.x, y + item.y + item.inner.y))
        items = [item for level, _, _ in self.levels for item in level.items]
        self.kinds = {self._kind(item) for item in items}
        seen = {colours.mark_of(item.marks) for item in items if item.marks}
        self.marks = [mark for mark in colours.MARKS if mark in seen and mark not in ("other", "clash")]
        self.slopes = False
        self.heat = None if options.colour == "kind" else Heat.of(items, options.colour)
        self.parts: list[str] = []
        self.names: list[tuple[Item, float, float]] = []

    def document(self) -> str:
        title = clean(self.options.title or self.graph.title or "graph")
        notes = [clean(note) for note in (*self.graph.notes, *self.view.notes)]
        top = MARGIN + 30.0
        for level, x, y in self.levels:
            self._level(level, x + MARGIN, y + top)
        for item, x, y in self.names:
            self._name(item, x, y)
        level = self.view.level
        left, bottom = self._legend(MARGIN, top + level.height + 34.0)
        width = max(level.width + 2 * MARGIN, left + MARGIN, text_width(title, "title") * 1.25 + 2 * MARGIN, 260.0)
        for note in notes:
            for line in _wrap(note, max(width - 2 * MARGIN, 200.0)):
                bottom += 17.0
                self.parts.append(_text(MARGIN, bottom, line, "wv-note"))
        width, height = math.ceil(width), math.ceil(bottom + MARGIN)
        described = " ".join([f"{len(self.graph.boxes):,} values and {len(self.graph.edges):,} edges.", *notes])
        head = [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="wv" role="img" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" style="max-width:100%;height:auto">',
            f"<title>{_escape(title)}</title>",
            f"<desc>{_escape(described)}</desc>",
            f"<style>{_style()}</style>",
            f'<rect class="wv-paper" width="{width}" height="{height}"/>',
            _text(MARGIN, MARGIN + 10.0, title, "wv-head"),
        ]
        return "\n".join([*head, *self.parts, "</svg>"]) + "\n"

    def _level(self, level: Level, x: float, y: float) -> None:
        for item in level.items:
            if item.kind == "open":
                self._open(item, x + item.x, y + item.y)
        for link in level.links:
            self._link(link, x, y)
        for item in level.items:
            if item.kind == "port":
                self._stub(level, item, x + item.x, y + item.y)
            if item.kind != "open":
                self._item(item, x + item.x, y + item.y)
        for link in level.links:
            self._slope(link, x, y)
        for item in level.items:
            if item.kind == "open":
                self.names.append((item, x + item.x, y + item.y))

    # ------------------------------------------------------------------------------------------------------------- items

    def _kind(self, item: Item) -> str:
        return self.graph.boxes[item.number].kind if item.kind in ("box", "chip") else item.kind

    def _open(self, item: Item, x: float, y: float) -> None:
        rect = _rect(x, y, item.width, item.height, 10, "wv-open" + _marked(item))
        self.parts.append(f"<g>{self._tip(item)}{rect}</g>")

    def _name(self, item: Item, x: float, y: float) -> None:
        """The name of an open group, over the lines to its ports."""
        self.parts.append(_text(x + 14.0, y + 20.0, item.lines[0], "wv-title wv-start wv-over"))
        self.parts.append(
            _text(x + 24.0 + text_width(item.lines[0], "title"), y + 20.0, item.lines[1], "wv-kind wv-start wv-over")
        )

    def _item(self, item: Item, x: float, y: float) -> None:
        kind = self._kind(item)
        heat = self.heat.colour(item) if self.heat and item.kind != "port" else None
        round_ = 6 if item.kind in ("box", "folded") else item.height / 2
        if heat == "zero":
            kind, heat = "zero", None
        look, ink = f"wv-{kind}{_marked(item)}", ""
        if item.kind == "box" and self.graph.boxes[item.number].is_output:
            look += " wv-output"
        if heat:
            ink = f' style="fill:{colours.ink_on(heat)}"'
        self.parts.append(f"<g>{self._tip(item)}")
        if item.kind == "folded":
            self.parts.append(_rect(x + 4, y + 4, item.width, item.height, round_, "wv-behind"))
        self.parts.append(_rect(x, y, item.width, item.height, round_, look, f' style="fill:{heat}"' if heat else ""))
        self.parts.extend(self._lines(item, x, y, ink))
        self.parts.append("</g>")

    def _lines(self, item: Item, x: float, y: float, ink: str) -> list[str]:
        middle, small = x + item.width / 2, item.kind in ("chip", "port")
        baseline = y + (14.0 if item.kind == "chip" else 13.0 if item.kind == "port" else 21.0)
        found = []
        for line, style in zip(item.lines, item.styles, strict=True):
            look = "wv-chip" if item.kind == "chip" else f"wv-{style}"
            found.append(_text(middle, baseline, line, look, ink, style == "value" and not small))
            baseline += 16.0
        return found

    def _tip(self, item: Item) -> str:
        if item.kind == "port":
            return ""
        if item.kind in ("folded", "open"):
            groups = self.graph.groups
            name = groups[item.number].path if item.number < len(groups) else ""
            text = f"{name or item.lines[0]}: {item.boxes:,} values"
        else:
            text = tip(self.graph.boxes[item.number])
        return f"<title>{_escape(clean(text))}</title>"

    # ------------------------------------------------------------------------------------------------------------- lines

    def _link(self, link: Link, x: float, y: float) -> None:
        points = [(a + x, b + y) for a, b in link.points]
        marks = [mark for edge in link.edges for mark in self.graph.edges[edge].marks]
        look = "wv-link" + (" wv-back" if link.back else "") + (f" wv-mark-{colours.mark_of(marks)}" if marks else "")
        self.parts.append(f'<path class="{look}" d="{path(points, self.options.direction)}"/>')
        head = "wv-tip" + (f" wv-tip-{colours.mark_of(marks)}" if marks else "")
        self.parts.append(f'<path class="{head}" d="{_arrow(points)}"/>')

    def _stub(self, level: Level, port: Item, x: float, y: float) -> None:
        """From the border of the open group to the port inside, or from the port to the border."""
        if self.options.direction == "down":
            x, start = x + port.width / 2, y - HEAD if port.enters else y + port.height
            line = f"M{digits(x)},{digits(start)}v{digits(HEAD if port.enters else PAD)}"
        else:
            y, start = y + port.height / 2, x - level.x if port.enters else x + port.width
            line = f"M{digits(start)},{digits(y)}h{digits(level.x)}"
        self.parts.append(f'<path class="wv-link" d="{line}"/>')

    def _slope(self, link: Link, x: float, y: float) -> None:
        slopes = [self.graph.edges[edge].slope for edge in link.edges]
        if not self.options.gradients or not any(slope is not None for slope in slopes):
            return
        self.slopes = True
        label = "×" + ", ".join("?" if slope is None else number_text(slope) for slope in slopes[:3])
        (a, b), (c, d) = max(
            zip(link.points, link.points[1:], strict=False),
            key=lambda ends: abs(ends[0][0] - ends[1][0]) + abs(ends[0][1] - ends[1][1]),
        )
        lift = 3.5 if self.options.direction == "down" else -5.0  # beside a line that goes down, over one that goes right
        self.parts.append(_text(x + (a + c) / 2, y + (b + d) / 2 + lift, label, "wv-slope"))

    # ------------------------------------------------------------------------------------------------------------ legend

    def _legend(self, x: float, y: float) -> tuple[float, float]:
        if self.heat is not None:
            return self._scale(self.heat, x, y)
        for kind in ("op", "input", "parameter", "buffer", "constant", "folded"):
            if kind not in self.kinds:
                continue
            self.parts.append(_rect(x, y - 9.0, 16.0, 11.0, 3, f"wv-{kind}"))
            name = "folded module" if kind == "folded" else kind
            self.parts.append(_text(x + 22.0, y, name, "wv-note"))
            x += 22.0 + text_width(name, "kind") + 18.0
        for mark in self.marks:
            self.parts.append(_rect(x, y - 9.0, 16.0, 11.0, 3, f"wv-op wv-mark-{mark}"))
            word = LEGEND.get(mark, mark)
            self.parts.append(_text(x + 22.0, y, word, "wv-note"))
            x += 22.0 + text_width(word, "kind") + 18.0
        if self.slopes:
            told = "×3 slope along a line"
            self.parts.append(_text(x, y, told, "wv-note"))
            x += text_width(told, "kind") + 18.0
        return x, y

    def _scale(self, heat: Heat, x: float, y: float) -> tuple[float, float]:
        low, high = heat.label(heat.least), heat.label(heat.largest)
        self.parts.append(_text(x, y, HEATS[heat.what] + ", log scale", "wv-note"))
        y += 12.0
        for i in range(30):
            colour = colours.scale((i + 0.5) / 30)
            self.parts.append(
                f'<rect x="{digits(round(x, 1) + 8 * i)}" y="{digits(y)}" width="8.5" height="10" style="fill:{colour}"/>'
            )
        self.parts.append(_text(x, y + 24.0, low, "wv-note"))
        self.parts.append(_text(x + 240.0, y + 24.0, high, "wv-note wv-end"))
        self.parts.append(_rect(x + 262.0, y - 1.0, 16.0, 11.0, 3, "wv-zero"))
        self.parts.append(_text(x + 284.0, y + 9.0, "zero", "wv-note"))
        return x + 320.0, y + 24.0


# ------------------------------------------------------------------------------------------------------------------ pieces


def tip(box: Box) -> str:
    """What is told of a box when the pointer rests on it."""
    told = [box.title if not box.name or box.kind != "op" else f"{box.name} = {box.op}"]
    told.extend(f"{name}={value}" for name, value in box.attributes.items())
    told.append("×".join(str(side) for side in box.shape) + (f" {box.dtype}" if box.dtype else ""))
    if box.source is not None:
        told.append(f"{box.source[0]}:{box.source[1]} {box.source[2].strip()}")
    if box.error:
        told.append(box.error)
    if box.why:
        told.append(box.why)
    return " · ".join(part for part in told if part.strip())


def _escape(text: str) -> str:
    return html.escape(text, quote=True)


def _text(x: float, y: float, text: str, look: str, ink: str = "", brackets: bool = False) -> str:
    shown = _escape(text)
    if brackets and "[" in shown:
        shown = shown.replace("[", '<tspan class="wv-clash">[').replace("]", "]</tspan>")
    return f'<text class="{look}" x="{digits(round(x, 1))}" y="{digits(round(y, 1))}"{ink}>{shown}</text>'


def _rect(x: float, y: float, width: float, height: float, round_: float, look: str, more: str = "") -> str:
    place_ = f'x="{digits(round(x, 1))}" y="{digits(round(y, 1))}"'
    return f'<rect class="{look}" {place_} width="{digits(width)}" height="{digits(height)}" rx="{digits(round_)}"{more}/>'


def _arrow(points: list[tuple[float, float]]) -> str:
    """The head of an arrow: at the last point, along the last step of the link."""
    (a, b), (x, y) = points[-2], points[-1]
    if abs(y - b) >= abs(x - a) or x == a:
        away = -6.0 if y > b else 6.0
        return f"M{digits(x)},{digits(y)}L{digits(x - 3)},{digits(y + away)}H{digits(x + 3)}Z"
    away = -6.0 if x > a else 6.0
    return f"M{digits(x)},{digits(y)}L{digits(x + away)},{digits(y - 3)}V{digits(y + 3)}Z"


def _marked(item: Item) -> str:
    return f" wv-mark-{colours.mark_of(item.marks)}" if item.marks else ""


def _wrap(text: str, width: float) -> list[str]:
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if lines[-1] and text_width(longer, "kind") > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _style() -> str:
    """The rules: first for the light, then what is otherwise in the dark."""
    fixed = (
        f".wv text{{font-family:{FONT};font-size:11px;text-anchor:middle}}"
        ".wv rect,.wv path{stroke-width:1.2;fill:none}"
        ".wv .wv-title,.wv .wv-head{font-size:13px;font-weight:600}.wv .wv-head{font-size:16px}.wv .wv-port{font-size:10px}"
        f".wv .wv-value,.wv .wv-gradient,.wv .wv-slope,.wv .wv-mark{{font-family:{NUMBERS}}}"
        ".wv .wv-head,.wv .wv-note,.wv .wv-start{text-anchor:start}.wv .wv-end{text-anchor:end}"
        ".wv .wv-mark,.wv .wv-clash{font-weight:700}.wv .wv-output{stroke-width:2.4}.wv .wv-back{stroke-dasharray:4 3}"
        ".wv .wv-slope,.wv .wv-over{paint-order:stroke;stroke-width:5;stroke-linejoin:round}.wv .wv-slope{font-size:10.5px}"
    )
    return fixed + _tones(0) + "@media(prefers-color-scheme:dark){" + _tones(1) + "}"


def _tones(dark: int) -> str:
    quiet, ink, line, paper = colours.QUIET[dark], colours.INK[dark], colours.LINE[dark], colours.PAPER[dark]
    rules = [
        f".wv text{{fill:{quiet}}}.wv .wv-title,.wv .wv-head,.wv .wv-chip{{fill:{ink}}}",
        f".wv .wv-paper{{fill:{paper}}}.wv .wv-link{{stroke:{line}}}.wv .wv-tip{{fill:{line}}}",
        f".wv .wv-slope{{stroke:{paper}}}.wv .wv-over{{stroke:{colours.KINDS['open'][2 * dark]}}}",
        f".wv rect.wv-zero{{fill:{colours.ZERO[dark]};stroke:{line}}}",
    ]
    for kind, tones in colours.KINDS.items():
        rules.append(f".wv rect.wv-{kind}{{fill:{tones[2 * dark]};stroke:{tones[2 * dark + 1]}}}")
    folded = colours.KINDS["folded"]
    rules.append(f".wv .wv-behind{{fill:{folded[2 * dark]};stroke:{folded[2 * dark + 1]};opacity:.55}}")
    rules.append(f".wv rect.wv-output{{stroke:{ink}}}")
    for mark, lines in colours.MARKS.items():
        rules.append(f".wv rect.wv-mark-{mark},.wv path.wv-mark-{mark}{{stroke:{lines[dark]};stroke-width:2}}")
        rules.append(f".wv path.wv-tip-{mark}{{fill:{lines[dark]}}}")
    rules.append(f".wv .wv-mark,.wv .wv-clash{{fill:{colours.MARKS['failed'][dark]}}}")
    return "".join(rules)
