"""scipy.stats.norm with derivatives in x, loc and scale."""

import math

import scipy.stats as _plain

from ...ops import special
from ...ops.elementwise import exp
from .distribution import Continuous, others

ROOT_2PI = math.sqrt(2 * math.pi)
LOG_ROOT_2PI = math.log(2 * math.pi) / 2

globals().update(others(_plain.norm))

pdf, logpdf, cdf, logcdf, sf, logsf, entropy = Continuous(
    (),
    pdf=lambda z: exp(-z * z / 2) / ROOT_2PI,
    logpdf=lambda z: -z * z / 2 - LOG_ROOT_2PI,
    cdf=special.ndtr,
    logcdf=special.log_ndtr,
    sf=lambda z: special.ndtr(-z),
    logsf=lambda z: special.log_ndtr(-z),
    entropy=lambda: LOG_ROOT_2PI + 0.5,
).functions()
