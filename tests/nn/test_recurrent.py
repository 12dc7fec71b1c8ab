"""RNN, LSTM, GRU, their cells and packed sequences: against PyTorch and textbook loops, to second order; recorded; errors."""

import re
import warnings
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd as ag
from autograd import DtypeError, ShapeError, Tensor
from autograd.ops import recurrent as ops
from autograd.testing import check_grads
from autograd.testing.samples import build, samples_of
from autograd.tree import leaves
from nn import Sequential
from nn.recurrent import (
    GRU,
    LSTM,
    RNN,
    GRUCell,
    LSTMCell,
    PackedSequence,
    RNNCell,
    pack_padded_sequence,
    pack_sequence,
    pad_packed_sequence,
    pad_sequence,
    unpack_sequence,
    unpad_sequence,
)

from .held import equal_to_torch, replays

rng = np.random.default_rng(0)
few = st.integers(1, 3)
LAYERS = {"RNN": RNN, "LSTM": LSTM, "GRU": GRU}
CELLS = {"RNNCell": RNNCell, "LSTMCell": LSTMCell, "GRUCell": GRUCell}


def drawn(*shape, dtype=np.float64):
    return rng.normal(size=shape).astype(dtype)


def quiet(make, *args, **kwargs):
    """A layer, without the warning of a dropout that stands between no layers."""
    with warnings.catch_warnings(action="ignore"):
        return make(*args, **kwargs)


# --- against PyTorch -------------------------------------------------------------------------------------------------------


@st.composite
def configurations(draw):
    name = draw(st.sampled_from(sorted(LAYERS)))
    options = {
        "num_layers": draw(few),
        "bias": draw(st.booleans()),
        "batch_first": draw(st.booleans()),
        "bidirectional": draw(st.booleans()),
    }
    hidden = draw(few)
    if name == "RNN":
        options["nonlinearity"] = draw(st.sampled_from(["tanh", "relu"]))
    if name == "LSTM":
        hidden = draw(st.integers(2, 4))
        options["proj_size"] = draw(st.integers(0, hidden - 1))
    return name, draw(few), hidden, options


def states_for(name, hidden, options, *batch):
    count = options["num_layers"] * (1 + options["bidirectional"])
    h = drawn(count, *batch, options.get("proj_size") or hidden)
    return (h, drawn(count, *batch, hidden)) if name == "LSTM" else h


@pytest.mark.torch
@settings(max_examples=60, deadline=None)
@given(configuration=configurations(), steps=st.integers(1, 4), batch=st.integers(0, 3), given_states=st.booleans())
def test_layers_are_pytorchs(configuration, steps, batch, given_states):
    torch = pytest.importorskip("torch")
    name, size, hidden, options = configuration
    ours, theirs = (kind(size, hidden, **options) for kind in (LAYERS[name], getattr(torch.nn, name)))
    assert repr(ours) == repr(theirs)
    shape = (batch, steps) if options["batch_first"] else (steps, batch)
    inputs = [drawn(*shape, size) if batch else drawn(steps, size)]
    if given_states:
        inputs.append(states_for(name, hidden, options, *([batch] if batch else [])))
    equal_to_torch(ours, theirs, *inputs)


@pytest.mark.torch
@settings(max_examples=40, deadline=None)
@given(configuration=configurations(), lengths=st.lists(st.integers(1, 4), min_size=1, max_size=4), given_states=st.booleans())
def test_packed_sequences_and_lengths_are_pytorchs(configuration, lengths, given_states):
    torch = pytest.importorskip("torch")
    name, size, hidden, options = configuration
    first = options["batch_first"]
    ours, theirs = (kind(size, hidden, **options) for kind in (LAYERS[name], getattr(torch.nn, name)))
    x = drawn(len(lengths), max(lengths), size) if first else drawn(max(lengths), len(lengths), size)
    inputs = [x, states_for(name, hidden, options, len(lengths))] if given_states else [x]
    rnn = torch.nn.utils.rnn

    class Theirs(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = theirs

        def forward(self, x, *states):
            packed = rnn.pack_padded_sequence(x, lengths, batch_first=first, enforce_sorted=False)
            y, last = self.layer(packed, *states)
            return rnn.pad_packed_sequence(y, batch_first=first)[0], last

    class Ours(Sequential):
        def __init__(self, way):
            self.layer, self.way = ours, way

        def forward(self, x, *states):
            if self.way == "lengths":
                return self.layer(x, *states, lengths=lengths)
            y, last = self.layer(pack_padded_sequence(x, lengths, first, enforce_sorted=False), *states)
            assert isinstance(y, PackedSequence)
            return pad_packed_sequence(y, batch_first=first)[0], last

    for way in ("lengths", "packed"):
        equal_to_torch(Ours(way), Theirs(), *inputs)


@pytest.mark.torch
@settings(max_examples=30, deadline=None)
@given(
    name=st.sampled_from(sorted(CELLS)),
    size=few,
    hidden=few,
    batch=st.integers(0, 3),
    bias=st.booleans(),
    relu=st.booleans(),
    given_states=st.booleans(),
)
def test_cells_are_pytorchs(name, size, hidden, batch, bias, relu, given_states):
    torch = pytest.importorskip("torch")
    options = {"bias": bias} | ({"nonlinearity": "relu"} if relu and name == "RNNCell" else {})
    ours, theirs = (kind(size, hidden, **options) for kind in (CELLS[name], getattr(torch.nn, name)))
    assert repr(ours) == repr(theirs)
    lead = (batch,) if batch else ()
    h = drawn(*lead, hidden)
    inputs = [drawn(*lead, size), (h, drawn(*lead, hidden)) if name == "LSTMCell" else h][: 1 + given_states]
    equal_to_torch(ours, theirs, *inputs)


@pytest.mark.torch
@settings(max_examples=30, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    rest=st.lists(few, max_size=2).map(tuple),
    first=st.booleans(),
    side=st.sampled_from(["left", "right"]),
    more=st.integers(0, 2),
)
def test_packing_and_padding_are_pytorchs(lengths, rest, first, side, more):
    torch = pytest.importorskip("torch")
    rnn = torch.nn.utils.rnn
    xs = [drawn(n, *rest) for n in lengths]
    equal_to_torch(
        partial(pad_sequence, batch_first=first, padding_value=0.5, padding_side=side),
        partial(rnn.pad_sequence, batch_first=first, padding_value=0.5, padding_side=side),
        xs,
    )
    ordered = sorted(xs, key=len, reverse=True)
    ours, theirs = pack_sequence(ordered), rnn.pack_sequence([torch.from_numpy(x) for x in ordered])
    np.testing.assert_array_equal(ours.data, theirs.data.numpy())
    np.testing.assert_array_equal(ours.batch_sizes, theirs.batch_sizes.numpy())
    total = max(lengths) + more
    for pack in (pack_sequence, rnn.pack_sequence):
        given_xs = xs if pack is pack_sequence else [torch.from_numpy(x) for x in xs]
        unpack = pad_packed_sequence if pack is pack_sequence else rnn.pad_packed_sequence
        y, n = unpack(pack(given_xs, enforce_sorted=False), batch_first=first, padding_value=7.0, total_length=total)
        np.testing.assert_array_equal(np.asarray(n), lengths)
        expected = np.stack([np.pad(x, [(0, total - len(x))] + [(0, 0)] * len(rest), constant_values=7.0) for x in xs])
        np.testing.assert_array_equal(np.asarray(y), expected if first else expected.swapaxes(0, 1))


def test_unpacking_gives_back_what_was_packed():
    xs = [drawn(n, 2) for n in (2, 4, 1)]
    for found in (
        unpack_sequence(pack_sequence(xs, enforce_sorted=False)),
        unpad_sequence(pad_sequence(xs), [2, 4, 1]),
        unpad_sequence(pad_sequence(xs, batch_first=True), Tensor([2, 4, 1]), batch_first=True),
    ):
        for a, b in zip(found, xs, strict=True):
            np.testing.assert_array_equal(a, b)


# --- the rule, against loops of single ops ---------------------------------------------------------------------------------


def textbook(cell, z, w, b, r, mask, h, c, reverse=False):
    """One layer in one direction as a textbook has it: the states after each step."""
    hs, cs = [None] * len(z), [None] * len(z)
    for t in reversed(range(len(z))) if reverse else range(len(z)):
        k = h @ w.T + b
        n = w.shape[0] // ops.CELLS[cell].gates
        zs, ks = ([x[:, i : i + n] for i in range(0, x.shape[1], n)] for x in (z[t], k))
        new_c = c
        if cell == "lstm":
            i, f, g, o = (a + b for a, b in zip(zs, ks, strict=True))
            new_c = ag.sigmoid(f) * c + ag.sigmoid(i) * np.tanh(g)
            new_h = ag.sigmoid(o) * np.tanh(new_c)
        elif cell == "gru":
            u = ag.sigmoid(zs[1] + ks[1])
            new_h = (1 - u) * np.tanh(zs[2] + ag.sigmoid(zs[0] + ks[0]) * ks[2]) + u * h
        else:
            new_h = {"tanh": np.tanh, "relu": ag.relu}[cell](z[t] + k)
        if np.ndim(r):
            new_h = new_h @ r.T
        if np.ndim(mask):
            new_h, new_c = (np.where(mask[t][:, None], new, old) for new, old in ((new_h, h), (new_c, c)))
        hs[t], cs[t] = h, c = new_h, new_c
    return np.stack(hs), np.stack(cs)


MASK = np.array([[True, True], [True, False], [True, False]])


@pytest.mark.parametrize("cell", ops.CELLS)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("projected", [False, True])
def test_the_rule_is_the_loop_to_second_order(cell, masked, reverse, projected):
    if projected and cell != "lstm":
        pytest.skip("PyTorch projects LSTMs only")
    n, p = 2, 1 if projected else 2
    gates = ops.CELLS[cell].gates
    xs = [drawn(3, 2, gates * n), drawn(gates * n, p), drawn(2, p), drawn(2, n if cell == "lstm" else 0)]
    xs += [drawn(p, n)] if projected else []
    weights = drawn(3, 2, p), drawn(3, 2, n if cell == "lstm" else 0)
    mask = MASK if masked else True
    b = drawn(gates * n) if masked else 0.0  # without it an LSTM is computed in place

    def fused(z, w, h, c, r=0.0):
        return ops.recurrence(z, w, b, r, mask, h, c, cell=cell, reverse=reverse)[:2]

    def plain(z, w, h, c, r=0.0):
        return textbook(cell, z, w, b, r, mask, h, c, reverse)

    def loss(f):
        return lambda *xs: sum((weight * y * y).sum() for weight, y in zip(weights, f(*xs), strict=True))

    every = tuple(range(len(xs)))

    def squares(f):
        slopes = ag.grad(loss(f), every)
        return lambda *xs: sum((g * g).sum() for g in slopes(*xs))

    for a, e in zip(fused(*xs), plain(*xs), strict=True):
        np.testing.assert_allclose(a, e, rtol=1e-13, atol=1e-15)
    for order in (loss, squares):
        for a, e in zip(ag.grad(order(fused), every)(*xs), ag.grad(order(plain), every)(*xs), strict=True):
            np.testing.assert_allclose(a, e, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("cell", ops.CELLS)
def test_gates_that_are_shut_keep_the_digits_of_their_slopes(cell):
    """With 1 - y instead of sigmoid(-x) the slope of a gate would be 0 from x = 17 on in float32, from 37 on in float64."""
    gates = ops.CELLS[cell].gates
    for dtype, far in ((np.float32, 20.0), (np.float64, 45.0)):
        z = np.full((1, 1, gates), far, dtype)
        c = np.full((1, int(cell == "lstm")), 0.5, dtype)
        z[..., 2:3] = 1
        w, h = np.zeros((gates, 1), dtype), np.zeros((1, 1), dtype)
        found = ag.grad(lambda z, cs=c, ws=w, hs=h: ops.recurrence(z, ws, 0.0, 0.0, True, hs, cs, cell=cell)[0].sum())(z)
        wide = [x.astype(np.longdouble) for x in (z, c)]
        e = np.exp(-wide[0][0, 0])
        slope = e / (1 + e) ** 2
        if cell == "lstm":
            i, f, _, o = 1 / (1 + e)
            new = f * wide[1][0, 0] + i * np.tanh(wide[0][0, 0, 2])
            through = o * (1 - np.tanh(new) ** 2)
            sizes = [through * np.tanh(wide[0][0, 0, 2]) * slope[0], through * wide[1][0, 0] * slope[1], None]
            sizes += [np.tanh(new) * slope[3]]
        elif cell == "gru":
            sizes = [0, -np.tanh(wide[0][0, 0, 2]) * slope[1], None]
        else:
            e2 = np.exp(-2 * wide[0][0, 0])
            sizes = [(4 * e2 / (1 + e2) ** 2)[0]] if cell == "tanh" else [1]
        for a, b in zip(found[0, 0], sizes, strict=True):
            if b is not None:
                np.testing.assert_allclose(a, np.asarray(b, np.float64), rtol=1e-5 if dtype is np.float32 else 1e-12)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("cell", ops.CELLS)
def test_no_overflow(cell, dtype):
    """Whatever a gate is given, it is open or shut, without a warning and without nan."""
    gates = ops.CELLS[cell].gates
    for size in (1e4, -1e4):
        z = np.full((2, 1, gates), size if cell != "relu" else 1, dtype)
        w, h = np.full((gates, 1), 0.5, dtype), np.zeros((1, 1), dtype)
        c = np.zeros((1, int(cell == "lstm")), dtype)
        found = ag.grad(lambda z, cs=c, ws=w, hs=h: ops.recurrence(z, ws, 0.0, 0.0, True, hs, cs, cell=cell)[0].sum())(z)
        assert found.dtype == dtype
        assert np.isfinite(found).all()


@pytest.mark.parametrize("name", [op.__name__ for op in ops.definitions])
def test_rules_are_their_definitions(name):
    op = next(op for op in ops.definitions if op.__name__ == name)
    for sample in samples_of(op.rule):
        inputs = build(op.rule, sample)
        for a, e in zip(op(*inputs, **sample.attributes), ops.definitions[op](*inputs, **sample.attributes), strict=True):
            np.testing.assert_allclose(a, e, rtol=1e-12, atol=1e-14)


SMALL = [
    partial(RNN, 2, 2),
    partial(RNN, 2, 2, nonlinearity="relu", bidirectional=True),
    partial(LSTM, 2, 2, num_layers=2),
    partial(LSTM, 2, 2, proj_size=1, bidirectional=True, batch_first=True),
    partial(GRU, 2, 2, bias=False, bidirectional=True),
    partial(LSTMCell, 2, 2),
    partial(GRUCell, 2, 2),
    partial(RNNCell, 2, 2),
]


@pytest.mark.slow
@pytest.mark.parametrize("make", SMALL, ids=lambda make: f"{make.func.__name__}-{len(make.keywords)}")
def test_gradients_to_second_order(make):
    layer = make().double()
    layer.reset_parameters(np.random.default_rng(3))
    cell = make.func.__name__.endswith("Cell")

    def f(x):
        y = layer(x)
        y = y[0] if isinstance(y, tuple) else y
        return y * y

    check_grads(f, drawn(2, 2) if cell else drawn(2, 2, 2), rtol=1e-7)


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (partial(RNN, 3, 4, num_layers=2, dropout=0.5), (5, 2, 3)),
        (partial(LSTM, 3, 4, num_layers=2, bidirectional=True), (5, 2, 3)),
        (partial(LSTM, 3, 4, proj_size=2), (5, 2, 3)),
        (partial(GRU, 3, 4, num_layers=2, dropout=0.25, batch_first=True), (2, 5, 3)),
        (partial(RNNCell, 3, 4), (2, 3)),
        (partial(LSTMCell, 3, 4), (2, 3)),
        (partial(GRUCell, 3, 4), (2, 3)),
    ],
)
def test_a_recorded_step_replays(make, shape):
    replays(make(), drawn(*shape, dtype=np.float32))


def test_a_recorded_step_of_sequences_of_different_lengths_replays():
    class Packing(Sequential):
        def forward(self, x):
            y, _ = self[0](pack_padded_sequence(x, [3, 5], enforce_sorted=False))
            return pad_packed_sequence(y)[0] + self[0](x, lengths=[3, 5])[0]

    replays(Packing(LSTM(3, 4, bidirectional=True)), drawn(5, 2, 3, dtype=np.float32))


# --- what padding does not do ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", LAYERS.values(), ids=LAYERS)
def test_what_stands_behind_the_end_is_not_looked_at(kind):
    layer = kind(2, 3, bidirectional=True).double()
    x = drawn(4, 2, 2)
    x[2:, 1] = np.nan
    t = Tensor(x)
    y, last = layer(t, lengths=[4, 2])
    np.testing.assert_array_equal(y.numpy()[2:, 1], 0)
    sum((part * part).sum() for part in (y, *(last if isinstance(last, tuple) else [last]))).backward()
    assert np.isfinite(t.grad.numpy()).all()
    np.testing.assert_array_equal(t.grad.numpy()[2:, 1], 0)
    alone, _ = layer(x[:2, 1:])
    np.testing.assert_allclose(y.numpy()[:2, 1], alone.numpy()[:, 0], rtol=1e-12)
    for parameter in layer.parameters():
        assert np.isfinite(parameter.grad.numpy()).all()


@pytest.mark.parametrize("kind", LAYERS.values(), ids=LAYERS)
def test_dtypes_empty_batches_and_plain_arrays(kind):
    layer = kind(2, 3)
    y, _ = layer(np.ones((4, 0, 2), np.float32))
    assert y.shape == (4, 0, 3)
    y.sum().backward()
    assert all((p.grad.numpy() == 0).all() for p in layer.parameters())
    y, _ = layer(np.ones((4, 1, 2), np.float32))
    assert y.dtype == np.float32
    assert not kind(2, 3).requires_grad_(False)(Tensor(np.ones((4, 1, 2))).detach())[0].requires_grad


@pytest.mark.parametrize("kind", [*LAYERS.values(), *CELLS.values()], ids=lambda kind: kind.__name__)
def test_states_as_lists_have_the_dtype_of_the_weights(kind):
    cell = kind in CELLS.values()
    state = [[0.0, 0.0]] if cell else [[[0.0, 0.0]]]
    found = kind(3, 2)(
        drawn(*((1, 3) if cell else (4, 1, 3)), dtype=np.float32), (state, state) if "LSTM" in kind.__name__ else state
    )
    assert {y.dtype for y in leaves(found)} == {np.dtype(np.float32)}


def test_padding_keeps_the_dtype():
    for dtype in (np.float32, np.int64):
        packed = pack_sequence([np.array([1, 2], dtype), np.array([3], dtype)])
        x, _ = pad_packed_sequence(packed, padding_value=np.float64(7.0))
        assert x.dtype == dtype
        np.testing.assert_array_equal(x, [[1, 3], [2, 7]])


def test_dropout_stands_between_layers_in_training_only():
    layer = GRU(2, 64, num_layers=2, dropout=1.0).double()
    x = drawn(3, 2, 2)
    zeros = GRU.forward(layer, x)[0].numpy()
    second = GRU(64, 64).double()
    second.load_state_dict({name[:-1] + "0": value for name, value in layer.state_dict().items() if name.endswith("l1")})
    np.testing.assert_allclose(zeros, second(np.zeros((3, 2, 64)))[0].numpy(), rtol=1e-13)
    layer.eval()
    assert not np.allclose(layer(x)[0].numpy(), zeros)
    with pytest.warns(UserWarning, match="there is one layer only"):
        LSTM(2, 3, dropout=0.5)


# --- parameters ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [*LAYERS.values(), *CELLS.values()], ids=lambda kind: kind.__name__)
def test_parameters_are_uniform(kind):
    layer = kind(30, 25)
    everything = np.concatenate([p.numpy().ravel() for p in layer.parameters()])
    assert abs(everything).max() <= 0.2
    np.testing.assert_allclose(everything.std(), 0.2 / np.sqrt(3), rtol=0.05)
    np.testing.assert_allclose(everything.mean(), 0, atol=0.01)
    assert everything.dtype == np.float32
    layer.reset_parameters(np.random.default_rng(1))
    again = kind(30, 25)
    again.reset_parameters(np.random.default_rng(1))
    for p, q in zip(layer.parameters(), again.parameters(), strict=True):
        np.testing.assert_array_equal(p.numpy(), q.numpy())


def test_repr():
    assert repr(quiet(LSTM, 3, 4, 2, False, True, 0.1, True, 2)) == (
        "LSTM(3, 4, proj_size=2, num_layers=2, bias=False, batch_first=True, dropout=0.1, bidirectional=True)"
    )


# --- errors ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("act", "kind", "words"),
    [
        (lambda: LSTM(3, 4)(np.ones((5, 2, 2))), ShapeError, "nn.LSTM: expected 3 features in the last axis, got 2 (input"),
        (
            lambda: GRU(3, 4)(np.ones(3)),
            ShapeError,
            "nn.GRU: expected an input with 3 axes, or 2 without a batch, got shape (3,)",
        ),
        (lambda: RNN(3, 4)(np.ones((5, 2, 3), int)), DtypeError, "nn.RNN: expected an input of floats, got int64. Convert it"),
        (
            lambda: RNN(3, 4)(np.ones((0, 2, 3))),
            ShapeError,
            "nn.RNN: expected at least one step, got an input of shape (0, 2, 3)",
        ),
        (
            lambda: GRU(3, 4)(np.ones((5, 2, 3)), np.ones((1, 3, 4))),
            ShapeError,
            "nn.GRU: expected the state h to have shape (1, 2, 4), got (1, 3, 4)",
        ),
        (lambda: LSTM(3, 4)(np.ones((5, 2, 3)), np.ones((1, 2, 4))), ShapeError, "nn.LSTM: expected a pair of states, (h, c)"),
        (
            lambda: LSTM(3, 4)(np.ones((5, 2, 3)), lengths=[5, 6]),
            ShapeError,
            "nn.LSTM: expected 2 whole numbers from 1 to 5 as lengths, one for each sequence, got [5, 6]",
        ),
        (lambda: LSTMCell(3, 4)(np.ones((2, 2))), ShapeError, "nn.LSTMCell: expected 3 features in the last axis, got 2"),
        (lambda: LSTMCell(3, 4)(np.ones((2, 3)), np.ones((2, 4))), ShapeError, "nn.LSTMCell: expected a pair of states"),
        (
            lambda: GRUCell(3, 4)(np.ones((2, 3)), np.ones(4)),
            ShapeError,
            "nn.GRUCell: expected the state h to have shape (2, 4), got (4,)",
        ),
        (
            lambda: GRUCell(3, 4)(np.ones((2, 3)), np.ones((2, 4), int)),
            DtypeError,
            "nn.GRUCell: expected the state h of floats, got int64. Convert it: astype('float32')",
        ),
        (lambda: RNN(3, 4, nonlinearity="sin"), ValueError, 'RNN: nonlinearity is "tanh" or "relu", not \'sin\''),
        (lambda: RNN(3, 0), ShapeError, "RNN: expected hidden_size as a whole number above 0, got 0"),
        (lambda: LSTM(3, 4, 1.0), ShapeError, "LSTM: expected num_layers as a whole number above 0, got 1.0"),
        (lambda: GRUCell(3, "4"), ShapeError, "GRUCell: expected hidden_size as a whole number above 0, got '4'"),
        (lambda: GRU(3, 4, 2, dropout="2"), ValueError, "GRU: dropout is a probability, between 0 and 1, and not '2'"),
        (lambda: pad_sequence([1.0, 2.0]), ShapeError, "pad_sequence: expected sequences (length, ...), got a number"),
        (lambda: LSTM(3, 4, proj_size=4), ShapeError, "LSTM: proj_size must be less than hidden_size, got 4 and 4"),
        (lambda: GRU(3, 4, 2, dropout=2), ValueError, "GRU: dropout is a probability, between 0 and 1, and not 2"),
        (
            lambda: pack_padded_sequence(np.ones((3, 2)), [1, 3]),
            ShapeError,
            "pack_padded_sequence: the longest sequence is to come first, got lengths [1, 3]. Sort them, or pass",
        ),
        (lambda: pad_sequence([]), ShapeError, "pad_sequence: expected at least one sequence, got none"),
        (
            lambda: pad_sequence([np.ones((2, 3)), np.ones((2, 4))]),
            ShapeError,
            "pad_sequence: only the lengths may differ, got shapes (2, 3), (2, 4)",
        ),
        (lambda: pad_sequence([np.ones(2)], padding_side="up"), ValueError, 'pad_sequence: padding_side is "left" or "right"'),
        (
            lambda: pad_packed_sequence(pack_sequence([np.ones(3)]), total_length=2),
            ShapeError,
            "pad_packed_sequence: total_length 2 is less than the longest sequence, 3",
        ),
    ],
)
def test_errors(act, kind, words):
    with pytest.raises(kind, match="^" + re.escape(words)):
        act()
