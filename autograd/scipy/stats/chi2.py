"""scipy.stats.chi2 with derivatives in x, loc and scale, and of densities and entropy in df: twice a gamma variable."""

import math

import scipy.stats as _plain

from ...ops import special
from .distribution import Continuous, others
from .gamma import entropy_of

LN2 = math.log(2.0)

globals().update(others(_plain.chi2))

pdf, logpdf, cdf, logcdf, sf, logsf, entropy = Continuous(
    ("df",),
    pdf=lambda z, df: special.gamma_density(df / 2, z / 2) / 2,
    logpdf=lambda z, df: special.log_gamma_density(df / 2, z / 2) - LN2,
    cdf=lambda z, df: special.gammainc(df / 2, z / 2),
    logcdf=lambda z, df: special.log_gammainc(df / 2, z / 2),
    sf=lambda z, df: special.gammaincc(df / 2, z / 2),
    logsf=lambda z, df: special.log_gammaincc(df / 2, z / 2),
    entropy=lambda df: entropy_of(df / 2) + LN2,
    low=0.0,
    inside=1.0,
).functions()
