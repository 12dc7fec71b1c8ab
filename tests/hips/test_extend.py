"""`autograd.extend`: primitives with vjps and jvps of their own, containers, errors, recording, vector spaces; the tracer."""

import numpy as onp
import pytest

import autograd.numpy as np
from autograd import (
    GradientError,
    NoRuleError,
    RuleError,
    ShapeError,
    Tensor,
    elementwise_grad,
    grad,
    hessian,
    jacobian,
    jvp,
    make_jvp,
    make_vjp,
    record,
    registry,
    value_and_grad,
)
from autograd.builtins import isinstance as isinstance_
from autograd.builtins import type as type_
from autograd.extend import (
    UndefinedError,
    def_linear,
    defjvp,
    defjvp_argnum,
    defjvp_argnums,
    defvjp,
    defvjp_argnum,
    defvjp_argnums,
    notrace_primitive,
    primitive,
    vspace,
)
from autograd.test_util import check_grads
from autograd.tracer import Box, Node, getval, isbox, trace

X = onp.array([0.5, 1.5, 2.5])


def weighted(x, w, power=2):
    return w * x**power


def with_vjp():
    f = primitive(weighted)
    defvjp(
        f,
        lambda ans, x, w, power=2: lambda g: g * w * power * x ** (power - 1),
        lambda ans, x, w, power=2: lambda g: g * x**power,
    )
    return f


def with_jvp():
    f = primitive(weighted)
    defjvp(f, lambda g, ans, x, w, power=2: g * w * power * x ** (power - 1), lambda g, ans, x, w, power=2: g * x**power)
    return f


def with_vjp_argnum():
    f = primitive(weighted)

    def maker(argnum, ans, args, kwargs):
        x, w = args
        power = kwargs.get("power", 2)
        return lambda g: g * (w * power * x ** (power - 1) if argnum == 0 else x**power)

    defvjp_argnum(f, maker)
    return f


def with_vjp_argnums():
    f = primitive(weighted)

    def maker(argnums, ans, args, kwargs):
        x, w = args
        power = kwargs.get("power", 2)
        return lambda g: (g * (w * power * x ** (power - 1) if i == 0 else x**power) for i in argnums)

    defvjp_argnums(f, maker)
    return f


def with_jvp_argnum():
    f = primitive(weighted)

    def maker(argnum, g, ans, args, kwargs):
        x, w = args
        power = kwargs.get("power", 2)
        return g * (w * power * x ** (power - 1) if argnum == 0 else x**power)

    defjvp_argnum(f, maker)
    return f


def with_jvp_argnums():
    f = primitive(weighted)

    def maker(argnums, gs, ans, args, kwargs):
        x, w = args
        power = kwargs.get("power", 2)
        slopes = [w * power * x ** (power - 1), x**power]
        return sum(g * slopes[i] for i, g in zip(argnums, gs, strict=True))

    defjvp_argnums(f, maker)
    return f


def with_both():
    f = with_vjp()
    defjvp(f, lambda g, ans, x, w, power=2: g * w * power * x ** (power - 1), lambda g, ans, x, w, power=2: g * x**power)
    return f


MAKERS = [with_vjp, with_jvp, with_vjp_argnum, with_vjp_argnums, with_jvp_argnum, with_jvp_argnums, with_both]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("kwargs", [{}, {"power": 3}])
def test_a_primitive_in_both_modes_and_orders(make, kwargs):
    f = make()
    w = onp.array([2.0, -1.0, 0.5])
    check_grads(lambda x, w: f(x, w, **kwargs), (0, 1))(X, w)
    check_grads(lambda x: f(x, 2.0, **kwargs), order=3)(1.3)
    onp.testing.assert_array_equal(f(X, w, **kwargs), weighted(X, w, **kwargs))
    assert type(f(X, w)) is onp.ndarray


def test_the_name_and_the_docstring_stay():
    @primitive
    def documented(x):
        """What it is."""
        return x

    assert (documented.__name__, documented.__doc__) == ("documented", "What it is.")
    assert repr(documented.rule) == "<rule documented(inputs, call), general>"


def test_a_tensor_gives_a_tensor_with_a_graph():
    f = with_vjp()
    x = Tensor(X)
    y = f(x, 2.0)
    y.sum().backward()
    onp.testing.assert_allclose(x.grad.numpy(), 4 * X)


def test_an_input_that_is_written_to_later_was_kept():
    f = with_vjp()
    x, w = Tensor(X), onp.ones(3)
    y = f(x, w).sum()
    w[:] = 100.0
    y.backward()
    onp.testing.assert_allclose(x.grad.numpy(), 2 * X)


def test_argnums_name_the_arguments():
    f = primitive(lambda label, x: x * 3)
    defvjp(f, lambda ans, label, x: lambda g: 3 * g, argnums=[1])
    assert grad(f, 1)("label", 2.0) == 3.0


def test_none_is_a_gradient_of_zero():
    f = primitive(lambda x, w: x + w)
    defvjp(f, None, lambda ans, x, w: lambda g: g)
    assert grad(f)(1.0, 2.0) == 0.0
    assert grad(f, 1)(1.0, 2.0) == 1.0
    h = primitive(lambda x, w: x + w)
    defjvp(h, None, lambda g, ans, x, w: g)
    assert jvp(h, (1.0, 2.0), (5.0, 7.0)) == (3.0, 7.0)
    assert jvp(lambda x: h(x, 2.0), (1.0,), (5.0,)) == (3.0, 0.0)


def test_same_says_linear():
    f = primitive(lambda x, w: x * w)
    defjvp(f, "same", "same")
    assert jvp(lambda x: f(x, 3.0), (2.0,), (5.0,)) == (6.0, 15.0)
    assert jvp(f, (2.0, 3.0), (5.0, 7.0)) == (6.0, 29.0)
    with pytest.raises(UndefinedError, match="'same'"):
        grad(f)(2.0, 3.0)
    defvjp(f, lambda ans, x, w: lambda g: g * w, lambda ans, x, w: lambda g: g * x)
    check_grads(f, (0, 1))(2.0, 3.0)


def test_def_linear():
    f = primitive(lambda x, w: x * w)
    def_linear(f)
    assert make_jvp(f, 1)(2.0, 3.0)(5.0) == (6.0, 10.0)


def test_containers_as_arguments_and_results():
    f = primitive(lambda pair, c: {"sum": pair[0] + pair[1]["b"], "product": pair[0] * pair[1]["b"] * c})
    defvjp(
        f,
        lambda ans, pair, c: (
            lambda g: (
                g["sum"] + g["product"] * pair[1]["b"] * c,
                {"b": g["sum"] + g["product"] * pair[0] * c},
            )
        ),
    )

    def loss(pair):
        out = f(pair, 3.0)
        return np.sum(out["sum"] * out["product"] ** 2)

    def plain(pair):
        a, b = pair[0], pair[1]["b"]
        return np.sum((a + b) * (3 * a * b) ** 2)

    pair = (X, {"b": X + 1})
    ours, theirs = grad(loss)(pair), grad(plain)(pair)
    onp.testing.assert_allclose(ours[0], theirs[0])
    onp.testing.assert_allclose(ours[1]["b"], theirs[1]["b"])
    check_grads(loss)(pair)
    check_grads(lambda pair: f(pair, 3.0)["sum"])(pair)


def test_the_order_of_a_dictionary_does_not_matter():
    """What a vjp or a jvp returns is found by its keys."""
    f = primitive(lambda p: {"u": p["a"] * p["b"], "v": 3 * p["a"]})
    defvjp(f, lambda ans, p: lambda g: {"b": g["u"] * p["a"], "a": g["u"] * p["b"] + 3 * g["v"]})
    defjvp(f, lambda t, ans, p: {"v": 3 * t["a"], "u": t["a"] * p["b"] + p["a"] * t["b"]})
    p = {"a": X, "b": 2 + X}
    check_grads(f)(p)
    check_grads(lambda p: f(p)["u"])(p)


def test_the_numbers_among_several_outputs_are_numbers():
    f = primitive(lambda x: (2 * x, x.sum()))
    defvjp(f, lambda ans, x: lambda g: 2 * g[0] + g[1] * np.ones_like(x))
    (_, total), (_, slope) = jvp(f, (X,), (X,))
    assert type(total) is type(slope) is onp.float64


def test_integers_strings_and_functions_are_passed_as_they_are():
    seen = []

    @primitive
    def f(function, x, shape, label=None):
        seen.append((function, shape, label))
        return function(x).reshape(shape)

    defvjp(f, lambda ans, function, x, shape, label=None: lambda g: 2 * g.reshape(-1), argnums=(1,))
    double = lambda x: 2 * x  # noqa: E731 - the object itself is looked for below
    onp.testing.assert_array_equal(grad(lambda x: f(double, x, (3, 1), label="here").sum())(X), [2.0, 2.0, 2.0])
    assert seen == [(double, (3, 1), "here")]


# --- errors ----------------------------------------------------------------------------------------------------------------


def test_an_undefined_derivative_is_an_error():
    f = primitive(weighted)
    with pytest.raises(NotImplementedError, match="weighted with respect to argument 0 is not defined"):
        grad(f)(1.0, 2.0)
    with pytest.raises(NoRuleError):
        jvp(lambda x: f(x, 2.0), (1.0,), (1.0,))
    defvjp(f, lambda ans, x, w, power=2: lambda g: g)
    assert grad(f)(1.0, 2.0) == 1.0
    with pytest.raises(UndefinedError, match="argument 1"):
        grad(f, 1)(1.0, 2.0)
    assert f(Tensor(1.0).detach(), 2.0).item() == 2.0


def test_a_gradient_by_keyword_is_an_error():
    f = with_vjp()
    with pytest.raises(UndefinedError, match="by keyword"):
        grad(lambda power: f(1.5, 2.0, power=power))(2.0)


def test_a_closure_over_a_tensor_is_an_error():
    def outer(w):
        f = primitive(lambda x: x * w)
        defvjp(f, lambda ans, x: lambda g: g * w)
        return f(Tensor(2.0))

    with pytest.raises(GradientError, match="not one of its arguments"):
        grad(outer)(3.0)


@pytest.mark.parametrize("define", [defvjp, defjvp, defvjp_argnum, defjvp_argnum, defvjp_argnums, defjvp_argnums])
def test_only_a_primitive_has_derivatives_to_define(define):
    with pytest.raises(RuleError, match="no primitive"):
        define(np.sin, lambda *args: None)


def test_what_is_no_derivative_is_refused():
    with pytest.raises(RuleError, match="not 'same'"):
        defvjp(primitive(weighted), "same")
    with pytest.raises(RuleError, match="not 'other'"):
        defjvp(primitive(weighted), "other")


def test_wrong_shapes_are_refused():
    f = primitive(lambda x: x[:2])
    defvjp(f, lambda ans, x: lambda g: g)
    with pytest.raises((RuleError, ShapeError)):
        grad(lambda x: f(x).sum())(X)
    defjvp(f, lambda g, ans, x: g)
    with pytest.raises(ShapeError, match=r"jvp of .* returned float64\[3\] for an output of shape \(2,\)"):
        jvp(f, (X,), (X,))
    h = primitive(lambda pair: pair[0] + pair[1])
    defvjp(h, lambda ans, pair: lambda g: g)
    with pytest.raises(RuleError, match="other containers"):
        grad(h)((1.0, 2.0))
    k = primitive(lambda x: {"a": x})
    defjvp(k, lambda t, ans, x: {"b": t})
    with pytest.raises(RuleError, match="other containers"):
        jvp(k, (1.0,), (1.0,))


def nothing(*args):
    """A derivative that has forgotten its return."""


@pytest.mark.parametrize("maker", [nothing, lambda ans, x: nothing])
def test_a_vjp_that_returns_nothing_is_an_error(maker):
    f = primitive(lambda x: x * 2)
    defvjp(f, maker)
    with pytest.raises(RuleError, match="for argument 0 returned nothing"):
        grad(f)(1.0)


def test_a_jvp_that_returns_nothing_is_an_error():
    f = primitive(lambda x: x * 2)
    defjvp(f, nothing)
    with pytest.raises(ShapeError, match="returned NoneType"):
        jvp(f, (1.0,), (1.0,))


# --- recording -------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("own_ops")
@pytest.mark.parametrize("make", MAKERS)
def test_a_recorded_primitive_runs_again(make):
    f = make()

    def step(x):
        return grad(lambda x: np.sum(f(x, 2.0) ** 2))(x)

    before = len(registry)
    result, program = record(step, X)
    onp.testing.assert_allclose(result.detach().numpy(), 16 * X**3)
    onp.testing.assert_allclose(program.run(2 * X).numpy(), 128 * X**3)
    assert len(registry) > before


@pytest.mark.usefixtures("own_ops")
def test_the_registry_holds_no_primitive_unless_it_is_recorded():
    before = len(registry)
    grad(with_vjp())(1.0, 2.0)
    assert len(registry) == before


# --- the tracer ------------------------------------------------------------------------------------------------------------


def test_values_and_boxes():
    x = Tensor(X)
    assert isbox(x)
    assert isinstance(x, Box)
    assert not isbox(X)
    assert type(getval(x)) is onp.ndarray
    getval(x)[0] = 100.0
    assert x.tolist()[0] == 0.5
    assert getval("text") == "text"
    seen = []

    def f(x):
        seen.append((isbox(x), getval(x), isinstance_(x, float), type_(x)))
        return x * x

    assert grad(grad(f))(3.0) == 2.0
    assert seen == [(True, 3.0, True, float)]


def test_notrace_primitive_sees_plain_values():
    @notrace_primitive
    def sign(x, pair):
        assert type(x) is onp.ndarray
        assert type(pair[1]) is onp.float64
        return onp.sign(x)

    onp.testing.assert_array_equal(grad(lambda x: np.sum(sign(x, (1, x[0])) * x))(onp.array([-2.0, 3.0])), [-1.0, 1.0])


class Printed(Node):
    """A node that writes down what ran."""

    def __init__(self, value, fun, args, kwargs, parent_argnums, parents):
        self.name = f"v{len(parents[0].lines)}"
        self.lines = parents[0].lines
        names = [str(arg) for arg in args]
        for i, parent in zip(parent_argnums, parents, strict=True):
            names[i] = parent.name
        self.lines.append(f"{self.name} = {fun.__name__}({', '.join(names)}) = {float(value):.4g}")

    def initialize_root(self, lines):
        self.name = "x"
        self.lines = lines


def test_a_trace_is_printed():
    lines = []
    value, node = trace(Printed.new_root(lines), lambda x: np.tanh(x) * 2.0 + 4.0 * onp.sin(1.0), 0.5)
    assert lines[0] == "v0 = tanh(x) = 0.4621"
    assert lines[-1].startswith(f"{node.name} = add(")
    assert len(lines) == 3
    assert value == pytest.approx(2 * onp.tanh(0.5) + 4 * onp.sin(1.0))
    assert trace(Printed.new_root([]), lambda x: 3.0, 0.5) == (3.0, None)
    with pytest.raises(NotImplementedError, match="__init__"):
        trace(Node.new_root(), np.sin, 0.5)


# --- vector spaces ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (1.0, 1),
        (1.0j, 2),
        (X, 3),
        (X.astype(onp.float32).reshape(1, 3), 3),
        (onp.zeros((2, 0)), 0),
        ([1.0, (X, {"a": X * 1j})], 10),
        (Tensor(X), 3),
    ],
)
def test_vector_spaces(value, size):
    space = vspace(value)
    assert space.size == size
    assert space == vspace(space.randn()) == vspace(space.ones())
    assert space.inner_prod(space.zeros(), space.randn()) == 0
    assert space.inner_prod(space.ones(), space.ones()) == size
    basis = list(space.standard_basis())
    assert len(basis) == size
    v = space.randn()
    parts = [space.scalar_mul(b, space.inner_prod(b, v)) for b in basis]
    total = space.zeros()
    for part in parts:
        total = space.add(total, part)
    assert space.inner_prod(space.add(total, space.scalar_mul(v, -1.0)), space.ones()) == pytest.approx(0, abs=1e-6)
    assert space.covector(space.covector(v)) is not None


def test_what_a_space_knows():
    space = vspace(X.astype(onp.complex64).reshape(3, 1))
    assert (space.shape, space.dtype, space.ndim, space.iscomplex) == ((3, 1), onp.complex64, 2, True)
    assert space != vspace(X)
    assert space != vspace(X.reshape(3, 1))
    assert vspace((1.0, X)) != vspace([1.0, X])
    assert space.covector(onp.array([1j])) == -1j
    with pytest.raises(TypeError):
        vspace("text")


# --- HIPS's own spellings of transforms work on primitives -------------------------------------------------------------------


def test_transforms_of_a_primitive():
    f = with_vjp()
    onp.testing.assert_allclose(elementwise_grad(f)(X, 2.0), 4 * X)
    onp.testing.assert_allclose(jacobian(f)(X, 2.0), onp.diag(4 * X))
    onp.testing.assert_allclose(hessian(lambda x: np.sum(f(x, 2.0)))(X), onp.diag([4.0] * 3))
    pull, y = make_vjp(f)(X, 2.0)
    onp.testing.assert_allclose(pull(y), 4 * X * 2 * X**2)
    assert value_and_grad(f)(3.0, 2.0) == (18.0, 12.0)
