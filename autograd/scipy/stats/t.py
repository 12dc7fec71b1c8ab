"""scipy.stats.t with derivatives in x, loc and scale, and of densities and entropy in df."""

from typing import Any

import scipy.stats as _plain

from ...ops import special
from ...ops.elementwise import exp, log
from .distribution import Continuous, others


def _entropy(df: Any) -> Any:
    half = df / 2
    return (df + 1) / 2 * special.digamma_gap(half, 0.5) + log(df) / 2 + special.betaln(half, 0.5)


globals().update(others(_plain.t))

pdf, logpdf, cdf, logcdf, sf, logsf, entropy = Continuous(
    ("df",),
    pdf=lambda z, df: exp(special.log_student_density(df, z)),
    logpdf=lambda z, df: special.log_student_density(df, z),
    cdf=lambda z, df: special.stdtr(df, z),
    logcdf=lambda z, df: special.log_stdtr(df, z),
    sf=lambda z, df: special.stdtr(df, -z),
    logsf=lambda z, df: special.log_stdtr(df, -z),
    entropy=_entropy,
).functions()
