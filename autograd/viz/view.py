"""What of a graph is visible: which modules are open, what is folded, what stands as a small chip at each of its uses.

A level holds the items of the whole picture or of one open module, and the links between them; `layout.place` gives it
coordinates and the writers draw it. Stands on model.py; knows no coordinates, no colours and no file format. page/view.js is
the same in JavaScript, line for line; a test holds the two equal. Nothing here calls itself: graphs may be deep.
"""

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Context
from numbers import Integral
from typing import Any

from autograd.viz.model import Box, GraphData, Group, Stats

FAN = 5  # a value that nothing made and that is read so often is a chip at each use: long lines are what costs, and hides
RUN = 100  # how many steps of a long list are folded as one
EASY = 4  # groups are opened unasked while items are at most this part of the limit: the first look should fit a screen or two
FEW = 5  # fewer boxes than this say too little
STANDINS = 16  # how many values at most are drawn in place of one that is hidden
DIRECTIONS = {"down": "down", "TB": "down", "right": "right", "LR": "right"}
COLOURS = ("kind", "gradient", "time", "memory")
FAULTS = ("failed", "origin", "gradient origin")
QUIET = ("reached", "gradient reached")  # marks that are told by colour only
KINDS = ("op", "input", "parameter", "buffer", "constant")


@dataclass(frozen=True)
class Options:
    """How a picture is drawn, in words.

    `depth` is how many levels of modules are open (None: as many as fit in `limit`), `hide` names kinds of values, ops and
    modules to leave out, `colour` is what boxes are coloured by: "kind", "gradient", "time" or "memory".

    >>> Options(direction="LR").direction
    'right'
    """

    depth: int | None = None
    direction: str = "down"
    hide: Collection[str] = ()
    values: bool = True
    gradients: bool = True
    colour: str = "kind"
    title: str = ""
    limit: int = 150

    def __post_init__(self) -> None:
        if self.direction not in DIRECTIONS:
            raise ValueError(f"direction={self.direction!r}: expected one of {', '.join(map(repr, DIRECTIONS))}")
        if self.colour not in COLOURS:
            raise ValueError(f"colour={self.colour!r}: expected one of {', '.join(map(repr, COLOURS))}")
        for name in ("limit", "depth"):
            given: Any = getattr(self, name)
            if not isinstance(given, Integral) and (given is not None or name == "limit"):
                raise ValueError(f"{name}={given!r}: expected a whole number")
        if self.limit < 2:
            raise ValueError(f"limit={self.limit!r}: at least 2 boxes are needed to draw anything")
        if self.depth is not None and self.depth < 0:
            raise ValueError(f"depth={self.depth!r}: expected 0 (everything folded), 1, 2, ... or None (as much as fits)")
        object.__setattr__(self, "direction", DIRECTIONS[self.direction])
        object.__setattr__(self, "hide", (self.hide,) if isinstance(self.hide, str) else tuple(self.hide))


@dataclass(slots=True)
class Item:
    """Something to draw. `x` and `y` are its upper left corner, in its level, once `layout.place` has been there.

    `kind` is "box", "folded" or "open" (a module), "chip" (a value shown at one of its uses) or "port" (where a value enters or
    leaves an open module). `number` is that of the box, or of the group. `styles` says of each line what it is: "title",
    "kind", "value", "gradient" or "mark". `boxes` is how many values it stands for; `gradient` (root mean square), `seconds`
    and `nbytes` are what it may be coloured by, of all of them together.
    """

    key: str
    kind: str
    number: int
    lines: list[str]
    styles: list[str]
    width: float
    height: float
    marks: list[str] = field(default_factory=list)
    boxes: int = 1
    gradient: float | None = None
    seconds: float | None = None
    nbytes: int = 0
    inner: "Level | None" = None
    enters: bool = False  # of a port: the value comes from outside
    made: bool = True  # by an op: what nothing made stands aside, and does not bend the line of what flows
    x: float = 0.0
    y: float = 0.0


@dataclass(slots=True)
class Link:
    """A line from an item to another of the same level, for the edges with these numbers.

    `value` is the box whose value passes, where an end is an open module: it goes to the port of that value. `back` says that
    the line runs against the direction, because the items form a circle (a module that is left and entered again).
    """

    source: str
    target: str
    edges: list[int] = field(default_factory=list)
    value: int | None = None
    back: bool = False
    points: list[tuple[float, float]] = field(default_factory=list)


@dataclass(slots=True)
class Level:
    """The items in one open group (None: the whole picture). `x` and `y` say where it stands in the item that holds it."""

    group: int | None
    items: list[Item] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    x: float = 0.0
    y: float = 0.0
    width: float = 0.0
    height: float = 0.0


# ---------------------------------------------------------------------------------------------------------------- text

# Widths of the characters from space to tilde in hundredths of the size: those of a wide bold font, so that any other fits.
WIDTHS = [
    *(35, 46, 53, 84, 70, 101, 88, 31, 46, 46, 53, 84, 38, 42, 38, 37, 70, 70, 70, 70, 70, 70, 70, 70, 70, 70, 40, 40, 84, 84),
    *(84, 58, 100, 78, 77, 74, 83, 69, 69, 83, 84, 38, 38, 78, 64, 100, 84, 85, 74, 85, 77, 72, 69, 82, 78, 111, 78, 73, 73),
    *(46, 37, 46, 84, 50, 50, 68, 72, 60, 72, 68, 44, 72, 72, 35, 35, 67, 35, 105, 72, 69, 72, 72, 50, 60, 48, 72, 66, 93, 65),
    *(66, 59, 72, 37, 72, 84),
]
SIZES = {"title": 13, "kind": 11, "value": 11, "gradient": 11, "mark": 11, "port": 10}
MONO = ("value", "gradient", "mark")  # styles in letters of one width


def clean(text: str) -> str:
    """The text in one line and without characters that no file may hold or that turn the direction of writing.

    >>> clean("a\\nb\\x00")
    'a b·'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_clean_one(letter) for letter in text)


def _clean_one(letter: str) -> str:
    code = ord(letter)
    if code in (9, 10, 13, 0x85, 0x2028, 0x2029):
        return " "
    bad = code < 32 or 127 <= code < 160 or 0xD800 <= code < 0xE000 or code in (0x200E, 0x200F, 0xFEFF)
    bad = bad or 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069 or code & 0xFFFE == 0xFFFE
    return "·" if bad else letter


def shorten(text: str, most: int) -> str:
    """The clean text, cut in the middle if it is longer than `most` characters.

    >>> shorten("abcdefghij", 7)
    'abc…hij'
    """
    text = clean(text)
    if len(text) <= most:
        return text
    tail = (most - 1) // 2
    return text[: most - 1 - tail] + "…" + text[len(text) - tail :]


def text_width(text: str, style: str) -> float:
    """How wide the text is at most, in pixels."""
    hundredths = 0
    for letter in text:
        code = ord(letter)
        if style in MONO:
            hundredths += 61 if code < 0x1100 else 122
        elif 32 <= code < 127:
            hundredths += WIDTHS[code - 32]
        else:
            hundredths += 84 if code < 0x1100 else 110
    return hundredths * SIZES[style] / 100


_FOUR = Context(prec=4, rounding=ROUND_HALF_UP)  # as toExponential in JavaScript rounds; format() would round to even


def number_text(x: float) -> str:
    """A number in at most four digits; whole numbers below a million in full.

    >>> number_text(0.1234567), number_text(-8.0), number_text(1.5e-9)
    ('0.1235', '-8', '1.5e-9')
    """
    if not math.isfinite(x):
        return "nan" if math.isnan(x) else "inf" if x > 0 else "-inf"
    if x == int(x) and abs(x) < 1_000_000:
        return str(int(x))
    digits, _, power = f"{_FOUR.create_decimal_from_float(abs(x)):.3e}".partition("e")
    exponent = int(power)
    digits = digits.replace(".", "")
    if -5 < exponent < 0:
        shown = "0." + "0" * (-exponent - 1) + digits.rstrip("0")
    elif 0 <= exponent < 3:
        shown = (digits[: exponent + 1] + "." + digits[exponent + 1 :]).rstrip("0").rstrip(".")
    elif 3 <= exponent < 6:
        shown = digits + "0" * (exponent - 3)
    else:
        shown = (digits[0] + "." + digits[1:]).rstrip("0").rstrip(".") + f"e{exponent}"
    return "-" + shown if x < 0 else shown


def count_text(n: int, what: str) -> str:
    """A count with its noun.

    >>> count_text(12345, "value"), count_text(1, "value")
    ('12,345 values', '1 value')
    """
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"


def shape_text(box: Box) -> str:
    """Shape and dtype of a box, with brackets around the axes that clash.

    >>> shape_text(Box(0, shape=(2, 3), dtype="float32", marks=("clash: axis 1",)))
    '2×[3] float32'
    """
    clashing = [_axis(mark, len(box.shape)) for mark in box.marks if mark.startswith("clash: axis ")]
    sides = [f"[{side}]" if axis in clashing else str(side) for axis, side in enumerate(box.shape)]
    shape = "×".join(sides) if len(sides) < 8 else "×".join([*sides[:3], "…", *sides[-3:]])
    return clean(f"{shape or 'scalar'} {box.dtype}".rstrip())


def _axis(mark: str, ndim: int) -> int:
    text = mark[len("clash: axis ") :]
    digits = text[1:] if text.startswith("-") else text
    if not (digits.isascii() and digits.isdigit() and len(digits) < 3):
        return -1
    return int(digits) if digits == text else ndim - int(digits)


# ---------------------------------------------------------------------------------------------------- what stands in a box


def local_name(name: str, path: str) -> str:
    """A name as it is said inside the module with that path.

    >>> local_name("net.0.weight", "net.0"), local_name("x", "net.0")
    ('weight', 'x')
    """
    return name[len(path) + 1 :] if path and name.startswith(path + ".") else name


def box_lines(box: Box, values: bool, gradients: bool, path: str = "") -> tuple[list[str], list[str]]:
    """The lines of a box and their styles: what it is, its value or its shape, its gradient, and what is to be seen."""
    name = local_name(box.name, path)
    name = f"{name} = {box.title}" if box.kind == "op" and name else name or box.title
    lines, styles = [shorten(name, 30)], ["title"]
    if values and box.value is not None:
        lines.append("value " + number_text(box.value))
        styles.append("value")
    elif box.shape or box.dtype:
        lines.append(shorten(shape_text(box), 36))
        styles.append("value")
    if gradients and box.gradient is not None:
        lines.append("gradient " + number_text(box.gradient))
        styles.append("gradient")
    elif gradients and box.gradients is not None:
        lines.append("‖gradient‖ " + number_text(box.gradients.norm))
        styles.append("gradient")
    told = [mark for mark in box.marks if mark not in QUIET] + _bad(box.values, "") + _bad(box.gradients, " in the gradient")
    lines.extend(shorten(mark, 36) for mark in told)
    styles.extend("mark" for mark in told)
    return lines, styles


def _bad(stats: Stats | None, where: str) -> list[str]:
    if stats is None or stats.nans + stats.infinities == 0:
        return []
    counts = [f"{count:,} {word}" for count, word in ((stats.nans, "nan"), (stats.infinities, "inf")) if count]
    return [" and ".join(counts) + where]


def box_size(lines: list[str], styles: list[str]) -> tuple[float, float]:
    """Width and height that the lines need; both even, so that middles are whole pixels."""
    widest = max(text_width(line, style) for line, style in zip(lines, styles, strict=True))
    return 2.0 * max(32, math.ceil((widest + 20) / 2)), 32.0 + 16.0 * (len(lines) - 1)


def small_size(line: str, kind: str) -> tuple[float, float]:
    """Width and height of a chip or a port."""
    widest = text_width(line, "kind" if kind == "chip" else "port")
    return 2.0 * math.ceil((widest + 14) / 2), 20.0 if kind == "chip" else 18.0


def group_name(group: Group, above: Group | None) -> str:
    """What a module is called inside the one above it.

    >>> group_name(Group(1, "net.0", "Linear"), Group(0, "net", "Sequential"))
    '0'
    """
    name = local_name(group.path, above.path if above is not None else "")
    return (name or group.kind or "module") + (f" (call {group.call})" if group.call > 1 else "")


# ------------------------------------------------------------------------------------------------------- what stands where


@dataclass(slots=True)
class _Totals:
    boxes: int = 0
    ops: int = 0
    parameters: int = 0
    modules: dict[str, int] = field(default_factory=dict)  # by path: their own parameters, which count once
    squares: float = 0.0
    elements: int = 0
    seconds: float | None = None
    nbytes: int = 0
    marks: list[str] = field(default_factory=list)
    newest: int = -1  # of the ops
    result: int = -1  # the newest that anything reads: an op may have more outputs than are wanted


class Tree:
    """Boxes and groups as they stand in one another, after what is hidden went; long lists are cut in runs of at most 100.

    A run is a group with a number behind those of the graph. The children of a group are boxes and, as ~number, groups.
    """

    def __init__(self, graph: GraphData, hide: Collection[str] = (), limit: int = 150) -> None:
        self.graph = graph
        self.hidden = _hidden(graph, hide)
        self.edges = _edges_around(graph, self.hidden)
        self.uses = [0] * len(graph.boxes)
        for source, _, _ in self.edges:
            self.uses[source] += 1
        self.chip = [self.uses[box.number] >= FAN and box.kind != "op" for box in graph.boxes]
        self.where = [-1 if box.group is None else box.group for box in graph.boxes]
        self.parent = [-1 if group.parent is None else group.parent for group in graph.groups]
        self.children: list[list[int]] = [[] for _ in graph.groups]
        self.roots: list[int] = []
        self.first = [-1] * len(graph.groups)
        self.last = [-1] * len(graph.groups)
        self.names: list[str] = []  # of the runs
        self._hang()
        self._cut(limit)
        self.order = self._order()
        self.totals = self._add_up()

    def inside(self, group: int) -> list[int]:
        """The children of a group; of -1 those that stand in none."""
        return self.roots if group < 0 else self.children[group]

    def _hang(self) -> None:
        for box in range(len(self.where)):
            if self.hidden[box] or self.chip[box]:
                continue
            child, group = box, self.where[box]
            while True:
                if group >= 0:
                    self.last[group] = box
                self.inside(group).append(child)
                if group < 0 or self.first[group] >= 0:
                    break
                self.first[group] = box
                child, group = ~group, self.parent[group]
        for group in range(len(self.parent) - 1, -1, -1):
            if self.parent[group] >= 0:
                self.last[self.parent[group]] = max(self.last[self.parent[group]], self.last[group])

    def _cut(self, limit: int) -> None:
        most = next(size for size in (RUN, 50, 20, 10, 5, 2) if size <= limit)
        for group in range(-1, len(self.graph.groups)):
            children = self.inside(group)
            while len(children) > limit:
                runs = [children[i : i + most] for i in range(0, len(children), most)]
                children = [self._run(run, group) if len(run) > 1 else run[0] for run in runs]
                if group < 0:
                    self.roots = children
                else:
                    self.children[group] = children

    def _run(self, run: list[int], group: int) -> int:
        number = len(self.parent)
        first, last = self._ends(run[0])[0], self._ends(run[-1])[1]
        self.parent.append(group)
        self.children.append(run)
        self.first.append(first)
        self.last.append(last)
        self.names.append(f"ops {first} to {last}")
        for child in run:
            if child >= 0:
                self.where[child] = number
            else:
                self.parent[~child] = number
        return ~number

    def _ends(self, child: int) -> tuple[int, int]:
        return (child, child) if child >= 0 else (self.first[~child], self.last[~child])

    def _order(self) -> list[int]:
        order = [~child for child in self.roots if child < 0]
        for group in order:  # grows meanwhile
            order.extend(~child for child in self.children[group] if child < 0)
        return order

    def _add_up(self) -> list[_Totals]:
        totals = [_Totals() for _ in self.parent]
        for group in self.graph.groups:
            totals[group.number].parameters = group.parameters
            totals[group.number].modules = {f"{group.path} {group.kind}": group.parameters}
        for box in self.graph.boxes:
            if not self.hidden[box.number] and self.where[box.number] >= 0:
                total = totals[self.where[box.number]]
                _count(total, box)
                if box.kind == "op" and (box.is_output or self.uses[box.number]):
                    total.result = max(total.result, box.number)
        for group_number in reversed(self.order):
            if self.parent[group_number] >= 0:
                _join(totals[self.parent[group_number]], totals[group_number])
        return totals


def _count(total: _Totals, box: Box) -> None:
    total.boxes += 1
    if box.kind == "op":
        total.ops += 1
        total.newest = max(total.newest, box.number)
    if box.gradient is not None:
        total.squares += box.gradient * box.gradient
        total.elements += 1
    elif box.gradients is not None and not math.isnan(box.gradients.norm):
        total.squares += box.gradients.norm * box.gradients.norm
        total.elements += box.gradients.size
    if box.seconds is not None:
        total.seconds = (total.seconds or 0.0) + box.seconds
    total.nbytes += box.nbytes
    _add_marks(total.marks, box.marks)


def _join(total: _Totals, part: _Totals) -> None:
    total.boxes += part.boxes
    total.ops += part.ops
    _join_modules(total, part)
    total.squares += part.squares
    total.elements += part.elements
    if part.seconds is not None:
        total.seconds = (total.seconds or 0.0) + part.seconds
    total.nbytes += part.nbytes
    total.newest = max(total.newest, part.newest)
    total.result = max(total.result, part.result)
    _add_marks(total.marks, part.marks)


def _join_modules(total: _Totals, part: _Totals) -> None:
    """Adds the parameters of those modules that were not called in the others; what `part` knew of them is used up."""
    if len(part.modules) > len(total.modules):  # the smaller goes into the larger, so that a deep model takes no longer
        total.modules, part.modules = part.modules, total.modules
        total.parameters = part.parameters
    for path, count in part.modules.items():
        if path not in total.modules:
            total.modules[path] = count
            total.parameters += count
    part.modules = {}


def _add_marks(marks: list[str], more: Iterable[str]) -> None:
    for mark in more:
        if mark not in marks and not mark.startswith("clash"):
            marks.append(mark)


def _hidden(graph: GraphData, hide: Collection[str]) -> list[bool]:
    words = set(hide)
    if not words:
        return [False] * len(graph.boxes)
    known = {*KINDS, *graph.ops}
    known.update(box.op for box in graph.boxes)
    known.update(group.path for group in graph.groups)
    known.update(group.kind for group in graph.groups)
    wrong = sorted(words - known)
    if wrong:
        ops = sorted({box.op for box in graph.boxes if box.op})
        modules = sorted({group.path for group in graph.groups if group.path})
        raise ValueError(
            f"hide={wrong[0]!r}: nothing here is called so. Kinds: {', '.join(KINDS)}; "
            f"ops: {', '.join(ops[:40]) or 'none'}; modules: {', '.join(modules[:40]) or 'none'}"
        )
    gone = [False] * len(graph.groups)
    for group in graph.groups:
        above = group.parent is not None and gone[group.parent]
        gone[group.number] = above or bool(group.path and group.path in words) or bool(group.kind and group.kind in words)
    return [
        box.kind in words or bool(box.op and box.op in words) or (box.group is not None and gone[box.group])
        for box in graph.boxes
    ]


def _edges_around(graph: GraphData, hidden: list[bool]) -> list[tuple[int, int, int]]:
    """Source, target and number of each edge that is drawn: around what is hidden, from the values that it was made from."""
    if True not in hidden:
        return [(edge.source, edge.target, number) for number, edge in enumerate(graph.edges)]
    standins: dict[int, list[int]] = {}  # in order of the targets: edges go forward, so those of a source are complete
    found: list[tuple[int, int, int]] = []
    for number in sorted(range(len(graph.edges)), key=lambda number: graph.edges[number].target):
        source, target = graph.edges[number].source, graph.edges[number].target
        sources = standins.get(source, []) if hidden[source] else [source]
        if not hidden[target]:
            found.extend((one, target, number) for one in sources)
            continue
        there = standins.setdefault(target, [])
        there.extend(one for one in sources if one not in there)
        del there[STANDINS:]
    return found


# ---------------------------------------------------------------------------------------------------------------- the view


class View:
    """What is visible of a graph: `level`, the whole picture, in which open groups hold levels of their own.

    `opened` says which groups are open, by number; without it `depth` levels of groups are, and without that as many as leave a
    quarter of `limit` to look at: few enough to be read. No group holds more than `limit` of anything, as longer lists are cut
    in runs. `notes` are sentences for the caption, `shown` counts boxes and folded groups, `opened` lists the open groups,
    `names` are those of the runs, whose numbers come after the groups of the graph.

    >>> graph = GraphData([Box(0, "", "input", "x"), Box(1, "tanh")])
    >>> [item.lines for item in View(graph).level.items]
    [['x'], ['tanh']]
    """

    def __init__(
        self,
        graph: GraphData,
        *,
        opened: Collection[int] | None = None,
        depth: int | None = None,
        hide: Collection[str] = (),
        limit: int = 150,
        values: bool = True,
        gradients: bool = True,
    ) -> None:
        self.graph = graph
        self.tree = Tree(graph, hide, limit)
        self.values, self.gradients = values, gradients
        if opened is not None:
            self._wanted = [group in opened for group in range(len(self.tree.parent))]
        elif depth is not None:
            self._wanted = _to_depth(self.tree, depth)
        else:
            self._wanted = _that_fit(self.tree, limit // EASY, limit)
        self.opened: list[int] = []
        self.shown = 0
        self._find_folded()
        self._level = {-1: Level(None)}
        self._fill()
        self._connect()
        self._sort()
        self.level = self._level[-1]
        self.names = self.tree.names
        self.notes = self._notes()

    @classmethod
    def of(cls, graph: GraphData, options: Options, opened: Collection[int] | None = None) -> "View":
        """The view that the options ask for."""
        return cls(
            graph,
            opened=opened,
            depth=options.depth,
            hide=options.hide,
            limit=options.limit,
            values=options.values,
            gradients=options.gradients,
        )

    def _find_folded(self) -> None:
        """Which groups are open, in `opened`; in `_folded` for every other the visible group that it is or stands in."""
        tree = self.tree
        self._folded = [-1] * len(tree.parent)
        self._depth = [0] * len(tree.parent)
        for group in tree.order:
            parent = tree.parent[group]
            if parent >= 0 and self._folded[parent] >= 0:
                self._folded[group] = self._folded[parent]
            elif self._wanted[group]:
                self.opened.append(group)
                self._depth[group] = 1 if parent < 0 else self._depth[parent] + 1
            else:
                self._folded[group] = group

    def _fill(self) -> None:
        self._place: dict[str, tuple[int, int]] = {}  # by key: what it is sorted by in its level
        for group in [-1, *self.opened]:
            level = self._level[group]
            for child in self.tree.inside(group):
                item = self._box(child) if child >= 0 else self._group(~child)
                level.items.append(item)
                self._place[item.key] = (child if child >= 0 else self.tree.first[~child], 1)
                if item.kind == "open":
                    item.inner = self._level[~child] = Level(~child)
                else:
                    self.shown += 1

    def _box(self, number: int) -> Item:
        box = self.graph.boxes[number]
        lines, styles = box_lines(box, self.values, self.gradients, self._path(self.tree.where[number]))
        width, height = box_size(lines, styles)
        total = _Totals()
        _count(total, box)
        marks = [clean(mark) for mark in box.marks]
        return _heated(Item(f"b{number}", "box", number, lines, styles, width, height, marks), total)

    def _group(self, number: int) -> Item:
        total = self.tree.totals[number]
        lines, styles = self._group_lines(number, total)
        if self._folded[number] < 0:
            width = 2.0 * math.ceil((text_width(lines[0], "title") + text_width(lines[1], "kind") + 38) / 2)
            return _heated(Item(f"g{number}", "open", number, lines[:2], styles[:2], width, 0.0, total.marks), total)
        width, height = box_size(lines, styles)
        return _heated(Item(f"g{number}", "folded", number, lines, styles, width, height, total.marks), total)

    def _group_lines(self, number: int, total: _Totals) -> tuple[list[str], list[str]]:
        groups = self.graph.groups
        if number < len(groups):
            above = self._real(self.tree.parent[number])
            name = group_name(groups[number], groups[above] if above >= 0 else None)
            kind = groups[number].kind if name != groups[number].kind else ""
        else:
            name, kind = self.tree.names[number - len(groups)], ""
        told = [kind] if kind else []
        told.append(count_text(total.ops, "op") if total.ops else count_text(total.boxes, "value"))
        if total.parameters:
            told.append(count_text(total.parameters, "parameter"))
        lines, styles = [shorten(name, 30), shorten(told[0], 30)], ["title", "kind"]
        if len(told) > 1:
            lines.append(" · ".join(told[1:]))
            styles.append("kind")
        result = total.newest if total.result < 0 else total.result
        if result >= 0 and self.graph.boxes[result].dtype:
            lines.append("→ " + shorten(shape_text(self.graph.boxes[result]), 36))
            styles.append("value")
        rms = _rms(total)
        if self.gradients and rms is not None:
            lines.append("gradient rms " + number_text(rms))
            styles.append("gradient")
        marks = [mark for mark in total.marks if mark not in QUIET]
        lines.extend(shorten(mark, 36) for mark in marks[:3])
        styles.extend("mark" for _ in marks[:3])
        return lines, styles

    def _real(self, group: int) -> int:
        """The innermost group of the graph that a group is or stands in, past the runs."""
        while group >= len(self.graph.groups):
            group = self.tree.parent[group]
        return group

    def _path(self, group: int) -> str:
        real = self._real(group)
        return self.graph.groups[real].path if real >= 0 else ""

    def _connect(self) -> None:
        self._links: dict[tuple[int, str, str, int], Link] = {}
        self._ports: dict[str, Item] = {}
        self._chips: dict[tuple[int, str], Item] = {}
        for source, target, edge in self.tree.edges:
            key, home = self._item_of(target)
            if key != self._item_of(source)[0]:
                self._route(source, target, edge, key, home)

    def _item_of(self, box: int) -> tuple[str, int]:
        """The key of the item that stands for a box, and the group whose level it stands in."""
        group = self.tree.where[box]
        folded = -1 if group < 0 else self._folded[group]
        return (f"b{box}", group) if folded < 0 else (f"g{folded}", self.tree.parent[folded])

    def _route(self, source: int, target: int, edge: int, key: str, home: int) -> None:
        if self.tree.chip[source]:
            self._link(home, self._chip(source, target, edge, key, home), key, edge)
            return
        start, outer = self._item_of(source)
        finish, inner = key, home
        while outer != inner:  # up from the deeper of the two
            up = inner < 0 or (outer >= 0 and self._depth[outer] >= self._depth[inner])
            if up:
                self._link(outer, start, self._port(outer, source, False), edge)
                start, outer = f"g{outer}", self.tree.parent[outer]
            else:
                self._link(inner, self._port(inner, source, True), finish, edge)
                finish, inner = f"g{inner}", self.tree.parent[inner]
        self._link(outer, start, finish, edge, source)

    def _link(self, group: int, source: str, target: str, edge: int, value: int = -1) -> None:
        if not (self._is_open(source) or self._is_open(target)):
            value = -1
        elif value < 0:  # between a port and an open group inside: the value is that of the port
            value = int((source if source[0] == "p" else target).partition(".")[2])
        found = self._links.get((group, source, target, value))
        if found is None:
            found = self._links[group, source, target, value] = Link(source, target, [], None if value < 0 else value)
            self._level[group].links.append(found)
        found.edges.append(edge)

    def _is_open(self, key: str) -> bool:
        return key[0] == "g" and self._folded[int(key[1:])] < 0

    def _port(self, group: int, value: int, enters: bool) -> str:
        key = f"p{group}.{value}"
        if key not in self._ports:
            line = shorten(self._short_name(value, group), 24)
            made = self.graph.boxes[value].kind == "op"
            item = Item(key, "port", group, [line], ["port"], *small_size(line, "port"), boxes=0, enters=enters, made=made)
            self._ports[key] = item
            self._level[group].items.append(item)
            self._place[key] = (-1, value) if enters else (len(self.graph.boxes), value)
        return key

    def _chip(self, source: int, target: int, edge: int, key: str, home: int) -> str:
        chip = self._chips.get((source, key))
        if chip is None:
            name = f"c{source}.{target}.{self.graph.edges[edge].slot}"
            line = shorten(self._short_name(source, home), 24)
            chip = Item(name, "chip", source, [line], ["kind"], *small_size(line, "chip"))
            self._chips[source, key] = _heated(chip, _counted(self.graph.boxes[source]))
            self._level[home].items.append(chip)
            self._place[name] = (self._place[key][0], 0)
        return chip.key

    def _short_name(self, number: int, group: int) -> str:
        box = self.graph.boxes[number]
        return local_name(box.name, self._path(group)) or box.title

    def _sort(self) -> None:
        for group in [-1, *self.opened]:
            self._level[group].items.sort(key=lambda item: self._place[item.key])

    def _notes(self) -> list[str]:
        tree, notes = self.tree, []
        total = len(tree.hidden)
        hidden = sum(tree.hidden)
        folded = [g for g in tree.order if self._folded[g] == g]
        inside = sum(tree.totals[g].boxes for g in folded)
        if folded:
            groups = (
                f"1 folded group holds {inside:,}" if len(folded) == 1 else f"{len(folded):,} folded groups hold {inside:,}"
            )
            notes.append(f"{count_text(self.shown, 'box').replace('boxs', 'boxes')} shown: {groups} of {total:,} values.")
        if hidden:
            notes.append(f"{count_text(hidden, 'value')} left out.")
        wrong = next((box for box in self.graph.boxes if box.error), None)
        if wrong is not None and not any(str(wrong.error) in note for note in self.graph.notes):
            notes.append(f"Failed: {wrong.error}")
        chips = len({chip.number for chip in self._chips.values()})
        if chips:
            named = "1 value that is" if chips == 1 else f"{chips:,} values that are"
            notes.append(f"{named} read {FAN} times or more: shown at each use.")
        return notes


def _counted(box: Box) -> _Totals:
    total = _Totals()
    _count(total, box)
    return total


def _rms(total: _Totals) -> float | None:
    if not total.elements:
        return None
    found = math.sqrt(total.squares / total.elements)
    return found if math.isfinite(found) else None


def _heated(item: Item, total: _Totals) -> Item:
    item.boxes, item.gradient = total.boxes, _rms(total)
    item.seconds, item.nbytes, item.made = total.seconds, total.nbytes, total.ops > 0
    return item


def _to_depth(tree: Tree, depth: int) -> list[bool]:
    depths = [0] * len(tree.parent)
    for group in tree.order:
        depths[group] = 0 if tree.parent[group] < 0 else depths[tree.parent[group]] + 1
    return [level < depth for level in depths]


def _that_fit(tree: Tree, most: int, limit: int) -> list[bool]:
    """Whole depths are opened, outermost first, while all are at most `most`; before them what is around a fault.

    Where fewer than FEW would be seen, it may be up to `limit`.
    """
    wanted = [False] * len(tree.parent)
    count = len(tree.roots)
    for group in _around_fault(tree):
        if count + len(tree.children[group]) <= most:
            wanted[group] = True
            count += len(tree.children[group])
    front = [~child for child in tree.roots if child < 0]
    while front:
        new = [group for group in front if not wanted[group]]
        shown = count - wanted.count(True)
        count += sum(len(tree.children[group]) for group in new)
        if count > limit or (count > most and shown >= FEW):
            break
        for group in new:
            wanted[group] = True
        front = [~child for group in front for child in tree.children[group] if child < 0]
    return wanted


def _around_fault(tree: Tree) -> list[int]:
    """The groups around the first box that failed or that a nan came from, outermost first."""
    for box in tree.graph.boxes:
        if not tree.hidden[box.number] and any(mark in FAULTS for mark in box.marks):
            found = []
            group = tree.where[box.number]
            while group >= 0:
                found.append(group)
                group = tree.parent[group]
            return found[::-1]
    return []
