"""The learning-rate range test: a few steps at rates that rise from far too small to far too large, and where the loss falls.

`lr_find` trains a model for a moment and puts everything back. Stands on the training step, on `preserved` and on copies of
the optimizer and the batches. The picture is drawn by matplotlib, which is asked for only then.
"""

import contextlib
import copy
import math
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .adam import Adam
from .batches import Batches
from .history import new_figure
from .optimizer import Optimizer
from .preserve import preserved
from .training import Loss, train_step

MEMORY = 0.9  # of the running mean that decides where to stop
REACH = 6  # steps to each side that the smoothed curve looks at


@dataclass(frozen=True)
class LRFind:
    """What a range test saw: `losses[i]` is the loss of a batch just before the step at `rates[i]`.

    - `smoothed`: the losses as a mean over the steps around each, the nearest counting most.
    - `suggestion`: the rate where the smoothed loss falls most steeply on the logarithmic axis, before its minimum.
    - `tenth`: a tenth of the rate at that minimum, the other usual rule.

    Both are None where the loss falls at no rate, or by no more than it differs from batch to batch.
    """

    rates: list[float]
    losses: list[float]
    smoothed: list[float] = field(repr=False)
    suggestion: float | None
    tenth: float | None
    optimizer: str
    ended: str

    def __repr__(self) -> str:
        lines = [f"LRFind with {self.optimizer}: {len(self.rates)} steps, {self.ended}"]
        if self.suggestion is None or self.tenth is None:
            lines.append("  no suggestion: the loss falls at no rate by more than it differs from batch to batch")
        else:
            lines.append(f"  {self.suggestion:.2g}  where the loss falls most steeply")
            lines.append(f"  {self.tenth:.2g}  a tenth of the rate at its minimum")
        return "\n".join(lines)

    def plot(self, path: Any = None) -> Any:
        """Draws the loss against the rate; returns matplotlib's Figure, and writes it to a path. A notebook shows it."""
        figure = new_figure(1)
        self.draw(figure.subplots())
        if path is not None:
            figure.savefig(path, dpi=150)
        return figure

    def draw(self, panel: Any) -> None:
        """The same on axes of a Figure."""
        panel.plot(self.rates, self.losses, color="0.8", linewidth=0.8, label="each batch")
        panel.plot(self.rates, self.smoothed, label="smoothed")
        for rate, words, color in ((self.suggestion, "steepest", "C1"), (self.tenth, "minimum / 10", "C2")):
            if rate is not None:
                panel.axvline(rate, color=color, linestyle="--", label=f"{words}: {rate:.2g}")
        top, least = max(self.losses[0], max(self.smoothed[: len(self.smoothed) // 2 + 1])), min(self.smoothed)
        margin = max(top - least, 0.1 * abs(top)) or 1.0  # a flat curve is to look flat
        panel.set(xscale="log", xlabel="learning rate", ylabel="loss", title=f"range test with {self.optimizer}")
        panel.set_ylim(least - 0.3 * margin, top + 0.6 * margin)
        panel.legend(frameon=False)
        panel.spines[["top", "right"]].set_visible(False)


def lr_find(
    model: Any,
    loss: Loss,
    data: Any,
    optimizer: Optimizer | None = None,
    low: float = 1e-7,
    high: float = 10.0,
    steps: int = 100,
    *,
    factor: float = 4.0,
) -> LRFind:
    """Steps at rates that rise exponentially from `low` to `high`, one batch each, and a suggested rate.

    The rate of step i is low * (high / low)**(i / (steps - 1)). It ends early where the loss is not finite, or its running
    mean is above `factor` times its best. A suggestion is for the optimizer that was used: a copy of the given one, with its
    state, or Adam. With several groups, `low` and `high` are of the one with the largest rate, and the others keep their
    proportion to it. Model, optimizer, batches and random streams are as before afterwards, after an error too.

    >>> import nn, optim
    >>> x = np.random.default_rng(0).standard_normal((256, 4)).astype(np.float32)
    >>> model = nn.init.reset(nn.Linear(4, 1), seed=0)
    >>> found = lr_find(model, nn.MSELoss(), (x, x[:, :1] * 2))
    >>> 1e-3 < found.suggestion < 1
    True
    """
    if not 0 < low < high < math.inf or steps < 2:
        raise ValueError(
            f"lr_find: rates rise from low to high, 0 < low < high, in 2 steps or more; got {low!r}, {high!r} and {steps!r}"
        )
    if optimizer is not None:
        optimizer.check_model(model)
    batches = data if isinstance(data, Batches) else Batches(data)
    rates, losses, ended = np.geomspace(low, high, steps).tolist(), [], "up to the largest rate"
    mean, best, first = 0.0, math.inf, math.nan
    with preserved(model), np.errstate(all="ignore"), contextlib.closing(endless(batches)) as stream:
        tried = Adam(model.parameters()) if optimizer is None else copy.copy(optimizer)
        shares = _shares(tried)
        model.train(True)
        for i, (rate, batch) in enumerate(zip(rates, stream, strict=False)):
            for group, share in zip(tried.param_groups, shares, strict=True):
                group["lr"] = rate * share
            value = train_step(model, loss, [batch], tried)
            if not math.isfinite(value):
                ended = f"stopped at {rate:.2g}, where the loss is {value}"
                break
            losses.append(value)
            mean = MEMORY * mean + (1 - MEMORY) * value
            now = mean / (1 - MEMORY ** (i + 1))
            first, best = (now if i == 0 else first), min(best, now)
            if now > best + (factor - 1) * max(abs(best), first - best):
                ended = f"stopped at {rate:.2g}, where the loss runs away"
                break
    if not losses:
        raise ValueError(f"lr_find: the loss is {value} before the first step; checkup(model, loss, data) says where it arises")
    return _found(rates[: len(losses)], losses, type(tried).__name__, ended)


def endless(batches: Batches) -> Generator[Any, None, None]:
    """Batches of epoch after epoch, by a cursor of their own."""
    own = copy.copy(batches)
    while True:
        yield from own


def _shares(optimizer: Optimizer) -> list[float]:
    """The rates of the groups in proportion to the largest."""
    rates = [float(group["lr"]) for group in optimizer.param_groups]
    return [rate / max(rates) for rate in rates] if max(rates) > 0 else [1.0] * len(rates)


def _found(rates: list[float], losses: list[float], optimizer: str, ended: str) -> LRFind:
    smooth = _smoothed(np.array(losses))
    end = int(smooth.argmin())
    tenth = suggestion = None
    start = np.median(smooth[: end // 2 + 1])
    noise = np.std(np.array(losses)[: end + 1] - smooth[: end + 1]) / math.sqrt(REACH)
    if end > 1 and start - smooth[end] > max(3 * noise, 0.01 * abs(start)):
        slope = np.gradient(smooth, np.log(rates))
        suggestion, tenth = rates[int(slope[: end + 1].argmin())], rates[end] / 10
    return LRFind(rates, losses, smooth.tolist(), suggestion, tenth, optimizer, ended)


def _smoothed(losses: Any) -> Any:
    """Means with weights that fall off to both sides. What has run away is cut, or it would reach back over the minimum."""
    cut = np.minimum(losses, losses.min() + 2 * max(losses[0] - losses.min(), abs(losses[0]), np.ptp(losses[: REACH + 1])))
    window = 1 - np.abs(np.arange(-REACH, REACH + 1)) / (REACH + 1)
    sums = np.convolve(cut, window)[REACH:-REACH]
    return sums / np.convolve(np.ones(len(cut)), window)[REACH:-REACH]
