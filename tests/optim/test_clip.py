"""Clipping: the norm in float64 whatever comes, PyTorch's factor, no array written to, and the same bits when recorded."""

import tracemalloc
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import nn
from autograd import DtypeError, GradientError, RecordingError, Tensor, record
from optim.clip import clip_grad_norm_, clip_grad_value_
from optim.optimizer import BLOCK

DTYPES = [np.float16, np.float32, np.float64, np.complex64, np.complex128]
EXPONENTS = [0.5, 1, 1.5, 2, 3, 7.0, np.inf]
SHAPES = [(3,), (), (0,), (2, 4), (300, 230), (BLOCK,), (8192,), (2 * BLOCK + 5,)]


def gradients(dtype: Any, shapes: Any = SHAPES, seed: int = 0) -> list[Any]:
    rng = np.random.default_rng(seed)
    imaginary = 1j if np.dtype(dtype).kind == "c" else 0
    return [np.asarray(rng.normal(size=s) + imaginary * rng.normal(size=s), dtype) for s in shapes]


def parameters(grads: Any) -> list[Tensor]:
    made = [Tensor(np.zeros_like(g)) for g in grads]
    for p, g in zip(made, grads, strict=True):
        p.grad = g
    return made


def norm_of(grads: Any, exponent: float) -> Any:
    wide = [np.abs(g.astype(np.clongdouble if g.dtype.kind == "c" else np.longdouble)).ravel() for g in grads]
    x = np.concatenate(wide)
    return x.max() if exponent == np.inf else np.sum(x**exponent) ** (1 / np.longdouble(exponent))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("exponent", EXPONENTS)
def test_the_norm_is_that_of_one_vector_in_float64(dtype: Any, exponent: float) -> None:
    grads = gradients(dtype)
    ps = parameters(grads)
    norm = clip_grad_norm_(ps, 2.0, exponent)
    assert type(norm) is float
    np.testing.assert_allclose(norm, float(norm_of(grads, exponent)), rtol=1e-13)
    rounding = np.finfo(dtype).eps
    for p, g in zip(ps, grads, strict=True):
        wide = g.astype(np.result_type(dtype, np.float64)) * (2.0 / (norm + 1e-6))
        np.testing.assert_allclose(p.grad.numpy(), wide, rtol=rounding, atol=np.finfo(dtype).smallest_subnormal)
        assert p.grad.dtype == dtype


@pytest.mark.parametrize("exponent", [0.5, 1, 2, 3, 9.0, np.inf])
@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        *[(np.float16, 6e4), (np.float16, 6e-8), (np.float32, 3e38), (np.float32, 1e-45), (np.complex64, 1e38)],
        *[(np.float64, 1e200), (np.float64, 1e300), (np.float64, 1e-310), (np.complex128, 1e200)],
    ],
)
def test_powers_leave_no_range(dtype: Any, value: float, exponent: float) -> None:
    g = np.full((3, 5), value, dtype)
    (p,) = parameters([g])
    norm = clip_grad_norm_([p], np.inf, exponent)
    np.testing.assert_allclose(norm, float(norm_of([g], exponent)), rtol=1e-13)


def test_a_factor_below_the_range_of_float16_is_applied() -> None:
    grads = gradients(np.float16, [(BLOCK * 4,)])
    (p,) = parameters([grads[0] * np.float16(1e4)])
    clip_grad_norm_([p], 1e-3, np.inf)
    assert np.abs(p.grad.numpy()).max() == np.float16(1e-3)


@pytest.mark.slow
@given(
    st.lists(st.lists(st.floats(-1e300, 1e300), max_size=6), min_size=1, max_size=4),
    st.floats(0, 1e3),
    st.sampled_from([0.7, 1.0, 2.0, 4.0, float("inf")]),
)
def test_no_norm_is_above_the_bound_afterwards(values: Any, bound: float, exponent: float) -> None:
    grads = [np.array(v, float) for v in values]
    ps = parameters(grads)
    before = clip_grad_norm_(ps, bound, exponent)
    assume(not 0 < bound / (before + 1e-6) < np.finfo(float).tiny)  # a factor that small has few digits left
    after = clip_grad_norm_(ps, np.inf, exponent)
    assert after <= max(bound, 5e-324 * 10) * (1 + 1e-12)
    for p, g in zip(ps, grads, strict=True):  # the direction stays
        if before + 1e-6 <= bound:
            np.testing.assert_array_equal(p.grad.numpy(), g)
        else:
            np.testing.assert_allclose(p.grad.numpy(), g * (bound / (before + 1e-6)), rtol=1e-14, atol=1e-320)


@pytest.mark.torch
@pytest.mark.parametrize("exponent", EXPONENTS)
@pytest.mark.parametrize("bound", [0.0, 0.5, 1e5])
def test_norms_are_pytorchs(exponent: float, bound: float) -> None:
    torch = pytest.importorskip("torch")
    grads = gradients(np.float64, [(3,), (2, 4), (), (300, 230)])
    ours, theirs = parameters(grads), [torch.zeros(g.shape, dtype=torch.float64, requires_grad=True) for g in grads]
    for p, g in zip(theirs, grads, strict=True):
        p.grad = torch.tensor(g)
    norm = torch.nn.utils.clip_grad_norm_(theirs, bound, exponent)
    np.testing.assert_allclose(clip_grad_norm_(ours, bound, exponent), norm.item(), rtol=1e-13)
    torch.nn.utils.clip_grad_value_(theirs, 0.1)
    clip_grad_value_(ours, 0.1)
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-13, atol=0)


@pytest.mark.parametrize("given", ["model", "generator", "pairs", "one"])
def test_what_may_be_given(given: str) -> None:
    model = nn.Linear(3, 1, bias=given != "one")
    for p in model.parameters():
        p.grad = np.full(p.shape, 3.0, np.float32)
    ways = {"model": model, "generator": model.parameters(), "pairs": model.named_parameters(), "one": model.weight}
    expected = np.sqrt(9 * (3 if given == "one" else 4))
    np.testing.assert_allclose(clip_grad_norm_(ways[given], 1.0), expected)
    np.testing.assert_allclose(model.weight.grad.numpy(), 3 / expected, rtol=1e-6)


def test_what_has_no_gradient_counts_nothing_and_what_comes_twice_counts_once() -> None:
    p, q, frozen = Tensor(np.ones(2)), Tensor(np.ones(2)), Tensor(np.ones(2), requires_grad=False)
    assert clip_grad_norm_([p, frozen], 1.0) == clip_grad_norm_([], 1.0) == 0.0
    clip_grad_value_([p, frozen], 1.0)
    p.grad = np.array([3.0, 4.0])
    assert clip_grad_norm_([p, q, p], np.inf) == 5.0
    assert q.grad is None


def test_a_number_has_a_gradient_of_its_own_kind() -> None:
    p, q = Tensor(2.0), Tensor(np.ones(2))
    (p * 3 + (q * np.array([0.0, 4.0])).sum()).backward()
    assert clip_grad_norm_([p, q], 1.0) == 5.0
    np.testing.assert_allclose([p.grad.item(), *q.grad.numpy()], [0.6, 0, 0.8], rtol=1e-6)
    assert type(p.grad.data) is float


@pytest.mark.parametrize("g", [[0.0, 0.0], [0.3, -0.4]])
@pytest.mark.parametrize("clip", [clip_grad_norm_, clip_grad_value_])
def test_what_needs_no_clipping_is_not_touched(clip: Any, g: Any) -> None:
    (p,) = parameters([np.array(g)])
    before = p.grad
    raw = before._raw
    clip([p], 1.0)
    assert p.grad is before
    assert p.grad._raw is raw


@pytest.mark.parametrize("clip", [clip_grad_norm_, clip_grad_value_])
@pytest.mark.parametrize("size", [3, 3 * BLOCK])
def test_nobody_who_holds_a_gradient_sees_it_change(clip: Any, size: int) -> None:
    p, q = Tensor(np.ones(size)), Tensor(np.ones(size))
    ((p + q) * 5).sum().backward()  # both may hold one array
    held, array = p.grad, p.grad.data
    clip([p], 0.5)
    for g in (held.numpy(), array, q.grad.numpy()):
        np.testing.assert_array_equal(g, np.full(size, 5.0))
    assert (p.grad.numpy() <= 0.5).all()


@pytest.mark.parametrize("order", ["F", "strided"])
def test_gradients_may_lie_in_memory_as_they_like(order: str) -> None:
    g = np.random.default_rng(0).normal(size=(400, 500))
    given = np.asfortranarray(g) if order == "F" else np.repeat(g, 2, axis=1)[:, ::2]
    one, other = parameters([g, given])
    other.node.grad = given
    assert clip_grad_norm_([one], 1.0) == clip_grad_norm_([other], 1.0)
    np.testing.assert_array_equal(one.grad.numpy(), other.grad.numpy())


NONFINITE = [(np.nan, "nan", "1 nan of 3"), (np.inf, "inf", "1 inf of 3"), (-np.inf, "inf", "1 inf of 3")]


@pytest.mark.parametrize(("value", "norm", "words"), NONFINITE)
@pytest.mark.parametrize("exponent", EXPONENTS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_norm_that_is_not_finite_is_told_and_nothing_is_changed(
    dtype: Any, exponent: float, value: float, norm: str, words: str
) -> None:
    grads = [np.array([5, 6, 7], dtype), np.array([1, value, 2], dtype)]
    ps = parameters(grads)
    before = [p.grad for p in ps]
    named = [("body.weight", ps[0]), ("head.bias", ps[1])]
    message = f"the norm of the gradients is {norm}: head.bias has {words}$"
    with pytest.raises(GradientError, match=message):
        clip_grad_norm_(named, 1.0, exponent, error_if_nonfinite=True)
    with pytest.warns(RuntimeWarning, match=f"{message[:-1]}. The gradients are left as they are") as told:
        returned = clip_grad_norm_(named, 1.0, exponent)
    assert told[0].filename == __file__
    assert str(returned) == norm
    assert all(p.grad is g for p, g in zip(ps, before, strict=True))


def test_messages_stay_short_and_tell_what_is_beyond_float64() -> None:
    ps = parameters([np.array([np.nan, np.inf, np.nan])] * 8)
    with pytest.raises(GradientError, match=r"parameter 4 of shape \(3,\) has 2 nan and 1 inf of 3; and 3 more$"):
        clip_grad_norm_(ps, 1.0, error_if_nonfinite=True)
    with pytest.raises(GradientError, match="is inf: every gradient is finite, and all together are beyond float64"):
        clip_grad_norm_(parameters([np.full(100, 1.7e308)]), 1.0, error_if_nonfinite=True)


# --- recorded --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("exponent", [0.5, 1, 2, 7.0, np.inf])
def test_recorded_clipping_is_the_eager_one_bit_for_bit(dtype: Any, exponent: float) -> None:
    weights = gradients(dtype)
    ps, qs = ([Tensor(np.ones_like(w)) for w in weights] for _ in range(2))

    def step_of(ps: Any) -> Any:
        def step(factor: Any, extra: Any, bound: Any) -> Any:
            for p in ps:
                p.grad = None
            outs = [((p * w) * factor).sum() for p, w in zip(ps, weights, strict=True)]
            (sum(outs[1:], outs[0]) + (ps[0] * extra).sum()).real.backward()
            return clip_grad_norm_(ps, bound, exponent)

        return step

    _, program = record(step_of(ps), dtype(1), np.zeros(3, dtype), 2.0)
    eager = step_of(qs)
    for factor, extra, bound in [(1, 0, 2.0), (1e-4, 0, 1.0), (2, np.inf, 1.0), (2, np.nan, 1.0), (0, 0, 1.0), (3, 0, 1e9)]:
        given = dtype(factor), np.array([0, extra, 0], dtype), bound
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            norm = eager(*given)
        np.testing.assert_array_equal(program.run(*given).item(), norm)
        for p, q in zip(ps, qs, strict=True):
            np.testing.assert_array_equal(p.grad.numpy(), q.grad.numpy())
            assert p.grad.dtype == q.grad.dtype == dtype


def test_recorded_clipping_by_value_is_the_eager_one() -> None:
    p, q = Tensor(np.ones(3, np.float32)), Tensor(np.ones(3, np.float32))

    def step_of(p: Any) -> Any:
        def step(weight: Any, bound: Any) -> None:
            p.grad = None
            (p * weight).sum().backward()
            clip_grad_value_([p], bound)

        return step

    weight = np.array([0.1, -5, 7], np.float32)
    _, program = record(step_of(p), weight, 1.0)
    for bound in (1.0, 0.05, 100.0):
        program.run(-weight, bound)
        step_of(q)(-weight, bound)
        np.testing.assert_array_equal(p.grad.numpy(), q.grad.numpy())
        assert p.grad.dtype == np.float32


def test_a_recording_cannot_raise_for_a_value() -> None:
    (p,) = parameters([np.ones(3)])
    with pytest.raises(RecordingError, match="it cannot raise then: leave error_if_nonfinite out"):
        record(lambda: clip_grad_norm_([p], 1.0, error_if_nonfinite=True))


# --- by value --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES[:3])
@pytest.mark.parametrize("bound", [0.0, 0.25, 1, 1e39, np.inf])
def test_values_are_brought_into_the_range(dtype: Any, bound: float) -> None:
    g = np.array([0.1, -3.0, 7.0, np.nan, np.inf, -np.inf, -0.0], dtype)
    p, empty = parameters([g, g[:0]])
    clip_grad_value_([p, empty], bound)
    with np.errstate(over="ignore"):
        expected = np.clip(g, -np.asarray(bound).astype(dtype), np.asarray(bound).astype(dtype))
    np.testing.assert_array_equal(p.grad.numpy(), expected)
    assert p.grad.dtype == dtype


def test_a_bound_that_is_only_passed_below_is_seen() -> None:
    for g in ([-3.0, 0.5], [0.5, 3.0], [np.nan, 3.0], [np.nan, -3.0]):
        (p,) = parameters([np.array(g)])
        clip_grad_value_(p, 1.0)
        np.testing.assert_array_equal(p.grad.numpy(), np.clip(g, -1, 1))


# --- wrong use -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ((nn.Linear, 1.0), TypeError, r"Linear is a class, which has no parameters: make an object of it, Linear\(...\)"),
        ((nn.Linear(1, 1).parameters, 1.0), TypeError, "takes a model, parameters, .* not a method: call it"),
        (({"w": 1}, 1.0), TypeError, "not a dict"),
        ((None, 1.0), TypeError, "not a NoneType$"),
        (([np.ones(3)], 1.0), TypeError, "which are Tensors, and number 0 is a ndarray"),
        (([], -1), ValueError, "is not negative and not nan: -1 came"),
        (([], float("nan")), ValueError, "not nan: nan came"),
        (([], np.float32("nan")), ValueError, "not nan: nan came"),
        (([], None), TypeError, "is a number, not None"),
        (([], True), TypeError, "is a number, not True"),
        (([], "1"), TypeError, "is a number, not '1'"),
    ],
)
@pytest.mark.parametrize("clip", [clip_grad_norm_, clip_grad_value_])
def test_wrong_arguments_are_told(clip: Any, arguments: Any, kind: Any, message: str) -> None:
    with pytest.raises(kind, match=f"{clip.__name__}.*{message}"):
        clip(*arguments)


@pytest.mark.parametrize("norm_type", [0, -1, float("nan"), -np.inf])
def test_norm_types_are_positive(norm_type: float) -> None:
    with pytest.raises(ValueError, match="norm_type is a positive number or inf"):
        clip_grad_norm_([], 1.0, norm_type)


def test_arguments_may_be_numpys_and_pytorchs_spellings() -> None:
    (p,) = parameters([np.array([3.0, 4.0])])
    assert clip_grad_norm_([p], np.float32(9), "inf") == 4.0
    assert clip_grad_norm_([p], Tensor(9.0), norm_type=2) == 5.0
    assert clip_grad_norm_([p], max_norm=np.array(9)) == 5.0


def test_complex_gradients_have_no_range() -> None:
    p = Tensor(np.ones(2, complex))
    p.grad = np.ones(2, complex)
    with pytest.raises(DtypeError, match="clip_grad_value_: z: complex numbers have no order"):
        clip_grad_value_([("z", p)], 1.0)


def test_no_copy_in_float64_is_made_but_of_a_block() -> None:
    (p,) = parameters([np.ones(40 * BLOCK, np.float32)])
    tracemalloc.start()
    try:
        for bound, allowed in ((np.inf, 0), (1.0, p.nbytes)):  # a new gradient
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            clip_grad_norm_([p], bound)
            assert tracemalloc.get_traced_memory()[1] - before < allowed + 4 * 8 * BLOCK
    finally:
        tracemalloc.stop()
