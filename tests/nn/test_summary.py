"""nn.summary: parameters, multiply-adds and bytes against counts by hand, and a model that is afterwards as it was."""

import copy

import numpy as np
import pytest

import autograd as ag
from autograd import Tensor
from autograd.ops import affine, attention, recurrent, windows
from nn import Module, ModuleList, Parameter, Sequential
from nn.convolution import Conv2d
from nn.recurrent import LSTM
from nn.summary import MULTIPLY_ADDS, in_bytes, summary
from nn.transformer import TransformerEncoderLayer


def floats(*shape):
    return np.ones(shape, np.float32)


class Linear(Module):
    def __init__(self, inputs, outputs):
        self.weight = Parameter(floats(outputs, inputs))
        self.bias = Parameter(floats(outputs))

    def forward(self, x):
        return x @ self.weight.T + self.bias


class Relu(Module):
    def forward(self, x):
        return ag.relu(x)


class Call(Module):
    """A function as a module."""

    def __init__(self, function):
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


# --- multiply-adds ---------------------------------------------------------------------------------------------------------

KERNEL = {"stride": (2, 1), "padding": (1, 1), "dilation": (1, 1), "groups": 2}
# By which function of which shapes, and how many multiply-adds that is by hand.
COUNTS = {
    "a matrix product": (lambda a, b: a @ b, [(3, 4), (4, 5)], 3 * 4 * 5),
    "a batch of them": (lambda a, b: a @ b, [(7, 3, 4), (7, 4, 5)], 7 * 3 * 4 * 5),
    "one of them broadcast": (lambda a, b: a @ b, [(7, 3, 4), (4, 5)], 7 * 3 * 4 * 5),
    "a matrix and a vector": (lambda a, b: a @ b, [(3, 4), (4,)], 3 * 4),
    "two vectors": (lambda a, b: a @ b, [(4,), (4,)], 4),
    "a constant on the left": (lambda b: floats(3, 4) @ b, [(4, 5)], 3 * 4 * 5),
    "a constant vector on the left": (lambda b: floats(4) @ b, [(4, 5)], 4 * 5),
    "a vector on the right of a constant": (lambda b: floats(3, 4) @ b, [(4,)], 3 * 4),
    "a constant on the right": (lambda a: a @ floats(4, 5), [(3, 4)], 3 * 4 * 5),
    "einsum": (lambda a, b: np.einsum("bij,bjk->bik", a, b), [(7, 3, 4), (7, 4, 5)], 7 * 3 * 4 * 5),
    "einsum of three": (lambda a, b, c: np.einsum("bi,oij,bj->bo", a, b, c), [(7, 3), (2, 3, 4), (7, 4)], 7 * 2 * 3 * 4),
    "einsum with dots": (lambda a, b: np.einsum("...ij,...jk", a, b), [(7, 3, 4), (1, 4, 5)], 7 * 3 * 4 * 5),
    "einsum of a constant": (lambda b: np.einsum("ij,jk->k", floats(3, 4), b), [(4, 5)], 3 * 4 * 5),
    "einsum of one": (lambda a: np.einsum("ij->i", a), [(3, 4)], 0),
    "linear": (affine.linear, [(7, 3, 4), (5, 4)], 7 * 3 * 4 * 5),
    "linear of a constant": (lambda w: affine.linear(floats(7, 4), w), [(5, 4)], 7 * 4 * 5),
    "affine": (affine.affine, [(7, 3, 4), (5, 4), (5,)], 7 * 3 * 4 * 5),
    # two groups, 4 channels to 6, kernel 3 x 2; 5 x 4 places of the 8 x 4 there are, seen through zeros
    "correlation": (
        lambda x, w: windows.correlation(x, w, size=(5, 5), **KERNEL),
        [(7, 4, 9, 4), (6, 2, 3, 2)],
        7 * 6 * 5 * 5 * (2 * 3 * 2),
    ),
    "correlation with a bias": (
        lambda x, w, b: windows.biased_correlation(x, w, b, size=(5, 5), **KERNEL),
        [(7, 4, 9, 4), (6, 2, 3, 2), (6,)],
        7 * 6 * 5 * 5 * (2 * 3 * 2),
    ),
    "correlation, transposed": (
        lambda v, w: windows.correlation_transpose(v, w, size=(9, 4), **KERNEL),
        [(7, 6, 5, 5), (6, 2, 3, 2)],
        7 * 6 * 5 * 5 * (2 * 3 * 2),
    ),
    "attention": (
        lambda q, k, v: attention.attention(q, k, v, True, True, scale=1.0)[0],
        [(2, 3, 4, 5), (2, 3, 6, 5), (2, 3, 6, 7)],
        2 * 3 * 4 * 6 * (5 + 7),
    ),
    "an LSTM": (
        lambda z, w, b, h, c: recurrent.recurrence(z, w, b, 0.0, True, h, c, cell="lstm")[0],
        [(5, 3, 8), (8, 2), (8,), (3, 2), (3, 2)],
        5 * 3 * 8 * 2,
    ),
    "an LSTM with a projection": (
        lambda z, w, r, h, c: recurrent.recurrence(z, w, 0.0, r, True, h, c, cell="lstm")[0],
        [(5, 3, 16), (16, 2), (2, 4), (3, 2), (3, 4)],
        5 * 3 * (16 * 2 + 2 * 4),
    ),
    "elementwise ops": (lambda a, b: ag.exp(a * b + a), [(3, 4), (3, 4)], 0),
}


@pytest.mark.parametrize("name", COUNTS)
def test_multiply_adds_are_those_of_a_count_by_hand(name):
    function, shapes, expected = COUNTS[name]
    assert summary(Call(function), *(floats(*shape) for shape in shapes)).multiply_adds == expected


# Layers, an input, and a count by hand.
LAYERS = {
    "convolutions": (
        Sequential(Conv2d(3, 4, 3, padding=1), Conv2d(4, 4, 3, groups=2)),
        (2, 3, 8, 8),
        2 * 4 * (64 * 27 + 36 * 18),
    ),
    "two layers of an LSTM": (LSTM(5, 7, 2), (3, 2, 5), 3 * 2 * 28 * (5 + 7 + 7 + 7)),
    # queries, keys and values; scores and means of two heads; the way out; two linear layers
    "an encoder": (
        TransformerEncoderLayer(8, 2, 16, batch_first=True),
        (2, 5, 8),
        10 * 8 * 24 + 2 * 2 * 25 * (4 + 4) + 10 * 8 * 8 + 2 * 10 * 8 * 16,
    ),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_count_what_their_ops_take(name):
    layer, shape, expected = LAYERS[name]
    assert summary(layer, floats(*shape)).multiply_adds == expected


def test_the_rules_that_are_counted_exist():
    assert ag.registry.keys() >= MULTIPLY_ADDS.keys()


# --- which module ----------------------------------------------------------------------------------------------------------


class Net(Module):
    def __init__(self):
        self.layers = [Linear(3, 4), Linear(4, 5)]
        self.act = Relu()
        self.head = Sequential(Linear(5, 5), Relu())
        self.unused = Linear(2, 2)
        self.mix = Parameter(floats(5, 6))

    def forward(self, x):
        x = self.act(self.layers[0](x))
        x = self.act(self.layers[1](x))
        return self.head(x) @ self.mix


def rows(table):
    return {row.name: row for row in table.rows}


def test_each_module_has_its_own():
    table = rows(summary(Net(), floats(7, 3)))
    assert list(table) == ["", "layers.0", "layers.1", "act", "head", "head.0", "head.1", "unused"]
    assert {name: row.multiply_adds for name, row in table.items() if row.multiply_adds} == {
        "": 7 * 5 * 6,
        "layers.0": 7 * 3 * 4,
        "layers.1": 7 * 4 * 5,
        "head.0": 7 * 5 * 5,
    }
    assert {name: row.parameters for name, row in table.items() if row.parameters} == {
        "": 30,
        "layers.0": 16,
        "layers.1": 25,
        "head.0": 30,
        "unused": 6,
    }
    assert [row.output for row in table.values()] == ["(7, 6)", "(7, 4)", "(7, 5)", "(7, 5)", "(7, 5)", "(7, 5)", "(7, 5)", ""]
    assert [row.calls for row in table.values()] == [1, 1, 1, 2, 1, 1, 1, 0]
    assert [row.above for row in table.values()] == [(), ("",), ("",), ("",), ("",), ("", "head"), ("", "head"), ("",)]


def test_activations_are_the_arrays_that_the_graph_keeps_once_each():
    x, w = Tensor(floats(7, 3)), Parameter(floats(3, 4))

    class Twice(Module):
        def forward(self, x):
            y = x @ w  # keeps x, for w
            return ag.tanh(y) * y  # keeps tanh(y) and y

    model = Sequential(Twice(), Relu())
    model.w = w
    table = rows(summary(model, x))
    assert table["0"].activations == 4 * 7 * (3 + 4 + 4)
    # relu reads its own output, or the input, which is not yet kept
    assert table["1"].activations == 4 * 7 * 4
    model.w.requires_grad = False  # looked at all the same
    assert rows(summary(model, x)) == table


def test_parameters_that_are_parts_of_one_array_are_no_activations():
    """As an optimizer lays small ones side by side."""
    x, model = floats(7, 3), Net()
    before = summary(model, x)
    pack = np.concatenate([np.ravel(p._raw) for p in model.parameters()])
    at = 0
    for p in model.parameters():
        p._raw, at = pack[at : at + p.size].reshape(p.shape), at + p.size
    assert summary(model, x) == before


def test_totals():
    model = Net()
    model.layers[1].requires_grad_(False)
    model.register_buffer("steps", np.zeros(3))
    table = summary(model, floats(7, 3))
    assert (table.parameters, table.trainable, table.frozen) == (107, 82, 25)
    assert (table.parameter_bytes, table.buffer_bytes) == (4 * 107, 24)
    assert table.multiply_adds == sum(row.multiply_adds for row in table.rows) == 7 * (12 + 20 + 25 + 30)
    assert table.activations == sum(row.activations for row in table.rows)


def test_a_tied_parameter_and_a_module_in_two_places_count_once():
    a, b = Linear(3, 3), Linear(3, 3)
    b.weight = a.weight
    table = summary(Sequential(a, b, a), floats(2, 3))
    assert [row.parameters for row in table.rows] == [0, 12, 3]
    assert [row.calls for row in table.rows] == [1, 2, 1]
    assert table.multiply_adds == 3 * 2 * 9
    assert table.parameters == 15


# --- what it leaves alone --------------------------------------------------------------------------------------------------


def test_the_model_is_afterwards_as_it_was():
    model = Net()
    model.head.eval()
    model.act.requires_grad_(False)
    model.layers[0].weight.requires_grad = False
    model.mix.grad = Tensor(floats(5, 6))
    before = copy.deepcopy(model)
    x = Tensor(floats(7, 3))
    with ag.no_grad():
        summary(model, x)
    assert x.grad is None
    assert [m.training for m in model.modules()] == [m.training for m in before.modules()]
    for (name, p), (_, q) in zip(model.named_parameters(), before.named_parameters(), strict=True):
        assert p.requires_grad == q.requires_grad, name
        assert (p.grad is None) == (q.grad is None), name
        np.testing.assert_array_equal(p.numpy(), q.numpy())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


def test_a_model_that_fails_is_as_it_was_too():
    model = Net()
    model.requires_grad_(False)
    with pytest.raises(ag.ShapeError):
        summary(model, floats(7, 9))
    assert all(m.training for m in model.modules())
    assert not any(p.requires_grad for p in model.parameters())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


def test_it_runs_in_eval_mode():
    seen = []
    model = Call(lambda x: seen.append(model.training) or x)
    summary(model, floats(2))
    assert seen == [False]
    assert model.training


def test_inputs_of_all_kinds():
    model = Call(lambda x, lengths, factor: {"y": x[0][lengths] * factor, "n": (x[0], x[0])})
    table = summary(model, [Tensor(floats(4, 3))], np.array([0, 2]), 2.0)
    assert table.rows[0].output == "(2, 3), (4, 3), (4, 3)"


def test_it_is_a_method_too():
    assert Module.summary is summary
    assert str(Net().summary(floats(7, 3))) == str(summary(Net(), floats(7, 3)))


# --- how it looks ----------------------------------------------------------------------------------------------------------


def test_the_table():
    model = Sequential(Linear(3, 400), ModuleList([Relu()])[0], Linear(400, 2))
    assert str(summary(model, floats(100, 3))) == repr(summary(model, floats(100, 3)))
    assert str(summary(model, floats(100, 3))).splitlines() == [
        "module       output      parameters  multiply-adds  activations",
        "---------------------------------------------------------------",
        "Sequential   (100, 2)             0              0          0 B",
        "  0: Linear  (100, 400)       1,600        120,000      1.2 KiB",
        "  1: Relu    (100, 400)           0              0    156.2 KiB",
        "  2: Linear  (100, 2)           802         80,000          0 B",
        "---------------------------------------------------------------",
        "parameters: 2,402 (2,402 trainable, 0 frozen), 9.4 KiB; buffers: 0 B",
        "multiply-adds: 200,000; kept for the derivatives: 157.4 KiB",
    ]
    assert "\n  act: Relu         (7, 5) x2 " in str(summary(Net(), floats(7, 3)))


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), (2**20, "1.0 MiB"), (3 * 2**30, "3.0 GiB")],
)
def test_bytes_in_words(count, words):
    assert in_bytes(count) == words
    assert in_bytes(2**43) == "8192.0 GiB"
