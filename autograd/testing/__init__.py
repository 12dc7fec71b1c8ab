"""Tools for testing differentiable code, ours and anyone's.

>>> import numpy as np
>>> from autograd.testing import check_grads
>>> report = check_grads(lambda x: np.log(x) * x, np.array([0.5, 2.0]))
>>> max(report.errors.values()) < 1e-8
True
"""

from .checks import GradientMismatch, Report, check_grads
from .properties import (
    check_adjoint,
    check_broadcast,
    check_deterministic,
    check_dtypes,
    check_linear,
    check_no_mutation,
    check_second_order_symmetry,
)

__all__ = [
    "GradientMismatch",
    "Report",
    "check_adjoint",
    "check_broadcast",
    "check_deterministic",
    "check_dtypes",
    "check_grads",
    "check_linear",
    "check_no_mutation",
    "check_second_order_symmetry",
]
