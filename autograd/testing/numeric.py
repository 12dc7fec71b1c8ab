"""Slopes by finite differences, in float64: the side of every check that knows nothing of derivatives.

A function takes and returns lists of arrays. A slope is taken along a direction whose length in each element is the step that
suits the element, so one number tells of all elements at once. It comes with an estimate of its own error, and with the
knowledge whether the function has a kink there. Stands on NumPy alone.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Arrays = list[Any]
Function = Callable[[Arrays], Arrays]

EPS = float(np.finfo(np.float64).eps)
STEP = EPS ** (1 / 3)


class Slope(NamedTuple):
    """The change of each output along a direction: the best estimate, its likely error, and where it has no single value."""

    values: Arrays
    errors: Arrays
    kinks: Arrays


def steps(xs: Arrays) -> Arrays:
    """A step for each element: the cube root of the machine's precision, times the size of the element where it is above 1."""
    return [STEP * np.maximum(1.0, np.abs(x)) for x in xs]


def moved(xs: Arrays, direction: Arrays, t: float) -> Arrays:
    """The point at t along the direction."""
    return [x + t * d for x, d in zip(xs, direction, strict=True)]


def slope(f: Function, xs: Arrays, direction: Arrays) -> Slope:
    """The derivative of f along a small direction: central differences at two steps, and one step of Richardson's method.

    For a smooth f the difference of the two one-sided slopes halves with the step; at a kink it stays, at a jump it grows.
    """
    here = f(xs)
    there, back, near, close = (f(moved(xs, direction, t)) for t in (1.0, -1.0, 0.5, -0.5))
    found = [_slope_of(*ys) for ys in zip(here, there, back, near, close, strict=True)]
    return Slope(*(list(part) for part in zip(*found, strict=True))) if found else Slope([], [], [])


def _slope_of(here: Any, there: Any, back: Any, near: Any, close: Any) -> tuple[Any, Any, Any]:
    wide, narrow = (there - back) / 2, near - close
    value = (4 * narrow - wide) / 3
    rounding = 4 * EPS * np.max(np.abs([here, there, back]), axis=0)
    error = np.abs(narrow - wide) + 2 * rounding
    gap, half_gap = np.abs(there - 2 * here + back), 2 * np.abs(near - 2 * here + close)
    size = np.maximum(np.abs(value), np.abs(narrow))
    bent = (half_gap > 0.75 * gap) & (half_gap > 1e-3 * size + 100 * rounding)
    rough = np.abs(narrow - wide) > 1e-4 * size + 100 * rounding
    return value, error, bent | rough | ~np.isfinite(value)


def complex_slope(f: Function, xs: Arrays, direction: Arrays) -> Arrays:
    """The same by one evaluation at an imaginary step, exact to rounding; f has to be analytic, and to take complex numbers."""
    tiny = 1e-100
    return [np.imag(y) / tiny for y in f([x + 1j * tiny * d for x, d in zip(xs, direction, strict=True)])]
