"""GraphData: what all pictures are made of. Plain data, which no array hangs on, in the order in which things ran.

Boxes are values: what an op made, or what nothing made. Edges say which value an op read, and in which place. Groups are the
modules that boxes stand in. Collectors fill it, from a graph, from a call that is watched, from a Program; writers read it, and
it goes through JSON unchanged. Stands on NumPy; knows no Tensor, no writer and no layout.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np

Kind: TypeAlias = Literal["op", "input", "parameter", "buffer", "constant"]
Phase: TypeAlias = Literal["forward", "backward", "update"]

BINS = 16


@dataclass(frozen=True, slots=True)
class Stats:
    """What is told of an array: range, mean, spread, norm, what is zero or not finite, and a histogram of the finite rest.

    Of complex numbers the absolute values are told. `bins` counts elements in equal steps from `least` to `largest`.
    """

    size: int
    least: float
    largest: float
    mean: float
    std: float
    norm: float
    zeros: float  # the share of elements
    nans: int
    infinities: int
    bins: tuple[int, ...]

    @classmethod
    def of(cls, value: Any) -> "Stats":
        """The statistics of an array or a number.

        >>> Stats.of(np.array([0.0, 1.0, np.inf])).largest
        1.0
        """
        array = np.asarray(value.get() if hasattr(value, "get") else value)  # a GPU's have get
        array = np.abs(array) if array.dtype.kind == "c" else array
        array = array.astype(np.float64).ravel()
        finite = array if np.isfinite(array).all() else array[np.isfinite(array)]
        nans = int(np.isnan(array).sum()) if finite.size < array.size else 0
        counts = (array.size, nans, array.size - finite.size - nans)
        if not finite.size:
            return cls(counts[0], math.nan, math.nan, math.nan, math.nan, math.nan, 0.0, *counts[1:], (0,) * BINS)
        least, largest = float(np.minimum.reduce(finite)), float(np.maximum.reduce(finite))  # min() takes a detour in Python
        scale = max(-least, largest) or 1.0
        scaled = finite / scale  # the squares of large numbers would leave float64
        mean = float(np.add.reduce(scaled)) / finite.size
        apart = scaled - mean
        norm, std = math.sqrt(scaled @ scaled) * scale, math.sqrt(apart @ apart / finite.size) * scale
        zeros = float(np.count_nonzero(finite == 0) / array.size)
        bins = _bins(scaled, least / scale, largest / scale)
        return cls(counts[0], least, largest, mean * scale, std, norm, zeros, *counts[1:], bins)


def _bins(values: Any, least: float, largest: float) -> tuple[int, ...]:
    if largest - least <= 1e-12:
        return (0,) * (BINS // 2) + (values.size,) + (0,) * (BINS - BINS // 2 - 1)
    places = ((values - least) * (BINS / (largest - least))).astype(int)
    return tuple(np.bincount(np.minimum(places, BINS - 1), minlength=BINS).tolist())


@dataclass(slots=True)
class Box:
    """A value: what the op `op` made, or with another kind than "op" what nothing made.

    `number` is its place in the order of execution. `value` and `gradient` are those of a scalar; `values` and `gradients` tell
    of arrays, where they are known. `error` is what the op said when it failed: then there is no value.
    """

    number: int
    op: str = ""
    kind: Kind = "op"
    name: str = ""  # what the user calls it
    group: int | None = None  # the innermost group that it stands in
    phase: Phase = "forward"
    shape: tuple[int, ...] = ()
    dtype: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    value: float | None = None
    gradient: float | None = None
    values: Stats | None = None
    gradients: Stats | None = None
    wanted: bool = False  # whether a gradient is wanted of it, or of anything that it is made from
    is_output: bool = False
    source: tuple[str, int, str] | None = None  # the user's file, line and its text
    seconds: float | None = None
    nbytes: int = 0  # of the value
    kept: int = 0  # bytes that the graph keeps for the derivatives of the op, and that nothing kept before
    error: str | None = None
    why: str = ""  # why the gradient is None or zero
    marks: tuple[str, ...] = ()  # what a reader should see: "failed", "clash: axis 1", "origin", "reached", "added", ...

    @property
    def title(self) -> str:
        """What stands in the first line of the box."""
        return self.op if self.kind == "op" else self.name or self.kind


@dataclass(slots=True)
class Edge:
    """The box `target` read the value of `source`, as its input number `slot`, which its rule calls `name`."""

    source: int
    target: int
    slot: int = 0
    name: str = ""
    slope: float | None = None  # d target / d source, between scalars
    marks: tuple[str, ...] = ()


@dataclass(slots=True)
class Group:
    """A module in one call. `path` is its name in the model, `kind` its class, `parent` the group that it stands in."""

    number: int
    path: str
    kind: str
    parent: int | None = None
    call: int = 1  # which of its calls
    parameters: int = 0  # numbers in its own parameters, without those of the modules in it


@dataclass(frozen=True, slots=True)
class Op:
    """What is told of an op, once for all of its boxes: what it does, and its derivative with respect to each input."""

    summary: str = ""
    formula: str = ""  # MathML of the value, "" if it cannot be said
    derivatives: dict[str, str] = field(default_factory=dict)  # by input: MathML, or source code of the rule
    code: dict[str, str] = field(default_factory=dict)  # by input: source code of the rule


@dataclass
class GraphData:
    """Boxes in the order of execution, edges, and groups; `ops` by name, and what the picture is of."""

    boxes: list[Box] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    ops: dict[str, Op] = field(default_factory=dict)
    title: str = ""
    notes: list[str] = field(default_factory=list)  # sentences for the caption

    def check(self) -> None:
        """An error unless numbers are places, edges go forward in time, and groups stand in earlier ones."""
        for i, box in enumerate(self.boxes):
            assert box.number == i, (box.number, i)
            assert box.group is None or 0 <= box.group < len(self.groups), box
        for edge in self.edges:
            assert 0 <= edge.source < edge.target < len(self.boxes), edge
        for i, group in enumerate(self.groups):
            assert group.number == i, (group.number, i)
            assert group.parent is None or 0 <= group.parent < i, group

    def to_json(self) -> dict[str, Any]:
        """The same in dictionaries, lists, strings and numbers; nan and infinity as text, which JSON has no numbers for."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "GraphData":
        """What `to_json` was called on."""

        def stats(given: Any) -> Stats | None:
            return None if given is None else Stats(**{**_numbers(given), "bins": tuple(given["bins"])})

        return cls(
            [
                Box(
                    **{
                        **_numbers(box),
                        "shape": tuple(box["shape"]),
                        "marks": tuple(box["marks"]),
                        "source": box["source"] and tuple(box["source"]),
                        "values": stats(box["values"]),
                        "gradients": stats(box["gradients"]),
                    }
                )
                for box in data["boxes"]
            ],
            [Edge(**{**_numbers(edge), "marks": tuple(edge["marks"])}) for edge in data["edges"]],
            [Group(**group) for group in data["groups"]],
            {name: Op(**op) for name, op in data["ops"].items()},
            data["title"],
            list(data["notes"]),
        )


NUMERIC = frozenset(("value", "gradient", "slope", "seconds", "least", "largest", "mean", "std", "norm"))


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {key: _plain(child) for key, child in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_plain(child) for child in value]
    return value


def _numbers(given: Mapping[str, Any]) -> dict[str, Any]:
    return {key: float(value) if key in NUMERIC and value is not None else value for key, value in given.items()}
