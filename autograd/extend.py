"""Functions with derivatives of their own, as HIPS autograd spells them: `primitive`, `defvjp`, `defjvp`, `vspace`.

A primitive is a rule like those of our own ops: its arguments may be anything, and the Tensors and arrays among them, in
nested containers too, are its inputs. So it can be differentiated again, pushed forward, and recorded. For an op that is
written anew, `autograd.rule` is the shorter way. Stands on `autograd`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce, wraps
from itertools import count
from typing import Any

import numpy as np

from .errors import DtypeError, GradientError, NoRuleError, RuleError, ShapeError
from .explain import kind_of
from .graph import Node, modes
from .ops.random import default_generator
from .rule import Rule, apply, registry
from .rule import rule as declare
from .tensor import Tensor, bare, owned
from .tracer import Box, notrace_primitive
from .transforms import vjp as pull_back
from .tree import leaves, paths, rebuild, transform

__all__ = [
    "Box",
    "UndefinedError",
    "VSpace",
    "def_linear",
    "defjvp",
    "defjvp_argnum",
    "defjvp_argnums",
    "defvjp",
    "defvjp_argnum",
    "defvjp_argnums",
    "notrace_primitive",
    "primitive",
    "vspace",
]

Function = Callable[..., Any]


class UndefinedError(NoRuleError, NotImplementedError):
    """A derivative was asked of a primitive for which none is defined.

    Wrong: `f = primitive(f_raw); grad(f)(1.0)`
    Right: `defvjp(f, lambda ans, x: lambda g: ...)` before a gradient is asked for.
    """


# --- primitives ------------------------------------------------------------------------------------------------------------


class _Input:
    """The place of an input among the arguments of a call."""


_INPUT = _Input()


def _is_input(leaf: Any) -> bool:
    return isinstance(leaf, Tensor) or (type(leaf) is np.ndarray and leaf.dtype.kind in "biufc")


class Call:
    """One call of a primitive: its arguments without the inputs, which of them want a gradient, and what it returned."""

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.arguments = transform(lambda leaf: _INPUT if _is_input(leaf) else leaf, (args, kwargs))
        self.inputs_of = [sum(leaf is _INPUT for leaf in leaves(arg)) for arg in self.arguments[0]]
        self.wanted = tuple(i for i, arg in enumerate(args) if any(map(_wants_gradient, leaves(arg))))
        self.result: Any = None  # its containers, with None for each array; None where it is an array itself

    def __repr__(self) -> str:
        return "..."

    def fill(self, inputs: Sequence[Any]) -> Any:
        """(args, kwargs) with these inputs."""
        values = iter(inputs)
        return transform(lambda leaf: next(values) if leaf is _INPUT else leaf, self.arguments)

    def inside(self, y: Any) -> Any:
        """An output, or what stands for one, in the containers of the result."""
        return y if self.result is None else rebuild(self.result, iter(y))

    def places(self, argnum: int) -> slice:
        """Where the inputs that belong to an argument stand among all of them."""
        start = sum(self.inputs_of[:argnum])
        return slice(start, start + self.inputs_of[argnum])

    def rows(self, argnum: int, d: Any) -> list[Any]:
        """The cotangent of an argument, one entry for each of its inputs."""
        if d is None:
            return [None] * self.inputs_of[argnum]
        places = [path for path, leaf in paths(self.arguments[0][argnum]) if leaf is _INPUT]
        return _at(places, d, f"a vjp returned {d!r} for argument {argnum}, which has other containers")


def _at(places: list[str], tree: Any, otherwise: str) -> list[Any]:
    """The leaves at these paths, whatever the order of the tree; an error where there is none."""
    found = {"": tree} if places == [""] else dict(paths(tree))
    if not found.keys() >= set(places):
        raise RuleError(otherwise)
    return [found[path] for path in places]


def _wants_gradient(leaf: Any) -> bool:
    return isinstance(leaf, Tensor) and leaf.requires_grad and modes.gradients


class Primitive(Rule):
    """The rule of a primitive. `vjps` and `jvps` tell for which arguments there is a derivative, `vjp` and `jvp` make it."""

    def __init__(self, function: Function) -> None:
        def forward(*inputs: Any, call: Call) -> Any:
            args, kwargs = call.fill(inputs)
            return _outputs(call, function(*args, **kwargs), self.name)

        def joint(g: Any, y: Any, inputs: Any, call: Call) -> Any:
            return self.pull(g, y, inputs, call)

        forward.__name__ = getattr(function, "__name__", type(function).__name__)
        forward.__doc__ = function.__doc__
        super().__init__(forward, {}, joint, {**(declare.__kwdefaults__ or {}), "samples": ()})
        self.key = f"{self.name}@{id(self):x}"
        self.vjps: Any = ()
        self.jvps: Any = ()
        self.vjp: Function
        self.jvp: Function

    def refuse_undefined(self, call: Call, kwargs: dict[str, Any]) -> None:
        """An error where a gradient is wanted that nothing is known of."""
        for argnum in call.wanted:
            if argnum not in self.vjps and argnum not in self.jvps:
                raise UndefinedError(
                    f"the derivative of {self.name} with respect to argument {argnum} is not defined: define it with "
                    "defvjp(f, ..., argnums=...), or pass x.detach() if it is not wanted"
                )
        if any(map(_wants_gradient, leaves(kwargs))):
            raise UndefinedError(
                f"{self.name} got a Tensor that requires a gradient by keyword, and only positional arguments have "
                "derivatives: pass it by position"
            )

    def pull(self, g: Any, y: Any, inputs: Any, call: Call) -> tuple[Any, ...]:
        """The cotangents of all inputs; None for those that do not want one."""
        args, kwargs = call.fill(inputs)
        g, ans = call.inside(g), call.inside(y)
        known = tuple(argnum for argnum in call.wanted if argnum in self.vjps)
        found = dict(zip(known, self.vjp(known, ans, args, kwargs)(g), strict=True)) if known else {}
        for argnum in call.wanted:
            if argnum not in known:
                found[argnum] = self._transposed(argnum, g, ans, args, kwargs)
        ds: list[Any] = [None] * len(inputs)
        for argnum, d in found.items():
            ds[call.places(argnum)] = call.rows(argnum, d)
        return tuple(ds)

    def _transposed(self, argnum: int, g: Any, ans: Any, args: Any, kwargs: Any) -> Any:
        """The cotangent by the jvp: that is linear in its tangent, so its own vjp with respect to the tangent is ours."""
        if isinstance(self.jvps, dict) and self.jvps[argnum] == "same":
            raise UndefinedError(
                f"{self.name} is linear in argument {argnum} (its jvp is 'same'), which tells nothing of its vjp: define it"
            )
        zeros = transform(np.zeros_like, args[argnum])
        _, pull = pull_back(lambda u: self.jvp((argnum,), (u,), ans, args, kwargs), zeros)
        return pull(g)[0]

    def _push_whole(self, node: Node, tangents: list[Any], saved: Any) -> Any:
        y, inputs, call = saved
        args, kwargs = call.fill(inputs)
        moving = [i for i in range(len(args)) if any(t is not None for t in tangents[call.places(i)])]
        if not all(i in self.jvps for i in moving):
            return super()._push_whole(node, tangents, saved)
        full = [np.zeros_like(x) if t is None else t for t, x in zip(tangents, inputs, strict=True)]
        gs = [call.fill(full)[0][i] for i in moving]
        t = self.jvp(tuple(moving), gs, call.inside(y), args, kwargs)
        places = [path for path, _ in paths(call.result)]
        parts = _at(places, t, f"the jvp of {self.name} returned {t!r}, in other containers than the output")
        for part, of in zip(parts, leaves(call.inside(y)), strict=True):
            if np.shape(part) != np.shape(of) or part is None:
                raise ShapeError(f"the jvp of {self.name} returned {kind_of(part)} for an output of shape {np.shape(of)}")
        return t if call.result is None else tuple(parts)


def _outputs(call: Call, result: Any, name: str) -> Any:
    """What a primitive returned as a raw value, or a tuple of them. The memory is our own: the function may keep its arrays."""
    found = leaves(result)
    if not found:
        raise DtypeError(f"{name} returned {result!r}, which holds nothing that could have a derivative")
    if any(isinstance(leaf, Tensor) and leaf.requires_grad for leaf in found):
        raise GradientError(
            f"{name} depends on a Tensor that requires a gradient and is not one of its arguments: a primitive's derivative "
            "knows of its arguments only, so pass it as one"
        )
    if isinstance(result, (dict, list, tuple)):
        call.result = transform(lambda leaf: None, result)
        return tuple(np.asarray(owned(leaf))[()] for leaf in found)
    return owned(result)


def primitive(function: Function) -> Function:
    """The same function, whose derivative is yours to define: with `defvjp`, with `defjvp`, or both.

    On Tensors it is run on their plain values. It may take and return nested containers, and must not change its arguments.

    >>> from autograd import grad
    >>> @primitive
    ... def cube(x):
    ...     return x**3
    >>> defvjp(cube, lambda ans, x: lambda g: g * 3 * x**2)
    >>> grad(cube)(2.0), grad(grad(cube))(2.0)
    (12.0, 12.0)
    """
    rule = Primitive(function)

    @wraps(function)
    def op(*args: Any, **kwargs: Any) -> Any:
        found = leaves((args, kwargs))
        if not any(isinstance(leaf, Tensor) for leaf in found):
            return function(*args, **kwargs)
        call = Call(args, kwargs)
        rule.refuse_undefined(call, kwargs)
        if modes.recorder is not None:  # a Program looks rules up by their keys
            registry[rule.key] = rule
        return call.inside(apply(rule, [leaf for leaf in found if _is_input(leaf)], {"call": call}))

    op.rule = rule  # type: ignore[attr-defined]
    op.fun = function  # type: ignore[attr-defined]
    return op


# --- their derivatives -----------------------------------------------------------------------------------------------------


class _All:
    """Every number of an argument."""

    def __contains__(self, argnum: object) -> bool:
        return True


def _rule_of(fun: Function) -> Primitive:
    rule = getattr(fun, "rule", None)
    if not isinstance(rule, Primitive):
        raise RuleError(
            f"{getattr(fun, '__name__', fun)!r} is no primitive, and its derivative is not yours to define: make one of it "
            "with primitive(f), or use a rule of your own (autograd.rule)"
        )
    return rule


def defvjp_argnums(fun: Function, vjpmaker: Function) -> None:
    """Defines all vjps at once: `vjpmaker(argnums, ans, args, kwargs)` returns a function of g, whose result has an entry for
    each of the argnums."""
    rule = _rule_of(fun)
    rule.vjps, rule.vjp = _All(), vjpmaker


def defvjp_argnum(fun: Function, vjpmaker: Function) -> None:
    """The same one by one: `vjpmaker(argnum, ans, args, kwargs)` returns a function of g."""
    defvjp_argnums(fun, _each_vjp(vjpmaker))


def _each_vjp(vjpmaker: Function) -> Function:
    def make(argnums: Any, ans: Any, args: Any, kwargs: Any) -> Function:
        vjps = [vjpmaker(argnum, ans, args, kwargs) for argnum in argnums]
        return lambda g: [vjp(g) for vjp in vjps]

    return make


def _by_argument(fun: Function, makers: Any, argnums: Any, words: tuple[str, ...], what: str) -> dict[int, Any]:
    for maker in makers:
        if maker is not None and not callable(maker) and maker not in words:
            known = " or ".join(["a function", *map(repr, words), "None"])
            raise RuleError(f"a {what} of {fun.__name__} is {known}, not {maker!r}")
    return dict(zip(count() if argnums is None else argnums, makers, strict=argnums is not None))


def defvjp(fun: Function, *vjpmakers: Any, argnums: Any = None) -> None:
    """Defines the vector-Jacobian products of a primitive, for its first arguments or for those of `argnums`.

    `vjpmaker(ans, *args, **kwargs)` returns a function of g, the gradient of the output, which returns that of the argument.
    None stands for a gradient of zero.
    """
    table = _by_argument(fun, vjpmakers, argnums, (), "vjp")

    def vjp(argnum: int, ans: Any, args: Any, kwargs: Any) -> Function:
        maker = table[argnum]
        if maker is None:
            return lambda g: None
        made = maker(ans, *args, **kwargs)

        def pull(g: Any) -> Any:
            d = made(g) if callable(made) else None
            if d is None:
                raise RuleError(
                    f"the vjp of {fun.__name__} for argument {argnum} returned nothing: a vjpmaker returns a function of g, "
                    "which returns the gradient of the argument (None in the vjpmaker's place says that it is zero)"
                )
            return d

        return pull

    rule = _rule_of(fun)
    rule.vjps, rule.vjp = table, _each_vjp(vjp)


def defjvp_argnums(fun: Function, jvpmaker: Function) -> None:
    """Defines forward mode: `jvpmaker(argnums, gs, ans, args, kwargs)` returns the tangent of the output, given those of some
    arguments."""
    rule = _rule_of(fun)
    rule.jvps, rule.jvp = _All(), jvpmaker


def defjvp_argnum(fun: Function, jvpmaker: Function) -> None:
    """The same one by one: `jvpmaker(argnum, g, ans, args, kwargs)`; the results are added up."""
    defjvp_argnums(fun, _each_jvp(jvpmaker))


def _each_jvp(jvpmaker: Function) -> Function:
    def make(argnums: Any, gs: Any, ans: Any, args: Any, kwargs: Any) -> Any:
        ts = [jvpmaker(argnum, g, ans, args, kwargs) for argnum, g in zip(argnums, gs, strict=True)]
        return reduce(lambda a, b: transform(lambda x, y: x + y, a, b), ts)

    return make


def defjvp(fun: Function, *jvpfuns: Any, argnums: Any = None) -> None:
    """Defines the Jacobian-vector products of a primitive: `jvpfun(g, ans, *args, **kwargs)`, g being the argument's tangent.

    "same" says that the function is linear in the argument, None that it is constant. Where only a jvp is defined, the
    gradient comes from transposing it; where only a vjp is, forward mode does.
    """
    table = _by_argument(fun, jvpfuns, argnums, ("same",), "jvp")

    def jvp(argnum: int, g: Any, ans: Any, args: Any, kwargs: Any) -> Any:
        jvpfun = table[argnum]
        if jvpfun is None:
            return transform(np.zeros_like, ans)
        if jvpfun == "same":
            return fun(*args[:argnum], g, *args[argnum + 1 :], **kwargs)
        return jvpfun(g, ans, *args, **kwargs)

    rule = _rule_of(fun)
    rule.jvps, rule.jvp = table, _each_jvp(jvp)


def def_linear(fun: Function) -> None:
    """Says that a primitive is linear in each of its arguments, for forward mode."""
    defjvp_argnum(fun, lambda argnum, g, ans, args, kwargs: fun(*args[:argnum], g, *args[argnum + 1 :], **kwargs))


# --- vector spaces ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Kind:
    """The shape and dtype of one array."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def iscomplex(self) -> bool:
        return self.dtype.kind == "c"

    @property
    def size(self) -> int:
        """How many real numbers it holds."""
        return int(np.prod(self.shape, dtype=int)) * (1 + self.iscomplex)

    def filled(self, draw: Callable[[], Any]) -> Any:
        made = np.broadcast_to(draw() + 1j * draw() if self.iscomplex else draw(), self.shape)
        return made.astype(self.dtype)[()]

    def basis(self) -> Iterator[Any]:
        for index in np.ndindex(*self.shape):
            for unit in (1.0, 1.0j) if self.iscomplex else (1.0,):
                vector = np.zeros(self.shape, self.dtype)
                vector[index] = unit
                yield vector


def _kind(leaf: Any) -> _Kind:
    raw = bare(leaf._raw if isinstance(leaf, Tensor) else leaf)
    return _Kind(np.shape(raw), np.asarray(raw).dtype)


class VSpace:
    """The vectors of the kind of a value: an array, a number, or nested containers of them.

    >>> space = vspace({"w": np.ones((2, 3)), "b": 0.0})
    >>> space.size
    7
    >>> space.zeros()["b"]
    np.float64(0.0)
    """

    def __init__(self, value: Any) -> None:
        self.kinds = transform(_kind, value)

    @property
    def shape(self) -> Any:
        """The shape of an array, or containers of shapes."""
        return transform(lambda kind: kind.shape, self.kinds)

    @property
    def dtype(self) -> Any:
        """The dtype of an array, or containers of dtypes."""
        return transform(lambda kind: kind.dtype, self.kinds)

    @property
    def ndim(self) -> Any:
        """The number of axes of an array, or containers of them."""
        return transform(lambda kind: len(kind.shape), self.kinds)

    @property
    def size(self) -> int:
        """The number of dimensions: real numbers in a vector."""
        return sum(kind.size for kind in leaves(self.kinds))

    @property
    def iscomplex(self) -> bool:
        """Whether there are complex numbers in it."""
        return any(kind.iscomplex for kind in leaves(self.kinds))

    def zeros(self) -> Any:
        """The vector zero."""
        return transform(lambda kind: np.zeros(kind.shape, kind.dtype)[()], self.kinds)

    def ones(self) -> Any:
        """Ones everywhere, 1 + 1j for complex numbers."""
        return transform(lambda kind: kind.filled(lambda: np.float64(1)), self.kinds)

    def randn(self) -> Any:
        """A vector of normal draws from the default generator, which `autograd.random.seed` starts anew."""
        generator = default_generator()
        return transform(lambda kind: kind.filled(lambda: generator.standard_normal(kind.shape)), self.kinds)

    def standard_basis(self) -> Iterator[Any]:
        """The vectors with a single 1 (or 1j) in them."""
        zeros = leaves(self.zeros())
        for i, kind in enumerate(leaves(self.kinds)):
            for vector in kind.basis():
                yield rebuild(self.kinds, iter([*zeros[:i], vector, *zeros[i + 1 :]]))

    def add(self, x: Any, y: Any) -> Any:
        """The sum of two vectors."""
        return transform(lambda a, b: a + b, x, y)

    mut_add = add

    def scalar_mul(self, x: Any, a: Any) -> Any:
        """A vector times a number."""
        return transform(lambda part: part * a, x)

    def inner_prod(self, x: Any, y: Any) -> Any:
        """The real inner product."""
        terms = transform(lambda a, b: np.real(np.sum(np.conj(a) * b)), x, y)
        return sum(leaves(terms))

    def covector(self, x: Any) -> Any:
        """The gradient that belongs to a direction: its complex conjugate."""
        return transform(lambda a: np.conj(a) if np.iscomplexobj(a) else a, x)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.kinds == other.kinds

    def __repr__(self) -> str:
        return f"VSpace({self.kinds!r})"


def vspace(value: Any) -> VSpace:
    """The space of vectors that a value belongs to."""
    return VSpace(value)
