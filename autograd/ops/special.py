"""The special functions of scipy.special, with derivatives that keep their precision in the tails.

SciPy computes the values and is imported when one is first wanted; a derivative is a formula in functions of this file, so that
it has a derivative in its turn. Textbook formulas that cancel (x * erfcx(x) against a constant, digamma(a + b) against
digamma(a)) stand in a form that does not. Arguments have SciPy's order. An order of a Bessel function, or the parameter of an
incomplete gamma or beta function, has no derivative: asking for one is an error. Stands on `rule` and the other ops.
"""

import math
from functools import cache, partial
from typing import Any

import numpy as np

from ..errors import DtypeError, NoRuleError
from ..graph import is_grad_enabled
from ..rule import Domain, positives, reals, rule, sample, unit, zero
from ..tensor import NUMBERS, Tensor, implementations
from . import fused, reduction
from .elementwise import cbrt, exp2, expm1, isinf, log, log1p, sigmoid, where

ROOT_PI = math.sqrt(math.pi)
ROOT_2PI = math.sqrt(2 * math.pi)
ROOT_2 = math.sqrt(2.0)
LOG_ROOT_2PI = math.log(2 * math.pi) / 2
LN10 = math.log(10.0)

proper = Domain(0.0, 1.0)
elementwise = partial(rule, kind="elementwise", host=True)
pair = partial(rule, host=True)  # two outputs


@cache
def _module():
    """scipy.special. Importing it takes longer than importing this package, so it waits for the first use."""
    import scipy.special

    return scipy.special


def _scipy(name, *values):
    """What a function of SciPy makes of arrays. Those of a GPU refuse to become NumPy's, which is an error that says so.

    Whole numbers and Python numbers take the precision of the others, where SciPy would often take float64.
    """
    arrays = [np.asarray(value) for value in values]
    pairs = list(zip(values, arrays, strict=True))
    floats = [array.dtype for value, array in pairs if array.dtype.kind in "fc" and type(value) not in NUMBERS]
    real = np.finfo(np.result_type(*floats)).dtype if floats else float
    return getattr(_module(), name)(*(a if a.dtype in floats or a.dtype.kind == "c" else a.astype(real) for a in arrays))


def special(**facts):
    """An elementwise op that SciPy's ufunc of the same name computes, and that the ufunc finds when it meets a Tensor."""

    def decorate(forward):
        return elementwise(numpy=f"scipy.special.{forward.__name__}", **facts)(forward)

    return decorate


def _as_array(x):
    return x if isinstance(x, Tensor) else np.asarray(x)


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
    return _scipy("erf", x)


@special(x=lambda g, x: g * (-2 / ROOT_PI * np.exp(-x * x)), scalar=math.erfc, c="erfc({x})")
def erfc(x):
    """1 - erf(x), exact in the right tail."""
    return _scipy("erfc", x)


@special(x=_erfcx_x)
def erfcx(x):
    """exp(x*x) * erfc(x), which falls like 1/x where erfc underflows."""
    return _scipy("erfcx", x)


@special(x=lambda g, x: g * (2 / ROOT_PI * np.exp(x * x)))
def erfi(x):
    """The imaginary error function, -i erf(ix): 2 / sqrt(pi) times the integral of exp(t*t) from 0 to x."""
    return _scipy("erfi", x)


@special(x=_dawsn_x)
def dawsn(x):
    """Dawson's integral: exp(-x*x) times the integral of exp(t*t) from 0 to x."""
    return _scipy("dawsn", x)


@special(x=lambda g, y: g * (ROOT_PI / 2 * np.exp(y * y)), domain=unit)
def erfinv(x):
    """The x for which erf is the given value; infinite, and so is the slope, at -1 and 1."""
    return _scipy("erfinv", x)


@special(x=lambda g, y: g * (-ROOT_PI / 2 * np.exp(y * y)), domain=Domain(0.0, 2.0))
def erfcinv(x):
    """The x for which erfc is the given value, exact for values near 0."""
    return _scipy("erfcinv", x)


def _log_ndtr_slope(x):
    """The density of the normal distribution over its integral: about -x in the left tail, where both are 0 in floats."""
    left = x < 0
    u, v = np.where(left, x, 0), np.where(left, 0, x)
    return np.where(left, ROOT_2 / ROOT_PI / erfcx(-u / ROOT_2), np.exp(-v * v / 2) / ROOT_2PI / ndtr(v))


@special(x=lambda g, x: g * (np.exp(-x * x / 2) / ROOT_2PI))
def ndtr(x):
    """The normal distribution function: the integral of exp(-t*t/2) / sqrt(2 pi) from -inf to x."""
    return _scipy("ndtr", x)


@special(x=lambda g, x: g * _log_ndtr_slope(x))
def log_ndtr(x):
    """The logarithm of ndtr(x), and its derivative, also where ndtr underflows.

    >>> from autograd import Tensor, special
    >>> x = Tensor(-50.0)
    >>> special.log_ndtr(x).backward()
    >>> print(f"{x.grad.item():.4f}")
    50.0200
    """
    return _scipy("log_ndtr", x)


@special(x=lambda g, y: g * (ROOT_2PI * np.exp(y * y / 2)), domain=proper)
def ndtri(x):
    """The quantile of the normal distribution: the inverse of ndtr."""
    return _scipy("ndtri", x)


@special(x=lambda g, y: g / _log_ndtr_slope(y), domain=Domain(-math.inf, 0.0))
def ndtri_exp(x):
    """ndtri(exp(x)): the quantile for a probability of which the logarithm is known."""
    return _scipy("ndtri_exp", x)


# --- logistic functions, logarithms and entropies --------------------------------------------------------------------------


expit = sigmoid


@special(x=lambda g, x: g / np.where((x < 0) | (x > 1), np.nan, x * (1 - x)), domain=proper)
def logit(x):
    """log(x / (1 - x)), the inverse of expit."""
    return _scipy("logit", x)


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
    return _scipy("xlogy", x, w)


@special(
    x=lambda g, w: g * np.log1p(np.where(w < -1, np.nan, w)),
    w=lambda g, x, w: g * _share(x, 1 + w),
    domain={"x": reals, "w": Domain(-1.0, math.inf)},
)
def xlog1py(x, w):
    """x * log(1 + w), and 0 where x is 0."""
    return _scipy("xlog1py", x, w)


@special(x=lambda g, x: g * (-np.log(_not_negative(x)) - 1), domain=positives)
def entr(x):
    """-x * log(x): what a probability adds to an entropy. 0 at 0, where the slope is infinite; -inf below."""
    return _scipy("entr", x)


@special(x=lambda g, x, w: g * (_log_ratio(x, w) + 1), w=lambda g, x, w: -g * _share(_not_negative(x), w), domain=positives)
def rel_entr(x, w):
    """x * log(x / w): what a pair of probabilities adds to a relative entropy."""
    return _scipy("rel_entr", x, w)


def _kl_div_w(g, x, w):
    none = (x == 0) & (w == 0)
    return g * np.where(none, 1, (w - _not_negative(x)) / np.where(none, 1, _not_negative(w)))


@special(x=lambda g, x, w: g * _log_ratio(x, w), w=_kl_div_w, domain=positives)
def kl_div(x, w):
    """x * log(x / w) - x + w: as rel_entr, but convex in both and 0 only for x = w."""
    return _scipy("kl_div", x, w)


@special(x=lambda g, y: g * (y * LN10))
def exp10(x):
    """10**x"""
    return _scipy("exp10", x)


@special(x=lambda g, x: -g * np.sin(x))
def cosm1(x):
    """cos(x) - 1, exact near 0."""
    return _scipy("cosm1", x)


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
    return _scipy("exprel", x)


@special(
    delta=lambda g, delta, r: g * np.maximum(abs(r) - delta, 0),
    r=lambda g, delta, r: g * np.minimum(np.maximum(r, -delta), delta),
    samples=[sample(np.array([0.5, 1.1]), np.array([[0.2], [-1.4], [0.8]]))],
)
def huber(delta, r):
    """r*r/2 up to abs(r) = delta, and from there on the tangent: a loss that outliers pull on with force delta at most."""
    return _scipy("huber", delta, r)


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
    return _scipy("pseudo_huber", delta, r)


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
    return np.exp(_scipy("xlogy", w, x) + shift)


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
    return _scipy("gamma", x)


@special(x=_gammaln_x, domain=positives, c="lgamma({x})")
def gammaln(x):
    """The logarithm of abs(gamma(x)), of real numbers."""
    return _scipy("gammaln", x)


@special(x=_gammaln_x, domain=positives)
def loggamma(x):
    """The principal branch of the logarithm of gamma(x); nan for negative real numbers, where gammaln gives the real part."""
    return _scipy("loggamma", x)


@special(x=_rgamma_x)
def rgamma(x):
    """1 / gamma(x), which is 0, and smooth, at 0, -1, -2, ..."""
    return _scipy("rgamma", x)


@special(x=zero)
def gammasgn(x):
    """The sign of gamma(x); constant between its jumps."""
    return _scipy("gammasgn", x)


@elementwise(x=_digamma_x, numpy="scipy.special.psi", domain=positives)
def digamma(x):
    """The derivative of log(gamma(x)); also called psi."""
    return _scipy("psi", x)


psi = digamma


@elementwise(
    x=_polygamma_x,
    domain=positives,
    samples=[sample(1, (2, 3)), sample(np.array([0, 1, 2]), (2, 3))],
)
def polygamma(n, x):
    """The nth derivative of digamma."""
    y = _scipy("polygamma", n, x)
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
    return np.asarray(_module().multigammaln(np.asarray(a), d)).astype(_real_dtype(a))


@elementwise(
    q=_hurwitz_zeta_q,
    domain=positives,
    samples=[sample(2.5, (2, 3)), sample(np.array([2, 3, 4]), (2, 3))],
)
def hurwitz_zeta(x, q):
    """The sum of 1 / (q + k)**x over k = 0, 1, 2, ..."""
    return _scipy("zeta", x, q)


@elementwise(samples=[sample((2, 3))])
def riemann_zeta(x):
    """The sum of 1 / k**x over k = 1, 2, ..., continued to x < 1."""
    return _scipy("zeta", x)


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


def _log_gammainc_x(g, a, x, y):
    return g * _log_slope(log_gamma_density(a, x), y)


def _log_slope(log_density, y):
    """The slope of the logarithm y of a probability; infinite where that is 0."""
    none = np.isneginf(y)
    return np.where(none, np.inf, np.exp(np.where(none, 0, log_density - y)))


def _log(p):
    with np.errstate(divide="ignore"):  # log(0) is meant
        return np.log(p)


@special(x=lambda g, a, x: g * gamma_density(a, x), domain=positives, samples=[sample(1.7, (2, 3))])
def gammainc(a, x):
    """The integral of t**(a-1) exp(-t) / gamma(a) from 0 to x. No derivative in a."""
    return _scipy("gammainc", a, x)


@special(x=lambda g, a, x: -g * gamma_density(a, x), domain=positives, samples=[sample(1.7, (2, 3))])
def gammaincc(a, x):
    """1 - gammainc(a, x), exact in the tail. No derivative in a."""
    return _scipy("gammaincc", a, x)


@elementwise(x=_log_gammainc_x, domain=positives, samples=[sample(1.7, (2, 3))])
def log_gammainc(a, x):
    """log(gammainc(a, x)). No derivative in a."""
    return _log(_scipy("gammainc", a, x))


@elementwise(x=lambda g, a, x, y: -_log_gammainc_x(g, a, x, y), domain=positives, samples=[sample(1.7, (2, 3))])
def log_gammaincc(a, x):
    """log(gammaincc(a, x)). No derivative in a."""
    return _log(_scipy("gammaincc", a, x))


@special(p=lambda g, a, y: g * np.exp(-log_gamma_density(a, y)), domain=proper, samples=[sample(1.7, (2, 3))])
def gammaincinv(a, p):
    """The x for which gammainc(a, x) is p. No derivative in a."""
    return _scipy("gammaincinv", a, p)


@special(p=lambda g, a, y: -g * np.exp(-log_gamma_density(a, y)), domain=proper, samples=[sample(1.7, (2, 3))])
def gammainccinv(a, p):
    """The x for which gammaincc(a, x) is p. No derivative in a."""
    return _scipy("gammainccinv", a, p)


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
    return _scipy("beta", a, b)


@special(a=lambda g, a, b: -g * digamma_gap(a, b), b=lambda g, a, b: -g * digamma_gap(b, a), domain=positives)
def betaln(a, b):
    """The logarithm of abs(beta(a, b))."""
    return _scipy("betaln", a, b)


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


def _log_betainc_x(g, a, b, x, y):
    return g * _log_slope(log_beta_density(a, b, x), y)


OF_BETA = [sample(1.7, 2.2, (2, 3)), sample(np.array([2, 3, 1]), 1.5, (2, 3))]


@special(x=lambda g, a, b, x: g * beta_density(a, b, x), domain=proper, samples=OF_BETA)
def betainc(a, b, x):
    """The integral of t**(a-1) (1-t)**(b-1) / beta(a, b) from 0 to x. No derivative in a and b."""
    return _scipy("betainc", a, b, x)


@special(x=lambda g, a, b, x: -g * beta_density(a, b, x), domain=proper, samples=OF_BETA)
def betaincc(a, b, x):
    """1 - betainc(a, b, x), exact in the tail. No derivative in a and b."""
    return _scipy("betaincc", a, b, x)


@elementwise(x=_log_betainc_x, domain=proper, samples=OF_BETA)
def log_betainc(a, b, x):
    """log(betainc(a, b, x)). No derivative in a and b."""
    return _log(_scipy("betainc", a, b, x))


@elementwise(x=lambda g, a, b, x, y: -_log_betainc_x(g, a, b, x, y), domain=proper, samples=OF_BETA)
def log_betaincc(a, b, x):
    """log(betaincc(a, b, x)). No derivative in a and b."""
    return _log(_scipy("betaincc", a, b, x))


@special(p=lambda g, a, b, y: g * np.exp(-log_beta_density(a, b, y)), domain=proper, samples=OF_BETA)
def betaincinv(a, b, p):
    """The x for which betainc(a, b, x) is p. No derivative in a and b."""
    return _scipy("betaincinv", a, b, p)


@special(p=lambda g, a, b, y: -g * np.exp(-log_beta_density(a, b, y)), domain=proper, samples=OF_BETA)
def betainccinv(a, b, p):
    """The x for which betaincc(a, b, x) is p. No derivative in a and b."""
    return _scipy("betainccinv", a, b, p)


def log_student_density(df: Any, t: Any) -> Any:
    """The logarithm of the density of Student's t with df degrees of freedom; for infinite df that of the normal one."""
    normal = isinf(df)
    n = where(normal, 1, df)
    student = -betaln(n / 2, 0.5) - log(n) / 2 - (n + 1) / 2 * log1p(t * t / n)
    return where(normal, -t * t / 2 - LOG_ROOT_2PI, student)


@special(t=lambda g, df, t: g * np.exp(log_student_density(df, t)), samples=[sample(3, (2, 3)), sample(math.inf, (3,))])
def stdtr(df, t):
    """The distribution function of Student's t, with df degrees of freedom. No derivative in df."""
    return _scipy("stdtr", df, t)


def _log_stdtr_t(g, df, t, y):
    none = np.isneginf(y)  # so far out that the function is a power of t
    return g * np.where(none, -df / np.where(none, t, 1), np.exp(log_student_density(df, t) - np.where(none, 0, y)))


@elementwise(t=_log_stdtr_t, samples=[sample(3, (2, 3)), sample(math.inf, (3,))])
def log_stdtr(df, t):
    """log(stdtr(df, t)). No derivative in df."""
    return _log(_scipy("stdtr", df, t))


# --- Bessel functions ------------------------------------------------------------------------------------------------------


ORDERS = [sample(2, (2, 3)), sample(0.5, (2, 3)), sample(np.array([0, 1, 3]), (2, 3))]
WHOLE = [sample(2, (2, 3)), sample(0, (2, 3)), sample(np.array([0, 1, 3]), (2, 3))]


@special(x=lambda g, x: -g * j1(x))
def j0(x):
    """The Bessel function of the first kind and order 0."""
    return _scipy("j0", x)


@special(x=lambda g, x: g * (j0(x) - jv(2, x)) / 2)
def j1(x):
    """The Bessel function of the first kind and order 1."""
    return _scipy("j1", x)


@special(x=lambda g, v, x: g * (jv(v - 1, x) - jv(v + 1, x)) / 2, domain=positives, samples=ORDERS)
def jv(v, x):
    """The Bessel function of the first kind and real order v; also called jn. No derivative in v."""
    return _scipy("jv", v, x)


jn = jv


@special(x=lambda g, x: -g * y1(x), domain=positives)
def y0(x):
    """The Bessel function of the second kind and order 0."""
    return _scipy("y0", x)


@special(x=lambda g, x: g * (y0(x) - yv(2, x)) / 2, domain=positives)
def y1(x):
    """The Bessel function of the second kind and order 1."""
    return _scipy("y1", x)


@special(x=lambda g, n, x: g * (yn(n - 1, x) - yn(n + 1, x)) / 2, domain=positives, samples=WHOLE)
def yn(n, x):
    """The Bessel function of the second kind and whole order n. No derivative in n."""
    return _scipy("yn", n, x)


@special(x=lambda g, v, x: g * (yv(v - 1, x) - yv(v + 1, x)) / 2, domain=positives, samples=ORDERS)
def yv(v, x):
    """The Bessel function of the second kind and real order v. No derivative in v."""
    return _scipy("yv", v, x)


@elementwise(x=lambda g, x: g * i1(x), numpy=("scipy.special.i0", np.i0))
def i0(x):
    """The modified Bessel function of the first kind and order 0."""
    return _scipy("i0", x)


@special(x=lambda g, x: g * (i0(x) + iv(2, x)) / 2)
def i1(x):
    """The modified Bessel function of the first kind and order 1."""
    return _scipy("i1", x)


@special(x=lambda g, v, x: g * (iv(v - 1, x) + iv(v + 1, x)) / 2, domain=positives, samples=ORDERS)
def iv(v, x):
    """The modified Bessel function of the first kind and real order v. No derivative in v."""
    return _scipy("iv", v, x)


@special(x=lambda g, x: -g * k1(x), domain=positives)
def k0(x):
    """The modified Bessel function of the second kind and order 0."""
    return _scipy("k0", x)


@special(x=lambda g, x: -g * (k0(x) + kv(2, x)) / 2, domain=positives)
def k1(x):
    """The modified Bessel function of the second kind and order 1."""
    return _scipy("k1", x)


@special(x=lambda g, n, x: -g * (kn(n - 1, x) + kn(n + 1, x)) / 2, domain=positives, samples=WHOLE)
def kn(n, x):
    """The modified Bessel function of the second kind and whole order n. No derivative in n."""
    return _scipy("kn", n, x)


@special(x=lambda g, v, x: -g * (kv(v - 1, x) + kv(v + 1, x)) / 2, domain=positives, samples=ORDERS)
def kv(v, x):
    """The modified Bessel function of the second kind and real order v. No derivative in v."""
    return _scipy("kv", v, x)


# --- the same, scaled by an exponential ------------------------------------------------------------------------------------


def _scaled(g, v, x, y, near, sign):
    """The derivative of a scaled modified Bessel function: `near`, which cancels for large x, and there -y / x times a series.

    They fall like the sum over k of a[k] / x**(k + 1/2), with a[k] / a[k-1] = sign (4 v**2 - (2k-1)**2) / 8k.
    """
    if np.iscomplexobj(x):
        raise DtypeError(
            "a scaled Bessel function of complex numbers has no derivative rule: scale the plain one, exp(-x) * iv(v, x) say"
        )
    least = 40 + v * v
    far = abs(x) > least
    x = np.where(far, x, least)
    slope, value = 25.5, 1.0
    for k in range(25, 0, -1):
        ratio = sign * (4 * v * v - (2 * k - 1) ** 2) / (8 * k) / abs(x)
        slope = k - 0.5 + ratio * slope
        value = 1 + ratio * value
    return g * np.where(far, -(y / x) * (slope / value), near)


@special(x=lambda g, x, y: _scaled(g, 0, x, y, i1e(x) - np.sign(x) * y, -1))
def i0e(x):
    """exp(-abs(x)) * i0(x), which does not overflow. It has a kink at 0."""
    return _scipy("i0e", x)


@special(x=lambda g, x, y: _scaled(g, 1, x, y, (i0e(x) + ive(2, x)) / 2 - np.sign(x) * y, -1))
def i1e(x):
    """exp(-abs(x)) * i1(x), which does not overflow."""
    return _scipy("i1e", x)


def _ive_x(g, v, x, y):
    return _scaled(g, v, x, y, (ive(v - 1, x) + ive(v + 1, x)) / 2 - np.sign(x) * y, -1)


@special(x=_ive_x, domain=positives, samples=ORDERS)
def ive(v, x):
    """exp(-abs(x)) * iv(v, x), which does not overflow. No derivative in v."""
    return _scipy("ive", v, x)


@special(x=lambda g, x, y: _scaled(g, 0, x, y, y - k1e(x), 1), domain=positives)
def k0e(x):
    """exp(x) * k0(x), which does not underflow."""
    return _scipy("k0e", x)


@special(x=lambda g, x, y: _scaled(g, 1, x, y, y - (k0e(x) + kve(2, x)) / 2, 1), domain=positives)
def k1e(x):
    """exp(x) * k1(x), which does not underflow."""
    return _scipy("k1e", x)


@special(x=lambda g, v, x, y: _scaled(g, v, x, y, y - (kve(v - 1, x) + kve(v + 1, x)) / 2, 1), domain=positives, samples=ORDERS)
def kve(v, x):
    """exp(x) * kv(v, x), which does not underflow. No derivative in v."""
    return _scipy("kve", v, x)


# --- integrals -------------------------------------------------------------------------------------------------------------


@special(x=lambda g, x: -g * np.exp(-x) / _not_negative(x), domain=positives)
def exp1(x):
    """The integral of exp(-t) / t from x to infinity."""
    return _scipy("exp1", x)


@special(x=lambda g, x: g * np.exp(x) / x, domain=positives)
def expi(x):
    """The integral of exp(t) / t from -inf to x, its principal value for positive x."""
    return _scipy("expi", x)


def _expn_x(g, n, x, y):
    # expn(n - 1, x), which SciPy does not know for n < 1; there the recurrence has no cancellation.
    low = n < 1
    recurrence = (np.exp(-x) + (1 - n) * y) / np.where(low, x, 1)
    return -g * np.where(low, recurrence, expn(np.maximum(n - 1, 0), x))


@special(x=_expn_x, domain=positives, samples=WHOLE)
def expn(n, x):
    """The integral of exp(-x t) / t**n from t = 1 to infinity, for whole n. No derivative in n."""
    return _scipy("expn", n, x)


@special(x=lambda g, x: -g / exprel(np.log(_not_negative(x))), domain=positives)
def spence(x):
    """Spence's function, the dilogarithm of 1 - x: the integral of log(t) / (1 - t) from 1 to x."""
    return _scipy("spence", x)


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
    return _scipy("ellipk", m)


@special(m=_ellipe_m, domain=unit)
def ellipe(m):
    """The complete elliptic integral of the second kind: of sqrt(1 - m sin(t)**2) from 0 to pi/2."""
    return _scipy("ellipe", m)


@pair(
    x=lambda g, x: g[0] * np.sinc(x / math.pi) + g[1] * (np.cos(x) / x),
    domain=positives,
    samples=[sample((2, 3))],
)
def sici(x):
    """The sine and the cosine integral: of sin(t) / t from 0 to x, and Euler's constant + log(x) + that of (cos(t) - 1) / t."""
    return _scipy("sici", x)


@pair(
    x=lambda g, x: g[0] * ((exprel(x) + exprel(-x)) / 2) + g[1] * (np.cosh(x) / x),
    domain=positives,
    samples=[sample((2, 3))],
)
def shichi(x):
    """The hyperbolic sine and cosine integrals, as sici with sinh and cosh."""
    return _scipy("shichi", x)


@pair(
    x=lambda g, x: g[0] * np.sin(math.pi / 2 * x * x) + g[1] * np.cos(math.pi / 2 * x * x),
    samples=[sample((2, 3))],
)
def fresnel(x):
    """The Fresnel integrals: of sin(pi t*t / 2) and of cos(pi t*t / 2) from 0 to x."""
    return _scipy("fresnel", x)


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


@rule(vjp=_weighted_logsumexp, samples=WEIGHTED)
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
for _op in (cbrt, exp2, expm1, fresnel, log1p, log_expit, shichi, sici):
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
