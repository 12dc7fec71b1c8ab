"""nn.init: distributions against SciPy, bounds and what is not random against PyTorch, and models that one seed decides.

Distributions are compared by the Kolmogorov-Smirnov test with fixed seeds, so a run does not depend on luck.
"""

import inspect
import math

import numpy as np
import pytest
from scipy import stats

import autograd as ag
from autograd import DtypeError, GradientError, ShapeError, Tensor
from nn import Module, ModuleDict, ModuleList, Parameter, Sequential, init
from tests.elsewhere import Double

RANDOM = {
    "uniform_": {},
    "normal_": {},
    "trunc_normal_": {},
    "xavier_uniform_": {},
    "xavier_normal_": {},
    "kaiming_uniform_": {},
    "kaiming_normal_": {},
    "orthogonal_": {},
    "sparse_": {"sparsity": 0.3},
}
FIXED = {"constant_": {"val": 3.0}, "ones_": {}, "zeros_": {}, "eye_": {}}
ALL = RANDOM | FIXED


def weight(*shape, dtype=np.float64):
    return Parameter(np.zeros(shape, dtype))


def rng(seed=0):
    return np.random.default_rng(seed)


# --- distributions ---------------------------------------------------------------------------------------------------------

INFINITY = math.inf
TRUNCATED = [
    (0.0, 1.0, -2.0, 2.0),
    (1.0, 0.5, 0.0, 3.0),
    (0.0, 1.0, 5.0, 6.0),
    (0.0, 1.0, -7.0, -6.0),
    (0.0, 0.02, -2.0, 2.0),
    (3.0, 2.0, -INFINITY, 1.0),
    (0.0, 1.0, -1.0, INFINITY),
    (0.0, 1.0, -INFINITY, INFINITY),
    (0.0, 1.0, 30.0, INFINITY),
    (0.0, 1.0, -0.1, 0.1),
]
# For a weight of shape (60, 50, 2): fan in 100, fan out 120.
DRAWS = [
    ("uniform_", {}, stats.uniform(0, 1)),
    ("uniform_", {"a": -3, "b": 5}, stats.uniform(-3, 8)),
    ("normal_", {}, stats.norm()),
    ("normal_", {"mean": 2, "std": 0.1}, stats.norm(2, 0.1)),
    ("xavier_uniform_", {}, stats.uniform(-math.sqrt(6 / 220), 2 * math.sqrt(6 / 220))),
    ("xavier_uniform_", {"gain": 3}, stats.uniform(-3 * math.sqrt(6 / 220), 6 * math.sqrt(6 / 220))),
    ("xavier_normal_", {"gain": 0.5}, stats.norm(0, 0.5 * math.sqrt(2 / 220))),
    ("kaiming_uniform_", {}, stats.uniform(-math.sqrt(6 / 100), 2 * math.sqrt(6 / 100))),
    ("kaiming_uniform_", {"a": math.sqrt(5)}, stats.uniform(-1 / 10, 2 / 10)),
    ("kaiming_uniform_", {"mode": "fan_out"}, stats.uniform(-math.sqrt(6 / 120), 2 * math.sqrt(6 / 120))),
    ("kaiming_normal_", {"nonlinearity": "tanh"}, stats.norm(0, 5 / 3 / 10)),
    ("kaiming_normal_", {"nonlinearity": "relu", "mode": "fan_out"}, stats.norm(0, math.sqrt(2 / 120))),
    *(
        ("trunc_normal_", {"mean": m, "std": s, "a": a, "b": b}, stats.truncnorm((a - m) / s, (b - m) / s, m, s))
        for m, s, a, b in TRUNCATED
    ),
]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("name", "arguments", "expected"), DRAWS)
def test_draws_have_the_distribution_of_the_formula(name, arguments, expected, dtype):
    w = getattr(init, name)(weight(60, 50, 2, dtype=dtype), **arguments, generator=rng(1))
    assert stats.kstest(w.numpy().ravel().astype(np.float64), expected.cdf).pvalue > 0.01


def test_a_wrong_scale_would_be_seen():
    w = init.kaiming_uniform_(weight(60, 50, 2), a=math.sqrt(5), generator=rng(1))
    assert stats.kstest(w.numpy().ravel(), stats.uniform(-0.11, 0.22).cdf).pvalue < 1e-6


@pytest.mark.parametrize("shape", [(5, 5), (3, 7), (7, 3), (4, 2, 3), (1, 6), (6, 1)])
def test_orthogonal_matrices_are(shape):
    w = init.orthogonal_(weight(*shape), gain=1.5, generator=rng()).numpy().reshape(shape[0], -1)
    product = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    np.testing.assert_allclose(product, 1.5**2 * np.eye(len(product)), atol=1e-12)


@pytest.mark.slow
def test_orthogonal_matrices_are_uniform():
    # Each entry of a uniform rotation or reflection in space is a coordinate of a point on the sphere: uniform on [-1, 1].
    generator = rng(2)
    drawn = np.array([init.orthogonal_(weight(3, 3), generator=generator).numpy() for _ in range(1500)])
    for i, j in np.ndindex(3, 3):
        assert stats.kstest(drawn[:, i, j], stats.uniform(-1, 2).cdf).pvalue > 0.01, (i, j)
    assert 650 < (np.linalg.det(drawn) > 0).sum() < 850


@pytest.mark.parametrize("sparsity", [0.0, 0.1, 0.5, 0.95, 1.0])
def test_sparse_columns_have_zeros_at_random_places(sparsity):
    w = init.sparse_(weight(20, 3000), sparsity, std=2.0, generator=rng(3)).numpy()
    zeros = math.ceil(20 * sparsity)
    assert ((w == 0).sum(axis=0) == zeros).all()
    if 0 < zeros < 20:
        assert stats.chisquare((w == 0).sum(axis=1)).pvalue > 0.01
    if zeros < 20:
        assert stats.kstest(w[w != 0], stats.norm(0, 2).cdf).pvalue > 0.01


# --- against PyTorch -------------------------------------------------------------------------------------------------------


@pytest.mark.torch
def test_signatures_are_pytorchs():
    import torch

    for name in (*ALL, "dirac_", "calculate_gain"):
        theirs, ours = (inspect.signature(getattr(module, name)).parameters for module in (torch.nn.init, init))
        assert list(theirs) == list(ours), name
        assert {k: p.default for k, p in theirs.items()} == {k: p.default for k, p in ours.items()}, name


@pytest.mark.torch
@pytest.mark.parametrize("shape", [(4, 4), (3, 5), (5, 3), (0, 3)])
@pytest.mark.parametrize("name", FIXED)
def test_fixed_values_are_pytorchs(name, shape):
    import torch

    theirs = getattr(torch.nn.init, name)(torch.full(shape, 7.0), **FIXED[name])
    np.testing.assert_array_equal(getattr(init, name)(weight(*shape), **FIXED[name]).numpy(), theirs.numpy())


@pytest.mark.torch
@pytest.mark.parametrize("kernel", [(3,), (4,), (3, 2), (1, 3, 2)])
@pytest.mark.parametrize(("channels", "groups"), [((4, 4), 1), ((6, 2), 1), ((2, 6), 1), ((6, 2), 3), ((6, 5), 2)])
def test_dirac_is_pytorchs(channels, groups, kernel):
    import torch

    theirs = torch.nn.init.dirac_(torch.zeros(*channels, *kernel), groups)
    np.testing.assert_array_equal(init.dirac_(weight(*channels, *kernel), groups).numpy(), theirs.numpy())


@pytest.mark.torch
def test_gains_and_fans_are_pytorchs():
    import torch

    for name in (*init.GAINS, "leaky_relu"):
        assert init.calculate_gain(name) == torch.nn.init.calculate_gain(name)
    assert init.calculate_gain("leaky_relu", 0.3) == torch.nn.init.calculate_gain("leaky_relu", 0.3)
    for shape in [(2, 3), (4, 3, 5), (4, 3, 5, 2), (6, 1, 1, 2, 3)]:
        theirs = torch.nn.init._calculate_fan_in_and_fan_out(torch.zeros(shape))
        assert init._calculate_fan_in_and_fan_out(weight(*shape)) == theirs


@pytest.mark.torch
@pytest.mark.parametrize("name", ["xavier_uniform_", "kaiming_uniform_", "uniform_"])
def test_bounds_are_pytorchs(name):
    import torch

    torch.manual_seed(0)
    theirs = getattr(torch.nn.init, name)(torch.zeros(400, 300)).numpy()
    ours = getattr(init, name)(weight(400, 300), generator=rng()).numpy()
    np.testing.assert_allclose([ours.min(), ours.max()], [theirs.min(), theirs.max()], rtol=1e-4, atol=1e-4)


# --- in place --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("name", ALL)
def test_a_parameter_is_filled_in_place_and_returned(name, dtype):
    w = weight(4, 6, dtype=dtype)
    assert getattr(init, name)(w, **ALL[name]) is w
    assert (w.dtype, w.shape, w.requires_grad, w.is_leaf) == (dtype, (4, 6), True, True)
    assert name == "zeros_" or w.numpy().any()


@pytest.mark.parametrize("name", ALL)
def test_what_has_no_elements_stays_so(name):
    for shape in [(0, 3), (3, 0)]:
        assert getattr(init, name)(weight(*shape), **ALL[name]).shape == shape


@pytest.mark.parametrize("name", RANDOM)
def test_draws_come_from_the_generator_or_the_default_stream(name):
    fill = getattr(init, name)

    def filled(**given):
        return fill(weight(6, 5), **RANDOM[name], **given).numpy()

    np.testing.assert_array_equal(filled(generator=rng(5)), filled(generator=rng(5)))
    assert (filled(generator=rng(5)) != filled(generator=rng(6))).any()
    ag.random.seed(3)
    first, second = filled(), filled()
    ag.random.seed(3)
    np.testing.assert_array_equal(first, filled())
    assert (first != second).any()


def test_a_live_graph_keeps_the_old_value_and_the_parameter_its_gradient():
    w = Parameter([2.0, 3.0])
    loss = (w * w).sum()
    init.constant_(w, 7)
    loss.backward()
    assert w.tolist() == [7, 7]
    assert w.grad.tolist() == [4, 6]
    init.constant_(w, 8)
    assert w.grad.tolist() == [4, 6]


def test_other_leaves_are_filled_too():
    assert init.ones_(Tensor(np.zeros(2), requires_grad=False)).tolist() == [1, 1]
    assert init.constant_(Tensor([1, 2]), 5).tolist() == [5, 5]
    assert init.constant_(Parameter(2.0), 3).item() == 3
    filled = init.ones_(Parameter(Tensor(Double(np.zeros(3)), requires_grad=False)))
    assert isinstance(filled._raw, Double)
    assert isinstance(init.normal_(filled)._raw, Double)


def test_a_recorded_draw_is_drawn_anew():
    w = weight(3, 2)

    def fill():
        return init.kaiming_uniform_(w) * 1.0

    def filled(call):
        call()
        return w.numpy()

    ag.random.seed(0)
    eager = [filled(fill) for _ in range(3)]
    ag.random.seed(0)
    _, program = ag.record(fill)
    replayed = [w.numpy(), filled(program.run), filled(program.run)]
    np.testing.assert_array_equal(eager, replayed)
    assert (replayed[0] != replayed[1]).all()


# --- errors ----------------------------------------------------------------------------------------------------------------

VECTOR = (
    "fan in and fan out are those of a weight with two axes or more, and this Tensor has shape (3,). For a bias take "
    "uniform_ or zeros_"
)
ERRORS = [
    (lambda: init.xavier_uniform_(weight(3)), ShapeError, f"xavier_uniform_: {VECTOR}"),
    (lambda: init.kaiming_normal_(weight(3)), ShapeError, f"kaiming_normal_: {VECTOR}"),
    (lambda: init.kaiming_uniform_(weight(3, 2), mode="fan"), ValueError, "mode is 'fan_in' or 'fan_out', not 'fan'"),
    (lambda: init.kaiming_uniform_(weight(3, 2), mode="sum"), ValueError, "mode is 'fan_in' or 'fan_out', not 'sum'"),
    (lambda: init.calculate_gain("gelu"), ValueError, "calculate_gain: no gain is known of 'gelu', only of linear, conv1d"),
    (lambda: init.eye_(weight(3)), ShapeError, "eye_: a Tensor of 2 axes is needed, and this one has shape (3,)"),
    (lambda: init.sparse_(weight(3, 2, 1), 0.5), ShapeError, "sparse_: a Tensor of 2 axes is needed"),
    (lambda: init.sparse_(weight(3, 2), 1.5), ValueError, "sparse_: sparsity is a fraction between 0 and 1, not 1.5"),
    (lambda: init.dirac_(weight(3, 2)), ShapeError, "dirac_: a Tensor of 3 or 4 or 5 axes is needed"),
    (lambda: init.dirac_(weight(3, 2, 1), groups=2), ShapeError, "dirac_: 3 output channels cannot be divided into 2 groups"),
    (lambda: init.orthogonal_(weight(3)), ShapeError, "orthogonal_: a matrix has two axes or more"),
    (lambda: init.uniform_(weight(3), 2, 1), ValueError, "uniform_: the lower bound 2 is above the upper bound 1"),
    (lambda: init.normal_(weight(3), std=-1), ValueError, "normal_: a standard deviation is not negative, and this is -1"),
    (lambda: init.trunc_normal_(weight(3), a=2, b=1), ValueError, "trunc_normal_: std > 0 and a < b are needed"),
    (lambda: init.trunc_normal_(weight(3), std=0), ValueError, "trunc_normal_: std > 0 and a < b are needed"),
    (lambda: init.normal_(Tensor([1, 2])), DtypeError, "normal_: random values are floats, and this Tensor is of int64"),
    (lambda: init.normal_(weight(3), generator=3), DtypeError, "generator is a NumPy Generator, np.random.default_rng(seed)"),
    (lambda: init.ones_(np.zeros(3)), DtypeError, "constant_: a Parameter, or another Tensor, is filled in place"),
    (lambda: init.ones_(weight(3) * 2), GradientError, "constant_: this Tensor is the result of an op"),
]


@pytest.mark.parametrize(("call", "kind", "words"), ERRORS)
def test_errors_say_what_is_wrong(call, kind, words):
    with pytest.raises(kind) as error:
        call()
    assert words in str(error.value)


# --- a whole model ---------------------------------------------------------------------------------------------------------


class Layer(Module):
    def __init__(self, inputs, outputs):
        self.weight = weight(outputs, inputs)
        self.bias = weight(outputs)
        self.reset_parameters()

    def reset_parameters(self, generator=None):
        init.kaiming_uniform_(self.weight, a=math.sqrt(5), generator=generator)
        init.uniform_(self.bias, -0.5, 0.5, generator=generator)


class Zeroed(Module):
    """One whose own reset has the last word on what is inside."""

    def __init__(self):
        self.inner = Layer(2, 2)

    def reset_parameters(self, generator=None):
        init.zeros_(self.inner.bias)


def test_equal_seeds_give_equal_weights_whatever_was_built_first():
    a, b = Layer(3, 4), Layer(4, 2)
    one = init.reset(Sequential(a, b), seed=5)
    b, a = Layer(4, 2), Layer(3, 4)
    two = init.reset(Sequential(a, b), seed=5)
    for (name, x), (_, y) in zip(one.state_dict().items(), two.state_dict().items(), strict=True):
        np.testing.assert_array_equal(x, y, err_msg=name)
    assert (init.reset(one, seed=6)[0].weight.numpy() != two[0].weight.numpy()).all()


def test_one_layer_more_leaves_the_others_as_they_were():
    def model(**more):
        return init.reset(ModuleDict({**more, "one": Layer(3, 4), "two": ModuleList([Layer(3, 4)])})).state_dict()

    small, large = model(), model(zero=Layer(3, 4))
    assert small.keys() < large.keys()
    for name, value in small.items():
        np.testing.assert_array_equal(value, large[name])
    weights = [value for name, value in large.items() if name.endswith("weight")]
    assert len({value.tobytes() for value in weights}) == 3  # no two layers alike


def test_reset_leaves_the_default_stream_alone_and_shares_none_with_the_user():
    layer = Layer(5, 5)
    ag.random.seed(0)
    init.reset(layer, seed=0)
    after = ag.random.uniform(size=25).numpy()
    np.testing.assert_array_equal(after, rng(0).random(25))
    assert not np.isin(layer.weight.numpy(), init.kaiming_uniform_(weight(5, 5), math.sqrt(5), generator=rng(0)).numpy()).any()


def test_a_module_has_the_last_word_on_those_inside():
    assert not init.reset(Sequential(Zeroed()))[0].inner.bias.numpy().any()


def test_reset_returns_the_model_and_leaves_modules_without_a_reset_alone():
    class Own(Module):
        def __init__(self):
            self.scale = Parameter([3.0])
            self.layer = Layer(2, 2)

    model = Own()
    assert init.reset(model) is model
    assert model.scale.tolist() == [3]
