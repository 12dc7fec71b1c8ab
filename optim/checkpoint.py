"""Checkpoints: everything that a run must know to go on, in one file that is whole or is not used.

A file is safetensors: arrays under the path by which they are reached, and all else as JSON in its notes; nothing in it runs. A
checksum over both is looked at before anything is taken from it. Stands on autograd.files, which writes a file so that it has
its name when it is complete, and on the random streams of `preserve`. Knows of a part only that it has state_dict() and
load_state_dict().
"""

import contextlib
import hashlib
import json
import math
import numbers
import operator
import os
import re
import shutil
import struct
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from autograd import AutogradError
from autograd.files import WRITABLE, Path, read, replacing, write

from .preserve import check_streams, restore_streams, streams

VERSION = 1
LARGEST = 45_000_000  # of the JSON: safetensors reads notes up to 100 MB, with every quotation mark in two bytes
DEEPEST = 100  # containers in one another: more cannot be read again, and what contains itself has no end
MANY = 64  # a list of so many floats is written as an array: a history of a million losses would not fit in the notes
KINDS = "biufcMm"  # of arrays and NumPy's numbers that are nothing but their bytes
NAME = re.compile(r"step-(\d{9}|[1-9]\d{9,})\.safetensors")
LEFT_OVER = re.compile(r"\.(step-\d{9,}|best)\.safetensors\.[0-9a-f]{12}")  # by a writer that was killed
NEWEST = ""  # instead of a path


class CheckpointError(AutogradError, ValueError):
    """A checkpoint that cannot be used, or not with these parts.

    Wrong: `checkpoints.restore({"model": model})` where the file was saved with a model and an optimizer.
    Right: `checkpoints.restore({"model": model, "optimizer": optimizer})`; to look into a file, `read_checkpoint(path)`.
    """


class DamagedError(CheckpointError):
    """A file that is not as it was written: cut short, altered, or no checkpoint at all.

    Wrong: `read_checkpoint("weights.safetensors")`, which `nn.save` wrote.
    Right: `nn.load("weights.safetensors")`; and of checkpoints, the one before the damaged one.
    """


# --- the folder ------------------------------------------------------------------------------------------------------------


class Checkpoints:
    """A folder of checkpoints: `save` adds one, `restore` goes on from the newest that is whole.

    - `keep` is how many of the newest files stay; None keeps all. An older one goes when the new one is complete.
    - `every` is for the loop: after how many steps it saves.
    - `mode` says whether a metric is better when it is lower, "min", or higher, "max". nan never is an improvement.

    A process that is killed, at whatever moment, leaves only whole files under the names of checkpoints. One process at a
    time writes in a folder; others may read. Random streams of the part "model", the default one, NumPy's and Python's are in
    every file.

    >>> import tempfile, nn
    >>> folder = tempfile.TemporaryDirectory()
    >>> model = nn.Linear(1, 1)
    >>> checkpoints = Checkpoints(folder.name, keep=2)
    >>> for step in (10, 20, 30):
    ...     path = checkpoints.save({"model": model}, step, metric=1 / step)
    >>> checkpoints.steps, os.path.basename(checkpoints.last), os.path.basename(checkpoints.best)
    ([20, 30], 'step-000000030.safetensors', 'best.safetensors')
    >>> checkpoints.restore({"model": model})
    30
    >>> folder.cleanup()
    """

    def __init__(self, folder: Path, keep: int | None = 3, every: int | None = None, mode: str = "min") -> None:
        if mode not in ("min", "max"):
            raise ValueError(f"Checkpoints: mode is 'min' or 'max', not {mode!r}")
        self.keep, self.every, self.mode = _count("keep", keep), _count("every", every), mode
        self.folder = os.path.abspath(folder)
        self._best_metric: float | None = None  # of the best
        self._looked = False  # whether the metric of the best was read from its file
        self._damaged: set[int] = set()  # steps whose files were found so
        self._told = False  # that there are files of later steps
        if os.path.exists(self.folder) and not os.path.isdir(self.folder):
            raise CheckpointError(f"Checkpoints: {self.folder} is a file: give a folder, which is made where there is none")
        os.makedirs(self.folder, exist_ok=True)
        if not os.access(self.folder, os.W_OK | os.X_OK):
            raise CheckpointError(f"Checkpoints: nothing can be written in {self.folder}: give a folder of your own")

    @property
    def steps(self) -> list[int]:
        """The steps of which there are files, the newest last."""
        found = (NAME.fullmatch(name) for name in os.listdir(self.folder))
        return sorted(int(name[1]) for name in found if name)

    @property
    def last(self) -> str | None:
        """The path of the newest file, or None."""
        steps = self.steps
        return self._path(steps[-1]) if steps else None

    @property
    def best(self) -> str | None:
        """The path of the file with the best metric, or None. It stays when the others go."""
        path = os.path.join(self.folder, "best.safetensors")
        return path if os.path.exists(path) else None

    def _path(self, step: int) -> str:
        return os.path.join(self.folder, f"step-{step:09d}.safetensors")

    # --- writing -----------------------------------------------------------------------------------------------------------

    def save(self, parts: Mapping[str, Any], step: int, metric: float | None = None) -> str:
        """Writes the state of all parts, and of the random streams, after so many steps; returns the path of the file."""
        step, metric = _step(step), _metric(metric)
        arrays, notes = _packed(
            {
                "step": step,
                "metric": metric,
                "mode": self.mode,
                "kinds": _kinds(parts),
                "parts": {name: part.state_dict() for name, part in parts.items()},
                "streams": streams(parts.get("model")),
            }
        )
        for name in filter(LEFT_OVER.fullmatch, os.listdir(self.folder)):
            _remove(os.path.join(self.folder, name))
        path = self._path(step)
        if self._is_best(metric):
            # First the best: a process that is killed before it has both comes to this step, and this metric, again.
            best = os.path.join(self.folder, "best.safetensors")
            write(arrays, best, notes, "Checkpoints.save")
            self._best_metric = metric
            _link(best, path)
        else:
            write(arrays, path, notes, "Checkpoints.save")
        self._damaged.discard(step)
        self._thin_out(step)
        return path

    def _is_best(self, metric: float | None) -> bool:
        if metric is None or math.isnan(metric):
            return False
        if not self._looked:
            self._best_metric = self._metric_in_file()
            self._looked = True
        if self._best_metric is None:
            return True
        return metric < self._best_metric if self.mode == "min" else metric > self._best_metric

    def _metric_in_file(self) -> float | None:
        """The metric of the best, which an earlier process may have written."""
        if self.best is None:
            return None
        try:
            content = read_checkpoint(self.best)
        except DamagedError as error:
            warnings.warn(f"{error}. It is not used, and the next metric is the best", RuntimeWarning, stacklevel=4)
            return None
        if content["mode"] != self.mode:
            raise CheckpointError(
                f"{self.best} is the best by mode={content['mode']!r}, and these Checkpoints have mode={self.mode!r}: "
                "take another folder, or the same mode"
            )
        metric: float | None = content["metric"]
        return metric

    def _thin_out(self, step: int) -> None:
        """Removes what is older than the newest that are kept. A damaged file is none of them; later steps are left alone."""
        steps = self.steps
        later = [other for other in steps if other > step and other not in self._damaged]
        if later and not self._told:
            self._told = True
            warnings.warn(
                f"Checkpoints: step {step} was saved in {self.folder}, where there is a step {later[-1]} of another run, which "
                "restore() would take. Give each run a folder of its own, or remove the files of later steps",
                RuntimeWarning,
                stacklevel=3,
            )
        whole = [other for other in steps if other <= step and other not in self._damaged]
        if self.keep is not None:
            for other in steps:
                if other < whole[-self.keep :][0]:
                    _remove(self._path(other))

    # --- reading -----------------------------------------------------------------------------------------------------------

    def restore(self, parts: Mapping[str, Any], path: Path | None = NEWEST) -> int | None:
        """Gives all parts, and the random streams, what a file holds; returns its step, or None if the folder has no file.

        Without a path it is the newest file. One that is damaged is passed over with a warning, and the one before is taken.
        All is looked at before any part is touched; if a part refuses its state even so, the others get theirs back.
        """
        kinds = _kinds(parts)
        if path is None:
            raise CheckpointError(
                f"Checkpoints.restore: the path is None. `best` is, until {self.folder} has a checkpoint with a metric, and "
                "`last`, until it has one at all. Leave it out for the newest"
            )
        path, content = (os.fspath(path), read_checkpoint(path)) if path != NEWEST else self._newest()
        if content is None:
            return None
        _check(path, content, parts, kinds)
        _load(path, content, parts)
        step: int = content["step"]
        return step

    def _newest(self) -> tuple[str, dict[str, Any] | None]:
        steps = self.steps
        for step in reversed(steps):
            try:
                return self._path(step), read_checkpoint(self._path(step))
            except DamagedError as error:
                self._damaged.add(step)
                warnings.warn(f"{error}. It is passed over, and the one before is used", RuntimeWarning, stacklevel=3)
        if steps:
            raise CheckpointError(
                f"none of the {len(steps)} checkpoints in {self.folder} can be used: each is damaged, as the warnings say. "
                "Take a copy from elsewhere, or begin again in an empty folder"
            )
        return "", None


def _kinds(parts: Mapping[str, Any]) -> dict[str, str]:
    """The class of each part, by name."""
    if not parts:
        raise ValueError('Checkpoints: there are no parts: give a dictionary, such as {"model": model, "optimizer": optimizer}')
    for name, part in parts.items():
        if not isinstance(name, str):
            raise TypeError(f"Checkpoints: a part has a name, and {name!r} is none")
        if not (hasattr(part, "state_dict") and hasattr(part, "load_state_dict")):
            raise TypeError(f"Checkpoints: {name!r} is a {type(part).__name__}, without state_dict() and load_state_dict()")
    return {name: type(part).__name__ for name, part in parts.items()}


def _check(path: str, content: Mapping[str, Any], parts: Mapping[str, Any], kinds: Mapping[str, str]) -> None:
    """An error if a file is of other parts, or of other random streams."""
    theirs = content["kinds"]
    missing, beside = [sorted(a.keys() - b.keys()) for a, b in ((theirs, kinds), (kinds, theirs))]
    if missing or beside:
        faults = [f"{words} {', '.join(names)}" for words, names in (("lack", missing), ("have beside", beside)) if names]
        raise CheckpointError(
            f"{path} was saved with the parts {', '.join(theirs)}, and these {' and '.join(faults)}: "
            "give the same; read_checkpoint(path) tells what is in a file"
        )
    others = [f"{name} was a {theirs[name]} and is a {kinds[name]}" for name in kinds if kinds[name] != theirs[name]]
    if others:
        raise CheckpointError(f"{path} is of other parts: {', '.join(others)}. Make them as they were")
    try:
        check_streams(parts.get("model"), content["streams"])
    except ValueError as error:
        raise CheckpointError(f"{path}: {error}") from None


def _load(path: str, content: Mapping[str, Any], parts: Mapping[str, Any]) -> None:
    before = {name: part.state_dict() for name, part in parts.items()}
    tried: list[str] = []
    try:
        for name, part in parts.items():
            tried.append(name)
            part.load_state_dict(content["parts"][name])
    except BaseException as error:
        for name in tried:
            parts[name].load_state_dict(before[name])
        error.add_note(f"Raised while {tried[-1]!r} took its state from {path}; all parts are as they were before")
        raise
    restore_streams(parts.get("model"), content["streams"])


def _count(name: str, value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"Checkpoints: {name} is an integer or None, not {value!r}")
    if value < 1:
        raise ValueError(f"Checkpoints: {name} is at least 1, or None, and not {value}")
    return int(value)


def _step(step: Any) -> int:
    try:
        number = operator.index(step)
    except TypeError:
        raise TypeError(f"Checkpoints.save: step is an integer, not {step!r}") from None
    if number < 0:
        raise ValueError(f"Checkpoints.save: steps are counted from 0, and this is {number}")
    return number


def _metric(metric: Any) -> float | None:
    if metric is None:
        return None
    if isinstance(metric, bool) or not isinstance(metric, numbers.Real):
        raise TypeError(f"Checkpoints.save: metric is a number or None, not a {type(metric).__name__}: pass float(...) of it")
    return float(metric)


def _link(source: str, path: str) -> None:
    """Gives a file a second name, or a copy where the file system has no links."""
    with replacing(path) as new:
        os.remove(new)
        try:
            os.link(source, new)
        except OSError:
            shutil.copyfile(source, new)


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.remove(path)


# --- a file ----------------------------------------------------------------------------------------------------------------


def read_checkpoint(path: Path) -> dict[str, Any]:
    """What a checkpoint holds, as nested dictionaries: "step", "metric", "mode", and under "parts" the state of each part.

    Also "kinds", the class of each part, and "streams", where the random streams stood. An error if the file is not as it was
    written.
    """
    path = os.fspath(path)
    try:
        arrays, notes = read(path)
    except (FileNotFoundError, IsADirectoryError) as error:
        raise CheckpointError(f"there is no checkpoint {path} ({error.strerror}): `last` and `best` tell the paths") from None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DamagedError(f"{path} cannot be read: {error}") from None
    if not {"checkpoint", "sha256", "content"} <= notes.keys():
        raise DamagedError(f"{path} is no checkpoint, or its notes are damaged. Weights alone are read by nn.load")
    version, content = notes["checkpoint"], notes["content"]
    if _checksum(version, content, arrays) != notes["sha256"]:
        raise DamagedError(f"{path} is damaged: its checksum is not that of what it holds. Use the checkpoint before it")
    if version != str(VERSION):  # only now, for a damaged number says nothing
        raise CheckpointError(
            f"{path} is a checkpoint of version {version}, and this release reads version {VERSION}: use the one that wrote it"
        )
    whole: dict[str, Any] = _decoded(json.loads(content), arrays)
    return whole


def _packed(content: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The arrays and the notes of a file."""
    arrays: dict[str, Any] = {}
    parts = {name: _encoded(state, (name,), arrays) for name, state in content["parts"].items()}
    rest = {name: _encoded(value, (name,), arrays) for name, value in content.items() if name != "parts"}
    whole = {**rest, "parts": {"dict": list(parts.items())}}
    text = json.dumps({"dict": list(whole.items())}, allow_nan=False, separators=(",", ":"))
    if len(text) > LARGEST:
        raise CheckpointError(
            f"Checkpoints.save: what is no array takes {len(text)} bytes as JSON, and {LARGEST} can be read again: keep long "
            "lists as NumPy arrays in the state_dict"
        )
    return arrays, {"checkpoint": str(VERSION), "sha256": _checksum(str(VERSION), text, arrays), "content": text}


def _checksum(version: str, text: str, arrays: Mapping[str, Any]) -> str:
    """SHA-256 over all of a file. Every version has this one, so that a later one can be told from a damaged one."""
    sha = hashlib.sha256()
    for words in (version, text):
        sha.update(_framed(words))
    for name in sorted(arrays):
        array = np.asarray(arrays[name], order="C")
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        sha.update(_framed(json.dumps([name, array.dtype.str, array.shape])))
        content: Any = array.reshape(-1).view(np.uint8)
        sha.update(content)
    return sha.hexdigest()


def _framed(words: str) -> bytes:
    content = words.encode()
    return len(content).to_bytes(8, "little") + content


# --- values ----------------------------------------------------------------------------------------------------------------
# In JSON null, true, false, text, lists and finite numbers stand for themselves. All else is an object with one name, that of
# its kind; a dictionary is a list of pairs, for its keys need not be text.


def _encoded(value: Any, path: tuple[Any, ...], arrays: dict[str, Any]) -> Any:
    """A value as JSON has it; its arrays go to `arrays`. A dictionary of another class comes back as a plain one."""
    kind = type(value)
    if kind in (type(None), bool, str):
        return value
    if kind is int:
        return value if abs(value) < 1 << 53 else {"int": hex(value)}
    if kind is float:
        return value if math.isfinite(value) else {"float": struct.pack(">d", value).hex()}
    if kind is complex:
        return {"complex": [_encoded(part, path, arrays) for part in (value.real, value.imag)]}
    if kind is bytes:
        return {"bytes": value.hex()}
    if isinstance(value, np.generic) and value.dtype.kind in KINDS:
        return {"scalar": [value.dtype.str, value.tobytes().hex()]}
    if kind in (list, tuple) or isinstance(value, dict):
        return _encoded_container(value, path, arrays)
    if hasattr(value, "get") and hasattr(value, "dtype"):  # an array on a GPU
        value = value.get()
    if type(value) in (np.ndarray, np.memmap) and value.dtype.kind in KINDS:
        return {"array": _placed(value, path, arrays)}
    words = f"an array of {value.dtype}" if type(value) is np.ndarray else f"a {kind.__name__}"
    raise TypeError(
        f"Checkpoints.save: {_shown(path)} is {words}, which no checkpoint holds: a state_dict is made of dictionaries, lists, "
        "tuples, numbers, text, None and NumPy arrays of numbers"
    )


def _encoded_container(value: Any, path: tuple[Any, ...], arrays: dict[str, Any]) -> Any:
    if len(path) > DEEPEST:
        raise ValueError(
            f"Checkpoints.save: {_shown(path[:4])}... goes {DEEPEST} containers deep, or contains itself: make it flatter"
        )
    if isinstance(value, dict):
        return {"dict": [[_encoded(k, (*path, k), {}), _encoded(v, (*path, k), arrays)] for k, v in value.items()]}
    if type(value) is list and len(value) >= MANY and all(type(child) is float for child in value):
        return {"floats": _placed(np.array(value), path, arrays)}
    children = [_encoded(child, (*path, i), arrays) for i, child in enumerate(value)]
    return children if type(value) is list else {"tuple": children}


def _placed(array: Any, path: tuple[Any, ...], arrays: dict[str, Any]) -> Any:
    """Puts an array among the others, and tells its name; of a type that safetensors does not know, its bytes."""
    name = ".".join(map(str, path)).encode("utf-8", "backslashreplace").decode()
    while name in arrays or name == "__metadata__":  # {"a.b": x, "a": {"b": y}}
        name += "'"
    if array.dtype in WRITABLE and array.dtype.isnative:
        arrays[name] = np.asarray(array)
        return name
    arrays[name] = np.frombuffer(array.tobytes(), np.uint8)
    return [name, array.dtype.str, list(array.shape)]


def _shown(path: tuple[Any, ...]) -> str:
    """optimizer['state'][0]"""
    return str(path[0]) + "".join(f"[{key!r}]" for key in path[1:])


def _decoded(value: Any, arrays: Mapping[str, Any]) -> Any:
    """The value that JSON stands for."""
    match value:
        case list():
            return [_decoded(child, arrays) for child in value]
        case {"dict": pairs}:
            return {_decoded(k, arrays): _decoded(v, arrays) for k, v in pairs}
        case {"tuple": children}:
            return tuple(_decoded(child, arrays) for child in children)
        case {"floats": name}:
            return arrays[name].tolist()
        case {"array": [name, dtype, shape]}:
            return np.frombuffer(arrays[name].tobytes(), dtype).reshape(shape).copy()
        case {"array": name}:
            return arrays[name]
        case {"scalar": [dtype, digits]}:
            return np.frombuffer(bytes.fromhex(digits), dtype)[0]
        case {"int": digits}:
            return int(digits, 16)
        case {"float": digits}:
            return struct.unpack(">d", bytes.fromhex(digits))[0]
        case {"complex": parts}:
            return complex(*(_decoded(part, arrays) for part in parts))
        case {"bytes": digits}:
            return bytes.fromhex(digits)
    return value
