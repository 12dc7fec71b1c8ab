"""Fourier transforms: values against NumPy in both spellings, gradients against finite differences, and what is refused.

The three ops themselves are tested in test_rules.py; here are the functions over them, with all their arguments.
"""

from typing import Any

import numpy as np
import pytest

import autograd
from autograd import Tensor, fft, vjp
from autograd.testing import check_grads

RNG = np.random.default_rng(3)
LINE = {dtype: RNG.normal(size=5).astype(dtype) for dtype in (float, complex)}
LINE[complex] = LINE[complex] + 1j * RNG.normal(size=5)
CUBE = {float: RNG.normal(size=(3, 2, 4))}
CUBE[complex] = CUBE[float] + 1j * RNG.normal(size=(3, 2, 4))

COMPLEX = ["fft", "ifft", "irfft", "hfft"]  # of complex values, and of real ones as well
REAL = ["rfft", "ihfft"]
NORMS = [None, "backward", "ortho", "forward"]

# (function, input, keywords): every function, length, axis and norm
TABLE: list[tuple[str, Any, dict[str, Any]]] = [
    *(
        (f, LINE[d], {"n": n, "norm": norm})
        for f in COMPLEX
        for d in LINE
        for n in (None, 1, 2, 3, 4, 5, 8, 9)
        for norm in NORMS
    ),
    *((f, LINE[float], {"n": n, "norm": norm}) for f in REAL for n in (None, 1, 2, 3, 4, 5, 8, 9) for norm in NORMS),
    *((f, CUBE[float], {"n": n, "axis": axis}) for f in COMPLEX + REAL for n in (None, 3) for axis in (0, 1, -1)),
    *(
        (f, CUBE[d], {"s": s, "axes": axes, "norm": norm})
        for f, dtypes in [("fftn", [float, complex]), ("ifftn", [complex]), ("rfftn", [float]), ("irfftn", [complex])]
        for d in dtypes
        for s, axes in [
            (None, None),
            (None, (1,)),
            (None, (2, 0)),
            ((4, 3), (0, -1)),
            ((2, 5), (2, 1)),
            ((-1, 3), (1, 2)),
            ((3, 3, 3), (0, 1, 2)),
        ]
        for norm in ("backward", "ortho", "forward")
    ),
    *(
        (f, CUBE[float], {"s": s, "axes": axes})
        for f in ("fftn", "ifftn", "rfftn", "irfftn")
        for s, axes in [(None, (0, 0)), ((2, 4), (1, 1)), ((3, 2, 5), (2, 0, 2)), ((2, 3, 3), (0, 0, 1))]
    ),
    *((f, CUBE[float], {"axes": axes}) for f in ("fft2", "ifft2", "rfft2", "irfft2") for axes in ((-2, -1), (0, 2), (1, 0))),
    *((f, CUBE[float], {}) for f in ("fft2", "ifft2", "rfft2", "irfft2", "fftn", "ifftn", "rfftn", "irfftn")),
    *((f, CUBE[float], {"axes": axes}) for f in ("fftshift", "ifftshift") for axes in (None, 0, -1, (0, 2))),
    ("fftn", CUBE[complex], {"axes": ()}),
    ("fft", [1.0, 2.0, 4.0], {}),
    ("fft", [1, 2, 4], {}),
    ("rfft", np.zeros((0, 4)), {}),
    ("irfft", np.zeros((2, 0, 3)), {"n": 5}),
    ("fft", np.ones((1, 1)), {"axis": 0}),
]


def name_of(case: Any) -> str:
    name, x, keywords = case
    return " ".join([name, str(np.asarray(x).dtype), str(np.shape(x)), *(f"{k}={v}" for k, v in keywords.items())])


@pytest.mark.parametrize("case", TABLE, ids=name_of)
def test_values_in_both_spellings(case: Any) -> None:
    name, x, keywords = case
    expected = getattr(np.fft, name)(x, **keywords)
    plain = getattr(fft, name)(x, **keywords)
    assert isinstance(plain, np.ndarray)
    for got in (plain, getattr(np.fft, name)(Tensor(x), **keywords).numpy()):
        assert got.dtype == expected.dtype
        np.testing.assert_allclose(got, expected, rtol=1e-14, atol=1e-14)


# Every second one: lengths, axes and norms in all functions still.
MOVING = [case for case in TABLE[::2] if isinstance(case[1], np.ndarray) and case[1].size]


@pytest.mark.parametrize("case", MOVING, ids=name_of)
def test_gradients_in_both_modes(case: Any) -> None:
    name, x, keywords = case

    def f(x: Any) -> Any:
        return getattr(fft, name)(x, **keywords)

    check_grads(f, x, order=1, rtol=1e-9)


@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"])
@pytest.mark.parametrize("n", [None, 3, 4, 8])
def test_second_order(name: str, n: int | None) -> None:
    """Through the square of the modulus, which is not linear."""

    def power(x: Any) -> Any:
        y = getattr(np.fft, name)(x, n=n)
        return ((y * np.conj(y)).real ** 2).sum()

    check_grads(power, LINE[float], rtol=1e-7)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_imaginary_parts_that_irfft_does_not_look_at_have_no_gradient(n: int) -> None:
    x = np.array([1 + 2j, 3 - 1j, 0.5 + 0.5j])
    (gradient,) = vjp(lambda x: fft.irfft(x, n=n), x)[1](np.arange(1.0, n + 1))
    ignored = [2 * k % n == 0 or k > n // 2 for k in range(3)]
    np.testing.assert_array_equal(gradient.imag == 0, ignored)
    np.testing.assert_array_equal(gradient == 0, [k > n // 2 for k in range(3)])


def test_round_trip_of_odd_length_has_the_gradient_of_the_identity() -> None:
    x = Tensor([1.0, 2.0, 3.0])
    y = np.fft.irfft(np.fft.rfft(x), n=3) * np.array([1.0, 10.0, 100.0])
    y.sum().backward()
    np.testing.assert_allclose(y.detach().numpy(), [1.0, 20.0, 300.0], rtol=1e-15)
    np.testing.assert_allclose(x.grad.data, [1.0, 10.0, 100.0], rtol=1e-15)


@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft", "fftn", "irfftn", "fftshift"])
def test_single_precision_stays(name: str) -> None:
    x = Tensor(CUBE[float].astype(np.float32))
    y = getattr(fft, name)(x)
    assert y.dtype == (np.float32 if name in ("irfft", "hfft", "irfftn", "fftshift") else np.complex64)
    y.real.sum().backward()
    assert x.grad.dtype == np.float32
    _, pull = vjp(getattr(fft, name), x.detach())
    assert pull(y.detach())[0].dtype == np.float32


def test_a_dtype_is_kept_by_the_derivative_itself_and_not_only_cast_back() -> None:
    """So that a gradient in single precision costs single precision."""
    half = CUBE[complex].astype(np.complex64)
    for rule, g in (("half_of_real", half), ("real_from_half", half.real)):
        derivative = autograd.registry[rule].derivatives[0]
        dtype = derivative(g, (3, 2, 6), (6,), (2,), None).dtype
        assert dtype == (np.float32 if rule == "half_of_real" else np.complex64)


FREQUENCIES = [(n, d) for n in (1, 2, 5, 8) for d in (1.0, 0.5, 2)]


@pytest.mark.parametrize(("n", "d"), FREQUENCIES)
@pytest.mark.parametrize("name", ["fftfreq", "rfftfreq"])
def test_frequencies(name: str, n: int, d: float) -> None:
    ours, numpys = getattr(fft, name), getattr(np.fft, name)
    assert not ours(n, d).requires_grad
    np.testing.assert_array_equal(ours(n, d).numpy(), numpys(n, d))
    single = ours(n, d=np.float64(d), dtype=np.float32, device="cpu")
    assert single.dtype == np.float32
    np.testing.assert_allclose(single.numpy(), numpys(n, d), rtol=1e-6)
    spacing = Tensor(float(d))
    weights = np.cos(np.arange(len(numpys(n))))
    (ours(n, d=spacing) * weights).sum().backward()
    np.testing.assert_allclose(spacing.grad.item(), -(numpys(n, d) * weights).sum() / d, rtol=1e-13)


REFUSED = {
    "no points": (lambda: fft.fft(Tensor([1.0]), n=0), ValueError, "fft: n=0, and a transform needs 1 or more points"),
    "n=-1": (lambda: fft.irfft(Tensor([1.0]), n=-1), ValueError, "irfft: n=-1"),
    "empty": (lambda: fft.fft(Tensor(np.zeros(0))), ValueError, "each must be 1 or more"),
    "one entry": (lambda: fft.irfft(Tensor([1.0])), ValueError, "irfft of shape .* to the lengths"),
    "axis": (lambda: fft.fft(Tensor([1.0]), axis=1), IndexError, "fft: axes=.* which has 1 axes"),
    "more lengths than axes": (lambda: fft.fftn(Tensor([1.0, 2.0]), s=(2, 3)), IndexError, "fftn: axes=.* which has 1 axes"),
    "axis of a shift": (lambda: np.fft.fftshift(Tensor([1.0]), axes=1), IndexError, "fftshift: axes=.* which has 1 axes"),
    "no frequencies": (lambda: fft.fftfreq(0), ValueError, "fftfreq: n=0"),
    "half a frequency": (lambda: fft.rfftfreq(2.5), TypeError, "integer"),
    "scalar": (lambda: fft.fft(Tensor(1.0)), IndexError, "which has 0 axes"),
    "lengths": (lambda: fft.fftn(Tensor(np.ones((2, 2))), s=(2,), axes=(0, 1)), ValueError, "must be of one length"),
    "norm": (lambda: np.fft.fft(Tensor([1.0]), norm="both"), ValueError, "both"),
    "norm of hfft": (lambda: np.fft.hfft(Tensor([1.0, 2.0]), norm="both"), ValueError, "both"),
    "complex": (lambda: np.fft.rfft(Tensor([1j])), TypeError, "rfft takes real values.* or use fft"),
    "complex ihfft": (lambda: fft.ihfft(Tensor([1j])), TypeError, "ihfft takes real values"),
    "no axes": (lambda: fft.rfftn(Tensor([1.0]), axes=()), ValueError, "at least one axis"),
    "device": (lambda: fft.fftfreq(3, device="gpu"), ValueError, "gpu"),
    "dtype": (lambda: fft.fftfreq(3, dtype=int), TypeError, "frequencies are floats"),
    "out": (lambda: np.fft.fft(Tensor([1.0]), out=np.zeros(1, complex)), TypeError, "out|write"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str) -> None:
    call, error, words = REFUSED[name]
    with pytest.raises(error, match=words):
        call()
