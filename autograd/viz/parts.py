"""What a model consists of, without a call: its modules as groups, its parameters and buffers as boxes in them.

There are no edges, for only a call knows what reads what. A model is asked for `named_modules` and what each holds of its own;
stands on nothing of `nn`.
"""

from typing import Any

from .collect import Builder, tell
from .model import GraphData, Group


def from_model(model: Any) -> GraphData:
    """The parts of a model; a module that holds nothing is a box that has the name of its class."""
    build = Builder(type(model).__name__)
    groups: dict[str, int] = {}
    for path, module in model.named_modules():
        parent = groups.get(path.rpartition(".")[0]) if path else None
        held = [(name, value, "parameter") for name, value in module.named_parameters(recurse=False)]
        held += [(name, value, "buffer") for name, value in module.named_buffers(recurse=False)]
        if not held and not list(module.children()):
            box = build.box(None, kind="op", name=path.rpartition(".")[2], group=parent)
            box.op = type(module).__name__
            continue
        groups[path] = len(build.graph.groups)
        numbers = sum(value.size for _, value, kind in held if kind == "parameter")
        build.graph.groups.append(Group(groups[path], path, type(module).__name__, parent, 1, numbers))
        for name, value, kind in held:
            box = build.box(None, kind=kind, name=f"{path}.{name}" if path else name, group=groups[path])
            tell(box, getattr(value, "_raw", value))
    build.graph.notes.append("The parts of the model; draw(model, x) shows what it computes.")
    return build.graph
