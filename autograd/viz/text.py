"""Text: a tree for terminals, from the outputs back to the inputs, each value told once.

Below a value stand its inputs, in order. Where there is only one, it stands under it behind an arrow, without going deeper, so
that a chain of a thousand ops has one margin. What was told before is only named: `^ e above`. Stands on view.py; nothing here
calls itself, and the same graph is always the same text.
"""

import unicodedata
from collections import Counter
from dataclasses import dataclass

from .arrows import Arrow, arrows, ends
from .model import GraphData
from .view import Item, Options, View, clean, shorten

DEEPEST = 16  # levels of a tree; what is below goes on in one of its own
WIDEST = 72  # characters of a name with what is before it, which the next column is moved for

PLAIN = {"├─ ": "|- ", "└─ ": "`- ", "│  ": "|  ", "← ": "<- ", "→": "->", "×": "x", "‖": "|", "…": "...", "·": "-", "—": "-"}


def to_text(graph: GraphData, options: Options | None = None, ascii: bool = False) -> str:
    """The tree of a graph, without a newline at the end; with `ascii` in characters that every terminal has.

    >>> from .model import Box, Edge
    >>> boxes = [Box(0, "", "input", "x", value=2.0), Box(1, "multiply", name="y", value=4.0)]
    >>> print(to_text(GraphData(boxes, [Edge(0, 1, 0), Edge(0, 1, 1)])))
    y = multiply    value 4
    ← x (2 times)   value 2
    """
    chosen = Options() if options is None else options
    view = View.of(graph, chosen)
    rows = _Telling(view).rows()
    title = clean(chosen.title or ("" if any(box.name == graph.title for box in graph.boxes) else graph.title))
    head, feet = [title] if title else [], list(map(clean, (*graph.notes, *view.notes)))
    if ascii:
        head, feet, rows = list(map(_plain, head)), list(map(_plain, feet)), [list(map(_plain, row)) for row in rows]
    return "\n".join([*head, *_aligned(rows), *feet]) or "nothing to show"


@dataclass(slots=True)
class _Turn:
    """An item whose line comes next: what stands before it, and before what hangs on it."""

    key: str
    before: str
    below: str
    depth: int
    times: int = 1  # how often it is read
    marks: tuple[str, ...] = ()  # on the line that leads to it


class _Telling:
    """A view while it is told."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.items = ends(view)
        self.inputs: dict[str, list[Arrow]] = {key: [] for key in self.items}
        self.readers: Counter[str] = Counter()
        for arrow in arrows(view):
            self.inputs[arrow.target].append(arrow)
            self.readers[arrow.source] += 1
        for into in self.inputs.values():
            into.sort(key=self._slot)
        self.groups = _paths(view)
        self.short = {key: self._name(item) for key, item in self.items.items()}
        self.tags = self._tags()
        self.told: set[str] = set()
        self.later: list[str] = []

    def rows(self) -> list[list[str]]:
        """The lines, in columns: name, value, gradient, marks, where it is."""
        rows: list[list[str]] = []
        for root in self._roots():
            self.later.append(root)
            while self.later:
                key = self.later.pop(0)
                if key not in self.told:
                    rows += self._tree(key)
        return rows

    def _tree(self, root: str) -> list[list[str]]:
        rows, stack = [], [_Turn(root, "", "", 0)]
        while stack:
            turn = stack.pop()
            inputs = self.inputs[turn.key]
            if turn.key in self.told:
                rows.append([f"{turn.before}^ {self._named(turn.key)} above", "", "", ", ".join(turn.marks)])
            elif turn.depth >= DEEPEST and inputs:
                rows.append([f"{turn.before}{self._named(turn.key)}, below"])
                self.later.append(turn.key)
            else:
                self.told.add(turn.key)
                rows.append(self._row(turn))
                stack += self._next(turn, inputs)[::-1]
        return rows

    def _next(self, turn: _Turn, inputs: list[Arrow]) -> list[_Turn]:
        """The turns of the inputs."""
        found = []
        for i, arrow in enumerate(inputs):
            edges = [self.view.graph.edges[edge] for edge in arrow.edges]
            times = len(edges) if turn.key[0] == arrow.source[0] == "b" else 1
            before, below, depth = "← ", "", turn.depth
            if len(inputs) > 1:
                before, below, depth = ("├─ ", "│  ", depth + 1) if i < len(inputs) - 1 else ("└─ ", "   ", depth + 1)
            marks = tuple(dict.fromkeys(clean(mark) for edge in edges for mark in edge.marks))
            found.append(_Turn(arrow.source, turn.below + before, turn.below + below, depth, times, marks))
        return found

    def _row(self, turn: _Turn) -> list[str]:
        item = self.items[turn.key]
        parts: dict[str, list[str]] = {"kind": [], "value": [], "gradient": [], "mark": []}
        for line, style in zip(item.lines[1:], item.styles[1:], strict=True):
            if line != self._kind(item):
                parts[style].append(line.removeprefix("→ "))
        parts["mark"] += [mark for mark in turn.marks if mark not in parts["mark"]]
        times = f" ({turn.times} times)" if turn.times > 1 else ""
        kind = f": {self._kind(item)}" if item.kind == "folded" and self._kind(item) not in ("", item.lines[0]) else ""
        title = self.short[turn.key] if item.kind == "folded" else item.lines[0]
        name = f"{turn.before}{title}{kind}{self.tags.get(turn.key, '')}{times}"
        told = [", ".join(parts[style]) for style in ("value", "gradient", "mark")]
        if item.kind == "folded":
            return [name, *told, ", ".join(parts["kind"])]
        return [name, *told, f"in {self.groups[turn.key]}" if self.groups[turn.key] else ""]

    def _roots(self) -> list[str]:
        """Where trees begin: outputs, then what else nothing reads, then the latest of each circle that is left."""
        order = list(self.items)
        outputs = self._outputs()
        free = [key for key in order if not self.readers[key]]
        return [*(key for key in free if key in outputs), *(key for key in free if key not in outputs), *order[::-1]]

    def _outputs(self) -> set[str]:
        return {f"b{box.number}" for box in self.view.graph.boxes if box.is_output}

    def _slot(self, arrow: Arrow) -> tuple[int, int]:
        edge = arrow.edges[0]
        return (self.view.graph.edges[edge].slot if arrow.target[0] == "b" else 0, edge)

    def _named(self, key: str) -> str:
        """An item where it is not told, but named."""
        return self.short[key] + self.tags.get(key, "")

    def _kind(self, item: Item) -> str:
        groups = self.view.graph.groups
        return shorten(groups[item.number].kind, 30) if item.number < len(groups) else ""

    def _name(self, item: Item) -> str:
        """The shortest name: what the user calls a value, else its op; the whole path of a module."""
        groups = self.view.graph.groups
        if item.kind in ("box", "chip"):
            box = self.view.graph.boxes[item.number]
            return shorten(box.name or box.title, 30)
        if item.number >= len(groups) or not groups[item.number].path:
            return item.lines[0]
        group = groups[item.number]
        return shorten(group.path, 40) + (f" (call {group.call})" if group.call > 1 else "")

    def _tags(self) -> dict[str, str]:
        """A number for each item that is told of twice, where another has the same name."""
        common = Counter(self.short.values())
        several = (key for key in self.items if self.readers[key] > 1 and common[self.short[key]] > 1)
        return {key: f" #{key[1:]}" for key in several}


def _paths(view: View) -> dict[str, str]:
    """For each item the path of the module that it stands in, by key."""
    found, stack = {}, [(item, "") for item in view.level.items]
    while stack:
        item, path = stack.pop()
        found[item.key] = path
        if item.inner is not None:
            groups = view.graph.groups
            inner = groups[item.number].path if item.number < len(groups) else path
            stack.extend((child, shorten(inner, 40)) for child in item.inner.items)
    return found


# --- columns ---------------------------------------------------------------------------------------------------------------


def _aligned(rows: list[list[str]]) -> list[str]:
    """Lines in which each column begins at one place; a name that is very long moves only its own line."""
    widths: dict[int, int] = {}
    for row in rows:
        for i, cell in enumerate(row[:-1]):
            widths[i] = max(widths.get(i, 0), min(width(cell), WIDEST))
    lines = []
    for row in rows:
        cells = [cell + " " * (widths.get(i, 0) - width(cell)) for i, cell in enumerate(row) if widths.get(i, 1)]
        lines.append("   ".join(cells).rstrip())
    return lines


def width(text: str) -> int:
    """How many places of a terminal the text takes.

    >>> width("abc"), width("日本")
    (3, 4)
    """
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _plain(text: str) -> str:
    for sign, plain in PLAIN.items():
        text = text.replace(sign, plain)
    return text.encode("ascii", "backslashreplace").decode("ascii")
