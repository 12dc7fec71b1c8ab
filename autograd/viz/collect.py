"""What is behind a Tensor, as GraphData: the graph that an ordinary backward pass goes through.

A graph keeps the value of every scalar, and of arrays what a derivative reads; gradients stay on it after
`backward(retain_graph=True)`. More is known to a `watch`. Stands on nodes and Tensors; changes nothing.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any
from weakref import ref

import numpy as np

from ..errors import GradientError, GraphReleasedError
from ..graph import Node, ancestors
from ..rows import dense
from ..rule import Rule
from ..tensor import NUMBERS, Tensor, describe, is_array
from .model import Box, Edge, GraphData, Stats

SHOWN = 60  # characters of an attribute


class Builder:
    """GraphData as it grows."""

    def __init__(self, title: str = "") -> None:
        self.graph = GraphData(title=title)

    def box(self, rule: Rule | None, value: Any = None, **facts_of: Any) -> Box:
        """A new box, with what can be told of its value."""
        box = Box(len(self.graph.boxes), rule.name if rule else "", **facts_of)
        if value is not None:
            tell(box, value)
        self.graph.boxes.append(box)
        return box

    def edge(self, source: int, box: Box, slot: int, rule: Rule, slope: float | None = None) -> None:
        """An op read a value."""
        self.graph.edges.append(Edge(source, box.number, slot, input_name(rule, slot), slope))

    def constant(self, value: Any, name: str = "") -> int:
        """A box of its own for a constant that an op read."""
        return self.box(None, value, kind="constant", name=name).number


def input_name(rule: Rule, slot: int) -> str:
    """What a rule calls its input."""
    if rule.rest is not None and slot >= len(rule.inputs) - 1:
        return f"{rule.rest}[{slot - len(rule.inputs) + 1}]"
    return rule.inputs[slot]


def tell(box: Box, value: Any) -> None:
    """Puts down what is known of a value: a number itself, statistics of an array."""
    box.shape = () if type(value) in NUMBERS else tuple(np.shape(value))
    box.dtype = type(value).__name__ if type(value) in NUMBERS else str(getattr(value, "dtype", ""))
    box.nbytes = int(getattr(value, "nbytes", 8))
    box.value, box.values = told(value)


def told(value: Any) -> tuple[float | None, Stats | None]:
    """A number, or statistics; of what is neither, nothing."""
    if type(value) in NUMBERS or (is_array(value) and value.size == 1 and value.dtype.kind in "biuf"):
        return float(value if type(value) in NUMBERS else value.reshape(-1)[0]), None
    if is_array(value) and value.dtype.kind in "biufc":
        return None, Stats.of(value)
    return None, None


def attributes_of(attributes: Mapping[str, Any]) -> dict[str, str]:
    """Attributes in words, large ones cut short."""
    words = {name: repr(value) for name, value in attributes.items() if value is not None}
    return {name: text if len(text) <= SHOWN else text[: SHOWN - 1] + "…" for name, text in words.items()}


def gradient_of(box: Box, gradient: Any) -> None:
    """Puts down what is known of a gradient."""
    raw = dense(gradient._raw if isinstance(gradient, Tensor) else gradient)
    if raw is not None:
        box.gradient, box.gradients = told(raw)


def slopes(node: Node) -> list[float | None]:
    """The local derivatives of an op on numbers with respect to each of its inputs."""
    if node.shape != () or node.rule is None or node.rule.joint is not None or not node.rule.elementwise:
        return [None] * len(node.parents)
    with np.errstate(all="ignore"):
        return [
            _slope(derivative, reads) if parent is not None and parent.shape == () else None
            for parent, derivative, reads in zip(node.parents, node.rule.derivatives, node.reads(), strict=False)
        ]


def _slope(derivative: Any, reads: Any) -> float | None:
    try:
        slope = complex(derivative(1.0, *(np.float64(x) if type(x) is float else x for x in reads)))
    except ArithmeticError:
        return math.nan
    return None if slope.imag else slope.real


class Kept:
    """Which arrays nodes have kept so far, to count each once; it keeps none of them alive itself."""

    def __init__(self) -> None:
        self._known: dict[int, Any] = {}  # weak references by identity, which another array may have later

    def more(self, node: Node) -> int:
        """The bytes of the arrays that a node keeps for its derivatives, and that no node kept before."""
        total, stack = 0, [node.saved]
        while stack:
            value = stack.pop()
            if isinstance(value, tuple):
                stack.extend(value)
            elif is_array(value) and not self._has(value):
                total += int(value.nbytes)
        return total

    def _has(self, array: Any) -> bool:
        if isinstance(array, np.generic):  # a number, of which there are no weak references
            return False
        known = self._known.get(id(array))
        if known is not None and known() is array:
            return True
        self._known[id(array)] = ref(array)
        return False


# --- the graph behind a Tensor ---------------------------------------------------------------------------------------------


def from_tensor(tensor: Any, names: Iterable[tuple[str, Any]] = ()) -> GraphData:
    """The graph behind a Tensor. `names` are pairs (name, Tensor): what the user calls values, whose arrays are known thereby.

    >>> from autograd import Tensor
    >>> a, b = Tensor(2.0), Tensor(3.0)
    >>> graph = from_tensor(a * b + 1.0, [("a", a)])
    >>> [box.title for box in graph.boxes]
    ['a', 'input', 'multiply', 'add']
    """
    _refuse(tensor)
    pairs = [(name, t) for name, t in reversed(list(names)) if isinstance(t, Tensor)]
    known = {t.node: (name, t) for name, t in pairs if t.node is not None}
    arrays = {id(t._raw): name for name, t in pairs if t.node is None and is_array(t._raw)}
    nodes = ancestors(tensor.node)
    released = [node for node in nodes if node.saved is None]
    if released:
        raise GraphReleasedError(
            f"the graph behind this Tensor was released by backward(): {released[-1]!r} has let go of what it kept. Call "
            "backward(retain_graph=True), and draw afterwards; or draw before backward()"
        )
    values = _values(nodes)
    values |= {node: t._raw for node, (_, t) in known.items()}
    values[tensor.node] = tensor._raw
    build = Builder(title=known[tensor.node][0] if tensor.node in known else "")
    places: dict[Node, int] = {}
    kept = Kept()
    for node in nodes:
        constants = [(slot, build.constant(value, arrays.get(id(value), ""))) for slot, value in _constants(node)]
        box = build.box(
            node.rule,
            kind="input" if node.rule is None else "op",
            name=known[node][0] if node in known else "",
            attributes=attributes_of(node.attributes),
            wanted=True,
            is_output=node is tensor.node,
        )
        _describe(box, node, values.get(node, node.value))
        places[node] = box.number
        box.kept = kept.more(node)
        for slot, (parent, slope) in enumerate(zip(node.parents, slopes(node), strict=True)):
            if parent is not None:
                build.edge(places[parent], box, slot, node.rule, slope)
        for slot, number in constants:
            build.edge(number, box, slot, node.rule)
    return build.graph


def _refuse(tensor: Any) -> None:
    if not isinstance(tensor, Tensor):
        raise GradientError(
            f"draw() got a {type(tensor).__name__}, behind which there is no graph: draw a Tensor that was computed from "
            "Tensors, a model or function with its inputs, or a Program"
        )
    if tensor.node is None:
        raise GradientError(
            f"{describe(tensor)} has no history: it does not depend on anything that requires a gradient, or was computed in "
            "no_grad(). Compute it from Tensors of floats; or draw(function, *inputs), which shows every op all the same"
        )


def _describe(box: Box, node: Node, value: Any) -> None:
    if isinstance(node.dtype, tuple):  # an op with several outputs, each of which has a node of its own
        box.dtype = ", ".join("float" if dtype is None else str(dtype) for dtype in node.dtype)
    elif value is not None:
        tell(box, value)
    else:
        box.shape, box.dtype = node.shape, "float" if node.dtype is None else str(node.dtype)
        box.nbytes = math.prod(node.shape) * (8 if node.dtype is None else node.dtype.itemsize)
    if node.grad is not None and not isinstance(node.dtype, tuple):
        gradient_of(box, node.grad)


def _values(nodes: list[Node]) -> dict[Node, Any]:
    """Arrays that the graph keeps: of a node's own output, or of its input."""
    values: dict[Node, Any] = {}
    for node in nodes:
        if node.rule is not None:
            for name, value in _kept(node):
                owner = node if name == "y" else _parent(node, name)
                if owner is not None and is_array(value) and value.shape == owner.shape:
                    values[owner] = value
    return values


def _constants(node: Node) -> list[tuple[int, Any]]:
    """The constants among an op's inputs, as far as a derivative reads them: (which input, the value)."""
    if node.rule is None or node.rule.rest is not None:
        return []
    found = {}
    for name, value in _kept(node):
        if name in node.rule.inputs and node.parents[node.rule.inputs.index(name)] is None:
            found[node.rule.inputs.index(name)] = value
    return sorted((slot, value) for slot, value in found.items() if type(value) in NUMBERS or is_array(value))


def _kept(node: Node) -> list[tuple[str, Any]]:
    """What a node keeps, with the names by which its rule's derivatives read it."""
    rule = node.rule
    if rule.joint is not None:
        return list(zip(rule.joint_reads, node.saved, strict=True))
    pairs: list[tuple[str, Any]] = []
    for i, reads in enumerate(node.reads()):
        pairs += zip(rule.reads[i] or (), reads or (), strict=False)
    return pairs


def _parent(node: Node, name: str) -> Node | None:
    rule = node.rule
    return node.parents[rule.inputs.index(name)] if name in rule.inputs and name != rule.rest else None
