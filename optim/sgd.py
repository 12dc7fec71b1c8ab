"""Gradient descent: plain, with momentum, and with Nesterov's look ahead."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from .optimizer import Optimizer, State


class SGD(Optimizer):
    """w <- w - lr * v, with v <- momentum * v + (1 - dampening) * g; without momentum v is g.

    Which gradient it gets makes it full-batch, mini-batch or single-example descent. `nesterov` takes the step from the point
    ahead: g + momentum * v instead of v. `weight_decay` adds weight_decay * w to g.
    """

    takes_complex = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        if nesterov and (not momentum or dampening):
            raise ValueError("SGD: nesterov=True needs a momentum, and no dampening")
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "dampening": dampening,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
                "maximize": maximize,
            },
        )

    def leaves_alone(self, h: Any) -> bool:
        return not (h.momentum or h.weight_decay)

    def start(self, p: Any, h: Any) -> State:
        return {"momentum_buffer": np.zeros_like(p)} if h.momentum else {}

    def update(self, p: Any, g: Any, s: Any, h: Any) -> tuple[Any, State]:
        if h.weight_decay:
            g = g + h.weight_decay * p
        if not h.momentum:
            return p - h.lr * g, {}
        if h.dampening:
            v = h.momentum * s.momentum_buffer + (1 - h.dampening * (h.t > 1)) * g  # the first gradient counts in full
        else:
            v = h.momentum * s.momentum_buffer + g
        return p - h.lr * (g + h.momentum * v if h.nesterov else v), {"momentum_buffer": v}
