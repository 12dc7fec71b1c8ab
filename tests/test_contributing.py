"""CONTRIBUTING.md shows how to add an op: its code runs as it stands, and the ops that it adds work in every way promised."""

import math
import re
from pathlib import Path

import numpy as np
import pytest

import autograd
from autograd import Tensor, grad, jvp, record
from autograd.rule import KINDS
from autograd.testing import check_grads

PAGE = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
CODE = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
A = np.array([[0.3, -1.2, 2.0], [0.7, 0.1, -0.4]])
B = np.array([[1.1, 0.4, -0.6], [-0.2, 0.9, 1.5]])


@pytest.fixture
def page(own_ops):
    """The namespace that the page's code leaves."""
    namespace = {"__name__": "contributing"}
    (code,) = CODE
    exec(compile(code, "CONTRIBUTING.md", "exec"), namespace)
    return namespace


# op: the function of one array that a test looks at, and its value, first and second derivative along a direction of ones
CASES = {
    "log_cosh": (
        lambda op: op,
        lambda x: np.log(np.cosh(x)),
        np.tanh,
        lambda x: 1 - np.tanh(x) ** 2,
    ),
    "average": (
        lambda op: lambda x: op(x * x, axis=0),
        lambda x: (x * x).mean(axis=0),
        lambda x: x,  # 2x, by two rows
        np.ones_like,
    ),
    "log_add": (
        lambda op: lambda x: op(x, 2 * x, B),
        lambda x: np.log(np.exp(x) + np.exp(2 * x) + np.exp(B)),
        lambda x: (np.exp(x) + 2 * np.exp(2 * x)) / (np.exp(x) + np.exp(2 * x) + np.exp(B)),
        lambda x: _second_of_log_add(x),
    ),
}


def _second_of_log_add(x):
    total = np.exp(x) + np.exp(2 * x) + np.exp(B)
    slope = (np.exp(x) + 2 * np.exp(2 * x)) / total
    return (np.exp(x) + 4 * np.exp(2 * x)) / total - slope**2


@pytest.fixture(params=CASES)
def case(request, page):
    use, *expected = CASES[request.param]
    return (use(page[request.param]), *expected)


def total(f):
    return lambda x: f(x).sum()


def test_every_op_of_the_page_is_tested(page):
    assert {name.removeprefix("contributing.") for name in autograd.registry if name.startswith("contributing.")} == set(CASES)


def test_value(case):
    f, value, _, _ = case
    np.testing.assert_allclose(f(A), value(A), rtol=1e-12)
    assert isinstance(f(A), np.ndarray)
    np.testing.assert_allclose(f(Tensor(A)).data, value(A), rtol=1e-12)


def test_gradient(case):
    f, _, first, _ = case
    np.testing.assert_allclose(grad(total(f))(A), first(A), rtol=1e-12)
    x = Tensor(A)
    f(x).sum().backward()
    np.testing.assert_allclose(x.grad.data, first(A), rtol=1e-12)


def test_second_derivative(case):
    f, _, _, second = case
    np.testing.assert_allclose(grad(total(grad(total(f))))(A), second(A), rtol=1e-11, atol=1e-14)


def test_forward_mode(case):
    f, value, _, _ = case
    np.testing.assert_allclose(jvp(f, (A,), (B,))[0], value(A), rtol=1e-12)
    check_grads(f, A, order=1, rtol=1e-7)


def test_recording(case):
    f, value, first, _ = case
    x = Tensor(A)

    def step(rate):
        x.grad = None
        y = f(x)
        y.sum().backward()
        x.data = x - rate * x.grad
        return y

    _, program = record(step, 0.1)
    after = A - 0.1 * first(A)
    np.testing.assert_allclose(x.data, after, rtol=1e-12)
    np.testing.assert_allclose(program.run(0.1).data, value(after), rtol=1e-12)
    np.testing.assert_allclose(x.data, after - 0.1 * first(after), rtol=1e-12)


def test_scalars_take_the_scalar_path(page):
    log_cosh = page["log_cosh"]
    x = Tensor(0.5)
    y = log_cosh(x)
    assert type(y.data) is float
    assert y.data == pytest.approx(math.log(math.cosh(0.5)), rel=1e-14)
    assert grad(grad(log_cosh))(0.5) == pytest.approx(1 - math.tanh(0.5) ** 2, rel=1e-14)


def test_the_kinds_of_the_page_are_the_kinds():
    table = PAGE.split("**Kinds**")[1].split("**Samples**")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(KINDS)


def test_the_registry_is_as_before():
    assert not [name for name in autograd.registry if name.startswith("contributing.")]
