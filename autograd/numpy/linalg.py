"""numpy.linalg with derivatives, by NumPy's names. Stands on the ops."""

import numpy.linalg as _linalg

from .spelling import names as _names

globals().update(_names(_linalg))
