"""Functions that make functions of functions: gradients, vector-Jacobian and Jacobian-vector products.

They nest in any order: each call gives its arguments nodes of its own, and a sweep stops at its own nodes, so no level
mistakes another's perturbation for its own. On plain arrays they return plain arrays; where a Tensor of the outside that
requires a gradient takes part, they return Tensors that remember how they were computed. Stands on rules and the graph.
"""

import math
from collections.abc import Callable, Sequence
from functools import update_wrapper
from typing import Any

import numpy as np

from .errors import DtypeError, GradientError, ShapeError
from .explain import kind_of
from .graph import (
    Node,
    ancestors,
    backpropagate,
    enable_grad,
    leaf_of,
    mode,
    modes,
    next_sequence,
    push_forward,
    unchanged,
)
from .rule import root_of, rule, sample
from .tensor import Tensor, bare, cast_like, constant, is_inexact, kept, linked_reads, owned, seed, with_node
from .tree import leaves, leaves_like, rebuild, transform

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
                source._variable = modes.recorder.variable_of(leaf)
            with enable_grad():
                out: Tensor = argument(source)
        else:
            out = with_node(kept(leaf) if isinstance(leaf, Tensor) else owned(raw), leaf_of(raw))
            out.node.attributes = {"argument": True}  # type: ignore[union-attr]
            if modes.recorder is not None and isinstance(leaf, Tensor):
                out._variable = modes.recorder.variable_of(leaf)
        nodes.append(out.node)  # type: ignore[arg-type]
        return out

    return transform(lifted, tree), nodes


def past_of(outputs: list[Tensor]) -> list[Node]:
    """Every node behind the outputs, earliest first."""
    return ancestors(*(output.node for output in outputs if output.node is not None))


def from_outside(nodes: list[Node], own: list[Node]) -> bool:
    """Whether a graph reaches a node that is not one of our own arguments, or one that has a past; or whether everything
    counts, because it is being recorded. Arguments of transforms that ran inside ours are younger, and nobody's any more."""
    if modes.recorder is not None:
        return True
    mine = set(own)
    youngest = max((node.sequence for node in own), default=0)
    return any(
        node.parents if node in mine else node.rule is None and not (node.attributes and node.sequence > youngest)
        for node in nodes
    )


def _run(f: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if modes.gradients:
        return f(*args, **kwargs)
    with enable_grad():
        return f(*args, **kwargs)


def _plain(value: Any) -> Any:
    return value.detach().data if isinstance(value, Tensor) else value


def _tensors(value: Any) -> list[Tensor]:
    """The leaves of what a function returned, as Tensors."""
    return [leaf if isinstance(leaf, Tensor) else constant(bare(leaf)) for leaf in leaves(value)]


def _root_of(outputs: list[Tensor], gs: list[Any]) -> tuple[Node | None, Any]:
    """Where a sweep starts, and with what; nowhere if no output depends on anything."""
    nodes = tuple(output.node for output in outputs if output.node is not None)
    return root_of(nodes, tuple(gs)) if nodes else (None, None)


def _pull(
    outputs: list[Tensor], gs: list[Any], own: list[Node], outside: bool, retain: bool, rows: tuple[int, ...] = ()
) -> list[Any]:
    """The cotangents at our own nodes, zeros where no output depends on them: Tensors if `outside`, else plain.

    With `rows`, (n,), each of `gs` is n cotangents at once, and so is each result.
    """
    starts = gs if rows else [seed(output, g) for output, g in zip(outputs, gs, strict=True) if output.node is not None]
    root, start = _root_of(outputs, starts if outside else list(map(kept, starts)))
    found: dict[Node, Any] = {}
    if root is not None and outside:
        with mode(gradients=True):
            found = backpropagate(root, start, retain=True, rewrap=linked_reads, stop=own, rows=bool(rows))
    elif root is not None:
        found = backpropagate(root, start, retain=retain, stop=own, rows=bool(rows))
    results, g = [], None
    for node in own:
        g = found.pop(node, None)
        if g is None:
            g = 0.0 if node.dtype is None and not rows else np.zeros(rows + node.shape, node.dtype)[()]
        results.append(g if isinstance(g, Tensor) else constant(g))
    del g
    return results if outside else [result.data for result in results]


def _scalar(y: Any, what: str) -> Tensor:
    if isinstance(y, (dict, list, tuple)):
        raise GradientError(
            f"{what} needs a function that returns one number, and this one returned a {type(y).__name__}. Return one of its "
            "parts, use grad_and_aux for a number with something beside it, or autograd.vjp or a Jacobian for all of them"
        )
    y = y if isinstance(y, Tensor) else constant(bare(y))
    if not is_inexact(y._raw):
        raise DtypeError(f"{what} needs a function that returns a float, and this one returned {kind_of(y._raw)}")
    if y.size != 1:
        raise GradientError(
            f"{what} needs a function that returns one number, and this one returned shape {y.shape}. Reduce it with .sum() "
            "or .mean(), or ask for autograd.vjp or a Jacobian"
        )
    return y  # type: ignore[no-any-return]


class _Call:
    """A call of f with the arguments at `argnum` lifted: `value` is what f returned, `own` are the nodes of the arguments."""

    def __init__(self, f: Function, argnum: int | Sequence[int], args: tuple[Any, ...], kwargs: dict[str, Any], what: str):
        self.single = isinstance(argnum, (int, np.integer))
        positions = _positions((int(argnum),) if self.single else tuple(argnum), len(args))  # type: ignore[arg-type]
        self.tree = [args[i] for i in positions]
        lifted, self.own = lift(self.tree, what)
        full = list(args)
        for i, value in zip(positions, lifted, strict=True):
            full[i] = value
        self.value = _run(f, tuple(full), kwargs)

    def outside(self, outputs: list[Tensor]) -> bool:
        """Whether a graph beyond ours takes part, so that results have to be Tensors."""
        return any(isinstance(leaf, Tensor) for leaf in leaves(self.tree)) or from_outside(past_of(outputs), self.own)

    def like_arguments(self, found: list[Any]) -> Any:
        """One entry for each leaf of the arguments, in their containers."""
        built = rebuild(self.tree, iter(found))
        return built[0] if self.single else tuple(built)


def value_and_grad(f: Function, argnum: int | Sequence[int] = 0) -> Function:
    """The function that returns (f(...), its gradient with respect to the argument, or arguments, at `argnum`).

    >>> value_and_grad(lambda x: (x * x).sum())(np.array([1.0, 2.0]))
    (np.float64(5.0), array([2., 4.]))
    """

    @_named("value_and_grad", f)
    def differentiated(*args: Any, **kwargs: Any) -> Any:
        call = _Call(f, argnum, args, kwargs, "grad")
        y = _scalar(call.value, "grad")
        outside = call.outside([y])
        gradients = call.like_arguments(_pull([y], [None], call.own, outside, retain=False))
        return (y if outside else _plain(y)), gradients

    return differentiated


def _positions(argnums: tuple[int, ...], count: int) -> tuple[int, ...]:
    """Places of arguments, not negative, each once."""
    places = tuple(i + count if i < 0 else i for i in argnums)
    if any(not 0 <= i < count for i in places) or len(set(places)) < len(places):
        raise TypeError(f"argnum={argnums} has to name different ones of the {count} arguments")
    return places


def _named(what: str, f: Function) -> Callable[[Function], Function]:
    """Gives the function that a transform makes a name that tells where it comes from."""

    def name(made: Function) -> Function:
        made.__name__ = f"{what}_of_{getattr(f, '__name__', type(f).__name__)}"
        made.__doc__ = f"{what} of: {getattr(f, '__doc__', None) or 'a function'}"
        return update_wrapper(made, f, assigned=(), updated=())  # a recording finds the names that f has

    return name


def grad(f: Function, argnum: int | Sequence[int] = 0) -> Function:
    """The function that returns the gradient of f.

    >>> grad(lambda x: x**3)(2.0)
    12.0
    >>> grad(grad(lambda x: x**3))(2.0)
    12.0
    """

    both = value_and_grad(f, argnum)

    @_named("grad", f)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        return both(*args, **kwargs)[1]

    return gradient


def grad_and_aux(f: Function, argnum: int | Sequence[int] = 0) -> Function:
    """For a function that returns (number, anything else): the function that returns (gradient of the number, the rest).

    >>> grad_and_aux(lambda x: ((x * x).sum(), x + 1.0))(np.array([1.0, 2.0]))
    (array([2., 4.]), array([2., 3.]))
    """

    @_named("grad_and_aux", f)
    def differentiated(*args: Any, **kwargs: Any) -> Any:
        call = _Call(f, argnum, args, kwargs, "grad_and_aux")
        if not isinstance(call.value, (tuple, list)) or len(call.value) != 2:
            raise GradientError("grad_and_aux needs a function that returns a tuple of two: the number, and the rest")
        y, aux = _scalar(call.value[0], "grad_and_aux"), call.value[1]
        outside = call.outside([y])
        gradients = call.like_arguments(_pull([y], [None], call.own, outside, retain=True))
        return gradients, aux if outside else transform(_plain, aux)

    return differentiated


def _is_real(node: Node) -> bool:
    return node.dtype is None or node.dtype.kind != "c"


def elementwise_grad(f: Function, argnum: int | Sequence[int] = 0) -> Function:
    """The derivative of each output with respect to the input at the same place: the gradient of the sum of f.

    It is the derivative for functions that work element by element, as `sin` does; for others it is the sum of the columns
    of the Jacobian.

    >>> elementwise_grad(lambda x: x**2)(np.array([1.0, 2.0]))
    array([2., 4.])
    """

    @_named("elementwise_grad", f)
    def differentiated(*args: Any, **kwargs: Any) -> Any:
        call = _Call(f, argnum, args, kwargs, "elementwise_grad")
        outputs = _tensors(call.value)
        if any(output.dtype.kind == "c" for output in outputs) and any(_is_real(node) for node in call.own):
            raise GradientError(
                "elementwise_grad of a complex function of real numbers: its gradient would be that of the real part. Take "
                ".real or .imag, or ask for autograd.jacobian or autograd.deriv, which are complex"
            )
        outside = call.outside(outputs)
        gs = [1.0 if type(output._raw) is float else np.ones_like(output._raw) for output in outputs]
        return call.like_arguments(_pull(outputs, gs, call.own, outside, retain=False))

    return differentiated


def holomorphic_grad(f: Function, argnum: int = 0) -> Function:
    """The complex derivative f'(z) of a function that has one.

    Gradients are dL/da - i dL/db for z = a + ib; that of the real part of a holomorphic f is f'(z).

    >>> holomorphic_grad(lambda z: z**2)(1.0 + 2.0j)
    np.complex128(2+4j)
    """

    def real_part(*args: Any, **kwargs: Any) -> Any:
        y = f(*args, **kwargs)
        if np.iscomplexobj(y) and not any(map(np.iscomplexobj, leaves(args[argnum]))):
            raise DtypeError("holomorphic_grad of a complex function at a real number: pass a complex one, x + 0j")
        return y.real

    return _named("holomorphic_grad", f)(grad(real_part, argnum))


def vjp(f: Function, *args: Any) -> tuple[Any, Function]:
    """(f(*args), pull): `pull(g)` is the tuple of products of g with the Jacobians, one for each argument.

    >>> y, pull = vjp(lambda x: x * x, np.array([1.0, 2.0]))
    >>> pull(np.array([1.0, 10.0]))
    (array([ 2., 40.]),)
    """
    pull, y = make_vjp(f, tuple(range(len(args))))(*args)
    return y, pull


def jvp(f: Function, primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
    """(f(*primals), the derivative of f along the tangents): forward mode.

    >>> jvp(lambda x: x * x, (np.array([1.0, 2.0]),), (np.array([1.0, 10.0]),))
    (array([1., 4.]), array([ 2., 40.]))
    """
    lifted, own = lift(tuple(primals), "jvp")
    y = _run(f, lifted, {})
    outputs = _tensors(y)
    nodes = past_of(outputs)
    xs, ts = leaves(tuple(primals)), leaves_like(tuple(primals), tuple(tangents))
    outside = any(isinstance(leaf, Tensor) for leaf in [*xs, *ts]) or from_outside(nodes, own)
    moving: dict[Node, Any] = {}
    for node, leaf, t in zip(own, xs, ts, strict=True):
        if np.shape(t) != node.shape:
            raise ShapeError(f"jvp: a tangent of shape {np.shape(t)} for an argument of shape {node.shape}")
        t = cast_like(t if isinstance(t, Tensor) else constant(bare(t)), leaf._raw if isinstance(leaf, Tensor) else bare(leaf))
        moving[node] = t if outside else kept(t)
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
        t = t if isinstance(t, Tensor) else constant(t)
        results.append(t if outside else _own_value(t._raw, output))
    return (y if outside else transform(_plain, y)), rebuild(y, iter(results))


def _own_value(raw: Any, output: Tensor) -> Any:
    """A tangent as a value that nobody else holds, and a number where the output is one."""
    value = constant(raw).data
    return float(value) if type(output._raw) is float else value if np.ndim(value) else np.asarray(value)[()]


def make_vjp(f: Function, argnum: int | Sequence[int] = 0) -> Function:
    """The function that returns (pull, f(...)): `pull(g)` is the product of g with the Jacobian.

    >>> pull, y = make_vjp(lambda x: x * x)(np.array([1.0, 2.0]))
    >>> pull(np.array([1.0, 10.0]))
    array([ 2., 40.])
    """

    @_named("vjp", f)
    def made(*args: Any, **kwargs: Any) -> Any:
        call = _Call(f, argnum, args, kwargs, "make_vjp")
        outputs = [with_node(output._raw, output.node) for output in _tensors(call.value)]
        outside = call.outside(outputs)

        def pull(g: Any) -> Any:
            gs = leaves_like(call.value, g)
            through = outside or any(isinstance(leaf, Tensor) for leaf in gs)
            return call.like_arguments(_pull(outputs, gs, call.own, through, retain=True))

        return pull, (call.value if outside else transform(_plain, call.value))

    return made


def make_jvp(f: Function, argnum: int = 0) -> Function:
    """The function that returns `push`: `push(t)` is (f(...), the derivative of f along t).

    >>> make_jvp(lambda x: x * x)(np.array([1.0, 2.0]))(np.array([1.0, 10.0]))
    (array([1., 4.]), array([ 2., 40.]))
    """

    @_named("jvp", f)
    def made(*args: Any, **kwargs: Any) -> Any:
        place = _positions((argnum,), len(args))[0]

        def alone(x: Any) -> Any:
            return f(*args[:place], x, *args[place + 1 :], **kwargs)

        return lambda t: jvp(alone, (args[place],), (t,))

    return made


def deriv(f: Function, argnum: int = 0) -> Function:
    """The derivative of a function of one number, by forward mode.

    >>> deriv(lambda x: x**3)(2.0)
    12.0
    """

    @_named("deriv", f)
    def differentiated(*args: Any, **kwargs: Any) -> Any:
        x = args[argnum]
        return make_jvp(f, argnum)(*args, **kwargs)(1.0 if isinstance(x, float) else np.ones_like(x)[()])[1]

    return differentiated


# --- Jacobians and Hessians ------------------------------------------------------------------------------------------------

ELEMENTS_AT_ONCE = 4_000_000  # of the largest value in a graph, times the rows of one sweep: 32 MB of float64


def _identity(output: Tensor, start: int, stop: int) -> Any:
    """Rows `start` to `stop` of the unit matrix, each in the shape of the output."""
    raw = output._raw
    like = {} if isinstance(raw, (float, np.generic, np.ndarray)) else {"like": raw}
    basis = np.eye(stop - start, output.size, start, dtype=output.dtype, **like)
    return basis.reshape(stop - start, *output.shape)


def _jacobian_rows(output: Tensor, own: list[Node], outside: bool) -> list[Any]:
    """d(element of the output)/d(argument) for each of our own nodes, the elements of the output along the first axis.

    A cotangent of 1 gives the derivative of the real part, -1j that of the imaginary part: a complex function of a complex
    argument is taken for a holomorphic one, for which the first says it all; with a real argument it takes both.
    """
    if output.node is None or output.size == 0:
        zeros = [np.zeros((output.size, *node.shape), node.dtype) for node in own]
        return [constant(z) for z in zeros] if outside else zeros
    rows = _swept_rows(output, own, outside, 1)
    real = [node for node in own if _is_real(node)]
    if output.dtype.kind == "c" and real:
        imaginary = dict(zip(real, _swept_rows(output, real, outside, -1j), strict=True))
        rows = [row + 1j * imaginary[node] if node in imaginary else row for node, row in zip(own, rows, strict=True)]
    return rows


def _swept_rows(output: Tensor, own: list[Node], outside: bool, unit: complex) -> list[Any]:
    """The cotangents of our own nodes for each element of the output, times a unit.

    Many rows go through the graph in one sweep; how many at once is bounded by the memory they take.
    """
    largest = max(math.prod(node.shape) for node in ancestors(output.node) if not isinstance(node.dtype, tuple))  # type: ignore[arg-type]
    step = max(1, ELEMENTS_AT_ONCE // max(largest, 1))
    parts = []
    for start in range(0, output.size, step):
        stop = min(start + step, output.size)
        basis = _identity(output, start, stop)
        g = constant(basis if unit == 1 else basis * unit)
        parts.append(_pull([output], [g], own, outside, retain=True, rows=(stop - start,)))
    return parts[0] if len(parts) == 1 else [np.concatenate(pieces) for pieces in zip(*parts, strict=True)]


def jacobian(f: Function, argnum: int | Sequence[int] = 0) -> Function:
    """The function that returns all derivatives of all outputs: an array of shape output.shape + argument.shape.

    For containers among outputs or arguments, such arrays in the same containers, those of the arguments inside. That of a
    complex function of complex numbers is the complex derivative, and right where there is one (see `holomorphic_grad`).

    >>> jacobian(lambda x: x * x)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """

    @_named("jacobian", f)
    def differentiated(*args: Any, **kwargs: Any) -> Any:
        call = _Call(f, argnum, args, kwargs, "jacobian")
        outputs = _tensors(call.value)
        outside = call.outside(outputs)
        blocks = []
        for output in outputs:
            rows = _jacobian_rows(output, call.own, outside)
            shaped = [row.reshape(output.shape + node.shape) for row, node in zip(rows, call.own, strict=True)]
            blocks.append(call.like_arguments([row if outside else row[()] for row in shaped]))
        return rebuild(call.value, iter(blocks))

    return differentiated


def hessian(f: Function, argnum: int | Sequence[int] = 0) -> Function:
    """The second derivatives: an array of shape output.shape + argument.shape + argument.shape.

    >>> hessian(lambda x: (x**3).sum())(np.array([1.0, 2.0]))
    array([[ 6.,  0.],
           [ 0., 12.]])
    """
    return _named("hessian", f)(jacobian(jacobian(f, argnum), argnum))


def hessian_vector_product(f: Function, argnum: int = 0) -> Function:
    """The function of (..., v) that returns the Hessian of f times v, without the Hessian: `hvp` for short.

    It is the derivative of the gradient along v. A container takes a v of the same containers.

    >>> hvp(lambda x: (x**3).sum())(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 6., 12.])
    """
    gradient = grad(f, argnum)

    @_named("hessian_vector_product", f)
    def product(*args: Any, **kwargs: Any) -> Any:
        *inputs, v = args
        return make_jvp(gradient, argnum)(*inputs, **kwargs)(v)[1]

    return product


hvp = hessian_tensor_product = hessian_vector_product


def make_hvp(f: Function, argnum: int = 0) -> Function:
    """The function that returns (v -> the Hessian of f times v, the gradient of f)."""
    return make_vjp(grad(f, argnum), argnum)


def tensor_jacobian_product(f: Function, argnum: int = 0) -> Function:
    """The function of (..., w) that contracts w with the first axes of the Jacobian of f.

    >>> tensor_jacobian_product(lambda x: x * x)(np.array([1.0, 2.0]), np.array([1.0, 10.0]))
    array([ 2., 40.])
    """

    @_named("tensor_jacobian_product", f)
    def product(*args: Any, **kwargs: Any) -> Any:
        *inputs, w = args
        return jacobian(lambda *xs, **names: np.tensordot(w, f(*xs, **names), np.ndim(w)), argnum)(*inputs, **kwargs)

    return product


vector_jacobian_product = tensor_jacobian_product


def _half_square(x: Any) -> Any:
    return 0.5 * np.sum(x**2, axis=-1)


def make_ggnvp(f: Function, g: Function = _half_square, f_argnum: int = 0) -> Function:
    """The function that returns v -> J' H J v, the generalised Gauss-Newton product of g(f(...)).

    J is the Jacobian of f with respect to its argument at `f_argnum`, H the Hessian of g at the value of f; where g is convex
    the product matrix is positive semidefinite, which the Hessian of g(f(x)) need not be.

    >>> make_ggnvp(lambda x: x * x)(np.array([1.0, 2.0]))(np.array([1.0, 1.0]))
    array([ 4., 16.])
    """

    @_named("ggnvp", f)
    def made(*args: Any, **kwargs: Any) -> Any:
        pull, y = make_vjp(f, f_argnum)(*args, **kwargs)
        push = make_jvp(f, f_argnum)(*args, **kwargs)
        curve = make_jvp(grad(g))(y)
        return lambda v: pull(curve(push(v)[1])[1])

    return made


# --- recomputing instead of keeping ----------------------------------------------------------------------------------------


def _only_tensors(value: Any) -> list[Tensor]:
    """The Tensors that a function returned; an error where there is something that may hide others, a generator say."""
    for leaf in leaves(value):
        if not (leaf is None or isinstance(leaf, (Tensor, str))):
            bare(leaf)
    return [leaf for leaf in leaves(value) if isinstance(leaf, Tensor)]


def _weak(x: Any) -> Any:
    """A Python float again, of what became an array of a single element."""
    return with_node(float(x._raw), x.node) if isinstance(x, Tensor) else float(x)


class Recomputed:
    """A function whose inside is computed again in the backward pass.

    `closure` holds the nodes that it reaches by itself, `first` the raw values of its first run, for whoever asks next, and
    `weak` says which inputs are Python floats, that they may be so again.
    """

    def __init__(
        self, function: Function, closure: tuple[Node, ...] = (), first: Any = None, weak: frozenset[int] = frozenset()
    ) -> None:
        self.function = function
        self.closure = closure
        self.first = first
        self.weak = weak

    def __repr__(self) -> str:
        return getattr(self.function, "__name__", type(self.function).__name__)

    def values(self, arrays: tuple[Any, ...]) -> Any:
        """The raw outputs."""
        if self.first is not None:
            first, self.first = self.first, None
            return first
        with mode(gradients=False):
            raws = tuple(output._raw for output in _only_tensors(self.function(*map(constant, arrays))))
        return raws if len(raws) > 1 else raws[0]

    def pull(self, g: Any, arrays: tuple[Any, ...], y: Any) -> tuple[Any, ...]:
        """The cotangents of the arrays and of the closure, by running the function again."""
        arrays = tuple(_weak(x) if i in self.weak else x for i, x in enumerate(arrays[: len(arrays) - len(self.closure)]))
        moving = [i for i, x in enumerate(arrays) if is_inexact(x._raw if isinstance(x, Tensor) else bare(x))]
        lifted, own = lift([arrays[i] for i in moving], "checkpoint")
        full = [x if isinstance(x, Tensor) else constant(x) for x in arrays]
        for i, value in zip(moving, lifted, strict=True):
            full[i] = value
        outputs = _only_tensors(_run(self.function, tuple(full), {}))
        self._refuse_other(outputs, y if isinstance(y, tuple) else (y,))
        gs = list(g) if isinstance(g, tuple) else [g]
        outside = any(isinstance(leaf, Tensor) for leaf in [*arrays, *gs])
        found = _pull(outputs, gs, [*own, *self.closure], outside, retain=True)
        results: list[Any] = [None] * len(arrays)
        for i, cotangent in zip(moving, found, strict=False):
            results[i] = cotangent
        return tuple(results + found[len(own) :])

    def _refuse_other(self, outputs: list[Tensor], first: tuple[Any, ...]) -> None:
        """An error if the second run gave something else: its gradients would not be those of the first."""
        if modes.recorder is None and not all(
            np.array_equal(output._raw, getattr(y, "_raw", y), equal_nan=True) for output, y in zip(outputs, first, strict=True)
        ):
            raise GradientError(
                f"checkpoint: {self!r} gave other values when it was computed again for the backward pass. Either it is "
                "random, or what it reads has changed in between: pass random keys and values as arguments"
            )


@rule(
    vjp=lambda g, arrays, y, function: function.pull(g, arrays, y),
    samples=[
        sample((2, 3), (3,), function=Recomputed(lambda x, w: np.sin(x) * w)),
        sample((3,), function=Recomputed(lambda x: (x * x, x.sum()))),
    ],
)
def recomputed(*arrays: Any, function: Recomputed) -> Any:
    """function(*arrays), of which nothing is kept but the inputs and the outputs."""
    return function.values(arrays)


def checkpoint(f: Function) -> Function:
    """The same function, which keeps its arguments only, and computes the rest again when the backward pass comes to it.

    It trades one more evaluation for the memory of everything in between. Tensors that f reaches by itself get their
    gradients too. (While `record` runs, f is recorded as it is.)

    >>> from autograd import Tensor
    >>> x = Tensor([1.0, 2.0])
    >>> checkpoint(lambda x: np.sin(x) ** 2)(x).sum().backward()
    >>> x.grad
    Tensor([ 0.90929743, -0.7568025 ])
    """

    @_named("checkpoint", f)
    def run(*args: Any, **kwargs: Any) -> Any:
        if modes.recorder is not None or not modes.gradients:
            return f(*args, **kwargs)
        everything = leaves((args, kwargs))
        places = [i for i, leaf in enumerate(everything) if isinstance(leaf, Tensor)]

        def inner(*tensors: Any) -> Any:
            full = list(everything)
            for i, tensor in zip(places, tensors, strict=True):
                full[i] = tensor
            inner_args, inner_kwargs = rebuild((args, kwargs), iter(full))
            return f(*inner_args, **inner_kwargs)

        inner.__name__ = getattr(f, "__name__", type(f).__name__)
        inputs = [everything[i] for i in places]
        for i in places:  # `inner` lives as long as the graph, and must not keep what the inputs hold
            everything[i] = None
        born = next_sequence()
        lifted = [with_node(kept(x), leaf_of(x._raw) if is_inexact(x._raw) else None) for x in inputs]
        value = inner(*lifted)
        outputs = _only_tensors(value)
        closure = _boundary(outputs, born)
        if not outputs or (not closure and all(x.node is None for x in inputs)):
            return transform(lambda leaf: leaf.detach() if isinstance(leaf, Tensor) else leaf, value)
        raws = tuple(output._raw for output in outputs)
        weak = frozenset(i for i, x in enumerate(inputs) if type(x._raw) is float)
        again = Recomputed(inner, closure, raws if len(raws) > 1 else raws[0], weak)
        made = recomputed(*inputs, *map(_stand_in, closure), function=again)
        parts = iter(made if isinstance(made, tuple) else [made])
        return transform(lambda leaf: next(parts) if isinstance(leaf, Tensor) else leaf, value)

    return run


def _boundary(outputs: list[Tensor], born: int) -> tuple[Node, ...]:
    """The first nodes older than `born` on every way back from the outputs."""
    found = []
    stack = [output.node for output in outputs if output.node is not None]
    seen = set(stack)
    while stack:
        node = stack.pop()
        if node.sequence < born:
            found.append(node)
            continue
        new = [parent for parent in node.parents if parent is not None and parent not in seen]
        seen.update(new)
        stack.extend(new)
    return tuple(found)


def _stand_in(node: Node) -> Tensor:
    """A Tensor at a node whose value nobody will read."""
    if node.dtype is None:
        return with_node(0.0, node)
    return with_node(np.broadcast_to(np.zeros((), node.dtype), node.shape), node)
