"""Averages of weights: the formulas, PyTorch's values, weights back bit for bit, the same bits when recorded."""

import copy
from typing import Any

import numpy as np
import pytest

import nn
import optim
from autograd import GradientError, RecordingError, ShapeError, Tensor, record
from optim.averages import EMA, SWA

KINDS = {
    "EMA": lambda model: EMA(model, 0.9),
    "EMA, warm-up": lambda model: EMA(model, 0.9, warm_up=True),
    "EMA, no memory": lambda model: EMA(model, 0.0),
    "SWA": SWA,
}
kinds = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def expected(name: str, weights: list[Any]) -> Any:
    """The average by its definition, in float64, from the weights at the start and at each update."""
    first, *rest = [np.asarray(w, np.result_type(w.dtype, np.float64)) for w in weights]
    if name == "SWA":
        return sum(rest[1:], rest[0]) / len(rest)
    a = first
    for t, w in enumerate(rest, 1):
        d = {"EMA": 0.9, "EMA, warm-up": min(0.9, (1 + t) / (10 + t)), "EMA, no memory": 0.0}[name]
        a = d * a + (1 - d) * w
    return a


class Everything(nn.Module):
    """Parameters and buffers of every kind and size, one of them tied, one frozen."""

    def __init__(self, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        for dtype in (np.float16, np.float32, np.float64, np.complex64, np.complex128):
            setattr(self, f"of_{np.dtype(dtype)}", nn.Parameter(np.asarray(rng.normal(size=(2, 3)), dtype)))
        self.number = nn.Parameter(2.0)
        self.large = nn.Parameter(np.asfortranarray(rng.normal(size=(400, 300)).astype(np.float32)))
        self.empty = nn.Parameter(np.zeros((0, 3), np.float32))
        self.frozen = nn.Parameter(np.ones(3, np.float32), requires_grad=False)
        self.tied = [self.large]
        self.norm = nn.BatchNorm1d(3)
        self.register_buffer("mask", np.array([True, False]))
        self.register_buffer("scratch", np.array([1.0, 2.0]), persistent=False)


def values(model: Any) -> dict[str, Any]:
    return dict([*model.named_parameters(), *model.named_buffers()])


def shake(model: Any, i: int) -> None:
    """New weights, as a training would leave them."""
    rng = np.random.default_rng(100 + i)
    for value in values(model).values():
        if value.dtype.kind in "fc":
            value.data = (value.numpy() + rng.normal(size=value.shape)).astype(value.dtype)
        else:
            value.data = (value.numpy() + i).astype(value.dtype)


def raws(model: Any) -> dict[str, Any]:
    return {name: value.numpy() for name, value in values(model).items()}


@pytest.mark.parametrize("name", KINDS)
def test_averages_are_their_definition(name: str) -> None:
    model = Everything()
    average = KINDS[name](model)
    seen = [raws(model)]
    for i in range(12):
        shake(model, i)
        seen.append(raws(model))
        average.update()
    assert average.n_averaged == 12
    kept = average.state_dict()["averages"]
    assert kept.keys() == seen[0].keys() == {n for n in kept if "tied" not in n}
    for key, a in kept.items():
        dtype = seen[0][key].dtype
        if dtype.kind in "fc":
            rounding = 1e-6 if dtype == np.float16 else 1e-13
            np.testing.assert_allclose(a, expected(name, [s[key] for s in seen]), rtol=rounding, atol=10 * rounding)
            wider = {np.float16: np.float32, np.float32: np.float64, np.complex64: np.complex128}.get(dtype.type, dtype)
            assert a.dtype == wider
        else:
            np.testing.assert_array_equal(a, seen[-1][key])
            assert a.dtype == dtype


@pytest.mark.torch
@pytest.mark.parametrize("name", ["EMA", "SWA"])
def test_averages_are_pytorchs(name: str) -> None:
    torch = pytest.importorskip("torch")
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)).to(np.float64)
    other = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4)).double()

    def give() -> None:
        other.load_state_dict({key: torch.tensor(value) for key, value in model.state_dict().items()})

    rule = {} if name == "SWA" else {"multi_avg_fn": torch.optim.swa_utils.get_ema_multi_avg_fn(0.9)}
    give()
    theirs = torch.optim.swa_utils.AveragedModel(other, use_buffers=True, **rule)
    if name == "EMA":  # whose first update is a copy there
        theirs.update_parameters(other)
    ours = KINDS[name](model)
    for i in range(20):
        shake(model, i)
        give()
        ours.update()
        theirs.update_parameters(other)
    twin = copy.deepcopy(model)
    ours.copy_to(twin)
    for key, value in theirs.module.state_dict().items():
        if value.is_floating_point():
            np.testing.assert_allclose(twin.state_dict()[key], value.numpy(), rtol=1e-13, atol=1e-14)


class One(nn.Module):
    """A model that is one parameter."""

    def __init__(self, dtype: Any) -> None:
        self.w = nn.Parameter(np.ones(3, dtype))


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_rounding_does_not_stop_an_average(dtype: Any) -> None:
    model = One(dtype)
    ema = EMA(model, 0.999)
    model.w.data = np.full(3, 1.1, dtype)
    target = model.w.numpy()
    for _ in range(16_000):  # 0.999 ^ 16,000 is 1e-7
        ema.update()
    ema.copy_to()
    np.testing.assert_array_equal(model.w.numpy(), target)


@pytest.mark.parametrize("kind", [SWA, KINDS["EMA, no memory"]])
@pytest.mark.parametrize("start", [1e20, np.inf])
@pytest.mark.filterwarnings("ignore:invalid value")
def test_a_share_of_one_leaves_nothing_of_the_start(kind: Any, start: float) -> None:
    model = One(np.float64)
    model.w.data = np.full(3, start)
    average = kind(model)
    model.w.data = np.full(3, 1.1)
    average.update()
    np.testing.assert_array_equal(average.state_dict()["averages"]["w"], model.w.numpy())


@kinds
def test_the_weights_come_back_bit_for_bit(kind: Any) -> None:
    model = Everything()
    average = kind(model)
    shake(model, 0)
    average.update()
    shake(model, 1)
    model.norm.weight.data[0] = np.nan
    before = raws(model)
    arrays = {name: value._raw for name, value in values(model).items()}
    with average.applied():
        for name, a in average.state_dict()["averages"].items():
            inside = values(model)[name]
            np.testing.assert_array_equal(inside.numpy(), a.astype(before[name].dtype))
            assert inside.dtype == before[name].dtype
            inside.data = np.zeros_like(inside.numpy())  # training inside is lost, and does not reach the average
    with pytest.raises(ZeroDivisionError), average.applied():
        raise ZeroDivisionError
    for name, value in values(model).items():
        np.testing.assert_array_equal(value.numpy(), before[name])
        assert value._raw is arrays[name]
    again = average.state_dict()["averages"]["large"]
    assert again.any()


def test_a_graph_that_is_kept_does_not_see_the_averages() -> None:
    model = nn.Linear(2, 1)
    ema = EMA(model, 0.5)
    held = model.weight.data
    x = np.ones((1, 2), np.float32)
    y = (model(x) * model(x)).sum()
    expected_gradient = 2 * model(x).item()
    with ema.applied():
        model.weight.data[:] = 100.0
    ema.update()
    y.backward()
    np.testing.assert_allclose(model.weight.grad.numpy(), np.full((1, 2), expected_gradient), rtol=1e-6)
    assert model.weight.data is held


def test_what_is_written_inside_does_not_reach_the_averages() -> None:
    model = nn.Linear(2, 1).to(np.float64)
    ema = EMA(model, 0.5)
    before = ema.state_dict()["averages"]["weight"]
    with ema.applied():
        model.weight.data[:] = 100.0
    ema.copy_to()
    model.weight.data[:] = 100.0
    np.testing.assert_array_equal(ema.state_dict()["averages"]["weight"], before)


def test_an_average_does_not_follow_the_weights_that_it_was_made_of() -> None:
    model = nn.Linear(2, 1).to(np.float64)
    held = model.weight.data
    held[...] = 1.0
    swa = SWA(model)
    held[...] = 2.0
    assert (swa.state_dict()["averages"]["weight"] == 1.0).all()
    swa.update()
    held[...] = 3.0
    assert (swa.state_dict()["averages"]["weight"] == 2.0).all()


@kinds
def test_copies_are_for_good(kind: Any) -> None:
    model, other = Everything(), Everything(1)
    average = kind(model)
    for i in range(3):
        shake(model, i)
        average.update()
    average.copy_to(other)
    with average.applied():
        inside = raws(model)
    assert not np.array_equal(model.large.numpy(), inside["large"]) or average.share(2.0) == 1
    average.copy_to()
    for name, value in inside.items():
        np.testing.assert_array_equal(raws(model)[name], value)
        np.testing.assert_array_equal(raws(other)[name], value)


@kinds
def test_a_state_dict_resumes_bit_for_bit(kind: Any) -> None:
    model = Everything()
    average = kind(model)
    twin = copy.deepcopy(model)
    for i in range(3):
        shake(model, i)
        average.update()
    state = average.state_dict()
    shake(twin, 9)
    other = kind(twin)
    other.load_state_dict(state)
    for a in state["averages"].values():
        a[...] = 0  # copies, both ways
    for name, value in values(twin).items():
        value.data = values(model)[name].numpy()
    for i in range(3, 6):
        for m, a in ((model, average), (twin, other)):
            shake(m, i)
            a.update()
    assert other.n_averaged == average.n_averaged == 6
    for name, a in average.state_dict()["averages"].items():
        np.testing.assert_array_equal(other.state_dict()["averages"][name], a)


# --- recorded --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_recorded_training_steps_are_the_eager_ones_bit_for_bit(name: str, dtype: Any) -> None:
    def trainer() -> Any:
        rng = np.random.default_rng(0)
        model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
        for p in model.parameters():
            p.data = rng.normal(size=p.shape).astype(p.dtype) * 0.1
        model.to(dtype)
        optimizer = optim.SGD(model.parameters(), lr=0.01)
        average = KINDS[name](model)

        def step(x: Any) -> Any:
            optimizer.zero_grad()
            loss = (model(x) ** 2).mean()
            loss.backward()
            optimizer.step()
            average.update()
            return loss

        return step, average

    rng = np.random.default_rng(1)
    (step, average), (again, other) = trainer(), trainer()
    batches = [rng.normal(size=(8, 3)).astype(dtype) for _ in range(10)]
    _, program = record(again, batches[0])
    step(batches[0])
    for i, x in enumerate(batches):
        if name == "EMA":
            average.decay = other.decay = 1 - 0.1 / (i + 1)
        step(x)
        program.run(x) if i % 3 else again(x)
    assert average.n_averaged == other.n_averaged == 11
    kept, copied = average.state_dict()["averages"], other.state_dict()["averages"]
    assert kept["1.num_batches_tracked"] == 11
    for key, a in kept.items():
        np.testing.assert_array_equal(a, copied[key])
        assert a.dtype == copied[key].dtype
    with average.applied(), other.applied():
        for key, value in raws(average.model).items():
            np.testing.assert_array_equal(value, raws(other.model)[key])


@pytest.mark.parametrize("name", KINDS)
def test_recorded_updates_are_the_eager_ones_bit_for_bit(name: str) -> None:
    model, twin = Everything(), Everything()
    average, other = KINDS[name](model), KINDS[name](twin)
    average.update()
    _, program = record(other.update)
    for i in range(11):
        if name == "EMA":
            average.decay = other.decay = 1 - 0.1 / (i + 1)
        shake(model, i)
        shake(twin, i)
        average.update()
        program.run() if i % 3 else other.update()
    assert average.n_averaged == other.n_averaged == 12
    for key, a in average.state_dict()["averages"].items():
        copied = other.state_dict()["averages"][key]
        np.testing.assert_array_equal(a, copied)
        assert a.dtype == copied.dtype
        assert not np.shares_memory(other._averages[key]._raw, values(twin)[key]._raw)


def test_a_number_is_averaged_in_float64_when_recorded_too() -> None:
    def trainer() -> Any:
        model = One(np.float64)
        model.w = nn.Parameter(1.5)
        ema = EMA(model, 0.7)

        def step(x: Any) -> None:
            model.w.data = model.w.detach() * x  # a value of float32, while the step is recorded
            ema.update()

        return step, ema

    (step, ema), (again, other) = trainer(), trainer()
    x = np.asarray(1.1, np.float32)
    step(x)
    _, program = record(again, x)
    for _ in range(3):
        step(x)
        program.run(x)
    assert other.state_dict()["averages"]["w"] == ema.state_dict()["averages"]["w"]


def test_a_program_takes_the_decay_as_an_input() -> None:
    model = nn.Linear(1, 1)
    ema = EMA(model)
    _, program = record(ema.update)
    assert [v.name for v in program.inputs] == ["ema.decay"]


def test_weights_are_not_exchanged_in_a_recording() -> None:
    ema = EMA(nn.Linear(1, 1))

    def apply() -> None:
        with ema.applied():
            pass

    for function, name in [
        (apply, r"EMA.applied\(\)"),
        (ema.copy_to, r"EMA.copy_to\(\)"),
        (ema.state_dict, r"EMA.state_dict\(\)"),
        (lambda: ema.load_state_dict({}), r"EMA.load_state_dict\(\)"),
        (lambda: EMA(ema.model), r"EMA\(\)"),
    ]:
        with pytest.raises(RecordingError, match=f"{name} would take the weights as they are while recording"):
            record(function)


# --- wrong use -------------------------------------------------------------------------------------------------------------


def test_what_needs_the_weights_is_refused_inside() -> None:
    ema = EMA(nn.Linear(1, 1))
    with ema.applied():
        for name in ("update", "copy_to"):
            with pytest.raises(GradientError, match=rf"EMA.{name}\(\) inside applied\(\): the model has the averages there"):
                getattr(ema, name)()
        with pytest.raises(GradientError, match="inside applied"), ema.applied():
            pass
    ema.update()


def replace(model: Any) -> None:
    model[0].weight = nn.Parameter(model[0].weight.numpy())


def add(model: Any) -> None:
    model.extra = nn.Parameter(np.ones(2))


def remove(model: Any) -> None:
    model[0].bias = None


def reshape(model: Any) -> None:
    model[1].running_mean = Tensor(np.ones(1, np.float32), requires_grad=False)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (replace, "0.weight replaced by another parameter"),
        (add, "extra added"),
        (remove, "0.bias gone"),
        (reshape, "1.running_mean of another shape"),
    ],
)
def test_a_model_that_has_changed_is_told_by_name(change: Any, words: str) -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    swa = SWA(model)
    change(model)
    for function in (swa.update, swa.copy_to, swa.applied().__enter__):
        with pytest.raises(GradientError, match=f"since it was made the model has changed: {words}. Make a new SWA"):
            function()


def test_a_buffer_may_be_replaced() -> None:
    model = nn.BatchNorm1d(2)
    swa = SWA(model)
    model.running_mean = Tensor(np.full(2, 7.0, np.float32), requires_grad=False)
    swa.update()
    assert (swa.state_dict()["averages"]["running_mean"] == 7).all()


def test_a_state_of_another_model_is_refused_and_nothing_changed() -> None:
    ema, other = EMA(nn.Linear(2, 3)), EMA(nn.Linear(3, 3, bias=False))
    before = ema.state_dict()
    with pytest.raises(ShapeError, match=r"this state_dict does not fit this EMA: bias is missing there; weight has shape"):
        ema.load_state_dict(other.state_dict())
    with pytest.raises(ShapeError, match="this Linear does not fit this EMA: bias is missing there"):
        ema.copy_to(other.model)
    with pytest.raises(ShapeError, match="bias is missing here"):
        other.copy_to(ema.model)
    for name, a in before["averages"].items():
        np.testing.assert_array_equal(ema.state_dict()["averages"][name], a)


def test_wrong_arguments_are_told() -> None:
    for kind in (EMA, SWA):
        with pytest.raises(TypeError, match="averages the weights of a model, and got the class Linear"):
            kind(nn.Linear)
        with pytest.raises(TypeError, match="averages the weights of a model, and got a list"):
            kind([])
    for decay in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="decay is from 0 to 1, not"):
            EMA(nn.Linear(1, 1), decay)
