"""Adam: a rate for each element, from running means of the gradient and of its square."""

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from .optimizer import FRACTION, Optimizer, State


class Adam(Optimizer):
    """m <- b1 m + (1 - b1) g; v <- b2 v + (1 - b2) g^2; w <- w - lr * m^ / (sqrt(v^) + eps).

    m^ = m / (1 - b1^t) and v^ = v / (1 - b2^t) undo that m and v start at zero. `amsgrad` takes the largest v so far.
    `weight_decay` adds weight_decay * w to g, or with `decoupled_weight_decay` takes lr * weight_decay * w from w.
    """

    limits: ClassVar = {"betas": FRACTION}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        decoupled_weight_decay: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": tuple(betas),
                "eps": eps,
                "weight_decay": weight_decay,
                "amsgrad": amsgrad,
                "maximize": maximize,
                "decoupled_weight_decay": decoupled_weight_decay,
            },
        )

    def start(self, p: Any, h: Any) -> State:
        names = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")
        return {name: np.zeros_like(p) for name in (names if h.amsgrad else names[:2])}

    def update(self, p: Any, g: Any, s: Any, h: Any) -> tuple[Any, State]:
        b1, b2 = h.betas
        p, g = decayed(p, g, h)
        m = b1 * s.exp_avg + (1 - b1) * g
        v = b2 * s.exp_avg_sq + (1 - b2) * (g * g)
        state = {"exp_avg": m, "exp_avg_sq": v}
        if h.amsgrad:
            state["max_exp_avg_sq"] = v = np.maximum(s.max_exp_avg_sq, v)
        # sqrt(v / c) is sqrt(v) / sqrt(c), and a number is divided faster than an array.
        root = (1 - b2**h.t) ** 0.5
        return p - h.lr * root / (1 - b1**h.t) * m / (np.sqrt(v) + h.eps * root), state


class AdamW(Adam):
    """Adam with a decay of the weights that does not pass through m and v: w <- w - lr * weight_decay * w."""

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize, decoupled_weight_decay=True)


def decayed(p: Any, g: Any, h: Any) -> tuple[Any, Any]:
    """Weight decay as a part of the gradient, or beside it: of the parameter itself."""
    if not h.weight_decay:
        return p, g
    return (p * (1 - h.lr * h.weight_decay), g) if h.decoupled_weight_decay else (p, g + h.weight_decay * p)
