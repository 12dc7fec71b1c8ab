"""scipy.special with derivatives, by SciPy's names: `autograd.special` where that has the function, else SciPy's own.

A function without a rule is for plain values; it refuses a Tensor whose gradient would be lost.

>>> from autograd import grad
>>> from autograd.scipy.special import expit
>>> print(f"{grad(expit)(0.0):.4f}")
0.2500
"""

import scipy.special as _plain

from ..ops import special as _ours

globals().update({name: vars(_plain)[name] for name in _plain.__all__})
globals().update({name: vars(_ours)[name] for name in _ours.__all__})

__all__ = [*_plain.__all__]
