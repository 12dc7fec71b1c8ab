"""The front door: what it draws, what it finds and how small that is, what it lets pass, and what it does with settings.

Each planted fault is right at inputs that a person would choose, which check_grads passes, and wrong somewhere else.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import hypothesis
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, example, is_hypothesis_test, seed
from hypothesis import strategies as st
from hypothesis.database import InMemoryExampleDatabase
from hypothesis.errors import InvalidArgument

import autograd as ag
from autograd import Tensor
from autograd.rule import Domain, positives, rule, sample
from autograd.testing import GradientMismatch, check_grads
from autograd.testing import strategies as gradients
from autograd.testing.checks import NotSmooth
from autograd.testing.given import Search, assert_gradients, given_gradients, over_profile, profile, rule_of, written

Settings = hypothesis.settings
steady = Settings(derandomize=True, database=None, max_examples=100)
brief = Settings(steady, max_examples=12)
pytestmark = pytest.mark.usefixtures("own_ops")


# --- planted faults --------------------------------------------------------------------------------------------------------


class Fault(NamedTuple):
    """How to plant it; inputs at which it does not show; and the call to which it has to shrink."""

    plant: Callable[[], Any]
    passes: tuple[Any, ...]
    call: str
    strategies: tuple[Any, ...] = ()
    more: dict[str, Any] = {}  # noqa: RUF012 - nobody writes to it


def product() -> Any:
    @rule(x=lambda g, x, y: g * y / x)
    def product(x: Any) -> Any:
        return np.prod(x)

    return product


def log_abs() -> Any:
    @rule(kind="elementwise", x=lambda g, x: g / abs(x))
    def log_abs(x: Any) -> Any:
        return np.log(abs(x))

    return log_abs


def log_sum() -> Any:
    @rule(
        kind="elementwise",
        x=lambda g, x, w: np.where(x >= w, g / (1 + np.exp(w - x)), 0 * g),
        w=lambda g, x, w: g / (1 + np.exp(x - w)),
    )
    def log_sum(x: Any, w: Any) -> Any:
        return np.logaddexp(x, w)

    return log_sum


def sine_over() -> Any:
    @rule(kind="elementwise", x=lambda g, x: g * (np.cos(x) - np.sin(x) / x) / x)
    def sine_over(x: Any) -> Any:
        return np.sinc(x / np.pi)

    return sine_over


def centred() -> Any:
    @rule(x=lambda g, x_shape: g - np.sum(g, axis=-1, keepdims=True) / max(2, x_shape[-1]))
    def centred(x: Any) -> Any:
        return x - np.mean(x, axis=-1, keepdims=True)

    return centred


def running() -> Any:
    @rule(
        x=lambda g: np.flip(np.cumsum(np.flip(g, axis=0), axis=0), axis=0),
        samples=[sample((2, 2)), sample((2, 2), axis=1)],
    )
    def running(x: Any, *, axis: int = 0) -> Any:
        return np.cumsum(x, axis=axis)

    return running


def last() -> Any:
    """Wrong for an axis that is counted from the end."""

    @rule(x=lambda g, x_shape, axis: np.broadcast_to(np.expand_dims(g, max(axis, 0)), x_shape))
    def last(x: Any, *, axis: int) -> Any:
        return np.sum(x, axis=axis)

    return last


def scaled() -> Any:
    """Right up to 2, which no input between 0 and 1 reaches."""

    @rule(kind="elementwise", x=lambda g, x: 2 * g * np.minimum(x, 2.0))
    def scaled(x: Any) -> Any:
        return x * x

    def model(x: Any, *, factor: Any) -> Any:
        return factor * scaled(x)

    return model


def outer_product() -> Any:
    """A pair (function, vjp) that forgets to sum over what was broadcast."""
    return lambda x, w: x * w, lambda x, w: (x * w, lambda g: (g * w, g * x))


ZERO = "np.array(0.0)"
FAULTS = {
    "zero": Fault(product, (np.array([2.0, -1.0, 0.5]),), f"check_grads(product, {ZERO})"),
    "sign": Fault(log_abs, (np.array([0.5, 2.0]),), "check_grads(log_abs, np.array(-1.0))"),
    "order": Fault(log_sum, (np.array([1.0, 2.0]), 0.5), f"check_grads(log_sum, {ZERO}, np.array(1.0))"),
    "guard": Fault(sine_over, (np.array([1.0, -2.0]),), f"check_grads(sine_over, {ZERO})"),
    "side of one": Fault(centred, (np.ones((2, 3)),), "check_grads(centred, np.array([0.0]))"),
    "attribute": Fault(
        running, (np.ones((2, 2)),), "check_grads(lambda x0: running(x0, axis=1), np.array([[0.0, 0.0], [0.0, 0.0]]))"
    ),
    "axis from the end": Fault(
        lambda: last(),
        (),
        "check_grads(lambda x0: last(x0, axis=-1), np.array([[0.0, 0.0], [0.0, 0.0]]))",
        (gradients.arrays((2, 2)),),
        {"axis": st.integers(-2, 1)},
    ),
    "large": Fault(
        scaled,
        (),
        "check_grads(lambda x0, factor: model(x0, factor=factor), np.array(2.0), 1.0)",
        (),
        {"factor": st.floats(1, 2)},
    ),
    "broadcasting": Fault(outer_product, (np.ones(2), np.ones(2)), "check_grads(f, np.array(0.0), np.zeros((0,)))"),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_is_found_and_shrunk(kind: str) -> None:
    fault = FAULTS[kind]
    f = fault.plant()
    if fault.passes:
        check_grads(f, *fault.passes)
    with pytest.raises(GradientMismatch) as caught:
        assert_gradients(f, *fault.strategies, settings=steady, **fault.more)
    assert str(caught.value).splitlines()[-1] == f"see it again: {fault.call}"
    assert not getattr(caught.value, "__notes__", [])
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_the_call_shows_it_again() -> None:
    space = {"np": np, "check_grads": check_grads, "product": product(), "running": running()}
    for kind in ("zero", "attribute"):
        with pytest.raises(GradientMismatch):
            eval(FAULTS[kind].call, space)


def test_options_reach_the_check_and_the_call() -> None:
    with pytest.raises(GradientMismatch, match=r"^mine: reverse mode") as caught:
        assert_gradients(product(), settings=steady, modes=("rev",), order=1, name="mine")
    assert str(caught.value).endswith(f"check_grads(mine, {ZERO}, modes=('rev',), order=1)")


# --- what is right ---------------------------------------------------------------------------------------------------------


def composed(x: Any, w: Any, scale: float = 2.0) -> Any:
    return np.tanh(x * scale) + np.exp(w)


class Scaled:
    """A model of one parameter."""

    def __init__(self) -> None:
        self.w = Tensor(np.array([1.0, 2.0, 3.0]))

    def named_parameters(self) -> list[tuple[str, Tensor]]:
        return [("w", self.w)]

    def __call__(self, x: Any) -> Any:
        return np.sin(x * self.w)


RIGHT: dict[str, tuple[Any, ...]] = {
    "an op": (ag.tanh,),
    "two inputs": (np.arctan2,),
    "a domain": (np.log,),
    "kinks": (np.maximum,),
    "reduction": (np.max,),
    "attributes": (ag.softmax,),
    "matrices": (np.linalg.inv,),
    "a constant input": (np.where,),
    "any number of inputs": (ag.registry["concatenate"].op,),
    "a list": (np.concatenate, st.lists(gradients.arrays((2,)), min_size=1, max_size=3)),
    "no derivative for some": (ag.special.betainc,),
    "a function": (composed,),
    "a lambda": (
        lambda x: x["a"] * x["b"][0],
        st.fixed_dictionaries({"a": st.floats(-1, 1), "b": st.tuples(gradients.arrays())}),
    ),
    "tensors": (lambda x: (x * x).sum(), gradients.tensors()),
    "a pair": ((np.sin, lambda x: (np.sin(x), lambda g: (g * np.cos(x),))),),
    "a module": (Scaled(), gradients.arrays(3, np.float32)),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", RIGHT)
def test_what_is_right_is_not_accused(kind: str) -> None:
    assert_gradients(*RIGHT[kind], settings=brief)


# --- what is drawn ---------------------------------------------------------------------------------------------------------


def drawn(f: Any, *strategies: Any, count: int = 60, **named: Any) -> list[dict[str, Any]]:
    """What the front door draws for f."""
    found: list[dict[str, Any]] = []
    search = Search(f, strategies, named, {})

    @Settings(steady, max_examples=count)
    @hypothesis.given(st.fixed_dictionaries(search.strategies))
    def look(values: Any) -> None:
        found.append(values)

    look()
    return found


@pytest.mark.slow
def test_inputs_of_an_op_are_in_its_domain() -> None:
    @rule(kind="elementwise", x=lambda g: g, w=lambda g: g, domain={"x": positives, "w": Domain(0.25, 0.3)})
    def narrow(x: Any, w: Any) -> Any:
        return x + w

    for found in drawn(narrow):
        assert (found["x"] > 0).all()
        assert ((found["w"] > 0.25) & (found["w"] < 0.3)).all()


@pytest.mark.slow
def test_inputs_of_a_function_broadcast() -> None:
    found = drawn(composed)
    assert {name for each in found for name in each} == {"x", "w"}
    shapes = {(each["x"].shape, each["w"].shape) for each in found}
    assert all(np.broadcast_shapes(*pair) is not None for pair in shapes)
    assert len(shapes) > 10
    assert any(x != w for x, w in shapes)
    assert any((each["x"] < 0).any() for each in found)


def test_a_sample_is_drawn_with_its_attributes() -> None:
    found = drawn(running())
    assert {each["attributes"].get("axis", 0) for each in found} == {0, 1}
    assert len({each["x"].tobytes() for each in found}) > 20


def test_matrices_of_a_sample_stay_what_they_are() -> None:
    matrix = np.array([[2.0, 1.0], [1.0, 2.0]])

    @rule(x=lambda g: g, samples=[sample(matrix, np.array([0, 1]))])
    def same(x: Any, indices: Any) -> Any:
        return x

    found = drawn(same)
    assert {float(each["x"][0, 0]) for each in found} == {2.0, 2.5, 1.5}
    assert all(np.linalg.eigvalsh(each["x"]).min() > 0 for each in found)
    assert all((each["indices"] == [0, 1]).all() for each in found)


def test_some_are_given_and_the_others_drawn() -> None:
    for found in drawn(composed, w=st.just(7.0), scale=st.just(3.0)):
        assert found["w"] == 7
        assert found["scale"] == 3
        assert found["x"].dtype == np.float64


def test_the_rule_behind_a_function_is_found() -> None:
    assert rule_of(np.sinc) is not None
    assert rule_of(ag.sin) is ag.registry["sin"]
    assert rule_of(composed) is rule_of([]) is None


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: assert_gradients(composed, st.just(1.0), x=st.just(1.0)), "given twice"),
        (lambda: assert_gradients(lambda *xs: xs[0]), "give a strategy for each"),
    ],
)
def test_what_cannot_be_is_refused(call: Any, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        call()


# --- what cannot be checked ------------------------------------------------------------------------------------------------


def noisy(x: Any, rng: Any = np.random.default_rng(0)) -> Any:  # noqa: B008 - one generator for all calls
    return x * rng.normal()


def refusing(x: Any) -> Any:
    raise ValueError("not for me")


def test_inputs_outside_the_domain_are_passed_over() -> None:
    seen: list[float] = []

    @given_gradients(np.log, st.floats(-1, 1).filter(bool), settings=brief)
    def check(report: Any, x: float) -> None:
        seen.append(x)

    check()
    assert seen
    assert all(x > 0 for x in seen)


@pytest.mark.parametrize(
    ("f", "strategies", "words"),
    [
        (noisy, (), r"noisy: of the inputs that were drawn none could be checked; .*for x\. The last one:\n.*input: np.array"),
        (noisy, (st.just(1.0),), r"none could be checked\. The last one:\n"),
        (np.sqrt, (st.just(-1.0),), r"The last one:\nits value is nan or infinite\ninput: -1\.0"),
        (refusing, (), r"strategies for x\. The last one:\nValueError: not for me"),
        (np.sin, (st.just(np.zeros((0, 2))),), r"none could be checked, for all were empty"),
    ],
)
def test_if_nothing_can_be_checked_the_reason_is_shown(f: Any, strategies: Any, words: str) -> None:
    with pytest.raises(NotSmooth, match=f"(?s){words}"):
        assert_gradients(f, *strategies, settings=brief)


def test_what_the_function_raises_at_inputs_that_were_asked_for_is_raised() -> None:
    with pytest.raises(ValueError, match="not for me") as caught:
        assert_gradients(refusing, st.just(1.0), settings=brief)
    assert "x=1.0" in "".join(caught.value.__notes__)


# --- settings --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ci", [False, True])
def test_the_profile(ci: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true") if ci else monkeypatch.delenv("CI", raising=False)
    found, default = profile(), Settings.default
    assert default is not None
    assert found.deadline is None
    assert found.print_blob
    assert found.derandomize == (ci or default.derandomize)
    assert found.database == (None if ci else default.database)
    assert Phase.shrink in found.phases
    assert Phase.explain not in found.phases
    assert {HealthCheck.too_slow, HealthCheck.filter_too_much} <= set(found.suppress_health_check)
    assert found.max_examples == default.max_examples


def test_settings_go_before_the_profile() -> None:
    theirs = Settings(
        max_examples=7, deadline=77, suppress_health_check=[HealthCheck.data_too_large], report_multiple_bugs=True
    )
    found = over_profile(theirs)
    assert found.max_examples == 7
    assert found.deadline is not None
    assert found.deadline.total_seconds() == 0.077
    assert {HealthCheck.data_too_large, HealthCheck.too_slow} <= set(found.suppress_health_check)
    assert not found.report_multiple_bugs  # the default, and so not told from one that was not set
    assert repr(over_profile(Settings())) == repr(profile())


@pytest.mark.parametrize("place", ["argument", "above", "below"])
def test_settings_reach_hypothesis(place: str) -> None:
    chosen = Settings(max_examples=7, derandomize=True, database=None)
    seen: list[Any] = []

    def test_it(x: Any) -> None:
        seen.append(x)

    if place == "argument":
        test = given_gradients(np.sin, settings=chosen)(test_it)
    else:
        door = given_gradients(np.sin)
        test = chosen(door(test_it)) if place == "above" else door(chosen(test_it))
    assert is_hypothesis_test(test)
    test()
    assert len(seen) == 7


def test_failures_are_kept_and_tried_again_first() -> None:
    database, calls = InMemoryExampleDatabase(), list[Any]()

    def f(x: Any) -> Any:
        calls.append(np.shape(x))
        return wrong(x)

    wrong = product()
    lengths = []
    for _ in range(2):
        calls.clear()
        with pytest.raises(GradientMismatch):
            assert_gradients(f, settings=Settings(database=database, derandomize=False, max_examples=150))
        lengths.append(len(calls))
    assert database.data
    assert lengths[1] < lengths[0]


# --- the decorator ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["above", "below"])
def test_examples_and_seeds_are_used(place: str) -> None:
    seen: list[float] = []

    def test_it(report: Any, x: Any) -> None:
        seen.append(float(np.sum(x)))

    chosen = Settings(max_examples=3, database=None)
    door = given_gradients(np.sin, gradients.arrays(()), settings=chosen)
    tests = []
    for _ in range(2):
        mark = example(x=np.array(77.0))
        tests.append(seed(5)(mark(door(test_it)) if place == "above" else door(mark(test_it))))
        test_it.__dict__.clear()
    for test in tests:
        test()
    assert seen[0] == 77
    assert len(seen) == 8
    assert seen[:4] == seen[4:]


@pytest.mark.slow
@brief
@given_gradients(composed, scale=st.just(2.0))
def test_the_body_sees_the_report_and_the_inputs(report: Any, x: Any, scale: float) -> None:
    assert report.name == "composed"
    assert isinstance(x, np.ndarray)
    assert scale == 2


@pytest.mark.slow
def test_an_error_of_the_body_is_the_users() -> None:
    @given_gradients(np.sin, settings=brief)
    def body(report: Any, x: Any) -> None:
        assert not (x > 1).any(), "too large"

    with pytest.raises(AssertionError, match="too large") as caught:
        body()
    assert "x=array(2.)" in "".join(caught.value.__notes__)


FILE = """
import unittest

import numpy as np
import pytest
from hypothesis import settings
from autograd import rule
from autograd.testing.given import assert_gradients, given_gradients

few = settings(max_examples=5)

@rule(x=lambda g, x, y: g * y / x)
def product(x):
    return np.prod(x)

@pytest.fixture(scope="module")
def three():
    return 3

@pytest.mark.parametrize("k", [1, 2])
@few
@given_gradients(np.sin)
def test_with_a_fixture(report, k, three, x):
    assert k < three and x.size >= 0 and report.name == "sin"

class TestIt(unittest.TestCase):
    @few
    @given_gradients(np.cos)
    def test_method(self, report):
        self.assertEqual(report.name, "cos")

    @given_gradients(product)
    def test_wrong_method(self): ...

@given_gradients(product)
def test_wrong(report): ...

def test_wrong_as_well():
    assert_gradients(product)
"""


@pytest.mark.slow
def test_under_pytest_and_unittest(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(FILE)
    space = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}

    def run(*command: str) -> str:
        return subprocess.run(
            [sys.executable, "-W", "error", "-m", *command],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            env=space,
        ).stdout

    text = run("pytest", "-p", "no:cacheprovider", "-q")
    assert "3 failed, 3 passed" in text
    failures = text[text.index("FAILURES") : text.index("short test summary")]
    assert failures.count("see it again: check_grads(product, np.array(0.0))") == 3
    assert failures.count("product: forward mode, order 1, is wrong") == 3
    assert "reproduce_failure" not in failures
    assert "in run_engine" not in failures
    assert len(failures.splitlines()) < 45
    text = subprocess.run(
        [sys.executable, "-m", "unittest", "test_it"], cwd=tmp_path, capture_output=True, text=True, check=False, env=space
    ).stderr
    assert "Ran 2 tests" in text
    assert "FAILED (failures=1)" in text
    assert "see it again: check_grads(product, np.array(0.0))" in text


# --- code ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        np.array([1.0, -0.5]),
        np.array([[1, 2]]),
        np.zeros((0, 3), np.float32),
        np.array([1.5], np.float32),
        np.array([1 + 2j]),
        np.array([True]),
        Tensor(np.array([1.0])),
        {"a": [1.0, (np.array(2.0),)], "b": None},
        (1, "x"),
    ],
)
def test_values_are_written_as_code(value: Any) -> None:
    code = written(value)
    again = eval(code, {"np": np, "Tensor": Tensor})
    assert written(again) == code
    assert type(again) is type(value)
    if isinstance(value, np.ndarray):
        assert again.dtype == value.dtype
        np.testing.assert_array_equal(again, value, strict=True)
