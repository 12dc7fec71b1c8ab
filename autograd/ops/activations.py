"""Activations of neural networks, each one op where one pass over the array pays or a composition would lose the gradient.

What a composition of other ops does as well is in `nn.functional`. Every rule has a definition in `definitions`, a plain
function of ops; a test holds the two equal, to second order. Stands on the other families of ops; knows no module.
"""

import math
from functools import partial

import numpy as np

from ..rule import rule, sample
from .elementwise import absolute, exp, expm1, log, sigmoid, tanh, where
from .fused import AXIS, through_softmax
from .reduction import max as largest
from .reduction import sum as total
from .special import ndtr
from .ufuncs import scipy_values

elementwise = partial(rule, kind="elementwise")

ROOT_2PI = math.sqrt(2 * math.pi)
BLOCK = 32768  # elements: a few arrays of them fit in the cache of a core


# --- softmax with a mask ---------------------------------------------------------------------------------------------------


@rule(leading=True, x=through_softmax, samples=AXIS)
def safe_softmax(x, *, axis=-1):
    """softmax, and 0 with slope 0 along a line of which everything is masked, that is, -inf.

    >>> import numpy as np
    >>> safe_softmax(np.array([[0.0, -np.inf], [-np.inf, -np.inf]]))
    array([[1., 0.],
           [0., 0.]])
    """
    top = x.max(axis=axis, keepdims=True, initial=-np.inf)
    e = np.exp(x - np.where(top == -np.inf, 0, top))
    sums = e.sum(axis=axis, keepdims=True)
    return e / np.where(sums == 0, 1, sums)


def _safe_softmax(x, axis=-1):
    masked = largest(x, axis=axis, keepdims=True) == -math.inf
    e = exp(where(masked, -math.inf, x - where(masked, 0.0, largest(x, axis=axis, keepdims=True))))
    return e / where(masked, 1.0, total(e, axis=axis, keepdims=True))


# --- x times a distribution function: gelu and silu ------------------------------------------------------------------------

# Each is x * P(x) for a distribution that is symmetric about 0, so with a = abs(x) and the tail h = P(-a), it is
# max(x, 0) - a * h; and its slope is h - a * p to the left of 0, for the density p, and 1 less that to the right. A function of
# this family returns h and p for a. It sees no a above FAR, where both are 0, so that no infinity meets a zero.

FAR = 1000.0

# The tail of the normal distribution over its density, as a quotient of polynomials, to 4e-7 of its value for 0 <= a <= 14;
# in float32 a tenth of the time that SciPy's loop over the elements takes. Highest power first.
TAIL_ABOVE = (0.04272992, 0.29961235, 0.9073122, 1.25331366)
TAIL_BELOW = (0.04273493, 0.29940966, 0.9534228, 1.52179615, 1.0)


def _polynomial(x, coefficients):
    y = x * coefficients[0]
    for c in coefficients[1:-1]:
        y += c
        y *= x
    y += coefficients[-1]
    return y


def _normal(a):
    p = a * a
    p *= -0.5
    p = np.exp(p)
    p *= 1 / ROOT_2PI
    if a.dtype == np.float64:
        return scipy_values("ndtr", -a), p
    h = _polynomial(a, TAIL_ABOVE)
    h /= _polynomial(a, TAIL_BELOW)
    h *= p
    return h, p


def _logistic(a):
    e = np.exp(-a)
    w = e + 1
    e /= w
    return e, e / w


def _tanh_normal(a):
    root = math.sqrt(8 / math.pi)
    square = a * a
    z = square * (root * 0.044715)
    slope = z * 3
    slope += root
    z += root
    z *= a
    h, p = _logistic(z)
    p *= slope
    return h, p


def _in_blocks(f, x):
    """f(x), for an f of many passes: large arrays in pieces that stay in the processor's cache, float16 as float32."""
    if getattr(x, "dtype", None) == np.float16:
        return _in_blocks(f, x.astype(np.float32)).astype(np.float16)
    if type(x) is not np.ndarray or x.size <= BLOCK or not x.flags.c_contiguous:
        return f(x)
    y = np.empty_like(x)
    pieces, out = x.reshape(-1), y.reshape(-1)
    for i in range(0, x.size, BLOCK):
        out[i : i + BLOCK] = f(pieces[i : i + BLOCK])
    return y


def _size(x):
    """abs(x), FAR at most. (With a number in the place of the array, NumPy's minimum takes three times as long.)"""
    a = np.abs(x)
    return np.minimum(a, np.full_like(a, FAR))


def _gated(distribution, x):
    """max(x, 0) - a * h"""
    a = _size(x)
    h, _ = distribution(a)
    h *= a
    return np.maximum(x, np.zeros_like(x)) - h


def _gated_slope(distribution, x):
    """h - a * p, or 1 less that"""
    a = _size(x)
    h, p = distribution(a)
    p *= a
    h -= p
    right = (x >= 0).astype(h.dtype)
    h *= 1 - 2 * right
    h += right
    return h


def _near(x):
    """x, as far as anything bends there: beyond, a power of x would meet a 0 as infinity, in float16 soon."""
    return np.clip(x, -50, 50)


def _gelu_slope_x(g, x):
    square = np.square(_near(x))
    return g * ((2 - square) * (np.exp(-0.5 * square) / ROOT_2PI))


@elementwise(x=_gelu_slope_x, host=True)
def gelu_slope(x):
    """P(x) + x * p(x), for the normal distribution: the slope of gelu."""
    return _in_blocks(partial(_gated_slope, _normal), x)


@elementwise(x=lambda g, x: g * gelu_slope(x), host=True, c="0.5 * {x} * erfc(-0.7071067811865476 * {x})")
def gelu(x):
    """x * P(x), for the normal distribution function P."""
    return _in_blocks(partial(_gated, _normal), x)


def _bend(x):
    """2 u and its first two derivatives, for the u in 0.5 x (1 + tanh(u))."""
    root = math.sqrt(8 / math.pi)
    return root * (x + 0.044715 * x * x * x), root * (1 + 3 * 0.044715 * (x * x)), root * 6 * 0.044715 * x


def _gelu_tanh_slope_x(g, x):
    x = _near(x)
    z, v, w = _bend(x)
    s, r = sigmoid(z), sigmoid(-z)
    p = s * r
    return g * (2 * (p * v) + x * (p * v * (v * (r - s)) + p * w))


@elementwise(x=_gelu_tanh_slope_x)
def gelu_tanh_slope(x):
    """The slope of gelu_tanh."""
    return _in_blocks(partial(_gated_slope, _tanh_normal), x)


@elementwise(
    x=lambda g, x: g * gelu_tanh_slope(x),
    c="{x} / (1 + exp(-1.5957691216057308 * ({x} + 0.044715 * {x} * {x} * {x})))",
)
def gelu_tanh(x):
    """0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x**3))), which is gelu to three digits."""
    return _in_blocks(partial(_gated, _tanh_normal), x)


def _silu_slope_x(g, x):
    s, r = sigmoid(x), sigmoid(-x)
    return g * (s * r * (2 + x * (r - s)))


@elementwise(x=_silu_slope_x)
def silu_slope(x):
    """The slope of silu: s + x * s * (1 - s), for s = sigmoid(x)."""
    return _in_blocks(partial(_gated_slope, _logistic), x)


@elementwise(x=lambda g, x: g * silu_slope(x), c="{x} / (1 + exp(-{x}))")
def silu(x):
    """x * sigmoid(x)"""
    return _in_blocks(partial(_gated, _logistic), x)


def _gelu_tanh(x):
    return 0.5 * x * (1 + tanh(_bend(x)[0] / 2))


def _gelu_tanh_slope(x):
    z, v, _ = _bend(x)
    return sigmoid(z) + x * v * sigmoid(z) * sigmoid(-z)


# --- relu with another left half -------------------------------------------------------------------------------------------


def _least(left, right):
    """The slope at a kink: of all between those on the two sides, the one nearest to 0."""
    return np.clip(0.0, np.minimum(left, right), np.maximum(left, right))


def _prelu_x(g, x, w):
    if isinstance(w, (int, float)) and 0 <= w <= 1:
        return g * np.where(x > 0, 1, w)
    return g * np.where(x > 0, 1, np.where(x == 0, np.clip(w, 0, 1), w))


@elementwise(
    x=_prelu_x,
    w=lambda g, x: g * np.minimum(x, 0),
    c="({x} > 0 ? {x} : {w} * {x})",
    samples=[sample((2, 3), (3,)), sample((2, 3), 0.01)],
)
def prelu(x, w):
    """x where it is positive, else w * x. At 0 the slope is the smaller one."""
    if isinstance(w, (int, float)) and 0 < w <= 1:
        return np.maximum(x, w * x)
    return np.where(x > 0, x, w * x)


def _elu_x(g, x, alpha, scale, rate):
    left = alpha * rate
    slope = np.where(x > 0, 1, left * np.exp(rate * np.minimum(x, 0)))
    if not 0 <= left <= 1:
        slope = np.where(x == 0, float(_least(left, 1.0)), slope)
    return g * (scale * slope)


@elementwise(
    x=_elu_x,
    samples=[sample((2, 3)), sample((2, 3), alpha=2.0), sample((2, 3), alpha=1.7, scale=1.1, rate=0.5)],
    c="{scale} * ({x} > 0 ? {x} : {alpha} * expm1({rate} * {x}))",
)
def elu(x, *, alpha=1.0, scale=1.0, rate=1.0):
    """scale * x where x is positive, else scale * alpha * (exp(rate * x) - 1): elu, celu and selu."""
    left = np.expm1(rate * np.minimum(x, 0))
    left *= alpha
    y = np.where(x > 0, x, left)
    return y if scale == 1 else y * scale


def _elu(x, alpha=1.0, scale=1.0, rate=1.0):
    return scale * where(x > 0, x, alpha * expm1(rate * where(x > 0, 0.0, x)))


# --- softplus and its relatives --------------------------------------------------------------------------------------------


def _softplus_x(g, x, beta, threshold):
    slope = sigmoid(beta * x if beta != 1 else x)
    return g * (slope if threshold == math.inf else np.where(beta * x > threshold, 1, slope))


@elementwise(
    x=_softplus_x,
    samples=[sample((2, 3)), sample((2, 3), beta=2.0, threshold=1.5)],
    c="({beta} * {x} > {threshold} ? {x} : (fmax({beta} * {x}, 0) + log1p(exp(-fabs({beta} * {x})))) / {beta})",
)
def softplus(x, *, beta=1.0, threshold=20.0):
    """log(1 + exp(beta * x)) / beta, and x itself where beta * x is above the threshold."""
    z = x * beta
    y = np.log1p(np.exp(-np.abs(z)))
    y += np.maximum(z, 0)
    if beta != 1:
        y /= beta
    return y if threshold == math.inf else np.where(z > threshold, x, y)


def _softplus(x, beta=1.0, threshold=20.0):
    return where(beta * x > threshold, x, log(1 + exp(beta * x)) / beta)


@elementwise(x=lambda g, x: g * sigmoid(-x), c="(fmin({x}, 0) - log1p(exp(-fabs({x}))))")
def logsigmoid(x):
    """log(sigmoid(x)), exact in both tails."""
    return np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x)))


@elementwise(x=lambda g, x: g / np.square(1 + abs(x)), c="{x} / (1 + fabs({x}))")
def softsign(x):
    """x / (1 + abs(x))"""
    a = np.abs(x)
    s = 1 / (1 + a)
    return np.copysign(np.where(a > 1, 1 - s, np.minimum(a, 1) * s), x)  # inf / inf would be nan


@elementwise(x=lambda g, x: g * np.square(np.tanh(x)))
def tanhshrink(x):
    """x - tanh(x)"""
    return x - np.tanh(x)


# --- pieces of straight lines ----------------------------------------------------------------------------------------------


def _hardswish_x(g, x):
    return g * np.where(abs(x) >= 3, x > 0, x / 3 + 0.5)


@elementwise(x=_hardswish_x, c="({x} <= -3 ? 0 : {x} >= 3 ? {x} : {x} * ({x} + 3) / 6)")
def hardswish(x):
    """0 up to -3, x from 3 on, and x * (x + 3) / 6 between."""
    near = np.clip(x, -3, 3)  # -inf times 0 would be nan
    return np.maximum(x, -3) * ((near + 3) / 6)  # in this order, for 6 * x may be infinite


def _hardswish(x):
    return where(x <= -3, 0.0, where(x >= 3, x, x * (x + 3) / 6))


BEYOND = [sample((2, 3)), sample((2, 3), lambd=0.21)]


@elementwise(
    x=lambda g, y: g * (y != 0), samples=BEYOND, c="({x} > {lambd} ? {x} - {lambd} : {x} < -{lambd} ? {x} + {lambd} : 0)"
)
def softshrink(x, *, lambd=0.5):
    """x, nearer to 0 by lambd; 0 with slope 0 between -lambd and lambd."""
    return x - np.clip(x, -lambd, lambd)


def _softshrink(x, lambd=0.5):
    return where(x > lambd, x - lambd, where(x < -lambd, x + lambd, 0.0))


@elementwise(x=lambda g, x, lambd: g * (abs(x) > lambd), samples=BEYOND, c="(fabs({x}) > {lambd} ? {x} : 0)")
def hardshrink(x, *, lambd=0.5):
    """x, and 0 with slope 0 between -lambd and lambd."""
    return np.where((np.abs(x) > lambd) | (x != x), x, 0)


@elementwise(
    x=lambda g, x, threshold: g * (x > threshold),
    samples=[sample((2, 3), threshold=0.21, value=-1.0)],
    c="({x} > {threshold} ? {x} : {value})",
)
def threshold(x, *, threshold=0.0, value=0.0):
    """x where it is above the threshold, else the value."""
    return np.where((x > threshold) | (x != x), x, value)


definitions = {
    safe_softmax: _safe_softmax,
    gelu: lambda x: x * ndtr(x),
    gelu_slope: lambda x: ndtr(x) + x * exp(-0.5 * x * x) / ROOT_2PI,
    gelu_tanh: _gelu_tanh,
    gelu_tanh_slope: _gelu_tanh_slope,
    silu: lambda x: x / (1 + exp(-x)),
    silu_slope: lambda x: sigmoid(x) + x * sigmoid(x) * sigmoid(-x),
    prelu: lambda x, w: where(x > 0, x, w * x),
    elu: _elu,
    softplus: _softplus,
    logsigmoid: lambda x: log(1 / (1 + exp(-x))),
    softsign: lambda x: x / (1 + absolute(x)),
    tanhshrink: lambda x: x - tanh(x),
    hardswish: _hardswish,
    softshrink: _softshrink,
    hardshrink: lambda x, lambd=0.5: where(absolute(x) > lambd, x, 0.0),
    threshold: lambda x, threshold=0.0, value=0.0: where(x > threshold, x, value),
}
