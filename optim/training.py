"""The training loop: `fit`, and what it is made of, each of which can be used alone.

A batch is a tuple (x, y), or (x1, x2, y): the last is the target, and the rest goes to the model. Of anything else (an array, a
dictionary) all goes to the model, and all is the target. A loss is the mean over the examples of a batch, and so is a metric.
Stands on everything else in optim; of a model it asks for its parameters, its modules and its state, and calls it.
"""

import contextlib
import copy
import math
import signal
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal, TypeAlias

import numpy as np

from autograd import ShapeError, no_grad
from autograd.calls import in_mode

from .batches import Batches, length_of
from .callbacks import Callback, EachEpoch, Progress
from .checkpoint import Checkpoints
from .clip import clip_grad_norm_
from .history import History
from .optimizer import Optimizer
from .schedules import ReduceLROnPlateau, attached

Loss: TypeAlias = Callable[[Any, Any], Any]
Metrics: TypeAlias = Mapping[str, Loss]


def fit(
    model: Any,
    loss: Loss,
    data: Any,
    optimizer: Optimizer,
    epochs: int,
    *,
    valid: Any = None,
    metrics: Metrics | None = None,
    schedule: Any = None,
    schedule_every: Literal["step", "epoch"] = "step",
    clip: float | None = None,
    accumulate: int = 1,
    ema: Any = None,
    callbacks: Sequence[Callback | Callable[["Run"], Any]] = (),
    checkpoint: Any = None,
    progress: bool = True,
) -> History:
    """Trains a model on the data for some epochs, and returns what it saw.

    - `data` and `valid`: `Batches`, or arrays of which batches of 32 are made.
    - `metrics`: functions of (output, target) by name, such as `{"accuracy": optim.accuracy}`, for training and validation.
    - `schedule`: one, or several. They step with the optimizer, or with `schedule_every="epoch"` once an epoch;
      ReduceLROnPlateau follows the validation loss, or the loss if there is none, once an epoch.
    - `clip`: the largest norm of all gradients together.
    - `accumulate`: batches for one step. Their gradients add up as those of one large batch.
    - `ema`: an average of the weights, such as `EMA(model)`: updated after each step, and used for validation.
    - `callbacks`: of class `Callback`, such as `EarlyStopping()`, or functions of the run, called after each epoch.
    - `checkpoint`: a folder, or `Checkpoints(folder, ...)`. A run that was killed goes on from there, and ends as if it had
      not been: call it again in the same words. (Where layers draw numbers, as dropout does, the first run depends on
      `autograd.random.seed` too.)

    Ctrl-C ends the run after the step that it is in; a second one stops at once. A loss that is no number ends it too, before
    it reaches the weights.

    >>> import nn, optim
    >>> x = np.linspace(-1, 1, 64, dtype=np.float32)[:, None]
    >>> model = nn.init.reset(nn.Linear(1, 1), seed=0)
    >>> data = optim.Batches((x, 3 * x + 1), batch_size=16)
    >>> history = fit(model, nn.MSELoss(), data, optim.SGD(model.parameters(), lr=0.5), epochs=10, progress=False)
    >>> len(history["loss"]), history["loss"][-1] < 1e-3
    (10, True)
    """
    listed = schedule if isinstance(schedule, (list, tuple)) else [schedule] * (schedule is not None)
    run = Run(
        model,
        optimizer,
        data if isinstance(data, Batches) else Batches(data),
        epochs,
        valid,
        list(listed),
        ema,
        accumulate,
        [*[Progress()] * progress, *(c if isinstance(c, Callback) else EachEpoch(c) for c in callbacks)],
        checkpoint if isinstance(checkpoint, Checkpoints) or checkpoint is None else Checkpoints(checkpoint),
    )
    metrics = metrics or {}
    optimizer.check_model(model)
    if schedule_every not in ("step", "epoch"):
        raise ValueError(f"fit: schedule_every is 'step' or 'epoch', not {schedule_every!r}")
    strange = [one for one in listed if not any(one is known for known in attached(optimizer))]
    if strange:
        raise ValueError(f"fit: {strange[0]!r} is attached to another optimizer, or part of another schedule")
    with in_mode(model, training=True), interruptible(run):
        run.resume()
        run.tell("at_start")
        while run.goes_on:
            for group in groups(run.batches, accumulate):
                rate = optimizer.param_groups[0]["lr"]
                value = train_step(model, loss, group, optimizer, metrics, clip, run.means)
                if not math.isfinite(value):
                    run.fail(f"the loss of step {run.step + 1} is {value}")
                    break
                if ema is not None:
                    ema.update()
                run.end_step(value, rate, schedule_every == "step")
                if run.stopped:
                    break
            else:
                row = run.means.take()
                if valid is not None:
                    with contextlib.nullcontext() if ema is None else ema.applied():
                        seen = evaluate(model, loss, valid, metrics)
                    row |= {f"valid {name}": number for name, number in seen.items()}
                run.end_epoch(row, schedule_every == "epoch")
        run.end()
    return run.history


@dataclass
class Run:
    """A run of training: what it works on, and where it stands. Callbacks get it."""

    model: Any
    optimizer: Optimizer
    batches: Batches
    epochs: int
    valid: Any = None
    schedules: list[Any] = field(default_factory=list)
    ema: Any = None
    accumulate: int = 1
    callbacks: list[Callback] = field(default_factory=list)
    checkpoints: Checkpoints | None = None
    epoch: int = 0  # epochs that are done
    step: int = 0  # steps that are done
    history: History = field(default_factory=History)

    def __post_init__(self) -> None:
        self.means = Means()  # of the epoch that is running
        self.saved: int | None = None  # the step of the last checkpoint

    def stop(self, why: str) -> None:
        """Ends the run after the step that it is in."""
        self.history.stopped = why

    @property
    def stopped(self) -> str | None:
        """Why the run ends before its last epoch."""
        return self.history.stopped

    @property
    def goes_on(self) -> bool:
        """There are epochs to do, and nobody has stopped the run."""
        return self.epoch < self.epochs and not self.stopped

    @property
    def steps_per_epoch(self) -> int:
        """How many steps the optimizer makes in an epoch."""
        return math.ceil(len(self.batches) / self.accumulate)

    def tell(self, moment: str) -> None:
        """Calls all callbacks."""
        for callback in self.callbacks:
            getattr(callback, moment)(self)

    # --- moments -----------------------------------------------------------------------------------------------------------

    def end_step(self, loss: float, rate: float, scheduled: bool) -> None:
        """Counts a step, and does what is due after it."""
        self.step += 1
        self.history.add_step(loss, rate)
        for schedule in self.schedules if scheduled else ():
            if not isinstance(schedule, ReduceLROnPlateau):
                schedule.step()
        self.tell("after_step")
        due = self.checkpoints and self.checkpoints.every and self.step % self.checkpoints.every == 0
        if due and self.batches.batch < len(self.batches):  # the end of an epoch is saved with its numbers
            self.save()

    def end_epoch(self, row: Mapping[str, float], scheduled: bool) -> None:
        """Notes the numbers of an epoch, and does what is due after it."""
        self.epoch += 1
        self.history.add_epoch(row)
        followed = row["loss" if self.valid is None else "valid loss"]
        for schedule in self.schedules:
            if isinstance(schedule, ReduceLROnPlateau):
                schedule.step(followed)
            elif scheduled:
                schedule.step()
        self.tell("after_epoch")
        self.save(followed)

    def fail(self, why: str) -> None:
        """Ends the run before a step; the last checkpoint stays the last."""
        warnings.warn(f"fit stops: {why}", RuntimeWarning, stacklevel=3)
        self.saved = self.step
        self.stop(why)

    def end(self) -> None:
        """A run that was stopped is saved where it stands; then the callbacks do what they do at the end."""
        if self.stopped and self.saved != self.step:
            self.save()
        self.tell("at_end")

    # --- checkpoints -------------------------------------------------------------------------------------------------------

    @property
    def parts(self) -> dict[str, Any]:
        """All that has to be known to go on."""
        named = {"model": self.model, "optimizer": self.optimizer, "ema": self.ema, "batches": self.batches, "run": self}
        named |= {f"schedule {i}": schedule for i, schedule in enumerate(self.schedules)}
        return {name: part for name, part in named.items() if part is not None}

    def save(self, metric: float | None = None) -> None:
        """Writes a checkpoint, if the run has any."""
        if self.checkpoints:
            self.checkpoints.save(self.parts, self.step, metric)
            self.saved = self.step

    def resume(self) -> None:
        """Goes on where the last checkpoint was written, if there is one. Who stopped it then has to do so again."""
        if self.checkpoints and self.checkpoints.restore(self.parts) is not None:
            self.saved = self.step
            self.history.stopped = None

    def state_dict(self) -> dict[str, Any]:
        """Where the run stands, apart from the model and the others that have a state of their own."""
        return {
            "epoch": self.epoch,
            "step": self.step,
            "means": dict(self.means.sums),
            "history": self.history.state_dict(),
            "callbacks": [callback.state_dict() for callback in self._remembering],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes where a state_dict stood. An error if the callbacks are not those that it knows."""
        if len(state["callbacks"]) != len(self._remembering):
            raise ValueError(
                f"this run was saved with {len(state['callbacks'])} callbacks, and goes on with {len(self._remembering)}: "
                "give fit the same ones"
            )
        self.epoch, self.step = state["epoch"], state["step"]
        self.means.sums = dict(state["means"])
        self.history.load_state_dict(state["history"])
        for callback, saved in zip(self._remembering, state["callbacks"], strict=True):
            callback.load_state_dict(saved)

    @property
    def _remembering(self) -> list[Callback]:
        return [callback for callback in self.callbacks if not isinstance(callback, Progress)]


class Means:
    """Means over examples, of numbers that are means over batches."""

    def __init__(self) -> None:
        self.sums: dict[str, float] = {}

    def add(self, values: Mapping[str, float], examples: int) -> None:
        """Adds the numbers of a batch."""
        for name, value in {**values, "examples": 1.0}.items():
            self.sums[name] = self.sums.get(name, 0.0) + value * examples

    def take(self) -> dict[str, float]:
        """The means; it begins anew."""
        sums, self.sums = self.sums, {}
        examples = sums.pop("examples", math.nan)
        return {name: total / examples for name, total in sums.items()}


# --- what a loop is made of ------------------------------------------------------------------------------------------------


def objective(model: Any, loss: Loss, batch: Any) -> tuple[Any, Any, Any]:
    """The loss of a model on a batch, with the output and the target that it was made of."""
    *inputs, target = batch if isinstance(batch, (tuple, list)) and len(batch) > 1 else (batch, batch)
    output = model(*inputs)
    return loss(output, target), output, target


def train_step(
    model: Any,
    loss: Loss,
    batches: Sequence[Any],
    optimizer: Optimizer,
    metrics: Metrics | None = None,
    clip: float | None = None,
    means: Means | None = None,
) -> float:
    """One step of an optimizer, by the gradient of the mean loss over all examples of the batches. Returns that loss.

    A loss that is not finite is returned without a step.
    """
    sizes = [length_of(batch) for batch in batches]
    seen: list[tuple[dict[str, float], int]] = []

    def closure() -> float:
        optimizer.zero_grad()
        total, looks = 0.0, not seen  # LBFGS calls more than once, and the first time counts
        for batch, size in zip(batches, sizes, strict=True):
            value, output, target = objective(model, loss, batch)
            share = value * (size / sum(sizes)) if len(batches) > 1 else value
            share.backward()
            total += float(share)
            if looks:
                seen.append(({"loss": float(value), **measured(metrics, output, target)}, size))
        if clip is not None:
            clip_grad_norm_(model, clip)
        if looks and not math.isfinite(total):
            raise _NoNumber(total)
        return total

    before, optimizer.accumulate = optimizer.accumulate, len(batches)
    try:
        value = float(optimizer.step(closure))
    except _NoNumber as stop:
        return stop.value
    finally:
        optimizer.accumulate = before
    if means is not None:
        for numbers, size in seen:
            means.add(numbers, size)
    return value


class _NoNumber(Exception):
    """Leaves a step before it reaches the weights."""

    def __init__(self, value: float) -> None:
        super().__init__(value)
        self.value = value


def groups(batches: Batches, size: int) -> Iterator[list[Any]]:
    """The batches of an epoch, so many at a time; what is left over at the end is a smaller group."""
    if size < 1:
        raise ValueError(f"accumulate is the number of batches for a step, at least 1, not {size!r}")
    rest = iter(batches)
    left = len(batches) - batches.batch
    while left:
        group = list(islice(rest, min(size, left)))  # and not one more: the cursor stays in this epoch until its end
        left -= len(group)
        yield group
    for _ in rest:  # there is none; now the next epoch begins
        pass


def evaluate(model: Any, loss: Loss, data: Any, metrics: Metrics | None = None, batch_size: int = 256) -> dict[str, float]:
    """The mean loss and metrics over all examples of the data, in evaluation mode and without a graph.

    Data that are no `Batches` are taken in large batches, for large products of matrices are fast.
    """
    batches = copy.copy(data) if isinstance(data, Batches) else Batches(data, batch_size, shuffle=False)
    means = Means()
    with in_mode(model, training=False), no_grad():
        for batch in batches:
            value, output, target = objective(model, loss, batch)
            means.add({"loss": float(value), **measured(metrics, output, target)}, length_of(batch))
    return means.take()


def measured(metrics: Metrics | None, output: Any, target: Any) -> dict[str, float]:
    """The metrics of a batch."""
    with no_grad():
        return {name: float(metric(output, target)) for name, metric in (metrics or {}).items()}


def accuracy(output: Any, target: Any) -> float:
    """The share of examples whose largest output, over axis 1, is at their target, a class number.

    >>> accuracy(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1]))
    0.5
    """
    scores, classes = (np.asarray(x.numpy() if hasattr(x, "numpy") else x) for x in (output, target))
    if scores.ndim < 2 or classes.shape != scores.shape[:1] + scores.shape[2:] or classes.dtype.kind not in "iu":
        raise ShapeError(
            f"accuracy: outputs have a score for each class on axis 1, and targets are class numbers without that axis; got "
            f"{scores.shape} and {classes.dtype} {classes.shape}"
        )
    return float((scores.argmax(axis=1) == classes).mean())


@contextlib.contextmanager
def interruptible(run: Run) -> Iterator[None]:
    """Within it Ctrl-C ends the run after the step that it is in, and only a second one raises KeyboardInterrupt."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals reach the main thread only
        return
    before = signal.getsignal(signal.SIGINT) or signal.SIG_DFL

    def stop(*_: Any) -> None:
        run.stop("by the keyboard")
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
