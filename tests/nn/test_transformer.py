"""The Transformer, its layers and stacks: against PyTorch with every argument; to second order; recorded; errors."""

import math
import re
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd import ShapeError, Tensor
from autograd.testing import check_grads
from nn import Module
from nn.normalisation import LayerNorm
from nn.transformer import (
    Transformer,
    TransformerDecoder,
    TransformerDecoderLayer,
    TransformerEncoder,
    TransformerEncoderLayer,
)

from .held import equal_to_torch, replays

rng = np.random.default_rng(0)
few = st.integers(1, 3)
torch_only = pytest.mark.torch
# Of nested tensors, which speed up PyTorch's inference, and of masks of two kinds.
quiet = pytest.mark.filterwarnings("ignore:enable_nested_tensor:UserWarning", "ignore:Support for mismatched:UserWarning")


def drawn(*shape, dtype=np.float64):
    return rng.normal(size=shape).astype(dtype)


def mask_of(kind, length, keys):
    """A mask (length, keys), which leaves every row something to look at."""
    if kind == "causal":
        return np.triu(np.ones((length, keys), bool), 1)
    mask = rng.random((length, keys)) < 0.4
    mask[:, 0] = False
    return {"bool": mask, "float": np.where(mask, -1.5, 0.25)}.get(kind)


def padding_of(kind, batch, keys):
    mask = mask_of(kind, batch or 1, keys)
    return mask if mask is None or batch else mask[0]


MASKS = st.sampled_from([None, "bool", "float"])


@st.composite
def layers(draw):
    heads = draw(few)
    options = {
        "dim_feedforward": draw(few),
        "dropout": 0.0,
        "activation": draw(st.sampled_from(["relu", "gelu"])),
        "layer_norm_eps": draw(st.sampled_from([1e-5, 0.1])),
        "batch_first": draw(st.booleans()),
        "norm_first": draw(st.booleans()),
        "bias": draw(st.booleans()),
    }
    return heads, heads * draw(few), options


class Called(Module):
    """A layer with masks that are given at every call."""

    def __init__(self, layer, masks):
        self.layer, self.masks = layer, masks

    def forward(self, *inputs):
        return self.layer(*inputs, **self.masks)


def held_equal(torch, name, ours, theirs, masks, *inputs):
    class Theirs(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = theirs

        def forward(self, *inputs):
            return self.layer(*inputs, **{n: torch.from_numpy(m) if isinstance(m, np.ndarray) else m for n, m in masks.items()})

    assert repr(ours) == repr(theirs)
    # Parameters that are zero or one in the beginning would hide a factor that is missing.
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0))
    equal_to_torch(Called(ours, masks), Theirs(), *inputs, rtol=1e-7, atol=1e-9)


def sequence(first, batch, length, size):
    return drawn(*((batch, length) if first else (length, batch)), size) if batch else drawn(length, size)


@torch_only
@quiet
@settings(max_examples=50, deadline=None)
@given(layer=layers(), batch=st.integers(0, 2), length=few, masks=st.tuples(MASKS, MASKS), count=st.integers(0, 2))
def test_encoders_are_pytorchs(layer, batch, length, masks, count):
    torch = pytest.importorskip("torch")
    heads, size, options = layer
    ours = TransformerEncoderLayer(size, heads, **options)
    theirs = torch.nn.TransformerEncoderLayer(size, heads, **options)
    mask = "src_mask"
    if count == 1:
        ours, theirs, mask = TransformerEncoder(ours, 1), torch.nn.TransformerEncoder(theirs, 1), "mask"
    given_masks = {mask: mask_of(masks[0], length, length), "src_key_padding_mask": padding_of(masks[1], batch, length)}
    held_equal(torch, "encoder", ours, theirs, given_masks, sequence(options["batch_first"], batch, length, size))


@torch_only
@quiet
@settings(max_examples=50, deadline=None)
@given(layer=layers(), batch=st.integers(0, 2), length=few, keys=few, masks=st.tuples(*[MASKS] * 4), stacked=st.booleans())
def test_decoders_are_pytorchs(layer, batch, length, keys, masks, stacked):
    torch = pytest.importorskip("torch")
    heads, size, options = layer
    ours = TransformerDecoderLayer(size, heads, **options)
    theirs = torch.nn.TransformerDecoderLayer(size, heads, **options)
    if stacked:
        ours = TransformerDecoder(ours, 1, LayerNorm(size))
        theirs = torch.nn.TransformerDecoder(theirs, 1, torch.nn.LayerNorm(size))
    given_masks = {
        "tgt_mask": mask_of(masks[0], length, length),
        "memory_mask": mask_of(masks[1], length, keys),
        "tgt_key_padding_mask": padding_of(masks[2], batch, length),
        "memory_key_padding_mask": padding_of(masks[3], batch, keys),
    }
    first = options["batch_first"]
    held_equal(
        torch, "decoder", ours, theirs, given_masks, sequence(first, batch, length, size), sequence(first, batch, keys, size)
    )


@torch_only
@quiet
@settings(max_examples=20, deadline=None)
@given(layer=layers(), batch=st.integers(0, 2), length=few, keys=few, masks=st.tuples(*[MASKS] * 3))
def test_transformers_are_pytorchs(layer, batch, length, keys, masks):
    torch = pytest.importorskip("torch")
    heads, size, options = layer
    sizes = {"num_encoder_layers": 1, "num_decoder_layers": 1}
    ours = Transformer(size, heads, **sizes, **options)
    theirs = torch.nn.Transformer(size, heads, **sizes, **options)
    causal = theirs.generate_square_subsequent_mask(length)
    np.testing.assert_array_equal(ours.generate_square_subsequent_mask(length), causal.numpy())
    given_masks = {
        "src_mask": mask_of(masks[0], keys, keys),
        "tgt_mask": causal.double().numpy(),
        "tgt_is_causal": True,
        "memory_mask": mask_of(masks[1], length, keys),
        "src_key_padding_mask": padding_of(masks[2], batch, keys),
        "memory_key_padding_mask": padding_of(masks[2], batch, keys),
    }
    first = options["batch_first"]
    inputs = sequence(first, batch, keys, size), sequence(first, batch, length, size)
    held_equal(torch, "transformer", ours, theirs, given_masks, *inputs)


@torch_only
@quiet
def test_the_repr_of_stacks_and_activations_is_pytorchs():
    torch = pytest.importorskip("torch")
    for name, arguments in (("TransformerEncoderLayer", (4, 2)), ("TransformerDecoderLayer", (4, 2))):
        ours, theirs = globals()[name](*arguments), getattr(torch.nn, name)(*arguments)
        assert repr(ours) == repr(theirs)
        assert list(ours.state_dict()) == list(theirs.state_dict())


def test_copies_begin_equal_and_go_their_own_ways():
    layer = TransformerEncoderLayer(4, 2, dim_feedforward=3)
    stack = TransformerEncoder(layer, 2)
    first, second = (dict(part.named_parameters()) for part in stack.layers)
    for name, parameter in first.items():
        assert parameter is not second[name]
        np.testing.assert_array_equal(parameter.numpy(), second[name].numpy())


def test_a_transformer_draws_all_matrices_by_xavier():
    model = Transformer(32, 4, 1, 1, 64)
    bounds = {name: math.sqrt(6 / sum(p.shape)) for name, p in model.named_parameters() if p.ndim > 1}
    assert len(bounds) == 10
    for name, p in model.named_parameters():
        if p.ndim > 1:
            assert abs(p.numpy()).max() <= bounds[name]
            np.testing.assert_allclose(p.numpy().std(), bounds[name] / math.sqrt(3), rtol=0.06)


def test_dropout_in_training_only():
    layer = TransformerEncoderLayer(4, 2, 8, dropout=0.5)
    x = drawn(3, 2, 4, dtype=np.float32)
    assert not np.array_equal(layer(x).numpy(), layer(x).numpy())
    layer.eval()
    np.testing.assert_array_equal(layer(x).numpy(), layer(x).numpy())


def test_causal_without_a_mask():
    layer = TransformerEncoder(TransformerEncoderLayer(4, 2, 8, dropout=0.0), 2).double()
    x = drawn(3, 2, 4)
    masked = layer(x, mask=Transformer.generate_square_subsequent_mask(3))
    np.testing.assert_allclose(layer(x, is_causal=True).numpy(), masked.numpy(), rtol=1e-12)
    t = Tensor(x)
    layer(t, is_causal=True)[0].sum().backward()
    np.testing.assert_array_equal(t.grad.numpy()[1:], 0)


SMALL = {
    "encoder": lambda: TransformerEncoderLayer(4, 2, 3, dropout=0.0, activation="gelu", norm_first=True),
    "decoder": lambda: Called(TransformerDecoderLayer(4, 2, 3, dropout=0.0, activation=np.tanh), {"memory": drawn(3, 1, 4)}),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_gradients_to_second_order(name):
    """Of the parameters to first order only: that of the bias of keys is zero, and differences find rounding there."""
    layer = SMALL[name]().double()
    check_grads(lambda x: layer(x), drawn(2, 1, 4), rtol=1e-6)
    check_grads(layer, drawn(2, 1, 4), order=1, rtol=1e-6)


@pytest.mark.parametrize(
    "make",
    [
        partial(TransformerEncoderLayer, 4, 2, 8),
        partial(TransformerEncoderLayer, 4, 2, 8, dropout=0.0, activation="gelu", norm_first=True, batch_first=True),
    ],
)
def test_a_recorded_step_of_an_encoder_replays(make):
    replays(TransformerEncoder(make(), 2), drawn(3, 2, 4, dtype=np.float32))


def test_a_recorded_step_of_a_transformer_replays():
    replays(Transformer(4, 2, 1, 1, 8), drawn(3, 2, 4, dtype=np.float32), drawn(2, 2, 4, dtype=np.float32))


X = np.ones((3, 2, 4))


@pytest.mark.parametrize(
    ("act", "kind", "words"),
    [
        (lambda: TransformerEncoderLayer(4, 3), ShapeError, "MultiheadAttention: embed_dim 4 is to be a multiple of num_heads"),
        (
            lambda: TransformerEncoderLayer(4, 2, activation="sin"),
            ValueError,
            'TransformerEncoderLayer: activation is "relu", ',
        ),
        (
            lambda: Transformer(4, 2, 1, 1, 8)(X, X[:, :1]),
            ShapeError,
            "nn.Transformer: src and tgt are to be of one batch, got shapes (3, 2, 4) and (3, 1, 4)",
        ),
        (
            lambda: Transformer(6, 2, 1, 1, 8)(X, X),
            ShapeError,
            "nn.Transformer: expected 6 features in the last axes, got shapes (3, 2, 4) and (3, 2, 4)",
        ),
        (
            lambda: TransformerEncoder(TransformerEncoderLayer(6, 2, 8), 2)(X),
            ShapeError,
            "nn.MultiheadAttention 'layers.0.self_attn': expected 6 features in the last axis of query, got 4",
        ),
    ],
)
def test_errors(act, kind, words):
    with pytest.raises(kind, match="^" + re.escape(words)):
        act()
