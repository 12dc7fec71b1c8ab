"""Lion: the sign of a momentum, so that every element moves by the same amount."""

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from .optimizer import FRACTION, Optimizer, State


class Lion(Optimizer):
    """w <- w - lr * (sign(b1 m + (1 - b1) g) + weight_decay * w); m <- b2 m + (1 - b2) g.

    Its rate is three to ten times smaller than Adam's, and its weight decay as much larger (Chen et al. 2023, "Symbolic
    Discovery of Optimization Algorithms").
    """

    limits: ClassVar = {"betas": FRACTION}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": tuple(betas),
                "weight_decay": weight_decay,
                "maximize": maximize,
            },
        )

    def start(self, p: Any, h: Any) -> State:
        return {"exp_avg": np.zeros_like(p)}

    def update(self, p: Any, g: Any, s: Any, h: Any) -> tuple[Any, State]:
        b1, b2 = h.betas
        d = np.sign(b1 * s.exp_avg + (1 - b1) * g)
        if h.weight_decay:
            d = d + h.weight_decay * p
        return p - h.lr * d, {"exp_avg": b2 * s.exp_avg + (1 - b2) * g}
