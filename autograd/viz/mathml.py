"""Expressions written as presentation MathML, the part of HTML that browsers set as formulas.

How ops are written is in tables: relations, names, notations. What is written comes with how tightly it holds together, so that
parentheses stand where they are needed and nowhere else. An expression that is too long, or for which there is no notation, is
`NotWritten`. Stands on `expressions`; does not know rules, nor how their derivatives are found.
"""

import html
import math
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from .expressions import Expression, length, parts_of

LONGEST = {True: 48, False: 24}  # parts of an expression, if it is elementwise and if not: a longer one is better read as code
SHORT = 8  # parts of an expression that may move elements about and be read all the same
MOVES = frozenset(
    [
        "getitem",
        "scatter",
        "concatenate",
        "stack",
        "flip",
        "roll",
        "take_ascending",
        "add_ascending",
        "repeat",
        "tile",
        "moveaxis",
    ]
)


class NotWritten(Exception):
    """There is no notation for it."""


TABLE = '<mtable displaystyle="true">'
THIN = '<mspace width="0.17em"/>'
TIMES, APPLY, DOT = "<mo>&#x2062;</mo>", "<mo>&#x2061;</mo>", "<mo>&#x22C5;</mo>"

# How tightly what is written holds together: a part of a looser kind stands in parentheses.
CHOICE, RELATION, TERM, ELEMENTWISE, FACTOR, POWER, ATOM = range(7)

Written: TypeAlias = tuple[str, int]

GREEK = {
    "alpha": "α",
    "beta": "β",
    "gamma": "γ",
    "delta": "δ",
    "eps": "ε",
    "lambd": "λ",
    "theta": "θ",
}
CONSTANTS = [
    (math.pi, "<mi>π</mi>"),
    (math.e, "<mi>e</mi>"),
    (math.log(2), f"<mrow><mi>log</mi>{APPLY}<mn>2</mn></mrow>"),
    (math.log(10), f"<mrow><mi>log</mi>{APPLY}<mn>10</mn></mrow>"),
    (math.sqrt(2), "<msqrt><mn>2</mn></msqrt>"),
    (math.sqrt(math.pi), "<msqrt><mi>π</mi></msqrt>"),
    (2 / math.sqrt(math.pi), "<mfrac><mn>2</mn><msqrt><mi>π</mi></msqrt></mfrac>"),
    (math.sqrt(math.pi) / 2, "<mfrac><msqrt><mi>π</mi></msqrt><mn>2</mn></mfrac>"),
    (math.sqrt(2 * math.pi), f"<msqrt><mrow><mn>2</mn>{TIMES}<mi>π</mi></mrow></msqrt>"),
    (1 / math.sqrt(2 * math.pi), f"<mfrac><mn>1</mn><msqrt><mrow><mn>2</mn>{TIMES}<mi>π</mi></mrow></msqrt></mfrac>"),
    (math.pi / 180, "<mfrac><mi>π</mi><mn>180</mn></mfrac>"),
    (180 / math.pi, "<mfrac><mn>180</mn><mi>π</mi></mfrac>"),
]
RELATIONS = {
    "equal": "=",
    "not_equal": "≠",
    "less": "<",
    "less_equal": "≤",
    "greater": ">",
    "greater_equal": "≥",
    "logical_and": "∧",
    "logical_or": "\u2228",
    "bitwise_and": "∧",
    "bitwise_or": "\u2228",
}
SPELT = {
    "maximum": "max",
    "minimum": "min",
    "sigmoid": "σ",
    "expit": "σ",
    "ndtr": "Φ",
    "gamma": "Γ",
    "digamma": "ψ",
    "floor_divide": "floor",
}
SQUARED = frozenset(["sin", "cos", "tan", "sinh", "cosh", "tanh", "log"])  # of which a square is written as sin² x
BARE = SQUARED | frozenset(
    ["arcsin", "arccos", "arctan", "arcsinh", "arccosh", "arctanh", "max", "min", "det", "log2", "log10"]
)  # sin x, without ( )
RESHAPED = frozenset(["reshape", "expand_dims", "squeeze", "broadcast_to", "ravel"])  # read over inside of an expression
NAMED = frozenset(
    [
        "max",
        "min",
        "var",
        "std",
        "det",
        "trace",
        "expm",
        "logm",
        "sqrtm",
        "cumsum",
        "cumprod",
        "nanmax",
        "nanmin",
        "cholesky_lower",
    ]
)


def mathml(expression: Expression, elementwise: bool = True) -> str:
    """An expression as presentation MathML, without the `<math>` around it."""
    size = length(expression)
    moved = (
        not elementwise
        and size > SHORT
        and any(part.op in MOVES and not (part.op == "getitem" and _adds_axes(part)) for part in parts_of(expression))
    )
    if size > LONGEST[elementwise] or moved:
        raise NotWritten("better read as code")
    if expression.op in RESHAPED:
        return _call(expression.op, [_write(expression.inputs[0], elementwise)])[0]
    text, kind = _write(expression, elementwise)
    return _closed((text, kind), TERM) if kind == RELATION else text


def equation(left: str, expression: Expression, elementwise: bool, attributes: Mapping[str, Any]) -> str:
    """A `<math>` of left = expression, and for which attributes it was asked, where the expression has no symbol for them."""
    text = _row(left, "<mo>=</mo>", mathml(expression, elementwise), _condition(expression, attributes))
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">{text}</math>'


def _row(*parts: str) -> str:
    return f"<mrow>{''.join(parts)}</mrow>"


def _operator(text: str) -> str:
    return f"<mo>{html.escape(text)}</mo>"


def _word(text: str) -> str:
    variant = ' mathvariant="normal"' if len(text) == 1 else ""
    return f"<mi{variant}>{html.escape(text)}</mi>"


def identifier(name: str) -> str:
    """A name, with a letter for one that is spelt out and a number after "_" set low: lambd is λ, x_1 has a small 1."""
    base, _, place = name.rpartition("_")
    if base and place.isdigit():
        return f"<msub>{identifier(base)}<mn>{place}</mn></msub>"
    return f"<mi>{html.escape(GREEK.get(name, name))}</mi>"


def slope(name: str) -> str:
    """∂y/∂x, for the name of x."""
    return f"<mfrac>{_row(_operator('∂'), identifier('y'))}{_row(_operator('∂'), identifier(name))}</mfrac>"


def cotangent(name: str) -> str:
    """What becomes of g for an input: its name with a bar over it."""
    return f'<mover accent="true">{identifier(name)}<mo>&#xAF;</mo></mover>'


def _condition(expression: Expression, attributes: Mapping[str, Any]) -> str:
    """For which attributes it was asked, where the expression has no symbol for them."""
    named = {part["name"] for part in parts_of(expression) if part.op == "symbol"}
    shown = [
        f"{GREEK.get(name, name)} = {f'{value:g}' if type(value) is float else value}"
        for name, value in attributes.items()
        if name not in named and _matters(name, value)
    ]
    return f'<mspace width="1em"/><mtext>for {html.escape(", ".join(shown))}</mtext>' if shown else ""


def _matters(attribute: str, value: Any) -> bool:
    return (
        attribute not in ("keepdims", "dtype", "shape") and isinstance(value, (int, float, str, tuple)) and value is not False
    )


def _write(part: Expression, elementwise: bool) -> Written:
    if part.op == "symbol":
        return identifier(part["name"]), ATOM
    if part.op == "number":
        return _write_number(part["value"]) if part["words"] is None else _write_words(part["value"], part["words"])
    if part.op == "array":
        return _write_array(part)
    written = [_write(child, elementwise) for child in part.inputs]
    if part.op in RESHAPED or (part.op == "getitem" and _adds_axes(part)):
        return written[0]
    if part.op == "multiply":
        return _product(part, written, elementwise)
    if part.op in NOTATIONS:
        return NOTATIONS[part.op](part, *written)
    return _call(SPELT.get(part.op, part.op.rpartition(".")[2]), written)


def _adds_axes(part: Expression) -> bool:
    key = part["key"] if isinstance(part["key"], tuple) else (part["key"],)
    return len(part.inputs) == 1 and all(index is None or index is ... or index == slice(None) for index in key)


def _write_words(value: float, words: str) -> Written:
    if words == "?":
        raise NotWritten("a number that may be a length")
    over = words.partition("/")[0]
    if words == "n-1":
        return _row("<mi>n</mi>", _operator("−"), "<mn>1</mn>"), TERM
    if words != over:
        return f"<mfrac><mn>{over}</mn><mi>n</mi></mfrac>", FACTOR
    return ("<mi>n</mi>", ATOM) if words else _write_number(value)


def _write_number(value: Any) -> Written:
    if isinstance(value, complex):
        if value.real:
            raise NotWritten("a complex number")
        text, _ = _write_number(value.imag)
        return (_row(text, TIMES, "<mi>i</mi>"), TERM) if abs(value.imag) != 1 else (_signed(value.imag, "<mi>i</mi>"), TERM)
    value = float(value)
    if value != value:
        return "<mi>nan</mi>", ATOM
    if value < 0:
        return _signed(value, _write_number(-value)[0]), TERM
    if math.isinf(value):
        return "<mi>∞</mi>", ATOM
    for known, text in CONSTANTS:
        if math.isclose(value, known, rel_tol=1e-14):
            return text, FACTOR if APPLY in text or "mfrac" in text else ATOM
    mantissa, _, exponent = f"{value:.7g}".partition("e")
    if not exponent:
        return f"<mn>{mantissa}</mn>", ATOM
    power = f"<msup><mn>10</mn>{_write_number(int(exponent))[0]}</msup>"
    return (power, POWER) if mantissa == "1" else (_row(f"<mn>{mantissa}</mn>", DOT, power), FACTOR)


def _signed(value: float, text: str) -> str:
    return _row(_operator("−"), text) if value < 0 else text


def _write_array(part: Expression) -> Written:
    array = np.array(part["value"], dtype=part["dtype"]).reshape(part["shape"])
    if array.size and (array == 1).all():
        return "<mn>\U0001d7cf</mn>", ATOM
    if array.size and (array == 0).all():
        return "<mn>\U0001d7ce</mn>", ATOM
    if array.ndim == 2 and array.shape[0] == array.shape[1] and (array == np.eye(len(array))).all():
        return _word("I"), ATOM
    raise NotWritten("an array of numbers")


def _closed(written: Written, loosest: int) -> str:
    text, kind = written
    if kind >= loosest:
        return text
    return _within("[" if kind == RELATION else "(", text, "]" if kind == RELATION else ")")  # [x > 0] is 1 or 0, as in Iverson


def _within(left: str, text: str, right: str) -> str:
    """Between brackets, which are as high as what is in them only where that has several lines."""
    stretchy = "true" if any(tag in text for tag in ("<mfrac", "<mtable", "<munder")) else "false"
    first, last = (
        f'<mo stretchy="{stretchy}" form="{form}">{html.escape(sign)}</mo>'
        for sign, form in ((left, "prefix"), (right, "postfix"))
    )
    return _row(first, text, last)


def _call(name: str, arguments: Iterable[Written]) -> Written:
    arguments = list(arguments)
    if name in BARE and len(arguments) == 1 and arguments[0][1] == ATOM:
        return _row(_word(name), APPLY, THIN, arguments[0][0]), POWER
    inside = "<mo>,</mo>".join(_closed(argument, TERM) if argument[1] == RELATION else argument[0] for argument in arguments)
    return _row(_word(name), APPLY, _within("(", inside, ")")), POWER


def _product(part: Expression, written: list[Written], elementwise: bool) -> Written:
    """By a sign of its own where there are products of matrices beside it, which hold together more tightly."""
    a, b = part.inputs
    if not elementwise and a.op != "number":
        return _infix("⊙", ELEMENTWISE, part, *written)
    left, right = (_closed(child, FACTOR) for child in written)
    between = DOT if b.op == "number" else TIMES + THIN * _are_words(left, right)
    return _row(left, between, right), FACTOR


def _are_words(a: str, b: str) -> bool:
    """Whether one of them ends, or begins, with a name of several letters, which would run into the other."""
    return bool(re.search(r"<mi>[^<]{2,}</mi>(</mrow>)*$", a) or re.match(r"(<mrow>|<msup>)*<mi>[^<]{2,}</mi>", b))


def _infix(text: str, kind: int, part: Expression, a: Written, b: Written) -> Written:
    """Left to right: the right side stands in parentheses also where it holds together as the whole does."""
    loosest = kind if text in "+⊙" else kind + 1
    return _row(_closed(a, kind), _operator(text), _closed(b, loosest)), kind


def _relation(text: str, part: Expression, a: Written, b: Written) -> Written:
    if text in "∧\u2228":
        parts = [text if kind > RELATION else _within("(", text, ")") for text, kind in (a, b)]
        return _row(parts[0], _operator(text), parts[1]), RELATION
    return _row(_closed(a, TERM), _operator(text), _closed(b, TERM)), RELATION


def _fraction(part: Expression, a: Written, b: Written) -> Written:
    return f"<mfrac>{a[0]}{b[0]}</mfrac>", FACTOR


def _negative(part: Expression, a: Written) -> Written:
    return _row(_operator("−"), _closed(a, ELEMENTWISE)), TERM


def _raised(part: Expression, a: Written, b: Written) -> Written:
    return f"<msup>{_closed(a, ATOM)}{b[0]}</msup>", POWER


def _squared(part: Expression, a: Written) -> Written:
    child = part.inputs[0]
    if child.op in SQUARED:
        name = f"<msup>{_word(SPELT.get(child.op, child.op))}<mn>2</mn></msup>"
        text = a[0].removeprefix(f"<mrow>{_word(child.op)}").removesuffix("</mrow>")
        return _row(name, text), POWER
    return _raised(part, a, TWO)


def _to_the(base: str) -> Callable[..., Written]:
    return lambda part, a: (f"<msup>{base}{a[0]}</msup>", POWER)


def _root(part: Expression, a: Written) -> Written:
    return f"<msqrt>{a[0]}</msqrt>", ATOM


def _fenced(left: str, right: str) -> Callable[..., Written]:
    return lambda part, a: (_within(left, a[0], right), ATOM)


def _postfix(text: str) -> Callable[..., Written]:
    return lambda part, a, *rest: (f"<msup>{_closed(a, ATOM)}{text}</msup>", POWER)


def _swapped(part: Expression, a: Written) -> Written:
    if {part["axis1"], part["axis2"]} == {-1, -2}:
        return _postfix(_word("T"))(part, a)
    return _call("swapaxes", [a])


def _transposed(part: Expression, a: Written) -> Written:
    return _postfix(_word("T"))(part, a) if part["axes"] in (None, (1, 0)) else _call("transpose", [a])


def _choice(part: Expression, condition: Written, yes: Written, no: Written) -> Written:
    """As many lines as there are cases: a choice in the other branch adds its own."""
    lines = [_line(yes, _row("<mtext>if&#xA0;</mtext>", condition[0]))]
    if part.inputs[2].op == "where":
        lines.append(no[0].partition(TABLE)[2].rpartition("</mtable>")[0])
    else:
        lines.append(_line(no, "<mtext>otherwise</mtext>"))
    table = f"{TABLE}{''.join(lines)}</mtable>"
    return _row('<mo stretchy="true" form="prefix">{</mo>', table), CHOICE


def _line(value: Written, condition: str) -> str:
    value_text = _closed(value, TERM) if value[1] == RELATION else value[0]
    cell = '<mtd style="text-align: left">'
    return f"<mtr>{cell}{value_text}</mtd>{cell}{condition}</mtd></mtr>"


def _total(sign: str) -> Callable[..., Written]:
    def write(part: Expression, a: Written) -> Written:
        axis = part["axis"]
        big = f"<mo>{sign}</mo>"
        if axis is not None:
            big = f"<munder>{big}<mtext>axis {html.escape(str(axis))}</mtext></munder>"
        return _row(big, _closed(a, FACTOR)), FACTOR

    return write


def _beside(part: Expression, a: Written, b: Written) -> Written:
    return _row(_closed(a, FACTOR), TIMES, _closed(b, FACTOR)), FACTOR


def _output(part: Expression, a: Written) -> Written:
    return f"<msub>{_closed(a, ATOM)}<mn>{part['index'] + 1}</mn></msub>", ATOM


def _power_log(part: Expression, x: Written, w: Written) -> Written:
    log, k = _call("log", [x]), part["k"]
    if k == 0:
        return _raised(part, x, w)
    logs = log[0] if k == 1 else _raised(part, log, _write_number(k))[0]
    return _row(_raised(part, x, w)[0], TIMES, THIN, logs), FACTOR


def _mean(part: Expression, a: Written) -> Written:
    return _row("<mfrac><mn>1</mn><mi>n</mi></mfrac>", _total("∑")(part, a)[0]), FACTOR


TWO: Written = ("<mn>2</mn>", ATOM)
MINUS_ONE = "<mrow><mo>−</mo><mn>1</mn></mrow>"

# How ops are written that are not a name with arguments.
NOTATIONS: dict[str, Callable[..., Written]] = {
    "add": partial(_infix, "+", TERM),
    "subtract": partial(_infix, "−", TERM),
    "divide": _fraction,
    "negative": _negative,
    "power": _raised,
    "square": _squared,
    "reciprocal": lambda part, a: (f"<mfrac><mn>1</mn>{a[0]}</mfrac>", FACTOR),
    "sqrt": _root,
    "cbrt": lambda part, a: (f"<mroot>{a[0]}<mn>3</mn></mroot>", ATOM),
    "exp": _to_the("<mi>e</mi>"),
    "exp2": _to_the("<mn>2</mn>"),
    "exp10": _to_the("<mn>10</mn>"),
    "expm1": lambda part, a: (_row(_to_the("<mi>e</mi>")(part, a)[0], _operator("−"), "<mn>1</mn>"), TERM),
    "log1p": lambda part, a: _call("log", [(_row("<mn>1</mn>", _operator("+"), _closed(a, FACTOR)), TERM)]),
    "power_log": _power_log,
    "hypot": lambda part, a, b: _root(part, _infix("+", TERM, part, *(_raised(part, each, TWO) for each in (a, b)))),
    "gammaln": lambda part, a: _call("log", [_fenced("|", "|")(part, _call("Γ", [a]))]),
    "absolute": _fenced("|", "|"),
    "fabs": _fenced("|", "|"),
    "floor": _fenced("⌊", "⌋"),
    "ceil": _fenced("⌈", "⌉"),
    "floor_divide": lambda part, a, b: _fenced("⌊", "⌋")(part, _fraction(part, a, b)),
    "conj": _postfix("<mo>*</mo>"),
    "logical_not": lambda part, a: (_row(_operator("¬"), _closed(a, POWER)), POWER),
    "invert": lambda part, a: (_row(_operator("¬"), _closed(a, POWER)), POWER),
    "where": _choice,
    "sum": _total("∑"),
    "prod": _total("∏"),
    "mean": _mean,
    "matmul": _beside,
    "linear": lambda part, x, w: _beside(part, x, _postfix(_word("T"))(part, w)),
    "inv": _postfix(MINUS_ONE),
    "solve": lambda part, a, b: _beside(part, _postfix(MINUS_ONE)(part, a), b),
    "transpose": _transposed,
    "swapaxes": _swapped,
    "output": _output,
    "getitem": lambda part, a, *rest: (
        _row(_closed(a, ATOM), _within("[", ",".join(i for i, _ in rest) or "<mo>…</mo>", "]")),
        ATOM,
    ),
    **{name: partial(_relation, text) for name, text in RELATIONS.items()},
}
