"""Attention and positions: against PyTorch and the definition, to second order; rows masked wholly; recorded; errors."""

import math
import re
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd as ag
from autograd import DtypeError, ShapeError, Tensor
from autograd.ops import attention as ops
from autograd.testing import check_grads
from nn import Module
from nn.attention import MultiheadAttention, RotaryPositions, SinusoidalPositions
from nn.functional.attention import (
    multi_head_attention_forward,
    rotary_positions,
    scaled_dot_product_attention,
    sinusoidal_positions,
)

from .held import equal_to_torch, replays

rng = np.random.default_rng(0)
few = st.integers(1, 3)


def drawn(*shape, dtype=np.float64):
    return rng.normal(size=shape).astype(dtype)


def booleans(*shape):
    """Booleans of which at least one in each row is true."""
    mask = rng.random(shape) < 0.6
    mask[..., 0] = True
    return mask


# --- scaled_dot_product_attention ------------------------------------------------------------------------------------------


@pytest.mark.torch
@settings(max_examples=80, deadline=None)
@given(
    batch=st.lists(few, min_size=1, max_size=2).map(tuple),
    sizes=st.tuples(few, few, few, few),
    masks=st.sampled_from([None, "causal", "bool", "float", "row"]),
    scale=st.sampled_from([None, 0.3]),
    repeats=few,
)
def test_attention_is_pytorchs(batch, sizes, masks, scale, repeats):
    torch = pytest.importorskip("torch")
    length, keys, features, values = sizes
    heads = (*batch[:-1], batch[-1] * repeats)
    q, k, v = drawn(*heads, length, features), drawn(*batch, keys, features), drawn(*batch, keys, values)
    options = {"scale": scale, "is_causal": masks == "causal", "enable_gqa": repeats > 1}
    if repeats > 1 and len(batch) == 1:  # PyTorch wants a batch there
        q, k, v = q[None], k[None], v[None]
    mask = {"bool": booleans(length, keys), "float": drawn(*q.shape[:-2], length, keys), "row": drawn(1, keys)}.get(masks)

    def theirs(q, k, v, *mask):
        return torch.nn.functional.scaled_dot_product_attention(q, k, v, *mask, **options)

    inputs = (q, k, v) if mask is None else (q, k, v, mask)
    equal_to_torch(partial(scaled_dot_product_attention, **options), theirs, *inputs)


MASKS = {
    "none": True,
    "bool": np.array([[True, False, True], [False, False, False]]),
    "float": drawn(2, 3),
    "batch": np.array([[[True, True, False]], [[False, True, True]]]),
}


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("dropout", [0.0, 0.25])
def test_the_rule_is_its_definition_to_second_order(mask, causal, dropout):
    keep = booleans(2, 2, 3) if dropout else True
    xs = [drawn(2, 2, 4), drawn(2, 3, 4), drawn(2, 3, 2)]
    weights = drawn(2, 2, 2), drawn(2, 2, 3)
    options = {"scale": 0.5, "causal": causal, "dropout": dropout}

    def loss(f):
        def of(*xs):
            ys = f(*xs, MASKS[mask], keep, **options)
            return sum((w * y * y).sum() for w, y in zip(weights, ys, strict=True))

        return of

    def squares(f):
        slopes = ag.grad(loss(f), (0, 1, 2))
        return lambda *xs: sum((g * g).sum() for g in slopes(*xs))

    for rule, definition in [(ops.attention, ops.definitions[ops.attention])]:
        for a, b in zip(rule(*xs, MASKS[mask], keep, **options), definition(*xs, MASKS[mask], keep, **options), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-15)
        for order in (loss, squares):
            for a, b in zip(ag.grad(order(rule), (0, 1, 2))(*xs), ag.grad(order(definition), (0, 1, 2))(*xs), strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["bool", "float", "mixed"])
def test_a_query_that_may_look_nowhere_gets_zeros_and_gives_no_gradient(dtype, kind):
    may = np.array([[True, False, True], [False, False, False]])
    mask = may if kind == "bool" else np.where(may, 0, -np.inf).astype(dtype)
    q, k, v = (Tensor(drawn(2, n, 4, dtype=dtype)) for n in (2, 3, 3))
    y = scaled_dot_product_attention(q, k, v, mask if kind != "mixed" else Tensor(mask))
    np.testing.assert_array_equal(y.numpy()[:, 1], 0)
    (y * y).sum().backward()
    assert (q.grad.numpy()[:, 1] == 0).all()
    assert (q.grad.numpy()[:, 0] != 0).all()
    assert (k.grad.numpy()[:, 1] == 0).all()
    assert (v.grad.numpy()[:, 1] == 0).all()
    everything = ag.grad(lambda q: (scaled_dot_product_attention(q, k.detach(), v.detach(), mask) ** 2).sum())
    second = ag.grad(lambda q: (everything(q) ** 2).sum())(q.numpy())
    assert np.isfinite(second).all()
    assert (second[:, 1] == 0).all()


def test_large_scores_do_not_overflow():
    q, k, v = drawn(2, 4, dtype=np.float32) * 1e18, drawn(3, 4, dtype=np.float32) * 1e18, drawn(3, 4, dtype=np.float32)
    y, *gradients = ag.value_and_grad(lambda q, k, v: scaled_dot_product_attention(q, k, v).sum(), (0, 1, 2))(q, k, v)
    assert np.isfinite(y)
    assert all(np.isfinite(g).all() for g in gradients[0])


@pytest.mark.parametrize("shapes", [((0, 2, 3), (0, 4, 3)), ((2, 0, 3), (2, 4, 3)), ((2, 2, 3), (2, 0, 3)), ((1, 1), (1, 1))])
def test_sizes_zero_and_one(shapes):
    q, k = (Tensor(np.ones(shape)) for shape in shapes)
    y = scaled_dot_product_attention(q, k, k)
    assert y.shape == q.shape
    if k.size == 0:
        np.testing.assert_array_equal(y.numpy(), 0)
    y.sum().backward()
    assert q.grad.shape == q.shape
    assert k.grad.shape == k.shape


@pytest.mark.parametrize("options", [{"scale": np.float64(0.3)}, {"dropout_p": np.float64(0.3)}])
def test_numbers_of_numpy_do_not_widen(options):
    x = drawn(2, 3, 4, dtype=np.float32)
    assert scaled_dot_product_attention(x, x, x, **options).dtype == np.float32


def test_scores_of_float16_do_not_overflow():
    q, v = np.full((2, 64), 300, np.float16), np.array([[1.0], [3.0]], np.float16)
    y = scaled_dot_product_attention(q, q, v)
    assert y.dtype == np.float16
    np.testing.assert_array_equal(y, 2.0)


@pytest.mark.parametrize(
    "shapes", [((2, 3), (5, 3), (4, 5, 2)), ((1, 2, 3), (5, 3), (4, 5, 2)), ((4, 2, 3), (1, 5, 3), (5, 2))]
)
def test_leading_axes_broadcast(shapes):
    xs = [drawn(*shape) for shape in shapes]
    out, p = ops.attention(*xs, True, True, scale=0.5)
    assert p.shape == (4, 2, 5)
    whole = [np.broadcast_to(x, (4, *x.shape[-2:])) for x in xs]
    np.testing.assert_allclose(out, ops.attention(*whole, True, True, scale=0.5)[0], rtol=1e-13)
    check_grads(lambda *xs: ops.attention(*xs, True, True, scale=0.5), *xs)


TABLE = {
    "plain": {},
    "causal": {"is_causal": True},
    "bool": {"attn_mask": np.array([[True, False, True], [False, False, False]])},
    "scale": {"scale": 0.7},
}


@pytest.mark.parametrize("options", TABLE)
def test_gradients_to_second_order(options):
    f = partial(scaled_dot_product_attention, **TABLE[options])
    check_grads(f, drawn(2, 2), drawn(3, 2), drawn(3, 2), rtol=1e-7)


def test_the_gradient_of_a_mask_that_is_added():
    check_grads(scaled_dot_product_attention, drawn(2, 2), drawn(3, 2), drawn(3, 2), drawn(1, 3), rtol=1e-7)


def test_dropout_drops_weights_and_keeps_their_mean():
    ag.random.seed(0)
    q, k = np.zeros((1, 2)), np.zeros((400, 2))
    eye = np.eye(400)
    means = []
    for _ in range(50):
        w = scaled_dot_product_attention(q, k, eye, dropout_p=0.25).numpy()[0] * 400
        assert set(np.round(w, 12)) == {0.0, round(4 / 3, 12)}
        means.append(w.mean())
    np.testing.assert_allclose(np.mean(means), 1, atol=0.02)
    np.testing.assert_array_equal(scaled_dot_product_attention(q, k, eye, dropout_p=1.0), 0)


# --- MultiheadAttention ----------------------------------------------------------------------------------------------------


@st.composite
def configurations(draw):
    heads = draw(few)
    options = {
        "bias": draw(st.booleans()),
        "add_bias_kv": draw(st.booleans()),
        "add_zero_attn": draw(st.booleans()),
        "batch_first": draw(st.booleans()),
        "kdim": draw(st.sampled_from([None, 2])),
        "vdim": draw(st.sampled_from([None, 3])),
    }
    call = {
        "need_weights": draw(st.booleans()),
        "average_attn_weights": draw(st.booleans()),
    }
    masks = draw(st.sampled_from([None, "bool", "float", "heads"])), draw(st.sampled_from([None, "bool", "float"]))
    return heads, draw(few) * heads, options, call, masks, draw(st.sampled_from(["self", "memory", "three"]))


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:Support for mismatched:UserWarning")
@settings(max_examples=100, deadline=None)
@given(configuration=configurations(), batch=st.integers(0, 2), length=few, keys=few)
def test_multihead_attention_is_pytorchs(configuration, batch, length, keys):
    torch = pytest.importorskip("torch")
    heads, size, options, call, (attn, padding), inputs = configuration
    if options["kdim"] or options["vdim"]:
        inputs = "three"
    keys = length if inputs == "self" else keys
    ours, theirs = (kind(size, heads, **options) for kind in (MultiheadAttention, torch.nn.MultiheadAttention))
    assert repr(ours) == repr(theirs)
    assert [(k, v.shape) for k, v in ours.state_dict().items()] == [(k, tuple(v.shape)) for k, v in theirs.state_dict().items()]

    def sequence(n, size):
        return drawn(*((batch, n) if options["batch_first"] else (n, batch)), size) if batch else drawn(n, size)

    q = sequence(length, size)
    k = q if inputs == "self" else sequence(keys, options["kdim"] or size)
    v = k if inputs != "three" else sequence(keys, options["vdim"] or size)
    shape = ((batch or 1) * heads, length, keys) if attn == "heads" else (length, keys)
    if attn:
        call["attn_mask"] = drawn(*shape) if attn == "float" else ~booleans(*shape)
    if padding:
        lead = (batch,) if batch else ()
        padded = np.zeros((*lead, keys), bool)
        padded[..., 1:] = rng.random((*lead, keys - 1)) < 0.3
        call["key_padding_mask"] = padded if padding == "bool" else np.where(padded, -2.0, 0.5)
    if attn == "bool" and padding == "bool":  # the same column, so that no row is masked wholly
        call["attn_mask"][..., 0] = False

    # One array that stands in three places is one product of matrices: PyTorch's tensors are to be one as well.
    class Theirs(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = theirs

        def forward(self, *xs):
            torched = {name: torch.from_numpy(x) if isinstance(x, np.ndarray) else x for name, x in call.items()}
            return self.layer(*spread(xs), **torched)

    class Ours(Module):
        def __init__(self):
            self.layer = ours

        def forward(self, *xs):
            return self.layer(*spread(xs), **call)

    def spread(xs):
        return (xs * 3)[:3] if len(xs) != 2 else (xs[0], xs[1], xs[1])

    equal_to_torch(Ours(), Theirs(), *{"self": (q,), "memory": (q, k), "three": (q, k, v)}[inputs])


@pytest.mark.torch
@pytest.mark.parametrize("weights", [False, True])
def test_a_causal_hint_is_pytorchs(weights):
    torch = pytest.importorskip("torch")
    ours, theirs = MultiheadAttention(4, 2), torch.nn.MultiheadAttention(4, 2)
    mask = np.triu(np.full((3, 3), -np.inf), 1)
    options = {"need_weights": weights, "is_causal": True}

    def forward(x):
        return theirs(x, x, x, attn_mask=torch.from_numpy(mask), **options)

    x = drawn(3, 2, 4)
    ours.double()
    ours.load_state_dict(theirs.double().state_dict())
    expected, p = forward(torch.from_numpy(x))
    for given_mask in (mask, None):  # without one, PyTorch refuses
        y, q = ours(x, x, x, attn_mask=given_mask, **options)
        np.testing.assert_allclose(y.numpy(), expected.detach().numpy(), rtol=1e-12)
        assert (p is None) == (q is None) == (not weights)
    padding = np.array([[False, False, True]] * 2)
    y, _ = ours(x, x, x, key_padding_mask=padding, is_causal=True)
    z, _ = ours(x, x, x, key_padding_mask=padding, attn_mask=mask)
    np.testing.assert_allclose(y.numpy(), z.numpy(), rtol=1e-12)


@pytest.mark.torch
def test_static_keys_are_pytorchs():
    torch = pytest.importorskip("torch")
    q, k, v, w, b = drawn(3, 2, 4), drawn(5, 2, 4), drawn(5, 2, 4), drawn(12, 4), drawn(12)
    out, static = drawn(4, 4), (drawn(4, 5, 2), drawn(4, 5, 2))

    def call(f, convert):
        given = map(convert, (q, k, v))
        options = {"static_k": convert(static[0]), "static_v": convert(static[1])}
        return f(*given, 4, 2, convert(w), convert(b), None, None, False, 0.0, convert(out), None, **options)

    ours, p = call(multi_head_attention_forward, np.asarray)
    theirs, expected = call(torch.nn.functional.multi_head_attention_forward, torch.from_numpy)
    np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-12)
    np.testing.assert_allclose(p, expected.numpy(), rtol=1e-12)


def test_padding_that_masks_everything_gives_the_bias_alone():
    layer = MultiheadAttention(4, 2, batch_first=True)
    x = Tensor(drawn(2, 3, 4, dtype=np.float32))
    y, p = layer(x, x, x, key_padding_mask=np.array([[True] * 3, [False] * 3]))
    np.testing.assert_array_equal(y.numpy()[0], np.broadcast_to(layer.out_proj.bias.numpy(), (3, 4)))
    np.testing.assert_array_equal(p.numpy()[0], 0)
    np.testing.assert_allclose(p.numpy()[1].sum(axis=-1), 1, rtol=1e-6)
    (y * y).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy()[0], 0)
    assert all(np.isfinite(parameter.grad.numpy()).all() for parameter in layer.parameters())


def test_multihead_gradients_to_second_order():
    layer = MultiheadAttention(4, 2, add_bias_kv=True).double()
    layer.reset_parameters(np.random.default_rng(3))
    check_grads(lambda x: layer(x, x, x)[0], drawn(2, 1, 4), rtol=1e-7)


@pytest.mark.parametrize("options", [{"dropout": 0.25}, {"add_zero_attn": True, "kdim": 4, "vdim": 4, "batch_first": True}])
def test_a_recorded_step_replays(options):
    class Own(MultiheadAttention):
        def forward(self, x):
            mask = np.triu(np.ones((3, 3), bool), 1)
            return super().forward(x, x, x, attn_mask=mask)

    replays(Own(4, 2, **options), drawn(3, 3, 4, dtype=np.float32))


def test_dropout_in_training_only():
    layer = MultiheadAttention(4, 2, dropout=0.5)
    x = drawn(3, 2, 4, dtype=np.float32)
    a, b = (layer(x, x, x)[0].numpy() for _ in range(2))
    assert not np.array_equal(a, b)
    layer.eval()
    a, b = (layer(x, x, x)[0].numpy() for _ in range(2))
    np.testing.assert_array_equal(a, b)


def test_initial_distributions():
    layer = MultiheadAttention(64, 4, add_bias_kv=True)
    bound = math.sqrt(6 / (64 + 3 * 64))
    w = layer.in_proj_weight.numpy()
    assert abs(w).max() <= bound
    np.testing.assert_allclose(w.std(), bound / math.sqrt(3), rtol=0.03)
    out = layer.out_proj.weight.numpy()
    assert abs(out).max() <= 1 / 8
    np.testing.assert_allclose(out.std(), 1 / 8 / math.sqrt(3), rtol=0.05)
    np.testing.assert_array_equal(layer.in_proj_bias.numpy(), 0)
    np.testing.assert_array_equal(layer.out_proj.bias.numpy(), 0)
    rows = np.concatenate([MultiheadAttention(64, 4, add_bias_kv=True).bias_k.numpy().ravel() for _ in range(20)])
    np.testing.assert_allclose(rows.std(), math.sqrt(2 / (64 + 64)), rtol=0.08)
    assert w.dtype == np.float32
    separate = MultiheadAttention(64, 4, kdim=32)
    assert abs(separate.k_proj_weight.numpy()).max() <= math.sqrt(6 / (64 + 32))


# --- positions -------------------------------------------------------------------------------------------------------------


@given(length=st.integers(0, 6), dim=st.integers(1, 7))
def test_waves(length, dim):
    table = sinusoidal_positions(length, dim, dtype=np.float64)
    assert table.shape == (length, dim)
    for p in range(length):
        for i in range(dim):
            angle = p / 10000 ** ((i - i % 2) / dim)
            np.testing.assert_allclose(table[p, i], math.cos(angle) if i % 2 else math.sin(angle), atol=1e-12)
    for first in (False, True):
        x = np.zeros((2, length, dim) if first else (length, 2, dim))
        y = SinusoidalPositions(dim, batch_first=first)(x)
        np.testing.assert_array_equal(y if first else y.swapaxes(0, 1), np.stack([table, table]))
    np.testing.assert_array_equal(SinusoidalPositions(dim)(np.zeros((length, dim))), table)


@pytest.mark.parametrize("interleaved", [False, True])
def test_rotations_keep_lengths_and_know_differences_of_positions(interleaved):
    turn = RotaryPositions(6, interleaved=interleaved)
    x, w = drawn(6), drawn(6)
    xs, ws = (turn(np.broadcast_to(v, (2, 8, 6))) for v in (x, w))
    np.testing.assert_allclose((xs**2).sum(-1), (x**2).sum(), rtol=1e-12)
    products = xs[0] @ ws[0].T
    for distance in range(-7, 8):
        along = np.diagonal(products, distance)
        np.testing.assert_allclose(along, along[0], rtol=1e-10, atol=1e-12)
    pairs = [(2 * i, 2 * i + 1) if interleaved else (i, i + 3) for i in range(3)]
    for i, (a, b) in enumerate(pairs):  # as multiplication of complex numbers
        z = (x[a] + 1j * x[b]) * np.exp(1j * np.arange(8) / 10000 ** (2 * i / 6))
        np.testing.assert_allclose(xs[0][:, a] + 1j * xs[0][:, b], z, rtol=1e-12)


def test_rotations_at_other_positions():
    x = drawn(2, 3, 4)
    whole = rotary_positions(np.concatenate([np.zeros((2, 5, 4)), x], axis=1))
    np.testing.assert_allclose(rotary_positions(x, np.arange(5, 8)), whole[:, 5:], rtol=1e-12)
    np.testing.assert_allclose(rotary_positions(x, np.array([[5, 6, 7]] * 2)), whole[:, 5:], rtol=1e-12)
    assert rotary_positions(x.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("module", [RotaryPositions(4), RotaryPositions(4, interleaved=True), SinusoidalPositions(4)])
def test_gradients_of_positions(module):
    check_grads(module, drawn(3, 4), rtol=1e-7)


@pytest.mark.torch
def test_rotations_of_pairs_are_those_of_complex_numbers_in_pytorch():
    torch = pytest.importorskip("torch")

    def theirs(x):
        angles = torch.arange(3)[:, None] * 10000.0 ** (-torch.arange(0, 4, 2, dtype=torch.float64) / 4)
        z = torch.view_as_complex(x.reshape(2, 3, 2, 2)) * torch.polar(torch.ones_like(angles), angles)
        return torch.view_as_real(z).reshape(2, 3, 4)

    equal_to_torch(partial(rotary_positions, interleaved=True), theirs, drawn(2, 3, 4))


def test_repr():
    assert repr(RotaryPositions(4, interleaved=True)) == "RotaryPositions(4, base=10000.0, interleaved=True)"
    assert repr(SinusoidalPositions(4, batch_first=True)) == "SinusoidalPositions(4, base=10000.0, batch_first=True)"


# --- errors ----------------------------------------------------------------------------------------------------------------

X = np.ones((3, 2, 4))


@pytest.mark.parametrize(
    ("act", "kind", "words"),
    [
        (
            lambda: scaled_dot_product_attention(np.ones((2, 3), int), X, X),
            DtypeError,
            "scaled_dot_product_attention: expected a query of floats, got int64. Convert it: query.astype('float32')",
        ),
        (
            lambda: scaled_dot_product_attention(X, np.ones((3, 2, 5)), X),
            ShapeError,
            "scaled_dot_product_attention: query and key are to have equally many features in the last axis, got shapes",
        ),
        (
            lambda: scaled_dot_product_attention(X, X, np.ones((3, 5, 4))),
            ShapeError,
            "scaled_dot_product_attention: key and value are to be equally long in the last axis but one, got shapes",
        ),
        (
            lambda: scaled_dot_product_attention(X, np.ones((2, 2, 4)), np.ones((2, 2, 4))),
            ShapeError,
            "scaled_dot_product_attention: the leading axes of query and key do not broadcast: (3,) and (2,)",
        ),
        (
            lambda: scaled_dot_product_attention(X, X, X, np.ones((3, 3), bool)),
            ShapeError,
            "scaled_dot_product_attention: expected attn_mask of shape (3, 2, 2), or one that broadcasts to it, got shape",
        ),
        (
            lambda: scaled_dot_product_attention(X, X, X, np.ones((2, 2), int)),
            DtypeError,
            "scaled_dot_product_attention: expected attn_mask of booleans or floats, got int64. Did you mean attn_mask == 1?",
        ),
        (
            lambda: scaled_dot_product_attention(X, X, X, dropout_p=2.0),
            DtypeError,
            "scaled_dot_product_attention: dropout_p is a probability, between 0 and 1, and not 2.0",
        ),
        (
            lambda: scaled_dot_product_attention(X, X[:2], X[:2], enable_gqa=True),
            ShapeError,
            "scaled_dot_product_attention: the heads of the query are to be a multiple of those of key and value",
        ),
        (lambda: scaled_dot_product_attention([1.0], X, X), ShapeError, "scaled_dot_product_attention: expected a query with"),
        (
            lambda: MultiheadAttention(6, 4),
            ShapeError,
            "MultiheadAttention: embed_dim 6 is to be a multiple of num_heads, which is 4",
        ),
        (
            lambda: MultiheadAttention(6, 2)(X, X, X),
            ShapeError,
            "nn.MultiheadAttention: expected 6 features in the last axis of query, got 4 (shape (3, 2, 4))",
        ),
        (
            lambda: MultiheadAttention(4, 2)(X, X[0], X),
            ShapeError,
            "nn.MultiheadAttention: expected query, key and value with 3 axes each, or 2 without a batch, got shapes",
        ),
        (
            lambda: scaled_dot_product_attention(X, X, np.ones((2, 2, 4))),
            ShapeError,
            "scaled_dot_product_attention: the leading axes of query and key and value do not broadcast: (3,) and (2,)",
        ),
        (
            lambda: MultiheadAttention(4, 2)(X, X[:, :1], X[:, :1]),
            ShapeError,
            "nn.MultiheadAttention: expected query and key of one batch, axis 1, got shapes (3, 2, 4) and (3, 1, 4)",
        ),
        (
            lambda: multi_head_attention_forward(X, X, X, 4, 0, *(None,) * 4, False, 0.0, None, None),
            ShapeError,
            "multi_head_attention_forward: 4 features cannot be shared by 0 heads",
        ),
        (
            lambda: multi_head_attention_forward(
                X, X, X, 4, 2, np.ones((12, 4)), *(None,) * 3, False, 0.0, np.ones((4, 4)), None, static_k=X
            ),
            ShapeError,
            "multi_head_attention_forward: expected static_k and static_v of shape (4, 'S', 2), got shape (3, 2, 4)",
        ),
        (
            lambda: rotary_positions(X, np.arange(3)),
            ShapeError,
            "rotary_positions: expected positions that broadcast to (3, 2), got shape (3,)",
        ),
        (lambda: MultiheadAttention(4, 2)(X, X, X[:2]), ShapeError, "nn.MultiheadAttention: key and value differ in length or"),
        (
            lambda: MultiheadAttention(4, 2)(X, X, X, attn_mask=np.ones((2, 3), bool)),
            ShapeError,
            "nn.MultiheadAttention: expected attn_mask of shape (3, 3) or (4, 3, 3), got (2, 3)",
        ),
        (
            lambda: MultiheadAttention(4, 2)(X, X, X, key_padding_mask=np.ones((3, 2), bool)),
            ShapeError,
            "nn.MultiheadAttention: expected key_padding_mask of shape (2, 3), got (3, 2)",
        ),
        (
            lambda: MultiheadAttention(4, 2)(X, X, X, key_padding_mask=np.ones((2, 3), int)),
            DtypeError,
            "nn.MultiheadAttention: expected masks of booleans or floats, got int64. Did you mean mask == 1?",
        ),
        (lambda: RotaryPositions(3), ShapeError, "RotaryPositions: features turn in pairs, so dim must be even, got 3"),
        (
            lambda: rotary_positions(np.ones((2, 3))),
            ShapeError,
            "rotary_positions: features turn in pairs, so the last axis must be even, got shape (2, 3)",
        ),
        (lambda: RotaryPositions(4)(np.ones((2, 3))), ShapeError, "nn.RotaryPositions: expected 4 features in the last axis"),
        (
            lambda: SinusoidalPositions(4)(np.ones((2, 3))),
            ShapeError,
            "nn.SinusoidalPositions: expected 4 features in the last of 2 or 3 axes, got shape (2, 3)",
        ),
    ],
)
def test_errors(act, kind, words):
    with pytest.raises(kind, match="^" + re.escape(words)):
        act()
