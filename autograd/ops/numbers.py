"""The rarer functions of one element: angles, signs, exponents, whole numbers, and what nan and infinities are replaced by.

Those of everyday use are in `elementwise`. The conventions are the same. Stands on `rule` alone.
"""

import math
from functools import partial

import numpy as np

from ..errors import NoRuleError
from ..graph import unchanged
from ..rule import rule, sample, zero
from ..tensor import implementations

elementwise = partial(rule, kind="elementwise")
WHOLE = [sample(np.array([[4, 6, 9]]), np.array([[2], [3]]))]  # of the functions of whole numbers


# --- angles ----------------------------------------------------------------------------------------------------------------


@elementwise(x=lambda g: g * (math.pi / 180), numpy=(np.deg2rad, np.radians), c="{x} * 0.017453292519943295")
def deg2rad(x):
    """Degrees as radians."""
    return np.deg2rad(x)


@elementwise(x=lambda g: g * (180 / math.pi), numpy=(np.rad2deg, np.degrees), c="{x} * 57.29577951308232")
def rad2deg(x):
    """Radians as degrees."""
    return np.rad2deg(x)


# --- signs and neighbours --------------------------------------------------------------------------------------------------


@elementwise(x=lambda g, x: g * np.sign(x), numpy=np.fabs, c="fabs({x})")
def fabs(x):
    """The absolute value of a real number; slope 0 at 0."""
    return np.fabs(x)


def _copysign_x(g, x, w):
    return g * (np.sign(x) * np.copysign(np.ones_like(w), w))


@elementwise(x=_copysign_x, w=zero, numpy=np.copysign, scalar=math.copysign, c="copysign({x}, {w})")
def copysign(x, w):
    """The size of x with the sign of w; slope 0 at x = 0, where abs(x) has its kink."""
    return np.copysign(x, w)


@elementwise(x=zero, w=lambda g, x: np.where(x == 0, g, 0), numpy=np.heaviside)
def heaviside(x, w):
    """0 for negative x, 1 for positive x, and w at 0."""
    return np.heaviside(x, w)


@elementwise(x=unchanged, w=zero, numpy=np.nextafter)
def nextafter(x, w):
    """The floating-point number beside x, towards w: for a derivative as good as x."""
    return np.nextafter(x, w)


@elementwise(x=zero, numpy=np.spacing)
def spacing(x):
    """How far the next floating-point number is: constant between its jumps."""
    return np.spacing(x)


# --- exponents and parts ---------------------------------------------------------------------------------------------------


@elementwise(x=lambda g, n: np.ldexp(g, n), numpy=np.ldexp, samples=[sample((2, 3), np.array([2, -1, 0]))])
def ldexp(x, n):
    """x * 2**n, for a whole number n."""
    return np.ldexp(x, n)


@elementwise(samples=[sample((2, 3))])
def exponent(x):
    """The whole number n for which abs(x) / 2**n is in [1/2, 1); 0 at 0."""
    return np.frexp(x)[1]


@rule(x=lambda g: g[0], samples=[sample((2, 3))])
def modf(x):
    """The fraction of x and the whole number before it, both with the sign of x."""
    return np.modf(x)


# --- whole numbers ---------------------------------------------------------------------------------------------------------


@elementwise(numpy=np.gcd, samples=WHOLE)
def gcd(x, w):
    """The greatest common divisor of integers."""
    return np.gcd(x, w)


@elementwise(numpy=np.lcm, samples=WHOLE)
def lcm(x, w):
    """The least common multiple of integers."""
    return np.lcm(x, w)


@elementwise(numpy=np.left_shift, samples=WHOLE)
def left_shift(x, w):
    """x << w, of integers."""
    return np.left_shift(x, w)


@elementwise(numpy=np.right_shift, samples=WHOLE)
def right_shift(x, w):
    """x >> w, of integers."""
    return np.right_shift(x, w)


@elementwise(numpy=np.bitwise_count, samples=[sample(np.array([4, 7, -9]))])
def bitwise_count(x):
    """How many bits of the size of an integer are 1."""
    return np.bitwise_count(x)


# --- nan and infinities ----------------------------------------------------------------------------------------------------


def _replace_nan_x(g, x):
    if np.iscomplexobj(x):  # each part is replaced by itself
        parts = (np.real, np.imag)
        real, imag = (np.where(np.isfinite(part(x)), part(g), 0) for part in parts)
        return real + 1j * imag
    return np.where(np.isfinite(x), g, 0)


@elementwise(
    x=_replace_nan_x,
    drops=True,
    samples=[sample((2, 3), nan=1.0), sample((2, 3), posinf=2.0, neginf=-2.0), sample(np.array([1 + 2j, -1.5 + 0.5j]))],
)
def replace_nan(x, *, nan=0.0, posinf=None, neginf=None):
    """x with numbers in the places of nan and of infinities, and no gradient there."""
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)


def nan_to_num(x, copy=True, nan=0.0, posinf=None, neginf=None):
    """x with numbers in the places of nan (0 by default) and of infinities (the largest there are), and no gradient there.

    >>> from autograd import Tensor
    >>> nan_to_num(Tensor([1.0, math.nan]))
    Tensor([1., 0.], op=replace_nan)
    """
    if not copy:
        raise NoRuleError("nan_to_num(copy=False) writes into its argument: take the result, x = nan_to_num(x)")
    return replace_nan(x, nan=nan, posinf=posinf, neginf=neginf)


@elementwise(samples=[sample((2, 3), (3,), rtol=0.5)])
def isclose(x, w, *, rtol=1e-05, atol=1e-08, equal_nan=False):
    """Whether abs(x - w) <= atol + rtol * abs(w)."""
    return np.isclose(x, w, rtol=rtol, atol=atol, equal_nan=equal_nan)


# --- composites ------------------------------------------------------------------------------------------------------------


def angle(z, deg=False):
    """The angle of a complex number in the plane: arctan2(imag(z), real(z)), in degrees if `deg`; no slope at 0.

    >>> from autograd import Tensor
    >>> angle(Tensor(2.0 + 2.0j), deg=True)
    Tensor(45.0, op=rad2deg)
    """
    theta = np.arctan2(np.imag(z), np.real(z)) if np.iscomplexobj(z) else np.arctan2(0, z)
    return np.rad2deg(theta) if deg else theta


def real_if_close(a, tol=100):
    """The real part, if every imaginary part is below `tol` machine epsilons (below `tol` itself, if that is 1 or less)."""
    if not np.iscomplexobj(a):
        return a if hasattr(a, "dtype") else np.asarray(a)
    limit = tol * np.finfo(a.dtype if hasattr(a, "dtype") else complex).eps if tol > 1 else tol
    return np.real(a) if bool((abs(np.imag(a)) < limit).all()) else a


def frexp(x):
    """x as a fraction and an exponent: x = fraction * 2**exponent, with abs(fraction) in [1/2, 1).

    >>> from autograd import Tensor
    >>> frexp(Tensor([6.0]))
    (Tensor([0.75], op=ldexp), Tensor([3], dtype=int32))
    """
    n = exponent(x)
    return np.ldexp(x, np.negative(n)), n


def divmod(x, w):
    """x // w and x % w."""
    return np.floor_divide(x, w), np.remainder(x, w)


def float_power(x, w):
    """x**w in float64 (or complex128), whatever the dtypes are; so integers can have negative exponents."""
    dtype = complex if np.iscomplexobj(x) or np.iscomplexobj(w) else float
    x, w = (np.astype(v if hasattr(v, "dtype") else np.asarray(v), dtype) for v in (x, w))
    return np.power(x, w)


def isposinf(x):
    """Whether x is infinite and positive."""
    return np.equal(x, math.inf)


def isneginf(x):
    """Whether x is infinite and negative."""
    return np.equal(x, -math.inf)


def isreal(x):
    """Whether the imaginary part is 0."""
    return np.equal(np.imag(x), 0) if np.iscomplexobj(x) else np.equal(x, x) | True


def iscomplex(x):
    """Whether the imaginary part is not 0."""
    return np.logical_not(isreal(x))


def allclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False):
    """Whether all elements are close, in the sense of isclose: a plain bool."""
    return bool(np.all(isclose(a, b, rtol=rtol, atol=atol, equal_nan=equal_nan)))


def array_equal(a1, a2, equal_nan=False):
    """Whether shapes and elements are equal: a plain bool."""
    return np.shape(a1) == np.shape(a2) and array_equiv(a1, a2, equal_nan)


def array_equiv(a1, a2, equal_nan=False):
    """Whether the elements are equal after broadcasting: a plain bool."""
    try:
        np.broadcast_shapes(np.shape(a1), np.shape(a2))
    except ValueError:
        return False
    same = np.equal(a1, a2)
    if equal_nan:
        same = same | (np.isnan(a1) & np.isnan(a2))
    return bool(np.all(same))


implementations.update(
    {
        np.around: implementations[np.round],
        np.fix: implementations[np.trunc],
        np.nan_to_num: nan_to_num,
        np.isclose: isclose,
        np.angle: angle,
        np.real_if_close: real_if_close,
        np.modf: modf,
        np.frexp: frexp,
        np.divmod: divmod,
        np.float_power: float_power,
        np.isposinf: isposinf,
        np.isneginf: isneginf,
        np.isreal: isreal,
        np.iscomplex: iscomplex,
        np.allclose: allclose,
        np.array_equal: array_equal,
        np.array_equiv: array_equiv,
    }
)
