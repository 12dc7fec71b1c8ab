"""What a derivative has to be at a kink: of all the slopes that the function has around it, the mix of least norm.

The slopes around a point are gradients by differences at points a little away from it, on all sides. Their convex hull is what
mathematics allows; its point nearest to zero is what the conventions want. Stands on numeric and SciPy.
"""

from typing import Any

import numpy as np

from ..errors import DtypeError, ShapeError
from . import numeric

Arrays = list[Any]

SIDES = 24  # pairs of opposite sides from which a kink is looked at
AWAY = 1e-3  # how far from it
MOST = 64  # elements of the inputs


def least_slopes(f: numeric.Function, xs: Arrays, rng: Any) -> Any:
    """The matrix of derivatives at a kink (outputs, inputs): for each output the slope of least norm around the point."""
    if sum(x.size for x in xs) > MOST:
        raise ShapeError(
            f"kinks='convention' looks around the point on all sides, which takes inputs of {MOST} elements at most"
        )
    if any(map(np.iscomplexobj, xs)):
        raise DtypeError("kinks='convention' is for functions of real numbers: write it as one of real and imaginary parts")
    sides = [[rng.normal(size=x.shape) for x in xs] for _ in range(SIDES)]
    around = [_limit(f, xs, [sign * d for d in side]) for side in sides for sign in (1, -1)]
    return np.array([nearest_to_zero(np.array(slopes)) for slopes in zip(*around, strict=True)])


def _limit(f: numeric.Function, xs: Arrays, side: Arrays) -> Any:
    """The matrix of derivatives at the point, as one comes near it from a side: a line through two points on the way."""
    far, near = (_jacobian(f, numeric.moved(xs, side, t * AWAY)) for t in (1.0, 0.5))
    return 2 * near - far


def _jacobian(f: numeric.Function, xs: Arrays) -> Any:
    columns = []
    for i, x in enumerate(xs):
        for place in np.ndindex(x.shape):
            e = [np.zeros_like(other) for other in xs]
            e[i][place] = numeric.STEP
            columns.append(np.concatenate(list(map(np.ravel, numeric.slope(f, xs, e).values))) / numeric.STEP)
    return np.stack(columns, axis=1)


def nearest_to_zero(points: Any) -> Any:
    """The point of least norm in the convex hull of some points, one a row.

    Weights w >= 0 that make |sum(w p)|^2 + (1 - sum(w))^2 least are those of the nearest point, up to their sum.
    """
    from scipy.optimize import nnls

    weights, _ = nnls(np.vstack([points.T, np.ones(len(points))]), np.append(np.zeros(points.shape[1]), 1.0))
    return weights @ points / weights.sum()
