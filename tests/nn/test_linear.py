"""Linear layers and changes of shape: against PyTorch, finite differences and definitions; recorded; errors word for word."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd as ag
from autograd import DtypeError, ShapeError, Tensor
from autograd.ops import affine as ops
from autograd.testing import check_grads
from nn import Sequential
from nn.functional.linear import bilinear, linear
from nn.linear import Bilinear, Flatten, Identity, Linear, Unflatten

from .held import equal_to_torch, replays

rng = np.random.default_rng(0)
sizes = st.integers(1, 5)
leads = st.lists(st.integers(0, 3), max_size=3).map(tuple)
torch_only = pytest.mark.torch


def drawn(*shape, dtype=np.float64):
    return rng.normal(size=shape).astype(dtype)


# --- against PyTorch -------------------------------------------------------------------------------------------------------


@torch_only
@settings(max_examples=60, deadline=None)
@given(lead=leads, n=sizes, m=sizes, bias=st.booleans())
def test_linear_is_pytorchs(lead, n, m, bias):
    torch = pytest.importorskip("torch")
    equal_to_torch(Linear(n, m, bias), torch.nn.Linear(n, m, bias), drawn(*lead, n))


@torch_only
@settings(max_examples=40, deadline=None)
@given(lead=st.lists(sizes, max_size=2).map(tuple), n=sizes, k=sizes, m=sizes, bias=st.booleans())
def test_bilinear_is_pytorchs(lead, n, k, m, bias):
    torch = pytest.importorskip("torch")
    equal_to_torch(Bilinear(n, k, m, bias), torch.nn.Bilinear(n, k, m, bias), drawn(*lead, n), drawn(*lead, k))


@torch_only
@pytest.mark.parametrize(
    ("name", "arguments", "shape"),
    [
        ("Identity", (3, 4), (2, 3)),
        ("Flatten", (), (2, 3, 4)),
        ("Flatten", (), (2, 3)),
        ("Flatten", (0, 1), (2, 3, 4)),
        ("Flatten", (-2,), (2, 3, 4, 5)),
        ("Unflatten", (1, (2, 3)), (4, 6)),
        ("Unflatten", (-1, (3, -1, 1)), (4, 6)),
    ],
)
def test_changes_of_shape_are_pytorchs(name, arguments, shape):
    torch = pytest.importorskip("torch")
    ours = {"Identity": Identity, "Flatten": Flatten, "Unflatten": Unflatten}[name](*arguments)
    theirs = getattr(torch.nn, name)(*arguments)
    assert repr(ours) == repr(theirs)
    equal_to_torch(ours, theirs, drawn(*shape))


@torch_only
@pytest.mark.parametrize(("ours", "arguments"), [(Linear, (3, 2)), (Linear, (3, 2, False)), (Bilinear, (2, 3, 4, False))])
def test_names_shapes_and_repr_are_pytorchs(ours, arguments):
    torch = pytest.importorskip("torch")
    layer, theirs = ours(*arguments), getattr(torch.nn, ours.__name__)(*arguments)
    assert repr(layer) == repr(theirs)
    assert [(k, v.shape) for k, v in layer.state_dict().items()] == [
        (k, tuple(v.shape)) for k, v in theirs.state_dict().items()
    ]
    assert all(v.dtype == np.float32 for v in layer.state_dict().values())


# --- gradients -------------------------------------------------------------------------------------------------------------

CASES = [
    (linear, ((2, 3), (4, 3))),
    (linear, ((2, 3), (4, 3), (4,))),
    (linear, ((3,), (4, 3), (4,))),
    (linear, ((2, 1, 3), (4, 3), (4,))),
    (bilinear, ((5, 2), (5, 3), (4, 2, 3), (4,))),
    (bilinear, ((2,), (3,), (4, 2, 3))),
    (Flatten(), ((2, 3, 1),)),
    (Unflatten(1, (3, 1)), ((2, 3),)),
]


@pytest.mark.parametrize(("f", "shapes"), CASES)
def test_gradients_in_both_modes_to_second_order(f, shapes):
    check_grads(f, *(drawn(*shape) for shape in shapes), rtol=1e-7)


@pytest.mark.parametrize("lead", [(), (2,), (2, 5), (0,), (3, 0)])
@pytest.mark.parametrize("op", ["linear", "affine"])
def test_a_rule_is_its_definition_to_second_order(op, lead):
    rule, definition = getattr(ops, op), ops.definitions[getattr(ops, op)]
    inputs = [drawn(*lead, 3), drawn(2, 3), drawn(2)][: 2 + (op == "affine")]
    weights = drawn(*lead, 2)

    def results(f):
        xs = [Tensor(x) for x in inputs]
        y = f(*xs)
        first = ag.grad(lambda *xs: (np.sin(f(*xs)) * weights).sum(), tuple(range(len(xs))))
        second = ag.grad(lambda *xs: sum((g * g).sum() for g in first(*xs)), tuple(range(len(xs))))
        return [y, *first(*xs), *second(*xs)]

    for a, b in zip(results(rule), results(definition), strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-12, atol=1e-13)


def test_recorded_steps_replay():
    replays(Sequential(Linear(3, 4), Flatten(), Linear(4, 2, bias=False)), drawn(5, 3, dtype=np.float32))
    replays(Bilinear(2, 3, 4), drawn(5, 2, dtype=np.float32), drawn(5, 3, dtype=np.float32))


# --- what the rule promises ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dtypes_are_kept(dtype):
    x, layer = Tensor(np.ones((2, 4, 3), dtype)), Linear(3, 2, dtype=dtype)
    y = layer(x)
    y.sum().backward()
    assert {y.dtype, x.grad.dtype, layer.weight.grad.dtype, layer.bias.grad.dtype} == {np.dtype(dtype)}


@pytest.mark.parametrize("shape", [(5000, 3), (2, 2500, 3)])
def test_a_gradient_in_float16_counts_beyond_2048(shape):
    x, layer = Tensor(np.ones(shape, np.float16)), Linear(3, 2, dtype=np.float16)
    layer(x).sum().backward()
    np.testing.assert_array_equal(layer.bias.grad.numpy(), [5000, 5000])
    np.testing.assert_array_equal(layer.weight.grad.numpy(), np.full((2, 3), 5000))


def test_a_wider_bias_is_not_cut_off():
    y = linear(np.ones((1, 2), np.float32), np.ones((1, 2), np.float32), np.array([1e-12]))
    assert y.dtype == np.float64
    assert y[0, 0] == 2 + 1e-12


def test_plain_values_give_plain_values():
    assert type(linear(np.ones((2, 3)), np.ones((1, 3)), np.ones(1))) is np.ndarray


def test_a_frozen_weight_gets_no_gradient_and_the_input_its_own():
    layer, x = Linear(3, 2).requires_grad_(False), Tensor(np.ones((4, 3), np.float32))
    layer(x).sum().backward()
    assert layer.weight.grad is None
    np.testing.assert_allclose(x.grad.numpy(), np.broadcast_to(layer.weight.numpy().sum(0), (4, 3)), rtol=1e-6)


def test_an_empty_batch_has_gradients_of_zero():
    layer = Linear(3, 2)
    layer(Tensor(np.zeros((0, 3), np.float32))).sum().backward()
    np.testing.assert_array_equal(layer.weight.grad.numpy(), np.zeros((2, 3)))
    np.testing.assert_array_equal(layer.bias.grad.numpy(), np.zeros(2))


def test_initial_values_are_uniform_within_pytorchs_bounds():
    for layer, bound in ((Linear(100, 200), 0.1), (Bilinear(25, 30, 20), 0.2)):
        for name, parameter in layer.named_parameters():
            values = parameter.numpy()
            assert abs(values).max() <= bound
            if name == "weight":
                assert abs(values).max() > 0.99 * bound
                assert abs(values.mean()) < 0.03 * bound
                np.testing.assert_allclose(values.std(), bound / 3**0.5, rtol=0.02)
    assert Linear(0, 2).bias.tolist() == [0.0, 0.0]


# --- errors ----------------------------------------------------------------------------------------------------------------

ERRORS = [
    (
        lambda: Sequential(Linear(3, 4), Sequential(Identity(), Linear(4, 2)))[1](np.ones((5, 3))),
        ShapeError,
        "nn.Linear '1': expected 4 features in the last axis, got 3 (input shape (5, 3))",
    ),
    (
        lambda: Linear(4, 2)(np.ones((5, 2))),
        ShapeError,
        "nn.Linear: expected 4 features in the last axis, got 2 (input shape (5, 2)). Did you mean weight.T? "
        "The weight is (out, in)",
    ),
    (lambda: linear(np.ones(3), np.ones(3)), ShapeError, "linear: expected a weight of shape (out, in), got shape (3,)"),
    (
        lambda: linear(1.0, np.ones((1, 1))),
        ShapeError,
        "linear: expected an input with features in its last axis, got a number",
    ),
    (
        lambda: linear(np.ones(3), np.ones((2, 3)), np.ones(3)),
        ShapeError,
        "linear: expected a bias of shape (2,) for a weight of shape (2, 3), got shape (3,)",
    ),
    (
        lambda: Linear(3, 2)(np.ones((1, 3), int)),
        DtypeError,
        "nn.Linear: expected an input of floats, got int64. Convert it: x.astype('float32'). For indices take an Embedding",
    ),
    (
        lambda: Bilinear(2, 3, 4)(np.ones((1, 2)), np.ones((1, 2))),
        ShapeError,
        "nn.Bilinear: expected 3 features in the last axis of input2, got shape (1, 2)",
    ),
    (
        lambda: bilinear(np.ones((1, 2)), np.ones((2, 3)), np.ones((4, 2, 3))),
        ShapeError,
        "bilinear: the leading axes of the inputs are to be equal, got shapes (1, 2) and (2, 3)",
    ),
    (
        lambda: bilinear(np.ones((1, 2), int), np.ones((1, 3)), np.ones((4, 2, 3))),
        DtypeError,
        "bilinear: expected an input1 of floats, got int64. Convert it: x.astype('float32')",
    ),
    (
        lambda: bilinear(np.ones(2), np.ones(3), np.ones((2, 3))),
        ShapeError,
        "bilinear: expected a weight of shape (out, in1, in2), got shape (2, 3)",
    ),
    (
        lambda: bilinear(np.ones(2), np.ones(3), np.ones((4, 2, 3)), np.ones(3)),
        ShapeError,
        "bilinear: expected a bias of shape (4,), got shape (3,)",
    ),
    (lambda: Bilinear(0, 1, 1), ShapeError, "Bilinear: in1_features must be positive, got 0"),
    (lambda: Flatten(2)(np.ones((2, 3))), ShapeError, "nn.Flatten: axis 2 of an input with 2 axes"),
    (
        lambda: Flatten(1, 0)(np.ones((2, 3))),
        ShapeError,
        "nn.Flatten: start_dim 1 stands behind end_dim 0 (input shape (2, 3))",
    ),
    (
        lambda: Unflatten(1, (2, 2))(np.ones((2, 3))),
        ShapeError,
        "nn.Unflatten: an axis of 3 does not make axes of (2, 2) (input shape (2, 3))",
    ),
    (
        lambda: Unflatten(1, (-1, 2))(np.ones((2, 3))),
        ShapeError,
        "nn.Unflatten: an axis of 3 does not make axes of (-1, 2) (input shape (2, 3))",
    ),
]


@pytest.mark.parametrize(("call", "kind", "words"), ERRORS, ids=[words[:40] for *_, words in ERRORS])
def test_errors_say_what_is_wrong(call, kind, words):
    with pytest.raises(kind, match=f"^{re.escape(words)}$"):
        call()
