"""Picture: a graph and how it is to be looked at; it writes itself to a file, and shows itself in a notebook or a browser.

The extension of a file picks the writer. SVG, PDF and PNG are drawn by Graphviz where `dot` is on the path and manages the
graph in time, and else by the built-in layout. Stands on GraphData and the writers; knows no Tensor.
"""

import json
import os
import tempfile
import warnings
import webbrowser
from base64 import b64encode
from collections.abc import Callable, Container
from dataclasses import replace
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from .dot import render, to_digraph
from .html import to_html
from .mathematics import tell_ops
from .model import GraphData
from .raster import to_pdf, to_png
from .reasons import explain
from .svg import to_svg
from .text import to_text
from .view import Options, clean

Engine: TypeAlias = Literal["auto", "dot", "built-in"]

PAGE_LIMIT = 1_500_000  # characters of a page that is put into a notebook
PAGE_BOXES = 20_000  # values of a graph, beyond which the page is not even made for one
FRAME_HEIGHT = 560  # pixels of the page in a notebook


class Picture:
    """A graph with options; `repr` is the tree for terminals, and a notebook shows the page.

    `save` writes a file, `svg`, `html` and `text` return what would be in it, `to_graphviz` what Graphviz reads.
    """

    def __init__(self, graph: GraphData, options: Options | None = None, engine: Engine = "auto") -> None:
        self.graph = graph
        self.options = Options() if options is None else options
        self.engine = known_engine(engine)

    # --- what it is in other forms -----------------------------------------------------------------------------------------

    def text(self, ascii: bool = False) -> str:
        """The tree for terminals; with `ascii` in characters that every terminal has."""
        return to_text(self.graph, self.options, ascii)

    def svg(self, engine: Engine = "built-in") -> str:
        """The picture as SVG: by default in our own layout, which is fast and has a legend."""
        return self._drawn("svg", known_engine(engine)).decode("utf-8")

    def html(self) -> str:
        """The page: one file that needs nothing else."""
        return to_html(self.explained(), self.options)

    def explained(self) -> GraphData:
        """The graph with what only a page has room for: the derivatives of its ops, and why a gradient is None or zero."""
        graph = replace(self.graph, ops=dict(self.graph.ops), boxes=[replace(box) for box in self.graph.boxes])
        tell_ops(graph)
        explain(graph)
        return graph

    def json(self) -> str:
        """The graph itself, which `GraphData.from_json` takes."""
        return json.dumps(self.graph.to_json(), allow_nan=False) + "\n"

    def to_graphviz(self) -> Any:
        """A `graphviz.Digraph`, to change and to `render`."""
        return to_digraph(self.graph, self.options)

    # --- files -------------------------------------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str], engine: Engine | None = None) -> Path:
        """Writes a file, by the extension .txt, .dot, .gv, .svg, .html, .png, .pdf or .json, and returns its path.

        `engine` says what lays out .svg, .png and .pdf: "dot", "built-in", or "auto", which tries the first, then the second.
        """
        target = Path(path)
        writer = WRITERS.get(target.suffix.lower())
        if os.path.isdir(target) or os.fspath(path).endswith(("/", os.sep)):
            raise IsADirectoryError(f"{target} is a directory: name a file in it, as {str(target / 'graph.svg')!r}")
        if writer is None:
            raise ValueError(
                f"a picture cannot be saved as {target.name!r}: the extension says what is written, and has to be one of "
                f"{', '.join(WRITERS)}"
            )
        if not os.path.isdir(target.parent):
            raise FileNotFoundError(
                f"the picture cannot be written to {target}: there is no directory {target.parent}. Make it first, as by "
                f"pathlib.Path({str(target.parent)!r}).mkdir(parents=True)"
            )
        content = writer(self, self.engine if engine is None else known_engine(engine))
        try:
            target.write_bytes(content)
        except OSError as error:
            words = f"the picture cannot be written ({error.strerror}): choose another place"
            raise type(error)(error.errno, words, str(target)) from None
        return target

    def _drawn(self, form: str, engine: Engine) -> bytes:
        """SVG, PNG or PDF, by Graphviz or by the built-in layout."""
        if engine != "built-in":
            drawn = render(self.graph, self.options, form, demanded=engine == "dot")
            if drawn is not None:
                return drawn
        return BUILT_IN[form](self.graph, self.options)

    def show(self) -> Path:
        """Opens the page in the browser, and returns the file that it is in."""
        handle, name = tempfile.mkstemp(".html", "graph-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(self.html())
        if not webbrowser.open(Path(name).as_uri()):
            warnings.warn(f"no browser could be opened; the page is in {name}", stacklevel=2)
        return Path(name)

    # --- notebooks ---------------------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        return self.text()

    def _repr_mimebundle_(self, include: Container[str] | None = None, exclude: Container[str] | None = None) -> dict[str, str]:
        """Text, SVG and a page, for a notebook to choose from."""
        forms: dict[str, Callable[[], str]] = {"text/plain": self.text, "image/svg+xml": self.svg, "text/html": self._cell}
        return {
            form: write()
            for form, write in forms.items()
            if (not include or form in include) and (not exclude or form not in exclude)
        }

    def _cell(self) -> str:
        page = self.html() if len(self.graph.boxes) <= PAGE_BOXES else ""
        return framed(self.svg(), page if len(page) <= PAGE_LIMIT else "", self.graph.title)


def framed(svg: str, page: str, title: str = "") -> str:
    """HTML for a cell: the picture as an image, which survives every sanitiser, and a script that puts the page in its place.

    Without a page, which is then too large for a notebook, a line under the picture says how to get one.
    """
    image = b64encode(svg.encode("utf-8")).decode("ascii")
    name = escape(clean(title) or "graph", quote=True)
    picture = f'<img alt="{name}" style="max-width:100%" src="data:image/svg+xml;base64,{image}">'
    if not page:
        return (
            f"<div>{picture}<p>The page with all of this graph is too large for a notebook: save it as a file, with "
            '<code>.save("graph.html")</code>.</p></div>'
        )
    mark = sha256((svg + page).encode("utf-8", "surrogatepass")).hexdigest()[:16]
    text = json.dumps(page).replace("<", "\\u003c")  # no label can end the script
    return (
        f'<div data-graph="{mark}">{picture}</div><script>(function () {{\n'
        f"const page = {text};\n"
        f"for (const place of document.querySelectorAll('[data-graph=\"{mark}\"]')) {{\n"
        '  const frame = document.createElement("iframe");\n'
        '  frame.setAttribute("sandbox", "allow-scripts allow-downloads");\n'
        f'  frame.style = "width: 100%; height: {FRAME_HEIGHT}px; border: 0";\n'
        "  frame.srcdoc = page;\n"
        "  place.replaceChildren(frame);\n"
        "  place.removeAttribute('data-graph');\n"
        "}\n})();</script>"
    )


def known_engine(engine: Any) -> Engine:
    """The word, if it is one of those that we know."""
    if engine not in get_args(Engine):
        raise ValueError(f"engine={engine!r} is not known: write one of {', '.join(map(repr, get_args(Engine)))}")
    known: Engine = engine
    return known


BUILT_IN: dict[str, Callable[[GraphData, Options], bytes]] = {
    "svg": lambda graph, options: to_svg(graph, options).encode("utf-8"),
    "png": to_png,
    "pdf": to_pdf,
}

WRITERS: dict[str, Callable[[Picture, Engine], bytes]] = {
    ".txt": lambda picture, engine: (picture.text() + "\n").encode("utf-8"),
    ".dot": lambda picture, engine: picture.to_graphviz().source.encode("utf-8"),
    ".gv": lambda picture, engine: picture.to_graphviz().source.encode("utf-8"),
    ".svg": lambda picture, engine: picture._drawn("svg", engine),
    ".html": lambda picture, engine: picture.html().encode("utf-8"),
    ".png": lambda picture, engine: picture._drawn("png", engine),
    ".pdf": lambda picture, engine: picture._drawn("pdf", engine),
    ".json": lambda picture, engine: picture.json().encode("utf-8"),
}
