"""Arrays in files: safetensors, a format that holds names, arrays and notes, and nothing that runs.

Writing is atomic: a file has its name when it is complete. Reading looks at the whole file before it returns anything. The
format has no checksum: a value that was altered in a file of the right size is read as it stands. Stands on the safetensors
package; knows no Tensor, no model, and not what the arrays mean.
"""

import contextlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from .errors import DtypeError

Path: TypeAlias = str | os.PathLike[str]
deserialize: Any = safetensors.deserialize  # which carries no types

# What the format calls a type, and what NumPy does; little-endian, whatever the machine.
DTYPES = {
    **{f"{letter.upper()}{8 * size}": f"<{letter}{size}" for letter in "iu" for size in (1, 2, 4, 8)},
    **{f"F{8 * size}": f"<f{size}" for size in (2, 4, 8)},
    "C64": "<c8",
    "BOOL": "?",
}
WRITABLE = frozenset(np.dtype(name).newbyteorder("=") for name in DTYPES.values())


def write(arrays: Mapping[str, Any], path: Path, notes: Mapping[str, str] | None = None, what: str = "write") -> None:
    """Writes arrays by name, and notes beside them. An older file of this name stays as it was until then, and after a failure.

    `what` is who writes, for errors.
    """
    if "__metadata__" in arrays:
        raise KeyError(f"{what}: '__metadata__' is where safetensors keeps notes, and cannot be the name of an array")
    notes = dict(notes or {})
    wrong = [key for pair in notes.items() for key in pair if not isinstance(key, str)]
    if wrong:
        raise TypeError(f"{what}: metadata is text under names, and {wrong[0]!r} is none: json.dumps makes text of it")
    whole = {name: _written(name, array, what) for name, array in arrays.items()}
    with replacing(path) as new:
        safetensors.numpy.save_file(whole, new, notes)


def _written(name: str, given: Any, what: str) -> np.ndarray[Any, Any]:
    """What can be written: the package writes the memory of an array in the order in which it lies, whatever its strides."""
    array = np.asarray(given.get() if hasattr(given, "get") else given, order="C")  # a GPU's have get
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if array.dtype not in WRITABLE:
        known = ", ".join(sorted(dtype.name for dtype in WRITABLE))
        raise DtypeError(f"{what}: {name!r} is of {array.dtype}, which safetensors does not know; it knows {known}")
    return array


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[str]:
    """Gives the name of a new file in the same folder; when it has been written, it takes the place of `path`.

    A process that is killed in between leaves the new file, under a name that begins with a point.
    """
    path = os.path.realpath(path)
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


def read(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
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
