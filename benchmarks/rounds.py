"""Running a workload: a process for each library, asked in turn, round after round, so that a slow minute slows all of them.

A figure is the median over the rounds, with its quartiles. A ratio is the median over the rounds of the ratio within one
round: what slows two neighbours alike does not move it.
"""

import json
import subprocess
from contextlib import suppress
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from . import peers
from .table import Workload

CHILD = Path(__file__).with_name("child.py")


class Failed(Exception):
    """A process ended before it had answered; says why, in its own last words."""


class Child:
    """The process of one library. Use with `with`."""

    def __init__(self, workload: Workload, library: str, threads: int) -> None:
        options = (json.dumps(workload.options), json.dumps(workload.warm_up))
        self.process = subprocess.Popen(
            [str(peers.interpreter(library)), str(CHILD), workload.measure, workload.step, library, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=peers.environment(library, workload.measure, threads),
        )

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *exception: object) -> None:
        self.process.kill()
        self.process.communicate()

    def answer(self) -> dict[str, Any]:
        """The next line that the process prints as JSON; anything else that a library prints is passed over."""
        for line in self.process.stdout or ():
            if line.startswith("{"):
                return dict(json.loads(line))
        words = self.process.stderr.read().strip() if self.process.stderr else ""
        raise Failed(words.splitlines()[-1] if words else "no answer")

    def ask(self) -> float:
        """One figure."""
        with suppress(BrokenPipeError):  # answer() finds the words
            print(file=self.process.stdin, flush=True)
        return float(self.answer()["figure"])


def run(workload: Workload, libraries: list[str], repeat: int, threads: int) -> dict[str, Any]:
    """The results by library: the figures of the rounds, their median and quartiles, and the ratio of ours to it."""
    figures: dict[str, list[float]] = {name: [] for name in libraries}
    errors: dict[str, str] = {}
    children: dict[str, Child] = {}
    lasting = workload.measure == "time"  # what else we measure, a process can only do once
    try:
        for i in range(repeat + 1):
            turn = i % len(libraries)
            for name in libraries[turn:] + libraries[:turn]:
                if name in errors:
                    continue
                try:
                    child = children.get(name) or Child(workload, name, threads)
                    children[name] = child
                    if i == 0 or not lasting:
                        child.answer()
                    figure = child.ask()
                except Failed as failure:
                    errors[name] = str(failure)
                    continue
                if i > 0:  # the first round warms up: files, caches
                    figures[name].append(figure)
                if not lasting:
                    children.pop(name).__exit__()
    finally:
        for child in children.values():
            child.__exit__()
    done = {name: summary(values) for name, values in figures.items() if name not in errors}
    for name in done:
        if "ours" in done and name != "ours":
            ratios = [ours / its for ours, its in zip(figures["ours"], figures[name], strict=True)]
            done[name]["ours_to_this"] = median(ratios)
    return {"results": done, "errors": errors}


def summary(values: list[float]) -> dict[str, Any]:
    """Median and quartiles of the rounds."""
    low, _, high = quantiles(values, n=4, method="inclusive") if len(values) > 1 else (values[0],) * 3
    return {"median": median(values), "low": low, "high": high, "rounds": values}
