"""What an op is and what its derivatives are, in mathematics: MathML of expressions that the rules themselves are asked for.

A derivative is recorded on symbols, as `autograd.record` does it with any function; what it ran is an expression, which is made
a little simpler and written as presentation MathML. Where that would be too long, or the derivative decides by values, there is
its source code. So nothing here repeats a rule. Stands on `expressions`, `mathml`, `program` and the samples of rules.
"""

import ast
import inspect
import linecache
import math
import re
import sys
import textwrap
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import combinations
from typing import Any

import numpy as np

from ..graph import mode
from ..program import Program, Variable, is_value, record
from ..rule import Rule, Sample, fixed, registry, run
from ..testing.samples import build, samples_of
from .expressions import ONE, Expression, as_slope, constant, evaluate, hashable, length, number, rebuilt, simple, symbol
from .mathml import LONGEST, NAMED, NOTATIONS, NotWritten, cotangent, equation, identifier, slope
from .model import GraphData, Op

STEPS = 120  # ops of a derivative that are worth being looked at
G = symbol("g")


@cache
def facts(rule: Rule) -> Op:
    """What a picture tells of an op: the first line of its docstring, its formula, and the derivative for each input.

    An elementwise rule has slopes, ∂y/∂x; of any other rule it is told what becomes of g, the cotangent of the output.

    >>> import autograd
    >>> facts(autograd.exp.rule).summary
    'e**x'
    >>> facts(autograd.relu.rule).code["x"]
    'lambda g, y: g * (y != 0)'
    """
    summary = rule.doc.strip().partition("\n")[0]
    written = {}
    for name, expression in derivatives_of(rule).items():
        left = slope(name) if rule.elementwise else cotangent(name)
        with suppress(NotWritten):
            written[name] = equation(left, expression, rule.elementwise, _attributes_read(rule, name))
    return Op(summary, _formula(rule), written, _codes(rule))


def tell_ops(graph: GraphData) -> None:
    """Fills in what is told of each op in a graph."""
    rules = {rule.name: rule for rule in reversed(registry.values())}
    for name in sorted({box.op for box in graph.boxes} & rules.keys() - graph.ops.keys()):
        graph.ops[name] = facts(rules[name])


def _formula(rule: Rule) -> str:
    found = formula_of(rule)
    if found is None:
        return ""
    tried = trial(rule)
    held = {} if found.op == rule.key or tried is None else tried.attributes
    try:
        return equation(identifier("y"), found, rule.elementwise, held)
    except NotWritten:
        return ""


def _attributes_read(rule: Rule, name: str) -> dict[str, Any]:
    tried = trial(rule)
    assert tried is not None
    read = tried.reads(0 if rule.joint is not None else rule.inputs.index(name))
    return {attribute: value for attribute, value in read.items() if attribute in rule.attributes}


# --- the rule, asked for its derivatives -----------------------------------------------------------------------------------


@dataclass
class Trial:
    """A rule on a sample: inputs, attributes and output; and the lengths that stand for any length, if it has such."""

    rule: Rule
    inputs: list[Any]
    attributes: dict[str, Any]
    y: Any
    lengths: tuple[int, ...] = ()

    @classmethod
    def of(cls, rule: Rule, sample: Sample) -> "Trial":
        inputs = build(rule, sample)
        attributes = {name: fixed(value) for name, value in {**rule.defaults, **sample.attributes}.items()}
        with np.errstate(all="ignore"):
            y = run(rule, inputs, attributes)
        lengths = {n for value in inputs if not rule.elementwise for n in np.shape(value) if n in PRIMES.values()}
        return cls(rule, inputs, attributes, y, tuple(sorted(lengths)))

    def reads(self, i: int) -> dict[str, Any]:
        """What the derivative for input i reads, by name."""
        rule = self.rule
        y = self.y if type(self.y) is tuple or rule.elementwise else np.asarray(self.y)
        if rule.joint is not None:
            return dict(zip(rule.joint_reads or (), rule.pick_joint(self.inputs, y, self.attributes), strict=True))
        picked = rule.picks[i](self.inputs, y, self.attributes, 0)
        return dict(zip(rule.reads[i], picked, strict=True))

    def values(self, i: int) -> dict[str, Any]:
        """What an expression for the derivative for input i may name."""
        read = self.reads(i)
        named = {name: value for name, value in read.items() if name in (*self.rule.inputs, "y") or type(value) is float}
        return {"g": self.cotangent(), **named}

    def cotangent(self) -> Any:
        """A cotangent for the output: of an elementwise rule 1, so that its derivative is the slope."""
        if type(self.y) is tuple:
            return tuple(_ascending(np.shape(y)) for y in self.y)
        shape = np.shape(self.y)
        return np.ones(shape) if self.rule.elementwise else _ascending(shape)


def _ascending(shape: tuple[int, ...]) -> Any:
    return 1 + np.arange(math.prod(shape)).reshape(shape) / 10


# Lengths of samples, and what they are replaced by: a number in an expression that comes from a length can then be told from
# one that is always the same.
PRIMES = {2: 11, 3: 13, 4: 17, 5: 19}


@cache
def trial(rule: Rule) -> Trial | None:
    """The rule on the first of its samples, with other lengths if it works with them."""
    if not rule.elementwise and rule.samples:
        given = rule.samples[0]
        shapes = [tuple(PRIMES.get(n, n) for n in shape) if isinstance(shape, tuple) else shape for shape in given.inputs]
        try:
            return Trial.of(rule, Sample(tuple(shapes), given.attributes))
        except Exception:  # noqa: BLE001 - anybody's code: values or attributes of the sample go with its lengths
            pass
    try:
        return Trial.of(rule, samples_of(rule)[0])
    except Exception:  # noqa: BLE001 - anybody's code: a rule without samples, or one of integers
        return None


@cache
def derivatives_of(rule: Rule) -> Mapping[str, Expression]:
    """By input, the slope of an elementwise rule, and of another rule what it makes of g; as far as they can be said."""
    tried = trial(rule) if rule.differentiable else None
    if tried is None:
        return {}
    if rule.joint is not None:
        results = _traced(rule.joint, tried, 0)
        found = dict(zip(rule.inputs, results, strict=False)) if isinstance(results, tuple) else {}
    else:
        found = {name: _traced(rule.derivatives[i], tried, i) for i, name in enumerate(rule.inputs) if rule.derivatives[i]}
    kept = {name: expression for name, expression in found.items() if isinstance(expression, Expression)}
    if rule.elementwise:
        return {name: as_slope(simple(_spelt_out(rebuilt(expression, _without_g)))) for name, expression in kept.items()}
    return {name: _counted(simple(expression), tried) for name, expression in kept.items()}


def _without_g(part: Expression) -> Expression:
    return ONE if part == G else part


def _spelt_out(expression: Expression) -> Expression:
    """With what defines an op that is the slope of another, if that is short, in the place of its name."""

    def change(part: Expression) -> Expression:
        if not part.op.endswith("_slope") or len(part.inputs) != 1 or part.rule is None:
            return part
        tried = trial(part.rule)
        defined = next(iter(_from_definition(part.rule, tried)), None) if tried is not None else None
        if defined is None or length(defined) > LONGEST[True] // 2:
            return part
        return rebuilt(defined, lambda inner: part.inputs[0] if inner.op == "symbol" else inner)

    return rebuilt(expression, change)


def _counted(expression: Expression, tried: Trial) -> Expression:
    """With `words` for the numbers that come from lengths: n, or 2/n; "?" where it cannot be told whether they do."""

    def change(part: Expression) -> Expression:
        if part.op != "number" or type(part["value"]) is complex or abs(part["value"]) in (0, 1):
            return part
        return replace(part, attributes=(*part.attributes, ("words", _words_for(float(part["value"]), tried.lengths))))

    return rebuilt(expression, change)


def _words_for(value: float, lengths: tuple[int, ...]) -> str:
    if not lengths:
        return "?"
    for many in range(1, len(lengths) + 1):
        for chosen in combinations(lengths, many):
            n = math.prod(chosen)
            if value == n:
                return "n"
            if abs(value * n - 1) < 1e-12 or abs(value * n - 2) < 1e-12:
                return f"{round(value * n)}/n"
            if value == n - 1:
                return "n-1"
    return ""


def _traced(derivative: Callable[..., Any], tried: Trial, i: int) -> Any:
    """The expression that a derivative computes, a tuple of them if it returns one, or None."""
    read, values = tried.reads(i), tried.values(i)
    for symbolic in (True, False):  # first with the numbers among the attributes as symbols: some derivatives ask for values
        named = {name: value for name, value in values.items() if symbolic or type(value) is not float}
        held = {name: value for name, value in read.items() if name not in named}

        def called(named: dict[str, Any], held: dict[str, Any] = held) -> Any:
            return derivative(named["g"], *(held[name] if name in held else named[name] for name in read))

        found = _recorded(called, named, tried.rule.elementwise)
        if found is not None:
            return found
    return None


def _recorded(function: Callable[[dict[str, Any]], Any], named: dict[str, Any], elementwise: bool) -> Any:
    try:
        with mode(gradients=False), mode(recorder=None, watcher=None, anomaly=False), _unheard():
            result, program = record(function, named)
    except Exception:  # noqa: BLE001 - anybody's code: it decides by values, or knows arrays only, and there is its text
        return None
    if len(program) > STEPS:
        return None
    return _expressions(program, result, named, elementwise)


@contextmanager
def _unheard() -> Iterator[None]:
    """No warning reaches the user, whose numbers these are not."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _expressions(program: Program, result: Any, named: dict[str, Any], elementwise: bool) -> Any:
    labels = iter(_labels(named))
    known: dict[Variable, Expression] = {}
    for variable in program.inputs:
        known[variable] = symbol(next(labels))
    for variable, read in program._readers:  # numbers that are no inputs of a Program, complex ones say
        known[variable] = constant(read(), elementwise)

    def operand(value: Any) -> Expression:
        if isinstance(value, Variable):
            return known[value] if value in known else operand(value.literal)
        return constant(value, elementwise)

    for instruction in program:
        made = Expression(
            instruction.rule.key,
            tuple(map(operand, instruction.inputs)),
            tuple((name, hashable(value)) for name, value in instruction.attributes.items()),
            instruction.rule,
        )
        many = len(instruction.outputs) > 1
        for i, variable in enumerate(instruction.outputs):
            known[variable] = Expression("output", (made,), (("index", i), ("count", 0))) if many else made
    if isinstance(result, tuple):
        return tuple(None if part is None else operand(getattr(part, "_variable", part)) for part in result)
    return operand(getattr(result, "_variable", result))


def _labels(named: dict[str, Any]) -> list[str]:
    """Names for the leaves of the arguments, in the order in which a recording meets them: parts of a tuple are numbered."""
    found = []
    for name, value in named.items():
        parts = value if isinstance(value, tuple) else (value,)
        for i, part in enumerate(parts):
            if is_value(part) and type(part) is not bool:
                found.append(f"{name}_{i + 1}" if isinstance(value, tuple) else name)
    return found


# --- the formula of the value ----------------------------------------------------------------------------------------------


@cache
def formula_of(rule: Rule) -> Expression | None:
    """The value of an op in terms of its inputs: what its docstring begins with, what defines it, or its usual notation."""
    tried = trial(rule)
    if tried is None or rule.rest or type(tried.y) is tuple:
        return None
    values = {**dict(zip(rule.inputs, tried.inputs, strict=True)), **tried.attributes}
    candidates = _from_doc(rule)
    attributes = tuple((name, hashable(value)) for name, value in tried.attributes.items())
    itself = [Expression(rule.key, tuple(map(symbol, rule.inputs)), attributes, rule)]
    usual = itself * (rule.key in NOTATIONS or rule.key in NAMED)
    candidate: Expression | None
    for candidate in (*candidates, *usual, *_from_definition(rule, tried), *itself * rule.elementwise):
        if candidate is not None and length(candidate) <= LONGEST[rule.elementwise] and _agrees(candidate, values, tried.y):
            return candidate
    return None


def _agrees(expression: Expression, values: dict[str, Any], y: Any) -> bool:
    try:
        with np.errstate(all="ignore"):
            found = evaluate(expression, values)
        return bool(np.shape(found) == np.shape(y) and np.allclose(found, y, rtol=1e-7, atol=1e-10, equal_nan=True))
    except Exception:  # noqa: BLE001 - anybody's code, which knows arrays only perhaps
        return False


def _from_doc(rule: Rule) -> list[Expression]:
    """The expressions that the docstring begins with, the longest first: they are tried on a sample before they count."""
    text = " ".join(rule.doc.split())
    ends = [*(match.start() for match in re.finditer(r"[.,:;]( |$)", text)), len(text)]
    found = []
    for end in reversed(ends):
        try:
            tree = ast.parse(text[:end], mode="eval").body
            found.append(simple(_read(tree, frozenset((*rule.inputs, *rule.attributes)))))
        except (SyntaxError, NotWritten):
            continue
    return found


INFIX_READ: dict[type, str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.Pow: "power",
    ast.MatMult: "matmul",
    ast.Eq: "equal",
    ast.NotEq: "not_equal",
}
READ_AS = {"max": "maximum", "min": "minimum", "abs": "absolute"}


def _read(tree: ast.expr, names: frozenset[str]) -> Expression:
    """An expression of Python that knows the names of the inputs and of the ops."""
    match tree:
        case ast.Constant(value=int() | float() as value):
            return number(float(value))
        case ast.Name(id=name) if name in names:
            return symbol(name)
        case ast.Name(id="e" | "pi" as name):
            return number(getattr(math, name))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in INFIX_READ:
            return Expression(INFIX_READ[type(op)], (_read(left, names), _read(right, names)))
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in INFIX_READ:
            return Expression(INFIX_READ[type(op)], (_read(left, names), _read(right, names)))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return Expression("negative", (_read(operand, names),))
        case ast.Attribute(value=value, attr="T"):
            return Expression("transpose", (_read(value, names),), (("axes", None),))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if READ_AS.get(name, name) in registry:
            return Expression(READ_AS.get(name, name), tuple(_read(arg, names) for arg in args))
    raise NotWritten(ast.dump(tree))


def _from_definition(rule: Rule, tried: Trial) -> Iterable[Expression | None]:
    """What a plain function of ops that defines the op computes, if there is one beside the rule."""
    definitions = getattr(sys.modules.get(rule.forward.__module__), "definitions", {})
    defined = definitions.get(rule.op)
    if defined is None:
        return
    inputs = dict(zip(rule.inputs, tried.inputs, strict=True))
    given = {name: value for name, value in tried.attributes.items() if rule.defaults.get(name) != value}
    numbers = {name: value for name, value in tried.attributes.items() if type(value) is float}
    rest = {name: value for name, value in given.items() if name not in numbers}

    def called(named: dict[str, Any], given: dict[str, Any]) -> Any:
        more = {name: value for name, value in named.items() if name not in inputs}
        return defined(*(named[name] for name in inputs), **more, **given)

    for named, held in (({**inputs, **numbers}, rest), (inputs, given)):
        found = _recorded(partial(called, given=held), named, rule.elementwise)
        if isinstance(found, Expression):
            yield _counted(simple(found), tried) if not rule.elementwise else simple(found)


# --- source code -----------------------------------------------------------------------------------------------------------


def _codes(rule: Rule) -> dict[str, str]:
    if rule.joint is not None:
        found = {", ".join(rule.inputs): source_of(rule.joint)}
    else:
        found = {name: source_of(rule.derivatives[i]) for i, name in enumerate(rule.inputs) if rule.derivatives[i] is not None}
    return {name: code for name, code in found.items() if code}


def source_of(function: Any) -> str:
    """The source code of a function; of a lambda its own text only. An empty string where there is no file.

    >>> import autograd
    >>> source_of(autograd.negative.rule.derivatives[0])
    'lambda g: -g'
    """
    try:
        if function.__name__ != "<lambda>":
            return textwrap.dedent(inspect.getsource(function)).strip()
        return _source_of_lambda(function)
    except (OSError, TypeError):
        return ""


def _source_of_lambda(function: Any) -> str:
    """Several lambdas may begin in one line: the positions of the instructions tell which it is."""
    code = function.__code__
    text = "".join(linecache.getlines(code.co_filename))
    places = [place for place in code.co_positions() if None not in place and place[2:] != (0, 0)]
    for tree in _lambdas(text):
        body = tree.body
        begin, end = (body.lineno, body.col_offset), (body.end_lineno, body.end_col_offset)
        if places and all(begin <= (line, column) and (last, until) <= end for line, last, column, until in places):
            return ast.get_source_segment(text, tree) or ""
    return ""


@cache
def _lambdas(text: str) -> list[ast.Lambda]:
    """Those of a file, the innermost of nested ones first."""
    found = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Lambda)]
    return found[::-1]
