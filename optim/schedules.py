"""Learning rate schedules, with PyTorch's names and arguments.

A schedule is a pure function `rate(lr, t, i)`: the rate of group i at step t, made of its base rate lr. The base class does the
rest: it attaches the schedule to an optimizer, counts, and writes `group["lr"]` as a Python float, which a recorded step reads
anew each time. Stands on the optimizer's `param_groups` and knows no rule. `ReduceLROnPlateau` alone is driven by what it is
told, and not by the step.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeAlias

from autograd import RecordingError
from autograd.graph import modes

from .optimizer import Group, Optimizer

PerGroup: TypeAlias = float | Sequence[float]  # one number for all groups, or one for each
Factor: TypeAlias = Callable[[Any], Any]
Limits: TypeAlias = Mapping[str, tuple[float, float]]

ANY = (-math.inf, math.inf)
POSITIVE = (math.ulp(0.0), math.inf)
COUNT = (1, math.inf)
FROM_ZERO = (0, math.inf)
SHARE = (0, 1)
BELOW_ONE = (0, math.nextafter(1, 0))


@dataclass(eq=False)
class Schedule:
    """The base of all: what is attached to an optimizer, stepped, saved and restored.

    A schedule starts at t = 0, and writes the rate of t = 0 at once; every `step()` goes to the next t. Nothing is read from
    the optimizer on the way, so the order of the calls of `optimizer.step()` and `schedule.step()` is free.

    - A rate that is changed by hand holds until the next `step()`. Change `base_lrs` to change it for good.
    - With two schedules on one optimizer, the second takes the rate that the first gives as its base: factors multiply.
      A schedule that is attached later begins at the rate that it finds.
    - A group that is added later has the rate that it came with as its base.

    `base_lrs` are the rates at the start, one for each group; `last_epoch` is t.

    >>> from autograd import Tensor
    >>> from optim import SGD
    >>> schedule = StepLR(SGD([Tensor([1.0])], lr=0.8), step_size=2, gamma=0.5)
    >>> [schedule.lr_at(t)[0] for t in range(6)]
    [0.8, 0.8, 0.4, 0.4, 0.2, 0.2]
    """

    limits: ClassVar[Limits] = {}  # the least and the largest value of arguments that are numbers

    optimizer: Optimizer = field(repr=False)
    last_epoch: float = field(default=-1, kw_only=True)

    def __post_init__(self) -> None:
        self._check()
        first = self.last_epoch == -1
        groups = self.optimizer.param_groups
        if not first and any("initial_lr" not in group for group in groups):
            raise ValueError(
                f"{self._name} with last_epoch={self.last_epoch} goes on, and cannot tell the rate at the start from the rate "
                'that it finds: give every group its "initial_lr", or leave last_epoch out and call load_state_dict()'
            )
        self.last_epoch += 1
        self.base_lrs = [float(group["lr" if first else "initial_lr"]) for group in groups]
        self._attach(attached(self.optimizer))

    # --- what a schedule says ----------------------------------------------------------------------------------------------

    def rate(self, lr: float, t: float, i: int) -> float:
        """The rate of group i at step t, where lr is its base rate."""
        raise NotImplementedError

    def momentum(self, t: float, i: int) -> float | None:
        """The momentum of group i at step t; None leaves it alone."""
        return None

    # --- for everybody -----------------------------------------------------------------------------------------------------

    def lr_at(self, t: float) -> list[float]:
        """The rates at step t, one for each group, by this schedule alone. Nothing is changed."""
        self._welcome()
        return [float(self.rate(lr, t, i)) for i, lr in enumerate(self.base_lrs)]

    def step(self, epoch: float | None = None) -> None:
        """Goes to the next step, or to the step `epoch`, which may lie between two, and writes the rates."""
        self._usable()
        t = self.last_epoch + 1 if epoch is None else epoch
        if not t >= 0:
            raise ValueError(f"{self._name}: steps are counted from 0, and this is {t!r}")
        self.last_epoch = t
        self._write()

    def get_last_lr(self) -> list[float]:
        """The rates that the groups have."""
        return [float(group["lr"]) for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """Where the schedule stands, in plain values. The arguments are not part of it: make the schedule with the same."""
        self._usable()
        self._welcome()
        return {
            "last_epoch": self.last_epoch,
            "base_lrs": list(self.base_lrs),
            "found": list(self._found),
            "_last_lr": self.get_last_lr(),
            "_last_momentum": [_momentum_of(group) for group in self.optimizer.param_groups],
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Takes the place of a state_dict; the order of this and the optimizer's is free."""
        self._usable()
        groups = self.optimizer.param_groups
        if len(state_dict["base_lrs"]) != len(groups):
            raise ValueError(f"{self._name} has {len(groups)} groups, and this state_dict {len(state_dict['base_lrs'])}")
        self.last_epoch = state_dict["last_epoch"]
        self.base_lrs, self._found = list(state_dict["base_lrs"]), list(state_dict["found"])
        for i, group in enumerate(groups):
            group["lr"] = state_dict["_last_lr"][i]
            if self.momentum(self.last_epoch, i) is not None:
                _set_momentum(group, state_dict["_last_momentum"][i])

    # --- the mechanism -----------------------------------------------------------------------------------------------------

    @property
    def _name(self) -> str:
        return type(self).__name__

    def _check(self) -> None:
        """The optimizer is one, and the arguments are in their limits."""
        if not hasattr(self.optimizer, "param_groups"):
            raise TypeError(f"{self._name} is attached to an optimizer, and got a {type(self.optimizer).__name__}")
        for name, (low, high) in self.limits.items():
            value = getattr(self, name)
            if isinstance(value, (list, tuple)) and len(value) != len(self.optimizer.param_groups):
                groups = len(self.optimizer.param_groups)
                raise ValueError(f"{self._name}: {name} has {len(value)} values, and the optimizer {groups} groups")
            for number in value if isinstance(value, (list, tuple)) else (value,):
                if number is not None and not (low <= number <= high and math.isfinite(number)):
                    raise ValueError(f"{self._name}: {name} is {_range(low, high)}, not {number!r}")

    def _attach(self, schedules: list["Schedule"]) -> None:
        """Becomes the last of the optimizer's schedules."""
        for schedule in schedules:
            schedule._welcome()
        self._found = [_rate_of(schedules, i, lr) for i, lr in enumerate(self.base_lrs)]
        schedules.append(self)
        self._write()

    def _replace(self, members: Sequence["Schedule"]) -> None:
        """Takes the place of schedules that this one is made of."""
        for member in members:
            if member.optimizer is not self.optimizer:
                raise ValueError(f"{self._name}: {member!r} is attached to another optimizer")
            member._usable()
        schedules = attached(self.optimizer)
        place = min(schedules.index(member) for member in members)
        self.base_lrs, self._found = schedules[place].base_lrs, schedules[place]._found
        schedules.insert(place, self)
        for member in {id(member): member for member in members}.values():
            schedules.remove(member)
        self._write()

    def _usable(self) -> None:
        if modes.recorder is not None:
            raise RecordingError(
                f"{self._name} would be asked once, while recording: step, save and load it outside of the step"
            )
        if not any(schedule is self for schedule in attached(self.optimizer)):
            raise ValueError(f"{self!r} is part of another schedule: use that one")

    def _welcome(self) -> None:
        """Groups that were added to the optimizer since."""
        for group in self.optimizer.param_groups[len(self.base_lrs) :]:
            self.base_lrs.append(float(group["lr"]))
            self._found.append(float(group["lr"]))

    def _after(self, lr: float, i: int) -> float:
        """The base rate of group i, where the schedules before this one give lr: in proportion to what they gave at first."""
        base, found = self.base_lrs[i], self._found[i]
        if base == found:
            return lr
        return base * (lr / found) if found else base

    def _write(self) -> None:
        schedules = attached(self.optimizer)
        for schedule in schedules:
            schedule._welcome()
        for i, group in enumerate(self.optimizer.param_groups):
            group["lr"] = _rate_of(schedules, i, group["lr"])
            for schedule in schedules:
                momentum = schedule.momentum(schedule.last_epoch, i)
                if momentum is not None:
                    _set_momentum(group, float(momentum))


def attached(optimizer: Any) -> list[Schedule]:
    """The schedules of an optimizer, which keeps them, in the order in which they came."""
    schedules: list[Schedule] = vars(optimizer).setdefault("_schedules", [])
    return schedules


def _rate_of(schedules: Sequence[Schedule], i: int, lr: float) -> float:
    """The rate that the schedules give group i together; lr if there are none."""
    for place, schedule in enumerate(schedules):
        base = schedule._after(lr, i) if place else schedule.base_lrs[i]
        lr = schedule.rate(base, schedule.last_epoch, i)
    return float(lr)


def _of(value: Any, i: int) -> Any:
    """The value of group i, where there may be one for each."""
    return value[i] if isinstance(value, (list, tuple)) else value


def _range(low: float, high: float) -> str:
    named = {POSITIVE: "positive", BELOW_ONE: "below 1", ANY: "finite"}.get((low, high))
    return named or (f"at least {low}" if high == math.inf else f"from {low} to {high}")


def _momentum_of(group: Group) -> float | None:
    value: float | None = group["betas"][0] if "betas" in group else group.get("momentum")
    return value


def _set_momentum(group: Group, value: float) -> None:
    if "betas" in group:
        group["betas"] = (value, *group["betas"][1:])
    else:
        group["momentum"] = value


# --- decay -----------------------------------------------------------------------------------------------------------------


@dataclass(eq=False)
class StepLR(Schedule):
    """Decay by a constant at fixed intervals: a_t = a0 * gamma^floor(t / step_size). gamma=0.5 halves the rate."""

    limits: ClassVar[Limits] = {"step_size": COUNT, "gamma": FROM_ZERO}
    step_size: int
    gamma: float = 0.1

    def rate(self, lr: float, t: float, i: int) -> float:
        return lr * float(self.gamma ** (t // self.step_size))


@dataclass(eq=False)
class MultiStepLR(Schedule):
    """Decay by a constant at given steps: a_t = a0 * gamma^(number of milestones <= t)."""

    limits: ClassVar[Limits] = {"gamma": FROM_ZERO}
    milestones: Sequence[int]
    gamma: float = 0.1

    def _check(self) -> None:
        super()._check()
        self.milestones = tuple(self.milestones)  # of an iterator too, which can be gone through once

    def rate(self, lr: float, t: float, i: int) -> float:
        return lr * self.gamma ** sum(milestone <= t for milestone in self.milestones)


@dataclass(eq=False)
class ExponentialLR(Schedule):
    """Exponential decay: a_t = a0 * gamma^t, or a_t = a0 * e^(-k t). Give gamma, or k by its name.

    >>> from autograd import Tensor
    >>> from optim import SGD
    >>> schedule = ExponentialLR(SGD([Tensor([1.0])], lr=1.0), k=0.5)
    >>> round(schedule.lr_at(2)[0], 6)
    0.367879
    """

    limits: ClassVar[Limits] = {"gamma": FROM_ZERO, "k": ANY}
    gamma: float | None = None
    k: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if (self.gamma is None) == (self.k is None):
            raise ValueError("ExponentialLR: give gamma, for a0 * gamma^t, or k, for a0 * e^(-k t)")
        super().__post_init__()

    def rate(self, lr: float, t: float, i: int) -> float:
        return lr * math.exp(-self.k * t) if self.k is not None else lr * (self.gamma or 0.0) ** t


@dataclass(eq=False)
class InverseTimeLR(Schedule):
    """a_t = a0 / (1 + k t).

    >>> from autograd import Tensor
    >>> from optim import SGD
    >>> InverseTimeLR(SGD([Tensor([1.0])], lr=1.0), k=0.5).lr_at(2)
    [0.5]
    """

    limits: ClassVar[Limits] = {"k": FROM_ZERO}
    k: float

    def rate(self, lr: float, t: float, i: int) -> float:
        return lr / (1 + self.k * t)


@dataclass(eq=False)
class InverseSqrtLR(Schedule):
    """a_t = a0 / sqrt(1 + k t).

    >>> from autograd import Tensor
    >>> from optim import SGD
    >>> InverseSqrtLR(SGD([Tensor([1.0])], lr=1.0), k=1.5).lr_at(2)
    [0.5]
    """

    limits: ClassVar[Limits] = {"k": FROM_ZERO}
    k: float

    def rate(self, lr: float, t: float, i: int) -> float:
        return lr / math.sqrt(1 + self.k * t)


@dataclass(eq=False)
class ConstantLR(Schedule):
    """a_t = a0 * factor while t < total_iters, and a0 from there on."""

    limits: ClassVar[Limits] = {"factor": FROM_ZERO, "total_iters": FROM_ZERO}
    factor: float = 1 / 3
    total_iters: int = 5

    def rate(self, lr: float, t: float, i: int) -> float:
        return lr * self.factor if t < self.total_iters else lr


@dataclass(eq=False)
class LinearLR(Schedule):
    """A straight line: a_t = a0 * (start_factor + (end_factor - start_factor) * min(t / total_iters, 1))."""

    limits: ClassVar[Limits] = {"start_factor": FROM_ZERO, "end_factor": FROM_ZERO, "total_iters": COUNT}
    start_factor: float = 1 / 3
    end_factor: float = 1.0
    total_iters: int = 5

    def rate(self, lr: float, t: float, i: int) -> float:
        return lr * _line(self.start_factor, self.end_factor, min(t / self.total_iters, 1))


@dataclass(eq=False)
class PolynomialLR(Schedule):
    """a_t = a0 * (1 - min(t / total_iters, 1))^power."""

    limits: ClassVar[Limits] = {"total_iters": COUNT, "power": FROM_ZERO}
    total_iters: int = 5
    power: float = 1.0

    def rate(self, lr: float, t: float, i: int) -> float:
        return lr * float((1 - min(t / self.total_iters, 1)) ** self.power)


@dataclass(eq=False)
class LambdaLR(Schedule):
    """a_t = a0 * lr_lambda(t): a function of your own, or a list of them, one for each group."""

    lr_lambda: Factor | Sequence[Factor]

    def _check(self) -> None:
        super()._check()
        _check_functions(self._name, self.lr_lambda, self.optimizer)

    def rate(self, lr: float, t: float, i: int) -> float:
        return lr * float(_of(self.lr_lambda, i)(t))


@dataclass(eq=False)
class MultiplicativeLR(Schedule):
    """a_t = a0 * lr_lambda(1) * lr_lambda(2) * ... * lr_lambda(t): a function of your own, or one for each group."""

    lr_lambda: Factor | Sequence[Factor]
    _known: dict[int, tuple[int, float]] = field(default_factory=dict, init=False, repr=False)  # by group: t and its product

    def _check(self) -> None:
        super()._check()
        _check_functions(self._name, self.lr_lambda, self.optimizer)

    def rate(self, lr: float, t: float, i: int) -> float:
        known, product = self._known.get(i, (0, 1.0))
        if known > t:
            known, product = 0, 1.0
        for step in range(known + 1, int(t) + 1):
            product *= float(_of(self.lr_lambda, i)(step))
        self._known[i] = int(t), product
        return lr * product


def _check_functions(name: str, given: Any, optimizer: Optimizer) -> None:
    groups = len(optimizer.param_groups)
    functions = given if isinstance(given, (list, tuple)) else [given] * groups
    if len(functions) != groups:
        raise ValueError(f"{name}: {len(functions)} functions, and the optimizer has {groups} groups")
    for function in functions:
        if not callable(function):
            raise TypeError(f"{name}: lr_lambda is a function of the step, not {function!r}")


# --- waves -----------------------------------------------------------------------------------------------------------------


def _line(start: float, end: float, share: float) -> float:
    return start + (end - start) * share


def _cosine(start: float, end: float, share: float) -> float:
    """From start to end along half a wave."""
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


@dataclass(eq=False)
class CosineAnnealingLR(Schedule):
    """a_t = eta_min + (a0 - eta_min) * (1 + cos(pi t / T_max)) / 2, which rises again after T_max."""

    limits: ClassVar[Limits] = {"T_max": COUNT, "eta_min": FROM_ZERO}
    T_max: int
    eta_min: float = 0.0

    def rate(self, lr: float, t: float, i: int) -> float:
        return _cosine(lr, self.eta_min, t / self.T_max)


@dataclass(eq=False)
class CosineAnnealingWarmRestarts(Schedule):
    """Half waves from a0 down to eta_min, the first of T_0 steps and each T_mult times as long as the one before."""

    limits: ClassVar[Limits] = {"T_0": COUNT, "T_mult": COUNT, "eta_min": FROM_ZERO}
    T_0: int
    T_mult: int = 1
    eta_min: float = 0.0

    def rate(self, lr: float, t: float, i: int) -> float:
        length = self.T_0
        if self.T_mult == 1:
            t = t % length
        while t >= length:
            t, length = t - length, length * self.T_mult
        return _cosine(lr, self.eta_min, t / length)


def _check_momentum(name: str, optimizer: Optimizer) -> None:
    """There is a momentum, or betas, that could cycle."""
    if any(_momentum_of(group) is None for group in optimizer.param_groups):
        raise ValueError(f"{name}: {type(optimizer).__name__} has no momentum and no betas; give cycle_momentum=False")


@dataclass(eq=False)
class OneCycleLR(Schedule):
    """One cycle: from max_lr / div_factor up to max_lr in the share pct_start of the steps, then down, to nearly nothing.

    The last rate is max_lr / (div_factor * final_div_factor), at t = total_steps - 1, and it stays. The momentum, or the first
    of betas, goes from max_momentum down to base_momentum and up again. `three_phase` goes down to the first rate as fast as
    it went up, and from there to the last. The optimizer's own rate is not used.
    """

    limits: ClassVar[Limits] = {
        "max_lr": FROM_ZERO,
        "total_steps": COUNT,
        "epochs": COUNT,
        "steps_per_epoch": COUNT,
        "pct_start": SHARE,
        "base_momentum": SHARE,
        "max_momentum": SHARE,
        "div_factor": POSITIVE,
        "final_div_factor": POSITIVE,
    }
    max_lr: PerGroup
    total_steps: int | None = None
    epochs: int | None = None
    steps_per_epoch: int | None = None
    pct_start: float = 0.3
    anneal_strategy: Literal["cos", "linear"] = "cos"
    cycle_momentum: bool = True
    base_momentum: PerGroup = 0.85
    max_momentum: PerGroup = 0.95
    div_factor: float = 25.0
    final_div_factor: float = 1e4
    three_phase: bool = False

    def _check(self) -> None:
        super()._check()
        if self.cycle_momentum:
            _check_momentum(self._name, self.optimizer)
        if self.anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"OneCycleLR: anneal_strategy is 'cos' or 'linear', not {self.anneal_strategy!r}")
        if self.total_steps is None:
            if self.epochs is None or self.steps_per_epoch is None:
                raise ValueError("OneCycleLR: give total_steps, or epochs and steps_per_epoch")
            self.total_steps = self.epochs * self.steps_per_epoch

    def rate(self, lr: float, t: float, i: int) -> float:
        top = _of(self.max_lr, i)
        first = top / self.div_factor
        last = first / self.final_div_factor
        return self._along(t, [first, top, first, last] if self.three_phase else [first, top, last])

    def momentum(self, t: float, i: int) -> float | None:
        low, high = _of(self.base_momentum, i), _of(self.max_momentum, i)
        return self._along(t, [high, low, high, high][: 3 + self.three_phase]) if self.cycle_momentum else None

    def _along(self, t: float, levels: Sequence[float]) -> float:
        """From level to level; they are reached at the ends of the phases."""
        steps = float(self.total_steps or 0)
        rise = self.pct_start * steps
        ends = [0.0, rise - 1, 2 * rise - 2, steps - 1] if self.three_phase else [0.0, rise - 1, steps - 1]
        phase = next((n for n in range(1, len(ends) - 1) if t <= ends[n]), len(ends) - 1)
        start, end = ends[phase - 1], ends[phase]
        share = min((t - start) / (end - start), 1.0) if end > start else 1.0
        return (_cosine if self.anneal_strategy == "cos" else _line)(levels[phase - 1], levels[phase], share)


@dataclass(eq=False)
class CyclicLR(Schedule):
    """Straight up from base_lr to max_lr and down again, over and over.

    a_t = base_lr + (max_lr - base_lr) * height * scale: height goes from 0 to 1 in step_size_up steps and back in
    step_size_down. scale is 1 ("triangular"), 1 / 2^(cycle - 1) ("triangular2"), gamma^t ("exp_range"), or a function of your
    own, of the number of the cycle, or of t with scale_mode="iterations". The momentum goes the other way. The optimizer's own
    rate is not used.
    """

    limits: ClassVar[Limits] = {
        "base_lr": FROM_ZERO,
        "max_lr": FROM_ZERO,
        "step_size_up": COUNT,
        "step_size_down": COUNT,
        "gamma": FROM_ZERO,
        "base_momentum": SHARE,
        "max_momentum": SHARE,
    }
    base_lr: PerGroup
    max_lr: PerGroup
    step_size_up: int = 2000
    step_size_down: int | None = None
    mode: Literal["triangular", "triangular2", "exp_range"] = "triangular"
    gamma: float = 1.0
    scale_fn: Callable[[Any], float] | None = None
    scale_mode: Literal["cycle", "iterations"] = "cycle"
    cycle_momentum: bool = True
    base_momentum: PerGroup = 0.8
    max_momentum: PerGroup = 0.9

    def _check(self) -> None:
        super()._check()
        if self.cycle_momentum:
            _check_momentum(self._name, self.optimizer)
        if self.scale_fn is None and self.mode not in ("triangular", "triangular2", "exp_range"):
            raise ValueError(f"CyclicLR: mode is 'triangular', 'triangular2' or 'exp_range', not {self.mode!r}")
        if self.scale_mode not in ("cycle", "iterations"):
            raise ValueError(f"CyclicLR: scale_mode is 'cycle' or 'iterations', not {self.scale_mode!r}")

    def rate(self, lr: float, t: float, i: int) -> float:
        return float(_line(_of(self.base_lr, i), _of(self.max_lr, i), self._height(t)))

    def momentum(self, t: float, i: int) -> float | None:
        low, high = _of(self.base_momentum, i), _of(self.max_momentum, i)
        return float(_line(high, low, self._height(t))) if self.cycle_momentum else None

    def _height(self, t: float) -> float:
        up = float(self.step_size_up)
        length = up + (up if self.step_size_down is None else self.step_size_down)
        cycle, place = math.floor(1 + t / length), t % length
        height = place / up if place <= up else (length - place) / (length - up)
        return height * self._scale(cycle, t)

    def _scale(self, cycle: int, t: float) -> float:
        if self.scale_fn is not None:
            return float(self.scale_fn(cycle if self.scale_mode == "cycle" else t))
        return {"triangular": 1.0, "triangular2": 0.5 ** (cycle - 1), "exp_range": float(self.gamma**t)}[self.mode]


# --- made of others --------------------------------------------------------------------------------------------------------


@dataclass(eq=False)
class SequentialLR(Schedule):
    """One schedule after another: the next begins, at its own t = 0, at each milestone. All start from a0.

    The schedules that it is made of are its parts from then on, and are no longer stepped by themselves.
    """

    schedulers: Sequence[Schedule]
    milestones: Sequence[int]

    def _check(self) -> None:
        super()._check()
        _check_members(self._name, self.schedulers)
        if len(self.milestones) != len(self.schedulers) - 1 or list(self.milestones) != sorted(self.milestones):
            raise ValueError(
                f"SequentialLR: {len(self.schedulers)} schedules need {len(self.schedulers) - 1} milestones that rise, "
                f"not {list(self.milestones)}"
            )

    def _attach(self, schedules: list[Schedule]) -> None:
        self._replace(self.schedulers)

    def _now(self, t: float) -> tuple[Schedule, float]:
        n = bisect_right(self.milestones, t)
        return self.schedulers[n], t - self.milestones[n - 1] if n else t

    def rate(self, lr: float, t: float, i: int) -> float:
        schedule, t = self._now(t)
        return schedule.rate(lr, t, i)

    def momentum(self, t: float, i: int) -> float | None:
        schedule, t = self._now(t)
        return schedule.momentum(t, i)


@dataclass(eq=False)
class WarmUp(Schedule):
    """A warm-up in front of any schedule: a straight line up to its first rate in `steps` steps, then the schedule itself.

    a_t = s_0 * (c + (1 - c) * t / steps) while t < steps, and s_(t - steps) from there on, where s is the schedule. c is
    start_factor; without it 1 / (steps + 1), so that the line would begin with zero just before the first step.

    >>> from autograd import Tensor
    >>> from optim import SGD
    >>> optimizer = SGD([Tensor([1.0])], lr=0.8)
    >>> schedule = WarmUp(StepLR(optimizer, step_size=2, gamma=0.5), steps=3)
    >>> [round(schedule.lr_at(t)[0], 6) for t in range(7)]
    [0.2, 0.4, 0.6, 0.8, 0.8, 0.4, 0.4]
    """

    limits: ClassVar[Limits] = {"steps": FROM_ZERO, "start_factor": FROM_ZERO}
    optimizer: Optimizer = field(init=False, repr=False)
    schedule: Schedule
    steps: int
    start_factor: float | None = None

    def __post_init__(self) -> None:
        _check_members(self._name, [self.schedule])
        self.optimizer = self.schedule.optimizer
        super().__post_init__()

    def _attach(self, schedules: list[Schedule]) -> None:
        self._replace([self.schedule])

    def rate(self, lr: float, t: float, i: int) -> float:
        if t >= self.steps:
            return self.schedule.rate(lr, t - self.steps, i)
        start = 1 / (self.steps + 1) if self.start_factor is None else self.start_factor
        return self.schedule.rate(lr, 0, i) * _line(start, 1, t / self.steps)

    def momentum(self, t: float, i: int) -> float | None:
        return self.schedule.momentum(max(t - self.steps, 0), i)


@dataclass(eq=False)
class ChainedScheduler(Schedule):
    """Several schedules at once: each takes the rate that the one before it gives as its base, so that factors multiply.

    The schedules that it is made of are its parts from then on, and are no longer stepped by themselves.
    """

    optimizer: Any = field(default=None, repr=False, kw_only=True)
    schedulers: Sequence[Schedule]

    def __post_init__(self) -> None:
        _check_members(self._name, self.schedulers)
        self.optimizer = self.optimizer or self.schedulers[0].optimizer
        super().__post_init__()

    def _attach(self, schedules: list[Schedule]) -> None:
        self._replace(self.schedulers)

    def rate(self, lr: float, t: float, i: int) -> float:
        for schedule in self.schedulers:
            lr = schedule.rate(lr, t, i)
        return lr

    def momentum(self, t: float, i: int) -> float | None:
        values = [schedule.momentum(t, i) for schedule in self.schedulers]
        return next((value for value in reversed(values) if value is not None), None)


def _check_members(name: str, members: Sequence[Schedule]) -> None:
    if not members:
        raise ValueError(f"{name} is made of schedules, and got none")
    for member in members:
        if isinstance(member, ReduceLROnPlateau):
            raise TypeError(f"{name}: ReduceLROnPlateau is no function of the step; attach it to the optimizer beside this one")
        if not isinstance(member, Schedule):
            raise TypeError(f"{name} is made of schedules, not of {member!r}")


# --- driven by a metric ----------------------------------------------------------------------------------------------------


@dataclass(eq=False)
class ReduceLROnPlateau(Schedule):
    """a <- max(a * factor, min_lr) when a metric of training or validation has not improved for more than `patience` steps.

    An improvement is more than `threshold`, as a share of the best value ("rel") or by itself ("abs"); nan never is one. After
    a reduction `cooldown` steps do not count, and one of less than `eps` is not made. It reduces the rate that it finds, a
    rate set by hand too; a schedule beside it goes on from the reduced rate.

    >>> from autograd import Tensor
    >>> from optim import SGD
    >>> schedule = ReduceLROnPlateau(SGD([Tensor([1.0])], lr=0.8), factor=0.5, patience=1)
    >>> for loss in (3.0, 2.0, 2.0, 2.0):
    ...     schedule.step(loss)
    >>> schedule.get_last_lr()
    [0.4]
    """

    limits: ClassVar[Limits] = {
        "factor": BELOW_ONE,
        "patience": FROM_ZERO,
        "threshold": FROM_ZERO,
        "cooldown": FROM_ZERO,
        "min_lr": FROM_ZERO,
        "eps": FROM_ZERO,
    }
    mode: Literal["min", "max"] = "min"
    factor: float = 0.1
    patience: int = 10
    threshold: float = 1e-4
    threshold_mode: Literal["rel", "abs"] = "rel"
    cooldown: int = 0
    min_lr: PerGroup = 0.0
    eps: float = 1e-8
    last_epoch: float = field(default=-1, init=False, kw_only=True)

    def _check(self) -> None:
        super()._check()
        if self.mode not in ("min", "max") or self.threshold_mode not in ("rel", "abs"):
            raise ValueError(
                f"ReduceLROnPlateau: mode is 'min' or 'max' and threshold_mode 'rel' or 'abs', "
                f"not {self.mode!r} and {self.threshold_mode!r}"
            )
        self.best = math.inf if self.mode == "min" else -math.inf
        self.num_bad_epochs = self.cooldown_counter = 0
        self.scales = [1.0] * len(self.optimizer.param_groups)

    def rate(self, lr: float, t: float, i: int) -> float:
        return lr * self.scales[i]

    def lr_at(self, t: float) -> list[float]:
        """Not to be had: nobody knows the metric of a step to come."""
        raise TypeError("ReduceLROnPlateau follows a metric and is no function of the step: it has no lr_at")

    def step(self, metrics: Any) -> None:  # type: ignore[override]
        """Takes the metric of an epoch, and reduces the rates if it is time."""
        self._usable()
        self._welcome()
        value = float(metrics)
        self.last_epoch += 1
        better = self._is_better(value)
        if better:
            self.best = value
        self.num_bad_epochs = 0 if better or self.cooldown_counter else self.num_bad_epochs + 1
        self.cooldown_counter = max(self.cooldown_counter - 1, 0)
        if self.num_bad_epochs > self.patience:
            self._reduce()
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0

    def _is_better(self, value: float) -> bool:
        sign = 1 if self.mode == "max" else -1
        margin = self.threshold * sign
        goal = self.best * (1 + margin) if self.threshold_mode == "rel" else self.best + margin
        return value > goal if sign > 0 else value < goal

    def _reduce(self) -> None:
        for i, group in enumerate(self.optimizer.param_groups):
            old = float(group["lr"])
            new = max(old * self.factor, _of(self.min_lr, i))
            if old - new > self.eps:
                group["lr"] = float(new)
                self.scales[i] *= new / old

    def _welcome(self) -> None:
        super()._welcome()
        self.scales += [1.0] * (len(self.base_lrs) - len(self.scales))

    def state_dict(self) -> dict[str, Any]:
        """Where it stands: what it knows of the metric, and what it made of the rates."""
        own = ("best", "num_bad_epochs", "cooldown_counter", "scales")
        state = {name: getattr(self, name) for name in own}
        return {**super().state_dict(), **state, "scales": list(self.scales)}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Takes the place of a state_dict."""
        super().load_state_dict(state_dict)
        self.best, self.scales = state_dict["best"], list(state_dict["scales"])
        self.num_bad_epochs, self.cooldown_counter = state_dict["num_bad_epochs"], state_dict["cooldown_counter"]
