"""Activations: against PyTorch, finite differences, their definitions; at kinks, in tails; recorded; errors word for word."""

import inspect
import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd as ag
from autograd import DtypeError, ShapeError, Tensor
from autograd.ops import activations as ops
from autograd.testing import check_grads
from nn import Sequential
from nn import activation as layers
from nn.functional import activation as F

from .held import equal_to_torch, replays

torch_only = pytest.mark.torch
rng = np.random.default_rng(0)
shapes = st.lists(st.integers(0, 4), max_size=3).map(tuple)
numbers = st.floats(-3, 3).map(lambda v: round(v, 3))
positive = st.floats(0.1, 3).map(lambda v: round(v, 3))
nothing = st.just({})


def drawn(shape, seed=0):
    """Values on both sides of every bend, and none on one."""
    return np.asarray(np.random.default_rng(seed).normal(size=shape) * 3)


# The modules of one elementwise input, and what their arguments may be.
ELEMENTWISE = {
    **dict.fromkeys(["ReLU", "ReLU6", "SELU", "SiLU", "Mish", "Hardsigmoid", "Hardswish"], nothing),
    **dict.fromkeys(["Softsign", "Tanhshrink", "Sigmoid", "Tanh", "LogSigmoid"], nothing),
    "LeakyReLU": st.fixed_dictionaries({}, optional={"negative_slope": numbers}),
    "RReLU": st.fixed_dictionaries({}, optional={"lower": st.floats(0, 0.3), "upper": st.floats(0.3, 2)}),
    "ELU": st.fixed_dictionaries({}, optional={"alpha": positive}),
    "CELU": st.fixed_dictionaries({}, optional={"alpha": positive}),
    "GELU": st.fixed_dictionaries({}, optional={"approximate": st.sampled_from(["none", "tanh"])}),
    "Softplus": st.fixed_dictionaries({}, optional={"beta": positive, "threshold": st.floats(1, 30)}),
    "Softshrink": st.fixed_dictionaries({}, optional={"lambd": positive}),
    "Hardshrink": st.fixed_dictionaries({}, optional={"lambd": positive}),
    "Threshold": st.fixed_dictionaries({"threshold": numbers, "value": numbers}),
    "Hardtanh": st.fixed_dictionaries({}, optional={"min_val": st.floats(-2, -0.5), "max_val": st.floats(0.5, 2)}),
}
ROUNDED = {"Hardsigmoid": 1e-7, "CELU": 1e-6}  # PyTorch keeps 1 / 6 and 1 / alpha in float32, in its slopes of float64 too
IN_PLACE = ["ReLU", "ReLU6", "LeakyReLU", "ELU", "SELU", "CELU", "SiLU", "Mish", "Threshold", "Hardtanh", "RReLU"]


# --- against PyTorch -------------------------------------------------------------------------------------------------------


@torch_only
@pytest.mark.parametrize("name", ELEMENTWISE)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_elementwise_layers_are_pytorchs(name, data):
    torch = pytest.importorskip("torch")
    options = data.draw(ELEMENTWISE[name])
    x = drawn(data.draw(shapes), data.draw(st.integers(0, 99)))
    ours, theirs = getattr(layers, name)(**options), getattr(torch.nn, name)(**options)
    assert repr(ours) == repr(theirs)
    equal_to_torch(ours.eval(), theirs, x, rtol=ROUNDED.get(name, 1e-9))


@torch_only
@settings(max_examples=20, deadline=None)
@given(shape=st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple), each=st.booleans(), init=numbers)
def test_prelu_is_pytorchs(shape, each, init):
    torch = pytest.importorskip("torch")
    count = shape[1] if each and len(shape) > 1 else 1
    ours, theirs = layers.PReLU(count, init), torch.nn.PReLU(count, init)
    assert repr(ours) == repr(theirs)
    np.testing.assert_array_equal(ours.weight.numpy(), theirs.weight.detach().numpy())
    equal_to_torch(ours, theirs, drawn(shape))


@torch_only
@pytest.mark.parametrize("name", ["Softmax", "Softmin", "LogSoftmax"])
@settings(max_examples=12, deadline=None)
@given(data=st.data(), shape=st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple))
def test_softmax_and_its_like_are_pytorchs(name, data, shape):
    torch = pytest.importorskip("torch")
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    ours, theirs = getattr(layers, name)(dim), getattr(torch.nn, name)(dim)
    assert repr(ours) == repr(theirs)
    equal_to_torch(ours, theirs, drawn(shape))


@torch_only
@settings(max_examples=12, deadline=None)
@given(data=st.data(), shape=st.lists(st.integers(0, 3), min_size=1, max_size=3))
def test_glu_is_pytorchs(data, shape):
    torch = pytest.importorskip("torch")
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    shape[dim] *= 2
    assert repr(layers.GLU(dim)) == repr(torch.nn.GLU(dim))
    equal_to_torch(layers.GLU(dim), torch.nn.GLU(dim), drawn(shape))


@torch_only
@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (3, 1, 2)])
def test_softmax2d_is_pytorchs(shape):
    torch = pytest.importorskip("torch")
    equal_to_torch(layers.Softmax2d(), torch.nn.Softmax2d(), drawn(shape))


@torch_only
@settings(max_examples=25, deadline=None)
@given(data=st.data(), shape=st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple))
def test_normalize_and_similarities_are_pytorchs(data, shape):
    torch = pytest.importorskip("torch")
    x, y = drawn(shape, 1), drawn(shape, 2)
    dim, p = data.draw(st.integers(-len(shape), len(shape) - 1)), data.draw(st.sampled_from([1.0, 1.5, 2.0, 3.0, math.inf]))
    eps = data.draw(st.sampled_from([1e-8, 0.5, 3.0]))
    theirs = torch.nn.functional
    equal_to_torch(F.normalize, theirs.normalize, x, p=p, dim=dim, eps=eps)
    other = y[:1] if data.draw(st.booleans()) else y
    equal_to_torch(layers.CosineSimilarity(dim), torch.nn.CosineSimilarity(dim), x, other)
    keepdim = data.draw(st.booleans())
    ours, those = layers.PairwiseDistance(p, eps, keepdim), torch.nn.PairwiseDistance(p, eps, keepdim)
    assert repr(ours) == repr(those)
    equal_to_torch(ours, those, x, y)


@torch_only
@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place_is_shown_and_not_done(name):
    torch = pytest.importorskip("torch")
    required = {"threshold": 0.1, "value": 2.0} if name == "Threshold" else {}
    ours = getattr(layers, name)(**required, inplace=True)
    assert repr(ours) == repr(getattr(torch.nn, name)(**required, inplace=True))
    x = Tensor([-1.0, 2.0])
    ours(x)
    assert x.tolist() == [-1.0, 2.0]


@torch_only
def test_arguments_are_pytorchs():
    """Names, order and defaults of every constructor."""
    torch = pytest.importorskip("torch")
    for name in [*ELEMENTWISE, "PReLU", "GLU", "Softmax", "Softmin", "LogSoftmax", "Softmax2d"]:
        ours = inspect.signature(getattr(layers, name)).parameters.values()
        theirs = inspect.signature(getattr(torch.nn, name)).parameters.values()
        there = {p.name: p.default for p in theirs if p.name not in ("args", "kwargs", "min_value", "max_value")}
        assert {p.name: p.default for p in ours} == there, name


# --- finite differences, definitions, recordings ---------------------------------------------------------------------------

POINTS = np.array([[-2.3, -0.71, 0.31], [0.83, 2.2, 3.4]])
SMOOTH = ["relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "mish", "softplus", "softsign", "softshrink"]
SMOOTH += ["hardshrink", "tanhshrink", "hardtanh", "hardswish", "hardsigmoid", "sigmoid", "tanh", "logsigmoid"]
FUNCTIONS = {
    **{name: getattr(F, name) for name in SMOOTH},
    "celu narrow": lambda x: F.celu(x, 0.3),
    "gelu tanh": lambda x: F.gelu(x, "tanh"),
    "threshold": lambda x: F.threshold(x, 0.5, 7.0),
    "glu": lambda x: F.glu(x, 0),
    "softmax": lambda x: F.softmax(x, 0),
    "softmin": lambda x: F.softmin(x, 1),
    "log_softmax": lambda x: F.log_softmax(x, 1),
    "safe_softmax": ops.safe_softmax,
    "normalize": F.normalize,
    "rrelu": F.rrelu,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives_to_second_order(name):
    check_grads(FUNCTIONS[name], POINTS, name=name)


@pytest.mark.parametrize("f", [F.prelu, F.cosine_similarity, F.pairwise_distance])
def test_derivatives_of_two_inputs(f):
    w = np.array([0.3, -0.7, 1.4]) if f is F.prelu else POINTS[::-1] * 0.7
    check_grads(f, POINTS, w)


@pytest.mark.parametrize(
    "name", ["ReLU", "GELU", "SiLU", "ELU", "Softplus", "Hardswish", "Mish", "LogSigmoid", "Hardtanh", "GLU"]
)
def test_recorded_steps_replay(name):
    replays(Sequential(layers.PReLU(4), getattr(layers, name)()), drawn((3, 4)))


@pytest.mark.parametrize("layer", [layers.RReLU(), layers.Softmax(-1), layers.LogSoftmax(0)])
def test_recorded_steps_replay_with_draws_and_axes(layer):
    replays(Sequential(layers.PReLU(1), layer), drawn((3, 4)))


# --- kinks and tails -------------------------------------------------------------------------------------------------------

inf, nan = math.inf, math.nan
# function, points, values, slopes
EDGES = {
    "relu": (F.relu, [0.0, -inf, inf], [0, 0, inf], [0, 0, 1]),
    "leaky_relu": (F.leaky_relu, [0.0], [0], [0.01]),
    "leaky_relu steep": (lambda x: F.leaky_relu(x, 3.0), [0.0], [0], [1]),
    "leaky_relu upwards": (lambda x: F.leaky_relu(x, -2.0), [0.0, -1.0], [0, 2], [0, -2]),
    "prelu": (lambda x: F.prelu(x, [0.25]), [0.0, -2.0], [0, -0.5], [0.25, 0.25]),
    "prelu steep": (lambda x: F.prelu(x, [2.0]), [0.0, -2.0], [0, -4], [1, 2]),
    "elu": (F.elu, [0.0, 1000.0, -1000.0, -inf], [0, 1000, -1, -1], [1, 1, 0, 0]),
    "elu steep": (lambda x: F.elu(x, 2.0), [0.0], [0], [1]),
    "elu flat": (lambda x: F.elu(x, 0.5), [0.0], [0], [0.5]),
    "celu": (lambda x: F.celu(x, 2.0), [0.0, -1e4], [0, -2], [1, 0]),
    "selu": (F.selu, [0.0], [0], [F.SELU_SCALE]),
    "relu6": (F.relu6, [0.0, 6.0], [0, 6], [0, 0]),
    "hardtanh": (F.hardtanh, [-1.0, 1.0], [-1, 1], [0, 0]),
    "hardswish": (F.hardswish, [-3.0, 3.0, -inf, inf], [0, 3, 0, inf], [0, 1, 0, 1]),
    "hardsigmoid": (F.hardsigmoid, [-3.0, 3.0, -inf, inf], [0, 1, 0, 1], [0, 0, 0, 0]),
    "softshrink": (F.softshrink, [-0.5, 0.5, inf], [0, 0, inf], [0, 0, 1]),
    "hardshrink": (F.hardshrink, [-0.5, 0.5, nan], [0, 0, nan], [0, 0, 0]),
    "threshold": (lambda x: F.threshold(x, 1.0, 5.0), [1.0, 2.0], [5, 2], [0, 1]),
    "gelu": (F.gelu, [0.0, -40.0, 40.0, -inf, inf], [0, 0, 40, 0, inf], [0.5, 0, 1, 0, 1]),
    "gelu tanh": (lambda x: F.gelu(x, "tanh"), [0.0, -40.0, 40.0, -inf, inf], [0, 0, 40, 0, inf], [0.5, 0, 1, 0, 1]),
    "silu": (F.silu, [0.0, -1000.0, 1000.0, -inf, inf], [0, 0, 1000, 0, inf], [0.5, 0, 1, 0, 1]),
    "mish": (F.mish, [0.0, -1000.0, 1000.0, -inf], [0, 0, 1000, 0], [0.6, 0, 1, 0]),
    "softplus": (F.softplus, [-1000.0, 0.0, 1000.0, inf, -inf], [0, math.log(2), 1000, inf, 0], [0, 0.5, 1, 1, 0]),
    "logsigmoid": (F.logsigmoid, [-1000.0, 0.0, 1000.0, -inf], [-1000, -math.log(2), 0, -inf], [1, 0.5, 0, 1]),
    "softsign": (F.softsign, [0.0, inf, -inf], [0, 1, -1], [1, 0, 0]),
    "tanhshrink": (F.tanhshrink, [0.0, inf], [0, inf], [0, 1]),
}


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("name", EDGES)
def test_values_and_slopes_at_the_edges(name, dtype):
    f, points, values, slopes = EDGES[name]
    x = Tensor(np.array(points, dtype))
    y = f(x)
    y.sum().backward()
    assert y.dtype == x.grad.dtype == dtype
    rtol = {np.float16: 2e-3, np.float32: 1e-6, np.float64: 1e-15}[dtype]
    np.testing.assert_allclose(y.detach().numpy(), np.array(values, dtype), rtol=rtol)
    np.testing.assert_allclose(x.grad.numpy(), np.array(slopes, dtype), rtol=rtol)


@pytest.mark.parametrize(
    ("f", "x", "value", "slope"),
    [
        (F.logsigmoid, 40.0, -4.248354255291589e-18, 4.248354255291589e-18),
        (F.softplus, -40.0, 4.248354255291589e-18, 4.248354255291589e-18),
        (F.silu, -40.0, -40 * 4.248354255291589e-18, -39 * 4.248354255291589e-18),
        (F.gelu, -10.0, -7.619853024160527e-23, -7.618400096464814e-22),
        (F.softsign, 1e8, 1.0, 1e-16),
        (F.tanhshrink, 1e-6, 0.0, 1e-12),
    ],
)
def test_tails_keep_their_digits(f, x, value, slope):
    t = Tensor([x])
    y = f(t)
    y.sum().backward()
    np.testing.assert_allclose(y.item(), value, rtol=1e-7, atol=1e-17 if value == 0 else 0)
    np.testing.assert_allclose(t.grad.item(), slope, rtol=1e-7)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("f", [F.gelu, lambda x: F.gelu(x, "tanh"), F.silu], ids=["gelu", "gelu tanh", "silu"])
def test_far_out_nothing_bends(f, dtype):
    far = np.array([40, 300, 6e4] if dtype == np.float16 else [1e4, 1e20, 3e38]).astype(dtype)
    x = np.concatenate([-far, far])

    def slope(x):
        return ag.grad(lambda x: f(x).sum())(x)

    def bend(x):
        return ag.grad(lambda x: slope(x).sum())(x)

    assert bend(x).dtype == dtype
    np.testing.assert_array_equal(bend(x), np.zeros(6))
    np.testing.assert_array_equal(ag.grad(lambda x: bend(x).sum())(x), np.zeros(6))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_hardswish_of_the_largest_numbers_is_finite(dtype):
    top = np.finfo(dtype).max
    assert F.hardswish(np.array([top])) == top


def test_single_precision_is_as_good_as_it_can_be():
    """The formulas of gelu for float32 against those for float64, in the tails relative to the value."""
    x = np.linspace(-13, 13, 40_001).astype(np.float32)
    for f in (ops.gelu, ops.gelu_slope, ops.gelu_tanh, ops.gelu_tanh_slope, ops.silu, ops.silu_slope):
        got, wanted = f(x), f(x.astype(np.float64))
        assert got.dtype == np.float32
        np.testing.assert_allclose(got[x < -2], wanted[x < -2], rtol=2e-5, atol=1e-37)
        np.testing.assert_allclose(got, wanted, rtol=3e-6, atol=3e-7)


def test_long_arrays_in_blocks_are_what_short_ones_are():
    x = rng.normal(size=3 * ops.BLOCK + 5).astype(np.float32)
    for f in (ops.gelu, ops.silu_slope):
        np.testing.assert_array_equal(f(x), np.concatenate([f(part) for part in np.array_split(x, 7)]))


def test_a_masked_row_is_zero_and_so_is_its_slope():
    x = Tensor([[0.0, -inf, 1.0], [-inf, -inf, -inf]])
    y = ops.safe_softmax(x)
    np.testing.assert_allclose(y.detach().numpy()[0], [1 / (1 + math.e), 0, math.e / (1 + math.e)])
    assert y.tolist()[1] == [0, 0, 0]
    (y * y).sum().backward(create_graph=True)
    assert x.grad.tolist()[1] == [0, 0, 0]
    assert np.isfinite(x.grad.detach().numpy()).all()
    first, x.grad = x.grad, None
    (first * first).sum().backward()
    assert x.grad.tolist()[1] == [0, 0, 0]
    assert np.isfinite(x.grad.numpy()).all()
    assert ops.safe_softmax(np.zeros((2, 0))).shape == (2, 0)


def test_a_vector_of_zeros_has_no_direction():
    x, y = Tensor([0.0, 0.0]), Tensor([1.0, 0.0])
    z = F.cosine_similarity(x, y, dim=0)
    z.backward()
    assert (z.item(), x.grad.tolist(), y.grad.tolist()) == (0.0, [0.0, 0.0], [0.0, 0.0])


def test_a_vector_of_zeros_in_float16_stays_one():
    x = np.zeros((1, 2), np.float16)
    assert F.normalize(x).tolist() == F.normalize(x, p=1).tolist() == [[0, 0]]


def test_small_and_large_vectors_have_a_direction():
    x = np.array([[3e-200, 4e-200], [3e200, 4e200]])
    np.testing.assert_allclose(F.normalize(x, eps=1e-300), [[0.6, 0.8]] * 2)
    np.testing.assert_allclose(F.cosine_similarity(x, x, eps=1e-300), [1, 1])


# --- draws -----------------------------------------------------------------------------------------------------------------


def test_random_slopes_lie_in_their_interval():
    ag.random.seed(1)
    x = Tensor(np.full(10_000, -1.0))
    y = layers.RReLU(0.2, 0.6)(x)
    y.sum().backward()
    slopes = x.grad.numpy()
    np.testing.assert_array_equal(y.detach().numpy(), -slopes)
    assert 0.2 <= slopes.min() < 0.21 < 0.59 < slopes.max() <= 0.6
    assert abs(slopes.mean() - 0.4) < 0.01
    assert layers.RReLU(0.2, 0.6).eval()(Tensor([-1.0])).item() == pytest.approx(-0.4)


def test_gumbel_softmax_draws_by_the_probabilities():
    ag.random.seed(1)
    p = np.array([0.5, 0.3, 0.2])
    logits = Tensor(np.broadcast_to(np.log(p), (20_000, 3)))
    hard = F.gumbel_softmax(logits, hard=True)
    np.testing.assert_allclose(hard.detach().numpy().mean(axis=0), p, atol=0.01)
    np.testing.assert_allclose(np.sort(hard.detach().numpy(), axis=1), np.broadcast_to([0, 0, 1.0], (20_000, 3)), atol=1e-12)
    (hard * np.array([1.0, 2.0, 3.0])).sum().backward()
    assert np.abs(logits.grad.numpy()).max() > 0.1
    np.testing.assert_allclose(logits.grad.numpy().sum(axis=1), 0, atol=1e-12)
    soft = F.gumbel_softmax(logits[:5].detach(), tau=0.3, dim=0).numpy()
    np.testing.assert_allclose(soft.sum(axis=0), 1)
    assert F.gumbel_softmax(np.zeros((2, 3), np.float32)).dtype == np.float32


# --- plain values, modules, errors -----------------------------------------------------------------------------------------


def test_plain_in_plain_out():
    assert F.relu([-1.0, 2.0]).tolist() == [0.0, 2.0]
    assert type(F.gelu(np.ones(2))) is np.ndarray
    assert F.silu(0.0) == 0.0
    assert F.softmax(np.zeros(4), 0).tolist() == [0.25] * 4


def test_state_of_prelu():
    layer = layers.PReLU(2, init=0.1)
    assert {name: value.tolist() for name, value in layer.state_dict().items()} == {"weight": [np.float32(0.1)] * 2}
    assert layers.PReLU(dtype=np.float64).weight.dtype == np.float64


ERRORS = [
    (lambda: F.gelu([1, 2]), DtypeError, "gelu: expected an input of floats, got int64. Convert it: input.astype('float32')"),
    (lambda: F.relu(layers.ReLU()), DtypeError, "relu: the input is a module, not what it returns. Call it: model(x)"),
    (
        lambda: layers.Softmax()([[1.0]]),
        ShapeError,
        "nn.Softmax: say along which axis, dim=-1 for the last one (input shape (1, 1))",
    ),
    (lambda: F.softmax([1.0], 2), ShapeError, "softmax: there is no axis 2 in an input of shape (1,)"),
    (lambda: F.glu([1.0, 2.0, 3.0]), ShapeError, "glu: an axis of even length is halved, and axis -1 of shape (3,) is odd"),
    (
        lambda: Sequential(layers.PReLU(3))(np.ones((2, 4))),
        ShapeError,
        "nn.PReLU '0': 3 weights for 4 channels in the second axis (input shape (2, 4))",
    ),
    (lambda: F.gelu([1.0], "erf"), ValueError, "gelu: approximate is 'none' or 'tanh', not 'erf'"),
    (lambda: F.hardtanh([1.0], 2.0, 1.0), ValueError, "hardtanh: min_val 2.0 is above max_val 1.0"),
    (lambda: F.softshrink([1.0], -1.0), ValueError, "softshrink: lambd is at least 0, not -1.0"),
    (lambda: F.rrelu([1.0], 2.0, 1.0), ValueError, "rrelu: the lower slope 2.0 is above the upper one, 1.0"),
    (lambda: F.celu([1.0], 0), ValueError, "celu: alpha cannot be 0, for x is divided by it"),
    (lambda: F.softplus([1.0], 0), ValueError, "softplus: beta cannot be 0, for it is divided by"),
    (
        lambda: F.cosine_similarity(np.ones((2, 3)), np.ones((2, 4))),
        ShapeError,
        "cosine_similarity: the shapes (2, 3) and (2, 4) do not fit together",
    ),
    (
        lambda: layers.Softmax2d()(np.ones((2, 3))),
        ShapeError,
        "nn.Softmax2d: expected an input (N, C, H, W) or (C, H, W), got shape (2, 3)",
    ),
    (lambda: layers.LeakyReLU(slope=1), TypeError, "LeakyReLU: got an unexpected keyword argument 'slope'"),
    (lambda: layers.Threshold(1.0), TypeError, "Threshold: missing a required argument: 'value'"),
]


@pytest.mark.parametrize(("call", "kind", "words"), ERRORS, ids=[words[:25] for _, _, words in ERRORS])
def test_errors_word_for_word(call, kind, words):
    with pytest.raises(kind, match=f"^{re.escape(words)}$"):
        call()
