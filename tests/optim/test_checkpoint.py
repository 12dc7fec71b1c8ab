"""A checkpoint gives back what was saved to the last bit, or says why not; and the folder keeps what it should."""

import collections
import contextlib
import json
import math
import os
import random
import re
import shutil
import struct
import tempfile
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import autograd
import nn
from autograd import Tensor, files
from optim import SGD, Adam, Batches, StepLR, checkpoint
from optim.checkpoint import CheckpointError, Checkpoints, DamagedError, read_checkpoint


class Part:
    """Anything with a state."""

    def __init__(self, state=None):
        self.state = state

    def state_dict(self):
        return self.state

    def load_state_dict(self, state):
        self.state = state


class Other(Part):
    """One of another class."""


class Refusing(Part):
    """One that takes half of a state, and then refuses the rest, unless it is its own."""

    def load_state_dict(self, state):
        self.state = {**self.state, "half": True}
        if state.get("good") is not True:
            raise KeyError("good")
        self.state = state


def saved(folder, state, step=1, **more):
    return Checkpoints(folder, keep=None).save({"part": Part(state)}, step, **more)


# --- what is in a file -----------------------------------------------------------------------------------------------------

DTYPES = ["?", "i1", "<u2", ">i4", "i8", "u8", "f2", "<f4", ">f4", "f8", "g", "c8", "c16", "<M8[ns]", "<m8[s]"]
SHAPES = st.sampled_from([(), (0,), (1,), (3,), (2, 3), (0, 4), (2, 1, 2)])


def any_bits(dtype, shape):
    """Arrays of any content at all: nan with any payload, -0.0, denormals."""
    size = math.prod(shape)
    if np.dtype(dtype).kind == "b":
        return st.lists(st.booleans(), min_size=size, max_size=size).map(lambda x: np.array(x, bool).reshape(shape))
    if dtype == "g":  # of which not every pattern is a number
        return hnp.arrays(float, shape).map(lambda x: x.astype(dtype))
    count = np.dtype(dtype).itemsize * size
    return st.binary(min_size=count, max_size=count).map(lambda b: np.frombuffer(b, dtype).reshape(shape).copy())


ARRAYS = st.tuples(st.sampled_from(DTYPES), SHAPES).flatmap(lambda pair: any_bits(*pair))
LAYOUTS = st.sampled_from([np.asfortranarray, np.transpose, lambda a: a[..., ::-1] if a.ndim else a])
LAID_OUT = st.builds(lambda a, how: how(a), ARRAYS, LAYOUTS)
SCALARS = st.sampled_from(DTYPES).flatmap(lambda dtype: any_bits(dtype, ())).map(lambda a: a[()])
FLOATS = st.binary(min_size=8, max_size=8).map(lambda b: struct.unpack(">d", b)[0]) | st.floats()
INTEGERS = st.integers() | st.integers(-(2**200), 2**200) | st.sampled_from([2**53 - 1, 2**53, -(2**53), 2**64])
TEXT = st.text(st.characters()) | st.sampled_from(["", "dict", "a.b", "\ud800", "\0", '"\\'])
LEAVES = (
    st.none()
    | st.booleans()
    | INTEGERS
    | FLOATS
    | TEXT
    | st.binary(max_size=9)
    | st.builds(complex, FLOATS, FLOATS)
    | SCALARS
    | ARRAYS
    | LAID_OUT
    | st.lists(FLOATS, min_size=60, max_size=70)
)
PLAIN = st.none() | st.booleans() | INTEGERS | TEXT | st.floats(allow_nan=False) | st.binary(max_size=3)
KEYS = PLAIN | st.tuples(PLAIN, PLAIN) | st.sampled_from([0, 1, "0", "1", "a", "a.b", "__metadata__"])


def nested(children):
    few = st.lists(children, max_size=4)
    return few | few.map(tuple) | st.dictionaries(KEYS, children, max_size=4)


STATES = st.recursive(LEAVES, nested, max_leaves=12)


def same(a, b):
    """Equal in type, order of keys and every bit."""
    if type(a) is not type(b) and not isinstance(a, np.memmap):
        return False
    if isinstance(a, dict):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a.items(), b.items(), strict=True))
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, (np.ndarray, np.generic)):
        return a.dtype == b.dtype and a.shape == b.shape and np.asarray(a).tobytes() == np.asarray(b).tobytes()
    if isinstance(a, float):
        return struct.pack(">d", a) == struct.pack(">d", b)
    return same([a.real, a.imag], [b.real, b.imag]) if isinstance(a, complex) else a == b


@pytest.mark.slow
@settings(max_examples=300)
@given(state=STATES)
def test_a_state_comes_back_to_the_last_bit(state):
    with tempfile.TemporaryDirectory() as folder:
        content = read_checkpoint(saved(folder, state))
        assert same(content["parts"]["part"], state)
        part = Part()
        assert Checkpoints(folder).restore({"part": part}) == 1
        assert same(part.state, state)


@pytest.mark.parametrize("dtype", DTYPES)
def test_arrays_and_numbers_of_every_type_come_back(tmp_path, dtype):
    shapes = [(), (0,), (3,), (2, 3), (0, 4)]
    arrays = [np.arange(math.prod(shape)).reshape(shape).astype(dtype) for shape in shapes]
    state = {"arrays": arrays, "turned": [a.T for a in arrays], "number": arrays[2][1], "few": [arrays[2][1]] * 70}
    assert same(read_checkpoint(saved(tmp_path, state))["parts"]["part"], state)


LONG = {
    "floats": [0.1] * 70,
    "with an integer": [0.1] * 70 + [1],
    "with a truth": [True] + [0.1] * 70,
    "of NumPy": [0.1] * 70 + [np.float64(0.1)],
    "a tuple": (0.1,) * 70,
    "of all kinds": [0.0, -0.0, math.inf, -math.inf, math.nan, -math.nan, 5e-324] * 10,
    "of lists": [[0.1] * 70, ([0.2] * 70,)],
}


@pytest.mark.parametrize("kind", LONG)
def test_long_lists_come_back(tmp_path, kind):
    assert same(read_checkpoint(saved(tmp_path, {"a": LONG[kind]}))["parts"]["part"], {"a": LONG[kind]})


def test_integers_of_any_size_come_back(tmp_path):
    state = [10**5000, -(10**5000), 2**53, -(2**63)]  # Python writes integers of 4300 digits at most
    assert read_checkpoint(saved(tmp_path, state))["parts"]["part"] == state


def test_sameness_is_strict():
    pairs = [
        (1, True),
        (0.0, -0.0),
        ((1,), [1]),
        ({1: 2}, {"1": 2}),
        ({1: 1, 2: 2}, {2: 2, 1: 1}),
        (np.float32(1), np.float64(1)),
        (np.array(1.0), np.float64(1)),
        (np.zeros((0, 2)), np.zeros((2, 0))),
        (np.zeros(1, ">f4"), np.zeros(1, "<f4")),
        (math.nan, -math.nan),
    ]
    assert not any(same(a, b) for a, b in pairs)


def test_arrays_stand_in_the_file_under_their_paths(tmp_path):
    state = {"a": {"b": np.zeros(1)}, "a.b": np.ones(2), 0: [np.zeros(3)], "\ud800": np.zeros(4), "losses": [0.5] * 64}
    path = Checkpoints(tmp_path).save({"__metadata__": Part(np.zeros(5)), "part": Part(state)}, 1)
    arrays, _ = files.read(path)
    names = {name for name in arrays if not name.startswith("streams")}
    assert names == {"__metadata__'", "part.a.b", "part.a.b'", "part.0.0", "part.\\ud800", "part.losses"}
    assert same(read_checkpoint(path)["parts"], {"__metadata__": np.zeros(5), "part": state})


def test_what_is_read_can_be_written_to_and_a_dictionary_of_another_class_becomes_a_plain_one(tmp_path):
    wide = np.arange(3).astype(">f4")
    path = saved(tmp_path, collections.OrderedDict(a=np.zeros(3), b=wide))
    state = read_checkpoint(path)["parts"]["part"]
    state["a"][0] = state["b"][0] = 7
    assert type(state) is dict


def test_a_mapped_file_is_written_as_an_array(tmp_path):
    mapped = np.memmap(tmp_path / "map", np.float32, "w+", shape=(3,))
    mapped[:] = 5
    assert same(read_checkpoint(saved(tmp_path, mapped))["parts"]["part"], np.full(3, 5, np.float32))


class OnDevice:
    """As an array on a GPU looks from here."""

    dtype = np.dtype(np.float32)

    def get(self):
        return np.ones(2, np.float32)


def test_an_array_on_a_device_is_brought_here(tmp_path):
    assert same(read_checkpoint(saved(tmp_path, [OnDevice()]))["parts"]["part"], [np.ones(2, np.float32)])


NOT_WRITABLE = {
    "a set": {1},
    "a range": range(3),
    "a Tensor": Tensor([1.0]),
    "a function": len,
    "a named tuple": collections.namedtuple("Pair", "a b")(1, 2),
    "a list of another class": type("List", (list,), {})(),
    "objects": np.array([None]),
    "words": np.array(["a"]),
    "a record": np.zeros(1, "f4,i4"),
    "a masked array": np.ma.masked_array([1.0], [True]),
    "a word of NumPy": np.str_("a"),
}


@pytest.mark.parametrize("what", NOT_WRITABLE)
def test_what_cannot_be_written_is_told_with_its_path_and_nothing_is_written(tmp_path, what):
    for state in ({"a": [0, {3: NOT_WRITABLE[what]}]}, {"a": [0, {3: (NOT_WRITABLE[what],)}]}):
        with pytest.raises(TypeError, match=re.escape("part['a'][1][3]")):
            saved(tmp_path, state)
    assert os.listdir(tmp_path) == []


def test_a_key_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(TypeError, match="frozenset"):
        saved(tmp_path, {"a": {frozenset([1]): 0}})


def deep(levels):
    state = 0
    for _ in range(levels):
        state = {"a": state}
    return state


def test_what_is_too_deep_is_told_and_what_is_not_can_be_read(tmp_path):
    assert same(read_checkpoint(saved(tmp_path, deep(100)))["parts"]["part"], deep(100))
    ring = []
    ring.append(ring)
    for state in (deep(101), ring):
        with pytest.raises(ValueError, match="containers deep"):
            saved(tmp_path, state)


@pytest.mark.slow
def test_notes_that_could_not_be_read_again_are_not_written(tmp_path):
    state = '"' * (checkpoint.LARGEST // 2 - 9000)  # each takes two bytes as JSON, and four in the file
    path = saved(tmp_path, state)
    assert read_checkpoint(path)["parts"]["part"] == state
    with pytest.raises(CheckpointError, match="keep long lists as NumPy arrays"):
        saved(tmp_path, state + '"' * 9000, step=2)
    assert Checkpoints(tmp_path).steps == [1]


def test_a_long_history_takes_no_room_in_the_notes(tmp_path):
    losses = [1 / (i + 1) for i in range(200_000)]
    path = saved(tmp_path, {"losses": losses})
    assert os.path.getsize(path) < 8 * len(losses) + 50_000
    assert same(read_checkpoint(path)["parts"]["part"]["losses"], losses)


# --- files that are not whole ----------------------------------------------------------------------------------------------


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A small file, as its path, its bytes and what is in it."""
    monkeypatch.setattr(checkpoint, "streams", lambda model: {})
    path = saved(tmp_path, {"w": np.arange(3, dtype=np.float32), "n": [1, 2.5, "x", (None, True)], 3: np.array(False)})
    with open(path, "rb") as file:
        content = file.read()
    return path, content, read_checkpoint(path)


def put(path, content):
    with open(path, "wb") as file:
        file.write(content)


@pytest.mark.slow
def test_every_bit_that_flips_is_refused_or_harmless(small):
    path, content, known = small
    refused = 0
    for i in range(len(content)):
        for bit in range(8):
            put(path, content[:i] + bytes([content[i] ^ 1 << bit]) + content[i + 1 :])
            try:
                assert same(read_checkpoint(path), known), f"bit {bit} of byte {i}"
            except DamagedError:
                refused += 1
    assert refused > 8 * len(content) - 64  # blanks at the end of the notes may be others


@pytest.mark.slow
def test_every_byte_that_is_another_is_refused_or_harmless(small):
    path, content, known = small
    for i in range(len(content)):
        for byte in {0, 0x20, 0x31, 0xFF} - {content[i]}:
            put(path, content[:i] + bytes([byte]) + content[i + 1 :])
            with contextlib.suppress(DamagedError):
                assert same(read_checkpoint(path), known), f"byte {i} as {byte}"


def test_a_file_of_any_other_length_is_refused(small):
    path, content, _ = small
    for cut in [content[:n] for n in range(len(content))] + [content + b"\0", content * 2]:
        put(path, cut)
        with pytest.raises(DamagedError, match=re.escape(path)):
            read_checkpoint(path)


def test_arrays_and_notes_that_are_exchanged_are_refused(small):
    path, *_ = small
    arrays, notes = files.read(path)
    renamed = {name + "x": array for name, array in arrays.items()}
    retyped = {name: array.view(np.int8) if array.dtype == bool else array for name, array in arrays.items()}
    reshaped = {name: array.reshape(1, -1) for name, array in arrays.items()}
    more = {**arrays, "more": np.zeros(1)}
    for others in (renamed, retyped, reshaped, more, {}):
        files.write(others, path, notes)
        with pytest.raises(DamagedError, match="checksum"):
            read_checkpoint(path)
    for name in notes:
        files.write(arrays, path, {key: value for key, value in notes.items() if key != name})
        with pytest.raises(DamagedError, match="no checkpoint"):
            read_checkpoint(path)
        files.write(arrays, path, {**notes, name: notes[name] + " "})
        with pytest.raises(DamagedError, match="checksum"):
            read_checkpoint(path)


def test_weights_alone_are_no_checkpoint(tmp_path):
    nn.save(nn.Linear(2, 2), tmp_path / "m.safetensors")
    with pytest.raises(DamagedError, match=r"nn\.load"):
        read_checkpoint(tmp_path / "m.safetensors")


def test_a_later_version_is_told_and_not_passed_over(tmp_path, monkeypatch):
    saved(tmp_path, 1, step=1)
    monkeypatch.setattr(checkpoint, "VERSION", 2)
    path = saved(tmp_path, 2, step=2)
    monkeypatch.setattr(checkpoint, "VERSION", 1)
    with pytest.raises(CheckpointError, match="is a checkpoint of version 2, and this release reads version 1"):
        read_checkpoint(path)
    with pytest.raises(CheckpointError, match="version 2"):
        Checkpoints(tmp_path).restore({"part": Part()})


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(CheckpointError, match=r"there is no checkpoint .*nothing") as told:
        read_checkpoint(tmp_path / "nothing")
    assert told.type is CheckpointError  # and not damaged
    with pytest.raises(CheckpointError, match="there is no checkpoint"):
        read_checkpoint(tmp_path)


# --- going on --------------------------------------------------------------------------------------------------------------


def damage(path):
    with open(path, "rb+") as file:
        file.truncate(os.path.getsize(path) // 2)


@pytest.mark.parametrize("damaged", [1, 2, 3])
def test_damaged_files_are_passed_over_with_a_warning_each(tmp_path, damaged):
    for step in range(4):
        saved(tmp_path, step, step=step)
    for step in range(4 - damaged, 4):
        damage(Checkpoints(tmp_path)._path(step))
    part = Part()
    with pytest.warns(RuntimeWarning) as told:
        assert Checkpoints(tmp_path).restore({"part": part}) == part.state == 3 - damaged
    assert len(told) == damaged
    for step, warning in zip(range(3, 0, -1), told, strict=False):
        assert f"step-00000000{step}.safetensors cannot be read" in str(warning.message)
        assert "passed over" in str(warning.message)
        assert warning.filename == __file__


def test_if_all_are_damaged_that_is_told_and_if_there_is_none_it_is_none(tmp_path):
    part = Part("untouched")
    assert Checkpoints(tmp_path).restore({"part": part}) is None
    damage(saved(tmp_path, 1))
    with pytest.warns(RuntimeWarning), pytest.raises(CheckpointError, match="none of the 1 checkpoints"):
        Checkpoints(tmp_path).restore({"part": part})
    with pytest.raises(DamagedError):  # asked for by name
        Checkpoints(tmp_path).restore({"part": part}, Checkpoints(tmp_path).last)
    assert part.state == "untouched"


def test_a_path_that_is_none_is_not_taken_for_the_newest(tmp_path):
    saved(tmp_path, 1)
    checkpoints = Checkpoints(tmp_path)
    with pytest.raises(CheckpointError, match="the path is None"):
        checkpoints.restore({"part": Part()}, checkpoints.best)


UNFIT = {
    "missing": ({"a": Part(1)}, "these lack b:"),
    "beside": ({"a": Part(1), "b": Part(2), "c": Part(3)}, "these have beside c:"),
    "both": ({"a": Part(1), "c": Part(3)}, "these lack b and have beside c:"),
    "of another class": ({"a": Part(1), "b": Other(2)}, "b was a Part and is a Other"),
}


@pytest.mark.parametrize("fault", UNFIT)
def test_other_parts_are_told_and_none_is_touched(tmp_path, fault):
    Checkpoints(tmp_path).save({"a": Part(10), "b": Part(20)}, 1)
    parts, words = UNFIT[fault]
    before = {name: part.state for name, part in parts.items()}
    with pytest.raises(CheckpointError, match=words):
        Checkpoints(tmp_path).restore(parts)
    assert {name: part.state for name, part in parts.items()} == before


def test_a_part_that_refuses_leaves_all_as_they_were(tmp_path):
    Checkpoints(tmp_path).save({"a": Part(10), "b": Refusing({"good": False}), "c": Part(30)}, 1)
    parts = {"a": Part(1), "b": Refusing({"good": True}), "c": Part(3)}
    drawn = random.getstate()
    with pytest.raises(KeyError) as told:
        Checkpoints(tmp_path).restore(parts)
    assert "while 'b' took its state" in told.value.__notes__[0]
    assert [part.state for part in parts.values()] == [1, {"good": True}, 3]
    assert random.getstate() == drawn


def trained(seed=0):
    autograd.random.seed(seed)
    model = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.BatchNorm1d(4), nn.Linear(4, 1))
    optimizer = Adam([{"params": model[0].parameters(), "name": "low", "lr": 0.1}, {"params": model[3].parameters()}])
    schedule = StepLR(optimizer, 2)
    batches = Batches((np.random.default_rng(1).normal(size=(10, 3)).astype(np.float32),), 4)
    return {"model": model, "optimizer": optimizer, "schedule": schedule, "batches": batches}


def endless(batches):
    while True:
        yield from batches


def run(parts, source, steps):
    """The losses of so many steps."""
    seen = []
    for _ in range(steps):
        (x,) = next(source)
        parts["optimizer"].zero_grad()
        loss = (parts["model"](x) ** 2).mean() * (1 + random.random() + np.random.mtrand.random())
        loss.backward()
        parts["optimizer"].step()
        parts["schedule"].step()
        seen.append(loss.item())
    return seen


@pytest.mark.parametrize("before", [0, 1, 3, 5])
def test_all_of_a_run_goes_on_as_it_was(tmp_path, before):
    parts = trained()
    source = endless(parts["batches"])
    run(parts, source, before)
    Checkpoints(tmp_path).save(parts, before)
    rest = run(parts, source, 6)
    others = trained(seed=9)
    run(others, endless(others["batches"]), 2)
    assert Checkpoints(tmp_path).restore(others) == before
    assert run(others, endless(others["batches"]), 6) == rest
    assert same(others["optimizer"].state_dict(), parts["optimizer"].state_dict())
    assert same(others["model"].state_dict(), parts["model"].state_dict())


def test_random_streams_of_another_model_are_told_before_anything_is_touched(tmp_path):
    model = nn.Dropout()
    model.rng = np.random.default_rng(0)
    Checkpoints(tmp_path).save({"model": model, "part": Part(1)}, 1)
    part = Part("untouched")
    with pytest.raises(CheckpointError, match=r"step-000000001.*\.rng is not in the model"):
        Checkpoints(tmp_path).restore({"part": part, "model": nn.Dropout()})
    assert part.state == "untouched"


# --- what stays in the folder ----------------------------------------------------------------------------------------------


@pytest.mark.slow
@given(steps=st.lists(st.integers(0, 40), unique=True, min_size=1).map(sorted), keep=st.integers(1, 5) | st.none())
def test_the_newest_are_kept(steps, keep):
    with tempfile.TemporaryDirectory() as folder:
        for i, step in enumerate(steps):
            checkpoints = Checkpoints(folder, keep=keep)
            assert checkpoints.save({"part": Part(step)}, step) == checkpoints.last
            assert checkpoints.steps == steps[: i + 1][-(keep or 100) :]
        assert len(os.listdir(folder)) == len(checkpoints.steps)


def test_an_older_one_goes_only_when_the_new_one_is_complete(tmp_path, monkeypatch):
    checkpoints = Checkpoints(tmp_path, keep=1)
    checkpoints.save({"part": Part(1)}, 1)

    def full(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(files.safetensors.numpy, "save_file", full)
    with pytest.raises(OSError, match="no space"):
        checkpoints.save({"part": Part(2)}, 2)
    assert os.listdir(tmp_path) == ["step-000000001.safetensors"]


def test_a_damaged_one_does_not_count_among_those_that_are_kept(tmp_path):
    for step in (1, 2, 3):
        saved(tmp_path, step, step=step)
    damage(Checkpoints(tmp_path)._path(3))
    checkpoints = Checkpoints(tmp_path, keep=1)
    with pytest.warns(RuntimeWarning, match="passed over"):
        assert checkpoints.restore({"part": Part()}) == 2
    checkpoints.save({"part": Part(2.5)}, 2)  # no warning of a later step: it is the damaged one
    assert checkpoints.steps == [2, 3]
    checkpoints.keep = 2
    checkpoints.save({"part": Part(4)}, 4)
    assert checkpoints.steps == [2, 3, 4]
    checkpoints.save({"part": Part(5)}, 5)
    assert checkpoints.steps == [4, 5]


def test_later_steps_of_another_run_are_told_and_left_alone(tmp_path):
    for step in (1, 2, 9):
        saved(tmp_path, step, step=step)
    checkpoints = Checkpoints(tmp_path, keep=1)
    with pytest.warns(RuntimeWarning, match=r"step 3 was saved .* there is a step 9 of another run"):
        checkpoints.save({"part": Part(3)}, 3)
    checkpoints.save({"part": Part(4)}, 4)  # told once
    assert checkpoints.steps == [4, 9]


def test_steps_of_many_digits_are_in_order(tmp_path):
    for step in (999_999_999, 10**9, 10**12):
        saved(tmp_path, step, step=step)
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.steps == [999_999_999, 10**9, 10**12]
    assert checkpoints.last.endswith("step-1000000000000.safetensors")


def test_what_killed_writers_left_goes_and_other_files_stay(tmp_path):
    hexadecimal = "0123456789ab"
    left = [f".step-000000002.safetensors.{hexadecimal}", f".best.safetensors.{hexadecimal}"]
    others = [
        ".step-notes",
        f".step-000000002.safetensors.{hexadecimal}.bak",
        "step-2.safetensors",
        "step-0000000001.safetensors",
    ]
    for name in left + others:
        (tmp_path / name).write_text("x")
    checkpoints = Checkpoints(tmp_path)
    assert set(os.listdir(tmp_path)) == {*left, *others}  # one who only looks does not disturb a writer
    checkpoints.save({"part": Part(1)}, 3)
    assert set(os.listdir(tmp_path)) == {*others, "step-000000003.safetensors"}


NUMBERS = st.floats() | st.sampled_from([0.0, -0.0, 1.0, math.inf, -math.inf, math.nan])
METRICS = st.lists(st.none() | NUMBERS, min_size=1, max_size=8)


@pytest.mark.slow
@given(metrics=METRICS, mode=st.sampled_from(["min", "max"]), resumes=st.sets(st.integers(0, 8)))
def test_the_best_is_the_first_of_the_best_metric_over_resumes(metrics, mode, resumes):
    known, value = None, None
    with tempfile.TemporaryDirectory() as folder:
        for step, metric in enumerate(metrics):
            if step == 0 or step in resumes:
                checkpoints = Checkpoints(folder, keep=1, mode=mode)
            checkpoints.save({"part": Part(step)}, step, metric)
            better = metric is not None and not math.isnan(metric)
            if better and (value is None or (metric < value if mode == "min" else metric > value)):
                known, value = step, metric
            assert (checkpoints.best is None) == (known is None)
            if known is not None:
                content = read_checkpoint(checkpoints.best)
                assert same([content["step"], content["metric"]], [known, float(value)])
                part = Part()
                assert checkpoints.restore({"part": part}, checkpoints.best) == part.state == known
            content = read_checkpoint(checkpoints.last)
            assert same([content["step"], content["metric"]], [step, metric])


@pytest.mark.parametrize("mode", ["min", "max"])
def test_nan_is_never_an_improvement(tmp_path, mode):
    checkpoints = Checkpoints(tmp_path, mode=mode)
    checkpoints.save({"part": Part(1)}, 1, metric=math.nan)
    assert checkpoints.best is None
    checkpoints.save({"part": Part(2)}, 2, metric=0.5)
    checkpoints.save({"part": Part(3)}, 3, metric=math.nan)
    assert read_checkpoint(checkpoints.best)["step"] == 2


def test_the_best_has_its_own_copy_where_there_are_no_links(tmp_path, monkeypatch):
    def refused(*_):
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refused)
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save({"part": Part(1)}, 1, metric=0.5)
    assert same(read_checkpoint(checkpoints.best), read_checkpoint(checkpoints.last))
    assert len(os.listdir(tmp_path)) == 2


def test_a_process_killed_between_the_best_and_its_step_comes_to_the_same_again(tmp_path, monkeypatch):
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save({"part": Part(1)}, 1, metric=0.5)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "_link", killed)
        with pytest.raises(KeyboardInterrupt):
            checkpoints.save({"part": Part(2)}, 2, metric=0.25)
    again = Checkpoints(tmp_path)
    assert again.restore({"part": Part()}) == 1
    again.save({"part": Part(2)}, 2, metric=0.25)
    again.save({"part": Part(3)}, 3, metric=0.3)
    assert read_checkpoint(again.best)["step"] == 2


def test_a_damaged_best_is_told_and_the_next_takes_its_place(tmp_path):
    shutil.copy(saved(tmp_path, 1, metric=0.1), tmp_path / "other")
    os.replace(tmp_path / "other", tmp_path / "best.safetensors")  # without a link to the step
    damage(tmp_path / "best.safetensors")
    checkpoints = Checkpoints(tmp_path)
    with pytest.warns(RuntimeWarning, match=r"best\.safetensors cannot be read.*the next metric is the best") as told:
        checkpoints.save({"part": Part(2)}, 2, metric=0.9)
    assert told[0].filename == __file__
    assert read_checkpoint(checkpoints.best)["step"] == 2


def test_the_best_by_the_other_mode_is_told(tmp_path):
    saved(tmp_path, 1, metric=0.1)
    with pytest.raises(CheckpointError, match="mode='min', and these Checkpoints have mode='max'"):
        Checkpoints(tmp_path, mode="max").save({"part": Part(2)}, 2, metric=0.9)


# --- wrong use -------------------------------------------------------------------------------------------------------------

WRONG_MAKING = {
    "keep 0": ({"keep": 0}, ValueError, "keep is at least 1"),
    "keep a float": ({"keep": 2.0}, TypeError, "keep is an integer or None"),
    "every 0": ({"every": 0}, ValueError, "every is at least 1"),
    "every True": ({"every": True}, TypeError, "every is an integer or None"),
    "mode": ({"mode": "lowest"}, ValueError, "mode is 'min' or 'max'"),
}


@pytest.mark.parametrize("fault", WRONG_MAKING)
def test_wrong_arguments_are_told(tmp_path, fault):
    arguments, error, words = WRONG_MAKING[fault]
    with pytest.raises(error, match=words):
        Checkpoints(tmp_path / "new", **arguments)
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("x")
    with pytest.raises(CheckpointError, match="file is a file"):
        Checkpoints(tmp_path / "file")
    with pytest.raises(OSError, match="file"):
        Checkpoints(tmp_path / "file" / "folder")
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK | os.X_OK)
    with pytest.raises(CheckpointError, match="nothing can be written"):
        Checkpoints(tmp_path / "folder")


WRONG_SAVING = {
    "no parts": (({}, 1), ValueError, "there are no parts"),
    "a name that is none": (({1: Part()}, 1), TypeError, "a part has a name"),
    "a part without state": (({"part": 1}, 1), TypeError, "'part' is a int, without state_dict"),
    "a negative step": (({"part": Part()}, -1), ValueError, "counted from 0"),
    "half a step": (({"part": Part()}, 1.5), TypeError, "step is an integer"),
    "a metric of text": (({"part": Part()}, 1, "0.5"), TypeError, "metric is a number or None, not a str"),
    "a Tensor": (({"part": Part()}, 1, Tensor(0.5)), TypeError, "not a Tensor: pass float"),
    "a truth": (({"part": Part()}, 1, True), TypeError, "not a bool"),
    "a complex number": (({"part": Part()}, 1, 1j), TypeError, "not a complex"),
}


@pytest.mark.parametrize("fault", WRONG_SAVING)
def test_wrong_saving_is_told_and_nothing_is_written(tmp_path, fault):
    arguments, error, words = WRONG_SAVING[fault]
    with pytest.raises(error, match=words):
        Checkpoints(tmp_path).save(*arguments)
    assert os.listdir(tmp_path) == []


def test_numbers_of_numpy_are_numbers(tmp_path):
    path = Checkpoints(tmp_path, keep=np.int64(2)).save({"part": Part(1)}, np.int64(3), np.float32(0.5))
    content = read_checkpoint(path)
    assert same([content["step"], content["metric"]], [3, 0.5])


def test_a_file_is_read_by_any_program_that_knows_the_format(tmp_path):
    path = Checkpoints(tmp_path).save({"optimizer": SGD([Tensor(np.ones(3))], lr=0.1, momentum=0.9)}, 7)
    arrays, notes = files.read(path)
    assert notes["checkpoint"] == "1"
    assert ["step", 7] in json.loads(notes["content"])["dict"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_checkpoint(path)["kinds"] == {"optimizer": "SGD"}
    assert arrays.keys() >= {"streams.numpy.state.key"}
