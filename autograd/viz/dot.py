"""DOT: a graphviz.Digraph of the graphviz package, to change and to render; and what the program `dot` makes of it.

`dot` gets 20 seconds, and no graph with so many long edges that it would need them: those are what costs it time and stack. The
program is run here and not by the package, which knows no limit of time. Stands on view.py; the package is imported where it is
needed.
"""

import os
import shutil
import signal
import subprocess
import sys
import warnings
from typing import Any

from . import colours
from .arrows import Arrow, arrows, ends, levels
from .model import GraphData
from .svg import HEATS, Heat, tip
from .view import Item, Options, View, clean, number_text

SECONDS = 20.0
POINTS = 2_500  # boxes, and rows that edges pass by, all together: 2,000 took 5 to 9 s, 2,800 took 18, 3,100 took 22

FONT = "Helvetica,Arial,sans-serif"


def to_digraph(graph: GraphData, options: Options | None = None) -> Any:
    """The `graphviz.Digraph`: a node `b7` for box number 7, `g2` for a folded module, a cluster for each open one.

    >>> from .model import Box, Edge
    >>> print(to_digraph(GraphData([Box(0, "", "input", "x"), Box(1, "tanh")], [Edge(0, 1)])).source)
    digraph {
    ...
        b0 -> b1
    }
    """
    chosen = Options() if options is None else options
    return _digraph(View.of(graph, chosen), chosen)


def _digraph(view: View, options: Options) -> Any:
    import graphviz

    heat = None if options.colour == "kind" else Heat.of(ends(view).values(), options.colour)
    caption = _caption(view, options, heat)
    whole = graphviz.Digraph(
        graph_attr={
            "rankdir": "TB" if options.direction == "down" else "LR",
            "fontname": FONT,
            "fontsize": "11",
            "fontcolor": colours.QUIET[0],
            "ranksep": "0.35",
            "nodesep": "0.25",
            **({"label": plain(caption, r"\l"), "labeljust": "l"} if caption else {}),
        },
        node_attr={
            "shape": "box",
            "style": "rounded,filled",
            "fontname": FONT,
            "fontsize": "11",
            "fontcolor": colours.INK[0],
            "margin": "0.12,0.06",
        },
        edge_attr={
            "fontname": FONT,
            "fontsize": "9",
            "fontcolor": colours.QUIET[0],
            "color": colours.LINE[0],
            "arrowsize": "0.6",
        },
    )
    found = levels(view)
    opened = [item for level in found for item in level.items if item.inner is not None]
    parts = {item.number: _framed(graphviz.Digraph(f"cluster_g{item.number}"), item) for item in opened} | {None: whole}
    for level in reversed(found):  # inner ones first: a subgraph is copied into the one around it
        for item in level.items:
            if item.inner is not None:
                parts[level.group].subgraph(parts[item.number])
            elif item.kind != "port":
                parts[level.group].node(item.key, plain(item.lines), **_look(view.graph, item, heat))
    for arrow in arrows(view):
        for attributes in _lines(view, arrow, options):
            whole.edge(arrow.source, arrow.target, **attributes)
    return whole


def _caption(view: View, options: Options, heat: Heat | None) -> list[str]:
    """The title, what the colours mean, and what is not shown."""
    lines = [options.title or view.graph.title, *view.graph.notes, *view.notes]
    if heat is not None:
        least, largest = heat.label(heat.least), heat.label(heat.largest)
        lines.append(f"Colour: {HEATS[heat.what]}, log scale, from {least} (dark) to {largest} (light).")
    return [line for line in lines if line]


def _framed(part: Any, item: Item) -> Any:
    """The cluster of an open module."""
    fill, line, _, _ = colours.KINDS["open"]
    part.attr(
        "graph",
        label=plain(item.lines, r"\l"),
        labeljust="l",
        style="rounded,filled",
        fillcolor=fill,
        color=colours.MARKS[colours.mark_of(item.marks)][0] if item.marks else line,
    )
    return part


def _look(graph: GraphData, item: Item, heat: Heat | None) -> dict[str, Any]:
    """Colours, and what is told where the pointer rests."""
    box = None if item.kind == "folded" else graph.boxes[item.number]
    fill, line, _, _ = colours.KINDS["folded" if box is None else box.kind]
    look = {"fillcolor": fill, "color": line}
    shade = None if heat is None else heat.colour(item)
    if shade == "zero":
        look["fillcolor"] = colours.ZERO[0]
    elif shade is not None:
        look |= {"fillcolor": shade, "fontcolor": colours.ink_on(shade)}
    if item.kind == "chip":
        look |= {"fontsize": "9", "height": "0.2", "margin": "0.08,0.02"}
    if box is None:
        look["peripheries"] = "2"
    elif box.is_output:
        look |= {"color": colours.INK[0], "penwidth": "2"}
    if item.marks:
        look |= {"color": colours.MARKS[colours.mark_of(item.marks)][0], "penwidth": "2"}
    return look | {"tooltip": plain([_path(graph, item) if box is None else tip(box)])}


def _path(graph: GraphData, item: Item) -> str:
    return graph.groups[item.number].path if item.number < len(graph.groups) else item.lines[0]


def _lines(view: View, arrow: Arrow, options: Options) -> list[dict[str, Any]]:
    """The attributes of each line that is drawn: between values one for each edge, to and from modules one for all."""
    edges = [view.graph.edges[edge] for edge in arrow.edges]
    if "g" in (arrow.target[0], arrow.source[0]):
        edges = edges[:1]
    found = []
    for edge in edges:
        look: dict[str, Any] = {}
        if edge.slope is not None and options.gradients:
            look["label"] = f"×{number_text(edge.slope)}"
        if edge.marks:
            shade = colours.MARKS[colours.mark_of(edge.marks)][0]
            look |= {"label": plain(list(edge.marks)), "color": shade, "fontcolor": shade, "penwidth": "2"}
        found.append(look)
    return found


def plain(lines: list[str], end: str = "") -> Any:
    r"""Lines as a label, in which nothing has a meaning for Graphviz; `end` after each is \l where they begin at the left.

    >>> print(plain(["a < b & c", r"\N"]))
    a < b &amp; c\n\\N
    """
    import graphviz

    escaped = [clean(line).replace("\\", r"\\").replace("&", "&amp;") for line in lines]
    return graphviz.nohtml("".join(line + end for line in escaped) if end else r"\n".join(escaped))


# --- the program `dot` -----------------------------------------------------------------------------------------------------


def render(
    graph: GraphData, options: Options | None = None, form: str = "svg", *, demanded: bool = False, seconds: float = SECONDS
) -> bytes | None:
    """What `dot` draws, as "svg", "png" or "pdf"; None, with one line of warning, if it cannot or would not in time.

    Where there is no `dot` it is None without a warning, or an error if it was `demanded`.
    """
    program = shutil.which("dot")
    if program is None:
        if demanded:
            raise FileNotFoundError(
                'engine="dot" needs the program `dot` of Graphviz, which is not on the path: install it from graphviz.org, or '
                'by `apt install graphviz` or `brew install graphviz`; or write engine="built-in"'
            )
        return None
    chosen = Options() if options is None else options
    view = View.of(graph, chosen)
    boxes, passed = len(ends(view)), long_edges(view)
    if boxes + passed > POINTS and not demanded:
        why = f"{boxes:,} boxes, and edges that pass {passed:,} rows, would take dot too long"
    else:
        try:
            return run(program, form, _digraph(view, chosen).source, seconds)
        except TimeoutError:
            why = f"dot took more than {seconds:g} s"
        except subprocess.CalledProcessError as error:
            words = error.stderr.decode("utf-8", "replace").strip().splitlines()
            why = f"dot failed: {words[0] if words else f'it ended with {error.returncode}'}"
    warnings.warn(f"this graph is drawn by the built-in layout: {why}", stacklevel=_levels_to_user())
    return None


def _levels_to_user() -> int:
    """How many calls above the caller of this the first line stands that is not in this package."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and os.path.dirname(frame.f_code.co_filename) == os.path.dirname(__file__):
        frame, level = frame.f_back, level + 1
    return level


def run(program: str, form: str, source: str, seconds: float) -> bytes:
    """What the program prints; after the time it is killed, and whatever it has started."""
    process = subprocess.Popen(
        [program, f"-T{form}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # where `dot` is a script, what it runs is killed with it
    )
    with process:
        try:
            out, err = process.communicate(source.encode("utf-8"), timeout=seconds)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"{program} took more than {seconds:g} s") from None
        finally:
            if process.poll() is None:
                _kill(process)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, program, out, err)
    return out


def _kill(process: "subprocess.Popen[bytes]") -> None:
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()


def long_edges(view: View) -> int:
    """How many rows the edges pass by, all together: for each such place a layered layout has a point to put somewhere."""
    order = {key: i for i, key in enumerate(ends(view))}
    forward = [arrow for arrow in arrows(view) if order[arrow.source] < order[arrow.target]]
    forward.sort(key=lambda arrow: order[arrow.target])
    rank = dict.fromkeys(order, 0)
    for arrow in forward:
        rank[arrow.target] = max(rank[arrow.target], rank[arrow.source] + 1)
    nearest: dict[str, int] = {}
    for arrow in forward:
        nearest[arrow.source] = min(nearest.get(arrow.source, len(order)), rank[arrow.target])
    made = {arrow.target for arrow in forward}
    start = {key: rank[key] if key in made else nearest.get(key, 1) - 1 for key in order}  # inputs stand just before their use
    return sum(rank[arrow.target] - start[arrow.source] - 1 for arrow in forward)
