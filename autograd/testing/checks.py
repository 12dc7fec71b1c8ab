"""check_grads: a function's derivatives against finite differences, in both modes and to any order, with a diagnosis.

Random directions test all elements at once with a handful of evaluations; where one fails, the worst element is looked for,
and in a composition the first op whose own derivative is wrong. Stands on subject and numeric.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import AutogradError
from ..explain import source_line
from ..program import Instruction, record
from . import numeric
from .subject import BlackBox, Subject, widened

Arrays = list[Any]

ATTEMPTS = 8  # points to try before a place without a kink is given up
WIDTH = 4.0  # how long a random direction may be, in steps
ELEMENTS = 2000  # up to so many, the worst element is looked for one by one


class GradientMismatch(AutogradError, AssertionError):
    """A derivative is not that of the function: the message says where, by how much, and how to see it again.

    Wrong: a rule `x=lambda g, x: g * np.cos(x)` on a function that returns `np.sin(2 * x)`.
    Right: `x=lambda g, x: 2 * g * np.cos(2 * x)`, after which `check_grads` is silent.
    """


class NotSmooth(GradientMismatch):
    """No point near the input was found at which finite differences could tell anything.

    Wrong: `check_grads(noisy, x)`, for a function that returns something else at every call.
    Right: pass the random key, or what else it reads, as an argument.
    """


@dataclass(frozen=True)
class Settings:
    """What a check asks for. `rtol` is relative to the size of what is compared, `atol` to the rounding of the outputs."""

    modes: tuple[str, ...] = ("rev", "fwd")
    directions: int = 2
    exhaustive: bool = False
    rtol: float = 1e-6
    atol: float = 1e-9
    seed: int = 0


@dataclass
class Report:
    """What was checked: the worst relative error of each mode and order, and the points that were left because of a kink."""

    name: str
    errors: dict[str, float] = field(default_factory=dict)
    kinks: list[str] = field(default_factory=list)

    def note(self, what: str, error: float) -> None:
        self.errors[what] = max(error, self.errors.get(what, 0.0))


def check_grads(
    f: Any,
    *inputs: Any,
    modes: tuple[str, ...] = ("rev", "fwd"),
    order: int = 2,
    exhaustive: bool = False,
    directions: int = 2,
    rtol: float = 1e-6,
    atol: float = 1e-9,
    seed: int = 0,
    name: str | None = None,
) -> Report:
    """Compares the derivatives of f at the inputs with finite differences in float64; an error if they differ.

    f is a function of arrays, numbers or containers of them, a module with `named_parameters()`, or a pair (function, vjp)
    in which `vjp(*inputs)` returns (outputs, pull), as jax.vjp and torch.func.vjp do; such a pair is checked to order 1.

    >>> import numpy as np
    >>> report = check_grads(lambda x: np.sin(x) * x, np.array([0.3, 1.2]))
    >>> sorted(report.errors)
    ['forward mode, order 1', 'forward mode, order 2', 'reverse mode, order 1', 'reverse mode, order 2']

    modes       "rev" and "fwd"
    order       2 also checks the derivative of the gradient, and so on
    exhaustive  every element by itself, instead of random directions
    """
    settings = Settings(tuple(modes), directions, exhaustive, rtol, atol, seed)
    rng = np.random.default_rng(seed)
    black_box = isinstance(f, tuple)
    subject = BlackBox(f[0], f[1], inputs, name) if black_box else Subject(f, inputs, name)
    report = Report(str(subject.name))
    xs = list(map(widened, subject.given))
    _check_precision(subject, xs, rng, report)
    checked = subject
    for level in range(1, 2 if black_box else order + 1):
        xs = _check(checked, xs, level, settings, rng, report, blame=subject)
        checked = checked.gradient([normal_like(y, rng) for y in checked.values(xs)])
    return report


# --- one order -------------------------------------------------------------------------------------------------------------


def _check(
    subject: Subject, xs: Arrays, level: int, settings: Settings, rng: Any, report: Report, blame: Subject | None
) -> Arrays:
    """All directions at one order; returns the point, moved if there was a kink."""
    for which in _directions(xs, settings, rng):
        xs, e, slope = _away_from_kinks(subject, xs, which, rng, report)
        if "fwd" in settings.modes and subject.has_forward_mode:
            _check_forward(subject, xs, e, slope, level, settings, report, blame)
        if "rev" in settings.modes:
            _check_reverse(subject, xs, e, slope, level, settings, rng, report, blame)
    return xs


def _directions(xs: Arrays, settings: Settings, rng: Any) -> Iterator[Arrays]:
    """Random directions, or one for each element; for complex numbers, one for each part."""
    if not settings.exhaustive:
        for _ in range(settings.directions):
            direction = [normal_like(x, rng) for x in xs]
            length = np.sqrt(sum(np.sum(np.abs(d) ** 2) for d in direction))
            yield [d * min(1.0, WIDTH / length) for d in direction]  # many elements at once must not make a long step
        return
    for i, x in enumerate(xs):
        for place in np.ndindex(x.shape):
            for unit in (1.0, 1.0j) if np.iscomplexobj(x) else (1.0,):
                direction = [np.zeros_like(other) for other in xs]
                direction[i][place] = unit
                yield direction


def _away_from_kinks(subject: Subject, xs: Arrays, direction: Arrays, rng: Any, report: Report) -> Any:
    """The point, or one near it where the function is smooth along the direction; the step; and the slope."""
    for _ in range(ATTEMPTS):
        e = [d * h for d, h in zip(direction, numeric.steps(xs), strict=True)]
        slope = numeric.slope(subject.values, xs, e)
        bent = [int(np.sum(kink)) for kink in slope.kinks]
        if not any(bent):
            return xs, e, slope
        report.kinks.append(f"{sum(bent)} output elements at {as_code(xs, 60)}")
        xs = [x + 200 * h * normal_like(x, rng) for x, h in zip(xs, numeric.steps(xs), strict=True)]
    raise NotSmooth(
        f"{subject.name} could not be checked: at {ATTEMPTS} points near the input finite differences found a kink, a jump, "
        f"noise or nan in some output.\ninput: {as_code(xs)}"
    )


def _check_forward(
    subject: Subject, xs: Arrays, e: Arrays, slope: Any, level: int, settings: Settings, report: Report, blame: Subject | None
) -> None:
    found = subject.push(xs, e)
    size = max((float(np.max(np.abs(v), initial=0.0)) for v in slope.values), default=0.0)
    for i, (ours, theirs, error) in enumerate(zip(found, slope.values, slope.errors, strict=True)):
        _refuse_shape(subject, "forward mode", level, ours, theirs)
        tolerance = settings.rtol * size + settings.atol * numeric.STEP + error
        _compare(subject, "forward mode", level, f"output {i}", ours, theirs, tolerance, size, xs, settings, report, blame)


def _check_reverse(
    subject: Subject,
    xs: Arrays,
    e: Arrays,
    slope: Any,
    level: int,
    settings: Settings,
    rng: Any,
    report: Report,
    blame: Subject | None,
) -> None:
    ws = [normal_like(v, rng) for v in slope.values]
    found = subject.pull(xs, ws)
    for ours, x in zip(found, xs, strict=True):
        _refuse_shape(subject, "reverse mode", level, ours, x)
    ours = sum(pairing(g, d) for g, d in zip(found, e, strict=True))
    theirs = sum(pairing(w, v) for w, v in zip(ws, slope.values, strict=True))
    size = float(np.sqrt(sum(np.sum(np.abs(w * v) ** 2) for w, v in zip(ws, slope.values, strict=True))))
    error = sum(np.sum(np.abs(w) * err) for w, err in zip(ws, slope.errors, strict=True))
    tolerance = settings.rtol * size + settings.atol * numeric.STEP + error
    what = f"reverse mode, order {level}"
    difference = abs(ours - theirs)
    report.note(what, float(difference / max(size, settings.atol)))
    if difference <= tolerance:
        return
    place, element, wanted = _worst_input(subject, xs, ws, found)
    _fail(subject, what, place, element, wanted, float(tolerance / numeric.STEP), xs, settings, blame)


def _compare(
    subject: Subject,
    mode: str,
    level: int,
    place: str,
    ours: Any,
    theirs: Any,
    tolerance: Any,
    size: float,
    xs: Arrays,
    settings: Settings,
    report: Report,
    blame: Subject | None,
) -> None:
    difference = np.abs(ours - theirs)
    what = f"{mode}, order {level}"
    report.note(what, float(np.max(difference, initial=0.0) / max(size, settings.atol * numeric.STEP)))
    bad = ~(difference <= tolerance)
    if bad.any():
        index = np.unravel_index(int(np.argmax(np.where(bad, np.nan_to_num(difference, nan=np.inf), -1.0))), difference.shape)
        step = numeric.STEP
        at = f"{place}{_subscript(index)}"
        width = float(np.broadcast_to(tolerance, difference.shape)[index] / step)
        _fail(subject, what, at, ours[index] / step, theirs[index] / step, width, xs, settings, blame)


def _refuse_shape(subject: Subject, mode: str, level: int, ours: Any, theirs: Any) -> None:
    if np.shape(ours) != np.shape(theirs):
        raise GradientMismatch(
            f"{subject.name}: {mode}, order {level}, returned shape {np.shape(ours)} where {np.shape(theirs)} is due"
        )


def _worst_input(subject: Subject, xs: Arrays, ws: Arrays, found: Arrays) -> tuple[str, Any, Any]:
    """The element of the inputs whose cotangent is farthest from its own difference: (name, ours, numeric)."""
    worst: tuple[float, str, Any, Any] = (-1.0, "", 0.0, 0.0)
    steps = numeric.steps(xs)
    left = ELEMENTS
    for i, x in enumerate(xs):
        for place in np.ndindex(x.shape):
            left -= 1
            if left < 0:
                break
            e = [np.zeros_like(other) for other in xs]
            e[i][place] = steps[i][place]
            slope = numeric.slope(subject.values, xs, e)
            wanted = sum(pairing(w, v) for w, v in zip(ws, slope.values, strict=True)) / steps[i][place]
            ours = np.real(found[i][place])
            if not abs(ours - wanted) <= worst[0]:
                worst = (abs(ours - wanted), f"{subject.names[i]}{_subscript(place)}", ours, wanted)
    return worst[1:]


# --- lower precision -------------------------------------------------------------------------------------------------------


def _check_precision(subject: Subject, xs: Arrays, rng: Any, report: Report) -> None:
    """A function of float16 or float32 is compared with its float64 self, at the same numbers."""
    low = [x.dtype for x in subject.given if np.finfo(x.dtype).bits < 64]
    if not low:
        return
    eps = max(float(np.finfo(dtype).eps) for dtype in low)
    ys, wide = subject.values(subject.given), subject.values(xs)
    ws = [normal_like(y, rng) for y in wide]
    narrow = [w.astype(y.dtype) for w, y in zip(ws, ys, strict=True)]
    pairs = [("values", ys, wide), ("gradients", subject.pull(subject.given, narrow), subject.pull(xs, ws))]
    for what, ours, theirs in pairs:
        for name, a, b in zip(subject.names if what == "gradients" else map(str, range(len(ours))), ours, theirs, strict=True):
            size = float(np.max(np.abs(b), initial=0.0))
            error = float(np.max(np.abs(a - b), initial=0.0)) / max(size, eps)
            report.note(f"{what} in {a.dtype}", error)
            if not error <= 500 * eps:
                raise GradientMismatch(
                    f"{subject.name}: {what} of {name} in {a.dtype} differ from those in float64 by {error:.2g} of their size; "
                    f"rounding would explain {eps:.2g}\ninput: {as_code(subject.given)}"
                )


# --- what a failure says ---------------------------------------------------------------------------------------------------


def _fail(
    subject: Subject,
    what: str,
    place: str,
    ours: Any,
    wanted: Any,
    tolerance: float,
    xs: Arrays,
    settings: Settings,
    blame: Subject | None,
) -> None:
    difference = abs(ours - wanted)
    share = difference / max(abs(wanted), 1e-300)
    lines = [
        f"{subject.name}: {what}, is wrong at {place}",
        f"  derivative {_number(ours)}, finite differences {_number(wanted)}",
        f"  they differ by {difference:.3g}, {share:.3g} of the latter; allowed {tolerance:.2g}",
    ]
    if blame is not None:
        lines.append(f"  {_blamed(blame, xs, settings)}")
    lines.append(f"input: {as_code(xs)}")
    raise GradientMismatch("\n".join(lines))


def _blamed(subject: Subject, xs: Arrays, settings: Settings) -> str:
    """The first op of the function whose own derivative is wrong, in words."""
    if isinstance(subject, BlackBox):
        return "it is a black box: no op to look into"
    try:
        _, program = record(lambda *xs: subject.call(*xs), *xs)
    except AutogradError as error:
        return f"its ops could not be looked into: {error}"
    for instruction, raws, _ in program.walk(*xs):
        if _is_wrong(instruction, raws, settings):
            where = source_line(instruction.source)
            return f"the first op with a wrong derivative of its own is {instruction.rule.name}, at {where}"
    return "each op that it ran has the right derivative by itself: look at how they are put together, and at the engine"


def _is_wrong(instruction: Instruction, raws: list[Any], settings: Settings) -> bool:
    """Whether an op's own derivatives differ from its own differences, at the values that it met."""
    rule = instruction.rule
    arrays = [
        i
        for i, raw in enumerate(raws)
        if isinstance(raw, (np.ndarray, np.generic, float)) and np.asarray(raw).dtype.kind in "fc"
    ]
    free = [i for i in arrays if rule.joint is not None or rule.derivatives[i] is not None]
    if not rule.differentiable or not free:
        return False

    def alone(*xs: Any) -> Any:
        given = list(raws)
        for i, x in zip(free, xs, strict=True):
            given[i] = x
        return rule.op(*given, **instruction.attributes)

    try:
        own = Subject(alone, tuple(np.asarray(raws[i]) for i in free), rule.name)
        rng, report = np.random.default_rng(settings.seed), Report(rule.name)
        point = list(map(widened, own.given))
        for level in (1, 2):
            point = _check(own, point, level, settings, rng, report, blame=None)
            own = own.gradient([normal_like(y, rng) for y in own.values(point)])
    except NotSmooth:
        return False
    except GradientMismatch:
        return True
    return False


def normal_like(x: Any, rng: Any) -> Any:
    """A random direction in the space of x."""
    d = rng.normal(size=np.shape(x))
    return d + 1j * rng.normal(size=np.shape(x)) if np.iscomplexobj(x) else d


def pairing(a: Any, b: Any) -> Any:
    """How a cotangent acts on a direction: dL/da - i dL/db on da + i db, the real part."""
    return np.sum(np.asarray(a) * b).real


def _subscript(index: Any) -> str:
    return f"[{', '.join(str(int(i)) for i in index)}]" if index else ""


def _number(x: Any) -> str:
    return f"{x:.10g}"


def as_code(xs: Arrays, width: int = 2000) -> str:
    """The arrays as code that makes them again, or their shapes where that would be long."""
    code = ", ".join(f"np.array({x.tolist()!r})" for x in xs)
    return code if len(code) <= width else ", ".join(f"<{x.dtype} {list(x.shape)}>" for x in xs)
