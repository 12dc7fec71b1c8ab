"""Mini-batches: in which order the examples are taken, and how they are read.

The order of an epoch is a pure function of (seed, epoch), so that where training stands is two numbers: the epoch, and the
batch in it. Data are arrays (in memory, or mapped from a file and read as needed), tuples and dictionaries of arrays, or
anything with `__len__` and `__getitem__`. Splits are views: no data are copied. Stands on NumPy and on the errors; knows no
model and no optimizer.
"""

import math
import operator
import threading
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeAlias

import numpy as np

from autograd import IndexingError, ShapeError, Tensor

Indices: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]

READER = "batches"  # how the threads that read ahead are called


class Batches:
    """The batches of a data set, epoch after epoch: `for x, y in Batches((x, y), batch_size=32): ...` is one epoch.

    With N examples and B = batch_size an epoch has N / B iterations, rounded up, or down with `drop_last`. B = N is the
    classical method, with the whole data set at once, and B = 1 takes one example at a time.

    - Every epoch is shuffled anew, by `seed` and its number alone. `shuffle=False` keeps the order of the data.
    - `weights` draws examples with replacement, in proportion to a weight for each.
    - `balance` takes the class of each example, and draws every class equally often, its examples as evenly as can be.
    - `size` is the number of examples in an epoch of drawn ones, N where it is not given.
    - `block` keeps runs of so many neighbours together while shuffling. Random rows of a file that is larger than memory
      are read about a hundred times more slowly than neighbours: give a divisor of the batch size there.
    - `prefetch` is the number of batches that are read ahead, by a thread. It pays where reading waits for something; arrays
      in memory are read faster without.
    - `collate` makes a batch from a list of examples, where the data are no arrays; by default `stack`.

    A batch is a copy: what is done to it does not reach the data. A loop that was left early is not taken up again: the next
    one begins the next epoch. Only after `load_state_dict` an epoch goes on where it was.

    >>> batches = Batches((np.arange(8), np.arange(8) % 2 == 1), batch_size=2, seed=0)
    >>> len(batches), batches.iterations(epochs=3)
    (4, 12)
    >>> for x, odd in Batches((np.arange(5), np.arange(5) % 2 == 1), batch_size=2, shuffle=False):
    ...     print(x, odd)
    [0 1] [False  True]
    [2 3] [False  True]
    [4] [False]
    """

    def __init__(
        self,
        data: Any,
        batch_size: int = 32,
        shuffle: bool = True,
        drop_last: bool = False,
        seed: int = 0,
        *,
        weights: Any = None,
        balance: Any = None,
        size: int | None = None,
        block: int = 1,
        prefetch: int = 0,
        collate: Callable[[list[Any]], Any] | None = None,
    ) -> None:
        self.data = _prepared(data)
        self.examples = length_of(self.data)
        self.batch_size = _count("batch_size", batch_size)
        self.shuffle, self.drop_last = shuffle, drop_last
        self.seed = _count("seed", seed, least=0)
        self.block, self.prefetch = _count("block", block), _count("prefetch", prefetch, least=0)
        self.collate = stack if collate is None else collate
        self.chances = None if weights is None else _chances(weights, self.examples)
        self.members = None if balance is None else _members(_labels("balance", balance, self.examples))
        self.drawn = _drawn(self.chances, self.members)
        self.size = self.examples if size is None else _count("size", size)
        self._check(size)
        self.epoch = self.batch = 0  # where we stand: the epoch, and how many of its batches were handed out
        self._restored = False

    def _check(self, size: int | None) -> None:
        drawn = (self.chances is not None) + (self.members is not None)
        if drawn == 2:
            raise ValueError("Batches: weights and balance are two ways to draw examples: give one")
        if drawn and (not self.shuffle or self.block > 1):
            raise ValueError(
                "Batches: examples that are drawn have no order to keep: shuffle=True and block=1 with weights or balance"
            )
        if size is not None and not drawn:
            raise ValueError("Batches: size is for examples that are drawn, with weights or balance")
        if self.drop_last and self.batch_size > self.size:
            raise ValueError(
                f"Batches: with drop_last a batch of {self.batch_size} is never full, there are {self.size} examples: "
                "make batch_size smaller, or leave drop_last out"
            )

    # --- the plan ----------------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        """Iterations in an epoch."""
        return self.size // self.batch_size if self.drop_last else math.ceil(self.size / self.batch_size)

    def iterations(self, epochs: int) -> int:
        """Iterations in so many epochs."""
        return epochs * len(self)

    def order(self, epoch: int) -> Indices:
        """The indices of the examples in the order of an epoch: a function of the seed and the epoch alone.

        >>> Batches(np.zeros(6), shuffle=False).order(0)
        array([0, 1, 2, 3, 4, 5])
        """
        random = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(_count("epoch", epoch, least=0),)))
        if self.chances is not None:
            return random.choice(self.examples, self.size, p=self.chances)
        if self.members is not None:
            return _balanced(self.members, self.size, random)
        if not self.shuffle:
            return np.arange(self.examples)
        if self.block == 1:
            return random.permutation(self.examples)
        starts = random.permutation(math.ceil(self.examples / self.block)) * self.block
        order = (starts[:, None] + np.arange(self.block)).ravel()
        return order[order < self.examples]

    def at(self, epoch: int, batch: int) -> Any:
        """One batch of any epoch, for looking at: where we stand does not change."""
        if not 0 <= batch < len(self):
            raise IndexingError(f"Batches: an epoch has the batches 0 to {len(self) - 1}, and {batch} is none of them")
        return self._read(self._part(self.order(epoch), batch))

    def _part(self, order: Indices, batch: int) -> Indices:
        return order[batch * self.batch_size : (batch + 1) * self.batch_size]

    def _read(self, index: Indices) -> Any:
        return take(self.data, index, self.collate)

    # --- going through it --------------------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Any]:
        """The batches of an epoch."""
        if self.batch and not self._restored:
            self.epoch, self.batch = self.epoch + 1, 0
        self._restored = False
        return self._run(self.epoch, self.batch)

    def _run(self, epoch: int, first: int) -> Iterator[Any]:
        order = self.order(epoch)
        parts = (self._part(order, batch) for batch in range(first, len(self)))
        source = _ahead(self._read, parts, self.prefetch) if self.prefetch else map(self._read, parts)
        for batch, value in enumerate(source, first + 1):
            self.epoch, self.batch = epoch, batch
            yield value
        self.epoch, self.batch = epoch + 1, 0

    def state_dict(self) -> dict[str, Any]:
        """Where we stand, in plain numbers, with what the order depends on."""
        return {"epoch": self.epoch, "batch": self.batch, **self._plan()}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Goes where a state_dict stood: the next loop is the rest of its epoch. An error if the order would be another."""
        for name, value in self._plan().items():
            if state_dict[name] != value:
                raise ValueError(
                    f"Batches: this state is of {name}={state_dict[name]!r}, and these batches have {name}={value!r}: "
                    "they would go on in another order"
                )
        self.epoch, self.batch, self._restored = state_dict["epoch"], state_dict["batch"], True

    def _plan(self) -> dict[str, Any]:
        names = ("examples", "batch_size", "shuffle", "drop_last", "seed", "size", "block", "drawn")
        return {name: getattr(self, name) for name in names}


def _ahead(read: Callable[[Any], Any], parts: Iterator[Any], count: int) -> Iterator[Any]:
    """What is read from each part, while so many of the next are being read. An error comes out in its own place."""
    reader = ThreadPoolExecutor(1, READER)
    waiting: deque[Future[Any]] = deque()
    try:
        for part in parts:
            waiting.append(reader.submit(read, part))
            if len(waiting) > count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        # A reader cannot wait for itself: the garbage collector may run this in one.
        reader.shutdown(wait=not threading.current_thread().name.startswith(READER), cancel_futures=True)


# --- data ------------------------------------------------------------------------------------------------------------------


class Subset:
    """Some of the examples of a data set, as a data set: a view, which reads nothing by itself.

    An index gives an example, a slice or an array of indices gives them as a batch: `subset[:]` reads it all.

    >>> part = Subset((np.arange(5), np.arange(5) ** 2), [3, 1])
    >>> len(part), part[0], part[:]
    (2, (np.int64(3), np.int64(9)), (array([3, 1]), array([9, 1])))
    """

    def __init__(self, data: Any, indices: Any) -> None:
        self.data = _prepared(data)
        self.indices = _checked(indices, length_of(self.data))

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return take(self.data, self.indices[index])
        if isinstance(index, (list, np.ndarray)):
            return take(self.data, self.indices[_checked(index, len(self))])
        return _example(self.data, int(self.indices[operator.index(index)]))

    def __repr__(self) -> str:
        return f"Subset of {len(self)} examples"


def length_of(data: Any) -> int:
    """The number of examples, which all arrays of the data agree on.

    >>> length_of({"x": np.zeros((5, 2)), "y": np.zeros(5)})
    5
    """
    lengths = {path: _leaf_length(leaf, path) for path, leaf in _columns(data, "data")}
    if not lengths:
        raise ValueError(f"there are no arrays in the data: {data!r}")
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{path} {count}" for path, count in lengths.items())
        raise ShapeError(f"arrays of one data set have one example in each row, and as many rows: {told}")
    length = next(iter(lengths.values()))
    if not length:
        raise ValueError("the data are empty: there are 0 examples")
    return length


def _columns(data: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The arrays and data sets of tuples and dictionaries. A list is a data set of examples."""
    if isinstance(data, (dict, tuple)):
        for key, child in data.items() if isinstance(data, dict) else enumerate(data):
            yield from _columns(child, f"{path}[{key!r}]")
    else:
        yield path, data


def _leaf_length(leaf: Any, path: str) -> int:
    if hasattr(leaf, "iloc"):
        raise TypeError(f"{path} is a table with named columns: pass {path}.to_numpy()")
    if isinstance(leaf, (str, bytes)) or not (hasattr(leaf, "__getitem__") and hasattr(leaf, "__len__")):
        raise TypeError(f"{path} is a {type(leaf).__name__}, no array and no data set with __len__ and __getitem__")
    if hasattr(leaf, "shape"):
        if not leaf.shape:
            raise ShapeError(f"{path} is a single number, and has no axis of examples")
        return int(leaf.shape[0])
    return len(leaf)


def _prepared(data: Any) -> Any:
    """The data with Tensors as arrays, and mapped files without the class that makes each look at them slow."""
    if isinstance(data, (dict, tuple)):
        return _rebuilt(data, _prepared)
    if isinstance(data, Tensor):
        return np.asarray(data._raw)  # only read here, and a write to the Tensor sees that somebody else holds it
    return data.view(np.ndarray) if isinstance(data, np.memmap) else data


def _rebuilt(data: Any, function: Callable[[Any], Any]) -> Any:
    """The tuple, named tuple or dictionary with a function applied to what is in it."""
    if isinstance(data, dict):
        return {key: function(child) for key, child in data.items()}
    children = map(function, data)
    return type(data)(*children) if hasattr(data, "_fields") else tuple(children)


def take(data: Any, index: Indices, collate: Callable[[list[Any]], Any] | None = None) -> Any:
    """The examples at the indices as one batch, copied.

    >>> take({"x": np.arange(5) * 10}, np.array([3, 1]))
    {'x': array([30, 10])}
    """
    if isinstance(data, Subset):
        return take(data.data, data.indices[index], collate)
    if isinstance(data, (dict, tuple)):
        return _rebuilt(data, lambda child: take(child, index, collate))
    if not hasattr(data, "shape"):
        return (collate or stack)([data[i] for i in index.tolist()])
    if len(index) and index[-1] - index[0] == len(index) - 1 and bool((np.diff(index) == 1).all()):
        part = data[int(index[0]) : int(index[-1]) + 1]
        return part.copy() if hasattr(part, "copy") else part
    if isinstance(data, np.ndarray):
        return data[index]
    # Arrays that lie in a file of their own kind want indices that rise. Where NumPy maps the file this does not pay:
    # 256 random rows took 90 ms from the disk unsorted, and 100 ms sorted.
    rising, place = np.unique(index, return_inverse=True)
    return data[rising][place]


def _example(data: Any, i: int) -> Any:
    return _rebuilt(data, lambda child: _example(child, i)) if isinstance(data, (dict, tuple)) else data[i]


def stack(examples: list[Any]) -> Any:
    """Examples as a batch: arrays and numbers on a new first axis, in the tuples or dictionaries that they come in.

    >>> stack([(1.5, "a"), (2.5, "b")])
    (array([1.5, 2.5]), array(['a', 'b'], dtype='<U1'))
    """
    first = examples[0]
    if isinstance(first, dict):
        _alike(examples, dict, "keys", set)
        return {key: stack([example[key] for example in examples]) for key in first}
    if isinstance(first, tuple):
        _alike(examples, tuple, "length", len)
        columns = [stack(list(column)) for column in zip(*examples, strict=True)]
        return type(first)(*columns) if hasattr(first, "_fields") else tuple(columns)
    arrays = [np.asarray(_prepared(example)) for example in examples]
    _alike(arrays, np.ndarray, "shape", np.shape)
    return np.stack(arrays)


def _alike(examples: Sequence[Any], kind: type, what: str, of: Callable[[Any], Any]) -> None:
    for i, example in enumerate(examples):
        if not isinstance(example, kind) or of(example) != of(examples[0]):
            raise ShapeError(
                f"example {i} of a batch does not have the {what} of example 0, so they cannot be stacked: "
                f"{example!r} and {examples[0]!r}; make them alike, or give Batches a collate"
            )


# --- what is drawn ---------------------------------------------------------------------------------------------------------


def _count(name: str, value: Any, least: int = 1) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is an integer, not {value!r}") from None
    if number < least:
        raise ValueError(f"{name} is at least {least}, not {number}")
    return number


def _checked(indices: Any, length: int) -> Indices:
    """Indices of examples, from 0. A mask of booleans is taken as the indices where it is True."""
    index = np.asarray(_prepared(indices))
    if index.dtype == bool and index.shape == (length,):
        index = np.flatnonzero(index)
    if index.ndim != 1 or (index.size and not np.issubdtype(index.dtype, np.integer)):
        raise TypeError(f"indices of examples are integers in one row, not {index.dtype} of shape {index.shape}")
    wrong = index[(index < -length) | (index >= length)]
    if wrong.size:
        raise IndexingError(f"there are {length} examples, and no example {wrong[0]}")
    index = index.astype(np.int64)
    return np.where(index < 0, index + length, index)


def _labels(name: str, given: Any, length: int) -> Any:
    labels = np.asarray(_prepared(given))
    if labels.shape != (length,):
        raise ShapeError(f"{name} is the class of each of the {length} examples, and has shape {labels.shape}")
    return labels


def _chances(weights: Any, length: int) -> Any:
    weights = np.asarray(_prepared(weights), float)
    if weights.shape != (length,):
        raise ShapeError(f"weights has one number for each of the {length} examples, and has shape {weights.shape}")
    if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.any()):
        raise ValueError("weights are finite and not negative, and one is positive")
    return weights / weights.sum()


def _members(labels: Any) -> list[Indices]:
    """The examples of each class."""
    classes, place = np.unique(labels, return_inverse=True)
    return np.split(np.argsort(place, kind="stable"), np.cumsum(np.bincount(place))[: len(classes) - 1])


def _drawn(chances: Any, members: Any) -> str:
    """By what examples are drawn, as short text: orders are equal only where these are."""
    if chances is not None:
        return f"weights {zlib.crc32(chances.tobytes()):08x}"
    if members is None:
        return ""
    ends = np.cumsum([len(group) for group in members])
    return f"balance {zlib.crc32(np.concatenate([*members, ends]).tobytes()):08x}"


def _balanced(members: Sequence[Indices], size: int, random: np.random.Generator) -> Indices:
    """Each class equally often, and in each class all examples once before one comes again; what is left over by chance."""
    counts = np.full(len(members), size // len(members))
    counts[random.permutation(len(members))[: size % len(members)]] += 1
    drawn = [
        np.concatenate([random.permutation(group) for _ in range(math.ceil(count / len(group)))] or [group])[:count]
        for group, count in zip(members, counts.tolist(), strict=True)
    ]
    return random.permutation(np.concatenate(drawn))


# --- splits ----------------------------------------------------------------------------------------------------------------


def random_split(data: Any, lengths: Sequence[float], seed: int = 0) -> list[Subset]:
    """Parts of the data that have no example in common, chosen by chance: numbers of examples, or shares that add up to 1.

    >>> train, valid = random_split((np.arange(10), np.arange(10) % 2), [0.8, 0.2])
    >>> len(train), len(valid)
    (8, 2)
    """
    order = np.random.default_rng(_count("seed", seed, least=0)).permutation(length_of(data))
    ends = np.cumsum(_lengths(lengths, len(order)))[:-1]
    return [Subset(data, np.sort(part)) for part in np.split(order, ends)]


def stratified_split(data: Any, lengths: Sequence[float], labels: Any, seed: int = 0) -> list[Subset]:
    """Parts of the data as from `random_split`, each with the same share of every class, as nearly as whole examples allow.

    >>> y = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1])
    >>> [part[:].tolist() for part in stratified_split(y, [6, 3], labels=y)]
    [[0, 0, 0, 0, 1, 1], [0, 0, 1]]
    """
    length = length_of(data)
    random = np.random.default_rng(_count("seed", seed, least=0))
    rest = np.concatenate([random.permutation(group) for group in _members(_labels("labels", labels, length))])
    parts = []
    for count in _lengths(lengths, length):
        # Class after class, count of the rest are taken at equal distances: from any class its share, but for one example.
        steps = np.arange(len(rest) + 1) * count // max(len(rest), 1)
        chosen = np.diff(steps) > 0
        parts.append(Subset(data, np.sort(rest[chosen])))
        rest = rest[~chosen]
    return parts


def _lengths(lengths: Sequence[float], total: int) -> list[int]:
    """Numbers of examples; of shares what is left over goes to the first parts, one by one."""
    if all(isinstance(length, (int, np.integer)) for length in lengths) and sum(lengths) == total and min(lengths) >= 0:
        return [int(length) for length in lengths]
    if not lengths or not math.isclose(sum(lengths), 1) or min(lengths) < 0:
        raise ValueError(
            f"a split takes numbers that add up to the {total} examples, or shares that add up to 1, not {lengths!r}"
        )
    counts = [math.floor(total * share + 1e-9) for share in lengths]
    left = total - sum(counts)
    return [count + (i < left) for i, count in enumerate(counts)]
