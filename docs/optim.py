"""Writes `docs/optim.md`, how far every update rule and schedule is from PyTorch's: `python -m docs.optim`, where PyTorch is.

The settings are those of the tests of optim, so that what is not tested does not appear. A rule that PyTorch does not have is
compared with the loop of its paper in plain NumPy, a schedule with its formula.
"""

import inspect
import math
import sys
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import optim
from autograd import Tensor
from optim import schedules
from tests.optim import test_lbfgs, test_optimizer, test_schedules

TARGET = Path(__file__).with_name("optim.md")
STEPS = 100

TEXT = """# Update rules and schedules

Written by `python -m docs.optim`, which runs them beside PyTorch {version}; do not edit. Numbers are the largest differences
that were seen at any step, |ours - theirs| / max(1, |theirs|), in float64; the resolution of float64 is 2.2e-16.

## Rules

Every rule made {steps} steps on four parameters, of 0 to 2 axes and 3 to 91 elements, from one start, with the gradient of a
sum of sines that grows from step to step, and with a rate that is halved three times. The settings named were on in one or more
of the runs. PyTorch's optimizers ran with all that they keep in float64 (a part is float32 or, in Muon, bfloat16 otherwise).
The tests take every combination of the settings as well, for eight steps, and compare the state.

| rule | compared with | settings | runs | largest difference |
|---|---|---|---|---|
{rules}

LBFGS made three steps, of up to 20 iterations each, in Rosenbrock's valley of four dimensions. In longer runs a difference in
the last bit grows from step to step, between PyTorch and PyTorch too.

Where they differ on purpose:

- A complex parameter is refused, but by SGD and ASGD; PyTorch's rules take it as two real ones.
- Muon computes in the dtype of the parameter, where PyTorch takes bfloat16.
- A centered RMSprop never takes the root of a negative variance, which rounding makes of a constant gradient.
- `lr` is a number. `foreach`, `fused`, `capturable` and `differentiable` are not there: one body does it all.

## Schedules

Every schedule made {schedule_steps} steps with two groups of different rates, and what it wrote, rates and momenta, was
compared at each of them.

| schedule | compared with | settings | runs | largest difference |
|---|---|---|---|---|
{schedules}

Where they differ on purpose, because a rate here is a function of the step alone:

- The parts of SequentialLR all start from the optimizer's rate. In PyTorch a MultiplicativeLR goes on from the rate that it
  finds, and a OneCycleLR or CyclicLR among the parts changes the start of the others.
- In ChainedScheduler each part takes what the one before gives, so that factors multiply. In PyTorch a LambdaLR, a CyclicLR or
  a CosineAnnealingWarmRestarts among the parts forgets those before it.
- OneCycleLR stays at its end, where PyTorch's raises an error.
"""

Row = tuple[str, str, dict[str, Any], float]  # name, what it was compared with, settings, difference


def distance(ours: Any, theirs: Any) -> float:
    """The largest difference of two lists of arrays or numbers."""
    pairs = [(np.asarray(a, float), np.asarray(b, float)) for a, b in zip(ours, theirs, strict=True)]
    return max(float((abs(a - b) / np.maximum(1, abs(b))).max()) for a, b in pairs)


def rules(torch: Any) -> Iterator[Row]:
    for kind, settings in test_optimizer.RULES.values():
        if kind in test_optimizer.PAPERS:
            yield kind.__name__, "its paper's loop in NumPy", settings, from_paper(kind, settings)
        else:
            yield kind.__name__, "PyTorch", settings, from_torch(torch, kind, settings)
    for settings in test_lbfgs.SETTINGS.values():
        yield "LBFGS", "PyTorch", settings, lbfgs(torch, settings)


def from_torch(torch: Any, kind: Any, settings: dict[str, Any]) -> float:
    start = test_optimizer.values(np.float64, kind, test_optimizer.SMALL)
    ours, theirs = [Tensor(x) for x in start], [torch.tensor(x, requires_grad=True) for x in start]
    other = getattr(torch.optim, kind.__name__)
    pairs = [(kind(ours, **settings), ours, np.sin), (other(theirs, **settings), theirs, torch.sin)]
    worst = 0.0
    for i in range(STEPS):
        for optimizer, parameters, sin in pairs:
            optimizer.zero_grad()
            test_optimizer.wave(parameters, sin, 1 + 0.1 * i).backward()
            optimizer.step()
            optimizer.param_groups[0]["lr"] *= 0.5 if i % 30 == 29 else 1
        worst = max(worst, distance([p.numpy() for p in ours], [q.detach().numpy() for q in theirs]))
    return worst


def from_paper(kind: Any, settings: dict[str, Any]) -> float:
    expected = test_optimizer.values(np.float64, kind, test_optimizer.SMALL)
    ours, memories = [Tensor(x) for x in expected], [{} for _ in expected]
    optimizer = kind(ours, **settings)
    settings = {"lr": optimizer.defaults["lr"], **settings}
    worst = 0.0
    for i in range(STEPS):
        optimizer.zero_grad()
        test_optimizer.wave(ours, np.sin, 1 + 0.1 * i).backward()
        optimizer.step()
        gradients = [(1.3 * np.cos(1.3 * w) + 0.2 * w) * (1 + 0.1 * i) for w in expected]
        expected = [
            test_optimizer.PAPERS[kind](w, g, memory, i + 1, **settings)
            for w, g, memory in zip(expected, gradients, memories, strict=True)
        ]
        if i % 30 == 29:
            optimizer.param_groups[0]["lr"] = settings["lr"] = settings["lr"] * 0.5
        worst = max(worst, distance([p.numpy() for p in ours], expected))
    return worst


def lbfgs(torch: Any, settings: dict[str, Any]) -> float:
    start = np.array([-1.2, 1.0, 0.5, 2.0])
    ours, theirs = Tensor(start), torch.tensor(start, requires_grad=True)
    optimizer, other = optim.LBFGS([ours], **settings), torch.optim.LBFGS([theirs], **settings)
    worst = 0.0
    for _ in range(3):
        optimizer.step(test_lbfgs.closure_of(optimizer, ours))
        other.step(test_lbfgs.closure_of(other, theirs))
        worst = max(worst, distance([ours.numpy()], [theirs.detach().numpy()]))
    return worst


def all_schedules(torch: Any) -> Iterator[Row]:
    for name, settings in test_schedules.TABLE:
        theirs = torch_optimizer(torch)
        ours = test_schedules.optimizer_of()
        schedule = test_schedules.attached(schedules, (name, settings), ours)
        other = test_schedules.attached(torch.optim.lr_scheduler, (name, settings), theirs)
        yield name, "PyTorch", settings, walked(ours, theirs, schedule.step, other.step)
    for settings in test_schedules.PLATEAUS:
        theirs, ours = torch_optimizer(torch), test_schedules.optimizer_of()
        pair = schedules.ReduceLROnPlateau(ours, **settings), torch.optim.lr_scheduler.ReduceLROnPlateau(theirs, **settings)
        metrics = [1 / (1 + 0.05 * t) + 0.1 * math.sin(t * t) for t in range(test_schedules.STEPS)]
        calls = [iter(metrics), iter(metrics)]
        steps = [lambda each=each, call=call: each.step(next(call)) for each, call in zip(pair, calls, strict=True)]
        yield "ReduceLROnPlateau", "PyTorch", settings, walked(ours, theirs, *steps)
    for make, formula in test_schedules.FORMULAS.values():
        ours = test_schedules.optimizer_of()
        schedule = make(ours)
        if not hasattr(torch.optim.lr_scheduler, type(schedule).__name__) or getattr(schedule, "k", None) is not None:
            yield type(schedule).__name__, "its formula", given(schedule), by_formula(schedule, formula)


def given(schedule: Any) -> dict[str, Any]:
    """The arguments that a schedule was made with, but the optimizer and what was left as it is."""
    parameters = inspect.signature(type(schedule)).parameters.values()
    return {
        p.name: getattr(schedule, p.name)
        for p in parameters
        if p.name not in ("optimizer", "last_epoch") and getattr(schedule, p.name) is not p.default
    }


def torch_optimizer(torch: Any) -> Any:
    return torch.optim.SGD([{"params": [torch.ones(1)], "lr": lr} for lr in test_schedules.RATES], momentum=0.9)


def walked(ours: Any, theirs: Any, step: Any, other: Any) -> float:
    worst = 0.0
    for _ in range(test_schedules.STEPS):
        worst = max(worst, distance(test_schedules.seen(ours), test_schedules.seen(theirs)))
        step()
        other()
    return worst


def by_formula(schedule: Any, formula: Any) -> float:
    worst = 0.0
    for t in range(test_schedules.STEPS):
        worst = max(worst, distance(schedule.get_last_lr(), [formula(a, t) for a in test_schedules.RATES]))
        schedule.step()
    return worst


def table(rows: Iterable[Row]) -> str:
    """A line for each name and what it was compared with."""
    lines: dict[tuple[str, str], list[tuple[dict[str, Any], float]]] = defaultdict(list)
    for name, beside, settings, worst in rows:
        lines[name, beside].append((settings, worst))
    made = []
    for (name, beside), tried in lines.items():
        names = ", ".join(dict.fromkeys(name for settings, _ in tried for name in settings)) or "defaults"
        made.append(f"| {name} | {beside} | {names} | {len(tried)} | {max(worst for _, worst in tried) or 0:.1g} |")
    return "\n".join(made)


def main() -> int:
    warnings.filterwarnings("ignore", "Detected call of")
    warnings.filterwarnings("ignore", "The epoch parameter")
    with test_optimizer.in_float64() as torch:
        text = TEXT.format(
            version=torch.__version__.split("+")[0],
            steps=STEPS,
            rules=table(rules(torch)),
            schedule_steps=test_schedules.STEPS,
            schedules=table(all_schedules(torch)),
        )
    TARGET.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
