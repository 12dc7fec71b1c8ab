"""LAMB: Adam's direction, with a step as long as the parameter is large, for very large batches."""

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from .adafactor import rms
from .optimizer import FRACTION, Optimizer, State


class LAMB(Optimizer):
    """r = m^ / (sqrt(v^) + eps) + weight_decay * w; w <- w - lr * |w| / |r| * r, with m^ and v^ of Adam.

    |.| is the Euclidean norm over the whole parameter; where |w| is 0 the step is lr * r (You et al. 2019, "Large Batch
    Optimization for Deep Learning").
    """

    elementwise = False
    limits: ClassVar = {"betas": FRACTION}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-6,
        weight_decay: float = 1e-2,
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
        return {"exp_avg": np.zeros_like(p), "exp_avg_sq": np.zeros_like(p)}

    def update(self, p: Any, g: Any, s: Any, h: Any) -> tuple[Any, State]:
        b1, b2 = h.betas
        m = b1 * s.exp_avg + (1 - b1) * g
        v = b2 * s.exp_avg_sq + (1 - b2) * (g * g)
        root = (1 - b2**h.t) ** 0.5
        r = root / (1 - b1**h.t) * m / (np.sqrt(v) + h.eps * root)
        if h.weight_decay:
            r = r + h.weight_decay * p
        size, length = rms(p), rms(r)  # whose ratio is that of the norms; a sum of squares soon is too large for float16
        trust = np.where(size > 0, size / np.where(length > 0, length, 1), 1)
        return p - h.lr * trust * r, {"exp_avg": m, "exp_avg_sq": v}
