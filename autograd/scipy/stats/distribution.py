"""What distributions have in common: a location and a scale, a support, and parameters that may be invalid.

As in SciPy, a density is 0 outside the support, and everything is nan where a parameter is not valid; the gradient is 0 in the
one case and nan in the other. Stands on the ops.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import NoRuleError
from ...graph import is_grad_enabled
from ...ops.elementwise import log, where
from ...tensor import NUMBERS, Tensor

Function = Callable[..., Any]


def as_array(x: Any) -> Any:
    """x as something to compute with: Python numbers stay, so that they widen no array."""
    return x if type(x) in NUMBERS or isinstance(x, (Tensor, np.ndarray, np.generic)) else np.asarray(x)


def values_of(x: Any) -> Any:
    """The values of x as a plain array, outside any graph."""
    return x.detach().numpy() if isinstance(x, Tensor) else np.asarray(x)


def positive(value: Any) -> Any:
    """A parameter where it is above 0; elsewhere nan, and so is its gradient."""
    value = as_array(value)
    return where(value > 0, value, value * math.nan)


def refuse_gradient(value: Any, reason: str) -> Any:
    """An error if a gradient of the value is wanted."""
    if isinstance(value, Tensor) and value.requires_grad and is_grad_enabled():
        raise NoRuleError(f"{reason}. Pass it detached if its gradient is not wanted")
    return value


def others(plain: Any) -> dict[str, Any]:
    """What a distribution of SciPy offers, by name."""
    return {name: getattr(plain, name) for name in dir(plain) if not name.startswith("_")}


class Continuous:
    """A family of distributions on an interval, with parameters `shapes`, all positive, and a location and a scale.

    All functions are those of the standard variable z = (x - loc) / scale and the shapes; `inside` is a point of the support
    between `low` and `high`.
    """

    def __init__(
        self,
        shapes: tuple[str, ...],
        *,
        pdf: Function,
        logpdf: Function,
        cdf: Function,
        logcdf: Function,
        sf: Function,
        logsf: Function,
        entropy: Function,
        low: float = -math.inf,
        high: float = math.inf,
        inside: float = 0.0,
    ) -> None:
        self.names = (*shapes, "loc", "scale")
        self.low, self.high, self.inside = low, high, inside
        self._density, self._log_density = pdf, logpdf
        self._cdf, self._log_cdf, self._sf, self._log_sf = cdf, logcdf, sf, logsf
        self._entropy = entropy

    def functions(self) -> tuple[Function, ...]:
        """pdf, logpdf, cdf, logcdf, sf, logsf and entropy."""
        return self.pdf, self.logpdf, self.cdf, self.logcdf, self.sf, self.logsf, self.entropy

    def pdf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """The density at x; 0 outside the support."""
        return self._at(lambda z, scale, *shapes: self._density(z, *shapes) / scale, 0.0, 0.0, x, args, kwargs)

    def logpdf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """The logarithm of the density at x; -inf outside the support."""

        def log_density(z: Any, scale: Any, *shapes: Any) -> Any:
            return self._log_density(z, *shapes) - log(scale)

        return self._at(log_density, -math.inf, -math.inf, x, args, kwargs)

    def cdf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """The probability of values up to x."""
        return self._at(lambda z, scale, *shapes: self._cdf(z, *shapes), 0.0, 1.0, x, args, kwargs)

    def logcdf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """The logarithm of the probability of values up to x."""
        return self._at(lambda z, scale, *shapes: self._log_cdf(z, *shapes), -math.inf, 0.0, x, args, kwargs)

    def sf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """The probability of values above x."""
        return self._at(lambda z, scale, *shapes: self._sf(z, *shapes), 1.0, 0.0, x, args, kwargs)

    def logsf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """The logarithm of the probability of values above x."""
        return self._at(lambda z, scale, *shapes: self._log_sf(z, *shapes), 0.0, -math.inf, x, args, kwargs)

    def entropy(self, *args: Any, **kwargs: Any) -> Any:
        """The differential entropy: the mean of -logpdf."""
        loc, scale, shapes = self._parameters(args, kwargs)
        return self._entropy(*shapes) + log(scale) + 0 * loc

    def _at(self, function: Function, below: float, above: float, x: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A function of the standard variable, the scale and the shapes; outside the support it is not asked."""
        loc, scale, shapes = self._parameters(args, kwargs)
        z = (as_array(x) - loc) / scale
        under, over = z < self.low, z > self.high
        inner = function(where(under | over, self.inside, z), scale, *shapes)
        return where(under, below, where(over, above, inner))

    def _parameters(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any, list[Any]]:
        """Location, scale and shapes, given by position or by name."""
        given = {"loc": 0, "scale": 1, **dict(zip(self.names, args, strict=False)), **kwargs}
        twice = [name for name in self.names[: len(args)] if name in kwargs]
        if len(args) > len(self.names) or twice or set(given) != set(self.names):
            raise TypeError(
                f"the parameters of this distribution are {', '.join(self.names)}, got {len(args)} by position and "
                f"{', '.join(kwargs) or 'none'} by name"
            )
        return as_array(given["loc"]), positive(given["scale"]), [positive(given[name]) for name in self.names[:-2]]
