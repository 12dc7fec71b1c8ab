"""scipy.stats.multivariate_normal with derivatives in x, mean and cov.

The gradient in cov is that of a symmetric matrix whose entries move one by one, half of it on either side of the diagonal.
Stands on the ops, those of linear algebra among them.
"""

import math
from typing import Any

import numpy as np
import scipy.stats as _plain

from ...errors import ShapeError
from ...ops.elementwise import exp, where
from .distribution import as_array, others, refuse_gradient, values_of

LOG_2PI = math.log(2 * math.pi)

globals().update(others(_plain.multivariate_normal))


def logpdf(x: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False) -> Any:
    """The logarithm of the density at x, whose last axis holds the components.

    `cov` is a matrix, or a vector of variances, or a variance. With `allow_singular` it may be singular, and has no derivative.

    >>> from autograd import grad
    >>> grad(logpdf)(np.array([1.0, 2.0]), np.zeros(2), np.eye(2))
    array([-1., -2.])
    """
    mean, cov = _parameters(mean, cov)
    deviation = _points(x, len(mean)) - mean
    log_determinant, rank, distance, outside = (_of_singular if allow_singular else _of_regular)(cov, deviation)
    density = -0.5 * (rank * LOG_2PI + log_determinant + distance)
    return _squeezed(density if outside is None else where(outside, -math.inf, density))


def pdf(x: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False) -> Any:
    """The density at x."""
    return exp(logpdf(x, mean, cov, allow_singular))


def entropy(mean: Any = None, cov: Any = 1) -> Any:
    """The differential entropy."""
    mean, cov = _parameters(mean, cov)
    return 0.5 * (len(mean) * (LOG_2PI + 1) + _log_determinant(np.linalg.cholesky(cov)))


def _log_determinant(root: Any) -> Any:
    return 2 * np.log(np.diagonal(root)).sum()


def _of_regular(cov: Any, deviation: Any) -> tuple[Any, ...]:
    root = np.linalg.cholesky(cov)
    whitened = np.linalg.solve(root, np.swapaxes(deviation, -1, -2))
    return _log_determinant(root), len(cov), (whitened * whitened).sum(axis=-2), None


def _of_singular(cov: Any, deviation: Any) -> tuple[Any, ...]:
    refuse_gradient(cov, "multivariate_normal has no derivative in cov with allow_singular=True")
    values, vectors = np.linalg.eigh(values_of(cov))
    least = 1e6 * np.finfo(values.dtype).eps * abs(values).max()  # SciPy's bound
    if values.min() < -least:
        raise ValueError("multivariate_normal: cov is positive semidefinite, and this one has a negative eigenvalue")
    kept = values > least
    whitened = deviation @ (vectors[:, kept] / np.sqrt(values[kept]))
    off = np.linalg.norm(values_of(deviation) @ vectors[:, ~kept], axis=-1)
    return np.log(values[kept]).sum(), kept.sum(), (whitened * whitened).sum(axis=-1), off >= 1e3 * least


def _parameters(mean: Any, cov: Any) -> tuple[Any, Any]:
    """The mean as a vector and the covariance as a matrix."""
    cov = as_array(cov)
    if mean is None:
        mean = np.zeros(np.shape(cov)[0] if np.ndim(cov) == 2 else 1)
    mean = np.reshape(as_array(mean), (-1,)) if np.size(mean) == 1 else as_array(mean)
    n = np.shape(mean)[0]
    if np.size(cov) == 1 and n == 1:
        cov = np.reshape(cov, (1, 1))
    elif np.ndim(cov) < 2 and np.shape(cov) in ((), (n,)):
        cov = np.eye(n) * cov
    if np.ndim(mean) != 1 or np.shape(cov) != (n, n):
        raise ShapeError(f"multivariate_normal: a mean of shape {np.shape(mean)} and a cov of shape {np.shape(cov)} do not fit")
    return mean, cov


def _points(x: Any, n: int) -> Any:
    """x with its components along the last of at least two axes."""
    x = as_array(x)
    if np.ndim(x) < 2:
        x = np.reshape(x, (-1, 1) if n == 1 else (1, -1))
    return x


def _squeezed(y: Any) -> Any:
    """Without axes of length 1, as SciPy returns it."""
    y = np.squeeze(y)
    return y if np.ndim(y) else y[()]
