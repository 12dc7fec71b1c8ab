"""Calls of modules: which of them a computation is in, for whoever watches or records it, and in which mode a model is called.

A module reports that it is entered and left; beyond that it is asked for the modules and parameters in it, with their names.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from weakref import ref


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a module: its name in the model, its class, the call around it, and which of its calls in there it is."""

    path: str
    kind: str
    parent: int | None
    count: int
    parameters: int  # numbers in its own parameters


class Calls:
    """The calls so far, and those that are running."""

    def __init__(self) -> None:
        self.all: list[Call] = []
        self.running: list[int] = []
        self._known: dict[
            int, tuple[ref[Any], str, str]
        ] = {}  # parameters and buffers by identity, which another may have later
        self._paths: dict[int, str] = {}
        self._counts: Counter[tuple[int | None, int]] = Counter()

    @property
    def current(self) -> int | None:
        """The innermost call that is running."""
        return self.running[-1] if self.running else None

    def enter(self, module: Any) -> None:
        """A module is called."""
        if not self.running:
            self._learn(module)
        path = self._paths.get(id(module), type(module).__name__)
        self._counts[self.current, id(module)] += 1
        parameters = sum(p.size for p in module.parameters(recurse=False))
        call = Call(path, type(module).__name__, self.current, self._counts[self.current, id(module)], parameters)
        self.running.append(len(self.all))
        self.all.append(call)

    def leave(self) -> None:
        """The innermost call is over."""
        self.running.pop()

    def name_of(self, value: Any) -> tuple[str, str]:
        """The name of a parameter or buffer of the model that runs, and which of both it is; nothing for other values."""
        known = self._known.get(id(value))
        return known[1:] if known is not None and known[0]() is value else ("", "")

    def _learn(self, model: Any) -> None:
        """The names of what is in a model."""
        self._paths.update({id(module): path for path, module in model.named_modules()})
        for kind, named in (("parameter", model.named_parameters()), ("buffer", model.named_buffers())):
            for name, value in named:
                self._known[id(value)] = ref(value), name, kind


@contextmanager
def in_mode(model: Any, training: bool) -> Iterator[None]:
    """Within it all modules of a model are in training, or none is; afterwards each is as it was. A function has no mode."""
    before = [(module, module.training) for module in model.modules()] if hasattr(model, "modules") else []
    try:
        if before:
            model.train(training)  # which a model may have made its own, to keep a part of it frozen
        yield
    finally:
        for module, was in before:
            module.training = was
