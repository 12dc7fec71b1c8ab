"""Dropout layers: they drop in training, and return their input in `eval()`. Stands on `functional`."""

from collections.abc import Callable
from typing import Any, ClassVar

from .functional.dropout import alpha_dropout, dropout, dropout1d, dropout2d, feature_alpha_dropout, refuse_probability
from .module import Module


class _Dropout(Module):
    function: ClassVar[Callable[..., Any]]

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        refuse_probability(type(self).__name__, p)
        self.p = p
        self.inplace = inplace

    def forward(self, input: Any) -> Any:
        return type(self).function(input, self.p, self.training)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    """Zeros each element with probability p in training, and multiplies the others by 1 / (1 - p).

    >>> Dropout(0.2).eval()([1.0, 2.0])
    [1.0, 2.0]
    """

    function = staticmethod(dropout)


class Dropout1d(_Dropout):
    """Zeros whole channels of an input (N, C, L), or (C, L)."""

    function = staticmethod(dropout1d)


class Dropout2d(_Dropout):
    """Zeros whole channels of an input (N, C, H, W)."""

    function = staticmethod(dropout2d)


class AlphaDropout(_Dropout):
    """Dropout that goes with SELU: mean 0 and variance 1 stay as they are."""

    function = staticmethod(alpha_dropout)


class FeatureAlphaDropout(_Dropout):
    """AlphaDropout of whole channels of an input (N, C, ...)."""

    function = staticmethod(feature_alpha_dropout)
