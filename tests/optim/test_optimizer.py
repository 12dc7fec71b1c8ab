"""Every update rule: PyTorch's trajectory, the same bits whether eager or recorded, laid side by side or in blocks."""

import copy
import itertools
import json
import math
import types
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
import pytest

import autograd as ag
import optim
from autograd import DtypeError, GradientError, ShapeError, Tensor, files, record
from optim.adafactor import Adafactor
from optim.adagrad import Adadelta, Adagrad, RMSprop
from optim.adamax import Adamax, NAdam, RAdam
from optim.asgd import ASGD
from optim.lamb import LAMB
from optim.lion import Lion
from optim.muon import Muon
from optim.optimizer import BLOCK
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
    "Adam, betas": (optim.Adam, {"lr": 0.01, "betas": (0.0, 0.9), "eps": 1e-3, "maximize": True}),
    "Adam, decoupled": (optim.Adam, {"lr": 0.01, "weight_decay": 0.1, "decoupled_weight_decay": True}),
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
SMALL = [(3,), (2, 4), (13, 7), ()]
SHAPES = [(3,), (2, 4), (300, 220), ()]  # the third is more than a block
MATRICES = [(3, 5), (40, 20)]


def values(dtype: Any, kind: Any, shapes: Any = SHAPES) -> list[Any]:
    rng = np.random.default_rng(0)
    return [np.asarray(rng.normal(size=shape), dtype) for shape in (MATRICES if kind is Muon else shapes)]


def wave(parameters: Any, sin: Any, factor: float) -> Any:
    return sum(((sin(p * 1.3) + p * p * 0.1) * factor).sum() for p in parameters)


@contextmanager
def in_float64() -> Iterator[Any]:
    """PyTorch with all numbers that an optimizer keeps in float64: some are float32 otherwise, and in Muon bfloat16."""
    torch = pytest.importorskip("torch")
    before, coarse = torch.get_default_dtype(), torch.Tensor.bfloat16
    torch.set_default_dtype(torch.float64)
    torch.Tensor.bfloat16 = torch.Tensor.clone
    try:
        yield torch
    finally:
        torch.set_default_dtype(before)
        torch.Tensor.bfloat16 = coarse


@pytest.fixture
def exact() -> Any:
    with in_float64() as torch:
        yield torch


def combinations(kind: Any) -> list[dict[str, Any]]:
    """Every combination of the settings of a rule in the table that the rule accepts; None is its default."""
    tried = [settings for other, settings in RULES.values() if other is kind]
    names = dict.fromkeys(name for settings in tried for name in settings)
    choices = [dict.fromkeys(settings.get(name) for settings in tried) for name in names]
    made = [
        {name: value for name, value in zip(names, chosen, strict=True) if value is not None}
        for chosen in itertools.product(*choices)
    ]
    return [
        settings for settings in made if not settings.get("nesterov") or ("momentum" in settings) > ("dampening" in settings)
    ]


@pytest.mark.torch
@pytest.mark.parametrize(
    "kind", [kind for kind in dict.fromkeys(kind for kind, _ in RULES.values()) if kind not in (Lion, LAMB)]
)
def test_every_combination_of_settings_is_pytorchs(kind: Any, exact: Any) -> None:
    start = values(np.float64, kind, SMALL)
    for settings in combinations(kind):
        ours, theirs = [Tensor(x) for x in start], [exact.tensor(x, requires_grad=True) for x in start]
        pair = kind(ours, **settings), getattr(exact.optim, kind.__name__)(theirs, **settings)
        for i in range(8):
            for p, q in zip(ours, theirs, strict=True):
                p.grad = np.sin(np.arange(p.size) * 1.7 + i * i).reshape(p.shape)
                q.grad = exact.tensor(p.grad.numpy())
            for optimizer in pair:
                optimizer.step()
        for p, q in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(p.numpy(), q.detach().numpy(), rtol=1e-12, atol=1e-13, err_msg=str(settings))
            for name, value in pair[1].state[q].items():
                if value is not None:  # a buffer that is not used
                    np.testing.assert_allclose(
                        pair[0].state[p][name], value, rtol=1e-12, atol=1e-13, err_msg=f"{name}: {settings}"
                    )


# Few elements: among many some come so near to a place where a gradient turns its sign that rounding decides on which side.
@pytest.mark.torch
@pytest.mark.parametrize("name", [name for name, (kind, _) in RULES.items() if kind not in (Lion, LAMB)])
def test_a_hundred_steps_are_pytorchs(name: str, exact: Any) -> None:
    kind, settings = RULES[name]
    ours = [Tensor(x) for x in values(np.float64, kind, SMALL)]
    theirs = [exact.tensor(x, requires_grad=True) for x in values(np.float64, kind, SMALL)]
    other = getattr(exact.optim, kind.__name__)
    pairs = [(kind(ours, **settings), ours, np.sin), (other(theirs, **settings), theirs, exact.sin)]
    for i in range(100):
        for optimizer, parameters, sin in pairs:
            optimizer.zero_grad()
            wave(parameters, sin, 1 + 0.1 * i).backward()
            optimizer.step()
            if i % 30 == 29:
                optimizer.param_groups[0]["lr"] *= 0.5
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.numpy(), q.detach().numpy(), rtol=1e-12, atol=1e-13)


@pytest.mark.torch
@pytest.mark.parametrize("name", [name for name, (kind, _) in RULES.items() if kind not in (Lion, LAMB, optim.SGD, Muon)])
def test_a_run_of_pytorch_goes_on_here(name: str, exact: Any) -> None:
    """Its state_dict, tensors and all, is taken as it is."""
    kind, settings = RULES[name]
    theirs = [exact.tensor(x, requires_grad=True) for x in values(np.float64, kind, SMALL)]
    other = getattr(exact.optim, kind.__name__)(theirs, **settings)

    def step(optimizer: Any, parameters: Any, sin: Any) -> None:
        optimizer.zero_grad()
        wave(parameters, sin, 1.5).backward()
        optimizer.step()

    step(other, theirs, exact.sin)
    ours = [Tensor(q.detach().numpy()) for q in theirs]
    optimizer = kind(ours, **settings)
    optimizer.load_state_dict(other.state_dict())
    for _ in range(3):
        step(other, theirs, exact.sin)
        step(optimizer, ours, np.sin)
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.numpy(), q.detach().numpy(), rtol=1e-12, atol=1e-13)


def test_a_program_names_the_state_after_its_parameter() -> None:
    weights = [Tensor([1.0, 2.0]), Tensor([3.0])]
    optimizer = optim.Adam(weights)

    def step() -> None:
        for w in weights:
            w.grad = np.ones(w.shape)
        optimizer.step()

    for _ in range(2):  # the second finds the state there
        _, program = record(step)
        own = {f"weights[{i}].{name}" for i in (0, 1) for name in ("step", "exp_avg", "exp_avg_sq")}
        assert own < {str(variable) for variable in program.captured}


def test_state_without_a_step_is_refused() -> None:
    """As PyTorch's SGD writes it."""
    optimizer = optim.SGD([Tensor(1.0)], momentum=0.9)
    saved = {"state": {0: {"momentum_buffer": np.array(1.0)}}, "param_groups": optimizer.state_dict()["param_groups"]}
    with pytest.raises(GradientError, match=r"has \['momentum_buffer'\] and no step"):
        optimizer.load_state_dict(saved)
    assert not optimizer.state


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


@pytest.mark.parametrize("name", [name for name, (kind, _) in RULES.items() if kind.elementwise])
@pytest.mark.parametrize("order", ["C", "F"])
def test_blocks_are_the_same_as_parameters_side_by_side(name: str, order: Any) -> None:
    kind, settings = RULES[name]
    x = np.random.default_rng(0).normal(size=(300, 220))
    whole, parts = Tensor(np.asarray(x, order=order)), [Tensor(row) for row in x]
    for parameters in ([whole], parts):
        step = stepper(parameters, kind(parameters, **settings))
        for factor in (1.0, 2.0, 3.0):
            step(factor)
    np.testing.assert_array_equal(whole.numpy(), [p.numpy() for p in parts])


def lion(w: Any, g: Any, memory: Any, t: int, lr: float, weight_decay: float = 0.0) -> Any:
    m = memory.get("m", 0 * w)
    memory["m"] = 0.99 * m + 0.01 * g
    return w - lr * (np.sign(0.9 * m + 0.1 * g) + weight_decay * w)


def lamb(w: Any, g: Any, memory: Any, t: int, lr: float, weight_decay: float = 0.01) -> Any:
    memory["m"] = m = 0.9 * memory.get("m", 0) + 0.1 * g
    memory["v"] = v = 0.999 * memory.get("v", 0) + 0.001 * g**2
    r = m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-6) + weight_decay * w
    size = np.linalg.norm(w)
    return w - lr * (size / np.linalg.norm(r) if size else 1) * r


# The rules that PyTorch does not have, as their papers write them: (w, g, memory, t, settings) gives the next w.
PAPERS: dict[Any, Any] = {Lion: lion, LAMB: lamb}


@pytest.mark.parametrize("weight_decay", [0, 0.3])
@pytest.mark.parametrize("kind", PAPERS)
def test_a_rule_of_a_paper_is_the_papers(kind: Any, weight_decay: float) -> None:
    x = [np.linspace(-1, 2, 12).reshape(3, 4), np.zeros(3)]
    parameters, expected, memories = [Tensor(w) for w in x], x, [{}, {}]
    optimizer = kind(parameters, lr=1e-2, weight_decay=weight_decay)
    for t in range(1, 11):
        gradients = [np.cos((t + 1) * np.arange(w.size)).reshape(w.shape) for w in x]
        for p, g in zip(parameters, gradients, strict=True):
            p.grad = g
        optimizer.step()
        expected = [
            PAPERS[kind](w, g, memory, t, 1e-2, weight_decay)
            for w, g, memory in zip(expected, gradients, memories, strict=True)
        ]
        for p, w in zip(parameters, expected, strict=True):
            np.testing.assert_allclose(p.numpy(), w, rtol=1e-12)


def test_radam_takes_the_average_before_it_trusts_the_squares() -> None:
    p = Tensor(np.ones(3))
    optimizer = RAdam([p], lr=0.1)
    for _ in range(5):
        p.grad = np.array([1.0, 10.0, 100.0])
        optimizer.step()
    np.testing.assert_allclose(p.numpy(), 1 - 0.5 * np.array([1.0, 10.0, 100.0]))


@pytest.mark.torch
def test_the_average_of_asgd_is_pytorchs(exact: Any) -> None:
    ours, theirs = Tensor(np.ones(3)), exact.ones(3, requires_grad=True)
    pairs = [(ASGD([ours], t0=4.0), ours, np.sin), (exact.optim.ASGD([theirs], t0=4.0), theirs, exact.sin)]
    for _ in range(12):
        for optimizer, p, sin in pairs:
            optimizer.zero_grad()
            wave([p], sin, 1.0).backward()
            optimizer.step()
        averages = [np.asarray(optimizer.state[p]["ax"]) for optimizer, p, _ in pairs]
        np.testing.assert_allclose(*averages, rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("name", RULES)
def test_parameters_and_state_keep_their_dtype(name: str, dtype: Any) -> None:
    kind, settings = RULES[name]
    parameters = [Tensor(x) for x in values(dtype, kind)]
    optimizer = kind(parameters, **settings)
    for factor in (1.0, 2.0):
        optimizer.zero_grad()
        for p in parameters:  # numbers that float16 can square
            p.grad = np.full(p.shape, factor, dtype)
        optimizer.param_groups[0]["lr"] = np.float64(0.01)
        optimizer.step()
    for p in parameters:
        arrays = [p.numpy(), *(value for value in optimizer.state[p].values() if isinstance(value, np.ndarray))]
        assert {array.dtype for array in arrays} == {np.dtype(dtype)}
        assert np.isfinite(p.numpy()).all()


@pytest.mark.parametrize("name", [name for name, (kind, _) in RULES.items() if kind is not Muon])
def test_a_python_number_is_stepped_as_an_array_is(name: str) -> None:
    kind, settings = RULES[name]
    number, array, recorded = Tensor(0.7), Tensor(np.array(0.7)), Tensor(0.7)

    def single(p: Any) -> Any:
        optimizer = kind([p], **settings)

        def step(factor: Any) -> Any:
            optimizer.zero_grad()
            loss = (np.sin(p * 1.3) + p * p * 0.1) * factor
            loss.backward()
            optimizer.step()
            return loss

        return step

    steps = [single(p) for p in (number, array, recorded)]
    _, program = record(steps[2], 1.0)
    for factor in (1.0, 2.0, 3.0):
        steps[0](factor)
        steps[1](factor)
        if factor > 1:
            program.run(factor)
    assert type(number._raw) is type(recorded._raw) is float
    assert number.item() == array.item() == recorded.item()


@pytest.mark.parametrize("name", RULES)
def test_a_gradient_that_comes_later_begins_at_the_first_step(name: str) -> None:
    kind, settings = RULES[name]
    early, late, alone = (Tensor(x) for x in [*values(np.float64, kind)[:2], values(np.float64, kind)[1]])
    both, single = kind([early, late], **settings), kind([alone], **settings)
    for i in range(6):
        early.grad = np.cos(np.arange(early.size) + i).reshape(early.shape)
        if i >= 3:
            late.grad = alone.grad = np.cos(np.arange(late.size) - i).reshape(late.shape)
            single.step()
        with pytest.warns(UserWarning, match="without gradient") if i == 0 else nullcontext():
            both.step()
    np.testing.assert_array_equal(late.numpy(), alone.numpy())


def test_radam_without_eps_bears_a_zero_gradient_at_the_start() -> None:
    p = Tensor(np.ones(3))
    p.grad = np.zeros(3)
    RAdam([p], eps=0).step()
    np.testing.assert_array_equal(p.numpy(), np.ones(3))


def test_a_centered_rmsprop_bears_a_constant_gradient() -> None:
    p = Tensor(np.ones(50))
    optimizer = RMSprop([p], alpha=0.5, centered=True)
    for _ in range(200):
        p.grad = np.linspace(0.1, 7, 50)
        optimizer.step()
    assert np.isfinite(p.numpy()).all()


def test_muons_step_is_nearly_orthogonal() -> None:
    p = Tensor(np.zeros((6, 4)))
    p.grad = np.random.default_rng(0).normal(size=(6, 4))
    u, _, v = np.linalg.svd(p.grad.numpy(), full_matrices=False)
    Muon([p], lr=1.0, adjust_lr_fn="match_rms_adamw").step()
    singular = np.linalg.svd(u.T @ p.numpy() @ v.T)[1] / (0.2 * np.sqrt(6))
    assert (abs(singular - 1) < 0.35).all()


def test_what_is_switched_on_between_steps_gets_its_state() -> None:
    for kind, name, value in ((optim.SGD, "momentum", 0.5), (optim.Adam, "amsgrad", True), (RMSprop, "centered", True)):
        p = Tensor(np.ones(3))
        optimizer = kind([p], lr=0.1)
        for _ in range(3):
            p.grad = np.ones(3)
            optimizer.step()
            optimizer.param_groups[0][name] = value
        assert len(optimizer.state[p]) > len(kind([p], lr=0.1).start(np.ones(3), optimizer_defaults(kind))) + 1


def optimizer_defaults(kind: Any) -> Any:
    return types.SimpleNamespace(**kind([Tensor(1.0)], lr=0.1).defaults)


def test_small_parameters_of_two_dtypes_are_not_mixed() -> None:
    parameters = [Tensor(np.ones(3, dtype)) for dtype in (np.float32, np.float64, np.float16)]
    optimizer = optim.SGD(parameters, lr=0.5, momentum=0.5)
    for p in parameters:
        p.grad = np.ones(3, p.dtype)
    optimizer.step()
    assert [p.dtype for p in parameters] == [optimizer.state[p]["momentum_buffer"].dtype for p in parameters]
    assert [p.dtype for p in parameters] == [np.float32, np.float64, np.float16]


def test_small_parameters_do_not_become_one_large_array() -> None:
    parameters = [Tensor(np.ones(8000)) for _ in range(20)]
    optimizer = optim.SGD(parameters, lr=0.5)
    for p in parameters:
        p.grad = np.ones(8000)
    optimizer.step()
    assert all(p.numpy()[-1] == 0.5 and p._raw.base.size <= BLOCK for p in parameters)


def test_groups_have_names_and_hyper_parameters_of_their_own() -> None:
    body, head = Tensor(np.ones(2)), Tensor(np.ones(2))
    optimizer = optim.SGD([{"params": [body], "name": "body"}, {"params": head, "name": "head", "lr": 0.5}], lr=0.25)
    optimizer.group("body")["lr"] = 0.125
    step = stepper([body, head], optimizer)
    _, program = record(step, 1.0)
    assert [v.name for v in program.inputs] == ["factor", "body.lr", "head.lr"]
    assert "Parameter Group head" in repr(optimizer)
    assert optimizer.state_dict()["param_groups"][1]["name"] == "head"
    with pytest.raises(KeyError, match=r"no group 'tail'; it has \['body', 'head'\]"):
        optimizer.group("tail")
    with pytest.raises(ValueError, match="a group 'head' already"):
        optimizer.add_param_group({"params": [Tensor(1.0)], "name": "head"})


def test_only_numbers_that_are_used_are_inputs_of_a_program() -> None:
    p = Tensor(np.ones(3))
    optimizer = optim.Adam([p], lr=1, amsgrad=True)
    optimizer.param_groups[0]["initial_lr"] = 7.0  # somebody else's note
    _, program = record(stepper([p], optimizer), 1.0)
    assert [v.name for v in program.inputs] == ["factor", "lr", "betas[0]", "betas[1]", "eps"]
    optimizer.param_groups[0]["amsgrad"] = False
    with pytest.raises(ag.RecordingError, match="amsgrad was True when the step was recorded, and is False now"):
        program.run(1.0)
    optimizer.param_groups[0].update(amsgrad=True, lr=-1.0)
    with pytest.raises(ValueError, match="lr is finite and not negative"):
        program.run(1.0)


@pytest.mark.parametrize("value", [np.float32(0.5), np.float64(0.5), np.array(0.5), np.int64(1), 1])
def test_numbers_of_numpy_do_not_widen_parameters(value: Any) -> None:
    p = Tensor(np.ones(3, np.float32))
    optimizer = optim.SGD([p], lr=0.1, momentum=value)
    for rate in (0.1, value):
        optimizer.param_groups[0]["lr"] = rate
        p.grad = np.ones(3, np.float32)
        optimizer.step()
        assert p.dtype == optimizer.state[p]["momentum_buffer"].dtype == np.float32
    assert type(optimizer.param_groups[0]["lr"]) in (int, float)


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (optim.SGD, {"lr": -1}, "SGD: lr is finite and not negative, not -1"),
        (optim.SGD, {"lr": float("inf")}, "lr is finite"),
        (optim.SGD, {"lr": np.float64("nan")}, "lr is finite"),
        (optim.SGD, {"nesterov": True}, "nesterov=True needs a momentum"),
        (optim.Adam, {"betas": (0.9, 1.0)}, "Adam: betas is at least 0 and below 1, not 1.0"),
        (optim.AdamW, {"betas": (-0.1, 0.9)}, "betas is at least 0 and below 1"),
        (NAdam, {"momentum_decay": -1}, "momentum_decay is finite"),
        (RAdam, {"betas": (float("nan"), 0.9)}, "betas is"),
        (Lion, {"betas": (0.9, 2)}, "betas is"),
        (LAMB, {"betas": (0.9, 2)}, "betas is"),
        (Adamax, {"betas": (0.9, 2)}, "betas is"),
        (Adadelta, {"rho": 1.5}, "rho is from 0 to 1"),
        (RMSprop, {"alpha": 1.5}, "alpha is from 0 to 1"),
        (optim.SGD, {"momentum": 0.9, "dampening": 0.1, "nesterov": True}, "nesterov=True needs a momentum, and no dampening"),
        (Rprop, {"etas": (1.1, 1.2)}, "etas are a factor between 0 and 1 and one above 1"),
        (Rprop, {"etas": (0.0, 1.2)}, "etas are a factor between 0 and 1 and one above 1"),
        (Rprop, {"etas": (0.5, 1.0)}, "etas are a factor between 0 and 1 and one above 1"),
        (Adafactor, {"beta2_decay": 0.8}, "beta2_decay is finite and not positive"),
        (Adafactor, {"d": 0.5}, "d is at least 1"),
        (Muon, {"adjust_lr_fn": "mine"}, "adjust_lr_fn is 'original' or 'match_rms_adamw'"),
        (Muon, {"ns_coefficients": (1.0, float("nan"), 2.0)}, "ns_coefficients is finite"),
    ],
)
def test_hyper_parameters_are_in_their_range(kind: Any, settings: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kind([Tensor(np.ones((2, 2)))], **settings)


def test_a_step_without_gradients_is_told() -> None:
    a, b, frozen = Tensor(np.ones(3)), Tensor(np.ones(2)), Tensor(np.ones(2), requires_grad=False)
    optimizer = optim.SGD([("a", a), ("b", b), ("frozen", frozen)], lr=1.0)
    with pytest.raises(GradientError, match=r"SGD.step\(\): no gradient for a, b: call backward\(\) first"):
        optimizer.step()
    for expected in (0.0, -1.0):
        a.grad = np.ones(3)
        with pytest.warns(UserWarning, match="without gradient, and left as they are: b") if expected == 0 else nullcontext():
            optimizer.step()
        np.testing.assert_array_equal(a.numpy(), np.full(3, expected))
    np.testing.assert_array_equal(b.numpy(), np.ones(2))


def test_gradients_of_several_passes_are_told_unless_they_are_meant() -> None:
    p = Tensor(np.ones(3))
    optimizer = optim.SGD([p], lr=1.0)

    def passes(n: int) -> None:
        for _ in range(n):
            (p * p).sum().backward()

    passes(1)
    optimizer.step()
    passes(1)  # zero_grad() is forgotten
    with pytest.warns(UserWarning, match=r"gradients of 2 backward passes are added up. Call zero_grad\(\)"):
        optimizer.step()
    optimizer.step()  # told once
    p.grad = None  # as good as zero_grad
    passes(1)
    optimizer.step()
    optimizer.zero_grad()
    passes(2)
    optimizer.accumulate = 2
    optimizer.step()
    passes(5)
    optimizer.accumulate = None
    optimizer.step()
    node = p.node
    del optimizer
    assert node.hooks is None


class Model:
    """As much of a model as an optimizer asks for."""

    def __init__(self) -> None:
        self.body, self.head = Tensor(np.ones(2)), Tensor(np.ones(2))

    def named_parameters(self) -> Any:
        return [("body", self.body), ("head", self.head)]


def test_a_model_that_is_not_held_is_told() -> None:
    model = Model()
    optimizer = optim.SGD([model.body], lr=0.1)
    assert optimizer.missing(model) == ["head"]
    with pytest.warns(UserWarning, match="SGD does not hold, and will not change: head"):
        optimizer.check_model(model)
    with pytest.raises(GradientError, match="no gradient for body: call"):  # it has learnt the name
        optimizer.step()
    model.head.requires_grad = False
    optimizer.check_model(model)
    with pytest.raises(GradientError, match="SGD holds no parameter of this Model: it was made for another model"):
        optimizer.check_model(Model())


def stepped() -> tuple[Any, Any]:
    """A small and a large parameter, and an optimizer with state of them."""
    parameters = [Tensor(np.ones(3)), Tensor(np.ones(2 * BLOCK))]
    optimizer = optim.Adam(parameters, lr=0.1)
    stepper(parameters, optimizer)(1.0)
    return parameters, optimizer


def test_a_state_dict_and_a_copy_have_state_of_their_own() -> None:
    parameters, optimizer = stepped()
    saved, twin = optimizer.state_dict(), copy.copy(optimizer)
    other = optim.Adam(parameters)
    other.load_state_dict(saved)
    before = copy.deepcopy(saved)
    stepper(parameters, optimizer)(5.0)
    optimizer.param_groups[0]["lr"] = 7.0
    stepper(parameters, other)(3.0)
    for state in (saved["state"], twin.state_dict()["state"]):
        for i in (0, 1):
            assert state[i]["step"] == 1
            for name in ("exp_avg", "exp_avg_sq"):
                np.testing.assert_array_equal(state[i][name], before["state"][i][name])
    assert saved["param_groups"][0]["lr"] == twin.param_groups[0]["lr"] == other.param_groups[0]["lr"] == 0.1


def test_an_optimizer_that_has_stepped_can_be_set_back() -> None:
    parameters, optimizer = stepped()
    saved, start = optimizer.state_dict(), [p.numpy() for p in parameters]
    step, ends = stepper(parameters, optimizer), []
    for _ in range(2):
        for p, x in zip(parameters, start, strict=True):
            p.data = x
        optimizer.load_state_dict(saved)
        step(2.0)
        step(3.0)
        ends.append([p.numpy() for p in parameters])
    for one, two in zip(*ends, strict=True):
        np.testing.assert_array_equal(one, two)


def test_state_of_another_shape_is_refused() -> None:
    saved = stepped()[1].state_dict()
    with pytest.raises(ShapeError, match=r"parameter 1 of shape \(4,\) has shape \(4,\), and its exp_avg .* \(131072,\)"):
        optim.Adam([Tensor(np.ones(3)), Tensor(np.ones(4))]).load_state_dict(saved)


def test_a_large_parameter_is_changed_where_it_lies_unless_somebody_holds_it() -> None:
    parameters, optimizer = stepped()
    held = parameters[1]._raw
    place = held.ctypes.data
    del held
    stepper(parameters, optimizer)(1.0)
    assert parameters[1]._raw.ctypes.data == place
    handed_out = parameters[1].data
    stepper(parameters, optimizer)(1.0)
    assert parameters[1]._raw.ctypes.data != place == handed_out.ctypes.data


@pytest.mark.parametrize("kind", [optim.SGD, ASGD])
def test_complex_parameters_are_stepped_as_their_two_parts(kind: Any) -> None:
    z = np.array([1 + 2j, -0.5j, 3.0])
    whole, parts = Tensor(z), Tensor(np.stack([z.real, z.imag]))
    settings = {"lr": 0.1, "weight_decay": 0.1, **({"momentum": 0.9} if kind is optim.SGD else {"t0": 1.0})}
    optimizers = kind([whole], **settings), kind([parts], **settings)
    for i in range(4):
        g = np.exp(1j * (np.arange(3) + i))
        whole.grad, parts.grad = g, np.stack([g.real, g.imag])
        for optimizer in optimizers:
            optimizer.step()
    np.testing.assert_allclose(whole.numpy(), parts.numpy()[0] + 1j * parts.numpy()[1], rtol=1e-14)


def test_a_failed_group_leaves_nothing_behind() -> None:
    p, q = Tensor(np.ones(3)), Tensor(np.ones(3))
    optimizer = optim.SGD([p], lr=0.1)
    with pytest.raises(ValueError, match="lr is finite"):
        optimizer.add_param_group({"params": [q], "lr": -1.0})
    optimizer.add_param_group({"params": [q], "lr": 1.0})
    assert len(optimizer.param_groups) == 2


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
    with pytest.raises(TypeError, match=r"lr is a number, not a Tensor: pass float\(...\) of it"):
        optim.SGD([p], lr=Tensor(0.1))
    with pytest.raises(DtypeError, match=r"Adam: parameter 0 of shape \(2,\) is complex"):
        optim.Adam([Tensor(np.ones(2, complex))])
    with pytest.raises(ShapeError, match=r"Muon is for matrices, and bias has shape \(3,\)"):
        Muon([("bias", p)])


@pytest.mark.parametrize("name", RULES)
def test_parameters_without_elements_are_left_alone(name: str) -> None:
    kind, settings = RULES[name]
    for shapes in ([(0, 3)], [(3, 0)], [(0, 3), (2, 2)]):
        parameters = [Tensor(np.ones(shape)) for shape in shapes]
        step = stepper(parameters, kind(parameters, **settings))
        step(1.0)
        _, program = record(step, 1.0)
        program.run(1.0)
        assert [p.shape for p in parameters] == shapes


@pytest.mark.parametrize("name", RULES)
def test_a_state_dict_resumes_from_files_bit_for_bit(name: str, tmp_path: Any) -> None:
    kind, settings = RULES[name]
    parameters = [Tensor(x) for x in values(np.float32, kind)]
    optimizer = kind(parameters, **settings)
    step = stepper(parameters, optimizer)
    for _ in range(3):
        step(1.0)
    saved = optimizer.state_dict()
    arrays = {f"{i} {name}": value for i, state in saved["state"].items() for name, value in state.items()}
    files.write(arrays, tmp_path / "state", {"groups": json.dumps(saved["param_groups"])})
    arrays, notes = files.read(tmp_path / "state")
    state: dict[str, Any] = {}
    for key, value in arrays.items():
        number, entry = key.split()
        state.setdefault(number, {})[entry] = value
    twins = copy.deepcopy(parameters)
    other = kind(twins)
    other.load_state_dict({"state": state, "param_groups": json.loads(notes["groups"])})
    again = stepper(twins, other)
    for _ in range(3):
        step(2.0)
        again(2.0)
    for p, q in zip(parameters, twins, strict=True):
        np.testing.assert_array_equal(p.numpy(), q.numpy())


def test_state_of_a_parameter_that_is_in_no_group_is_refused() -> None:
    p = Tensor(np.ones(3))
    optimizer = optim.SGD([p], momentum=0.5)
    p.grad = np.ones(3)
    optimizer.step()
    saved = optimizer.state_dict()
    saved["state"][7] = saved["state"].pop(0)
    with pytest.raises(GradientError, match=r"has state of parameters \[7\], and its groups have \[0\]"):
        optimizer.load_state_dict(saved)


@pytest.mark.parametrize("name", RULES)
def test_state_of_another_dtype_does_not_widen_the_parameters(name: str) -> None:
    kind, settings = RULES[name]
    wide = [Tensor(x) for x in values(np.float64, kind)]
    optimizer = kind(wide, **settings)
    stepper(wide, optimizer)(1.0)
    narrow = [Tensor(p.numpy().astype(np.float32)) for p in wide]
    other = kind(narrow, **settings)
    other.load_state_dict(optimizer.state_dict())
    stepper(narrow, other)(1.0)
    assert {p.dtype for p in narrow} == {np.dtype(np.float32)}


def test_a_state_with_a_wrong_number_changes_nothing():
    p = Tensor([1.0])
    optimizer = optim.SGD([p], lr=0.1, momentum=0.9)
    p.grad = np.ones(1)
    optimizer.step()
    before = optimizer.state_dict()
    wrong = optimizer.state_dict()
    wrong["param_groups"][0] |= {"momentum": 0.5, "lr": math.nan}
    wrong["state"][0]["momentum_buffer"][:] = 7.0
    with pytest.raises(ValueError, match="lr is finite and not negative"):
        optimizer.load_state_dict(wrong)
    assert repr(optimizer.state_dict()) == repr(before)
