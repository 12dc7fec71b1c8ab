"""Mini-batches: every example once an epoch, the same bits after a resume at any point, whatever reads them and how."""

import collections
import gc
import itertools
import json
import math
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd import IndexingError, ShapeError, Tensor
from optim.batches import Batches, Subset, length_of, random_split, stack, stratified_split, take

Pair = collections.namedtuple("Pair", "x y")


class Squares:
    """A data set that is no array, and counts what is read."""

    def __init__(self, size: int) -> None:
        self.size, self.read = size, 0

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, i: int) -> Any:
        assert type(i) is int
        self.read += 1
        if i == 13:
            raise RuntimeError("example 13 cannot be read")
        return {"x": i, "y": np.array([i * i, 0.5])}


class Filed:
    """Stands for an array in a file, as HDF5 has them: indices must rise, and none may come twice."""

    def __init__(self, values: Any) -> None:
        self.values, self.shape = values, values.shape

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: Any) -> Any:
        assert isinstance(index, slice) or (np.diff(index) > 0).all()
        return self.values[index]


def rows(size: int) -> Any:
    return np.arange(size)[:, None] * 10.0 + np.arange(3)


# One data set in many forms; `x` of a batch tells which examples it holds.
FORMS: dict[str, tuple[Any, Any]] = {
    "array": (lambda n: np.arange(n), lambda batch: batch),
    "tuple": (lambda n: (np.arange(n), rows(n)), lambda batch: batch[0]),
    "dict": (lambda n: {"x": np.arange(n), "y": rows(n)}, lambda batch: batch["x"]),
    "named tuple": (lambda n: Pair(np.arange(n), rows(n)), lambda batch: batch.x),
    "nested": (lambda n: {"in": (np.arange(n), rows(n)), "out": rows(n)}, lambda batch: batch["in"][0]),
    "list": (lambda n: [(i, 0.5 * i) for i in range(n)], lambda batch: batch[0]),
    "columns of lists": (lambda n: (list(range(n)), rows(n)), lambda batch: batch[0]),
    "tensor": (lambda n: (Tensor(np.arange(float(n))), rows(n)), lambda batch: batch[0].astype(int)),
    "file": (lambda n: (Filed(np.arange(n)), rows(n)), lambda batch: batch[0]),
}

plans = st.fixed_dictionaries(
    {
        "batch_size": st.integers(1, 9),
        "shuffle": st.booleans(),
        "drop_last": st.booleans(),
        "seed": st.integers(0, 2**70),
        "block": st.integers(1, 4),
        "prefetch": st.integers(0, 3),
    }
)


def made(data: Any, plan: dict[str, Any], **others: Any) -> Batches:
    size = length_of(data)
    return Batches(data, **{**plan, "batch_size": min(plan["batch_size"], size), **others})


def same(a: Any, b: Any) -> bool:
    """Whether two batches, or lists of them, are equal to the bit."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(map(same, a, b))
    return a.dtype == b.dtype and np.array_equal(a, b)


# --- what an epoch is ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
@given(size=st.integers(1, 12), plan=plans)
def test_every_example_comes_once_an_epoch(form: str, size: int, plan: dict[str, Any]) -> None:
    make, x = FORMS[form]
    batches = made(make(size), plan)
    for _ in range(2):
        got = list(batches)
        assert len(got) == len(batches)
        assert all(len(x(batch)) == batches.batch_size for batch in got[: len(got) if plan["drop_last"] else -1])
        union = np.concatenate([x(batch) for batch in got]).tolist()
        assert len(set(union)) == len(union) == (len(batches) * batches.batch_size if plan["drop_last"] else size)
        assert set(union) <= set(range(size))
        if not plan["shuffle"]:
            assert union == sorted(union)


@pytest.mark.slow
@given(size=st.integers(1, 12), plan=plans)
def test_columns_stay_together_and_a_batch_is_the_rows_of_its_indices(size: int, plan: dict[str, Any]) -> None:
    batches = made({"x": np.arange(size), "y": rows(size)}, plan)
    order = batches.order(0)
    for i, batch in enumerate(batches):
        index = order[i * batches.batch_size : (i + 1) * batches.batch_size]
        assert same(batch, {"x": index, "y": rows(size)[index]})
        assert same(batch, batches.at(0, i))


@pytest.mark.parametrize(("size", "batch", "epochs", "each", "total"), [(8, 2, 3, 4, 12), (8, 4, 3, 2, 6), (9, 3, 1, 3, 3)])
def test_iterations_are_counted_as_in_the_lectures(size: int, batch: int, epochs: int, each: int, total: int) -> None:
    batches = Batches(np.arange(size), batch)
    assert (len(batches), batches.iterations(epochs)) == (each, total)
    assert sum(1 for _ in range(epochs) for _ in batches) == total


@pytest.mark.parametrize(("batch", "drop_last", "sizes"), [(8, False, [8]), (1, False, [1] * 8), (3, False, [3, 3, 2]),
                                                           (3, True, [3, 3]), (20, False, [8])])  # fmt: skip
def test_full_batches_single_examples_and_rests(batch: int, drop_last: bool, sizes: list[int]) -> None:
    assert [len(x) for x in Batches(np.arange(8), batch, drop_last=drop_last)] == sizes


@given(seed=st.integers(0, 2**70), epoch=st.integers(0, 100), block=st.integers(1, 5), size=st.integers(50, 60))
def test_the_order_is_a_function_of_seed_and_epoch_alone(seed: int, epoch: int, block: int, size: int) -> None:
    batches, other = (Batches(np.zeros(size), shuffle=True, seed=seed, block=block) for _ in range(2))
    list(other)
    np.testing.assert_array_equal(batches.order(epoch), other.order(epoch))
    assert not np.array_equal(batches.order(epoch), batches.order(epoch + 1))
    assert not np.array_equal(batches.order(epoch), Batches(np.zeros(size), seed=seed + 1, block=block).order(epoch))


def test_seed_and_epoch_do_not_add_up_and_the_batch_size_does_not_count() -> None:
    batches = Batches(np.zeros(50), 4, seed=3)
    assert not np.array_equal(batches.order(1), Batches(np.zeros(50), 4, seed=4).order(0))
    np.testing.assert_array_equal(batches.order(1), Batches(np.zeros(50), 7, seed=3, prefetch=2).order(1))


def test_every_place_is_reached_by_every_example() -> None:
    batches = Batches(np.zeros(5), seed=1)
    table = np.zeros((5, 5))
    for epoch in range(2000):
        table[np.arange(5), batches.order(epoch)] += 1
    assert abs(table - 400).max() < 5 * math.sqrt(400)


@given(size=st.integers(1, 40), block=st.integers(1, 6))
def test_neighbours_stay_together_in_blocks(size: int, block: int) -> None:
    order = Batches(np.zeros(size), block=block).order(3)
    runs = np.split(order, np.flatnonzero(np.diff(order // block)) + 1)
    assert sorted(order) == list(range(size))
    assert len(runs) == math.ceil(size / block)
    assert all((np.diff(run) == 1).all() for run in runs)


# --- where we stand --------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@given(size=st.integers(1, 12), plan=plans, stop=st.integers(0, 30), prefetch=st.integers(0, 3))
def test_it_resumes_at_any_point_and_prefetch_changes_nothing(
    size: int, plan: dict[str, Any], stop: int, prefetch: int
) -> None:
    def stream(batches: Batches) -> Any:
        while True:
            yield from batches

    data = (np.arange(size), rows(size))
    batches = made(data, plan)
    going = stream(batches)
    for _ in range(stop):
        next(going)
    state = json.loads(json.dumps(batches.state_dict()))
    again = made(data, plan, prefetch=prefetch)
    again.load_state_dict(state)
    assert same(list(itertools.islice(stream(again), 20)), list(itertools.islice(going, 20)))


def test_a_loop_left_early_is_not_taken_up_again() -> None:
    batches = Batches(np.arange(8), 2, seed=3)
    first = next(iter(batches))
    assert same(first, batches.at(0, 0))
    assert batches.state_dict()["batch"] == 1
    assert same(list(batches), [batches.at(1, i) for i in range(4)])
    assert (batches.epoch, batches.batch) == (2, 0)


def test_only_the_loop_after_a_restore_goes_on() -> None:
    batches = Batches(np.arange(8), 2)
    batches.load_state_dict({**batches.state_dict(), "batch": 1})
    assert same(next(iter(batches)), batches.at(0, 1))
    assert same(next(iter(batches)), batches.at(1, 0))


def test_a_state_at_the_end_of_an_epoch_ends_it() -> None:
    batches, again = (Batches(np.arange(8), 2) for _ in range(2))
    for i, _ in enumerate(batches):
        if i == 3:
            again.load_state_dict(batches.state_dict())
    assert list(again) == []
    assert (again.epoch, again.batch) == (1, 0) == (batches.epoch, batches.batch)


@pytest.mark.parametrize("change", [{"batch_size": 4}, {"seed": 1}, {"shuffle": False}, {"drop_last": True}, {"block": 2}])
def test_a_state_of_another_order_is_refused(change: dict[str, Any]) -> None:
    state = Batches(np.arange(8), 2).state_dict()
    with pytest.raises(ValueError, match=f"this state is of {next(iter(change))}="):
        Batches(np.arange(8), **{"batch_size": 2, **change}).load_state_dict(state)


@pytest.mark.parametrize(
    "drawn", [{"weights": x + 1} for x in np.eye(3)] + [{"balance": b} for b in ([0, 0, 1], [0, 1, 1])] + [{}]
)
def test_a_state_of_other_weights_or_classes_is_refused(drawn: dict[str, Any]) -> None:
    state = Batches(np.arange(3), 2, **drawn).state_dict()
    Batches(np.arange(3), 2, **drawn).load_state_dict(state)
    for other in ({"weights": [1, 1, 1]}, {"balance": [0, 1, 0]}):
        with pytest.raises(ValueError, match="this state is of drawn="):
            Batches(np.arange(3), 2, **other).load_state_dict(state)


# --- data ------------------------------------------------------------------------------------------------------------------


def test_a_batch_is_a_copy() -> None:
    data = rows(6)
    for shuffle in (True, False):
        for batch in Batches(data, 2, shuffle):
            batch[:] = -1
    np.testing.assert_array_equal(data, rows(6))


@pytest.mark.slow
def test_a_file_larger_than_memory_is_read_in_parts(tmp_path: Any) -> None:
    shape = (2**14, 2**20)  # 64 GiB, nearly all of it a hole in the file
    mapped = np.memmap(tmp_path / "large", np.float32, "w+", shape=shape)
    mapped[:, 0] = np.arange(shape[0])
    for shuffle in (True, False):
        train, _ = random_split((mapped, np.arange(shape[0])), [0.5, 0.5])
        batches = Batches(train, 2, shuffle, prefetch=1)
        for x, y in itertools.islice(batches, 3):
            assert type(x) is np.ndarray
            assert x.shape == (2, shape[1])
            assert x[:, 0].tolist() == y.tolist()
    assert type(next(iter(Batches(mapped, 2, shuffle=False)))) is np.ndarray


def test_files_of_their_own_kind_are_asked_for_indices_that_rise() -> None:
    data = (Filed(np.arange(9)), np.arange(9))
    for x, y in Batches(data, 7, weights=np.arange(9)):
        np.testing.assert_array_equal(x, y)


def test_examples_are_stacked_with_their_containers() -> None:
    batches = Batches(Squares(5), 2, shuffle=False)
    assert same(next(iter(batches)), {"x": np.array([0, 1]), "y": np.array([[0, 0.5], [1, 0.5]])})
    assert same(stack([Pair(1, Tensor([1.0])), Pair(2, Tensor([2.0]))]), Pair(np.array([1, 2]), np.array([[1.0], [2.0]])))
    assert type(stack([Pair(1, 2)])) is type(next(iter(Batches(Pair(np.arange(3), np.arange(3)))))) is Pair
    assert list(Batches(["a", "bc"], 1, shuffle=False, collate="-".join)) == ["a", "bc"]


# --- reading ahead ---------------------------------------------------------------------------------------------------------


def readers() -> int:
    return sum(thread.name.startswith("batches") for thread in threading.enumerate())


def test_what_is_ahead_is_bounded() -> None:
    data = Squares(12)
    going = iter(Batches(data, 1, shuffle=False, prefetch=3))
    for i in range(12):
        next(going)
        assert i + 1 <= data.read <= i + 4
    assert next(going, None) is None
    assert readers() == 0


def test_so_many_batches_are_read_ahead() -> None:
    read = threading.Semaphore(0)

    class Told(Squares):
        def __getitem__(self, i: int) -> Any:
            read.release()
            return super().__getitem__(i)

    going = iter(Batches(Told(12), 1, shuffle=False, prefetch=3))
    next(going)
    assert all(read.acquire(timeout=60) for _ in range(4))  # the one that is here, and three more
    going.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("prefetch", [0, 2])
def test_an_error_comes_out_where_it_belongs(prefetch: int) -> None:
    batches = Batches(Squares(20), 4, shuffle=False, prefetch=prefetch)
    going = iter(batches)
    got = [next(going)["x"].tolist() for _ in range(3)]
    assert got == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    with pytest.raises(RuntimeError, match="example 13 cannot be read"):
        next(going)
    assert (batches.batch, readers()) == (3, 0)


def test_no_thread_is_left_behind() -> None:
    def left_by_break() -> None:
        for _ in Batches(np.arange(100), 1, prefetch=4):
            assert readers() == 1
            break

    def left_by_error() -> None:
        for _ in Batches(np.arange(100), 1, prefetch=4):
            raise KeyError

    def left_by_itself() -> None:
        next(iter(Batches(np.arange(100), 1, prefetch=4)))

    def left_to_the_collector() -> None:
        going = iter(Batches(np.arange(100), 1, prefetch=4))
        next(going)
        knot: list[Any] = [going]
        knot.append(knot)
        del going, knot
        assert readers() == 1
        gc.collect()

    def never_begun() -> None:
        iter(Batches(np.arange(100), 1, prefetch=4))

    left_by_break()
    assert readers() == 0
    with pytest.raises(KeyError):
        left_by_error()
    assert readers() == 0
    for leave in (left_by_itself, left_to_the_collector, never_begun):
        leave()
        assert readers() == 0


# --- what is drawn ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@given(labels=st.lists(st.sampled_from("abc"), min_size=1, max_size=30), size=st.integers(1, 40), seed=st.integers(0, 99))
def test_classes_are_balanced_and_their_examples_too(labels: list[str], size: int, seed: int) -> None:
    batches = Batches(np.arange(len(labels)), 4, seed=seed, balance=labels, size=size)
    drawn = np.concatenate(list(batches))
    assert len(drawn) == size
    counts = collections.Counter(labels[i] for i in drawn)
    each = [counts[name] for name in set(labels)]
    assert max(each) - min(each) <= 1
    for name in set(labels):
        often = [int((drawn == i).sum()) for i, label in enumerate(labels) if label == name]
        assert max(often) - min(often) <= 1


def test_what_balance_leaves_over_is_left_to_chance_and_all_is_shuffled() -> None:
    batches = Batches(np.arange(6), balance=[0, 0, 0, 1, 1, 2], size=4)
    orders = [batches.order(epoch) for epoch in range(60)]
    assert {np.bincount(np.array([0, 0, 0, 1, 1, 2])[order]).argmax() for order in orders} == {0, 1, 2}
    assert {order[0] for order in orders} == set(range(6))


def test_weights_are_shares() -> None:
    weights = np.array([0.0, 1.0, 2.0, 5.0])
    batches = Batches(np.arange(4), 100, weights=weights, size=80_000)
    counts = np.bincount(np.concatenate(list(batches)), minlength=4)
    assert counts[0] == 0
    assert abs(counts - 10_000 * weights).max() < 5 * math.sqrt(20_000)
    assert len(batches) == 800
    assert not np.array_equal(batches.order(0), batches.order(1))


# --- splits ----------------------------------------------------------------------------------------------------------------

shares = st.lists(st.integers(1, 9), min_size=1, max_size=4).map(lambda parts: [part / sum(parts) for part in parts])


@pytest.mark.slow
@given(size=st.integers(1, 50), shares=shares, seed=st.integers(0, 2**70), classes=st.integers(1, 4), data=st.data())
def test_splits_share_out_every_example_once(size: int, shares: Any, seed: int, classes: int, data: Any) -> None:
    labels = np.array(data.draw(st.lists(st.integers(0, classes - 1), min_size=size, max_size=size)))
    for parts in (random_split(np.arange(size), shares, seed), stratified_split(np.arange(size), shares, labels, seed)):
        assert sorted(np.concatenate([part[:] for part in parts]).tolist()) == list(range(size))
        assert all(abs(len(part) - size * share) < 1 + 1e-9 for part, share in zip(parts, shares, strict=True))
    for kind in range(classes):
        for part, share in zip(parts, shares, strict=True):
            assert abs((labels[part.indices] == kind).sum() - share * (labels == kind).sum()) < (2 if len(shares) < 3 else 4)


def test_splits_are_functions_of_the_seed() -> None:
    def split(seed: int) -> Any:
        return [part.indices.tolist() for part in random_split(np.zeros(50), [30, 20], seed)]

    assert split(1) == split(1) != split(2)
    labels = np.arange(50) % 3
    stratified = [stratified_split(np.zeros(50), [30, 20], labels, seed)[0].indices.tolist() for seed in (1, 1, 2)]
    assert stratified[0] == stratified[1] != stratified[2]


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:Length of split")
@pytest.mark.parametrize("lengths", [[0.5, 0.5], [0.3, 0.3, 0.4], [0.8, 0.1, 0.1], [1.0], [0.25, 0.25, 0.25, 0.25]])
@pytest.mark.parametrize("size", [4, 7, 11, 102])
def test_shares_are_counted_as_pytorch_does(lengths: list[float], size: int) -> None:
    from torch.utils.data import random_split as theirs

    assert [len(part) for part in random_split(range(size), lengths)] == [len(part) for part in theirs(range(size), lengths)]


def test_a_share_is_counted_without_its_rounding() -> None:
    assert 100 * 0.29 < 29
    assert [len(part) for part in random_split(range(100), [0.71, 0.29])] == [71, 29]
    assert [len(part) for part in random_split(range(7), [0.5, 0.5])] == [4, 3]
    assert [len(part) for part in random_split(range(10), [0.1] * 10)] == [1] * 10  # which add up to less than 1


def test_a_part_is_a_data_set() -> None:
    data = {"x": np.arange(6), "y": rows(6)}
    part = Subset(Subset(data, [5, 3, 1]), [2, 0])
    assert same(part[0], {"x": np.int64(1), "y": rows(6)[1]})
    assert same(part[:], {"x": np.array([1, 5]), "y": rows(6)[[1, 5]]})
    assert same(part[np.array([1, 1, -2])]["x"], np.array([5, 5, 1]))
    assert same(Subset(data, np.arange(6) > 3)[:]["x"], np.array([4, 5]))
    assert same(Subset(data, [-1, 0])[:]["x"], np.array([5, 0]))  # no run of neighbours
    assert same(next(iter(Batches(part, 2, shuffle=False))), part[:])
    assert Subset(Squares(9), [3])[0]["x"] == 3
    assert repr(part) == "Subset of 2 examples"
    assert take(part, np.array([1]))["x"].tolist() == [5]


# --- errors ----------------------------------------------------------------------------------------------------------------

x8 = np.arange(8)
WRONG: dict[str, tuple[Any, type[Exception], str]] = {
    "lengths": (lambda: Batches((x8, rows(7))), ShapeError, r"as many rows: data\[0\] 8, data\[1\] 7"),
    "lengths in a dict": (lambda: Batches({"x": x8, "y": (x8, rows(7))}), ShapeError, r"data\['x'\] 8, .*data\['y'\]\[1\] 7"),
    "empty": (lambda: Batches(np.zeros((0, 3))), ValueError, "the data are empty"),
    "empty list": (lambda: Batches([]), ValueError, "the data are empty"),
    "nothing": (lambda: Batches(()), ValueError, "no arrays in the data"),
    "number": (lambda: Batches(np.array(3.0)), ShapeError, "data is a single number, and has no axis of examples"),
    "scalar": (lambda: Batches((x8, 3)), TypeError, r"data\[1\] is a int, no array and no data set"),
    "generator": (lambda: Batches(i for i in x8), TypeError, "data is a generator, no array and no data set"),
    "string": (lambda: Batches("data.npy"), TypeError, "data is a str"),
    "batch 0": (lambda: Batches(x8, 0), ValueError, "batch_size is at least 1, not 0"),
    "batch 2.0": (lambda: Batches(x8, 2.0), TypeError, "batch_size is an integer, not 2.0"),  # type: ignore[arg-type]
    "never full": (lambda: Batches(x8, 9, drop_last=True), ValueError, "a batch of 9 is never full, there are 8 examples"),
    "seed": (lambda: Batches(x8, seed=-1), ValueError, "seed is at least 0, not -1"),
    "no seed": (lambda: Batches(x8, seed=None), TypeError, "seed is an integer, not None"),  # type: ignore[arg-type]
    "epoch": (lambda: Batches(x8).order(-1), ValueError, "epoch is at least 0, not -1"),
    "two ways": (lambda: Batches(x8, weights=x8, balance=x8), ValueError, "two ways to draw examples: give one"),
    "order": (lambda: Batches(x8, shuffle=False, weights=x8), ValueError, "have no order to keep"),
    "size": (lambda: Batches(x8, size=3), ValueError, "size is for examples that are drawn"),
    "weights": (lambda: Batches(x8, weights=[1.0]), ShapeError, r"for each of the 8 examples, and has shape \(1,\)"),
    "negative": (lambda: Batches(x8, weights=x8 - 1), ValueError, "weights are finite and not negative"),
    "no weight": (lambda: Batches(x8, weights=x8 * 0), ValueError, "and one is positive"),
    "classes": (lambda: Batches(x8, balance=[1.0]), ShapeError, "balance is the class of each of the 8 examples"),
    "floats": (lambda: Subset(x8, [1.0, 2.0]), TypeError, r"integers in one row, not float64 of shape \(2,\)"),
    "mask": (lambda: Subset(x8, [True, False]), TypeError, "integers in one row, not bool"),
    "outside": (lambda: Subset(x8, [7, 8]), IndexingError, "there are 8 examples, and no example 8"),
    "a float": (lambda: Subset(x8, [7])[0.5], TypeError, "integer"),
    "batch of an epoch": (lambda: Batches(x8, 4).at(0, 2), IndexingError, "has the batches 0 to 1, and 2 is none of them"),
    "split": (lambda: random_split(x8, [5, 4]), ValueError, r"numbers that add up to the 8 examples, or shares .*\[5, 4\]"),
    "shares": (lambda: random_split(x8, [0.5, 0.4]), ValueError, r"shares that add up to 1, not \[0.5, 0.4\]"),
    "no parts": (lambda: random_split(x8, []), ValueError, "shares that add up to 1"),
    "minus": (lambda: random_split(x8, [9, -1]), ValueError, "shares that add up to 1"),
    "labels": (lambda: stratified_split(x8, [0.5, 0.5], [1]), ShapeError, "labels is the class of each of the 8 examples"),
    "ragged": (lambda: stack([np.zeros(2), np.zeros(3)]), ShapeError, "example 1 of a batch does not have the shape of"),
    "keys": (lambda: stack([{"a": 1}, {"b": 1}]), ShapeError, "does not have the keys of example 0"),
    "tuples": (lambda: stack([(1, 2), (1,)]), ShapeError, "does not have the length of example 0"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_use_is_told(name: str) -> None:
    call, kind, message = WRONG[name]
    with pytest.raises(kind, match=message):
        call()


def test_a_table_with_named_columns_is_told() -> None:
    class Table:
        iloc = None

    with pytest.raises(TypeError, match=r"data\[0\] is a table with named columns: pass data\[0\].to_numpy\(\)"):
        Batches((Table(), x8))
