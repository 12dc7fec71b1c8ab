"""The training loop: `fit`, and what it is made of, each of which can be used alone.

A batch is a tuple (x, y), or (x1, x2, y): the last is the target, and the rest goes to the model. Of anything else (an array, a
dictionary) all goes to the model, and all is the target. A loss is the mean over the examples of a batch. Stands on optimizers,
schedules and batches; knows no model, but calls it, and asks it for its parameters and its state.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

from autograd import no_grad

from .batches import Batches, length_of

Loss: TypeAlias = Callable[[Any, Any], Any]


def objective(model: Any, loss: Loss, batch: Any) -> tuple[Any, Any, Any]:
    """The loss of a model on a batch, with the output and the target that it was made of."""
    *inputs, target = batch if isinstance(batch, (tuple, list)) and len(batch) > 1 else (batch, batch)
    output = model(*inputs)
    return loss(output, target), output, target


def as_batches(data: Any, batch_size: int = 32, shuffle: bool = True) -> Iterable[Any]:
    """Data as batches: what comes in batches already stays as it is; an array, tuple or data set is taken apart."""
    return data if isinstance(data, Batches) else Batches(data, batch_size, shuffle)


@contextlib.contextmanager
def mode(model: Any, training: bool) -> Iterator[None]:
    """Within it all modules of a model are in training, or none is; afterwards each is as it was."""
    before = [(module, module.training) for module in model.modules()]
    model.train(training)
    try:
        yield
    finally:
        for module, was in before:
            module.training = was


def evaluate(model: Any, loss: Loss, data: Any) -> float:
    """The mean loss over the examples of the data, in evaluation mode and without a graph."""
    with mode(model, training=False), no_grad():
        raise NotImplementedError(length_of(data))
