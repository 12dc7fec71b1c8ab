"""Gradients of tables that are kept as rows: the same numbers as dense ones, and no table where none is needed."""

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd as ag
import nn
import optim
from autograd import Tensor
from autograd.rows import Rows, dense, summed
from nn.functional import embedding, embedding_bag

rng = np.random.default_rng(0)
SHAPE = (5000, 4)  # too large for a pack of small parameters
START = rng.normal(size=SHAPE)


def table() -> Tensor:
    return Tensor(START.copy())


def looked_up(w: Any, *numbers: Any, sparse: bool = True, **options: Any) -> Any:
    """A loss in which rows of a table weigh differently."""
    total: Any = 0.0
    for i, index in enumerate(numbers):
        rows = embedding(index, w, sparse=sparse, **options)
        total = total + (rows * np.arange(1.0 + i, 1.0 + i + rows.size).reshape(rows.shape)).sum()
    return total


numbers = st.lists(st.integers(0, 9), min_size=1, max_size=12)


@pytest.mark.slow
@given(numbers, numbers)
def test_sums_of_rows_are_sums_of_tables(a, b):
    shape = (10, 3)
    values = [rng.normal(size=(len(n), 3)) for n in (a, b)]
    tables = [np.zeros(shape), np.zeros(shape)]
    for table, n, v in zip(tables, (a, b), values, strict=True):
        np.add.at(table, n, v)
    one, two = (summed(np.array(n), v, shape) for n, v in zip((a, b), values, strict=True))
    np.testing.assert_allclose(one.dense(), tables[0], rtol=1e-14)
    np.testing.assert_array_equal((one + two).dense(), one.dense() + two.dense())
    np.testing.assert_array_equal(one + two.dense(), one.dense() + two.dense())
    np.testing.assert_array_equal(one.dense() + two, one.dense() + two.dense())
    assert (np.diff((one + two).numbers) > 0).all()
    assert dense(one).shape == one.shape == shape


@pytest.mark.slow
@given(numbers, numbers, st.sampled_from([None, 0, 3]))
def test_the_gradient_is_the_dense_one(a, b, padding):
    sparse, full = table(), table()
    for w, is_sparse in ((sparse, True), (full, False)):
        for _ in range(2):  # the second is added to the first
            looked_up(w, a, b, sparse=is_sparse, padding_idx=padding).backward()
    assert type(sparse.node.grad) is Rows
    assert sparse.grad.numpy().tobytes() == full.grad.numpy().tobytes()
    looked_up(sparse, a).backward()  # onto what is a table by now
    looked_up(full, a, sparse=False).backward()
    assert sparse.grad.numpy().tobytes() == full.grad.numpy().tobytes()


def test_a_table_that_is_used_in_other_ways_too():
    w = table()
    (looked_up(w, [1, 2]) + (w * w).sum() + looked_up(w, [2])).backward()
    v = table()
    (looked_up(v, [1, 2], sparse=False) + (v * v).sum() + looked_up(v, [2], sparse=False)).backward()
    np.testing.assert_array_equal(w.grad.numpy(), v.grad.numpy())


def test_where_a_table_is_wanted_it_is_one():
    """Through an op, by the transforms, twice, in a hook, in a Program, in many rows at once, and by careful sweeps."""
    expected = np.zeros(SHAPE)
    expected[[1, 3]] = np.arange(1.0, 9.0).reshape(2, 4)
    w = table()
    looked_up(w * 2.0, [1, 3]).backward()
    np.testing.assert_array_equal(w.grad.numpy(), 2 * expected)
    np.testing.assert_array_equal(ag.grad(lambda w: looked_up(w, [1, 3]))(START), expected)
    np.testing.assert_array_equal(ag.grad(lambda w: ag.grad(lambda w: looked_up(w * w, [1, 3]))(w).sum())(START), 2 * expected)
    w = table()
    seen = []
    w.register_hook(lambda g: seen.append(g.shape))
    looked_up(w, [1, 3]).backward()
    assert seen == [SHAPE]
    small = rng.normal(size=(4, 2))
    rows = ag.jacobian(lambda w: embedding(np.array([1, 1, 3]), w, sparse=True))(small)
    np.testing.assert_array_equal(rows, ag.jacobian(lambda w: w[np.array([1, 1, 3])])(small))
    with ag.detect_anomaly():
        w = table()
        looked_up(w, [1, 3]).backward()
    np.testing.assert_array_equal(w.grad.numpy(), expected)


@pytest.mark.parametrize("bad", [1.0, np.nan, np.inf])
def test_nan_stays_where_it_belongs(bad):
    """Behind an op that drops elements a sweep looks for nan."""
    found = []
    for sparse in (True, False):
        w = table()
        g = np.arange(8.0).reshape(2, 4)
        g[1, 2] = bad
        embedding(np.array([1, 5, 1]), w, sparse=sparse)[[0, 1]].backward(g)
        assert (type(w.node.grad) is Rows) == (sparse and bad == bad)
        found.append(w.grad.numpy())
    np.testing.assert_array_equal(*found)


def test_a_recorded_step_has_tables():
    w = table()
    optimizer = optim.SGD([w], lr=0.1)

    def step(index: Any) -> Any:
        optimizer.zero_grad()
        loss = looked_up(w, index)
        loss.backward()
        optimizer.step()
        return loss

    _, program = ag.record(step, np.array([1, 3]))
    program.run(np.array([4, 4]))
    other = table()
    second = optim.SGD([other], lr=0.1)
    for index in ([1, 3], [4, 4]):
        second.zero_grad()
        looked_up(other, index).backward()
        second.step()
    np.testing.assert_array_equal(w.data, other.data)


RULES = {
    "SGD": (lambda p: optim.SGD(p, lr=0.1), True),
    "SGD, uphill": (lambda p: optim.SGD(p, lr=0.1, maximize=True), True),
    "SGD with momentum": (lambda p: optim.SGD(p, lr=0.1, momentum=0.9), False),
    "SGD with decay": (lambda p: optim.SGD(p, lr=0.1, weight_decay=0.1), False),
    "Adagrad": (lambda p: optim.Adagrad(p, lr=0.1, lr_decay=0.1), True),
    "Adagrad with decay": (lambda p: optim.Adagrad(p, lr=0.1, weight_decay=0.1), False),
    "Adam": (lambda p: optim.Adam(p, lr=0.1), False),
}


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("size", [SHAPE, (10, 4)])
def test_steps_are_the_dense_ones(name, size, monkeypatch):
    make, takes_rows = RULES[name]
    made = []
    monkeypatch.setattr(Rows, "dense", lambda rows, whole=Rows.dense: made.append(1) or whole(rows))
    results = []
    for sparse in (True, False):
        w = Tensor(START[: size[0]].copy())
        optimizer = make([w])
        for index in ([1, 3, 3], [3, 9], [0]):
            optimizer.zero_grad()
            looked_up(w, index, sparse=sparse).backward()
            optimizer.step()
        state = {k: v for k, v in optimizer.state[w].items() if isinstance(v, np.ndarray)}
        results.append((w.data.tobytes(), {k: v.tobytes() for k, v in state.items()}, optimizer.state[w]["step"]))
    assert results[0] == results[1]
    if size == SHAPE:
        assert (not made) == takes_rows


def test_an_array_that_somebody_holds_is_not_written_to():
    w = table()
    held = w.detach()
    optimizer = optim.SGD([w], lr=0.1)
    looked_up(w, [1]).backward()
    optimizer.step()
    np.testing.assert_array_equal(held.numpy(), START)
    assert (w.data[1] != START[1]).all()


def test_a_step_makes_no_table():
    layer = nn.Embedding(200_000, 16, sparse=True)
    optimizer = optim.Adagrad(layer.parameters(), lr=0.1)
    for _ in range(2):
        tracemalloc.start()
        optimizer.zero_grad()
        layer(np.array([[5, 7], [9, 5]])).sum().backward()
        optimizer.step()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < layer.weight.nbytes / 20


@pytest.mark.parametrize("clip", [lambda w: optim.clip_grad_norm_([w], 0.5), lambda w: optim.clip_grad_value_([w], 2.5)])
def test_clipped_rows_are_the_dense_ones(clip):
    found = []
    for sparse in (True, False):
        w = table()
        looked_up(w, [1, 3, 3], sparse=sparse).backward()
        norm = clip(w)
        assert (type(w.node.grad) is Rows) == sparse
        found.append((norm, w.grad.numpy()))
    np.testing.assert_allclose(found[0][0] or 0, found[1][0] or 0, rtol=1e-15)
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-15)
    assert np.abs(found[0][1]).max() <= 2.5


def test_bags_have_rows_too():
    results = []
    for sparse in (True, False):
        w = table()
        embedding_bag(np.array([[1, 2], [2, 5]]), w, mode="mean", sparse=sparse).sum().backward()
        assert (type(w.node.grad) is Rows) == sparse
        results.append(w.grad.numpy())
    np.testing.assert_array_equal(*results)
