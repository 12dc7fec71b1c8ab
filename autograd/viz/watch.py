"""watch: whatever runs within it is seen op by op, with values, times, memory, source lines and modules.

Ops and Tensors report through `modes.watcher`, modules by `enter` and `leave`. What is told of a value is told at once, so that
a watch keeps no array alive, and sees what never becomes part of a graph: constants, what runs in no_grad(), an op that fails.
"""

import linecache
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any
from weakref import ref

import numpy as np

from ..calls import Calls, in_mode
from ..errors import AutogradError, RecordingError
from ..explain import PACKAGE
from ..graph import Node, mode, modes
from ..program import labels_of, names_in
from ..rule import Rule, run
from ..tensor import NUMBERS, Tensor, is_array
from ..tree import leaves, paths, transform
from .collect import Builder, Kept, attributes_of, gradient_of, slopes
from .model import Box, Edge, GraphData, Group

# Lines in here are ours; the user's is the next one outside.
OURS = (PACKAGE, *(os.path.join(os.path.dirname(PACKAGE.rstrip(os.sep)), name) + os.sep for name in ("nn", "optim")))


class Mark:
    """On a Tensor: which box of which watch it is. Of one from outside also which array it was, which an optimizer replaces."""

    # The name `recording` is as on a Variable, so that a recording takes it for another one's.
    __slots__ = ("array", "number", "recording")

    def __init__(self, recording: object, number: int, array: Any = None) -> None:
        self.recording, self.number = recording, number
        self.array = ref(array) if isinstance(array, np.ndarray) else None

    def is_of(self, raw: Any) -> bool:
        """Whether the Tensor is still what it was."""
        return self.array is None or self.array() is raw


class Watch:
    """What ran within `with watch() as seen:`. `seen.graph` is the GraphData, and `draw(seen)` the picture."""

    def __init__(self, names: dict[int, str] | None = None, title: str = "") -> None:
        self._build = Builder(title)
        self._names = names or {}
        self._calls = Calls()
        self.error: Exception | None = None
        self._given: dict[int, int] = {}  # the boxes of arrays that the model that runs was given
        self._places: dict[int, int] = {}  # of nodes, by their sequence numbers
        self._kept = Kept()
        self._seconds = 0.0
        self._modes: list[mode] = []

    @property
    def graph(self) -> GraphData:
        """What was seen so far."""
        return self._build.graph

    def __enter__(self) -> "Watch":
        if modes.recorder is not None:
            raise RecordingError("watch() inside a function that is being recorded: draw the Program, or call the function")
        self._modes.append(mode(watcher=self))
        self._modes[-1].__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._modes.pop().__exit__(*exception)

    def __repr__(self) -> str:
        graph = self.graph
        return f"<Watch: {len(graph.boxes)} values, {len(graph.groups)} calls of modules>"

    def name(self, names: Iterable[tuple[str, Any]]) -> dict[int, str]:
        """Which boxes the user has names for: pairs (name, Tensor) come in, the first of a box counts."""
        found: dict[int, str] = {}
        for name, value in names:
            mark = getattr(value, "_variable", None)
            if isinstance(mark, Mark) and mark.recording is self and not self.graph.boxes[mark.number].name:
                found.setdefault(mark.number, name)
        return found

    # --- what ops report ---------------------------------------------------------------------------------------------------

    def run(self, rule: Rule, inputs: Any, raws: list[Any], attributes: dict[str, Any]) -> Any:
        """Runs an op, and takes the time; one that fails becomes a box all the same."""
        start = perf_counter()
        try:
            y = run(rule, raws, attributes)
        except AutogradError as error:
            self._failed(rule, inputs, attributes, error)
            raise
        self._seconds = perf_counter() - start
        return y

    def ran(self, rule: Rule, inputs: Any, attributes: dict[str, Any], out: Any, node: Node | None) -> None:
        """An op has run."""
        sources = [self._source(value) for value in inputs]
        outs = out if isinstance(out, tuple) else (out,)
        for i, part in enumerate(outs):
            box = self._op(rule, attributes, part._raw)
            box.wanted, box.seconds = part.node is not None, self._seconds / len(outs)
            if len(outs) > 1:
                box.attributes["output"] = f"{i} of {len(outs)}"
            self._link(rule, box, sources, part.node)
            if part.node is None and any(isinstance(x, Tensor) and x.node is not None for x in inputs):
                box.marks = ("no_grad",) if rule.differentiable and not modes.gradients else ("no derivative",)
            part._variable = Mark(self, box.number)
        if node is not None:
            box.kept = self._kept.more(node)
            self._places.setdefault(node.sequence, box.number)

    def detached(self, source: Tensor, out: Tensor) -> None:
        """A Tensor was taken out of the graph."""
        number = self._source(source)
        box = self._box(None, out._raw, kind="op", marks=("detach",), source=user_line())
        box.op = "detach"
        self.graph.edges.append(Edge(number, box.number, 0, "x"))
        out._variable = Mark(self, box.number)

    def replaced(self, tensor: Tensor, value: Tensor) -> None:
        """A Tensor took another value, in place."""
        tensor._variable = Mark(self, self._source(value))

    def _op(self, rule: Rule, attributes: dict[str, Any], raw: Any) -> Box:
        return self._box(rule, raw, attributes=attributes_of(attributes), source=user_line())

    def _box(self, rule: Rule | None, raw: Any, **told: Any) -> Box:
        return self._build.box(rule, raw, group=self._calls.current, **told)

    def _link(self, rule: Rule, box: Box, sources: list[int], node: Node | None) -> None:
        known: list[float | None] = [] if node is None or node.rule is not rule else slopes(node)
        for slot, number in enumerate(sources):
            self._build.edge(number, box, slot, rule, known[slot] if slot < len(known) else None)
        if node is not None:
            self._places[node.sequence] = box.number

    def _failed(self, rule: Rule, inputs: Any, attributes: dict[str, Any], error: AutogradError) -> None:
        sources = [self._source(value) for value in inputs]
        box = self._op(rule, attributes, None)
        self.error = error
        box.error, box.marks = str(error), ("failed",)
        self._link(rule, box, sources, None)
        axes = clashes(rule.name, [self.graph.boxes[number].shape for number in sources])
        for edge, axis in zip(self.graph.edges[len(self.graph.edges) - len(sources) :], axes, strict=True):
            if axis is not None:
                edge.marks = mark = (f"clash: axis {axis}",)
                self.graph.boxes[edge.source].marks += mark

    # --- what ops read -----------------------------------------------------------------------------------------------------

    def _source(self, value: Any, kind: Any = "constant") -> int:
        """The box of a value, a new one if it comes from outside."""
        if id(value) in self._given:
            return self._given[id(value)]
        mark = getattr(value, "_variable", None) if isinstance(value, Tensor) else None
        if isinstance(mark, Mark) and mark.recording is self and mark.is_of(value._raw):
            return mark.number
        name, own = self._calls.name_of(value)
        name = name or self._names.get(id(value), "")
        if not isinstance(value, Tensor):
            box = self._box(None, value if is_array(value) or type(value) in NUMBERS else None, kind=kind, name=name)
            return box.number
        kind = own or ("input" if value.node is not None or name else kind)
        box = self._box(None, value._raw, kind=kind, name=name, wanted=value.node is not None)
        value._variable = Mark(self, box.number, value._raw if kind == "parameter" else None)
        if value.node is not None:
            self._places[value.node.sequence] = box.number
        return box.number

    # --- what backward passes report ---------------------------------------------------------------------------------------

    def watching(self, watch: Callable[[Node, Any], None] | None) -> Callable[[Node, Any], None]:
        """Shows the sweep's cotangents to this watch, and to who wanted to see them."""

        def see(node: Node, g: Any) -> None:
            if watch is not None:
                watch(node, g)
            self._gradient(node, g)

        return see

    def swept(self, cotangents: dict[Node, Any]) -> None:
        """A backward pass is through: leaves have their gradients."""
        for leaf in cotangents:
            self._gradient(leaf, leaf.grad)

    def _gradient(self, node: Node, g: Any) -> None:
        number = self._places.get(node.sequence)
        if number is not None and not isinstance(node.dtype, tuple):
            gradient_of(self.graph.boxes[number], g)

    # --- what modules report -----------------------------------------------------------------------------------------------

    def enter(self, module: Any, inputs: Any) -> None:
        """A module is called. What a model is given stands outside of it, as the input that it is."""
        if not self._calls.running:
            self._given = {id(x): self._source(x, "input") for x in inputs if isinstance(x, Tensor) or is_array(x)}
        self._calls.enter(module)
        call = self._calls.all[-1]
        self.graph.groups.append(Group(len(self.graph.groups), call.path, call.kind, call.parent, call.count, call.parameters))

    def leave(self) -> None:
        """The innermost module is done."""
        self._calls.leave()
        if not self._calls.running:
            self._given = {}

    def fails(self, inputs: Any, error: Exception) -> None:
        """A module raises: a box of its own, if none of its ops has told of it."""
        if self.error is None:
            self.error = error
            sources = [self._source(value) for value in inputs if isinstance(value, Tensor) or is_array(value)]
            box = self._box(None, None, source=user_line(), marks=("failed",))
            box.op, box.error = self.graph.groups[-1 if box.group is None else box.group].kind, str(error)
            self.graph.edges += [Edge(number, box.number, slot, "input") for slot, number in enumerate(sources)]


def user_line() -> tuple[str, int, str] | None:
    """File, line and text of the innermost caller outside of our packages."""
    frame: Any = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(OURS):
        frame = frame.f_back
    return None if frame is None else line_of(frame.f_code.co_filename, frame.f_lineno)


def line_of(name: str, line: int) -> tuple[str, int, str]:
    """A line of a file, which is named from the working folder if it is in there, with its text."""
    text = linecache.getline(name, line).strip()
    if os.path.basename(os.path.dirname(name)).startswith("ipykernel_"):
        return "cell", line, text  # of a notebook: the file's name is another in every kernel
    return name.removeprefix(os.getcwd() + os.sep), line, text


# Axes that have to be equally long, of the first and of the second input, where that is not broadcasting.
INNER = {"matmul": (-1, -2), "linear": (-1, -1), "affine": (-1, -1)}


def clashes(op: str, shapes: list[tuple[int, ...]]) -> list[int | None]:
    """For each input of an op that failed: the axis, counted from the end, at which its shape clashes with another."""
    none: list[int | None] = [None] * len(shapes)
    if op in INNER and len(shapes) > 1:
        axes = [-1 if len(shape) == 1 else axis for axis, shape in zip(INNER[op], shapes, strict=False)]
        if all(shapes) and shapes[0][axes[0]] != shapes[1][axes[1]]:
            return [*axes, *none[2:]]
        shapes = [(*shape[:-2], 1, 1) for shape in shapes] if op == "matmul" else shapes
    for axis in range(-1, -max(map(len, shapes), default=0) - 1, -1):
        lengths = {shape[axis] for shape in shapes if len(shape) >= -axis} - {1}
        if len(lengths) > 1:
            return [axis if len(shape) >= -axis and shape[axis] != 1 else None for shape in shapes]
    return none


# What ends a call that is drawn up to there, if a model or an op raised it; an error of the user's own function is raised.
FAILURES = (AutogradError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


@contextmanager
def watch(title: str = "") -> Iterator[Watch]:
    """Sees every op that runs within, forward and backward, and the module that it runs in: `draw` shows it.

    >>> from autograd import Tensor
    >>> with watch() as seen:
    ...     x = Tensor([1.0, 2.0])
    ...     (x * x).sum().backward()
    >>> [box.title for box in seen.graph.boxes]
    ['input', 'multiply', 'sum']
    """
    with Watch(title=title) as seen:
        yield seen


def from_call(target: Callable[..., Any], *inputs: Any, **options: Any) -> GraphData:
    """What a model or a function does with its inputs, up to the op that fails, if one does. A model is in evaluation mode.

    >>> graph = from_call(lambda x: x @ x, Tensor([[1.0, 2.0, 3.0]]))
    >>> graph.boxes[-1].marks
    ('failed',)
    """
    is_model = hasattr(target, "named_modules")
    title = type(target).__name__ if is_model else getattr(target, "__name__", "")
    called: Any = target
    labels = labels_of(called.forward if is_model else called, inputs, options)
    inputs, options = transform(lambda value: _given(value, not is_model), (inputs, options))
    named = {id(value): label for (_, value), label in zip(paths((inputs, options)), labels, strict=True)}
    seen = Watch({**({} if is_model else names_in(target)), **named}, title)
    with in_mode(target, training=False), seen:
        try:
            out = target(*inputs, **options)
        except FAILURES:
            if seen.error is None:
                raise
        else:
            for value in leaves(out):
                if isinstance(value, Tensor):
                    seen.graph.boxes[seen._source(value)].is_output = True
    return seen.graph


def _given(value: Any, wanted: bool) -> Any:
    """Arrays, and numbers with a fraction, as Tensors: else what is computed of them alone would not be seen."""
    if type(value) is float or is_array(value):
        return Tensor(value, requires_grad=None if wanted else False)
    return value
