"""NumPy's functions that write into their first argument: into a Tensor in place and differentiable, as t[index] = value is.

Values are NumPy's on plain arrays; gradients, of the target and of what is written, are those of finite differences.
"""

from typing import Any

import numpy as np
import pytest

import autograd as ag
from autograd import Tensor, record
from autograd.ops import spellings
from autograd.testing import check_grads

X = np.linspace(-1.0, 1.0, 12).reshape(3, 4) ** 3 + 0.4
V = np.array([5.5, -6.5, 7.25])
LINES = np.array([[1], [3], [0]])
MASK = np.array([[True, False, False, True]] * 2 + [[False, True, False, False]])
CUBE = np.linspace(0.1, 0.9, 27).reshape(3, 3, 3)

# name -> (what is written to, what is written, how)
WRITES: dict[str, tuple[Any, Any, Any]] = {
    "copyto": (X, X[::-1] * 2, lambda t, v: np.copyto(t, v)),
    "copyto broadcast": (X, X[0] * 2, lambda t, v: np.copyto(t, v)),
    "copyto where": (X, V[:1], lambda t, v: np.copyto(t, v, where=MASK)),
    "copyto by name": (X, V[0], lambda t, v: np.copyto(dst=t, src=v, where=MASK)),
    "put": (X, V, lambda t, v: np.put(t, [2, 11, -3], v)),
    "put too few": (X, V, lambda t, v: np.put(t, [2, 11, -3, 0], v)),
    "put too many": (X, V, lambda t, v: np.put(t, [[4, 1]], v)),
    "put twice": (X, V, lambda t, v: np.put(t, [4, 1, 4], v)),
    "put clip": (X, V, lambda t, v: np.put(t, [40, 1, -40], v, mode="clip")),
    "put wrap": (X, V, lambda t, v: np.put(t, [41, 1, -40], v, mode="wrap")),
    "put nothing": (X, V, lambda t, v: np.put(t, [], v)),
    "place": (X, V, lambda t, v: np.place(t, MASK, v)),
    "place once": (X, V[0], lambda t, v: np.place(t, MASK, v)),
    "putmask": (X, V, lambda t, v: np.putmask(t, MASK, v)),
    "putmask own": (X, X * 3, lambda t, v: np.putmask(t, MASK, v)),
    "putmask one": (X, V[0], lambda t, v: np.putmask(t, MASK, v)),
    "put_along_axis": (X, V.reshape(3, 1), lambda t, v: np.put_along_axis(t, LINES, v, axis=1)),
    "put_along_axis one": (X, V[0], lambda t, v: np.put_along_axis(t, LINES, v, axis=1)),
    "put_along_axis twice": (X, V[:2], lambda t, v: np.put_along_axis(t, np.repeat(LINES, 2, 1), v, axis=-1)),
    "put_along_axis spread": (X, V[:2].reshape(2, 1), lambda t, v: np.put_along_axis(t, np.array([[0], [2]]), v, axis=0)),
    "put_along_axis flat": (X, V, lambda t, v: np.put_along_axis(t, np.array([3, 8, 0]), v, axis=None)),
    "fill_diagonal": (X, V[0], lambda t, v: np.fill_diagonal(t, v)),
    "fill_diagonal values": (X, V, lambda t, v: np.fill_diagonal(t, v)),
    "fill_diagonal tall": (X.reshape(6, 2), V, lambda t, v: np.fill_diagonal(t, v)),
    "fill_diagonal wrap": (X.reshape(6, 2), V, lambda t, v: np.fill_diagonal(t, v, wrap=True)),
    "fill_diagonal cube": (CUBE, V, lambda t, v: np.fill_diagonal(t, v)),
    "add.at": (X, V, lambda t, v: np.add.at(t, (slice(None), 1), v)),
    "add.at twice": (X, V.reshape(3, 1), lambda t, v: np.add.at(t, [0, 0, 2], v)),
    "add.at pairs": (X, V, lambda t, v: np.add.at(t, ([0, 0, 2], [1, 1, -1]), v)),
    "add.at one": (X, V[0], lambda t, v: np.add.at(t, [0, 0, 2], v)),
    "add.at mask": (X, V[0], lambda t, v: np.add.at(t, MASK, v)),
    "subtract.at": (X, V, lambda t, v: np.subtract.at(t, ([0, 0, 2], [1, 1, -1]), v)),
    "multiply.at": (X, V, lambda t, v: np.multiply.at(t, ([0, 1, 2], [1, 1, -1]), v)),
    "divide.at": (X, V[0], lambda t, v: np.divide.at(t, 1, v)),
    "power.at": (X + 2, V[0], lambda t, v: np.power.at(t, [2, 0], v)),
    "maximum.at": (X, V / 30, lambda t, v: np.maximum.at(t, ([0, 1, 2], [1, 1, -1]), v)),
    "minimum.at": (X, V / 30, lambda t, v: np.minimum.at(t, ([0, 1, 2], [1, 1, -1]), v)),
    "negative.at": (X, V, lambda t, v: np.negative.at(t, [0, 2])),
}  # fmt: skip


def result(write: Any) -> Any:
    def f(x: Any, v: Any) -> Any:
        y = x * 1.0
        assert write(y, v) is None
        return y

    return f


@pytest.mark.parametrize("name", WRITES)
def test_values_and_gradients(name: str) -> None:
    x, v, write = WRITES[name]
    v = np.asarray(v)
    f = result(write)
    expected = f(x, v)
    y = f(Tensor(x), Tensor(v))
    np.testing.assert_allclose(y.numpy(), expected, rtol=1e-14)
    check_grads(f, x, v.astype(float), rtol=1e-7)


@pytest.mark.parametrize("name", WRITES)
def test_a_recording_replays_a_write(name: str) -> None:
    x, v, write = WRITES[name]
    f = result(write)
    _, program = record(f, x, np.asarray(v))
    replayed = program.run(x * 0.5, np.asarray(v) + 1).numpy()
    np.testing.assert_array_equal(replayed, f(Tensor(x * 0.5), np.asarray(v) + 1).numpy())
    np.testing.assert_allclose(replayed, f(x * 0.5, np.asarray(v) + 1), rtol=1e-14)


@pytest.mark.parametrize("name", WRITES)
def test_leaves_and_views_refuse(name: str) -> None:
    x, v, write = WRITES[name]
    with pytest.raises(ag.GradientError, match="leaf"):
        write(Tensor(x), v)
    y = Tensor(x) * 1.0
    view = y[1:]
    with pytest.raises(ag.AliasError):
        write(y, v)
    np.testing.assert_array_equal(view.numpy(), x[1:])


@pytest.mark.parametrize("name", [name for name in WRITES if name != "negative.at"])
def test_a_plain_array_takes_no_value_that_wants_a_gradient(name: str) -> None:
    x, v, write = WRITES[name]
    with pytest.raises(ag.NoRuleError, match=r"gradient (is|would be) lost"):
        write(x.copy(), Tensor(v))
    plain, expected = x.copy(), x.copy()
    write(expected, v)
    write(plain, Tensor(v, requires_grad=False))
    np.testing.assert_array_equal(plain, expected)
    with ag.no_grad():
        write(plain, Tensor(v))
    if "at" not in name:
        np.testing.assert_array_equal(plain, expected)


HANDS: dict[str, Any] = {
    "element": lambda w: w.__setitem__(0, 5.0),
    "row": lambda w: w.__setitem__(0, w[1] * 2),
    "row +=": lambda w: w.__setitem__(0, w[0] + 1.0),
    "put": lambda w: np.put(w, [1], 7.0),
    "sort": lambda w: w.sort(),
    "fill": lambda w: w.fill(3.0),
    "+=": lambda w: w.__iadd__(1.0),
}


@pytest.mark.parametrize("name", HANDS)
def test_an_update_by_hand_leaves_the_leaf_what_it_is(name: str) -> None:
    w, expected = Tensor(X), X.copy()
    with ag.no_grad():
        HANDS[name](w)
    HANDS[name](expected)
    np.testing.assert_array_equal(w.numpy(), expected)
    assert w.is_leaf
    (w * w).sum().backward()
    np.testing.assert_array_equal(w.grad.numpy(), 2 * expected)


def test_an_update_by_hand_keeps_the_shape() -> None:
    w = Tensor(V)
    with ag.no_grad(), pytest.raises(ag.ShapeError):
        w += np.ones((2, 3))
    assert w.shape == V.shape


def test_a_value_with_more_axes_than_its_place() -> None:
    v = Tensor(np.ones((1, 1, 4)))
    y = Tensor(X) * 1.0
    y[...] = v
    (y * X).sum().backward()
    np.testing.assert_allclose(v.grad.numpy(), X.sum(0)[None, None])


@pytest.mark.parametrize("name", WRITES)
def test_a_graph_that_holds_the_array_does_not_see_the_write(name: str) -> None:
    x, v, write = WRITES[name]
    w, c = Tensor(np.ones(x.shape)), Tensor(x, requires_grad=False)
    y = (w * c).sum()
    write(c, v)
    y.backward()
    np.testing.assert_array_equal(w.grad.numpy(), x)


def test_ours_write_into_plain_arrays_as_numpys_do() -> None:
    ours, theirs = X.copy(), X.copy()
    for module, target in ((spellings, ours), (np, theirs)):
        module.put(target, [0, 1], 7.0)
        module.putmask(target, MASK, V)
        module.place(target, ~MASK, V)
        module.copyto(target, 2.0, where=MASK)
        module.fill_diagonal(target, 3.0)
        module.put_along_axis(target, LINES, 4.0, 1)
    np.testing.assert_array_equal(ours, theirs)


def test_a_value_that_is_written_twice_is_that_of_the_last_writer() -> None:
    x, v = Tensor(np.zeros(3)), Tensor(V)
    y = x * 1.0
    np.put(y, [1, 1, 0], v)
    y.sum().backward()
    np.testing.assert_array_equal(v.grad.numpy(), [0.0, 1.0, 1.0])
    np.testing.assert_array_equal(x.grad.numpy(), [0.0, 0.0, 1.0])


def test_a_sum_into_places_counts_every_time() -> None:
    x, v = Tensor(np.zeros(3)), Tensor(V)
    y = x * 1.0
    np.add.at(y, [1, 1, 0], v)
    (y * np.array([1.0, 10.0, 100.0])).sum().backward()
    np.testing.assert_array_equal(v.grad.numpy(), [10.0, 10.0, 1.0])
    np.testing.assert_array_equal(x.grad.numpy(), [1.0, 10.0, 100.0])


def test_new_arrays_are_filled_by_writing() -> None:
    v = Tensor(V)
    table = ag.zeros((2, 3))
    np.copyto(table, v, where=np.array([[True], [False]]))
    np.add.at(table, 1, v * v)
    table.sum().backward()
    np.testing.assert_allclose(v.grad.numpy(), 1 + 2 * V)


ERRORS: dict[str, tuple[type[Exception], Any]] = {
    "maximum.at twice": (ag.NoRuleError, lambda y: np.maximum.at(y, [0, 0], 1.0)),
    "copyto another shape": (ag.ShapeError, lambda y: np.copyto(y, np.zeros((2, 3, 4)))),
    "copyto a shape that does not fit": (ag.ShapeError, lambda y: np.copyto(y, np.zeros(3))),
    "copyto complex": (ag.DtypeError, lambda y: np.copyto(y, np.zeros(4, complex))),
    "copyto by a rule": (ag.DtypeError, lambda y: np.copyto(y, np.zeros(4, np.longdouble), casting="safe")),
    "put beyond the end": (ag.IndexingError, lambda y: np.put(y, [12], 1.0)),
    "put in an unknown mode": (ag.DtypeError, lambda y: np.put(y, [1], 1.0, mode="mirror")),
    "place of another size": (ag.ShapeError, lambda y: np.place(y, [True], 1.0)),
    "place nothing": (ag.ShapeError, lambda y: np.place(y, MASK, [])),
    "putmask nothing": (ag.ShapeError, lambda y: np.putmask(y, MASK, [])),
    "putmask of another size": (ag.ShapeError, lambda y: np.putmask(y, MASK[0], 1.0)),
    "put_along_axis of fewer axes": (ag.ShapeError, lambda y: np.put_along_axis(y, np.array([1]), 1.0, 1)),
    "fill_diagonal of a vector": (ag.ShapeError, lambda y: np.fill_diagonal(y[0].copy(), 1.0)),
    "fill_diagonal of a box": (ag.ShapeError, lambda y: np.fill_diagonal(y.reshape(3, 2, 2).copy(), 1.0)),
    "add.at of complex numbers": (ag.DtypeError, lambda y: np.add.at(y, 0, 1j)),
    "add.at beyond the end": (ag.IndexingError, lambda y: np.add.at(y, 3, 1.0)),
    "out=": (ag.AliasError, lambda y: np.add(np.ones(4), 1.0, out=y)),
    "a ufunc without its at": (ag.AliasError, lambda y: np.hypot.at(y, 0, 1.0)),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_leave_the_target_as_it_was(name: str) -> None:
    kind, write = ERRORS[name]
    y = Tensor(X, requires_grad=False) * 1.0
    with pytest.raises(kind):
        write(y)
    np.testing.assert_array_equal(y.numpy(), X)


def test_no_elements_and_dtypes() -> None:
    y = Tensor(np.zeros((0, 3)), requires_grad=False)
    np.place(y, np.zeros((0, 3), bool), [1.0])
    np.putmask(y, np.zeros((0, 3), bool), [1.0])
    np.add.at(y, slice(None), np.ones(3))
    assert y.shape == (0, 3)
    y = Tensor(X.astype(np.float32)) * 1
    np.add.at(y, [0, 0], 0.5)
    np.put(y, [1], Tensor(V))
    assert y.dtype == np.float32
    whole = Tensor(np.arange(3))
    np.add.at(whole, [0, 0], 2)
    np.testing.assert_array_equal(whole.numpy(), [4, 1, 2])


@pytest.mark.parametrize("index", [True, np.array(True), (), ..., np.array(False)], ids=str)
@pytest.mark.parametrize("x", [2.0, np.array(2.0), np.array(2.0, np.float32)], ids=["float", "float64", "float32"])
def test_writing_into_what_has_no_axes(index: Any, x: Any) -> None:
    t, v = Tensor(x), Tensor(7.0)
    y = t * 3.0
    y[index] = v
    written = index is not False and not (isinstance(index, np.ndarray) and not index)
    assert y.item() == (7.0 if written else 6.0)
    assert y.dtype == t.dtype
    y.backward()
    assert t.grad.item() == (0.0 if written else 3.0)
    assert v.grad.item() == (1.0 if written else 0.0)
