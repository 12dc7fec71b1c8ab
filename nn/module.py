"""Module and Parameter: what models are made of.

A module is an object with a `forward`. Its parameters, buffers and sub-modules are found by walking its attributes, plain
lists, tuples and dictionaries of them included; nothing is registered, nothing happens at assignment, and a subclass need not
call `__init__` of this class. Names are PyTorch's, so a state_dict moves in both directions. Knows no layer.
"""

import itertools
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from reprlib import recursive_repr
from types import MappingProxyType
from typing import Any, NamedTuple, Self

import numpy as np

from autograd import AutogradError, DtypeError, ShapeError, Tensor
from autograd.graph import gate, modes

from .values import as_raw, moved, plain, replace, settled

Hook = Callable[..., Any]
NOTHING: Mapping[Any, Any] = MappingProxyType({})
Named = list[tuple[str, Any]]


class Unmatched(NamedTuple):
    """The names that a state_dict lacked, and those it had beside."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class Parameter(Tensor):
    """A Tensor that a module learns: it wants a gradient, and a module finds it among its attributes.

    >>> Parameter([1.0, 2.0])
    Parameter([1., 2.], requires_grad=True)
    """

    __slots__ = ()

    def __init__(self, data: Any, requires_grad: bool = True) -> None:
        if isinstance(data, Tensor):
            data = data.detach()
        super().__init__(data, requires_grad)

    def __repr__(self) -> str:
        return super().__repr__().replace("Tensor", "Parameter", 1)


def parameter(*shape: int, dtype: Any = None, device: Any = None) -> Parameter:
    """A parameter of zeros, of float32 unless asked otherwise: for a layer to fill by `nn.init`."""
    made = Parameter(np.zeros(shape, np.float32 if dtype is None else dtype))
    if device is not None:
        made._raw = moved(made._raw, None, device)
    return made


class Handle:
    """What registering a hook returns: `remove()` takes the hook off again."""

    def __init__(self, module: "Module", kind: str, key: int) -> None:
        self._module, self._kind, self._key = module, kind, key

    def remove(self) -> None:
        """Takes the hook off; once is enough."""
        hooks = getattr(self._module, self._kind)
        setattr(self._module, self._kind, {key: hook for key, hook in hooks.items() if key != self._key})


class Module:
    """The base of everything that can be called with inputs and has parameters.

    >>> class Scale(Module):
    ...     def __init__(self):
    ...         self.weight = Parameter(2.0)
    ...
    ...     def forward(self, x):
    ...         return x * self.weight
    >>> scale = Scale()
    >>> scale(3.0)
    Tensor(6.0, op=multiply)
    >>> [name for name, _ in scale.named_parameters()]
    ['weight']
    """

    training = True

    summary: Callable[..., Any]  # put on the class by nn/summary.py

    # What an instance may replace by its own; here, so that a subclass need not call __init__.
    _buffers: Mapping[str, bool] = NOTHING  # name -> whether it belongs to the state_dict
    _forward_hooks: Mapping[int, Hook] = NOTHING
    _forward_pre_hooks: Mapping[int, Hook] = NOTHING

    def forward(self, *inputs: Any, **options: Any) -> Any:
        """What the module computes. A subclass says it."""
        raise NotImplementedError(f"{type(self).__name__} has no forward(): define forward(self, x), which returns the output")

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """forward(), with the hooks around it; an error on the way names the module."""
        watcher = modes.watcher or modes.recorder if gate.shut else None
        if watcher is not None:
            watcher.enter(self, inputs)
        try:
            if self._forward_pre_hooks:
                for before in self._forward_pre_hooks.values():
                    changed = before(self, inputs)
                    if changed is not None:
                        inputs = changed if isinstance(changed, tuple) else (changed,)
            out = self.forward(*inputs, **options)
            if self._forward_hooks:
                for after in self._forward_hooks.values():
                    changed = after(self, inputs, out)
                    out = out if changed is None else changed
            return out
        except Exception as error:
            _name_module(error, self, inputs)
            if watcher is not None:
                watcher.fails(inputs, error)
            raise
        finally:
            if watcher is not None:
                watcher.leave()

    # --- what is in it -----------------------------------------------------------------------------------------------------

    def named_children(self) -> Iterator[tuple[str, "Module"]]:
        """The modules directly in this one, each once, with the names under which they are reached."""
        seen = set()
        for name, child in _inside(self)[1]:
            if id(child) not in seen:
                seen.add(id(child))
                yield name, child

    def children(self) -> Iterator["Module"]:
        """The modules directly in this one."""
        return (child for _, child in self.named_children())

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, "Module"]]:
        """This module, then every module in it, each once."""
        return ((name, module) for name, module, _ in _walk(self, prefix))

    def modules(self) -> Iterator["Module"]:
        """This module, then every module in it, each once."""
        return (module for _, module, _ in _walk(self))

    def get_submodule(self, target: str) -> "Module":
        """The module of a name, as `named_modules` tells it, or another name of one that stands in several places."""
        for name, module, _ in _every_path(self):
            if name == target:
                return module
        raise KeyError(f"{type(self).__name__} has no module {target!r}; it has {_listed(n for n, _ in self.named_modules())}")

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """The parameters with their names; one that stands in two places comes once, under the first.

        `recurse=False` looks at this module alone, and `remove_duplicate=False` tells every name of each.
        """
        return self._named(_own_parameters, prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters, each once."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """The buffers with their names."""
        return self._named(_own_buffers, prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """The buffers: values that belong to a model and are not learnt."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def _named(self, own: Callable[["Module", Named], Named], prefix: str, recurse: bool, once: bool) -> Iterator[Any]:
        """What `own` finds in each module; with `once`, each only under its first name."""
        seen = set()
        walk = _walk(self, prefix) if once else _every_path(self, prefix)
        for path, module, parameters in walk if recurse else itertools.islice(walk, 1):
            for name, found in own(module, parameters):
                if not once or id(found) not in seen:
                    seen.add(id(found))
                    yield join(path, name), found

    def register_buffer(self, name: str, value: Any, persistent: bool = True) -> None:
        """Sets `self.name` to a constant that moves with the model, and with its state_dict unless `persistent=False`."""
        if "." in name or not name:
            raise KeyError(f"a buffer's name is that of an attribute, not {name!r}")
        if hasattr(self, name) and name not in self._buffers:
            raise KeyError(f"{type(self).__name__} has an attribute {name!r} already")
        if value is not None:
            value = value.detach() if isinstance(value, Tensor) else Tensor(value, requires_grad=False)
        setattr(self, name, value)
        self._buffers = {**self._buffers, name: persistent}

    # --- what is done to all of it -----------------------------------------------------------------------------------------

    def train(self, mode: bool = True) -> Self:
        """Sets `training` here and in every module inside: dropout drops, batch norm looks at the batch."""
        if not isinstance(mode, bool):
            raise TypeError(f"train(mode) is told True or False, not a {type(mode).__name__}: it does not run a training")
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """train(False)."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Freezes the parameters, or sets them free."""
        for parameter in self.parameters():
            parameter.requires_grad = requires_grad
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forgets the gradients of all parameters, or makes them zeros."""
        for parameter in self.parameters():
            if set_to_none:  # where there is none too: a recorded step has to know that it starts with none
                parameter.grad = None
            elif parameter.grad is not None:
                parameter.grad = parameter.grad * 0

    def apply(self, function: Callable[["Module"], Any]) -> Self:
        """Calls a function on every module inside, then on this one; on each once."""
        for module in _inner_first(self, set()):
            function(module)
        return self

    def unreached(self) -> list[str]:
        """The names of the parameters that the last backward() did not reach, though they want a gradient."""
        return [name for name, parameter in self.named_parameters() if parameter.requires_grad and parameter.grad is None]

    def to(self, *where: Any, dtype: Any = None, device: Any = None) -> Self:
        """Brings parameters and buffers to a dtype (those of floats), a device ("cpu", "cuda", "cuda:1"), or both.

        >>> Module().to(np.float64)
        Module()
        """
        for given in where:
            if isinstance(given, str) and given.partition(":")[0] in ("cpu", "cuda"):
                device = given
            else:
                dtype = given
        if dtype is not None and np.dtype(dtype).kind not in "fc":
            raise DtypeError(f"a module can be of floats or complex numbers, not of {np.dtype(dtype)}")
        values: list[Tensor] = [*self.parameters(), *self.buffers()]
        raws = [moved(settled(value, "to()"), dtype, device) for value in values]
        for value, raw in zip(values, raws, strict=True):
            replace(value, raw)
        return self

    def float(self) -> Self:
        """to(np.float32)."""
        return self.to(np.float32)

    def double(self) -> Self:
        """to(np.float64)."""
        return self.to(np.float64)

    def half(self) -> Self:
        """to(np.float16)."""
        return self.to(np.float16)

    # --- state -------------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Names and values of all parameters and persistent buffers: NumPy arrays, copies, in PyTorch's order."""
        return {name: moved(settled(value, "state_dict()"), None, "cpu") for name, value in state(self).items()}

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> Unmatched:
        """Takes the values of a state_dict: arrays, Tensors, or PyTorch's tensors. They are copied.

        All that is missing, unexpected, or of another shape or kind is listed in one error, and nothing is changed then.
        With `strict=False` missing and unexpected names are left alone. Returns both.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(
                f"load_state_dict() takes a dictionary of arrays, not a {type(state_dict).__name__}; nn.load reads a file"
            )
        own = state(self)
        given = {name: plain(value) for name, value in state_dict.items()}
        common = {name: array for name, array in given.items() if name in own}
        filled = {id(own[name]) for name in common}  # a tied parameter may be given under one of its names
        unmatched = Unmatched(
            [name for name, value in own.items() if name not in given and id(value) not in filled],
            [name for name in given if name not in own],
        )
        names = {"missing": unmatched.missing_keys, "unexpected": unmatched.unexpected_keys} if strict else {}
        faults = {**names, **_misfits(own, common)}
        words = [f"{what}: {_listed(names)}" for what, names in faults.items() if names]
        if words:
            raise ShapeError(f"this state_dict does not belong to {type(self).__name__}. " + ". ".join(words))
        new = [(own[name], as_raw(array, settled(own[name], "load_state_dict()"))) for name, array in common.items()]
        for value, raw in new:
            replace(value, raw)
        return unmatched

    # --- hooks -------------------------------------------------------------------------------------------------------------

    def register_forward_hook(self, hook: Hook) -> Handle:
        """Calls `hook(module, inputs, output)` after forward; what it returns, if anything, takes the output's place."""
        return self._hooked("_forward_hooks", hook)

    def register_forward_pre_hook(self, hook: Hook) -> Handle:
        """Calls `hook(module, inputs)` before forward; what it returns, if anything, takes the inputs' place."""
        return self._hooked("_forward_pre_hooks", hook)

    def _hooked(self, kind: str, hook: Hook) -> Handle:
        key = max(getattr(self, kind), default=-1) + 1
        setattr(self, kind, {**getattr(self, kind), key: hook})
        return Handle(self, kind, key)

    # --- how it is shown ---------------------------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """What stands between the brackets of the repr; a layer says its sizes."""
        return ""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What a notebook shows: its parts as a picture, once autograd.viz is imported; else the words of repr."""
        pictures = sys.modules.get("autograd.viz")
        return pictures.bundle_of_model(self, include, exclude) if pictures else {}

    @recursive_repr("...")  # a module may refer to the one it stands in
    def __repr__(self) -> str:
        return shown(self, [(name, repr(child)) for name, child in _inside(self)[1]])


# --- walking ---------------------------------------------------------------------------------------------------------------


def join(prefix: str, name: str) -> str:
    """`net` and `2.weight` -> `net.2.weight`; either may be empty."""
    return f"{prefix}.{name}" if prefix and name else prefix or name


# Most attributes are of these types, and hold no modules.
PLAIN = frozenset((int, float, bool, str, type(None), np.ndarray))
# Attributes of the class itself, which hold none either: a hook may be a module, and is not part of the model.
OWN = frozenset(("_buffers", "_forward_hooks", "_forward_pre_hooks"))


def _inside(module: Module) -> tuple[Named, Named]:
    """The parameters and the modules among the attributes of a module, and in its lists, tuples and dictionaries."""
    parameters: Named = []
    children: Named = []
    _collect("", vars(module), parameters, children)
    return parameters, children


def _collect(prefix: str, values: Any, parameters: Named, children: Named) -> None:
    for key, value in values.items() if isinstance(values, dict) else enumerate(values):
        if type(value) in PLAIN:
            continue
        if isinstance(value, Parameter):
            parameters.append((f"{prefix}{key}", value))
        elif isinstance(value, Module):
            children.append((f"{prefix}{key}", value))
        elif isinstance(value, (list, tuple, dict)) and (prefix or key not in OWN):
            _collect(f"{prefix}{key}.", value, parameters, children)


def _own_parameters(module: Module, parameters: Named) -> Named:
    return parameters


def _own_buffers(module: Module, parameters: Named) -> Named:
    buffers = [(name, getattr(module, name)) for name in module._buffers]
    for name, buffer in buffers:
        if not isinstance(buffer, Tensor | None):
            raise DtypeError(
                f"the buffer {name!r} of {type(module).__name__} was set to a {type(buffer).__name__}, and has to stay a "
                f"Tensor: self.{name} = Tensor(value, requires_grad=False)"
            )
    return [(name, buffer) for name, buffer in buffers if buffer is not None]


def _walk(root: Module, prefix: str = "") -> Iterator[tuple[str, Module, Named]]:
    """A module and every module in it, each once, with its name and its own parameters."""
    seen = set()
    stack: list[tuple[str, Module]] = [(prefix, root)]
    while stack:
        path, module = stack.pop()
        if id(module) not in seen:
            seen.add(id(module))
            parameters, children = _inside(module)
            yield path, module, parameters
            stack += [(join(path, name), child) for name, child in reversed(children)]


def _every_path(module: Module, prefix: str = "", above: tuple[Module, ...] = ()) -> Iterator[tuple[str, Module, Named]]:
    """The same of every module under every name by which it is reached; a ring is followed once."""
    parameters, children = _inside(module)
    yield prefix, module, parameters
    above = (*above, module)
    for name, child in children:
        if not any(child is one for one in above):
            yield from _every_path(child, join(prefix, name), above)


def _inner_first(module: Module, seen: set[int]) -> Iterator[Module]:
    """A module after all those in it."""
    seen.add(id(module))
    for child in module.children():
        if id(child) not in seen:
            yield from _inner_first(child, seen)
    yield module


def state(module: Module) -> dict[str, Tensor]:
    """Parameters and persistent buffers by name, module by module; tied ones under each of their names."""
    found: Named = []
    for path, each, parameters in _every_path(module):
        kept = [(name, buffer) for name, buffer in _own_buffers(each, parameters) if each._buffers[name]]
        found += [(join(path, name), value) for name, value in (*parameters, *kept)]
    twice = [name for name, count in Counter(name for name, _ in found).items() if count > 1]
    if twice:
        raise KeyError(f"{type(module).__name__} has two values of one name: {_listed(twice)}. Rename a key of a dictionary")
    return dict(found)


def _misfits(own: Mapping[str, Tensor], given: Mapping[str, Any]) -> dict[str, list[str]]:
    """What is wrong with values that are given, by the kind of fault."""
    return {
        "of another shape": [
            f"{name}: {list(own[name].shape)} here, {list(array.shape)} given"
            for name, array in given.items()
            if own[name].shape != array.shape
        ],
        "of another kind": [
            f"{name}: {own[name].dtype} here, {array.dtype} given"
            for name, array in given.items()
            if array.dtype.kind not in "biufc" or not np.can_cast(array.dtype, own[name].dtype, "same_kind")
        ],
        "one parameter here, and different values given": _untied(own, given),
    }


def _untied(own: Mapping[str, Tensor], given: Mapping[str, Any]) -> list[str]:
    """Names of one parameter for which different values are given."""
    first: dict[int, str] = {}
    pairs = [(first.setdefault(id(own[name]), name), name) for name in given]
    return [
        f"{one} and {other}"
        for one, other in pairs
        if one != other and not np.array_equal(given[one], given[other], equal_nan=given[one].dtype.kind in "fc")
    ]


def _listed(names: Any) -> str:
    return ", ".join(map(str, names))


# --- how it is shown -------------------------------------------------------------------------------------------------------


def shown(module: Module, children: Iterable[tuple[str, str]]) -> str:
    """The repr of a module whose children are shown so."""
    inside = module.extra_repr()
    lines = [f"({name}): {words}".replace("\n", "\n  ") for name, words in children]
    if lines or "\n" in inside:
        inside = "\n  ".join(["", *inside.splitlines(), *lines]) + "\n"
    return f"{type(module).__name__}({inside})"


# --- errors ----------------------------------------------------------------------------------------------------------------


def _name_module(error: Exception, module: Module, inputs: tuple[Any, ...]) -> None:
    """Says in an error in which module it arose: `nn.Linear 'net.2': ...`. The outermost knows the longest name.

    Errors of this project say it first thing, in place of the function's name; others get a note below their message.
    """
    if not hasattr(error, "module"):
        error.module = module, str(error)  # type: ignore[attr-defined]
        for uncalled in (x for x in inputs if isinstance(x, Module)):
            error.add_note(f"One of the inputs is a {_title(uncalled)} itself: call it, and pass on what it returns")
    inner, words = error.module  # type: ignore[attr-defined]
    path = next((name for name, found in module.named_modules() if found is inner), None)
    if path is None:  # not an attribute of this one, which therefore knows no name
        return
    where = f"{_title(inner)} {path!r}" if path else _title(inner)
    if isinstance(error, AutogradError):
        if where.startswith("nn."):
            words = re.sub(r"^[a-z_0-9]+: ", "", words)
        error.args = (f"{where}: {words}",)
    else:
        notes = [note for note in getattr(error, "__notes__", []) if not note.startswith("Raised in ")]
        error.__notes__ = [*notes, f"Raised in {where}"]


def _title(module: Module) -> str:
    kind = type(module)
    return f"nn.{kind.__name__}" if kind.__module__.startswith("nn.") else kind.__name__


def _uncalled(module: Module, *_: Any, **__: Any) -> Any:
    raise DtypeError(f"this {_title(module)} is a module, and not a value: call it, as in module(x), and use what it returns")


# A module that stands where its output belongs. Tensor leaves an operand that it does not know to the other side.
for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"):
    setattr(Module, f"__{_name}__", _uncalled)
    setattr(Module, f"__r{_name}__", _uncalled)
for _name in ("neg", "pos", "abs", "float", "array"):
    setattr(Module, f"__{_name}__", _uncalled)
