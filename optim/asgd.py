"""Averaged gradient descent, of Polyak and Juditsky."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from .optimizer import Optimizer, State


class ASGD(Optimizer):
    """w <- (1 - lambd eta) w - eta g, with eta = lr / (1 + lambd lr t)^alpha; ax <- ax + (w - ax) / max(1, t - t0).

    `state[p]["ax"]` is w until t0 steps are done, and from then on the mean of all w: evaluate with that. `weight_decay` adds
    weight_decay * w to g. A rate that is changed counts from the step after the next, as in PyTorch.
    """

    takes_complex = True
    numbers = frozenset({"eta", "mu"})

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "lambd": lambd,
                "alpha": alpha,
                "t0": t0,
                "weight_decay": weight_decay,
                "maximize": maximize,
            },
        )

    def start(self, p: Any, h: Any) -> State:
        return {"eta": float(h.lr), "mu": 1.0, "ax": np.zeros_like(p)}

    def update(self, p: Any, g: Any, s: Any, h: Any) -> tuple[Any, State]:
        if h.weight_decay:
            g = g + h.weight_decay * p
        y = (1 - h.lambd * s.eta) * p - s.eta * g
        ax = s.mu * y + (1 - s.mu) * s.ax
        late = h.t - h.t0
        mu = 1 / (1 + (late - 1) * (late > 1))
        return y, {"eta": h.lr / (1 + h.lambd * h.lr * h.t) ** h.alpha, "mu": mu, "ax": ax}
