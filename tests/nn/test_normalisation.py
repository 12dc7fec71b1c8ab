"""Layers that normalise: against PyTorch, finite differences, their definitions; recorded; statistics; errors word for word."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd as ag
from autograd import DtypeError, ShapeError, Tensor
from autograd.ops import normalisation as ops
from autograd.testing import check_grads
from nn import Sequential, normalisation
from nn.functional import normalisation as functional
from nn.functional.normalisation import batch_norm, group_norm, instance_norm, layer_norm, local_response_norm, rms_norm
from nn.normalisation import BatchNorm1d, BatchNorm2d, GroupNorm, InstanceNorm1d, LayerNorm, LocalResponseNorm, RMSNorm

from .held import equal_to_torch, replays

rng = np.random.default_rng(0)
torch_only = pytest.mark.torch
sizes, several = st.integers(1, 4), st.integers(2, 4)
flags = st.booleans()
momenta = st.sampled_from([None, 0.1, 0.0, 1.0])
epsilons = st.sampled_from([1e-5, 0.1])


def drawn(*shape, dtype=np.float64):
    return rng.normal(size=shape).astype(dtype)


def compare(name, arguments, *inputs, training=True, steps=1, **options):
    """Ours and PyTorch's layer, with random weights, over several batches."""
    torch = pytest.importorskip("torch")
    ours, theirs = getattr(normalisation, name)(*arguments, **options), getattr(torch.nn, name)(*arguments, **options)
    assert repr(ours) == repr(theirs)
    for value in (*theirs.parameters(), *theirs.buffers()):
        if value.is_floating_point():
            value.data.uniform_(0.5, 1.5)
    ours.train(training)
    for i in range(steps):
        equal_to_torch(ours, theirs, *(x + i for x in inputs), rtol=1e-8, atol=1e-9)
        theirs.zero_grad()
        ours.zero_grad()


# --- against PyTorch -------------------------------------------------------------------------------------------------------


@torch_only
@settings(max_examples=40, deadline=None)
@given(
    st.lists(sizes, max_size=2), st.lists(several, min_size=1, max_size=2), epsilons, flags, flags, st.sampled_from("LR"), flags
)
def test_layer_and_rms_norm_are_pytorchs(lead, shape, eps, affine, bias, kind, default):
    x = drawn(*lead, *shape)
    if kind == "L":
        compare("LayerNorm", (shape, eps, affine, bias), x)
    else:
        compare("RMSNorm", (shape, None if default else eps, affine), x)


@torch_only
@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["1d", "2d"]), several, sizes, several, epsilons, momenta, flags, flags, flags, flags, flags)
def test_batch_norm_is_pytorchs(dims, n, channels, length, eps, momentum, affine, bias, track, training, flat):
    inner = (length, 2) if dims == "2d" else () if flat else (length,)
    arguments = (channels, eps, momentum, affine, track)
    compare("BatchNorm" + dims, arguments, drawn(n, channels, *inner), training=training, steps=2, bias=bias)


@torch_only
@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["1d", "2d"]), sizes, sizes, several, epsilons, st.sampled_from([0.1, 1.0]), flags, flags, flags, flags)
def test_instance_norm_is_pytorchs(dims, n, channels, length, eps, momentum, affine, track, training, batched):
    inner = (length, 2) if dims == "2d" else (length,)
    x = drawn(*([n] if batched else []), channels, *inner)
    compare("InstanceNorm" + dims, (channels, eps, momentum, affine, track), x, training=training, steps=2)


@torch_only
@settings(max_examples=40, deadline=None)
@given(sizes, sizes, several, st.lists(sizes, max_size=2), epsilons, flags, flags)
def test_group_norm_is_pytorchs(n, groups, each, inner, eps, affine, bias):
    compare("GroupNorm", (groups, groups * each, eps, affine), drawn(n, groups * each, *inner), bias=bias)


@torch_only
@settings(max_examples=20, deadline=None)
@given(sizes, sizes, sizes, st.integers(1, 6), st.floats(0, 2), st.floats(0.1, 2))
def test_local_response_norm_is_pytorchs(n, channels, length, size, alpha, beta):
    compare("LocalResponseNorm", (size, alpha, beta, 1.5), drawn(n, channels, length))


@torch_only
@pytest.mark.parametrize("weight", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("name", ["layer_norm", "group_norm", "batch_norm", "instance_norm"])
def test_functions_are_pytorchs_with_weight_or_bias_alone(name, weight, bias):
    torch = pytest.importorskip("torch")
    if name == "group_norm" and bias and not weight:
        pytest.skip("PyTorch has no gradient there")
    x = drawn(3, 4, 5)
    between = {"layer_norm": ((5,),), "group_norm": (2,)}.get(name, (None, None))
    width = 5 if name == "layer_norm" else 4
    scale = [drawn(width) if wanted else None for wanted in (weight, bias)]
    last = (True,) if name != "group_norm" and name != "layer_norm" else ()
    ours, theirs = getattr(functional, name), getattr(torch.nn.functional, name)
    equal_to_torch(lambda x, w, b: ours(x, *between, w, b, *last), lambda x, w, b: theirs(x, *between, w, b, *last), x, *scale)


@torch_only
@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("scale", [1.0, 300.0, 6e4])
def test_large_values_overflow_nowhere_that_pytorchs_do_not(dtype, scale):
    torch = pytest.importorskip("torch")
    x = (np.array([[1.0, -1.0, 0.5, -0.5]]) * scale * (1 if dtype == "float16" else 1e14)).astype(dtype)
    for name, more in (("layer_norm", {}), ("rms_norm", {"eps": 1e-5})):
        t = torch.from_numpy(x.copy()).requires_grad_()
        y = getattr(torch.nn.functional, name)(t, (4,), **more)
        (y * torch.arange(4)).sum().backward()
        ours = Tensor(x)
        z = getattr(functional, name)(ours, (4,), **more)
        (z * np.arange(4).astype(dtype)).sum().backward()
        assert z.dtype == ours.grad.dtype == x.dtype
        np.testing.assert_allclose(z.detach().numpy(), y.detach().numpy(), rtol=2e-3 if dtype == "float16" else 1e-6)
        np.testing.assert_allclose(ours.grad.numpy(), t.grad.numpy(), rtol=1e-2, atol=1e-2 / scale)


@torch_only
@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (BatchNorm1d(3), (0, 3)),
        (BatchNorm1d(3), (2, 3, 0)),
        (LayerNorm(3), (0, 3)),
        (LayerNorm(0), (2, 0)),
        (GroupNorm(1, 3), (0, 3)),
    ],
)
def test_empty_batches_leave_the_statistics_alone(layer, shape):
    before = layer.state_dict()
    x = Tensor(np.zeros(shape, np.float32))
    y = layer(x)
    y.sum().backward()
    assert y.shape == x.grad.shape == shape
    for name in ("running_mean", "running_var"):
        np.testing.assert_array_equal(layer.state_dict().get(name, 0), before.get(name, 0))


# --- gradients -------------------------------------------------------------------------------------------------------------

CASES = {
    "layer": (lambda x, w, b: layer_norm(x, (4,), w, b), (3, 4), (4,), (4,)),
    "layer, two axes": (lambda x, w, b: layer_norm(x, (2, 3), w, b), (2, 2, 3), (2, 3), (2, 3)),
    "layer, bias alone": (lambda x, b: layer_norm(x, (4,), None, b), (3, 4), (4,)),
    "rms": (lambda x, w: rms_norm(x, (4,), w), (3, 4), (4,)),
    "group": (lambda x, w, b: group_norm(x, 2, w, b), (2, 4, 2), (4,), (4,)),
    "batch": (lambda x, w, b: batch_norm(x, None, None, w, b, training=True), (5, 2), (2,), (2,)),
    "batch of images": (lambda x, w, b: batch_norm(x, None, None, w, b, training=True), (2, 2, 2, 3), (2,), (2,)),
    "batch, evaluated": (lambda x, w, b: batch_norm(x, np.array([0.1, 2.0]), np.array([0.5, 2.0]), w, b), (3, 2), (2,), (2,)),
    "instance": (lambda x, w, b: instance_norm(x, weight=w, bias=b), (2, 2, 4), (2,), (2,)),
    "local response": (lambda x: local_response_norm(x, 3, alpha=0.5), (2, 4, 2)),
}


@pytest.mark.parametrize("case", CASES)
def test_gradients_in_both_modes_to_second_order(case):
    f, *shapes = CASES[case]
    check_grads(f, *(drawn(*shape) for shape in shapes), rtol=1e-7)


RULES = [
    ("layer_norm", (3, 4), 2, {}),
    ("layer_norm", (2, 3, 4), 1, {}),
    ("layer_norm", (3, 4), 0, {}),
    ("layer_norm", (3, 4), 1, {"centred": False}),
    ("layer_norm", (3, 4), 0, {"centred": False}),
    ("batch_norm", (4, 3), 2, {}),
    ("batch_norm", (2, 3, 2, 2), 1, {}),
    ("batch_norm", (4, 3), 0, {}),
]


@pytest.mark.parametrize(("name", "shape", "scale", "options"), RULES)
def test_a_rule_is_its_definition_to_second_order(name, shape, scale, options):
    rule = getattr(ops, name)
    width = shape[-1] if name == "layer_norm" else shape[1]
    inputs = [drawn(*shape), *(drawn(width) for _ in range(scale))]
    outputs = rule(*inputs, eps=0.01, **options)
    weights = [drawn(*np.shape(y)) for y in outputs]

    def results(f):
        def loss(*xs):
            return sum((np.sin(y) * w).sum() for y, w in zip(f(*xs, eps=0.01, **options), weights, strict=True))

        places = tuple(range(len(inputs)))
        first = ag.grad(loss, places)
        second = ag.grad(lambda *xs: sum((g * g).sum() for g in first(*xs)), places)
        return [*f(*map(Tensor, inputs), eps=0.01, **options), *first(*inputs), *second(*inputs)]

    for a, b in zip(results(rule), results(ops.definitions[rule]), strict=True):
        a, b = (v.detach().numpy() if isinstance(v, Tensor) else v for v in (a, b))
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)


def test_recorded_steps_replay():
    x = drawn(6, 4, 2, dtype=np.float32)
    for layer in (BatchNorm1d(4), BatchNorm1d(4, momentum=None), LayerNorm((4, 2)), InstanceNorm1d(4, affine=True)):
        replays(layer, x)
    replays(Sequential(GroupNorm(2, 4), InstanceNorm1d(4, track_running_stats=True), LocalResponseNorm(2), RMSNorm(2)), x)
    replays(BatchNorm2d(4), x[..., None])


# --- statistics ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("value", [0.0, 0.1, 1000.3, -3e4])
def test_constant_rows_give_exactly_zero(value, dtype):
    for length in (1, 2, 3, 100, 1000):
        x = Tensor(np.full((2, length), value, dtype))
        y = layer_norm(x, (length,))
        (y * np.linspace(-1, 1, length).astype(dtype)).sum().backward()
        assert not y.detach().numpy().any()
        assert np.isfinite(x.grad.numpy()).all()
        z = batch_norm(np.full((length + 1, 2), value, dtype), None, None, training=True)
        assert not z.any()


@pytest.mark.parametrize("shape", [(4, 512), (3, 100_000)])
def test_a_common_offset_costs_no_digits(shape):
    small = drawn(*shape, dtype=np.float32)
    x = small + np.float32(1e4)
    exact = x.astype(float)
    exact = (exact - exact.mean(-1, keepdims=True)) / np.sqrt(exact.var(-1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(layer_norm(x, shape[-1:]), exact, rtol=1e-4, atol=3e-6)
    channels = np.ascontiguousarray(x.T)
    np.testing.assert_allclose(batch_norm(channels, None, None, training=True), exact.T, rtol=1e-4, atol=3e-6)


def test_batch_statistics_are_summed_carefully():
    x = (rng.normal(size=(200_000, 2)) * [1, 100] + [5, -300]).astype(np.float32)
    layer = BatchNorm1d(2, momentum=1.0)
    layer(x)
    np.testing.assert_allclose(layer.running_mean.numpy(), x.astype(float).mean(0), rtol=2e-7)
    np.testing.assert_allclose(layer.running_var.numpy(), x.astype(float).var(0, ddof=1), rtol=2e-7)


def test_running_statistics_given_as_arrays_move_in_place():
    mean, var = np.zeros(2), np.ones(2)
    batch_norm(np.array([[1.0, 2.0], [3.0, 6.0]]), mean, var, training=True, momentum=0.5)
    np.testing.assert_allclose(mean, [1.0, 2.0])
    np.testing.assert_allclose(var, [1.5, 4.5])


def test_running_statistics_have_no_graph_and_evaluation_leaves_them_alone():
    layer = BatchNorm1d(2)
    layer(Tensor(drawn(4, 2, dtype=np.float32)))
    before = layer.state_dict()
    assert not any(b.requires_grad for b in layer.buffers())
    assert before["num_batches_tracked"] == 1
    assert before["num_batches_tracked"].dtype == np.int64
    layer.eval()(drawn(4, 2, dtype=np.float32))
    for name, value in layer.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
    layer.reset_running_stats()
    assert [b.numpy().tolist() for b in layer.buffers()] == [[0.0, 0.0], [1.0, 1.0], 0]


@pytest.mark.parametrize(
    "layer", [LayerNorm((2, 3)), RMSNorm(3), BatchNorm2d(3), GroupNorm(1, 3), InstanceNorm1d(3, affine=True)]
)
def test_parameters_are_float32_ones_and_zeros(layer):
    for name, parameter in layer.named_parameters():
        assert parameter.dtype == np.float32
        np.testing.assert_array_equal(parameter.numpy(), np.full(parameter.shape, name == "weight"))


# --- errors ----------------------------------------------------------------------------------------------------------------


def test_given_statistics_may_be_lists():
    x = np.arange(8.0).reshape(2, 2, 2)
    wanted = (x - np.array([[1.0], [2.0]])) / np.array([[2.0], [4.0]])
    for f, options in ((instance_norm, {"use_input_stats": False}), (batch_norm, {})):
        np.testing.assert_allclose(f(x, [1.0, 2.0], [4.0, 16.0], eps=0.0, **options), wanted)


ERRORS = [
    (
        lambda: GroupNorm(0, 4),
        ShapeError,
        "GroupNorm: num_channels must be divisible by num_groups, got 4 and 0",
    ),
    (lambda: LayerNorm(2.5), TypeError, "'float' object cannot be interpreted as an integer"),
    (
        lambda: local_response_norm(np.ones((2, 3, 4)), -1),
        ShapeError,
        "local_response_norm: size is a number of channels, at least 1, not -1",
    ),
    (
        lambda: Sequential(BatchNorm1d(3))(np.ones((1, 3))),
        ShapeError,
        "nn.BatchNorm1d '0': expected more than 1 value per channel when training, got input size (1, 3)",
    ),
    (
        lambda: InstanceNorm1d(3)(np.ones((2, 3, 1))),
        ShapeError,
        "nn.InstanceNorm1d: expected more than 1 spatial element when training, got input size (2, 3, 1)",
    ),
    (
        lambda: group_norm(np.ones((1, 3)), 3),
        ShapeError,
        "group_norm: expected more than 1 value per channel when training, got input size (1, 3)",
    ),
    (
        lambda: BatchNorm2d(3)(np.ones((2, 3))),
        ShapeError,
        "nn.BatchNorm2d: expected 4D input, got 2D input (input shape (2, 3))",
    ),
    (
        lambda: BatchNorm1d(3)(np.ones((2, 3, 4, 5))),
        ShapeError,
        "nn.BatchNorm1d: expected 2D or 3D input, got 4D input (input shape (2, 3, 4, 5))",
    ),
    (lambda: BatchNorm1d(3)(np.ones((2, 4))), ShapeError, "nn.BatchNorm1d: expected 3 channels, got 4 (input shape (2, 4))"),
    (
        lambda: batch_norm(np.ones((2, 4)), None, None, np.ones(3), training=True),
        ShapeError,
        "batch_norm: expected 3 channels in the second axis, as weight has shape (3,), got 4 (input shape (2, 4))",
    ),
    (
        lambda: batch_norm(np.ones((2, 4)), None, None),
        ShapeError,
        "batch_norm: expected running_mean and running_var when not training: there are none",
    ),
    (
        lambda: instance_norm(np.ones((2, 4, 3)), use_input_stats=False),
        ShapeError,
        "instance_norm: expected running_mean and running_var with use_input_stats=False: there are none",
    ),
    (lambda: batch_norm(np.ones(4), None, None), ShapeError, "batch_norm: expected an input (N, C, ...), got shape (4,)"),
    (lambda: group_norm(np.ones(4), 2), ShapeError, "group_norm: expected an input (N, C, ...), got shape (4,)"),
    (
        lambda: group_norm(np.ones((2, 5)), 2),
        ShapeError,
        "group_norm: expected a number of channels that 2 groups divide, got 5 (input shape (2, 5))",
    ),
    (
        lambda: GroupNorm(2, 5),
        ShapeError,
        "GroupNorm: num_channels must be divisible by num_groups, got 5 and 2",
    ),
    (
        lambda: LayerNorm(4)(np.ones((2, 5))),
        ShapeError,
        "nn.LayerNorm: expected last axes of shape (4,), got (5,) (input shape (2, 5))",
    ),
    (
        lambda: layer_norm(np.ones((2, 5)), (5,), np.ones(4)),
        ShapeError,
        "layer_norm: expected a weight of shape (5,), got shape (4,)",
    ),
    (
        lambda: rms_norm(np.ones((2, 5), int), (5,)),
        DtypeError,
        "rms_norm: expected an input of floats, got int64. Convert it: input.astype('float32')",
    ),
    (
        lambda: local_response_norm(np.ones((2, 5)), 2),
        ShapeError,
        "local_response_norm: expected an input (N, C, ...) of at least 3 axes, got shape (2, 5)",
    ),
]


@pytest.mark.parametrize(("call", "kind", "words"), ERRORS, ids=[words[:40] for *_, words in ERRORS])
def test_errors_say_what_is_wrong(call, kind, words):
    with pytest.raises(kind, match=f"^{re.escape(words)}$"):
        call()
