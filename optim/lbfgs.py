"""LBFGS: a quasi-Newton direction from the last steps and changes of the gradient, with a strong Wolfe line search.

It looks at values, evaluates the loss several times a step, and takes all parameters as one vector: so it has a step of its
own, with a closure. For full batches.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from types import SimpleNamespace
from typing import Any, ClassVar, NamedTuple

import numpy as np

from autograd import RecordingError, Tensor, enable_grad
from autograd.graph import modes

from .optimizer import Optimizer, State, gradient

Evaluate = Callable[[float], "Point"]

DECREASE, CURVATURE = 1e-4, 0.9  # the two Wolfe conditions: the loss falls enough, and its slope has become flat enough


class Point(NamedTuple):
    """A place on the line that is searched: how far, the loss, the gradient, and the slope along the line."""

    t: float
    loss: float
    gradient: Any
    slope: float


class LBFGS(Optimizer):
    """w <- w + t d, d = -H g, H the inverse Hessian that the last `history_size` steps and changes of g suggest.

    A step makes up to `max_iter` iterations, with up to `max_eval` calls of the closure, which clears the gradients, computes
    the loss, calls backward() and returns the loss. t is `lr`, or with line_search_fn="strong_wolfe" what the search finds
    from there.

    >>> import autograd
    >>> w = autograd.Tensor([3.0, -2.0])
    >>> optimizer = LBFGS([w], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = ((w - 1) ** 2).sum()
    ...     loss.backward()
    ...     return loss
    >>> optimizer.step(closure).item(), closure().item() < 1e-20
    (13.0, True)
    """

    elementwise = False
    limits: ClassVar = {"history_size": ("a whole number from 1 on", lambda n: isinstance(n, int) and n >= 1)}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        if line_search_fn not in (None, "strong_wolfe"):
            raise ValueError(f"LBFGS: line_search_fn is 'strong_wolfe' or None, not {line_search_fn!r}")
        super().__init__(
            params,
            {
                "lr": lr,
                "max_iter": max_iter,
                "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
                "tolerance_grad": tolerance_grad,
                "tolerance_change": tolerance_change,
                "history_size": history_size,
                "line_search_fn": line_search_fn,
            },
        )

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """The one group: all parameters are one vector here."""
        if self.param_groups:
            raise ValueError("LBFGS has one group only: all parameters are one vector, with one length of step")
        super().add_param_group(group)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Minimises for some iterations, and returns the loss from before the first."""
        if closure is None:
            raise TypeError("LBFGS.step needs a closure, which computes the loss again, calls backward() and returns the loss")
        if modes.recorder is not None:
            raise RecordingError("LBFGS decides by the values of the loss, so its step cannot be recorded: record the closure")
        (group,) = self.param_groups
        h = SimpleNamespace(**self._hyper(group))
        state = self.state.setdefault(group["params"][0], {"step": 0, "func_evals": 0})
        with enable_grad():
            loss = closure()
        state["func_evals"] += 1
        self._ready()
        here = Point(0.0, float(loss), self._gradients(), 0.0)
        evaluations, last = 1, state["func_evals"] - 1 + h.max_eval
        for i in range(1, h.max_iter + 1):
            if abs(here.gradient).max(initial=0.0) <= h.tolerance_grad:
                break
            d = self._direction(state, here.gradient, h)
            here = here._replace(t=0.0, slope=float(here.gradient @ d))
            if here.slope > -h.tolerance_change:
                break
            t = h.lr * (min(1.0, 1.0 / float(abs(here.gradient).sum())) if state["step"] == 1 else 1.0)
            there, evaluations = self._move(closure, here, d, t, last - state["func_evals"], i == h.max_iter, h)
            state.update(d=d, t=there.t, prev_flat_grad=here.gradient, func_evals=state["func_evals"] + evaluations)
            small = abs(there.t * d).max() <= h.tolerance_change or abs(there.loss - here.loss) < h.tolerance_change
            here = there
            if state["func_evals"] >= last or small:
                break
        return loss

    def _fitting(self, p: Tensor, name: str, value: Any) -> Any:
        """State of a state_dict, which is of all parameters together; a file gives a number as an array."""
        return np.array(value) if np.ndim(value) else np.asarray(value).item()

    def _direction(self, state: State, g: Any, h: Any) -> Any:
        """The way down from here; the memory learns the last step first."""
        state["step"] += 1
        if state["step"] == 1:
            state.update(H_diag=1.0, steps=np.empty((0, g.size), g.dtype), changes=np.empty((0, g.size), g.dtype))
            return -g
        change, step = g - state["prev_flat_grad"], state["t"] * state["d"]
        curvature = float(change @ step)
        if curvature > 1e-10:
            state["steps"] = np.vstack([state["steps"], step])[-h.history_size :]
            state["changes"] = np.vstack([state["changes"], change])[-h.history_size :]
            state["H_diag"] = curvature / float(change @ change)
        return -product(g, state["steps"], state["changes"], state["H_diag"])

    def _move(self, closure: Any, here: Point, d: Any, t: float, budget: int, is_last: bool, h: Any) -> tuple[Point, int]:
        """The next point, and how often the loss was computed for it."""
        x = np.concatenate([np.ravel(p._raw) for p in self.param_groups[0]["params"]])

        def at(t: float) -> Point:
            self._place(x + t * d)
            with enable_grad():
                loss = float(closure())
            g = self._gradients()
            return Point(t, math.inf if math.isnan(loss) else loss, g, float(g @ d))

        if h.line_search_fn is None:
            if is_last:  # where it ends, nobody asks for the loss
                self._place(x + t * d)
                return here._replace(t=t), 0
            return at(t), 1
        there, evaluations = strong_wolfe(at, here, t, budget, float(abs(d).max()), h.tolerance_change)
        self._place(x + there.t * d)
        return there, evaluations

    def _gradients(self) -> Any:
        """All gradients, as one vector; none is zero."""
        return np.concatenate(
            [
                np.zeros(p.size, p.dtype) if p.node is None or p.node.grad is None else np.ravel(gradient(p))
                for p in self.param_groups[0]["params"]
            ]
        )

    def _place(self, x: Any) -> None:
        """Gives every parameter its part of a vector."""
        start = 0
        for p in self.param_groups[0]["params"]:
            part = x[start : start + p.size]
            start += p.size
            if p.node is not None:
                p._raw = float(part[0]) if isinstance(p._raw, float) else part.reshape(p.shape).astype(p.dtype)
                p.sharing = None


def product(g: Any, steps: Any, changes: Any, scale: float) -> Any:
    """H g, by the two loops: H is scale * I, corrected by each pair of step s and change y so that H y = s."""
    weights = []
    for s, y in zip(steps[::-1], changes[::-1], strict=True):
        weights.append(float(s @ g) / float(s @ y))
        g = g - weights[-1] * y
    g = scale * g
    for s, y, weight in zip(steps, changes, weights[::-1], strict=True):
        g = g + (weight - float(y @ g) / float(s @ y)) * s
    return g


def strong_wolfe(at: Evaluate, start: Point, t: float, limit: int, size: float, tolerance: float) -> tuple[Point, int]:
    """A point where the loss has fallen enough and is flat enough, and how often `at` was called (Nocedal and Wright, 3.5).

    First it goes further until such a point lies in between, then it closes in. `size` is the largest element of the
    direction: brackets that move no parameter by more than `tolerance` are left.
    """

    def too_high(point: Point) -> bool:
        return point.loss > start.loss + DECREASE * point.t * start.slope

    def flat(point: Point) -> bool:
        return abs(point.slope) <= -CURVATURE * start.slope

    before, point = start, at(t)
    calls = 1
    while True:
        if calls > limit:
            return (start if start.loss <= point.loss else point), calls
        if too_high(point) or (calls > 2 and point.loss >= before.loss):
            break
        if flat(point):
            return point, calls
        if point.slope >= 0:
            break
        further = (point.t + 0.01 * (point.t - before.t), point.t * 10)
        before, point = point, at(lowest(before, point, *further))
        calls += 1
    low, high = (before, point) if before.loss <= point.loss else (point, before)
    stuck = False
    while calls <= limit and abs(high.t - low.t) * size >= tolerance:
        left, right = sorted((low.t, high.t))
        t, edge = lowest(low, high, left, right), 0.1 * (right - left)
        near = min(right - t, t - left) < edge
        if near and (stuck or not left < t < right):  # a second time at an edge: the cubic is of no use
            t = right - edge if right - t < t - left else left + edge
            near = False
        stuck = near
        point = at(t)
        calls += 1
        if too_high(point) or point.loss >= low.loss:
            low, high = (low, point) if low.loss <= point.loss else (point, low)
        else:
            if flat(point):
                return point, calls
            if point.slope * (high.t - low.t) >= 0:
                high = low
            low = point
    return low, calls


def lowest(a: Point, b: Point, left: float, right: float) -> float:
    """Where the cubic through two points with their slopes is lowest, within bounds; their middle if it is so nowhere."""
    a, b = sorted((a, b), key=lambda point: point.t)
    with np.errstate(all="ignore"):
        mean = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
        square = mean * mean - a.slope * b.slope
    if not (math.isfinite(square) and square >= 0):
        return (left + right) / 2
    root = math.sqrt(square)
    divisor = b.slope - a.slope + 2 * root
    if divisor == 0:
        return (left + right) / 2
    return min(max(b.t - (b.t - a.t) * ((b.slope + root - mean) / divisor), left), right)
