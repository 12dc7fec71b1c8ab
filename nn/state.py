"""Weights in files: safetensors, the format of PyTorch's world that holds arrays and nothing that runs.

A file holds names and values as a state_dict has them, so weights move both ways. `autograd.files` writes and reads; here
stands what a model adds: tied parameters, and a model that is touched only by a file that fits. Knows no layer.
"""

import os
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, overload

from autograd import ShapeError
from autograd.files import Path, read, write

from .module import Module, Unmatched, state
from .values import plain, settled

# --- writing ---------------------------------------------------------------------------------------------------------------


def save(model: Module | Mapping[str, Any], path: Path, metadata: Mapping[str, str] | None = None) -> None:
    """Writes the state of a model, or a dictionary of arrays, to a safetensors file.

    The file takes its name when it is complete: until then, and after a failure, an older file of this name stays as it was.
    A tied parameter is written once, under the first of its names in alphabetical order, as PyTorch's `save_model` does.

    >>> import numpy as np, tempfile
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
        arrays[first] = plain(settled(values[first], "nn.save"))
        notes = {**dict.fromkeys(others, first), **notes}
    write(arrays, path, notes, "nn.save")


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
        return read(model)[0]
    if path is None:
        raise TypeError("nn.load: which file? nn.load(model, path)")
    arrays, notes = read(path)
    # A file of PyTorch's says of a tied parameter in the notes under which other name it stands.
    arrays.update({name: arrays[notes[name]] for name in state(model) if name not in arrays and notes.get(name) in arrays})
    try:
        return model.load_state_dict(arrays, strict)
    except ShapeError as error:
        error.args = (f"{os.fspath(path)}: {error}",)
        raise
