"""Optimizers on surfaces whose answers are known: closed forms on quadratics, valleys, a saddle, a ravine, a convex problem."""

from typing import Any

import numpy as np
import pytest
import scipy.optimize

import optim
from autograd import Tensor
from optim.adafactor import Adafactor
from optim.adagrad import Adadelta, Adagrad, RMSprop
from optim.adamax import Adamax, NAdam, RAdam
from optim.asgd import ASGD
from optim.lamb import LAMB
from optim.lbfgs import LBFGS
from optim.lion import Lion
from optim.muon import Muon
from optim.rprop import Rprop


def minimise(kind: Any, settings: Any, loss_of: Any, start: Any, steps: int, enough: float = -np.inf) -> Any:
    """The iterates, from the start on, of a rule on a function of one array, until the loss is small enough."""
    x = Tensor(np.array(start, float))
    optimizer = kind([x], **settings)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = loss_of(x)
        loss.backward()
        return loss

    path = [x.numpy()]
    for _ in range(steps):
        optimizer.step(closure)
        path.append(x.numpy())
        if loss_of(path[-1]) < enough:
            break
    return np.array(path)


# --- closed forms ----------------------------------------------------------------------------------------------------------

CURVATURES = np.array([0.5, 1.0, 4.0, 15.0])


def quadratic(x: Any) -> Any:
    return (0.5 * CURVATURES * x * x).sum()


def test_descent_on_a_quadratic_shrinks_by_one_minus_rate_times_curvature() -> None:
    path = minimise(optim.SGD, {"lr": 0.1}, quadratic, np.ones(4), 50)
    np.testing.assert_allclose(path, (1 - 0.1 * CURVATURES) ** np.arange(51)[:, None], rtol=1e-10)


@pytest.mark.parametrize("momentum", [0.3, 0.9])
def test_momentum_on_a_quadratic_is_the_sum_of_two_powers(momentum: float) -> None:
    # x' = x - lr v', v' = momentum v + a x: so x'' = (1 + momentum - lr a) x' - momentum x, with x_1 = (1 - lr a) x_0
    path = minimise(optim.SGD, {"lr": 0.1, "momentum": momentum}, quadratic, np.ones(4), 50)
    middle = (1 + momentum - 0.1 * CURVATURES) / 2
    spread = np.sqrt(middle**2 - momentum + 0j)
    first, second = middle + spread, middle - spread
    weight = (1 - 0.1 * CURVATURES - second) / (first - second)
    t = np.arange(51)[:, None]
    np.testing.assert_allclose(path, (weight * first**t + (1 - weight) * second**t).real, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize(("rate", "converges"), [(1.9 / 15, True), (2.1 / 15, False)])
def test_a_rate_is_too_large_from_two_over_the_curvature_on(rate: float, converges: bool) -> None:
    path = minimise(optim.SGD, {"lr": rate}, quadratic, np.ones(4), 100)
    assert (abs(path[-1, 3]) < 1) == converges


def test_nesterov_damps_what_momentum_lets_swing() -> None:
    swinging = minimise(optim.SGD, {"lr": 0.05, "momentum": 0.95}, quadratic, np.ones(4), 60)
    damped = minimise(optim.SGD, {"lr": 0.05, "momentum": 0.95, "nesterov": True}, quadratic, np.ones(4), 60)
    assert abs(damped[-20:, 3]).max() < 0.05 * abs(swinging[-20:, 3]).max()


def test_averaged_descent_ends_nearer_than_its_noisy_steps() -> None:
    rng = np.random.default_rng(0)
    x = Tensor(np.ones(200))
    optimizer = ASGD([x], lr=0.5, t0=50, lambd=0)
    for _ in range(500):
        x.grad = x.numpy() + rng.normal(size=200)
        optimizer.step()
    assert np.std(optimizer.state[x]["ax"]) < 0.2 * np.std(x.numpy())


# --- valleys ---------------------------------------------------------------------------------------------------------------


def rosenbrock(x: Any) -> Any:
    return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2


def beale(x: Any) -> Any:
    a, b = x[0], x[1]
    return (1.5 - a + a * b) ** 2 + (2.25 - a + a * b**2) ** 2 + (2.625 - a + a * b**3) ** 2


# Settings that end in the valley of Rosenbrock from (-1.2, 1). The others take steps that a valley so narrow does not bear:
# RAdam's first five are plain descent, LAMB's are as long as the parameter, Adadelta has no rate, Adafactor's shrinks.
ROSENBROCK: dict[Any, Any] = {
    optim.SGD: {"lr": 2e-3, "momentum": 0.9},
    optim.Adam: {"lr": 0.5},
    optim.AdamW: {"lr": 0.5, "weight_decay": 0},
    Adagrad: {"lr": 1.0},
    RMSprop: {"lr": 3e-3, "momentum": 0.9},
    Adamax: {"lr": 0.5},
    NAdam: {"lr": 0.5},
    Rprop: {"step_sizes": (1e-6, 0.1)},
    ASGD: {"lr": 2e-3, "lambd": 0},
    Lion: {"lr": 5e-3},
    LBFGS: {"line_search_fn": "strong_wolfe"},
}
BEALE: dict[Any, Any] = {  # from (1, 1)
    optim.SGD: {"lr": 1e-2, "momentum": 0.9},
    optim.Adam: {"lr": 0.2},
    optim.AdamW: {"lr": 0.2, "weight_decay": 0},
    Adagrad: {"lr": 1.0},
    RMSprop: {"lr": 3e-3, "momentum": 0.9},
    Adamax: {"lr": 0.5},
    NAdam: {"lr": 0.1},
    RAdam: {"lr": 0.05},
    Rprop: {},
    ASGD: {"lr": 0.04, "lambd": 0},
    Lion: {"lr": 0.01, "betas": (0.9, 0.9)},
    LAMB: {"lr": 3e-3, "weight_decay": 0},
    Adafactor: {"lr": 0.01},
    LBFGS: {"line_search_fn": "strong_wolfe"},
}


@pytest.mark.parametrize("kind", ROSENBROCK)
def test_rosenbrocks_valley_is_followed_to_its_end(kind: Any) -> None:
    path = minimise(kind, ROSENBROCK[kind], rosenbrock, [-1.2, 1.0], 1500, enough=0.05)
    assert rosenbrock(path[-1]) < 0.05
    np.testing.assert_allclose(path[-1], [1, 1], atol=0.5)


@pytest.mark.parametrize("kind", BEALE)
def test_beales_minimum_is_found(kind: Any) -> None:
    path = minimise(kind, BEALE[kind], beale, [1.0, 1.0], 1000, enough=1e-3)
    assert beale(path[-1]) < 1e-3
    np.testing.assert_allclose(path[-1], [3, 0.5], atol=0.2)


# --- a saddle, and a ravine ------------------------------------------------------------------------------------------------


def steps_to_leave_the_saddle(kind: Any, settings: Any) -> int:
    path = minimise(kind, settings, lambda x: x[0] ** 2 - x[1] ** 2 + 0.25 * x[1] ** 4, [1.0, 1e-6], 1000)
    return int(np.argmax(path[:, 1] > 1))


@pytest.mark.slow
def test_a_saddle_holds_plain_descent_and_not_momentum() -> None:
    plain = steps_to_leave_the_saddle(optim.SGD, {"lr": 0.01})
    momentum = steps_to_leave_the_saddle(optim.SGD, {"lr": 0.01, "momentum": 0.9})
    # Growth by 1 + 2 lr a step; with momentum by the larger root of r^2 - (1.9 + 2 lr) r + 0.9
    assert plain == pytest.approx(np.log(1e6) / np.log(1.02), rel=0.1)
    assert momentum == pytest.approx(np.log(1e6) / np.log((1.92 + np.sqrt(1.92**2 - 3.6)) / 2), rel=0.2)
    assert 0 < steps_to_leave_the_saddle(optim.Adam, {"lr": 0.01}) < momentum * 2


def test_momentum_halves_the_exponent_in_a_ravine() -> None:
    weights = np.geomspace(1, 1000, 5)
    root = np.sqrt(1000)
    best = {"lr": (2 / (1 + root)) ** 2, "momentum": ((root - 1) / (root + 1)) ** 2}  # Polyak's, for curvatures 1 to 1000

    def error(settings: Any) -> float:
        path = minimise(optim.SGD, settings, lambda x: (0.5 * weights * x * x).sum(), np.ones(5), 400)
        return float(np.linalg.norm(path[-1]))

    plain = error({"lr": 2 / 1001})
    assert plain == pytest.approx((999 / 1001) ** 400 * np.sqrt(2), rel=1e-3)  # both ends shrink by (L - l) / (L + l)
    assert error(best) < 1e-8


# --- a convex problem ------------------------------------------------------------------------------------------------------

LOGISTIC: dict[Any, Any] = {
    optim.SGD: ({"lr": 1.0, "momentum": 0.9}, 200),
    optim.Adam: ({"lr": 0.1}, 200),
    optim.AdamW: ({"lr": 0.1, "weight_decay": 0}, 200),
    Adagrad: ({"lr": 0.5}, 300),
    Adadelta: ({"lr": 1.0, "eps": 1e-3}, 300),
    RMSprop: ({"lr": 0.01}, 300),
    Adamax: ({"lr": 0.1}, 200),
    NAdam: ({"lr": 0.1}, 200),
    RAdam: ({"lr": 0.1}, 200),
    Rprop: ({}, 100),
    ASGD: ({"lr": 2.0, "lambd": 0}, 300),
    Lion: ({"lr": 0.01}, 300),
    LAMB: ({"lr": 0.05, "weight_decay": 0}, 300),
    Adafactor: ({"lr": 0.1}, 300),
    Muon: ({"lr": 0.02, "weight_decay": 0}, 300),
    LBFGS: ({"line_search_fn": "strong_wolfe"}, 1),
}


@pytest.mark.parametrize("kind", LOGISTIC)
def test_logistic_regression_comes_near_its_only_minimum(kind: Any) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 4))
    y = (rng.uniform(size=(200, 1)) < 1 / (1 + np.exp(-x @ rng.normal(size=(4, 1))))).astype(float)

    def loss_of(w: Any) -> Any:
        z = x @ w
        return (np.logaddexp(0, z) - y * z).mean() + 0.01 * (w * w).sum()

    best = scipy.optimize.minimize(lambda w: loss_of(w.reshape(4, 1)), np.zeros(4), tol=1e-10).fun
    settings, steps = LOGISTIC[kind]
    path = minimise(kind, settings, loss_of, np.full((4, 1), 0.1), steps)
    assert loss_of(path[-1]) - best < 1e-3
