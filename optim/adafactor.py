"""Adafactor: Adam's mean square of a matrix from the means of its rows and columns, which take far less memory."""

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from .optimizer import Optimizer, State


class Adafactor(Optimizer):
    """u = g / sqrt(v), v = row col / mean(row); w <- w - max(eps[1], rms(w)) min(lr, 1 / sqrt(t)) u / max(1, rms(u) / d).

    row and col are running means of g^2 over the last and the last but one axis, with weight t^beta2_decay for the newest;
    a parameter with fewer axes has v itself as a running mean. rms is the root of the mean square. `weight_decay` takes
    lr * weight_decay * w from w. eps[0] is the smallest root of v, the resolution of the dtype if None.
    """

    elementwise = False
    limits: ClassVar = {
        "beta2_decay": ("finite and not positive", lambda x: -np.inf < x <= 0),
        "d": ("at least 1", lambda x: 1 <= x < np.inf),
    }

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "beta2_decay": beta2_decay,
                "eps": tuple(eps),
                "d": d,
                "weight_decay": weight_decay,
                "maximize": maximize,
            },
        )

    def start(self, p: Any, h: Any) -> State:
        if p.ndim < 2:
            return {"variance": np.zeros_like(p)}
        return {"row_var": np.zeros_like(p[..., :1]), "col_var": np.zeros_like(p[..., :1, :])}

    def update(self, p: Any, g: Any, s: Any, h: Any) -> tuple[Any, State]:
        least = float(np.finfo(p.dtype).eps) if h.eps[0] is None else h.eps[0]
        newest, slow = h.t**h.beta2_decay, h.t**-0.5
        rate = h.lr * (h.lr < slow) + slow * (slow <= h.lr)
        size = np.maximum(rms(p), h.eps[1])
        if h.weight_decay:
            p = p * (1 - h.lr * h.weight_decay)
        if p.ndim < 2:
            v = (1 - newest) * s.variance + newest * (g * g)
            state = {"variance": v}
        else:
            row = (1 - newest) * s.row_var + newest * (g * g).mean(axis=-1, keepdims=True)
            col = (1 - newest) * s.col_var + newest * (g * g).mean(axis=-2, keepdims=True)
            v = row * col / np.maximum(row.mean(axis=-2, keepdims=True), least)
            state = {"row_var": row, "col_var": col}
        u = g / np.sqrt(np.maximum(v, least * least))
        return p - size * rate / np.maximum(rms(u) / h.d, 1) * u, state


def rms(x: Any) -> Any:
    """The root of the mean square."""
    return np.sqrt((x * x).mean())
