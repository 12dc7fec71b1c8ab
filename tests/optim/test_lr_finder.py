"""The range test: closed forms on a quadratic, what ends it, proportions of groups, and the picture. That it leaves no trace is
held in test_checkup.py."""

import math
from typing import Any

import numpy as np
import pytest

import nn
import optim
from optim.batches import Batches
from optim.lr_finder import LRFind, lr_find


class Weights(nn.Module):
    """A point, whatever the input."""

    def __init__(self, **start: Any) -> None:
        for name, value in start.items():
            setattr(self, name, nn.Parameter(np.array(value, float)))

    def forward(self, x: Any) -> Any:
        return sum((p**2).sum() for p in self.parameters()) / 2


def value(output: Any, _: Any) -> Any:
    return output


DATA = np.zeros((8, 1))


def blobs() -> tuple[Any, Any]:
    draw = np.random.default_rng(0)
    centres, t = draw.standard_normal((10, 20)), draw.integers(0, 10, 600)
    return (centres[t] + 0.5 * draw.standard_normal((600, 20))).astype(np.float32), t


def classifier() -> Any:
    return nn.init.reset(nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10)), seed=0)


def test_rates_rise_exponentially_and_losses_are_those_before_each_step() -> None:
    """Gradient descent on w * w / 2 multiplies w by 1 - rate."""
    model = Weights(w=[3.0])
    found = lr_find(model, value, DATA, optim.SGD(model.parameters(), lr=1), low=1e-3, high=0.5, steps=20)
    rates = [1e-3 * 500 ** (i / 19) for i in range(20)]
    np.testing.assert_allclose(found.rates, rates, rtol=1e-12)
    factors = np.cumprod([1.0, *(1 - rate for rate in rates[:-1])])
    np.testing.assert_allclose(found.losses, 4.5 * factors**2, rtol=1e-12)
    assert found.ended == "up to the largest rate"


def test_it_stops_where_the_loss_runs_away() -> None:
    """On w * w / 2 descent diverges from a rate of 2 on."""
    model = Weights(w=[3.0])
    found = lr_find(model, value, DATA, optim.SGD(model.parameters(), lr=1), high=1e6)
    assert found.ended.endswith("where the loss runs away")
    assert 2 < found.rates[-1] < 100
    assert max(found.losses) < 1e6 * found.losses[0]
    assert found.suggestion is not None
    assert 0.1 < found.suggestion < 2
    assert found.tenth is not None
    assert 0.03 < found.tenth < 0.3


def test_the_suggestion_is_where_the_curve_falls_most_steeply_before_its_minimum() -> None:
    found = lr_find(classifier(), nn.CrossEntropyLoss(), blobs())
    assert found.suggestion is not None
    assert found.tenth is not None
    end = int(np.argmin(found.smoothed))
    assert found.tenth == found.rates[end] / 10
    slopes = np.gradient(found.smoothed, np.log(found.rates))
    assert found.suggestion == found.rates[int(np.argmin(slopes[:end]))]
    assert 1e-3 < found.suggestion < 0.1


class Curve(nn.Module):
    """One loss after another, whatever the weights."""

    def __init__(self, losses: list[float]) -> None:
        self.w, self.losses = nn.Parameter(np.zeros(1)), iter(losses)

    def forward(self, x: Any) -> Any:
        return next(self.losses) + 0 * self.w.sum()


def test_what_falls_after_the_minimum_does_not_count() -> None:
    losses = [2.0] * 30 + np.linspace(2, 0.5, 30).tolist() + np.linspace(0.5, 2.5, 25).tolist() + [0.9] * 15
    found = lr_find(Curve(losses), value, DATA)
    assert found.losses == losses
    assert found.suggestion is not None
    assert found.rates[25] < found.suggestion < found.rates[60]


@pytest.mark.slow
def test_the_picture_leaves_out_what_runs_away() -> None:
    model = Weights(w=[3.0])
    found = lr_find(model, value, DATA, optim.SGD(model.parameters(), lr=1), high=1e6)
    assert found.plot().axes[0].get_ylim()[1] < max(found.losses)


def test_it_is_smooth_between_what_it_saw() -> None:
    found = lr_find(classifier(), nn.CrossEntropyLoss(), Batches(blobs(), 4))
    raw, smooth = np.array(found.losses), np.array(found.smoothed)
    assert len(raw) == len(smooth) == len(found.rates)
    assert np.abs(np.diff(smooth)).mean() < 0.3 * np.abs(np.diff(raw)).mean()
    assert np.corrcoef(smooth[:60], raw[:60])[0, 1] > 0.3


class Frozen(nn.Module):
    """A loss of chance alone: no rate makes it fall."""

    def __init__(self) -> None:
        self.w = nn.Parameter(np.zeros(1))

    def forward(self, x: Any) -> Any:
        return x.mean() + 0 * self.w.sum()


@pytest.mark.slow
def test_there_is_no_suggestion_where_nothing_falls() -> None:
    draw = np.random.default_rng(0)
    for seed in range(20):
        data = Batches(5 + draw.standard_normal((500, 1)), 5, seed=seed)
        found = lr_find(Frozen(), value, data)
        assert found.suggestion is None
        assert found.tenth is None
    assert "no suggestion" in repr(found)


def test_groups_keep_their_proportions() -> None:
    model = Weights(a=[1.0], b=[1.0])
    groups = [{"params": [model.a], "lr": 0.02}, {"params": [model.b], "lr": 0.2}]
    seen: list[list[float]] = []

    class Watched(optim.SGD):
        def step(self, closure: Any = None) -> Any:
            seen.append([group["lr"] for group in self.param_groups])
            return super().step(closure)

    optimizer = Watched(groups)
    found = lr_find(model, value, DATA, optimizer, low=1e-4, high=1e-2, steps=5)
    np.testing.assert_allclose([rates[1] for rates in seen], found.rates)
    np.testing.assert_allclose([rates[0] / rates[1] for rates in seen], 0.1)
    assert [group["lr"] for group in optimizer.param_groups] == [0.02, 0.2]


@pytest.mark.parametrize("make", [optim.SGD, optim.Adam, optim.AdamW, optim.LBFGS, optim.Rprop, optim.Lion])
def test_it_takes_any_optimizer(make: Any) -> None:
    model = classifier()
    found = lr_find(model, nn.CrossEntropyLoss(), blobs(), make(model.parameters()))
    assert found.optimizer == make.__name__
    assert f"with {make.__name__}" in repr(found)
    assert np.isfinite(found.losses).all()


def test_the_default_is_adam() -> None:
    model = classifier()
    alone = lr_find(model, nn.CrossEntropyLoss(), blobs())
    assert alone == lr_find(model, nn.CrossEntropyLoss(), blobs(), optim.Adam(model.parameters()))
    assert "with Adam" in repr(alone)


def test_it_goes_on_with_the_state_of_the_optimizer() -> None:
    model = Weights(w=[3.0])
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    fresh = lr_find(model, value, DATA, optimizer, steps=5)
    model(DATA).backward()
    optimizer.step()
    assert lr_find(model, value, DATA, optimizer, steps=5).losses != fresh.losses


class Poisoned(nn.Module):
    """The loss is nan from call number `at` on."""

    def __init__(self, at: int) -> None:
        self.w, self.calls, self.at = nn.Parameter(np.ones(1)), [0], at

    def forward(self, x: Any) -> Any:
        self.calls[0] += 1
        return self.w.sum() * (math.nan if self.calls[0] >= self.at else 1.0)


def test_it_stops_where_the_loss_is_no_number() -> None:
    found = lr_find(Poisoned(5), value, DATA)
    assert len(found.losses) == 4
    assert found.ended == f"stopped at {1e-7 * 10 ** (8 * 4 / 99):.2g}, where the loss is nan"
    with pytest.raises(ValueError, match=r"the loss is nan before the first step; checkup\(model, loss, data\) says where"):
        lr_find(Poisoned(1), value, DATA)


@pytest.mark.parametrize(
    "options", [{"low": 0}, {"low": 1, "high": 1}, {"high": math.inf}, {"steps": 1}, {"low": math.nan}, {"low": -1}]
)
def test_rates_that_do_not_rise_are_refused(options: Any) -> None:
    with pytest.raises(ValueError, match="rates rise from low to high"):
        lr_find(classifier(), nn.CrossEntropyLoss(), blobs(), **options)


@pytest.mark.slow
def test_the_picture(tmp_path: Any) -> None:
    found = lr_find(classifier(), nn.CrossEntropyLoss(), blobs())
    (panel,) = found.plot(tmp_path / "rates.png").axes
    assert (tmp_path / "rates.png").read_bytes()[:4] == b"\x89PNG"
    assert panel.get_xscale() == "log"
    np.testing.assert_array_equal(panel.lines[0].get_ydata(), found.losses)
    np.testing.assert_array_equal(panel.lines[1].get_ydata(), found.smoothed)
    assert [line.get_xdata()[0] for line in panel.lines[2:]] == [found.suggestion, found.tenth]
    low, high = panel.get_ylim()
    assert low < min(found.smoothed)
    assert high > found.losses[0]


def test_the_picture_of_a_flat_curve() -> None:
    flat = LRFind([0.1, 1.0], [2.0, 2.0], [2.0, 2.0], None, None, "SGD", "up to the largest rate")
    assert len(flat.plot().axes[0].lines) == 2
