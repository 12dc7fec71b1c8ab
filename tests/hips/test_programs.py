"""Programs of the kind that the documentation and the examples of HIPS autograd show, in its names, run unchanged in spirit.

Each is held to a closed form, to finite differences, or to a loss that has to come down. Nothing here is drawn without a seed.
"""

from itertools import pairwise, product

import numpy as onp
import pytest
import scipy.optimize

import autograd.numpy as np
import autograd.numpy.random as npr
from autograd import (
    checkpoint,
    elementwise_grad,
    grad,
    grad_and_aux,
    hessian,
    hessian_vector_product,
    holomorphic_grad,
    jacobian,
    make_ggnvp,
    make_jvp,
    value_and_grad,
)
from autograd.extend import defvjp, primitive
from autograd.misc.fixed_points import fixed_point
from autograd.misc.flatten import flatten, flatten_func
from autograd.misc.optimizers import adam, rmsprop, sgd
from autograd.scipy.integrate import odeint
from autograd.scipy.signal import convolve
from autograd.test_util import check_grads
from autograd.tracer import Node, trace


def logsumexp(x, axis=None):
    top = np.max(x, axis=axis, keepdims=True)
    return np.log(np.sum(np.exp(x - top), axis=axis)) + np.squeeze(top, axis=axis)


# --- first steps -----------------------------------------------------------------------------------------------------------


def test_tanh_and_its_first_six_derivatives():
    def tanh(x):
        return (1.0 - np.exp(-2 * x)) / (1.0 + np.exp(-2 * x))

    x = onp.linspace(-2, 2, 9)
    t = onp.polynomial.Polynomial([0.0, 1.0])
    expected, f = t, tanh
    for _ in range(7):
        onp.testing.assert_allclose(f(x), expected(onp.tanh(x)), rtol=1e-9, atol=1e-9)
        expected = expected.deriv() * (1 - t**2)  # by the chain rule, as a polynomial in tanh(x)
        f = elementwise_grad(f)


def test_a_loop_that_decides_by_values():
    def sine(x):
        term, total, n = x, x, 1
        while np.abs(term) > 1e-12:
            term = -term * x * x / ((n + 1) * (n + 2))
            total, n = total + term, n + 2
        return total

    assert sine(1.3) == pytest.approx(onp.sin(1.3), rel=1e-12)
    assert grad(sine)(1.3) == pytest.approx(onp.cos(1.3), rel=1e-10)
    assert grad(grad(sine))(1.3) == pytest.approx(-onp.sin(1.3), rel=1e-9)


def test_logistic_regression():
    inputs = onp.array([[0.52, 1.12, 0.77], [0.88, -1.08, 0.15], [0.52, 0.06, -1.30], [0.74, -2.49, 1.39]])
    targets = onp.array([True, True, False, True])

    def predictions(weights, inputs):
        return 0.5 * (np.tanh(np.dot(inputs, weights) / 2.0) + 1)

    def loss(weights):
        p = predictions(weights, inputs)
        return -np.sum(np.log(p * targets + (1 - p) * (1 - targets)))

    weights = onp.zeros(3)
    onp.testing.assert_allclose(grad(loss)(weights), inputs.T @ (0.5 - targets))
    check_grads(loss)(weights)
    before = loss(weights)
    for _ in range(100):
        weights = weights - 0.5 * grad(loss)(weights)
    assert loss(weights) < 0.05 < before
    assert (predictions(weights, inputs) > 0.5).tolist() == targets.tolist()


def test_complex_numbers():
    def f(z):
        return np.sin(z) * z**2

    z = 0.7 - 0.4j
    onp.testing.assert_allclose(holomorphic_grad(f)(z), onp.cos(z) * z**2 + onp.sin(z) * 2 * z, rtol=1e-14)

    def loss(z):
        return np.real(np.sum(np.abs(z**3 - 1j) ** 2))

    zs = onp.exp(2j * onp.pi * (onp.arange(3) / 3 + 0.12)) * 1.1
    for _ in range(300):
        zs = zs - 0.05 * onp.conj(grad(loss)(zs))
    onp.testing.assert_allclose(zs**3, 1j, rtol=1e-8, atol=1e-8)
    assert len(set(onp.round(zs, 3))) == 3


def test_a_gradient_of_ones_own():
    @primitive
    def stable(x):
        """log(sum(exp(x)))"""
        top = onp.max(x)
        return top + onp.log(onp.sum(onp.exp(x - top)))

    def vjp(ans, x):
        shape = x.shape
        return lambda g: np.full(shape, g) * np.exp(x - np.full(shape, ans))

    defvjp(stable, vjp)

    def example(y):
        return stable(y**2)

    y = onp.array([1.5, 6.7, 1e-10])
    onp.testing.assert_allclose(grad(example)(y), 2 * y * onp.exp(y**2 - onp.max(y**2)) / onp.exp(y**2 - onp.max(y**2)).sum())
    check_grads(example)(onp.array([0.3, 0.6, -0.2]))


def test_a_trace_names_the_functions():
    class Names(Node):
        def __init__(self, value, fun, args, kwargs, parent_argnums, parents):
            self.names = [*(name for parent in parents for name in parent.names), fun.__name__]

        def initialize_root(self):
            self.names = []

    def f(x):
        y = np.exp(-x * 3.0)
        return (1.0 - y) * (1.0 + y)

    value, node = trace(Names.new_root(), f, 0.2)
    assert value == pytest.approx(f(0.2))
    once = ["negative", "multiply", "exp"]
    assert node.names == [*once, "subtract", *once, "add", "multiply"]


# --- optimization ----------------------------------------------------------------------------------------------------------


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


@pytest.mark.slow
def test_rosenbrock_with_scipy():
    start = onp.array([-1.2, 1.0, 0.8])
    onp.testing.assert_allclose(hessian(rosenbrock)(start), scipy.optimize.rosen_hess(start), rtol=1e-12)
    found = scipy.optimize.minimize(value_and_grad(rosenbrock), start, jac=True, method="BFGS", options={"gtol": 1e-8})
    onp.testing.assert_allclose(found.x, 1.0, atol=1e-5)
    found = scipy.optimize.minimize(
        rosenbrock, start, jac=grad(rosenbrock), hessp=hessian_vector_product(rosenbrock), method="Newton-CG"
    )
    onp.testing.assert_allclose(found.x, 1.0, atol=1e-4)


def test_the_square_root_as_a_fixed_point():
    def newton(a):
        return lambda x: 0.5 * (x + a / x)

    def root(a, guess=10.0):
        return fixed_point(newton, a, guess, lambda x, y: np.abs(x - y), 1e-10)

    assert root(2.0) == pytest.approx(2**0.5)
    assert grad(root)(2.0) == pytest.approx(0.5 / 2**0.5, rel=1e-8)
    assert grad(grad(root))(2.0) == pytest.approx(-0.25 / 2**1.5, rel=1e-7)


def test_the_gradient_of_a_training_run():
    """How the loss after training depends on the step size and the start: gradients through an optimizer."""

    def loss(w, i=0):
        return np.sum((w - 3.0) ** 2 * onp.array([1.0, 4.0]))

    def after_training(start, step_size):
        return loss(sgd(grad(loss), start, None, 10, step_size, 0.5))

    check_grads(after_training, (0, 1), order=1)(onp.array([1.0, 2.0]), 0.05)
    step_size = 0.01
    for _ in range(20):
        step_size = step_size - 1e-4 * grad(after_training, 1)(onp.array([1.0, 2.0]), step_size)
    assert after_training(onp.array([1.0, 2.0]), step_size) < 0.1 * after_training(onp.array([1.0, 2.0]), 0.01)


def test_gauss_newton_on_a_curve():
    t = onp.linspace(0, 1, 20)
    data = 2.0 * onp.exp(-1.5 * t)

    def residuals(p):
        return p[0] * np.exp(p[1] * t) - data

    p = onp.array([1.0, -1.0])
    product_with = make_ggnvp(residuals)(p)
    matrix = onp.stack([product_with(e) for e in onp.eye(2)])
    j = jacobian(residuals)(p)
    onp.testing.assert_allclose(matrix, j.T @ j, rtol=1e-10)
    for _ in range(10):
        j = jacobian(residuals)(p)
        p = p - onp.linalg.solve(j.T @ j, grad(lambda p: 0.5 * np.sum(residuals(p) ** 2))(p))
    onp.testing.assert_allclose(p, [2.0, -1.5], rtol=1e-8)


# --- neural networks -------------------------------------------------------------------------------------------------------


def random_layers(scale, sizes, rng):
    return [(scale * rng.standard_normal((m, n)), scale * rng.standard_normal(n)) for m, n in pairwise(sizes)]


def network(params, inputs):
    for w, b in params:
        outputs = np.dot(inputs, w) + b
        inputs = np.tanh(outputs)
    return outputs


@pytest.mark.slow
def test_a_neural_network_on_nested_parameters():
    inputs = onp.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    targets = onp.array([0, 1, 1, 0])

    def loss(params, i):
        logits = network(params, inputs)
        return np.mean(logsumexp(logits, axis=1) - logits[onp.arange(4), targets]) + 1e-5 * np.sum(flatten(params)[0] ** 2)

    params = random_layers(1.0, [2, 8, 2], onp.random.default_rng(0))
    seen = []
    trained = adam(grad(loss), params, callback=lambda p, i, g: seen.append(loss(p, i)), step_size=0.05, num_iters=200)
    assert seen[0] > 0.4
    assert loss(trained, 0) < 0.05
    assert onp.argmax(network(trained, inputs), axis=1).tolist() == targets.tolist()
    assert [w.shape for w, b in trained] == [(2, 8), (8, 2)]
    check_grads(lambda params: loss(params, 0), order=1)(params)


def test_a_checkpointed_network_has_the_same_gradient():
    params = random_layers(0.5, [3, 4, 4, 1], onp.random.default_rng(1))
    x = onp.random.default_rng(2).standard_normal((5, 3))

    def layer(w, b, inputs):
        return np.tanh(np.dot(inputs, w) + b)

    def loss(params, layer):
        inputs = x
        for w, b in params:
            inputs = layer(w, b, inputs)
        return np.sum(inputs**2)

    ours = flatten(grad(loss)(params, checkpoint(layer)))[0]
    onp.testing.assert_allclose(ours, flatten(grad(loss)(params, layer))[0], rtol=1e-12)


@pytest.mark.slow
def test_a_recurrent_network_learns_a_word():
    word = onp.array([0, 1, 2, 2, 3, 0, 1, 2, 2, 3])
    sequence = onp.eye(4)[word]
    rng = onp.random.default_rng(0)
    params = {
        "start": rng.standard_normal((1, 10)) * 0.3,
        "change": rng.standard_normal((15, 10)) * 0.3,
        "predict": rng.standard_normal((11, 4)) * 0.3,
    }

    def with_bias(*parts):
        return np.hstack([*parts, onp.ones((1, 1))])

    def loss(params, i):
        hidden, total = params["start"], 0.0
        for now, following in pairwise(sequence):
            hidden = np.tanh(np.dot(with_bias(now[None], hidden), params["change"]))
            logits = np.dot(with_bias(hidden), params["predict"])[0]
            total = total + logsumexp(logits) - np.dot(logits, following)
        return total / (len(word) - 1)

    trained = rmsprop(grad(loss), params, step_size=0.02, num_iters=80)
    assert loss(params, 0) > 1.0
    assert loss(trained, 0) < 0.1


@pytest.mark.slow
def test_a_step_of_an_lstm():
    rng = onp.random.default_rng(3)
    params = {gate: rng.standard_normal((6, 3)) * 0.5 for gate in ("change", "forget", "ingate", "outgate")}

    def sigmoid(x):
        return 0.5 * (np.tanh(x / 2) + 1.0)

    def final(params, inputs):
        hidden, cell = onp.zeros((2, 3)), onp.zeros((2, 3))
        for x in inputs:
            joined = np.concatenate((x, hidden, onp.ones((2, 1))), axis=1)
            change = np.tanh(np.dot(joined, params["change"]))
            forget, take, give = (sigmoid(np.dot(joined, params[gate])) for gate in ("forget", "ingate", "outgate"))
            cell = cell * forget + take * change
            hidden = give * np.tanh(cell)
        return np.sum(hidden**2)

    inputs = rng.standard_normal((4, 2, 2))
    check_grads(final, (0, 1), order=2)(params, inputs)


@pytest.mark.slow
def test_a_convolutional_network_tells_rows_from_columns():
    rng = onp.random.default_rng(0)
    images = onp.zeros((16, 1, 6, 6))
    for k in range(16):
        images[(k, 0, k % 6) if k % 2 else (k, 0, slice(None), k % 6)] = 1.0
    images += 0.1 * rng.standard_normal(images.shape)
    labels = onp.arange(16) % 2
    params = {"filters": 0.3 * rng.standard_normal((1, 4, 3, 3)), "w": 0.3 * rng.standard_normal((4, 2)), "b": onp.zeros(2)}

    def logits(params):
        maps = convolve(images, params["filters"], axes=([2, 3], [2, 3]), dot_axes=([1], [0]), mode="valid")
        pooled = np.max(maps, axis=(2, 3))
        return np.dot(pooled, params["w"]) + params["b"]

    def loss(params, i):
        scores = logits(params)
        return np.mean(logsumexp(scores, axis=1) - scores[onp.arange(16), labels])

    check_grads(lambda params: loss(params, 0), order=1)(params)
    trained = adam(grad(loss), params, step_size=0.1, num_iters=120)
    assert loss(trained, 0) < 0.1
    assert onp.argmax(logits(trained), axis=1).tolist() == labels.tolist()


# --- probabilistic models --------------------------------------------------------------------------------------------------


def test_a_mixture_of_gaussians_by_gradient():
    rng = onp.random.default_rng(0)
    centres = onp.array([[-3.0, 0.0], [3.0, 1.0], [0.0, 4.0]])
    data = (centres[:, None] + 0.5 * rng.standard_normal((3, 30, 2))).reshape(-1, 2)

    def negative_log_likelihood(p, i=0):
        weights = p["logits"] - logsumexp(p["logits"])
        squares = np.sum(((data[:, None] - p["means"]) * np.exp(-p["log_scales"])[:, None]) ** 2, axis=2)
        return -np.mean(logsumexp(weights - 0.5 * squares - 2 * p["log_scales"] - onp.log(2 * onp.pi), axis=1))

    start = {"logits": onp.zeros(3), "means": data[[5, 35, 65]], "log_scales": onp.zeros(3)}
    check_grads(negative_log_likelihood)(start)
    flat, unflatten, x = flatten_func(lambda p: negative_log_likelihood(p), start)
    found = scipy.optimize.minimize(value_and_grad(lambda x: flat(x)[0]), x, jac=True, method="BFGS")
    means = unflatten(found.x)["means"]
    order = [int(onp.argmin(onp.sum((means - c) ** 2, axis=1))) for c in centres]
    assert sorted(order) == [0, 1, 2]
    onp.testing.assert_allclose(means[order], centres, atol=0.4)


@pytest.mark.slow
def test_black_box_variational_inference_finds_a_known_posterior():
    """Linear regression with a normal prior: the posterior is known, and normal."""
    rng = onp.random.default_rng(1)
    x = rng.standard_normal((20, 2))
    x = onp.linalg.qr(x)[0] * 4  # so that the posterior factorizes, as the approximation does
    y = x @ onp.array([1.0, -2.0]) + 0.5 * rng.standard_normal(20)
    precision = x.T @ x / 0.25 + onp.eye(2)
    mean, scale = onp.linalg.solve(precision, x.T @ y / 0.25), onp.diag(precision) ** -0.5

    def log_density(w):
        return -0.5 * np.sum((np.dot(w, x.T) - y) ** 2, axis=1) / 0.25 - 0.5 * np.sum(w**2, axis=1)

    def negative_bound(params, i):
        npr.seed(i)
        samples = npr.normal(params["mean"], np.exp(params["log_scale"]), size=(20, 2))
        return -np.mean(log_density(samples)) - np.sum(params["log_scale"])

    found = adam(grad(negative_bound), {"mean": onp.zeros(2), "log_scale": onp.zeros(2) - 1}, step_size=0.03, num_iters=400)
    onp.testing.assert_allclose(found["mean"], mean, atol=0.05)
    onp.testing.assert_allclose(onp.exp(found["log_scale"]), scale, rtol=0.2)


@pytest.mark.slow
def test_a_hidden_markov_model():
    observed = onp.array([0, 1, 1, 0, 2])

    def normalized(logits):
        return logits - logsumexp(logits, axis=-1)[..., None]

    def log_likelihood(p):
        transition, emission = normalized(p["transition"]), normalized(p["emission"])
        alpha = normalized(p["start"]) + emission[:, observed[0]]
        for symbol in observed[1:]:
            alpha = logsumexp(alpha[:, None] + transition, axis=0) + emission[:, symbol]
        return logsumexp(alpha)

    def by_enumeration(p):
        a, b, s = (onp.exp(normalized(p[name])) for name in ("transition", "emission", "start"))
        total = 0.0
        for path in product(range(2), repeat=5):
            weight = s[path[0]] * onp.prod([b[state, symbol] for state, symbol in zip(path, observed, strict=True)])
            total += weight * onp.prod([a[i, j] for i, j in pairwise(path)])
        return onp.log(total)

    rng = onp.random.default_rng(2)
    p = {"transition": rng.standard_normal((2, 2)), "emission": rng.standard_normal((2, 3)), "start": rng.standard_normal(2)}
    assert log_likelihood(p) == pytest.approx(by_enumeration(p), rel=1e-12)
    check_grads(log_likelihood)(p)
    better = sgd(lambda p, i: grad(lambda p: -log_likelihood(p))(p), p, num_iters=100, step_size=0.3)
    assert log_likelihood(better) > log_likelihood(p) + 1


def test_a_gaussian_process():
    x = onp.linspace(-2, 2, 8)
    y = onp.sin(2 * x)

    def covariance(p, a, b):
        return np.exp(p[0]) * np.exp(-0.5 * ((a[:, None] - b) * np.exp(-p[1])) ** 2)

    def negative_log_marginal(p):
        k = covariance(p, x, x) + (np.exp(p[2]) + 1e-6) * onp.eye(8)
        _, logdet = np.linalg.slogdet(k)
        return 0.5 * np.dot(y, np.linalg.solve(k, y)) + 0.5 * logdet

    start = onp.array([0.0, 0.0, -2.0])
    check_grads(negative_log_marginal)(start)
    found = scipy.optimize.minimize(value_and_grad(negative_log_marginal), start, jac=True, method="L-BFGS-B")
    assert found.fun < negative_log_marginal(start) - 3
    k = covariance(found.x, x, x) + 1e-6 * onp.eye(8)
    prediction = covariance(found.x, onp.array([0.3]), x) @ onp.linalg.solve(k, y)
    assert prediction[0] == pytest.approx(onp.sin(0.6), abs=0.02)


# --- simulations -----------------------------------------------------------------------------------------------------------


def smoothed(field, rounds=3):
    """A few rounds of averaging with the four neighbours, on a torus."""
    for _ in range(rounds):
        neighbours = sum(np.roll(field, shift, axis) for shift in (-1, 1) for axis in (0, 1))
        field = 0.5 * field + 0.125 * neighbours
    return field


def carried(field, u, v):
    """The field moved along a velocity, by reading it upstream between four cells."""
    rows, columns = field.shape
    i, j = onp.meshgrid(onp.arange(rows), onp.arange(columns), indexing="ij")
    from_i, from_j = (i - u).ravel(), (j - v).ravel()
    top, left = np.floor(from_i).astype(int), np.floor(from_j).astype(int)
    down, right = from_i - top, from_j - left
    here = lambda a, b: field[a % rows, b % columns]  # noqa: E731 - four times the same
    upper = (1 - right) * here(top, left) + right * here(top, left + 1)
    lower = (1 - right) * here(top + 1, left) + right * here(top + 1, left + 1)
    return np.reshape((1 - down) * upper + down * lower, (rows, columns))


@pytest.mark.slow
def test_a_fluid_is_steered():
    rng = onp.random.default_rng(0)
    smoke = onp.zeros((8, 8))
    smoke[2:4, 2:4] = 1.0
    target = onp.roll(onp.roll(smoke, 2, axis=0), 1, axis=1)

    def distance(p):
        field, u, v = smoke, p["u"], p["v"]
        for _ in range(3):
            u, v = smoothed(u, 1), smoothed(v, 1)
            field = carried(field, u, v)
        return np.mean((smoothed(field, 2) - smoothed(target, 2)) ** 2)

    start = {"u": 0.1 * rng.standard_normal((8, 8)), "v": 0.1 * rng.standard_normal((8, 8))}
    check_grads(distance, order=1)(start)
    end = adam(lambda p, i: grad(distance)(p), start, step_size=0.03, num_iters=60)
    assert distance(end) < 0.1 * distance(start)


@pytest.mark.slow
def test_an_oscillator_is_fitted_through_its_equation():
    times = onp.linspace(0.0, 2.0, 5)
    options = {"rtol": 1e-9, "atol": 1e-9}

    def flow(state, t, stiffness):
        return np.array([state[1], -stiffness * state[0]])

    def solution(stiffness, start):
        return odeint(flow, start, times, (stiffness,), **options)

    onp.testing.assert_allclose(solution(4.0, onp.array([1.0, 0.0]))[:, 0], onp.cos(2 * times), atol=1e-7)
    j = jacobian(lambda k: solution(k, onp.array([1.0, 0.0]))[:, 0])(4.0)
    onp.testing.assert_allclose(j, -onp.sin(2 * times) * times / 4, atol=1e-6)
    data = onp.cos(2 * times)

    def loss(k):
        return np.sum((solution(k, onp.array([1.0, 0.0]))[:, 0] - data) ** 2)

    k = 3.8
    curvature = 2 * onp.sum(j**2)  # of the loss, near its minimum
    for _ in range(4):
        k = k - grad(loss)(k) / curvature
    assert k == pytest.approx(4.0, abs=1e-3)


def test_kepler_from_a_hamiltonian():
    """The equations of motion are gradients of the energy: a program that differentiates while it runs."""

    def energy(q, p):
        return 0.5 * np.dot(p, p) - 1.0 / np.sqrt(np.dot(q, q))

    dq, dp = grad(energy, 1), grad(energy, 0)

    def orbit(q, p, steps=40, h=0.05):
        for _ in range(steps):
            p = p - 0.5 * h * dp(q, p)
            q = q + h * dq(q, p)
            p = p - 0.5 * h * dp(q, p)
        return q, p

    q, p = onp.array([1.0, 0.0]), onp.array([0.0, 1.1])
    end_q, end_p = orbit(q, p)
    assert energy(end_q, end_p) == pytest.approx(energy(q, p), abs=2e-4)
    # The map from start to end keeps volumes in phase space.
    together = lambda z: np.concatenate(orbit(z[:2], z[2:], steps=5))  # noqa: E731 - its Jacobian is the point
    assert onp.linalg.det(jacobian(together)(onp.concatenate([q, p]))) == pytest.approx(1.0, rel=1e-9)
    tangent = make_jvp(together)(onp.concatenate([q, p]))(onp.ones(4))[1]
    onp.testing.assert_allclose(tangent, jacobian(together)(onp.concatenate([q, p])) @ onp.ones(4), rtol=1e-9)


def test_a_gradient_with_something_beside_it():
    def loss(w):
        residual = w * onp.array([1.0, 2.0]) - 1.0
        return np.sum(residual**2), residual

    gradient, residual = grad_and_aux(loss)(2.0)
    assert gradient == pytest.approx(2 * (1.0 * 1 + 3.0 * 2))
    assert residual.tolist() == [1.0, 3.0]
