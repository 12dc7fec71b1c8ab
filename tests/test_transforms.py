"""Transforms: nesting without confusion, containers, plain and Tensor results; and the convention for complex numbers."""

import weakref
from typing import Any

import numpy as np
import pytest

import autograd as ag
from autograd import DtypeError, GradientError, ShapeError, Tensor, grad, jvp, transforms, value_and_grad, vjp
from autograd.rule import Rule, Sample
from autograd.testing import check_grads, numeric

from .test_rules import SMOOTH, as_function, build, moving, plain


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


def test_plain_arguments_of_an_inner_transform_are_nobodys_from_outside() -> None:
    f = lambda a, b: a * a * b  # noqa: E731
    y, pull = vjp(lambda x: vjp(f, x, 2.0)[1](1.0)[0], 3.0)
    assert (y, pull(1.0)) == (12.0, (4.0,))
    assert type(y) is float
    assert type(grad(lambda x: grad(f, (0, 1))(x, 2.0)[0])(3.0)) is float


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


# --- the family ------------------------------------------------------------------------------------------------------------

X, W, V = np.array([0.3, -0.8, 1.1]), np.array([1.5, 0.2, -0.4]), np.array([1.0, -2.0, 0.5])


def curved(x: Any, w: Any = W) -> Any:
    return np.sum(np.sin(x * w) * x**2) + x[0] * x[1] * x[2]


def spread(x: Any, w: Any = W) -> Any:
    return np.stack([x * w, np.exp(x) * w[0], x[::-1] ** 2])


def slopes(f: Any, x: Any) -> Any:
    """The Jacobian, a column at a time, by finite differences."""
    columns = []
    for e in np.eye(x.size).reshape(-1, *x.shape):
        found = numeric.slope(lambda xs: [np.asarray(f(*xs))], [x], [numeric.STEP * e])
        columns.append(found.values[0] / numeric.STEP)
    return np.stack(columns, axis=-1).reshape(np.shape(columns[0]) + x.shape)


def test_a_jacobian_has_the_shape_of_output_and_argument() -> None:
    found = ag.jacobian(spread)(X)
    assert found.shape == (3, 3, 3)
    np.testing.assert_allclose(found, slopes(spread, X), rtol=1e-9, atol=1e-10)
    assert ag.jacobian(lambda x: x.sum())(X).shape == (3,)
    assert ag.jacobian(lambda x: x[:0])(X).shape == (0, 3)
    assert ag.jacobian(lambda x: x * 2.0)(1.5) == 2.0
    assert ag.jacobian(spread)(X.astype(np.float32)).dtype == np.float32
    np.testing.assert_array_equal(ag.jacobian(lambda x: np.ones(2))(X), np.zeros((2, 3)))


def test_jacobians_of_containers() -> None:
    f = lambda p: {"a": p["w"] * p["b"], "s": (p["w"].sum(),)}  # noqa: E731
    found = ag.jacobian(f)({"w": X, "b": 2.0})
    np.testing.assert_array_equal(found["a"]["w"], 2 * np.eye(3))
    np.testing.assert_array_equal(found["a"]["b"], X)
    np.testing.assert_array_equal(found["s"][0]["w"], np.ones(3))
    by_x, by_w = ag.jacobian(lambda x, w: x * w, (0, 1))(X, W)
    np.testing.assert_array_equal(by_x, np.diag(W))
    np.testing.assert_array_equal(by_w, np.diag(X))


def test_a_jacobian_in_several_sweeps_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = ag.jacobian(spread)(X)
    monkeypatch.setattr(transforms, "ELEMENTS_AT_ONCE", 20)
    np.testing.assert_array_equal(ag.jacobian(spread)(X), whole)


def test_the_hessian_is_that_of_finite_differences_and_symmetric() -> None:
    found = ag.hessian(curved)(X)
    np.testing.assert_allclose(found, slopes(grad(curved), X), rtol=1e-8)
    np.testing.assert_allclose(found, found.T, rtol=1e-13)
    np.testing.assert_allclose(ag.hessian(spread)(X), slopes(ag.jacobian(spread), X), rtol=1e-8, atol=1e-9)
    assert ag.hessian(lambda x: x**3)(2.0) == 12.0


@pytest.mark.parametrize("product", [ag.hvp, ag.hessian_vector_product, ag.hessian_tensor_product])
def test_products_with_the_hessian(product: Any) -> None:
    hessian = ag.hessian(curved)(X)
    np.testing.assert_allclose(product(curved)(X, V), hessian @ V, rtol=1e-12)
    np.testing.assert_allclose(product(lambda w, x: curved(x, w), 1)(W, X, V), hessian @ V, rtol=1e-12)
    pull, gradient = ag.make_hvp(curved)(X)
    np.testing.assert_allclose(pull(V), hessian @ V, rtol=1e-12)
    np.testing.assert_array_equal(gradient, grad(curved)(X))


def test_products_with_the_jacobian() -> None:
    jacobian = ag.jacobian(spread)(X)
    y, t = ag.make_jvp(spread)(X)(V)
    np.testing.assert_array_equal(y, spread(X))
    np.testing.assert_allclose(t, jacobian @ V, rtol=1e-13)
    for w in (np.arange(9.0).reshape(3, 3), V):
        expected = np.tensordot(w, jacobian, np.ndim(w))
        np.testing.assert_allclose(ag.tensor_jacobian_product(spread)(X, w), expected, rtol=1e-13)
    pull, y = ag.make_vjp(spread)(X)
    np.testing.assert_array_equal(y, spread(X))
    np.testing.assert_allclose(pull(jacobian[..., 0]), np.tensordot(jacobian[..., 0], jacobian, 2), rtol=1e-13)


def test_the_gauss_newton_product_is_that_of_the_matrices() -> None:
    f, g = (lambda x: np.tanh(x * W)), (lambda y: np.sum(y**4))
    jacobian, middle = ag.jacobian(f)(X), ag.hessian(g)(f(X))
    np.testing.assert_allclose(ag.make_ggnvp(f, g)(X)(V), jacobian.T @ middle @ jacobian @ V, rtol=1e-12)
    np.testing.assert_allclose(ag.make_ggnvp(f)(X)(V), jacobian.T @ jacobian @ V, rtol=1e-12)


def test_small_relatives() -> None:
    np.testing.assert_array_equal(ag.elementwise_grad(np.sin)(X), np.cos(X))
    np.testing.assert_allclose(
        ag.elementwise_grad(lambda x, w: spread(x, w).sum(0), 1)(X, W), slopes(lambda w: spread(X, w).sum(), W)
    )
    gradient, aux = ag.grad_and_aux(lambda x: (curved(x), {"y": x * 2}))(X)
    np.testing.assert_array_equal(gradient, grad(curved)(X))
    np.testing.assert_array_equal(aux["y"], 2 * X)
    assert isinstance(aux["y"], np.ndarray)
    assert ag.deriv(np.sin)(0.0) == 1.0
    z = 0.3 - 0.7j
    np.testing.assert_allclose(ag.holomorphic_grad(lambda z: np.exp(z) * z**2)(z), np.exp(z) * (z**2 + 2 * z), rtol=1e-14)


TRANSFORMS: dict[str, Any] = {
    "grad": lambda f: lambda x: grad(lambda x: np.sum(f(x) * W))(x),
    "jvp": lambda f: lambda x: jvp(f, (x,), (V,))[1],
    "vjp": lambda f: lambda x: vjp(f, x)[1](V)[0],
    "jacobian": lambda f: lambda x: ag.jacobian(f)(x) @ V,
    "checkpoint": lambda f: ag.checkpoint(f),
    "elementwise_grad": lambda f: ag.elementwise_grad(f),
}


@pytest.mark.parametrize("outer", TRANSFORMS)
@pytest.mark.parametrize("middle", TRANSFORMS)
@pytest.mark.parametrize("inner", TRANSFORMS)
def test_transforms_nest_in_any_order(outer: str, middle: str, inner: str) -> None:
    """Three deep, the directional derivative of the stack is that of finite differences of the two below."""
    below = TRANSFORMS[middle](TRANSFORMS[inner](lambda x: np.sin(x) * x[::-1] ** 2))
    whole = TRANSFORMS[outer](below)(X)
    below_jacobian = slopes(below, X)
    expected = {
        "grad": W @ below_jacobian,
        "jvp": below_jacobian @ V,
        "vjp": V @ below_jacobian,
        "jacobian": below_jacobian @ V,
        "checkpoint": below(X),
        "elementwise_grad": below_jacobian.sum(0),
    }[outer]
    np.testing.assert_allclose(plain(whole), expected, rtol=1e-7, atol=1e-8)


def test_a_jacobian_with_a_parameter_outside_is_differentiable() -> None:
    w = Tensor(W)
    penalty = (ag.jacobian(lambda x: np.sin(x * w))(X) ** 2).sum()
    penalty.backward()
    differences = slopes(lambda w: ((w * np.cos(X * w)) ** 2).sum(), W)
    np.testing.assert_allclose(w.grad.data, differences, rtol=1e-9)


def test_hooks_see_one_cotangent_at_a_time() -> None:
    seen = []

    def f(x: Any) -> Any:
        y = x * 2.0
        y.register_hook(lambda g: seen.append(g.shape))
        return np.sin(y)

    np.testing.assert_allclose(ag.jacobian(f)(X), np.diag(2 * np.cos(2 * X)))
    assert seen == [(3,)] * 3


# --- checkpoint ------------------------------------------------------------------------------------------------------------


def test_checkpoint_gives_the_same_gradients_and_keeps_only_arguments() -> None:
    w, x = Tensor(W), Tensor(X)
    kept_values = []

    def block(h: Any, scale: float, extra: dict[str, Any]) -> Any:
        inside = np.tanh(h * w) * scale
        kept_values.append(weakref.ref(inside.node))
        return {"h": inside + extra["b"], "n": (inside * inside).sum()}

    b = Tensor(2.0)
    out = ag.checkpoint(block)(x * 1.0, 3.0, extra={"b": b})
    assert kept_values[0]() is None  # nothing of the inside is alive
    (out["h"].sum() + out["n"]).backward()
    found = [t.grad.data for t in (x, w, b)]
    x, w, b = Tensor(X), Tensor(W), Tensor(2.0)
    out = block(x * 1.0, 3.0, {"b": b})
    (out["h"].sum() + out["n"]).backward()
    for ours, t in zip(found, (x, w, b), strict=True):
        np.testing.assert_allclose(ours, t.grad.data, rtol=1e-13)


def test_checkpoint_of_a_computed_closure_goes_on_behind_it() -> None:
    w = Tensor(W)
    scaled = w * 2.0
    ag.checkpoint(lambda x: x * scaled)(Tensor(X)).sum().backward()
    np.testing.assert_array_equal(w.grad.data, 2 * X)


def test_checkpoint_refuses_what_does_not_repeat() -> None:
    rng = np.random.default_rng(0)
    y = ag.checkpoint(lambda x: x * rng.normal(size=3))(Tensor(X)).sum()
    with pytest.raises(ag.GradientError, match="gave other values"):
        y.backward()
    w = Tensor(2.0)
    y = ag.checkpoint(lambda x: x * w)(Tensor(X)).sum()
    w.data = 3.0
    with pytest.raises(ag.GradientError, match="has changed in between"):
        y.backward()


def test_checkpoint_outside_a_graph_is_the_function() -> None:
    f = ag.checkpoint(lambda x: np.sin(x))
    np.testing.assert_array_equal(f(X), np.sin(X))
    with ag.no_grad():
        assert not f(Tensor(X)).requires_grad
    assert not f(Tensor(X, requires_grad=False)).requires_grad
    _, program = ag.record(lambda x: f(x).sum(), X)
    np.testing.assert_array_equal(program.run(2 * X).data, np.sin(2 * X).sum())


WRONG: dict[str, tuple[Any, type[Exception], str]] = {
    "an integer": (lambda: grad(lambda x: x * 2)(3), ag.DtypeError, "Pass 1.0 for 1"),
    "integers": (lambda: vjp(lambda x: x * 2, np.arange(3)), ag.DtypeError, "only floats"),
    "not a scalar": (lambda: grad(lambda x: x * 2)(np.ones(3)), ag.GradientError, r"returned shape \(3,\)"),
    "two outputs": (lambda: ag.grad_and_aux(lambda x: x.sum())(np.ones(3)), ag.GradientError, "tuple of two"),
    "an argument that is not there": (lambda: grad(lambda x: x, 1)(1.0), TypeError, "argnum"),
    "the same argument twice": (lambda: grad(lambda x, y: x, (0, -2))(1.0, 2.0), TypeError, "argnum"),
    "a tangent's shape": (lambda: jvp(lambda x: x, (np.ones(2),), (np.ones(3),)), ag.ShapeError, "tangent"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_use_is_told(case: str) -> None:
    wrong, error, words = WRONG[case]
    with pytest.raises(error, match=words):
        wrong()


# --- complex numbers -------------------------------------------------------------------------------------------------------

# What takes complex numbers and has no complex derivative, because it orders them or is made for real ones.
REAL_ONLY = {"relu", "sign", "sigmoid", "clip", "max", "min", "logsumexp", "softmax", "log_softmax", "absorb", "round"}
REAL_ONLY |= {"arccosh", "std", "astype", "floor", "ceil", "trunc", "rint", "maximum", "minimum", "fmax", "fmin"}
# Made for real numbers: the functions of nn that call them refuse others.
REAL_ONLY |= {"gelu", "gelu_slope", "gelu_tanh", "gelu_tanh_slope", "silu", "silu_slope", "logsigmoid"}
REAL_ONLY |= {"smooth_absolute", "binary_logits", "recurrence", "recurrence_pull"}
# Vectors of a length of 1 and of a phase that is LAPACK's choice: tests/test_linalg.py has losses that do not depend on it.
REAL_ONLY |= {"eigh_parts", "svd_parts", "qr_parts"}
# What SciPy computes of complex numbers, while its derivative is known of real ones only: an error.
REFUSED = ["digamma", "ive", "kve", "shichi", "spence"]


def takes_complex(rule: Rule, sample: Sample) -> bool:
    if rule.name in REAL_ONLY or rule.name in REFUSED:
        return False
    inputs = [x + 0j if i in moving(rule, build(rule, sample)) else x for i, x in enumerate(build(rule, sample))]
    try:
        rule.forward(*inputs, **{**rule.defaults, **sample.attributes})
    except (TypeError, ag.DtypeError):
        return False
    return True


COMPLEX = [case for case in SMOOTH if takes_complex(*case.values)]  # type: ignore[arg-type]


@pytest.mark.parametrize(("rule", "sample"), COMPLEX)
def test_complex_gradients_follow_the_convention(rule: Rule, sample: Sample) -> None:
    """For real L and z = a + ib the gradient is dL/da - i dL/db, so dL = Re(sum(gradient * dz))."""
    f, xs = as_function(rule, sample)
    rng = np.random.default_rng(3)
    zs = [x + 0.3j * rng.normal(size=x.shape) for x in xs]
    check_grads(f, *zs, order=1, rtol=1e-7)


@pytest.mark.parametrize("name", REFUSED)
def test_derivatives_that_are_not_known_of_complex_numbers_are_errors(name: str) -> None:
    rule = ag.registry[name]
    zs = [Tensor(np.full(2, 0.5 + 0.3j)) if d is not None or rule.joint else 1.0 for d in rule.derivatives]
    y = rule.op(*zs)
    with pytest.raises(ag.DtypeError):
        (sum(y) if isinstance(y, tuple) else y).sum().real.backward()


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


# --- containers in another order, and other faults -----------------------------------------------------------------------


def test_the_order_of_a_dictionary_does_not_matter() -> None:
    x = np.array([1.0, 2.0])
    _, pull = ag.vjp(lambda p: {"a": p["u"], "b": 2 * p["v"]}, {"u": x, "v": x})
    (found,) = pull({"b": 10 * x, "a": x})
    np.testing.assert_array_equal(found["u"], x)
    np.testing.assert_array_equal(found["v"], 20 * x)
    _, t = ag.jvp(lambda p: p["u"] + 10 * p["v"], ({"u": x, "v": x},), ({"v": x, "u": 0 * x},))
    np.testing.assert_array_equal(t, 10 * x)
    for wrong in (lambda: ag.jvp(np.sin, (x,), (x, x)), lambda: pull(x), lambda: pull({"a": x, "c": x})):
        with pytest.raises(ShapeError, match="containers that differ"):
            wrong()


def test_the_jacobian_of_a_complex_function_of_real_numbers_is_complex() -> None:
    x = np.array([0.5, 1.5])
    expected = np.diag(1j * np.exp(1j * x))
    for given in (x, Tensor(x)):
        found = ag.jacobian(lambda x: np.exp(1j * x))(given)
        np.testing.assert_allclose(found if given is x else found.detach().numpy(), expected, rtol=1e-15)
    assert ag.jacobian(lambda x: np.exp(1j * x))(x.astype(np.float32)).dtype == np.complex64
    np.testing.assert_allclose(ag.hessian(lambda x: (1j * x**2).sum())(x), np.eye(2) * 2j, rtol=1e-15)
    with pytest.raises(GradientError, match="real part"):
        ag.elementwise_grad(lambda x: np.exp(1j * x))(x)
    with pytest.raises(DtypeError, match=r"x \+ 0j"):
        ag.holomorphic_grad(lambda x: np.exp(1j * x).sum())(x)


@pytest.mark.parametrize("op", [np.linalg.eigvalsh, lambda x: np.linalg.eigh(x)[0], lambda x: np.linalg.svd(x)[1]])
def test_forward_over_forward_on_plain_arrays_is_plain(op: Any) -> None:
    x = np.array([[2.0, 1.0], [1.0, 3.0]])
    _, t = ag.jvp(lambda x: ag.jvp(op, (x,), (x,))[1], (x,), (x,))
    assert type(t) is np.ndarray
    np.testing.assert_allclose(t, op(x), rtol=1e-12)


def test_tangents_of_numbers_are_numbers() -> None:
    for f in (lambda x: x**2, ag.checkpoint(lambda x: x**2), lambda x: 3.0, lambda x: 3):
        for x in (1.5, np.float64(1.5), 1.5 + 1j):
            _, t = ag.jvp(f, (x,), (x,))
            assert type(t) is not np.ndarray
    assert type(ag.jvp(ag.checkpoint(np.sin), (1.5,), (1.0,))[1]) is float
    assert type(ag.deriv(np.sin)(1.5 + 1j)) is np.complex128


def test_checkpoint_of_python_numbers_and_of_several_outputs() -> None:
    def f(x: Any, w: Any) -> Any:
        return np.sin(x) * w, w * w, x.argmax() if np.ndim(x) else 1, "text", None

    def loss(f: Any) -> Any:
        def total(x: Any, w: Any) -> Any:
            a, b, count, text, nothing = f(x, w)
            assert (text, nothing) == ("text", None)
            return (a * b * count).sum()

        return total

    for x in (np.array([0.1, 0.2, 0.3], np.float32), np.array([0.1, 0.2]), 0.3, np.float32(0.3)):
        expected, found = ag.value_and_grad(loss(f), (0, 1))(x, 0.1), ag.value_and_grad(loss(ag.checkpoint(f)), (0, 1))(x, 0.1)
        assert np.array_equal(found[0], expected[0])
        for ours, theirs in zip(found[1], expected[1], strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-6)
            assert np.asarray(ours).dtype == np.asarray(theirs).dtype
        tangents = ag.jvp(loss(ag.checkpoint(f)), (x, 0.1), (x, 1.0))[1], ag.jvp(loss(f), (x, 0.1), (x, 1.0))[1]
        np.testing.assert_allclose(*tangents, rtol=1e-6)
    assert ag.checkpoint(lambda x: ())(Tensor(1.0)) == ()
    with pytest.raises(DtypeError):
        ag.checkpoint(lambda x: (x * i for i in range(3)))(Tensor(1.0))


def test_containers_where_one_number_is_wanted_are_told() -> None:
    with pytest.raises(GradientError, match="one number, and this one returned a tuple"):
        ag.grad(lambda x: (x, x))(1.0)
