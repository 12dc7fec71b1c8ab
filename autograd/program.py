"""Recording: a Python function runs once, and the ops that it ran, backward pass and updates included, become a Program.

While a recording is under way every op tells the recorder what it read and made; values stay symbols, so reading one is an
error. What the function closes over and reads is captured by reference; what it replaces there is replaced again at every
run. Stands on the ops' rules; `tensor.py` and `rule.py` call the recorder through `modes.recorder`.
"""

import inspect
import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from .calls import Calls
from .errors import GradientError, RecordingError, ShapeError
from .explain import kind_of, user_source
from .graph import Node, Parts, absorbed, each_row, has_nan, leaf_of, mode, modes, next_sequence
from .rows import dense
from .rule import Rule, registry, rule, run, sample
from .tensor import NUMBERS, Tensor, at_node, become, cast_like, constant, is_array, kept, owned
from .tree import leaves, paths, rebuild, transform


class Variable:
    """A value of a Program: an input, something captured, a literal, or what an instruction made (kind "value")."""

    __slots__ = ("kind", "literal", "name", "recording", "spec")

    def __init__(self, name: str, kind: str, spec: str, recording: object = None, literal: Any = None) -> None:
        self.name = name
        self.kind = kind
        self.spec = spec
        self.recording = recording  # which one it belongs to: no more than that, for Tensors keep their variables
        self.literal = literal

    def __repr__(self) -> str:
        return self.name


class Instruction:
    """One op: its rule, its inputs (Variables, or constants as they are), its attributes, its outputs, the user's line.

    `phase` is "forward", "backward" or, after a backward pass, "update"; `call` the call of a module that it stands in.
    """

    __slots__ = ("attributes", "call", "inputs", "outputs", "phase", "rule", "source")

    def __init__(
        self,
        rule: Rule,
        inputs: tuple[Any, ...],
        attributes: dict[str, Any],
        outputs: tuple[Variable, ...],
        source: tuple[str, int],
        phase: str,
        call: int | None,
    ) -> None:
        self.phase = phase
        self.call = call
        self.rule = rule
        self.inputs = inputs
        self.attributes = attributes
        self.outputs = outputs
        self.source = source

    @property
    def op(self) -> str:
        """The name of the op."""
        return self.rule.name

    def __str__(self) -> str:
        given = [_word(value) for value in self.inputs]
        given += [f"{name}={_word(value)}" for name, value in self.attributes.items() if value != self.rule.defaults.get(name)]
        left = ", ".join(v.name for v in self.outputs)
        return f"{left} = {self.op}({', '.join(given)})"


def _word(value: Any) -> str:
    if not is_array(value):
        return repr(value)
    return repr(value.item()) if value.ndim == 0 else f"<{kind_of(value)}>"


HERE = "<value>"  # in a template: the place of the next value; no attribute of an op is this text


@rule(
    d=lambda g, d, y: np.where((d != d) & (y == y), 0, g),
    samples=[sample((3,), np.ones(3), np.ones(3), of="exp", which=0, careful=True)],
)
def absorb(d: Any, *values: Any, of: str, which: int, template: Any = None, careful: bool = False, rows: bool = False) -> Any:
    """The derivative d of the rule `of`, with the convention that a product of zero and infinity is zero.

    The values are the cotangent and what the derivative read; where that is more than arrays and numbers, they have their
    places in the template. `rows` says that the derivative was asked for each row of the cotangent. An eager backward pass
    decides by the values that it meets; a Program decides at every run.
    """
    if not has_nan(d):
        return d
    source = registry[of]
    remaining = iter(values)
    read = values if template is None else transform(lambda leaf: next(remaining) if leaf is HERE else leaf, template)
    g, *reads = transform(lambda leaf: np.float64(leaf) if type(leaf) is float else leaf, tuple(read))
    derivative = source.derivatives[which] if source.joint is None else partial(_one_of, source.joint, which)
    derivative = partial(each_row, derivative) if rows else derivative
    if not careful:
        try:
            with np.errstate(invalid="raise", divide="ignore", over="ignore", under="ignore"):
                derivative(g, *reads)
        except ArithmeticError:
            pass
        else:
            return d
    with np.errstate(all="ignore"):
        return np.where(absorbed(source, derivative, d, g, tuple(reads)), 0, d)


def _one_of(joint: Callable[..., Any], which: int, g: Any, *saved: Any) -> Any:
    return joint(g, *saved)[which]


def _may_be_infinite(leaf: Any) -> bool:
    """Whether a derivative that reads this may meet infinity or nan in it, in some run."""
    return isinstance(leaf, Tensor) or is_array(leaf) or (type(leaf) is float and not math.isfinite(leaf))


def is_value(leaf: Any) -> bool:
    """Whether it can be an input of an op."""
    return isinstance(leaf, Tensor) or type(leaf) in NUMBERS or is_array(leaf)


class Recorder:
    """Turns what ops and Tensors report into the parts of a Program."""

    def __init__(self, names: dict[int, str]) -> None:
        self.names = names
        self.recording = object()
        self.instructions: list[Instruction] = []
        self.inputs: list[Variable] = []
        self.captured: list[tuple[Variable, Callable[[], Any]]] = []
        self.leaves: dict[Node, str] = {}  # nodes of the leaves that take part, with their names
        self.state: dict[int, tuple[str, Tensor, Variable]] = {}  # Tensors from outside whose value was replaced, by id
        self.gradients: dict[Node, Variable | None] = {}  # leaves whose gradient was replaced
        self.must_be_empty: list[Node] = []  # leaves to whose gradient, None so far, something was added
        self.externals: list[tuple[Variable, Callable[[], Any]]] = []
        self.calls = Calls()
        self.phase = "forward"
        self.start = next_sequence()  # leaves that are younger were made by the function, and are no state
        self._made = 0

    # --- what Tensors are called -------------------------------------------------------------------------------------------

    def add_input(self, name: str, raw: Any) -> Variable:
        """A new input of the Program."""
        variable = Variable(self._unique(name), "input", kind_of(raw), self.recording)
        self.inputs.append(variable)
        return variable

    def capture(self, name: str, raw: Any, read: Callable[[], Any]) -> Variable:
        """Something from outside, which is read anew at every run."""
        variable = Variable(self._unique(name), "captured", kind_of(raw), self.recording)
        self.captured.append((variable, read))
        return variable

    def _unique(self, name: str) -> str:
        taken = {variable.name for variable in [*self.inputs, *(variable for variable, _ in self.captured)]}
        while name in taken:
            name += "_"
        return name

    def literal(self, raw: Any) -> Variable:
        """A constant that the function's ops made for themselves."""
        return Variable(_word(raw), "literal", kind_of(raw), self.recording, raw)

    def known(self, tensor: Tensor) -> Variable | None:
        """The variable of this recording that a Tensor stands for, if it has one already."""
        variable = getattr(tensor, "_variable", None)
        return variable if isinstance(variable, Variable) and variable.recording is self.recording else None

    def variable_of(self, tensor: Tensor) -> Variable:
        """The variable that a Tensor stands for; one from outside is captured."""
        known = self.known(tensor)
        if known is not None:
            return known
        name = self.names.get(id(tensor), f"c{len(self.captured)}")
        tensor._variable = made = self.capture(name, tensor._raw, lambda: kept(tensor))
        if tensor.node is not None and tensor.node.rule is None:
            self.leaves[tensor.node] = made.name
        return made

    # --- what ops and Tensors report ---------------------------------------------------------------------------------------

    def note(self, rule: Rule, inputs: tuple[Any, ...], attributes: dict[str, Any], out: Any) -> None:
        """An op ran."""
        read = tuple(self._operand(value) for value in inputs)
        outputs = []
        for tensor in out if isinstance(out, tuple) else (out,):
            self._made += 1
            tensor._variable = Variable(f"v{self._made}", "value", kind_of(tensor._raw), self.recording)
            outputs.append(tensor._variable)
        place = (self.phase, self.calls.current)
        self.instructions.append(Instruction(rule, read, attributes, tuple(outputs), user_source(), *place))

    def enter(self, module: Any, inputs: Any) -> None:
        """A module is called."""
        self.calls.enter(module)

    def leave(self) -> None:
        """The innermost module is done."""
        self.calls.leave()

    def fails(self, inputs: Any, error: Exception) -> None:
        """A module has failed, and the recording with it."""

    def _operand(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            variable = self.variable_of(value)
            return variable if variable.kind != "literal" else variable.literal
        if type(value) in NUMBERS:
            return value
        if is_array(value):
            return value.copy()  # a constant of the Program, whatever becomes of the array
        for variable, read in self.captured:
            if read() is value:
                return variable
        return self.capture(self.names.get(id(value), "generator"), value, lambda: value)

    def replaced(self, tensor: Tensor, value: Tensor) -> None:
        """A Tensor took another value, in place."""
        known = self.known(tensor)
        inside = known is not None and known.kind == "value"
        new = self.variable_of(value)
        if id(tensor) in self.state:
            self.state[id(tensor)] = (*self.state[id(tensor)][:2], new)
        elif not inside:
            self.state[id(tensor)] = (self.variable_of(tensor).name, tensor, new)
        tensor._variable = new

    def reads_gradient(self, node: Node) -> None:
        """The gradient of a leaf is about to be read or added to."""
        if isinstance(node.grad, Tensor) and node not in self.gradients and self.known(node.grad) is None:
            name = f"{self.leaves.get(node, 'leaf')}.grad"
            node.grad._variable = self.capture(name, node.grad._raw, lambda: gradient_of(node, name))

    def deposits(self, node: Node) -> None:
        """Something is about to be added to the gradient of a node."""
        if node.rule is not None or node.sequence > self.start:
            return
        if node.grad is not None and not isinstance(node.grad, Tensor):
            node.grad = constant(dense(node.grad))
        self.reads_gradient(node)
        if node.grad is None and node not in self.gradients:
            self.must_be_empty.append(node)
        self.gradients[node] = None  # its variable is known at the end

    def replaced_gradient(self, tensor: Tensor) -> None:
        """The gradient of a Tensor was set, to None perhaps."""
        if tensor.node is not None and tensor.node.rule is None and tensor.node.sequence < self.start:
            self.variable_of(tensor)
            self.gradients[tensor.node] = None

    def guard(self, d: Any, rule: Rule, derivative: Any, g: Any, reads: Any, careful: bool) -> Any:
        """What the sweep made of a cotangent, with the instruction that absorbs a product of zero and infinity."""
        if rule.joint is not None:
            _, derivative, reads, which = reads
        rows = isinstance(derivative, partial)
        derivative = derivative.args[0] if rows else derivative
        if rule.joint is None:
            which = next(i for i, known in enumerate(rule.derivatives) if known is derivative)
        read = (g, *reads)
        if isinstance(d, Parts) or not any(map(_may_be_infinite, leaves(tuple(reads)))):
            return d
        values: list[Any] = []

        def place(value: Any) -> Any:
            values.append(at_node(value, None))  # for the decision only: without a gradient
            return HERE

        def is_big(leaf: Any) -> bool:
            return isinstance(leaf, Tensor) or is_array(leaf)

        template = tuple(
            place(item) if is_value(item) else transform(lambda leaf: place(leaf) if is_big(leaf) else leaf, item)
            for item in read
        )
        whole = all(item is HERE for item in template)
        facts = {"template": None if whole else template, "careful": careful, "rows": rows}
        return absorb(d, *values, of=rule.key, which=which, **facts)

    def finish(self) -> None:
        """Looks up what the gradients have become; and what was a Python number is one again, as it is after every run."""
        kinds = {variable.name: variable.spec for variable in [*self.inputs, *(variable for variable, _ in self.captured)]}
        for name, tensor, _ in self.state.values():
            if kinds[name] == "float" and type(tensor._raw) is not float:
                tensor._raw = float(tensor._raw)
        for node in self.gradients:
            grad = node.grad
            self.gradients[node] = self.variable_of(grad) if isinstance(grad, Tensor) else None


def gradient_of(node: Node, name: str) -> Any:
    """The raw gradient of a leaf at the start of a run."""
    if node.grad is None:
        raise RecordingError(f"{name} was there when the Program was recorded, and is None now")
    return node.grad._raw if isinstance(node.grad, Tensor) else dense(node.grad)


class Program:
    """What a recorded function did: a flat list of instructions in single-assignment form.

    `inputs` are the arguments (arrays and numbers) and what `external` named; `captured` is what the function read from
    outside, by reference; `state` is what it replaced there. `print(program)` reads like code.
    """

    def __init__(self, name: str, recorder: Recorder, arguments: Any, given: list[Any], result: Any) -> None:
        self.name = name
        self.instructions = recorder.instructions
        self.inputs = recorder.inputs
        self.captured = [variable for variable, _ in recorder.captured]
        self.calls = recorder.calls.all  # of modules, in which the instructions stand
        self._given = given  # the leaves of the arguments themselves
        self._arguments = arguments  # the tree of arguments, with Variables or the static values that were passed
        self._externals = recorder.externals
        self._readers = recorder.captured
        self._state = list(recorder.state.values())
        self._gradients = list(recorder.gradients.items())
        self._must_be_empty = recorder.must_be_empty
        self._leaves = recorder.leaves
        self._result = result
        self._last_use = self._find_last_uses()

    @property
    def state(self) -> list[tuple[str, Variable | None]]:
        """What a run replaces outside: (the name of the captured value, the variable that takes its place)."""
        values: list[tuple[str, Variable | None]] = [(name, variable) for name, _, variable in self._state]
        return values + [(f"{self._leaves.get(node, 'leaf')}.grad", variable) for node, variable in self._gradients]

    @property
    def result(self) -> Any:
        """What a run returns, with variables in the place of values."""
        return self._result

    def __iter__(self) -> Iterator[Instruction]:
        return iter(self.instructions)

    def __len__(self) -> int:
        return len(self.instructions)

    def __str__(self) -> str:
        lines = [f"program {self.name}({', '.join(f'{v.name}: {v.spec}' for v in self.inputs)}):"]
        lines += [f"    captured {v.name}: {v.spec}" for v in self.captured]
        texts = [str(instruction) for instruction in self.instructions]
        width = min(max(map(len, texts), default=0), 72)
        lines += [
            f"    {text:{width}}  # {', '.join(v.spec for v in instruction.outputs)}"
            for text, instruction in zip(texts, self.instructions, strict=True)
        ]
        lines += [f"    {name} <- {variable}" for name, variable in self.state]
        lines.append(f"    return {self._result}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Program {self.name}: {len(self)} instructions>"

    def _find_last_uses(self) -> list[list[Variable]]:
        """For each instruction: the values that nothing needs after it."""
        needed = {variable for _, _, variable in self._state} | {v for _, v in self._gradients if v is not None}
        needed |= {leaf for leaf in leaves(self._result) if isinstance(leaf, Variable)}
        last: list[list[Variable]] = []
        for instruction in reversed(self.instructions):
            here = {v for v in (*instruction.inputs, *instruction.outputs) if isinstance(v, Variable)} - needed
            last.append([v for v in here if v.kind == "value"])
            needed |= here
        return last[::-1]

    def walk(self, *args: Any, **kwargs: Any) -> Iterator[tuple[Instruction, list[Any], Any]]:
        """Runs the instructions, and shows each with its raw inputs and outputs; replaces no state."""
        values, _ = self._bind(args, kwargs)
        self._read_outside(values)
        return self._steps(values)

    def _read_outside(self, values: dict[Variable, Any]) -> None:
        """Adds what comes from elsewhere, where the arguments have not brought it."""
        for variable, read in [*self._externals, *self._readers]:
            if variable not in values:
                values[variable] = read()

    def _steps(self, values: dict[Variable, Any]) -> Iterator[tuple[Instruction, list[Any], Any]]:
        for instruction, done in zip(self.instructions, self._last_use, strict=True):
            raws = [values[v] if isinstance(v, Variable) else v for v in instruction.inputs]
            with np.errstate(all="ignore"):  # what there was to be warned of, the recorded run has told
                y = run(instruction.rule, raws, instruction.attributes)
            for variable, part in zip(instruction.outputs, y if isinstance(y, tuple) else (y,), strict=True):
                if kind_of(part) != variable.spec:
                    raise ShapeError(
                        f"{self.name}: {variable.name} was recorded as {variable.spec}, and is {kind_of(part)} now: its shape "
                        "depends on values, and the Program is right for one shape only"
                    )
                values[variable] = part
            for variable in done:
                del values[variable]
            yield instruction, raws, y

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """Runs the instructions in NumPy, with other arguments, and replaces the state: bit for bit what the function does."""
        if modes.recorder is not None:
            raise RecordingError("a Program cannot run inside a recording: call the function that it was recorded from")
        values, stand_ins = self._bind(args, kwargs)
        self._read_outside(values)
        ends = [*leaves(self._result), *(variable for _, _, variable in self._state), *(v for _, v in self._gradients)]
        values.update((v, v.literal) for v in ends if isinstance(v, Variable) and v.kind == "literal")
        for node in self._must_be_empty:
            if stand_ins.get(node, node).grad is not None:
                raise RecordingError(
                    f"{self._leaves.get(node, 'leaf')}.grad was None when the Program was recorded, and is not now: the "
                    "function would add to it, the Program would not. Reset gradients in the function, before backward()"
                )
        for _ in self._steps(values):
            pass
        for _, tensor, variable in self._state:
            target = stand_ins.get(tensor, tensor)
            become(target, cast_like(constant(values[variable]), target._raw), target.node)
        for node, gradient in self._gradients:
            target = stand_ins.get(node, node)
            raw = None if gradient is None else values[gradient]
            target.grad = None if raw is None else constant(float(raw) if target.dtype is None else raw)
        return rebuild(
            self._result,
            iter([constant(values[leaf]) if isinstance(leaf, Variable) else leaf for leaf in leaves(self._result)]),
        )

    def _bind(self, args: Any, kwargs: Any) -> tuple[dict[Variable, Any], dict[Any, Any]]:
        """The values of the inputs; and for each Tensor that was an argument then, and its node, what stands there now."""
        given, expected = list(paths((args, kwargs))), list(paths(self._arguments))
        if [path for path, _ in given] != [path for path, _ in expected]:
            raise TypeError(f"{self.name} was recorded for the arguments {[path for path, _ in expected]}")
        values: dict[Variable, Any] = {}
        stand_ins: dict[Any, Any] = {}
        for (path, value), (_, slot), then in zip(given, expected, self._given, strict=True):
            if not isinstance(slot, Variable):
                if slot is not value and slot != value:
                    raise ValueError(f"{self.name} was recorded with {path} = {slot!r}, which is part of the Program now")
            else:
                raw = self._raw_argument(slot, value)
                if kind_of(raw) != slot.spec:
                    raise ShapeError(f"{self.name}: {slot.name} was recorded as {slot.spec}, and this is {kind_of(raw)}")
                values[slot] = raw
                if isinstance(then, Tensor):
                    now = value if isinstance(value, Tensor) else Tensor(raw)
                    stand_ins[then] = now
                    if then.node is not None:
                        stand_ins[then.node] = now.node or leaf_of(raw)
        return values, stand_ins

    def _raw_argument(self, slot: Variable, value: Any) -> Any:
        """An argument's raw value, which the caller can no longer write to."""
        if not isinstance(value, Tensor):
            return value if hasattr(value, "standard_normal") else owned(value)
        if modes.gradients and value.node is not None and (value.node.rule is not None or value.node.attributes):
            raise GradientError(
                f"{self.name}: {slot.name} requires a gradient, and running a Program has none. Call the function that it was "
                "recorded from, or pass x.detach()"
            )
        return kept(value)


def record(function: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[Any, Program]:
    """Runs a function once, and returns its result together with the Program that it executed.

    Arrays, Tensors and numbers among the arguments become inputs of the Program; booleans, strings and None are part of it.

    >>> import autograd
    >>> w = autograd.Tensor([1.0, 2.0])
    >>> def step(x, rate):
    ...     w.grad = None
    ...     loss = ((w - x) ** 2).sum()
    ...     loss.backward()
    ...     w.data = w - rate * w.grad
    ...     return loss
    >>> loss, program = autograd.record(step, np.array([0.0, 0.0]), 0.25)
    >>> program.run(np.array([0.0, 0.0]), 0.25)
    Tensor(1.25)
    >>> w
    Tensor([0.25, 0.5 ], requires_grad=True)
    """
    if modes.recorder is not None:
        raise RecordingError("record() inside a function that is being recorded: the outer recording has it all already")
    recorder = Recorder(names_in(function))
    places = list(paths((args, kwargs)))
    labels = labels_of(function, args, kwargs)
    values, slots = [], []
    for (_, value), label in zip(places, labels, strict=True):
        value, slot = _argument(recorder, label, value)
        values.append(value)
        slots.append(slot)
    args, kwargs = rebuild((args, kwargs), iter(values))
    with mode(recorder=recorder, watcher=None):
        result = function(*args, **kwargs)
        outcome = rebuild(
            result, iter([recorder.variable_of(leaf) if isinstance(leaf, Tensor) else leaf for leaf in leaves(result)])
        )
        recorder.finish()
    arguments = rebuild((args, kwargs), iter(slots))
    name = getattr(function, "__name__", type(function).__name__)
    return result, Program(name, recorder, arguments, values, outcome)


def external(name: str, read: Callable[[], Any]) -> Any:
    """A number or array that lives in some object (a learning rate, a step count): `read()`, but an input of a Program.

    While recording it comes as a Tensor, and every run of the Program calls `read` again.
    """
    recorder = modes.recorder
    if recorder is None:
        return read()
    raw = owned(read())
    out = constant(raw)
    out._variable = recorder.add_input(name, raw)
    recorder.externals.append((out._variable, lambda: owned(read())))
    return out


def name_after(owner: Tensor, name: str, tensor: Tensor) -> None:
    """While recording: a Tensor that is captured goes by the name of what it belongs to, as in `w.momentum_buffer`."""
    recorder = modes.recorder
    if recorder is not None and id(owner) in recorder.names:
        recorder.names[id(tensor)] = f"{recorder.names[id(owner)]}.{name}"


def _argument(recorder: Recorder, label: str, value: Any) -> tuple[Any, Any]:
    """What the function gets for an argument, and what the Program keeps in its place."""
    if isinstance(value, Tensor):
        if recorder.known(value) is not None:
            raise RecordingError(f"{label}: the same Tensor as another argument, and a run could not tell them apart: copy one")
        value._variable = recorder.add_input(label, value._raw)
        if value.node is not None and value.node.rule is None:
            recorder.leaves[value.node] = label
        return value, value._variable
    if type(value) in (int, float, complex) or is_array(value):
        out = constant(owned(value))
        out._variable = recorder.add_input(label, out._raw)
        return out, out._variable
    if hasattr(value, "standard_normal"):
        return value, recorder.capture(label, value, lambda: value)
    return value, value


def labels_of(function: Callable[..., Any], args: Any, kwargs: Any) -> list[str]:
    """Names for the leaves of the arguments: the parameter's, with the path inside it."""
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        names = []
    names += [f"argument{i}" for i in range(len(names), len(args))]
    labels = [name + path for name, value in zip(names, args, strict=False) for path, _ in paths(value)]
    return labels + [name + path for name, value in kwargs.items() for path, _ in paths(value)]


def names_in(function: Callable[..., Any]) -> dict[int, str]:
    """The names under which a function reaches Tensors: its closure, its globals, the object that it is a method of, or is."""
    inner = inspect.unwrap(function)
    while isinstance(inner, partial):
        inner = inspect.unwrap(inner.func)
    code = getattr(inner, "__code__", None)
    owner = getattr(inner, "__self__", inner if code is None else None)
    reached: list[tuple[str, Any]] = []
    if code is not None:
        everything = getattr(inner, "__globals__", {})
        reached += [(name, everything[name]) for name in code.co_names if name in everything]
        cells = getattr(inner, "__closure__", None) or ()
        reached += [(name, cell.cell_contents) for name, cell in zip(code.co_freevars, cells, strict=True) if _filled(cell)]
    if owner is not None:
        reached += [("", owner), *getattr(owner, "__dict__", {}).items()]
    names: dict[int, str] = {}
    for name, value in reached:
        for path, leaf in _tensors_in(name, value):
            names.setdefault(id(leaf), path)
    return names


def _tensors_in(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The Tensors and random generators in a container, or in the modules in it, each with its path."""
    for path, leaf in paths(value, name):
        if isinstance(leaf, Tensor) or hasattr(leaf, "standard_normal"):
            yield path, leaf
        for walk in ("named_parameters", "named_buffers"):
            if hasattr(leaf, walk) and not isinstance(leaf, type):
                yield from ((f"{path}.{inside}" if path else inside, held) for inside, held in getattr(leaf, walk)())


def _filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - an empty cell raises
    except ValueError:
        return False
    return True
