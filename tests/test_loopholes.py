"""Ways by which a wrong gradient could get past the engine, each closed: what is right, or the error.

Most are about memory that somebody else can write to, or about a value that changes between two uses.
"""

import array
import cmath
import math
from typing import Any

import numpy as np
import pytest

import autograd as ag
from autograd import Tensor, grad, record, vjp


def scene() -> tuple[Tensor, Tensor, Tensor]:
    x, c = Tensor(np.ones(2)), Tensor(np.array([2.0, 3.0]), requires_grad=False)
    return x, c, (x * c).sum()


WRITERS = {
    "copyto": lambda c: np.copyto(c, 100.0),
    "add.at": lambda c: np.add.at(c, [0], 5.0),
    "put": lambda c: np.put(c, [0], 5.0),
}


@pytest.mark.parametrize("name", WRITERS)
def test_what_writes_into_a_tensor_leaves_graphs_alone(name: str) -> None:
    x, c, y = scene()
    WRITERS[name](c)
    assert c.data[0] in (100.0, 5.0, 7.0)
    y.backward()
    np.testing.assert_array_equal(x.grad.data, [2.0, 3.0])


def test_infinities_of_both_signs_may_meet_in_a_sum_over_broadcast_axes() -> None:
    f = lambda x: (np.sqrt(x + np.zeros(2)) * np.array([1.0, -1.0])).sum()  # noqa: E731
    assert np.isnan(grad(f)(np.zeros(1))).all()
    assert np.isnan(grad(lambda x: np.sqrt(x).sum() - np.sqrt(x).sum())(np.zeros(2000))).all()


def test_a_number_has_no_memory_to_share() -> None:
    x = Tensor(3.0)
    d = x.detach()
    x.data = 5.0
    assert (x.item(), d.item()) == (5.0, 3.0)


def test_numpy_does_not_write_into_a_tensor_as_out() -> None:
    x, c, y = scene()
    with pytest.raises(ag.AliasError):
        np.add(np.ones(2), np.ones(2), out=c)
    y.backward()
    np.testing.assert_array_equal(x.grad.data, [2.0, 3.0])


VIEWS = {
    "atleast_1d": lambda c: np.atleast_1d(c),
    "diagonal": lambda c: np.broadcast_arrays(c, c)[0].copy(),
    "data": lambda c: c.data,
    "einsum": lambda c: ag.einsum("i->i", c).data,
}


@pytest.mark.parametrize("name", VIEWS)
def test_a_plain_result_is_no_window_into_a_tensor(name: str) -> None:
    x, c, y = scene()
    VIEWS[name](c)[:] = 100.0
    y.backward()
    np.testing.assert_array_equal(x.grad.data, [2.0, 3.0])


def test_asarray_like_a_tensor_copies() -> None:
    a, x = np.array([2.0, 3.0]), Tensor(np.ones(2))
    y = (x * np.asarray(a, like=x)).sum()
    a[:] = 100.0
    y.backward()
    np.testing.assert_array_equal(x.grad.data, [2.0, 3.0])


def test_a_view_by_einsum_is_a_view() -> None:
    x = Tensor(np.ones((2, 2)))
    alias = x.data
    t = np.einsum("ij->ji", x)
    y = (t * t).sum()
    alias[:] = 100.0
    y.backward()
    np.testing.assert_array_equal(x.grad.data, np.full((2, 2), 2.0))


@pytest.mark.parametrize("wanted", [True, False])
def test_a_pull_does_not_see_later_writes(wanted: bool) -> None:
    t = Tensor(np.array([1.0, 2.0]), requires_grad=wanted)
    alias = t.data
    y, pull = vjp(lambda x: x * x, t)
    alias[:] = 100.0
    y *= 3.0
    np.testing.assert_array_equal(pull(np.ones(2))[0].numpy(), [2.0, 4.0])


def test_a_cotangent_that_is_written_to_later() -> None:
    x, g = Tensor([1.0, 2.0]), Tensor(np.ones(2), requires_grad=False)
    alias = g.data
    (x + 1.0).backward(g)
    alias[:] = 7.0
    np.testing.assert_array_equal(x.grad.data, [1.0, 1.0])


def test_an_attribute_that_is_written_to_later() -> None:
    x, shift, weights = Tensor(np.arange(6.0).reshape(2, 3)), [0, 1], np.arange(6.0).reshape(2, 3)
    y = (np.roll(x, shift, (0, 1)) * weights).sum()
    shift[1] = 2
    y.backward()
    np.testing.assert_array_equal(x.grad.data, np.roll(weights, -1, 1))


def test_programs_whose_shapes_depend_on_values() -> None:
    _, program = record(lambda x: (x[x > 0] ** 2).sum(), np.array([1.0, -1.0, -1.0]))
    with pytest.raises(ag.ShapeError, match="depends on values"):
        program.run(np.array([1.0, 2.0, 3.0]))


@pytest.mark.parametrize("name", ["logsumexp", "prod", "var", "std", "softmax", "cumprod"])
def test_zero_meets_infinity_in_a_replay_as_in_an_eager_run(name: str) -> None:
    w = Tensor([1.0, 1.0])
    mask = np.array([1.0, 0.0])

    def step(x: Any) -> None:
        w.grad = None
        y = getattr(ag, name)(x * w, axis=1)
        (y.T * mask).sum().backward()

    bad = np.array([[1.0, 2.0], [np.inf, 0.0]])
    _, program = record(step, np.ones((2, 2)))
    with np.errstate(all="ignore"):
        program.run(bad)
        replayed = w.grad.numpy()
        step(bad)
    np.testing.assert_array_equal(replayed, w.grad.numpy())


@pytest.mark.parametrize("x", [np.nan, np.inf, 1000.0, 0.5])
def test_python_floats_meet_infinity_as_arrays_do(x: float) -> None:
    f = lambda t: (ag.exp(t) * 0.0).sum()  # noqa: E731
    with np.errstate(all="ignore"):
        _, program = record(lambda t: grad(f)(t), 0.25)
        found = [grad(f)(x), grad(f)(np.array([x]))[0], program.run(x).item()]
    np.testing.assert_array_equal(found, found[:1] * 3)


def test_a_program_has_no_gradient_and_says_so() -> None:
    w = Tensor([1.0, 2.0])
    _, program = record(lambda x: (w * x).sum(), np.ones(2))
    with pytest.raises(ag.GradientError, match="running a Program has none"):
        grad(lambda x: program.run(x) * 1.0)(np.ones(2))
    with pytest.raises(ag.RecordingError, match="inside a recording"):
        record(lambda x: program.run(x), np.ones(2))


def test_one_tensor_as_two_arguments_of_a_recording() -> None:
    t = Tensor([1.0])
    with pytest.raises(ag.RecordingError, match="copy one"):
        record(lambda a, b: a - b, t, t)


def test_a_run_keeps_nothing_that_the_caller_can_write_to() -> None:
    w, a = Tensor([0.0, 0.0]), np.array([1.0, 2.0])

    def step(x: Any) -> None:
        w.data = x

    _, program = record(step, a)
    program.run(a)
    a[:] = 9.0
    np.testing.assert_array_equal(w.data, [1.0, 2.0])


def test_float16_means_of_many() -> None:
    x = Tensor(np.ones(100_000, np.float16))
    x.mean().backward()
    assert (x.grad.data == np.float16(1e-5)).all()


@pytest.mark.parametrize("argnum", [(0, 0), (0, -2), 5, -3])
def test_argnums_name_different_arguments(argnum: Any) -> None:
    with pytest.raises(TypeError, match="different ones"):
        grad(lambda x, y: x * y, argnum)(2.0, 3.0)
    assert grad(lambda x, y: x * y, -1)(2.0, 3.0) == 2.0


def test_a_tensor_of_a_tensor_with_a_past_is_refused() -> None:
    with pytest.raises(ag.GradientError, match="start anew"):
        grad(lambda x: Tensor(x) * x)(3.0)
    assert Tensor(Tensor(3.0).detach()).requires_grad


def test_transforms_inside_no_grad_and_on_arguments_that_are_assigned_to() -> None:
    w = Tensor([1.0, 2.0])
    with ag.no_grad():
        np.testing.assert_array_equal(grad(lambda x: (x * x).sum())(w).numpy(), [2.0, 4.0])

    def f(x: Any) -> Any:
        x[0] = x[1] * 3.0
        return (x**3).sum()

    np.testing.assert_array_equal(grad(f)(w).numpy(), [0.0, 3 * 27 * 4 + 3 * 4])
    second = grad(lambda x: grad(f)(x).sum())(np.array([1.0, 2.0]))
    np.testing.assert_array_equal(second, [0.0, 2 * 3 * 27 * 2 + 2 * 3 * 2])
    np.testing.assert_array_equal(w.data, [1.0, 2.0])


def test_a_hook_that_raises_leaves_no_gradient_half_done() -> None:
    a, b = Tensor(1.0), Tensor(2.0)
    b.register_hook(lambda g: 1 / 0)
    y = a * b
    with pytest.raises(ZeroDivisionError):
        y.backward(retain_graph=True)
    assert a.grad is None
    assert b.grad is None


def test_masked_arrays_on_either_side() -> None:
    masked = np.ma.array([1.0, 2.0], mask=[0, 1])
    x = Tensor([1.0, 2.0])
    for wrong in (lambda: masked * x, lambda: x * masked):
        with pytest.raises((TypeError, ValueError)):
            wrong()


def test_a_complex_number_does_not_widen() -> None:
    assert (Tensor(np.ones(2, np.float32)) * 1j).dtype == np.complex64
    y = Tensor(2.0) * (1 + 1j)
    assert y.dtype == np.complex128
    assert grad(lambda x: (x * (1 + 2j)).real)(3.0) == 1.0


def test_seeding_reaches_a_recorded_draw() -> None:
    ag.random.seed(1)
    _, program = record(lambda: ag.random.normal(size=2))
    ag.random.seed(5)
    again = program.run()
    ag.random.seed(5)
    np.testing.assert_array_equal(again.numpy(), ag.random.normal(size=2).numpy())


PLACE = np.ones(2)
LOSING = {
    "cmath": lambda s: cmath.exp(s),
    "map": lambda s: list(map(math.sqrt, [s])),
    "fromiter": lambda s: np.fromiter([s, s], float),
    "fill": lambda s: PLACE.fill(s),
    "array": lambda s: array.array("d", [s]),
    "initial": lambda s: np.sum(np.ones(2), initial=s),
    "np.float64": lambda s: np.float64(s),
}


@pytest.mark.parametrize("name", LOSING)
def test_who_takes_the_bare_number_of_a_tensor_is_told(name: str) -> None:
    with pytest.raises((TypeError, RuntimeError, ValueError)) as told:
        LOSING[name](Tensor(0.5))
    assert "gradient would be lost" in str(told.value) + str(told.value.__cause__)  # NumPy may put words of its own first
    LOSING[name](Tensor(0.5).detach())


def test_a_number_may_be_made_of_a_tensor_on_purpose() -> None:
    s = Tensor(0.5)
    assert float(s) == 0.5
    assert [float(v) for v in (s, s * 2)] == [0.5, 1.0]
    assert complex(s) == 0.5
    assert f"{float(s):.2f} {s:.1f}" == "0.50 0.5"
    assert "%.2f" % s == "0.50"  # noqa: UP031
    assert f"{s.item()}" == "0.5"
