"""odeint: known solutions, gradients of them in every argument and to second order, and what is refused.

The rule behind it is tested in test_rules.py like every other; SciPy and finite differences are the references here.
"""

from typing import Any

import numpy as np
import pytest
import scipy.integrate

import autograd
from autograd import Tensor, jvp, record
from autograd.integrate import odeint
from autograd.testing import check_grads

EXACT: dict[str, Any] = {"rtol": 1e-12, "atol": 1e-12}
TIMES = np.array([0.0, 0.3, 0.3, 1.0])  # a time may stand twice


def growth(y: Any, t: Any, rate: Any) -> Any:
    return rate * y


def hunters(y: Any, t: Any, rates: Any, shift: Any) -> Any:
    """Two species, one of which eats the other, in a world that changes with time."""
    prey, hunter = y[0], y[1]
    return [rates["birth"] * prey - prey * hunter, prey * hunter - rates["death"][0] * hunter + np.sin(shift * t)]


RATES = (np.array(1.1), np.array([0.7]), np.array(0.3))
START = np.array([0.8, 0.5])


def solved(y0: Any, t: Any, birth: Any, death: Any, shift: Any, **options: Any) -> Any:
    return odeint(hunters, y0, t, ({"birth": birth, "death": [death]}, shift), **{**EXACT, **options})


# --- values ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("t", [TIMES, TIMES[::-1], [0, 1], [0.5]], ids=str)
def test_plain_values_give_what_scipy_gives(t: Any) -> None:
    args = ({"birth": 1.1, "death": [0.7]}, 0.3)
    expected = scipy.integrate.odeint(hunters, START, t, args)
    got = odeint(hunters, START, t, args)
    assert isinstance(got, np.ndarray)
    np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(odeint(hunters, Tensor(START), t, args).detach().numpy(), expected)


def test_options_are_passed_on() -> None:
    def jacobian(y: Any, t: Any, rate: Any) -> Any:
        calls.append(t)
        return [[rate]]

    calls: list[float] = []
    rate = Tensor(-2.0)
    y = odeint(
        growth, 1.0, [0.0, 1.0], (rate,), jacobian, col_deriv=True, mxstep=1000, hmax=0.1, rtol=[1e-9], atol=np.full(1, 1e-9)
    )
    np.testing.assert_allclose(y.detach().numpy(), [[1.0], [np.exp(-2)]], rtol=1e-7)
    y[-1, 0].backward()
    np.testing.assert_allclose(rate.grad.item(), np.exp(-2), rtol=1e-7)
    stiff = odeint(growth, [1.0], [0.0, 10.0], -1e4, jacobian)
    np.testing.assert_allclose(stiff[-1], 0.0, atol=1e-7)
    assert calls
    with pytest.warns(scipy.integrate.ODEintWarning, match="Excess work"):
        odeint(growth, [1.0], [0.0, 1.0], (-2.0,), mxstep=2)


def test_tfirst() -> None:
    rate = Tensor(0.5)
    y = odeint(lambda t, y, rate: rate * y, [1.0], [0.0, 2.0], (rate,), tfirst=True, **EXACT)
    y[-1, 0].backward()
    np.testing.assert_allclose(rate.grad.item(), 2 * np.e, rtol=1e-9)


@pytest.mark.parametrize(
    ("y0", "dtype"),
    [(np.float32([1.0]), np.float32), ([1], np.float64), (1.0, np.float64), (np.float32(1.0), np.float32)],
    ids=str,
)
def test_dtype_is_that_of_the_state(y0: Any, dtype: Any) -> None:
    assert odeint(growth, y0, [0.0, 1.0], (0.5,)).dtype == dtype
    rate = Tensor(np.float32(0.5))
    y = odeint(growth, y0, [0.0, 1.0], (rate,))
    assert (y.dtype, y.shape) == (dtype, (2, 1))
    y[-1, 0].backward()
    assert rate.grad.dtype == np.float32
    np.testing.assert_allclose(rate.grad.item(), np.exp(0.5), rtol=1e-6)


# --- gradients -------------------------------------------------------------------------------------------------------------


def test_exponential_growth() -> None:
    """y = y0 exp(a (t - t0)), whose derivatives are known."""
    y0, t, rate = Tensor([2.0]), Tensor([0.5, 1.0, 2.0]), Tensor(-0.7)
    y = odeint(growth, y0, t, (rate,), **EXACT)[-1, 0]
    e = np.exp(-0.7 * 1.5)
    np.testing.assert_allclose(y.item(), 2 * e, rtol=1e-10)
    y.backward()
    np.testing.assert_allclose(y0.grad.data, [e], rtol=1e-9)
    np.testing.assert_allclose(rate.grad.item(), 2 * 1.5 * e, rtol=1e-9)
    np.testing.assert_allclose(t.grad.data, [2 * 0.7 * e, 0.0, -2 * 0.7 * e], rtol=1e-9, atol=1e-12)


@pytest.mark.slow
def test_second_derivative_of_exponential_growth() -> None:
    def end(rate: Any) -> Any:
        return odeint(growth, [2.0], [0.0, 1.5], (rate,), **EXACT)[-1, 0]

    e = np.exp(-0.7 * 1.5)
    np.testing.assert_allclose(autograd.grad(autograd.grad(end))(-0.7), 2 * 1.5**2 * e, rtol=1e-8)
    np.testing.assert_allclose(jvp(autograd.grad(end), (-0.7,), (1.0,))[1], 2 * 1.5**2 * e, rtol=1e-8)
    np.testing.assert_allclose(jvp(end, (-0.7,), (1.0,))[1], 2 * 1.5 * e, rtol=1e-8)


def test_first_time_has_a_gradient_where_the_equation_depends_on_time() -> None:
    """y = sin(t1) - sin(t0)."""
    t = Tensor([0.4, 1.3])
    odeint(lambda y, t: np.cos(t), [0.0], t, **EXACT)[-1, 0].backward()
    np.testing.assert_allclose(t.grad.data, [-np.cos(0.4), np.cos(1.3)], rtol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("t", [TIMES[[0, 1, 3]], TIMES[[3, 1, 0]]], ids=["forwards", "backwards"])
def test_every_argument_of_a_nonlinear_system(t: Any) -> None:
    check_grads(solved, START, t, *RATES, order=1, rtol=1e-8)


@pytest.mark.slow
def test_second_order_of_a_nonlinear_system() -> None:
    """The derivatives of the gradient, for the state and a rate. (Over several intervals: in test_rules.py.)"""

    def gradient(y0: Any, birth: Any) -> Any:
        return autograd.grad(lambda y0, birth: (solved(y0, TIMES[:3], birth, *RATES[1:]) ** 2).sum(), (0, 1))(y0, birth)

    check_grads(gradient, START, RATES[0], order=1, rtol=1e-8, directions=1)


def test_only_what_requires_a_gradient_gets_one() -> None:
    birth = Tensor(1.1)
    constant = Tensor(0.7, requires_grad=False)
    y = odeint(hunters, START, TIMES, ({"birth": birth, "death": [constant]}, 0.3))
    y.sum().backward()
    assert birth.grad is not None
    assert constant.grad is None
    assert not odeint(hunters, START, TIMES, ({"birth": 1.1, "death": [constant]}, 0.3)).requires_grad


def test_what_is_no_number_reaches_the_function_as_it_is() -> None:
    def flow(y: Any, t: Any, name: Any, power: Any, table: Any, rate: Any) -> Any:
        assert (name, power, table) == ("decay", 2, {"none": None})
        assert type(power) is int
        return -rate * y**power

    rate = Tensor(1.0)
    y = odeint(flow, [1.0], [0.0, 1.0], ("decay", 2, {"none": None}, rate), **EXACT)[-1, 0]  # 1 / (1 + rate t)
    y.backward()
    np.testing.assert_allclose([y.item(), rate.grad.item()], [0.5, -0.25], rtol=1e-9)


def test_one_time_gives_the_start() -> None:
    y0, t, rate = Tensor([2.0]), Tensor([0.5]), Tensor(1.0)
    odeint(growth, y0, t, (rate,)).sum().backward()
    assert (y0.grad.tolist(), t.grad.tolist(), rate.grad.item()) == ([1.0], [0.0], 0.0)


def test_a_recorded_solution_replays_with_other_values() -> None:
    def step(y0: Any, rate: Any) -> Any:
        rate.requires_grad_()
        y = odeint(growth, y0, [0.0, 1.0], (rate,), **EXACT)
        y.sum().backward()
        return y, rate.grad

    _, program = record(step, np.array([1.0, 3.0]), np.array(0.5))
    y, gradient = program.run(np.array([2.0, 1.0]), np.array(-1.0))
    np.testing.assert_allclose(y.numpy(), [[2.0, 1.0], [2 * np.exp(-1), np.exp(-1)]], rtol=1e-9)
    np.testing.assert_allclose(gradient.item(), 3 * np.exp(-1), rtol=1e-9)


def test_a_run_with_other_values_leaves_a_graph_as_it_is() -> None:
    """The equation keeps its last solution for the backward pass: it must be that of the graph."""
    y0, rate = Tensor([1.0]), Tensor(0.5)
    y, program = record(lambda y0, rate: odeint(growth, y0, [0.0, 1.0], (rate,), **EXACT), y0, rate)
    program.run(np.array([2.0]), -1.0)
    y[-1, 0].backward()
    np.testing.assert_allclose([y0.grad.item(), rate.grad.item()], np.exp(0.5), rtol=1e-9)


# --- what is refused -------------------------------------------------------------------------------------------------------

A = Tensor(0.5)
REFUSED = {
    "captured": (lambda: odeint(lambda y, t: A * y, [1.0], [0.0, 1.0]), RuntimeError, "pass that Tensor in args"),
    "captured in a list": (lambda: odeint(lambda y, t: [A * y[0]], [1.0], [0.0, 1.0]), RuntimeError, "pass that Tensor in"),
    "captured beside an argument": (
        lambda: odeint(lambda y, t, b: A * b * y, [1.0], [0.0, 1.0], (Tensor(1.0),)),
        RuntimeError,
        "pass that Tensor in args",
    ),
    "matrix": (lambda: odeint(growth, Tensor(np.ones((2, 2))), [0.0, 1.0], (1.0,)), ValueError, "y0 of shape .* one axis"),
    "one time": (lambda: odeint(growth, [1.0], 1.0, (1.0,)), ValueError, "and t of shape .* one axis"),
    "complex state": (lambda: odeint(growth, [1j], [0.0, 1.0], (1.0,)), TypeError, "the real and the imaginary part"),
    "complex rate": (lambda: odeint(growth, [1.0], [0.0, 1.0], (Tensor(1j),)), TypeError, "the real and the imaginary part"),
    "report": (lambda: odeint(growth, [1.0], [0.0, 1.0], (1.0,), full_output=True), TypeError, "scipy.integrate.odeint"),
    "tcrit": (lambda: odeint(growth, [1.0], [0.0, 1.0], (A,), tcrit=[0.5]), TypeError, "integrate in pieces"),
    "unknown": (lambda: odeint(growth, [1.0], [0.0, 1.0], (A,), speed=3), TypeError, "speed"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str) -> None:
    call, error, words = REFUSED[name]
    with pytest.raises(error, match=words) as caught:
        call()
    assert isinstance(caught.value, autograd.AutogradError)


def test_a_tensor_from_outside_is_welcome_where_no_gradient_is_lost() -> None:
    for captured in (A.detach(), Tensor(0.5, requires_grad=False)):
        y = odeint(lambda y, t, a=captured: a * y, [1.0], [0.0, 1.0], **EXACT)
        np.testing.assert_allclose(y[-1], np.exp(0.5), rtol=1e-10)
    with autograd.no_grad():
        y = odeint(lambda y, t: [A * y[0]], [1.0], [0.0, 1.0], **EXACT)
    np.testing.assert_allclose(y[-1], np.exp(0.5), rtol=1e-10)
    np.testing.assert_array_equal(odeint(growth, [1.0], [0.0, 1.0], (0.5,), tcrit=[0.5])[0], [1.0])


def test_a_recording_refuses_a_tensor_from_outside() -> None:
    def step(y0: Any, rate: Any) -> Any:
        return odeint(lambda y, t: rate * y, y0, [0.0, 1.0])

    with pytest.raises(autograd.RecordingError, match="pass that Tensor in args"):
        record(step, np.array([1.0]), np.array(0.5))
