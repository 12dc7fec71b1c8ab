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
from .transforms import vjp
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
    wanted = tuple(isinstance(v, Tensor) and v.requires_grad for v in (y0, t, *values))
    return solution(y0, t, *values, flow=flow, wanted=wanted, options=tuple(options.items()))


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


def _adjoint(g: Any, y: Any, t: Any, values: Any, flow: Flow, wanted: Any, options: Any) -> Any:
    """The cotangents of y0, t and the values, from g, that of the solution.

    Let c be the cotangent of the state. Backwards in time, dc/dt = -c df/dy, and at each of the times t[i] the row g[i] is
    added. A value collects the integral of c df/dvalue. A time t[i] moves its own row, by f; and t[0] the whole solution.
    """
    size = y.shape[1]
    moving = tuple(i for i, wants in enumerate(wanted[2:]) if wants)
    adjoint = _adjoint_flow(flow, moving, size)
    solver = _for_longer(options)
    c, sums = g[-1], np.zeros(sum(int(np.size(values[i])) for i in moving), like=g)
    of_times = []
    for i in range(len(t) - 1, 0, -1):
        of_times.append(_along(flow, g[i], y[i], t[i], values))
        start = np.concatenate([y[i], c, sums])
        back = odeint(adjoint, start, np.stack([t[i], t[i - 1]]), tuple(values), **solver)[-1]
        c, sums = back[size : 2 * size], back[2 * size :]
        if i == 1:
            of_times.append(-_along(flow, c, y[0], t[0], values))
        c = c + g[i - 1]
    g_t = np.stack(of_times[::-1]) if of_times else np.zeros_like(t)
    return c, g_t, *_parts(sums, values, moving)


def _along(flow: Flow, c: Any, y: Any, t: Any, values: Any) -> Any:
    """The cotangent of a time at which the state has the cotangent c."""
    return (c * _as_row(flow(y, t, *values))).sum()


def _parts(flat: Any, values: Any, moving: tuple[int, ...]) -> list[Any]:
    """A flat array cut into the shapes of the values that move; None for the others."""
    parts: list[Any] = [None] * len(values)
    start = 0
    for i in moving:
        end = start + int(np.size(values[i]))
        parts[i] = flat[start:end].reshape(np.shape(values[i]))
        start = end
    return parts


def _adjoint_flow(flow: Flow, moving: tuple[int, ...], size: int) -> Flow:
    """The time derivative of (state, its cotangent, the integrals that belong to the moving values)."""

    def adjoint(whole: Any, time: Any, *values: Any) -> Any:
        def forward(flat: Any) -> Any:
            parts = _parts(flat[size:], values, moving)
            full = [value if part is None else part for part, value in zip(parts, values, strict=True)]
            return _as_row(flow(flat[:size], time, *full))

        # One argument for everything that moves: in double precision, and a Tensor or none.
        slope, pull = vjp(forward, np.concatenate([whole[:size], *(np.ravel(values[i]) for i in moving)]))
        (pulled,) = pull(whole[size : 2 * size])
        return np.concatenate([slope, -pulled])

    return adjoint


def _as_array(x: Any) -> Any:
    return x if isinstance(x, Tensor) else np.asarray(x)


def _as_row(slope: Any) -> Any:
    """What `func` returned, as one array with one axis."""
    if isinstance(slope, (list, tuple)):
        return np.concatenate([_as_row(part) for part in slope])
    return _as_array(slope).reshape(-1)


def _for_longer(options: Any) -> dict[str, Any]:
    """The options for the adjoint equation: of tolerances given for each element of the state, the smallest."""
    kept = {name: value for name, value in options if name not in OF_THE_EQUATION}
    return {name: np.min(value) if name in ("rtol", "atol") and np.ndim(value) else value for name, value in kept.items()}


@rule(
    vjp=lambda g, y, t, values, flow, wanted, options: _adjoint(g, y, t, values, flow, wanted, options),
    host=True,
    samples=[
        sample((2,), _TIMES, (2, 2), flow=_linear, wanted=(True, True, True), options=_EXACT),
        sample((2,), _TIMES[1:], np.array(1.3), flow=_pendulum, wanted=(True, True, True), options=_EXACT),
    ],
)
def solution(y0: Any, t: Any, *values: Any, flow: Flow, wanted: tuple[bool, ...], options: Any) -> Any:
    """The solution of an ordinary differential equation at the times t; `wanted` says which inputs have a gradient."""
    from scipy.integrate import odeint as solve

    recording = modes.recorder is not None
    keywords = dict(options)
    if "Dfun" in keywords:
        keywords["Dfun"] = _plain_function(keywords["Dfun"], recording, False)
    with mode(recorder=None) if recording else nullcontext():  # what func does inside is no part of a Program
        y = solve(_plain_function(flow, recording, True), y0, t, tuple(values), **keywords)
    dtype = np.result_type(y0)
    return y.astype(dtype) if dtype.kind == "f" else y


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
