"""Order statistics, moments, what skips nan, and the options of NumPy's reductions.

The tables are called as in test_sorting.py: values against NumPy, gradients in both modes and of second order against finite
differences. Ties and nan are compared with what the conventions ask for, by cases and by properties.
"""

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from autograd import DtypeError, NoRuleError, ShapeError, Tensor, grad, jvp, record, vjp
from autograd.ops import reduction, statistics

from .elsewhere import Double, bare
from .test_sorting import check_gradients, check_slopes, check_values, floats, gradient, name_of, quiet

NAN, INF = float("nan"), float("inf")
V = np.array([0.3, -1.2, 2.0, 0.7, -0.4])
A = np.array([[0.3, -1.2, 2.0, 0.9], [0.7, 1.1, -0.4, -2.2], [1.7, 0.1, -1.4, 0.25]])
HOLES = np.where(np.array([[1, 1, 0, 1], [0, 1, 1, 1], [1, 1, 0, 0]]), A, NAN)
CUBE = np.linspace(-1.0, 2.0, 24)[np.random.default_rng(3).permutation(24)].reshape(2, 3, 4)
MASK = np.array([[True, False, True, True], [True, True, False, True], [False, True, True, True]])
Z = A[:, :2] + 1j * A[:, 2:]
AXES = [{}, {"axis": 0}, {"axis": -1, "keepdims": True}, {"axis": (1, 0)}]
METHODS = [*statistics.CONTINUOUS, *statistics.DISCRETE, "midpoint", "averaged_inverted_cdf"]
EXTREMES = [np.max, np.min]
SUMS = [np.sum, np.prod, np.mean, np.var, np.std]
NANS = [np.nansum, np.nanprod, np.nanmean, np.nanvar, np.nanstd, np.nanmax, np.nanmin, np.nanmedian]

Row = tuple[Any, ...]
TABLE: list[Row] = [
    *[(f, (A,), options) for f in (np.median, np.ptp) for options in AXES],
    *[(f, (CUBE, (0, -1)), options) for f in (np.median, np.ptp) for options in ({}, {"keepdims": True})],
    *[(f, (A, 0.3), options) for f in (np.quantile, np.nanquantile) for options in AXES],
    *[(np.quantile, (V, q), {}) for q in (0.0, 0.5, 1.0, [0.1, 0.9], [[0.2, 0.4], [0.6, 0.8]])],
    (np.quantile, (CUBE, [0.1, 0.7], (0, 2)), {"keepdims": True}),
    *[(np.quantile, (A, [0.0, 0.13, 0.5, 0.77, 1.0]), {"method": m, "axis": 1}) for m in METHODS],
    *[(np.nanquantile, (HOLES, [0.0, 0.13, 0.5, 0.77, 1.0]), {"method": m, "axis": 1}, [0]) for m in METHODS],
    *[(np.percentile, (A, [25, 60.5]), {"axis": 0}), (np.percentile, (A, 40), {}), (np.percentile, (A, 40), {"axis": 1})],
    *[(np.nanpercentile, (HOLES, [25, 60.5]), {"axis": 0}), (np.nanpercentile, (HOLES, 40), {})],
    *[(f, (HOLES,), options) for f in NANS for options in AXES],
    *[(f, (HOLES, 0), {"keepdims": True, "where": MASK, "initial": -0.7}) for f in (np.nansum, np.nanprod, np.nanmax)],
    *[(np.nanmin, (HOLES, 0), {"keepdims": True, "where": MASK, "initial": 0.7})],
    *[(f, (HOLES,), {"axis": 1, "where": MASK[:, ::-1]}) for f in (np.nansum, np.nanmean)],
    *[(f, (HOLES,), {"axis": 1, "ddof": 1}) for f in (np.nanvar, np.nanstd)],
    *[(f, (A,), {"axis": 1, "correction": 1.5}) for f in (np.nanvar, np.nanstd, np.var, np.std)],
    *[(f, (HOLES,), options) for f in (np.nancumsum, np.nancumprod) for options in ({}, {"axis": 1})],
    *[(f, (A,), {"where": MASK, "axis": axis}) for f in SUMS for axis in (None, 0, 1)],
    *[(f, (A,), {"where": MASK[0], "axis": (0, 1), "keepdims": True}) for f in SUMS],
    *[(f, (A,), {"initial": 1.7, "axis": axis}) for f in (np.sum, np.prod) for axis in (None, 1)],
    *[(f, (A,), {"initial": 0.5, "axis": axis}) for f in EXTREMES for axis in (None, 0, (0, 1))],
    *[(f, (A,), {"initial": -INF, "where": MASK, "axis": 1, "keepdims": True}) for f in (np.max,)],
    *[(f, (A,), {"initial": INF, "where": MASK, "axis": 0}) for f in (np.min,)],
    *[(f, (A, 1), {"keepdims": True}) for f in SUMS + EXTREMES],
    *[(f, (A,), {"axis": 1, "mean": A.mean(axis=1, keepdims=True) + 0.1}) for f in (np.var, np.std, np.nanvar)],
    (np.var, (A,), {"axis": 1, "mean": np.ones((3, 1)), "where": MASK, "ddof": 1}),
    (np.average, (A,), {}),
    (np.average, (A,), {"axis": 0, "returned": True}),
    (np.average, (A, None, A * A + 0.1), {}),
    (np.average, (A, 1, A[0] + 3), {"keepdims": True}),
    (np.average, (A, 1, A[0] + 3), {"returned": True}),
    (np.average, (CUBE, (2, 0), CUBE[:, 0].T + 2), {}),
    (np.cov, (A,), {}),
    (np.cov, (A[0],), {}),
    (np.cov, (A[0], A[1]), {}),
    (np.cov, (A,), {"rowvar": False, "bias": True}),
    (np.cov, (A, A[1] * A[2]), {"ddof": 2}),
    (np.cov, (A,), {"aweights": np.array([1.0, 2.0, 0.5, 1.5])}),
    (np.cov, (A,), {"fweights": np.array([1, 2, 3, 1]), "aweights": np.array([1.0, 2.0, 0.5, 1.5])}),
    (np.cov, (A,), {"fweights": np.array([1, 2, 3, 1]), "ddof": 0}),
    (np.cov, (A, np.array([[1.0], [2.0], [4.0]])), {"rowvar": False}),
    (np.corrcoef, (A,), {}),
    (np.corrcoef, (A[0], A[1]), {}),
    (np.corrcoef, (A,), {"rowvar": False}),
    *[(f, (V,), {"include_initial": first}) for f in (np.cumulative_sum, np.cumulative_prod) for first in (False, True)],
    *[(f, (A,), {"axis": -2, "include_initial": True}) for f in (np.cumulative_sum, np.cumulative_prod)],
    (np.maximum.accumulate, (A,), {}),
    (np.minimum.accumulate, (A,), {"axis": 1}),
]  # fmt: skip
VALUES: list[Row] = [
    *[(f, (A.astype(np.float32),), {"axis": 1}) for f in (np.median, np.ptp, np.average, *NANS, *SUMS)],
    (np.cov, (A.astype(np.float32),), {}),
    *[(f, (A.astype(np.float16),), {"where": MASK, "axis": 1}) for f in (np.sum, np.mean)],
    *[(np.quantile, (V.astype(np.float32), q), {}) for q in (0.3, 1, [0.3], np.float64(0.3), np.float32(0.3))],
    *[(np.percentile, (V.astype(np.float32), q), {}) for q in (30, 30.5, [30])],
    *[(np.quantile, (V.astype(np.float32), 0.3), {"method": m}) for m in METHODS],
    *[(f, (np.array([[3, 1, 2], [7, 5, 4]]),), {"axis": 1}) for f in (np.median, np.ptp, np.average, *NANS, *SUMS)],
    *[(f, (np.array([[3, 1, 2], [7, 5, 4]]),), {"axis": 1, "initial": 4}) for f in (np.sum, np.prod, np.max, np.min)],
    *[(np.max, (np.array([3, 1]),), {"where": np.array([False, True]), "initial": -5})],
    *[(np.min, (np.array([3, 1]),), {"where": np.array([True, False]), "initial": 9})],
    *[(np.max, (np.array([True, False]),), {"where": np.array([False, True]), "initial": False})],
    *[(np.quantile, (np.array([3, 1, 2, 7]), 0.4), {"method": m}) for m in METHODS],
    *[(f, (MASK,), {"axis": 1, "where": np.array([True, False, True, True])}) for f in (np.any, np.all)],
    *[(f, (MASK, 0, None, True), {}) for f in (np.any, np.all)],
    *[(f, (Z,), {"axis": 1}) for f in (np.median, np.nansum, np.nanmean, np.nanvar, np.nanstd)],
    *[(f, (Z,), {"axis": 1, "where": MASK[:, :2]}) for f in SUMS],
    *[(f, (Z,), {}) for f in (np.cov, np.corrcoef)],
    *[(f, (HOLES,), {"axis": 1}) for f in (np.median, np.ptp)],
    *[(np.quantile, (HOLES, [0.2, 0.5]), {"axis": 0, "method": m}) for m in METHODS],
    *[(f, (np.array([[NAN, NAN], [1.0, NAN]]),), {"axis": 1}) for f in NANS],
    *[(np.nanquantile, (np.array([[NAN, NAN], [1.0, NAN]]), [0.2, 0.5]), {"axis": 1})],
    *[(f, (np.zeros((0, 3)),), {"axis": 0}) for f in (np.median, np.nanmedian)],
    *[(np.nanquantile, (np.zeros((0, 3)), 0.2), {"axis": 0})],
    *[(f, (np.zeros((3, 0)),), {"axis": 0}) for f in (np.median, np.ptp)],
    *[(f, (np.array([1.0, 2.0]),), {"where": np.array([False, False])}) for f in (np.mean, np.var)],
    *[(f, (np.array([1.0, 2.0]),), {"where": np.array([True, True]), "ddof": 3}) for f in (np.nanvar,)],
    *[(np.cov, (np.ones((2, 1)),), {})],
    *[(f, (V, 0, None, None, True), {}) for f in (np.sum, np.prod, np.mean)],
    *[(f, (V, 0, np.float32), {}) for f in (np.sum, np.mean, np.cumsum)],
    *[(f, (V, 0, None, True), {}) for f in EXTREMES],
    *[(f, (V, None, None, None, 1, True), {}) for f in (np.var, np.std)],
    (np.quantile, (V, []), {}),
    *[(f, (np.array([3, 1, 2, 7]), q), {}) for f in (np.quantile, np.nanquantile) for q in (0, 1, [0, 1])],
    *[(np.quantile, (V.astype(np.float32), q), {}) for q in (0, [0, 1])],
    *[(f, (MASK, 0.3), {"method": "nearest", "axis": 1}) for f in (np.quantile, np.nanquantile)],
    *[(np.nanquantile, (np.zeros(shape), [0.2, 0.9]), {"axis": 0}) for shape in ((0, 3), (3, 0))],
    *[(f, (np.array([3, 1]),), {"initial": 1.5}) for f in (np.sum, np.prod)],
    *[(f, (V.astype(np.float32),), {"initial": np.float64(1.5)}) for f in (np.sum, np.prod)],
    *[(f, (np.array(2.5),), options) for f in (np.cumulative_sum, np.cumulative_prod) for options in ({}, {"axis": 0})],
    (np.average, (np.array([1, 2]), None, np.array([3, 1])), {"returned": True}),
]  # fmt: skip


def ours_for(function: Any) -> Any:
    accumulate = {np.maximum.accumulate: reduction.cummax, np.minimum.accumulate: reduction.cummin}
    if function in accumulate:
        return lambda x, axis=0: accumulate[function](x, axis=axis)
    return np.cumsum if function is np.cumsum else getattr(statistics, function.__name__)


@pytest.mark.parametrize("row", TABLE + VALUES, ids=name_of)
def test_values_are_numpys(row: Row) -> None:
    check_values(row[0], ours_for(row[0]), row[1], row[2])


@pytest.mark.parametrize("row", TABLE, ids=name_of)
def test_gradients(row: Row) -> None:
    free = row[3] if len(row) > 3 else floats(row[1])
    for part in range(2 if row[2].get("returned") and len(row[1]) > 2 else 1):
        present = [i for i in free if part == 0 or i == 2]
        if any(np.isnan(row[1][i]).any() for i in present):
            check_filled(row)
        else:
            check_slopes(row[0], row[1], row[2], present, part)


def check_filled(row: Row) -> None:
    """The gradient in the elements that are not nan."""
    function, (x, *rest), options = row[:3]
    place = np.flatnonzero(~np.isnan(x))

    def f(values: Any) -> Any:
        filled = np.where(np.isnan(x), NAN, 0).ravel()
        if not isinstance(values, Tensor):
            filled[place] = values
            return function(filled.reshape(x.shape), *rest, **options)
        t = Tensor(filled, requires_grad=False)
        t[place] = values
        return function(t.reshape(x.shape), *rest, **options)

    check_gradients(f, [x.ravel()[place]])


@pytest.mark.parametrize("function", NANS)
def test_nan_has_no_gradient(function: Any) -> None:
    for x in (HOLES, np.where(np.isnan(HOLES[:1]), NAN, [[NAN]] * 3)):
        g = gradient(quiet(lambda t: function(t, axis=1)[0]), x)
        np.testing.assert_array_equal(g[np.isnan(x)], 0)
        assert np.isfinite(g).all()
    assert gradient(lambda t: function(t, axis=1)[1], HOLES)[1].any()


@pytest.mark.parametrize("method", list(statistics.CONTINUOUS))
@pytest.mark.parametrize("skip", [False, True])
def test_the_gradient_in_q(method: str, skip: bool) -> None:
    f, x = (np.nanquantile, HOLES) if skip else (np.quantile, A)
    check_gradients(lambda q: f(x, q, axis=0, method=method), [np.array([0.31, 0.45, 0.58])])
    assert (grad(lambda q: f(x, q, axis=0, method=method).sum())(0.45)) != 0


def test_the_gradient_in_q_at_an_element_is_the_slope_to_the_next() -> None:
    x = np.array([1.0, 2.0, 4.0])
    assert [grad(lambda q: np.quantile(x, q))(q) for q in (0.0, 0.5, 1.0)] == [2.0, 4.0, 4.0]
    assert grad(lambda q: np.percentile(x, q))(50.0) == 0.04
    leaf = Tensor([0.2, 0.4])
    assert not np.quantile(x, leaf, method="lower").requires_grad


CASES: list[tuple[Any, Any, Any]] = [
    (np.median, [4.0, 1.0, 3.0, 2.0], [0, 0, 0.5, 0.5]),
    (np.median, [1.0, 1.0, 2.0, 0.0], [0.5, 0.5, 0, 0]),
    (np.median, [1.0, 1.0, 1.0], [1 / 3] * 3),
    (np.median, [0.0, 1.0, 1.0, 3.0, 3.0, 4.0], [0, 0.25, 0.25, 0.25, 0.25, 0]),
    (np.median, [1.0, NAN, 2.0], [0, 1, 0]),
    (np.median, 3.0, 1),
    (lambda x: np.quantile(x, 0.5), [4.0, 1.0, 3.0, 2.0], [0, 0, 0.5, 0.5]),
    (lambda x: np.quantile(x, 0.25), [1.0, 1.0, 1.0, 3.0], [1 / 3, 1 / 3, 1 / 3, 0]),
    (lambda x: np.quantile(x, 0.3), [NAN, 1.0, NAN], [0.5, 0, 0.5]),
    (lambda x: np.quantile(x, 0.5), [1.0, 2.0, INF], [0, 1, 0]),
    (np.nanmedian, [NAN, 1.0, 1.0, 5.0], [0, 0.5, 0.5, 0]),
    (np.nanmedian, [NAN, 1.0, 3.0], [0, 0.5, 0.5]),
    (np.ptp, [1.0, 1.0], [0, 0]),
    (np.ptp, [1.0, 3.0, 3.0], [-1, 0.5, 0.5]),
    (np.nanmax, [1.0, NAN, 2.0], [0, 0, 1]),
    (np.nanmax, [2.0, NAN, 2.0], [0.5, 0, 0.5]),
    (np.nanmax, [-INF, NAN], [1, 0]),
    (np.nanmin, [1.0, NAN, 1.0], [0.5, 0, 0.5]),
    (np.nansum, [1.0, NAN], [1, 0]),
    (np.nanprod, [2.0, NAN, 0.0], [0, 0, 2]),
    (lambda x: np.max(x, initial=0.0), [-1.0, -2.0], [0, 0]),
    (lambda x: np.max(x, initial=0.0), [0.0, -2.0], [0.5, 0]),
    (lambda x: np.max(x, initial=-INF, where=[True, True, False]), [1.0, 1.0, 5.0], [0.5, 0.5, 0]),
    (np.nanstd, [2.0, 2.0, NAN], [0, 0, 0]),
    (lambda x: np.std(x, where=[True, True, False]), [2.0, 2.0, 7.0], [0, 0, 0]),
    (lambda x: np.sum(x, where=[True, False]), [1.0, NAN], [1, 0]),
    (lambda x: np.mean(x, where=[True, False]), [1.0, INF], [1, 0]),
    (lambda x: np.maximum.accumulate(x).sum(), [1.0, 1.0, 0.0, 2.0], [2, 1, 0, 1]),
    (lambda x: np.maximum.accumulate(x).sum(), [2.0, 1.0, 2.0, 2.0], [4 - 0.5 - 2 / 3, 0, 0.5 + 1 / 3, 1 / 3]),
    (lambda x: np.minimum.accumulate(x).sum(), [1.0, NAN, 0.0], [1, 2, 0]),
    (lambda x: np.corrcoef(x, [1.0, 2.0, 4.0])[0, 0], [1.0, 5.0, 2.0], [0, 0, 0]),
]  # fmt: skip


@pytest.mark.parametrize(("f", "x", "want"), CASES)
def test_conventions(f: Any, x: Any, want: Any) -> None:
    g = gradient(f, np.array(x)) if np.ndim(x) else grad(f)(x)
    np.testing.assert_allclose(g, want, rtol=1e-14, atol=1e-15)
    direction = np.cos(np.arange(np.size(x))).reshape(np.shape(x))
    if np.ndim(x):
        np.testing.assert_allclose(jvp(f, (np.array(x),), (direction,))[1], np.vdot(want, direction), rtol=1e-13, atol=1e-15)


def test_infinite_elements_do_not_make_nan() -> None:
    assert np.quantile(Tensor([-INF, 2.0, INF]), [0.0, 0.5, 1.0]).tolist() == [-INF, 2.0, INF]
    assert np.quantile(Tensor([INF, INF]), 0.3).item() == INF
    assert np.quantile(Tensor([1.0, INF]), 0.3).item() == INF


always_the_same = settings(derandomize=True, deadline=None, max_examples=60)
values = st.sampled_from([-1.0, 0.0, 0.5, 2.0])
few_values = arrays(np.float64, st.integers(1, 7), elements=values)
HOLED = arrays(np.float64, st.integers(1, 7), elements=st.one_of(values, st.just(NAN))).filter(lambda x: not np.isnan(x).all())


def check_shares(x: Any, g: Any) -> None:
    """One unit of gradient, none of it negative, and equal shares for equal elements."""
    np.testing.assert_allclose(g.sum(), 1, rtol=1e-13)
    assert (g >= 0).all()
    for value in np.unique(x):
        np.testing.assert_allclose(np.ptp(g[x == value]), 0, atol=1e-15)


@pytest.mark.slow
@always_the_same
@given(few_values, st.floats(0, 1), st.sampled_from(METHODS))
def test_a_quantile_has_one_unit_of_gradient(x: Any, q: float, method: str) -> None:
    check_shares(x, gradient(lambda t: np.quantile(t, q, method=method), x))
    check_shares(x, gradient(np.median, x))


@pytest.mark.slow
@always_the_same
@given(HOLED, st.floats(0, 1), st.sampled_from(METHODS))
def test_a_quantile_without_nan_has_one_unit_of_gradient(x: Any, q: float, method: str) -> None:
    present = ~np.isnan(x)
    for f in (np.nanmedian, np.nanmax, np.nanmin, lambda t: np.nanquantile(t, q, method=method)):
        g = gradient(f, x)
        np.testing.assert_array_equal(g[~present], 0)
        check_shares(x[present], g[present])


@always_the_same
@given(few_values, st.sampled_from(METHODS))
def test_quantiles_agree_with_numpy_at_any_fraction(x: Any, method: str) -> None:
    q = np.linspace(0, 1, 41)
    np.testing.assert_allclose(np.quantile(Tensor(x), q, method=method).numpy(), np.quantile(x, q, method=method), rtol=1e-14)


@pytest.mark.slow
@always_the_same
@given(arrays(np.float64, st.tuples(st.integers(0, 5), st.integers(1, 3)), elements=values))
def test_a_running_extreme_hands_on_every_cotangent(x: Any) -> None:
    for f in (reduction.cummax, reduction.cummin):
        y, pull = vjp(lambda t, f=f: f(t, axis=0), x)
        g = np.arange(1.0, y.size + 1).reshape(y.shape)
        np.testing.assert_allclose(pull(g)[0].sum(axis=0), g.sum(axis=0), rtol=1e-13)
        want = np.zeros_like(x)
        for k in range(len(x)):
            hit = x[: k + 1] == y[k]
            want[: k + 1] += hit * (g[k] / hit.sum(axis=0))
        np.testing.assert_allclose(pull(g)[0], want, rtol=1e-13)


@pytest.mark.slow
@always_the_same
@given(few_values)
def test_spellings_agree(x: Any) -> None:
    pairs = [
        (np.median, lambda t: np.quantile(t, 0.5)),
        (np.max, lambda t: np.quantile(t, 1.0)),
        (np.min, lambda t: np.percentile(t, 0)),
        (np.ptp, lambda t: np.max(t) - np.min(t)),
        (np.nanmean, np.mean),
        (np.nanvar, np.var),
        (lambda t: np.var(t, mean=t.mean(keepdims=True)), np.var),
        (np.nanmedian, np.median),
        (np.max, lambda t: reduction.cummax(t)[-1]),
        (np.average, np.mean),
    ]
    for f, h in pairs:
        np.testing.assert_allclose(gradient(f, x), gradient(h, x), rtol=1e-13, atol=1e-15)


def test_a_number_has_an_axis_that_is_none() -> None:
    for f in (np.sum, np.prod, np.max, np.min, np.ptp, np.cumsum, np.cumprod):
        y, pull = vjp(lambda x, f=f: f(x, axis=0), np.array(2.5))
        np.testing.assert_array_equal(pull(np.ones_like(y))[0], 0 if f is np.ptp else 1)
        np.testing.assert_array_equal(
            jvp(lambda x, f=f: f(x, axis=0), (np.array(2.5),), (np.array(1.0),))[1], 0 if f is np.ptp else 1
        )


def test_products_of_no_elements() -> None:
    for shape, axis in (((3, 0), 0), ((0, 3), 0), ((0,), ()), ((0, 3), -1)):
        y, pull = vjp(lambda x, axis=axis: np.prod(x, axis=axis), np.zeros(shape))
        assert pull(np.ones_like(y))[0].shape == shape


def test_a_mean_that_is_given_is_an_input() -> None:
    check_gradients(lambda x, m: np.var(x, axis=1, mean=m), [A, np.ones((3, 1))])
    check_gradients(lambda x, m: np.std(x, axis=1, mean=m, ddof=1), [A, np.ones((3, 1))])


def test_weights_of_covariances_have_gradients() -> None:
    check_gradients(lambda w: np.cov(A, aweights=w), [np.array([1.0, 2.0, 0.5, 1.5])])
    check_gradients(lambda w: np.cov(A, aweights=w, ddof=0), [np.array([1.0, 2.0, 0.5, 1.5])])


@pytest.mark.slow
def test_complex_gradients() -> None:
    for f in (np.cov, np.corrcoef, lambda z: np.nanvar(z, axis=1), lambda z: np.mean(z, where=MASK[:, :2])):
        check_gradients(lambda re, im, f=f: np.real(f(re + 1j * im)), [A[:, :2], A[:, 2:]])


def test_where_and_initial_of_ufuncs() -> None:
    t = Tensor(A)
    np.testing.assert_allclose(np.add.reduce(t, axis=1, keepdims=True).numpy(), np.add.reduce(A, axis=1, keepdims=True))
    np.testing.assert_allclose(np.maximum.reduce(t).numpy(), A.max(axis=0))


def test_recorded_programs_choose_anew() -> None:
    def step(x: Any, q: Any) -> Any:
        leaf = x.requires_grad_()
        y = np.quantile(leaf, q) + np.nanmedian(leaf) + np.maximum.accumulate(leaf).sum() + np.nanstd(leaf)
        y.backward()
        return y, leaf.grad

    _, program = record(step, np.array([3.0, 1.0, 2.0, 4.0]), np.float64(0.3))
    other, q = np.array([NAN, 5.0, 5.0, -1.0]), np.float64(0.9)
    other = np.where(np.isnan(other), 0.0, other)
    for got, want in zip(program.run(other, q), step(Tensor(other), Tensor(q)), strict=True):
        np.testing.assert_allclose(got.numpy(), want.numpy(), rtol=1e-14)


ELSEWHERE = {
    "median": np.median,
    "median of three": lambda x: np.median(x, axis=0),
    "quantile": lambda x: np.quantile(x, [0.2, 0.7], axis=1),
    "discrete quantile": lambda x: np.quantile(x, [0.2, 0.7], axis=1, method="nearest"),
    "sort": lambda x: np.sort(x, axis=0),
    "running maximum": np.maximum.accumulate,
    "sum with a value": lambda x: np.sum(x, initial=3.0),
    "cumulative_sum": lambda x: np.cumulative_sum(x, axis=1, include_initial=True),
    "ptp": np.ptp,
    "cov": np.cov,
    "corrcoef": np.corrcoef,
    "average": np.average,
    "nanmean": np.nanmean,
    "nanstd": lambda x: np.nanstd(x, axis=0),
    "nanmax": np.nanmax,
    "nanmedian": lambda x: np.nanmedian(x, axis=1),
    "nanquantile": lambda x: np.nanquantile(x, [0.2, 0.7], axis=1),
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_arrays_that_are_not_numpys(name: str) -> None:
    f = ELSEWHERE[name]
    here, there = Tensor(A), Tensor(Double(A))
    ours, theirs = f(here), f(there)
    assert isinstance(theirs._raw, Double)
    np.testing.assert_array_equal(bare(theirs._raw), ours.numpy())
    for y in (ours, theirs):
        y.sum().backward()
    np.testing.assert_allclose(bare(there.grad._raw), here.grad.numpy(), rtol=1e-13, atol=1e-15)


def test_empty_slices_warn_as_numpy_does() -> None:
    t = Tensor([NAN, NAN])
    for f in (np.nanmean, np.nanvar, np.nanmax, np.nanmedian, lambda x: np.nanquantile(x, 0.3)):
        with pytest.warns(RuntimeWarning):
            y = f(t)
        assert np.isnan(y.item())
    with pytest.warns(RuntimeWarning, match="Degrees of freedom"):
        np.nanvar(Tensor([1.0, NAN]), ddof=1)


ERRORS = {
    "weights": (lambda: np.quantile(Tensor(V), 0.5, weights=V, method="inverted_cdf"), NoRuleError, "weights"),
    "method": (lambda: np.quantile(Tensor(V), 0.5, method="median"), ValueError, "median_unbiased"),
    "q above": (lambda: np.quantile(Tensor(V), 1.1), ValueError, r"\[0, 1\]"),
    "q below": (lambda: np.percentile(Tensor(V), [-1]), ValueError, r"\[0, 100\]"),
    "q nan": (lambda: np.quantile(Tensor(V), NAN), ValueError, r"\[0, 1\]"),
    "complex": (lambda: np.quantile(Tensor(Z), 0.5), DtypeError, "complex128"),
    "axis": (lambda: np.median(Tensor(V), axis=2), IndexError, "axis 2"),
    "axis twice": (lambda: np.median(Tensor(A), axis=(0, 0)), ValueError, "repeated"),
    "out": (lambda: np.median(Tensor(V), None, np.zeros(())), NoRuleError, "out="),
    "out of sum": (lambda: np.sum(Tensor(V), None, None, np.zeros(())), NoRuleError, "out="),
    "out of max": (lambda: np.max(Tensor(V), None, np.zeros(())), NoRuleError, "out="),
    "mask of max": (lambda: np.max(Tensor(V), where=V > 0), ShapeError, "initial="),
    "mask of nanmax": (lambda: np.nanmax(Tensor(V), where=V > 0), ShapeError, "initial="),
    "shape of the mask": (lambda: np.sum(Tensor(V), where=np.ones((2, 5), bool)), ValueError, "shape"),
    "two names": (lambda: np.var(Tensor(V), ddof=1, correction=1), ValueError, "ddof and correction"),
    "weights zero": (lambda: np.average(Tensor([1.0, 2.0]), weights=[1.0, -1.0]), ZeroDivisionError, "sum to zero"),
    "weights without axis": (lambda: np.average(Tensor(A), weights=A[0]), TypeError, "axis"),
    "weights of a wrong shape": (lambda: np.average(Tensor(A), axis=0, weights=A[0]), ValueError, "do not fit"),
    "running without axis": (lambda: np.cumulative_sum(Tensor(A)), ValueError, "axis"),
    "running dtype": (lambda: np.maximum.accumulate(Tensor(V), dtype=np.float32), DtypeError, "dtype"),
    "many axes of cov": (lambda: np.cov(Tensor(CUBE)), ShapeError, "one or two axes"),
    "weights of cov": (lambda: np.cov(Tensor(A), aweights=[1.0]), ShapeError, "aweights"),
    "counts of cov": (lambda: np.cov(Tensor(A), fweights=[1.0, 0.5, 1.0, 1.0]), TypeError, "whole"),
    "negative counts of cov": (lambda: np.cov(Tensor(A), fweights=[1, -1, 1, 1]), ValueError, "negative"),
    "negative weights of cov": (lambda: np.cov(Tensor(A), aweights=[1.0, -1.0, 1.0, 1.0]), ValueError, "negative"),
    "ddof of cov": (lambda: np.cov(Tensor(A), ddof=0.5), ValueError, "ddof"),
    "linear quantile of booleans": (lambda: np.quantile(Tensor(MASK), 0.5), TypeError, "bool"),
    "nothing to choose": (lambda: np.quantile(Tensor(np.zeros(0)), 0.5), (IndexError, ValueError), "out of bounds"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    call, kind, words = ERRORS[name]
    with pytest.raises(kind, match=words):
        call()


def test_no_warning_where_there_is_something() -> None:
    with warnings.catch_warnings(action="error"):
        np.nanmean(Tensor(HOLES), axis=1).sum().backward()
        np.nanmedian(Tensor(HOLES), axis=0).sum().backward()


@pytest.mark.parametrize("name", ["var", "std"])
def test_the_methods_know_what_the_functions_know(name):
    x, mask = Tensor([1.0, 2.0, 4.0]), np.array([True, False, True])
    for options in ({"correction": 1}, {"ddof": 1}, {"where": mask}, {"keepdims": True}):
        np.testing.assert_array_equal(getattr(x, name)(**options).numpy(), getattr(np, name)(x.numpy(), **options))
