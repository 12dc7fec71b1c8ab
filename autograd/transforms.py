"""Functions that make functions of functions: gradients, vector-Jacobian and Jacobian-vector products.

They nest in any order: each call gives its arguments nodes of its own, and a sweep stops at its own nodes, so no level
mistakes another's perturbation for its own. On plain arrays they return plain arrays; where a Tensor of the outside that
requires a gradient takes part, they return Tensors that remember how they were computed. Stands on rules and the graph.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from .errors import DtypeError, GradientError, ShapeError
from .explain import kind_of
from .graph import Node, ancestors, backpropagate, enable_grad, leaf_of, mode, modes, push_forward, unchanged
from .rule import rule, sample
from .tensor import Tensor, bare, cast_like, constant, is_inexact, kept, linked_reads, owned, seed, with_node
from .tree import leaves, rebuild, transform

Function = Callable[..., Any]


@rule(kind="linear", x=unchanged, samples=[sample((2, 3))])
def argument(x: Any) -> Any:
    """The argument of a transformed function: the same value, at a node where its sweep stops."""
    return x


def lift(tree: Any, what: str) -> tuple[Any, list[Node]]:
    """The same containers with Tensors at nodes of their own, and those nodes."""
    nodes: list[Node] = []

    def lifted(leaf: Any) -> Tensor:
        raw = leaf._raw if isinstance(leaf, Tensor) else bare(leaf)
        if not is_inexact(raw):
            raise DtypeError(
                f"{what} with respect to {kind_of(raw)}: only floats and complex numbers have derivatives. Pass 1.0 for 1, or "
                "x.astype(float)"
            )
        if isinstance(leaf, Tensor) and leaf.node is not None:
            source = with_node(kept(leaf), leaf.node)
            if modes.recorder is not None:
                source.trace = modes.recorder.variable_of(leaf)
            with enable_grad():
                out: Tensor = argument(source)
        else:
            out = with_node(kept(leaf) if isinstance(leaf, Tensor) else owned(raw), leaf_of(raw))
            out.node.attributes = {"argument": True}  # type: ignore[union-attr]
            if modes.recorder is not None and isinstance(leaf, Tensor):
                out.trace = modes.recorder.variable_of(leaf)
        nodes.append(out.node)  # type: ignore[arg-type]
        return out

    return transform(lifted, tree), nodes


def from_outside(outputs: list[Tensor], own: list[Node]) -> bool:
    """Whether the graph of the outputs reaches a node that is not one of our own arguments, or one that has a past; or
    whether everything counts, because it is being recorded."""
    if modes.recorder is not None:
        return True
    roots = [output.node for output in outputs if output.node is not None]
    mine = set(own)
    return any(node.parents if node in mine else node.rule is None for node in ancestors(*roots))


def _run(f: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if modes.gradients:
        return f(*args, **kwargs)
    with enable_grad():
        return f(*args, **kwargs)


def _plain(value: Any) -> Any:
    return value.detach().data if isinstance(value, Tensor) else value


def _pull(outputs: list[Tensor], gs: list[Any], own: list[Node], outside: bool, retain: bool) -> list[Any]:
    """The cotangents at our own nodes, zeros where an output does not depend on them: Tensors if `outside`, else plain."""
    totals: dict[Node, Any] = {}
    for output, g in zip(outputs, gs, strict=True):
        if output.node is None:
            continue
        start = seed(output, g)
        if outside:
            with mode(gradients=True):
                found = backpropagate(output.node, start, retain=True, rewrap=linked_reads, stop=own)
        else:
            found = backpropagate(output.node, kept(start), retain=retain, stop=own)
        for node in own:
            if node in found:
                totals[node] = totals[node] + found[node] if node in totals else found[node]
    results = []
    for node in own:
        g = totals.get(node)
        if g is None:
            g = 0.0 if node.dtype is None else np.zeros(node.shape, node.dtype)[()]
        results.append((g if isinstance(g, Tensor) else constant(g)) if outside else constant(g))
    del totals, g
    return results if outside else [result.data for result in results]


def _scalar(y: Any, what: str) -> Tensor:
    y = y if isinstance(y, Tensor) else constant(bare(y))
    if y.size != 1:
        raise GradientError(
            f"{what} needs a function that returns one number, and this one returned shape {y.shape}. Reduce it with .sum() "
            "or .mean(), or ask for autograd.vjp or a Jacobian"
        )
    return y  # type: ignore[no-any-return]


def value_and_grad(f: Function, argnum: int | tuple[int, ...] = 0) -> Function:
    """The function that returns (f(...), its gradient with respect to the argument, or arguments, at `argnum`).

    >>> value_and_grad(lambda x: (x * x).sum())(np.array([1.0, 2.0]))
    (np.float64(5.0), array([2., 4.]))
    """

    def differentiated(*args: Any, **kwargs: Any) -> Any:
        single = isinstance(argnum, int)
        positions = _positions((argnum,) if isinstance(argnum, int) else tuple(argnum), len(args))
        tree = [args[i] for i in positions]
        lifted, own = lift(tree, "grad")
        full = list(args)
        for i, value in zip(positions, lifted, strict=True):
            full[i] = value
        y = _scalar(_run(f, tuple(full), kwargs), "grad")
        outside = any(isinstance(leaf, Tensor) for leaf in leaves(tree)) or from_outside([y], own)
        gradients = rebuild(tree, iter(_pull([y], [None], own, outside, retain=False)))
        return (y if outside else _plain(y)), gradients[0] if single else tuple(gradients)

    return differentiated


def _positions(argnums: tuple[int, ...], count: int) -> tuple[int, ...]:
    """Places of arguments, not negative, each once."""
    places = tuple(i + count if i < 0 else i for i in argnums)
    if any(not 0 <= i < count for i in places) or len(set(places)) < len(places):
        raise TypeError(f"argnum={argnums} has to name different ones of the {count} arguments")
    return places


def grad(f: Function, argnum: int | tuple[int, ...] = 0) -> Function:
    """The function that returns the gradient of f.

    >>> grad(lambda x: x**3)(2.0)
    12.0
    >>> grad(grad(lambda x: x**3))(2.0)
    12.0
    """

    def gradient(*args: Any, **kwargs: Any) -> Any:
        return value_and_grad(f, argnum)(*args, **kwargs)[1]

    return gradient


def vjp(f: Function, *args: Any) -> tuple[Any, Function]:
    """(f(*args), pull): `pull(g)` is the tuple of products of g with the Jacobians, one for each argument.

    >>> y, pull = vjp(lambda x: x * x, np.array([1.0, 2.0]))
    >>> pull(np.array([1.0, 10.0]))
    (array([ 2., 40.]),)
    """
    lifted, own = lift(args, "vjp")
    y = _run(f, lifted, {})
    outputs = [with_node(leaf._raw, leaf.node) if isinstance(leaf, Tensor) else constant(bare(leaf)) for leaf in leaves(y)]
    outside = any(isinstance(leaf, Tensor) for leaf in leaves(args)) or from_outside(outputs, own)

    def pull(g: Any) -> Any:
        gs = leaves(g)
        through = outside or any(isinstance(leaf, Tensor) for leaf in gs)
        return rebuild(args, iter(_pull(outputs, gs, own, through, retain=True)))

    return (y if outside else transform(_plain, y)), pull


def jvp(f: Function, primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
    """(f(*primals), the derivative of f along the tangents): forward mode.

    >>> jvp(lambda x: x * x, (np.array([1.0, 2.0]),), (np.array([1.0, 10.0]),))
    (array([1., 4.]), array([ 2., 40.]))
    """
    lifted, own = lift(tuple(primals), "jvp")
    y = _run(f, lifted, {})
    outputs = [leaf if isinstance(leaf, Tensor) else constant(bare(leaf)) for leaf in leaves(y)]
    ts = leaves(tuple(tangents))
    outside = any(isinstance(leaf, Tensor) for leaf in [*leaves(primals), *ts]) or from_outside(outputs, own)
    moving: dict[Node, Any] = {}
    for node, leaf, t in zip(own, leaves(primals), ts, strict=True):
        if np.shape(t) != node.shape:
            raise ShapeError(f"jvp: a tangent of shape {np.shape(t)} for an argument of shape {node.shape}")
        t = cast_like(t if isinstance(t, Tensor) else constant(bare(t)), leaf._raw if isinstance(leaf, Tensor) else bare(leaf))
        moving[node] = t if outside else kept(t)
    nodes = ancestors(*(output.node for output in outputs if output.node is not None))
    if outside:
        with mode(gradients=True):
            push_forward(nodes, moving, linked_reads)
    else:
        push_forward(nodes, moving, Node.reads)
    results = []
    for output in outputs:
        t = moving.get(output.node) if output.node is not None else None
        if t is None:
            t = 0.0 if type(output._raw) is float else np.zeros_like(output._raw)
        results.append((t if isinstance(t, Tensor) else constant(t)) if outside else constant(_plain(t)).data)
    return (y if outside else transform(_plain, y)), rebuild(y, iter(results))
