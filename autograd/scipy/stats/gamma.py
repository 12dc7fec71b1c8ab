"""scipy.stats.gamma with derivatives in x, loc and scale, and of densities and entropy in a."""

import math
from typing import Any

import scipy.stats as _plain

from ...ops import special
from ...ops.elementwise import log, where
from .distribution import Continuous, others

NORMAL = (math.log(2 * math.pi) + 1) / 2  # the entropy of the standard normal distribution


def entropy_of(a: Any) -> Any:
    """The entropy of the standard gamma distribution; by a series where the formula cancels."""
    large = a > 200
    u, v = where(large, 1, a), where(large, a, 200)
    formula = u + special.gammaln(u) + (1 - u) * special.digamma(u)
    h = 1 / v
    series = h * (-1 / 3 + h * (-1 / 12 + h * (-1 / 90 + h * (1 / 120 + h * (1 / 210 - h / 252)))))
    return where(large, NORMAL + log(v) / 2 + series, formula)


globals().update(others(_plain.gamma))

pdf, logpdf, cdf, logcdf, sf, logsf, entropy = Continuous(
    ("a",),
    pdf=lambda z, a: special.gamma_density(a, z),
    logpdf=lambda z, a: special.log_gamma_density(a, z),
    cdf=lambda z, a: special.gammainc(a, z),
    logcdf=lambda z, a: special.log_gammainc(a, z),
    sf=lambda z, a: special.gammaincc(a, z),
    logsf=lambda z, a: special.log_gammaincc(a, z),
    entropy=entropy_of,
    low=0.0,
    inside=1.0,
).functions()
