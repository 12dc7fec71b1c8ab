"""Resilient propagation: only the sign of the gradient counts, and each element has a step of its own."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from .optimizer import Optimizer, State


class Rprop(Optimizer):
    """w <- w - sign(g) * d; d grows by etas[1] where g keeps its sign, and shrinks by etas[0] where it turns.

    Where it turns, no step is taken. d starts at `lr`, which counts for nothing afterwards, and stays within `step_sizes`.
    For full batches: the noise of small ones turns signs all the time.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        maximize: bool = False,
    ) -> None:
        if not 0 < etas[0] < 1 < etas[1]:
            raise ValueError(f"Rprop: etas are a factor between 0 and 1 and one above 1, not {tuple(etas)}")
        super().__init__(
            params,
            {
                "lr": lr,
                "etas": tuple(etas),
                "step_sizes": tuple(step_sizes),
                "maximize": maximize,
            },
        )

    def start(self, p: Any, h: Any) -> State:
        return {"prev": np.zeros_like(p), "step_size": np.full_like(p, h.lr)}

    def update(self, p: Any, g: Any, s: Any, h: Any) -> tuple[Any, State]:
        (shrink, grow), (least, most) = h.etas, h.step_sizes
        turned, d = g * s.prev, s.step_size
        d = np.where(turned > 0, grow * d, np.where(turned < 0, shrink * d, d))
        d = np.minimum(np.maximum(d, least), most)
        g = np.where(turned < 0, 0, g)
        return p - np.sign(g) * d, {"prev": g, "step_size": d}
