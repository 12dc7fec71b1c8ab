"""Dropout: what is exact (p = 0, p = 1, eval), the distribution of the rest, gradients, recordings, errors word for word."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd as ag
import nn
from autograd import DtypeError, ShapeError, Tensor
from autograd.testing import check_grads
from nn import Sequential, functional
from nn.dropout import AlphaDropout, Dropout, Dropout1d, Dropout2d, FeatureAlphaDropout
from nn.functional.dropout import FLOOR
from nn.linear import Linear

from .held import equal_to_torch, replays

rng = np.random.default_rng(0)
torch_only = pytest.mark.torch
FAMILY = {
    "Dropout": (2, 3, 4, 2),
    "Dropout1d": (2, 3, 4),
    "Dropout2d": (2, 3, 4, 2),
    "AlphaDropout": (2, 3, 4),
    "FeatureAlphaDropout": (2, 3, 4),
}
FUNCTIONS = {
    "dropout": (40, 50),
    "dropout1d": (40, 50, 3),
    "dropout2d": (40, 50, 3, 2),
    "alpha_dropout": (40, 50),
    "feature_alpha_dropout": (40, 50, 3),
}


@torch_only
@pytest.mark.parametrize("name", FAMILY)
@settings(max_examples=10, deadline=None)
@given(p=st.sampled_from([0.0, 0.3, 1.0]), training=st.booleans())
def test_what_is_not_random_is_pytorchs(name, p, training):
    torch = pytest.importorskip("torch")
    ours, theirs = getattr(nn, name)(p), getattr(torch.nn, name)(p)
    assert repr(ours) == repr(theirs)
    if p in (0.0, 1.0) or not training:
        equal_to_torch(ours.train(training), theirs, rng.normal(size=FAMILY[name]))


@pytest.mark.parametrize("name", FAMILY)
def test_eval_and_p_of_zero_are_the_identity(name):
    x = Tensor(np.ones(FAMILY[name]))
    layer = getattr(nn, name)
    assert layer(0.5).eval()(x) is x
    assert layer(0.0)(x) is x


@pytest.mark.parametrize("name", FUNCTIONS)
def test_p_of_one_gives_zeros_and_zero_gradients_infinite_inputs_included(name):
    x = Tensor(np.full(FUNCTIONS[name], np.inf, np.float32))
    y = getattr(functional, name)(x, 1.0, training=True)
    y.sum().backward()
    assert y.dtype == x.grad.dtype == np.float32
    assert not y.detach().numpy().any()
    assert not x.grad.numpy().any()


@pytest.mark.parametrize("name", ["dropout", "dropout1d", "dropout2d"])
@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_elements_or_channels_are_dropped_with_probability_p_and_the_others_scaled(name, p):
    ag.random.seed(3)
    x = Tensor(rng.normal(size=FUNCTIONS[name]))
    y = getattr(functional, name)(x, p)
    y.sum().backward()
    factors = x.grad.numpy()
    np.testing.assert_allclose(y.detach().numpy(), x.detach().numpy() * factors, rtol=1e-12)
    assert {*np.unique(factors)} == {0.0, 1 / (1 - p)}
    by_channel = factors.reshape(40, 50, -1)
    assert (by_channel == by_channel[..., :1]).all()
    dropped = (by_channel[..., 0] == 0).mean()
    assert abs(dropped - p) < 5 * (p * (1 - p) / 2000) ** 0.5


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_alpha_dropout_keeps_mean_zero_and_variance_one(p):
    ag.random.seed(3)
    x = rng.normal(size=(500, 400))
    y = functional.alpha_dropout(x, p, training=True)
    np.testing.assert_allclose([y.mean(), y.std()], [0, 1], atol=0.02)
    values, counts = np.unique(y.numpy().round(9), return_counts=True)
    assert counts.max() == pytest.approx(p * x.size, rel=0.02)  # those at the floor
    slope = ((1 - p) * (1 + p * FLOOR**2)) ** -0.5
    assert values[counts.argmax()] == pytest.approx(slope * FLOOR * (1 - p))
    z = functional.feature_alpha_dropout(x[..., None] * np.ones(3), p, training=True).numpy()
    assert np.ptp(z, axis=-1).max() < 1e-12
    np.testing.assert_allclose([z.mean(), z.std()], [0, 1], atol=0.02)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_in_both_modes_to_second_order(name):
    shape = (2, 3, 2, 2)[: len(FUNCTIONS[name])]

    def f(x):
        ag.random.seed(7)
        return getattr(functional, name)(x, 0.4, True) ** 2

    check_grads(f, rng.normal(size=shape), rtol=1e-7)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dtypes_are_kept(name, dtype):
    x = Tensor(np.ones(FUNCTIONS[name], dtype))
    y = getattr(functional, name)(x, 0.25, True)
    y.sum().backward()
    assert y.dtype == x.grad.dtype == dtype


def test_equal_seeds_drop_the_same_whatever_the_dtype():
    found = []
    for dtype in (np.float32, np.float64, np.float32):
        ag.random.seed(5)
        found.append(functional.dropout(np.ones(1000, dtype)).numpy() == 0)
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_recorded_steps_draw_anew_from_the_same_stream():
    x = rng.normal(size=(4, 3)).astype(np.float32)
    replays(Sequential(Linear(3, 8), Dropout(0.5), Linear(8, 2), AlphaDropout(0.2), Dropout(1.0)), x)
    ag.random.seed(1)
    first, program = ag.record(functional.dropout, np.ones(100))
    assert (first.numpy() != program.run(np.ones(100)).numpy()).any()


def test_an_empty_input_stays_empty():
    assert functional.dropout(Tensor(np.zeros((0, 3)))).shape == (0, 3)
    assert Dropout2d()(Tensor(np.zeros((0, 3, 2, 2)))).shape == (0, 3, 2, 2)


def test_a_trap_p_of_one_in_training():
    x = Tensor([1.0, 2.0])
    y = functional.dropout(x, 1.0)
    y.sum().backward()
    assert y.tolist() == x.grad.tolist() == [0.0, 0.0]


ERRORS = [
    (lambda: Dropout(1.5), ShapeError, "Dropout: dropout probability has to be between 0 and 1, but got 1.5"),
    (
        lambda: functional.dropout(np.ones(2), -0.1),
        ShapeError,
        "dropout: dropout probability has to be between 0 and 1, but got -0.1",
    ),
    (
        lambda: Sequential(Dropout())(np.ones(2, int)),
        DtypeError,
        "nn.Dropout '0': expected an input of floats, got int64. Convert it: x.astype('float32')",
    ),
    (lambda: Dropout1d()(np.ones(2)), ShapeError, "nn.Dropout1d: expected an input (N, C, L) or (C, L), got shape (2,)"),
    (
        lambda: Dropout2d()(np.ones((2, 3, 4))),
        ShapeError,
        "nn.Dropout2d: expected an input (N, C, H, W), got shape (2, 3, 4): for (N, C, L) take dropout1d, to an image "
        "(C, H, W) add an axis, x[None]",
    ),
    (
        lambda: FeatureAlphaDropout()(np.ones(2)),
        ShapeError,
        "nn.FeatureAlphaDropout: expected an input (N, C, ...), got shape (2,)",
    ),
]


@pytest.mark.parametrize(("call", "kind", "words"), ERRORS, ids=[words[:40] for *_, words in ERRORS])
def test_errors_say_what_is_wrong(call, kind, words):
    with pytest.raises(kind, match=f"^{re.escape(words)}$"):
        call()
