"""Sparse matrices times dense arrays against the same products of dense ones, in all of SciPy's formats."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import scipy.sparse

import autograd as ag
from autograd import Tensor, jvp, record, vjp
from autograd.ops import sparse
from autograd.rule import binary
from autograd.testing import check_grads

RNG = np.random.default_rng(0)
DENSE = np.where(RNG.random((4, 5)) < 0.5, RNG.normal(size=(4, 5)), 0.0)
FORMATS = ["csr", "csc", "coo", "lil", "dok", "bsr", "dia"]
RIGHT = [RNG.normal(size=shape) for shape in ((5,), (5, 2), (3, 5, 2), (2, 3, 5, 1), (5, 0))]
LEFT = [RNG.normal(size=shape) for shape in ((4,), (2, 4), (3, 2, 4))]


def stored(form: str, values: Any = DENSE) -> Any:
    return scipy.sparse.coo_array(values).asformat(form)


@pytest.mark.parametrize("form", FORMATS)
def test_a_constant_on_either_side(form: str) -> None:
    S = stored(form)
    for dense, product, expected in (
        *((x, lambda t: sparse.matmul(S, t), DENSE @ x) for x in RIGHT),
        *((x, lambda t: sparse.matmul(t, S), x @ DENSE) for x in LEFT),
        *((x.T, lambda t: sparse.matmul(S.T, t), DENSE.T @ x.T) for x in LEFT[:2]),
    ):
        t = Tensor(dense)
        y = product(t)
        np.testing.assert_allclose(y.numpy(), expected, rtol=1e-13, atol=1e-14)
        plain = product(dense)
        assert isinstance(plain, np.ndarray)
        np.testing.assert_array_equal(plain, y.numpy())
        d = np.cos(dense)
        np.testing.assert_allclose(jvp(product, (dense,), (d,))[1], product(d), rtol=1e-13, atol=1e-14)
        g = np.sin(np.arange(y.size)).reshape(y.shape)
        np.testing.assert_allclose(np.vdot(vjp(product, dense)[1](g)[0], d), np.vdot(g, product(d)), rtol=1e-12, atol=1e-13)
        y.sum().backward()
        assert t.grad.shape == dense.shape


@pytest.mark.parametrize("form", FORMATS)
def test_stored_values_have_gradients(form: str) -> None:
    S = stored(form)
    A = sparse.matrix(S)
    assert A.shape == (4, 5)
    assert A.nnz == A.data.size
    assert A.data.requires_grad
    np.testing.assert_array_equal(A.toarray().numpy(), DENSE)
    np.testing.assert_array_equal(A.T.toarray().numpy(), DENSE.T)
    weights = np.cos(np.arange(20)).reshape(4, 5)
    (A.toarray() * weights).sum().backward()
    again = sparse.matrix(S, data=weights_in_order(S, weights))
    if form in ("csr", "csc", "coo"):
        np.testing.assert_array_equal(A.data.numpy(), S.data)
        np.testing.assert_array_equal(A.data.grad.numpy(), again.data.numpy())


def weights_in_order(S: Any, weights: Any) -> Any:
    """The weights of the stored places, in the order of S.data."""
    S = S if S.format in ("csr", "csc", "coo") else S.tocsr()
    coordinates = S.tocoo()
    return weights[coordinates.row, coordinates.col]


PRODUCTS: dict[str, tuple[Any, Any]] = {
    "matrix @ vector": (lambda A, t: A @ t, RIGHT[0]),
    "matrix @ matrix": (lambda A, t: A @ t, RIGHT[1]),
    "matrix @ stack": (lambda A, t: A @ t, RIGHT[2]),
    "vector @ matrix": (lambda A, t: t @ A, LEFT[0]),
    "matrix @ sparse": (lambda A, t: t @ A, LEFT[1]),
    "stack @ sparse": (lambda A, t: t @ A, LEFT[2]),
    "transpose": (lambda A, t: A.T @ t, LEFT[0]),
    "transpose of the transpose": (lambda A, t: A.T.T @ t, RIGHT[1]),
    "scaled": (lambda A, t: (-(A * 2.0)) @ t + 0.5 * A @ t, RIGHT[1]),
    "quadratic": (lambda A, t: A.T @ (A @ t), RIGHT[1]),
    "toarray": (lambda A, t: A.toarray() * t[:4, :1], RIGHT[1]),
}


def build(kind: str, data: Any) -> Any:
    if kind == "from_coo":  # out of order, and two places named twice
        return sparse.from_coo(data, ([3, 0, 3, 1, 0, 3], [1, 4, 1, 0, 4, 0]), (4, 5))
    return sparse.matrix(stored(kind), data=data)


@pytest.mark.parametrize("kind", ["csr", "csc", "coo", "from_coo"])
@pytest.mark.parametrize("name", PRODUCTS)
def test_both_sides_in_both_modes_and_to_second_order(kind: str, name: str) -> None:
    call, dense = PRODUCTS[name]
    count = 6 if kind == "from_coo" else int((DENSE != 0).sum())
    data = np.linspace(-1.0, 1.5, count)

    def f(values: Any, t: Any) -> Any:
        return call(build(kind, values), t)

    def reference(values: Any, t: Any) -> Any:
        full = np.asarray(build(kind, Tensor(values, requires_grad=False)).toarray().numpy())
        return call(Plain(full), t)

    np.testing.assert_allclose(f(Tensor(data), Tensor(dense)).numpy(), reference(data, dense), rtol=1e-13, atol=1e-14)
    check_grads(f, data, dense, rtol=1e-8)
    _, program = record(f, data, dense)
    np.testing.assert_array_equal(program.run(data + 1, dense * 2).numpy(), f(Tensor(data + 1), Tensor(dense * 2)).numpy())


class Plain:
    """A dense matrix with the few words that a SparseMatrix knows."""

    __array_ufunc__ = None

    def __init__(self, full: Any) -> None:
        self.full = full

    T = property(lambda self: Plain(self.full.T))

    def __matmul__(self, other: Any) -> Any:
        return self.full @ other

    def __rmatmul__(self, other: Any) -> Any:
        return other @ self.full

    def __mul__(self, number: Any) -> Any:
        return Plain(self.full * number)

    __rmul__ = __mul__

    def __neg__(self) -> Any:
        return Plain(-self.full)

    def toarray(self) -> Any:
        return self.full


def test_recording_a_training_step() -> None:
    A, b = sparse.matrix(stored("csr")), np.arange(4.0)

    def step(x: Any) -> Any:
        A.data.grad = None
        loss = ((A @ x - b) ** 2).sum()
        loss.backward()
        A.data.data = A.data - 0.01 * A.data.grad
        return loss

    first, program = record(step, RIGHT[0])
    losses = [first.item(), *(program.run(RIGHT[0]).item() for _ in range(20))]
    assert all(later < earlier for earlier, later in pairwise(losses))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.complex64, np.complex128])
def test_dtypes_and_complex_numbers(dtype: Any) -> None:
    values = (DENSE + (1j * DENSE**2 if np.dtype(dtype).kind == "c" else 0)).astype(dtype)
    rows, columns = np.nonzero(values)  # SciPy has no sparse matrix of float16
    dense = RIGHT[1].astype(dtype)
    A, t = sparse.from_coo(Tensor(values[rows, columns]), (rows, columns), values.shape), Tensor(dense)
    y = A @ t
    assert y.dtype == dtype
    np.testing.assert_allclose(y.numpy(), values.astype(complex) @ dense, rtol=1e-2 if dtype is np.float16 else 1e-5)
    g = np.cos(np.arange(y.size)).reshape(y.shape).astype(dtype)
    y.backward(g)
    assert A.data.grad.dtype == t.grad.dtype == dtype
    other, u = Tensor(values), Tensor(dense)
    (other @ u).backward(g)
    np.testing.assert_allclose(t.grad.numpy(), u.grad.numpy(), rtol=2e-2 if dtype is np.float16 else 1e-5, atol=1e-2)
    np.testing.assert_allclose(A.data.grad.numpy(), other.grad.numpy()[rows, columns], rtol=2e-2, atol=1e-2)


def test_integers_are_constants() -> None:
    S = scipy.sparse.csr_array(np.array([[0, 2], [3, 0]]))
    t = Tensor([1.0, 10.0])
    sparse.matmul(S, t).sum().backward()
    np.testing.assert_array_equal(t.grad.numpy(), [3.0, 2.0])
    assert not sparse.matrix(S).data.requires_grad


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (2, 3)])
def test_nothing_stored(shape: tuple[int, int]) -> None:
    A = sparse.from_coo(Tensor(np.zeros(0)), ([], []), shape)
    t = Tensor(np.ones((shape[1], 2)))
    y = A @ t
    np.testing.assert_array_equal(y.numpy(), np.zeros((shape[0], 2)))
    (y.sum() + A.toarray().sum()).backward()
    np.testing.assert_array_equal(t.grad.numpy(), np.zeros(t.shape))
    assert A.data.grad.shape == (0,)


def test_a_row_with_inf_stays_in_its_row() -> None:
    A = sparse.from_coo(Tensor([np.inf, 1.0]), ([0, 1], [0, 1]), (2, 2))
    x = Tensor([1.0, 2.0])
    y = A @ x
    np.testing.assert_array_equal(y.numpy(), [np.inf, 2.0])
    y[1].backward()
    np.testing.assert_array_equal(x.grad.numpy(), [0.0, 1.0])


def test_what_is_made_from_a_matrix_does_not_see_later_writes() -> None:
    S = stored("csr")
    A, t = sparse.matrix(S), Tensor(RIGHT[0])
    y = sparse.matmul(S, t).sum() + (A @ t).sum()
    S.data[:] = 100.0
    S.indices[:] = 0
    y.backward()
    np.testing.assert_allclose(t.grad.numpy(), 2 * DENSE.sum(0))
    np.testing.assert_array_equal(A.toarray().numpy(), DENSE)


def test_the_operator_knows_scipys_matrices() -> None:
    op = binary(ag.matmul.rule, sparse.apply_matmul)
    S, t = stored("csr"), Tensor(RIGHT[1])
    np.testing.assert_allclose(op(S, t).numpy(), DENSE @ RIGHT[1])
    np.testing.assert_allclose(op(t.T, S.T).numpy(), RIGHT[1].T @ DENSE.T)
    np.testing.assert_allclose(op(t.T, DENSE.T).numpy(), RIGHT[1].T @ DENSE.T)
    assert op(t, "text") is NotImplemented
    with pytest.raises(ag.ShapeError):
        S @ Tensor(2.0)
    A = sparse.matrix(S, data=Tensor(S.data, requires_grad=False))
    y = A @ t
    y.sum().backward()
    np.testing.assert_allclose(t.grad.numpy(), np.repeat(DENSE.sum(0)[:, None], 2, 1))
    assert not (A @ t.detach()).requires_grad


@pytest.mark.parametrize("kind", ["csr_array", "csc_array", "coo_array", "dia_array", "csr_matrix", "csc_matrix"])
def test_a_matrix_of_scipy_stands_beside_the_operator(kind: str) -> None:
    S = getattr(scipy.sparse, kind)(DENSE)
    for product, x in (
        (lambda M, t: M @ t, RIGHT[0]),
        (lambda M, t: M @ t, RIGHT[1]),
        (lambda M, t: t @ M, LEFT[0]),
        (lambda M, t: t @ M, LEFT[1]),
        (lambda M, t: M.T @ t, LEFT[0]),
    ):
        for t in (Tensor(x), ag.asarray(x)):
            y = product(S, t)
            assert isinstance(y, Tensor)
            assert y.requires_grad == t.requires_grad
            np.testing.assert_allclose(y.numpy(), product(DENSE, x), rtol=1e-13)
        g = np.cos(np.arange(y.size)).reshape(y.shape)
        wanted = vjp(lambda t, p=product: p(DENSE, t), x)[1](g)[0]
        np.testing.assert_allclose(vjp(lambda t, p=product: p(S, t), x)[1](g)[0], wanted, rtol=1e-12)
        _, program = record(lambda t, p=product: p(S, t), x)
        np.testing.assert_allclose(program.run(x + 1).numpy(), product(DENSE, x + 1), rtol=1e-13)


ERRORS: dict[str, tuple[type[Exception], Any]] = {
    "wrong length": (ag.ShapeError, lambda A: A @ np.ones(4)),
    "wrong length on the left": (ag.ShapeError, lambda A: np.ones((2, 5)) @ A),
    "a number": (ag.ShapeError, lambda A: A @ 2.0),
    "two sparse": (ag.DtypeError, lambda A: A @ A.T),
    "ours and SciPy's": (ag.DtypeError, lambda A: A @ stored("csr").T),
    "element by element": (ag.DtypeError, lambda A: A * np.ones((4, 5))),
    "two dense": (ag.DtypeError, lambda A: sparse.matmul(DENSE, DENSE.T)),
    "a dense structure": (ag.DtypeError, lambda A: sparse.matrix(DENSE)),
    "one axis": (ag.ShapeError, lambda A: sparse.matrix(scipy.sparse.coo_array(np.ones(3)))),
    "too few values": (ag.ShapeError, lambda A: sparse.matrix(stored("csr"), data=[1.0])),
    "too few places": (ag.ShapeError, lambda A: sparse.from_coo([1.0, 2.0], ([0], [0]), (2, 2))),
    "places outside": (ag.ShapeError, lambda A: sparse.from_coo([1.0], ([2], [0]), (2, 2))),
    "negative places": (ag.ShapeError, lambda A: sparse.from_coo([1.0], ([-1], [0]), (2, 2))),
    "places between": (ag.DtypeError, lambda A: sparse.from_coo([1.0], ([0.5], [0]), (2, 2))),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    kind, call = ERRORS[name]
    with pytest.raises(kind):
        call(sparse.matrix(stored("csr")))


def test_how_it_is_shown() -> None:
    assert repr(sparse.matrix(stored("csr"))) == f"<SparseMatrix 4 x 5 of float64, {(DENSE != 0).sum()} values stored>"
