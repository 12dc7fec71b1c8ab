"""What is tried on a model leaves no trace: values, gradients, nodes, modules and random streams are as before."""

import copy
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd
import nn
from autograd import AliasError, Tensor
from autograd.ops.random import default_generator
from optim import SGD, Adam
from optim.preserve import GLOBAL, check_streams, generators, preserved, restore_streams, streams

BIT_GENERATORS = [np.random.MT19937, np.random.PCG64, np.random.PCG64DXSM, np.random.Philox, np.random.SFC64]


class Model(nn.Module):
    """One of everything: arrays and numbers, frozen, tied, buffers that are replaced, generators of several kinds."""

    def __init__(self, bit_generator=np.random.PCG64):
        self.first = nn.Linear(3, 3)
        self.second = nn.Linear(3, 3)
        self.second.weight = self.first.weight
        self.norm = nn.BatchNorm1d(3)
        self.drop = nn.Dropout(0.3)
        self.scale = nn.Parameter(1.5)
        self.frozen = nn.Parameter(np.ones(3, np.float32), requires_grad=False)
        self.turned = nn.Parameter(np.arange(6.0).reshape(2, 3))
        self.turned._raw = np.asfortranarray(self.turned._raw)
        self.register_buffer("seen", np.zeros(()))
        self.register_buffer("hidden", np.zeros(3), persistent=False)
        self.rng = np.random.Generator(bit_generator(3))
        self.inner = nn.Dropout(0.1)
        self.inner.shared = self.rng
        self.more = {"list": [np.random.RandomState(5), random.Random(6)], "bits": np.random.SFC64(7)}
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        with autograd.no_grad():
            self.seen = self.seen + x.shape[0]
        x = self.drop(self.norm(self.second(self.first(x)))) * self.scale * self.frozen
        return (self.inner(x) + self.rng.normal() + self.turned.sum()).sum()


def generator_draws(model):
    """A few draws of every stream; they move."""
    rng, (state, python) = model.rng, model.more["list"]
    return [
        rng.normal(size=3).tolist(),
        rng.integers(0, 9, 3, np.int32).tolist(),  # half of a draw stays in the generator
        model.inner.shared.random(),
        state.normal(),
        python.gauss(0, 1),
        model.more["bits"].random_raw(),
        default_generator().normal(),
        GLOBAL.normal(),
        random.gauss(0, 1),
    ]


def bits(model):
    """All that can be seen of a model, as text: types, values to the last bit, modes, hooks and attributes."""
    values = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    tensors = {
        name: (type(t), id(t), type(t._raw), np.asarray(t._raw).tobytes(), np.shape(t._raw), t.requires_grad, t.dtype)
        for name, t in values.items()
    }
    grads = {name: None if t.grad is None else (id(t.grad), np.asarray(t.grad._raw).tobytes()) for name, t in values.items()}
    nodes = [t.node for t in values.values() if t.node is not None]
    hooks = [(id(node), node.dtype, list(node.hooks or ())) for node in nodes]
    rest = [(path, sorted(vars(m)), m.training, list(m._forward_hooks)) for path, m in model.named_modules()]
    return repr((tensors, grads, hooks, rest, model.calls, repr(streams(model))))


def meddle(model, what):
    """Things that are done to a model, by letter."""
    for letter in what:
        if letter == "t":  # trains
            optimizer = Adam([p for p in model.parameters() if p.requires_grad])
            for _ in range(2):
                optimizer.zero_grad()
                model(np.ones((4, 3), np.float32)).backward()
                optimizer.step()
        elif letter == "b":  # adds up gradients
            model(np.ones((4, 3), np.float32)).backward()
        elif letter == "e":
            model.eval()
        elif letter == "z":
            model.zero_grad()
        elif letter == "d":  # in place
            for p in model.parameters():
                if isinstance(p.data, np.ndarray):
                    p.data[...] = 7
                else:
                    p.data = 7.0
        elif letter == "c":
            model.double()
        elif letter == "f":  # freezes and thaws: the nodes are new ones then
            model.requires_grad_(False)
            model.requires_grad_(True)
        elif letter == "h":
            model.first.register_forward_hook(lambda *_: None)
            model.first.bias.register_hook(lambda g: g * 0)
        elif letter == "r":  # replaces
            model.first.weight = nn.Parameter(np.zeros((3, 3), np.float32))
            model.rng = model.inner.shared = np.random.default_rng(0)
            model.extra = 1
        elif letter == "g":
            generator_draws(model)


@pytest.mark.slow
@given(what=st.text("tbezdcfhrg", min_size=1, max_size=5), before=st.sampled_from(["", "b", "t", "bh", "be"]))
def test_whatever_is_done_within_everything_is_as_before(what, before):
    autograd.random.seed(0)
    model = Model()
    meddle(model, before)
    known = bits(model)
    with preserved(model):
        assert all(p.grad is None for p in model.parameters())
        meddle(model, what)
    assert bits(model) == known


def test_an_error_within_is_passed_on_and_everything_is_as_before():
    model = Model()
    known = bits(model)

    def within():
        with preserved(model):
            meddle(model, "tbdrg")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        within()
    assert bits(model) == known


def test_the_arrays_are_the_same_objects_and_nobody_who_holds_them_sees_a_change():
    model = Model()
    held = model.first.weight.data
    view = model.turned[0]
    raws = [p._raw for p in model.parameters()]
    known = held.copy(), view.copy()
    with preserved(model):
        meddle(model, "dt")
        np.testing.assert_array_equal(held, known[0])
        assert view.tolist() == known[1].tolist()
    assert all(p._raw is raw for p, raw in zip(model.parameters(), raws, strict=True))
    assert model.turned._raw.flags.f_contiguous


def test_within_a_copy_lies_in_memory_as_the_original():
    model = Model()
    with preserved(model):
        assert model.turned._raw.flags.f_contiguous


def test_a_view_from_before_is_known_after():
    model = Model()
    view = model.turned[0]
    with preserved(model), autograd.no_grad():
        model.turned += 1  # a copy, of which there is no view
    with autograd.no_grad(), pytest.raises(AliasError):
        model.turned += 1
    assert view.tolist() == [0, 1, 2]


def test_a_graph_from_before_can_be_gone_back_through_after():
    model = Model()
    out = model(np.ones((4, 3), np.float32))
    with preserved(model):
        meddle(model, "dt")
    out.backward()
    assert model.first.weight.grad is not None


def test_an_optimizer_that_steps_before_and_after_notices_nothing():
    def run(meddling):
        autograd.random.seed(1)
        model = Model()
        optimizer = Adam([p for p in model.parameters() if p.requires_grad])
        for i in range(4):
            optimizer.zero_grad()
            model(np.ones((4, 3), np.float32)).backward()
            if meddling and i == 2:
                with preserved(model):
                    meddle(model, "td")
                    trial = copy.copy(optimizer)
                    trial.zero_grad()
                    model(np.ones((4, 3), np.float32)).backward()
                    trial.step()
            optimizer.step()
        return [np.asarray(p.data).tobytes() for p in model.parameters()]

    assert run(meddling=False) == run(meddling=True)


# --- random streams --------------------------------------------------------------------------------------------------------


@given(kind=st.sampled_from(BIT_GENERATORS), before=st.integers(0, 3))
def test_streams_go_on_where_they_stood(kind, before):
    model = Model(kind)
    for _ in range(before):
        generator_draws(model)
    saved = streams(model)
    drawn = generator_draws(model)
    generator_draws(model)
    restore_streams(model, saved)
    assert generator_draws(model) == drawn
    restore_streams(model, saved)  # what was saved did not move with the streams
    assert generator_draws(model) == drawn


def test_generators_are_found_by_name():
    assert set(generators(Model())) == {
        "default",
        ".rng",
        ".more['list'][0]",
        ".more['list'][1]",
        ".more['bits']",
        "inner.shared",
    }
    assert set(generators(None)) == {"default"}
    assert generators(None)["default"] is default_generator()


def test_the_operating_systems_randomness_is_no_stream():
    model = nn.Dropout()
    model.source = random.SystemRandom()
    assert set(generators(model)) == {"default"}


def without(model, name):
    delattr(model, name)
    return model


WRONG = {
    "missing": (Model, lambda: without(Model(), "rng"), r"\.rng is not in the model"),
    "beside": (lambda: without(Model(), "rng"), Model, r"\.rng is in the model alone"),
    "of another kind": (lambda: Model(np.random.MT19937), Model, r"\.rng was of MT19937 and is of PCG64"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_streams_of_another_model_are_told_and_none_is_moved(fault):
    theirs, ours, words = WRONG[fault]
    saved, model = streams(theirs()), ours()
    generator_draws(model) if hasattr(model, "rng") else default_generator().normal()
    before = repr(streams(model))
    with pytest.raises(ValueError, match=words):
        restore_streams(model, saved)
    with pytest.raises(ValueError, match="Build the model as it was"):
        check_streams(model, saved)
    assert repr(streams(model)) == before


def test_a_number_stays_a_number():
    class Scale(nn.Module):
        def __init__(self):
            self.weight = nn.Parameter(2.0)

        def forward(self, x):
            return x * self.weight

    model = Scale()
    model(3.0).backward()
    with preserved(model):
        optimizer = SGD(model.parameters(), lr=0.1)
        model(Tensor(3.0)).backward()
        optimizer.step()
        assert model.weight.data != 2.0
    assert type(model.weight.data) is float
    assert model.weight.data == 2.0
    assert model.weight.grad.item() == 3.0
