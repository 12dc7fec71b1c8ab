"""History: what a run of training has seen, by step and by epoch, and a picture of it.

Plain numbers that go into a checkpoint and come back. The picture is drawn by matplotlib, which is asked for only then. Knows
no model and no loop.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np


class History:
    """The losses and rates of all steps, and a row of numbers for each epoch.

    `history["valid loss"]` is a column of the rows, with nan where an epoch has no such number. `stopped` says why the run
    ended before its last epoch, or is None.

    >>> history = History()
    >>> history.add_step(0.9, lr=0.1)
    >>> history.add_epoch({"loss": 0.9, "valid loss": 0.7})
    >>> history["valid loss"], len(history)
    ([0.7], 1)
    """

    def __init__(self) -> None:
        self.losses: list[float] = []
        self.rates: list[float] = []
        self.epochs: list[dict[str, float]] = []
        self.ends: list[int] = []  # how many steps were done when each epoch ended
        self.stopped: str | None = None

    def add_step(self, loss: float, lr: float) -> None:
        """Notes the loss of a step, and the rate of the first group in it."""
        self.losses.append(loss)
        self.rates.append(lr)

    def add_epoch(self, row: Mapping[str, float]) -> None:
        """Notes the numbers of an epoch."""
        self.epochs.append(dict(row))
        self.ends.append(len(self.losses))

    @property
    def columns(self) -> list[str]:
        """The names of the numbers of epochs."""
        return list(dict.fromkeys(name for row in self.epochs for name in row))

    def __getitem__(self, column: str) -> list[float]:
        if column not in self.columns:
            raise KeyError(f"the history has no {column!r}; it has {', '.join(map(repr, self.columns)) or 'no epochs yet'}")
        return [row.get(column, math.nan) for row in self.epochs]

    def __len__(self) -> int:
        return len(self.epochs)

    def __repr__(self) -> str:
        ended = f", stopped: {self.stopped}" if self.stopped else ""
        last = f": {told(self.epochs[-1])}" if self.epochs else ""
        return f"History of {len(self.losses)} steps, {len(self)} epochs{ended}{last}"

    def state_dict(self) -> dict[str, Any]:
        """All of it, in plain values and arrays."""
        return {
            "losses": np.array(self.losses, float),
            "rates": np.array(self.rates, float),
            "epochs": [dict(row) for row in self.epochs],
            "ends": list(self.ends),
            "stopped": self.stopped,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Becomes the history of a state_dict."""
        self.losses, self.rates = state["losses"].tolist(), state["rates"].tolist()
        self.epochs, self.ends = [dict(row) for row in state["epochs"]], list(state["ends"])
        self.stopped = state["stopped"]

    def plot(self, path: Any = None) -> Any:
        """Draws loss, metrics and learning rate against the steps, and writes the picture to a path, if there is one.

        Returns matplotlib's Figure, which a notebook shows.
        """
        metrics = [name for name in self.columns if not name.startswith("valid ") and name not in ("loss", "lr")]
        figure = new_figure(2 + len(metrics))
        panels = figure.subplots(1, 2 + len(metrics), squeeze=False)[0]
        steps = range(1, len(self.losses) + 1)
        panels[0].plot(steps, self.losses, color="0.8", linewidth=0.8, label="each step")
        for panel, name in zip(panels, ["loss", *metrics], strict=False):
            for column, label in ((name, "training"), (f"valid {name}", "validation")):
                if column in self.columns:
                    panel.plot(self.ends, self[column], marker="o", markersize=3, label=label)
            panel.set(title=name, xlabel="steps")
            panel.legend(frameon=False)
        panels[-1].plot(steps, self.rates, color="C2")
        panels[-1].set(title="learning rate", xlabel="steps")
        if self.rates and min(self.rates) > 0 and max(self.rates) > 100 * min(self.rates):
            panels[-1].set_yscale("log")
        else:
            panels[-1].set_ylim(bottom=0)
        for panel in panels:
            panel.spines[["top", "right"]].set_visible(False)
        if path is not None:
            figure.savefig(path, dpi=150)
        return figure


def new_figure(panels: int) -> Any:
    """An empty Figure of matplotlib, which belongs to no window, for so many panels side by side."""
    from matplotlib.figure import Figure  # slow to import, so only who draws waits for it

    return Figure(figsize=(5 * panels, 3.6), layout="constrained")


def told(row: Mapping[str, float]) -> str:
    """The numbers of an epoch in words.

    >>> told({"loss": 0.12345, "valid accuracy": 0.97, "lr": 1e-5})
    'loss 0.1235, valid accuracy 0.97, lr 1e-05'
    """
    return ", ".join(f"{name} {value:.4g}" for name, value in row.items())
