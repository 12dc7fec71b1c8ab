"""`autograd.scipy`: SciPy's values and conventions on plain arrays and on Tensors, and gradients against finite differences."""

import numpy as onp
import pytest
import scipy.integrate
import scipy.linalg
import scipy.signal

import autograd.numpy as np
import autograd.scipy
import autograd.scipy.integrate
import autograd.scipy.linalg as linalg
import autograd.scipy.signal as signal
from autograd import NoRuleError, Tensor, grad
from autograd.test_util import check_grads
from autograd.tracer import getval
from autograd.tree import leaves, transform

RNG = onp.random.default_rng(0)
A = RNG.standard_normal((3, 3)) + 3 * onp.eye(3)
B = RNG.standard_normal((3, 2))
S = A @ A.T
T = onp.tril(A)
BANDED = onp.array([[0.0, 1.0, 2.0], [5.0, 6.0, 7.0], [1.5, 0.5, 0.0]])
TALL = RNG.standard_normal((4, 2))


def symmetric(x):
    return (x + np.swapaxes(x, 0, 1)) / 2


# name, arguments, keyword arguments; what a decomposition leaves open is taken out by `squares` below
CALLS = [
    ("inv", (A,), {}),
    ("inv", (A,), {"check_finite": False}),
    ("det", (A,), {}),
    ("solve", (A, B), {}),
    ("pinv", (TALL,), {}),
    ("norm", (A,), {}),
    ("norm", (TALL,), {"ord": 1, "axis": 0}),
    ("svdvals", (TALL,), {}),
    ("svd", (TALL,), {"full_matrices": False}),
    ("svd", (TALL,), {"compute_uv": False}),
    ("polar", (A,), {}),
    ("cho_solve", ((onp.linalg.cholesky(S), True), B), {}),
    ("solve_triangular", (T, B), {"lower": True}),
    ("solve_triangular", (T.T, B), {"trans": 1}),
    ("solve_banded", ((1, 1), BANDED, B), {}),
    ("solve_sylvester", (A, S, B @ B.T), {}),
    ("block_diag", (A, B), {}),
    ("toeplitz", (B[:, 0], B[:, 1]), {}),
    ("expm", (A / 3,), {}),
    ("logm", (S,), {}),
    ("sqrtm", (S,), {}),
    ("cosm", (A,), {}),
    ("sinm", (A,), {}),
    ("tanm", (A / 3,), {}),
    ("coshm", (A,), {}),
    ("sinhm", (A,), {}),
    ("tanhm", (A,), {}),
    ("cholesky", (S,), {}),
    ("cholesky", (S,), {"lower": True}),
    ("eigh", (S,), {}),
    ("eigh", (S,), {"eigvals_only": True}),
    ("eigvalsh", (S,), {"lower": False}),
    ("qr", (TALL,), {"mode": "economic"}),
    ("qr", (A,), {}),
    ("qr", (A,), {"mode": "r"}),
]


@pytest.mark.parametrize(("name", "args", "kwargs"), CALLS, ids=[f"{i}-{name}" for i, (name, _, _) in enumerate(CALLS)])
def test_values_and_gradients_of_linalg(name, args, kwargs):
    ours, theirs = getattr(linalg, name), getattr(scipy.linalg, name)
    expected = theirs(*args, **kwargs)

    def floats(leaf):
        return isinstance(leaf, onp.ndarray)

    def same(found):
        assert len(leaves(found)) == len(leaves(expected))
        for a, b in zip(leaves(found), leaves(expected), strict=True):
            a, b = (onp.abs(v) if name == "eigh" else v for v in (a, b))  # the signs of eigenvectors are open
            onp.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)

    same(ours(*args, **kwargs))
    assert not any(isinstance(leaf, Tensor) for leaf in leaves(ours(*args, **kwargs)))
    on_tensors = ours(*transform(lambda leaf: Tensor(leaf) if floats(leaf) else leaf, args), **kwargs)
    assert all(isinstance(leaf, Tensor) for leaf in leaves(on_tensors))
    same(transform(getval, on_tensors))
    sym = symmetric if name in ("cholesky", "eigh", "eigvalsh", "logm", "sqrtm") else lambda x: x

    def squares(arrays):
        moved = iter(arrays)
        found = ours(*transform(lambda leaf: sym(next(moved)) if floats(leaf) else leaf, args), **kwargs)
        return [leaf**2 for leaf in leaves(found)]  # signs of vectors are open

    check_grads(squares, order=1)([leaf for leaf in leaves(args) if floats(leaf)])


def test_every_public_name_of_linalg_is_there():
    assert set(scipy.linalg.__all__) <= vars(linalg).keys()
    assert linalg.LinAlgError is scipy.linalg.LinAlgError
    assert linalg.lu_factor(A)[0].shape == (3, 3)


def test_what_has_no_rule_says_so():
    with pytest.raises(NoRuleError, match=r"scipy.linalg.lu has no derivative rule. autograd.linalg"):
        linalg.lu(Tensor(A))
    assert linalg.lu(Tensor(A).detach())[1].shape == (3, 3)
    with pytest.raises(NoRuleError, match="generalized"):
        linalg.eigh(Tensor(S), S)
    with pytest.raises(NoRuleError, match="mode='raw'"):
        linalg.qr(Tensor(A), mode="raw")
    with pytest.raises(TypeError, match=r"^eigh\(\) got an unexpected keyword argument 'subset_by_index'"):
        linalg.eigh(Tensor(S), subset_by_index=[0, 0])


def test_convolve_as_scipy_does():
    x, w = RNG.standard_normal((5, 4)), RNG.standard_normal((2, 3))
    for mode in ("full", "valid", "same"):
        onp.testing.assert_allclose(signal.convolve(x, w, mode=mode), scipy.signal.convolve(x, w, mode), atol=1e-12)
        assert type(signal.convolve(x, w, mode=mode)) is onp.ndarray
    check_grads(lambda x, w: signal.convolve(x, w, mode="valid"), (0, 1))(x, w)
    filters = RNG.standard_normal((4, 6, 2))
    y = signal.convolve(x, filters, axes=([0], [2]), dot_axes=([1], [0]), mode="valid")
    expected = [[sum(x[k + 1 - j] @ filters[:, f, j] for j in range(2)) for k in range(4)] for f in range(6)]
    onp.testing.assert_allclose(y, expected)


def test_odeint_as_scipy_does():
    times = onp.linspace(0, 1, 4)
    start = onp.array([1.0, 2.0])

    def flow(y, t, rate):
        return rate * y * np.cos(t)

    ours = autograd.scipy.integrate.odeint(flow, start, times, (0.5,))
    onp.testing.assert_allclose(ours, scipy.integrate.odeint(flow, start, times, (0.5,)))

    def last(rate):
        return np.sum(autograd.scipy.integrate.odeint(flow, start, times, (rate,), rtol=1e-10, atol=1e-10)[-1])

    assert grad(last)(0.5) == pytest.approx(3 * onp.sin(1) * onp.exp(0.5 * onp.sin(1)), rel=1e-6)


def test_the_package_has_its_modules():
    for name in ("integrate", "linalg", "signal", "special", "stats"):
        assert getattr(autograd.scipy, name).__name__ == f"autograd.scipy.{name}"
