"""What can be checked: a function, a module with its parameters, or a black box with a vjp of its own, all seen alike.

A subject is a function from a list of arrays to a list of arrays, with its reverse and its forward mode. The containers in
which a user's arguments and results come are taken apart here and nowhere else. Stands on the transforms.
"""

from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..errors import DtypeError
from ..tensor import Tensor, bare, is_inexact
from ..transforms import jvp, vjp
from ..tree import leaves, paths, rebuild

Arrays = list[Any]


def moves(leaf: Any) -> bool:
    """Whether a leaf of arguments or results is of floats or complex numbers, so that it has a derivative."""
    if isinstance(leaf, (str, bytes, type(None))) or callable(leaf):
        return False
    try:
        return is_inexact(leaf._raw if isinstance(leaf, Tensor) else bare(leaf))
    except DtypeError:
        return False


def plain(leaf: Any) -> Any:
    """A leaf as a NumPy array."""
    return np.array(leaf.detach()._raw if isinstance(leaf, Tensor) else leaf)


def widened(x: Any) -> Any:
    """The same numbers in double precision, where finite differences have digits enough."""
    return x.astype(np.complex128 if x.dtype.kind == "c" else np.float64)


class Subject:
    """A function of arrays with its derivatives. `names` say where in the arguments each array stands."""

    has_forward_mode = True

    def __init__(self, function: Callable[..., Any], inputs: tuple[Any, ...], name: str | None = None) -> None:
        self.function = function
        self.name = name or getattr(function, "__name__", type(function).__name__)
        self.parameters = dict(function.named_parameters()) if hasattr(function, "named_parameters") else {}
        self._tree = inputs
        everything = list(paths(inputs))
        self._places = [i for i, (_, leaf) in enumerate(everything) if moves(leaf)]
        self.names = [f"argument {everything[i][0]}" for i in self._places] + [f"parameter {name}" for name in self.parameters]
        self.given: Arrays = [plain(everything[i][1]) for i in self._places] + [plain(p) for p in self.parameters.values()]
        if not self.given:
            raise DtypeError(f"{self.name}: nothing to check, for no argument is of floats or complex numbers")

    def call(self, *values: Any) -> list[Any]:
        """The function with these arrays or Tensors in the places of what moves; what moves of its result."""
        everything = leaves(self._tree)
        for i, value in zip(self._places, values, strict=False):
            everything[i] = value
        with self._with_parameters(values[len(self._places) :]):
            return [y for y in leaves(self.function(*rebuild(self._tree, iter(everything)))) if moves(y)]

    @contextmanager
    def _with_parameters(self, values: tuple[Any, ...]) -> Any:
        """The module's parameters stand for these Tensors for a while."""
        kept = [(p, p._raw, p.node, p.sharing, getattr(p, "_variable", None)) for p in self.parameters.values()]
        try:
            for (p, *_), value in zip(kept, values, strict=True):
                value = value if isinstance(value, Tensor) else Tensor(value, requires_grad=False)
                p._raw, p.node, p.sharing, p._variable = value._raw, value.node, None, getattr(value, "_variable", None)
            yield
        finally:
            for p, raw, node, sharing, variable in kept:
                p._raw, p.node, p.sharing, p._variable = raw, node, sharing, variable

    def values(self, xs: Arrays) -> Arrays:
        """The outputs, as plain arrays."""
        return [plain(y) for y in self.call(*(Tensor(x, requires_grad=False) for x in xs))]

    def pull(self, xs: Arrays, ws: Arrays) -> Arrays:
        """Reverse mode: the cotangents of the inputs from those of the outputs."""
        return list(map(plain, vjp(self.call, *xs)[1](list(ws))))

    def push(self, xs: Arrays, ts: Arrays) -> Arrays:
        """Forward mode: the tangents of the outputs from those of the inputs."""
        return list(map(plain, jvp(self.call, tuple(xs), tuple(ts))[1]))

    def derivative(self, mode: str, along: Arrays) -> "Subject":
        """The function that a mode computes, "rev" for these cotangents and "fwd" for these tangents: what the next order
        checks."""
        return _Derivative(self, mode, along)


class _Derivative(Subject):
    """What a mode computes for a subject, as a function of the inputs."""

    def __init__(self, of: Subject, mode: str, along: Arrays) -> None:
        self.of, self.mode, self.along = of, mode, along
        self.name, self.names, self.given = of.name, of.names, of.given
        self.parameters = {}

    def call(self, *values: Any) -> list[Any]:
        if self.mode == "rev":
            return list(vjp(self.of.call, *values)[1](self.along))
        return list(jvp(self.of.call, values, tuple(self.along))[1])


class BlackBox(Subject):
    """A function with a vjp of its own: `vjp(*inputs)` returns (outputs, pull), as jax.vjp and torch.func.vjp do."""

    has_forward_mode = False

    def __init__(
        self, function: Callable[..., Any], vjp: Callable[..., Any], inputs: tuple[Any, ...], name: str | None
    ) -> None:
        super().__init__(function, inputs, name)
        self._vjp = vjp

    def _arguments(self, xs: Arrays) -> Any:
        everything = leaves(self._tree)
        for i, x in zip(self._places, xs, strict=True):
            everything[i] = x
        return rebuild(self._tree, iter(everything))

    def values(self, xs: Arrays) -> Arrays:
        return [plain(y) for y in leaves(self.function(*self._arguments(xs))) if moves(y)]

    def pull(self, xs: Arrays, ws: Arrays) -> Arrays:
        y, pull = self._vjp(*self._arguments(xs))
        found = leaves(pull(rebuild(y, iter(ws))))
        return [plain(found[i]) for i in self._places]
