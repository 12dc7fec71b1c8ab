"""The Python array API standard, version 2024.12: the names that are its own, and what it asks of a namespace.

`t.__array_namespace__()` is the package `autograd`, so code that is written for the standard (SciPy's and scikit-learn's, for
example) runs on Tensors, and its gradients with it. Most functions of the standard are ops under NumPy's names; here are
the other names, dtypes, constants, and the questions about dtypes and devices. Stands on the ops.
"""

import math

import numpy as np

from ..tensor import Tensor, constant, implementations, owned
from . import elementwise, linalg, numbers, spellings
from .creation import refuse_device

__array_api_version__ = "2024.12"

# --- constants and dtypes, NumPy's own -------------------------------------------------------------------------------------

e, inf, nan, newaxis, pi = math.e, math.inf, math.nan, None, math.pi

bool = np.bool
int8, int16, int32, int64 = np.int8, np.int16, np.int32, np.int64
uint8, uint16, uint32, uint64 = np.uint8, np.uint16, np.uint32, np.uint64
float32, float64 = np.float32, np.float64
complex64, complex128 = np.complex64, np.complex128

DTYPES = {
    dtype.__name__: np.dtype(dtype)
    for dtype in (
        *(bool, int8, int16, int32, int64, uint8, uint16, uint32, uint64),
        *(float32, float64, complex64, complex128),
    )
}

# --- the ops under the standard's names ------------------------------------------------------------------------------------

abs = elementwise.absolute
acos, acosh = elementwise.arccos, elementwise.arccosh
asin, asinh = elementwise.arcsin, elementwise.arcsinh
atan, atanh, atan2 = elementwise.arctan, elementwise.arctanh, elementwise.arctan2
bitwise_invert, bitwise_left_shift, bitwise_right_shift = elementwise.invert, numbers.left_shift, numbers.right_shift
concat, permute_dims = spellings.concatenate, spellings.transpose
pow = elementwise.power
vecdot = linalg.vecdot

# --- dtypes ----------------------------------------------------------------------------------------------------------------

isdtype = np.isdtype
result_type = np.result_type  # sees weak scalars as such


def _dtype(x):
    return x.dtype if isinstance(x, Tensor) else x


def astype(x, dtype, /, *, copy=True, device=None):
    """The same values as another dtype. Integers and booleans end the gradient.

    >>> from autograd import Tensor, astype
    >>> astype(Tensor([1.0, 2.0]), "float32").dtype
    dtype('float32')
    """
    if device is not None:
        refuse_device(device, getattr(x, "device", "cpu"))
    return spellings.astype(x, dtype, copy=copy)


def can_cast(x, to, /, casting="safe"):
    """Whether values of a dtype, or those of a Tensor by its dtype, can become another dtype: without loss, by default."""
    return np.can_cast(_dtype(x), to, casting)


def finfo(x, /):
    """The limits of a floating-point dtype, or of that of a Tensor."""
    return np.finfo(_dtype(x))


def iinfo(x, /):
    """The limits of an integer dtype, or of that of a Tensor."""
    return np.iinfo(_dtype(x))


# --- exchange --------------------------------------------------------------------------------------------------------------


def from_dlpack(x, /, *, device=None, copy=None):
    """A constant Tensor with a copy of the values of another library's array.

    >>> from autograd import from_dlpack
    >>> import numpy as np
    >>> from_dlpack(np.array([1.0, 2.0]))
    Tensor([1., 2.])
    """
    refuse_device(device)
    if copy is False:
        raise ValueError("a Tensor copies what it is made from, so that nobody else writes to it: leave copy=False out")
    return constant(owned(np.from_dlpack(x)))


# --- inspection ------------------------------------------------------------------------------------------------------------


class __array_namespace_info__:
    """What this namespace can do: `autograd.__array_namespace_info__().dtypes(kind="real floating")`."""

    def capabilities(self):
        """Which optional parts of the standard there are."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self):
        """Where new arrays are made."""
        return "cpu"

    def default_dtypes(self, *, device=None):
        """The dtypes of new arrays where none is asked for."""
        refuse_device(device)
        names = {"real floating": "float64", "complex floating": "complex128"}
        index = np.dtype(np.intp)
        return {**{kind: DTYPES[name] for kind, name in names.items()}, "integral": np.dtype(int), "indexing": index}

    def dtypes(self, *, device=None, kind=None):
        """The dtypes by name, all of them or those of a kind."""
        refuse_device(device)
        return {name: dtype for name, dtype in DTYPES.items() if kind is None or np.isdtype(dtype, kind)}

    def devices(self):
        """The devices for new arrays."""
        return ["cpu"]


implementations.update({np.astype: astype, np.can_cast: can_cast})
