"""Convolution, interpolation, the trapezoidal rule, unwrapped phases: against NumPy, SciPy and finite differences."""

import itertools
from typing import Any

import numpy as np
import pytest
import scipy.integrate
import scipy.signal

import autograd
import autograd.integrate
from autograd import Tensor, record
from autograd.ops import signal
from autograd.ops.signal import convolve, convolve_nd, correlate, interp, trapezoid, unwrap
from autograd.testing import check_grads

MODES = ["full", "same", "valid"]
RNG = np.random.default_rng(5)


def random(*shape: int, dtype: Any = float) -> Any:
    x = RNG.normal(size=shape).astype(dtype)
    return x + 1j * RNG.normal(size=shape) if dtype is complex else x


# --- convolution along one axis --------------------------------------------------------------------------------------------

PAIRS = [
    (n, m, dtypes)
    for n, m in [(1, 1), (1, 3), (3, 1), (4, 4), (5, 2), (2, 5), (5, 3), (3, 6), (4, 7), (6, 3)]
    for dtypes in [(float, float), (complex, float), (float, complex), (complex, complex)]
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("n", "m", "dtypes"), PAIRS)
@pytest.mark.parametrize("name", ["convolve", "correlate"])
def test_convolve_and_correlate(name: str, n: int, m: int, dtypes: Any, mode: str) -> None:
    x, w = random(n, dtype=dtypes[0]), random(m, dtype=dtypes[1])
    ours, numpys = getattr(signal, name), getattr(np, name)
    expected = numpys(x, w, mode)
    for got in (ours(x, w, mode), numpys(Tensor(x), w, mode).numpy(), numpys(x, Tensor(w), mode=mode).numpy()):
        assert got.dtype == expected.dtype
        np.testing.assert_allclose(got, expected, rtol=1e-13, atol=1e-13)
    check_grads(lambda x, w: ours(x, w, mode), x, w, rtol=1e-8)


def test_default_modes_are_those_of_numpy() -> None:
    x, w = random(5), random(3)
    for ours, numpys in ((convolve, np.convolve), (correlate, np.correlate)):
        np.testing.assert_allclose(ours(x, w), numpys(x, w), rtol=1e-14)
        np.testing.assert_allclose(numpys(Tensor(x), Tensor(w)).numpy(), numpys(x, w), rtol=1e-14)


def test_known_sums() -> None:
    """Each element of one meets each of the other once, so the gradient of the sum is the sum of the other."""
    x, w = Tensor([1.0, 2.0, 3.0]), Tensor([1.0, 10.0])
    y = np.convolve(x, w)
    y.sum().backward()
    np.testing.assert_array_equal(y.detach().numpy(), [1, 12, 23, 30])
    np.testing.assert_array_equal(x.grad.data, [11, 11, 11])
    np.testing.assert_array_equal(w.grad.data, [6, 6])


def test_lists_numbers_and_integers() -> None:
    np.testing.assert_array_equal(convolve([1, 2, 3], [0, 1]), np.convolve([1, 2, 3], [0, 1]))
    assert convolve([1, 2], [3]).dtype == np.convolve([1, 2], [3]).dtype
    np.testing.assert_array_equal(convolve(2.0, [1.0, 2.0]), np.convolve(2.0, [1.0, 2.0]))
    np.testing.assert_array_equal(correlate([1, 2], Tensor([3.0])).detach().numpy(), [3, 6])
    flags = np.array([True, False, True])
    assert correlate(Tensor(flags), flags).dtype == np.correlate(flags, flags).dtype


@pytest.mark.parametrize("name", ["convolve", "correlate"])
def test_single_precision_stays(name: str) -> None:
    x = Tensor(np.ones(4, np.float32))
    y = getattr(np, name)(x, np.ones(2, np.float32), "same")
    assert y.dtype == np.float32
    y.sum().backward()
    assert x.grad.dtype == np.float32


# --- convolution along several axes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shapes", [((4, 5), (2, 3)), ((3, 3), (3, 3)), ((2, 3, 4), (1, 2, 2)), ((6,), (3,)), ((5, 4), (2, 1))])
@pytest.mark.parametrize("dtype", [float, complex])
def test_all_axes_against_scipy(shapes: Any, mode: str, dtype: Any) -> None:
    x, w = (random(*shape, dtype=dtype) for shape in shapes)
    np.testing.assert_allclose(
        convolve_nd(x, w, mode=mode), scipy.signal.convolve(x, w, mode, "direct"), rtol=1e-12, atol=1e-12
    )
    check_grads(lambda x, w: convolve_nd(x, w, mode=mode), x, w, rtol=1e-8)


def by_definition(x: Any, w: Any, axes: Any, dot_axes: Any, mode: str) -> Any:
    """The full convolution by a loop over the elements of w along its axes, then the part that the mode keeps."""
    others = [[a for a in range(v.ndim) if a not in (*ax, *dot)] for v, ax, dot in zip((x, w), axes, dot_axes, strict=True)]
    x = np.transpose(x, (*others[0], *dot_axes[0], *axes[0]))
    w = np.transpose(w, (*others[1], *dot_axes[1], *axes[1]))
    k, dots = len(axes[0]), len(dot_axes[0])
    n, m = x.shape[x.ndim - k :], w.shape[w.ndim - k :]
    free = x.shape[: len(others[0])] + w.shape[: len(others[1])]
    full = np.zeros(free + tuple(a + b - 1 for a, b in zip(n, m, strict=True)))
    for place in itertools.product(*map(range, m)):
        tap = w[(..., *place)]
        lead_x, lead_w = x.ndim - k - dots, tap.ndim - dots
        product = np.tensordot(x, tap, (range(lead_x, lead_x + dots), range(lead_w, tap.ndim)))
        product = np.moveaxis(product, range(lead_x, lead_x + k), range(-k, 0))
        full[(..., *(slice(p, p + a) for p, a in zip(place, n, strict=True)))] += product
    start, size = {
        "full": ([0] * k, full.shape[full.ndim - k :]),
        "same": ([(b - 1) // 2 for b in m], n),
        "valid": ([min(a, b) - 1 for a, b in zip(n, m, strict=True)], [abs(a - b) + 1 for a, b in zip(n, m, strict=True)]),
    }[mode]
    return full[(..., *(slice(a, a + b) for a, b in zip(start, size, strict=True)))]


AXES = {  # shapes, axes, dot_axes
    "image": ((2, 3, 5, 4), (3, 2, 2, 3), ([2, 3], [2, 3]), ([1], [0])),
    "image, kernel first": ((3, 2, 2, 3), (2, 3, 5, 4), ([2, 3], [2, 3]), ([0], [1])),
    "no dot": ((2, 5), (3, 2), ([1], [1]), ([], [])),
    "crossed": ((4, 5), (3, 2), ([1, 0], [0, 1]), ([], [])),
    "dot of two": ((2, 6, 3), (2, 3, 2), ([1], [2]), ([0, 2], [0, 1])),
    "negative": ((2, 6), (2, 3), ([-1], [-1]), ([-2], [-2])),
    "only dot": ((2, 3), (3, 4), ([], []), ([1], [0])),
    "w longer": ((2, 3), (4, 6), ([1], [1]), ([], [])),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", AXES)
def test_chosen_axes_against_the_definition(name: str, mode: str) -> None:
    x_shape, w_shape, axes, dot_axes = AXES[name]
    x, w = random(*x_shape), random(*w_shape)
    positive = [[[a % v.ndim for a in group] for group, v in zip(groups, (x, w), strict=True)] for groups in (axes, dot_axes)]
    got = convolve_nd(x, w, axes, dot_axes, mode)
    np.testing.assert_allclose(got, by_definition(x, w, *positive, mode), rtol=1e-12, atol=1e-12)
    check_grads(lambda x, w: convolve_nd(x, w, axes=axes, dot_axes=dot_axes, mode=mode), x, w, order=1, rtol=1e-8)


def test_many_windows_are_looked_at_and_not_copied(monkeypatch: Any) -> None:
    x, w = random(2, 3, 5, 4), random(2, 3, 2, 3)
    keywords = {"axes": ([2, 3], [2, 3]), "dot_axes": ([1], [1])}
    copied = convolve_nd(x, w, **keywords)
    monkeypatch.setattr(signal, "COPIED", 0)
    np.testing.assert_allclose(convolve_nd(x, w, **keywords), copied, rtol=1e-13, atol=1e-14)


REFUSED = {
    "mode": (lambda: np.convolve(Tensor([1.0]), [1.0], "some"), "convolve: mode='some', and the modes are"),
    "empty": (lambda: np.convolve(Tensor(np.zeros(0)), [1.0]), r"convolve takes .* and got shape \(0,\)"),
    "period": (lambda: np.interp(Tensor([1.0]), [0.0, 1.0], [1.0, 2.0], period=0), "period=0"),
    "matrix": (lambda: np.correlate([1.0], Tensor(np.ones((2, 2)))), r"correlate takes .* and got shape \(2, 2\)"),
    "both longer": (lambda: convolve_nd(np.ones((2, 3)), np.ones((3, 2)), mode="valid"), "one array must be the longer"),
    "ranks": (lambda: convolve_nd(np.ones(3), np.ones((3, 2)), ([0], [0, 1])), "must pair axes"),
    "dot lengths": (lambda: convolve_nd(np.ones((2, 3)), np.ones((3, 3)), ([1], [1]), ([0], [0])), "must pair axes"),
    "twice": (lambda: convolve_nd(np.ones((2, 3)), np.ones((2, 3)), ([1], [1]), ([1], [0])), "must be different"),
    "no length": (lambda: convolve_nd(np.ones((2, 0)), np.ones((2, 3))), "must be 1 or more"),
    "interp lengths": (lambda: np.interp(Tensor(1.0), [0.0, 1.0], [0.0]), r"interp: xp and fp of shapes \(2,\) and \(1,\)"),
    "interp empty": (lambda: interp(1.0, [], []), "at least 1"),
    "interp complex x": (lambda: interp(1j, [0.0], [0.0]), "cannot be complex"),
    "trapezoid of a number": (lambda: trapezoid(Tensor(1.0)), "along an axis"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str) -> None:
    call, words = REFUSED[name]
    with pytest.raises((ValueError, TypeError), match=words) as caught:
        call()
    assert isinstance(caught.value, autograd.AutogradError)


# --- interpolation ---------------------------------------------------------------------------------------------------------

XP, FP = np.array([-1.0, -0.2, 0.5, 1.7]), np.array([0.3, 2.0, -1.0, 0.4])
PLACES = np.array([[-1.4, -0.9, 0.1], [0.4, 1.6, 2.2]])  # on either side of the points, and in every gap
ENDS: list[dict[str, Any]] = [{}, {"left": 5.0}, {"right": -5.0}, {"left": 5.0, "right": 7.0}, {"period": 2.9}, {"period": -4}]


@pytest.mark.parametrize("keywords", ENDS, ids=str)
@pytest.mark.parametrize("dtype", [float, complex])
def test_interp(keywords: Any, dtype: Any) -> None:
    fp = FP + 1j * FP[::-1] if dtype is complex else FP
    everywhere = np.concatenate([PLACES.ravel(), XP])
    everywhere = everywhere if "period" in keywords else np.append(everywhere, [np.inf, -np.inf, np.nan])
    expected = np.interp(everywhere, XP, fp, **keywords)
    np.testing.assert_allclose(interp(everywhere, XP, fp, **keywords), expected, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(np.interp(everywhere, XP, Tensor(fp), **keywords).numpy(), expected, rtol=1e-13, atol=1e-14)
    check_grads(lambda x, xp, fp: np.interp(x, xp, fp, **keywords), PLACES, XP, fp, rtol=1e-8)


def test_interp_has_gradients_in_its_ends() -> None:
    check_grads(lambda x, left, right: interp(x, XP, FP, left, right), PLACES, np.array(2.0), np.array(3.0), order=1, rtol=1e-8)
    check_grads(lambda x, period: interp(x, XP, FP, period=period), PLACES, np.array(3.3), order=1, rtol=1e-8)


KNOTS = [  # fp at -1, 0, 1; x; keywords; the slope: of those on both sides, the one nearest to zero
    ([0.0, 1.0, 5.0], 0.0, {}, 1.0),
    ([0.0, 4.0, 5.0], 0.0, {}, 1.0),
    ([0.0, -1.0, -5.0], 0.0, {}, -1.0),
    ([1.0, 0.0, 1.0], 0.0, {}, 0.0),  # the modulus
    ([0.0, 0.0, 1.0], 0.0, {}, 0.0),  # relu
    ([0.0, 2.0, 4.0], 0.0, {}, 2.0),  # no kink at all
    ([0.0, 2.0, 5.0], -1.0, {}, 0.0),
    ([0.0, 2.0, 5.0], 1.0, {}, 0.0),
    ([0.0, 2.0, 5.0], -1.0, {"left": 0.0}, 2.0),
    ([0.0, 2.0, 5.0], 1.0, {"right": 5.0}, 3.0),
    ([0.0, 2.0, 5.0], -3.0, {}, 0.0),
    ([0.0, 2.0, 5.0], np.inf, {}, 0.0),
    ([0.0, 2.0, 1.0], 1.0, {"period": 3.0}, -1.0),
]


@pytest.mark.parametrize(("fp", "x", "keywords", "slope"), KNOTS)
def test_slope_at_a_point_lies_between_those_on_its_sides(fp: Any, x: float, keywords: Any, slope: float) -> None:
    point, xp, values = Tensor(x), Tensor([-1.0, 0.0, 1.0]), Tensor(fp)
    y = np.interp(point, xp, values, **keywords)
    assert y.item() == np.interp(x, [-1.0, 0.0, 1.0], fp, **keywords)
    y.backward()
    np.testing.assert_allclose(point.grad.item(), slope, rtol=1e-15)
    assert np.isfinite(xp.grad.data).all()
    np.testing.assert_allclose(xp.grad.data.sum(), -slope if abs(x) <= 1 else 0.0, rtol=1e-15)  # moved with x, nothing changes
    np.testing.assert_allclose(values.grad.data.sum(), 1.0, rtol=1e-15)


def test_interp_with_one_point_and_with_a_jump() -> None:
    np.testing.assert_array_equal(interp([-1.0, 2.0, 5.0], [2.0], [7.0], 0, 9), [0, 7, 9])
    xp, fp, x = [0.0, 2.0, 2.0, 5.0, 5.0], [1.0, 2.0, 3.0, 4.0, 5.0], np.array([0.5, 2.0, 3.0, 5.0])
    np.testing.assert_allclose(interp(x, xp, fp), np.interp(x, xp, fp), rtol=1e-15)
    places, points, values = Tensor(x), Tensor(xp), Tensor(fp)
    interp(places, points, values).sum().backward()
    for t in (places, points, values):
        assert np.isfinite(t.grad.data).all()


def test_interp_dtypes() -> None:
    x, xp, fp = (Tensor(v.astype(np.float32)) for v in (PLACES, XP, FP))
    y = interp(x, xp, fp, 1.0, 2.0)
    assert y.dtype == np.float32
    y.sum().backward()
    assert x.grad.dtype == xp.grad.dtype == fp.grad.dtype == np.float32
    np.testing.assert_array_equal(interp([0, 1], [0, 2], [0, 4]), [0.0, 2.0])
    assert interp(Tensor(np.zeros(0)), XP, FP).shape == (0,)


def test_a_recording_of_interp_replays_with_other_values() -> None:
    """Which interval a value falls in is no constant of the Program."""

    def step(x: Any, xp: Any, fp: Any) -> Any:
        leaves = [v.requires_grad_() for v in (x, xp, fp)]
        y = np.interp(x, xp, fp) + np.interp(x, xp, fp, period=3.0)
        (y * y).sum().backward()
        return [y, *(v.grad for v in leaves)]

    _, program = record(step, PLACES, XP, FP)
    others = (PLACES[::-1] * 0.9, XP + 0.3, FP[::-1].copy())
    for got, wanted in zip(program.run(*others), step(*map(Tensor, others)), strict=True):
        np.testing.assert_array_equal(got.numpy(), wanted.detach().numpy())


# --- integrals and phases --------------------------------------------------------------------------------------------------

GRID, TABLE2 = np.array([0.0, 0.5, 2.0, 2.2]), random(3, 4)
TRAPEZOIDS: list[tuple[Any, dict[str, Any]]] = [
    (GRID, {}),
    (GRID, {"dx": 0.25}),
    (TABLE2, {"x": GRID}),
    (TABLE2, {"x": GRID[:3], "axis": 0}),
    (TABLE2, {"x": np.sort(random(3, 4), axis=1)}),
    (TABLE2, {"x": np.sort(random(3, 4), axis=0), "axis": 0}),
    (random(2, 3, 4), {"x": GRID[:3], "axis": 1}),
    (random(2, 4, dtype=complex), {"x": GRID, "axis": -1}),
    (random(3, 1), {}),
    (random(0, 3), {"axis": 1}),
]


@pytest.mark.parametrize(("y", "keywords"), TRAPEZOIDS)
def test_trapezoid(y: Any, keywords: Any) -> None:
    expected = np.trapezoid(y, **keywords)
    np.testing.assert_allclose(trapezoid(y, **keywords), expected, rtol=1e-15)
    np.testing.assert_allclose(np.trapezoid(Tensor(y), **keywords).numpy(), expected, rtol=1e-15)
    np.testing.assert_allclose(
        autograd.integrate.trapezoid(y, **keywords), scipy.integrate.trapezoid(y, **keywords), rtol=1e-15
    )
    rest = {name: value for name, value in keywords.items() if name != "x"}
    if "x" in keywords:
        check_grads(lambda y, x: np.trapezoid(y, x, **rest), y, keywords["x"], rtol=1e-8)
    else:
        check_grads(lambda y: np.trapezoid(y, **rest), y, rtol=1e-8)


def test_trapezoid_has_a_gradient_in_the_distance() -> None:
    dx = Tensor(0.5)
    np.trapezoid([1.0, 2.0, 4.0], dx=dx).backward()
    assert dx.grad.item() == 4.5
    assert np.trapezoid(Tensor(GRID.astype(np.float32))).dtype == np.float32


@pytest.mark.parametrize(
    "keywords", [{}, {"axis": 0}, {"discont": 5.0}, {"period": 3.0}, {"discont": 2.5, "axis": 0, "period": 4}]
)
def test_unwrap(keywords: Any) -> None:
    angles = 5 * random(4, 6)
    expected = np.unwrap(angles, **keywords)
    assert not np.array_equal(expected, angles)
    np.testing.assert_array_equal(unwrap(angles, **keywords), expected)
    np.testing.assert_array_equal(np.unwrap(Tensor(angles), **keywords).numpy(), expected)
    check_grads(lambda p: np.unwrap(p, **keywords), angles, rtol=1e-8)


def test_unwrap_takes_its_arguments_by_position_as_numpy_does() -> None:
    angles = 5 * random(4, 6)
    np.testing.assert_array_equal(np.unwrap(Tensor(angles), None, 0).numpy(), np.unwrap(angles, None, 0))
