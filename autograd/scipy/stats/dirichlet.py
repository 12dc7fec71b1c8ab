"""scipy.stats.dirichlet with derivatives in x and alpha. The components of x stand along its first axis, as in SciPy."""

from typing import Any

import numpy as np
import scipy.stats as _plain

from ...errors import ShapeError
from ...graph import modes
from ...ops import special
from .distribution import as_array, others, values_of

globals().update(others(_plain.dirichlet))


def logpdf(x: Any, alpha: Any) -> Any:
    """The logarithm of the density at x, whose components are taken as independent: the gradient in x is (alpha - 1) / x.

    A last component that is left out is 1 minus the others.

    >>> from autograd import grad
    >>> grad(logpdf)(np.array([0.25, 0.75]), np.array([2.0, 4.0]))
    array([4., 4.])
    """
    x, powers, alpha = _checked(x, alpha)
    return special.xlogy(powers, x).sum(axis=0) - _log_normalizer(alpha)


def pdf(x: Any, alpha: Any) -> Any:
    """The density at x."""
    x, powers, alpha = _checked(x, alpha)
    return np.prod(special.power_exp(x, powers, -_log_normalizer(alpha) / len(alpha)), axis=0)


def entropy(alpha: Any) -> Any:
    """The differential entropy."""
    alpha = as_array(alpha)
    total = alpha.sum()
    return _log_normalizer(alpha) + ((alpha - 1) * special.digamma_gap(alpha, total - alpha)).sum()


def _log_normalizer(alpha: Any) -> Any:
    return special.gammaln(alpha).sum() - special.gammaln(alpha.sum())


def _checked(x: Any, alpha: Any) -> tuple[Any, ...]:
    """x with all its components, the powers that they are raised to, and alpha."""
    x, alpha = as_array(x), as_array(alpha)
    if np.ndim(alpha) != 1 or np.ndim(x) not in (1, 2) or np.shape(x)[0] not in (len(alpha), len(alpha) - 1):
        raise ShapeError(
            f"dirichlet: alpha of shape {np.shape(alpha)} and x of shape {np.shape(x)}; alpha has one axis, and x along its "
            "first as many components, or one fewer"
        )
    if np.shape(x)[0] < len(alpha):
        x = np.concatenate([x, 1 - x.sum(axis=0, keepdims=True)])
    if modes.recorder is None:  # a Program does not look at values again
        _refuse_invalid(values_of(x), values_of(alpha))
    return x, alpha - 1 if np.ndim(x) == 1 else (alpha - 1)[:, None], alpha


def _refuse_invalid(x: Any, alpha: Any) -> None:
    """SciPy's conditions on the values."""
    tolerance = 1e-9 if x.dtype == np.float64 else np.sqrt(np.finfo(x.dtype).eps)
    if not (alpha > 0).all():
        raise ValueError(f"dirichlet: every alpha is positive, got {alpha}")
    if (x < 0).any() or (x > 1).any() or (abs(x.sum(axis=0) - 1) > tolerance).any():
        raise ValueError(
            f"dirichlet: the components of x lie between 0 and 1, and their sum is 1; the sums are {x.sum(axis=0)}"
        )
    if ((x == 0) & (alpha < 1 if x.ndim == 1 else (alpha < 1)[:, None])).any():
        raise ValueError("dirichlet: the density is infinite where a component of x is 0 and its alpha below 1")
