"""What looks on while `fit` trains: progress, early stopping, and what a user adds.

A callback is told of four moments, and may look at everything in the run, change it, and stop it. What it must remember over a
resume is its state_dict. Knows the run by its attributes; the loop itself is in `training`.
"""

import math
import sys
from collections.abc import Callable, Mapping
from typing import Any, TextIO

from tqdm import tqdm

from .history import told


class Callback:
    """The base of all: does nothing at any moment. `run` is the `Run`: model, optimizer, epoch, step, history and the rest.

    A plain function can be given in its place: it is called after every epoch.
    """

    def at_start(self, run: Any) -> None:
        """Before the first step."""

    def after_step(self, run: Any) -> None:
        """After every step of the optimizer."""

    def after_epoch(self, run: Any) -> None:
        """After every epoch, when the history has its row."""

    def at_end(self, run: Any) -> None:
        """After the last step, whatever ended the run, an error excepted."""

    def state_dict(self) -> dict[str, Any]:
        """What must be known to go on later, in plain values and arrays."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on from a state_dict."""


class EachEpoch(Callback):
    """A function of the run, called after every epoch."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function

    def after_epoch(self, run: Any) -> None:
        self.function(run)


class EarlyStopping(Callback):
    """Stops when a number of the history has not improved for `patience` epochs, and puts the best weights back.

    `monitor` is a column of the history, by default "valid loss", or "loss" without validation. An improvement is one of more
    than `min_delta`, downwards or with mode="max" upwards; nan never is one. The best weights come back at the end of every
    run, however it ended, unless `restore=False`; with an average of the weights (`ema=`) its best state too.
    """

    def __init__(
        self, patience: int = 5, monitor: str | None = None, mode: str = "min", min_delta: float = 0.0, restore: bool = True
    ) -> None:
        if mode not in ("min", "max"):
            raise ValueError(f"EarlyStopping: mode is 'min' or 'max', not {mode!r}")
        if patience < 1 or not (math.isfinite(min_delta) and min_delta >= 0):
            raise ValueError(
                f"EarlyStopping: patience is at least 1 and min_delta not negative, not {patience!r}, {min_delta!r}"
            )
        self.patience, self.monitor, self.mode, self.min_delta, self.restore = patience, monitor, mode, min_delta, restore
        self.best: float | None = None
        self.waited = 0
        self.weights: dict[str, Any] = {}

    def at_start(self, run: Any) -> None:
        self._judge(run)

    def after_epoch(self, run: Any) -> None:
        value = run.history[self._column(run)][-1]
        if self._is_better(value):
            self.best, self.waited = value, 0
            if self.restore:
                self.weights = {part: thing.state_dict() for part, thing in _weights(run).items()}
        else:
            self.waited += 1
        self._judge(run)

    def _judge(self, run: Any) -> None:
        if self.waited >= self.patience:
            run.stop(f"{self._column(run)} has not improved on {self._told} for {self.waited} epochs")

    @property
    def _told(self) -> str:
        return "anything" if self.best is None else f"{self.best:.4g}"

    def _column(self, run: Any) -> str:
        return self.monitor or ("loss" if run.valid is None else "valid loss")

    def _is_better(self, value: float) -> bool:
        if math.isnan(value) or self.best is None:
            return not math.isnan(value)
        return self.best - value > self.min_delta if self.mode == "min" else value - self.best > self.min_delta

    def at_end(self, run: Any) -> None:
        for part, thing in _weights(run).items() if self.weights else ():
            thing.load_state_dict(self.weights[part])

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best, "waited": self.waited, "weights": self.weights}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.best, self.waited, self.weights = state["best"], state["waited"], dict(state["weights"])


def _weights(run: Any) -> dict[str, Any]:
    return {"model": run.model, **({} if run.ema is None else {"ema": run.ema})}


class Progress(Callback):
    """A bar for every epoch in a terminal, one bar in one line in a notebook, and a plain line for every epoch elsewhere."""

    def __init__(self, file: TextIO | None = None) -> None:
        self.file = file
        self.bar: Any = None

    def at_start(self, run: Any) -> None:
        if run.step:
            self._write(f"goes on after step {run.step}, epoch {run.epoch} of {run.epochs}")

    def after_step(self, run: Any) -> None:
        if self.place == "lines":
            return
        if self.bar is None:
            whole = self.place == "notebook"
            done = run.step - (0 if whole else run.epoch * run.steps_per_epoch)
            steps = run.steps_per_epoch * (run.epochs if whole else 1)
            self.bar = tqdm(total=steps, initial=done - 1, file=self.stream, unit="step", dynamic_ncols=True)
        self.bar.set_description(f"epoch {run.epoch + 1}/{run.epochs}", refresh=False)
        self.bar.set_postfix_str(f"loss {run.history.losses[-1]:.4g}", refresh=False)
        self.bar.update()

    def after_epoch(self, run: Any) -> None:
        row = told(run.history.epochs[-1])
        if self.bar is None:
            self._write(f"epoch {run.epoch}/{run.epochs}: {row}")
        else:
            self.bar.set_postfix_str(row)
            if self.place == "terminal":
                self._close()

    def at_end(self, run: Any) -> None:
        self._close()
        if run.stopped:
            self._write(f"stopped: {run.stopped}")

    @property
    def stream(self) -> TextIO:
        """Where it is written."""
        return self.file or sys.stdout

    @property
    def place(self) -> str:
        """What it is seen in: a "notebook", a "terminal", or "lines" of a file or a log."""
        if type(self.stream).__module__.startswith("ipykernel"):
            return "notebook"
        return "terminal" if self.stream.isatty() else "lines"

    def _close(self) -> None:
        if self.bar is not None:
            self.bar.close()
            self.bar = None

    def _write(self, line: str) -> None:
        print(line, file=self.stream, flush=True)
