"""`autograd.misc`, `autograd.test_util`, `autograd.builtins`, and the other names that HIPS autograd has."""

from collections import namedtuple

import numpy as onp
import pytest

import autograd
import autograd.numpy as np
from autograd import Tensor, differential_operators, grad, jacobian, jvp
from autograd.builtins import dict as dict_
from autograd.builtins import isinstance as isinstance_
from autograd.builtins import list as list_
from autograd.builtins import tuple as tuple_
from autograd.builtins import type as type_
from autograd.extend import defjvp, defvjp, primitive, vspace
from autograd.misc import flatten, flatten_func
from autograd.misc.fixed_points import fixed_point
from autograd.misc.optimizers import adam, rmsprop, sgd, unflatten_optimizer
from autograd.test_util import (
    check_equivalent,
    check_grads,
    check_jvp,
    check_vjp,
    combo_check,
    numerical_jvp,
    scalar_close,
)

Pair = namedtuple("Pair", ["first", "second"])

# --- flatten ---------------------------------------------------------------------------------------------------------------

TREES = {
    "array": onp.arange(6.0).reshape(2, 3),
    "number": 2.5,
    "list": [1.0, onp.ones(2)],
    "nested": {"b": (onp.ones((2, 2)), 3.0), "a": [onp.zeros(0), {"c": 2.0}]},
    "named tuple": Pair(onp.ones(2), {"x": 1.0}),
    "float32": [onp.ones(2, onp.float32), onp.float32(2)],
    "mixed": [onp.ones(2, onp.float32), onp.ones(2)],
    "complex": [onp.ones(2) * 1j, onp.ones(2)],
    "empty": [],
    "matrices": (onp.ones((2, 0)), onp.ones((0,))),
}


@pytest.mark.parametrize("name", TREES)
def test_flatten_and_back(name):
    tree = TREES[name]
    flat, unflatten = flatten(tree)
    assert onp.ndim(flat) == 1
    back = unflatten(flat)
    assert type(back) is type(tree) or name == "number"
    for ours, theirs in zip(autograd.tree.leaves(back), autograd.tree.leaves(tree), strict=True):
        onp.testing.assert_array_equal(ours, theirs)
        assert onp.shape(ours) == onp.shape(theirs)
        assert onp.asarray(ours).dtype == onp.asarray(theirs).dtype


def test_dictionaries_are_flattened_in_the_order_of_their_keys_and_keep_their_own():
    flat, unflatten = flatten({"b": 1.0, "a": 2.0})
    assert flat.tolist() == [2.0, 1.0]
    assert list(unflatten(flat)) == ["b", "a"]


def test_flatten_is_differentiable_both_ways():
    tree = {"w": onp.array([[1.0, 2.0]]), "b": [3.0]}

    def there(tree):
        return np.sum(flatten(tree)[0] ** 3)

    ours = grad(there)(tree)
    onp.testing.assert_allclose(ours["w"], 3 * tree["w"] ** 2)
    assert ours["b"][0] == 27.0
    flat, unflatten = flatten(tree)

    def back(vector):
        parts = unflatten(vector)
        return np.sum(parts["w"] ** 2) * parts["b"][0]

    check_grads(back)(flat)
    check_grads(there)(tree)
    vector, _ = flatten([Tensor([1.0]), 2.0])
    assert isinstance(vector, Tensor)


def test_flatten_func():
    example = {"a": onp.ones(2), "b": 2.0}
    f, unflatten, flat = flatten_func(lambda p, c: [p["a"] * p["b"], c], example)
    assert flat.tolist() == [1.0, 1.0, 2.0]
    assert f(flat, 5.0).tolist() == [2.0, 2.0, 5.0]
    assert unflatten(flat)["b"] == 2.0
    onp.testing.assert_allclose(jacobian(f)(flat, 5.0), [[2, 0, 1], [0, 2, 1], [0, 0, 0]])


# --- optimizers ------------------------------------------------------------------------------------------------------------

OPTIMIZERS = [
    (sgd, {"num_iters": 300, "step_size": 0.2}),
    (rmsprop, {"num_iters": 500, "step_size": 0.01}),
    (adam, {"num_iters": 500, "step_size": 0.05}),
]


@pytest.mark.parametrize(("optimize", "options"), OPTIMIZERS, ids=lambda v: getattr(v, "__name__", ""))
def test_optimizers_find_the_minimum_of_nested_parameters(optimize, options):
    def loss(p, i):
        return np.sum((p["w"] - onp.array([1.0, -2.0])) ** 2) + (p["b"][0] - 3.0) ** 2

    seen = []
    start = {"w": onp.zeros(2), "b": [0.0]}
    best = optimize(grad(loss), start, lambda p, i, g: seen.append((i, p["b"][0], g["b"][0])), **options)
    onp.testing.assert_allclose(best["w"], [1.0, -2.0], atol=0.02)
    assert best["b"][0] == pytest.approx(3.0, abs=0.02)
    assert [i for i, _, _ in seen] == list(range(options["num_iters"]))
    assert seen[0][1:] == (0.0, -6.0)


# The first steps by hand, from x = 1 with the gradients 2, then 1.
STEPS = [
    (sgd, {"step_size": 0.1, "mass": 0.5}, [1 - 0.1 * 1.0, 1 - 0.1 * 1.0 - 0.1 * 1.0]),
    (rmsprop, {"step_size": 0.1, "gamma": 0.5, "eps": 0.0}, [1 - 0.2 / 2.5**0.5, 1 - 0.2 / 2.5**0.5 - 0.1 / 1.75**0.5]),
    (
        adam,
        {"step_size": 0.1, "b1": 0.5, "b2": 0.5, "eps": 0.0},
        [0.9, 0.9 - 0.1 * (1.0 / 0.75) / (1.5 / 0.75) ** 0.5],
    ),
]


@pytest.mark.parametrize(("optimize", "options", "expected"), STEPS, ids=lambda v: getattr(v, "__name__", ""))
def test_the_first_steps(optimize, options, expected):
    for n, x in enumerate(expected, start=1):
        assert optimize(lambda x, i: [2.0, 1.0][i] + 0 * x, 1.0, None, n, **options) == pytest.approx(x, rel=1e-12)


@pytest.mark.parametrize("optimize", [sgd, rmsprop, adam])
def test_an_optimizer_is_differentiable(optimize):
    """The gradient of where it arrives with respect to where it starts and to the step size."""

    def end(start, step_size):
        return optimize(lambda x, i: np.cos(x) * x, start, None, 5, step_size)

    check_grads(end, (0, 1), order=1)(0.7, 0.05)


def test_an_optimizer_of_vectors_becomes_one_of_trees():
    @unflatten_optimizer
    def step(grad, x, callback=None, size=1.0):
        """One step."""
        return x - size * grad(x, 0)

    assert step.__doc__ == "One step."
    assert step(lambda p, i: {"a": 2.0 * p["a"]}, {"a": 1.0}, size=0.25) == {"a": 0.5}


# --- fixed points ----------------------------------------------------------------------------------------------------------


def distance(x, y):
    return onp.max(onp.abs(x - y))


def root(a, x0=1.0):
    return fixed_point(lambda a: lambda x: 0.5 * (x + a / x), a, x0, distance, 1e-13)


@pytest.mark.slow
def test_the_square_root_by_newtons_method():
    for a in (2.0, 9.0, 0.04):
        assert root(a) == pytest.approx(a**0.5, rel=1e-12)
        assert grad(root)(a) == pytest.approx(0.5 * a**-0.5, rel=1e-9)
        assert grad(grad(root))(a) == pytest.approx(-0.25 * a**-1.5, rel=1e-9)
        assert jvp(root, (a,), (2.0,))[1] == pytest.approx(a**-0.5, rel=1e-9)
    assert grad(root, 1)(2.0, 1.0) == 0.0
    check_grads(root)(3.0)


def test_the_fixed_point_of_a_contraction_of_vectors():
    matrix = onp.array([[0.2, -0.3, 0.1], [0.1, 0.3, 0.2], [-0.2, 0.1, 0.25]])

    def solution(p):
        return fixed_point(lambda p: lambda x: p["m"] @ x + p["b"], p, onp.zeros(3), distance, 1e-14)

    p = {"m": matrix, "b": onp.array([1.0, 2.0, -1.0])}
    onp.testing.assert_allclose(solution(p), onp.linalg.solve(onp.eye(3) - matrix, p["b"]), rtol=1e-12)
    ours = jacobian(lambda b: solution({"m": matrix, "b": b}))(p["b"])
    onp.testing.assert_allclose(ours, onp.linalg.inv(onp.eye(3) - matrix), rtol=1e-10, atol=1e-12)
    check_grads(solution, order=1)(p)


# --- test_util -------------------------------------------------------------------------------------------------------------


def test_right_derivatives_pass():
    check_grads(lambda x, y: (np.sin(x) * y, {"a": y**2}), (0, 1))(onp.array([0.5, 2.0]), 1.5)
    check_grads(lambda x, y: x * y, 1)(2, 1.5)
    check_grads(np.exp, modes=["rev"], order=3)(0.3)
    check_grads(lambda z: z * np.exp(z))(0.5 + 1.0j)
    check_grads(lambda z: np.abs(z) ** 2)(0.5 + 1.0j)
    check_grads(lambda p: p["a"] * p["b"][0])({"a": 2.0, "b": [onp.ones(2)]})
    check_grads(np.cumsum)(onp.ones((2, 0)))


def wrong(kind, order):
    """x**3 with a derivative that is wrong in one mode and from one order on."""
    f = primitive(lambda x: x**3)
    slope = (lambda x: 3 * x**2) if order == 2 else (lambda x: 3.01 * x**2)
    hidden = primitive(slope)
    defvjp(hidden, lambda ans, x: lambda g: g * (6.05 * x))
    if kind == "vjp":
        defvjp(f, lambda ans, x: lambda g: g * hidden(x))
        defjvp(f, lambda g, ans, x: g * 3 * x**2)
    else:
        defvjp(f, lambda ans, x: lambda g: g * 3 * x**2)
        defjvp(f, lambda g, ans, x: g * hidden(x))
    return f


@pytest.mark.parametrize(("kind", "mode"), [("vjp", "rev"), ("jvp", "fwd")])
@pytest.mark.parametrize("order", [1, 2])
def test_wrong_derivatives_are_found(kind, mode, order):
    f = wrong(kind, order)
    x = onp.array([1.0, 2.0])
    with pytest.raises(AssertionError):
        check_grads(f, modes=[mode], order=order)(x)
    if order == 2:
        check_grads(f, modes=[mode], order=1)(x)
    else:
        with pytest.raises(AssertionError):
            (check_vjp if kind == "vjp" else check_jvp)(f, x)
        (check_jvp if kind == "vjp" else check_vjp)(f, x)


def test_unknown_modes_are_refused():
    with pytest.raises(ValueError, match="both"):
        check_grads(np.sin, modes=["both"])


def test_the_parts_of_the_check():
    assert scalar_close(1e-7, 0.0)
    assert not scalar_close(1e-3, 0.0)
    assert not scalar_close(5.0, -5.0)
    slope = numerical_jvp(np.sin, onp.array([0.5]), onp.array([2.0]))
    onp.testing.assert_allclose(slope, 2 * onp.cos([0.5]), rtol=1e-10)
    check_equivalent([1.0, X], [1.0, X])
    with pytest.raises(AssertionError, match="differ"):
        check_equivalent(X, 2 * X)
    with pytest.raises(AssertionError, match="kinds"):
        check_equivalent(X, X[:1])


def test_combinations_are_all_checked():
    seen = []

    def f(x, y, power):
        seen.append((float(getattr(y, "item", lambda: y)()), power))
        return x**power * y

    combo_check(f, (0, 1), order=1)([1.5, 2.5], [2.0, 3.0], power=[2, 3])
    assert {power for _, power in seen} == {2, 3}
    assert {round(y) for y, _ in seen} >= {2, 3}
    with pytest.raises(AssertionError):
        combo_check(lambda x, wrong_for: weak(x) if wrong_for else x)([1.0], wrong_for=[False, True])


weak = primitive(lambda x: x * x)
defvjp(weak, lambda ans, x: lambda g: g)
X = onp.array([0.5, 1.5])


# --- builtins and other names ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (1.0, float),
        (X, onp.ndarray),
        ((1.0, 2.0), tuple_),
        ([1.0], list_),
        ({"a": 1.0}, dict_),
    ],
)
def test_builtins_see_through_tensors(value, kind):
    seen = []

    def f(x):
        seen.append((isinstance_(x, kind), isinstance_(x, str), type_(x)))
        return sum(np.sum(leaf) for leaf in autograd.tree.leaves(x))

    grad(f)(value)
    assert seen == [(True, False, type(value))]


def test_containers_of_tensors_are_plain():
    def f(x):
        both = tuple_([x, x**2])
        more = [*list_(both), x**3]
        return dict_(a=more[0], b=more[1], c=more[2])["c"]

    assert grad(f)(2.0) == 12.0


def test_gradients_by_the_names_of_arguments():
    def f(x, *more, w=3.0, **named):
        return x * w + 2 * sum(more) + sum(named.values()) * x

    assert differential_operators.grad_named(lambda a, x: a * x**2, "x")(3.0, 2.0) == 12.0
    found = differential_operators.multigrad_dict(f)(2.0, 1.0, 5.0, q=4.0)
    assert found == {"x": 7.0, "more": (2.0, 2.0), "w": 2.0, "named": {"q": 2.0}}
    with pytest.raises(TypeError, match="no argument 'q': it takes x"):
        differential_operators.grad_named(lambda x: x, "q")


LINEARISED = {
    "array": (lambda x: np.sin(x) * x[0], X),
    "containers": (lambda p: {"a": p["x"] * p["w"], "b": (p["x"][0], 2 * p["w"])}, {"x": X, "w": 2.0}),
    "complex": (lambda z: z * np.conj(z) * 1j, X + 2j),
    "real to complex": (lambda x: np.exp(1j * x), X),
    "constant": (lambda x: 3.0, X),
}


@pytest.mark.parametrize("name", LINEARISED)
def test_forward_mode_by_reverse_mode(name):
    f, x = LINEARISED[name]
    _, expected = jvp(f, (x,), (x,))
    ours = differential_operators.make_jvp_reversemode(f)(x)(x)
    assert not any(isinstance(leaf, Tensor) for leaf in autograd.tree.leaves(ours))
    check_equivalent(ours, expected)


def test_the_names_of_the_transforms():
    assert differential_operators.grad is autograd.grad
    for name in differential_operators.__all__:
        assert callable(getattr(differential_operators, name))
    assert vspace(1.0).size == 1
