"""Muon: the momentum of a matrix, made orthogonal, so that every direction in it counts the same."""

import math
from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from autograd import ShapeError, Tensor

from .optimizer import ANY, Optimizer, State


class Muon(Optimizer):
    """v <- momentum * v + (1 - momentum) * g; w <- w - lr * weight_decay * w - lr * scale * orthogonal(v).

    `nesterov` takes (1 - momentum) * g + momentum * v instead of v. For matrices only, those between layers: take another
    optimizer for the rest. scale is sqrt(max(1, rows / columns)), or 0.2 sqrt(max(rows, columns)) with
    adjust_lr_fn="match_rms_adamw", whose rates are AdamW's. Computed in the parameter's dtype (PyTorch's takes bfloat16).
    """

    elementwise = False
    limits: ClassVar = {"ns_coefficients": ANY}
    counts = frozenset({"ns_steps"})

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.7750, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(f"Muon: adjust_lr_fn is 'original' or 'match_rms_adamw', not {adjust_lr_fn!r}")
        super().__init__(
            params,
            {
                "lr": lr,
                "weight_decay": weight_decay,
                "momentum": momentum,
                "nesterov": nesterov,
                "ns_coefficients": tuple(ns_coefficients),
                "eps": eps,
                "ns_steps": ns_steps,
                "adjust_lr_fn": adjust_lr_fn,
            },
        )

    def _checked(self, item: Any, names: dict[int, str]) -> Tensor:
        p = super()._checked(item, names)
        if p.ndim != 2:
            raise ShapeError(f"Muon is for matrices, and {names[id(p)]} has shape {p.shape}: give the others to AdamW, say")
        return p

    def start(self, p: Any, h: Any) -> State:
        return {"momentum_buffer": np.zeros_like(p)}

    def update(self, p: Any, g: Any, s: Any, h: Any) -> tuple[Any, State]:
        v = h.momentum * s.momentum_buffer + (1 - h.momentum) * g
        u = orthogonal((1 - h.momentum) * g + h.momentum * v if h.nesterov else v, h)
        rows, columns = p.shape
        scale = 0.2 * math.sqrt(max(p.shape)) if h.adjust_lr_fn == "match_rms_adamw" else math.sqrt(max(1, rows / columns))
        if h.weight_decay:
            p = p * (1 - h.lr * h.weight_decay)
        return p - h.lr * scale * u, {"momentum_buffer": v}


def orthogonal(x: Any, h: Any) -> Any:
    """Near U V^T of the singular value decomposition U S V^T of x: x <- a x + (b x x^T + c (x x^T)^2) x brings S near 1.

    The coefficients raise small singular values fast, and leave all between 0.7 and 1.2 or so.
    """
    a, b, c = h.ns_coefficients
    wide = x if x.shape[0] <= x.shape[1] else x.T
    wide = wide / np.maximum(np.sqrt((wide * wide).sum()), h.eps)
    for _ in range(h.ns_steps):
        square = wide @ wide.T
        wide = a * wide + (b * square + c * (square @ square)) @ wide
    return wide if x.shape[0] <= x.shape[1] else wide.T
