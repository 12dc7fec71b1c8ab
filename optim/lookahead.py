"""Lookahead: slow weights that follow an optimizer, and that it begins again from every few steps.

It stands wherever an optimizer stands: the groups are those of the optimizer inside, so whatever reads or changes
hyper-parameters there (schedules, users) reaches both. Of the rule inside it knows only that it may be moved between steps.
"""

from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np

from autograd import ShapeError, external, no_grad
from autograd.graph import modes
from autograd.tensor import constant

from .lbfgs import LBFGS
from .optimizer import Optimizer, copied


class Lookahead(Optimizer):
    """k steps forward, one step back (Zhang et al. 2019): fast weights w by any optimizer, slow weights s by

        s <- s + alpha (w - s), w <- s      after every k steps.

    The slow weights begin as the weights before the first step. The state inside (momentum ...) goes on. `alpha` and `k` are
    attributes, and may be changed between steps.

    >>> from autograd import Tensor
    >>> from optim import SGD
    >>> w = Tensor([0.0])
    >>> optimizer = Lookahead(SGD([w], lr=1.0), k=2, alpha=0.5)
    >>> for _ in range(4):
    ...     w.grad = np.array([-1.0])
    ...     optimizer.step()
    ...     print(w.item())
    1.0
    1.0
    2.0
    2.0
    """

    def __init__(self, optimizer: Optimizer, k: int = 5, alpha: float = 0.5) -> None:
        kind: Any = type(optimizer)
        if not issubclass(kind, Optimizer):
            hint = ": make one, as in Lookahead(SGD(parameters, lr=0.1))" if kind is type else ""
            name = getattr(optimizer, "__name__", kind.__name__)
            raise TypeError(f"Lookahead goes around an optimizer, and got {name}{hint}")
        if isinstance(optimizer, LBFGS):
            raise TypeError("Lookahead moves the weights, and LBFGS concludes from where its last step ended: use another rule")
        self.optimizer = optimizer
        self.k, self.alpha = k, alpha
        self._settings()
        self.state = {}
        self._count = constant(0.0)
        self._share()

    def _share(self) -> None:
        """What both have in common: the same objects, which neither replaces."""
        inside = self.optimizer
        self.defaults, self.param_groups, self.accumulate = inside.defaults, inside.param_groups, inside.accumulate
        self._names = inside._names
        vars(self)["_schedules"] = vars(inside).setdefault("_schedules", [])

    def _settings(self) -> None:
        """k and alpha, which anybody may have changed, are found right."""
        if isinstance(self.k, bool) or not isinstance(self.k, (int, np.integer)) or self.k < 1:
            raise ValueError(f"Lookahead: k is a whole number of steps, at least 1, and not {self.k!r}")
        if not 0 <= self.alpha <= 1:
            raise ValueError(f"Lookahead: alpha is from 0 to 1, and not {self.alpha!r}")

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """Adds a group to the optimizer inside. Its slow weights begin as the weights before the next step."""
        self.optimizer.add_param_group(group)

    # --- a step ------------------------------------------------------------------------------------------------------------

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """A step of the optimizer inside; after every k-th the slow weights follow, and become the weights."""
        self._settings()
        fresh = {p: {"slow": constant(copied(p))} for p in self._moving() if p not in self.state}
        self.optimizer.accumulate = self.accumulate
        loss = self.optimizer.step(closure)
        self.state.update(fresh)  # a step that raises was none
        with no_grad():
            if modes.recorder is not None:
                self._follow_recorded()
            else:
                self._follow_now()
        return loss

    def _moving(self) -> list[Any]:
        return [p for group in self.param_groups for p in group["params"] if p.node is not None]

    def _follow_now(self) -> None:
        count = self._count._raw + 1.0
        self._count.data = count
        if count % self.k == 0:
            for p in self._moving():
                slow = self.state[p]["slow"]
                slow._raw = _toward(slow._raw, p._raw, float(self.alpha))
                p._raw, p.sharing = copied(slow), None

    def _follow_recorded(self) -> None:
        """The same on Tensors, where the count decides at every run."""
        k = external("lookahead.k", lambda: float(self.k))
        alpha = external("lookahead.alpha", lambda: float(self.alpha))
        count = self._count + 1.0
        self._count.data = count
        due = np.remainder(count, k) == 0
        for p in self._moving():
            slow = self.state[p]["slow"]
            slow.data = np.where(due, _toward(slow, p, alpha), slow)
            p.data = np.where(due, slow, p)

    # --- state -------------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """The state_dict of the optimizer inside, and under "lookahead" slow weights, count, k and alpha; copies."""
        params = [p for group in self.param_groups for p in group["params"]]
        slow = {i: np.array(self.state[p]["slow"]._raw) for i, p in enumerate(params) if p in self.state}
        own = {"step": int(self._count.item()), "k": int(self.k), "alpha": float(self.alpha), "slow": slow}
        return {**self.optimizer.state_dict(), "lookahead": own}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Takes a state_dict; an error, and nothing changed, if it is of other parameters or of an optimizer alone."""
        if "lookahead" not in state_dict:
            raise KeyError(
                "this state_dict is of an optimizer without Lookahead: load it into the optimizer inside, lookahead.optimizer"
            )
        own = state_dict["lookahead"]
        params = [p for group in self.param_groups for p in group["params"]]
        numbers = [i for group in state_dict["param_groups"] for i in group["params"]]
        slow = [(p, own["slow"][i]) for p, i in zip(params, numbers, strict=False) if i in own["slow"]]
        for p, value in slow:
            if np.shape(value) != p.shape:
                raise ShapeError(
                    f"{self._title(p)} has shape {p.shape}, and its slow weights in this state_dict {np.shape(value)}"
                )
        self.optimizer.load_state_dict({name: value for name, value in state_dict.items() if name != "lookahead"})
        self.state = {p: {"slow": constant(_as(value, p._raw))} for p, value in slow}
        self.k, self.alpha = own["k"], own["alpha"]
        self._count.data = float(own["step"])

    def __copy__(self) -> Self:
        """A Lookahead around a copy of the optimizer, with slow weights of its own."""
        other = object.__new__(type(self))
        vars(other).update(vars(self))
        other.optimizer = self.optimizer.__copy__()
        other.state = {p: {"slow": constant(copied(state["slow"]))} for p, state in self.state.items()}
        other._count = constant(self._count._raw)
        other._share()
        other.accumulate = self.accumulate
        return other

    def __repr__(self) -> str:
        return f"Lookahead(k={self.k}, alpha={self.alpha}) of {self.optimizer!r}"


def _toward(slow: Any, fast: Any, alpha: Any) -> Any:
    return slow + alpha * (fast - slow)


def _as(value: Any, raw: Any) -> Any:
    """A copy in the kind of a raw value."""
    return float(value) if type(raw) is float else np.array(value, raw.dtype)
