"""The special functions of scipy.special, with derivatives that keep their precision in the tails.

SciPy computes the values and is imported when one is first wanted; a derivative is a formula in functions of this file, so that
it has a derivative in its turn. Textbook formulas that cancel (x * erfcx(x) against a constant, digamma(a + b) against
digamma(a)) stand in a form that does not. Arguments have SciPy's order. The parameter of an incomplete gamma or beta function
has no derivative: asking for one is an error. The Bessel functions are in `bessel`. Stands on that and the other ops.
"""

import math
from typing import Any

import numpy as np

from ..errors import DtypeError, NoRuleError
from ..graph import is_grad_enabled
from ..rule import Domain, positives, reals, rule, sample, unit, zero
from ..tensor import NUMBERS, Tensor, implementations
from . import fused, reduction
from .bessel import WHOLE, i0, i0e, i1, i1e, iv, ive, j0, j1, jn, jv, k0, k0e, k1, k1e, kn, kv, kve, y0, y1, yn, yv
from .elementwise import cbrt, exp2, expm1, isinf, log, log1p, sigmoid, where
from .ufuncs import elementwise, pair, scipy_special, scipy_values, special

ROOT_PI = math.sqrt(math.pi)
ROOT_2PI = math.sqrt(2 * math.pi)
ROOT_2 = math.sqrt(2.0)
LOG_ROOT_2PI = math.log(2 * math.pi) / 2
LN10 = math.log(10.0)

proper = Domain(0.0, 1.0)


def _as_array(x):
    return x if isinstance(x, Tensor) else np.asarray(x)


def _operand(x):
    """x as something to compute with: Python numbers stay, so that they widen no array."""
    return x if type(x) in NUMBERS else _as_array(x)


def _not_negative(w):
    """w where it is at least 0, and nan where the function is not defined."""
    return w if np.iscomplexobj(w) else where(w < 0, math.nan, w)


def _series(x, coefficients):
    """c0 + c1 x + c2 x**2 + ..., from the last term to the first."""
    total = x * 0.0
    for c in reversed(coefficients):
        total = total * x + c
    return total


# --- the error function and its relatives ----------------------------------------------------------------------------------


def _asymptotic(x, far, sign):
    """The sum of sign**(k-1) (2k-1)!! / (2 x**2)**k for k = 1, 2, ...: what is left of a difference that would cancel."""
    x = np.where(far, x, 7.0)  # from 7 on the terms fall below the rounding error before they grow again
    t = 0.5 / (x * x)
    total = t * 0.0
    for k in range(24, 0, -1):
        total = (2 * k - 1) * t * (1 + sign * total)
    return total


def _erfcx_x(g, x, y):
    far = x > 7
    return g * (-2 / ROOT_PI * np.where(far, _asymptotic(x, far, -1), 1 - ROOT_PI * x * y))


def _dawsn_x(g, x, y):
    if np.iscomplexobj(x):
        return g * (1 - 2 * x * y)
    far = abs(x) > 7
    return g * np.where(far, -_asymptotic(x, far, 1), 1 - 2 * x * y)


@special(x=lambda g, x: g * (2 / ROOT_PI * np.exp(-x * x)), scalar=math.erf, c="erf({x})")
def erf(x):
    """The error function: 2 / sqrt(pi) times the integral of exp(-t*t) from 0 to x."""
    return scipy_values("erf", x)


@special(x=lambda g, x: g * (-2 / ROOT_PI * np.exp(-x * x)), scalar=math.erfc, c="erfc({x})")
def erfc(x):
    """1 - erf(x), exact in the right tail."""
    return scipy_values("erfc", x)


@special(x=_erfcx_x)
def erfcx(x):
    """exp(x*x) * erfc(x), which falls like 1/x where erfc underflows."""
    return scipy_values("erfcx", x)


@special(x=lambda g, x: g * (2 / ROOT_PI * np.exp(x * x)))
def erfi(x):
    """The imaginary error function, -i erf(ix): 2 / sqrt(pi) times the integral of exp(t*t) from 0 to x."""
    return scipy_values("erfi", x)


@special(x=_dawsn_x)
def dawsn(x):
    """Dawson's integral: exp(-x*x) times the integral of exp(t*t) from 0 to x."""
    return scipy_values("dawsn", x)


@special(x=lambda g, y: g * (ROOT_PI / 2 * np.exp(y * y)), domain=unit)
def erfinv(x):
    """The x for which erf is the given value; infinite, and so is the slope, at -1 and 1."""
    return scipy_values("erfinv", x)


@special(x=lambda g, y: g * (-ROOT_PI / 2 * np.exp(y * y)), domain=Domain(0.0, 2.0))
def erfcinv(x):
    """The x for which erfc is the given value, exact for values near 0."""
    return scipy_values("erfcinv", x)


def _log_ndtr_slope(x):
    """The density of the normal distribution over its integral: about -x in the left tail, where both are 0 in floats."""
    left = x < 0
    u, v = np.where(left, x, 0), np.where(left, 0, x)
    return np.where(left, ROOT_2 / ROOT_PI / erfcx(-u / ROOT_2), np.exp(-v * v / 2) / ROOT_2PI / ndtr(v))


@special(x=lambda g, x: g * (np.exp(-x * x / 2) / ROOT_2PI))
def ndtr(x):
    """The normal distribution function: the integral of exp(-t*t/2) / sqrt(2 pi) from -inf to x."""
    return scipy_values("ndtr", x)


@special(x=lambda g, x: g * _log_ndtr_slope(x))
def log_ndtr(x):
    """The logarithm of ndtr(x), and its derivative, also where ndtr underflows.

    >>> from autograd import Tensor, special
    >>> x = Tensor(-50.0)
    >>> special.log_ndtr(x).backward()
    >>> print(f"{x.grad.item():.4f}")
    50.0200
    """
    return scipy_values("log_ndtr", x)


@special(x=lambda g, y: g * (ROOT_2PI * np.exp(y * y / 2)), domain=proper)
def ndtri(x):
    """The quantile of the normal distribution: the inverse of ndtr."""
    return scipy_values("ndtri", x)


@special(x=lambda g, y: g / _log_ndtr_slope(y), domain=Domain(-math.inf, 0.0))
def ndtri_exp(x):
    """ndtri(exp(x)): the quantile for a probability of which the logarithm is known."""
    return scipy_values("ndtri_exp", x)


# --- logistic functions, logarithms and entropies --------------------------------------------------------------------------


expit = sigmoid


@special(x=lambda g, x: g / np.where((x < 0) | (x > 1), np.nan, x * (1 - x)), domain=proper)
def logit(x):
    """log(x / (1 - x)), the inverse of expit."""
    return scipy_values("logit", x)


def log_expit(x):
    """log(expit(x)), without underflow.

    >>> from autograd import Tensor, special
    >>> special.log_expit(Tensor([-1000.0]))
    Tensor([-1000.], op=negative)
    """
    return np.negative(np.logaddexp(0.0, np.negative(_as_array(x))))


def _share(x, w):
    """x / w for w of at least 0, nan below; and 0 where x is 0 and w is not positive: there the function is constant."""
    if np.iscomplexobj(x) or np.iscomplexobj(w):
        return x / w
    flat = (x == 0) & (w <= 0)
    return np.where(flat, 0, x / np.where(flat, 1, _not_negative(w)))


def _log_ratio(x, w):
    """log(x / w), exact near 1 and without overflow; infinite for w = 0, also where x is 0 too."""
    near = abs(x - w) < 0.5 * w
    both = (x == 0) & (w == 0)
    close = np.log1p(np.where(near, x - w, 0) / np.where(near, w, 1))
    apart = np.log(_not_negative(np.where(both, 1, x))) - np.log(_not_negative(w))
    return np.where(near, close, apart)


@special(
    x=lambda g, w: g * np.log(_not_negative(w)),
    w=lambda g, x, w: g * _share(x, w),
    domain={"x": reals, "w": positives},
)
def xlogy(x, w):
    """x * log(w), and 0 where x is 0, whatever w is.

    >>> from autograd import Tensor, special
    >>> special.xlogy(Tensor([0.0, 2.0]), [0.0, 1.0])
    Tensor([0., 0.], op=xlogy)
    """
    return scipy_values("xlogy", x, w)


@special(
    x=lambda g, w: g * np.log1p(np.where(w < -1, np.nan, w)),
    w=lambda g, x, w: g * _share(x, 1 + w),
    domain={"x": reals, "w": Domain(-1.0, math.inf)},
)
def xlog1py(x, w):
    """x * log(1 + w), and 0 where x is 0."""
    return scipy_values("xlog1py", x, w)


@special(x=lambda g, x: g * (-np.log(_not_negative(x)) - 1), domain=positives)
def entr(x):
    """-x * log(x): what a probability adds to an entropy. 0 at 0, where the slope is infinite; -inf below."""
    return scipy_values("entr", x)


@special(x=lambda g, x, w: g * (_log_ratio(x, w) + 1), w=lambda g, x, w: -g * _share(_not_negative(x), w), domain=positives)
def rel_entr(x, w):
    """x * log(x / w): what a pair of probabilities adds to a relative entropy."""
    return scipy_values("rel_entr", x, w)


def _kl_div_w(g, x, w):
    none = (x == 0) & (w == 0)
    return g * np.where(none, 1, (w - _not_negative(x)) / np.where(none, 1, _not_negative(w)))


@special(x=lambda g, x, w: g * _log_ratio(x, w), w=_kl_div_w, domain=positives)
def kl_div(x, w):
    """x * log(x / w) - x + w: as rel_entr, but convex in both and 0 only for x = w."""
    return scipy_values("kl_div", x, w)


@special(x=lambda g, y: g * (y * LN10))
def exp10(x):
    """10**x"""
    return scipy_values("exp10", x)


@special(x=lambda g, x: -g * np.sin(x))
def cosm1(x):
    """cos(x) - 1, exact near 0."""
    return scipy_values("cosm1", x)


def _exprel_x(g, x, y):
    near = abs(x) < 1
    series = _series(np.where(near, x, 0), [(k + 1) / math.factorial(k + 2) for k in range(20)])
    w = np.where(near, 1, x)
    right = y * (1 - 1 / w) + 1 / w  # exp(x) alone would overflow before y does
    left = (np.exp(np.where(x < 0, x, 0)) - y) / w
    return g * np.where(near, series, np.where(x < 0, left, right))


@special(x=_exprel_x)
def exprel(x):
    """(exp(x) - 1) / x, and 1 at 0."""
    return scipy_values("exprel", x)


@special(
    delta=lambda g, delta, r: g * np.maximum(abs(r) - delta, 0),
    r=lambda g, delta, r: g * np.minimum(np.maximum(r, -delta), delta),
    samples=[sample(np.array([0.5, 1.1]), np.array([[0.2], [-1.4], [0.8]]))],
)
def huber(delta, r):
    """r*r/2 up to abs(r) = delta, and from there on the tangent: a loss that outliers pull on with force delta at most."""
    return scipy_values("huber", delta, r)


def _hypotenuse(delta, r):
    h = np.hypot(delta, r)
    return np.where(h == 0, 1, h)


def _pseudo_huber_delta(g, delta, r):
    h = _hypotenuse(delta, r)
    above = r / (h + delta) * r  # h - delta
    return g * above * (above / h)


@special(delta=_pseudo_huber_delta, r=lambda g, delta, r: g * (delta * (r / _hypotenuse(delta, r))), domain=positives)
def pseudo_huber(delta, r):
    """delta**2 * (sqrt(1 + (r / delta)**2) - 1): a smooth huber."""
    return scipy_values("pseudo_huber", delta, r)


# --- a power times an exponential: what densities are made of --------------------------------------------------------------


def _power_exp_x(g, x, w, shift):
    constant = w == 0
    return g * np.where(constant, 0, w * power_exp(x, np.where(constant, 1, w - 1), shift))


def _power_exp_w(g, x, w, y):
    edge = (x == 0) & (w > 0)
    return g * np.where(edge, 0, y * np.log(np.where(edge, 1, x)))


@elementwise(
    x=_power_exp_x,
    w=_power_exp_w,
    shift=lambda g, y: g * y,
    domain={"x": positives, "w": reals, "shift": reals},
)
def power_exp(x, w, shift):
    """x**w * exp(shift), where neither of the two may fit in a float, and the slope at x = 0 is wanted."""
    with np.errstate(invalid="ignore"):
        y = np.exp(scipy_values("xlogy", w, x) + shift)
    return np.where(np.isneginf(shift) & np.isposinf(x), 0, y).astype(y.dtype)  # the exponential outdoes any power


# --- the gamma function ----------------------------------------------------------------------------------------------------


def _gammaln_x(g, x):
    return g * digamma(x)


def _gamma_x(g, x, y):
    return g * (y * digamma(x))


def _digamma_x(g, x):
    return g * polygamma(1, x)


def _polygamma_x(g, n, x):
    return g * polygamma(n + 1, x)


def _hurwitz_zeta_q(g, x, q):
    return -g * (x * hurwitz_zeta(x + 1, q))


def _rgamma_x(g, x, y):
    # gamma(1 - x) * sin(pi x) / pi to the left, where digamma has poles and 1 / gamma has none.
    left = x < 0.5
    u, v = np.where(left, x, 0), np.where(left, 1, x)
    mirrored = gamma(1 - u) * (np.cos(math.pi * u) - digamma(1 - u) * np.sin(math.pi * u) / math.pi)
    return g * np.where(left, mirrored, -digamma(v) * y)


@special(x=_gamma_x, domain=positives, c="tgamma({x})")
def gamma(x):
    """The gamma function: (n - 1)! at a whole number n."""
    return scipy_values("gamma", x)


@special(x=_gammaln_x, domain=positives, c="lgamma({x})")
def gammaln(x):
    """The logarithm of abs(gamma(x)), of real numbers."""
    return scipy_values("gammaln", x)


@special(x=_gammaln_x, domain=positives)
def loggamma(x):
    """The principal branch of the logarithm of gamma(x); nan for negative real numbers, where gammaln gives the real part."""
    return scipy_values("loggamma", x)


@special(x=_rgamma_x)
def rgamma(x):
    """1 / gamma(x), which is 0, and smooth, at 0, -1, -2, ..."""
    return scipy_values("rgamma", x)


@special(x=zero)
def gammasgn(x):
    """The sign of gamma(x); constant between its jumps."""
    return scipy_values("gammasgn", x)


@elementwise(x=_digamma_x, numpy="scipy.special.psi", domain=positives)
def digamma(x):
    """The derivative of log(gamma(x)); also called psi."""
    return scipy_values("psi", x)


psi = digamma


@elementwise(
    x=_polygamma_x,
    domain=positives,
    samples=[sample(1, (2, 3)), sample(np.array([0, 1, 2]), (2, 3))],
)
def polygamma(n, x):
    """The nth derivative of digamma."""
    y = scipy_values("polygamma", n, x)
    return y.astype(_real_dtype(x))


def _real_dtype(x):
    """The dtype of x, or float64 where that is none of real numbers."""
    dtype = np.asarray(x).dtype
    return dtype if dtype.kind == "f" else np.dtype(float)


def _multigammaln_a(g, a, d):
    return g * sum(digamma(a - j / 2) for j in range(d))


@elementwise(a=_multigammaln_a, domain=Domain(1.0, math.inf), samples=[sample((2, 3), d=1), sample((2, 3), d=3)])
def multigammaln(a, *, d):
    """The logarithm of the gamma function of d dimensions: d (d - 1) / 4 log(pi) + the sum of gammaln(a - j / 2) for j < d."""
    return np.asarray(scipy_special().multigammaln(np.asarray(a), d)).astype(_real_dtype(a))


@elementwise(
    q=_hurwitz_zeta_q,
    domain=positives,
    samples=[sample(2.5, (2, 3)), sample(np.array([2, 3, 4]), (2, 3))],
)
def hurwitz_zeta(x, q):
    """The sum of 1 / (q + k)**x over k = 0, 1, 2, ..."""
    return scipy_values("zeta", x, q)


@elementwise(samples=[sample((2, 3))])
def riemann_zeta(x):
    """The sum of 1 / k**x over k = 1, 2, ..., continued to x < 1."""
    return scipy_values("zeta", x)


def zeta(x, q=None):
    """The zeta function of Riemann, or with q that of Hurwitz, which has a derivative in q.

    >>> from autograd import special
    >>> print(f"{special.zeta(2.0):.6f} {special.zeta(2.0, 2.0):.6f}")
    1.644934 0.644934
    """
    if q is not None:
        return hurwitz_zeta(x, q)
    if isinstance(x, Tensor) and x.requires_grad and is_grad_enabled():
        raise NoRuleError("zeta has no derivative with respect to 'x', which requires a gradient. Pass it detached")
    return riemann_zeta(x)


def log_gamma_density(a: Any, x: Any) -> Any:
    """The logarithm of x**(a-1) exp(-x) / gamma(a): the derivative of gammainc, and the density of the gamma distribution."""
    x = _not_negative(x)
    return xlogy(a - 1, x) - x - gammaln(a)


def gamma_density(a: Any, x: Any) -> Any:
    """The density of the gamma distribution, with its slope at 0."""
    x = _not_negative(x)
    return power_exp(x, a - 1, -x - gammaln(a))


# In the tail a probability is too small for a float long before its logarithm is: there its slope, the density over the
# probability, is a continued fraction, and the value follows. The slope is an op of its own, whose derivative needs none.


def _fraction(first, numerator, denominator):
    """first + n(1) / (d(1) + n(2) / (d(2) + ...)), by Lentz's method."""
    total, c, d = first, first, 0.0 * first
    for k in range(1, 10_000):
        d = 1 / (denominator(k) + numerator(k) * d)
        c = denominator(k) + numerator(k) / c
        total = total * (c * d)
        if not np.any(abs(c * d - 1) > 5e-16):
            break
    return total


def _slope_of_log(log_density, probability, fraction, edge, *inputs):
    """The density over the probability; `edge` where both are 0."""
    with np.errstate(all="ignore"):
        p, log_d = probability(*inputs), log_density(*inputs)
        y = np.array(np.where(p == 0, edge, np.exp(log_d - np.log(p))), np.result_type(p))
        far = (p == 0) & np.isfinite(log_d)
        if far.any():
            y[far] = fraction(*(np.broadcast_to(value, y.shape)[far].astype(float) for value in inputs))
    return y


def _log_of(log_density, probability, slope, *inputs):
    """The logarithm of a probability."""
    with np.errstate(all="ignore"):
        p = probability(*inputs)
        if not np.any(p == 0):
            return np.log(p)
        log_d = log_density(*inputs)
        return np.where((p == 0) & np.isfinite(log_d), log_d - np.log(slope(*inputs)), np.log(p))


def _slope_x(g, y, lean):
    """The derivative of a slope: `lean` is its logarithm's."""
    return g * np.where(np.isinf(y), -np.inf, y * lean)


def _gammainc_fraction(a, x):
    def numerator(k):
        return k // 2 * x if k % 2 == 0 else -(a + k // 2) * x

    return _fraction(a, numerator, lambda k: a + k) / x


def _gammaincc_fraction(a, x):
    return _fraction(x + 1 - a, lambda k: k * (a - k), lambda k: x + 2 * k + 1 - a) / x


@special(x=lambda g, a, x: g * gamma_density(a, x), domain=positives, samples=[sample(1.7, (2, 3))])
def gammainc(a, x):
    """The integral of t**(a-1) exp(-t) / gamma(a) from 0 to x. No derivative in a."""
    return scipy_values("gammainc", a, x)


@special(x=lambda g, a, x: -g * gamma_density(a, x), domain=positives, samples=[sample(1.7, (2, 3))])
def gammaincc(a, x):
    """1 - gammainc(a, x), exact in the tail. No derivative in a."""
    return scipy_values("gammaincc", a, x)


OF_GAMMA = [sample(1.7, (2, 3)), sample(np.array([900.0, 3.0]), np.array([[5.0], [7.0]]))]
IN_TAIL = [sample(1.7, (2, 3)), sample(np.array([2.5, 0.6]), np.array([[800.0], [900.0]]))]


@elementwise(x=lambda g, a, x, y: _slope_x(g, y, _share(a - 1, x) - 1 - y), domain=positives, samples=OF_GAMMA)
def gammainc_slope(a, x):
    """The derivative of log(gammainc(a, x)) in x."""
    return _slope_of_log(log_gamma_density, gammainc, _gammainc_fraction, np.inf, a, x)


@elementwise(x=lambda g, a, x, y: _slope_x(g, y, _share(a - 1, x) - 1 + y), domain=positives, samples=IN_TAIL)
def gammaincc_slope(a, x):
    """The derivative of -log(gammaincc(a, x)) in x."""
    return _slope_of_log(log_gamma_density, gammaincc, _gammaincc_fraction, 1.0, a, x)


@elementwise(x=lambda g, a, x: g * gammainc_slope(a, x), domain=positives, samples=OF_GAMMA)
def log_gammainc(a, x):
    """log(gammainc(a, x)), without underflow. No derivative in a."""
    return _log_of(log_gamma_density, gammainc, gammainc_slope, a, x)


@elementwise(x=lambda g, a, x: -g * gammaincc_slope(a, x), domain=positives, samples=IN_TAIL)
def log_gammaincc(a, x):
    """log(gammaincc(a, x)), without underflow. No derivative in a."""
    return _log_of(log_gamma_density, gammaincc, gammaincc_slope, a, x)


@special(p=lambda g, a, y: g * np.exp(-log_gamma_density(a, y)), domain=proper, samples=[sample(1.7, (2, 3))])
def gammaincinv(a, p):
    """The x for which gammainc(a, x) is p. No derivative in a."""
    return scipy_values("gammaincinv", a, p)


@special(p=lambda g, a, y: -g * np.exp(-log_gamma_density(a, y)), domain=proper, samples=[sample(1.7, (2, 3))])
def gammainccinv(a, p):
    """The x for which gammaincc(a, x) is p. No derivative in a."""
    return scipy_values("gammainccinv", a, p)


# --- the beta function -----------------------------------------------------------------------------------------------------


BERNOULLI = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132)  # digamma(x) is log(x) - 1/(2x) - the sum of these over x**2k


def digamma_gap(a: Any, b: Any) -> Any:
    """digamma(a + b) - digamma(a), where the difference of the two would cancel: b small, or a large.

    >>> from autograd import special
    >>> special.digamma_gap(1e8, 1.0) * 1e8
    np.float64(1.0)
    """
    ok = (a > 0) & (a + b > 0)
    p, w = np.where(ok, a, 1), np.where(ok, b, 0)
    total = p * 0.0
    for k in range(16):  # 1 / (a + k) - 1 / (a + b + k), until a + k is large enough for the series
        total = total + w / ((p + k) * (p + w + k))
    u = p + 16
    i, j = 1 / u, 1 / (u + w)
    d = w * i * j  # i - j
    i, j = i * i, j * j
    power, sums, series = j * 0 + 1, j * 0 + 1, j * 0
    for c in BERNOULLI:  # i**n - j**n is i - j times the sum of i**k j**(n-1-k)
        series = series + c * sums
        power = power * j
        sums = sums * i + power
    squares = d * (1 / u + 1 / (u + w))
    return np.where(ok, total + np.log1p(w / u) + d / 2 + squares * series, digamma(a + b) - digamma(a))


@special(a=lambda g, a, b, y: -g * y * digamma_gap(a, b), b=lambda g, a, b, y: -g * y * digamma_gap(b, a), domain=positives)
def beta(a, b):
    """gamma(a) gamma(b) / gamma(a + b)"""
    return scipy_values("beta", a, b)


@special(a=lambda g, a, b: -g * digamma_gap(a, b), b=lambda g, a, b: -g * digamma_gap(b, a), domain=positives)
def betaln(a, b):
    """The logarithm of abs(beta(a, b))."""
    return scipy_values("betaln", a, b)


def log_beta_density(a: Any, b: Any, x: Any) -> Any:
    """The logarithm of x**(a-1) (1-x)**(b-1) / beta(a, b): the derivative of betainc, the density of the beta distribution."""
    x = where((x < 0) | (x > 1), math.nan, x)
    return xlogy(a - 1, x) + xlog1py(b - 1, -x) - betaln(a, b)


def beta_density(a: Any, b: Any, x: Any) -> Any:
    """The density of the beta distribution, with its slopes at 0 and 1."""
    x = where((x < 0) | (x > 1), math.nan, x)
    low = x < 0.5
    u, v = where(low, x, 0.25), where(low, 0.25, 1 - x)
    left = power_exp(u, a - 1, xlog1py(b - 1, -u) - betaln(a, b))
    return where(low, left, power_exp(v, b - 1, xlog1py(a - 1, -v) - betaln(a, b)))


def _betainc_fraction(a, b, x):
    def numerator(k):
        m = k // 2
        top = m * (b - m) if k % 2 == 0 else -(a + m) * (a + b + m)
        return top * x / ((a + k - 1) * (a + k))

    return _fraction(np.ones_like(x), numerator, lambda k: 1.0)


def _betainc_slope_fraction(a, b, x):
    return a / (x * (1 - x)) * _betainc_fraction(a, b, x)


def _betaincc_slope_fraction(a, b, x):
    return _betainc_slope_fraction(b, a, 1 - x)


def _lean_of_beta(a, b, x):
    return _share(a - 1, x) - _share(b - 1, 1 - x)


OF_BETA = [sample(1.7, 2.2, (2, 3)), sample(np.array([2, 3, 1]), 1.5, (2, 3))]


@special(x=lambda g, a, b, x: g * beta_density(a, b, x), domain=proper, samples=OF_BETA)
def betainc(a, b, x):
    """The integral of t**(a-1) (1-t)**(b-1) / beta(a, b) from 0 to x. No derivative in a and b."""
    return scipy_values("betainc", a, b, x)


@special(x=lambda g, a, b, x: -g * beta_density(a, b, x), domain=proper, samples=OF_BETA)
def betaincc(a, b, x):
    """1 - betainc(a, b, x), exact in the tail. No derivative in a and b."""
    return scipy_values("betaincc", a, b, x)


FAR = [*OF_BETA, sample(900.0, 3.0, np.array([0.2, 0.3])), sample(3.0, 900.0, np.array([0.8, 0.7]))]


@elementwise(x=lambda g, a, b, x, y: _slope_x(g, y, _lean_of_beta(a, b, x) - y), domain=proper, samples=FAR)
def betainc_slope(a, b, x):
    """The derivative of log(betainc(a, b, x)) in x."""
    return _slope_of_log(log_beta_density, betainc, _betainc_slope_fraction, np.inf, a, b, x)


@elementwise(
    x=lambda g, a, b, x, y: g * np.where(np.isinf(y), np.inf, y * (_lean_of_beta(a, b, x) + y)), domain=proper, samples=FAR
)
def betaincc_slope(a, b, x):
    """The derivative of -log(betaincc(a, b, x)) in x."""
    return _slope_of_log(log_beta_density, betaincc, _betaincc_slope_fraction, np.inf, a, b, x)


@elementwise(x=lambda g, a, b, x: g * betainc_slope(a, b, x), domain=proper, samples=FAR)
def log_betainc(a, b, x):
    """log(betainc(a, b, x)), without underflow. No derivative in a and b."""
    return _log_of(log_beta_density, betainc, betainc_slope, a, b, x)


@elementwise(x=lambda g, a, b, x: -g * betaincc_slope(a, b, x), domain=proper, samples=FAR)
def log_betaincc(a, b, x):
    """log(betaincc(a, b, x)), without underflow. No derivative in a and b."""
    return _log_of(log_beta_density, betaincc, betaincc_slope, a, b, x)


@special(p=lambda g, a, b, y: g * np.exp(-log_beta_density(a, b, y)), domain=proper, samples=OF_BETA)
def betaincinv(a, b, p):
    """The x for which betainc(a, b, x) is p. No derivative in a and b."""
    return scipy_values("betaincinv", a, b, p)


@special(p=lambda g, a, b, y: -g * np.exp(-log_beta_density(a, b, y)), domain=proper, samples=OF_BETA)
def betainccinv(a, b, p):
    """The x for which betaincc(a, b, x) is p. No derivative in a and b."""
    return scipy_values("betainccinv", a, b, p)


def fdtr(dfn, dfd, x):
    """The distribution function of F, with dfn and dfd degrees of freedom. No derivative in these.

    >>> from autograd import special
    >>> special.fdtr(2.0, 2.0, 3.0)
    0.75
    """
    return _of_ratio(betainc, betaincc, dfn, dfd, x)


def fdtrc(dfn, dfd, x):
    """1 - fdtr(dfn, dfd, x), exact in the tail. No derivative in dfn and dfd."""
    return _of_ratio(betaincc, betainc, dfn, dfd, x)


def _of_ratio(below, above, dfn, dfd, x):
    """An incomplete beta function at dfn x / (dfn x + dfd), or of 1 minus that where it is near 1."""
    dfn, dfd, x = map(_operand, (dfn, dfd, x))
    w = dfn * x
    near = w > dfd
    low, high = where(near, dfd, w), where(near, w, dfd)
    lower = below(dfn / 2, dfd / 2, where(near, 0.5, low / (low + dfd)))
    return where(near, above(dfd / 2, dfn / 2, where(near, dfd / (dfd + high), 0.5)), lower)


def chdtr(v, x):
    """The distribution function of chi-square with v degrees of freedom. No derivative in v.

    >>> from autograd import special
    >>> print(f"{special.chdtr(2.0, 2.0):.4f}")
    0.6321
    """
    return gammainc(_operand(v) / 2, _operand(x) / 2)


def chdtrc(v, x):
    """1 - chdtr(v, x), exact in the tail. No derivative in v."""
    return gammaincc(_operand(v) / 2, _operand(x) / 2)


def log_student_density(df: Any, t: Any) -> Any:
    """The logarithm of the density of Student's t with df degrees of freedom; for infinite df that of the normal one."""
    normal = isinf(df)
    n = where(normal, 1, df)
    student = -betaln(n / 2, 0.5) - log(n) / 2 - (n + 1) / 2 * log1p(t * t / n)
    return where(normal, -t * t / 2 - LOG_ROOT_2PI, student)


@special(t=lambda g, df, t: g * np.exp(log_student_density(df, t)), samples=[sample(3, (2, 3)), sample(math.inf, (3,))])
def stdtr(df, t):
    """The distribution function of Student's t, with df degrees of freedom. No derivative in df."""
    return scipy_values("stdtr", df, t)


def _stdtr_fraction(df, t):
    # stdtr(df, t) is half of betainc(df / 2, 1 / 2, w), and 1 - w is t * t * w / df.
    n = np.where(np.isinf(df), 1, df)
    student = -n / t * _betainc_fraction(n / 2, 0.5, n / (n + t * t))
    return np.where(np.isinf(df), _log_ndtr_slope(t), student)


def _stdtr_slope_t(g, df, t, y):
    normal, v = np.isinf(df), np.where(np.isinf(t), 0, t)
    n = np.where(normal, 1, df)
    return _slope_x(g, y, np.where(normal, -v, -(n + 1) * v / (n + v * v)) - y)


OF_STUDENT = [
    sample(3, (2, 3)),
    sample(math.inf, (3,)),
    sample(np.array([1000.0, math.inf, 3.0]), np.array([[-60.0, -40.0, -0.5], [-90.0, -45.0, 0.3]])),
]


@elementwise(t=_stdtr_slope_t, samples=OF_STUDENT)
def stdtr_slope(df, t):
    """The derivative of log(stdtr(df, t)) in t."""
    return _slope_of_log(log_student_density, stdtr, _stdtr_fraction, np.where(np.isinf(df), np.inf, 0), df, t)


@elementwise(t=lambda g, df, t: g * stdtr_slope(df, t), samples=OF_STUDENT)
def log_stdtr(df, t):
    """log(stdtr(df, t)), without underflow. No derivative in df."""
    return _log_of(log_student_density, stdtr, stdtr_slope, df, t)


# --- integrals -------------------------------------------------------------------------------------------------------------


@special(x=lambda g, x: -g * np.exp(-x) / _not_negative(x), domain=positives)
def exp1(x):
    """The integral of exp(-t) / t from x to infinity."""
    return scipy_values("exp1", x)


@special(x=lambda g, x: g * np.exp(x) / x, domain=positives)
def expi(x):
    """The integral of exp(t) / t from -inf to x, its principal value for positive x."""
    return scipy_values("expi", x)


def _expn_x(g, n, x, y):
    # expn(n - 1, x), which SciPy does not know for n < 1; there the recurrence has no cancellation.
    low = n < 1
    recurrence = (np.exp(-x) + (1 - n) * y) / np.where(low, x, 1)
    return -g * np.where(low, recurrence, expn(np.maximum(n - 1, 0), x))


@special(x=_expn_x, domain=positives, samples=WHOLE)
def expn(n, x):
    """The integral of exp(-x t) / t**n from t = 1 to infinity, for whole n. No derivative in n."""
    return scipy_values("expn", n, x)


@special(x=lambda g, x: -g / exprel(np.log(_not_negative(x))), domain=positives)
def spence(x):
    """Spence's function, the dilogarithm of 1 - x: the integral of log(t) / (1 - t) from 1 to x."""
    return scipy_values("spence", x)


OF_K = [math.pi / 2 * (math.comb(2 * k, k) / 4**k) ** 2 for k in range(20)]
# The coefficients of K', and of E' = -(K - E) / 2m, in powers of m.
OF_K_SLOPE = [k * OF_K[k] for k in range(1, 20)]
OF_E_SLOPE = [-k * OF_K[k] / (2 * k - 1) for k in range(1, 20)]


def _ellipk_m(g, m, y):
    near = abs(m) < 0.1
    w, k = np.where(near, 0.5, m), np.where(m == 1, 0, y)
    far = (ellipe(w) / (1 - w) - k) / (2 * w)
    return g * np.where(near, _series(np.where(near, m, 0), OF_K_SLOPE), far)


def _ellipe_m(g, m, y):
    near = abs(m) < 0.1
    w = np.where(near, 0.5, m)
    return g * np.where(near, _series(np.where(near, m, 0), OF_E_SLOPE), (y - ellipk(w)) / (2 * w))


@special(m=_ellipk_m, domain=unit)
def ellipk(m):
    """The complete elliptic integral of the first kind: of 1 / sqrt(1 - m sin(t)**2) from 0 to pi/2."""
    return scipy_values("ellipk", m)


@special(m=_ellipe_m, domain=unit)
def ellipe(m):
    """The complete elliptic integral of the second kind: of sqrt(1 - m sin(t)**2) from 0 to pi/2."""
    return scipy_values("ellipe", m)


@pair(
    x=lambda g, x: g[0] * np.sinc(x / math.pi) + g[1] * (np.cos(x) / x),
    domain=positives,
    samples=[sample((2, 3))],
)
def sici(x):
    """The sine and the cosine integral: of sin(t) / t from 0 to x, and Euler's constant + log(x) + that of (cos(t) - 1) / t."""
    return scipy_values("sici", x)


@pair(
    x=lambda g, x: g[0] * ((exprel(x) + exprel(-x)) / 2) + g[1] * (np.cosh(x) / x),
    domain=positives,
    samples=[sample((2, 3))],
)
def shichi(x):
    """The hyperbolic sine and cosine integrals, as sici with sinh and cosh."""
    return scipy_values("shichi", x)


@pair(
    x=lambda g, x: g[0] * np.sin(math.pi / 2 * x * x) + g[1] * np.cos(math.pi / 2 * x * x),
    samples=[sample((2, 3))],
)
def fresnel(x):
    """The Fresnel integrals: of sin(pi t*t / 2) and of cos(pi t*t / 2) from 0 to x."""
    return scipy_values("fresnel", x)


# --- sums of exponentials --------------------------------------------------------------------------------------------------


def _weighted(a, b, axis, keepdims):
    """The sum of b * exp(a), divided by exp of the largest a that has a weight; and that a."""
    if np.iscomplexobj(a) or np.iscomplexobj(b):
        raise DtypeError("logsumexp with weights is for real numbers: write log(sum(b * exp(a))) for complex ones")
    a = np.where(b == 0, -np.inf, a)
    peak = a.max(axis=reduction.reduced_axes(a.ndim, axis), keepdims=True, initial=-np.inf)
    peak = np.where(np.isfinite(peak), peak, np.zeros_like(peak))
    total = (b * np.exp(a - peak)).sum(axis=axis, keepdims=keepdims)
    return total, peak.reshape(np.shape(total))


def _weighted_logsumexp(g, a, b, y, axis, keepdims):
    shape = np.broadcast_shapes(np.shape(a), np.shape(b))
    slope = np.exp(a - reduction.spread(y, shape, axis, keepdims))
    terms = b * np.where((b == 0) & (slope == np.inf), 0, slope)
    sign = np.sign(terms.sum(axis=reduction.reduced_axes(len(shape), axis), keepdims=True))
    g = reduction.spread(g, shape, axis, keepdims) * sign
    return g * terms, g * slope


WEIGHTED = [
    sample((2, 3), (2, 3)),
    sample((2, 3), (3,), axis=0),
    sample((2, 3), np.array([[0.5], [-2.0]]), axis=1, keepdims=True),
    sample((2, 3, 2), (3, 1), axis=(0, -1)),
]


@rule(leading=True, vjp=_weighted_logsumexp, samples=WEIGHTED)
def weighted_logsumexp(a, b, *, axis=None, keepdims=False):
    """log(abs(sum(b * exp(a)))), without overflow."""
    total, peak = _weighted(a, b, axis, keepdims)
    with np.errstate(divide="ignore"):  # a sum of 0: its logarithm is meant
        return np.log(abs(total)) + peak


@rule(samples=WEIGHTED)
def weighted_sign(a, b, *, axis=None, keepdims=False):
    """The sign of sum(b * exp(a))."""
    return np.sign(_weighted(a, b, axis, keepdims)[0])


def logsumexp(a, axis=None, b=None, keepdims=False, return_sign=False):
    """log(sum(b * exp(a))) without overflow, differentiable in a and in the weights b; and the sign of the sum, if wanted.

    A negative sum has no logarithm: nan, unless `return_sign` asks for that of its absolute value.

    >>> from autograd import Tensor, special
    >>> special.logsumexp(Tensor([1000.0, 0.0]), b=[1.0, -0.5])
    Tensor(1000.0, op=multiply)
    """
    a = _as_array(a)
    a = a * 1.0 if a.dtype.kind in "iub" else a
    if b is None and not return_sign:
        return reduction.logsumexp(a, axis=axis, keepdims=keepdims)
    b = np.ones_like(a) if b is None else _as_array(b)
    y = weighted_logsumexp(a, b, axis=axis, keepdims=keepdims)
    sign = weighted_sign(a, b, axis=axis, keepdims=keepdims)
    return (y, sign) if return_sign else y * np.where(sign < 0, math.nan * sign, 1)


def _along_lines(function, x, axis):
    """A function along the last axis, along one axis, several or all of x."""
    x = _as_array(x)
    axes = reduction.reduced_axes(np.ndim(x), axis)
    rest = np.ndim(x) - len(axes)
    last = tuple(range(rest, np.ndim(x)))
    moved = np.moveaxis(x, axes, last)
    lines = moved.reshape((*moved.shape[:rest], math.prod(moved.shape[rest:])))
    return np.moveaxis(function(lines, axis=-1).reshape(moved.shape), last, axes)


def softmax(x, axis=None):
    """exp(x) / sum(exp(x)) along an axis or several; over all elements by default, as in SciPy.

    >>> from autograd import special
    >>> special.softmax([0.0, 0.0])
    array([0.5, 0.5])
    """
    return _along_lines(fused.softmax, x, axis)


def log_softmax(x, axis=None):
    """The logarithm of softmax, exact also where one element outweighs all others.

    >>> from autograd import special
    >>> special.log_softmax([0.0, -1000.0])
    array([    0., -1000.])
    """
    return _along_lines(fused.log_softmax, x, axis)


# Other ufuncs of SciPy that mean an op: those of several outputs, and those of which we have the op already.
for _op in (cbrt, chdtr, chdtrc, exp2, expm1, fdtr, fdtrc, fresnel, log1p, log_expit, shichi, sici):
    implementations[f"scipy.special.{_op.__name__}"] = _op
implementations["scipy.special.expit"] = expit

__all__ = [
    "beta",
    "betainc",
    "betaincc",
    "betainccinv",
    "betaincinv",
    "betaln",
    "cbrt",
    "chdtr",
    "chdtrc",
    "cosm1",
    "dawsn",
    "digamma",
    "ellipe",
    "ellipk",
    "entr",
    "erf",
    "erfc",
    "erfcinv",
    "erfcx",
    "erfi",
    "erfinv",
    "exp1",
    "exp2",
    "exp10",
    "expi",
    "expit",
    "expm1",
    "expn",
    "exprel",
    "fdtr",
    "fdtrc",
    "fresnel",
    "gamma",
    "gammainc",
    "gammaincc",
    "gammainccinv",
    "gammaincinv",
    "gammaln",
    "gammasgn",
    "huber",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "iv",
    "ive",
    "j0",
    "j1",
    "jn",
    "jv",
    "k0",
    "k0e",
    "k1",
    "k1e",
    "kl_div",
    "kn",
    "kv",
    "kve",
    "log1p",
    "log_expit",
    "log_ndtr",
    "log_softmax",
    "loggamma",
    "logit",
    "logsumexp",
    "multigammaln",
    "ndtr",
    "ndtri",
    "ndtri_exp",
    "polygamma",
    "pseudo_huber",
    "psi",
    "rel_entr",
    "rgamma",
    "shichi",
    "sici",
    "softmax",
    "spence",
    "stdtr",
    "xlog1py",
    "xlogy",
    "y0",
    "y1",
    "yn",
    "yv",
    "zeta",
]
