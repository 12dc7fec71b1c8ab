"""Tables that are looked up: against PyTorch, finite differences, their definitions; recorded; errors word for word."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd as ag
from autograd import AutogradError, DtypeError, IndexingError, ShapeError, Tensor
from autograd.ops import lookup as ops
from autograd.testing import check_grads
from nn import Sequential
from nn.embedding import Embedding, EmbeddingBag
from nn.functional.embedding import embedding, embedding_bag, one_hot

from .held import equal_to_torch, replays

rng = np.random.default_rng(0)
torch_only = pytest.mark.torch
sizes, flags = st.integers(1, 5), st.booleans()
shapes = st.lists(st.integers(0, 4), max_size=3).map(tuple)
norms = st.sampled_from([None, 0.5, 2.0])
orders = st.sampled_from([1.0, 2.0, 3.0, float("inf")])


def drawn(*shape, dtype=np.float64):
    return rng.normal(size=shape).astype(dtype)


def spread_out(theirs):
    """Random weights: PyTorch's own are drawn from its own seed, so a failure would not come again."""
    torch = pytest.importorskip("torch")
    theirs.weight.data = torch.from_numpy(drawn(*theirs.weight.shape))
    return theirs


# --- against PyTorch -------------------------------------------------------------------------------------------------------


@torch_only
@settings(max_examples=60, deadline=None)
@given(shapes, sizes, sizes, st.one_of(st.none(), st.integers(-5, 4)), norms, orders, flags)
def test_embedding_is_pytorchs(shape, rows, dim, padding, max_norm, norm_type, by_frequency):
    torch = pytest.importorskip("torch")
    padding = None if padding is None else padding % rows - rows * (padding < 0)
    arguments = (rows, dim, padding, max_norm, norm_type, by_frequency)
    ours, theirs = Embedding(*arguments), torch.nn.Embedding(*arguments)
    assert repr(ours) == repr(theirs)
    indices = rng.integers(0, rows, shape)
    equal_to_torch(ours, spread_out(theirs), indices)
    np.testing.assert_allclose(ours.weight.numpy(), theirs.weight.detach().numpy())  # after max_norm


@torch_only
@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(["sum", "mean", "max"]),
    st.lists(st.integers(0, 4), min_size=1, max_size=4),
    flags,
    sizes,
    sizes,
    st.one_of(st.none(), st.integers(0, 4)),
    norms,
    flags,
    flags,
)
def test_embedding_bag_is_pytorchs(mode, lengths, matrix, rows, dim, padding, max_norm, weighted, last):
    torch = pytest.importorskip("torch")
    padding = None if padding is None else padding % rows
    options = {
        "max_norm": max_norm,
        "mode": mode,
        "padding_idx": padding,
        "include_last_offset": last and not matrix,
    }
    ours, theirs = EmbeddingBag(rows, dim, **options), torch.nn.EmbeddingBag(rows, dim, **options)
    assert repr(ours) == repr(theirs)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    shape = (len(lengths), max(lengths[0], 1)) if matrix else (starts[-1],)
    indices = rng.integers(0, rows, shape)
    offsets = None if matrix else starts if last else starts[:-1]
    given = (drawn(*shape),) if weighted and mode == "sum" else ()
    equal_to_torch(ours, spread_out(theirs), indices, offsets, *given)


@torch_only
@settings(max_examples=30, deadline=None)
@given(shapes, sizes, flags)
def test_one_hot_is_pytorchs(shape, classes, told):
    torch = pytest.importorskip("torch")
    indices = rng.integers(0, classes, shape)
    told = told or not indices.size
    ours = one_hot(indices, classes if told else -1)
    theirs = torch.nn.functional.one_hot(torch.from_numpy(np.asarray(indices)), classes if told else -1)
    assert ours.dtype == np.int64
    np.testing.assert_array_equal(ours, theirs.numpy())


@torch_only
@pytest.mark.parametrize("name", ["Embedding", "EmbeddingBag"])
def test_from_pretrained_is_pytorchs(name):
    torch = pytest.importorskip("torch")
    weight = drawn(4, 3, dtype=np.float32)
    for freeze in (True, False):
        ours = {"Embedding": Embedding, "EmbeddingBag": EmbeddingBag}[name].from_pretrained(weight, freeze, padding_idx=1)
        theirs = getattr(torch.nn, name).from_pretrained(torch.from_numpy(weight.copy()), freeze, padding_idx=1)
        assert repr(ours) == repr(theirs)
        assert ours.weight.requires_grad == theirs.weight.requires_grad == (not freeze)
        np.testing.assert_array_equal(ours.weight.numpy(), theirs.weight.detach().numpy())


# --- gradients -------------------------------------------------------------------------------------------------------------

REPEATED = np.array([[0, 2, 2], [3, 0, 0]])
CASES = {
    "embedding": (lambda w: embedding(REPEATED, w), (4, 2)),
    "sums": (lambda w, s: embedding_bag(REPEATED, w, mode="sum", per_sample_weights=s), (4, 2), (2, 3)),
    "means": (lambda w: embedding_bag([0, 2, 2, 1], w, [0, 0, 3], padding_idx=3), (4, 2)),
    "largest": (lambda w: embedding_bag([0, 2, 2, 1], w, [0, 2, 2], mode="max"), (4, 2)),
}


@pytest.mark.parametrize("case", CASES)
def test_gradients_in_both_modes_to_second_order(case):
    f, *shapes = CASES[case]
    check_grads(f, *(drawn(*shape) for shape in shapes), rtol=1e-7)


@pytest.mark.parametrize("shape", [(), (3,), (2, 0), (2, 3)])
@pytest.mark.parametrize("inner", [(), (4,), (0,)])
def test_a_rule_is_its_definition_to_second_order(shape, inner):
    indices = rng.integers(0, 5, shape)
    for op, x, attributes in (
        (ops.embedding, drawn(5, *inner), {}),
        (ops.add_rows, drawn(*shape, *inner), {"count": 5}),
        (ops.add_rows, drawn(*shape, *inner), {"count": 5, "padding": 2}),
    ):
        results = []
        for f in (op, ops.definitions[op]):
            t = Tensor(x)
            y = f(t, indices, **attributes)
            (g,) = ag.grad(lambda x, f=f, a=attributes: (f(x, indices, **a) ** 3).sum(), (0,))(t)
            (h,) = ag.grad(
                lambda x, f=f, a=attributes: (ag.grad(lambda x: (f(x, indices, **a) ** 3).sum())(x) ** 2).sum(), (0,)
            )(t)
            results.append([y, g, h])
        for a, b in zip(*results, strict=True):
            np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-12, atol=1e-13)


def test_a_padding_row_and_counted_rows_have_their_gradients_in_second_order_as_well():
    def loss(w):
        return (embedding(REPEATED, w, padding_idx=2, scale_grad_by_freq=True) ** 2).sum()

    w = drawn(4, 2)
    g = ag.grad(loss)(w)
    scale = np.array([[1.0], [0.0], [0.0], [1.0]])  # three of row 0 counted as one, none of row 1, padding, one of row 3
    np.testing.assert_allclose(g, 2 * w * scale)
    again = scale + np.array([[1 / 3], [0.0], [0.0], [1.0]])  # the way back through the table is divided once more
    np.testing.assert_allclose(ag.grad(lambda w: (ag.grad(loss)(w) * w).sum())(w), 2 * w * again)


def test_rows_of_bags_are_counted_by_index():
    """What scale_grad_by_freq says. PyTorch 2.13 divides by the counts of other rows here."""
    w = Tensor(np.ones((3, 1)))
    embedding_bag([1, 1, 0, 2, 0], w, [0, 2], mode="sum", scale_grad_by_freq=True).sum().backward()
    np.testing.assert_array_equal(w.grad.numpy(), np.ones((3, 1)))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("kind", [np.int64, np.int32, np.uint8])
def test_repeated_indices_add_up(dtype, kind):
    w = Tensor(np.ones((3, 2), dtype))
    embedding(np.full(3000, 1, kind), w).sum().backward()
    assert w.grad.dtype == dtype
    np.testing.assert_array_equal(w.grad.numpy(), [[0, 0], [3000, 3000], [0, 0]])  # float16 alone would stop at 2048


def test_a_table_in_any_layout_has_the_gradient():
    for w in (np.asfortranarray(drawn(5, 4)), drawn(10, 8)[::2, ::2], drawn(5, 4)[::-1]):
        g = ag.grad(lambda w: (embedding(REPEATED, w) ** 2).sum())(w)
        np.testing.assert_allclose(g, 2 * w * np.bincount(REPEATED.ravel(), minlength=5)[:, None])


def test_recorded_steps_replay():
    indices = np.array([[0, 2], [1, 2]])
    for layer in (Embedding(4, 3, padding_idx=0, scale_grad_by_freq=True), Embedding(4, 3, max_norm=1.0)):
        replays(layer, indices)
    for mode in ("sum", "mean", "max"):
        replays(EmbeddingBag(4, 3, mode=mode, padding_idx=1), indices)
    replays(EmbeddingBag(4, 3, mode="sum"), np.array([0, 1, 1]), np.array([0, 2]), np.ones(3, np.float32))


def test_a_recording_runs_with_other_indices_and_bags():
    w = drawn(4, 3)
    for mode in ("sum", "mean", "max"):

        def bags(indices, offsets, mode=mode):
            return embedding_bag(indices, w, offsets, mode=mode)

        _, program = ag.record(bags, np.array([0, 1, 1]), np.array([0, 2]))
        other = (np.array([3, 0, 2]), np.array([0, 0]))
        np.testing.assert_array_equal(program.run(*other).numpy(), bags(*other))


# --- values ----------------------------------------------------------------------------------------------------------------


def test_initial_values_are_normal_and_padding_is_zero():
    layer = Embedding(200, 100, padding_idx=-1)
    values = layer.weight.numpy()
    assert values.dtype == np.float32
    assert not values[-1].any()
    assert abs(values[:-1].mean()) < 0.02
    np.testing.assert_allclose(values[:-1].std(), 1, rtol=0.02)


def test_rows_longer_than_max_norm_are_shortened_where_they_are_looked_up():
    w = np.array([[3.0, 4.0], [3.0, 4.0], [0.1, 0.0]])
    table = w.copy()
    embedding([0, 2], table, max_norm=1.0)
    np.testing.assert_allclose(table, [[0.6, 0.8], [3.0, 4.0], [0.1, 0.0]], rtol=1e-6)


def test_the_largest_of_a_bag_may_be_minus_infinity():
    table = np.array([[-np.inf, 1.0], [0.0, -np.inf], [5.0, 5.0]])
    bags = {"offsets": [0, 2, 2, 4, 5], "mode": "max", "padding_idx": 2}
    wanted = [[0, 1], [0, 0], [-np.inf, 1], [0, 0], [0, -np.inf]]
    np.testing.assert_array_equal(embedding_bag([0, 1, 0, 2, 2, 1], table, **bags), wanted)


# --- errors ----------------------------------------------------------------------------------------------------------------

TABLE = np.ones((3, 2))
ERRORS = [
    (
        lambda: Sequential(Embedding(3, 2))(np.array([[0, 3]])),
        IndexingError,
        "nn.Embedding '0': index 3 is out of range for 3 rows: 0 to 2 are there",
    ),
    (lambda: embedding(-1, TABLE), IndexingError, "embedding: index -1 is out of range for 3 rows: 0 to 2 are there"),
    (
        lambda: Embedding(3, 2)(np.ones(2)),
        DtypeError,
        "nn.Embedding: expected indices of integers, got float64. Convert them: indices.astype(int)",
    ),
    (lambda: one_hot([0, 3], 2), IndexingError, "one_hot: index 3 is out of range for 2 rows: 0 to 1 are there"),
    (lambda: one_hot([]), ShapeError, "one_hot: expected num_classes, as there are no indices to tell it from"),
    (
        lambda: one_hot([0.5], 2),
        DtypeError,
        "one_hot: expected indices of integers, got float64. Convert them: indices.astype(int)",
    ),
    (lambda: embedding([0], np.ones(3)), ShapeError, "embedding: expected a weight of shape (rows, dim), got shape (3,)"),
    (lambda: Embedding(3, 2, padding_idx=3), ShapeError, "Embedding: padding_idx must be within num_embeddings, 3, got 3"),
    (
        lambda: Embedding(3, 2, _weight=np.ones((2, 2))),
        ShapeError,
        "Embedding: expected a weight of shape (3, 2), got shape (2, 2)",
    ),
    (
        lambda: Embedding.from_pretrained(np.ones(3)),
        ShapeError,
        "Embedding: expected embeddings of shape (rows, dim), got shape (3,)",
    ),
    (
        lambda: EmbeddingBag(3, 2)([0, 1]),
        ShapeError,
        "nn.EmbeddingBag: indices in a vector need offsets, a vector of where the bags begin",
    ),
    (
        lambda: embedding_bag([[0, 1]], TABLE, [0]),
        ShapeError,
        "embedding_bag: the rows of a matrix of indices are the bags, so offsets have to be None",
    ),
    (lambda: embedding_bag([[0]], TABLE, mode="min"), ShapeError, "embedding_bag: mode is 'sum', 'mean' or 'max', not 'min'"),
    (
        lambda: embedding_bag([[0]], TABLE, mode="mean", per_sample_weights=np.ones((1, 1))),
        ShapeError,
        "embedding_bag: per_sample_weights go with mode='sum' only, not with 'mean'",
    ),
    (
        lambda: embedding_bag([[0]], TABLE, mode="sum", per_sample_weights=np.ones(1)),
        ShapeError,
        "embedding_bag: expected per_sample_weights of the shape of the indices, (1, 1), got (1,)",
    ),
    (
        lambda: embedding_bag([[0]], TABLE, mode="max", scale_grad_by_freq=True),
        ShapeError,
        "embedding_bag: scale_grad_by_freq does not go with mode='max'",
    ),
    (
        lambda: embedding_bag([[[0]]], TABLE),
        ShapeError,
        "embedding_bag: expected indices with 1 or 2 axes, got shape (1, 1, 1)",
    ),
    (
        lambda: embedding_bag([0, 1], TABLE, [1]),
        IndexingError,
        "embedding_bag: the first of the offsets has to be 0, so that every index is in a bag",
    ),
    (
        lambda: EmbeddingBag(3, 2)([0, 1], [0, 3]),
        IndexingError,
        "nn.EmbeddingBag: offsets have to ascend, and not beyond the number of indices, which is 2",
    ),
]


@pytest.mark.parametrize(("call", "kind", "words"), ERRORS, ids=[words[:40] for *_, words in ERRORS])
def test_errors_say_what_is_wrong(call, kind, words):
    with pytest.raises(kind, match=f"^{re.escape(words)}$"):
        call()


def test_an_index_out_of_range_is_an_error_in_a_recorded_program_too():
    _, program = ag.record(lambda i: embedding(i, TABLE), np.array([0, 1]))
    with pytest.raises(AutogradError, match="index 7 is out of range for 3 rows"):
        program.run(np.array([0, 7]))
