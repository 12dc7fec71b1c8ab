"""scipy.stats.poisson with derivatives in mu. Between whole numbers there is no probability, so none in k and loc."""

import math
from typing import Any

import scipy.stats as _plain

from ...ops import special
from ...ops.elementwise import floor, where
from .distribution import as_array, others, refuse_gradient

globals().update(others(_plain.poisson))


def _count(k: Any, loc: Any) -> Any:
    return refuse_gradient(as_array(k) - as_array(loc), "poisson has no derivative in k and loc: counts are whole numbers")


def _rate(mu: Any) -> Any:
    mu = as_array(mu)
    return where(mu >= 0, mu, mu * math.nan)


def _at(function: Any, none: float, k: Any, mu: Any, loc: Any) -> Any:
    """A function of a count and the rate; off the counts it is not asked."""
    k, mu = _count(k, loc), _rate(mu)
    off = (k < 0) | (k != floor(k))
    return where(off, none, function(where(off, 0, k), mu))


def _up_to(function: Any, none: float, k: Any, mu: Any, loc: Any) -> Any:
    """One of the incomplete gamma functions, at the number of counts up to k."""
    return _at(lambda k, mu: function(k + 1, mu), none, floor(_count(k, loc)), mu, 0)


def logpmf(k: Any, mu: Any, loc: Any = 0) -> Any:
    """The logarithm of the probability of k; -inf unless k is 0, 1, 2, ... above loc.

    >>> from autograd import grad
    >>> grad(lambda mu: logpmf(3, mu))(1.5)
    1.0
    """
    return _at(lambda k, mu: special.xlogy(k, mu) - special.gammaln(k + 1) - mu, -math.inf, k, mu, loc)


def pmf(k: Any, mu: Any, loc: Any = 0) -> Any:
    """The probability of k."""
    return _at(lambda k, mu: special.power_exp(mu, k, -special.gammaln(k + 1) - mu), 0.0, k, mu, loc)


def cdf(k: Any, mu: Any, loc: Any = 0) -> Any:
    """The probability of counts up to k."""
    return _up_to(special.gammaincc, 0.0, k, mu, loc)


def logcdf(k: Any, mu: Any, loc: Any = 0) -> Any:
    """The logarithm of the probability of counts up to k."""
    return _up_to(special.log_gammaincc, -math.inf, k, mu, loc)


def sf(k: Any, mu: Any, loc: Any = 0) -> Any:
    """The probability of counts above k."""
    return _up_to(special.gammainc, 1.0, k, mu, loc)


def logsf(k: Any, mu: Any, loc: Any = 0) -> Any:
    """The logarithm of the probability of counts above k."""
    return _up_to(special.log_gammainc, 0.0, k, mu, loc)
