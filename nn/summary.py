"""summary(model, *inputs): a table of what is in a model, what goes through it, and what that costs.

The model is called once, in eval mode. The graph of that call tells the rest: a node's place in time says which module made it,
its rule and shapes how many multiply-adds it took. Stands on Module and on the graph of `autograd`; knows no layer.
"""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd import Tensor, enable_grad
from autograd.calls import in_mode
from autograd.graph import Node, ancestors, next_sequence
from autograd.ops import contraction
from autograd.tree import leaves, transform

from .module import Module
from .values import settled

labels_of: Any = contraction.parse  # ops carry no types
Shapes = dict[str, Any]  # the shapes of a node's inputs by name, as far as the graph knows them


@dataclass(frozen=True)
class Row:
    """What one module itself is and does, without the modules in it."""

    name: str
    above: tuple[str, ...]  # the names of the modules that it stands in
    kind: str
    output: str = ""  # shapes; nothing, if the module was not called
    calls: int = 0
    parameters: int = 0
    multiply_adds: int = 0
    activations: int = 0  # bytes of the arrays that the graph keeps for the derivatives of this module


@dataclass(frozen=True)
class Summary:
    """The table: `str()` of it is for reading, `rows` and the totals are for computing with."""

    rows: tuple[Row, ...]
    trainable: int
    frozen: int
    parameter_bytes: int
    buffer_bytes: int
    multiply_adds: int = field(init=False)
    activations: int = field(init=False)

    def __post_init__(self) -> None:
        for name in ("multiply_adds", "activations"):
            object.__setattr__(self, name, sum(getattr(row, name) for row in self.rows))

    @property
    def parameters(self) -> int:
        """How many numbers all parameters have, tied ones counted once."""
        return self.trainable + self.frozen

    def __str__(self) -> str:
        table = [("module", "output", "parameters", "multiply-adds", "activations"), *map(_cells, self.rows)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = [
            "  ".join([*(cell.ljust(width) for cell, width in pairs[:2]), *(cell.rjust(width) for cell, width in pairs[2:])])
            for pairs in (list(zip(row, widths, strict=True)) for row in table)
        ]
        rule = "-" * len(lines[0])
        lines = [line.rstrip() for line in lines]
        totals = [
            f"parameters: {self.parameters:,} ({self.trainable:,} trainable, {self.frozen:,} frozen), "
            f"{in_bytes(self.parameter_bytes)}; buffers: {in_bytes(self.buffer_bytes)}",
            f"multiply-adds: {self.multiply_adds:,}; kept for the derivatives: {in_bytes(self.activations)}",
        ]
        return "\n".join([lines[0], rule, *lines[1:], rule, *totals])

    __repr__ = __str__


def summary(model: Module, *inputs: Any, **options: Any) -> Summary:
    """A table of the modules of a model, called with these inputs: what each returns, holds and costs by itself.

    Multiply-adds are those of products of matrices and of convolutions; sums, norms and activations are not counted. Bytes
    of activations are those of the arrays that the graph keeps for a backward pass, each counted where it is first kept.
    The model is as it was afterwards.

    >>> from nn.module import Parameter
    >>> class Linear(Module):
    ...     def __init__(self):
    ...         self.weight = Parameter(np.ones((4, 3), np.float32))
    ...
    ...     def forward(self, x):
    ...         return x @ self.weight.T
    >>> summary(Linear(), np.ones((5, 3), np.float32))
    module  output  parameters  multiply-adds  activations
    ------------------------------------------------------
    Linear  (5, 4)          12             60         60 B
    ------------------------------------------------------
    parameters: 12 (12 trainable, 0 frozen), 48 B; buffers: 0 B
    multiply-adds: 60; kept for the derivatives: 60 B
    """
    named = list(model.named_modules())
    parameters = list(model.parameters())
    trainable = sum(p.size for p in parameters if p.requires_grad)
    watch = _Watch([module for _, module in named])
    _run(model, inputs, options, watch)
    multiply_adds, activations = watch.costs({id(_memory(p._raw)) for p in parameters})
    seen: set[int] = set()
    rows = []
    for name, module in named:
        own = [p for p in module.parameters(recurse=False) if id(p) not in seen]
        seen.update(map(id, own))
        rows.append(
            Row(
                name,
                _above(name, {name for name, _ in named}),
                type(module).__name__,
                watch.outputs.get(id(module), ""),
                watch.calls[id(module)],
                sum(p.size for p in own),
                multiply_adds[id(module)],
                activations[id(module)],
            )
        )
    return Summary(
        tuple(rows),
        trainable,
        sum(p.size for p in parameters) - trainable,
        sum(p.nbytes for p in parameters),
        sum(b.nbytes for b in model.buffers()),
    )


def _above(name: str, names: set[str]) -> tuple[str, ...]:
    """The names of the modules in which one stands; a list in between is none."""
    parts = name.split(".") if name else []
    return tuple(path for path in (".".join(parts[:i]) for i in range(len(parts))) if path in names)


def _run(model: Module, inputs: Any, options: Any, watch: "_Watch") -> None:
    """Calls the model in eval mode, with a gradient wanted of everything, for else there would be no graph to look at."""
    frozen = [p for p in model.parameters() if not p.requires_grad and p.dtype.kind in "fc"]
    try:
        for p in frozen:
            p.requires_grad = True
        with in_mode(model, training=False), watch, enable_grad():
            args, given = transform(_wanting, (inputs, options))
            watch.roots = [x.node for x in leaves((args, given)) if isinstance(x, Tensor) and x.node is not None]
            model(*args, **given)
    finally:
        for p in frozen:
            p.requires_grad = False


def _wanting(x: Any) -> Any:
    """An input of floats as a leaf that wants a gradient."""
    raw = settled(x.detach(), "summary()") if isinstance(x, Tensor) else x
    return Tensor(raw, requires_grad=True) if getattr(getattr(raw, "dtype", None), "kind", "") in ("f", "c") else x


class _Watch:
    """Notes which module runs when. A node belongs to the innermost module that ran when it was made."""

    def __init__(self, modules: list[Module]) -> None:
        self.modules = modules
        self.outputs: dict[int, str] = {}
        self.calls: Counter[int] = Counter()
        self.roots: list[Node] = []
        self._running: list[int] = []
        self._times = [next_sequence()]
        self._owners = [0]  # from each of the times on

    def __enter__(self) -> None:
        self._hooks = [module.register_forward_pre_hook(self._enter) for module in self.modules]
        self._hooks += [module.register_forward_hook(self._leave) for module in self.modules]

    def __exit__(self, *_: object) -> None:
        for hook in self._hooks:
            hook.remove()

    def _now(self, owner: int) -> None:
        self._times.append(next_sequence())
        self._owners.append(owner)

    def _enter(self, module: Module, _: Any) -> None:
        self._running.append(id(module))
        self._now(id(module))

    def _leave(self, module: Module, _: Any, output: Any) -> None:
        self._running.pop()
        self._now(self._running[-1] if self._running else 0)
        found = [x for x in leaves(output) if hasattr(x, "shape")]
        self.outputs[id(module)] = ", ".join(str(tuple(x.shape)) for x in found)
        self.calls[id(module)] += 1
        self.roots += [x.node for x in found if isinstance(x, Tensor) and x.node is not None]

    def costs(self, parameters: set[int]) -> tuple[Counter[int], Counter[int]]:
        """Multiply-adds, and bytes of arrays that are kept, by module. (`parameters` are arrays that do not count.)"""
        multiply_adds: Counter[int] = Counter()
        activations: Counter[int] = Counter()
        seen = set(parameters)
        for node in ancestors(*self.roots):
            owner = self._owners[bisect_right(self._times, node.sequence) - 1]
            if node.rule is None or not owner:
                continue
            multiply_adds[owner] += multiply_adds_of(node)
            for array in map(_memory, leaves(node.saved)):
                if array is not None and id(array) not in seen:
                    seen.add(id(array))
                    activations[owner] += array.nbytes
        return multiply_adds, activations


def _memory(value: Any) -> Any:
    """The array whose memory a saved value looks at; None for other values."""
    if isinstance(value, Tensor) or not (hasattr(value, "nbytes") and value.ndim):
        return None
    while getattr(value, "base", None) is not None and hasattr(value.base, "nbytes"):
        value = value.base
    return value


# --- multiply-adds ---------------------------------------------------------------------------------------------------------


def _matmul(shapes: Shapes, y: Any) -> Any:
    x, w = shapes.get("x"), shapes.get("w")
    return math.prod(y.shape) * (x[-1] if x is not None else w[-2:][0])  # type: ignore[index]


def _linear(shapes: Shapes, y: Any) -> Any:
    return math.prod(y.shape) * shapes["x" if "x" in shapes else "w"][-1]


def _einsum(shapes: Shapes, y: Any) -> Any:
    operands = shapes["operands"]
    terms = labels_of(y.attributes["subscripts"], list(map(len, operands)))[0]
    pairs = [pair for term, shape in zip(terms, operands, strict=True) for pair in zip(term, shape, strict=True)]
    lengths = dict(sorted(pairs))  # the longest of each label, for one of length 1 is repeated
    return math.prod(lengths.values()) if len(operands) > 1 else 0


def _correlation(shapes: Shapes, y: Any) -> Any:
    return math.prod(y.shape) * math.prod(shapes["w"][1:])


def _correlation_transpose(shapes: Shapes, y: Any) -> Any:
    return math.prod(shapes["v"]) * math.prod(shapes["w"][1:])


def _attention(shapes: Shapes, y: Any) -> Any:
    result, weights = y.shape
    return math.prod(weights) * (shapes["q" if "q" in shapes else "k"][-1] + result[-1])


def _recurrence(shapes: Shapes, y: Any) -> Any:
    steps, rows = shapes["z"][:2]
    projection = shapes.get("r")
    return steps * rows * (math.prod(shapes["w"]) + (math.prod(projection) if projection else 0))


# By the name of the rule. What is not here multiplies no matrices.
MULTIPLY_ADDS: dict[str, Callable[[Shapes, Any], Any]] = {
    "matmul": _matmul,
    "linear": _linear,
    "affine": _linear,
    "einsum": _einsum,
    "correlation": _correlation,
    "biased_correlation": _correlation,
    "correlation_transpose": _correlation_transpose,
    "attention": _attention,
    "recurrence": _recurrence,
}


def multiply_adds_of(node: Node) -> int:
    """How many multiply-adds an op took, by its rule and shapes."""
    formula = MULTIPLY_ADDS.get(node.rule.name)
    return int(formula(dict(_shapes(node)), node)) if formula is not None else 0


def _shapes(node: Node) -> Iterator[tuple[str, Any]]:
    """What a node knows of the shapes of its inputs: from their own nodes, and from what its derivatives will read."""
    rule = node.rule
    if rule.joint is not None:
        yield from _read_shapes(rule.joint_reads, node.saved)
    else:
        for i, saved in enumerate(node.reads()):
            if saved is not None:
                yield from _read_shapes(rule.reads[i], saved)
    if rule.rest is None:
        for name, parent in zip(rule.inputs, node.parents, strict=True):
            if parent is not None:
                yield name, parent.shape


def _read_shapes(names: tuple[str, ...], values: tuple[Any, ...]) -> Iterator[tuple[str, Any]]:
    for name, value in zip(names, values, strict=True):
        if name.endswith("_shape"):
            yield name.removesuffix("_shape"), value
        elif isinstance(value, tuple):
            yield name, tuple(map(np.shape, value))
        else:
            yield name, np.shape(value)


# --- how it is shown -------------------------------------------------------------------------------------------------------


def _cells(row: Row) -> tuple[str, ...]:
    name = row.name.removeprefix(f"{row.above[-1]}." if row.above else "")
    title = "  " * len(row.above) + (f"{name}: {row.kind}" if name else row.kind)
    output = f"{row.output} x{row.calls}" if row.calls > 1 else row.output
    return (title, output, f"{row.parameters:,}", f"{row.multiply_adds:,}", in_bytes(row.activations))


def in_bytes(count: int) -> str:
    """1536 -> '1.5 KiB'."""
    if count < 1024:
        return f"{count} B"
    power = min(int(math.log2(count)) // 10, 3)
    return f"{count / 1024**power:.1f} {' KMG'[power]}iB"


Module.summary = summary
