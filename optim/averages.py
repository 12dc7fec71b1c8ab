"""Averages of the weights along a training: exponential (EMA), and with equal shares (SWA).

An average is kept one size wider than the weights, takes part in a recorded step, and can stand in a model for an evaluation,
after which the weights are back bit for bit. Knows no module: a model is asked for its named parameters and buffers.
"""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from autograd import GradientError, RecordingError, ShapeError, Tensor, external, no_grad
from autograd.graph import modes
from autograd.tensor import constant, is_alone

from .optimizer import BLOCK, blocks

# With a share of 1e-3 for the new weights, an average of their own size stops while |w - a| is about 1e3 roundings of a, for
# the change is rounded away: further from w than w is from its neighbours. Weights of float32 at rest at 1.1, from 1.0, after
# 300,000 updates, distance left for shares of 1e-3 and 1e-4: as a + (w - a) s in float32 6e-5 and 6e-4, as (1 - s) a + s w in
# float32 1e-4 and 5e-4, in float64 1e-13 and 1e-12. (A second float32 for what is rounded away would cost the same memory.)
WIDER = {"e": np.float32, "f": np.float64, "F": np.complex128}


class Average:
    """The base of both: a <- a + (w - a) * share for every parameter and buffer of floats; other buffers are copied.

    `n_averaged` counts the updates. An average begins as the weights are when it is made. Frozen parameters take part; one that
    is tied stands under its first name.
    """

    def __init__(self, model: Any) -> None:
        if isinstance(model, type) or not hasattr(model, "named_parameters"):
            words = f"the class {model.__name__}" if isinstance(model, type) else f"a {type(model).__name__}"
            raise TypeError(f"{self._kind} averages the weights of a model, and got {words}")
        _refuse_recording(f"{self._kind}()")
        self.model = model
        self._count = constant(0.0)
        self._applied = False
        self._parameters = dict(model.named_parameters())
        self._averages = {name: constant(_widened(value._raw)) for name, value in _values(model).items()}

    # --- what an average says ----------------------------------------------------------------------------------------------

    def share(self, n: Any) -> Any:
        """The share of the new weights at an update, where n is how many there were."""
        raise NotImplementedError

    # --- for everybody -----------------------------------------------------------------------------------------------------

    @property
    def _kind(self) -> str:
        return type(self).__name__

    @property
    def n_averaged(self) -> int:
        """How many updates there were."""
        return int(self._count.item())

    def update(self) -> None:
        """Takes the weights as they are now into the average. It may stand in a recorded step."""
        values = self._current("update()")
        with no_grad():
            n = self._count if modes.recorder is not None else self._count._raw
            share = self.share(n)
            for name, w in values.items():
                a = self._averages[name]
                if modes.recorder is not None:
                    a.data = _step(a, w.astype(a.dtype), share) if _is_averaged(a) else w.copy()
                else:
                    _advance(a, w, float(share))
            self._count.data = n + 1.0

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """Within it the model has the averages; afterwards, and after an error, it has its weights again, bit for bit."""
        _refuse_recording(f"{self._kind}.applied()")
        pairs = [(value, self._averages[name]) for name, value in self._current("applied()").items()]
        before = [(value, value._raw, value.sharing) for value, _ in pairs]
        self._applied = True
        try:
            for value, average in pairs:
                value._raw, value.sharing = _like(average._raw, value._raw), None
            yield
        finally:
            for value, raw, sharing in before:
                value._raw, value.sharing = raw, sharing
            self._applied = False

    def copy_to(self, model: Any = None) -> None:
        """Writes the averages for good: into the model, or into another one with the same names."""
        _refuse_recording(f"{self._kind}.copy_to()")
        values = self._current("copy_to()") if model is None else _values(model)
        self._compare({name: value.shape for name, value in values.items()}, f"this {type(model or self.model).__name__}")
        for name, value in values.items():
            value.data = _like(self._averages[name]._raw, value._raw)

    def state_dict(self) -> dict[str, Any]:
        """The averages as NumPy arrays by name, copies, and the number of updates. The arguments are not part of it."""
        _refuse_recording(f"{self._kind}.state_dict()")
        averages = {name: np.array(average._raw) for name, average in self._averages.items()}
        return {"n_averaged": self.n_averaged, "averages": averages}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Takes averages and count of a state_dict; an error, and nothing changed, if it is of another model."""
        _refuse_recording(f"{self._kind}.load_state_dict()")
        given = {name: np.asarray(value) for name, value in state_dict["averages"].items()}
        self._compare({name: value.shape for name, value in given.items()}, "this state_dict")
        for name, average in self._averages.items():
            average.data = _like(given[name], average._raw)
        self._count.data = float(state_dict["n_averaged"])

    # --- the mechanism -----------------------------------------------------------------------------------------------------

    def _current(self, what: str) -> dict[str, Tensor]:
        """The parameters and buffers of the model, found to be those that are averaged."""
        if self._applied:
            raise GradientError(f"{self._kind}.{what} inside applied(): the model has the averages there, and not its weights")
        values = _values(self.model)
        reshaped = [name for name, a in self._averages.items() if name in values and values[name].shape != a.shape]
        replaced = [name for name, p in self.model.named_parameters() if self._parameters.get(name, p) is not p]
        faults = {
            "added": values.keys() - self._averages.keys(),
            "gone": self._averages.keys() - values.keys(),
            "replaced by another parameter": replaced,
            "of another shape": reshaped,
        }
        words = [f"{', '.join(sorted(names))} {fault}" for fault, names in faults.items() if names]
        if words:
            raise GradientError(
                f"{self._kind}.{what}: since it was made the model has changed: {'; '.join(words)}. Make a new {self._kind} of "
                "it, or write to p.data instead of replacing p"
            )
        return values

    def _compare(self, shapes: Mapping[str, tuple[int, ...]], whose: str) -> None:
        """An error if names or shapes are not those of the averages."""
        own = {name: average.shape for name, average in self._averages.items()}
        wrong = [
            f"{name} has shape {own[name]} here, and {shapes[name]} there"
            if name in own and name in shapes
            else f"{name} is missing {'there' if name in own else 'here'}"
            for name in sorted(own.keys() | shapes.keys())
            if own.get(name) != shapes.get(name)
        ]
        if wrong:
            raise ShapeError(f"{whose} does not fit this {self._kind}: {'; '.join(wrong)}")


class EMA(Average):
    """Exponential moving average: a <- d a + (1 - d) w, written as a + (w - a) (1 - d).

    With `warm_up` the decay of update t is min(d, (1 + t) / (10 + t)), so that the start is forgotten sooner.

    >>> import nn
    >>> model = nn.Linear(1, 1)
    >>> model.weight.data[:] = 1.0
    >>> ema = EMA(model, decay=0.75)
    >>> model.weight.data[:] = 5.0
    >>> ema.update()
    >>> with ema.applied():
    ...     print(model.weight.item())
    2.0
    >>> model.weight.item()
    5.0
    """

    def __init__(self, model: Any, decay: float = 0.999, warm_up: bool = False) -> None:
        if not 0 <= decay <= 1:
            raise ValueError(f"EMA: decay is from 0 to 1, not {decay!r}")
        super().__init__(model)
        self.decay = float(decay)
        self.warm_up = warm_up

    def share(self, n: Any) -> Any:
        decay = external("ema.decay", lambda: self.decay)
        return 1.0 - (np.minimum(decay, (n + 2.0) / (n + 11.0)) if self.warm_up else decay)  # t = n + 1


class SWA(Average):
    """Stochastic weight averaging: the mean of the weights at every update, a <- a + (w - a) / (n + 1).

    The first update leaves nothing of the weights that the average began with.

    >>> import nn
    >>> model = nn.Linear(1, 1)
    >>> swa = SWA(model)
    >>> for value in (1.0, 2.0, 6.0):
    ...     model.weight.data[:] = value
    ...     swa.update()
    >>> swa.copy_to()
    >>> model.weight.item()
    3.0
    """

    def share(self, n: Any) -> Any:
        return 1.0 / (n + 1.0)


def _refuse_recording(what: str) -> None:
    if modes.recorder is not None:
        raise RecordingError(f"{what} would take the weights as they are while recording: call it outside of the step")


def _values(model: Any) -> dict[str, Tensor]:
    """All that belongs to a model, by name."""
    return {**dict(model.named_parameters()), **dict(model.named_buffers())}


def _widened(raw: Any) -> Any:
    """A copy, one size wider."""
    if isinstance(raw, (float, int)):
        return raw
    return raw.astype(WIDER.get(raw.dtype.char, raw.dtype))


def _like(raw: Any, other: Any) -> Any:
    """A copy of the dtype of another value; a Python number where that is one."""
    return type(other)(raw) if isinstance(other, (float, int)) else raw.astype(other.dtype)


def _is_averaged(a: Tensor) -> bool:
    return a.dtype.kind in "fc"


def _step(a: Any, w: Any, share: Any) -> Any:
    """The average with a share of new weights. All of it is the weights themselves: the sum would round."""
    return np.where(share < 1, a + (w - a) * share, w)


def _advance(average: Tensor, weights: Tensor, share: float) -> None:
    """The same on bare arrays, a block at a time, written where the average was."""
    w = weights._raw
    if isinstance(w, (float, int)) or w.size <= BLOCK or not _is_averaged(average):
        new = _step(average._raw, w, share) if _is_averaged(average) else w
        average._raw = _like(np.asarray(new), average._raw)
        return
    a = average._raw if is_alone(average) else average._raw.copy()
    for block in blocks(a.shape):
        a[block] = _step(a[block], w[block], share)
    average._raw = a
