"""Random programs over the registry, to test an engine with: straight-line code of ops, and the arrays that it starts from.

A program is grown while it runs: a statement is kept if its value is tame there, that is finite, not large, and smooth in a
neighbourhood, so that finite differences agree with its derivative. It is text, and what is run is the text that is printed.
Stands on Hypothesis (the extra `testing`), the strategies and the registry.
"""

import math
import re
import warnings
from collections.abc import Callable, Iterable
from functools import cache, cached_property, lru_cache, partial
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

import autograd as ag

from ..errors import ShapeError
from ..rule import GENERATOR, Domain, Rule, reals, registry
from .samples import build
from .strategies import arrays, axes, broadcastable_shapes, index_expressions

STEP = 0.05  # how far around its arguments a statement has to be smooth
CURVATURE = 8.0  # and the largest second derivative there
LARGE = 4.0
MOST = 64  # elements of a value
OUTSIDE = (ShapeError, np.linalg.LinAlgError)  # what an op raises outside its domain, where it has no nan to give


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


@cache
def directions(shapes: tuple[tuple[int, ...], ...]) -> list[list[Any]]:
    """Ways to move arguments of these shapes: no two elements by the same length, so that a tie between any two is left."""
    rng = np.random.default_rng(0)
    return [[rng.choice([-1.0, 1.0], shape) * rng.uniform(0.5, 1.0, shape) for shape in shapes] for _ in range(4)]


def tame(f: Callable[..., Any], xs: list[Any]) -> bool:
    """Whether f is finite, not large, and smooth around the arguments. Halving the step halves a first difference and
    quarters a second one, but not across a kink, a jump or an edge of the domain."""
    here = np.asarray(f(*xs))
    if here.dtype != np.float64 or not 0 < here.size <= MOST or not abs(here).max() <= LARGE:
        return False
    for ds in directions(tuple(x.shape for x in xs)):
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
    target, reads = f"v{len(values)}", list(dict.fromkeys(statement.reads))
    lines = statement.code("v{}".format, len(values)).splitlines()
    body = "\n ".join([f"def f({', '.join(f'v{i}' for i in reads)}):", *lines, f"return {target}"])
    f = execute(compile(body, "<statement>", "exec"), {})["f"]
    xs = [values[i] for i in reads]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # outside a domain NumPy and SciPy warn; the value is thrown away then
        try:
            return np.asarray(f(*xs)) if tame(f, xs) else None
        except OUTSIDE:
            return None


# --- ops of the registry ---------------------------------------------------------------------------------------------------

INNER = {  # rules that the engine itself calls, with what nobody else could pass
    "absorb",
    "argument",
    "output",
}


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


def sampled_rules(rules: Iterable[Rule]) -> list[tuple[str, Rule]]:
    """The ops whose samples say what they take, with the code that calls them: those of the engine too."""
    return [
        (spelling(rule) or f'ag.registry["{rule.key}"].op', rule)
        for rule in rules
        if rule.differentiable and rule.key not in INNER and any(map(_is_writable, rule.samples))
    ]


def calls(rules: Iterable[Rule]) -> list[tuple[str, Rule]]:
    """The elementwise ops with their spellings; one's own first."""
    return [(text, rule) for rule in rules if usable(rule) and (text := spelling(rule)) is not None]


def squashed(place: str, domain: Domain) -> str:
    """Code that brings a value well inside a domain."""
    if domain == reals:
        return f"ag.tanh({place})"
    low, high = max(domain.low, -2.0), min(domain.high, 2.0 if domain.low < 0 else domain.low + 3.0)
    return f"{(low + high) / 2} + {(high - low) / 4} * ag.tanh({place})"


def domain_of(rule: Rule, i: int) -> Domain:
    """Where an input of an op may be."""
    name = rule.inputs[min(i, len(rule.inputs) - 1)]
    return rule.domain.get(name, reals) if isinstance(rule.domain, dict) else rule.domain


def elementwise(draw: st.DrawFn, values: list[Any], ops: list[tuple[str, Rule]]) -> Iterable[Statement]:
    """An op on values that broadcast; if it is not tame there, on squashed ones, and scaled down."""
    text, rule = one_of(draw, ops)
    count = len(rule.inputs)
    reads: tuple[int, ...] = tuple(pick(draw, values) for _ in range(count))
    try:
        np.broadcast_shapes(*(values[i].shape for i in reads))
    except ValueError:
        reads = reads[:1] * count
    places = [f"{{{i + 1}}}" for i in range(count)]
    domains = [domain_of(rule, i) for i in range(count)]
    inside = map(squashed, places, domains)
    plain, safe = (f"{text}({', '.join(arguments)})" for arguments in (places, inside))
    fine = all(d.low + STEP < values[i].min() and values[i].max() < d.high - STEP for i, d in zip(reads, domains, strict=True))
    for expression in (plain, f"{plain} / 8", safe, f"{safe} / 8") if fine else (safe, f"{safe} / 8"):
        yield Statement((f"{{0}} = {expression}",), reads)


def _is_plain(value: Any) -> bool:
    """Whether code can say the value."""
    if isinstance(value, tuple):
        return all(map(_is_plain, value))
    if isinstance(value, slice):
        return _is_plain((value.start, value.stop, value.step))
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or value is Ellipsis or isinstance(value, (int, str))


def _is_writable(sample: Any) -> bool:
    """Whether code can say the sample: shapes, real arrays, plain values."""
    for given in sample.inputs:
        if isinstance(given, np.ndarray):
            fine = given.dtype.kind in "fiub" and 0 < given.size <= MOST and bool(np.isfinite(given).all())
        else:
            fine = math.prod(given) > 0 if isinstance(given, tuple) else _is_plain(given) and given != GENERATOR
        if not fine:
            return False
    return _is_plain(tuple(sample.attributes.values()))


def fitted(place: str, shape: tuple[int, ...], target: tuple[int, ...]) -> str:
    """Code that makes a value of one shape one of another, with distinct elements where it has to spread."""
    if shape == target or not target:
        return place if shape == target else f"ag.mean({place})"
    return f"np.linspace(-1, 1, {math.prod(target)}).reshape({target}) + ag.mean({place})"


def array_code(x: Any) -> str:
    return f"np.array({x.tolist()})"


def sampled(draw: st.DrawFn, values: list[Any], ops: list[tuple[str, Rule]]) -> Iterable[Statement]:
    """An op with the attributes of one of its samples, on values brought to the shapes there and into the op's domain; a matrix
    of a sample is taken times a number near 1."""
    text, rule = one_of(draw, ops)
    chosen = one_of(draw, [given for given in rule.samples if _is_writable(given)])
    reads: list[int] = []
    words: list[list[str]] = [[], []]
    for k, given in enumerate(chosen.inputs):
        if isinstance(given, (tuple, np.ndarray)) and not (isinstance(given, np.ndarray) and given.dtype.kind in "iub"):
            reads.append(pick(draw, values))
            place, shape = f"{{{len(reads)}}}", values[reads[-1]].shape
            if isinstance(given, tuple):
                as_it_is = fitted(place, shape, given)
                both = as_it_is, squashed(as_it_is, domain_of(rule, k))
            else:
                both = (f"{array_code(given)} * (1 + ag.tanh(ag.mean({place})) / 8)",) * 2
        else:
            both = (array_code(given) if isinstance(given, np.ndarray) else repr(given),) * 2
        for kind, word in zip(words, both, strict=True):
            kind.append(word)
    if not reads:
        return
    attributes = [f"{name}={value!r}" for name, value in chosen.attributes.items()]
    y = rule.forward(*build(rule, chosen), **chosen.attributes)
    first, part = ("[0]", y[0]) if isinstance(y, tuple) else ("", y)
    for arguments in words:
        call = f"{text}({', '.join([*arguments, *attributes])}){first}"
        call = f"ag.real({call})" if np.iscomplexobj(part) else call
        for scale in ("", " / 8"):
            yield Statement((f"{{0}} = {call}{scale}",), tuple(reads))


# --- ops that move, reduce, multiply and write -----------------------------------------------------------------------------


@cache
def _below(count: int) -> st.SearchStrategy[int]:
    return st.integers(0, count - 1)  # each strategy once: Hypothesis looks into every new one, which takes longer than drawing


@cache
def _shapes(count: int) -> st.SearchStrategy[Any]:
    return broadcastable_shapes(count, max_dims=2, min_side=1)


@cache
def _input(shape: tuple[int, ...]) -> st.SearchStrategy[Any]:
    return arrays(shape, elements=(-2.0, 2.0), layout="contiguous")


def one_of(draw: st.DrawFn, among: list[Any]) -> Any:
    """One of them, the first if that will do."""
    return among[draw(_below(len(among)))]


def pick(draw: st.DrawFn, values: list[Any]) -> int:
    """A value to read: any, or often the latest, so that programs are deep."""
    return min(draw(_below(3 * len(values))), len(values) - 1)


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


# Calls by the number of axes that they need at least, with attributes that are drawn where they stand: <axis>.
REDUCTIONS = {
    0: """sum({1}, axis=<axes>, keepdims=<truth>)  mean({1}, axis=<axes>, keepdims=<truth>)
          prod({1}, axis=<axes>, keepdims=<truth>)  max({1}, axis=<axes>, keepdims=<truth>)
          min({1}, axis=<axes>, keepdims=<truth>)  var({1}, axis=<axes>, keepdims=<truth>)
          std({1}, axis=<axes>, keepdims=<truth>)  logsumexp({1}, axis=<axes>, keepdims=<truth>)
          ptp({1}, axis=<axes>)  median({1}, axis=<axes>, keepdims=<truth>)""",
    1: """linalg.norm({1}, axis=<axis>, keepdims=<truth>)  linalg.norm({1}, ord=<order>, axis=<axis>)
          trapezoid({1}, axis=<axis>)  quantile({1}, <level>, axis=<axis>)""",
    2: "trace({1}, offset=<whole>)  linalg.norm({1}, axis=(-2, -1))  diagonal({1}, offset=<whole>)",
}
ALONG = {
    0: "clip({1}, -0.5, <level>)  where({1} > <level>, {1}, 2 * {1})  nan_to_num({1})  copysign({1}, <signed>)",
    1: """cumsum({1}, axis=<axis>)  cumprod({1}, axis=<axis>)  softmax({1}, axis=<axis>)  log_softmax({1}, axis=<axis>)
          sort({1}, axis=<axis>)  diff({1}, axis=<axis>)  cummax({1}, axis=<axis>)  take({1}, [0, -1], axis=<axis>)
          take_along_axis({1}, ag.argsort({1}, axis=<axis>), axis=<axis>)  convolve(ag.ravel({1}), [1.0, <signed>, 0.5])""",
    2: """tril({1}, <whole>)  triu({1}, <whole>)  real(ag.fft.fft({1}, axis=<axis>))
          linalg.inv(ag.matmul({1}, ag.swapaxes({1}, -1, -2)) + np.eye({1}.shape[-2]))
          linalg.det(ag.matmul({1}, ag.swapaxes({1}, -1, -2)) + np.eye({1}.shape[-2]))""",
}
MOVES = {
    0: """reshape({1}, (-1,))  broadcast_to({1}, (2, *{1}.shape))  stack([{1}, {1}])  expand_dims({1}, 0)  ravel({1})
          atleast_2d({1})  transpose({1})  squeeze({1})""",
    1: """flip({1}, axis=<axes>)  roll({1}, <whole>, axis=<axis>)  repeat({1}, 2, axis=<axis>)
          concatenate([{1}, {1}], axis=<axis>)  tile({1}, 2)  pad({1}, (1, 0))  pad({1}, 1, mode=<mode>)
          expand_dims({1}, axis=<axis>)  moveaxis({1}, <axis>, 0)  stack([{1}, {1}], axis=<axis>)""",
    2: "swapaxes({1}, <axis>, <other>)  rot90({1}, <whole>)  reshape({1}, (-1, {1}.shape[0]))  split({1}, [1], axis=<axis>)[0]",
}
ATTRIBUTES: dict[str, Callable[[st.DrawFn, int], Any]] = {
    "axes": lambda draw, ndim: draw(axes(ndim)),
    "axis": lambda draw, ndim: draw(axes(ndim, single=True)),
    "other": lambda draw, ndim: draw(axes(ndim, single=True)),
    "truth": lambda draw, ndim: one_of(draw, [False, True]),
    "whole": lambda draw, ndim: one_of(draw, [0, 1, -1]),
    "signed": lambda draw, ndim: one_of(draw, [1.0, -1.5]),
    "level": lambda draw, ndim: one_of(draw, [0.5, 0.25]),
    "order": lambda draw, ndim: one_of(draw, ["1", "2", "3", "np.inf"]),
    "mode": lambda draw, ndim: one_of(draw, ["'edge'", "'wrap'", "'reflect'", "'symmetric'"]),
}


def rows_of(table: dict[int, str]) -> Callable[[int], list[str]]:
    """A function from a number of axes to the calls of a table that take so many, the simplest first."""
    rows = [(least, row.strip()) for least, text in table.items() for row in re.split(r"  +|\n", text) if row.strip()]
    return cache(lambda ndim: [row for least, row in rows if ndim >= least])


def filled(draw: st.DrawFn, text: str, ndim: int) -> str:
    """A call with its attributes drawn, each name once."""
    for name in dict.fromkeys(re.findall(r"<(\w+)>", text)):
        text = text.replace(f"<{name}>", str(ATTRIBUTES[name](draw, ndim)))
    return text


def called(draw: st.DrawFn, values: list[Any], rows: Callable[[int], list[str]]) -> Iterable[Statement]:
    """A call from a table, with attributes that fit the value."""
    i = pick(draw, values)
    call = filled(draw, one_of(draw, rows(values[i].ndim)), values[i].ndim)
    yield from (Statement((f"{{0}} = ag.{call}{scale}",), (i,)) for scale in ("", " / 8"))


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
    """A copy, into which another value (or its mean, if that does not fit) is written, or added."""
    i, j = pick(draw, values), pick(draw, values)
    if not values[i].ndim:
        return
    advanced = draw(st.booleans())
    index = draw(index_expressions(values[i].shape, advanced=advanced, newaxis=False))
    source = "{2}" if fits(values[j].shape, values[i][index].shape) else "ag.mean({2})"
    place = index_code(index)
    writes = [f"{{0}}[{place}] = {source}", f"{{0}}[{place}] += {source}", f"{{0}}[{place}] *= {source}"]
    if isinstance(index, np.ndarray) and index.dtype.kind == "i":
        writes.append(f"np.add.at({{0}}, {place}, {source})")  # in which a place that is named twice counts twice
        writes = writes[3:] if len(np.unique(index % len(values[i]))) < index.size else writes
    yield Statement(("{0} = ag.copy({1})", one_of(draw, writes)), (i, j))


VIEWS = ["{0}[<index>]", "ag.reshape({0}, (-1,))", "ag.transpose({0})", "ag.flip({0}, axis=0)", "ag.expand_dims({0}, 0)"]
USES = ["part * part", "ag.sin(part)", "ag.exp(part) / 4", "ag.tanh(part)"]  # the derivatives read the view, or what came of it


def aliasing(draw: st.DrawFn, values: list[Any]) -> Iterable[Statement]:
    """A copy that is read through a view, and written to when the view has gone: what was read has to stay as it was."""
    i = pick(draw, values)
    if not values[i].ndim:
        return
    index, place = (draw(index_expressions(values[i].shape, advanced=False)) for _ in range(2))
    view = one_of(draw, VIEWS).replace("<index>", index_code(index))
    use, write = one_of(draw, USES), one_of(draw, ["=", "+=", "*="])
    lines = ["{0} = ag.copy({1})", f"part = {view}", f"used = {use}", "del part"]
    yield Statement((*lines, f"{{0}}[{index_code(place)}] {write} ag.mean(used)"), (i,))


def fits(shape: tuple[int, ...], target: tuple[int, ...]) -> bool:
    """Whether a value of one shape can be written where another is."""
    try:
        return np.broadcast_shapes(shape, target) == target
    except ValueError:
        return False


FAMILIES: list[Callable[[st.DrawFn, list[Any]], Iterable[Statement]]] = [
    partial(called, rows=rows_of(REDUCTIONS)),
    partial(called, rows=rows_of(ALONG)),
    partial(called, rows=rows_of(MOVES)),
    product,
    indexing,
    assignment,
    aliasing,
]


@st.composite
def programs(draw: st.DrawFn, *, rules: Iterable[str] | None = None, max_statements: int = 8) -> Program:
    """Computation graphs with up to so many statements: ops of the registry within their domains, elementwise ones and those
    whose samples say what they take; calls with drawn attributes, reductions, views, matrix products, selections and writes,
    over one to three inputs that broadcast. Values are shared.

    `rules` names the ops to use, by their keys in the registry; all if None, one's own more often than others.
    The values are small and away from kinks, so that finite differences of `program.run` are its derivatives.
    """
    choices = families(tuple(registry.values() if rules is None else map(registry.__getitem__, rules)), rules is None)
    inputs = [draw(_input(shape)) for shape in draw(_shapes(1 + draw(_below(3))))]
    values, statements = list(inputs), list[Statement]()
    for _ in range(1 + draw(_below(max_statements))):
        candidates = choices[draw(_below(len(choices)))](draw, values)
        for statement in chain(candidates, [Statement(("{0} = ag.sin({1})",), (len(values) - 1,))]):  # which is always tame
            value = value_of(statement, values)
            if value is not None:
                values.append(value)
                statements.append(statement)
                break
    return needed(inputs, statements)


@lru_cache(maxsize=8)
def families(rules: tuple[Rule, ...], everything: bool) -> list[Callable[[st.DrawFn, list[Any]], Iterable[Statement]]]:
    """What a statement may be, the simplest first: ops of the registry about as often as all else, and half of these one's own
    if there are any."""
    own = [r for r in rules if not everything or not (r.forward.__module__ or "").startswith("autograd.")]
    found: list[Callable[[st.DrawFn, list[Any]], Iterable[Statement]]] = []
    for some in (own, rules):
        found += [partial(f, ops=ops) for f, ops in ((elementwise, calls(some)), (sampled, sampled_rules(some))) if ops]
    return [*found, *FAMILIES, *found]
