"""NumPy with derivatives, by the names of NumPy: `import autograd.numpy as np`.

Every public name of NumPy is here. On plain values a function is NumPy's own; where a Tensor takes part, which is what `grad`
hands to the function that it differentiates, it is our op. A function without a derivative says so, when one would be lost.

>>> import autograd.numpy as np
>>> from autograd import grad
>>> def tanh(x):
...     y = np.exp(-2.0 * x)
...     return (1.0 - y) / (1.0 + y)
>>> print(f"{grad(tanh)(1.0):.6f}")
0.419974

Complex numbers: for a real function of z = a + ib, `grad` returns df/da - i df/db, so that of a holomorphic function's real
part it is the complex derivative, which `autograd.holomorphic_grad` returns.

>>> grad(lambda z: np.real(z * np.conj(z)))(3.0 + 4.0j)
np.complex128(6-8j)
>>> grad(lambda z: np.real(z**3))(1.0 + 2.0j), 3 * (1 + 2j) ** 2
(np.complex128(-9+12j), (-9+12j))
"""

import numpy as _numpy

from ..ops.arrangement import make_diagonal
from . import fft, linalg, random
from .spelling import names as _names

globals().update(_names(_numpy))
globals()["row_stack"] = globals()["vstack"]

__version__ = _numpy.__version__


__all__ = ["fft", "linalg", "make_diagonal", "random", *_names(_numpy)]
