"""Functions of one element (or of one element of each input), and the choices between elements.

Each derivative holds its full relative precision in the tails, and at kinks the convention: the subgradient of least norm,
ties split equally. Where a formula looks more complicated than in a textbook, that is the reason. Stands on `rule` alone.
"""

import math
import operator
from functools import partial

import numpy as np

from ..errors import DtypeError
from ..graph import unchanged
from ..rule import Domain, positives, reals, rule, sample, unit, zero

elementwise = partial(rule, kind="elementwise")
question = partial(rule, kind="elementwise")  # answered with booleans, which have no derivative

LN2 = math.log(2.0)
LN10 = math.log(10.0)


# --- arithmetic ------------------------------------------------------------------------------------------------------------


@elementwise(x=unchanged, w=unchanged, numpy=np.add, scalar=operator.add, c="{x} + {w}")
def add(x, w):
    """x + w"""
    return x + w


@elementwise(x=unchanged, w=lambda g: -g, numpy=np.subtract, scalar=operator.sub, c="{x} - {w}")
def subtract(x, w):
    """x - w"""
    return x - w


@elementwise(x=lambda g, w: g * w, w=lambda g, x: g * x, numpy=np.multiply, scalar=operator.mul, c="{x} * {w}")
def multiply(x, w):
    """x * w"""
    return x * w


@elementwise(
    x=lambda g, w: g / w,
    w=lambda g, w, y: -g * y / w,
    numpy=np.divide,
    scalar=operator.truediv,
    c="{x} / {w}",
    domain={"x": reals, "w": positives},
)
def divide(x, w):
    """x / w"""
    return x / w


@elementwise(x=zero, w=zero, numpy=np.floor_divide, domain={"x": reals, "w": positives}, c="floor({x} / {w})")
def floor_divide(x, w):
    """The largest whole number not above x / w; constant between its jumps."""
    return np.floor_divide(x, w)


@elementwise(
    x=unchanged,
    w=lambda g, x, w: -g * np.floor_divide(x, w),
    numpy=np.remainder,
    scalar=operator.mod,
    domain={"x": reals, "w": positives},
    c="({x} - {w} * floor({x} / {w}))",
)
def remainder(x, w):
    """x - w * floor(x / w): what is left over, with the sign of w."""
    return np.remainder(x, w)


@elementwise(
    x=unchanged,
    w=lambda g, x, w: -g * np.trunc(x / w),
    numpy=np.fmod,
    scalar=math.fmod,
    domain={"x": reals, "w": positives},
    c="fmod({x}, {w})",
)
def fmod(x, w):
    """x - w * trunc(x / w): what is left over, with the sign of x."""
    return np.fmod(x, w)


@elementwise(x=lambda g: -g, numpy=np.negative, scalar=operator.neg, c="-{x}")
def negative(x):
    """-x"""
    return -x


@elementwise(x=unchanged, numpy=np.positive, scalar=operator.pos, c="{x}")
def positive(x):
    """+x, a copy"""
    return +x


@elementwise(x=lambda g, y: -g * (y * y), numpy=np.reciprocal, domain=positives, c="1 / {x}")
def reciprocal(x):
    """1 / x"""
    return np.reciprocal(x)


@elementwise(x=lambda g, x: g * (2 * x), numpy=np.square, scalar=lambda x: x * x, c="{x} * {x}")
def square(x):
    """x * x"""
    return np.square(x)


def _real_power(x, w):
    """x**w, with nan where Python would go on in complex numbers."""
    return np.power(x, w) if isinstance(x, float) and x < 0 else _raised(x, w)


def _raised(x, w):
    """x**w; small whole powers by multiplying, which NumPy does for the second only: the third is twenty times as fast."""
    if type(w) is not int or w not in (3, 4) or getattr(x, "dtype", None) == np.bool_:  # booleans become whole numbers
        return x**w
    y = x * x
    y *= x if w == 3 else y
    return y


def _power_x(g, x, w):
    if isinstance(w, (int, float)):  # the usual exponent is a plain number
        if w == 2:
            return g * (w * x)
        return g * (w * _real_power(x, w - 1)) if w != 0 else g * 0 * np.ones_like(x)
    return g * np.where(w == 0, 0, w * x ** np.where(w == 0, 1, w - 1))


def _power_log_x(g, x, w, k):
    return g * (w * power_log(x, w - 1, k=k) + (k * power_log(x, w - 1, k=k - 1) if k else 0))


def _power_log_w(g, x, w, k):
    return g * power_log(x, w, k=k + 1)


@elementwise(
    x=_power_log_x,
    w=_power_log_w,
    domain=positives,
    samples=[sample((2, 3), (3,), k=1), sample((2, 3), (3,), k=0)],
)
def power_log(x, w, *, k):
    """x**w * log(x)**k, and 0 at x = 0 for positive w: what the derivatives of x**w in w are made of, to any order."""
    if k == 0:
        return np.power(x, w)
    edge = (x == 0) & (w > 0)
    with np.errstate(divide="ignore", invalid="ignore"):  # log(0) is meant, and so is nan for negative x
        return np.where(edge, 0, np.power(x, w) * np.log(np.where(edge, 1, x)) ** k)


def _power_w(g, x, w):
    return g * power_log(x, w, k=1)


@elementwise(x=_power_x, w=_power_w, numpy=np.power, scalar=math.pow, domain=positives, c="pow({x}, {w})")
def power(x, w):
    """x**w. The derivative in x needs no logarithm, so a negative x with a whole exponent is no trouble."""
    return _raised(x, w)


# --- activations -----------------------------------------------------------------------------------------------------------


def _sigmoid(x):
    """The same for a Python float."""
    e = math.exp(-abs(x))
    return (1.0 if x >= 0 else e) / (1.0 + e)


def _sigmoid_x(g, x, y):
    return g * y * sigmoid(-x)


@elementwise(x=_sigmoid_x, scalar=_sigmoid, c="1 / (1 + exp(-{x}))")
def sigmoid(x):
    """1 / (1 + exp(-x)). (y * (1 - y) instead of y * sigmoid(-x) would be 0 from x = 37 on.)"""
    e = np.exp(-np.abs(x))
    return np.maximum(e, x >= 0) / (1 + e)  # 1 or e: np.where takes three times as long as all of this


@elementwise(x=lambda g, y: g * (y != 0), scalar=lambda x: 0.0 if x <= 0 else x, c="({x} > 0 ? {x} : 0)")
def relu(x):
    """max(x, 0), with slope 0 at 0."""
    return np.maximum(x, 0)


# --- exp and log -----------------------------------------------------------------------------------------------------------


@elementwise(x=lambda g, y: g * y, numpy=np.exp, scalar=math.exp, c="exp({x})")
def exp(x):
    """e**x"""
    return np.exp(x)


@elementwise(x=lambda g, y: g * (y * LN2), numpy=np.exp2, c="exp2({x})")
def exp2(x):
    """2**x"""
    return np.exp2(x)


@elementwise(x=lambda g, x: g * np.exp(x), numpy=np.expm1, scalar=math.expm1, c="expm1({x})")
def expm1(x):
    """e**x - 1, exact near 0. (y + 1 instead of exp(x) would lose the left tail.)"""
    return np.expm1(x)


def _above(x, low):
    """x where it is at least `low`, and nan where the function is not defined."""
    if np.iscomplexobj(x):
        return x
    return np.where(x < low, np.nan, x) + 0.0  # + 0.0 makes -0.0 a plain zero, so that the limit is from the right


@elementwise(x=lambda g, x: g / _above(x, 0), numpy=np.log, scalar=math.log, domain=positives, c="log({x})")
def log(x):
    """The natural logarithm."""
    return np.log(x)


@elementwise(x=lambda g, x: g / (_above(x, 0) * LN2), numpy=np.log2, scalar=math.log2, domain=positives, c="log2({x})")
def log2(x):
    """The logarithm to base 2."""
    return np.log2(x)


@elementwise(x=lambda g, x: g / (_above(x, 0) * LN10), numpy=np.log10, scalar=math.log10, domain=positives, c="log10({x})")
def log10(x):
    """The logarithm to base 10."""
    return np.log10(x)


@elementwise(
    x=lambda g, x: g / (1 + _above(x, -1)),
    numpy=np.log1p,
    scalar=math.log1p,
    domain=Domain(-1, math.inf),
    c="log1p({x})",
)
def log1p(x):
    """log(1 + x), exact near 0."""
    return np.log1p(x)


@elementwise(
    x=lambda g, x, w: g * sigmoid(x - w),
    w=lambda g, x, w: g * sigmoid(w - x),
    numpy=np.logaddexp,
    c="(fmax({x}, {w}) + log1p(exp(-fabs({x} - {w}))))",
)
def logaddexp(x, w):
    """log(exp(x) + exp(w))"""
    return np.logaddexp(x, w)


@elementwise(x=lambda g, x, w: g * sigmoid((x - w) * LN2), w=lambda g, x, w: g * sigmoid((w - x) * LN2), numpy=np.logaddexp2)
def logaddexp2(x, w):
    """log2(2**x + 2**w)"""
    return np.logaddexp2(x, w)


# --- roots -----------------------------------------------------------------------------------------------------------------


@elementwise(x=lambda g, y: 0.5 * g / (y + 0.0), numpy=np.sqrt, scalar=math.sqrt, domain=positives, c="sqrt({x})")
def sqrt(x):
    """The square root; its slope at 0 is the limit, infinity (the root of -0.0 is -0.0, and + 0.0 mends its sign)."""
    return np.sqrt(x)


@elementwise(x=lambda g, y: g / (3 * y * y), numpy=np.cbrt, domain=positives, c="cbrt({x})")
def cbrt(x):
    """The cube root, of negative numbers too."""
    return np.cbrt(x)


def _along_hypotenuse(g, x, y):
    flat = y == 0
    return g * np.where(flat, 0, x / np.where(flat, 1, y))


@elementwise(
    x=lambda g, x, y: _along_hypotenuse(g, x, y),
    w=lambda g, w, y: _along_hypotenuse(g, w, y),
    numpy=np.hypot,
    scalar=math.hypot,
    c="hypot({x}, {w})",
)
def hypot(x, w):
    """sqrt(x*x + w*w) without overflow; zero slope at the tip of the cone."""
    return np.hypot(x, w)


# --- trigonometric and hyperbolic ------------------------------------------------------------------------------------------


@elementwise(x=lambda g, x: g * np.cos(x), numpy=np.sin, scalar=math.sin, c="sin({x})")
def sin(x):
    """Sine."""
    return np.sin(x)


@elementwise(x=lambda g, x: -g * np.sin(x), numpy=np.cos, scalar=math.cos, c="cos({x})")
def cos(x):
    """Cosine."""
    return np.cos(x)


@elementwise(x=lambda g, y: g * (1 + y * y), numpy=np.tan, scalar=math.tan, domain=unit, c="tan({x})")
def tan(x):
    """Tangent."""
    return np.tan(x)


@elementwise(x=lambda g, x: g / np.sqrt((1 - x) * (1 + x)), numpy=np.arcsin, scalar=math.asin, domain=unit, c="asin({x})")
def arcsin(x):
    """Inverse sine."""
    return np.arcsin(x)


@elementwise(x=lambda g, x: -g / np.sqrt((1 - x) * (1 + x)), numpy=np.arccos, scalar=math.acos, domain=unit, c="acos({x})")
def arccos(x):
    """Inverse cosine."""
    return np.arccos(x)


@elementwise(x=lambda g, x: g / (1 + x * x), numpy=np.arctan, scalar=math.atan, c="atan({x})")
def arctan(x):
    """Inverse tangent."""
    return np.arctan(x)


def _around_origin(g, side, x, w):
    h = np.hypot(x, w)  # x*x + w*w would underflow for small arguments
    flat = h == 0
    h = np.where(flat, 1, h)
    return g * np.where(flat, 0, side / h / h)


@elementwise(
    x=lambda g, x, w: _around_origin(g, w, x, w),
    w=lambda g, x, w: _around_origin(-g, x, x, w),
    numpy=np.arctan2,
    scalar=math.atan2,
    domain=positives,
    c="atan2({x}, {w})",
)
def arctan2(x, w):
    """The angle of the point with abscissa w and ordinate x; no slope at the origin."""
    return np.arctan2(x, w)


@elementwise(x=lambda g, x: g * np.cosh(x), numpy=np.sinh, scalar=math.sinh, c="sinh({x})")
def sinh(x):
    """Hyperbolic sine."""
    return np.sinh(x)


@elementwise(x=lambda g, x: g * np.sinh(x), numpy=np.cosh, scalar=math.cosh, c="cosh({x})")
def cosh(x):
    """Hyperbolic cosine."""
    return np.cosh(x)


@elementwise(x=lambda g, x, y: -2 * g * np.tanh(x) * y)
def sech_squared(x):
    """1 / cosh(x)**2, the slope of tanh: 4 e / (1 + e)**2 with e = exp(-2 abs(x)), which nothing can overflow."""
    if np.iscomplexobj(x):
        e = np.exp(np.where(np.real(x) < 0, 2 * x, -2 * x))
    else:
        e = np.abs(x)
        e *= -2
        e = np.exp(e)
    w = e + 1
    w *= w
    e *= 4
    e /= w
    return e


def _tanh_x(g, x):
    # Below, fewer calls; on long arrays cosh is slow, because NumPy has no vector code for it. That of a complex overflows.
    if getattr(x, "size", 1) < 1000 and not np.iscomplexobj(x):
        cosh = np.cosh(x)
        return g / cosh / cosh
    return g * sech_squared(x)


@elementwise(x=_tanh_x, numpy=np.tanh, scalar=math.tanh, c="tanh({x})")
def tanh(x):
    """Hyperbolic tangent. (1 - y*y instead of 1/cosh(x)**2 would be 0 from x = 20 on.)"""
    return np.tanh(x)


def _arcsinh_x(g, x):
    return g / (np.sqrt(1 + x * x) if np.iscomplexobj(x) else np.hypot(1, x))  # x * x would overflow for large x


@elementwise(x=_arcsinh_x, numpy=np.arcsinh, scalar=math.asinh, c="asinh({x})")
def arcsinh(x):
    """Inverse hyperbolic sine."""
    return np.arcsinh(x)


@elementwise(
    x=lambda g, x: g / (np.sqrt(x - 1) * np.sqrt(x + 1)),
    numpy=np.arccosh,
    scalar=math.acosh,
    domain=Domain(1, math.inf),
    c="acosh({x})",
)
def arccosh(x):
    """Inverse hyperbolic cosine."""
    return np.arccosh(x)


def _arctanh_x(g, x):
    flat = (1 - x) * (1 + x)
    return g / (flat if np.iscomplexobj(x) else np.where(abs(x) > 1, np.nan, flat))


@elementwise(
    x=_arctanh_x,
    numpy=np.arctanh,
    scalar=math.atanh,
    domain=unit,
    c="atanh({x})",
)
def arctanh(x):
    """Inverse hyperbolic tangent."""
    return np.arctanh(x)


def _sinc_x(g, x, y):
    near = abs(x) < 0.1  # there (cos(pi x) - sinc(x)) / x cancels, and the series does not
    t2 = (math.pi * x) ** 2
    series = t2 * 0.0
    for k in range(7, 0, -1):  # sin(t)/t is the sum of (-1)^k t^2k / (2k+1)!
        series = series * t2 + (-1) ** k * 2 * k / math.factorial(2 * k + 1)
    return g * np.where(near, series * (math.pi**2 * x), (np.cos(math.pi * x) - y) / np.where(near, 1, x))


@elementwise(x=_sinc_x, numpy=np.sinc)
def sinc(x):
    """sin(pi x) / (pi x), and 1 at 0."""
    return np.sinc(x)


# --- kinks and steps -------------------------------------------------------------------------------------------------------


def _abs_x(g, x, y):
    if not np.iscomplexobj(x):
        return g * np.sign(x)
    flat = y == 0
    return g * np.where(flat, 0, np.conj(x) / np.where(flat, 1, y))


@elementwise(x=_abs_x, numpy=np.absolute, scalar=abs, c="fabs({x})")
def absolute(x):
    """The absolute value; slope 0 at 0."""
    return np.absolute(x)


def _sign_x(g, x):
    if np.iscomplexobj(x):
        raise DtypeError("sign of complex numbers has no derivative rule: write x / abs(x)")
    return np.zeros_like(g)


@elementwise(x=_sign_x, numpy=np.sign, c="(double)(({x} > 0) - ({x} < 0))")
def sign(x):
    """-1, 0 or 1; constant between its jumps."""
    return np.sign(x)


@elementwise(x=zero, numpy=np.floor, scalar=lambda x: float(math.floor(x)), c="floor({x})")
def floor(x):
    """The largest whole number not above x."""
    return np.floor(x)


@elementwise(x=zero, numpy=np.ceil, scalar=lambda x: float(math.ceil(x)), c="ceil({x})")
def ceil(x):
    """The smallest whole number not below x."""
    return np.ceil(x)


@elementwise(x=zero, numpy=np.trunc, scalar=lambda x: float(math.trunc(x)), c="trunc({x})")
def trunc(x):
    """x without its fraction."""
    return np.trunc(x)


@elementwise(x=zero, numpy=np.rint, c="rint({x})")
def rint(x):
    """The nearest whole number, halves to even."""
    return np.rint(x)


@rule(kind="elementwise", x=zero, numpy=np.round, samples=[sample((2, 3), decimals=1)])
def round(x, *, decimals=0):
    """x rounded to a number of decimals."""
    return np.round(x, decimals)


def _larger(g, x, w, first):
    """The share of g that goes to x in max(x, w): half at ties, all to a nan (to the first of two)."""
    wins = (x > w) | ((x != x) if first else (x != x) & (w == w))
    return np.where(x == w, 0.5 * g, np.where(wins, g, 0))


def _smaller(g, x, w, first):
    return _larger(g, -x, -w, first)


@elementwise(
    x=lambda g, x, w: _larger(g, x, w, True),
    w=lambda g, x, w: _larger(g, w, x, False),
    numpy=np.maximum,
    scalar=lambda x, w: x if x >= w or x != x else w,
    c="({x} >= {w} ? {x} : {w})",
)
def maximum(x, w):
    """The larger of two; ties share the gradient, and nan wins."""
    return np.maximum(x, w)


@elementwise(
    x=lambda g, x, w: _smaller(g, x, w, True),
    w=lambda g, x, w: _smaller(g, w, x, False),
    numpy=np.minimum,
    scalar=lambda x, w: x if x <= w or x != x else w,
    c="({x} <= {w} ? {x} : {w})",
)
def minimum(x, w):
    """The smaller of two; ties share the gradient, and nan wins."""
    return np.minimum(x, w)


def _present(g, x, w, larger):
    """The share of g that goes to x where nan loses; of two nans the first is the result."""
    chosen = np.where(w != w, g, larger(g, x, w, True))
    return np.where(x != x, np.where(w != w, 0.5 * g, 0), chosen)


@elementwise(
    x=lambda g, x, w: _present(g, x, w, _larger),
    w=lambda g, x, w: _present(g, w, x, _larger),
    numpy=np.fmax,
    drops=True,
)
def fmax(x, w):
    """The larger of two; a number wins over nan."""
    return np.fmax(x, w)


@elementwise(
    x=lambda g, x, w: _present(g, x, w, _smaller),
    w=lambda g, x, w: _present(g, w, x, _smaller),
    numpy=np.fmin,
    drops=True,
)
def fmin(x, w):
    """The smaller of two; a number wins over nan."""
    return np.fmin(x, w)


@elementwise(
    x=lambda g, x, low, high: np.where((x <= low) | (x >= high) | (low > high), 0, g),
    low=lambda g, x, low, high: np.where(low == high, 0.5 * g, np.where((x <= low) & (low < high), g, 0)),
    high=lambda g, x, low, high: np.where(low == high, 0.5 * g, np.where((x >= high) | (low > high), g, 0)),
    samples=[sample((2, 3), -0.5, 0.5), sample((2, 3), (3,), 4.0)],
)
def clip(x, low, high):
    """min(max(x, low), high). On a bound, x has slope 0 and the bound takes the gradient."""
    return np.clip(x, low, high)


@rule(
    kind="elementwise",
    x=lambda g, condition: np.where(condition, g, 0),
    w=lambda g, condition: np.where(condition, 0, g),
    drops=True,
    samples=[sample(np.array([[True, False, True]]), (2, 3), (3,)), sample(np.array([True]), (1,), (2,))],
)
def where(condition, x, w):
    """x where the condition holds, else w. What is not chosen gets no gradient, whatever it is."""
    return np.where(condition, x, w)


# --- complex numbers -------------------------------------------------------------------------------------------------------


@elementwise(x=lambda g: np.conj(g), numpy=np.conjugate)
def conj(x):
    """The complex conjugate."""
    return np.conjugate(x)


@elementwise(x=unchanged, numpy=np.real, view=True)
def real(x):
    """The real part."""
    return np.real(x)


@elementwise(x=lambda g: -1j * g, numpy=np.imag, view=True)
def imag(x):
    """The imaginary part."""
    return np.imag(x)


# --- questions, answered with booleans -------------------------------------------------------------------------------------


@question(numpy=np.equal, scalar=operator.eq, c="({x} == {w})")
def equal(x, w):
    """x == w"""
    return np.equal(x, w)


@question(numpy=np.not_equal, scalar=operator.ne, c="({x} != {w})")
def not_equal(x, w):
    """x != w"""
    return np.not_equal(x, w)


@question(numpy=np.less, scalar=operator.lt, c="({x} < {w})")
def less(x, w):
    """x < w"""
    return np.less(x, w)


@question(numpy=np.less_equal, scalar=operator.le, c="({x} <= {w})")
def less_equal(x, w):
    """x <= w"""
    return np.less_equal(x, w)


@question(numpy=np.greater, scalar=operator.gt, c="({x} > {w})")
def greater(x, w):
    """x > w"""
    return np.greater(x, w)


@question(numpy=np.greater_equal, scalar=operator.ge, c="({x} >= {w})")
def greater_equal(x, w):
    """x >= w"""
    return np.greater_equal(x, w)


@question(numpy=np.isnan, scalar=math.isnan, c="(isnan({x}) != 0)")
def isnan(x):
    """Whether x is not a number."""
    return np.isnan(x)


@question(numpy=np.isinf, scalar=math.isinf, c="(isinf({x}) != 0)")
def isinf(x):
    """Whether x is infinite."""
    return np.isinf(x)


@question(numpy=np.isfinite, scalar=math.isfinite, c="(isfinite({x}) != 0)")
def isfinite(x):
    """Whether x is neither nan nor infinite."""
    return np.isfinite(x)


@question(numpy=np.signbit, c="(signbit({x}) != 0)")
def signbit(x):
    """Whether the sign bit is set, that of -0.0 included."""
    return np.signbit(x)


@question(numpy=np.logical_and, c="({x} && {w})")
def logical_and(x, w):
    """Whether both are true."""
    return np.logical_and(x, w)


@question(numpy=np.logical_or, c="({x} || {w})")
def logical_or(x, w):
    """Whether at least one is true."""
    return np.logical_or(x, w)


@question(numpy=np.logical_xor, c="(!{x} != !{w})")
def logical_xor(x, w):
    """Whether exactly one is true."""
    return np.logical_xor(x, w)


@question(numpy=np.logical_not, c="(!{x})")
def logical_not(x):
    """Whether it is false."""
    return np.logical_not(x)


@question(numpy=np.bitwise_and)
def bitwise_and(x, w):
    """x & w, of integers and booleans."""
    return np.bitwise_and(x, w)


@question(numpy=np.bitwise_or)
def bitwise_or(x, w):
    """x | w, of integers and booleans."""
    return np.bitwise_or(x, w)


@question(numpy=np.bitwise_xor)
def bitwise_xor(x, w):
    """x ^ w, of integers and booleans."""
    return np.bitwise_xor(x, w)


@question(numpy=np.invert)
def invert(x):
    """~x, of integers and booleans."""
    return np.invert(x)
