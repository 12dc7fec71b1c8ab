"""Writes `docs/layers.md`, the table of layers and losses, and by what each is held: `python -m docs.layers`, where PyTorch is.

It runs the tests of nn and counts, for each module and each function, the comparisons with PyTorch, the checks of gradients to
second order, and the recorded steps that it took part in. What the tests do not do does not appear.
"""

import functools
import inspect
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import autograd.testing
import nn
import tests.nn.held
from nn import functional

TARGET = Path(__file__).with_name("layers.md")
COLUMNS = ("equal to PyTorch", "second order", "recorded")

HEAD = """# Layers and losses

Written by `python -m docs.layers`, which runs the tests of `nn` and counts; do not edit. For each module, with the functions
that it calls: how many configurations were compared with PyTorch's layer of that name (outputs, gradients of inputs and
parameters, buffers), how many checks of gradients against differences went to second order, in both modes, and how many
recorded steps of training were replayed, bit for bit. Where a module was not tried itself, the number is that of the functions.

{count} modules, {functions} functions.

| module | functions | {columns} |
|---|---|---|---|---|
"""


class Counts:
    """What ran inside what: (column, name) -> how often, and which functions a module calls.

    While a comparison runs, the interpreter tells of every call. So it makes no difference how a test came by a function.
    """

    def __init__(self) -> None:
        self.names = {inspect.unwrap(getattr(functional, name)).__code__: name for name in functional.__all__}
        self.column = ""
        self.seen: set[str] = set()
        self.inside: list[str] = []
        self.total: Counter[tuple[str, str]] = Counter()
        self.calls: dict[str, set[str]] = defaultdict(set)

    def note(self, frame: Any, event: str, _: Any) -> None:
        """For sys.setprofile: a module is entered or left, or a function of nn.functional called."""
        if frame.f_code is nn.Module.__call__.__code__:
            if event == "call":
                self.inside.append(type(frame.f_locals["self"]).__name__)
                self.seen.add(self.inside[-1])
            elif event == "return":
                self.inside.pop()
        elif event == "call" and frame.f_code in self.names:
            name = self.names[frame.f_code]
            self.seen.add(name)
            if self.inside:
                self.calls[self.inside[-1]].add(name)

    @contextmanager
    def counting(self, column: str) -> Iterator[None]:
        """One comparison, check or replay: everything that runs in it counts once."""
        if self.column:  # the outer one counts
            yield
            return
        self.column, self.seen = column, set()
        sys.setprofile(self.note)
        try:
            yield
        finally:
            sys.setprofile(None)
            self.total.update((column, name) for name in self.seen)
            self.column = ""

    def wrapped(self, function: Callable[..., Any], column: str, wanted: Callable[..., bool]) -> Callable[..., Any]:
        """A helper of the tests, which counts as a column."""

        @functools.wraps(function)
        def run(*args: Any, **options: Any) -> Any:
            if not wanted(**options):
                return function(*args, **options)
            with self.counting(column):
                return function(*args, **options)

        return run

    def of(self, module: str) -> list[int]:
        """The numbers of a module: its own, or where it was not tried itself, those of the functions that it is made of."""
        return [
            self.total[column, module] or max((self.total[column, each] for each in self.calls[module]), default=0)
            for column in COLUMNS
        ]


def watched() -> Counts:
    """Puts the counters in place, before the tests are imported."""
    counts = Counts()
    held: Any = tests.nn.held
    held.equal_to_torch = counts.wrapped(held.equal_to_torch, COLUMNS[0], lambda **options: True)
    held.replays = counts.wrapped(held.replays, COLUMNS[2], lambda **options: True)
    second = counts.wrapped(autograd.testing.check_grads, COLUMNS[1], lambda **options: options.get("order", 2) >= 2)
    autograd.testing.check_grads = second
    return counts


def rows(counts: Counts) -> Iterator[str]:
    for name in nn.__all__:
        module = getattr(nn, name)
        if not (inspect.isclass(module) and issubclass(module, nn.Module)) or name in ("Module", "ModuleDict", "ModuleList"):
            continue
        numbers = " | ".join(str(n or "") for n in counts.of(name))
        yield f"| {name} | {', '.join(sorted(counts.calls[name]))} | {numbers} |"


def main() -> int:
    counts = watched()
    status = pytest.main(["-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning", "tests/nn"])
    table = list(rows(counts))
    head = HEAD.format(count=len(table), functions=len(functional.__all__), columns=" | ".join(COLUMNS))
    TARGET.write_text(head + "\n".join(table) + "\n", encoding="utf-8")
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
