"""Schedules: PyTorch's values, the lectures' formulas, the same bits after any order of calls and after a resume."""

import copy
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import optim
from autograd import RecordingError, Tensor, record
from optim import schedules
from optim.schedules import (
    ChainedScheduler,
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    CyclicLR,
    ExponentialLR,
    InverseSqrtLR,
    InverseTimeLR,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    MultiStepLR,
    OneCycleLR,
    PolynomialLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
    WarmUp,
)

RATES = (0.1, 0.03)
STEPS = 200


# Schedules of PyTorch: name, and its arguments. The ones that are made of others say which.
TABLE: list[tuple[str, dict[str, Any]]] = [
    ("StepLR", {"step_size": 30}),
    ("StepLR", {"step_size": 7, "gamma": 0.5}),
    ("StepLR", {"step_size": 1, "gamma": 1.01}),
    ("MultiStepLR", {"milestones": [30, 80, 80]}),
    ("MultiStepLR", {"milestones": [0, 90, 20], "gamma": 0.5}),
    ("ExponentialLR", {"gamma": 0.97}),
    ("ConstantLR", {}),
    ("ConstantLR", {"factor": 0.25, "total_iters": 150}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 1.0, "end_factor": 0.1, "total_iters": 120}),
    ("LinearLR", {"start_factor": 0.5, "end_factor": 0.5, "total_iters": 300}),
    ("PolynomialLR", {}),
    ("PolynomialLR", {"total_iters": 150, "power": 2.5}),
    ("CosineAnnealingLR", {"T_max": 200}),
    ("CosineAnnealingLR", {"T_max": 60, "eta_min": 0.02}),
    ("CosineAnnealingWarmRestarts", {"T_0": 13}),
    ("CosineAnnealingWarmRestarts", {"T_0": 10, "T_mult": 2, "eta_min": 0.01}),
    ("CosineAnnealingWarmRestarts", {"T_0": 1, "T_mult": 3}),
    ("LambdaLR", {"lr_lambda": lambda t: 1 / (1 + t)}),
    ("LambdaLR", {"lr_lambda": [lambda t: 0.9**t, lambda t: math.cos(t) ** 2]}),
    ("MultiplicativeLR", {"lr_lambda": lambda t: 0.95 + 0.01 * (t % 7)}),
    ("MultiplicativeLR", {"lr_lambda": [lambda t: 0.99, lambda t: 1 - 1 / (t + 1)]}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": STEPS + 1}),
    ("OneCycleLR", {"max_lr": [0.5, 0.2], "epochs": 7, "steps_per_epoch": 29, "anneal_strategy": "linear"}),
    ("OneCycleLR", {"max_lr": 1.0, "total_steps": 300, "pct_start": 0.4, "three_phase": True, "div_factor": 5.0}),
    ("OneCycleLR", {"max_lr": 1.0, "total_steps": 300, "cycle_momentum": False, "final_div_factor": 10.0}),
    ("OneCycleLR", {"max_lr": 1.0, "total_steps": 220, "base_momentum": [0.5, 0.6], "max_momentum": 0.7, "pct_start": 0.0}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 20}),
    ("CyclicLR", {"base_lr": [0.01, 0.02], "max_lr": 0.1, "step_size_up": 9, "step_size_down": 21, "mode": "triangular2"}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": [0.1, 0.3], "step_size_up": 5, "mode": "exp_range", "gamma": 0.99}),
    ("CyclicLR", {"base_lr": 0.0, "max_lr": 1.0, "step_size_up": 8, "scale_fn": lambda x: 1 / x, "base_momentum": 0.3}),
    (
        "CyclicLR",
        {"base_lr": 0.0, "max_lr": 1.0, "step_size_up": 8, "scale_fn": lambda x: 1 / (1 + x), "scale_mode": "iterations"},
    ),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 20, "cycle_momentum": False}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 20, "max_momentum": [0.95, 0.8]}),
    ("SequentialLR", {"schedulers": [("ConstantLR", {"factor": 0.1, "total_iters": 20}), ("ExponentialLR", {"gamma": 0.9})],
                      "milestones": [20]}),
    ("SequentialLR", {"schedulers": [("LinearLR", {"total_iters": 10}), ("CosineAnnealingLR", {"T_max": 300}),
                                     ("StepLR", {"step_size": 20})], "milestones": [10, 90]}),
    ("SequentialLR", {"schedulers": [("PolynomialLR", {"total_iters": 50}),
                                     ("CyclicLR", {"base_lr": 0.1, "max_lr": 0.3, "step_size_up": 17})], "milestones": [40]}),
    ("ChainedScheduler", {"schedulers": [("ConstantLR", {"factor": 0.1, "total_iters": 20}),
                                         ("ExponentialLR", {"gamma": 0.9})]}),
    ("ChainedScheduler", {"schedulers": [("LinearLR", {"total_iters": 30}), ("StepLR", {"step_size": 20, "gamma": 0.5}),
                                         ("MultiplicativeLR", {"lr_lambda": lambda t: 0.99})]}),
]  # fmt: skip
OURS: list[tuple[str, dict[str, Any]]] = [
    ("ExponentialLR", {"k": 0.02}),
    ("InverseTimeLR", {"k": 0.1}),
    ("InverseSqrtLR", {"k": 0.1}),
    ("WarmUp", {"schedule": ("CosineAnnealingLR", {"T_max": 150}), "steps": 20}),
    ("WarmUp", {"schedule": ("OneCycleLR", {"max_lr": 1.0, "total_steps": 150}), "steps": 5, "start_factor": 0.0}),
]


def named(row: Any) -> str:
    name, settings = row
    return f"{name}({', '.join(settings)})"


def attached(library: Any, row: Any, optimizer: Any) -> Any:
    """A schedule of the table, of one library or the other."""
    name, settings = row
    settings = dict(settings)
    if "schedulers" in settings:
        settings["schedulers"] = [attached(library, part, optimizer) for part in settings["schedulers"]]
    if "schedule" in settings:
        settings["schedule"] = attached(library, settings["schedule"], optimizer)
    kind = getattr(library, name)
    return kind(**settings) if name in ("ChainedScheduler", "WarmUp") else kind(optimizer, **settings)


def optimizer_of(kind: Any = optim.SGD, **settings: Any) -> Any:
    if kind is optim.SGD:
        settings = {"momentum": 0.9, **settings}
    return kind([{"params": [Tensor([1.0])], "lr": lr} for lr in RATES], **settings)


def seen(optimizer: Any) -> list[Any]:
    """What a schedule may have written."""
    return [(group["lr"], group["betas"][0] if "betas" in group else group["momentum"]) for group in optimizer.param_groups]


# --- values ----------------------------------------------------------------------------------------------------------------


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:Detected call of", "ignore:The epoch parameter")
@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize("row", TABLE, ids=named)
def test_two_hundred_steps_are_pytorchs(row: Any, kind: str) -> None:
    import torch

    settings = {"momentum": 0.9} if kind == "SGD" else {}
    theirs = getattr(torch.optim, kind)([{"params": [torch.ones(1)], "lr": lr} for lr in RATES], **settings)
    ours = optimizer_of(getattr(optim, kind))
    schedule, other = attached(schedules, row, ours), attached(torch.optim.lr_scheduler, row, theirs)
    for t in range(STEPS):
        np.testing.assert_allclose(seen(ours), seen(theirs), rtol=1e-12, atol=1e-15, err_msg=f"at step {t}")
        assert schedule.get_last_lr() == [group["lr"] for group in ours.param_groups]
        schedule.step()
        other.step()


# name -> (our schedule, the lectures' or the textbook's formula)
FORMULAS: dict[str, tuple[Any, Any]] = {
    "halving at fixed intervals": (lambda o: StepLR(o, 30, gamma=0.5), lambda a, t: a / 2 ** (t // 30)),
    "exponential": (lambda o: ExponentialLR(o, k=0.02), lambda a, t: a * math.exp(-0.02 * t)),
    "a0 / (1 + kt)": (lambda o: InverseTimeLR(o, k=0.1), lambda a, t: a / (1 + 0.1 * t)),
    "a0 / sqrt(1 + kt)": (lambda o: InverseSqrtLR(o, k=0.1), lambda a, t: a / math.sqrt(1 + 0.1 * t)),
    "at milestones": (lambda o: MultiStepLR(o, [50, 100]), lambda a, t: a * 0.1 ** ((t >= 50) + (t >= 100))),
    "constant first": (lambda o: ConstantLR(o, 0.5, 10), lambda a, t: a * (0.5 if t < 10 else 1)),
    "line": (lambda o: LinearLR(o, 0.0, 2.0, 100), lambda a, t: a * 2 * min(t, 100) / 100),
    "polynomial": (lambda o: PolynomialLR(o, 100, 2), lambda a, t: a * (1 - min(t, 100) / 100) ** 2),
    "half wave": (lambda o: CosineAnnealingLR(o, 200), lambda a, t: a * math.cos(math.pi * t / 400) ** 2),
    "half waves": (lambda o: CosineAnnealingWarmRestarts(o, 50), lambda a, t: a * math.cos(math.pi * (t % 50) / 100) ** 2),
    "own": (lambda o: LambdaLR(o, lambda t: 1 / (t + 1)), lambda a, t: a / (t + 1)),
    "own factors": (lambda o: MultiplicativeLR(o, lambda t: t / (t + 1)), lambda a, t: a / (t + 1)),
    "one after another": (
        lambda o: SequentialLR(o, [LinearLR(o, 0.1, 1, 9), InverseTimeLR(o, k=1.0)], [9]),
        lambda a, t: a * (0.1 + 0.1 * t if t < 9 else 1 / (1 + t - 9)),
    ),
    "both": (
        lambda o: ChainedScheduler([StepLR(o, 50, 0.5), ExponentialLR(o, 0.99)]),
        lambda a, t: a * 0.5 ** (t // 50) * 0.99**t,
    ),
    "warm-up": (
        lambda o: WarmUp(InverseTimeLR(o, k=1.0), 9),
        lambda a, t: a * ((t + 1) / 10 if t < 9 else 1 / (1 + t - 9)),
    ),
    "warm-up of two": (
        lambda o: WarmUp(ChainedScheduler([StepLR(o, 50, 0.5), ExponentialLR(o, 0.99)]), 4, start_factor=0.5),
        lambda a, t: a * (0.5 + t / 8 if t < 4 else 0.5 ** ((t - 4) // 50) * 0.99 ** (t - 4)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMULAS)
def test_the_formula_holds(name: str) -> None:
    make, formula = FORMULAS[name]
    optimizer = optimizer_of()
    schedule = make(optimizer)
    for t in range(STEPS):
        assert schedule.get_last_lr() == pytest.approx([formula(a, t) for a in RATES], rel=1e-12, abs=1e-17)
        schedule.step()


@pytest.mark.parametrize("row", TABLE + OURS, ids=named)
def test_it_is_a_pure_function_of_the_step(row: Any) -> None:
    optimizer = optimizer_of()
    schedule = attached(schedules, row, optimizer)
    before = seen(optimizer)
    plan = {t: schedule.lr_at(t) for t in reversed(range(STEPS))}
    assert seen(optimizer) == before
    for t in range(STEPS):
        assert schedule.last_epoch == t
        assert schedule.get_last_lr() == plan[t] == schedule.lr_at(t)
        assert all(type(group["lr"]) is float for group in optimizer.param_groups)
        schedule.step()
    schedule.step(17)
    assert schedule.get_last_lr() == plan[17]


@pytest.mark.slow
@given(
    row=st.sampled_from(TABLE + OURS), stop=st.integers(0, 60), beside=st.booleans(), first=st.booleans(), hand=st.booleans()
)
def test_it_resumes_bit_for_bit(row: Any, stop: int, beside: bool, first: bool, hand: bool) -> None:
    def made(lr_factor: float) -> tuple[Any, list[Any]]:
        optimizer = optimizer_of()
        for group in optimizer.param_groups:
            group["lr"] *= lr_factor
        made = [attached(schedules, row, optimizer), *([ExponentialLR(optimizer, 0.9)] if beside else [])]
        return optimizer, made

    optimizer, pair = made(1.0)
    for _ in range(stop):
        for schedule in pair:
            schedule.step()
    if hand:
        optimizer.param_groups[0]["lr"] = 0.123
    again, twins = made(0.5)  # a rate that must not matter
    saved = copy.deepcopy((optimizer.state_dict(), [schedule.state_dict() for schedule in pair]))
    if first:
        again.load_state_dict(saved[0])
    for twin, state in zip(twins, saved[1], strict=True):
        twin.load_state_dict(state)
    if not first:
        again.load_state_dict(saved[0])
    for _ in range(5):
        assert seen(again) == seen(optimizer)
        for schedule in (*pair, *twins):
            schedule.step()


def test_a_schedule_made_after_its_optimizer_was_loaded_resumes_too() -> None:
    optimizer = optimizer_of()
    schedule, beside = StepLR(optimizer, 2), ExponentialLR(optimizer, 0.5)
    for _ in range(5):
        schedule.step()
        beside.step()
    again = optimizer_of()
    again.load_state_dict(optimizer.state_dict())
    twins = StepLR(again, 2), ExponentialLR(again, 0.5)
    for twin, state in zip(twins, (schedule.state_dict(), beside.state_dict()), strict=True):
        twin.load_state_dict(state)
    for _ in range(3):
        assert seen(again) == seen(optimizer)
        for each in (schedule, beside, *twins):
            each.step()


# --- no order of calls is wrong --------------------------------------------------------------------------------------------


def test_the_order_of_optimizer_and_schedule_is_free() -> None:
    optimizer = optimizer_of()
    schedule = StepLR(optimizer, 1, 0.5)
    schedule.step()
    schedule.step()
    for group in optimizer.param_groups:
        group["params"][0].sum().backward()
    optimizer.step()
    assert [group["params"][0].item() for group in optimizer.param_groups] == [1 - lr / 4 for lr in RATES]


def test_a_recorded_step_sees_the_rate() -> None:
    def setting() -> Any:
        p = Tensor([1.0, 2.0])
        optimizer = optim.SGD([p], lr=0.1, momentum=0.9)
        return p, optimizer, OneCycleLR(optimizer, 0.5, total_steps=12)

    def step() -> Any:
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        optimizer.step()
        return loss

    p, optimizer, schedule = setting()
    for _ in range(10):
        step()
        schedule.step()
    expected = p.numpy()
    p, optimizer, schedule = setting()
    _, program = record(step)
    for _ in range(9):
        schedule.step()
        program.run()
    np.testing.assert_array_equal(p.numpy(), expected)


def test_to_step_while_recording_is_refused() -> None:
    optimizer = optimizer_of()
    schedule = StepLR(optimizer, 1)
    with pytest.raises(RecordingError, match="StepLR would be asked once, while recording"):
        record(schedule.step)


def test_a_rate_set_by_hand_holds_until_the_next_step_and_base_lrs_for_good() -> None:
    optimizer = optimizer_of()
    schedule = StepLR(optimizer, 2, 0.5)
    optimizer.param_groups[0]["lr"] = 7.0
    assert schedule.get_last_lr() == [7.0, 0.03]
    schedule.step()
    assert schedule.get_last_lr() == [0.1, 0.03]
    schedule.base_lrs[0] = 8.0
    schedule.step()
    assert schedule.get_last_lr() == [4.0, 0.015]


def test_two_schedules_multiply_in_any_order_of_steps() -> None:
    optimizer = optimizer_of()
    first, second = LinearLR(optimizer, 0.0, 1.0, 4), StepLR(optimizer, 2, 0.5)
    assert optimizer.param_groups[0]["lr"] == 0.0  # from which nothing could be had by factors
    for schedule in (second, first, first, second, second, first):
        schedule.step()
    assert optimizer.param_groups[0]["lr"] == 0.1 * 0.75 * 0.5


def test_a_later_schedule_begins_at_the_rate_that_it_finds() -> None:
    optimizer = optimizer_of()
    first = StepLR(optimizer, 1, 0.5)
    first.step()
    for group in optimizer.param_groups:
        group["lr"] = 1.0
    second = LinearLR(optimizer, 1.0, 0.0, 4)
    assert second.get_last_lr() == second.base_lrs == [1.0, 1.0]
    second.step()
    assert second.get_last_lr() == [0.75, 0.75]
    first.step()
    assert second.get_last_lr() == [0.375, 0.375]


def test_a_later_schedule_begins_where_the_one_before_has_ended_with_zero() -> None:
    optimizer = optimizer_of()
    LinearLR(optimizer, 1.0, 0.0, 1).step()
    for group in optimizer.param_groups:
        group["lr"] = 1.0
    second = StepLR(optimizer, 1, 0.5)
    second.step()
    assert second.get_last_lr() == [0.5, 0.5]


def test_a_group_that_comes_later_starts_from_its_own_rate() -> None:
    optimizer = optimizer_of()
    first, second = StepLR(optimizer, 2, 0.5), StepLR(optimizer, 1, 0.5)
    first.step()
    optimizer.add_param_group({"params": [Tensor([1.0])], "lr": 16.0})
    plateau = ReduceLROnPlateau(optimizer)
    second.step()
    assert first.base_lrs[2] == second.base_lrs[2] == 16.0
    assert optimizer.param_groups[2]["lr"] == 8.0
    optimizer.add_param_group({"params": [Tensor([1.0])], "lr": 1.0})
    first.step()
    assert optimizer.param_groups[3]["lr"] == 0.25
    plateau.step(1.0)
    assert len(plateau.scales) == 4


def test_a_copy_of_the_optimizer_has_a_schedule_of_its_own() -> None:
    optimizer = optimizer_of()
    schedule = StepLR(optimizer, 1, 0.5)
    other, twin = copy.deepcopy((optimizer, schedule))
    twin.step()
    assert (seen(optimizer)[0][0], seen(other)[0][0]) == (0.1, 0.05)


def test_a_momentum_is_written_to_what_the_optimizer_has() -> None:
    for kind in (optim.SGD, optim.Adam):
        optimizer = optimizer_of(kind)
        schedule = CyclicLR(optimizer, 0.1, 0.2, step_size_up=2)
        assert [m for _, m in seen(optimizer)] == [0.9, 0.9]
        schedule.step()
        assert [m for _, m in seen(optimizer)] == pytest.approx([0.85, 0.85])


def test_a_momentum_comes_through_what_is_made_of_others() -> None:
    def cycle(optimizer: Any) -> Any:
        return CyclicLR(optimizer, 0.1, 0.2, step_size_up=2)

    optimizer = optimizer_of()
    schedule = WarmUp(ChainedScheduler([cycle(optimizer), StepLR(optimizer, 1)]), steps=2)
    written = []
    for _ in range(6):
        written.append(seen(optimizer)[1][1])
        schedule.step()
    assert written == pytest.approx([0.9, 0.9, 0.9, 0.85, 0.8, 0.85])
    schedule.step()
    other = optimizer_of()
    WarmUp(ChainedScheduler([cycle(other), StepLR(other, 1)]), steps=2).load_state_dict(schedule.state_dict())
    assert seen(other) == seen(optimizer)


def test_the_last_momentum_of_a_chain_holds() -> None:
    optimizer = optimizer_of()
    ChainedScheduler([CyclicLR(optimizer, 0.1, 0.2, max_momentum=high) for high in (0.9, 0.7)])
    assert [m for _, m in seen(optimizer)] == [0.7, 0.7]


def test_what_is_made_of_others_takes_their_place() -> None:
    optimizer = optimizer_of()
    first = StepLR(optimizer, 1, 0.5)
    CyclicLR(optimizer, 1.0, 2.0, cycle_momentum=False)  # does not ask what comes before it
    WarmUp(first, 0).step()
    assert [lr for lr, _ in seen(optimizer)] == [1.0, 1.0]


def test_what_is_written_is_a_python_float() -> None:
    optimizer = optimizer_of()
    number = np.float64(0.5)
    for schedule in (ExponentialLR(optimizer, number), OneCycleLR(optimizer, number, 10, max_momentum=number)):
        schedule.step()
        assert all(type(value) is float for pair in seen(optimizer) for value in pair)


def test_one_cycle_stays_at_its_end() -> None:
    schedule = OneCycleLR(optimizer_of(), 1.0, total_steps=10, anneal_strategy="linear")
    assert schedule.lr_at(9) == schedule.lr_at(10) == schedule.lr_at(1000) == pytest.approx([1 / 25e4] * 2)


def test_milestones_may_come_from_an_iterator() -> None:
    schedule = MultiStepLR(optimizer_of(), iter([2, 4]), 0.5)  # type: ignore[arg-type]
    assert [schedule.lr_at(t)[0] for t in (1, 2, 3, 4)] == [0.1, 0.05, 0.05, 0.025]


def test_one_cycle_may_rise_in_no_steps() -> None:
    assert OneCycleLR(optimizer_of(), 1.0, total_steps=10, pct_start=0.1).lr_at(0) == [1.0, 1.0]
    assert OneCycleLR(optimizer_of(), 1.0, total_steps=1, pct_start=1.0).lr_at(0) == [1.0, 1.0]


def test_steps_may_lie_between_two() -> None:
    schedule = CosineAnnealingWarmRestarts(optimizer_of(), 10, 2)
    schedule.step(10 + 5)
    middle = schedule.get_last_lr()
    schedule.step(2.5)
    assert schedule.get_last_lr() == pytest.approx([a * (1 + math.cos(math.pi / 4)) / 2 for a in RATES])
    schedule.step()
    assert schedule.last_epoch == 3.5
    assert middle == pytest.approx([a * (1 + math.cos(math.pi / 4)) / 2 for a in RATES])


def test_last_epoch_goes_on_from_initial_lr() -> None:
    optimizer = optimizer_of()
    with pytest.raises(ValueError, match='give every group its "initial_lr"'):
        StepLR(optimizer, 2, last_epoch=4)
    for group in optimizer.param_groups:
        group["initial_lr"] = 1.0
    schedule = StepLR(optimizer, 2, 0.5, last_epoch=4)
    assert (schedule.last_epoch, schedule.get_last_lr()) == (5, [0.25, 0.25])


# --- driven by a metric ----------------------------------------------------------------------------------------------------

PLATEAUS: list[dict[str, Any]] = [
    {},
    {"factor": 0.5, "patience": 3},
    {"factor": 0.5, "patience": 0, "cooldown": 4},
    {"mode": "max", "patience": 2, "threshold": 0.1},
    {"patience": 1, "threshold": 0.05, "threshold_mode": "abs", "factor": 0.9},
    {"mode": "max", "patience": 1, "threshold": 0.05, "threshold_mode": "abs", "factor": 0.9, "eps": 0.001},
    {"patience": 0, "factor": 0.5, "min_lr": 0.004},
    {"patience": 0, "factor": 0.5, "min_lr": [0.02, 0.0], "cooldown": 1},
]


@pytest.mark.torch
@pytest.mark.parametrize("settings", PLATEAUS, ids=lambda settings: "-".join(settings) or "defaults")
def test_reductions_are_pytorchs(settings: dict[str, Any]) -> None:
    import torch

    theirs = torch.optim.SGD([{"params": [torch.ones(1)], "lr": lr} for lr in RATES], momentum=0.9)
    ours = optimizer_of()
    schedule, other = ReduceLROnPlateau(ours, **settings), torch.optim.lr_scheduler.ReduceLROnPlateau(theirs, **settings)
    rng = np.random.default_rng(3)
    for t in range(STEPS):
        metric = float("nan") if t % 11 == 10 else float(1 / (1 + 0.05 * t) + 0.1 * rng.normal())
        schedule.step(metric)
        other.step(metric)
        assert seen(ours) == seen(theirs)
        names = ("best", "num_bad_epochs", "cooldown_counter", "last_epoch")
        assert [getattr(schedule, name) for name in names] == [getattr(other, name) for name in names]
        if t == 100:
            ours.param_groups[0]["lr"] = theirs.param_groups[0]["lr"] = 0.3


@pytest.mark.parametrize("mode", ["min", "max"])
def test_the_same_again_is_no_improvement(mode: Any) -> None:
    schedule = ReduceLROnPlateau(optimizer_of(), mode, factor=0.5, patience=0, threshold=0)
    schedule.step(1.0)
    schedule.step(1.0)
    assert schedule.get_last_lr() == [lr / 2 for lr in RATES]


@pytest.mark.parametrize("settings", PLATEAUS, ids=lambda settings: "-".join(settings) or "defaults")
@pytest.mark.parametrize("beside", [False, True])
def test_a_plateau_resumes_bit_for_bit(settings: dict[str, Any], beside: bool) -> None:
    def made() -> tuple[Any, list[Any]]:
        optimizer = optimizer_of()
        return optimizer, [ReduceLROnPlateau(optimizer, **settings), *([ExponentialLR(optimizer, 0.99)] if beside else [])]

    def step(pair: Any, t: int) -> None:
        pair[0].step(math.sin(t))
        for schedule in pair[1:]:
            schedule.step()

    optimizer, pair = made()
    for t in range(30):
        step(pair, t)
    again, twins = made()
    for twin, schedule in zip(twins, pair, strict=True):
        twin.load_state_dict(copy.deepcopy(schedule.state_dict()))
    for t in range(30, 60):
        assert seen(again) == seen(optimizer)
        step(pair, t)
        step(twins, t)


@pytest.mark.parametrize("plateau_first", [True, False])
def test_a_schedule_goes_on_from_the_reduced_rate(plateau_first: bool) -> None:
    optimizer = optimizer_of()
    made = [ReduceLROnPlateau(optimizer, factor=0.5, patience=0), StepLR(optimizer, 1, 0.5)]
    if not plateau_first:
        optimizer = optimizer_of()
        made = [StepLR(optimizer, 1, 0.5), ReduceLROnPlateau(optimizer, factor=0.5, patience=0)][::-1]
    plateau, schedule = made
    schedule.step()
    plateau.step(1.0)
    plateau.step(1.0)
    assert optimizer.param_groups[0]["lr"] == 0.1 / 4
    schedule.step()
    assert optimizer.param_groups[0]["lr"] == 0.1 / 8


# --- errors ----------------------------------------------------------------------------------------------------------------

o = optimizer_of
WRONG: dict[str, tuple[Any, type[Exception], str]] = {
    "no optimizer": (lambda: StepLR([Tensor([1.0])], 3), TypeError, "StepLR is attached to an optimizer, and got a list"),
    "interval": (lambda: StepLR(o(), 0), ValueError, "StepLR: step_size is at least 1, not 0"),
    "nan": (lambda: StepLR(o(), 1, float("nan")), ValueError, "gamma is at least 0, not nan"),
    "infinite": (lambda: InverseTimeLR(o(), float("inf")), ValueError, "k is at least 0, not inf"),
    "neither": (lambda: ExponentialLR(o()), ValueError, r"give gamma, for a0 \* gamma\^t, or k"),
    "both": (lambda: ExponentialLR(o(), 0.9, k=0.1), ValueError, "give gamma"),
    "k": (lambda: ExponentialLR(o(), k=float("inf")), ValueError, "k is finite, not inf"),
    "share": (lambda: OneCycleLR(o(), 1.0, 10, pct_start=1.5), ValueError, "pct_start is from 0 to 1, not 1.5"),
    "positive": (lambda: OneCycleLR(o(), 1.0, 10, div_factor=0), ValueError, "div_factor is positive, not 0"),
    "no length": (lambda: OneCycleLR(o(), 1.0), ValueError, "give total_steps, or epochs and steps_per_epoch"),
    "strategy": (lambda: OneCycleLR(o(), 1.0, 10, anneal_strategy="sin"), ValueError, "is 'cos' or 'linear', not 'sin'"),  # type: ignore[arg-type]
    "wave": (lambda: CyclicLR(o(), 0.1, 0.2, mode="saw"), ValueError, "mode is 'triangular'"),  # type: ignore[arg-type]
    "scale": (lambda: CyclicLR(o(), 0.1, 0.2, scale_mode="steps"), ValueError, "scale_mode is 'cycle' or 'iterations'"),  # type: ignore[arg-type]
    "groups": (lambda: OneCycleLR(o(), [1.0], 10), ValueError, "max_lr has 1 values, and the optimizer 2 groups"),
    "functions": (lambda: LambdaLR(o(), [abs]), ValueError, "LambdaLR: 1 functions, and the optimizer has 2 groups"),
    "no function": (lambda: MultiplicativeLR(o(), 0.9), TypeError, "lr_lambda is a function of the step, not 0.9"),  # type: ignore[arg-type]
    "milestones": (lambda: SequentialLR(p := o(), [StepLR(p, 1)], [3]), ValueError, r"1 schedules need 0 milestones.*\[3\]"),
    "none": (lambda: ChainedScheduler([]), ValueError, "made of schedules, and got none"),
    "no schedule": (lambda: WarmUp(o(), 3), TypeError, "WarmUp is made of schedules, not of"),  # type: ignore[arg-type]
    "plateau": (lambda: WarmUp(ReduceLROnPlateau(o()), 3), TypeError, "attach it to the optimizer beside this one"),
    "another": (lambda: SequentialLR(o(), [StepLR(o(), 1)], []), ValueError, "attached to another optimizer"),
    "mode": (lambda: ReduceLROnPlateau(o(), "least"), ValueError, "mode is 'min' or 'max'"),  # type: ignore[arg-type]
    "growing": (lambda: ReduceLROnPlateau(o(), factor=1.0), ValueError, "factor is below 1, not 1.0"),
    "threshold": (lambda: ReduceLROnPlateau(o(), threshold=float("nan")), ValueError, "threshold is at least 0, not nan"),
    "eps": (lambda: ReduceLROnPlateau(o(), eps=-1.0), ValueError, "eps is at least 0, not -1.0"),
    "no plan": (lambda: ReduceLROnPlateau(o()).lr_at(3), TypeError, "it has no lr_at"),
    "before": (lambda: StepLR(o(), 1).step(-1), ValueError, "steps are counted from 0, and this is -1"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_use_is_told(name: str) -> None:
    call, kind, message = WRONG[name]
    with pytest.raises(kind, match=message):
        call()


def test_a_part_is_not_used_by_itself() -> None:
    optimizer = optimizer_of()
    part = StepLR(optimizer, 1)
    WarmUp(part, 3)
    for call in (part.step, part.state_dict, lambda: part.load_state_dict({}), lambda: WarmUp(part, 2)):
        with pytest.raises(ValueError, match=r"StepLR\(.*step_size=1.*\) is part of another schedule: use that one"):
            call()


def test_a_state_dict_is_a_copy() -> None:
    optimizer = optimizer_of()
    plateau = ReduceLROnPlateau(optimizer, patience=0)
    saved = plateau.state_dict()
    before = copy.deepcopy(saved)
    optimizer.add_param_group({"params": [Tensor([1.0])], "lr": 1.0})
    plateau.step(1.0)
    plateau.step(2.0)
    assert saved == before
    twin = ReduceLROnPlateau(optimizer_of(), patience=0)
    twin.load_state_dict(saved)
    twin.step(1.0)
    twin.step(2.0)
    assert saved == before


def test_a_state_of_other_groups_is_refused() -> None:
    state = StepLR(optimizer_of(), 1).state_dict()
    with pytest.raises(ValueError, match="has 1 groups, and this state_dict 2"):
        StepLR(optim.SGD([Tensor([1.0])], lr=1.0), 1).load_state_dict(state)


def test_a_momentum_that_is_not_there_cannot_cycle() -> None:
    class Plain(optim.Optimizer):
        pass

    optimizer = Plain([Tensor([1.0])], {"lr": 0.1})
    with pytest.raises(ValueError, match="Plain has no momentum and no betas; give cycle_momentum=False"):
        CyclicLR(optimizer, 0.1, 0.2)
    CyclicLR(optimizer, 0.1, 0.2, cycle_momentum=False).step()
