"""numpy.fft with derivatives, by NumPy's names. Stands on the ops."""

import numpy.fft as _fft

from .spelling import names as _names

globals().update(_names(_fft))
