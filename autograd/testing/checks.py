"""check_grads: a function's derivatives against finite differences, in both modes and to any order, with a diagnosis.

Random directions test all elements at once with a handful of evaluations; where one fails, the worst element is looked for,
and in a composition the first op whose own derivative is wrong. Stands on subject, numeric and kinks.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ..errors import AutogradError
from ..explain import source_line
from ..program import Instruction, record
from . import numeric
from .kinks import least_slopes
from .subject import Arrays, BlackBox, Subject, widened

ATTEMPTS = 8  # points to try before a place without a kink is given up
WIDTH = 4.0  # how long a random direction may be, in steps
ELEMENTS = 2000  # up to so many, the worst element is looked for one by one
EXACT = 1e-9  # what is allowed of the size where the slope is known to rounding
AT_A_KINK = 1e-5  # and where it was looked at from the sides

MODES = {"fwd": "forward", "rev": "reverse"}
KINKS = ("leave", "convention")


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
    kinks: str = "leave"


@dataclass
class Report:
    """What was checked: the worst relative error of each mode and order, that of each op by itself where it was asked for, and
    the points that were left because of a kink."""

    name: str
    errors: dict[str, float] = field(default_factory=dict)
    ops: dict[str, float] = field(default_factory=dict)
    kinks: list[str] = field(default_factory=list)

    def note(self, what: str, error: float) -> None:
        self.errors[what] = max(error, self.errors.get(what, 0.0))

    def note_op(self, name: str, error: float) -> None:
        self.ops[name] = max(error, self.ops.get(name, 0.0))


class Disagreement(Exception):
    """Two numbers that should be one: inside this module, until the words for it are found."""

    def __init__(self, what: str, place: str, ours: Any, wanted: Any, tolerance: float, xs: Arrays) -> None:
        self.what, self.place, self.ours, self.wanted, self.tolerance, self.xs = what, place, ours, wanted, tolerance, xs

    def words(self, name: str, blamed: str) -> str:
        difference = abs(self.ours - self.wanted)
        share = f", {difference / abs(self.wanted):.3g} of the latter" if self.wanted else ""
        return (
            f"{name}: {self.what}, is wrong at {self.place}\n"
            f"  derivative {self.ours:.10g}, finite differences {self.wanted:.10g}\n"
            f"  they differ by {difference:.3g}{share}; allowed {self.tolerance:.2g}\n"
            f"  {blamed}\n"
            f"input: {as_code(self.xs)}"
        )


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
    kinks: str = "leave",
    each_op: bool = False,
    name: str | None = None,
) -> Report:
    """Compares the derivatives of f at the inputs with finite differences in float64; an error if they differ.

    f is a function of arrays, numbers or containers of them, a module with `named_parameters()`, or a pair (function, vjp)
    in which `vjp(*inputs)` returns (outputs, pull), as jax.vjp and torch.func.vjp do; such a pair is checked in reverse mode,
    to order 1.

    >>> import numpy as np
    >>> report = check_grads(lambda x: np.sin(x) * x, np.array([0.3, 1.2]))
    >>> for what in report.errors:
    ...     print(what)
    forward mode, order 1
    reverse mode, order 1
    forward over forward mode, order 2
    reverse over forward mode, order 2
    forward over reverse mode, order 2
    reverse over reverse mode, order 2

    - `modes`: "rev" and "fwd"
    - `order`: 2 also checks the derivatives of the derivatives, in all combinations of the modes, and so on
    - `exhaustive`: every element by itself, instead of random directions
    - `kinks`: "leave" moves away from a kink; "convention" demands the slope of least norm there first
    - `each_op`: checks also each op that f runs, by itself, at the values that it meets
    """
    settings = Settings(_known(modes), directions, exhaustive, rtol, atol, seed, kinks)
    if kinks not in KINKS:
        raise ValueError(f"kinks is one of {', '.join(KINKS)}, not {kinks!r}")
    subject = BlackBox(f[0], f[1], inputs, name) if isinstance(f, tuple) else Subject(f, inputs, name)
    report = Report(str(subject.name))
    try:
        _check_precision(subject, settings, report)
        _check_orders(subject, order, settings, report)
        if each_op:
            _check_each_op(subject, settings, report)
    except Disagreement as found:
        raise GradientMismatch(found.words(report.name, _blamed(subject, found.xs, settings))) from None
    return report


def _known(modes: Any) -> tuple[str, ...]:
    chosen: tuple[str, ...] = (modes,) if isinstance(modes, str) else tuple(modes)
    if not chosen or not MODES.keys() >= set(chosen):
        raise ValueError(f"modes are {' and '.join(MODES)}, not {modes!r}")
    return chosen


# --- orders and directions -------------------------------------------------------------------------------------------------


def _check_orders(subject: Subject, order: int, settings: Settings, report: Report) -> None:
    """The subject, then what its modes compute, then what theirs compute."""
    rng = np.random.default_rng(settings.seed)
    xs = list(map(widened, subject.given))
    modes = [mode for mode in MODES if mode in settings.modes and (mode == "rev" or subject.has_forward_mode)]
    level = [(subject, "")]
    for n in range(1, 2 if isinstance(subject, BlackBox) else order + 1):
        for each, over in level:
            titles = {mode: f"{MODES[mode]}{over} mode, order {n}" for mode in modes}
            kinks = settings.kinks if n == 1 else "leave"  # what is demanded of a kink is a slope, not a curvature
            xs = _Comparison(each, titles, settings, kinks, rng, report).at(xs)
        if n < order:
            level = [(_derivative(each, mode, xs, rng), f" over {MODES[mode]}{over}") for each, over in level for mode in modes]


def _derivative(subject: Subject, mode: str, xs: Arrays, rng: Any) -> Subject:
    return subject.derivative(mode, [normal_like(v, rng) for v in (subject.values(xs) if mode == "rev" else xs)])


@dataclass(frozen=True)
class _Comparison:
    """The derivatives of one subject against its differences. `titles` names each mode that is looked at."""

    subject: Subject
    titles: dict[str, str]
    settings: Settings
    kinks: str
    rng: Any
    report: Report

    def at(self, xs: Arrays) -> Arrays:
        """All directions; returns the point, moved if there was a kink."""
        given = xs
        for direction in self._directions(xs):
            demand = self.kinks == "convention" and xs is given  # a point that was moved is not at the kink, but may be near
            xs, e, slope = self._away_from_kinks(xs, direction, demand)
            if "fwd" in self.titles:
                self._forward(xs, e, slope)
            if "rev" in self.titles:
                self._reverse(xs, e, slope)
        return xs

    def _directions(self, xs: Arrays) -> Iterator[Arrays]:
        """Random directions, or one for each element; for complex numbers, one for each part."""
        if not self.settings.exhaustive:
            for _ in range(self.settings.directions):
                direction = [normal_like(x, self.rng) for x in xs]
                length = np.sqrt(sum(np.sum(np.abs(d) ** 2) for d in direction))
                short = min(1.0, WIDTH / max(length, 1.0))  # many elements at once must not make a long step
                yield [d * short for d in direction]
            return
        for i, x in enumerate(xs):
            for place in np.ndindex(x.shape):
                for unit in (1.0, 1.0j) if np.iscomplexobj(x) else (1.0,):
                    yield one_element(xs, i, place, unit)

    def _away_from_kinks(self, xs: Arrays, direction: Arrays, demand: bool) -> Any:
        """The point, or one near it where the function is smooth along the direction; the step; and the slope."""
        for attempt in range(ATTEMPTS):
            e = [d * h for d, h in zip(direction, numeric.steps(xs), strict=True)]
            slope = numeric.slope(self.subject.values, xs, e)
            bent = sum(int(np.sum(kink)) for kink in slope.kinks)
            if not bent:
                return xs, e, slope
            self.report.kinks.append(f"{bent} output elements at {as_code(xs, 60)}")
            if demand:
                self._convention(xs, slope)
                demand = False
            far = 200 * 2.0**attempt
            xs = [x + far * h * normal_like(x, self.rng) for x, h in zip(xs, numeric.steps(xs), strict=True)]
        raise NotSmooth(
            f"{self.subject.name} could not be checked: at {ATTEMPTS} points near the input finite differences found a kink, a "
            f"jump, noise or nan in some output.\ninput: {as_code(xs)}"
        )

    # --- one direction -----------------------------------------------------------------------------------------------------

    def _forward(self, xs: Arrays, e: Arrays, slope: numeric.Slope) -> None:
        what, found = self.titles["fwd"], self.subject.push(xs, e)
        size = max((float(np.max(np.abs(v), initial=0.0)) for v in slope.values), default=0.0)
        for i, (ours, wanted, error) in enumerate(zip(found, slope.values, slope.errors, strict=True)):
            self._refuse_kind(what, f"output {i}", ours, wanted)
            tolerance = np.broadcast_to(self._tolerance(slope, size, error), np.shape(ours))
            difference = np.abs(ours - wanted)
            self.report.note(what, float(np.max(difference, initial=0.0) / max(size, self.settings.atol * numeric.STEP)))
            bad = ~(difference <= tolerance)
            if bad.any():
                index = np.unravel_index(np.argmax(np.where(bad, np.nan_to_num(difference, nan=np.inf), -1)), bad.shape)
                a, b, allowed = (part[index] / numeric.STEP for part in (ours, wanted, tolerance))
                raise Disagreement(what, f"output {i}{_subscript(index)}", a, b, allowed, xs)

    def _reverse(self, xs: Arrays, e: Arrays, slope: numeric.Slope) -> None:
        what = self.titles["rev"]
        ws = [normal_like(v, self.rng) for v in slope.values]
        found = self.subject.pull(xs, ws)
        for name, g, x in zip(self.subject.names, found, xs, strict=True):
            self._refuse_kind(what, name, g, x)
        ours = sum(pairing(g, d) for g, d in zip(found, e, strict=True))
        wanted = sum(pairing(w, v) for w, v in zip(ws, slope.values, strict=True))
        size = float(np.sqrt(sum(np.sum(np.abs(w * v) ** 2) for w, v in zip(ws, slope.values, strict=True))))
        error = sum(np.sum(np.abs(w) * part) for w, part in zip(ws, slope.errors, strict=True))
        tolerance = self._tolerance(slope, size, error)
        self.report.note(what, float(abs(ours - wanted) / max(size, self.settings.atol * numeric.STEP)))
        if not abs(ours - wanted) <= tolerance:
            raise Disagreement(what, *self._worst_input(xs, ws, found), float(tolerance / numeric.STEP), xs)

    def _tolerance(self, slope: numeric.Slope, size: float, error: Any) -> Any:
        if slope.exact:
            return min(self.settings.rtol, EXACT) * size + error
        return self.settings.rtol * size + self.settings.atol * numeric.STEP + error

    def _refuse_kind(self, what: str, place: str, ours: Any, like: Any) -> None:
        """A derivative has the shape and the dtype of what it belongs to."""
        if np.shape(ours) != np.shape(like) or np.iscomplexobj(ours) != np.iscomplexobj(like):
            raise GradientMismatch(
                f"{self.subject.name}: {what}, returned {ours.dtype}{list(np.shape(ours))} at {place}, where "
                f"{like.dtype}{list(np.shape(like))} is due"
            )

    def _worst_input(self, xs: Arrays, ws: Arrays, found: Arrays) -> tuple[str, Any, Any]:
        """The element of the inputs whose cotangent is farthest from its own difference: (name, ours, numeric)."""
        worst: tuple[float, str, Any, Any] = (-1.0, "", 0.0, 0.0)
        places = ((i, place) for i, x in enumerate(xs) for place in np.ndindex(x.shape))
        for _, (i, place) in zip(range(ELEMENTS), places, strict=False):
            step = numeric.steps(xs)[i][place]
            slope = numeric.slope(self.subject.values, xs, one_element(xs, i, place, step))
            wanted = sum(pairing(w, v) for w, v in zip(ws, slope.values, strict=True)) / step
            ours = np.real(found[i][place])
            if not abs(ours - wanted) <= worst[0]:
                worst = (abs(ours - wanted), f"{self.subject.names[i]}{_subscript(place)}", ours, wanted)
        return worst[1:]

    # --- at a kink ---------------------------------------------------------------------------------------------------------

    def _convention(self, xs: Arrays, slope: numeric.Slope) -> None:
        """Both modes, for each output with a kink, against the slope of least norm."""
        wanted = least_slopes(self.subject.values, xs, self.rng)
        outputs = [(i, place) for i, v in enumerate(slope.values) for place in np.ndindex(np.shape(v))]
        bent = np.concatenate([np.ravel(kink) for kink in slope.kinks])
        ts = [normal_like(x, self.rng) for x in xs]
        pushed = self.subject.push(xs, ts) if "fwd" in self.titles else []
        for (i, place), row, kink in zip(outputs, wanted, bent, strict=True):
            if not kink or not np.isfinite(row).all():
                continue
            output, slopes = f"output {i}{_subscript(place)}", _split(row, xs)
            if "rev" in self.titles:
                what = f"{self.titles['rev']}, at the kink of {output}"
                for name, g, part in zip(
                    self.subject.names, self.subject.pull(xs, one_element(slope.values, i, place, 1.0)), slopes, strict=True
                ):
                    for at in np.ndindex(g.shape):
                        self._compare_one(what, f"{name}{_subscript(at)}", g[at], part[at], np.abs(row).max(), xs)
            if "fwd" in self.titles:
                terms = np.concatenate([np.ravel(a * t) for a, t in zip(slopes, ts, strict=True)])
                what = f"{self.titles['fwd']}, at the kink"
                self._compare_one(what, output, pushed[i][place], terms.sum(), np.abs(terms).sum(), xs)

    def _compare_one(self, what: str, place: str, ours: Any, wanted: Any, size: Any, xs: Arrays) -> None:
        size = max(1.0, float(size))
        self.report.note("convention at a kink", float(abs(ours - wanted) / size))
        if not abs(ours - wanted) <= AT_A_KINK * size:
            raise Disagreement(what, place, ours, wanted, AT_A_KINK * size, xs)


# --- lower precision -------------------------------------------------------------------------------------------------------


def _check_precision(subject: Subject, settings: Settings, report: Report) -> None:
    """A function of float16 or float32 is compared with its float64 self, at the same numbers."""
    low = [x.dtype for x in subject.given if np.finfo(x.dtype).bits < 64]
    if not low:
        return
    rng = np.random.default_rng(settings.seed)
    eps = max(float(np.finfo(dtype).eps) for dtype in low)
    xs = list(map(widened, subject.given))
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


# --- the ops of a composition ----------------------------------------------------------------------------------------------


class _Part(NamedTuple):
    """An op that a function ran: as a subject of its own, at the values that it met."""

    name: str
    where: str
    subject: Subject


def _parts(subject: Subject, xs: Arrays) -> Iterator[_Part]:
    """The ops of the function that have derivatives, in the order in which they ran."""
    _, program = record(lambda *xs: subject.call(*(x.requires_grad_() for x in xs)), *xs)
    for instruction, raws, _ in program.walk(*xs):
        own = _alone(instruction, raws)
        if own is not None:
            yield _Part(instruction.rule.name, source_line(instruction.source), own)


def _alone(instruction: Instruction, raws: list[Any]) -> Subject | None:
    """The op as a function of those of its inputs that have a derivative; None if there are none."""
    rule = instruction.rule
    free = [
        i
        for i, raw in enumerate(raws)
        if isinstance(raw, (np.ndarray, np.generic, float))
        and np.asarray(raw).dtype.kind in "fc"
        and (rule.joint is not None or rule.derivatives[i] is not None)
    ]
    if not rule.differentiable or not free:
        return None

    def alone(*xs: Any) -> Any:
        given = list(raws)
        for i, x in zip(free, xs, strict=True):
            given[i] = x
        return rule.op(*given, **instruction.attributes)

    return Subject(alone, tuple(np.asarray(raws[i]) for i in free), rule.name)


def _check_each_op(subject: Subject, settings: Settings, report: Report) -> None:
    """Each op by itself: what the cotangents of the whole hide is seen too. An op at its kink is left out."""
    if isinstance(subject, BlackBox):
        return
    for part in _parts(subject, list(map(widened, subject.given))):
        own = Report(part.name)
        try:
            _check_orders(part.subject, 1, settings, own)
        except NotSmooth:
            continue
        except Disagreement as found:
            raise GradientMismatch(
                found.words(f"{part.name}, in {report.name}", f"it runs at {part.where}, where it has the input below")
            ) from None
        report.note_op(part.name, max(own.errors.values(), default=0.0))


def _blamed(subject: Subject, xs: Arrays, settings: Settings) -> str:
    """The first op of the function whose own derivative is wrong, in words."""
    if isinstance(subject, BlackBox):
        return "it is a black box: no op to look into"
    try:
        for part in _parts(subject, xs):
            if _is_wrong(part.subject, settings):
                where = "" if hasattr(subject.function, "rule") else f", at {part.where}"
                return f"the first op with a wrong derivative of its own is {part.name}{where}"
    except AutogradError as error:
        return f"its ops could not be looked into: {error}"
    return "each op that it ran has the right derivative by itself: look at how they are put together, and at the engine"


def _is_wrong(own: Subject, settings: Settings) -> bool:
    """Whether an op's own derivatives differ from its own differences."""
    try:
        _check_orders(own, 2, settings, Report(str(own.name)))
    except NotSmooth:
        return False
    except (Disagreement, GradientMismatch):
        return True
    return False


# --- arrays ----------------------------------------------------------------------------------------------------------------


def one_element(xs: Arrays, i: int, place: Any, value: Any) -> Arrays:
    """Zeros like the arrays, with one element set."""
    e = [np.zeros_like(x) for x in xs]
    e[i][place] = value
    return e


def _split(row: Any, xs: Arrays) -> Arrays:
    """A flat row as arrays of the shapes of xs."""
    parts = np.split(row, np.cumsum([x.size for x in xs])[:-1])
    return [part.reshape(x.shape) for part, x in zip(parts, xs, strict=True)]


def normal_like(x: Any, rng: Any) -> Any:
    """A random direction in the space of x."""
    d = rng.normal(size=np.shape(x))
    return d + 1j * rng.normal(size=np.shape(x)) if np.iscomplexobj(x) else d


def pairing(a: Any, b: Any) -> Any:
    """How a cotangent acts on a direction: dL/da - i dL/db on da + i db, the real part."""
    return np.sum(np.asarray(a) * b).real


def _subscript(index: Any) -> str:
    return f"[{', '.join(str(int(i)) for i in index)}]" if index else ""


def as_code(xs: Arrays, width: int = 2000) -> str:
    """The arrays as code that makes them again, or their shapes where that would be long."""
    code = ", ".join(f"np.array({x.tolist()!r})" for x in xs)
    return code if len(code) <= width else ", ".join(f"<{x.dtype} {list(x.shape)}>" for x in xs)
