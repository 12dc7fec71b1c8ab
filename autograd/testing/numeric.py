"""Slopes by finite differences, in float64: the side of every check that knows nothing of derivatives.

A function takes and returns lists of arrays. A slope is taken along a direction whose length in each element is the step that
suits the element, so one number tells of all elements at once. It comes with an estimate of its own error, and with the
knowledge whether the function has a kink there. Stands on NumPy alone.
"""

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Arrays = list[Any]
Function = Callable[[Arrays], Arrays]

EPS = float(np.finfo(np.float64).eps)
STEP = EPS ** (1 / 3)
ROUNDING = 1e-12  # of a slope that is the sum of terms as large as the function, and may cancel
TINY = 1e-100  # an imaginary step: its square is nothing beside any number


class Slope(NamedTuple):
    """The change of each output along a direction: the best estimate, its likely error, and where it has no single value.

    `exact` tells that the estimate is good to rounding, for the function could be asked at an imaginary step.
    """

    values: Arrays
    errors: Arrays
    kinks: Arrays
    exact: bool = False


def steps(xs: Arrays) -> Arrays:
    """A step for each element: the cube root of the machine's precision, times the size of the element where it is above 1.

    What is nan or infinite has no neighbours, and stays.
    """
    return [np.where(np.isfinite(x), STEP * np.maximum(1.0, np.abs(x)), 0.0) for x in xs]


def moved(xs: Arrays, direction: Arrays, t: Any) -> Arrays:
    """The point at t along the direction."""
    return [x + t * d for x, d in zip(xs, direction, strict=True)]


def slope(f: Function, xs: Arrays, direction: Arrays) -> Slope:
    """The derivative of f along a small direction: central differences at two steps, and one step of Richardson's method.

    For a smooth f the difference of the two one-sided slopes halves with the step; at a kink it stays, at a jump it grows.
    Where f is analytic and takes complex numbers, the complex step makes the estimate exact.
    """
    here = f(xs)
    there, back, near, close = (f(moved(xs, direction, t)) for t in (1.0, -1.0, 0.5, -0.5))
    found = [_slope_of(*ys) for ys in zip(here, there, back, near, close, strict=True)]
    if not found:
        return Slope([], [], [])
    values, errors, kinks = map(list, zip(*found, strict=True))
    rough = Slope(values, errors, kinks)
    exact = complex_slope(f, xs, direction)
    if exact is None or len(exact) != len(values) or not all(map(_agree, exact, rough.values, rough.errors)):
        return rough
    sizes = [max(1.0, float(np.max(np.abs(y), initial=0.0))) for y in here]
    doubts = map(np.abs, map(np.subtract, exact, values))  # an algorithm that iterates is not analytic to the last digit
    errors = [4 * EPS * np.abs(y) + ROUNDING * STEP * size + d for y, size, d in zip(exact, sizes, doubts, strict=True)]
    return Slope(exact, errors, kinks, True)


def _slope_of(here: Any, there: Any, back: Any, near: Any, close: Any) -> tuple[Any, Any, Any]:
    wide, narrow = (there - back) / 2, near - close
    value = (4 * narrow - wide) / 3
    rounding = 4 * EPS * np.max(np.abs([here, there, back]), initial=1.0)  # of the largest: the smaller come of sums with it
    error = np.abs(narrow - wide) + 2 * rounding
    gap, half_gap = np.abs(there - 2 * here + back), 2 * np.abs(near - 2 * here + close)
    size = np.maximum(np.abs(value), np.abs(narrow))
    bent = (half_gap > 0.75 * gap) & (half_gap > 1e-3 * size + 100 * rounding)
    rough = np.abs(narrow - wide) > 1e-4 * size + 100 * rounding
    return value, error, bent | rough | ~np.isfinite(value)


def complex_slope(f: Function, xs: Arrays, direction: Arrays) -> Arrays | None:
    """The same by one evaluation at an imaginary step, exact to rounding; None where f does not take complex numbers.

    What comes back is the derivative of an analytic f only: the caller compares it with differences.
    """
    if any(np.iscomplexobj(x) for x in xs):
        return None
    try:
        with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
            ys = f(moved(xs, direction, 1j * TINY))
    except Exception:  # noqa: BLE001 - whatever a function for real numbers does with others, it is then not asked again
        return None
    return [np.imag(y) / TINY for y in ys]


def _agree(exact: Any, rough: Any, error: Any) -> bool:
    """Whether a complex step confirms the differences, as far as these can tell."""
    if np.shape(exact) != np.shape(rough) or np.iscomplexobj(rough):
        return False
    return bool(np.all(np.abs(exact - rough) <= 2 * np.max(error, initial=0.0)))
