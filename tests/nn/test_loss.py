"""Losses: against PyTorch, finite differences, their definitions; at kinks, far out, masked; recorded; errors word for word."""

import copy
import inspect
import itertools
import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd as ag
from autograd import DtypeError, IndexingError, ShapeError, Tensor
from autograd.testing import check_grads
from nn import Module, Sequential
from nn import loss as layers
from nn.activation import PReLU
from nn.functional import loss as F
from nn.functional.activation import log_softmax

from .held import equal_to_torch, replays

torch_only = pytest.mark.torch
reductions = st.sampled_from(["mean", "sum", "none"])
positive = st.floats(0.1, 3).map(lambda v: round(v, 3))
flags = st.booleans()
shapes = st.lists(st.integers(1, 4), max_size=3).map(tuple)
filled = st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple)
inf, nan = math.inf, math.nan


def normal(rng, shape):
    return np.asarray(rng.normal(size=shape))


def proper(rng, shape):
    return np.asarray(rng.uniform(0.05, 0.95, size=shape))


def signs(rng, shape):
    return np.asarray(rng.integers(0, 2, size=shape) * 2 - 1)


# --- against PyTorch -------------------------------------------------------------------------------------------------------

# name -> arguments, and the input and target that a generator and a shape give
PAIRS = {
    "MSELoss": ({}, normal, normal),
    "L1Loss": ({}, normal, normal),
    "SmoothL1Loss": ({"beta": st.sampled_from([0.0, 0.3, 1.0, 2.5])}, normal, normal),
    "HuberLoss": ({"delta": positive}, normal, normal),
    "PoissonNLLLoss": (
        {"log_input": flags, "full": flags, "eps": positive},
        lambda *a: np.asarray(3 * proper(*a)),
        lambda *a: np.asarray(4 * proper(*a)),
    ),
    "BCELoss": ({}, proper, proper),
    "BCEWithLogitsLoss": ({}, normal, proper),
    "KLDivLoss": ({"log_target": flags}, normal, proper),
    "HingeEmbeddingLoss": ({"margin": positive}, normal, signs),
    "SoftMarginLoss": ({}, normal, signs),
    "MultiLabelSoftMarginLoss": ({}, normal, lambda *a: np.asarray(np.round(proper(*a)))),
}


def both(torch, name, options):
    """The layer of that name, ours and PyTorch's; arrays among the arguments are weights."""
    theirs = {key: torch.from_numpy(v) if isinstance(v, np.ndarray) else v for key, v in options.items()}
    return getattr(layers, name)(**options), getattr(torch.nn, name)(**theirs)


@torch_only
@pytest.mark.filterwarnings("ignore:reduction:UserWarning")  # PyTorch on the mean of kl_div
@pytest.mark.parametrize("name", PAIRS)
@settings(max_examples=20, deadline=None)
@given(data=st.data(), seed=st.integers(0, 99))
def test_losses_of_pairs_are_pytorchs(name, data, seed):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    options, input, target = PAIRS[name]
    drawn = {"reduction": data.draw(reductions), **{key: data.draw(s) for key, s in options.items()}}
    shape = data.draw(filled if name == "MultiLabelSoftMarginLoss" else shapes)
    if name.startswith("BCE") and data.draw(flags):
        drawn["weight"] = proper(rng, shape)
    if name == "BCEWithLogitsLoss" and shape and data.draw(flags):
        drawn["pos_weight"] = 3 * proper(rng, shape[-1:])
    if name == "MultiLabelSoftMarginLoss" and data.draw(flags):
        drawn["weight"] = proper(rng, shape[-1:])
    ours, theirs = both(torch, name, drawn)
    assert repr(ours) == repr(theirs)
    equal_to_torch(ours, theirs, input(rng, shape), target(rng, shape))


@torch_only
@settings(max_examples=20, deadline=None)
@given(shape=filled, log_target=flags)
def test_kl_div_by_the_batch_is_pytorchs(shape, log_target):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    ours, theirs = both(torch, "KLDivLoss", {"reduction": "batchmean", "log_target": log_target})
    equal_to_torch(ours, theirs, normal(rng, shape), proper(rng, shape))


@torch_only
@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "huber_loss"])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_weighted_losses_of_pairs_are_pytorchs(name, reduction):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x, t, w = normal(rng, (3, 4)), normal(rng, (3, 4)), proper(rng, (3, 4))
    ours, theirs = getattr(F, name), getattr(torch.nn.functional, name)
    equal_to_torch(
        lambda x, t, w: ours(x, t, weight=w, reduction=reduction),
        lambda x, t, w: theirs(x, t, weight=w, reduction=reduction),
        x,
        t,
        w,
    )


def labels(rng, shape, classes, ignored=None):
    t = np.asarray(rng.integers(0, classes, size=shape))
    return t if ignored is None else np.where(np.asarray(rng.random(shape)) < 0.3, ignored, t)


@torch_only
@pytest.mark.parametrize("name", ["CrossEntropyLoss", "NLLLoss"])
@settings(max_examples=70, deadline=None)
@given(data=st.data(), seed=st.integers(0, 99))
def test_losses_of_classes_are_pytorchs(name, data, seed):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    classes, more = data.draw(st.integers(1, 5)), data.draw(shapes)
    single = not more and data.draw(flags)
    options = {"reduction": data.draw(reductions), "ignore_index": data.draw(st.sampled_from([-100, -1, 0, 2]))}
    if data.draw(flags):
        options["weight"] = proper(rng, classes)
    if name == "CrossEntropyLoss" and data.draw(flags):
        options["label_smoothing"] = data.draw(st.sampled_from([0.1, 0.5, 1.0]))
    lead = () if single else (data.draw(st.integers(1, 4)),)
    x = normal(rng, (*lead, classes, *more))
    t = labels(rng, (*lead, *more), classes, options["ignore_index"] if data.draw(flags) else None)
    kept = t != options["ignore_index"]
    if options["reduction"] == "mean" and not kept.any():
        return  # the mean of nothing: a test of its own
    ours, theirs = both(torch, name, options)
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    equal_to_torch(ours, theirs, x, t)


@torch_only
@settings(max_examples=40, deadline=None)
@given(data=st.data(), seed=st.integers(0, 99))
def test_cross_entropy_of_probabilities_is_pytorchs(data, seed):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    shape = data.draw(filled)
    classes = shape[min(len(shape) - 1, 1)]
    options = {"reduction": data.draw(reductions), "label_smoothing": data.draw(st.sampled_from([0.0, 0.2]))}
    if data.draw(flags):
        options["weight"] = proper(rng, classes)
    ours, theirs = both(torch, "CrossEntropyLoss", options)
    equal_to_torch(ours, theirs, normal(rng, shape), proper(rng, shape))


@torch_only
@settings(max_examples=40, deadline=None)
@given(data=st.data(), seed=st.integers(0, 99))
def test_gaussian_nll_is_pytorchs(data, seed):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    shape = data.draw(filled)
    options = {"full": data.draw(flags), "eps": data.draw(st.sampled_from([1e-6, 0.5])), "reduction": data.draw(reductions)}
    ours, theirs = both(torch, "GaussianNLLLoss", options)
    var = proper(rng, data.draw(st.sampled_from([shape, (*shape[:-1], 1), shape[:-1]])))
    equal_to_torch(ours, theirs, normal(rng, shape), normal(rng, shape), var)


@torch_only
@pytest.mark.parametrize(
    "name", ["MarginRankingLoss", "CosineEmbeddingLoss", "TripletMarginLoss", "TripletMarginWithDistanceLoss"]
)
@settings(max_examples=20, deadline=None)
@given(data=st.data(), seed=st.integers(0, 99))
def test_losses_of_three_are_pytorchs(name, data, seed):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    n, d = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))
    options = {"margin": data.draw(positive), "reduction": data.draw(reductions)}
    if name.startswith("Triplet"):
        options["swap"] = data.draw(flags)
    if name == "TripletMarginLoss":
        options["p"] = data.draw(st.sampled_from([1.0, 2.0, 3.0]))
    ours, theirs = both(torch, name, options)
    assert repr(ours) == repr(theirs)
    third = normal(rng, (n, d)) if name.startswith("Triplet") else signs(rng, (n,) if name.startswith("Cosine") else (n, d))
    equal_to_torch(ours, theirs, normal(rng, (n, d)), normal(rng, (n, d)), third)


@torch_only
@settings(max_examples=40, deadline=None)
@given(data=st.data(), seed=st.integers(0, 99), p=st.sampled_from([1, 2]), reduction=reductions)
def test_multi_margin_losses_are_pytorchs(data, seed, p, reduction):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    lead, classes = data.draw(st.sampled_from([(), (1,), (3,)])), data.draw(st.integers(1, 5))
    options = {"p": p, "margin": data.draw(positive), "reduction": reduction}
    if data.draw(flags):
        options["weight"] = proper(rng, classes)
    ours, theirs = both(torch, "MultiMarginLoss", options)
    equal_to_torch(ours, theirs, normal(rng, (*lead, classes)), labels(rng, lead, classes))
    ours, theirs = both(torch, "MultiLabelMarginLoss", {"reduction": reduction})
    t = np.apply_along_axis(rng.permutation, -1, np.broadcast_to(np.arange(classes), (*lead, classes)))
    t = np.where(np.arange(classes) < rng.integers(0, classes + 1, size=(*lead, 1)), t, -1)
    equal_to_torch(ours, theirs, normal(rng, (*lead, classes)), t)


@torch_only
@settings(max_examples=40, deadline=None)
@given(data=st.data(), seed=st.integers(0, 999))
def test_ctc_is_pytorchs(data, seed):
    """Padded and concatenated targets, all lengths, repeated labels, impossible targets."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    frames, n, classes, most = (data.draw(st.integers(1, top)) for top in (6, 3, 4, 4))
    classes += 1
    blank, reduction, forgiving = data.draw(st.integers(0, classes - 1)), data.draw(reductions), data.draw(flags)
    lengths, counts = rng.integers(1, frames + 1, size=n), rng.integers(0, most + 1, size=n)
    others = np.delete(np.arange(classes), blank)
    targets = others[rng.integers(0, classes - 1, size=(n, most))]
    if data.draw(flags):
        targets = np.concatenate([row[:count] for row, count in zip(targets, counts, strict=True)])
    x = normal(rng, (frames, n, classes))
    if not forgiving:  # impossible targets have no gradient in PyTorch
        repeats = (
            [sum(a == b for a, b in itertools.pairwise(row)) for row in np.atleast_2d(targets)] if targets.ndim == 2 else None
        )
        if repeats is None or (lengths < counts + repeats).any():
            forgiving = True
    options = {"blank": blank, "reduction": reduction, "zero_infinity": forgiving}
    ours, theirs = layers.CTCLoss(**options), torch.nn.CTCLoss(**options)
    equal_to_torch(
        lambda x: ours(log_softmax(x, 2), targets, lengths, counts),
        lambda x: theirs(x.log_softmax(2), torch.from_numpy(targets), torch.from_numpy(lengths), torch.from_numpy(counts)),
        x,
    )


@torch_only
def test_arguments_are_pytorchs():
    """Names and defaults of every constructor, in order, but for `size_average` and `reduce`."""
    torch = pytest.importorskip("torch")
    assert len(NAMES) == 21
    for name in NAMES:
        theirs = inspect.signature(getattr(torch.nn, name)).parameters.values()
        there = [(p.name, p.default) for p in theirs if p.name not in ("size_average", "reduce")]
        here = [(p.name, p.default) for p in inspect.signature(getattr(layers, name)).parameters.values()]
        more = [("weight", None)] if name in ("MSELoss", "L1Loss", "HuberLoss") else []  # functions alone have it there
        assert sorted(here, key=str) == sorted(there + more, key=str), name


NAMES = [name for name, kind in vars(layers).items() if name.endswith("Loss") and name[0] != "_"]


# --- finite differences, definitions, recordings ---------------------------------------------------------------------------

R = np.random.default_rng(3)
X, Y, Z = (R.normal(size=(3, 4)) for _ in range(3))
P, Q = R.uniform(0.1, 0.9, size=(2, 3, 4))
CLASSES, SIGNS = np.array([1, 3, 0]), np.array([1.0, -1.0, 1.0])
LENGTHS = np.array([5, 3]), np.array([2, 1])

# A function of the arrays that move, and these.
SECOND_ORDER = {
    "mse_loss": (F.mse_loss, X, Y),
    "l1_loss": (F.l1_loss, X, Y),
    "smooth_l1_loss": (lambda x, t: F.smooth_l1_loss(x, t, beta=0.7), X, Y),
    "smooth_l1_loss beta 0": (lambda x, t: F.smooth_l1_loss(x, t, beta=0.0), X, Y),
    "huber_loss": (F.huber_loss, X, Y),
    "poisson_nll_loss": (lambda x, t: F.poisson_nll_loss(x, t, full=True), X, 3 * P),
    "poisson_nll_loss rate": (lambda x, t: F.poisson_nll_loss(x, t, log_input=False), Q, P),
    "gaussian_nll_loss": (lambda x, t, v: F.gaussian_nll_loss(x, t, v, full=True), X, Y, P),
    "binary_cross_entropy": (F.binary_cross_entropy, P, Q),
    "binary_cross_entropy_with_logits": (lambda x, t, w: F.binary_cross_entropy_with_logits(x, t, pos_weight=w), X, P, Q[0]),
    "kl_div": (F.kl_div, X, P),
    "kl_div log": (lambda x, t: F.kl_div(x, t, log_target=True), X, Y),
    "nll_loss": (lambda x, w: F.nll_loss(x, CLASSES, w), X, P[0]),
    "cross_entropy": (lambda x: F.cross_entropy(x, CLASSES), X),
    "cross_entropy ignored": (lambda x: F.cross_entropy(x, CLASSES, ignore_index=3, reduction="sum"), X),
    "cross_entropy weighted": (lambda x, w: F.cross_entropy(x, CLASSES, w, label_smoothing=0.2), X, P[0]),
    "cross_entropy soft": (F.cross_entropy, X, P),
    "cross_entropy long": (lambda x: F.cross_entropy(x.reshape(1, 4, 3), CLASSES[None], reduction="none"), X),
    "hinge_embedding_loss": (lambda x: F.hinge_embedding_loss(x, np.sign(Y)), X),
    "soft_margin_loss": (lambda x: F.soft_margin_loss(x, np.sign(Y)), X),
    "margin_ranking_loss": (lambda x, y: F.margin_ranking_loss(x, y, np.sign(Z), 0.3), X, Y),
    "cosine_embedding_loss": (lambda x, y: F.cosine_embedding_loss(x, y, SIGNS, -0.9), X, Y),
    "multi_margin_loss": (lambda x: F.multi_margin_loss(x, CLASSES, p=2), X),
    "multilabel_margin_loss": (lambda x: F.multilabel_margin_loss(x, np.array([[1, 3, -1, 0]] * 3)), X),
    "multilabel_soft_margin_loss": (F.multilabel_soft_margin_loss, X, P),
    "triplet_margin_loss": (lambda a, p, n: F.triplet_margin_loss(a, p, n, swap=True), X, Y, Z),
    "triplet_margin_with_distance_loss": (F.triplet_margin_with_distance_loss, X, Y, Z),
    "ctc_loss": (lambda x: F.ctc_loss(log_softmax(x, 2), np.array([[1, 1], [2, 0]]), *LENGTHS), R.normal(size=(5, 2, 3))),
}


@pytest.mark.parametrize("name", SECOND_ORDER)
def test_derivatives_to_second_order(name):
    f, *xs = SECOND_ORDER[name]
    check_grads(f, *xs, name=name)


def test_every_function_is_checked():
    public = {name for name, f in vars(F).items() if inspect.isfunction(f) and f.__module__ == F.__name__ and name[0] != "_"}
    assert public - {"check_reduction", "shape_of"} == {name.split()[0] for name in SECOND_ORDER}


def test_ctc_is_the_sum_over_all_alignments():
    """Every path through 4 frames of 3 classes, by the definition: repeats merged, blanks dropped."""
    x = np.asarray(log_softmax(np.random.default_rng(0).normal(size=(4, 1, 3)), 2))
    for target in ([], [1], [2, 1], [1, 1], [1, 2, 1]):
        chance = 0.0
        for path in itertools.product(range(3), repeat=4):
            if [label for label, _ in itertools.groupby(path) if label] == target:
                chance += math.exp(sum(x[t, 0, label] for t, label in enumerate(path)))
        got = F.ctc_loss(x, np.array([[*target, 0]]), [4], [len(target)], reduction="sum")
        np.testing.assert_allclose(got, -math.log(chance), rtol=1e-12)


class Learning(Module):
    """A layer and a loss, for a recorded step."""

    def __init__(self, loss, *more):
        self.scale, self.loss, self.more = PReLU(1), loss, more

    def forward(self, x):
        return self.loss(self.scale(x), *self.more)


@pytest.mark.parametrize(
    ("loss", "more"),
    [
        (layers.MSELoss(), (Y,)),
        (layers.HuberLoss(), (Y,)),
        (layers.CrossEntropyLoss(), (CLASSES,)),
        (layers.CrossEntropyLoss(np.ones(4), ignore_index=3, label_smoothing=0.1), (CLASSES,)),
        (layers.CrossEntropyLoss(), (P,)),
        (layers.NLLLoss(), (CLASSES,)),
        (layers.BCEWithLogitsLoss(pos_weight=np.array(2.0)), (P,)),
        (layers.KLDivLoss(), (P,)),
        (layers.MultiMarginLoss(), (CLASSES,)),
        (layers.TripletMarginLoss(), (Y, Z)),
        (layers.GaussianNLLLoss(), (Y, P)),
    ],
)
def test_recorded_steps_replay(loss, more):
    replays(Learning(loss, *more), X)


def test_a_recorded_ctc_replays():
    loss = layers.CTCLoss(zero_infinity=True)
    x = R.normal(size=(5, 2, 3))
    replays(Learning(loss, np.array([[1, 1], [2, 0]]), *LENGTHS), np.asarray(log_softmax(x, 2)))


def test_a_program_sees_the_targets_of_each_run():
    """Other classes, an ignored one among them, and one that does not exist."""

    def step(x, t):
        x = x.requires_grad_()
        loss = F.cross_entropy(x, t)
        loss.backward()
        return loss, x.grad

    _, program = ag.record(step, X, np.array([0, 1, 2]))
    for t in (np.array([3, 3, 1]), np.array([-100, 2, -100])):
        loss, slope = program.run(X, t)
        wanted = F.cross_entropy(X, t)
        np.testing.assert_array_equal(loss.numpy(), wanted)
        assert not slope.numpy()[t == -100].any()
    with pytest.raises(IndexingError, match="class 4"):
        program.run(X, np.array([0, 4, 1]))


# --- kinks, tails, masks ---------------------------------------------------------------------------------------------------


def slope_of(f, *xs, dtype=np.float64):
    leaves = [Tensor(np.array(x, dtype)) for x in xs]
    y = f(*leaves)
    y.sum().backward()
    return y.detach().numpy(), *(x.grad.numpy() for x in leaves)


def each(f, target, **options):
    """The loss of each element as a function of the input alone."""
    return lambda x: f(x, np.array(target, x.dtype), reduction="none", **options)


LARGE = [-1e4, -100.0, 100.0, 1e4]
EDGES = {
    "l1": (each(F.l1_loss, [0, 0]), [0.0, 1.0], [0, 1], [0, 1]),
    "huber": (each(F.huber_loss, [0, 0, 0]), [0.0, 1.0, -1.0], [0, 0.5, 0.5], [0, 1, -1]),
    "smooth_l1 beta=0": (each(F.smooth_l1_loss, [0], beta=0.0), [0.0], [0], [0]),
    "bce right": (each(F.binary_cross_entropy, [0, 1]), [0.0, 1.0], [0, 0], [1, -1]),
    "bce wrong": (each(F.binary_cross_entropy, [1, 0]), [0.0, 1.0], [100, 100], [-inf, inf]),
    "logits 1": (each(F.binary_cross_entropy_with_logits, [1] * 4), LARGE, [1e4, 100, 0, 0], [-1, -1, 0, 0]),
    "logits 0": (each(F.binary_cross_entropy_with_logits, [0] * 4), LARGE, [0, 0, 100, 1e4], [0, 0, 1, 1]),
    "logits inf": (each(F.binary_cross_entropy_with_logits, [0, 1]), [-inf, inf], [0, 0], [0, 0]),
    "soft margin": (each(F.soft_margin_loss, [1, 1]), [-1e4, 1e4], [1e4, 0], [-1, 0]),
    "soft target": (lambda x: F.cross_entropy(x, np.array([[1.0, 0.0]], x.dtype)), [[0.0, -inf]], 0, [[0, 0]]),
    "masked class": (lambda x: F.cross_entropy(x, np.array([0])), [[0.0, -inf]], 0, [[0, 0]]),
    "sure and right": (lambda x: F.cross_entropy(x, np.array([0])), [[1e4, -1e4]], 0, [[0, 0]]),
    "sure and wrong": (lambda x: F.cross_entropy(x, np.array([1])), [[1e4, -1e4]], 2e4, [[1, -1]]),
    "kl 0": (lambda x: F.kl_div(x, np.array([0.0, 1.0], x.dtype), reduction="none"), [-inf, 0.0], [0, 0], [0, -1]),
    "hinge": (each(F.hinge_embedding_loss, [-1, 1]), [1.0, 0.0], [0, 0], [0, 1]),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", EDGES)
def test_values_and_slopes_at_the_edges(name, dtype):
    f, points, values, slopes = EDGES[name]
    y, g = slope_of(f, points, dtype=dtype)
    assert y.dtype == g.dtype == dtype
    np.testing.assert_allclose(y, np.array(values, dtype), atol=1e-40)
    np.testing.assert_allclose(g, np.array(slopes, dtype), atol=1e-40)


def test_tails_keep_their_digits():
    tail = 4.248354255291589e-18
    y, g = slope_of(lambda x: F.cross_entropy(x, [0]), [[40.0, 0.0]])
    np.testing.assert_allclose(y, tail, rtol=1e-12)
    np.testing.assert_allclose(g, [[-tail, tail]], rtol=1e-12)
    y, g = slope_of(each(F.binary_cross_entropy_with_logits, [1.0]), [40.0])
    np.testing.assert_allclose([y[0], g[0]], [tail, -tail], rtol=1e-12)


@pytest.mark.parametrize("weight", [None, np.ones(2)])
@pytest.mark.parametrize("f", [F.cross_entropy, F.nll_loss])
def test_the_mean_of_nothing_is_nan_and_has_no_slope(f, weight):
    for x, t in ((np.zeros((2, 2)), np.array([-100, -100])), (np.zeros((0, 2)), np.zeros(0, int))):
        y, g = slope_of(lambda x, t=t: f(x, t, weight), x)
        assert np.isnan(y)
        assert g.shape == x.shape
        assert not g.any()
    assert f(np.zeros((0, 2)), np.zeros(0, int), weight, reduction="sum") == 0


ROWS, FEWER = np.zeros((0, 2)), np.zeros(0)
OF_NOTHING = {
    **{f.__name__: (f, ROWS, ROWS) for f in (F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.huber_loss, F.poisson_nll_loss)},
    **{f.__name__: (f, ROWS, ROWS) for f in (F.binary_cross_entropy, F.binary_cross_entropy_with_logits, F.kl_div)},
    **{f.__name__: (f, ROWS, ROWS) for f in (F.cross_entropy, F.soft_margin_loss, F.multilabel_soft_margin_loss)},
    "multi_margin_loss": (F.multi_margin_loss, ROWS, FEWER.astype(int)),
    "triplet_margin_loss": (F.triplet_margin_loss, ROWS, ROWS, ROWS),
    "margin_ranking_loss": (F.margin_ranking_loss, FEWER, FEWER, FEWER),
}


@pytest.mark.parametrize("name", OF_NOTHING)
def test_the_mean_over_an_empty_batch_is_nan_without_a_warning(name):
    f, x, *targets = OF_NOTHING[name]
    y, g = slope_of(lambda x: f(x, *targets), x)
    assert np.isnan(y)
    assert g.shape == x.shape
    assert f(x, *targets, reduction="sum") == 0


@pytest.mark.parametrize("kept", [-100, 99])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_large_batch_of_float16_overflows_nowhere(smoothing, kept):
    """Of 2,000 rows with 100 classes: 2,000 * 100 is more than float16 holds, and so is the sum of 70,000 losses."""
    t = np.arange(70_000) % 100
    y, g = slope_of(
        lambda x: F.cross_entropy(x, t[:2000], label_smoothing=smoothing, ignore_index=kept), np.zeros((2000, 100)), dtype="f2"
    )
    wanted, slope = slope_of(
        lambda x: F.cross_entropy(x, t[:2000], label_smoothing=smoothing, ignore_index=kept), np.zeros((2000, 100))
    )
    assert y.dtype == g.dtype == np.float16
    np.testing.assert_allclose(y, wanted, rtol=1e-3)
    np.testing.assert_allclose(g, slope, rtol=5e-2, atol=1e-7)
    x = np.zeros((70_000, 2), np.float16)
    for value in (F.cross_entropy(x, t % 2, label_smoothing=smoothing), F.nll_loss(x - np.float16(2), t % 2) / 2 * math.log(2)):
        np.testing.assert_allclose(value, math.log(2), rtol=1e-3)


def test_squares_of_float16_are_summed_in_float32():
    x = np.full((3000, 100), 2.0)
    y, g = slope_of(lambda x: F.mse_loss(x, np.zeros_like(x)), x, dtype="f2")
    assert (y.dtype, y) == (np.float16, 4.0)
    np.testing.assert_allclose(g, 4 / x.size, rtol=1e-2)


def test_an_ignored_row_may_hold_anything():
    x = np.array([[nan, inf], [0.0, 1.0]])
    with np.errstate(invalid="ignore"):
        y, g = slope_of(lambda x: F.cross_entropy(x, [-100, 1]), x)
    np.testing.assert_allclose(y, math.log1p(math.exp(-1)))
    assert not g[0].any()
    assert np.isfinite(g).all()


def test_a_variance_comes_back_from_below_its_floor():
    y, g = slope_of(lambda v: F.gaussian_nll_loss(np.zeros(2), np.ones(2), v, eps=0.1), [0.0, 0.5])
    np.testing.assert_allclose(y, (math.log(0.1) + 10 + math.log(0.5) + 2) / 4)
    np.testing.assert_allclose(g, [(1 / 0.1 - 1 / 0.01) / 4, (1 / 0.5 - 1 / 0.25) / 4])


def test_impossible_targets_of_ctc():
    x = Tensor(np.log(np.full((2, 1, 3), 1 / 3)))
    assert F.ctc_loss(x, [[1, 1]], [2], [2]).item() == inf
    y = F.ctc_loss(x, [[1, 1]], [2], [2], zero_infinity=True)
    y.backward()
    assert (y.item(), np.abs(x.grad.numpy()).max()) == (0, 0)


def test_inputs_are_left_alone():
    x, t = X.copy(), CLASSES.copy()
    x.flags.writeable = t.flags.writeable = False
    F.cross_entropy(Tensor(x), t).backward()
    F.cross_entropy(np.asfortranarray(x), t)
    np.testing.assert_array_equal(x, X)


def test_float32_stays_float32():
    x = X.astype(np.float32)
    for f, t in (
        (F.mse_loss, x + 1),
        (F.cross_entropy, CLASSES),
        (F.nll_loss, CLASSES),
        (F.huber_loss, x + 1),
        (F.kl_div, abs(x)),
    ):
        assert f(x, t).dtype == np.float32
    assert layers.CrossEntropyLoss(np.ones(4, np.float32), label_smoothing=0.1)(Tensor(x), CLASSES).dtype == np.float32


# --- modules, errors -------------------------------------------------------------------------------------------------------


def test_weights_are_buffers_that_move_along():
    loss = layers.BCEWithLogitsLoss(np.ones(2, np.float32), pos_weight=np.full(2, 3.0, np.float32))
    assert list(loss.state_dict()) == ["weight", "pos_weight"]
    assert list(layers.BCEWithLogitsLoss().state_dict()) == []
    twin = copy.deepcopy(loss).double()
    assert twin.pos_weight.dtype == np.float64
    x, t = np.array([0.3, -0.2]), np.array([1.0, 0.0])
    np.testing.assert_allclose(twin(x, t).item(), F.binary_cross_entropy_with_logits(x, t, pos_weight=np.full(2, 3.0)))


ERRORS = [
    (
        lambda: F.mse_loss(np.ones(2), np.ones(2, int)),
        DtypeError,
        "mse_loss: expected a target of floats, got int64. Convert it: target.astype('float32')",
    ),
    (
        lambda: layers.BCELoss()(np.ones(2), np.ones(2, bool)),
        DtypeError,
        "nn.BCELoss: expected a target of floats, got bool. Convert it: target.astype('float32')",
    ),
    (
        lambda: layers.MSELoss()(np.ones((5, 1)), np.ones(5)),
        ShapeError,
        "nn.MSELoss: input and target have one shape, and these have (5, 1) and (5,): they would broadcast to (5, 5), which is "
        "hardly meant. Perhaps target.reshape(5, 1)",
    ),
    (
        lambda: F.l1_loss(np.ones((5, 2)), np.ones(5)),
        ShapeError,
        "l1_loss: input and target have one shape, and these have (5, 2) and (5,)",
    ),
    (
        lambda: layers.MSELoss(reduction="avg"),
        ValueError,
        "MSELoss: reduction is 'mean', 'sum' or 'none', not 'avg'",
    ),
    (
        lambda: F.kl_div(X, P, reduction="avg"),
        ValueError,
        "kl_div: reduction is 'batchmean', 'mean', 'sum' or 'none', not 'avg'",
    ),
    (
        lambda: F.mse_loss(Sequential(), np.ones(2)),
        DtypeError,
        "mse_loss: the input is a module, not what it returns. Call it: model(x)",
    ),
    (
        lambda: F.binary_cross_entropy(np.full((3, 1), 0.5), np.ones((3, 1)), np.ones(4)),
        ShapeError,
        "binary_cross_entropy: weight of shape (4,) for an input of shape (3, 1)",
    ),
    (
        lambda: F.binary_cross_entropy_with_logits(X, X, np.ones(3)),
        ShapeError,
        "binary_cross_entropy_with_logits: the shapes (3, 4) and (3,) do not fit together",
    ),
    (
        lambda: F.multilabel_soft_margin_loss(np.ones(2), np.ones(2), np.ones((3, 2))),
        ShapeError,
        "multilabel_soft_margin_loss: weight of shape (3, 2) for an input of shape (2,)",
    ),
    (lambda: F.triplet_margin_loss(X, X, X, 0.0), ValueError, "triplet_margin_loss: margin is above 0, not 0.0"),
    (
        lambda: F.ctc_loss(np.zeros((7, 9)), [1], [2, 3], [1]),
        ShapeError,
        "ctc_loss: expected log_probs (T, N, C), targets (N, S), input_lengths (N,) and target_lengths (N,), got (7, 9), (1,), "
        "(2,) and (1,)",
    ),
    (
        lambda: F.ctc_loss(np.zeros((7, 2, 9)), 1, [2, 3], [1, 1]),
        ShapeError,
        "ctc_loss: expected log_probs (T, N, C), targets (N, S), input_lengths (N,) and target_lengths (N,), got (7, 2, 9), "
        "(), (2,) and (2,)",
    ),
    (
        lambda: F.cross_entropy(X, CLASSES.astype(float)),
        DtypeError,
        "cross_entropy: expected a target of class indices, integers, got float64: target.astype('int64')",
    ),
    (
        lambda: layers.CrossEntropyLoss()(X, np.array([0, 4, 1])),
        IndexingError,
        "nn.CrossEntropyLoss: the target holds class 4, and there are 4 classes, 0 to 3. To leave it out, pass ignore_index=4; "
        "now that is -100",
    ),
    (
        lambda: F.nll_loss(X, np.array([0, -1, 1])),
        IndexingError,
        "nll_loss: the target holds class -1, and there are 4 classes, 0 to 3. To leave it out, pass ignore_index=-1; now that "
        "is -100",
    ),
    (
        lambda: F.cross_entropy(X, CLASSES[:, None]),
        ShapeError,
        "cross_entropy: for an input of shape (3, 4), with the classes in axis 1, class indices have the shape (3,), and these "
        "have (3, 1); a column of indices becomes a row by target.reshape(-1)",
    ),
    (
        lambda: F.cross_entropy(X, CLASSES, np.ones(3)),
        ShapeError,
        "cross_entropy: expected a weight for each of 4 classes, got shape (3,)",
    ),
    (
        lambda: F.cross_entropy(X, CLASSES, label_smoothing=2),
        ValueError,
        "cross_entropy: label_smoothing is between 0 and 1, not 2",
    ),
    (
        lambda: F.binary_cross_entropy(np.array([0.5, 1.5]), np.ones(2)),
        ValueError,
        "binary_cross_entropy(float64[2], float64[2]): the input should be probabilities, from 0 to 1, and holds 0.5 to 1.5. "
        "Take a sigmoid first, or better binary_cross_entropy_with_logits",
    ),
    (
        lambda: F.gaussian_nll_loss(np.ones(2), np.ones(2), np.array([1.0, -1.0])),
        ValueError,
        "floored(float64[2], low=1e-06): a variance below 0: -1.0. Pass exp of a number of any sign, or its square",
    ),
    (
        lambda: F.ctc_loss(np.zeros((2, 1, 3)), [[1, 2]], [2], [3]),
        ValueError,
        "ctc(float64[2, 1, 3], int64[1, 2], int64[1], int64[1], blank=0): a target of 3 labels among targets of 2",
    ),
    (
        lambda: F.ctc_loss(np.zeros((2, 1, 3)), [1, 2, 2], [2], [2]),
        ShapeError,
        "ctc_loss: 2 labels by target_lengths, and 3 in targets, which holds the targets one after another",
    ),
    (
        lambda: F.multi_margin_loss(X, CLASSES, p=3),
        ValueError,
        "multi_margin_loss: p is 1 or 2, not 3",
    ),
]


@pytest.mark.parametrize(("call", "kind", "words"), ERRORS, ids=[words[:30] for _, _, words in ERRORS])
def test_errors_word_for_word(call, kind, words):
    with pytest.raises(kind, match=f"^{re.escape(words)}$"):
        call()
