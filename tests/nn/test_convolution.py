"""Convolutions, transposed convolutions, patches and margins: layers and functions."""

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograd import DtypeError, ShapeError, Tensor
from autograd.ops import windows
from autograd.testing import check_grads
from nn import convolution as layers
from nn.functional import convolution as functional

from .held import equal_to_torch, replays

DRAWN = settings(max_examples=60, deadline=None, database=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def normal(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape)


# --- against PyTorch -------------------------------------------------------------------------------------------------------


def sides(draw: Any, d: int, low: int, high: int) -> Any:
    """A number for all axes, or one for each."""
    number = st.integers(low, high)
    return draw(st.one_of(number, st.tuples(*[number] * d)))


def each(value: Any, d: int) -> Any:
    return value if isinstance(value, tuple) else (value,) * d


@st.composite
def convolutions(draw: Any, transposed: bool) -> Any:
    """A number of axes, the arguments of a layer, and the shape of an input that it takes."""
    d = draw(st.integers(1, 2))
    groups = draw(st.integers(1, 3))
    given: dict[str, Any] = {
        "in_channels": groups * draw(st.integers(1, 2)),
        "out_channels": groups * draw(st.integers(1, 2)),
        "kernel_size": sides(draw, d, 1, 3),
        "stride": sides(draw, d, 1, 3),
        "dilation": sides(draw, d, 1, 2),
        "padding": sides(draw, d, 0, 2),
        "groups": groups,
        "bias": draw(st.booleans()),
    }
    lengths = tuple(draw(st.integers(5, 7)) for _ in range(d))
    if transposed:
        steps = zip(each(given["stride"], d), each(given["dilation"], d), strict=True)
        given["output_padding"] = tuple(draw(st.integers(0, max(pair) - 1)) for pair in steps)
    else:
        given["padding_mode"] = draw(st.sampled_from(["zeros", "zeros", "reflect", "replicate", "circular"]))
        special = draw(st.sampled_from([None, None, "same", "valid"]))
        if special:
            given["padding"] = special
        if special == "same":
            given["stride"] = 1
    batch = draw(st.sampled_from([(), (1,), (3,)]))
    return d, given, (*batch, given["in_channels"], *lengths)


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("transposed", [False, True])
def test_layers_are_pytorchs(transposed: bool) -> None:
    torch = pytest.importorskip("torch")
    kind = "ConvTranspose" if transposed else "Conv"

    @DRAWN
    @given(convolutions(transposed))
    def check(case: Any) -> None:
        d, arguments, shape = case
        ours = getattr(layers, f"{kind}{d}d")(**arguments)
        theirs = getattr(torch.nn, f"{kind}{d}d")(**arguments)
        assert repr(ours) == repr(theirs)
        try:
            theirs.double()(torch.zeros(shape, dtype=torch.float64))
        except RuntimeError:  # an output without elements
            with pytest.raises(ShapeError):
                ours(np.zeros(shape))
            return
        equal_to_torch(ours, theirs, normal(*shape))

    check()


@pytest.mark.torch
def test_output_size_is_pytorchs() -> None:
    torch = pytest.importorskip("torch")
    for size in (11, 12, 13):
        ours, theirs = (module.ConvTranspose1d(2, 3, 3, stride=3, padding=1) for module in (layers, torch.nn))
        equal_to_torch(ours, theirs, normal(2, 2, 4), output_size=(size - 1,))


@st.composite
def patches(draw: Any) -> Any:
    given = {name: sides(draw, 2, 1, 3) for name in ("kernel_size", "dilation", "stride")}
    given["padding"] = sides(draw, 2, 0, 2)
    return given, draw(st.sampled_from([(), (2,)])), tuple(draw(st.integers(7, 9)) for _ in range(2))


@pytest.mark.torch
def test_unfold_and_fold_are_pytorchs() -> None:
    torch = pytest.importorskip("torch")

    @DRAWN
    @given(patches())
    def check(case: Any) -> None:
        given, batch, lengths = case
        x = normal(*batch, 2, *lengths)
        equal_to_torch(layers.Unfold(**given), torch.nn.Unfold(**given), x)
        columns = functional.unfold(x, **given)
        ours, theirs = (module.Fold(lengths, **given) for module in (layers, torch.nn))
        assert repr(ours) == repr(theirs)
        equal_to_torch(ours, theirs, normal(*columns.shape))

    check()


PADS = ["ZeroPad", "ReflectionPad", "ReplicationPad", "CircularPad"]


@pytest.mark.torch
@pytest.mark.parametrize("name", PADS)
@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize("width", [0, 2, "sides"])
def test_margins_are_pytorchs(name: str, d: int, width: Any) -> None:
    torch = pytest.importorskip("torch")
    width = (1, 2, 0, 3)[: 2 * d] if width == "sides" else width
    ours, theirs = (getattr(module, f"{name}{d}d")(width) for module in (layers, torch.nn))
    assert repr(ours) == repr(theirs)
    equal_to_torch(ours, theirs, normal(2, 3, *(4, 5)[:d]))


@pytest.mark.torch
def test_constant_margins_are_pytorchs() -> None:
    torch = pytest.importorskip("torch")
    for name, width in (("ConstantPad1d", (2, -1)), ("ConstantPad1d", 1), ("ConstantPad2d", (1, 0, -2, 3))):
        ours, theirs = (getattr(module, name)(width, 3.5) for module in (layers, torch.nn))
        assert repr(ours) == repr(theirs)
        equal_to_torch(ours, theirs, normal(2, 4, 5))
    equal_to_torch(functional.pad, torch.nn.functional.pad, normal(2, 3, 4), pad=(1, 1, 0, 2, 3, 0), value=-1.0)


# --- derivatives -----------------------------------------------------------------------------------------------------------

x1, w1, b1 = normal(2, 4, 6), normal(2, 2, 3, seed=1), normal(2, seed=2)
x2, w2 = normal(1, 2, 4, 3), normal(2, 2, 2, 3, seed=1)
FUNCTIONS = {
    "conv1d": (lambda x, w, b: functional.conv1d(x, w, b, stride=2, padding=1, dilation=2, groups=2), x1, w1, b1),
    "conv1d, alone": (lambda x, w: functional.conv1d(x, w, padding="same"), x1[0], normal(1, 4, 2)),
    "conv2d": (lambda x, w, b: functional.conv2d(x, w, b, stride=(1, 2), padding=(0, 1)), x2, w2, b1),
    "conv2d, of points": (lambda x, w: functional.conv2d(x, w), x2, normal(3, 2, 1, 1)),
    "conv2d, of points, stride": (lambda x, w: functional.conv2d(x, w, stride=2), x2, normal(3, 2, 1, 1)),
    "conv2d, depthwise": (lambda x, w: functional.conv2d(x, w, groups=2), x2, normal(2, 1, 2, 2)),
    "conv_transpose1d": (
        lambda x, w, b: functional.conv_transpose1d(x, w, b, stride=2, padding=1, output_padding=1, groups=2),
        x1,
        normal(4, 1, 3, seed=1),
        b1,
    ),
    "conv_transpose2d": (lambda x, w: functional.conv_transpose2d(x, w, stride=(2, 1), dilation=(1, 2)), x2, w2),
    "unfold": (lambda x: functional.unfold(x, (2, 3), padding=1, stride=(1, 2)), x2),
    "fold": (lambda x: functional.fold(x, (3, 2), 2, padding=1), normal(2, 4, 12)),
    "pad": (lambda x: functional.pad(x, (1, -1, 2, 0), value=2.0), x2),
    "pad, reflect": (lambda x: functional.pad(x, (1, 2, 2, 0), "reflect"), x2),
    "pad, replicate": (lambda x: functional.pad(x, (1, 2, 0, 4), "replicate"), x2),
    "pad, circular": (lambda x: functional.pad(x, (3, 2), "circular"), x2),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives_to_second_order(name: str) -> None:
    f, *inputs = FUNCTIONS[name]
    check_grads(f, *inputs)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (lambda: layers.Conv1d(2, 3, 3, padding=1, padding_mode="circular"), (2, 2, 5)),
        (lambda: layers.Conv2d(2, 4, 3, stride=2, groups=2), (2, 2, 5, 6)),
        (lambda: layers.Conv2d(2, 4, 1, bias=False), (2, 2, 3, 4)),
        (lambda: layers.ConvTranspose1d(2, 4, 3, stride=2), (2, 2, 5)),
        (lambda: layers.ConvTranspose2d(2, 4, 2, stride=2, output_padding=1), (2, 2, 3, 4)),
    ],
)
def test_a_recorded_step_replays(layer: Any, shape: Any) -> None:
    replays(layer(), normal(*shape).astype(np.float32))


# --- the rules -------------------------------------------------------------------------------------------------------------


def slow_correlation(x: Any, w: Any, size: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
    """The formula, element by element."""
    y = np.zeros((len(x), len(w), *size), np.result_type(x, w))
    per_x, per_y = x.shape[1] // groups, len(w) // groups
    for n, o, *p in np.ndindex(*y.shape):
        for c, *k in np.ndindex(*w.shape[1:]):
            at = [s * i + d * j - q for s, i, d, j, q in zip(stride, p, dilation, k, padding, strict=True)]
            if all(0 <= i < m for i, m in zip(at, x.shape[2:], strict=True)):
                y[n, o, *p] += x[n, o // per_y * per_x + c, *at] * w[o, c, *k]
    return y


@pytest.mark.parametrize("block", [1, 50, 2**18])
@pytest.mark.parametrize("sample", windows.correlation.rule.samples)
def test_the_three_products_are_one_sum(sample: Any, block: int, monkeypatch: Any) -> None:
    monkeypatch.setattr(windows, "BLOCK", block)
    shape, kernel = sample.inputs
    geometry = {**sample.attributes}
    size = geometry.pop("size")
    x, w, v = normal(*shape), normal(*kernel, seed=1), normal(shape[0], kernel[0], *size, seed=2)
    expected = slow_correlation(x, w, size, **geometry)
    np.testing.assert_allclose(windows.correlation(x, w, size=size, **geometry), expected, rtol=1e-12, atol=1e-13)
    total = (expected * v).sum()
    back = windows.correlation_transpose(v, w, size=shape[2:], **geometry)
    kernels = windows.correlation_kernel(x, v, size=kernel[2:], **geometry)
    np.testing.assert_allclose([(back * x).sum(), (kernels * w).sum()], total, rtol=1e-12)


# --- numbers ---------------------------------------------------------------------------------------------------------------


def test_dtypes_are_kept() -> None:
    for f, *inputs in FUNCTIONS.values():
        xs = [Tensor(x.astype(np.float32)) for x in inputs]
        y = f(*xs)
        assert y.dtype == np.float32
        y.sum().backward()
        assert {x.grad.dtype for x in xs} == {np.dtype(np.float32)}


def test_a_bias_of_another_dtype_widens_as_in_its_definition() -> None:
    x, w = (normal(1, 1, 4).astype(np.float32) for _ in range(2))
    y = functional.conv1d(x, w, np.array([1 / 3]))
    np.testing.assert_allclose(y, functional.conv1d(x, w) + 1 / 3, rtol=1e-6)
    assert y.dtype == np.float64


def test_output_size_may_be_one_number() -> None:
    layer = layers.ConvTranspose2d(1, 1, 2, stride=2)
    for lengths in (7, (7, 7), (1, 1, 7, 7)):
        assert layer(np.ones((1, 1, 3, 3), np.float32).tolist(), output_size=lengths).shape == (1, 1, 7, 7)


def test_a_batch_of_nothing() -> None:
    layer = layers.Conv2d(2, 3, 3)
    x = Tensor(np.zeros((0, 2, 5, 5), np.float32))
    y = layer(x)
    assert y.shape == (0, 3, 3, 3)
    y.sum().backward()
    assert x.grad.shape == x.shape
    np.testing.assert_array_equal(layer.weight.grad, np.zeros_like(layer.weight))


def test_an_infinite_pixel_stays_where_it_is() -> None:
    x = normal(1, 1, 6, 6)
    x[0, 0, 1, 4] = np.inf
    y = functional.conv2d(x, np.ones((1, 1, 2, 2)))
    expected = np.zeros((5, 5), bool)
    expected[:2, 3:5] = True
    np.testing.assert_array_equal(y[0, 0] == np.inf, expected)
    assert np.isfinite(y[0, 0][~expected]).all()


def test_plain_in_plain_out() -> None:
    assert isinstance(functional.conv1d(x1, normal(2, 4, 3)), np.ndarray)
    assert isinstance(functional.pad([[1.0]], (1, 1), "circular"), np.ndarray)


# --- words -----------------------------------------------------------------------------------------------------------------

FAULTS = {
    "channels": (
        lambda: functional.conv2d(np.ones((1, 3, 4, 4)), np.ones((2, 1, 3, 3))),
        "conv2d: expected 1 channels in axis 1, got 3 (input shape (1, 3, 4, 4), weight shape (2, 1, 3, 3))",
    ),
    "axes": (
        lambda: functional.conv1d(np.ones(4), np.ones((1, 1, 3))),
        "conv1d: expected an input (batch, channels, length), or one without the batch, got shape (4,)",
    ),
    "integers": (
        lambda: functional.conv1d(np.ones((1, 4), int), np.ones((1, 1, 3))),
        "conv1d: expected an input of floats, got int64. Convert it: x.astype('float32')",
    ),
    "weight": (
        lambda: functional.conv_transpose1d(np.ones((1, 4)), np.ones((1, 3))),
        "conv_transpose1d: expected a weight (in, out / groups, kernel), got shape (1, 3)",
    ),
    "bias": (
        lambda: functional.conv1d(np.ones((1, 4)), np.ones((2, 1, 3)), np.ones(3)),
        "conv1d: expected a bias of shape (2,), got shape (3,)",
    ),
    "kernel": (
        lambda: functional.conv1d(np.ones((1, 4)), np.ones((2, 1, 3)), dilation=3),
        "conv1d: the kernel reaches over (7,), and the input has (4,) with its padding",
    ),
    "same": (
        lambda: functional.conv1d(np.ones((1, 4)), np.ones((2, 1, 3)), padding="same", stride=2),
        "conv1d: padding='same' needs stride=1, got stride=(2,): give the padding in numbers",
    ),
    "stride": (
        lambda: functional.conv1d(np.ones((1, 4)), np.ones((2, 1, 3)), stride=0),
        "conv1d: expected stride as a whole number or 1 of them, each at least 1, got 0",
    ),
    "output_padding": (
        lambda: functional.conv_transpose1d(np.ones((1, 4)), np.ones((1, 1, 3)), output_padding=1),
        "conv_transpose1d: output_padding=(1,) must be smaller than stride=(1,) or dilation=(1,)",
    ),
    "groups": (
        lambda: layers.Conv1d(3, 4, 1, groups=2),
        "Conv1d: groups=2 must divide in_channels=3 and out_channels=4",
    ),
    "padding_mode": (
        lambda: layers.Conv1d(3, 4, 1, padding_mode="zero"),
        "Conv1d: padding_mode='zero', and the modes are 'zeros', 'reflect', 'replicate', 'circular'",
    ),
    "layer": (
        lambda: layers.Conv2d(3, 4, 1)(np.ones((1, 2, 4, 4), np.float32)),
        "nn.Conv2d: expected 3 channels in axis 1, got 2 (input shape (1, 2, 4, 4), weight shape (4, 3, 1, 1))",
    ),
    "reflect": (
        lambda: functional.pad(np.ones((1, 3)), (3, 0), "reflect"),
        "pad: mode='reflect' can add 0 to 2 to axis 1 of shape (1, 3), got (3, 0)",
    ),
    "odd": (
        lambda: functional.pad(np.ones((1, 3)), (3,)),
        "pad: expected a pair of whole numbers (before, after) for each of at most 2 axes, got (3,)",
    ),
    "a number alone": (
        lambda: functional.pad(np.ones((1, 3)), 1),
        "pad: expected a pair of whole numbers (before, after) for each of at most 2 axes, got 1",
    ),
    "fractions": (
        lambda: functional.pad(np.ones((1, 3)), (1.0, 1.0)),
        "pad: expected a pair of whole numbers (before, after) for each of at most 2 axes, got (1.0, 1.0)",
    ),
    "groups of words": (
        lambda: functional.conv1d(np.ones((1, 4)), np.ones((2, 1, 3)), groups="1"),
        "conv1d: groups=1 do not divide the 2 channels of weight axis 0",
    ),
    "channels below 0": (
        lambda: layers.Conv1d(-1, 4, 1),
        "Conv1d: expected in_channels, out_channels and groups as a whole number or 3 of them, each at least 0, got (-1, 4, 1)",
    ),
    "output_size": (
        lambda: layers.ConvTranspose2d(1, 1, 2, stride=2)(np.ones((1, 3, 3)), output_size=(6, 6.5)),
        "nn.ConvTranspose2d: expected output_size as a whole number or 2 of them, each at least 1, got (6, 6.5)",
    ),
    "output_size of another input": (
        lambda: layers.ConvTranspose2d(1, 1, 2, stride=2)(np.ones((1, 3, 3)), output_size=(6, 8)),
        "nn.ConvTranspose2d: output_size=(6, 8) must lie between [6, 6] and [7, 7]",
    ),
    "axes of a transpose": (
        lambda: layers.ConvTranspose2d(1, 1, 2, stride=2)(np.ones(3), output_size=(6, 6)),
        "nn.ConvTranspose2d: expected an input (batch, channels, height, width), or one without the batch, got shape (3,)",
    ),
    "fold": (
        lambda: functional.fold(np.ones((1, 8, 4)), (4, 4), 2),
        "fold: expected (batch, channels * 4, 9 patches) for these sizes, got shape (1, 8, 4)",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_errors_say_what_is_wrong(name: str) -> None:
    call, words = FAULTS[name]
    with pytest.raises((ShapeError, DtypeError)) as found:
        call()
    assert str(found.value) == words


# --- beginnings ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d"])
def test_initial_values(kind: str) -> None:
    layer = getattr(layers, kind)(32, 64, 5, groups=2)
    assert list(layer.state_dict()) == ["weight", "bias"]
    bound = 1 / np.sqrt(np.prod(layer.weight.shape[1:]))
    for parameter in layer.parameters():
        values = parameter.detach().numpy()
        assert values.dtype == np.float32
        assert np.abs(values).max() <= bound
        if values.size > 1000:
            assert abs(values.mean()) < 0.1 * bound
            assert values.std() == pytest.approx(bound / np.sqrt(3), rel=0.05)
