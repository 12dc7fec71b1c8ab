"""Expressions of ops, as pictures write derivatives: made of symbols, numbers and ops, walked, evaluated and made simpler.

An expression never changes; parts that are equal may be one object, and a walk meets it once. `simple` leaves out what a reader
need not see: factors of 1, terms of 0, double signs, questions that have been answered. What an expression is worth is found by
running its ops. Stands on `rule`; does not know where expressions come from, nor how they are written.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..rule import Rule, fixed, registry, run


@dataclass(frozen=True)
class Expression:
    """An op on expressions; or a "symbol" with a name, a "number" with a value, an "array" with all of its elements."""

    op: str
    inputs: tuple["Expression", ...] = ()
    attributes: tuple[tuple[str, Any], ...] = ()
    rule: Rule | None = field(default=None, compare=False, repr=False)  # for names that two rules have

    def __getitem__(self, name: str) -> Any:
        return self.given.get(name)

    @property
    def given(self) -> dict[str, Any]:
        """The attributes by name."""
        return {name: value.value if isinstance(value, Held) else value for name, value in self.attributes}


@dataclass(frozen=True)
class Held:
    """An attribute that has no hash, a slice say, compared by its words."""

    words: str
    value: Any = field(compare=False)


def symbol(name: str) -> Expression:
    """A name that stands for a value."""
    return Expression("symbol", (), (("name", name),))


def number(value: Any) -> Expression:
    """A plain number."""
    return Expression("number", (), (("value", value),))


ZERO, ONE = number(0.0), number(1.0)


def constant(value: Any, elementwise: bool) -> Expression:
    """A number or an array that a derivative made for itself. Among elementwise ops an array of equal numbers is a number."""
    array = np.asarray(value)
    if array.size and array.dtype.kind in "biufc" and (array.ndim == 0 or (elementwise and (array == array.flat[0]).all())):
        return number(array.flat[0].item())
    return Expression("array", (), (("value", fixed(array)), ("dtype", array.dtype.str), ("shape", array.shape)))


def hashable(value: Any) -> Any:
    """An attribute of an expression: the value itself, or as `Held` where it has no hash."""
    try:
        hash(value)
    except TypeError:
        return Held(repr(value), value)
    return value


# --- every part of it ------------------------------------------------------------------------------------------------------


def rebuilt(expression: Expression, change: Callable[[Expression], Expression]) -> Expression:
    """The expression with every part changed, from the inside out; what stands at two places is changed once."""
    done: dict[int, Expression] = {}
    for part in parts_of(expression):
        inputs = tuple(done[id(child)] for child in part.inputs)
        done[id(part)] = change(replace(part, inputs=inputs) if inputs else part)
    return done[id(expression)]


def parts_of(expression: Expression) -> list[Expression]:
    """Every part once, those inside before those around them."""
    found: list[Expression] = []
    seen: set[int] = set()
    stack = [(expression, False)]
    while stack:
        part, complete = stack.pop()
        if complete:
            found.append(part)
        elif id(part) not in seen:
            seen.add(id(part))
            stack.append((part, True))
            stack += [(child, False) for child in part.inputs]
    return found


def length(expression: Expression) -> int:
    """How many parts it has when it is written out."""
    counts: dict[int, int] = {}
    for part in parts_of(expression):
        counts[id(part)] = 1 + sum(counts[id(child)] for child in part.inputs)
    return counts[id(expression)]


def evaluate(expression: Expression, values: Mapping[str, Any]) -> Any:
    """The value of an expression, for values of its symbols: its ops, run.

    >>> evaluate(Expression("exp", (symbol("x"),)), {"x": 0.0})
    1.0
    """
    done: dict[int, Any] = {}
    for part in parts_of(expression):
        if part.op == "symbol":
            name, _, place = part["name"].rpartition("_")
            done[id(part)] = values[part["name"]] if part["name"] in values else values[name][int(place) - 1]
        elif part.op == "number":
            done[id(part)] = part["value"]
        elif part.op == "array":
            done[id(part)] = np.array(part["value"], dtype=part["dtype"]).reshape(part["shape"])
        else:
            done[id(part)] = run(part.rule or registry[part.op], [done[id(child)] for child in part.inputs], part.given)
    return done[id(expression)]


# --- a little simpler ------------------------------------------------------------------------------------------------------


def simple(expression: Expression) -> Expression:
    """The same without factors of 1, terms of 0, double signs, and questions that have been answered."""
    for _ in range(4):  # what has changed may make room for more
        changed = rebuilt(expression, _simpler)
        if changed == expression:
            break
        expression = changed
    return expression


def _is(part: Expression, value: float) -> bool:
    return part.op == "number" and bool(part["value"] == value)


def _simpler(part: Expression) -> Expression:
    known = SIMPLER.get(part.op)
    return part if known is None else known(part, *part.inputs)


def _is_nan(part: Expression) -> bool:
    return part.op == "number" and part["value"] != part["value"]


def _negated(part: Expression) -> Expression:
    if part.op == "negative":
        return part.inputs[0]
    if part.op == "number":
        return number(-part["value"])
    if part.op == "where":
        return Expression("where", (part.inputs[0], _negated(part.inputs[1]), _negated(part.inputs[2])))
    return Expression("negative", (part,))


def _simple_sum(part: Expression, a: Expression, b: Expression) -> Expression:
    if _is(a, 0) and b.op != "array":
        return b
    if _is(b, 0):
        return a
    if b.op == "negative":
        return Expression("subtract", (a, b.inputs[0]))
    if a.op == "negative":
        return Expression("subtract", (b, a.inputs[0]))
    return _folded(part)


def _simple_difference(part: Expression, a: Expression, b: Expression) -> Expression:
    if _is(b, 0):
        return a
    if _is(a, 0):
        return _negated(b)
    if b.op == "negative":
        return Expression("add", (a, b.inputs[0]))
    return _folded(part)


def _simple_product(part: Expression, a: Expression, b: Expression) -> Expression:
    if _is(a, 1):
        return b
    if _is(b, 1):
        return a
    if _is(a, 0) or _is(b, 0):
        return ZERO if b.op != "array" and a.op != "array" else part
    for one, other in ((a, b), (b, a)):
        if one.op == "negative":
            return _negated(Expression("multiply", (one.inputs[0], other)))
        if one.op == "number" and np.isreal(one["value"]) and one["value"] < 0:
            return _negated(Expression("multiply", (number(-one["value"]), other)))
        if one.op == "divide" and _is(one.inputs[0], 1):
            return Expression("divide", (other, one.inputs[1]))
        if other.op == "multiply" and one.op == other.inputs[0].op == "number":
            return Expression("multiply", (_folded(Expression("multiply", (one, other.inputs[0]))), other.inputs[1]))
    if a == b and a.op != "number":
        return Expression("square", (a,))
    if a.op == "multiply" and a.inputs[1] == b and b.op != "number":
        return Expression("multiply", (a.inputs[0], Expression("square", (b,))))
    if b.op == "number" and a.op != "number":
        return Expression("multiply", (b, a))
    return _folded(part)


def _simple_quotient(part: Expression, a: Expression, b: Expression) -> Expression:
    if _is(b, 1):
        return a
    if _is(a, 0):
        return ZERO
    if a.op == "negative":
        return _negated(Expression("divide", (a.inputs[0], b)))
    if b.op == "negative":
        return _negated(Expression("divide", (a, b.inputs[0])))
    if a.op == "divide":
        return Expression("divide", (a.inputs[0], Expression("multiply", (a.inputs[1], b))))
    if b.op == "divide":
        return Expression("divide", (Expression("multiply", (a, b.inputs[1])), b.inputs[0]))
    if a.op == "number" and not float(a["value"]).is_integer() and (1 / a["value"]).is_integer():
        return Expression("divide", (ONE, Expression("multiply", (number(1 / a["value"]), b))))
    return part


def _folded(part: Expression) -> Expression:
    """Whole numbers added and multiplied. Others stay, as they may be constants that a reader knows."""
    values = [child["value"] for child in part.inputs if child.op == "number"]
    if len(values) == len(part.inputs) and all(float(np.real(v)).is_integer() and np.isreal(v) for v in values):
        return number(float(run(registry[part.op], [float(v) for v in values], {})))
    return part


def _simple_choice(part: Expression, condition: Expression, yes: Expression, no: Expression) -> Expression:
    """In each branch the condition is known, and so is every choice that asks it again."""
    yes = _answered(yes, condition, 1)
    no = _answered(no, condition, 2)
    if yes == no or _is_nan(no):
        return yes
    if _is_nan(yes):  # what is not defined there need not be said
        return no
    if condition.op == "number":
        return yes if condition["value"] else no
    return Expression("where", (condition, yes, no))


def _answered(branch: Expression, condition: Expression, which: int) -> Expression:
    def change(part: Expression) -> Expression:
        return part.inputs[which] if part.op == "where" and part.inputs[0] == condition else part

    return rebuilt(branch, change)


def _simple_power(part: Expression, a: Expression, b: Expression) -> Expression:
    return a if _is(b, 1) else ONE if _is(b, 0) else Expression("square", (a,)) if _is(b, 2) else part


def _simple_square(part: Expression, a: Expression) -> Expression:
    if a.op == "hypot":
        return Expression("add", (Expression("square", a.inputs[:1]), Expression("square", a.inputs[1:])))
    return a.inputs[0] if a.op == "sqrt" else _folded(part)


def _simple_equality(part: Expression, a: Expression, b: Expression) -> Expression:
    return part if a != b else ONE if part.op == "equal" else ZERO


def _simple_or(part: Expression, a: Expression, b: Expression) -> Expression:
    return b if _is(a, 0) else a if _is(b, 0) or a == b else ONE if _is(a, 1) or _is(b, 1) else part


def _simple_and(part: Expression, a: Expression, b: Expression) -> Expression:
    return b if _is(a, 1) else a if _is(b, 1) or a == b else ZERO if _is(a, 0) or _is(b, 0) else part


def _of_number(part: Expression, a: Expression) -> Expression:
    """conj, real and so on of a number."""
    return a if a.op == "number" and isinstance(a["value"], (int, float)) else part


def _zeros(part: Expression, a: Expression, *rest: Expression) -> Expression:
    return ZERO if a.op == "number" else part


def _simple_cast(part: Expression, a: Expression, *rest: Expression) -> Expression:
    dtype = part["dtype"]
    return a if dtype is not None and np.dtype(dtype).kind in "fc" else part


# What is constant, of numbers: that they are equal to themselves; and what to leave out of "and" and "or". Of nan an expression
# says nothing.
SIMPLER: dict[str, Callable[..., Expression]] = {
    "add": _simple_sum,
    "subtract": _simple_difference,
    "multiply": _simple_product,
    "divide": _simple_quotient,
    "negative": lambda part, a: _negated(a),
    "positive": lambda part, a: a,
    "where": _simple_choice,
    "power": _simple_power,
    "square": _simple_square,
    "equal": _simple_equality,
    "not_equal": _simple_equality,
    "isnan": lambda part, a: ZERO,
    "logical_or": _simple_or,
    "bitwise_or": _simple_or,
    "logical_and": _simple_and,
    "bitwise_and": _simple_and,
    "conj": _of_number,
    "real": _of_number,
    "copy": lambda part, a: a,
    "zeros_like": _zeros,
    "astype": _simple_cast,
}


# Ops that answer yes or no.
QUESTIONS = frozenset(
    [
        "equal",
        "not_equal",
        "less",
        "less_equal",
        "greater",
        "greater_equal",
        "logical_and",
        "logical_or",
        "logical_not",
        "logical_xor",
        "isnan",
        "isinf",
        "isfinite",
        "signbit",
        "bitwise_and",
        "bitwise_or",
        "invert",
    ]
)


def as_slope(expression: Expression) -> Expression:
    """A slope that is a question is 1 where the answer is yes."""
    return Expression("where", (expression, ONE, ZERO)) if expression.op in QUESTIONS else expression
