"""Why a number is what it should not be: where the first nan or infinity came from, and why a gradient is None or zero.

What is asked is the GraphData: which op read what, of what a gradient is wanted, and what is known of values and gradients. The
graph behind a Tensor has no trace of what was computed in no_grad() or detached; a `watch` has. Stands on GraphData, and for
`why` on the graph of nodes.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ..errors import GradientError
from ..graph import Node, ancestors
from ..rows import dense
from ..tensor import Tensor, describe
from .collect import from_tensor, told
from .model import Box, Edge, GraphData, Stats

MANY = 3  # reasons of one kind that are told
KINDS = {"op": "an op", "input": "an input", "parameter": "a parameter", "buffer": "a buffer", "constant": "a constant"}


# --- what is known of a box ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Known:
    """The same of a number and of an array: range, how many are zero, nan or infinite."""

    least: float
    largest: float
    zeros: float
    nans: int
    infinities: int
    size: int

    @property
    def bad(self) -> bool:
        """Whether it holds nan or infinity."""
        return self.nans + self.infinities > 0

    @property
    def zero(self) -> bool:
        """Whether it is zero everywhere."""
        return self.size > 0 and self.zeros == 1.0

    @property
    def size_of_all(self) -> float:
        """The largest absolute value."""
        return max(abs(self.least), abs(self.largest))

    def __str__(self) -> str:
        if self.size == 1 and not self.bad:
            return f"{self.least:.4g}"
        if math.isnan(self.least):
            words = ["nothing finite"]
        else:
            words = [f"{self.least:.4g}" if self.least == self.largest else f"{self.least:.4g} to {self.largest:.4g}"]
        bad = ((self.nans, "nan"), (self.infinities, "infinite"))
        return ", ".join(words + [f"{count} of {self.size} {name}" for count, name in bad if count])


def value_of(box: Box) -> Known | None:
    """What is known of the value, None if nothing is."""
    return _known(box.value, box.values)


def gradient_of(box: Box) -> Known | None:
    """What is known of the gradient, None if nothing is."""
    return _known(box.gradient, box.gradients)


def _known(number: float | None, stats: Stats | None) -> Known | None:
    if number is not None:
        finite = number if math.isfinite(number) else math.nan
        return Known(finite, finite, float(number == 0), int(math.isnan(number)), int(math.isinf(number)), 1)
    if stats is None:
        return None
    return Known(stats.least, stats.largest, stats.zeros, stats.nans, stats.infinities, stats.size)


def named(graph: GraphData, box: Box) -> str:
    """A box in words: what made it, the user's name, the module and the line."""
    words = [box.op or box.name or KINDS[box.kind]]
    if box.op and box.name:
        words.append(f"({box.name})")
    if box.group is not None and graph.groups[box.group].path:
        words.append(f"in {graph.groups[box.group].path}")
    if box.source is not None:
        words.append(f"at {box.source[0]}:{box.source[1]}")
    return " ".join(words)


@dataclass
class Links:
    """The edges of a graph by their ends, of the forward pass."""

    inputs: list[list[Edge]]
    readers: list[list[Edge]]

    @classmethod
    def of(cls, graph: GraphData) -> "Links":
        links = cls([[] for _ in graph.boxes], [[] for _ in graph.boxes])
        for edge in graph.edges:
            links.inputs[edge.target].append(edge)
            if graph.boxes[edge.target].phase == "forward":
                links.readers[edge.source].append(edge)
        for edges in links.inputs:
            edges.sort(key=lambda edge: edge.slot)
        return links


# --- the first nan ---------------------------------------------------------------------------------------------------------


def origin(graph: GraphData) -> None:
    """Marks where the first nan or infinity came from, "origin", and what holds one because of it, "reached"; of gradients
    "gradient origin" and "gradient reached". A sentence for each goes to the notes.

    Infinities of which nothing is left in the end, as in the mask of an attention, are nobody's trouble and are not marked.
    """
    links = Links.of(graph)
    _mark_values(graph, links)
    _mark_gradients(graph, links)


def _mark(box: Box, mark: str) -> None:
    if mark not in box.marks:
        box.marks = (*box.marks, mark)


def _mark_values(graph: GraphData, links: Links) -> None:
    known = list(map(value_of, graph.boxes))
    first = _first(
        range(len(known)),
        [[edge.source for edge in edges] for edges in links.inputs],
        [[edge.target for edge in edges] for edges in links.readers],
        known,
        lambda number: graph.boxes[number].is_output or not links.readers[number],
    )
    if first is None:
        return
    start, reached = first
    box, given = graph.boxes[start], known[start]
    _mark(box, "origin")
    for number in reached:
        _mark(graph.boxes[number], "reached")
    inputs = [(edge, known[edge.source]) for edge in links.inputs[start]]
    read = ", ".join(f"{edge.name or f'input {edge.slot}'} {'not known' if k is None else f'from {k}'}" for edge, k in inputs)
    what = "nan" if given is not None and given.nans else "infinity"
    if box.kind != "op":
        told = f"The first {what} came in with {named(graph, box)}: {given}"
    else:
        sure = "of finite inputs" if all(k is not None for _, k in inputs) else "of inputs that are not all known"
        told = f"The first {what} was made by {named(graph, box)}, {sure}: {read or 'none'}; the value is {given}"
    graph.notes.append(f"{told}. {_how_many(len(reached))}.")


def _how_many(count: int) -> str:
    return f"It reaches {'nothing else' if not count else 'one other value' if count == 1 else f'{count} other values'}"


def _mark_gradients(graph: GraphData, links: Links) -> None:
    known = list(map(gradient_of, graph.boxes))
    first = _first(
        range(len(known))[::-1],
        [[edge.target for edge in edges if graph.boxes[edge.target].wanted] for edges in links.readers],
        [[edge.source for edge in edges] for edges in links.inputs],
        known,
        lambda number: not any(graph.boxes[edge.source].wanted for edge in links.inputs[number]),
    )
    if first is None:
        return
    start, reached = first
    box, given = graph.boxes[start], known[start]
    _mark(box, "gradient origin")
    for number in reached:
        if graph.boxes[number].wanted:
            _mark(graph.boxes[number], "gradient reached")
    readers = [
        (graph.boxes[edge.target], known[edge.target]) for edge in links.readers[start] if graph.boxes[edge.target].wanted
    ]
    what = "nan" if given is not None and given.nans else "infinity"
    if not readers:
        told = f"The gradient that the backward pass began with, of {named(graph, box)}, is {given}"
    else:
        made = ", ".join(
            f"{named(graph, reader)} from a gradient {'that is not known' if k is None else f'of {k}'}"
            for reader, k in readers[:MANY]
        )
        value = value_of(box)
        at = "not known" if value is None else str(value)
        told = f"The first {what} in a gradient is that of {named(graph, box)} (value {at}): {given}"
        told += f", made by the derivative of {made}"
    count = sum(graph.boxes[number].wanted for number in reached)
    graph.notes.append(f"{told}. {_how_many(count)}.")


def _first(
    order: range,
    before: list[list[int]],
    after: list[list[int]],
    known: list[Known | None],
    is_end: Callable[[int], bool],
) -> tuple[int, set[int]] | None:
    """The first in an order that is bad with nothing bad before it, and what it reaches: a nan, or where there is none the end
    of all. What is not known passes on what is bad; what is known and finite does not."""
    spoiled: set[int] = set()  # bad, or not known but made from something bad
    starts: list[int] = []
    for number in order:
        k = known[number]
        if (k is None or k.bad) and any(other in spoiled for other in before[number]):
            spoiled.add(number)
        elif k is not None and k.bad:
            spoiled.add(number)
            starts.append(number)
    nans = {number for number, k in enumerate(known) if k is not None and k.nans}
    for start in starts:
        reached = _reached(start, after, known)
        for number in (start, *reached):
            k = known[number]
            if number in nans or (not nans and k is not None and is_end(number)):
                return start, reached
    return None


def _reached(start: int, after: list[list[int]], known: list[Known | None]) -> set[int]:
    found: set[int] = set()
    stack = [start]
    while stack:
        for number in after[stack.pop()]:
            k = known[number]
            if number not in found and (k is None or k.bad):
                found.add(number)
                stack.append(number)
    return found


# --- why a gradient is None or zero ----------------------------------------------------------------------------------------


def explain(graph: GraphData) -> None:
    """Fills in `why` of the boxes whose gradient is None or zero, where somebody may wonder."""
    reasons = _Reasons(graph)
    for box in graph.boxes:
        if box.phase == "forward" and reasons.is_worth_telling(box):
            box.why = reasons.of(box)


def explain_gradient(graph: GraphData, number: int) -> str:
    """Why the gradient of a box is None or zero, in a sentence or two; an empty string where it is neither.

    >>> graph = GraphData([Box(0, kind="input", name="i", dtype="int64")])
    >>> explain_gradient(graph, 0)
    'i holds int64, and only floats and complex numbers have gradients.'
    """
    return _Reasons(graph).of(graph.boxes[number])


@dataclass(frozen=True, order=True)
class Way:
    """From a box to the loss: how many ops, and the names of the first and of the last ones."""

    steps: int
    first: tuple[str, ...]
    last: tuple[str, ...]

    def __str__(self) -> str:
        if self.steps <= len(self.first):
            return " → ".join(self.first)
        last = self.last[-min(2, self.steps - len(self.first)) :]
        gap = ("…",) if self.steps > len(self.first) + len(last) else ()
        return " → ".join((*self.first, *gap, *last))


def _way(box: Box, rest: Way | None, is_end: bool) -> Way | None:
    name = box.op or box.name or box.kind
    if rest is None:
        return Way(1, (name,), (name,)) if is_end else None
    return Way(rest.steps + 1, (name, *rest.first)[:3], rest.last if len(rest.last) > 1 else (name, *rest.last))


class _Reasons:
    """What all questions to one graph share, found in one walk from its end to its beginning."""

    def __init__(self, graph: GraphData) -> None:
        count = len(graph.boxes)
        self.graph = graph
        self.links = Links.of(graph)
        self.known = list(map(gradient_of, graph.boxes))
        self.swept = any(k is not None for k in self.known)
        self.ends = frozenset(self._ends())
        self.leads: list[Way | None] = [None] * count  # by ops of which a gradient is wanted, to an end
        self.touches = [False] * count  # by any ops
        self.last = list(range(count))  # what becomes of it in the end
        self.cuts: list[tuple[int, ...]] = [()] * count  # where the ways from here to an end are cut
        self.culprits: list[tuple[Edge, ...]] = [()] * count  # which ops made a gradient of zero of another
        for box in reversed(graph.boxes):
            self._look(box.number)

    def _ends(self) -> list[int]:
        """What the backward pass began with, or would begin with."""
        boxes, readers = self.graph.boxes, self.links.readers
        ops = [box for box in boxes if box.phase == "forward" and (box.op or box.is_output)]
        begun = [
            box.number
            for box in ops
            if self.known[box.number] is not None and all(self.known[edge.target] is None for edge in readers[box.number])
        ]
        outputs = [box.number for box in ops if box.is_output]
        return begun or outputs or [box.number for box in ops if not readers[box.number]]

    def _look(self, i: int) -> None:
        """Everything that can be said of a box from its readers."""
        boxes, edges = self.graph.boxes, self.links.readers[i]
        is_end = i in self.ends
        self.touches[i] = is_end or any(self.touches[edge.target] for edge in edges)
        if boxes[i].wanted:
            ways = [self.leads[edge.target] for edge in edges]
            self.leads[i] = _way(boxes[i], None if is_end else min(filter(None, ways), default=None), is_end)
        if edges:
            self.last[i] = self.last[edges[-1].target]
        cuts: dict[int, None] = {}
        for edge in edges:
            if self.touches[edge.target]:
                cuts.update(dict.fromkeys(self.cuts[edge.target] if boxes[edge.target].wanted else (edge.target,)))
        self.cuts[i] = tuple(cuts)[:MANY]
        self.culprits[i] = self._culprits_of(edges)

    def _culprits_of(self, edges: list[Edge]) -> tuple[Edge, ...]:
        culprits: dict[tuple[int, int, int], Edge] = {}
        for edge in edges:
            k = self.known[edge.target]
            if k is not None and k.zero and edge.target not in self.ends:  # it was zero there already
                culprits.update({(e.source, e.target, e.slot): e for e in self.culprits[edge.target]})
            elif self.graph.boxes[edge.target].wanted and (k is not None or self.leads[edge.target] is not None):
                later = [e for e in self.culprits[edge.target] if self._made_zero(e)]
                found = later if k is None and later and not self._made_zero(edge) else [edge]
                culprits.update({(e.source, e.target, e.slot): e for e in found})
        return tuple(culprits.values())[:MANY]

    def of(self, box: Box) -> str:
        """Why the gradient of a box is None or zero."""
        k = self.known[box.number]
        if k is not None:
            return self._why_zero(box) if k.zero else ""
        return self._why_none(box)

    def is_worth_telling(self, box: Box) -> bool:
        """Whether it is told without being asked: not for values in between, constants, and as long as there was no pass."""
        if self.known[box.number] is not None or box.kind == "constant":
            return self.known[box.number] is not None
        if box.op:
            sources = (self.graph.boxes[edge.source] for edge in self.links.inputs[box.number])
            return not box.wanted and any(source.wanted for source in sources)
        return self.swept or not box.wanted or self.leads[box.number] is None

    # --- None ----------------------------------------------------------------------------------------------------------

    def _why_none(self, box: Box) -> str:
        me = box.name or box.op or f"this {box.kind}"
        if not box.wanted:
            return self._why_unwanted(box, me)
        if self.leads[box.number] is not None:
            return self._why_not_yet(box, me)
        if not self.links.readers[box.number] and box.number not in self.ends:
            return f"{me} is read by no op, so the loss does not depend on it."
        if self.touches[box.number]:
            places = [f"{self._cut(self.graph.boxes[number])}" for number in self.cuts[box.number]]
            return f"Every way from {me} to the loss is cut: {'; and '.join(places)}."
        last = self.graph.boxes[self.last[box.number]]
        return f"{me} is read, but the loss does not depend on what becomes of it: the last op is {named(self.graph, last)}."

    def _why_not_yet(self, box: Box, me: str) -> str:
        way = self.leads[box.number]
        if not self.swept:
            return f"The way from {me} to the loss is there ({way}), but no backward() has been called on it."
        if box.op:
            return (
                f"{me} lies on the way to the loss, but gradients of values in between are kept only by "
                "backward(retain_graph=True), or seen by a watch."
            )
        return f"The way from {me} to the loss is there ({way}), but its gradient was cleared, or backward() began elsewhere."

    def _why_unwanted(self, box: Box, me: str) -> str:
        if box.dtype and not _can_have_gradient(box.dtype) and not box.op:
            return f"{me} holds {box.dtype}, and only floats and complex numbers have gradients."
        if box.op:
            behind = [self.graph.boxes[edge.source] for edge in self.links.inputs[box.number]]
            if any(other.wanted for other in behind) or set(box.marks) & CUTS.keys():
                return f"No gradient goes through {me}: {self._cut(box)}."
            return f"Nothing that {me} is made from requires a gradient."
        if box.kind == "constant":
            return f"{me} is a constant: a plain array or number, or a Tensor that does not require a gradient."
        if box.kind == "buffer":
            return f"{me} is a buffer of its module, which is not trained."
        return f"{me} does not require a gradient: it was made with requires_grad=False, detached, or computed in no_grad()."

    def _cut(self, box: Box) -> str:
        where = named(self.graph, box)
        for mark, words in CUTS.items():
            if mark in box.marks:
                return words.format(where)
        if box.op == "detach":
            return CUTS["detach"].format(where)
        if box.dtype and not _can_have_gradient(box.dtype):
            return f"{where} makes {box.dtype}, which has no derivative"
        return f"no graph was built for {where}"

    # --- zero ----------------------------------------------------------------------------------------------------------

    def _why_zero(self, box: Box) -> str:
        me = box.name or box.op or f"this {box.kind}"
        if box.number in self.ends:
            return f"The backward pass began at {me} with a gradient of zero."
        edges = self.culprits[box.number]
        if not edges:
            return f"The gradient of {me} is zero, and the graph does not say why."
        told = [self._made_zero(edge) for edge in edges]
        sure = [words for words in told if words]
        boxes = self.graph.boxes
        if sure:
            unknown = "" if len(sure) == len(told) else " (of the other ways it is not known)"
            return f"The gradient of {me} is zero: {'; and '.join(dict.fromkeys(sure))}{unknown}."
        if len(edges) > 1:
            ops = list(dict.fromkeys(named(self.graph, boxes[edge.target]) for edge in edges))
            gives = "gives" if len(ops) == 1 else "give"
            return f"The gradient of {me} is zero: what {' and '.join(ops)} {gives} to it adds up to zero."
        edge = edges[0]
        if self.known[edge.target] is None:
            return (
                f"The gradient of {me} is zero; where it became zero is not known, for gradients in between were not kept "
                "(backward(retain_graph=True) keeps them), or the zero is left from the backward() of something else."
            )
        return f"The gradient of {me} is zero: the derivative of {named(self.graph, boxes[edge.target])} is zero at its inputs."

    def _made_zero(self, edge: Edge) -> str:
        boxes, k = self.graph.boxes, self.known[edge.target]
        if k is not None and k.zero:
            return "the gradient that the backward pass began with is zero"
        target, source = boxes[edge.target], boxes[edge.source]
        others = [(e, boxes[e.source]) for e in self.links.inputs[edge.target] if e.slot != edge.slot]
        case = CASES.get(target.op)
        where = named(self.graph, target)
        if case in GUESSES and k is None:
            return ""
        found = case(where, target, source, edge, others) if case is not None else ""
        return found or _underflow(where, target, source, k, others)


CUTS = {
    "detach": "{0} takes the value out of the graph",
    "no_grad": "{0} ran in no_grad()",
    "no derivative": "{0} has no derivative",
}


def _can_have_gradient(dtype: str) -> bool:
    return dtype.startswith(("float", "complex", "bfloat", ">f", "<f", "longdouble"))


# How an op makes zero of a gradient: a function of (where it stands, its box, the box that has the zero, the edge between, the
# other edges with their boxes) -> words, or nothing if it is not that.

Others = list[tuple[Edge, Box]]
Case = Callable[[str, Box, Box, Edge, Others], str]


def _dead(where: str, box: Box, source: Box, edge: Edge, others: Others) -> str:
    value, given = value_of(box), value_of(source)
    if value is None or not value.zero:
        return ""
    largest = "" if given is None else f", its largest input is {given.largest:.4g}"
    return f"{where} is 0 everywhere{largest} (a dead unit)"


def _saturated(low: float, high: float) -> Case:
    def case(where: str, box: Box, source: Box, edge: Edge, others: Others) -> str:
        value, given = value_of(box), value_of(source)
        if value is None or value.bad:
            return ""
        near = 1e-6 * (high - low)
        if all(min(abs(x - low), abs(x - high)) <= near for x in (value.least, value.largest)):
            inputs = "" if given is None else f" for inputs of {given}"
            return f"{where} is saturated: its values are {_ends_of(value)}{inputs}"
        return ""

    return case


def _ends_of(value: Known) -> str:
    return f"{value.least:.4g}" if value.least == value.largest else f"{value.least:.4g} or {value.largest:.4g}"


def _times_zero(where: str, box: Box, source: Box, edge: Edge, others: Others) -> str:
    for _, other in others:
        value = value_of(other)
        if value is not None and value.zero:
            name = other.name or other.op or KINDS[other.kind]
            return f"{where} multiplies it by {name}, which is 0 everywhere"
    return ""


def _masked(where: str, box: Box, source: Box, edge: Edge, others: Others) -> str:
    condition = next((value_of(other) for e, other in others if e.slot == 0), None)
    if edge.slot == 0:
        return ""
    if condition is not None and condition.zeros == (edge.slot == 1):
        return f"{where} chooses the other value everywhere"
    return f"{where} chooses the other value wherever a gradient arrives"


def _part_of_it(where: str, box: Box, source: Box, edge: Edge, others: Others) -> str:
    return f"a gradient arrives at other elements of {where} only"


def _flat(where: str, box: Box, source: Box, edge: Edge, others: Others) -> str:
    return f"{where} is constant between its jumps, so that its derivative is 0"


def _not_picked(where: str, box: Box, source: Box, edge: Edge, others: Others) -> str:
    return f"{where} took other elements, or other rows"


def _bounded(where: str, box: Box, source: Box, edge: Edge, others: Others) -> str:
    given, value = value_of(source), value_of(box)
    if given is None or value is None or edge.slot:
        return ""
    outside = value.least > given.largest or value.largest < given.least or value.least == value.largest
    return f"{where} cuts every element off at a bound: they are {given}, and become {_ends_of(value)}" * outside


def _larger_wins(where: str, box: Box, source: Box, edge: Edge, others: Others) -> str:
    return f"{where} took the other value everywhere"


def _constant_power(where: str, box: Box, source: Box, edge: Edge, others: Others) -> str:
    exponent = value_of(others[0][1]) if others and edge.slot == 0 else None
    if exponent is not None and exponent.zero:
        return f"{where} raises it to the power 0, which is 1 whatever it is"
    given = value_of(source)
    return f"{where} has slope 0 where its input is 0" if edge.slot == 0 and given is not None and given.zero else ""


def _at_zero(where: str, box: Box, source: Box, edge: Edge, others: Others) -> str:
    given = value_of(source)
    return f"{where} has slope 0 where its input is 0" if given is not None and given.zero else ""


def _underflow(where: str, box: Box, source: Box, gradient: Known | None, others: Others) -> str:
    """A gradient that is small already, times a factor that is, in a dtype that ends near by."""
    dtype = source.dtype or box.dtype
    if dtype not in SMALLEST or gradient is None or gradient.bad or not gradient.size_of_all:
        return ""
    factors = [value_of(other) for _, other in others] if CASES.get(box.op) is _times_zero else []
    product = math.prod([gradient.size_of_all, *(k.size_of_all for k in factors if k is not None and not k.bad)])
    if product >= SMALLEST[dtype]:
        return ""
    return (
        f"it is lost by underflow in {dtype} at {where}, whose own gradient is {gradient.size_of_all:.2g} at most: scale the "
        "loss, or compute this in float32"
    )


SMALLEST = {"float16": 2.0**-24, "float32": 2.0**-149, "float64": 5e-324, "float": 5e-324}  # that are not zero


def _table(cases: Iterable[tuple[str, Case]]) -> dict[str, Case]:
    return {op: case for ops, case in cases for op in ops.split()}


CASES = _table(
    [
        ("relu threshold hardshrink softshrink", _dead),
        ("sigmoid expit softmax safe_softmax hardsigmoid ndtr gumbel_softmax", _saturated(0.0, 1.0)),
        ("tanh erf softsign", _saturated(-1.0, 1.0)),
        ("multiply matmul linear affine einsum weigh correlation convolution product", _times_zero),
        ("where", _masked),
        ("concatenate stack", _part_of_it),
        ("floor ceil trunc rint round sign floor_divide heaviside spacing gammasgn", _flat),
        ("clip", _bounded),
        (
            "max min nanmax nanmin cummax cummin order_statistics window_max getitem embedding take take_ascending rearranged "
            "diagonal tril triu chosen bag_largest assign split",
            _not_picked,
        ),
        ("maximum minimum fmax fmin", _larger_wins),
        ("power", _constant_power),
        ("square absolute fabs", _at_zero),
    ]
)


# These are no more than what must have been, where a gradient came to the op and none went on.
GUESSES = (_masked, _not_picked, _larger_wins, _part_of_it)


# --- of live Tensors -------------------------------------------------------------------------------------------------------


def why(tensor: Any, loss: Any) -> str:
    """Why the gradient of a Tensor or Parameter is None or zero, as far as the graph behind the loss knows.

    >>> from autograd import Tensor
    >>> x, w = Tensor([1.0, 2.0]), Tensor([3.0, 4.0])
    >>> loss = (x * 2.0).sum()
    >>> why(w, loss)
    'The loss does not depend on this Tensor: it was not used, or what was computed of it went through detach(), ...'
    >>> why(x, loss)
    'The way from this Tensor to the loss is there (this Tensor → multiply → sum), but no backward() has been called on it.'
    """
    for value in (tensor, loss):
        if not isinstance(value, Tensor):
            raise GradientError(f"why() asks for two Tensors, a value and the loss, and got a {type(value).__name__}")
    if tensor.node is None:
        if not _can_have_gradient(str(tensor.dtype)):
            return f"{describe(tensor)} holds {tensor.dtype}, and only floats and complex numbers have gradients."
        return f"{describe(tensor)} does not require a gradient: made with requires_grad=False, by detach() or in no_grad()."
    if loss.node is None:
        return (
            f"The loss, {describe(loss)}, has no graph: nothing that it is made from requires a gradient, or it was computed "
            "in no_grad(), detached, or made of integers or booleans."
        )
    gradient = tensor.grad
    nodes = ancestors(loss.node)
    if any(node.saved is None for node in nodes):
        return _of_released(tensor, loss, gradient)
    if tensor.node not in set(nodes):
        return _of_another_graph(nodes)
    graph = from_tensor(loss, [("this Tensor", tensor)])
    number = next(box.number for box in graph.boxes if box.name == "this Tensor")
    return explain_gradient(graph, number) or f"This Tensor has a gradient: {gradient_of(graph.boxes[number])}."


def _of_released(tensor: Tensor, loss: Tensor, gradient: Any) -> str:
    known = None if gradient is None else _known(*told(dense(getattr(gradient, "_raw", gradient))))
    begun = "The graph behind the loss was released by backward(), and no longer says what the loss depends on"
    if known is not None and not known.zero:
        return f"This Tensor has a gradient: {known}. {begun}."
    if gradient is None and tensor.node is not loss.node and not tensor.is_leaf:
        return f"{begun}. Gradients of values in between are kept by backward(retain_graph=True)."
    if gradient is None:
        return f"{begun}. The pass did not come to this Tensor: ask before backward(), or after backward(retain_graph=True)."
    return f"{begun}. Ask before backward(), or after backward(retain_graph=True)."


def _of_another_graph(nodes: list[Node]) -> str:
    leaves = sum(node.rule is None for node in nodes)
    return (
        "The loss does not depend on this Tensor: it was not used, or what was computed of it went through detach(), "
        f"no_grad(), integers, or a new Tensor made from its values. (The loss depends on {leaves} other "
        f"{'leaf' if leaves == 1 else 'leaves'}.) Computed within autograd.viz.watch(), the picture shows the place."
    )
