"""A recorded Program as GraphData: forward, backward and update, each a group of its own, the modules inside.

With arguments the Program is run once, which replaces no state, and what it makes is told. Stands on Programs; knows no writer.
"""

from collections.abc import Iterator
from time import perf_counter
from typing import Any

from ..program import Instruction, Program, Variable
from ..tensor import NUMBERS, is_array
from ..tree import leaves
from .collect import Builder, attributes_of, tell
from .model import GraphData, Group
from .watch import line_of

PHASES = ("forward", "backward", "update")


def from_program(program: Program, *args: Any, **kwargs: Any) -> GraphData:
    """The instructions of a Program as boxes; with arguments also what they make of them, and how long they take.

    >>> from autograd import Tensor, record
    >>> def double(x):
    ...     return x + x
    >>> _, program = record(double, 3.0)
    >>> from_program(program, 4.0).boxes[-1].value
    8.0
    """
    return _Reading(program).read(args, kwargs)


class _Reading:
    """A Program while it is read."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.build = Builder(program.name)
        self.places: dict[Variable, int] = {}
        self.groups: dict[tuple[str, int | None], int] = {}
        self.phases = [phase for phase in PHASES if any(step.phase == phase for step in program)]

    def read(self, args: Any, kwargs: Any) -> GraphData:
        program, graph = self.program, self.build.graph
        for variable in program.inputs:
            self._outside(variable, "input")
        for variable in program.captured:
            self._outside(variable, "parameter" if f"{variable.name}.grad" in dict(program.state) else "input")
        for step, raws, y, seconds in self._steps(args, kwargs):
            self._instruction(step, raws, y, seconds)
        for name, new in program.state:
            if new in self.places:
                box = graph.boxes[self.places[new]]
                box.name, box.is_output = f"{name} <-", True
        for variable in _variables(program.result):
            if variable in self.places:
                graph.boxes[self.places[variable]].is_output = True
        return graph

    def _steps(self, args: Any, kwargs: Any) -> Iterator[tuple[Instruction, Any, Any, float | None]]:
        if not (args or kwargs or not self.program.inputs):
            yield from ((step, None, None, None) for step in self.program)
            return
        last = perf_counter()
        for step, raws, y in self.program.walk(*args, **kwargs):
            yield step, raws, y, perf_counter() - last
            last = perf_counter()

    def _outside(self, variable: Variable, kind: Any) -> None:
        box = self.build.box(None, kind=kind, name=variable.name)
        box.dtype, box.shape = _spec(variable.spec)
        self.places[variable] = box.number

    def _instruction(self, step: Instruction, raws: Any, y: Any, seconds: float | None) -> None:
        group = self._group(step.phase, step.call)
        sources = [self._source(value, raw, group) for value, raw in zip(step.inputs, raws or step.inputs, strict=True)]
        for i, variable in enumerate(step.outputs):
            box = self.build.box(step.rule, attributes=attributes_of(step.attributes), source=line_of(*step.source))
            phase: Any = step.phase
            box.phase, box.group = phase, group
            box.dtype, box.shape = _spec(variable.spec)
            if y is not None:
                tell(box, y[i] if isinstance(y, tuple) else y)
                box.seconds = None if seconds is None else seconds / len(step.outputs)
            for slot, number in enumerate(sources):
                self.build.edge(number, box, slot, step.rule)
            self.places[variable] = box.number

    def _source(self, value: Any, raw: Any, group: int | None) -> int:
        if isinstance(value, Variable):
            if value not in self.places:
                self._outside(value, "constant")
            box = self.build.graph.boxes[self.places[value]]
            if box.kind != "op" and box.value is None and box.values is None and raw is not value:
                tell(box, raw)
            return box.number
        known = value if type(value) in NUMBERS or is_array(value) else None
        return self.build.box(None, known, kind="constant", group=group).number

    def _group(self, phase: str, call: int | None) -> int | None:
        """The group of a call of a module in a phase, and those around it; the phase itself is the outermost."""
        if len(self.phases) == 1 and call is None:
            return None
        missing = []
        while (phase, call) not in self.groups:
            missing.append(call)
            if call is None:
                break
            call = self.program.calls[call].parent
        place = self.groups.get((phase, call))
        for call in reversed(missing):
            groups = self.build.graph.groups
            if call is None:
                groups.append(Group(len(groups), phase, "phase", None))
            else:
                known = self.program.calls[call]
                groups.append(Group(len(groups), known.path, known.kind, place, known.count, known.parameters))
            place = self.groups[phase, call] = groups[-1].number
        return place


def _variables(result: Any) -> list[Variable]:
    return [leaf for leaf in leaves(result) if isinstance(leaf, Variable)]


def _spec(spec: str) -> tuple[str, tuple[int, ...]]:
    """float32[2, 3] as dtype and shape."""
    dtype, bracket, shape = spec.partition("[")
    return dtype, tuple(int(n) for n in shape.rstrip("]").split(",") if n.strip()) if bracket else ()
