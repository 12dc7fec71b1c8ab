"""What a check-up examines: a model, its loss and the first batches, and what a forward and a backward pass show of them.

Layers and targets are known by what they do, not by their class: a bounded activation is one that large inputs change no more,
labels are integers for which equal probabilities cost ln(classes). Stands on the training step; judges nothing.
"""

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from autograd import AutogradError, Tensor, no_grad
from autograd.tree import leaves

from .batches import Batches
from .lr_finder import LRFind, endless
from .optimizer import Optimizer
from .training import Loss, objective

BATCHES = 20  # the first so many batches are looked at
POOL = 256  # examples, or one batch, for the passes

# What functions raise that are given what they were not made for.
REFUSALS = (AutogradError, TypeError, ValueError, LookupError, AttributeError)


class NotDoneError(Exception):
    """Ends a check that cannot be made, with the reason."""


@dataclass
class Layer:
    """What came through a module that has parameters, or no modules in it, in one call."""

    name: str
    kind: str
    module: Any
    received: Any  # raw arrays; None where it was no array
    output: Any
    gradient: float = math.nan  # the norm, by example

    @property
    def title(self) -> str:
        return f"{self.name} ({self.kind})" if self.name else self.kind

    @property
    def activation(self) -> float:
        """The root mean square of the output."""
        return rms(self.output)

    @property
    def looks_up(self) -> bool:
        """Whether it takes indices: integers, to each of which it gives a vector."""
        return self.received is not None and self.received.dtype.kind in "iu" and self.output.ndim > self.received.ndim


@dataclass
class Labels:
    """Targets that are classes: along which axis of the output, how many, and the classes of the examples."""

    axis: int
    classes: int
    values: Any
    chance: float  # the loss of equal probabilities


@dataclass
class Case:
    """What is examined, with what a forward and a backward pass showed of it."""

    model: Any
    loss: Loss
    batches: Batches
    optimizer: Optimizer | None
    output: Any = None
    target: Any = None
    value: float = math.nan
    error: Exception | None = None
    layers: list[Layer] = field(default_factory=list)
    gradients: dict[str, Any] = field(default_factory=dict)
    ratios: dict[str, float] = field(default_factory=dict)
    rates: LRFind | None = None

    def __post_init__(self) -> None:
        with contextlib.closing(endless(self.batches)) as stream:
            self.seen = list(islice(stream, min(BATCHES, len(self.batches))))
        self.pool = joined(self.seen)
        self.named = {name: p for name, p in self.model.named_parameters() if p.requires_grad}
        with traced(self.model, self.layers):
            value = self._run()
            self.gradients = self.pull(value)
        self.value = math.nan if value is None else float(value)
        self.labels = self._find_labels()
        if self.error is not None and (self.labels is None or not strays(self.labels).size):
            raise self.error

    @property
    def head(self) -> str:
        count = sum(p.size for p in self.model.parameters())
        name = getattr(self.loss, "__name__", type(self.loss).__name__).replace("<lambda>", "a lambda as loss")
        return (
            f"Check-up of {type(self.model).__name__}: {count:,} parameters, {self.batches.examples:,} examples in batches of "
            f"{self.batches.batch_size}, {name}"
        )

    def _run(self) -> Any:
        """The loss of the pool; None if it refuses the output, with the error kept."""

        def noted(output: Any, target: Any) -> Any:
            self.output, self.target = output, target
            return self.loss(output, target)

        try:
            return objective(self.model, noted, self.pool)[0]
        except (AutogradError, IndexError, ValueError) as error:
            if self.target is None:  # it came from the model
                raise
            self.error = error
            return None

    def pull(self, value: Any) -> dict[str, Any]:
        """The gradient of a value for each parameter, None where there is none."""
        for p in self.named.values():
            p.grad = None
        if isinstance(value, Tensor) and value.requires_grad and math.isfinite(float(value)):
            value.backward()
        return {name: None if p.grad is None else raw(p.grad) for name, p in self.named.items()}

    def ready(self) -> None:
        """Ends a check that needs a loss and parameters."""
        if not self.named:
            raise NotDoneError("no parameter wants a gradient")
        if all(g is None for g in self.gradients.values()) and math.isfinite(self.value):
            raise NotDoneError("no parameter receives a gradient")
        if self.error is not None:
            raise NotDoneError("the loss refuses the labels")
        if not math.isfinite(self.value):
            raise NotDoneError(f"the loss is {self.value}")

    def fed(self, output: Any, target: Any = None) -> float:
        """The loss of an output that the model did not make; nan if the loss does not take it."""
        try:
            with no_grad():
                value = self.loss(Tensor(np.asarray(output, raw(self.output).dtype)), self.target if target is None else target)
            return float(value)
        except REFUSALS:
            return math.nan

    def _find_labels(self) -> Labels | None:
        """Labels are integers of the output's shape without an axis, for which equal probabilities give ln(classes)."""
        for key, y in parts(self.target):
            for axis in (1, -1) if isinstance(self.output, Tensor) and y.dtype.kind in "iu" else ():
                shape = list(self.output.shape)
                if not 1 <= axis % max(len(shape), 1) < len(shape):
                    continue
                classes = shape.pop(axis)
                if classes > 1 and tuple(shape) == y.shape:
                    inside = y.clip(0, classes - 1)
                    chance = self.fed(
                        np.full(self.output.shape, -math.log(classes)),
                        inside if key is None else {**self.target, key: inside},
                    )
                    if any(math.isclose(chance, n * math.log(classes), rel_tol=1e-3) for n in (1, y.size, y.size / len(y))):
                        return Labels(axis, classes, y, chance)
        return None

    def chance(self) -> tuple[float, str]:
        """The loss of the best output that is the same for all examples, and what it is; nan where it is not known."""
        if self.labels:
            return self.labels.chance, f"-ln(1/{self.labels.classes})"
        y = self.alike()
        if y is None or y.ndim == 0 or len(y) < 2:
            return math.nan, "unknown"
        probable = self.fed(np.full(y.shape, -math.log(y.shape[1]))) if y.ndim > 1 and y.shape[1] > 1 else math.nan
        if math.isclose(probable, math.log(y.shape[-1]), rel_tol=1e-3):
            return probable, f"-ln(1/{y.shape[1]})"
        mean = self.fed(np.broadcast_to(y.mean(axis=0), y.shape))
        zero = self.fed(np.zeros(y.shape))
        is_variance = math.isclose(mean, float(y.var(axis=0).mean()), rel_tol=1e-3)
        words = "the variance of the target" if is_variance else "of the best constant"
        return (zero, "of an output of zeros") if zero < 0.999 * mean else (mean, words)

    def least(self) -> float:
        """The loss of outputs that could not be better; zero where that is not known."""
        if self.labels:
            inside = self.labels.values.clip(0, self.labels.classes - 1)
            hot = np.moveaxis(np.eye(self.labels.classes)[inside], -1, self.labels.axis)
            sharp = [k * hot - np.log(np.exp(k * hot).sum(self.labels.axis, keepdims=True)) for k in (2, 5, 10, 20)]
            return float(np.nanmin([0.0 if math.isnan(v) else v for v in map(self.fed, sharp)]))
        y = self.alike()
        best = 0.0 if y is None else self.fed(y)
        return best if math.isfinite(best) and best < self.chance()[0] else 0.0

    def alike(self) -> Any:
        """The target in the shape of the output; None if it is not as many numbers."""
        y = raw(self.target)
        is_one = isinstance(self.output, Tensor) and y is not None and y.dtype.kind in "fiu" and y.size == self.output.size
        return y.reshape(self.output.shape) if is_one else None


@contextlib.contextmanager
def traced(model: Any, layers: list[Layer]) -> Iterator[None]:
    """Within it, what comes through the layers of a model is noted, and the norm of the gradient on its way back."""
    handles = []

    def note(name: str, module: Any, inputs: Any, out: Any) -> None:
        first = next((leaf for leaf in leaves(out) if isinstance(leaf, Tensor)), None)
        if first is None or first.dtype.kind not in "fc":
            return
        layer = Layer(name, type(module).__name__, module, raw(inputs[0]) if len(inputs) == 1 else None, raw(first))
        layers.append(layer)

        def measure(g: Any) -> None:
            layer.gradient = rms(raw(g)) * math.sqrt(g.size / len(g)) if g.ndim else abs(float(g))

        if first.requires_grad and not first.is_leaf:
            first.register_hook(measure)

    for name, module in model.named_modules():
        if len(list(module.modules())) == 1 or any(True for _ in module.parameters(recurse=False)):
            hook = lambda module, inputs, out, name=name: note(name, module, inputs, out)  # noqa: E731
            handles.append(module.register_forward_hook(hook))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def strays(labels: Labels) -> Any:
    """Labels that are no class; -100 is the usual sign of what is to be ignored."""
    y = labels.values
    return np.unique(y[((y < 0) & (y != -100)) | (y >= labels.classes)])


# --- arrays and batches ------------------------------------------------------------------------------------------------------


def raw(value: Any) -> Any:
    """The array of a Tensor or array; None of anything else."""
    if isinstance(value, Tensor):
        return np.asarray(value._raw)
    return value if isinstance(value, np.ndarray) else None


def rms(a: Any) -> float:
    """The root mean square."""
    return float(np.sqrt(np.mean(np.square(np.abs(a), dtype=float)))) if np.size(a) else 0.0


def parts(tree: Any) -> list[tuple[Any, Any]]:
    """The arrays of a batch, or of a part of it, with their keys in a dictionary."""
    pairs = tree.items() if isinstance(tree, dict) else ((None, leaf) for leaf in leaves(tree))
    return [(key, raw(value)) for key, value in pairs if raw(value) is not None]


def plain(tree: Any) -> Any:
    """A batch with arrays for Tensors, and tuples for lists: as `take` takes examples out of it."""
    if isinstance(tree, dict):
        return {key: plain(child) for key, child in tree.items()}
    return tuple(map(plain, tree)) if isinstance(tree, (tuple, list)) else tree if raw(tree) is None else raw(tree)


def joined(batches: list[Any]) -> Any:
    """The first batches as one, up to POOL examples; the first alone, if they are no arrays of one shape."""
    flat = [leaves(plain(batch)) for batch in batches]
    shapes = {tuple(np.shape(leaf)[1:] if raw(leaf) is not None and leaf.ndim else None for leaf in row) for row in flat}
    size = len(flat[0][0])
    if len(shapes) > 1 or None in next(iter(shapes)) or size >= POOL:
        return batches[0]
    columns = iter([np.concatenate(column) for column in zip(*flat[: max(1, POOL // size)], strict=True)])
    return _refilled(plain(batches[0]), columns)


def _refilled(tree: Any, columns: Iterator[Any]) -> Any:
    if isinstance(tree, dict):
        return {key: _refilled(child, columns) for key, child in tree.items()}
    return tuple(_refilled(child, columns) for child in tree) if isinstance(tree, tuple) else next(columns)
