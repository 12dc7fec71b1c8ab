"""Every update rule: PyTorch's trajectory, the same bits whether eager or recorded, laid side by side or in blocks."""

import copy
from typing import Any

import numpy as np
import pytest

import autograd as ag
import optim
from autograd import DtypeError, GradientError, ShapeError, Tensor, record
from optim.adafactor import Adafactor
from optim.adagrad import Adadelta, Adagrad, RMSprop
from optim.adamax import Adamax, NAdam, RAdam
from optim.asgd import ASGD
from optim.lamb import LAMB
from optim.lion import Lion
from optim.muon import Muon
from optim.rprop import Rprop

# name -> (our class, the arguments, shared with PyTorch's class of that name)
RULES: dict[str, tuple[Any, dict[str, Any]]] = {
    "SGD": (optim.SGD, {"lr": 0.01}),
    "SGD, momentum": (optim.SGD, {"lr": 0.01, "momentum": 0.9}),
    "SGD, dampening": (optim.SGD, {"lr": 0.01, "momentum": 0.9, "dampening": 0.3}),
    "SGD, Nesterov": (optim.SGD, {"lr": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    "SGD, uphill": (optim.SGD, {"lr": 0.01, "maximize": True}),
    "Adam": (optim.Adam, {"lr": 0.01}),
    "Adam, amsgrad": (optim.Adam, {"lr": 0.01, "amsgrad": True}),
    "Adam, weight decay": (optim.Adam, {"lr": 0.01, "weight_decay": 0.1}),
    "Adam, betas": (optim.Adam, {"lr": 0.01, "betas": (0.0, 0.9), "eps": 0.0, "maximize": True}),
    "AdamW": (optim.AdamW, {"lr": 0.01}),
    "AdamW, amsgrad": (optim.AdamW, {"lr": 0.01, "amsgrad": True}),
    "Adagrad": (Adagrad, {"lr": 0.01}),
    "Adagrad, options": (Adagrad, {"lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.2}),
    "Adadelta": (Adadelta, {}),
    "Adadelta, weight decay": (Adadelta, {"rho": 0.8, "eps": 1e-5, "weight_decay": 0.1}),
    "RMSprop": (RMSprop, {"lr": 0.01}),
    "RMSprop, centered": (RMSprop, {"lr": 0.01, "centered": True}),
    "RMSprop, momentum": (RMSprop, {"lr": 0.01, "momentum": 0.9}),
    "RMSprop, options": (RMSprop, {"lr": 0.01, "momentum": 0.9, "centered": True, "weight_decay": 0.1, "alpha": 0.9}),
    "Adamax": (Adamax, {}),
    "Adamax, weight decay": (Adamax, {"weight_decay": 0.1, "maximize": True}),
    "NAdam": (NAdam, {}),
    "NAdam, weight decay": (NAdam, {"weight_decay": 0.1, "momentum_decay": 0.1}),
    "NAdam, decoupled": (NAdam, {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    "RAdam": (RAdam, {"lr": 0.01}),
    "RAdam, weight decay": (RAdam, {"lr": 0.01, "weight_decay": 0.1}),
    "RAdam, decoupled": (RAdam, {"lr": 0.01, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    "RAdam, short memory": (RAdam, {"lr": 0.01, "betas": (0.9, 0.6)}),
    "Rprop": (Rprop, {}),
    "Rprop, options": (Rprop, {"etas": (0.4, 1.5), "step_sizes": (1e-3, 0.1), "maximize": True}),
    "ASGD": (ASGD, {}),
    "ASGD, averaging": (ASGD, {"t0": 20.0, "lambd": 0.1, "alpha": 0.6, "weight_decay": 0.1}),
    "Lion": (Lion, {"lr": 0.01}),
    "Lion, weight decay": (Lion, {"lr": 0.01, "weight_decay": 0.1}),
    "LAMB": (LAMB, {"lr": 0.01}),
    "LAMB, no decay": (LAMB, {"lr": 0.01, "weight_decay": 0}),
    "Adafactor": (Adafactor, {}),
    "Adafactor, options": (Adafactor, {"lr": 0.3, "eps": (1e-4, 1e-2), "d": 2.0, "weight_decay": 0.1, "beta2_decay": -0.5}),
    "Muon": (Muon, {}),
    "Muon, plain": (Muon, {"nesterov": False, "weight_decay": 0, "adjust_lr_fn": "match_rms_adamw", "ns_steps": 3}),
}
SHAPES = [(3,), (2, 4), (300, 240), ()]
MATRICES = [(3, 5), (40, 20)]


def values(dtype: Any, kind: Any = None) -> list[Any]:
    rng = np.random.default_rng(0)
    return [np.asarray(rng.normal(size=shape), dtype) for shape in (MATRICES if kind is Muon else SHAPES)]


def wave(parameters: Any, sin: Any, factor: float) -> Any:
    return sum(((sin(p * 1.3) + p * p * 0.1) * factor).sum() for p in parameters)


@pytest.mark.torch
@pytest.mark.parametrize("name", [name for name, (kind, _) in RULES.items() if kind not in (Lion, LAMB)])
def test_a_hundred_steps_are_pytorchs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)  # its Muon rounds to three digits otherwise
    kind, settings = RULES[name]
    ours = [Tensor(x) for x in values(np.float64, kind)]
    theirs = [torch.tensor(x, requires_grad=True) for x in values(np.float64, kind)]
    other = getattr(torch.optim, kind.__name__)
    pairs = [(kind(ours, **settings), ours, np.sin), (other(theirs, **settings), theirs, torch.sin)]
    for i in range(100):
        for optimizer, parameters, sin in pairs:
            optimizer.zero_grad()
            wave(parameters, sin, 1 + 0.1 * i).backward()
            optimizer.step()
            if i % 30 == 29:
                optimizer.param_groups[0]["lr"] *= 0.5
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.numpy(), q.detach().numpy(), rtol=1e-12, atol=1e-13)


def stepper(parameters: Any, optimizer: Any) -> Any:
    def step(factor: Any) -> Any:
        optimizer.zero_grad()
        loss = wave(parameters, np.sin, factor)
        loss.backward()
        optimizer.step()
        return loss

    return step


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_recorded_steps_are_the_eager_ones_bit_for_bit(name: str, dtype: Any) -> None:
    kind, settings = RULES[name]
    parameters = [Tensor(x) for x in values(dtype, kind)]
    twins = copy.deepcopy(parameters)
    optimizer, other = kind(parameters, **settings), kind(twins, **settings)
    step, again = stepper(parameters, optimizer), stepper(twins, other)
    step(1.0)
    _, program = record(again, 1.0)
    for i in range(10):
        optimizer.param_groups[0]["lr"] = other.param_groups[0]["lr"] = 0.01 / (i + 1)
        step(1.0 + i)
        program.run(1.0 + i) if i % 3 else again(1.0 + i)
    for p, q in zip(parameters, twins, strict=True):
        np.testing.assert_array_equal(p.numpy(), q.numpy())
        assert p.dtype == q.dtype == dtype


def test_a_recorded_step_is_refused_when_what_was_off_is_on() -> None:
    p = Tensor(np.ones(3))
    optimizer = optim.SGD([p], lr=0.1)
    _, program = record(stepper([p], optimizer), 1.0)
    optimizer.param_groups[0]["weight_decay"] = 0.1
    with pytest.raises(ag.RecordingError, match=r"weight_decay was 0 when the step was recorded, and is 0.1 now"):
        program.run(1.0)


@pytest.mark.parametrize("name", RULES)
def test_a_graph_that_is_kept_does_not_see_the_update(name: str) -> None:
    kind, settings = RULES[name]
    parameters = [Tensor(x) for x in values(np.float64, kind)]
    optimizer = kind(parameters, **settings)
    wave(parameters, np.sin, 1.0).backward()
    before = [p.numpy() for p in parameters]
    kept = [p * p for p in parameters]
    handed_out = [p.data for p in parameters[:3]]
    optimizer.step()
    optimizer.zero_grad()
    for y, p, x in zip(kept, parameters, before, strict=True):
        assert not np.array_equal(p.numpy(), x)
        y.sum().backward()
        np.testing.assert_array_equal(p.grad.numpy(), 2 * x)
    for array, x in zip(handed_out, before, strict=False):
        np.testing.assert_array_equal(array, x)


@pytest.mark.parametrize("name", RULES)
def test_a_state_dict_resumes_bit_for_bit(name: str) -> None:
    kind, settings = RULES[name]
    parameters = [Tensor(x) for x in values(np.float32, kind)]
    optimizer = kind(parameters, **settings)
    step = stepper(parameters, optimizer)
    for _ in range(3):
        step(1.0)
    twins = copy.deepcopy(parameters)
    other = kind(twins, **settings)
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    again = stepper(twins, other)
    for _ in range(3):
        step(2.0)
        again(2.0)
    for p, q in zip(parameters, twins, strict=True):
        np.testing.assert_array_equal(p.numpy(), q.numpy())


def test_a_parameter_may_be_changed_between_steps() -> None:
    p, q = Tensor(np.ones(3)), Tensor(np.ones(2))
    optimizer = optim.SGD([p, q], lr=1.0, momentum=0.5)
    for expected in (0.0, 9.0 - 0.5):
        (p.sum() + q.sum()).backward()
        optimizer.step()
        optimizer.zero_grad()
        np.testing.assert_array_equal(p.numpy(), np.full(3, expected) - (expected == 8.5))
        p.data = np.full(3, 9.0)
    np.testing.assert_array_equal(q.numpy(), np.full(2, -1.5))


def test_wrong_use_is_told() -> None:
    p = Tensor(np.ones(3))
    with pytest.raises(GradientError, match="no parameters"):
        optim.SGD([])
    with pytest.raises(GradientError, match="given twice would be changed twice: parameter 0 of shape"):
        optim.SGD([p, p])
    with pytest.raises(GradientError, match="twice: weight"):
        optim.SGD([("weight", p), ("bias", p)])
    with pytest.raises(GradientError, match="given twice"):
        optim.SGD([{"params": [p]}, {"params": [p]}])
    with pytest.raises(TypeError, match=r"changes Tensors, and got a builtin_function_or_method: pass model.parameters"):
        optim.SGD([print])
    with pytest.raises(GradientError, match="result of an op"):
        optim.SGD([p * 2])
    with pytest.raises(ValueError, match="lr is finite and not negative, not -1"):
        optim.SGD([p], lr=-1)
    with pytest.raises(TypeError, match="SGD has no rate; it has lr, momentum"):
        optim.SGD([{"params": [p], "rate": 1.0}])
    with pytest.raises(ValueError, match="nesterov=True needs a momentum"):
        optim.SGD([p], nesterov=True)
    optimizer = optim.Adam([p])
    optimizer.param_groups[0]["lr"] = float("nan")
    with pytest.raises(ValueError, match="lr is finite"):
        optimizer.step()
    with pytest.raises(GradientError, match=r"holds groups of \[1\] parameters, and this state_dict has \[2\]"):
        optim.SGD([p]).load_state_dict(optim.SGD([Tensor(1.0), Tensor(2.0)]).state_dict())
