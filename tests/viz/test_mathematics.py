"""What pictures tell of ops: the expressions are held against the rules by their values, and the MathML by being read again."""

import math
import re
import subprocess
import sys
from functools import partial
from xml.etree import ElementTree

import numpy as np
import pytest

import autograd
import nn  # noqa: F401 - whose ops have rules as well
from autograd.rule import Rule, registry
from autograd.viz import mathml
from autograd.viz.expressions import evaluate
from autograd.viz.mathematics import derivatives_of, facts, formula_of, source_of, trial

# The rules of the packages, without those that tests define on the way.
RULES = {key: rule for key, rule in sorted(registry.items()) if rule.forward.__module__.startswith(("autograd.", "nn."))}
quiet = partial(np.errstate, all="ignore")


def derivative(rule: Rule, name: str):
    """What the rule itself says, at its sample."""
    tried = trial(rule)
    i = rule.inputs.index(name)
    if rule.joint is not None:
        return rule.joint(tried.cotangent(), *tried.reads(i).values())[i]
    return rule.derivatives[i](tried.cotangent(), *tried.reads(i).values())


@pytest.mark.parametrize("key", RULES)
def test_expressions_have_the_values_of_the_rules(key):
    rule = RULES[key]
    for name, expression in derivatives_of(rule).items():
        with quiet():
            wanted = np.asarray(derivative(rule, name))
            found = evaluate(expression, trial(rule).values(rule.inputs.index(name)))
        if rule.elementwise:
            found = np.broadcast_to(found, wanted.shape)
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("key", RULES)
def test_formulas_have_the_values_of_the_ops(key):
    rule, tried = RULES[key], trial(RULES[key])
    if formula_of(rule) is not None:
        with quiet():
            found = evaluate(formula_of(rule), {**dict(zip(rule.inputs, tried.inputs, strict=True)), **tried.attributes})
        np.testing.assert_allclose(found, tried.y, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("key", RULES)
def test_every_op_has_facts_in_well_formed_xml(key):
    told = facts(RULES[key])
    assert told.summary == RULES[key].doc.strip().splitlines()[0]
    assert set(told.derivatives) <= set(RULES[key].inputs)
    for text in (told.formula, *told.derivatives.values()):
        if text:
            assert ElementTree.fromstring(text).tag == "{http://www.w3.org/1998/Math/MathML}math"
    for name in told.derivatives:
        assert name in told.code or RULES[key].joint is not None


@pytest.mark.slow
def test_nearly_every_slope_is_said_in_mathematics():
    slopes = [(key, name) for key, rule in RULES.items() if rule.elementwise for name in _inputs_with_derivative(rule)]
    said = [(key, name) for key, name in slopes if name in facts(RULES[key]).derivatives]
    assert len(said) >= 200, sorted(set(slopes) - set(said))
    assert len(said) >= 0.9 * len(slopes)


@pytest.mark.slow
def test_half_of_the_others_are_said_in_mathematics_and_all_in_code():
    others = {key: rule for key, rule in RULES.items() if rule.differentiable and not rule.elementwise}
    said = sum(len(facts(rule).derivatives) for rule in others.values())
    assert said >= 0.5 * sum(len(_inputs_with_derivative(rule)) for rule in others.values())
    assert [key for key, rule in RULES.items() if rule.differentiable and not all(facts(rule).code.values())] == []


def _inputs_with_derivative(rule: Rule) -> list[str]:
    if not rule.differentiable:
        return []
    return [name for i, name in enumerate(rule.inputs) if rule.joint is not None or rule.derivatives[i] is not None]


# --- the MathML, read as a reader would ------------------------------------------------------------------------------------

NAMESPACE = "{http://www.w3.org/1998/Math/MathML}"
SIGNS = {"⁢": "*", "⋅": "*", "−": "-", "≤": "<=", "≥": ">=", "=": "==", "≠": "!=", "\u2228": "|", "∧": "&", "⁡": "", ",": ","}
LETTERS = {"σ": "sigmoid", "Φ": "ndtr", "ψ": "digamma", "Γ": "gamma", "max": "maximum", "min": "minimum"}
CASE_OF_LETTERS = {letter: name for name, letter in mathml.GREEK.items()}
FUNCTION = re.compile(r"[A-Za-z_]\w*")


def spoken(element: ElementTree.Element) -> str:
    """A MathML element as Python: what stands there and nothing else."""
    tag, parts = element.tag.removeprefix(NAMESPACE), list(element)
    match tag:
        case "mrow":
            return row(parts)
        case "mfrac":
            return f"(({spoken(parts[0])}) / ({spoken(parts[1])}))"
        case "msup":
            base, exponent = map(spoken, parts)
            if exponent == "*":
                return f"np.conj({base})"
            return f"squared({base})" if is_function(parts[0]) else f"(({base}) ** ({exponent}))"
        case "msqrt":
            return f"np.sqrt({spoken(parts[0])})"
        case "mroot":
            return f"np.cbrt({spoken(parts[0])})"
        case "mtable":
            return cases(parts)
        case "mn":
            return f"float({element.text!r})"
        case "mi":
            word = element.text
            known = {"e": "math.e", "π": "math.pi", "∞": "math.inf", "nan": "math.nan", "i": "1j"}
            return known.get(word) or LETTERS.get(word) or CASE_OF_LETTERS.get(word) or word
        case "mo":
            return SIGNS.get(element.text, element.text)
        case "mspace":
            return ""
    raise ValueError(tag)


def is_function(element: ElementTree.Element) -> bool:
    return element.tag == NAMESPACE + "mi" and element.text in (*mathml.SQUARED, *mathml.BARE)


def row(parts: list[ElementTree.Element]) -> str:
    text, i = "", 0
    parts = [part for part in parts if part.tag != NAMESPACE + "mspace"]
    while i < len(parts):
        following = parts[i + 1].text if i + 1 < len(parts) and parts[i + 1].tag == NAMESPACE + "mo" else ""
        sign = parts[i].text if parts[i].tag == NAMESPACE + "mo" else ""
        if following == "⁡":  # a function, and what it is applied to
            argument = spoken(parts[i + 2]).strip()
            text += f"{spoken(parts[i])}{argument if argument.startswith('(') and closes(argument) else f'({argument})'}"
            i += 3
        elif sign in "|⌊⌈[" and sign and parts[-1] is not parts[i]:  # up to the other bracket
            inside = spoken(parts[i + 1])
            text += {"|": "np.abs", "⌊": "np.floor", "⌈": "np.ceil", "[": "1.0 * "}[sign] + f"({inside})"
            i += 3
        elif sign == "{":
            text += spoken(parts[i + 1])
            i += 2
        else:
            text += f" {spoken(parts[i])} " if sign else spoken(parts[i])
            i += 1
    return text


def closes(text: str) -> bool:
    """Whether the bracket at its beginning closes at its end."""
    depth = 0
    for i, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return i == len(text) - 1
    return False


def cases(lines: list[ElementTree.Element]) -> str:
    text = ""
    for line in lines:
        value, condition = (list(cell) for cell in line)
        if condition[0].tag == NAMESPACE + "mtext":
            assert condition[0].text == "otherwise"
            return f"({text}{spoken(value[0])}{')' * (len(lines) - 1)})"
        first, *rest = condition[0]
        assert first.text == "if\xa0"
        text += f"choice({row(rest)}, {spoken(value[0])}, "
    raise ValueError("no other case")


class Function:
    """A function of which the square may be asked for, as in sin²."""

    def __init__(self, function):
        self.function = function

    def __call__(self, *args):
        return self.function(*args)


def squared(function):
    return lambda x: function(x) ** 2


def names() -> dict:
    functions = {key: Function(rule.forward) for key, rule in RULES.items() if "." not in key}
    return {**functions, "math": math, "np": np, "squared": squared, "choice": np.where, "float": float}


def is_readable(rule: Rule, name: str) -> bool:
    """Whether it names everything that it depends on."""
    return "<mtext>for" not in facts(rule).derivatives[name]


@pytest.mark.parametrize("key", [key for key, rule in RULES.items() if rule.elementwise])
def test_slopes_read_as_they_are_written(key):
    rule = RULES[key]
    for name, text in facts(rule).derivatives.items():
        if is_readable(rule, name):
            left, _, *right = ElementTree.fromstring(text)[0]
            assert next(part.text for part in left.iter(NAMESPACE + "mi")) == "y"
            with quiet():
                wanted = derivative(rule, name)
                found = eval(row(right), {**names(), **trial(rule).values(rule.inputs.index(name))})
            np.testing.assert_allclose(np.broadcast_to(found, np.shape(wanted)), wanted, rtol=2e-6, atol=1e-7, err_msg=name)


def test_most_slopes_are_read_again():
    slopes = [(rule, name) for rule in RULES.values() if rule.elementwise for name in facts(rule).derivatives]
    assert sum(is_readable(rule, name) for rule, name in slopes) >= 180


def test_a_wrong_notation_would_be_seen(monkeypatch):
    facts.cache_clear()
    monkeypatch.setitem(mathml.NOTATIONS, "subtract", mathml.NOTATIONS["add"])
    try:
        with pytest.raises(AssertionError):
            test_slopes_read_as_they_are_written("logaddexp")
    finally:
        facts.cache_clear()


# --- examples --------------------------------------------------------------------------------------------------------------


def plain(text: str) -> str:
    """MathML without its elements."""
    return "".join(ElementTree.fromstring(text).itertext()).replace("\u2061", "").replace("\u2062", "")


@pytest.mark.parametrize(
    ("op", "formula", "derivatives"),
    [
        ("multiply", "y=xw", ["∂y∂x=w", "∂y∂w=x"]),
        ("divide", "y=xw", ["∂y∂x=1w", "∂y∂w=−yw"]),
        ("exp", "y=ex", ["∂y∂x=y"]),
        ("tanh", "y=tanhx", ["∂y∂x=1cosh2x"]),
        ("sqrt", "y=x", ["∂y∂x=12y"]),
        ("relu", "y=max(x,0)", ["∂y∂x={1if\xa0y≠00otherwise"]),
        ("power", "y=xw", ["∂y∂x={0if\xa0w=0wxw−1otherwise", "∂y∂w=xwlogx"]),
        ("matmul", "y=xw", ["x¯=gwT", "w¯=xTg"]),
        ("sum", "y=∑x", ["x¯=g⊙\U0001d7cf"]),
        ("inv", "y=x−1", None),
    ],
)
def test_examples(op, formula, derivatives):
    told = facts(RULES[op])
    assert plain(told.formula) == formula
    if derivatives is not None:
        assert [plain(text) for text in told.derivatives.values()] == derivatives


@pytest.mark.slow
def test_a_length_of_the_sample_is_not_taken_for_a_number():
    assert "n" in plain(facts(RULES["mean"]).formula)
    for key, rule in RULES.items():
        if not rule.elementwise:
            for text in (facts(rule).formula, *facts(rule).derivatives.values()):
                assert not re.search(r"<mn>(11|13|17|19|143)</mn>|<mn>0\.(0[0-9]{3})", text), (key, plain(text))


def test_code_of_a_lambda_is_cut_out_of_its_line():
    pair = (lambda g, x: g * x, lambda g, w: g / w)
    assert [source_of(each) for each in pair] == ["lambda g, x: g * x", "lambda g, w: g / w"]
    assert facts(RULES["subtract"]).code["w"] == "lambda g: -g"
    assert facts(RULES["matmul"]).code["x"].startswith("def _matmul_x(g, x_shape, w):\n    if np.ndim(w) == 1:")


def test_a_rule_of_the_user_is_told_as_well():
    @autograd.rule(x=lambda g, x: g * np.cos(x) ** 2 + 0 * g, w=lambda g, x: g if x.sum() > 0 else -g)
    def odd(x, w):
        """x < w & "so on" """
        return x + w

    try:
        told = facts(odd.rule)
        assert told.summary == 'x < w & "so on"'
        assert "w" not in told.derivatives
        assert told.code["w"] == "lambda g, x: g if x.sum() > 0 else -g"
    finally:
        del registry[odd.rule.key]


def test_a_rule_that_fails_on_what_it_is_tried_with_is_told_in_code():
    def fails(g, x):
        raise RuntimeError("not on these")

    @autograd.rule(kind="elementwise", x=fails)
    def touchy(x):
        """x, if it is not 2 by 3"""
        if np.shape(x) == (2, 3):
            raise RuntimeError("not on these")
        return x

    @autograd.rule(kind="elementwise", x=fails)
    def one_way(x):
        """x"""
        return x

    try:
        for op in (touchy, one_way):
            told = facts(op.rule)
            assert told.derivatives == {}
            assert told.code["x"].startswith("def fails(g, x):")
    finally:
        del registry[touchy.rule.key], registry[one_way.rule.key]


def test_facts_change_nothing_and_see_nothing_of_a_watch():
    from autograd.graph import modes

    before = dict(modes.__dict__)
    facts.cache_clear()
    facts(RULES["tanh"])
    assert dict(modes.__dict__) == before


@pytest.mark.slow
def test_importing_autograd_does_not_import_it():
    code = "import sys, autograd, nn, optim; assert not [name for name in sys.modules if name.startswith('autograd.viz')]"
    subprocess.run([sys.executable, "-c", code], check=True)
