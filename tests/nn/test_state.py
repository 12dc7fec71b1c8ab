"""nn.save and nn.load: what goes out comes back, to and from PyTorch too, and a file that is not whole changes nothing."""

import copy
import json
import os
import stat
import struct
import threading

import numpy as np
import pytest
import safetensors
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st

import nn
from autograd import DtypeError, GradientError, ShapeError, Tensor
from autograd.files import DTYPES
from nn import Module, Parameter, Sequential, init
from nn.state import load, save
from tests.elsewhere import Double


class Linear(Module):
    def __init__(self, inputs, outputs, dtype=np.float32):
        self.weight = Parameter(np.zeros((outputs, inputs), dtype))
        self.bias = Parameter(np.zeros(outputs, dtype))
        self.register_buffer("steps", np.array(7))

    def reset_parameters(self, generator=None):
        init.normal_(self.weight, generator=generator)
        init.normal_(self.bias, generator=generator)

    def forward(self, x):
        return x @ self.weight.T + self.bias


class Tied(Module):
    """Two layers of one weight, as the embedding and the head of a language model."""

    def __init__(self):
        self.embedding = Linear(3, 4)
        self.head = Linear(3, 4)
        self.head.weight = self.embedding.weight

    def forward(self, x):
        return self.head(x) + self.embedding(x)


def net(seed=0, dtype=np.float32):
    return init.reset(Sequential(Linear(2, 3, dtype), Linear(3, 2, dtype)), seed)


def same(a, b):
    a, b = ({k: np.asarray(v) for k, v in d.items()} for d in (a, b))
    assert set(a) == set(b)
    for name in a:
        assert (a[name].dtype, a[name].shape) == (b[name].dtype, b[name].shape), name
        assert a[name].tobytes() == b[name].tobytes(), name


@pytest.fixture
def path(tmp_path):
    return tmp_path / "m.safetensors"


# --- there and back --------------------------------------------------------------------------------------------------------


def test_a_model_comes_back(path):
    model, other = net(0), net(1)
    save(model, path)
    assert load(other, str(path)) == ([], [])
    same(model.state_dict(), other.state_dict())
    same(load(path), model.state_dict())
    x = np.ones((5, 2), np.float32)
    np.testing.assert_array_equal(model(x).numpy(), other(x).numpy())


def test_the_names_are_those_of_the_package(path):
    save(net(), path)
    assert nn.state.save is save
    same(safetensors.numpy.load_file(path), net().state_dict())


ARRAYS = {
    "transposed": np.arange(6.0).reshape(2, 3).T,
    "strided": np.arange(12.0).reshape(3, 4)[:, ::2],
    "reversed": np.arange(5)[::-1],
    "Fortran order": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "broadcast": np.broadcast_to(np.float32(3), (2, 2)),
    "read-only": np.arange(3.0),
    "without axes": np.array(2.5),
    "a number of NumPy's": np.float32(2.5),
    "without elements": np.zeros((0, 3)),
    "big-endian": np.arange(3, dtype=">f4"),
    **{np.dtype(kind).name: np.arange(2).astype(np.dtype(kind).newbyteorder("=")) for kind in DTYPES.values()},
}
ARRAYS["read-only"].flags.writeable = False


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_of_every_kind_come_back(name, path):
    array = ARRAYS[name]
    save({"x": array}, path)
    expected = np.array(array, np.asarray(array).dtype.newbyteorder("="), order="C")
    same(load(path), {"x": expected})
    load(path)["x"][...] = 0  # what is read can be written to


def test_memory_in_another_order_is_written_wrong_by_the_package_alone():
    # The reason for the copy in _array; where this fails, it is needed no longer.
    array = ARRAYS["transposed"]
    assert (safetensors.numpy.load(safetensors.numpy.save({"x": array}))["x"] != array).any()


def test_a_parameter_in_another_order_keeps_its_values(path):
    model, other = Linear(3, 3), Linear(3, 3)
    model.weight = Parameter(np.arange(9.0, dtype=np.float32).reshape(3, 3).T)
    save(model, path)
    load(other, path)
    np.testing.assert_array_equal(other.weight.numpy(), model.weight.numpy())


@pytest.mark.slow
@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8"), max_size=5).filter(lambda name: name != "__metadata__"),
        st.tuples(st.sampled_from(sorted(DTYPES.values())), st.lists(st.integers(0, 3), max_size=3), st.integers(0, 99)),
        max_size=5,
    )
)
def test_any_dictionary_comes_back(tmp_path_factory, specification):
    arrays = {
        name: np.random.default_rng(seed).integers(0, 9, shape).astype(np.dtype(kind).newbyteorder("="))
        for name, (kind, shape, seed) in specification.items()
    }
    path = tmp_path_factory.getbasetemp() / "any.safetensors"
    save(arrays, path)
    same(load(path), arrays)


def test_a_model_keeps_its_dtypes_and_takes_what_fits(path):
    save(net(dtype=np.float64), path)
    model = net(1, np.float16)
    load(model, path)
    assert model[0].weight.dtype == np.float16
    np.testing.assert_array_equal(model[0].weight.numpy(), net(dtype=np.float64)[0].weight.numpy().astype(np.float16))


def test_a_python_number_stays_one(path):
    class Scale(Module):
        def __init__(self, value):
            self.weight = Parameter(value)

    save(Scale(2.0), path)
    model = Scale(3.0)
    load(model, path)
    assert model.weight.data == 2.0
    assert type(model.weight.data) is float


def test_a_file_is_no_view_of_the_model(path):
    model = net()
    save(model, path)
    arrays = load(path)
    model.load_state_dict(arrays)
    before = model.state_dict()
    for array in arrays.values():
        array[...] = 99
    same(model.state_dict(), before)


def test_parameters_on_another_device_are_written_and_filled(path):
    model = Linear(2, 3)
    save(model, path)
    model.weight = Parameter(Tensor(Double(np.ones((3, 2), np.float32)), requires_grad=False))
    load(model, path)
    assert isinstance(model.weight._raw, Double)
    assert not model.weight._raw._array.any()


# --- tied parameters and notes ---------------------------------------------------------------------------------------------


def metadata(path):
    with safetensors.safe_open(path, "np") as file:
        return file.metadata()


def test_a_tied_parameter_is_written_once(path):
    model, other = init.reset(Tied(), 0), init.reset(Tied(), 1)
    save(model, path)
    assert sorted(load(path)) == ["embedding.bias", "embedding.steps", "embedding.weight", "head.bias", "head.steps"]
    assert metadata(path) == {"format": "pt", "head.weight": "embedding.weight"}
    assert load(other, path) == ([], [])
    same(model.state_dict(), other.state_dict())
    assert other.head.weight is other.embedding.weight


def test_a_model_that_is_not_tied_takes_it_too(path):
    model, other = init.reset(Tied(), 0), init.reset(Tied(), 1)
    other.head.weight = Parameter(np.zeros((4, 3), np.float32))
    save(model, path)
    load(other, path)
    same(model.state_dict(), other.state_dict())
    assert other.head.weight is not other.embedding.weight


def test_a_tied_parameter_may_stand_there_twice_but_not_differ(path):
    model, other = init.reset(Tied(), 0), init.reset(Tied(), 1)
    arrays = model.state_dict()
    save(arrays, path)
    assert "head.weight" in load(path)
    load(other, path)
    same(model.state_dict(), other.state_dict())
    arrays["head.weight"] = arrays["head.weight"] + 1
    save(arrays, path)
    with pytest.raises(ShapeError, match=r"one parameter here, and different values given: embedding.weight and head.weight"):
        load(other, path)
    same(model.state_dict(), other.state_dict())


def test_the_name_of_the_notes_is_taken(path):
    with pytest.raises(KeyError, match="cannot be the name of an array"):
        save({"__metadata__": np.ones(2)}, path)
    assert not path.exists()


def test_equal_numbers_are_not_tied(path):
    save({"a": 1.0, "b": 1.0}, path)
    assert sorted(load(path)) == ["a", "b"]


def test_notes_of_the_user_are_kept(path):
    notes = {"epoch": "3", "head.weight": "mine"}
    save(Tied(), path, notes)
    assert metadata(path) == {"format": "pt", "epoch": "3", "head.weight": "mine"}
    save(Tied(), path, {"format": "np"})
    assert metadata(path)["format"] == "np"
    with pytest.raises(TypeError, match=r"metadata is text under names, and 3 is none: json.dumps makes text of it"):
        save(Tied(), path, {"epoch": 3})


# --- PyTorch ---------------------------------------------------------------------------------------------------------------


def torch_net():
    import torch

    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Linear(3, 2))


class Plain(Linear):
    def __init__(self, inputs, outputs):
        self.weight = Parameter(np.zeros((outputs, inputs), np.float32))
        self.bias = Parameter(np.zeros(outputs, np.float32))


@pytest.mark.torch
def test_a_file_of_pytorchs_loads_and_ours_loads_there(path):
    import torch
    from safetensors.torch import load_model, save_file, save_model

    theirs, ours = torch_net(), Sequential(Plain(2, 3), Plain(3, 2))
    x = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    for write in (lambda: save_model(theirs, path), lambda: save_file(theirs.state_dict(), path)):
        init.reset(ours)
        write()
        assert load(ours, path) == ([], [])
        np.testing.assert_allclose(ours(x).numpy(), theirs(torch.from_numpy(x)).detach().numpy(), rtol=1e-6)
    init.reset(ours, 3)
    save(ours, path)
    assert load_model(theirs, path) == (set(), [])
    np.testing.assert_allclose(ours(x).numpy(), theirs(torch.from_numpy(x)).detach().numpy(), rtol=1e-6)


@pytest.mark.torch
def test_tied_parameters_go_both_ways(path):
    import torch
    from safetensors.torch import load_model, save_model

    class Theirs(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.head = torch.nn.Linear(3, 4)
            self.embedding = torch.nn.Linear(3, 4)
            self.head.weight = self.embedding.weight

    class Ours(Module):
        def __init__(self):
            self.head = Plain(3, 4)
            self.embedding = Plain(3, 4)
            self.head.weight = self.embedding.weight

    theirs, ours = Theirs(), Ours()
    save_model(theirs, path)
    assert load(ours, path) == ([], [])
    same(ours.state_dict(), {k: v.numpy() for k, v in theirs.state_dict().items()})
    init.reset(ours, 1)
    save(ours, path)
    missing, unexpected = load_model(theirs, path)
    assert (list(missing), unexpected) == ([], [])
    same(ours.state_dict(), {k: v.numpy() for k, v in theirs.state_dict().items()})


@pytest.mark.torch
def test_types_that_numpy_has_not(path):
    import torch
    from safetensors.torch import save_file

    # every bfloat16 there is, infinities and nan included
    every = torch.arange(-(2**15), 2**15, dtype=torch.int32).to(torch.int16).view(torch.bfloat16)
    save_file({"w": every}, path)
    np.testing.assert_array_equal(load(path)["w"], every.float().numpy())
    model = Module()
    model.w = Parameter(np.zeros(2**16, np.float32))
    assert model.load_state_dict({"w": every}) == ([], [])
    np.testing.assert_array_equal(model.w.numpy(), every.float().numpy())
    save({"w": every}, path)
    np.testing.assert_array_equal(load(path)["w"], every.float().numpy())
    save_file({"w": torch.zeros(3).to(torch.float8_e4m3fn)}, path)
    with pytest.raises(DtypeError, match=r"holds types that NumPy has not \(w: F8_E4M3\): convert it to F32 or F16"):
        load(path)


# --- files that are not whole, or belong elsewhere -------------------------------------------------------------------------


def refused(model, path, content, kinds=(ValueError,)):
    """The file is an error, of one kind, and the model is untouched."""
    before = model.state_dict()
    path.write_bytes(content)
    with pytest.raises(kinds) as error:
        load(model, path)
    assert os.fspath(path) in str(error.value)
    same(model.state_dict(), before)
    return str(error.value)


def test_a_file_cut_short_anywhere_is_refused(path):
    save(net(1), path)
    content = path.read_bytes()
    model = net()
    for length in range(0, len(content), 7):
        assert f"is not a whole safetensors file of {length} bytes" in refused(model, path, content[:length])
    refused(model, path, content + b"\0")


def with_header(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


WEIGHT = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
BROKEN = {
    "nothing": b"",
    "a pickle": b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\nq\x00.",
    "a zip": b"PK\x03\x04" + bytes(100),
    "a header of 2**62 bytes": struct.pack("<Q", 2**62) + b"{}",
    "a header of 2**64 - 1 bytes": b"\xff" * 8 + b"{}",
    "no JSON": with_header(b"hello"),
    "no text": with_header(b"\xff\xfe\xfd"),
    "a list": with_header([]),
    "an unknown type": with_header({"w": {**WEIGHT, "dtype": "F33"}}, bytes(4)),
    "a negative length": with_header({"w": {**WEIGHT, "shape": [-1]}}, bytes(4)),
    "a length that overflows": with_header({"w": {**WEIGHT, "shape": [2**62, 2**62]}}, bytes(4)),
    "offsets beyond the end": with_header({"w": {**WEIGHT, "data_offsets": [0, 400]}}, bytes(4)),
    "offsets that run backwards": with_header({"w": {**WEIGHT, "data_offsets": [4, 0]}}, bytes(4)),
    "two arrays in one place": with_header({"w": WEIGHT, "v": WEIGHT}, bytes(4)),
    "a hole": with_header({"w": {**WEIGHT, "data_offsets": [4, 8]}}, bytes(8)),
    "nested too deep": with_header(b"[" * 100_000),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused(name, path):
    assert "is not a whole safetensors file" in refused(net(), path, BROKEN[name])


@pytest.mark.slow
@given(st.data())
def test_whatever_is_flipped_in_a_header_loads_or_is_refused(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "flipped.safetensors"
    save(net(1), path)
    content = bytearray(path.read_bytes())
    end = 8 + int.from_bytes(content[:8], "little")
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, end - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    model = net()
    before, new = model.state_dict(), net(1).state_dict()
    fault = None
    try:
        load(model, path)
    except (ValueError, DtypeError) as error:
        fault = error
    if fault is None:  # the change was in the notes, in an array's order, or in a type of the same size
        assert model.state_dict().keys() == new.keys()
    else:
        assert str(path) in str(fault)
        same(model.state_dict(), before)


@given(st.binary(max_size=200))
def test_no_noise_is_a_file(tmp_path_factory, noise):
    path = tmp_path_factory.getbasetemp() / "noise.safetensors"
    path.write_bytes(noise)
    with pytest.raises(ValueError, match="is not a whole safetensors file"):
        load(path)


def test_all_that_does_not_fit_is_told_at_once(path):
    arrays = net(1).state_dict()
    arrays["2.weight"] = arrays.pop("1.weight")
    arrays["0.weight"] = arrays["0.weight"].T
    arrays["0.bias"] = arrays["0.bias"] + 1j
    save({k: v.astype(np.complex64) if v.dtype.kind == "c" else v for k, v in arrays.items()}, path)
    words = refused(net(), path, path.read_bytes(), (ShapeError,))
    assert words == (
        f"{path}: this state_dict does not belong to Sequential. missing: 1.weight. unexpected: 2.weight. of another shape: "
        "0.weight: [3, 2] here, [2, 3] given. of another kind: 0.bias: float32 here, complex64 given"
    )


def test_strict_false_loads_what_fits(path):
    arrays = net(1).state_dict()
    arrays["more"] = arrays.pop("1.weight")
    save(arrays, path)
    model = net()
    kept = model[1].weight.numpy()
    result = load(model, path, strict=False)
    assert (result.missing_keys, result.unexpected_keys) == (["1.weight"], ["more"])
    np.testing.assert_array_equal(model[1].weight.numpy(), kept)
    np.testing.assert_array_equal(model[0].weight.numpy(), arrays["0.weight"])


def test_wrong_calls_say_how(path):
    with pytest.raises(TypeError, match=r"nn.load\(model, path\); nn.load\(path\) returns arrays"):
        load(path, net())
    with pytest.raises(TypeError, match=r"which file\? nn.load\(model, path\)"):
        load(net())
    with pytest.raises(TypeError, match=r"load_state_dict.* takes a dictionary of arrays, not a str; nn.load reads a file"):
        net().load_state_dict("m.safetensors")
    with pytest.raises(FileNotFoundError):
        load(net(), path)


# --- writing is atomic -----------------------------------------------------------------------------------------------------


def failing_save(message):
    def save_file(arrays, name, metadata):
        with open(name, "wb") as file:
            file.write(b"half")
        raise message

    return save_file


@pytest.mark.parametrize("failure", [OSError("no space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("where", ["safetensors.numpy.save_file", "os.replace", "os.fsync"])
def test_after_a_failure_the_old_file_stands_and_no_other(where, failure, path, monkeypatch):
    save(net(1), path)
    before = path.read_bytes()

    def fail(*_):
        raise failure

    monkeypatch.setattr(where, failing_save(failure) if "save_file" in where else fail)
    with pytest.raises(type(failure)):
        save(net(2), path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize(
    ("value", "kind", "words"),
    [
        (np.zeros(2, np.complex128), DtypeError, "'w' is of complex128, which safetensors does not know; it knows bool, compl"),
        (np.array(["a"]), DtypeError, "'w' is of <U1, which safetensors does not know"),
        (np.array([None]), DtypeError, "'w' is of object, which safetensors does not know"),
        (Parameter([1.0]) * 2, GradientError, "a parameter or buffer became the result of an op"),
    ],
)
def test_what_cannot_be_written_leaves_the_old_file(value, kind, words, path):
    save(net(1), path)
    before = path.read_bytes()
    with pytest.raises(kind) as error:
        save({"a": np.ones(3), "w": value}, path)
    assert words in str(error.value)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
def test_a_file_has_the_permissions_of_the_user_and_keeps_those_it_had(path):
    ordinary = path.parent / "ordinary"
    ordinary.write_bytes(b"")
    save(net(), path)
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(ordinary.stat().st_mode)
    path.chmod(0o640)
    save(net(), path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.skipif(os.name != "posix", reason="links need rights elsewhere")
def test_a_link_goes_on_pointing_to_the_file(path):
    real = path.parent / "real"
    save(net(0), real)
    path.symlink_to(real)
    save(net(1), path)
    assert path.is_symlink()
    same(load(real), net(1).state_dict())


def test_a_path_without_a_folder(path, monkeypatch):
    monkeypatch.chdir(path.parent)
    save(net(), path.name)
    same(load(path.name), net().state_dict())


def test_a_reader_sees_the_old_file_or_the_new(path):
    models = [net(0), net(1)]
    save(models[0], path)
    done = threading.Event()
    states = [{name: array.tobytes() for name, array in model.state_dict().items()} for model in models]
    seen = []

    def read():
        while not done.is_set():
            seen.append({name: array.tobytes() for name, array in load(path).items()})

    reader = threading.Thread(target=read)
    reader.start()
    for i in range(30):
        save(models[i % 2], path)
    done.set()
    reader.join()
    assert seen
    assert all(each in states for each in seen)


def test_loading_leaves_frozen_parameters_frozen_and_copies_untouched(path):
    model = net(0)
    model[0].requires_grad_(False)
    twin = copy.deepcopy(model)
    save(net(1), path)
    load(model, path)
    assert not model[0].weight.requires_grad
    assert model[1].weight.requires_grad
    same(twin.state_dict(), net(0).state_dict())
