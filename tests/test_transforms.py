"""Transforms: nesting without confusion, containers, plain and Tensor results; and the convention for complex numbers."""

from typing import Any

import numpy as np
import pytest

import autograd as ag
from autograd import Tensor, grad, jvp, value_and_grad, vjp
from autograd.rule import Rule, Sample

from .numeric import directional
from .test_rules import SMOOTH, build, function_of, moving


def test_perturbations_are_not_confused() -> None:
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(1.0) == 1.0
    assert grad(lambda x: x * grad(lambda y: x * y)(2.0))(3.0) == 6.0
    inner = lambda x: jvp(lambda y: x * y * y, (2.0,), (1.0,))[1]  # noqa: E731
    assert grad(inner)(5.0) == 4.0
    assert jvp(lambda x: x * jvp(lambda y: x + y, (1.0,), (1.0,))[1], (1.0,), (1.0,))[1] == 1.0


@pytest.mark.parametrize("order", range(6))
def test_any_order(order: int) -> None:
    f: Any = lambda x: np.sin(2 * x)  # noqa: E731
    g: Any = f
    for i in range(order):
        g = grad(g) if i % 2 else (lambda h: lambda x: jvp(h, (x,), (1.0,))[1])(g)
    x = 0.7
    expected = [
        np.sin(2 * x),
        2 * np.cos(2 * x),
        -4 * np.sin(2 * x),
        -8 * np.cos(2 * x),
        16 * np.sin(2 * x),
        32 * np.cos(2 * x),
    ]
    np.testing.assert_allclose(float(g(x)), expected[order], rtol=1e-12)


def test_plain_in_plain_out_and_tensors_for_tensors() -> None:
    value, gradient = value_and_grad(lambda x: (x * x).sum())(np.array([1.0, 2.0]))
    assert isinstance(gradient, np.ndarray)
    assert value == 5.0
    gradient[0] = 7.0  # it is the caller's own
    x = Tensor([1.0, 2.0])
    gradient = grad(lambda x: (x**3).sum())(x)
    assert isinstance(gradient, Tensor)
    gradient.sum().backward()
    np.testing.assert_array_equal(x.grad.data, [6.0, 12.0])
    assert grad(lambda x: x.sum())(np.ones(3, np.float32)).dtype == np.float32


def test_gradients_that_depend_on_a_parameter_outside() -> None:
    w = Tensor(3.0)
    slope = grad(lambda x: w * x * x)(2.0)  # a penalty on a gradient, say
    assert slope.item() == 12.0
    slope.backward()
    assert w.grad.item() == 4.0


def test_containers_of_arguments() -> None:
    params = {"w": np.array([1.0, 2.0]), "b": [0.5, (np.ones(2),)]}
    f = lambda p, x: ((p["w"] * x).sum() + p["b"][0]) * p["b"][1][0].sum()  # noqa: E731
    gradient = grad(f)(params, np.array([1.0, 10.0]))
    np.testing.assert_array_equal(gradient["w"], [2.0, 20.0])
    assert gradient["b"][0] == 2.0
    np.testing.assert_array_equal(gradient["b"][1][0], [21.5, 21.5])
    by_w, by_x = grad(f, (0, 1))(params, np.array([1.0, 10.0]))
    np.testing.assert_array_equal(by_x, [2.0, 4.0])
    np.testing.assert_array_equal(by_w["w"], [2.0, 20.0])


def test_what_does_not_depend_has_a_zero_gradient() -> None:
    assert grad(lambda x, y: x * 2.0, 1)(1.0, 5.0) == 0.0
    np.testing.assert_array_equal(grad(lambda x: 3.0)(np.ones(2)), [0.0, 0.0])
    _, t = jvp(lambda x: np.ones(2), (1.0,), (1.0,))
    np.testing.assert_array_equal(t, [0.0, 0.0])


def test_gradients_work_inside_no_grad() -> None:
    with ag.no_grad():
        assert grad(lambda x: x * x)(3.0) == 6.0


def test_a_leaf_of_the_user_is_not_touched() -> None:
    x = Tensor([1.0, 2.0])
    grad(lambda x: (x * x).sum())(x)
    assert x.grad is None


def test_assignment_to_an_argument() -> None:
    def f(x: Any) -> Any:
        x[0] = x[1] * 3.0
        return (x * x).sum()

    x = np.array([1.0, 2.0])
    np.testing.assert_array_equal(grad(f)(x), [0.0, 40.0])
    np.testing.assert_array_equal(x, [1.0, 2.0])


WRONG: dict[str, tuple[Any, type[Exception], str]] = {
    "an integer": (lambda: grad(lambda x: x * 2)(3), ag.DtypeError, "Pass 1.0 for 1"),
    "integers": (lambda: vjp(lambda x: x * 2, np.arange(3)), ag.DtypeError, "only floats"),
    "not a scalar": (lambda: grad(lambda x: x * 2)(np.ones(3)), ag.GradientError, r"returned shape \(3,\)"),
    "a tangent's shape": (lambda: jvp(lambda x: x, (np.ones(2),), (np.ones(3),)), ag.ShapeError, "tangent"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_use_is_told(case: str) -> None:
    wrong, error, words = WRONG[case]
    with pytest.raises(error, match=words):
        wrong()


# --- complex numbers -------------------------------------------------------------------------------------------------------

# Real functions, and functions that order numbers: they have nothing to say of complex ones.
REAL_ONLY = [
    "floor_divide",
    "remainder",
    "fmod",
    "logaddexp",
    "logaddexp2",
    "cbrt",
    "hypot",
    "arctan2",
    "sigmoid",
    "relu",
    "sign",
    "floor",
    "ceil",
    "trunc",
    "rint",
    "maximum",
    "minimum",
    "fmax",
    "fmin",
    "clip",
    "max",
    "min",
    "logsumexp",
    "softmax",
    "log_softmax",
    "absorb",
    "round",
    "arccosh",
    "std",
    "astype",
]
COMPLEX = [case for case in SMOOTH if case.values[0].name not in REAL_ONLY]  # type: ignore[union-attr]


@pytest.mark.parametrize(("rule", "sample"), COMPLEX)
def test_complex_gradients_follow_the_convention(rule: Rule, sample: Sample) -> None:
    """For real L and z = a + ib the gradient is dL/da - i dL/db, so dL = Re(sum(gradient * dz))."""
    inputs = build(rule, sample)
    free = moving(rule, inputs)
    f = function_of(rule, sample, inputs, free)
    rng = np.random.default_rng(3)
    zs = [inputs[i] + 0.3j * rng.normal(size=inputs[i].shape) for i in free]
    directions = [rng.normal(size=z.shape) + 1j * rng.normal(size=z.shape) for z in zs]
    y, pull = vjp(f, *zs)
    numeric = directional(lambda *zs: np.asarray(f(*zs)), zs, directions)
    _, forward = jvp(f, tuple(zs), tuple(directions))
    np.testing.assert_allclose(forward, numeric, rtol=1e-6, atol=1e-7)
    g = rng.normal(size=np.shape(y)) + (1j * rng.normal(size=np.shape(y)) if np.iscomplexobj(y) else 0)
    gradients = pull(g if np.shape(y) else y.dtype.type(g))
    along = sum(np.sum(gradient * d) for gradient, d in zip(gradients, directions, strict=True))
    np.testing.assert_allclose(along.real, np.sum(g * numeric).real, rtol=1e-6, atol=1e-7)
    for z, gradient in zip(zs, gradients, strict=True):
        assert gradient.dtype == z.dtype


def test_a_real_input_of_a_complex_function_has_a_real_gradient() -> None:
    gradient = grad(lambda x: (np.exp(1j * x) * (2 + 1j)).real.sum())(np.array([0.5]))
    assert gradient.dtype == np.float64
    np.testing.assert_allclose(gradient, [-2 * np.sin(0.5) - np.cos(0.5)])


def test_ops_that_order_numbers_refuse_complex_ones_or_have_no_gradient() -> None:
    z = Tensor([1 + 1j, 2 - 1j])
    for wrong in (lambda: np.floor(z), lambda: np.arctan2(z, z), lambda: np.cbrt(z)):
        with pytest.raises(ag.DtypeError):
            wrong()
    with pytest.raises(ag.DtypeError, match="x / abs"):
        np.sign(z).backward(np.ones(2, complex))
