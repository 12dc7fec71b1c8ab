"""Modules that hold modules: lists, dictionaries, one after another, and a block beside its input.

They hold them as attributes, under the names that PyTorch gives. Stands on module.
"""

import copy
import itertools
from collections.abc import Iterable, Iterator, Mapping
from reprlib import recursive_repr
from typing import Any, Self

from .module import NOTHING, Module, shown


class ModuleList(Module):
    """A list of modules, which is not called itself. A plain list does as well.

    >>> layers = ModuleList([Module(), Module()])
    >>> len(layers), [name for name, _ in layers.named_children()]
    (2, ['0', '1'])
    """

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        self.extend(modules)

    def _steps(self) -> dict[str, Module]:
        """The modules of the list: attributes, and not what stands in a list or dictionary that is one."""
        return {name: module for name, module in vars(self).items() if isinstance(module, Module)}

    def __iter__(self) -> Iterator[Module]:
        return iter(self._steps().values())

    def __len__(self) -> int:
        return len(self._steps())

    def __getitem__(self, index: Any) -> Any:
        if not isinstance(index, slice):
            return list(self)[index]
        part = copy.copy(self)
        hold(part, self._kept(dict(list(self._steps().items())[index])), instead=self._steps())
        return part

    def _kept(self, part: dict[str, Module]) -> dict[str, Module]:
        """A slice under the names that it has on its own."""
        return numbered(part.values())

    def __setitem__(self, index: int, module: Module) -> None:
        hold(self, {list(self._steps())[index]: module})

    def __delitem__(self, index: int | slice) -> None:
        modules = list(self)
        del modules[index]
        hold(self, numbered(modules), instead=self._steps())

    def __iadd__(self, modules: Iterable[Module]) -> Self:
        return self.extend(modules)

    def append(self, module: Module) -> Self:
        """Adds a module at the end."""
        return self.extend([module])

    def extend(self, modules: Iterable[Module]) -> Self:
        """Adds modules at the end."""
        steps = self._steps()
        start = len(steps)
        while any(name.isdecimal() and int(name) >= start for name in steps):  # those of a slice, say
            start += 1
        hold(self, numbered(modules, start))
        return self

    def insert(self, index: int, module: Module) -> None:
        """Puts a module before the place of an index."""
        modules = list(self)
        modules.insert(index, module)
        hold(self, numbered(modules), instead=self._steps())

    def pop(self, index: int = -1) -> Module:
        """Takes a module out, and returns it."""
        module: Module = self[index]
        del self[index]
        return module

    def forward(self, *inputs: Any, **options: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} is a list of modules: call those in a loop, or make it a Sequential")

    @recursive_repr("...")
    def __repr__(self) -> str:
        return shown(self, self._children_shown())

    def _children_shown(self) -> Iterator[tuple[str, str]]:
        """Neighbours that look the same take one line."""
        start = 0
        for words, same in itertools.groupby(repr(module) for module in self):
            count = len(list(same))
            yield (f"{start}", words) if count == 1 else (f"{start}-{start + count - 1}", f"{count} x {words}")
            start += count


class Sequential(ModuleList):
    """Modules one after another: each gets what the one before returned. From a dictionary, they have names.

    >>> Sequential(Sequential(), Sequential())
    Sequential(
      (0): Sequential()
      (1): Sequential()
    )
    """

    def __init__(self, *modules: Any) -> None:
        if len(modules) == 1 and isinstance(modules[0], (list, tuple)):
            raise TypeError("Sequential takes modules, and not a list of them: Sequential(*modules)")
        named = len(modules) == 1 and isinstance(modules[0], dict)
        hold(self, modules[0] if named else numbered(modules))

    def forward(self, x: Any) -> Any:
        for module in self:
            x = module(x)
        return x

    def _kept(self, part: dict[str, Module]) -> dict[str, Module]:
        return part

    def _children_shown(self) -> Iterator[tuple[str, str]]:
        return ((name, repr(module)) for name, module in self._steps().items())


class ModuleDict(Module):
    """Modules by name. A plain dictionary does as well.

    >>> ModuleDict({"left": Sequential(), "right": Sequential()}).keys()
    ['left', 'right']
    """

    def __init__(self, modules: Mapping[str, Module] = NOTHING) -> None:
        self.update(modules)

    def update(self, modules: Mapping[str, Module]) -> None:
        """Adds modules, or replaces them."""
        hold(self, dict(modules))

    def __getitem__(self, name: str) -> Module:
        return dict(self.items())[name]

    def __setitem__(self, name: str, module: Module) -> None:
        self.update({name: module})

    def __delitem__(self, name: str) -> None:
        self[name]  # a KeyError for what is not there
        delattr(self, name)

    def pop(self, name: str) -> Module:
        """Takes a module out, and returns it."""
        module = self[name]
        del self[name]
        return module

    def clear(self) -> None:
        """Takes all modules out."""
        for name in self.keys():
            del self[name]

    def __contains__(self, name: object) -> bool:
        return any(name == key for key in self)

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self.items())

    def __len__(self) -> int:
        return len(self.items())

    def keys(self) -> list[str]:
        """The names, in the order in which they were added."""
        return list(self)

    def values(self) -> list[Module]:
        """The modules."""
        return [module for _, module in self.items()]

    def items(self) -> list[tuple[str, Module]]:
        """Names and modules."""
        return [(name, module) for name, module in vars(self).items() if isinstance(module, Module)]


class Residual(Module):
    """A block plus its input: x + block(x)."""

    def __init__(self, *block: Module) -> None:
        self.block = block[0] if len(block) == 1 else Sequential(*block)

    def forward(self, x: Any) -> Any:
        return x + self.block(x)


def numbered(modules: Iterable[Module], start: int = 0) -> dict[str, Module]:
    """Modules under the names 0, 1, 2 ..."""
    return {str(i): module for i, module in enumerate(modules, start)}


def hold(container: Module, modules: Mapping[str, Any], instead: Iterable[str] = ()) -> None:
    """Makes modules attributes of a container, in place of those of other names."""
    for name, module in modules.items():
        if not isinstance(module, Module):
            hint = ": make an object of it, with brackets" if isinstance(module, type) else ""
            raise TypeError(f"{type(container).__name__}: {name!r} should be a module, and is {module!r}{hint}")
        if not isinstance(name, str):
            raise TypeError(f"{type(container).__name__}: {name!r} is not text, and cannot be the name of a module")
        if hasattr(type(container), name) or "." in name or not name:
            raise KeyError(f"{type(container).__name__}: {name!r} cannot be the name of a module")
    attributes = vars(container)
    for name in instead:
        attributes.pop(name, None)
    attributes.update(modules)
