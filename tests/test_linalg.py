"""Linear algebra: NumPy's and SciPy's values and signatures, and the gradients that finite differences of a rule cannot see.

Composites against finite differences; the conventions at singular, degenerate and zero matrices; errors; empty matrices.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg

import autograd
from autograd import DtypeError, NoRuleError, ShapeError, Tensor, hessian, jvp, record, vjp
from autograd.ops import linalg
from autograd.testing import check_grads

A = np.array([[2.0, 0.3, -0.5], [0.7, 1.5, 0.2], [-0.1, 0.9, 3.0]])
B = np.array([[1.0, -0.4], [0.7, 2.0], [0.3, 0.5]])
S = np.array([[2.0, 0.3, -0.5], [0.3, 1.5, 0.2], [-0.5, 0.2, 3.0]])
Z = A + 1j * np.array([[0.2, -0.3, 0.1], [0.4, 0.5, -0.6], [0.1, 0.2, -0.3]])
H = S + 1j * np.array([[0.0, 0.4, -0.2], [-0.4, 0.0, 0.3], [0.2, -0.3, 0.0]])
V = np.array([0.5, -1.0, 2.0])
W = np.array([1.5, 0.3, -0.7])
EYE = np.eye(2)
ZERO = np.zeros((2, 2))
BATCH = np.stack([A, A.T + 1.0])
STACKED = np.stack([S, S[::-1, ::-1]])


def parts_of(y: Any) -> tuple[Any, ...]:
    return tuple(y) if isinstance(y, (tuple, list)) else (y,)


def numbers(y: Any) -> Any:
    return y.numpy() if isinstance(y, Tensor) else np.asarray(y)


def agree(ours: Any, theirs: Any, rtol: float = 1e-12) -> None:
    for a, b in zip(parts_of(ours), parts_of(theirs), strict=True):
        assert numbers(a).shape == np.shape(b)
        np.testing.assert_allclose(numbers(a), b, rtol=rtol, atol=1e-13)


# --- values and signatures -------------------------------------------------------------------------------------------------

NUMPY: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("inv", (BATCH,), {}),
    ("inv", (Z,), {}),
    ("solve", (A, V), {}),
    ("solve", (BATCH, V), {}),
    ("solve", (BATCH, B), {}),
    ("det", (BATCH,), {}),
    ("slogdet", (BATCH,), {}),
    ("slogdet", (Z,), {}),
    ("cholesky", (S,), {}),
    ("cholesky", (STACKED,), {"upper": True}),
    ("cholesky", (np.tril(S) + np.triu(np.full((3, 3), 9.0), 1),), {}),
    ("cholesky", (np.triu(H) + np.tril(np.full((3, 3), 9.0), -1),), {"upper": True}),
    ("eigh", (S,), {}),
    ("eigh", (A, "U"), {}),
    ("eigh", (A,), {"UPLO": "L"}),
    ("eigvalsh", (H,), {"UPLO": "u"}),
    ("eigvalsh", (STACKED,), {}),
    ("svd", (B,), {}),
    ("svd", (B.T,), {"full_matrices": False}),
    ("svd", (BATCH,), {"compute_uv": False}),
    ("svd", (S - 2 * np.eye(3),), {"hermitian": True, "compute_uv": False}),
    ("svdvals", (Z,), {}),
    ("qr", (B,), {}),
    ("qr", (B.T,), {"mode": "reduced"}),
    ("qr", (B, "complete"), {}),
    ("qr", (B,), {"mode": "r"}),
    ("qr", (np.stack([B, 2 * B]),), {}),
    ("pinv", (B,), {}),
    ("pinv", (np.diag([1.0, 1e-3]), 1e-2), {}),
    ("pinv", (np.diag([1.0, 1e-17]),), {"rtol": None}),
    ("pinv", (np.stack([EYE, np.diag([1.0, 1e-3])]),), {"rcond": np.array([1e-2, 1e-4])}),
    ("pinv", (np.diag([1.0, 1e-3]),), {"rtol": 1e-2}),
    ("pinv", (S,), {"hermitian": True}),
    ("lstsq", (B, V), {}),
    ("lstsq", (B, A), {"rcond": 1e-6}),
    ("lstsq", (B.T, np.array([1.0, 2.0])), {"rcond": None}),
    ("lstsq", (np.ones((3, 2)), V), {}),
    ("matrix_rank", (np.ones((3, 2)),), {}),
    ("matrix_rank", (np.diag([1.0, 0.1]),), {"tol": 0.2}),
    ("matrix_power", (A, 5), {}),
    ("matrix_power", (BATCH, -3), {}),
    ("matrix_power", (BATCH, 0), {}),
    ("matrix_power", (A, 1), {}),
    ("multi_dot", ([A, B, B.T, V],), {}),
    ("multi_dot", ([V, A, W],), {}),
    ("multi_dot", ([V, A, A, B],), {}),
    ("tensorinv", (np.arange(16.0).reshape(4, 2, 2) ** 2 + np.eye(4).reshape(4, 2, 2) * 30,), {"ind": 1}),
    ("tensorinv", (np.random.default_rng(0).normal(size=(2, 3, 6)),), {}),
    ("tensorsolve", (np.random.default_rng(0).normal(size=(2, 3, 6)), np.ones((2, 3))), {}),
    ("tensorsolve", (np.random.default_rng(0).normal(size=(2, 6, 3)), np.ones((2, 3))), {"axes": (1,)}),
    ("diagonal", (BATCH,), {"offset": 1}),
    ("diagonal", (B,), {"offset": -1}),
    ("trace", (BATCH,), {"offset": -1}),
    ("trace", (B.astype(np.float32),), {"dtype": np.float64}),
    ("cross", (A, V), {}),
    ("cross", (A, A[::-1]), {"axis": 0}),
    ("outer", (V, W), {}),
    ("vecdot", (Z, Z[::-1]), {}),
    ("vecdot", (Z, A[::-1]), {"axis": 0}),
    ("matmul", (A, B), {}),
    ("tensordot", (A, B), {"axes": 1}),
    ("matrix_transpose", (np.stack([B, B]),), {}),
    ("cond", (A,), {}),
    ("cond", (BATCH, 1), {}),
    ("cond", (B, -2), {}),
    ("cond", (A, "fro"), {}),
    ("cond", (A,), {"p": -np.inf}),
    *[("norm", (V, order), {}) for order in (None, 0, 0.5, 1, 2, 3, -1, -2, np.inf, -np.inf)],
    *[("norm", (Z[0], order), {}) for order in (None, 0, 0.5, 1, 2, 3, -1, np.inf, -np.inf)],
    *[("norm", (A, order), {}) for order in (None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)],
    *[("norm", (BATCH, order, (2, 0), True), {}) for order in (None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)],
    ("norm", (BATCH,), {}),
    ("norm", (BATCH,), {"keepdims": True}),
    ("norm", (A, "fro"), {"keepdims": True}),
    ("norm", (BATCH, 3, 1, True), {}),
    ("norm", (BATCH, None, -1), {}),
    ("norm", (np.array([3, 4]),), {}),
    *[("norm", (np.zeros(shape), order), {}) for shape in ((0, 0), (0, 3), (2, 0)) for order in (1, 2, np.inf, "nuc", "fro")],
    ("norm", (np.zeros((0, 3)), np.inf, 0), {}),
    ("cond", (np.zeros((2, 2)),), {}),
    ("cond", (np.stack([EYE, ZERO]), -2), {}),
    ("vector_norm", (BATCH,), {"axis": (0, 2), "ord": 3, "keepdims": True}),
    ("vector_norm", (BATCH,), {}),
    ("vector_norm", (A,), {"axis": 0, "ord": np.inf}),
    ("matrix_norm", (BATCH,), {"ord": "nuc", "keepdims": True}),
    ("matrix_norm", (BATCH,), {}),
]


def as_tensors(args: Any) -> Any:
    return [
        Tensor(x, x.dtype.kind in "fc") if isinstance(x, np.ndarray) else as_tensors(x) if isinstance(x, list) else x
        for x in args
    ]


@pytest.mark.parametrize(("name", "args", "options"), NUMPY)
def test_values_are_numpys_in_every_spelling(name: str, args: Any, options: dict[str, Any]) -> None:
    function = getattr(np.linalg, name)
    expected = function(*args, **options)
    ours = getattr(linalg, name)
    tensors = as_tensors(args)
    for got in (ours(*tensors, **options), function(*tensors, **options)):
        assert all(isinstance(part, Tensor) for part in parts_of(got))
        agree(got, expected)
        if hasattr(expected, "_fields"):
            assert got._fields == expected._fields
    plain = ours(*args, **options)
    assert not any(isinstance(part, Tensor) for part in parts_of(plain))
    agree(plain, expected)


def test_every_function_of_numpys_is_there() -> None:
    theirs = {name for name in dir(np.linalg) if not name.startswith("_")} - {"test"}
    assert theirs <= set(linalg.__all__)
    assert all(hasattr(linalg, name) for name in linalg.__all__)
    assert theirs - {"LinAlgError", "matmul"} <= {name for name, _, _ in NUMPY} | {"eig", "eigvals"}


TOP: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("trace", (BATCH,), {}),
    ("trace", (BATCH, 1, 2, 0), {}),
    ("trace", (B,), {"offset": -1, "axis1": 1, "axis2": 0}),
    ("cross", (A, V), {}),
    ("cross", (A, A[::-1]), {"axisa": 0, "axisb": 1, "axisc": 0}),
    ("cross", (B.T, B.T[::-1]), {"axis": 1}),
    ("kron", (A, B), {}),
    ("kron", (V, B), {}),
    ("kron", (BATCH, V), {}),
    ("kron", (np.float64(2.0), B), {}),
    ("vecdot", (Z, Z[0]), {}),
    ("vecdot", (Z, Z), {"axis": 0}),
    ("matvec", (BATCH, A[:2]), {}),
    ("vecmat", (Z, BATCH[0]), {}),
    ("matrix_transpose", (BATCH,), {}),
    ("outer", (A, V), {}),
]


@pytest.mark.parametrize(("name", "args", "options"), TOP)
def test_numpy_functions_outside_linalg(name: str, args: Any, options: dict[str, Any]) -> None:
    function = getattr(np, name)
    got = function(*as_tensors(args), **options)
    assert isinstance(got, Tensor)
    agree(got, function(*args, **options))


def test_two_element_vectors_have_a_cross_product() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        cases = [(B[0], B[1]), (V, B[1]), (B[1], V)]
        expected = [np.cross(a, b) for a, b in cases]
    for (a, b), theirs in zip(cases, expected, strict=True):
        agree(np.cross(Tensor(a), Tensor(b)), theirs)


SCIPY: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    *[(name, (x,), {}) for name in ("expm", "sqrtm", "logm", "sinhm", "coshm", "tanhm") for x in (S, H, STACKED)],
    *[(name, (x,), {}) for name in ("sinm", "cosm", "tanm") for x in (A, Z, BATCH)],
    ("expm", (1e3 * np.array([[0.0, 1.0], [-1.0, 0.0]]),), {}),
    *[("solve_triangular", (Z, V), {"trans": t, "lower": lower}) for t in (0, "T", 2) for lower in (False, True)],
    ("solve_triangular", (A, B, "C"), {"unit_diagonal": True}),
    ("solve_triangular", (BATCH, np.stack([B, B])), {}),
    ("solve_sylvester", (A, B[:2], B), {}),
    ("solve_sylvester", (Z, EYE, B), {}),
    ("solve_banded", ((1, 1), A, V), {}),
    ("solve_banded", ((0, 2), A, B), {}),
    ("cho_solve", ((np.linalg.cholesky(H), True), V), {}),
    ("cho_solve", ((np.linalg.cholesky(H, upper=True), False), B), {}),
    ("block_diag", (A, V, B), {}),
    ("toeplitz", (V,), {}),
    ("toeplitz", (V, np.array([0.5, 1.0])), {}),
    ("toeplitz", (Z[0],), {}),
    ("toeplitz", (A, BATCH), {}),
    ("toeplitz", (np.float64(2.0), V), {}),
    ("sqrtm", (np.array([[2, 1], [1, 3]]),), {}),
    ("logm", (np.array([[2, 1], [1, 3]]),), {}),
    ("polar", (A,), {}),
    ("polar", (B,), {"side": "left"}),
]


@pytest.mark.parametrize(("name", "args", "options"), SCIPY)
def test_values_are_scipys(name: str, args: Any, options: dict[str, Any]) -> None:
    expected = getattr(scipy.linalg, name)(*args, **options)
    tensors = [tuple(as_tensors(x)) if isinstance(x, tuple) else x for x in as_tensors(args)]
    ours = getattr(linalg, name)
    agree(ours(*tensors, **options), expected, rtol=1e-10)
    agree(ours(*args, **options), expected, rtol=1e-10)


def test_eig_is_complex_and_otherwise_numpys() -> None:
    for x in (A, Z, BATCH):
        for got in (linalg.eig(Tensor(x)), np.linalg.eig(Tensor(x)), linalg.eig(x)):
            agree(got, np.linalg.eig(x))
            assert all(part.dtype == np.complex128 for part in got)
            assert got._fields == ("eigenvalues", "eigenvectors")
        np.testing.assert_allclose(linalg.eigvals(x), np.linalg.eig(x)[0])
    assert linalg.eig(A.astype(np.float32)).eigenvalues.dtype == np.complex64


def test_svd_of_a_hermitian_matrix_through_its_eigenvalues() -> None:
    x = S - 2 * np.eye(3)
    u, s, vh = linalg.svd(Tensor(x), hermitian=True)
    agree(s, np.linalg.svd(x)[1])
    agree((u * s) @ vh, x)


SINGLE = [
    (linalg.inv, A), (linalg.det, A), (linalg.slogdet, A), (linalg.cholesky, S), (linalg.eigh, S), (linalg.eigvalsh, S),
    (linalg.svd, B), (linalg.svdvals, B), (linalg.qr, B), (linalg.pinv, B), (linalg.norm, A), (linalg.cond, A),
    (linalg.trace, A), (linalg.expm, A), (linalg.sqrtm, S), (linalg.logm, S), (linalg.squared_norm, A), (linalg.sinm, A),
    (lambda x: linalg.norm(x, 3, axis=0), A), (lambda x: linalg.norm(x, "nuc"), A), (lambda x: linalg.norm(x, 0) * x, V),
    (lambda x: linalg.matrix_power(x, -2), A), (lambda x: linalg.solve(x, x[0]), A), (lambda x: linalg.lstsq(x, x[:, 0])[0], B),
    (lambda x: linalg.solve_triangular(x, x[0]), A), (lambda x: linalg.kron(x, x), A), (lambda x: np.cross(x, x[0]), A),
]  # fmt: skip


@pytest.mark.parametrize(("function", "x"), SINGLE)
def test_float32_stays_float32(function: Callable[..., Any], x: Any) -> None:
    leaf = Tensor(x.astype(np.float32))
    total = 0.0
    for part in parts_of(function(leaf)):
        assert part.dtype == np.float32
        total = total + part.sum()
    total.backward()  # type: ignore[attr-defined]
    assert leaf.grad is not None
    assert leaf.grad.dtype == np.float32


def test_integers_become_floats() -> None:
    whole = np.array([[2, 1], [1, 3]])
    for name in ("inv", "det", "eigvalsh", "svdvals", "pinv", "norm", "cholesky", "cond"):
        agree(getattr(linalg, name)(whole), getattr(np.linalg, name)(whole))
        agree(getattr(linalg, name)(Tensor(whole)), getattr(np.linalg, name)(whole))


# --- gradients of composites and of what depends on no choice --------------------------------------------------------------


def symmetric(x: Any) -> Any:
    return (x + np.conj(np.swapaxes(x, -1, -2))) / 2


def magnitude(x: Any) -> Any:
    return np.real(x * np.conj(x))


def eigh_loss(x: Any) -> Any:
    w, v = np.linalg.eigh(symmetric(x))
    return magnitude(v) * w[..., None, :] + np.real(v[..., :1, :] * np.conj(v[..., 1:2, :]))


def svd_loss(full: bool) -> Any:
    def loss(x: Any) -> Any:
        u, s, vh = np.linalg.svd(x, full_matrices=full)
        k = s.shape[-1]
        free = np.real(u[..., k:] @ np.conj(np.swapaxes(u[..., k:], -1, -2))) if full else magnitude(u[..., :1])
        s = s[..., None, :]
        return [magnitude(u[..., :k]) * s, magnitude(vh[..., :k, :]), np.real((u[..., :k] * s**2) @ vh[..., :k, :]), free]

    return loss


def eig_loss(x: Any) -> Any:
    w, v = np.linalg.eig(x)
    return [magnitude(v), np.real(w * w), np.imag(v * w)]


def complete_qr_loss(x: Any) -> Any:
    q, r = np.linalg.qr(x, mode="complete")
    return [q[:, 1:] @ np.conj(q[:, 1:].T), r]


COMPOSITES: list[Any] = [
    (lambda x: np.linalg.cholesky(symmetric(x)), S),
    (lambda x: np.linalg.cholesky(symmetric(x), upper=True), H),
    (eigh_loss, S), (eigh_loss, H), (eigh_loss, STACKED),
    (lambda x: np.linalg.eigvalsh(symmetric(x), "U"), H),
    (eig_loss, A), (eig_loss, Z), (eig_loss, np.array([[0.1, -1.0], [2.0, 0.3]])),
    (np.linalg.eigvals, Z),
    *[(svd_loss(full), x) for full in (False, True) for x in (B, B.T, A, Z, Z[:, :2], Z[:2], BATCH)],
    (svd_loss(True), Z[:, :1]), (svd_loss(True), np.arange(1.0, 9.0).reshape(4, 2) ** 2),
    (lambda x: np.linalg.svd(symmetric(x), hermitian=True).S, S - 2 * np.eye(3)),
    (lambda x: magnitude(np.linalg.svd(symmetric(x), hermitian=True).Vh), H - 2 * np.eye(3)),
    (complete_qr_loss, V[:, None]), (complete_qr_loss, Z[:, :1]),
    (lambda x: np.linalg.qr(x, mode="complete"), B), (lambda x: np.linalg.qr(x, mode="complete"), Z),
    (lambda x: np.linalg.qr(x, mode="r"), B.T),
    (np.linalg.slogdet, Z),
    (lambda x: np.linalg.pinv(symmetric(x), hermitian=True), S),
    (lambda x: np.linalg.pinv(x[:, :2] @ x[:2]), A),  # of rank 2 throughout
    (lambda x: linalg.lstsq(x, V)[:2], B), (lambda x: linalg.lstsq(x, x[:, 0])[::3], B.T),
    *[(lambda x, n=n: np.linalg.matrix_power(x, n), A) for n in (-3, -1, 1, 2, 5)],
    (np.linalg.cond, A), (lambda x: np.linalg.cond(x, -2), B), (lambda x: np.linalg.cond(x, 1), A), (np.linalg.cond, Z),
    *[(lambda x, n=n: np.linalg.norm(x, n, axis=-1), A) for n in (None, 0.5, 1, 2, 3, -1, -2, np.inf, -np.inf)],
    *[(lambda x, n=n: np.linalg.norm(x, n, axis=0), Z) for n in (None, 0.5, 1, 2, 3, -1, -2, np.inf, -np.inf)],
    *[(lambda x, n=n: np.linalg.norm(x, n), A) for n in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)],
    *[(lambda x, n=n: np.linalg.norm(x, n, (0, 2)), BATCH * (1 + 0.3j)) for n in ("fro", "nuc", 1, -1, 2, -2, np.inf)],
    (linalg.squared_norm, Z), (lambda x: linalg.squared_norm(x, axis=0, keepdims=True), A),
    (lambda x: np.linalg.multi_dot([x, B, B.T, x[0]]), A),
    (lambda x: np.linalg.tensorinv(x.reshape(3, 3, 1), ind=1), A),
    (lambda x: np.linalg.tensorsolve(x.reshape(3, 1, 3), x[:, :1]), A),
    (lambda x: np.trace(x, 1, 2, 0), BATCH), (lambda x: np.linalg.trace(x, offset=-1), Z),
    (lambda x: np.linalg.diagonal(x, offset=1), BATCH),
    (lambda x: np.cross(x, x[0] ** 2), A), (lambda x: np.cross(x, x.T, 0, 1, 0), Z),
    (lambda x: linalg.cross_of_axes(x[:, :2], x), A), (lambda x: linalg.cross_of_axes(x[:, :2], x[1:, 1]), A),
    (lambda x: np.kron(x, x[0]), Z), (lambda x: np.vecdot(x, x[0] ** 2), Z), (lambda x: np.vecdot(x, x.T, axis=0), Z),
    (lambda x: np.matvec(x, x), Z), (lambda x: np.vecmat(x, x), Z), (lambda x: np.linalg.outer(x[0], x[1]), Z),
    *[(lambda x, t=t: linalg.solve_triangular(x, x[0], trans=t, lower=True), Z) for t in (0, 1, 2)],
    (lambda x: linalg.solve_triangular(x, x, unit_diagonal=True), A),
    (lambda x: linalg.cho_solve(linalg.cho_factor(symmetric(x)), x[0]), H),
    (lambda x: linalg.cho_solve(linalg.cho_factor(symmetric(x), lower=True), x), H),
    (lambda x: linalg.solve_banded((1, 1), x, x[0]), A), (lambda x: linalg.solve_banded((2, 0), x, x), Z),
    (lambda x: linalg.block_diag(x, x[0] ** 2), A), (lambda x: linalg.toeplitz(x[0], x[1] ** 2), A), (linalg.toeplitz, Z[0]),
    (lambda x: linalg.toeplitz(x, x[0] ** 2), Z),
    *[(getattr(linalg, name), x) for name in ("sinm", "cosm", "tanm", "sinhm", "coshm", "tanhm", "polar") for x in (A, Z)],
    (lambda x: linalg.polar(x, side="left"), B.T),
    (linalg.sqrtm, np.array([[1.0, 5.0], [0.0, 1.0]])), (linalg.logm, np.array([[1.0, 5.0], [0.0, 1.0]])),
    (linalg.logm, np.array([[0.0, -1.0], [1.0, 0.0]])), (linalg.sqrtm, np.array([[-1.0, 2.0], [0.5, 3.0]])),
]  # fmt: skip


def joined(f: Any) -> Any:
    """All outputs of a function in one axis."""

    def flat(x: Any) -> Any:
        return autograd.concatenate([np.reshape(part, -1) for part in parts_of(f(x))])

    return flat


@pytest.mark.parametrize(("function", "x"), COMPOSITES)
def test_gradients_against_finite_differences(function: Callable[..., Any], x: Any) -> None:
    check_grads(joined(function), x, rtol=1e-7)


# --- conventions -----------------------------------------------------------------------------------------------------------


def gradient(f: Any, x: Any) -> Any:
    leaf = Tensor(np.array(x, dtype=complex if np.iscomplexobj(x) else float))
    np.sum(f(leaf)).backward()
    assert leaf.grad is not None
    return leaf.grad.numpy()


def rebuilt(x: Any) -> Any:
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    return (u * s) @ vh


def rebuilt_symmetric(x: Any) -> Any:
    w, v = np.linalg.eigh(x)
    return (v * w) @ v.T


def likelihood(x: Any) -> Any:
    """log det(x) + 1^T inv(x) 1."""
    w, v = np.linalg.eigh(x)
    return np.sum(np.log(w)) + np.sum(v.sum(axis=0) ** 2 / w)


GRID = np.arange(9.0).reshape(3, 3)
NAN = np.full((2, 2), np.nan)
POINTS: list[Any] = [
    ("det", np.linalg.det, [[1, 2], [3, 4]], [[4, -3], [-2, 1]]),
    ("det of rank 2", np.linalg.det, np.diag([1, 2, 0]), np.diag([0, 0, 2])),
    ("det of rank 1", np.linalg.det, np.diag([1, 0, 0]), np.zeros((3, 3))),
    ("det, singular", np.linalg.det, [[1, 2], [2, 4]], [[4, -2], [-2, 1]]),
    ("det in a batch", np.linalg.det, [np.diag([1, 2, 0]), np.eye(3)], [np.diag([0, 0, 2]), np.eye(3)]),
    ("slogdet, singular", lambda x: np.linalg.slogdet(x)[1], [[1, 2], [2, 4]], NAN),
    ("sign of it", lambda x: np.linalg.slogdet(x)[0], [[1, 2], [2, 4]], ZERO),
    ("cholesky reads one triangle", np.linalg.cholesky, [[2, 99], [1, 3]],
     [[0.25583364, 0.19543951], [0.19543951, 0.31622777]]),
    ("eigh", lambda x: np.linalg.eigh(x)[0] * [1.0, 10.0], [[2, 1], [1, 3]],
     [[3.48753882, 4.02492236], [4.02492236, 7.51246118]]),
    ("eigh reads one triangle", lambda x: np.linalg.eigh(x)[0], [[2, 9], [1, 3]], EYE),
    ("eigenvalues, equal", lambda x: np.linalg.eigh(x)[0], EYE, EYE),
    ("eigenvalues, all zero", lambda x: np.linalg.eigh(x)[0], ZERO, EYE),
    ("eigenvectors, equal values", lambda x: np.linalg.eigh(x)[1] * [[1.0, 2.0], [3.0, 4.0]], EYE, NAN),
    ("eigenvectors of eig", lambda x: np.real(np.linalg.eig(x)[1]) * [[1.0, 2.0], [3.0, 4.0]], EYE, NAN),
    ("eigenvalues of eig", lambda x: np.real(np.linalg.eigvals(x)), EYE, EYE),
    ("rebuilt from eigh", rebuilt_symmetric, EYE, np.ones((2, 2))),
    ("rebuilt from eigh", lambda x: rebuilt_symmetric(x) * GRID, 2 * np.eye(3), (GRID + GRID.T) / 2),
    ("rebuilt, rank 1", lambda x: rebuilt_symmetric(x) * GRID, np.outer(V, V), (GRID + GRID.T) / 2),
    ("projector of equal values", lambda x: (lambda v: v @ v.T)(np.linalg.eigh(x)[1]) * GRID, np.eye(3) + 1, np.zeros((3, 3))),
    ("square from eigh", lambda x: (lambda r: (r[1] * r[0] ** 2) @ r[1].T)(np.linalg.eigh(x)) * GRID, 3 * np.eye(3),
     3 * (GRID + GRID.T)),
    # Where the cotangents are the same as those of losses with another gradient.
    ("likelihood at the identity", likelihood, EYE, NAN),
    ("square from eigh, one sum", lambda x: (lambda r: (r[1] * r[0] ** 2) @ r[1].T)(np.linalg.eigh(x)), 3 * EYE, NAN),
    ("rebuilt, and log det", lambda x: (lambda r: np.sum((r[0] * r[1]) @ r[2]) + np.sum(np.log(r[1])))(np.linalg.svd(x)),
     EYE, NAN),
    ("svdvals, equal", lambda x: np.linalg.svd(x)[1], EYE, EYE),
    ("rebuilt from eigh, zero", lambda x: rebuilt_symmetric(x) * GRID, np.zeros((3, 3)), np.full((3, 3), np.nan)),
    ("largest of equal eigenvalues", lambda x: np.linalg.eigvalsh(x)[-1], np.eye(3), np.eye(3) / 3),
    ("largest of equal eigenvalues of eigh", lambda x: np.linalg.eigh(x)[0][-1], np.eye(3), np.eye(3) / 3),
    ("largest of equal singular values", lambda x: np.linalg.svdvals(x)[0], EYE, EYE / 2),
    ("svdvals, rank 1", np.linalg.svdvals, [[1, 2], [2, 4]], EYE),
    ("svd, choice of vectors", lambda x: (lambda r: r[0] * r[1])(np.linalg.svd(x)), EYE, NAN),
    ("rebuilt from svd", rebuilt, EYE, np.ones((2, 2))),
    ("rebuilt from svd", lambda x: rebuilt(x) * GRID, 2 * np.eye(3), GRID),
    ("rebuilt, singular", lambda x: rebuilt(x) * GRID, [[1, 2, 3], [2, 4, 6], [1, 0, 1]], GRID),
    ("rebuilt, rank 1", lambda x: rebuilt(x) * GRID, np.outer(V, W), GRID),
    ("orthogonal factor", lambda x: linalg.polar(x)[0] * [[1.0, 2.0], [3.0, 5.0]], EYE, [[0, -0.5], [0.5, 0]]),
    ("phase of an eigenvector", lambda x: np.real(np.linalg.eigh(x)[1][1]), [[2, 1j], [-1j, 3]], NAN),
    ("pinv of zero", np.linalg.pinv, ZERO, ZERO),
    ("pinv of rank 1", np.linalg.pinv, [[1, 2], [2, 4]], [[0.0048, -0.0144], [-0.0144, -0.0768]]),
    ("expm", linalg.expm, ZERO, np.ones((2, 2))),
    ("logm", linalg.logm, EYE, np.ones((2, 2))),
    ("sqrtm", linalg.sqrtm, EYE, np.full((2, 2), 0.5)),
    ("trace", np.trace, [[1, 2, 3], [4, 5, 6]], [[1, 0, 0], [0, 1, 0]]),
    ("cross", lambda x: np.cross(x, [0.0, 1.0, 0.0]), [1, 0, 0], [1, 0, -1]),
    ("kron", lambda x: np.kron(x, [[3.0], [4.0]]), [[1, 2]], [[7, 7]]),
    ("underflow", np.linalg.norm, [1e-200, 1e-200], [0.5**0.5, 0.5**0.5]),
    ("overflow", np.linalg.norm, [1e200, 1e200], [0.5**0.5, 0.5**0.5]),
    *[(f"norm {n} at zero", lambda x, n=n: np.linalg.norm(x, n), [0, 0], [0, 0])
      for n in (None, 1, 2, 3, 0.5, -1, np.inf, -np.inf)],
    *[(f"norm {n} at (0, 3)", lambda x, n=n: np.linalg.norm(x, n), [0, 3], [0, 1]) for n in (1, 2, 3, 0.5, np.inf)],
    *[(f"norm {n} at (0, 3)", lambda x, n=n: np.linalg.norm(x, n), [0, 3], [0, 0]) for n in (-1, -np.inf)],
    ("norm inf, a tie", lambda x: np.linalg.norm(x, np.inf), [3, -3], [0.5, -0.5]),
    *[(f"norm {n} of the identity", lambda x, n=n: np.linalg.norm(x, n), EYE, EYE / 2)
      for n in (1, -1, 2, -2, np.inf, -np.inf)],
    ("norm nuc of the identity", lambda x: np.linalg.norm(x, "nuc"), EYE, EYE),
    *[(f"norm {n} of zero", lambda x, n=n: np.linalg.norm(x, n), ZERO, ZERO) for n in ("nuc", "fro", 1, -1, 2, -2, np.inf)],
    ("matrix_power 0", lambda x: np.linalg.matrix_power(x, 0) + 0 * x, EYE, ZERO),
]  # fmt: skip


@pytest.mark.parametrize(("name", "function", "x", "wanted"), POINTS)
def test_gradients_at_particular_points(name: str, function: Callable[..., Any], x: Any, wanted: Any) -> None:
    np.testing.assert_allclose(gradient(function, x), wanted, rtol=1e-7, atol=2e-14)


def test_norms_neither_underflow_nor_overflow() -> None:
    np.testing.assert_allclose(linalg.norm(np.array([3e-200, 4e-200])), 5e-200)
    np.testing.assert_allclose(linalg.norm(np.array([3e200, 4e200])), 5e200)
    np.testing.assert_allclose(linalg.norm(np.array([3e-200, 4e-200]), 3), 91 ** (1 / 3) * 1e-200)
    np.testing.assert_array_equal(linalg.norm(np.array([np.inf, 1.0])), np.inf)
    np.testing.assert_array_equal(linalg.norm(np.array([np.nan, 1.0])), np.nan)


def test_a_batch_is_not_spoilt_by_one_of_its_matrices() -> None:
    x = np.stack([EYE, np.diag([1.0, 2.0])])
    weights = np.array([[1.0, 2.0], [3.0, 4.0]])
    vectors = gradient(lambda x: np.linalg.eigh(x)[1] * weights, x)
    assert np.isnan(vectors[0]).all()
    np.testing.assert_array_equal(vectors[1], gradient(lambda x: np.linalg.eigh(x)[1] * weights, x[1]))
    logs = gradient(lambda x: np.where([False, True], np.linalg.slogdet(x)[1], 0.0), np.stack([ZERO, EYE]))
    np.testing.assert_array_equal(logs, np.stack([ZERO, EYE]))


def test_the_count_of_what_is_not_zero_has_no_gradient() -> None:
    count = np.linalg.norm(Tensor([0.0, 3.0, np.nan]), 0)
    assert count.numpy() == 2.0
    assert not count.requires_grad


def test_further_columns_are_determined_as_a_span_only() -> None:
    column = np.array([[1.0], [2.0], [3.0]])
    for f in (lambda x: np.linalg.svd(x)[0][:, 1:], lambda x: np.linalg.qr(x, mode="complete")[0][:, 1:]):
        assert np.isnan(gradient(lambda x, f=f: f(x) * [[1.0, 2.0], [0.3, 4.0], [1.0, 1.0]], column)).all()
        projected = gradient(lambda x, f=f: f(x) @ f(x).T * GRID, column)  # of I - x x^T / |x|^2
        n, both = np.sum(column**2), GRID + GRID.T
        np.testing.assert_allclose(projected, (2 * column * (column.T @ GRID @ column) / n - both @ column) / n, atol=1e-12)


def test_forward_mode_does_not_invent_vectors() -> None:
    tangent = jvp(lambda x: np.linalg.eigh(x)[1], (EYE,), (np.array([[1.0, 2.0], [2.0, 1.0]]),))[1]
    assert not np.isfinite(tangent).any()
    np.testing.assert_array_equal(jvp(lambda x: np.linalg.eigh(x)[1], (EYE,), (EYE,))[1], ZERO)


# --- second order ----------------------------------------------------------------------------------------------------------

HESSIANS: list[Any] = [
    ("norm", np.linalg.norm, [3.0, 4.0], [[0.128, -0.096], [-0.096, 0.072]]),
    ("squared norm at zero", linalg.squared_norm, [0.0, 0.0], 2 * EYE),
    ("det, singular", np.linalg.det, [[1.0, 2.0], [2.0, 4.0]], None),
    ("det of zero", np.linalg.det, ZERO, None),
]


@pytest.mark.parametrize(("name", "function", "x", "wanted"), HESSIANS)
def test_second_derivatives(name: str, function: Callable[..., Any], x: Any, wanted: Any) -> None:
    if wanted is None:  # det of two by two is a d - b c wherever it is taken
        wanted = np.zeros((2, 2, 2, 2))
        for i, j in np.ndindex(2, 2):
            wanted[i, j, 1 - i, 1 - j] = 1 if i == j else -1
    np.testing.assert_allclose(hessian(function)(np.array(x)), wanted, atol=1e-14)


ROWS: list[Any] = [  # the first row of the Hessian at [[2, 1], [1, 3]]
    (lambda x: np.linalg.inv(x).sum(), [[0.192, 0.016], [0.016, -0.032]]),
    (lambda x: (np.linalg.eigh(x)[0] * [1.0, 10.0]).sum(), [[1.609969, 0.804984], [0.804984, -1.609969]]),
    (lambda x: np.linalg.cholesky(x).sum(), [[-0.0388156, -0.00142571], [-0.00142571, -0.0158114]]),
    (lambda x: np.linalg.solve(x, np.ones(2)).sum(), [[0.192, 0.016], [0.016, -0.032]]),
]


@pytest.mark.parametrize(("function", "wanted"), ROWS)
def test_rows_of_hessians(function: Callable[..., Any], wanted: Any) -> None:
    np.testing.assert_allclose(hessian(function)(np.array([[2.0, 1.0], [1.0, 3.0]]))[0, 0], wanted, atol=1e-6)


SPECTRA: list[Any] = [
    ("eigvalsh", np.linalg.eigvalsh), ("eigh", lambda x: np.linalg.eigh(x)[0]),
    ("svdvals", np.linalg.svdvals), ("svd", lambda x: np.linalg.svd(x)[1]),
]  # fmt: skip
SLOPES: list[Any] = [  # a loss of the values, and its second derivative along the identity, at twice the identity
    (np.sum, 0.0), (lambda w: np.sum(w**2), 2.0), (lambda w: np.sum(w**3), 12.0), (lambda w: np.sum(w) ** 2, 4.0),
    (lambda w: np.prod(w), 1.0), (lambda w: np.sum(np.log(w)) ** 2, 1.0 - np.log(2.0)),
]  # fmt: skip


def second(f: Any, x: Any, along: Any) -> list[Any]:
    """The second derivative of f along a matrix, by reverse mode twice and by forward over reverse."""

    def slope(z: Any) -> Any:
        return vjp(f, z)[1](1.0)[0]

    return [vjp(slope, x)[1](along)[0], jvp(slope, (x,), (along,))[1]]


@pytest.mark.parametrize(("name", "values"), SPECTRA)
@pytest.mark.parametrize(("loss", "wanted"), SLOPES)
def test_second_derivatives_where_values_are_equal(name: str, values: Any, loss: Any, wanted: float) -> None:
    """Only what keeps the values equal is known: the rest is a limit that differs between losses of one gradient."""
    for found in second(lambda x: loss(values(x)), 2 * EYE, EYE):
        np.testing.assert_allclose(found, wanted * EYE, atol=1e-12)
    for along in (EYE + 0.5, np.diag([1.0, 2.0]), np.diag([1.0, -1.0]), np.array([[0.0, 1.0], [1.0, 0.0]])):
        for found in second(lambda x: loss(values(x)), 2 * EYE, along):
            assert not np.isfinite(found).all()


def test_second_derivatives_where_equal_values_have_a_slope_of_zero() -> None:
    for values in (np.linalg.eigvalsh, np.linalg.svdvals):
        for along in (EYE, np.diag([1.0, -1.0])):
            for found in second(lambda x, values=values: np.sum((values(x) - 2.0) ** 2), 2 * EYE, along):  # type: ignore[misc]
                assert not np.isfinite(found).all() or (found == 2 * along).all()


@pytest.mark.parametrize("f", [lambda w: w, lambda w: w**2, np.log, np.exp])
@pytest.mark.parametrize("part", [lambda x: np.sum(x**2 * [[1, 2], [2, 5]]), lambda x: np.sum(x * [[1, 2], [2, 5]])])
@pytest.mark.parametrize(
    "along", [np.diag([1.0, -1.0]), np.diag([1.0, 2.0]), np.ones((2, 2)), np.array([[1.0, 0.3], [0.3, 2.0]])]
)
def test_no_second_derivative_of_vectors_that_are_a_choice(f: Any, part: Any, along: Any) -> None:
    def from_eigh(x: Any) -> Any:
        w, v = np.linalg.eigh(x)
        return part((v * f(w)) @ v.T)

    def from_svd(x: Any) -> Any:
        u, s, vh = np.linalg.svd(x)
        return part((u * f(s)) @ vh)

    for loss in (from_eigh, from_svd):
        for found in second(loss, EYE, along):
            assert not np.isfinite(found).all()


@pytest.mark.parametrize("shape", [(2, 2), (3, 2), (2, 3)])
def test_second_derivatives_at_singular_values_of_zero(shape: tuple[int, int]) -> None:
    """The sum of their squares has one, their sum has none, and both have a gradient of zero."""
    for along in np.eye(shape[0] * shape[1]).reshape(-1, *shape):
        for found in second(lambda x: np.sum(np.linalg.svdvals(x) ** 2), np.zeros(shape), along):
            assert not np.isfinite(found).all()


def test_second_derivatives_of_least_squares_with_equal_singular_values() -> None:
    along = np.array([[1.0, 0.3], [0.3, 2.0]])
    found = second(lambda x: np.sum(np.linalg.lstsq(x, np.ones(2))[0] ** 2), EYE, along)
    expected = second(lambda x: np.sum(np.linalg.solve(x, np.ones(2)) ** 2), EYE, along)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize(("name", "values"), SPECTRA)
def test_both_modes_share_a_slope_among_equal_values(name: str, values: Any) -> None:
    found = jvp(values, (EYE,), (np.diag([1.0, 2.0]),))[1]
    np.testing.assert_allclose(found, [1.5, 1.5])
    np.testing.assert_allclose(np.tensordot(autograd.jacobian(values)(EYE), np.diag([1.0, 2.0])), found)


def test_third_derivatives_of_expm() -> None:
    def chain(x: Any) -> Any:
        return linalg.expm(np.array([[0.0, 1.0], [0.0, 0.0]]) + x * np.array([[0.7, 0.0], [0.0, 0.7]]))[0, 1]

    f = chain
    for _ in range(3):
        f = autograd.grad(f)
    np.testing.assert_allclose(f(0.3), 0.7**3 * np.exp(0.21), rtol=1e-12)


# --- errors ----------------------------------------------------------------------------------------------------------------

FLAT = Tensor(np.ones((2, 3)))


def called(name: str, x: Any) -> Any:
    return lambda: getattr(linalg, name)(Tensor(x))


ERRORS: list[Any] = [
    *[(called(name, np.ones((2, 3))), ShapeError, r"\(2, 3\).*2 and 3")
      for name in ("inv", "det", "slogdet", "cholesky", "eigh", "eigvalsh", "eig", "eigvals", "expm", "sqrtm", "logm")],
    *[(called(name, np.ones(3)), ShapeError, "two axes")
      for name in ("inv", "det", "svd", "svdvals", "qr", "pinv", "cond", "matrix_norm", "diagonal", "trace")],
    (lambda: linalg.solve(Tensor(A), np.ones(4)), ShapeError, r"3 rows.*\(4,\) has 4"),
    (lambda: linalg.solve(FLAT, np.ones(2)), ShapeError, "square"),
    (lambda: linalg.solve(Tensor(BATCH), np.ones((3, 3, 1))), ShapeError, "broadcast"),
    (lambda: linalg.inv(Tensor(ZERO)), np.linalg.LinAlgError, r"inv of shape \(2, 2\): Singular matrix"),
    (lambda: linalg.solve(Tensor(ZERO), np.ones(2)), np.linalg.LinAlgError, "Singular"),
    (lambda: linalg.cholesky(Tensor([[1.0, 2.0], [2.0, 4.0]])), np.linalg.LinAlgError, "positive definite"),
    (lambda: np.linalg.cholesky(Tensor([[1.0, 2.0], [2.0, 1.0]])), np.linalg.LinAlgError, "positive definite"),
    (lambda: linalg.solve_triangular(Tensor(ZERO), np.ones(2)), np.linalg.LinAlgError, "singular"),
    (lambda: linalg.solve_sylvester(Tensor(EYE), -EYE, EYE), np.linalg.LinAlgError, "minus one of b"),
    (lambda: linalg.solve_banded((0, 0), np.zeros((1, 2)), V[:2]), np.linalg.LinAlgError, "singular"),
    (lambda: linalg.eigh(Tensor(S), UPLO="X"), ShapeError, "UPLO"),
    (lambda: linalg.qr(Tensor(A), mode="raw"), NoRuleError, "raw"),
    (lambda: linalg.norm(Tensor(A), 3), ShapeError, "ord=3"),
    (lambda: linalg.norm(Tensor(V), "fro"), ShapeError, "'fro'"),
    (lambda: linalg.norm(Tensor(BATCH), 2), ShapeError, "3 axes"),
    (lambda: linalg.norm(Tensor(A), axis=(0, -2)), ShapeError, "differ"),
    (lambda: linalg.norm(Tensor(A), axis=2), IndexError, "norm: axis=2 .* has 2 axes"),
    (lambda: linalg.norm(Tensor(A), axis=(0, -3)), IndexError, "has 2 axes"),
    (lambda: linalg.vector_norm(A, axis=5), IndexError, "vector_norm: axis=5"),
    (lambda: linalg.cond(np.zeros((0, 0))), np.linalg.LinAlgError, "empty"),
    (lambda: np.matvec(Tensor(V), V), ShapeError, "two axes"),
    (lambda: np.vecmat(V, Tensor(V)), ShapeError, "two axes"),
    (lambda: linalg.outer(Tensor(A), V), ShapeError, "vectors"),
    (lambda: np.cross(Tensor(np.ones(4)), np.ones(4)), ShapeError, "three elements"),
    (lambda: linalg.cross(Tensor(np.ones(2)), np.ones(2)), ShapeError, "length 3"),
    (lambda: linalg.vecdot(Tensor(V), np.ones(2)), ShapeError, "3 and of 2"),
    (lambda: linalg.lstsq(Tensor(B), np.ones(2)), ShapeError, "3 rows, and the right side 2"),
    (lambda: linalg.lstsq(Tensor(BATCH), V), ShapeError, "one matrix"),
    (lambda: linalg.pinv(Tensor(A), 0.1, rtol=0.1), TypeError, "not both"),
    (lambda: linalg.matrix_power(FLAT, 2), ShapeError, "square"),
    (lambda: linalg.matrix_power(Tensor(A), 0.5), TypeError, "integer"),
    (lambda: linalg.multi_dot([Tensor(A)]), ShapeError, "two or more"),
    (lambda: linalg.tensorinv(FLAT), ShapeError, "tensorinv"),
    (lambda: linalg.tensorsolve(FLAT, np.ones(3)), ShapeError, "tensorsolve"),
    (lambda: linalg.solve_banded((1, 1), FLAT, V), ShapeError, "diagonals"),
    (lambda: linalg.solve_triangular(Tensor(A), V, trans=5), DtypeError, "trans=5"),
    (lambda: linalg.polar(Tensor(A), side="up"), DtypeError, "side"),
    (lambda: linalg.block_diag(Tensor(BATCH)), ShapeError, "matrices"),
    (lambda: linalg.inv(Tensor(A.astype(np.float16))), DtypeError, "float16"),
    (lambda: np.linalg.multi_dot([Tensor(A), A], out=np.empty((3, 3))), NoRuleError, "multi_dot"),
    (lambda: np.trace(Tensor(A), out=np.empty(())), NoRuleError, "trace"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "words"), ERRORS)
def test_errors_say_what_came_and_what_is_wanted(call: Callable[[], Any], kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        call()


@pytest.mark.filterwarnings("ignore:Matrix is singular")
def test_no_gradient_of_a_root_that_is_singular() -> None:
    root = linalg.sqrtm(Tensor([[4.0, 0.0], [0.0, 0.0]]))
    np.testing.assert_array_equal(root.numpy(), [[2, 0], [0, 0]])
    with pytest.raises(np.linalg.LinAlgError, match="eigenvalue of a is minus one of b"):
        root.sum().backward()


def test_no_gradient_where_columns_depend_on_one_another() -> None:
    leaf = Tensor(np.ones((3, 2)))
    q = np.linalg.qr(leaf)[0]
    with pytest.raises(np.linalg.LinAlgError, match="Singular"):
        (q * B).sum().backward()


# --- empty matrices, and recording -----------------------------------------------------------------------------------------

EMPTY = ("det", "inv", "slogdet", "cholesky", "eigh", "eigvalsh", "svd", "svdvals", "qr", "pinv", "norm", "trace",
         "eig", "eigvals", "expm", "sqrtm", "logm")  # fmt: skip


@pytest.mark.parametrize("name", EMPTY)
@pytest.mark.parametrize("shape", [(0, 0), (0, 2, 2), (2, 0, 0)])
def test_sizes_of_zero(name: str, shape: tuple[int, ...]) -> None:
    leaf = Tensor(np.zeros(shape))
    y = parts_of(getattr(linalg, name)(leaf))
    theirs = getattr(np.linalg, name, None)
    if theirs is not None:
        assert [part.shape for part in y] == [np.shape(part) for part in parts_of(theirs(np.zeros(shape)))]
    for part in y:
        np.sum(np.real(part)).backward(retain_graph=True)
    assert leaf.grad is not None
    assert leaf.grad.shape == shape


@pytest.mark.parametrize("shape", [(0, 2), (2, 0)])
def test_sides_of_zero(shape: tuple[int, ...]) -> None:
    for f in (np.linalg.svdvals, np.linalg.svd, np.linalg.qr, np.linalg.pinv):
        leaf = Tensor(np.zeros(shape))
        for part in parts_of(f(leaf)):
            part.sum().backward(retain_graph=True)
        assert leaf.grad is not None
        assert leaf.grad.shape == shape


def test_a_recording_decides_about_equal_eigenvalues_in_every_run_anew() -> None:
    def step(x: Any) -> Any:
        leaf = x.requires_grad_()
        w, v = np.linalg.eigh(leaf)
        ((v * w) @ v.T * np.array([[1.0, 2.0], [2.0, 1.0]])).sum().backward()
        return leaf.grad

    _, program = record(step, np.diag([1.0, 2.0]))
    for x in (EYE, 3 * EYE, np.diag([4.0, 2.0])):
        np.testing.assert_allclose(program.run(x).numpy(), [[1, 2], [2, 1]], atol=1e-13)
    _, program = record(step, EYE)
    np.testing.assert_allclose(program.run(np.diag([4.0, 2.0])).numpy(), [[1, 2], [2, 1]], atol=1e-13)
