"""Weights in files: safetensors, the format of PyTorch's world that holds arrays and nothing that runs.

A file holds names and values as a state_dict has them, so weights move both ways. Writing is atomic, and reading looks at the
whole file before a model is touched. The format has no checksum: a value that was altered in a file of the right size is
read as it stands. Stands on Module and on the safetensors package; knows no layer.
"""

import contextlib
import json
import os
import secrets
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, overload

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from autograd import DtypeError, ShapeError

from .module import Module, Unmatched, state
from .values import plain, settled

Path = str | os.PathLike[str]
deserialize: Any = safetensors.deserialize  # which carries no types

# What the format calls a type, and what NumPy does; little-endian, whatever the machine.
DTYPES = {
    **{f"{letter.upper()}{8 * size}": f"<{letter}{size}" for letter in "iu" for size in (1, 2, 4, 8)},
    **{f"F{8 * size}": f"<f{size}" for size in (2, 4, 8)},
    "C64": "<c8",
    "BOOL": "?",
}
WRITABLE = frozenset(np.dtype(name).newbyteorder("=") for name in DTYPES.values())


# --- writing ---------------------------------------------------------------------------------------------------------------


def save(model: Module | Mapping[str, Any], path: Path, metadata: Mapping[str, str] | None = None) -> None:
    """Writes the state of a model, or a dictionary of arrays, to a safetensors file.

    The file takes its name when it is complete: until then, and after a failure, an older file of this name stays as it was.
    A tied parameter is written once, under the first of its names in alphabetical order, as PyTorch's `save_model` does.

    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> save({"weight": np.ones(3)}, folder.name + "/m.safetensors")
    >>> load(folder.name + "/m.safetensors")
    {'weight': array([1., 1., 1.])}
    >>> folder.cleanup()
    """
    values = state(model) if isinstance(model, Module) else dict(model)
    names: dict[Any, list[str]] = defaultdict(list)
    for name, value in values.items():
        names[id(value) if isinstance(model, Module) else name].append(name)
    notes = {"format": "pt", **(metadata or {})}  # Hugging Face refuses files without a format; ours is PyTorch's
    arrays = {}
    for same in names.values():
        first, *others = sorted(same)
        arrays[first] = _array(first, values[first])
        notes = {**dict.fromkeys(others, first), **notes}
    if "__metadata__" in arrays:
        raise KeyError("nn.save: '__metadata__' is where safetensors keeps notes, and cannot be the name of an array")
    wrong = [key for pair in notes.items() for key in pair if not isinstance(key, str)]
    if wrong:
        raise TypeError(f"nn.save: metadata is text under names, and {wrong[0]!r} is none: json.dumps makes text of it")
    with _replacing(os.path.realpath(path)) as new:
        safetensors.numpy.save_file(arrays, new, notes)


def _array(name: str, value: Any) -> np.ndarray[Any, Any]:
    """What can be written: the package writes the memory of an array in the order in which it lies, whatever its strides."""
    raw = plain(settled(value, "nn.save"))
    array = np.asarray(raw.get() if hasattr(raw, "get") else raw, order="C")  # a GPU's have get
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if array.dtype not in WRITABLE:
        known = ", ".join(sorted(dtype.name for dtype in WRITABLE))
        raise DtypeError(f"nn.save: {name!r} is of {array.dtype}, which safetensors does not know; it knows {known}")
    return array


@contextlib.contextmanager
def _replacing(path: str) -> Iterator[str]:
    """Gives the name of a new file in the same folder; when it has been written, it takes the place of `path`."""
    folder, name = os.path.split(path)
    new = os.path.join(folder, f".{name}.{secrets.token_hex(6)}")
    with open(new, "xb") as file:  # made here, for the permissions that a file of this user has
        mode = os.stat(path if os.path.exists(path) else file.fileno()).st_mode
    try:
        yield new
        os.chmod(new, mode & 0o777)
        _flush(new, os.O_RDWR)
        os.replace(new, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.remove(new)
        raise
    if os.name == "posix":
        _flush(folder, os.O_RDONLY)  # else a power cut could undo the renaming


def _flush(path: str, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# --- reading ---------------------------------------------------------------------------------------------------------------


@overload
def load(model: Path) -> dict[str, Any]: ...
@overload
def load(model: Module, path: Path, strict: bool = True) -> Unmatched: ...
def load(model: Module | Path, path: Path | None = None, strict: bool = True) -> dict[str, Any] | Unmatched:
    """`load(model, path)` gives a model the weights of a safetensors file; `load(path)` returns them as NumPy arrays by name.

    A file that is not whole, or that belongs to another model, is an error, and the model stays as it was. With
    `strict=False` names that are missing or unexpected are left alone, and returned. bfloat16, which NumPy has not, becomes
    float32, which holds all its values.
    """
    if not isinstance(model, Module):
        if path is not None:
            raise TypeError("nn.load: the model comes first, nn.load(model, path); nn.load(path) returns arrays")
        return _read(model)[0]
    if path is None:
        raise TypeError("nn.load: which file? nn.load(model, path)")
    arrays, notes = _read(path)
    # A file of PyTorch's says of a tied parameter in the notes under which other name it stands.
    arrays.update({name: arrays[notes[name]] for name in state(model) if name not in arrays and notes.get(name) in arrays})
    try:
        return model.load_state_dict(arrays, strict)
    except ShapeError as error:
        error.args = (f"{os.fspath(path)}: {error}",)
        raise


def _read(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The arrays and the notes of a file."""
    with open(path, "rb") as file:
        content = file.read()
    try:
        parts = deserialize(content)
    except SafetensorError as error:
        raise ValueError(
            f"{os.fspath(path)} is not a whole safetensors file of {len(content)} bytes ({error}). It may have been cut short, "
            "or be of another format: one that torch.save wrote becomes one by safetensors.torch.save_file"
        ) from None
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    unknown = [f"{name}: {part['dtype']}" for name, part in parts if part["dtype"] not in (*DTYPES, "BF16")]
    if unknown:
        raise DtypeError(f"{os.fspath(path)} holds types that NumPy has not ({', '.join(unknown)}): convert it to F32 or F16")
    arrays = {name: _decoded(part["dtype"], part["data"]).reshape(part["shape"]) for name, part in parts}
    return {name: arrays[name] for name in header if name in arrays}, header.get("__metadata__") or {}


def _decoded(kind: str, data: Any) -> np.ndarray[Any, Any]:
    if kind == "BF16":  # the upper half of a float32
        wide = np.frombuffer(data, "<u2").astype(np.uint32) << 16
        return wide.view(np.float32)
    array = np.frombuffer(data, DTYPES[kind])
    return array.astype(array.dtype.newbyteorder("="), copy=False)
