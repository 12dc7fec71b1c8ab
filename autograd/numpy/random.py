"""numpy.random by NumPy's names, the old global generator included, which `np.random.seed` starts anew.

Draws that are reparameterised have derivatives with respect to their parameters; with the others a Tensor that requires a
gradient is an error. Stands on the ops.

>>> import autograd.numpy.random as npr
>>> from autograd import grad
>>> npr.seed(0)
>>> bool(grad(lambda mean: npr.normal(mean, 1.0))(2.0) == 1.0)
True
"""

from collections.abc import Callable as _Callable
from functools import wraps as _wraps
from inspect import Parameter as _Parameter
from inspect import Signature as _Signature
from typing import Any as _Any

import numpy as _numpy
import numpy.random as _random

from ..graph import modes as _modes
from .spelling import has_tensor as _has_tensor
from .spelling import on_plain_values as _on_plain_values

_Parts = dict[str, _Any]

# How a draw with Tensors for parameters comes from one without: the standard draw, and what is done to it.
_REPARAMETERISED: dict[str, tuple[str, _Parts, _Callable[..., _Any]]] = {
    "normal": ("standard_normal", {"loc": 0.0, "scale": 1.0}, lambda z, loc, scale: loc + scale * z),
    "uniform": ("random_sample", {"low": 0.0, "high": 1.0}, lambda z, low, high: low + (high - low) * z),
    "exponential": ("standard_exponential", {"scale": 1.0}, lambda z, scale: scale * z),
    "laplace": ("laplace", {"loc": 0.0, "scale": 1.0}, lambda z, loc, scale: loc + scale * z),
    "logistic": ("logistic", {"loc": 0.0, "scale": 1.0}, lambda z, loc, scale: loc + scale * z),
    "gumbel": ("gumbel", {"loc": 0.0, "scale": 1.0}, lambda z, loc, scale: loc + scale * z),
    "lognormal": ("standard_normal", {"mean": 0.0, "sigma": 1.0}, lambda z, mean, sigma: _numpy.exp(mean + sigma * z)),
}


def _reparameterised(name: str) -> _Callable[..., _Any]:
    function = getattr(_random, name)
    standard, defaults, made = _REPARAMETERISED[name]
    standard_draw = getattr(_random, standard)
    signature = _Signature([_Parameter(part, _Parameter.POSITIONAL_OR_KEYWORD, default=None) for part in [*defaults, "size"]])

    @_wraps(function)
    def draw(*args: _Any, **kwargs: _Any) -> _Any:
        if not any(map(_has_tensor, [*args, *kwargs.values()])):
            return function(*args, **kwargs)
        given = {**defaults, "size": None, **signature.bind(*args, **kwargs).arguments}
        size = given.pop("size")
        for parameter in {"scale", "sigma"} & given.keys():
            if _modes.recorder is None and _numpy.any(given[parameter] < 0):
                raise ValueError(f"{parameter} < 0")  # as NumPy says
        if size is None:
            size = _numpy.broadcast_shapes(*map(_numpy.shape, given.values()))
        return made(standard_draw(size=size), **given)

    draw.__module__ = "numpy.random"
    return draw


def _names() -> dict[str, _Any]:
    remedy = "Draw from a distribution without parameters, and make the sample of that draw and of the parameters"
    found = {}
    for name in _random.__all__:
        value = getattr(_random, name)
        if name in _REPARAMETERISED:
            value = _reparameterised(name)
        elif callable(value) and not isinstance(value, type):
            value = _on_plain_values(value, remedy)
        found[name] = value
    return found


globals().update(_names())
