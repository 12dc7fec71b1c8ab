"""Differential equations: `odeint`, with gradients by the adjoint equation; and the trapezoidal rule under SciPy's name.

The gradient of a solution is the solution of another differential equation, backwards in time. It is solved by `odeint`
again, so it has gradients itself. Stands on transforms and on rule; SciPy solves the equations, in plain NumPy.
"""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np

from .errors import DtypeError, GradientError, NoRuleError, RecordingError, ShapeError
from .graph import mode, modes
from .ops.signal import trapezoid
from .rule import rule, sample
from .tensor import Tensor, bare, is_array
from .transforms import jvp, vjp
from .tree import leaves, rebuild

__all__ = ["odeint", "trapezoid"]

Flow = Callable[..., Any]  # (state, time, *values) -> the derivative of the state with respect to time

# Options of the solver that hold for the equation itself and not for the adjoint one, whose state is longer.
OF_THE_EQUATION = ("Dfun", "col_deriv", "ml", "mu")


def odeint(
    func: Flow,
    y0: Any,
    t: Any,
    args: Any = (),
    Dfun: Callable[..., Any] | None = None,
    *,
    full_output: bool = False,
    tfirst: bool = False,
    **options: Any,
) -> Any:
    """The solution of dy/dt = func(y, t, *args) that starts at y0 at time t[0], at the times t: an array (times, states).

    As `scipy.integrate.odeint`, which solves it, and takes the other options (rtol, atol, mxstep ...). The gradient goes to
    y0, t and every number and array in args, by the adjoint equation, which is solved with the same options: the precision of
    a gradient is that of `rtol` and `atol`. `func` gets plain values, or Tensors while a gradient is computed; it may return
    a list. A Tensor that it takes from elsewhere would lose its gradient, and is an error: pass it in args.

    >>> from autograd import Tensor
    >>> rate = Tensor(-2.0)
    >>> y = odeint(lambda y, t, rate: rate * y, [1.0], [0.0, 1.0], (rate,), rtol=1e-10, atol=1e-10)
    >>> y[-1, 0].backward()  # y = exp(rate t), and so its derivative at t = 1
    >>> y.detach()[-1].round(6), rate.grad.round(6)
    (Tensor([0.135335]), Tensor(0.135335))
    """
    if full_output:
        raise NoRuleError("odeint: full_output=True returns a report with no derivative: call scipy.integrate.odeint for it")
    given = args if isinstance(args, tuple) else (args,)
    values = [leaf for leaf in leaves(given) if _is_value(leaf)]
    flow = _flow_of(func, given, tfirst)
    if Dfun is not None:
        options["Dfun"] = _flow_of(Dfun, given, tfirst)
    y0, t = (v if isinstance(v, Tensor) else np.asarray(bare(v)) for v in (y0, t))
    _refuse_unfit(y0, t, values, options)
    return _solution(flow, y0, t, values, options)


def _is_value(leaf: Any) -> bool:
    """Whether an entry of args may have a gradient. Whole numbers, names and functions stay as they are."""
    return isinstance(leaf, (float, complex, Tensor)) or (is_array(leaf) and leaf.dtype.kind in "biufc")


def _flow_of(func: Callable[..., Any], args: tuple[Any, ...], tfirst: bool) -> Flow:
    """The function with its arguments laid out flat, and with the state first."""
    fixed = [None if _is_value(leaf) else leaf for leaf in leaves(args)]
    places = [_is_value(leaf) for leaf in leaves(args)]
    skeleton = rebuild(args, iter(range(len(places))))  # holds no array, and no graph

    def flow(state: Any, time: Any, *values: Any) -> Any:
        rest = iter(values)
        full = rebuild(skeleton, iter([next(rest) if moves else leaf for moves, leaf in zip(places, fixed, strict=True)]))
        return func(time, state, *full) if tfirst else func(state, time, *full)

    return flow


def _refuse_unfit(y0: Any, t: Any, values: list[Any], options: dict[str, Any]) -> None:
    if np.ndim(y0) > 1 or np.ndim(t) != 1:
        raise ShapeError(
            f"odeint: y0 of shape {np.shape(y0)} and t of shape {np.shape(t)} must have one axis each. Solve for "
            "y0.reshape(-1), and reshape the state inside func"
        )
    moving = [v for v in (y0, t, *values) if isinstance(v, Tensor) and v.requires_grad]
    if any(np.iscomplexobj(v) for v in (y0, t, *moving)):
        raise DtypeError("odeint works with real states, times and parameters: pass the real and the imaginary part as two")
    if moving and options.get("tcrit") is not None:
        raise NoRuleError("odeint has no gradient with tcrit=: integrate in pieces, from one critical time to the next")


def _linear(y: Any, t: Any, rate: Any) -> Any:
    return rate @ y + 0.1 * t


def _pendulum(y: Any, t: Any, length: Any) -> Any:
    return [y[1], -np.sin(y[0]) / length - 0.1 * t * y[1]]


_EXACT = (("rtol", 1e-12), ("atol", 1e-12))
_TIMES = np.array([0.0, 0.4, 1.1])


def _as_array(x: Any) -> Any:
    return x if isinstance(x, Tensor) else np.asarray(x)


def _as_row(slope: Any) -> Any:
    """What `func` returned, as one array with one axis."""
    if isinstance(slope, (list, tuple)):
        return np.concatenate([_as_row(part) for part in slope])
    return _as_array(slope).reshape(-1)


class Equation:
    """dy/dt = flow(y, t, *values) with the options of its solver; `wanted` says which of y0, t and the values have a gradient.

    It keeps its last solution, for the backward pass that comes after it.
    """

    def __init__(self, flow: Flow, wanted: tuple[bool, ...], options: tuple[tuple[str, Any], ...] = ()) -> None:
        self.flow = flow
        self.wanted = wanted
        self.options = options
        self._last: tuple[list[Any], Any] | None = None

    def __repr__(self) -> str:
        return getattr(self.flow, "__name__", type(self.flow).__name__)

    def solve(self, y0: Any, t: Any, values: Any) -> Any:
        """The solution at the times, one row for each, in double precision."""
        y = _solved(self.flow, y0, t, values, dict(self.options))
        self._last = ([np.array(x) for x in (y0, t, *values)], y)
        return y

    def solved(self, y0: Any, t: Any, values: Any) -> Any:
        """The same, without the work if it was the last thing asked for."""
        last = self._last
        if last is not None and all(map(np.array_equal, last[0], (y0, t, *values))):
            return last[1]
        return self.solve(y0, t, values)

    def row(self, y: Any, t: Any, values: Any) -> Any:
        """The slope at one time."""
        return _as_row(self.flow(y, t, *values))

    def longer(self) -> dict[str, Any]:
        """The options for an equation with a longer state: of tolerances given for each element, the smallest."""
        kept = {name: value for name, value in self.options if name not in OF_THE_EQUATION}
        return {name: np.min(value) if name in ("rtol", "atol") and np.ndim(value) else value for name, value in kept.items()}


def _backwards(g: Any, y0: Any, t: Any, values: Any, equation: Equation) -> list[Any]:
    """The cotangents of y0, t and the values, of those that are wanted, from g, that of the solution.

    Let c be the cotangent of the state. Backwards in time, dc/dt = -c df/dy, and at each of the times t[i] the row g[i] is
    added. A value collects the integral of c df/dvalue. A time t[i] moves its own row, by f; and t[0] the whole solution.
    """
    y, options = equation.solved(y0, t, values), equation.longer()
    size, moving = y.shape[1], [x for x, wants in zip(values, equation.wanted[2:], strict=True) if wants]
    adjoint = _adjoint_flow(equation, values, size)
    rows, g_t = np.asarray(g, np.float64), np.zeros(len(t))
    c, sums = rows[-1], np.zeros(sum(map(np.size, moving)))
    for i in range(len(t) - 1, 0, -1):
        if equation.wanted[1]:
            g_t[i] = rows[i] @ equation.row(y[i], t[i], values)
        if c.any() and t[i] != t[i - 1]:
            back = _solved(adjoint, np.concatenate([y[i], c, sums]), t[[i, i - 1]], (), options)[-1]
            c, sums = back[size : 2 * size], back[2 * size :]
        if equation.wanted[1] and i == 1:
            g_t[0] = -c @ equation.row(y[0], t[0], values)
        c = c + rows[i - 1]
    parts = np.split(sums, np.cumsum([np.size(x) for x in moving])[:-1]) if moving else []
    return [c] * equation.wanted[0] + [g_t] * equation.wanted[1] + parts


def _adjoint_flow(equation: Equation, values: Any, size: int) -> Flow:
    """The time derivative of (state, its cotangent, the integrals that belong to the moving values)."""
    moving = [_wide(x) for x, wants in zip(values, equation.wanted[2:], strict=True) if wants]

    def adjoint(whole: Any, time: Any) -> Any:
        def forward(y: Any, *moved: Any) -> Any:
            return equation.row(y, time, _spread(moved, equation.wanted[2:], values))

        slope, pull = vjp(forward, whole[:size], *moving)
        return np.concatenate([slope, *(-np.ravel(pulled) for pulled in pull(whole[size : 2 * size]))])

    return adjoint


def _along(v: Any, y0: Any, t: Any, values: Any, equation: Equation) -> Any:
    """The tangent of the solution, from those of y0, t and the values, None for what does not move.

    It solves ds/dt = df/dy s + df/dvalue v beside the equation. Times move as they do in `_backwards`.
    """
    v_y0, v_t, *directions = _spread(v, equation.wanted, [None] * len(equation.wanted))
    y0 = y0.reshape(-1)
    s = np.zeros_like(y0) if v_y0 is None else v_y0.reshape(-1)
    if v_t is not None:
        s = s - v_t[0] * equation.row(y0, t[0], values)
    flow = _tangent_flow(equation, len(y0), [direction is not None for direction in directions])
    moving = [direction for direction in directions if direction is not None]
    both = _solution(flow, np.concatenate([y0, s]), t, [*values, *moving], equation.longer())
    y, s = both[:, : len(y0)], both[:, len(y0) :]
    if v_t is None:
        return s
    return s + np.stack([v_t[i] * equation.row(y[i], t[i], values) for i in range(len(t))])


def _tangent_flow(equation: Equation, size: int, moves: list[bool]) -> Flow:
    """The time derivative of (state, its tangent). The tangents of the values that move follow the values."""

    def tangent(whole: Any, time: Any, *both: Any) -> Any:
        values, directions = both[: len(moves)], both[len(moves) :]

        def forward(y: Any, *moved: Any) -> Any:
            return equation.row(y, time, _spread(moved, moves, values))

        moving = tuple(_wide(x) for x, moved in zip(values, moves, strict=True) if moved)
        return np.concatenate(jvp(forward, (whole[:size], *moving), (whole[size:], *directions)))

    return tangent


def _spread(parts: Any, places: Any, others: Any) -> tuple[Any, ...]:
    """The parts, in their order, at the places that are marked; at the rest, what stands there among the others."""
    rest = iter(parts)
    return tuple(next(rest) if marked else other for marked, other in zip(places, others, strict=True))


def _wide(x: Any) -> Any:
    """A value in double precision, which is the solver's."""
    return x if x.dtype == np.float64 else x.astype(np.float64)


def _pulled(g: Any, y0: Any, t: Any, values: Any, equation: Equation) -> tuple[Any, ...]:
    """The derivative of `solution`."""
    deep = any(isinstance(x, Tensor) and x.requires_grad for x in (y0, t, *values))
    found = solution_pull(g, y0, t, *values, equation=equation, deep=deep)
    return _spread(found, equation.wanted, [None] * len(equation.wanted))


def _pulled_twice(v: Any, g: Any, y0: Any, t: Any, values: Any, equation: Equation, deep: bool) -> tuple[Any, ...]:
    """The derivative of `solution_pull`. It is linear in g, as the tangent of the solution is in v: the one is the transpose
    of the other, and the product of g with the tangent is that of v with the cotangents."""
    inputs, nothing = (y0, t, *values), [None] * len(equation.wanted)
    if not deep:
        return _along(v, y0, t, values, equation), *nothing

    def along(*moved: Any) -> Any:
        y0, t, *values = _spread(moved, equation.wanted, inputs)
        return _along(v, y0, t, values, equation)

    tangent, pull = vjp(along, *(x for x, wants in zip(inputs, equation.wanted, strict=True) if wants))
    return tangent, *_spread(pull(g), equation.wanted, nothing)


@rule(
    vjp=lambda g, y0, t, values, equation: _pulled(g, y0, t, values, equation),
    host=True,
    samples=[
        sample((2,), _TIMES, (2, 2), equation=Equation(_linear, (True, True, True), _EXACT)),
        sample((2,), _TIMES[1:], np.array(1.3), equation=Equation(_pendulum, (True, True, True), _EXACT)),
    ],
)
def solution(y0: Any, t: Any, *values: Any, equation: Equation) -> Any:
    """The solution of an ordinary differential equation at the times t."""
    y = equation.solve(y0, t, values)
    dtype = np.result_type(y0)
    return y.astype(dtype if dtype.kind == "f" else y.dtype)


@rule(
    vjp=lambda g, c, y0, t, values, equation, deep: _pulled_twice(g, c, y0, t, values, equation, deep),
    host=True,
    partial=True,
)
def solution_pull(c: Any, y0: Any, t: Any, *values: Any, equation: Equation, deep: bool) -> Any:
    """The cotangents of what is wanted of y0, t and the values, from c, that of the solution; `deep` says that they may be
    differentiated in more than c."""
    inputs = [x for x, wants in zip((y0, t, *values), equation.wanted, strict=True) if wants]
    with mode(recorder=None):  # as in `_solved`
        found = _backwards(c, y0, t, values, equation)
    return tuple(part.reshape(np.shape(x)).astype(np.result_type(x)) for part, x in zip(found, inputs, strict=True))


def _solution(flow: Flow, y0: Any, t: Any, values: Any, options: dict[str, Any]) -> Any:
    wanted = tuple(isinstance(v, Tensor) and v.requires_grad for v in (y0, t, *values))
    return solution(y0, t, *values, equation=Equation(flow, wanted, tuple(options.items())))


def _solved(flow: Flow, y0: Any, t: Any, values: Any, options: dict[str, Any]) -> Any:
    """What SciPy finds."""
    from scipy.integrate import odeint as solve

    recording = modes.recorder is not None
    if "Dfun" in options:
        options["Dfun"] = _plain_function(options["Dfun"], recording, False)
    with mode(recorder=None) if recording else nullcontext():  # what func does inside is no part of a Program
        return solve(_plain_function(flow, recording, True), y0, t, tuple(values), **options)


def _plain_function(flow: Flow, recording: bool, rows: bool) -> Flow:
    """`func` as the solver calls it: it must not return a Tensor whose gradient is wanted, for it would be lost here."""

    def plain(state: Any, time: float, *values: Any) -> Any:
        slope = flow(state, time, *values)
        for leaf in leaves(slope):
            if isinstance(leaf, Tensor):
                _refuse_captured(leaf, recording)
                slope = _detached(slope)
                break
        return _as_row(slope) if rows else slope

    return plain


def _detached(slope: Any) -> Any:
    return rebuild(slope, iter([leaf.detach().data if isinstance(leaf, Tensor) else leaf for leaf in leaves(slope)]))


def _refuse_captured(slope: Tensor, recording: bool) -> None:
    what = "odeint: func was given plain values and returned a Tensor, so it uses one from outside"
    if slope.requires_grad and modes.gradients:
        raise GradientError(
            f"{what}, which requires a gradient. The gradient would be lost: pass that Tensor in args, as in "
            "odeint(lambda y, t, a: a * y, y0, t, (a,)), or use a.detach() to go without it"
        )
    if recording:
        raise RecordingError(f"{what}, and a Program would not see it change: pass that Tensor in args")
