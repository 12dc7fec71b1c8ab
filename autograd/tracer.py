"""Looking at values and at what a function does, as HIPS autograd's tracer spells it.

Its boxes are our Tensors: `isbox` tells one, `getval` has its plain value, and a `notrace_primitive` is a function that is
given plain values only. `trace` runs a function and makes a Node of a class of the user's for every op. Stands on `autograd`.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from .program import Instruction, Variable, record
from .rule import run
from .tensor import Tensor, constant, refuse_reading
from .tree import leaves, transform

Function = Callable[..., Any]
Box = Tensor


def isbox(value: Any) -> bool:
    """Whether a value is a Tensor.

    >>> isbox(Tensor(1.0)), isbox(1.0)
    (True, False)
    """
    return isinstance(value, Tensor)


def getval(value: Any) -> Any:
    """The plain value of a Tensor, without its gradient; another value as it is.

    >>> getval(Tensor([1.0, 2.0])), getval("text")
    (array([1., 2.]), 'text')
    """
    if not isinstance(value, Tensor):
        return value
    refuse_reading(value, "getval()")
    return value.detach().data


def notrace_primitive(function: Function) -> Function:
    """The function on plain values: Tensors among its arguments come without their gradient, and none goes through it."""

    @wraps(function)
    def untraced(*args: Any, **kwargs: Any) -> Any:
        args, kwargs = transform(getval, (args, kwargs))
        return function(*args, **kwargs)

    return untraced


# --- a graph of nodes of one's own -----------------------------------------------------------------------------------------


class Node:
    """What `trace` makes for each op, to be derived from: `__init__` is told what ran, `initialize_root` starts a root."""

    def __init__(
        self,
        value: Any,
        fun: Function,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        parent_argnums: tuple[int, ...],
        parents: tuple["Node", ...],
    ) -> None:
        raise NotImplementedError(f"{type(self).__name__} has to define __init__, which takes what an op did")

    def initialize_root(self, *args: Any, **kwargs: Any) -> None:
        """Starts a root, which no op made."""

    @classmethod
    def new_root(cls, *args: Any, **kwargs: Any) -> "Node":
        """A node for the input of a function."""
        root = cls.__new__(cls)
        root.initialize_root(*args, **kwargs)
        return root


def trace(start_node: Node, fun: Function, x: Any) -> tuple[Any, Node | None]:
    """Runs fun(x): its value, and the node of its result, which knows its parents down to `start_node`.

    The node is None if the result does not depend on x. The function is recorded, so it may not decide by values.

    >>> class Names(Node):
    ...     def __init__(self, value, fun, args, kwargs, parent_argnums, parents):
    ...         self.text = f"{fun.__name__}({', '.join(parent.text for parent in parents)})"
    ...     def initialize_root(self, text):
    ...         self.text = text
    >>> import numpy as np
    >>> trace(Names.new_root("x"), lambda x: np.exp(np.sin(x) * 2.0), 0.0)[1].text
    'exp(multiply(sin(x)))'
    """
    result, program = record(fun, x)
    nodes: dict[Variable, Node] = dict.fromkeys(program.inputs, start_node)
    values: dict[Variable, Any] = dict(zip(program.inputs, leaves(x), strict=True))
    for variable, read in program._readers:
        values[variable] = read()
    for instruction in program:
        _step(instruction, nodes, values, type(start_node))
    end = result._variable if isinstance(result, Tensor) else None
    return getval(result), nodes.get(end) if isinstance(end, Variable) else None


def _step(instruction: Instruction, nodes: dict[Variable, Node], values: dict[Variable, Any], kind: type[Node]) -> None:
    """Runs one op again, and makes its node if it depends on the start."""
    args = tuple(values[value] if isinstance(value, Variable) else value for value in instruction.inputs)
    ys = run(instruction.rule, [constant(arg)._raw for arg in args], instruction.attributes)
    places = tuple(i for i, value in enumerate(instruction.inputs) if isinstance(value, Variable) and value in nodes)
    parents = tuple(nodes[instruction.inputs[i]] for i in places)
    for variable, y in zip(instruction.outputs, ys if isinstance(ys, tuple) else (ys,), strict=True):
        values[variable] = y
        if parents:
            nodes[variable] = kind(y, instruction.rule.op, args, dict(instruction.attributes), places, parents)
