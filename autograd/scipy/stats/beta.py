"""scipy.stats.beta with derivatives in x, loc and scale, and of densities and entropy in a and b."""

from typing import Any

import scipy.stats as _plain

from ...ops import special
from .distribution import Continuous, others


def _entropy(a: Any, b: Any) -> Any:
    return special.betaln(a, b) + (a - 1) * special.digamma_gap(a, b) + (b - 1) * special.digamma_gap(b, a)


globals().update(others(_plain.beta))

pdf, logpdf, cdf, logcdf, sf, logsf, entropy = Continuous(
    ("a", "b"),
    pdf=lambda z, a, b: special.beta_density(a, b, z),
    logpdf=lambda z, a, b: special.log_beta_density(a, b, z),
    cdf=lambda z, a, b: special.betainc(a, b, z),
    logcdf=lambda z, a, b: special.log_betainc(a, b, z),
    sf=lambda z, a, b: special.betaincc(a, b, z),
    logsf=lambda z, a, b: special.log_betaincc(a, b, z),
    entropy=_entropy,
    low=0.0,
    high=1.0,
    inside=0.5,
).functions()
