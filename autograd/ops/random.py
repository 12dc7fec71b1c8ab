"""Random draws, each from a generator: NumPy's own, given or the default one that `seed` resets.

A draw is an op whose input is the generator, so a recorded Program draws anew, from the same stream as an eager run.
Normal and uniform draws are reparameterised: they have gradients with respect to their parameters. Stands on `rule`.
"""

from typing import Any

import numpy as np

from ..rule import GENERATOR, rule, sample


class _Default:
    """Where draws come from when no generator is given; made at the first draw, for numpy.random is slow to import."""

    generator: Any = None


def seed(value):
    """Starts the default generator anew; equal seeds give equal draws."""
    fresh = np.random.default_rng(value)
    if _Default.generator is None:
        _Default.generator = fresh
    else:  # the same object, for a Program may have captured it
        _Default.generator.bit_generator.state = fresh.bit_generator.state


def default_generator() -> Any:
    """The generator of draws that are given none."""
    if _Default.generator is None:
        seed(None)
    return _Default.generator


def _shape(size, *parameters):
    if size is None:
        return np.broadcast_shapes(*(np.shape(p) for p in parameters))
    return (size,) if isinstance(size, int) else tuple(size)


@rule(creates=True, samples=[sample(GENERATOR, shape=(3,))])
def standard_normal(generator, *, shape, dtype=np.float64):
    """Draws of the normal distribution with mean 0 and variance 1."""
    return generator.standard_normal(shape, dtype)


@rule(creates=True, samples=[sample(GENERATOR, shape=(3,))])
def standard_uniform(generator, *, shape, dtype=np.float64):
    """Draws of the uniform distribution on [0, 1)."""
    return generator.random(shape, dtype)


@rule(creates=True, samples=[sample(GENERATOR, 0.5, shape=(3,))])
def bernoulli_draw(generator, p, *, shape):
    """Booleans that are true with probability p."""
    return generator.random(shape) < p


@rule(creates=True, samples=[sample(GENERATOR, low=0, high=5, shape=(3,))])
def integer_draw(generator, *, low, high, shape):
    """Integers of [low, high)."""
    return generator.integers(low, high, shape)


@rule(creates=True, samples=[sample(GENERATOR, n=4)])
def permutation_draw(generator, *, n):
    """The numbers below n in random order."""
    return generator.permutation(n)


def normal(loc=0.0, scale=1.0, size=None, generator=None, dtype=np.float64):
    """Normal draws, loc + scale * z: differentiable in loc and scale.

    >>> from autograd import random
    >>> random.seed(0)
    >>> random.normal(size=3).shape
    (3,)
    """
    z = standard_normal(generator or default_generator(), shape=_shape(size, loc, scale), dtype=dtype)
    return z if _is(loc, 0) and _is(scale, 1) else loc + scale * z


def uniform(low=0.0, high=1.0, size=None, generator=None, dtype=np.float64):
    """Uniform draws on [low, high), low + (high - low) * u: differentiable in low and high."""
    u = standard_uniform(generator or default_generator(), shape=_shape(size, low, high), dtype=dtype)
    return u if _is(low, 0) and _is(high, 1) else low + (high - low) * u


def bernoulli(p, size=None, generator=None):
    """Draws that are true with probability p. They have no derivative in p: one that is wanted is an error."""
    return bernoulli_draw(generator or default_generator(), p, shape=_shape(size, p))


def integers(low, high=None, size=None, generator=None):
    """Whole numbers of [low, high), or of [0, low)."""
    low, high = (0, low) if high is None else (low, high)
    return integer_draw(generator or default_generator(), low=low, high=high, shape=_shape(size))


def permutation(n, generator=None):
    """The numbers below n in random order."""
    return permutation_draw(generator or default_generator(), n=n)


def _is(parameter, number):
    return isinstance(parameter, (int, float)) and parameter == number
