"""Ops that ufuncs of scipy.special compute: how they are declared and called. Stands on `rule`.

SciPy is imported when a value is first wanted, and not before.
"""

from functools import cache, partial

import numpy as np

from ..rule import rule
from ..tensor import NUMBERS

elementwise = partial(rule, kind="elementwise", host=True)
pair = partial(rule, host=True, leading=True)  # two outputs, each of which depends on one element


@cache
def scipy_special():
    """scipy.special. Importing it takes longer than importing this package, so it waits for the first use."""
    import scipy.special

    return scipy.special


def scipy_values(name, *values):
    """What a function of SciPy makes of arrays. Those of a GPU refuse to become NumPy's, which is an error that says so.

    Whole numbers and Python numbers take the precision of the others, where SciPy would often take float64.
    """
    arrays = [np.asarray(value) for value in values]
    pairs = list(zip(values, arrays, strict=True))
    floats = [array.dtype for value, array in pairs if array.dtype.kind in "fc" and type(value) not in NUMBERS]
    real = np.finfo(np.result_type(*floats)).dtype if floats else float
    return getattr(scipy_special(), name)(*(a if a.dtype in floats or a.dtype.kind == "c" else a.astype(real) for a in arrays))


def special(**facts):
    """An elementwise op that SciPy's ufunc of the same name computes, and that the ufunc finds when it meets a Tensor."""

    def decorate(forward):
        return elementwise(numpy=f"scipy.special.{forward.__name__}", **facts)(forward)

    return decorate
