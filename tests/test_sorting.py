"""Sorting, searching and sets: values against NumPy, gradients against finite differences, and what ties are given.

Each row of a table is called in three ways: through NumPy's function on Tensors, through ours on plain arrays, and inside
vjp and jvp. What is one rule is tested in test_rules.py as well.
"""

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import autograd as ag
from autograd import DtypeError, NoRuleError, ShapeError, Tensor, jvp, record, vjp
from autograd.ops import sorting
from autograd.testing import check_grads
from autograd.tree import transform

V = np.array([0.3, -1.2, 2.0, 0.7, -0.4])
A = np.array([[0.3, -1.2, 2.0], [0.7, 1.1, -0.4]])
TIES = np.array([2.0, 1.0, 1.0, 3.0, 2.0, 1.0])
NAN = float("nan")


def parts_of(y: Any) -> list[Any]:
    """The results of a function that returns one or several."""
    return list(y) if isinstance(y, (tuple, list)) else [y]


def plain(y: Any) -> Any:
    return y.detach().numpy() if isinstance(y, Tensor) else y


def quiet(f: Any) -> Any:
    """f without NumPy's warnings of empty slices."""

    def run(*xs: Any, **kwargs: Any) -> Any:
        with warnings.catch_warnings(action="ignore", category=RuntimeWarning):
            return f(*xs, **kwargs)

    return run


def check_values(function: Any, ours: Any, xs: tuple[Any, ...], options: dict[str, Any]) -> None:
    """NumPy's function on Tensors, and ours on arrays, give what NumPy's gives on arrays: values, shapes and dtypes."""
    wanted = parts_of(quiet(function)(*xs, **options))
    tensors = transform(lambda x: Tensor(x) if isinstance(x, np.ndarray) else x, xs)
    through = parts_of(quiet(function)(*tensors, **options))
    direct = parts_of(quiet(ours)(*xs, **options))
    assert len(wanted) == len(through) == len(direct)
    for want, got, bare in zip(wanted, through, direct, strict=True):
        assert isinstance(got, Tensor)
        assert not isinstance(bare, Tensor)
        for y in (got, bare):
            assert np.shape(y) == np.shape(want)
            assert y.dtype == np.asarray(want).dtype
            digits = 8 * np.finfo(y.dtype).eps if y.dtype.kind in "fc" else 0
            np.testing.assert_allclose(plain(y), want, rtol=digits, atol=digits)


def check_gradients(f: Any, xs: list[Any]) -> None:
    """Both modes; and the derivatives of the derivatives, of the square, for most functions here are linear."""
    check_grads(quiet(f), *xs, order=1, rtol=1e-7)
    check_grads(quiet(lambda *us: f(*us) ** 2), *xs, rtol=1e-7)


def floats(xs: tuple[Any, ...]) -> list[int]:
    return [i for i, x in enumerate(xs) if isinstance(x, np.ndarray) and x.dtype.kind == "f"]


def check_slopes(function: Any, xs: tuple[Any, ...], options: dict[str, Any], free: list[int], part: int = 0) -> None:
    """One of the results, as a function of the arrays that may move."""

    def f(*values: Any) -> Any:
        given = list(xs)
        for i, value in zip(free, values, strict=True):
            given[i] = value
        return parts_of(function(*given, **options))[part]

    check_gradients(f, [xs[i] for i in free])


# NumPy's function, arguments, options, and which arguments have a gradient (all floats, if nothing is said).
Row = tuple[Any, ...]
FLOATS: list[Row] = [
    (np.sort, (V,), {}),
    (np.sort, (A,), {}),
    (np.sort, (A, 0), {}),
    (np.sort, (A, None), {"kind": "stable"}),
    (np.sort, (A,), {"axis": 1, "stable": True}),
    (np.unique, (V,), {}),
    (np.unique, (A,), {}),
    (np.unique, (A,), {"axis": 0}),
    (np.unique, (A,), {"axis": 1, "return_index": True, "return_inverse": True, "return_counts": True}),
    (np.unique_all, (A,), {}),
    (np.unique_counts, (V,), {}),
    (np.unique_inverse, (A,), {}),
    (np.unique_values, (V,), {}),
    (np.union1d, (V, A + 5), {}),
    (np.setdiff1d, (V, np.array([5.0])), {}, [0]),
    (np.setdiff1d, (V, np.array([5.0])), {"assume_unique": True}, [0]),
    (np.setxor1d, (V, A[0] + 5), {}),
    (np.compress, ([False, True, True], A, 1), {}),
    (np.compress, ([0, 1], A), {"axis": 0}),
    (np.compress, ([0, 1, 1, 0], A), {}),
    (np.extract, (np.array([[True, False, True], [False, True, False]]), A), {}),
    (np.bincount, (np.array([0, 3, 1, 1, 3]), V), {}),
    (np.bincount, (np.array([0, 3, 1, 1, 3]), V), {"minlength": 6}),
    (np.histogram_bin_edges, (V, 4), {}),
    (np.histogram_bin_edges, (V,), {"bins": "sturges"}),
]  # fmt: skip
WHOLE: list[Row] = [
    (np.argsort, (A,), {}),
    (np.argsort, (A,), {"axis": None, "kind": "stable"}),
    (np.argsort, (A, 0), {"stable": True}),
    (np.lexsort, ((V, -V),), {}),
    (np.searchsorted, (np.sort(V), A), {}),
    (np.searchsorted, (np.sort(V), 0.3), {"side": "right"}),
    (np.searchsorted, (V, A), {"sorter": np.argsort(V)}),
    (np.digitize, (A, np.array([-1.0, 0.0, 1.1])), {}),
    (np.digitize, (A, np.array([1.1, 0.0])), {"right": True}),
    (np.nanargmax, (np.array([1.0, NAN, 3.0]),), {}),
    (np.nanargmin, (A,), {"axis": 0}),
    (np.argwhere, (A > 0,), {}),
    (np.flatnonzero, (A > 0,), {}),
    (np.bincount, (np.array([0, 3, 1, 1]),), {}),
    (np.isin, (A, [0.3, 1.1]), {}),
    (np.isin, (A, np.array([0.3, 1.1]), False, True), {}),
    (np.histogram, (V,), {"bins": 3}),
    (np.histogram, (V, 4, (-1.0, 1.0)), {}),
    (np.histogram, (A, np.array([-1.0, 0.3, 2.0])), {}),
    (np.histogram, (V, 4), {"density": True}),
    (np.histogram, (V, 4), {"weights": TIES[:5]}),
    (np.histogram, (V, np.array([-0.5, 0.0, 0.7])), {"weights": TIES[:5], "density": True}),
    (np.histogram, (np.array([NAN, 0.5, 2.0]), np.array([0.0, 1.0])), {}),
    (np.histogram, (np.array([2.0, 2.0]),), {"bins": 2}),
    (np.sort_complex, (V,), {}),
    (np.sort_complex, (np.array([3, 1], np.int8),), {}),
    (np.sort_complex, (np.array([3, 1]),), {}),
    (np.histogram, (V, np.array([0.0])), {}),
    (np.unique, (TIES,), {"return_index": True, "return_inverse": True, "return_counts": True}),
    (np.unique, (np.array([NAN, 1.0, NAN]),), {"return_counts": True}),
    (np.unique, (np.array([NAN, 1.0, NAN]),), {"return_counts": True, "equal_nan": False}),
    (np.unique_all, (np.array([[NAN, 1.0], [NAN, 1.0]]),), {}),
    (np.intersect1d, (TIES, np.array([2.0, 5.0, 1.0, 2.0])), {}),
    (np.intersect1d, (TIES, np.array([2.0, 5.0, 1.0, 2.0])), {"return_indices": True}),
    (np.intersect1d, (np.array([3.0, 1.0]), np.array([1.0, 4.0])), {"assume_unique": True, "return_indices": True}),
    (np.setxor1d, (TIES, np.array([2.0, 5.0])), {}),
    (np.setdiff1d, (TIES, np.array([2.0])), {}),
    (np.setdiff1d, (TIES, np.array([2.0])), {"assume_unique": True}),
    (np.union1d, (np.array([[1, 2]]), TIES), {}),
    (np.sort, (np.array([1.0, NAN, -1.0]),), {}),
    (np.sort, (np.zeros((0, 3)),), {"axis": 0}),
    (np.sort, (np.array([3, 1, 2]),), {}),
    (np.unique, (np.zeros(0),), {}),
    (np.sort, (A.astype(np.float32),), {}),
    (np.unique, (TIES.astype(np.float32),), {}),
    (np.bincount, (np.array([0, 2]), np.array([1.0, 2.0], np.float32)), {}),
    (np.histogram, (V.astype(np.float32), 3), {}),
]  # fmt: skip


def name_of(row: Row) -> str:
    return f"{row[0].__name__}-{len(row[1])}-{'-'.join(map(str, row[2]))}"


def ours_for(function: Any) -> Any:
    return getattr(sorting, function.__name__)


@pytest.mark.parametrize("row", FLOATS + WHOLE, ids=name_of)
def test_values_are_numpys(row: Row) -> None:
    check_values(row[0], ours_for(row[0]), row[1], row[2])


@pytest.mark.parametrize("row", FLOATS, ids=name_of)
def test_gradients(row: Row) -> None:
    free = row[3] if len(row) > 3 else floats(row[1])
    check_slopes(row[0], row[1], row[2], free)


@pytest.mark.parametrize("density", [False, True])
def test_histogram_in_its_weights_and_its_edges(density: bool) -> None:
    weights = np.array([0.5, 1.5, 1.0, 2.0, 0.7])
    check_gradients(lambda w: np.histogram(V, 3, density=density, weights=w)[0], [weights])
    check_gradients(lambda x: np.histogram(x, 3, density=density)[1], [V])
    if density:
        check_gradients(lambda x: np.histogram(x, 3, density=True)[0], [V])


def test_edges_of_no_elements_have_a_gradient_of_no_elements() -> None:
    assert vjp(lambda x: np.histogram_bin_edges(x, 3), np.zeros(0))[1](np.ones(4))[0].shape == (0,)


@pytest.mark.parametrize("change", [None, 0.5, NAN], ids=["all differ", "two are equal", "nan"])
def test_a_large_sort_is_stable_too(change: float | None) -> None:
    x = np.random.default_rng(0).permutation(np.linspace(0, 1, 12_000)).reshape(3, 4000)
    if change is not None:
        x[:, ::3] = change
    for axis in (0, 1):
        np.testing.assert_array_equal(np.argsort(Tensor(x), axis=axis).numpy(), np.argsort(x, axis=axis, stable=True))


def test_counts_have_no_gradient() -> None:
    x = Tensor(V)
    counts, edges = np.histogram(x, 3)
    assert not counts.requires_grad
    assert edges.requires_grad
    assert not np.searchsorted(np.sort(x), [0.1]).requires_grad


@pytest.mark.parametrize("axis", [-1, 0, None])
@pytest.mark.parametrize("kth", [0, 1, -1, (0, 1)])
def test_partition(axis: int | None, kth: Any) -> None:
    x = Tensor(A)
    y = np.partition(x, kth, axis=axis)
    ordered = np.sort(A, axis=axis)
    last = -1 if axis is None else axis
    np.testing.assert_array_equal(np.take(y.numpy(), kth, last), np.take(ordered, kth, last))
    np.testing.assert_array_equal(np.sort(y.numpy(), axis=last), ordered)
    order = np.argpartition(x, kth, axis=axis).numpy()
    np.testing.assert_array_equal(np.take_along_axis(A, order, axis), y.numpy())
    check_gradients(lambda t: np.partition(t, kth, axis=axis), [A])


@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize(("axis", "k"), [(-1, 2), (0, 1), (1, 0), (None, 4)])
def test_top_k(largest: bool, axis: int | None, k: int) -> None:
    values, indices = sorting.top_k(Tensor(A), k, axis, largest=largest)
    ordered = np.sort(A, axis=axis)
    last = -1 if axis is None else axis
    ordered = np.flip(ordered, last) if largest else ordered
    np.testing.assert_array_equal(values.numpy(), np.take(ordered, range(k), last))
    np.testing.assert_array_equal(np.take_along_axis(A.ravel() if axis is None else A, indices.numpy(), last), values.numpy())
    check_gradients(lambda t: sorting.top_k(t, k, axis, largest=largest)[0], [A])


def test_descending_order_is_stable_too() -> None:
    assert sorting.argsort(Tensor(TIES), descending=True).tolist() == [3, 0, 4, 1, 2, 5]
    assert sorting.argsort(TIES).tolist() == [1, 2, 5, 0, 4, 3]
    assert sorting.top_k(TIES, 2)[1].tolist() == [3, 0]
    np.testing.assert_array_equal(sorting.sort(A, descending=True), -np.sort(-A))
    np.testing.assert_array_equal(sorting.sort(A, None, descending=True), -np.sort(-A, None))


def gradient(f: Any, *xs: Any) -> Any:
    leaves = [Tensor(x) for x in xs]
    f(*leaves).backward()
    found = [np.zeros(leaf.shape) if leaf.grad is None else leaf.grad.numpy() for leaf in leaves]
    return found[0] if len(found) == 1 else found


W3 = np.array([1.0, 10.0, 100.0])


def test_ties() -> None:
    np.testing.assert_array_equal(gradient(lambda x: (np.sort(x) * W3).sum(), [2.0, 1.0, 1.0]), [100, 1, 10])
    np.testing.assert_allclose(gradient(lambda x: (np.unique(x) * W3).sum(), TIES), [5, 1 / 3, 1 / 3, 100, 5, 1 / 3])
    np.testing.assert_array_equal(gradient(lambda x: (np.unique(x, axis=0) * [[1, 2]]).sum(), [[3.0, 4.0]] * 2), [[0.5, 1]] * 2)
    a, b = gradient(lambda x, w: np.intersect1d(x, w).sum(), [1.0, 2.0, 2.0], [2.0, 3.0])
    np.testing.assert_array_equal(a, [0, 0.25, 0.25])
    np.testing.assert_array_equal(b, [0.5, 0])
    a, b = gradient(lambda x, w: np.union1d(x, w).sum(), [1.0, 2.0], [2.0, 3.0])
    np.testing.assert_array_equal(a, [1, 0.5])
    np.testing.assert_array_equal(b, [0.5, 1])
    np.testing.assert_array_equal(gradient(lambda x: np.unique(x)[-1], [NAN, 1.0, NAN]), [0.5, 0, 0.5])
    np.testing.assert_array_equal(gradient(lambda x: (np.histogram_bin_edges(x, 2) * W3).sum(), [2.0, 2.0]), [55.5, 55.5])


def test_both_modes_agree_at_ties() -> None:
    direction = np.arange(6.0) ** 2
    for f in (np.sort, np.unique, lambda x: np.partition(x, 2), lambda x: sorting.top_k(x, 3)[0]):
        y, pull = vjp(f, TIES)
        g = np.cos(np.arange(y.size))
        np.testing.assert_allclose(np.vdot(jvp(f, (TIES,), (direction,))[1], g), np.vdot(pull(g)[0], direction), rtol=1e-13)


always_the_same = settings(derandomize=True, deadline=None, max_examples=60)
few_values = arrays(
    np.float64, st.tuples(st.integers(0, 4), st.integers(1, 4)), elements=st.sampled_from([-1.0, 0.0, 0.5, 2.0])
)


@always_the_same
@given(few_values, st.sampled_from([0, 1, None]))
def test_a_sort_hands_on_every_cotangent_once(x: Any, axis: int | None) -> None:
    y, pull = vjp(lambda t: np.sort(t, axis), x)
    g = np.arange(1.0, y.size + 1).reshape(y.shape)
    np.testing.assert_array_equal(y, np.sort(x, axis))
    np.testing.assert_array_equal(np.sort(pull(g)[0], None), g.ravel())


@always_the_same
@given(few_values)
def test_distinct_values_hand_on_their_cotangents_whole(x: Any) -> None:
    y, pull = vjp(np.unique, x)
    g = np.arange(1.0, y.size + 1)
    back = pull(g)[0]
    for value, part in zip(y, g, strict=True):
        np.testing.assert_allclose(back[x == value].sum(), part, rtol=1e-14)
        assert np.ptp(back[x == value]) == 0


def test_recorded_programs_sort_anew() -> None:
    def step(x: Any) -> Any:
        return np.sort(x) * W3, np.unique(x, return_inverse=True)[1], np.histogram(x, 2)[0], sorting.top_k(x, 2)[1]

    _, program = record(step, np.array([3.0, 1.0, 2.0]))
    other = np.array([5.0, 7.0, 1.0])
    for got, want in zip(program.run(other), step(other), strict=True):
        np.testing.assert_array_equal(got.numpy(), want)
    with pytest.raises(ShapeError, match="its shape depends on values"):
        program.run(np.array([1.0, 7.0, 1.0]))


ERRORS = {
    "fields": (lambda: np.sort(Tensor(V), order="a"), DtypeError, "structured"),
    "fields of argsort": (lambda: np.argsort(Tensor(V), order="a"), DtypeError, "structured"),
    "fields of partition": (lambda: np.partition(Tensor(V), 1, order="a"), DtypeError, "structured"),
    "axis": (lambda: np.sort(Tensor(V), axis=3), IndexError, "axis 3"),
    "out": (lambda: np.compress([True], Tensor(V), None, np.zeros(1)), NoRuleError, "out="),
    "rank": (lambda: np.partition(Tensor(V), 9), ValueError, "kth"),
    "unsorted bins": (lambda: np.digitize(Tensor(V), [1.0, 0.0, 2.0]), ValueError, "monotonic"),
    "nan only": (lambda: np.nanargmax(Tensor([NAN])), ValueError, "All-NaN"),
    "range of nan": (lambda: np.histogram(Tensor([NAN, 1.0])), ValueError, "not finite"),
    "weights and a rule for bins": (lambda: np.histogram(Tensor(V), "auto", weights=V), NoRuleError, "weights"),
    "falling bins": (lambda: np.histogram(Tensor(V), [1.0, 0.0]), ValueError, "increase"),
    "falling edges": (lambda: np.histogram_bin_edges(V, Tensor([1.0, 0.0])), ValueError, "increase"),
    "negative counts": (lambda: np.bincount(Tensor([-1])), ValueError, "negative"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    call, kind, words = ERRORS[name]
    with pytest.raises(kind, match=words):
        call()


def test_complex_numbers_sort_by_the_real_part_first() -> None:
    z = np.array([1 + 2j, 1 - 1j, 0 + 5j])
    np.testing.assert_array_equal(np.sort(Tensor(z)).numpy(), np.sort(z))
    _, pull = vjp(np.sort, z)
    np.testing.assert_array_equal(pull(np.array([1, 10j, 100]))[0], [100, 10j, 1])
    assert ag.vjp(np.sort_complex, V)[1](np.ones(5) + 0j)[0].tolist() == [1.0] * 5
