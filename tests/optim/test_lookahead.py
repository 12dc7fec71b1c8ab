"""Lookahead: the paper's loop in NumPy, around any rule, wherever an optimizer stands, the same bits when recorded."""

import copy
from typing import Any

import numpy as np
import pytest

import nn
import optim
from autograd import GradientError, ShapeError, Tensor, record
from optim.lookahead import Lookahead
from optim.optimizer import BLOCK

RULES: dict[str, Any] = {
    "SGD": lambda ps: optim.SGD(ps, lr=0.1),
    "momentum": lambda ps: optim.SGD(ps, lr=0.1, momentum=0.9, nesterov=True),
    "Adam": lambda ps: optim.Adam(ps, lr=0.1),
    "RMSprop": lambda ps: optim.RMSprop(ps, lr=0.1),
    "Rprop": lambda ps: optim.Rprop(ps),
    "LAMB": lambda ps: optim.LAMB(ps, lr=0.1),
}
rules = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
SHAPES = [(3,), (2, 4), (300, 230), ()]


def parameters(dtype: Any = np.float64, shapes: Any = SHAPES) -> list[Tensor]:
    rng = np.random.default_rng(0)
    return [Tensor(np.asarray(rng.normal(size=shape), dtype)) for shape in shapes]


def stepper(ps: Any, optimizer: Any) -> Any:
    def step(factor: Any) -> Any:
        optimizer.zero_grad()
        loss = sum(((np.sin(p * 1.3) + p * p * 0.1) * factor).sum() for p in ps)
        loss.backward()
        optimizer.step()
        return loss

    return step


def raws(ps: Any) -> list[Any]:
    return [p.numpy() for p in ps]


def assert_equal(ps: Any, qs: Any) -> None:
    for p, q in zip(ps, qs, strict=True):
        np.testing.assert_array_equal(p.numpy(), q.numpy())
        assert p.dtype == q.dtype


# --- the formula -----------------------------------------------------------------------------------------------------------


def gradient(w: Any) -> Any:
    return 1.3 * np.cos(1.3 * w) + 0.2 * w


def by_sgd(w: Any, memory: Any, t: int) -> Any:
    return w - 0.1 * gradient(w)


def by_adam(w: Any, memory: Any, t: int) -> Any:
    g = gradient(w)
    memory["m"] = 0.9 * memory.get("m", 0) + 0.1 * g
    memory["v"] = 0.999 * memory.get("v", 0) + 0.001 * g * g
    return w - 0.1 * memory["m"] / (1 - 0.9**t) / (np.sqrt(memory["v"] / (1 - 0.999**t)) + 1e-8)


@pytest.mark.parametrize(("name", "inner"), [("SGD", by_sgd), ("Adam", by_adam)])
@pytest.mark.parametrize(("k", "alpha"), [(5, 0.5), (1, 0.8), (3, 0.0), (4, 1.0), (7, 0.3)])
def test_it_is_the_papers_loop(name: str, inner: Any, k: int, alpha: float) -> None:
    ps = parameters()
    expected, memories = raws(ps), [{} for _ in ps]
    optimizer = Lookahead(RULES[name](ps), k=k, alpha=alpha)
    step = stepper(ps, optimizer)
    t = 0
    for _ in range(5):  # Algorithm 1: the outer loop
        fast = list(expected)
        for _ in range(k):
            t += 1
            fast = [inner(w, memory, t) for w, memory in zip(fast, memories, strict=True)]
            step(1.0)
            for p, w in zip(ps, fast if t % k else [], strict=False):
                np.testing.assert_allclose(p.numpy(), w, rtol=1e-12, atol=1e-13)
        expected = [s + alpha * (w - s) for s, w in zip(expected, fast, strict=True)]
        for p, w in zip(ps, expected, strict=True):
            np.testing.assert_allclose(p.numpy(), w, rtol=1e-12, atol=1e-13)


@rules
def test_with_alpha_one_it_is_the_optimizer_inside(rule: Any) -> None:
    ps, qs = parameters(), parameters()
    step, plain = stepper(ps, Lookahead(rule(ps), k=2, alpha=1.0)), stepper(qs, rule(qs))
    for _ in range(6):
        step(1.0)
        plain(1.0)
    for p, q in zip(ps, qs, strict=True):
        np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=1e-9, atol=1e-12)


# --- recorded, saved, copied -----------------------------------------------------------------------------------------------


@rules
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("first", ["eager", "recorded"])
def test_recorded_steps_are_the_eager_ones_bit_for_bit(rule: Any, dtype: Any, first: str) -> None:
    ps, qs = parameters(dtype), parameters(dtype)
    optimizer, other = Lookahead(rule(ps), k=3), Lookahead(rule(qs), k=3)
    step, again = stepper(ps, optimizer), stepper(qs, other)
    if first == "eager":
        step(1.0)
        again(1.0)
    step(1.0)
    _, program = record(again, 1.0)
    assert {"lookahead.k", "lookahead.alpha"} <= {v.name for v in program.inputs}
    for i in range(14):
        for each in (optimizer, other):
            each.param_groups[0]["lr"] = 0.05 / (i + 1)
            each.k, each.alpha = (3, 0.5) if i < 7 else (2, 0.25)
        step(1.0 + i)
        program.run(1.0 + i) if i % 4 else again(1.0 + i)
        assert_equal(ps, qs)
    slow = [each.state_dict()["lookahead"]["slow"].values() for each in (optimizer, other)]
    for a, b in zip(*slow, strict=True):
        np.testing.assert_array_equal(a, b)


@rules
@pytest.mark.parametrize("after", [0, 4])
def test_a_state_dict_resumes_bit_for_bit(rule: Any, after: int) -> None:
    ps = parameters(np.float32)
    optimizer = Lookahead(rule(ps), k=3, alpha=0.25)
    step = stepper(ps, optimizer)
    for _ in range(after):
        step(1.0)
    qs = copy.deepcopy(ps)
    other = Lookahead(rule(qs))
    state = optimizer.state_dict()
    other.load_state_dict(state)
    assert (other.k, other.alpha) == (3, 0.25)
    for slow in state["lookahead"]["slow"].values():
        slow[...] = 0  # copies, both ways
    for _ in range(5):
        step(1.0)
        stepper(qs, other)(1.0)
    assert_equal(ps, qs)


@rules
def test_a_copy_goes_its_own_way(rule: Any) -> None:
    ps, twins = parameters(), parameters()
    optimizer, same = Lookahead(rule(ps), k=2), Lookahead(rule(twins), k=2)
    schedule = optim.StepLR(optimizer, 1)
    step, again = stepper(ps, optimizer), stepper(twins, same)
    for each in (step, again, step, again, step, again):
        each(1.0)
    before = raws(ps)
    other = copy.copy(optimizer)
    assert other.state_dict()["lookahead"]["step"] == 3
    other.param_groups[0]["lr"] = 7.0
    other.k = 1
    for _ in range(3):
        stepper(ps, other)(2.0)
    for p, w in zip(ps, before, strict=True):
        p.data = w
    optimizer.zero_grad()
    assert optimizer.param_groups[0]["lr"] != 7.0
    for _ in range(3):
        step(1.0)
        again(1.0)
    assert_equal(ps, twins)
    optim.StepLR(other, 1)
    assert vars(optimizer)["_schedules"] == [schedule]


# --- wherever an optimizer stands ------------------------------------------------------------------------------------------


def test_groups_are_those_inside() -> None:
    body, head, late = (Tensor(np.ones(2)) for _ in range(3))
    inside = optim.SGD([{"params": [body], "name": "body"}, {"params": [head], "name": "head", "lr": 0.5}], lr=0.25)
    optimizer = Lookahead(inside, k=2)
    optimizer.group("body")["lr"] = 1.0
    for p in (body, head):
        p.grad = np.ones(2)
    optimizer.step()
    np.testing.assert_array_equal([body.numpy()[0], head.numpy()[0]], [0.0, 0.5])
    optimizer.add_param_group({"params": [late], "name": "late", "lr": 2.0})
    assert [group["name"] for group in inside.param_groups] == ["body", "head", "late"]
    late.grad = np.ones(2)
    optimizer.step()
    np.testing.assert_array_equal([p.numpy()[0] for p in (body, head, late)], [0.0, 0.5, 0.0])
    optimizer.zero_grad()
    assert body.grad is head.grad is late.grad is None
    assert "Lookahead(k=2, alpha=0.5) of SGD (\nParameter Group body" in repr(optimizer)
    with pytest.raises(GradientError, match="given twice"):
        optimizer.add_param_group({"params": [late]})


def test_schedules_reach_the_rule_and_know_of_one_another() -> None:
    (p,) = parameters(shapes=[(3,)])
    inside = optim.SGD([p], lr=1.0)
    optim.StepLR(inside, step_size=1, gamma=0.5)
    optimizer = Lookahead(inside)
    second = optim.ExponentialLR(optimizer, gamma=0.1)
    second.step()
    assert vars(inside)["_schedules"] is vars(optimizer)["_schedules"]
    p.data = np.zeros(3)
    p.grad = np.ones(3)
    optimizer.step()
    np.testing.assert_allclose(p.numpy(), -inside.param_groups[0]["lr"])
    np.testing.assert_allclose(inside.param_groups[0]["lr"], 0.1)


def test_a_closure_is_called_and_its_loss_returned() -> None:
    (p,) = parameters(shapes=[(3,)])
    optimizer = Lookahead(optim.SGD([p], lr=0.1))

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    first = optimizer.step(closure).item()
    assert optimizer.step(closure).item() < first


def test_wrong_use_of_the_optimizer_is_told_through_it() -> None:
    model = nn.Linear(2, 1)
    optimizer = Lookahead(optim.SGD([model.weight], lr=0.1))
    assert optimizer.missing(model) == ["bias"]
    with pytest.warns(UserWarning, match="Lookahead does not hold, and will not change: bias"):
        optimizer.check_model(model)
    with pytest.raises(GradientError, match=r"SGD.step\(\): no gradient for weight: call backward\(\) first"):
        optimizer.step()
    for meant in (1, 2):
        optimizer.accumulate = meant
        for _ in range(2):
            model(np.ones((1, 2), np.float32)).sum().backward()
        if meant == 1:
            with pytest.warns(UserWarning, match="gradients of 2 backward passes are added up"):
                optimizer.step()
        else:
            optimizer.step()
        optimizer.zero_grad()


def test_a_step_that_raises_is_none() -> None:
    p = Tensor(np.ones(2))
    optimizer = Lookahead(optim.SGD([p], lr=1.0), k=1, alpha=0.5)
    with pytest.raises(GradientError, match="no gradient"):
        optimizer.step()
    p.data = np.full(2, 9.0)  # other weights are loaded before the first step
    p.grad = np.ones(2)
    optimizer.step()
    np.testing.assert_array_equal(p.numpy(), np.full(2, 8.5))


def test_what_wants_no_gradient_is_left_alone() -> None:
    p, frozen = Tensor(np.ones(2)), Tensor(np.ones(2))
    optimizer = Lookahead(optim.SGD([p, frozen], lr=1.0), k=2)
    for p_i in (p, frozen):
        p_i.grad = np.ones(2)
    optimizer.step()
    frozen.requires_grad = False
    frozen.data = np.full(2, 7.0)
    optimizer.step()
    np.testing.assert_array_equal(frozen.numpy(), np.full(2, 7.0))


@pytest.mark.parametrize("size", [3, 2 * BLOCK])
def test_nobody_who_holds_weights_sees_them_change(size: int) -> None:
    p = Tensor(np.ones(size))
    optimizer = Lookahead(optim.SGD([p], lr=0.5), k=1)
    held = p.data
    y = (p * p).sum()
    for expected in (0.75, 0.5, 0.25):
        p.grad = np.ones(size)
        optimizer.step()
        np.testing.assert_array_equal(p.numpy(), np.full(size, expected))
    np.testing.assert_array_equal(held, np.ones(size))
    p.data[0] = 100.0  # does not reach the slow weights
    assert optimizer.state_dict()["lookahead"]["slow"][0][0] == 0.25
    optimizer.zero_grad()
    y.backward()
    np.testing.assert_array_equal(p.grad.numpy(), np.full(size, 2.0))


@pytest.mark.parametrize("size", [3, 2 * BLOCK])
def test_slow_weights_are_nobody_elses(size: int) -> None:
    p = Tensor(np.ones(size))
    optimizer = Lookahead(optim.SGD([p], lr=0.5), k=2)
    held = p.data
    p.grad = np.ones(size)
    optimizer.step()
    held[...] = 100.0
    optimizer.step()
    np.testing.assert_array_equal(p.numpy(), np.full(size, 0.5))


def test_a_number_stays_a_number() -> None:
    p = Tensor(1.0)
    optimizer = Lookahead(optim.SGD([p], lr=0.5), k=1)
    p.grad = 1.0
    optimizer.step()
    other = Lookahead(optim.SGD([p], lr=0.5), k=1)
    other.load_state_dict(optimizer.state_dict())
    p.grad = 1.0
    other.step()
    assert p.data == 0.5
    assert type(p.data) is float


# --- wrong use -------------------------------------------------------------------------------------------------------------


def test_a_state_of_something_else_is_refused_and_nothing_changed() -> None:
    ps, qs = parameters(shapes=[(3,), (2,)]), parameters(shapes=[(3,), (4,)])
    optimizer, other, one = (Lookahead(optim.SGD(x, lr=0.1)) for x in (ps, qs, qs[:1]))
    for each, x in ((optimizer, ps), (other, qs)):
        for p in x:
            p.grad = np.ones(p.shape)
        each.step()
    before = optimizer.state_dict()
    with pytest.raises(KeyError, match="of an optimizer without Lookahead: load it into the optimizer inside"):
        optimizer.load_state_dict(optim.SGD(ps, lr=0.1).state_dict())
    with pytest.raises(ShapeError, match=r"parameter 1 of shape \(2,\) has shape \(2,\), and its slow weights .* \(4,\)"):
        optimizer.load_state_dict({**other.state_dict(), "param_groups": [{"params": [0, 1], "lr": 9.0}]})
    with pytest.raises(GradientError, match=r"holds groups of \[2\] parameters, and this state_dict has \[1\]"):
        optimizer.load_state_dict(one.state_dict())
    assert str(optimizer.state_dict()) == str(before)


@pytest.mark.parametrize(
    ("given", "kind", "message"),
    [
        ({"k": 0}, ValueError, "k is a whole number of steps, at least 1, and not 0"),
        ({"k": 2.5}, ValueError, "k is a whole number"),
        ({"k": True}, ValueError, "k is a whole number"),
        ({"alpha": -0.1}, ValueError, "alpha is from 0 to 1, and not -0.1"),
        ({"alpha": float("nan")}, ValueError, "alpha is from 0 to 1"),
        ({"optimizer": optim.SGD}, TypeError, r"got SGD: make one, as in Lookahead\(SGD\(parameters, lr=0.1\)\)"),
        ({"optimizer": [Tensor(1.0)]}, TypeError, "goes around an optimizer, and got list$"),
        ({"optimizer": optim.LBFGS([Tensor(1.0)])}, TypeError, "LBFGS concludes from where its last step ended"),
    ],
)
def test_wrong_arguments_are_told(given: Any, kind: Any, message: str) -> None:
    with pytest.raises(kind, match=message):
        Lookahead(**{"optimizer": optim.SGD([Tensor(1.0)], lr=0.1), **given})


def test_settings_are_looked_at_before_every_step() -> None:
    p = Tensor(1.0)
    optimizer = Lookahead(optim.SGD([p], lr=0.5))
    p.grad = 1.0
    optimizer.k = 0
    with pytest.raises(ValueError, match="k is a whole number"):
        optimizer.step()
    assert p.data == 1.0
