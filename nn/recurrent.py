"""RNN, LSTM and GRU, their cells, and sequences of different lengths: packed, padded, or padded with `lengths`.

A layer in one direction is one product of inputs and weights for all steps, and then one op, `autograd.ops.recurrent`.
Sequences of different lengths run side by side, and one that has ended keeps its state. Knows no other layer.
"""

import math
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd import DtypeError, ShapeError, Tensor
from autograd.ops import recurrent

from . import init
from .functional.dropout import dropout
from .functional.linear import linear
from .module import Module, parameter

ops: Any = recurrent  # ops carry no types

# --- sequences of different lengths ----------------------------------------------------------------------------------------


class PackedSequence(NamedTuple):
    """Sequences of different lengths without padding: first the first elements of all of them, then the second ones, ...

    `batch_sizes` says how many there are of each. The sequences stand in the order of `sorted_indices`, the longest first;
    None means that they were given so.
    """

    data: Any
    batch_sizes: Any
    sorted_indices: Any = None
    unsorted_indices: Any = None


def pack_padded_sequence(input: Any, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True) -> PackedSequence:
    """Packs padded sequences (T, N, ...), or (N, T, ...) with `batch_first`, of which sequence i has the length lengths[i].

    With `enforce_sorted` the longest is to come first; without, they are sorted here.

    >>> pack_padded_sequence(np.array([[1.0, 3.0], [2.0, 0.0]]), [2, 1]).data.tolist()
    [1.0, 3.0, 2.0]
    """
    x = _time_first(input, batch_first)
    lengths = _lengths("pack_padded_sequence", lengths, x.shape)
    order = np.argsort(-lengths, kind="stable")
    if enforce_sorted and (np.diff(lengths) > 0).any():
        raise ShapeError(
            f"pack_padded_sequence: the longest sequence is to come first, got lengths {lengths.tolist()}. Sort them, or pass "
            "enforce_sorted=False"
        )
    sizes = (lengths > np.arange(lengths.max())[:, None]).sum(axis=1)
    indices = (None, None) if enforce_sorted else (order, np.argsort(order))
    return PackedSequence(_packed(x, sizes, indices[0]), sizes, *indices)


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Any, Any]:
    """The padded sequences (T, N, ...) and their lengths: what `pack_padded_sequence` was given."""
    sizes = np.asarray(sequence.batch_sizes)
    steps = len(sizes) if total_length is None else total_length
    if steps < len(sizes):
        raise ShapeError(f"pad_packed_sequence: total_length {steps} is less than the longest sequence, {len(sizes)}")
    rows = np.full((steps, sizes[0]), -1)
    rows.reshape(-1)[_places(sizes, sequence.sorted_indices)] = np.arange(sizes.sum())
    there = rows >= 0
    mask = np.reshape(there, there.shape + (1,) * (np.ndim(sequence.data) - 1))
    data = sequence.data[np.maximum(rows, 0)]
    x = np.where(mask, data, data.dtype.type(padding_value))
    return _time_first(x, batch_first), there.sum(axis=0)


def pad_sequence(
    sequences: Sequence[Any], batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Any:
    """Sequences (length, ...) of different lengths as one array (T, N, ...), filled up at the end, or at the "left".

    >>> pad_sequence([np.array([1.0, 2.0]), np.array([3.0])], batch_first=True).tolist()
    [[1.0, 2.0], [3.0, 0.0]]
    """
    if padding_side not in ("left", "right"):
        raise ValueError(f'pad_sequence: padding_side is "left" or "right", not {padding_side!r}')
    items = [x if isinstance(x, Tensor) else np.asarray(x) for x in sequences]
    if not items:
        raise ShapeError("pad_sequence: expected at least one sequence, got none")
    if any(x.ndim == 0 for x in items):
        raise ShapeError("pad_sequence: expected sequences (length, ...), got a number")
    if len({x.shape[1:] for x in items}) > 1:
        raise ShapeError(f"pad_sequence: only the lengths may differ, got shapes {', '.join(str(x.shape) for x in items)}")
    longest = max(len(x) for x in items)
    padded = []
    for x in items:
        missing = longest - len(x)
        before = missing if padding_side == "left" else 0
        width = [(before, missing - before)] + [(0, 0)] * (x.ndim - 1)
        padded.append(np.pad(x, width, constant_values=padding_value) if missing else x)
    return np.stack(padded, axis=0 if batch_first else 1)


def pack_sequence(sequences: Sequence[Any], enforce_sorted: bool = True) -> PackedSequence:
    """Packs a list of sequences (length, ...)."""
    return pack_padded_sequence(pad_sequence(sequences), [len(x) for x in sequences], enforce_sorted=enforce_sorted)


def unpad_sequence(padded_sequences: Any, lengths: Any, batch_first: bool = False) -> list[Any]:
    """The sequences of a padded array, as a list."""
    x = _time_first(padded_sequences, batch_first)
    return [x[:n, i] for i, n in enumerate(_lengths("unpad_sequence", lengths, x.shape).tolist())]


def unpack_sequence(packed_sequences: PackedSequence) -> list[Any]:
    """The sequences of a packed one, as a list."""
    return unpad_sequence(*pad_packed_sequence(packed_sequences))


def _time_first(x: Any, batch_first: bool) -> Any:
    x = x if isinstance(x, Tensor) else np.asarray(x)
    if x.ndim < 2:
        raise ShapeError(f"expected padded sequences with at least 2 axes, (steps, batch, ...), got shape {x.shape}")
    return np.swapaxes(x, 0, 1) if batch_first else x


def _lengths(name: str, lengths: Any, shape: tuple[int, ...]) -> Any:
    """The lengths as an array, if they belong to a batch of shape (T, N, ...)."""
    found = np.asarray(lengths.numpy() if isinstance(lengths, Tensor) else lengths)
    if (
        found.dtype.kind not in "iu"
        or found.shape != shape[1:2]
        or not (found.size and 0 < found.min() <= found.max() <= shape[0])
    ):
        raise ShapeError(
            f"{name}: expected {shape[1]} whole numbers from 1 to {shape[0]} as lengths, one for each sequence, got {lengths!r}"
        )
    return found.astype(np.int64)


def _places(sizes: Any, order: Any) -> Any:
    """Where the elements of packed sequences are in the padded ones (T, N), counted through."""
    order = np.arange(sizes[0]) if order is None else np.asarray(order)
    return np.concatenate([t * len(order) + order[:n] for t, n in enumerate(sizes)])


def _packed(x: Any, sizes: Any, order: Any) -> Any:
    return np.reshape(x, (-1, *x.shape[2:]))[_places(sizes, order)]


# --- layers ----------------------------------------------------------------------------------------------------------------


class Recurrent(Module):
    """What RNN, LSTM and GRU share: layers, directions and their parameters, named as PyTorch names them."""

    cell = "tanh"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        name = type(self).__name__
        _check_sizes(name, hidden_size=hidden_size, num_layers=num_layers)
        if not isinstance(dropout, (int, float, np.number)) or not 0 <= dropout <= 1:
            raise ValueError(f"{name}: dropout is a probability, between 0 and 1, and not {dropout!r}")
        if not 0 <= proj_size < hidden_size:
            raise ShapeError(f"{name}: proj_size must be less than hidden_size, got {proj_size} and {hidden_size}")
        if dropout and num_layers == 1:
            warnings.warn(f"{name}: dropout={dropout} stands between layers, and there is one layer only", stacklevel=3)
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        for layer, suffix in self._passes():
            size = input_size if layer == 0 else (proj_size or hidden_size) * (1 + bidirectional)
            shapes = _shapes(self.cell, size, hidden_size, bias, proj_size)
            for kind, shape in shapes.items():
                setattr(self, f"{kind}_l{layer}{suffix}", parameter(*shape, dtype=dtype, device=device))
        self.reset_parameters()

    def _passes(self) -> list[tuple[int, str]]:
        """Each layer in each direction: its number, and the end of the names of its parameters."""
        return [(layer, suffix) for layer in range(self.num_layers) for suffix in ("", "_reverse")[: 1 + self.bidirectional]]

    def reset_parameters(self, generator: Any = None) -> None:
        """Draws the parameters anew, from U(-b, b) with b = 1 / sqrt(hidden_size)."""
        _draw(self, self.hidden_size, generator)

    def flatten_parameters(self) -> None:
        """Does nothing: it is here for code that was written for PyTorch."""

    def forward(self, input: Any, hx: Any = None, lengths: Any = None) -> Any:
        """(output, last state): input (T, N, features), output (T, N, directions * hidden_size).

        `input` may be without N, have N in front with `batch_first`, or be a PackedSequence, and then the output is one as
        well. `lengths` says how long each of N padded sequences is: what comes later is not looked at, and the output is 0
        there. States have the shape (layers * directions, N, hidden_size).
        """
        name = type(self).__name__.lower()
        packed = input if isinstance(input, PackedSequence) else None
        if packed is not None:
            input, lengths = pad_packed_sequence(packed)
        x = _checked(name, input, (2, 3), self.input_size)
        batched = x.ndim == 3
        x = np.swapaxes(x, 0, 1) if batched and self.batch_first and packed is None else x if batched else x[:, None]
        if not len(x):
            raise ShapeError(f"{name}: expected at least one step, got an input of shape {np.shape(input)}")
        mask = True
        if lengths is not None:
            mask = np.arange(len(x))[:, None] < _lengths(name, lengths, x.shape)
            x = np.where(mask[:, :, None], x, 0) if packed is None else x
        y, states = self._layers(x, self._states(name, hx, x, batched), mask)
        if packed is not None:
            y = PackedSequence(_packed(y, packed.batch_sizes, packed.sorted_indices), *packed[1:])
        elif batched:
            y = np.swapaxes(y, 0, 1) if self.batch_first else y
        else:
            y, states = y[:, 0], [state[:, 0] for state in states]
        return y, tuple(states) if self.cell == "lstm" else states[0]

    def _states(self, name: str, hx: Any, x: Any, batched: bool) -> list[Any]:
        """The states to start with, h and c; a cell without c has one of width 0."""
        count, lstm = len(self._passes()), self.cell == "lstm"
        sizes = [self.proj_size or self.hidden_size, self.hidden_size if lstm else 0]
        shapes = [(count, x.shape[1], size) for size in sizes]
        weight = self.weight_ih_l0  # type: ignore[attr-defined]
        states = [np.zeros_like(weight._raw, shape=shape) for shape in shapes]
        return states if hx is None else _given_states(name, hx, states, None if batched else 1, lstm)

    def _layers(self, x: Any, states: list[Any], mask: Any) -> tuple[Any, list[Any]]:
        """All layers: the output of the last, and the last states of each."""
        outputs: list[Any] = []
        last: list[list[Any]] = [[], []]
        for i, (layer, suffix) in enumerate(self._passes()):
            own = {kind: getattr(self, f"{kind}_l{layer}{suffix}", None) for kind in KINDS}
            hs, cs = _layer(self.cell, x, own, states[0][i], states[1][i], mask, bool(suffix))
            for found, kept in zip((hs, cs), last, strict=True):
                kept.append(found[0 if suffix else -1])
            outputs.append(hs if mask is True else np.where(mask[:, :, None], hs, 0))
            if len(outputs) == 1 + self.bidirectional:
                x = np.concatenate(outputs, axis=-1) if self.bidirectional else outputs[0]
                outputs = []
                if self.dropout and layer < self.num_layers - 1:
                    x = dropout(x, self.dropout, self.training)
        return x, [np.stack(found) for found in last[: 1 + (self.cell == "lstm")]]

    def extra_repr(self) -> str:
        said = {"proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False, "dropout": 0, "bidirectional": False}
        changed = [f", {name}={getattr(self, name)}" for name, usual in said.items() if getattr(self, name) != usual]
        return f"{self.input_size}, {self.hidden_size}" + "".join(changed)


class RNN(Recurrent):
    """h' = tanh(weight_ih x + bias_ih + weight_hh h + bias_hh), or relu of the same, for each step; layers of it.

    >>> y, h = RNN(3, 4)(np.ones((5, 2, 3), np.float32))
    >>> y.shape, h.shape
    ((5, 2, 4), (1, 2, 4))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        self.nonlinearity = self.cell = _nonlinearity("RNN", nonlinearity)
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, device=device, dtype=dtype
        )


class LSTM(Recurrent):
    """Long short-term memory. With the gates i, f, g, o of weight_ih x + bias_ih + weight_hh h + bias_hh, for each step
    c' = sigmoid(f) c + sigmoid(i) tanh(g) and h' = sigmoid(o) tanh(c'), or weight_hr times that where `proj_size` is given.

    >>> y, (h, c) = LSTM(3, 4, batch_first=True)(np.ones((2, 5, 3), np.float32))
    >>> y.shape, h.shape, c.shape
    ((2, 5, 4), (1, 2, 4), (1, 2, 4))
    """

    cell = "lstm"


class GRU(Recurrent):
    """Gated recurrent unit. With r, z, n = weight_ih x + bias_ih and s, t, m = weight_hh h + bias_hh, for each step
    u = sigmoid(z + t) and h' = (1 - u) tanh(n + sigmoid(r + s) m) + u h.

    >>> y, h = GRU(3, 4, num_layers=2)(np.ones((5, 2, 3), np.float32))
    >>> y.shape, h.shape
    ((5, 2, 4), (2, 2, 4))
    """

    cell = "gru"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, device=device, dtype=dtype
        )


KINDS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")


def _shapes(cell: str, size: int, hidden: int, bias: bool, projected: int = 0) -> dict[str, tuple[int, ...]]:
    """The parameters of one layer in one direction."""
    rows = ops.CELLS[cell].gates * hidden
    shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, size), "weight_hh": (rows, projected or hidden)}
    if bias:
        shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
    return shapes | ({"weight_hr": (projected, hidden)} if projected else {})


def _draw(module: Module, hidden: int, generator: Any) -> None:
    bound = 1 / math.sqrt(hidden)
    for own in module.parameters():
        init.uniform_(own, -bound, bound, generator=generator)


def _layer(cell: str, x: Any, own: dict[str, Any], h: Any, c: Any, mask: Any, reverse: bool) -> tuple[Any, Any]:
    """The states after each step of one layer in one direction."""
    bias, state_bias = own["bias_ih"], own["bias_hh"]
    if bias is not None and cell != "gru":  # which alone multiplies the state's part before it adds it
        bias, state_bias = bias + state_bias, None
    z = linear(x, own["weight_ih"], bias)
    b = 0.0 if state_bias is None else state_bias
    r = 0.0 if own["weight_hr"] is None else own["weight_hr"]
    hs, cs, _ = ops.recurrence(z, own["weight_hh"], b, r, mask, h, c, cell=cell, reverse=reverse)
    return hs, cs


def _check_sizes(name: str, **sizes: Any) -> None:
    for what, n in sizes.items():
        if not isinstance(n, (int, np.integer)) or n <= 0:
            raise ShapeError(f"{name}: expected {what} as a whole number above 0, got {n!r}")


def _nonlinearity(name: str, given: str) -> str:
    if given not in ("tanh", "relu"):
        raise ValueError(f'{name}: nonlinearity is "tanh" or "relu", not {given!r}')
    return given


def _checked(name: str, input: Any, ndims: tuple[int, int], size: int) -> Any:
    x = input if isinstance(input, Tensor) else np.asarray(input)
    if x.ndim not in ndims:
        raise ShapeError(f"{name}: expected an input with {ndims[1]} axes, or {ndims[0]} without a batch, got shape {x.shape}")
    if x.shape[-1] != size:
        raise ShapeError(f"{name}: expected {size} features in the last axis, got {x.shape[-1]} (input shape {x.shape})")
    if x.dtype.kind != "f":
        raise DtypeError(f"{name}: expected an input of floats, got {x.dtype}. Convert it: x.astype('float32')")
    return x


def _given_states(name: str, hx: Any, zeros: list[Any], axis: int | None, lstm: bool) -> list[Any]:
    """The states h and c that were given, in place of zeros; `axis` is the one that they lack without a batch."""
    if not lstm:
        return [_given_state(name, "h", hx, zeros[0], axis), zeros[1]]
    if not isinstance(hx, (tuple, list)) or len(hx) != 2:
        raise ShapeError(f"{name}: expected a pair of states, (h, c)")
    return [_given_state(name, letter, state, zero, axis) for letter, state, zero in zip("hc", hx, zeros, strict=True)]


def _given_state(name: str, letter: str, given: Any, zeros: Any, axis: int | None) -> Any:
    state = np.asarray(given, zeros.dtype) if isinstance(given, (list, tuple)) else given
    wanted = zeros.shape if axis is None else (*zeros.shape[:axis], *zeros.shape[axis + 1 :])
    if np.shape(state) != wanted:
        raise ShapeError(f"{name}: expected the state {letter} to have shape {wanted}, got {np.shape(state)}")
    if state.dtype.kind != "f":
        raise DtypeError(f"{name}: expected the state {letter} of floats, got {state.dtype}. Convert it: astype('float32')")
    return state if axis is None else np.expand_dims(state, axis)


# --- cells -----------------------------------------------------------------------------------------------------------------


class RecurrentCell(Module):
    """What the cells share: one step of one layer, by the same op as the layers."""

    cell = "tanh"

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        _check_sizes(type(self).__name__, hidden_size=hidden_size)
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        for kind, shape in _shapes(self.cell, input_size, hidden_size, bias).items():
            setattr(self, kind, parameter(*shape, dtype=dtype, device=device))
        self.reset_parameters()

    def reset_parameters(self, generator: Any = None) -> None:
        """Draws the parameters anew, from U(-b, b) with b = 1 / sqrt(hidden_size)."""
        _draw(self, self.hidden_size, generator)

    def forward(self, input: Any, hx: Any = None) -> Any:
        """The next state, from an input (N, features), or (features,), and the state (zeros unless given)."""
        name = type(self).__name__.lower()
        x = _checked(name, input, (1, 2), self.input_size)
        batched, lstm = x.ndim == 2, self.cell == "lstm"
        x = x if batched else x[None]
        weight = self.weight_ih  # type: ignore[attr-defined]
        states = [np.zeros_like(weight._raw, shape=(len(x), n)) for n in (self.hidden_size, self.hidden_size * lstm)]
        if hx is not None:
            states = _given_states(name, hx, states, None if batched else 0, lstm)
        own = {kind: getattr(self, kind, None) for kind in KINDS}
        hs, cs = _layer(self.cell, x[None], own, states[0], states[1], True, False)
        h, c = (hs[0], cs[0]) if batched else (hs[0, 0], cs[0, 0])
        return (h, c) if lstm else h

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}" + ", bias=False" * (not self.bias)


class RNNCell(RecurrentCell):
    """One step of an RNN.

    >>> RNNCell(3, 4)(np.ones((2, 3), np.float32)).shape
    (2, 4)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        self.nonlinearity = self.cell = _nonlinearity("RNNCell", nonlinearity)
        super().__init__(input_size, hidden_size, bias, device, dtype)

    def extra_repr(self) -> str:
        return super().extra_repr() + f", nonlinearity={self.nonlinearity}" * (self.nonlinearity != "tanh")


class LSTMCell(RecurrentCell):
    """One step of an LSTM: returns (h, c).

    >>> h, c = LSTMCell(3, 4)(np.ones((2, 3), np.float32))
    >>> h.shape, c.shape
    ((2, 4), (2, 4))
    """

    cell = "lstm"


class GRUCell(RecurrentCell):
    """One step of a GRU.

    >>> GRUCell(3, 4)(np.ones((2, 3), np.float32)).shape
    (2, 4)
    """

    cell = "gru"
