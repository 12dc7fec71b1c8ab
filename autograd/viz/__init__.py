"""Pictures of graphs: compute, `backward()`, `draw(loss)`.

`draw` takes a Tensor, a model or a function with its inputs, a Program, or what a `watch` saw; the Picture that it returns
shows itself in a notebook and saves itself to a file. Once this package is imported, a notebook shows a number that was
computed with its picture. Stands on the collectors, which fill GraphData, and on the writers, which read it.

>>> from autograd import Tensor
>>> a, b = Tensor(2.0), Tensor(-3.0)
>>> e = a * b
>>> e.backward(retain_graph=True)
>>> picture = draw(e)
e = multiply   value -6   gradient 1
├─ a           value 2    gradient -3
└─ b           value -3   gradient 2
"""

import builtins
import os
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from html import escape
from types import FrameType
from typing import Any

from ..errors import AutogradError
from ..program import Program
from ..tensor import Tensor
from .collect import from_tensor
from .compare import compare as _compare
from .model import GraphData
from .parts import from_model
from .picture import Engine, Picture
from .programs import from_program
from .reasons import origin, why
from .view import Options
from .watch import Watch, from_call, watch

__all__ = ["GraphData", "Picture", "compare", "draw", "to_graphviz", "watch", "why"]


def draw(
    thing: Any,
    *rest: Any,
    depth: int | None = None,
    direction: str = "down",
    hide: Collection[str] = (),
    values: bool = True,
    gradients: bool = True,
    colour: str = "kind",
    title: str = "",
    limit: int = 150,
    engine: Engine = "auto",
) -> Picture:
    """The picture of a graph: of what is behind a Tensor, of a model or function called with inputs, of a Program or a watch.

    `draw(loss)` shows it: in a notebook as a page, in a script as a tree on the terminal. `draw(loss, "file.svg")` saves it, by
    the extension as text, .dot, .svg, .html, .png, .pdf or .json. `draw(model, x)` and `draw(function, x, y, "file.svg")` call
    what they draw, which shows also a call that fails, up to the op that raised.

    `depth` says how many levels of modules are open (None: as many as fit in `limit` boxes), `direction` is "down" or "right",
    `hide` names kinds ("constant"), ops or paths of modules, `colour` is "kind", "gradient", "time" or "memory". `engine` says
    what lays out .svg, .png and .pdf: "dot", "built-in", or "auto", which is `dot` where it is and manages in time.
    """
    options = Options(
        depth=depth,
        direction=direction,
        hide=(hide,) if isinstance(hide, str) else tuple(hide),
        values=values,
        gradients=gradients,
        colour=colour,
        title=title,
        limit=limit,
    )
    inputs, path = (rest[:-1], rest[-1]) if rest and isinstance(rest[-1], (str, os.PathLike)) else (rest, None)
    picture = Picture(_graph_of(thing, inputs, _scopes(sys._getframe(1))), options, engine)
    if path is not None:
        picture.save(path)
    elif not _is_interactive():
        _print(picture)
    return picture


def to_graphviz(thing: Any, *inputs: Any, **options: Any) -> Any:
    """What `draw` takes, as a `graphviz.Digraph`, to change and to `render`.

    >>> from autograd import Tensor
    >>> print(to_graphviz(Tensor(2.0) * 3.0).source[:7])
    digraph
    """
    return Picture(_graph_of(thing, inputs, _scopes(sys._getframe(1))), Options(**options)).to_graphviz()


def compare(a: Any, b: Any) -> GraphData:
    """Two graphs in one, with marks on what differs, for `draw`: of Tensors, Programs, watches, Pictures or GraphData.

    >>> from autograd import Tensor
    >>> x = Tensor(2.0)
    >>> compare(x.tanh(), x.exp()).boxes[-1].marks
    ('added',)
    """
    scopes = _scopes(sys._getframe(1))
    return _compare(_graph_of(a, (), scopes), _graph_of(b, (), scopes))


# --- what is to be drawn ---------------------------------------------------------------------------------------------------


def _graph_of(thing: Any, inputs: tuple[Any, ...], scopes: Iterable[Mapping[str, Any]]) -> GraphData:
    """The graph of what `draw` got, with marks on where a nan comes from."""
    if isinstance(thing, (Picture, GraphData)) and not inputs:
        return thing.graph if isinstance(thing, Picture) else thing
    graph = _collected(thing, inputs, scopes)
    origin(graph)
    return graph


def _collected(thing: Any, inputs: tuple[Any, ...], scopes: Iterable[Mapping[str, Any]]) -> GraphData:
    if isinstance(thing, Program):
        return from_program(thing, *inputs)
    if callable(thing):
        if not inputs and hasattr(thing, "named_modules"):
            raise TypeError(
                f"draw({type(thing).__name__}) needs an example of what the model is called with, as in draw(model, x): the "
                "picture is that of the call"
            )
        return from_call(thing, *inputs)
    if inputs:
        raise TypeError(
            f"draw() got a {type(thing).__name__} and {len(inputs)} inputs: only a model, a function or a Program takes some. "
            'The name of a file is text, as in draw(loss, "loss.svg")'
        )
    if isinstance(thing, Watch):  # which may go on: a picture shows what was, and marks nothing in it
        seen, names = thing.graph, thing.name(names_in(*scopes))
        boxes = [replace(box, name=names.get(box.number, box.name)) for box in seen.boxes]
        return replace(seen, boxes=boxes, edges=seen.edges[:], notes=seen.notes[:])
    return from_tensor(thing, names_in(*scopes) if isinstance(thing, Tensor) else ())


def _scopes(caller: FrameType) -> list[Mapping[str, Any]]:
    return [caller.f_locals, caller.f_globals]


def names_in(*scopes: Mapping[str, Any]) -> list[tuple[str, Tensor]]:
    """What a caller calls its Tensors, and the parameters of its models: names of the first scope before those of the next."""
    found: list[tuple[str, Tensor]] = []
    for scope in scopes:
        found += [(name, value) for name, value in _public(scope) if isinstance(value, Tensor)]
    for scope in scopes:
        for name, value in _public(scope):
            if not isinstance(value, type) and callable(getattr(value, "named_parameters", None)):
                found += [(f"{name}.{inner}", parameter) for inner, parameter in value.named_parameters()]
    return found


def _public(scope: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    return ((name, value) for name, value in list(scope.items()) if not name.startswith("_"))


# --- where it is shown -----------------------------------------------------------------------------------------------------


def _is_interactive() -> bool:
    """Whether somebody shows the result of a line by itself: a notebook, IPython, or Python's own prompt."""
    return hasattr(builtins, "__IPYTHON__") or hasattr(sys, "ps1")


def _print(picture: Picture) -> None:
    text = picture.text()
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = picture.text(ascii=True)
    print(text)


def bundle_of_tensor(tensor: Tensor, include: Any = None, exclude: Any = None) -> dict[str, str]:
    """What a notebook shows of a number that was computed: its digits, and the picture of the graph behind it.

    Of any other Tensor, and of one whose graph was released, it is nothing, and the notebook shows it as ever.
    """
    if tensor.is_leaf or tensor.size != 1:
        return {}
    try:
        graph = _graph_of(tensor, (), [vars(sys.modules["__main__"])])  # where a notebook keeps its variables
    except AutogradError:
        return {}
    return _with_words(repr(tensor), Picture(graph), include, exclude)


def bundle_of_model(model: Any, include: Any = None, exclude: Any = None) -> dict[str, str]:
    """What a notebook shows of a model: its words, and a picture of its parts; nothing of a module without parameters."""
    graph = from_model(model)
    return (
        _with_words(repr(model), Picture(graph), include, exclude)
        if any(box.kind == "parameter" for box in graph.boxes)
        else {}
    )


def bundle_of_program(program: Program, include: Any = None, exclude: Any = None) -> dict[str, str]:
    """What a notebook shows of a Program: its code, and the picture."""
    return _with_words(str(program), Picture(from_program(program)), include, exclude)


def _with_words(words: str, picture: Picture, include: Any, exclude: Any) -> dict[str, str]:
    bundle = picture._repr_mimebundle_(include, exclude)
    if "text/plain" in bundle:
        bundle["text/plain"] = words
    if "text/html" in bundle:
        bundle["text/html"] = f"<pre>{escape(words)}</pre>{bundle['text/html']}"
    return bundle


# Put on the classes here, so that they know nothing of pictures, and notebooks show none to those who did not ask for any.
Tensor._repr_mimebundle_ = bundle_of_tensor  # type: ignore[attr-defined]
Program._repr_mimebundle_ = bundle_of_program  # type: ignore[attr-defined]
