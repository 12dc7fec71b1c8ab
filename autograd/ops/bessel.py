"""The Bessel functions of scipy.special. An order has no derivative: asking for one is an error. Stands on `ufuncs`.

The derivative is a sum or a difference of neighbouring orders, or a series where those would cancel.
"""

import numpy as np

from ..errors import DtypeError
from ..rule import positives, sample
from .ufuncs import elementwise, scipy_values, special

ORDERS = [sample(2, (2, 3)), sample(0.5, (2, 3)), sample(np.array([0, 1, 3]), (2, 3))]
WHOLE = [sample(2, (2, 3)), sample(0, (2, 3)), sample(np.array([0, 1, 3]), (2, 3))]


@special(x=lambda g, x: -g * j1(x))
def j0(x):
    """The Bessel function of the first kind and order 0."""
    return scipy_values("j0", x)


@special(x=lambda g, x: g * (j0(x) - jv(2, x)) / 2)
def j1(x):
    """The Bessel function of the first kind and order 1."""
    return scipy_values("j1", x)


@special(x=lambda g, v, x: g * (jv(v - 1, x) - jv(v + 1, x)) / 2, domain=positives, samples=ORDERS)
def jv(v, x):
    """The Bessel function of the first kind and real order v; also called jn. No derivative in v."""
    return scipy_values("jv", v, x)


jn = jv


@special(x=lambda g, x: -g * y1(x), domain=positives)
def y0(x):
    """The Bessel function of the second kind and order 0."""
    return scipy_values("y0", x)


@special(x=lambda g, x: g * (y0(x) - yv(2, x)) / 2, domain=positives)
def y1(x):
    """The Bessel function of the second kind and order 1."""
    return scipy_values("y1", x)


@special(x=lambda g, n, x: g * (yn(n - 1, x) - yn(n + 1, x)) / 2, domain=positives, samples=WHOLE)
def yn(n, x):
    """The Bessel function of the second kind and whole order n. No derivative in n."""
    return scipy_values("yn", n, x)


@special(x=lambda g, v, x: g * (yv(v - 1, x) - yv(v + 1, x)) / 2, domain=positives, samples=ORDERS)
def yv(v, x):
    """The Bessel function of the second kind and real order v. No derivative in v."""
    return scipy_values("yv", v, x)


@elementwise(x=lambda g, x: g * i1(x), numpy=("scipy.special.i0", np.i0))
def i0(x):
    """The modified Bessel function of the first kind and order 0."""
    return scipy_values("i0", x)


@special(x=lambda g, x: g * (i0(x) + iv(2, x)) / 2)
def i1(x):
    """The modified Bessel function of the first kind and order 1."""
    return scipy_values("i1", x)


@special(x=lambda g, v, x: g * (iv(v - 1, x) + iv(v + 1, x)) / 2, domain=positives, samples=ORDERS)
def iv(v, x):
    """The modified Bessel function of the first kind and real order v. No derivative in v."""
    return scipy_values("iv", v, x)


@special(x=lambda g, x: -g * k1(x), domain=positives)
def k0(x):
    """The modified Bessel function of the second kind and order 0."""
    return scipy_values("k0", x)


@special(x=lambda g, x, y: -g * (k0(x) + y / x), domain=positives)
def k1(x):
    """The modified Bessel function of the second kind and order 1."""
    return scipy_values("k1", x)


@special(x=lambda g, n, x: -g * (kn(n - 1, x) + kn(n + 1, x)) / 2, domain=positives, samples=WHOLE)
def kn(n, x):
    """The modified Bessel function of the second kind and whole order n. No derivative in n."""
    return scipy_values("kn", n, x)


@special(x=lambda g, v, x: -g * (kv(v - 1, x) + kv(v + 1, x)) / 2, domain=positives, samples=ORDERS)
def kv(v, x):
    """The modified Bessel function of the second kind and real order v. No derivative in v."""
    return scipy_values("kv", v, x)


# --- the same, scaled by an exponential ------------------------------------------------------------------------------------


def _scaled(g, v, x, y, near, sign):
    """The derivative of a scaled modified Bessel function: `near`, which cancels for large x, and there -y / x times a series.

    They fall like the sum over k of a[k] / x**(k + 1/2), with a[k] / a[k-1] = sign (4 v**2 - (2k-1)**2) / 8k.
    """
    if np.iscomplexobj(x):
        raise DtypeError(
            "a scaled Bessel function of complex numbers has no derivative rule: scale the plain one, exp(-x) * iv(v, x) say"
        )
    least = 40 + v * v
    far = abs(x) > least
    x = np.where(far, x, least)
    slope, value = 25.5, 1.0
    for k in range(25, 0, -1):
        ratio = sign * (4 * v * v - (2 * k - 1) ** 2) / (8 * k) / abs(x)
        slope = k - 0.5 + ratio * slope
        value = 1 + ratio * value
    return g * np.where(far, -(y / x) * (slope / value), near)


@special(x=lambda g, x, y: _scaled(g, 0, x, y, i1e(x) - np.sign(x) * y, -1))
def i0e(x):
    """exp(-abs(x)) * i0(x), which does not overflow. It has a kink at 0."""
    return scipy_values("i0e", x)


@special(x=lambda g, x, y: _scaled(g, 1, x, y, (i0e(x) + ive(2, x)) / 2 - np.sign(x) * y, -1))
def i1e(x):
    """exp(-abs(x)) * i1(x), which does not overflow."""
    return scipy_values("i1e", x)


def _ive_x(g, v, x, y):
    return _scaled(g, v, x, y, (ive(v - 1, x) + ive(v + 1, x)) / 2 - np.sign(x) * y, -1)


@special(x=_ive_x, domain=positives, samples=ORDERS)
def ive(v, x):
    """exp(-abs(x)) * iv(v, x), which does not overflow. No derivative in v."""
    return scipy_values("ive", v, x)


@special(x=lambda g, x, y: _scaled(g, 0, x, y, y - k1e(x), 1), domain=positives)
def k0e(x):
    """exp(x) * k0(x), which does not underflow."""
    return scipy_values("k0e", x)


@special(x=lambda g, x, y: _scaled(g, 1, x, y, y - (k0e(x) + kve(2, x)) / 2, 1), domain=positives)
def k1e(x):
    """exp(x) * k1(x), which does not underflow."""
    return scipy_values("k1e", x)


@special(x=lambda g, v, x, y: _scaled(g, v, x, y, y - (kve(v - 1, x) + kve(v + 1, x)) / 2, 1), domain=positives, samples=ORDERS)
def kve(v, x):
    """exp(x) * kv(v, x), which does not underflow. No derivative in v."""
    return scipy_values("kve", v, x)
