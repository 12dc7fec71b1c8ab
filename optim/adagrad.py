"""Rates for each element from the squares of its gradients: Adagrad, and what came of it, Adadelta and RMSprop."""

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from .optimizer import Optimizer, State


class Adagrad(Optimizer):
    """s <- s + g^2; w <- w - lr / (1 + (t - 1) lr_decay) * g / (sqrt(s) + eps).

    `weight_decay` adds weight_decay * w to g. The sum s starts at `initial_accumulator_value`.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "lr_decay": lr_decay,
                "weight_decay": weight_decay,
                "initial_accumulator_value": initial_accumulator_value,
                "eps": eps,
                "maximize": maximize,
            },
        )

    def leaves_alone(self, h: Any) -> bool:
        return not h.weight_decay and bool(h.eps)

    def start(self, p: Any, h: Any) -> State:
        return {"sum": np.full_like(p, h.initial_accumulator_value)}

    def update(self, p: Any, g: Any, s: Any, h: Any) -> tuple[Any, State]:
        if h.weight_decay:
            g = g + h.weight_decay * p
        total = s.sum + g * g
        return p - h.lr / (1 + (h.t - 1) * h.lr_decay) * g / (np.sqrt(total) + h.eps), {"sum": total}


class Adadelta(Optimizer):
    """v <- rho v + (1 - rho) g^2; d = sqrt(u + eps) / sqrt(v + eps) * g; u <- rho u + (1 - rho) d^2; w <- w - lr * d.

    The step has the unit of w, by u, the running mean of the squares of steps. `weight_decay` adds weight_decay * w to g.
    """

    limits: ClassVar = {"rho": ("from 0 to 1", lambda rho: 0 <= rho <= 1)}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "rho": rho,
                "eps": eps,
                "weight_decay": weight_decay,
                "maximize": maximize,
            },
        )

    def start(self, p: Any, h: Any) -> State:
        return {"square_avg": np.zeros_like(p), "acc_delta": np.zeros_like(p)}

    def update(self, p: Any, g: Any, s: Any, h: Any) -> tuple[Any, State]:
        if h.weight_decay:
            g = g + h.weight_decay * p
        v = h.rho * s.square_avg + (1 - h.rho) * (g * g)
        d = np.sqrt(s.acc_delta + h.eps) / np.sqrt(v + h.eps) * g
        u = h.rho * s.acc_delta + (1 - h.rho) * (d * d)
        return p - h.lr * d, {"square_avg": v, "acc_delta": u}


class RMSprop(Optimizer):
    """v <- alpha v + (1 - alpha) g^2; w <- w - lr * g / (sqrt(v) + eps).

    `centered` divides by the standard deviation: sqrt(v - a^2) with a the running mean of g. `momentum` adds up the steps:
    b <- momentum * b + g / (sqrt(v) + eps); w <- w - lr * b. `weight_decay` adds weight_decay * w to g.
    """

    limits: ClassVar = {"alpha": ("from 0 to 1", lambda alpha: 0 <= alpha <= 1)}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "alpha": alpha,
                "eps": eps,
                "weight_decay": weight_decay,
                "momentum": momentum,
                "centered": centered,
                "maximize": maximize,
            },
        )

    def start(self, p: Any, h: Any) -> State:
        kept = {"square_avg": True, "momentum_buffer": h.momentum, "grad_avg": h.centered}
        return {name: np.zeros_like(p) for name, wanted in kept.items() if wanted}

    def update(self, p: Any, g: Any, s: Any, h: Any) -> tuple[Any, State]:
        if h.weight_decay:
            g = g + h.weight_decay * p
        v = h.alpha * s.square_avg + (1 - h.alpha) * (g * g)
        state = {"square_avg": v}
        if h.centered:
            state["grad_avg"] = mean = h.alpha * s.grad_avg + (1 - h.alpha) * g
            v = np.maximum(v - mean * mean, 0)  # a constant gradient has no variance, and rounding may make it negative
        d = g / (np.sqrt(v) + h.eps)
        if h.momentum:
            state["momentum_buffer"] = d = h.momentum * s.momentum_buffer + d
        return p - h.lr * d, state
