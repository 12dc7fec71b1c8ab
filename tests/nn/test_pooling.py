"""Pools, interpolation and pixel shuffles: layers and functions."""

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import autograd as ag
from autograd import DtypeError, ShapeError, Tensor
from autograd.testing import check_grads
from nn import pooling as layers
from nn.functional import pooling as functional

from .held import equal_to_torch
from .test_convolution import sides

DRAWN = settings(max_examples=60, deadline=None, database=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def normal(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape)


def whole(*shape: int, seed: int = 0) -> Any:
    """Small whole numbers: with many equal ones."""
    return np.random.default_rng(seed).integers(0, 4, shape) * 1.0


# --- against PyTorch -------------------------------------------------------------------------------------------------------


@st.composite
def pools(draw: Any, kind: str) -> Any:
    d = draw(st.integers(1, 2))
    size = (lambda low, high: draw(st.integers(low, high))) if d == 1 else (lambda low, high: sides(draw, d, low, high))
    given: dict[str, Any] = {"kernel_size": size(1, 4), "ceil_mode": draw(st.booleans())}
    given["stride"] = size(1, 4) if draw(st.booleans()) else None
    kernel = given["kernel_size"]
    least = min(kernel) if isinstance(kernel, tuple) else kernel
    given["padding"] = draw(st.integers(0, least // 2))
    if kind == "MaxPool":
        given["dilation"] = size(1, 2)
        given["return_indices"] = draw(st.booleans())
    else:
        given["count_include_pad"] = draw(st.booleans())
        if d == 2 and draw(st.booleans()):
            given["divisor_override"] = draw(st.sampled_from([1, 3]))
    batch = draw(st.sampled_from([(), (1,), (3,)]))
    return d, given, (*batch, 2, *(draw(st.integers(7, 10)) for _ in range(d))), draw(st.booleans())


@pytest.mark.torch
@pytest.mark.parametrize("kind", ["MaxPool", "AvgPool"])
def test_pools_are_pytorchs(kind: str) -> None:
    torch = pytest.importorskip("torch")

    @DRAWN
    @given(pools(kind))
    def check(case: Any) -> None:
        d, arguments, shape, ties = case
        ours, theirs = (getattr(module, f"{kind}{d}d")(**arguments) for module in (layers, torch.nn))
        assert repr(ours) == repr(theirs)
        equal_to_torch(ours, theirs, whole(*shape) if ties else normal(*shape))

    check()


@st.composite
def adaptive_pools(draw: Any) -> Any:
    d = draw(st.integers(1, 2))
    lengths = tuple(draw(st.integers(1, 8)) for _ in range(d))
    size = st.integers(1, 9)
    sizes = st.tuples(*[st.one_of(size, st.none())] * d) if d == 2 else size
    return d, draw(st.one_of(size, sizes)), (*draw(st.sampled_from([(), (3,)])), 2, *lengths), draw(st.booleans())


@pytest.mark.torch
@pytest.mark.parametrize("kind", ["AdaptiveMaxPool", "AdaptiveAvgPool"])
def test_adaptive_pools_are_pytorchs(kind: str) -> None:
    torch = pytest.importorskip("torch")

    @DRAWN
    @given(adaptive_pools())
    def check(case: Any) -> None:
        d, size, shape, ties = case
        options = {"return_indices": ties} if "Max" in kind else {}
        ours, theirs = (getattr(module, f"{kind}{d}d")(size, **options) for module in (layers, torch.nn))
        assert repr(ours) == repr(theirs)
        equal_to_torch(ours, theirs, whole(*shape) if ties else normal(*shape))

    check()


@st.composite
def resizings(draw: Any) -> Any:
    mode = draw(st.sampled_from(["nearest", "nearest-exact", "area", "linear", "bilinear", "trilinear"]))
    d = {"linear": 1, "bilinear": 2, "trilinear": 3}.get(mode) or draw(st.integers(1, 3))
    given: dict[str, Any] = {"mode": mode}
    if draw(st.booleans()):
        given["size"] = sides(draw, d, 1, 9)
    else:
        factor = st.sampled_from([0.5, 1.0, 1.5, 2, 2.3, 3.0])
        given["scale_factor"] = draw(st.one_of(factor, st.tuples(*[factor] * d)))
        given["recompute_scale_factor"] = draw(st.sampled_from([None, False, True]))
    if "linear" in mode:
        given["align_corners"] = draw(st.sampled_from([None, False, True]))
    return given, (2, 2, *(draw(st.integers(2, 6)) for _ in range(d)))


@pytest.mark.torch
def test_upsampling_is_pytorchs() -> None:
    torch = pytest.importorskip("torch")

    @DRAWN
    @given(resizings())
    def check(case: Any) -> None:
        arguments, shape = case
        ours, theirs = (module.Upsample(**arguments) for module in (layers, torch.nn))
        assert repr(ours) == repr(theirs)
        equal_to_torch(ours, theirs, normal(*shape))

    check()


@pytest.mark.torch
@pytest.mark.parametrize(
    ("mode", "axes", "length", "factor"),
    [("linear", 1, 5, 1.1), ("bilinear", 2, 5, 1.1), ("nearest-exact", 2, 12, 3.107102001936191)],
)
def test_factors_that_hardly_change_the_size_are_pytorchs(mode: str, axes: int, length: int, factor: float) -> None:
    torch = pytest.importorskip("torch")
    ours, theirs = (module.Upsample(scale_factor=factor, mode=mode) for module in (layers, torch.nn))
    x = normal(1, 2, *[length] * axes)
    equal_to_torch(ours, theirs, x)
    assert not np.shares_memory(ours(x), x)


@pytest.mark.torch
@pytest.mark.parametrize("shape", [(2, 12, 4, 6), (12, 2, 4), (2, 3, 8, 6, 2)])
@pytest.mark.parametrize("factor", [1, 2])
def test_pixel_shuffles_are_pytorchs(shape: Any, factor: int) -> None:
    torch = pytest.importorskip("torch")
    for kind in ("PixelShuffle", "PixelUnshuffle"):
        ours, theirs = (getattr(module, kind)(factor) for module in (layers, torch.nn))
        assert repr(ours) == repr(theirs)
        equal_to_torch(ours, theirs, normal(*shape))


# --- derivatives -----------------------------------------------------------------------------------------------------------

x1, x2 = normal(2, 2, 7), normal(2, 5, 4, seed=1)
FUNCTIONS = {
    "max_pool1d": (lambda x: functional.max_pool1d(x, 3, 2, 1, ceil_mode=True), x1),
    "max_pool2d": (lambda x: functional.max_pool2d(x, 2), x2),
    "max_pool2d, overlapping": (lambda x: functional.max_pool2d(x, (3, 2), 1, (1, 0), (1, 2)), x2),
    "max_pool1d, elements in no window": (lambda x: functional.max_pool1d(x[..., :4], 2, 3, ceil_mode=True), x1),
    "avg_pool1d": (lambda x: functional.avg_pool1d(x, 3, 2, 1, count_include_pad=False), x1),
    "avg_pool2d": (lambda x: functional.avg_pool2d(x, 2, 1, ceil_mode=True, divisor_override=3), x2),
    "adaptive_avg_pool1d": (lambda x: functional.adaptive_avg_pool1d(x, 3), x1),
    "adaptive_avg_pool2d": (lambda x: functional.adaptive_avg_pool2d(x, (6, 3)), x2),
    "adaptive_avg_pool2d, to one": (lambda x: functional.adaptive_avg_pool2d(x, 1), x2),
    "adaptive_max_pool1d": (lambda x: functional.adaptive_max_pool1d(x, 3), x1),
    "adaptive_max_pool2d": (lambda x: functional.adaptive_max_pool2d(x, (6, 3)), x2),
    "interpolate, nearest": (lambda x: functional.interpolate(x, scale_factor=2), x1),
    "interpolate, fewer": (lambda x: functional.interpolate(x, size=3), x1),
    "interpolate, linear": (lambda x: functional.interpolate(x, size=9, mode="linear"), x1),
    "interpolate, bilinear": (lambda x: functional.interpolate(x[None], size=(3, 6), mode="bilinear", align_corners=True), x2),
    "pixel_shuffle": (lambda x: functional.pixel_shuffle(x, 2), normal(4, 2, 3)),
    "pixel_unshuffle": (lambda x: functional.pixel_unshuffle(x, 2), normal(1, 4, 2)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives_to_second_order(name: str) -> None:
    f, x = FUNCTIONS[name]
    check_grads(f, x)
    check_grads(lambda x: f(x) ** 2, x)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_recorded_step_replays(name: str) -> None:
    f, x = FUNCTIONS[name]
    step = ag.value_and_grad(lambda x: (f(x) ** 2).sum())
    _, program = ag.record(step, x)
    for other in (x, -x, whole(*x.shape)):
        for a, b in zip(program.run(other), step(other), strict=True):
            np.testing.assert_array_equal(a, b)


def test_dtypes_are_kept() -> None:
    for f, start in FUNCTIONS.values():
        x = Tensor(start.astype(np.float32))
        y = f(x)
        assert y.dtype == np.float32
        y.sum().backward()
        assert x.grad.dtype == np.float32


def test_means_of_float16_do_not_overflow() -> None:
    x = np.full((1, 4, 8), 60000.0, np.float16)
    for y in (
        functional.avg_pool2d(x, 2),
        functional.adaptive_avg_pool2d(x, (2, 3)),
        functional.interpolate(x[None], size=(1, 2), mode="area"),
    ):
        assert y.dtype == np.float16
        np.testing.assert_array_equal(y, np.full_like(y, 60000.0))


def test_a_divisor_of_numpy_does_not_widen() -> None:
    y = functional.avg_pool2d(np.ones((1, 2, 2), np.float32), 2, divisor_override=np.float64(8.0))
    assert (y.dtype, y.item()) == (np.float32, 0.5)


# --- where maxima are ------------------------------------------------------------------------------------------------------


def test_the_first_of_equal_maxima_has_the_gradient() -> None:
    x = Tensor([[[1.0, 1.0, 0.0, 2.0], [1.0, 1.0, 2.0, 0.0]]])
    functional.max_pool2d(x, 2).sum().backward()
    np.testing.assert_array_equal(x.grad, [[[1, 0, 0, 1], [0, 0, 0, 0]]])


@pytest.mark.parametrize("options", [{"kernel_size": 2}, {"kernel_size": 3, "stride": 1, "padding": 1}])
def test_a_nan_wins_and_has_the_gradient(options: Any) -> None:
    for at in np.ndindex(2, 2):
        raw = np.zeros((1, 4, 4))
        raw[(0, *at)] = np.nan
        x = Tensor(raw)
        y = functional.max_pool2d(x, **options)
        near = np.isnan(y.numpy())
        assert near[0, 0, 0]
        (ag.where(near, y, 0.0)).sum().backward()
        expected = np.zeros((1, 4, 4))
        expected[(0, *at)] = near.sum()
        np.testing.assert_array_equal(x.grad, expected)


@pytest.mark.parametrize(("kernel", "stride", "length"), [(2, 3, 4), (3, 4, 9)])
def test_an_element_in_no_window_has_no_gradient(kernel: int, stride: int, length: int) -> None:
    inside = (np.arange(length) % stride < kernel).astype(float)
    for i in range(20):
        x = Tensor(normal(50, 2, length, seed=i))
        y = functional.max_pool1d(x, kernel, stride, ceil_mode=True)
        (y * 3).sum().backward()  # and its memory is there for the next round
        np.testing.assert_array_equal(x.grad.numpy() * (1 - inside), 0)
        assert x.grad.numpy().sum() == 3 * y.size


def test_padding_is_never_the_maximum() -> None:
    x = Tensor(np.full((1, 1, 3), -np.inf))
    y, places = functional.max_pool1d(x, 2, 1, 1, return_indices=True)
    np.testing.assert_array_equal(y.numpy(), np.full((1, 1, 4), -np.inf))
    np.testing.assert_array_equal(places, [[[0, 0, 1, 2]]])
    y.backward(np.ones((1, 1, 4)))
    np.testing.assert_array_equal(x.grad, [[[2, 1, 1]]])


@pytest.mark.parametrize("options", [{"kernel_size": 2}, {"kernel_size": 2, "stride": 1}])
def test_an_infinite_cotangent_goes_to_the_maximum_alone(options: Any) -> None:
    x = Tensor([[1.0, 2.0, 4.0, 3.0]])
    y = functional.max_pool1d(x, **options)
    y.backward(np.full(y.shape, np.inf))
    np.testing.assert_array_equal(np.isinf(x.grad.numpy()), [[False, True, True, False]])
    assert not np.isnan(x.grad.numpy()).any()


def test_integers_have_maxima_and_no_means() -> None:
    x = np.arange(6).reshape(1, 6)
    y = functional.max_pool1d(x, 3, 2, 1)
    assert y.tolist() == [[1, 3, 5]]
    assert y.dtype == x.dtype
    with pytest.raises(DtypeError):
        functional.avg_pool1d(x, 2)


def test_an_infinite_pixel_stays_where_it_is() -> None:
    x = np.array([[1.0, 2.0, np.inf, 4.0, 5.0]])
    assert np.isinf(functional.avg_pool1d(x, 2, 1)).tolist() == [[False, True, True, False]]
    assert np.isinf(functional.adaptive_avg_pool1d(x, 2)).tolist() == [[True, True]]
    assert np.isinf(functional.adaptive_avg_pool1d(x, 3)).tolist() == [[False, True, False]]
    assert np.isfinite(functional.interpolate(x[None], size=10)[0, 0, [0, 3, 6, 9]]).all()


def test_a_batch_of_nothing() -> None:
    for f in (functional.max_pool1d, functional.avg_pool1d):
        x = Tensor(np.zeros((0, 2, 4), np.float32))
        y = f(x, 2)
        y.sum().backward()
        assert (y.shape, x.grad.shape) == ((0, 2, 2), (0, 2, 4))


def test_memory_of_any_order_gives_the_same() -> None:
    x = normal(3, 2, 6, 4)
    turned = np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 0, -1)), -1, 0)
    for f in (lambda x: functional.max_pool2d(x, 2), lambda x: functional.max_pool2d(x, 3, 1)):
        y = f(x)
        g = normal(*y.shape, seed=1)
        slopes = [ag.vjp(f, each)[1](g) for each in (x, turned)]
        np.testing.assert_array_equal(*(np.asarray(s[0] if isinstance(s, tuple) else s) for s in slopes))
        np.testing.assert_array_equal(f(turned), y)


# --- words -----------------------------------------------------------------------------------------------------------------

FAULTS = {
    "axes": (
        lambda: functional.max_pool2d(np.ones((4, 4)), 2),
        "max_pool2d: expected an input (batch, channels, height, width), or one without the batch, got shape (4, 4)",
    ),
    "padding": (
        lambda: functional.max_pool1d(np.ones((1, 4)), 2, padding=2),
        "max_pool1d: padding=2 is more than half of a window of 2",
    ),
    "window": (
        lambda: functional.avg_pool1d(np.ones((1, 4)), 5),
        "avg_pool1d: a window of 5 does not fit into 4 elements with padding 0 (axes (4,))",
    ),
    "complex": (
        lambda: functional.max_pool1d(np.ones((1, 4), complex), 2),
        "max_pool1d: expected an input of floats, got complex128. Convert it: x.astype('float32')",
    ),
    "output_size": (
        lambda: functional.adaptive_avg_pool2d(np.ones((1, 4, 4)), (1, 2, 3)),
        "adaptive_avg_pool2d: expected output_size as a whole number or 2 of them, each at least 1, got (1, 2, 3)",
    ),
    "mode": (
        lambda: functional.interpolate(np.ones((1, 1, 4)), 2, mode="cubic"),
        "interpolate: mode='cubic', and the modes are 'nearest', 'nearest-exact', 'area', 'linear', 'bilinear', 'trilinear'",
    ),
    "mode of other axes": (
        lambda: functional.interpolate(np.ones((1, 1, 4)), 2, mode="bilinear"),
        "interpolate: mode='bilinear' takes (batch, channels) and 2 axes, got shape (1, 1, 4)",
    ),
    "size": (lambda: functional.interpolate(np.ones((1, 1, 4))), "interpolate: expected either size or scale_factor"),
    "align_corners": (
        lambda: functional.interpolate(np.ones((1, 1, 4)), 2, align_corners=True),
        "interpolate: align_corners belongs to the linear modes, and this is mode='nearest'",
    ),
    "divisor": (
        lambda: functional.avg_pool2d(np.ones((1, 4, 4)), 2, divisor_override=0),
        "avg_pool2d: expected divisor_override as a number other than 0, got 0",
    ),
    "scale_factor": (
        lambda: functional.interpolate(np.ones((1, 1, 4)), scale_factor="2"),
        "interpolate: expected scale_factor as a positive number or 1 of them, got '2'",
    ),
    "shuffle": (
        lambda: functional.pixel_shuffle(np.ones((2, 6, 4, 4)), 2),
        "pixel_shuffle: expected (..., a multiple of 4 channels, height, width), got shape (2, 6, 4, 4)",
    ),
    "layer": (
        lambda: layers.MaxPool2d(2)(np.ones(4)),
        "nn.MaxPool2d: expected an input (batch, channels, height, width), or one without the batch, got shape (4,)",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_errors_say_what_is_wrong(name: str) -> None:
    call, words = FAULTS[name]
    with pytest.raises((ShapeError, DtypeError)) as found:
        call()
    assert str(found.value) == words
