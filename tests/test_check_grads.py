"""check_grads and its relatives: planted faults are caught and blamed on the right op, right functions are never accused."""

from typing import Any

import numpy as np
import pytest

import autograd as ag
from autograd import Tensor, rule, testing
from autograd.testing import GradientMismatch, check_grads, numeric

X = np.array([[0.3, 1.2, -0.7], [0.9, -1.4, 0.55]])
ROW = np.array([0.8, -0.35, 1.1])


pytestmark = pytest.mark.usefixtures("own_ops")


# --- faults ----------------------------------------------------------------------------------------------------------------


def hidden(x: Any) -> Any:
    """x, cut off from the sweep that differentiates again."""
    return x.detach() if isinstance(x, Tensor) else x


COUNT = iter(range(10**9))


def square(x: Any) -> Any:
    """x * x"""
    return x * x


def cube(x: Any) -> Any:
    """x * x * x"""
    return x * x * x


def scaled(x: Any, w: Any) -> Any:
    """x + 2 w"""
    return x + 2 * w


def product(x: Any, w: Any) -> Any:
    """x * w"""
    return x * w


def total(x: Any, *, axis: Any = 0) -> Any:
    """The sum along an axis."""
    return x.sum(axis=axis)


def centred(x: Any) -> Any:
    """The rows, each less its mean."""
    return x - x.mean(axis=1, keepdims=True)


def turned(x: Any) -> Any:
    """The columns in the opposite order."""
    return x[:, ::-1]


def added_up(x: Any) -> Any:
    """Running sums along the rows."""
    return np.cumsum(x, axis=1)


def doubled(x: Any) -> Any:
    """2 x, made in place."""
    x *= 2
    return x


def shaken(x: Any) -> Any:
    """x with a little noise."""
    return x * (1 + 1e-3 * (next(COUNT) % 7))


def tenth(x: Any) -> Any:
    """x / 10, and a little of its square."""
    return x * 0.1 * (1 + 1e-4 * x)


def looked_up(x: Any) -> Any:
    """Rows of a table, one of them twice."""
    return x[[0, 1, 0]]


LATEST: list[Any] = []  # what `secretive` has met last


def secretive(x: Any) -> Any:
    """x * x; its derivative reads what was left outside, and not what it declares."""
    LATEST[:] = [x]
    return x * x


e: dict[str, Any] = {"kind": "elementwise"}
# name -> (forward, the facts of its rule, number of inputs, which check notices)
FAULTS: dict[str, tuple[Any, dict[str, Any], int, str]] = {
    "2.001 for 2": (square, {**e, "x": lambda g, x: 2.001 * g * x}, 1, "check_grads"),
    "2.00001 for 2": (square, {**e, "x": lambda g, x: 2.00001 * g * x}, 1, "check_grads"),
    "a sign": (square, {**e, "x": lambda g, x: -2 * g * x}, 1, "check_grads"),
    "a sign in one input": (scaled, {**e, "x": lambda g: g, "w": lambda g: -2 * g}, 2, "check_grads"),
    "a missing term": (cube, {**e, "x": lambda g, x: 2 * g * x * x}, 1, "check_grads"),
    "a missing factor": (cube, {**e, "x": lambda g, x: g * x * x}, 1, "check_grads"),
    "nothing": (square, {**e, "x": lambda g: 0 * g}, 1, "check_grads"),
    "the inputs exchanged": (product, {**e, "x": lambda g, x: g * x, "w": lambda g, w: g * w}, 2, "check_grads"),
    "the other input forgotten": (product, {**e, "x": lambda g, w: g * w, "w": lambda g: g}, 2, "check_grads"),
    "the output read for the input": (square, {**e, "x": lambda g, y: 2 * g * y}, 1, "check_grads"),
    "an absolute value too much": (square, {**e, "x": lambda g, x: 2 * g * abs(x)}, 1, "check_grads"),
    "wrong for negative numbers": (square, {**e, "x": lambda g, x: 2 * g * np.maximum(x, 0)}, 1, "check_grads"),
    "wrong at one element": (
        square,
        {"x": lambda g, x: 2 * g * x * (1 - 0.01 * np.eye(*np.shape(x), dtype=float))},
        1,
        "check_grads",
    ),
    "a wrong axis": (total, {"x": lambda g, x_shape: np.broadcast_to(g[::-1], x_shape)}, 1, "check_grads"),
    "a mean for a sum": (total, {"x": lambda g, x_shape: np.broadcast_to(g, x_shape) / x_shape[0]}, 1, "check_grads"),
    "a wrong order": (turned, {"x": lambda g: g}, 1, "check_grads"),
    "an offset that is not linear": (square, {"x": lambda g, x: 2 * g * x + 1e-3}, 1, "check_linear"),
    "a square of the cotangent": (square, {"x": lambda g, x: 2 * g * g * x}, 1, "check_linear"),
    "a wrong forward mode under a right reverse mode": (
        square,
        {"kind": "linear", "x": lambda g, x: 2 * g * x},
        1,
        "check_grads",
    ),
    "the same, by adjointness": (square, {"kind": "linear", "x": lambda g, x: 2 * g * x}, 1, "check_adjoint"),
    "elementwise, and is not": (
        added_up,
        {**e, "x": lambda g: np.flip(np.cumsum(np.flip(g, 1), axis=1), 1)},
        1,
        "check_grads",
    ),
    "a wrong second derivative under a right first": (cube, {**e, "x": lambda g, x: 3 * g * hidden(x) ** 2}, 1, "check_grads"),
    "half of a second derivative": (cube, {**e, "x": lambda g, x: 3 * g * x * hidden(x)}, 1, "check_grads"),
    "second derivatives that are not symmetric": (
        product,
        {"x": lambda g, w: g * hidden(w), "w": lambda g, x: g * x},
        2,
        "check_second_order_symmetry",
    ),
    "an input that is written to": (doubled, {**e, "x": lambda g: 2 * g}, 1, "check_no_mutation"),
    "nondeterminism in the value": (shaken, {**e, "x": lambda g: g}, 1, "check_deterministic"),
    "nondeterminism in the derivative": (square, {**e, "x": lambda g, x: 2 * g * shaken(x)}, 1, "check_deterministic"),
    "a dtype that widens": (lambda x: x * np.ones(1), {**e, "x": lambda g: g}, 1, "check_dtypes"),
    "a forgotten unbroadcast": (
        product,
        {"vjp": lambda g, x, w: (g * w, (g * x)[:1] * np.ones_like(w))},
        2,
        "check_broadcast",
    ),
    "a float32 constant": (tenth, {**e, "x": lambda g, x: g * float(np.float32(0.1)) * (1 + 2e-4 * x)}, 1, "check_grads"),
    "an accumulation that overwrites": (looked_up, {"x": lambda g: np.stack([g[2], g[1]])}, 1, "check_grads"),
    "a read that was not declared": (secretive, {**e, "x": lambda g: 2 * g * LATEST[0]}, 1, "check_grads"),
    "a wrong axis after keepdims": (
        centred,
        {"x": lambda g: g - g.mean(axis=0, keepdims=True)},
        1,
        "check_grads",
    ),
}


def planted(fault: str) -> tuple[Any, list[Any], str]:
    forward, facts, count, check = FAULTS[fault]
    op = rule(**facts)(forward)
    return op, [X, X[::-1] * 0.5 + 0.1][:count], check


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_caught(fault: str) -> None:
    op, inputs, check = planted(fault)
    with pytest.raises(GradientMismatch):
        getattr(testing, check)(op, *inputs)


BLAMED = [name for name, (_, _, _, check) in FAULTS.items() if check == "check_grads" and not name.startswith("elementwise")]


@pytest.mark.parametrize("fault", BLAMED)
def test_the_fault_is_blamed_on_its_op(fault: str) -> None:
    op, inputs, _ = planted(fault)

    def model(*xs: Any) -> Any:
        return np.sum(np.tanh(op(*(np.sin(x) + 1.5 * x for x in xs))) ** 2)

    with pytest.raises(GradientMismatch, match=f"wrong derivative of its own is {op.__name__}, at .*test_check_grads"):
        check_grads(model, *inputs)


def test_a_failure_says_all_that_is_needed() -> None:
    op, _, _ = planted("2.001 for 2")
    with pytest.raises(GradientMismatch) as caught:
        check_grads(lambda x, w: op(x) * w, X, ROW, modes=("rev",), name="model")
    words = str(caught.value)
    assert words.startswith("model: reverse mode, order 1, is wrong at argument [0][")
    for piece in ("derivative ", "finite differences ", "they differ by"):
        assert piece in words
    assert "0.0005 of the latter" in words
    assert f"input: np.array({X.tolist()!r}), np.array({ROW.tolist()!r})" in words


# --- right functions -------------------------------------------------------------------------------------------------------

RIGHT: dict[str, Any] = {
    **{name: getattr(np, name) for name in ("sin", "exp", "tanh", "abs", "square", "expm1", "sum", "max", "prod", "std")},
    **{name: getattr(np, name) for name in ("cumsum", "cumprod", "median", "transpose")},
    **{name: getattr(ag, name) for name in ("relu", "sigmoid", "softmax", "logsumexp")},
    "mean": lambda x: np.mean(x, axis=0),
    "sort": lambda x: np.sort(x, axis=None),
    "reverse": lambda x: x[::-1],
    "fancy": lambda x: x[[0, 0, 1], [1, 1, 2]],
    "matmul": lambda x: x @ x.T,
    "where": lambda x: np.where(x > 0, x, x * x),
    "norm": np.linalg.norm,
    "inv": lambda x: np.linalg.inv(x @ x.T + np.eye(2)),
    "fft": np.fft.fft,
    "einsum": lambda x: ag.einsum("ij,ij->i", x, x),
    "clip": lambda x: np.clip(x, -0.5, 0.5),
    "hypot": lambda x: np.hypot(x, 2.0),
    "pad": lambda x: np.pad(x, 1, mode="reflect"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", RIGHT)
def test_a_right_function_is_not_accused(name: str, seeds: int) -> None:
    for seed in range(seeds):
        x = np.random.default_rng(seed).normal(size=(2, 3))
        check_grads(RIGHT[name], x, seed=seed)
    for check in ("check_adjoint", "check_linear", "check_deterministic", "check_no_mutation", "check_second_order_symmetry"):
        getattr(testing, check)(RIGHT[name], X)


def test_every_element_by_itself() -> None:
    report = check_grads(lambda z, x: np.exp(z) * x, np.array([0.5 + 1j, -0.2j]), np.array([1.0, 2.0]), exhaustive=True)
    assert max(report.errors.values()) < 1e-7


def test_containers_modules_and_lower_precision() -> None:
    class Layer:
        def __init__(self) -> None:
            self.weight = Tensor(X.astype(np.float32))

        def named_parameters(self) -> Any:
            yield "weight", self.weight

        def __call__(self, x: Any) -> Any:
            return {"y": np.tanh(self.weight @ x), "n": 3}

    layer = Layer()
    before = layer.weight.data.copy()
    report = check_grads(layer, ROW.astype(np.float32))
    assert {"values in float32", "gradients in float32"} <= report.errors.keys()
    np.testing.assert_array_equal(layer.weight.data, before)
    assert layer.weight.requires_grad
    assert layer.weight.grad is None
    wrong = rule(kind="elementwise", x=lambda g, x: 2.001 * g * x)(square)
    layer.__class__.__call__ = lambda self, x: wrong(self.weight) @ x  # type: ignore[method-assign]
    with pytest.raises(GradientMismatch, match=r"parameter weight\["):
        check_grads(layer, ROW, modes=("rev",))


def test_a_black_box_with_its_own_vjp() -> None:
    def right(x: Any) -> Any:
        return np.sin(x), lambda g: (g * np.cos(x),)

    def wrong(x: Any) -> Any:
        return np.sin(x), lambda g: (g * np.sin(x),)

    check_grads((np.sin, right), X)
    with pytest.raises(GradientMismatch, match="black box"):
        check_grads((np.sin, wrong), X)


def test_a_black_box_that_forgets_to_sum_over_what_was_broadcast() -> None:
    def forgetful(x: Any, w: Any) -> Any:
        return x * w, lambda g: (g * w, g * x)

    check_grads((square, lambda x: (x * x, lambda g: (2 * g * x,))), X)
    with pytest.raises(GradientMismatch, match=r"returned float64\[2, 3\] at argument \[1\], where float64\[3\] is due"):
        check_grads((product, forgetful), X, ROW)


# name -> (function, a point with a kink, whether its derivative there is the one of least norm)
KINKS: dict[str, tuple[Any, list[Any], bool]] = {
    "abs": (np.abs, [np.array([0.0, 1.0])], True),
    "relu": (ag.relu, [np.array([0.0, -1.0])], True),
    "max": (np.max, [np.array([1.0, 1.0, 0.0])], True),
    "maximum": (np.maximum, [np.array([1.0, 2.0]), np.array([1.0, 3.0])], True),
    "norm": (np.linalg.norm, [np.zeros(2)], True),
    "spectral norm": (lambda x: np.linalg.norm(x, 2), [np.eye(2)], True),
    "clip": (lambda x: np.clip(x, -1, 1), [np.array([-1.0, 1.0])], True),
    "ptp": (np.ptp, [np.array([1.0, 1.0])], True),
    "std": (np.std, [np.array([2.0, 2.0, 2.0])], True),
    "leaky": (lambda x: np.where(x > 0, x, 0.01 * x), [np.zeros(2)], True),
    "leaky, the steep side": (lambda x: np.where(x >= 0, x, 0.01 * x), [np.zeros(2)], False),
    "one of two equal numbers": (lambda x: np.sort(x)[-1], [np.array([1.0, 1.0])], False),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", KINKS)
def test_the_convention_at_kinks(name: str) -> None:
    f, inputs, least = KINKS[name]
    if least:
        report = check_grads(f, *inputs, kinks="convention")
        assert report.errors["convention at a kink"] < 1e-9
        for mode in ("rev", "fwd"):
            check_grads(f, *inputs, modes=(mode,), kinks="convention", order=1)
        return
    check_grads(f, *inputs)
    for mode, words in (
        ("rev", "reverse mode, order 1, at the kink of output 0"),
        ("fwd", "forward mode, order 1, at the kink"),
    ):
        with pytest.raises(GradientMismatch, match=words):
            check_grads(f, *inputs, modes=(mode,), kinks="convention")


def test_the_convention_is_for_small_real_inputs() -> None:
    with pytest.raises(ag.ShapeError, match="64 elements"):
        check_grads(np.abs, np.zeros(65), kinks="convention")
    with pytest.raises(ag.DtypeError, match="real numbers"):
        check_grads(np.abs, np.zeros(2, complex), kinks="convention")
    with pytest.raises(ValueError, match="leave, convention"):
        check_grads(np.abs, np.zeros(2), kinks="ignore")
    with pytest.raises(ValueError, match="fwd and rev"):
        check_grads(np.abs, np.zeros(2), modes=("reverse",))


# name -> (function, whether it is analytic and takes complex numbers, so that its slope is known to rounding)
ANALYTIC = {
    "exp": (np.exp, True),
    "tanh": (np.tanh, True),
    "inverse": (np.linalg.inv, True),
    "abs": (np.abs, False),
    "maximum": (lambda x: np.maximum(x, 0.5), True),  # NumPy orders complex numbers by their real parts first
    "conj": (lambda x: x * np.conj(x), False),
    "real": (np.real, False),
    "needs floats": (lambda x: np.array([float(v) for v in x.ravel()]), False),
}


@pytest.mark.parametrize("name", ANALYTIC)
def test_the_complex_step_is_taken_where_it_is_right(name: str) -> None:
    f, analytic = ANALYTIC[name]
    x = np.array([[0.3, 1.2], [0.9, -1.4]])
    e = [numeric.STEP * np.array([[0.4, -1.0], [0.8, 0.3]])]
    found = numeric.slope(lambda xs: [f(xs[0])], [x], e)
    assert found.exact == analytic
    plain = numeric.slope(lambda xs: [np.real(f(xs[0]))], [x], e)
    np.testing.assert_allclose(found.values[0], plain.values[0], rtol=1e-7, atol=1e-12)


def test_each_op_by_itself() -> None:
    op = rule(kind="elementwise", x=lambda g, x: 3 * g * x)(square)

    def hides(x: Any) -> Any:
        return np.sin(x) + 0.0 * op(x)

    check_grads(hides, X)
    with pytest.raises(GradientMismatch, match=r"^square, in hides: forward mode, order 1(?s:.*)it runs at .*test_check_grads"):
        check_grads(hides, X, each_op=True)
    report = check_grads(lambda x: np.sin(x) * x, X, each_op=True)
    assert report.ops.keys() == {"sin", "multiply"}
    assert max(report.ops.values()) < 1e-12


def test_what_is_nan_or_infinite_stays_where_it_is() -> None:
    check_grads(np.nanmax, np.array([1.0, np.nan, 3.0]))
    check_grads(lambda x: np.where(np.isfinite(x), x**2, 0.0), np.array([1.0, np.inf, 3.0]))


def test_slopes_that_vanish_by_symmetry_are_not_compared_with_themselves() -> None:
    check_grads(ag.softmax, np.zeros((2, 3)))


def test_kinks_are_reported_and_left() -> None:
    report = check_grads(lambda x: np.abs(x).sum(), np.array([0.0, 1.0]))
    assert len(report.kinks) >= 1
    with pytest.raises(GradientMismatch, match="could not be checked"):
        check_grads(lambda x: x * (1 + 1e-6 * (next(COUNT) % 5)), X)


def test_a_large_network_is_checked_fast_enough_to_be_checked_often() -> None:
    rng = np.random.default_rng(0)
    shapes = [(70, 70), (70, 70), (70, 3)]
    layers = [(rng.normal(size=shape) / 8, np.zeros(shape[1])) for shape in shapes]

    def network(layers: Any, x: Any) -> Any:
        for w, b in layers:
            x = np.tanh(x @ w + b)
        return x.sum()

    report = check_grads(network, layers, rng.normal(size=(16, 70)))
    assert max(report.errors.values()) < 1e-7
