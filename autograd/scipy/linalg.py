"""scipy.linalg with derivatives, by SciPy's names: SciPy's own on plain values, `autograd.linalg` where a Tensor takes part.

A function without a rule refuses a Tensor whose gradient would be lost. Stands on the ops.

>>> from autograd import grad
>>> import numpy as np
>>> grad(norm)(np.array([3.0, 4.0]))
array([0.6, 0.8])
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

import scipy.linalg as _plain

from ..errors import NoRuleError
from ..numpy.spelling import has_tensor, on_plain_values
from ..ops import linalg as _ours

Function = Callable[..., Any]

# Where the two have one name and one meaning.
SAME = (
    *("inv", "det", "solve", "pinv", "norm", "svd", "svdvals", "polar", "cho_factor", "cho_solve"),
    *("solve_triangular", "solve_banded", "solve_sylvester", "block_diag", "toeplitz"),
    *("expm", "logm", "sqrtm", "cosm", "sinm", "tanm", "coshm", "sinhm", "tanhm"),
)

# SciPy's ways to save time or memory, which change no value.
NO_MATTER = frozenset(("check_finite", "lapack_driver", "lwork", "overwrite_a", "overwrite_ab", "overwrite_b"))


def _cholesky(a: Any, lower: bool = False) -> Any:
    return _ours.cholesky(a, upper=not lower)  # type: ignore[no-untyped-call]


def _eigh(a: Any, b: Any = None, *, lower: bool = True, eigvals_only: bool = False) -> Any:
    if b is not None:
        raise NoRuleError("scipy.linalg.eigh has no derivative rule for the generalized problem, with b")
    side = "L" if lower else "U"
    return _ours.eigvalsh(a, side) if eigvals_only else tuple(_ours.eigh(a, side))  # type: ignore[no-untyped-call]


def _eigvalsh(a: Any, b: Any = None, *, lower: bool = True) -> Any:
    return _eigh(a, b, lower=lower, eigvals_only=True)


def _qr(a: Any, *, mode: str = "full") -> Any:
    if mode not in ("full", "economic", "r"):
        raise NoRuleError(f"scipy.linalg.qr has no derivative rule for mode={mode!r}; it knows full, economic and r")
    q, r = _ours.qr(a, "reduced" if mode == "economic" else "complete")  # type: ignore[no-untyped-call]
    return (r,) if mode == "r" else (q, r)


ADAPTED: dict[str, Function] = {"cholesky": _cholesky, "eigh": _eigh, "eigvalsh": _eigvalsh, "qr": _qr}


def _joined(name: str, on_tensors: Function) -> Function:
    """SciPy's function on plain values, ours where a Tensor takes part."""
    function = getattr(_plain, name)

    @wraps(function)
    def spelled(*args: Any, **kwargs: Any) -> Any:
        if any(map(has_tensor, args)) or any(map(has_tensor, kwargs.values())):
            return on_tensors(*args, **{key: value for key, value in kwargs.items() if key not in NO_MATTER})
        return function(*args, **kwargs)

    spelled.__module__ = "scipy.linalg"
    return spelled


def _names() -> dict[str, Any]:
    found = {}
    for name in _plain.__all__:
        value = getattr(_plain, name)
        if name in SAME:
            value = _joined(name, vars(_ours)[name])
        elif name in ADAPTED:
            ADAPTED[name].__qualname__ = name  # in Python's words on an argument that it does not know
            value = _joined(name, ADAPTED[name])
        elif callable(value) and not isinstance(value, type):
            value = on_plain_values(value, "autograd.linalg has what can be differentiated")
        found[name] = value
    return found


globals().update(_names())

__all__ = [*_plain.__all__]
