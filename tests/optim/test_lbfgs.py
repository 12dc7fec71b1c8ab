"""LBFGS: PyTorch's iterates, the conditions of its line search, resuming, and wrong use."""

import copy
import math
import sys
from typing import Any

import numpy as np
import pytest

from autograd import GradientError, RecordingError, Tensor, record
from optim.lbfgs import CURVATURE, DECREASE, LBFGS, Point, product, strong_wolfe


def rosenbrock(x: Any) -> Any:
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def closure_of(optimizer: Any, x: Any, loss_of: Any = rosenbrock) -> Any:
    def closure() -> Any:
        optimizer.zero_grad()
        loss = loss_of(x)
        loss.backward()
        return loss

    return closure


SETTINGS: dict[str, dict[str, Any]] = {
    "line search": {"line_search_fn": "strong_wolfe"},
    "short memory": {"line_search_fn": "strong_wolfe", "history_size": 3, "max_iter": 7},
    "few evaluations": {"line_search_fn": "strong_wolfe", "max_iter": 4, "max_eval": 5},
    "fixed step": {"lr": 0.1, "max_iter": 3},
}


@pytest.mark.torch
@pytest.mark.parametrize("name", SETTINGS)
def test_the_first_iterates_are_pytorchs(name: str) -> None:
    torch = pytest.importorskip("torch")
    start = np.array([-1.2, 1.0, 0.5, 2.0])
    ours, theirs = Tensor(start), torch.tensor(start, requires_grad=True)
    optimizer, other = LBFGS([ours], **SETTINGS[name]), torch.optim.LBFGS([theirs], **SETTINGS[name])
    for _ in range(3):
        losses = [float(optimizer.step(closure_of(optimizer, ours))), float(other.step(closure_of(other, theirs)).detach())]
        assert losses[0] == pytest.approx(losses[1], rel=1e-9)
        np.testing.assert_allclose(ours.numpy(), theirs.detach().numpy(), rtol=1e-9)
        assert optimizer.state[ours]["func_evals"] == other.state[theirs]["func_evals"]


def test_a_quadratic_of_two_parameters_is_solved() -> None:
    weights = np.array([1.0, 10.0, 100.0])
    x, y = Tensor(np.ones(3)), Tensor(1.0)
    optimizer = LBFGS([x, y], line_search_fn="strong_wolfe", max_iter=40, tolerance_change=0)
    closure = closure_of(optimizer, x, lambda x: (weights * x * x).sum() + 1000 * y * y)
    optimizer.step(closure)
    assert float(closure()) < 1e-8
    assert type(y._raw) is float


def test_the_two_loops_satisfy_the_secant_equation() -> None:
    rng = np.random.default_rng(0)
    steps = rng.normal(size=(4, 6))
    changes = steps @ (lambda m: m @ m.T + np.eye(6))(rng.normal(size=(6, 6)))
    np.testing.assert_allclose(product(changes[-1], steps, changes, 0.7), steps[-1])
    gradients = rng.normal(size=(2, 6))
    pairs = [g @ product(other, steps, changes, 0.7) for g, other in (gradients, gradients[::-1])]
    np.testing.assert_allclose(*pairs)  # H is symmetric


LINES: dict[str, Any] = {
    "parabola": (lambda t: (t - 3) ** 2, lambda t: 2 * (t - 3)),
    "far": (lambda t: (t - 300) ** 2, lambda t: 2 * (t - 300)),
    "near": (lambda t: (t - 1e-4) ** 2, lambda t: 2 * (t - 1e-4)),
    "waves": (lambda t: np.sin(5 * t) + 0.1 * t * t - t, lambda t: 5 * np.cos(5 * t) + 0.2 * t - 1 - 0 * t),
    "wall": (lambda t: -t if t < 2 else math.inf, lambda t: -1.0 if t < 2 else math.nan),
    "log": (lambda t: t - 2 * np.log(t + 0.1), lambda t: 1 - 2 / (t + 0.1)),
}


@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize("first", [1e-3, 1.0, 50.0])
def test_a_line_search_ends_where_the_wolfe_conditions_hold(name: str, first: float) -> None:
    loss, slope = LINES[name]
    sign = -1.0 if slope(0.0) > 0 else 1.0  # downhill

    def at(t: float) -> Point:
        return Point(t, float(loss(sign * t)), None, sign * float(slope(sign * t)))

    start = at(0.0)
    found, calls = strong_wolfe(at, start, first, 60, 1.0, 1e-9)
    assert found.loss <= start.loss + DECREASE * found.t * start.slope
    assert calls < 40
    if name != "wall":  # where it falls up to an edge, no point is flat
        assert abs(found.slope) <= -CURVATURE * start.slope


@pytest.mark.torch
@pytest.mark.parametrize("name", [name for name in LINES if name != "wall"])
@pytest.mark.parametrize("first", [1e-3, 0.3, 1.0, 7.0, 50.0])
def test_a_line_search_takes_pytorchs_points(name: str, first: float) -> None:
    torch = pytest.importorskip("torch")
    loss, slope = LINES[name]
    sign = -1.0 if slope(0.0) > 0 else 1.0
    seen: list[float] = []

    def at(t: float) -> Point:
        return Point(t, float(loss(sign * t)), None, sign * float(slope(sign * t)))

    def theirs(x: Any, t: float, d: Any) -> Any:
        seen.append(float(t))
        return at(seen[-1]).loss, torch.tensor([at(seen[-1]).slope], dtype=torch.float64)

    d, start, ours = torch.ones(1, dtype=torch.float64), at(0.0), []
    search: Any = vars(sys.modules[torch.optim.LBFGS.__module__])["_strong_wolfe"]
    search(theirs, d, first, d, start.loss, d * start.slope, torch.tensor(start.slope, dtype=torch.float64))
    strong_wolfe(lambda t: (ours.append(t), at(t))[1], start, first, 25, 1.0, 1e-9)  # type: ignore[func-returns-value]
    np.testing.assert_allclose(ours, seen, rtol=1e-9)


def test_a_loss_that_is_no_number_is_too_high() -> None:
    x = Tensor(np.array([10.0]))
    optimizer = LBFGS([x], lr=50.0, line_search_fn="strong_wolfe")
    with np.errstate(invalid="ignore"):  # the first step goes to where there is no logarithm
        optimizer.step(closure_of(optimizer, x, lambda x: (x - np.log(x)).sum()))
    np.testing.assert_allclose(x.numpy(), 1, atol=1e-4)


def test_it_ends_when_the_loss_hardly_changes() -> None:
    x = Tensor(np.array([-1.2, 1.0]))
    optimizer = LBFGS([x], lr=1e-3, tolerance_change=1e-1)
    optimizer.step(closure_of(optimizer, x, lambda x: (x * x).sum() * 10))
    assert optimizer.state[x]["func_evals"] == 2


def test_a_search_ends_with_its_evaluations() -> None:
    found, calls = strong_wolfe(lambda t: Point(t, -t, None, -1.0), Point(0.0, 0.0, None, -1.0), 1.0, 5, 1.0, 1e-9)
    assert (calls, found.loss < -1) == (6, True)


def test_a_hill_teaches_nothing() -> None:
    x = Tensor(np.ones(2))
    optimizer = LBFGS([x], lr=0.1, max_iter=4)
    optimizer.step(closure_of(optimizer, x, lambda x: -(x * x).sum()))  # where steps and changes of the gradient are opposed
    assert optimizer.state[x]["steps"].shape == (0, 2)


@pytest.mark.parametrize("from_file", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_it_resumes_from_a_state_dict(dtype: Any, from_file: bool) -> None:
    x = Tensor(np.array([-1.2, 1.0, 0.5], dtype))
    optimizer = LBFGS([x], line_search_fn="strong_wolfe", max_iter=8)
    optimizer.step(closure_of(optimizer, x))
    y = copy.deepcopy(x)
    other = LBFGS([y])
    saved = copy.deepcopy(optimizer.state_dict())
    if from_file:  # where all is an array
        saved["state"] = {i: {name: np.asarray(value) for name, value in state.items()} for i, state in saved["state"].items()}
    other.load_state_dict(saved)
    for _ in range(3):
        optimizer.step(closure_of(optimizer, x))
        other.step(closure_of(other, y))
    np.testing.assert_array_equal(x.numpy(), y.numpy())
    assert rosenbrock(x.numpy()) < 2.0


def test_a_graph_that_is_kept_does_not_see_the_search() -> None:
    x = Tensor(np.array([-1.2, 1.0]))
    kept, before = x * x, x.numpy()
    optimizer = LBFGS([x], line_search_fn="strong_wolfe")
    optimizer.step(closure_of(optimizer, x))
    optimizer.zero_grad()
    kept.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), 2 * before)


def test_float32_stays_float32() -> None:
    x = Tensor(np.array([-1.2, 1.0], np.float32))
    optimizer = LBFGS([x], line_search_fn="strong_wolfe", max_iter=60)
    optimizer.step(closure_of(optimizer, x))
    assert x.dtype == np.float32
    np.testing.assert_allclose(x.numpy(), 1, atol=1e-2)


def test_parameters_without_elements_are_at_their_minimum() -> None:
    x = Tensor(np.zeros(0))
    optimizer = LBFGS([x])
    optimizer.step(closure_of(optimizer, x, lambda x: (x * x).sum()))
    assert x.shape == (0,)


def test_parameters_of_two_dtypes_keep_theirs() -> None:
    x, y = Tensor(np.ones(2, np.float32)), Tensor(np.ones(2))
    optimizer = LBFGS([x, y])
    optimizer.step(closure_of(optimizer, x, lambda x: (x * x).sum() + (y * y).sum()))
    assert (x.dtype, y.dtype) == (np.float32, np.float64)


def test_wrong_use_is_told() -> None:
    x = Tensor(np.ones(2))
    for size in (0, 2.5):
        with pytest.raises(ValueError, match=f"history_size is a whole number from 1 on, not {size}"):
            LBFGS([x], history_size=size)  # type: ignore[arg-type]
    optimizer = LBFGS([x])
    with pytest.raises(TypeError, match="needs a closure"):
        optimizer.step()
    with pytest.raises(RecordingError, match="record the closure"):
        record(lambda: optimizer.step(closure_of(optimizer, x)))
    with pytest.raises(GradientError, match="no gradient for parameter 0"):
        optimizer.step(lambda: 1.0)
    with pytest.raises(ValueError, match="'strong_wolfe' or None, not 'armijo'"):
        LBFGS([x], line_search_fn="armijo")
    with pytest.raises(ValueError, match="one group only"):
        LBFGS([{"params": [x]}, {"params": [Tensor(1.0)]}])
