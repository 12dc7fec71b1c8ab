"""Relatives of Adam: Adamax with a maximum for the mean square, NAdam that looks ahead, RAdam with a cautious start."""

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from .adam import decayed
from .optimizer import FRACTION, Optimizer, State


class Adamax(Optimizer):
    """m <- b1 m + (1 - b1) g; u <- max(b2 u, |g| + eps); w <- w - lr / (1 - b1^t) * m / u.

    `weight_decay` adds weight_decay * w to g.
    """

    limits: ClassVar = {"betas": FRACTION}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": tuple(betas),
                "eps": eps,
                "weight_decay": weight_decay,
                "maximize": maximize,
            },
        )

    def start(self, p: Any, h: Any) -> State:
        return {"exp_avg": np.zeros_like(p), "exp_inf": np.zeros_like(p)}

    def update(self, p: Any, g: Any, s: Any, h: Any) -> tuple[Any, State]:
        b1, b2 = h.betas
        if h.weight_decay:
            g = g + h.weight_decay * p
        m = b1 * s.exp_avg + (1 - b1) * g
        u = np.maximum(b2 * s.exp_inf, np.abs(g) + h.eps)
        return p - h.lr / (1 - b1**h.t) * m / u, {"exp_avg": m, "exp_inf": u}


class NAdam(Optimizer):
    """w <- w - lr * ((1 - mu_t) / (1 - M_t) g + mu_t+1 / (1 - M_t mu_t+1) m) / (sqrt(v^) + eps), m and v as in Adam.

    mu_t = b1 (1 - 0.96^(t momentum_decay) / 2) is the momentum of step t, and M_t the product of all so far.
    `weight_decay` adds weight_decay * w to g, or with `decoupled_weight_decay` takes lr * weight_decay * w from w.
    """

    limits: ClassVar = {"betas": FRACTION}
    numbers = frozenset({"mu_product"})

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": tuple(betas),
                "eps": eps,
                "weight_decay": weight_decay,
                "momentum_decay": momentum_decay,
                "decoupled_weight_decay": decoupled_weight_decay,
                "maximize": maximize,
            },
        )

    def start(self, p: Any, h: Any) -> State:
        return {"mu_product": 1.0, "exp_avg": np.zeros_like(p), "exp_avg_sq": np.zeros_like(p)}

    def update(self, p: Any, g: Any, s: Any, h: Any) -> tuple[Any, State]:
        b1, b2 = h.betas
        p, g = decayed(p, g, h)
        mu = b1 * (1 - 0.5 * 0.96 ** (h.t * h.momentum_decay))
        following = b1 * (1 - 0.5 * 0.96 ** ((h.t + 1) * h.momentum_decay))
        product = s.mu_product * mu
        m = b1 * s.exp_avg + (1 - b1) * g
        v = b2 * s.exp_avg_sq + (1 - b2) * (g * g)
        ahead = (1 - mu) / (1 - product) * g + following / (1 - product * following) * m
        root = (1 - b2**h.t) ** 0.5
        y = p - h.lr * root * ahead / (np.sqrt(v) + h.eps * root)
        return y, {"mu_product": product, "exp_avg": m, "exp_avg_sq": v}


class RAdam(Optimizer):
    """w <- w - lr * r * m^ / (sqrt(v^) + eps) once rho_t > 5, and before it w <- w - lr * m^; m and v as in Adam.

    rho_t = rho - 2 t b2^t / (1 - b2^t), with rho = 2 / (1 - b2) - 1, says how many gradients v stands on, and
    r^2 = (rho_t - 4) (rho_t - 2) rho / ((rho - 4) (rho - 2) rho_t) how far it can be trusted. `weight_decay` adds
    weight_decay * w to g, or with `decoupled_weight_decay` takes lr * weight_decay * w from w.
    """

    limits: ClassVar = {"betas": FRACTION}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": tuple(betas),
                "eps": eps,
                "weight_decay": weight_decay,
                "decoupled_weight_decay": decoupled_weight_decay,
                "maximize": maximize,
            },
        )

    def start(self, p: Any, h: Any) -> State:
        return {"exp_avg": np.zeros_like(p), "exp_avg_sq": np.zeros_like(p)}

    def update(self, p: Any, g: Any, s: Any, h: Any) -> tuple[Any, State]:
        b1, b2 = h.betas
        p, g = decayed(p, g, h)
        m = b1 * s.exp_avg + (1 - b1) * g
        v = b2 * s.exp_avg_sq + (1 - b2) * (g * g)
        correction = 1 - b2**h.t
        longest = 2 / (1 - b2) - 1
        length = longest - 2 * h.t * b2**h.t / correction
        trusted = length > 5
        # Where v is not trusted yet, the first factor is 0, the divisor at least 1, and m is taken as it is.
        trust = trusted * (length - 4) * (length - 2) * longest / (((longest - 4) * (longest - 2) - 1) * trusted + 1) / length
        d = (trust * correction) ** 0.5 * m / (np.sqrt(v) + (h.eps + (1 - trusted))) + (1 - trusted) * m
        return p - h.lr / (1 - b1**h.t) * d, {"exp_avg": m, "exp_avg_sq": v}
