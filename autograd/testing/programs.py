"""Random programs over the registry, to test an engine with: straight-line code of ops, and the arrays that it starts from.

A program is grown while it runs: a statement is kept if its value is tame there, that is finite, not large, and smooth in a
neighbourhood, so that finite differences agree with its derivative. It is text, and what is run is the text that is printed.
Stands on Hypothesis (the extra `testing`), the strategies and the registry.
"""

import warnings
from collections.abc import Callable, Iterable
from functools import cached_property
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

import autograd as ag

from ..rule import Domain, Rule, reals, registry
from .strategies import arrays, axes, broadcastable_shapes, index_expressions

STEP = 0.05  # how far around its arguments a statement has to be smooth
CURVATURE = 8.0  # and the largest second derivative there
LARGE = 4.0
MOST = 64  # elements of a value


class Statement(NamedTuple):
    """Lines of code with `{0}` for the name of their result and `{1}`, `{2}` for the values that they read."""

    lines: tuple[str, ...]
    reads: tuple[int, ...]

    def code(self, names: Callable[[int], str], target: int) -> str:
        """The lines with names in them."""
        return "\n".join(line.format(names(target), *map(names, self.reads)) for line in self.lines)


class Program:
    """Statements over inputs; values are numbered, the inputs first. `str(program)` is code that runs as printed."""

    def __init__(self, inputs: tuple[Any, ...], statements: tuple[Statement, ...]) -> None:
        self.inputs = inputs
        self.statements = statements

    def name(self, i: int) -> str:
        """The name of a value: `x0`, `x1` and so on, and `y` for the last."""
        return "y" if i == len(self.inputs) + len(self.statements) - 1 else f"x{i}"

    @cached_property
    def body(self) -> str:
        """The statements, without the inputs."""
        return "\n".join(s.code(self.name, len(self.inputs) + i) for i, s in enumerate(self.statements))

    @cached_property
    def _compiled(self) -> Any:
        return compile(self.body, "<program>", "exec")

    def run(self, *inputs: Any) -> Any:
        """The value of `y` for these inputs, arrays or Tensors; for its own without any."""
        names = {f"x{i}": x for i, x in enumerate(inputs or self.inputs)}
        return execute(self._compiled, names)["y"]

    def __str__(self) -> str:
        """Code that runs as printed, and leaves its result in `y`."""
        given = [f"x{i} = np.array({x.tolist()})" for i, x in enumerate(self.inputs)]
        return "\n".join(["import numpy as np", "import autograd as ag", *given, self.body])

    __repr__ = __str__


def execute(code: Any, names: dict[str, Any]) -> dict[str, Any]:
    """The names after code of ours has run."""
    space = {"np": np, "ag": ag, **names}
    exec(code, space)
    return space


def needed(inputs: list[Any], statements: list[Statement]) -> Program:
    """The program of what the last statement depends on, numbered anew."""
    first = len(inputs)
    alive = {first + len(statements) - 1}
    for i in reversed(range(len(statements))):
        if first + i in alive:
            alive.update(statements[i].reads)
    places = {old: new for new, old in enumerate(sorted(alive))}
    kept = [s._replace(reads=tuple(places[i] for i in s.reads)) for i, s in enumerate(statements) if first + i in alive]
    return Program(tuple(x for i, x in enumerate(inputs) if i in alive), tuple(kept))


# --- what is tame ----------------------------------------------------------------------------------------------------------


def directions(xs: list[Any]) -> list[list[Any]]:
    """Ways to move the arguments: no two elements by the same length, so that a tie between any two is left."""
    rng = np.random.default_rng(0)
    return [[rng.choice([-1.0, 1.0], np.shape(x)) * rng.uniform(0.5, 1.0, np.shape(x)) for x in xs] for _ in range(4)]


def tame(f: Callable[..., Any], xs: list[Any]) -> bool:
    """Whether f is finite, not large, and smooth around the arguments. Halving the step halves a first difference and
    quarters a second one, but not across a kink, a jump or an edge of the domain."""
    here = np.asarray(f(*xs))
    if here.dtype != np.float64 or not 0 < here.size <= MOST or not abs(here).max() <= LARGE:
        return False
    for ds in directions(xs):
        first, second = [], []
        for step in (STEP, STEP / 2):
            there, back = (np.asarray(f(*(x + h * d for x, d in zip(xs, ds, strict=True)))) for h in (step, -step))
            if there.shape != here.shape:
                return False
            first.append(there - back)
            second.append(there - 2 * here + back)
        whole = [abs(first[0]) <= 2 * LARGE * STEP, abs(second[0]) <= CURVATURE * STEP**2]
        halves = [abs(first[1] - first[0] / 2) <= 2e-3, abs(second[1] - second[0] / 4) <= 1e-5]
        if not np.all([*whole, *halves]):
            return False
    return True


def value_of(statement: Statement, values: list[Any]) -> Any:
    """What a statement computes from these values, or None if that is not tame."""
    code = compile(statement.code("v{}".format, len(values)), "<statement>", "exec")

    def f(*xs: Any) -> Any:
        return execute(code, {f"v{i}": x for i, x in zip(reads, xs, strict=True)})[f"v{len(values)}"]

    reads = list(dict.fromkeys(statement.reads))
    xs = [values[i] for i in reads]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # outside a domain NumPy and SciPy warn; the value is thrown away then
        return np.asarray(f(*xs)) if tame(f, xs) else None


# --- elementwise ops, from the registry ------------------------------------------------------------------------------------


def spelling(rule: Rule) -> str | None:
    """How code calls the op: by its public name, or through the registry if it is somebody's own; None for internal ones."""
    for module, place in ((ag, "ag"), (ag.special, "ag.special")):
        if getattr(getattr(module, rule.name, None), "rule", None) is rule:
            return f"{place}.{rule.name}"
    own = rule.forward.__module__ or ""
    return None if own.split(".")[0] == "autograd" else f'ag.registry["{rule.key}"].op'


def usable(rule: Rule) -> bool:
    """Whether the op is a function of real arrays with a derivative for each, and a domain that says where."""
    if not rule.elementwise or not rule.differentiable or rule.attributes or rule.rest or rule.samples:
        return False
    return rule.joint is not None or None not in tuple(rule.derivatives)


def calls(rules: Iterable[str] | None) -> list[tuple[str, Rule]]:
    """The ops to choose from with their spellings: those named, or all that the registry has now; one's own first."""
    chosen = [registry[name] for name in rules] if rules is not None else [r for r in registry.values() if usable(r)]
    found = [(text, rule) for rule in chosen if (text := spelling(rule)) is not None]
    return sorted(found, key=lambda call: not call[0].startswith("ag.registry"))


def squashed(place: str, domain: Domain) -> str:
    """Code that brings a value well inside a domain."""
    if domain == reals:
        return f"ag.tanh({place})"
    low, high = max(domain.low, -2.0), min(domain.high, 2.0 if domain.low < 0 else domain.low + 3.0)
    return f"{(low + high) / 2} + {(high - low) / 4} * ag.tanh({place})"


def elementwise(draw: st.DrawFn, values: list[Any], ops: list[tuple[str, Rule]]) -> Iterable[Statement]:
    """An op on values that broadcast; if it is not tame there, on squashed ones, and scaled down."""
    text, rule = draw(st.sampled_from(ops))
    count = len(rule.inputs)
    reads: tuple[int, ...] = tuple(pick(draw, values) for _ in range(count))
    try:
        np.broadcast_shapes(*(values[i].shape for i in reads))
    except ValueError:
        reads = reads[:1] * count
    places = [f"{{{i + 1}}}" for i in range(count)]
    domains = [rule.domain[name] if isinstance(rule.domain, dict) else rule.domain for name in rule.inputs]
    inside = map(squashed, places, domains)
    plain, safe = (f"{text}({', '.join(arguments)})" for arguments in (places, inside))
    fine = all(d.low + STEP < values[i].min() and values[i].max() < d.high - STEP for i, d in zip(reads, domains, strict=True))
    for expression in (plain, f"{plain} / 8", safe, f"{safe} / 8") if fine else (safe, f"{safe} / 8"):
        yield Statement((f"{{0}} = {expression}",), reads)


# --- ops that move, reduce, multiply and write -----------------------------------------------------------------------------


def pick(draw: st.DrawFn, values: list[Any]) -> int:
    """A value to read: any, or often the latest, so that programs are deep."""
    choice: int = draw(st.one_of(st.sampled_from(range(len(values))), *[st.just(len(values) - 1)] * 2))
    return choice


def index_code(index: Any) -> str:
    """An index as it stands between brackets."""
    if isinstance(index, tuple):
        return ", ".join(map(index_code, index)) + "," * (len(index) == 1) if index else "()"
    if isinstance(index, slice):
        parts = ["" if part is None else str(part) for part in (index.start, index.stop, index.step)]
        return ":".join(parts if parts[2] else parts[:2])
    if isinstance(index, np.ndarray):
        return f"np.array({index.tolist()}, dtype={index.dtype.name})".replace("dtype=int64", "dtype=int")
    return "..." if index is Ellipsis else repr(index)


def reduction(draw: st.DrawFn, values: list[Any]) -> Iterable[Statement]:
    """A sum or another reduction over any axes; a running sum, a softmax."""
    i = pick(draw, values)
    name = draw(st.sampled_from(["sum", "mean", "prod", "logsumexp", "var", "max", "cumsum", "softmax"]))
    alone = name in ("cumsum", "softmax")
    if alone and not values[i].ndim:
        return
    axis = draw(axes(values[i].shape, single=alone))
    keep = ", keepdims=True" if not alone and draw(st.booleans()) else ""
    call = f"ag.{name}({{1}}, axis={axis}{keep})"
    yield from (Statement((f"{{0}} = {call}{scale}",), (i,)) for scale in ("", " / 8"))


MOVES = {
    0: ["ag.reshape({1}, (1,))", "ag.broadcast_to({1}, (2,))", "ag.stack([{1}, {1}])"],
    1: ["ag.flip({1})", "ag.expand_dims({1}, 0)", "ag.roll({1}, 1)", "ag.repeat({1}, 2)", "ag.concatenate([{1}, {1}])"],
    2: ["ag.transpose({1})", "ag.reshape({1}, (-1,))", "ag.flip({1}, axis=1)", "ag.swapaxes({1}, 0, -1)", "ag.tile({1}, 2)"],
}


def movement(draw: st.DrawFn, values: list[Any]) -> Iterable[Statement]:
    """Another shape or order of the same elements: often a view."""
    i = pick(draw, values)
    yield Statement((f"{{0}} = {draw(st.sampled_from(MOVES[min(values[i].ndim, 2)]))}",), (i,))


def product(draw: st.DrawFn, values: list[Any]) -> Iterable[Statement]:
    """A matrix product of two values that fit, or of one with its transpose."""
    i, j = pick(draw, values), pick(draw, values)
    left, right = values[i].shape, values[j].shape
    reads: tuple[int, ...] = (i,)
    if left and right and left[-1] == right[max(len(right) - 2, 0)] and len(left) < 3 and len(right) < 3:
        call, reads = "ag.matmul({1}, {2})", (i, j)
    elif left:
        call = "ag.matmul({1}, {1})" if len(left) == 1 else "ag.matmul({1}, ag.swapaxes({1}, -1, -2))"
    else:
        return
    yield from (Statement((f"{{0}} = {call}{scale}",), reads) for scale in ("", " / 8"))


def indexing(draw: st.DrawFn, values: list[Any]) -> Iterable[Statement]:
    """A view or a selection."""
    i = pick(draw, values)
    yield Statement((f"{{0}} = {{1}}[{index_code(draw(index_expressions(values[i].shape)))}]",), (i,))


def assignment(draw: st.DrawFn, values: list[Any]) -> Iterable[Statement]:
    """A copy, into which another value (or its mean, if that does not fit) is written."""
    i, j = pick(draw, values), pick(draw, values)
    if not values[i].ndim:
        return
    index = draw(index_expressions(values[i].shape, advanced=False))
    source = "{2}" if fits(values[j].shape, values[i][index].shape) else "ag.mean({2})"
    yield Statement(("{0} = ag.copy({1})", f"{{0}}[{index_code(index)}] = {source}"), (i, j))


def fits(shape: tuple[int, ...], target: tuple[int, ...]) -> bool:
    """Whether a value of one shape can be written where another is."""
    try:
        return np.broadcast_shapes(shape, target) == target
    except ValueError:
        return False


FAMILIES: list[Callable[[st.DrawFn, list[Any]], Iterable[Statement]]] = [reduction, movement, product, indexing, assignment]


@st.composite
def programs(draw: st.DrawFn, *, rules: Iterable[str] | None = None, max_statements: int = 8) -> Program:
    """Computation graphs with up to so many statements: elementwise ops of the registry within their domains, reductions,
    views, matrix products, selections and writes, over one to three inputs that broadcast. Values are shared.

    `rules` names the elementwise ops to use, by their keys in the registry; all if None, one's own more often than others.
    The values are small and away from kinks, so that finite differences of `program.run` are its derivatives.
    """
    ops = calls(rules)
    own = [call for call in ops if call[0].startswith("ag.registry")] or ops
    inputs = [
        draw(arrays(shape, elements=(-2.0, 2.0), layout="contiguous"))
        for shape in draw(broadcastable_shapes(draw(st.integers(1, 3)), max_dims=2, min_side=1))
    ]
    values, statements = list(inputs), list[Statement]()
    for _ in range(draw(st.integers(1, max_statements))):
        family = draw(st.sampled_from([None, *FAMILIES, None, None]))
        candidates = elementwise(draw, values, draw(st.sampled_from([own, ops]))) if family is None else family(draw, values)
        for statement in chain(candidates, [Statement(("{0} = ag.sin({1})",), (len(values) - 1,))]):  # which is always tame
            value = value_of(statement, values)
            if value is not None:
                values.append(value)
                statements.append(statement)
                break
    return needed(inputs, statements)
