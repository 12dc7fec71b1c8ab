"""PNG and PDF of the built-in layout: what svg.py wrote, painted by matplotlib.

It reads the little of SVG that svg.py writes (rectangles, paths, texts, a style sheet of plain rules), so that all three look
the same and only one of them is drawn by hand. Stands on svg.py; matplotlib is imported where it is needed.
"""

import io
import math
import re
import warnings
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from xml.etree import ElementTree

from .model import GraphData
from .svg import to_svg
from .view import Options

SCALE = 2.0  # pixels of a PNG for each of the SVG
SIDE, AREA = 16_000, 25_000_000  # pixels at most, where the scale shrinks
NS = "{http://www.w3.org/2000/svg}"

# Families in the order in which a letter is looked for; what is not installed is passed over.
SANS = (
    *("DejaVu Sans", "Noto Sans", "Arial Unicode MS", "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans CJK KR"),
    *("PingFang SC", "Hiragino Sans", "Microsoft YaHei", "WenQuanYi Zen Hei", "Droid Sans Fallback", "Unifont"),
    *("Noto Sans Arabic", "Noto Sans Hebrew", "Noto Sans Devanagari", "Noto Sans Thai", "Segoe UI Symbol"),
)
MONO = ("DejaVu Sans Mono", *SANS[1:])
SIDES: dict[str, Any] = {"start": "left", "middle": "center", "end": "right"}
ADVANCE = 0.602  # of a letter of the monospaced font, for its size

Rule = tuple[tuple[int, int], str, frozenset[str], dict[str, str]]


def to_png(graph: GraphData, options: Options | None = None) -> bytes:
    """The picture as PNG, two pixels for each unit of the SVG; fewer where that would be very many."""
    return painted(to_svg(graph, options), "png")


def to_pdf(graph: GraphData, options: Options | None = None) -> bytes:
    """The picture as PDF of one page, with text that can be searched."""
    return painted(to_svg(graph, options), "pdf")


def png_size(width: float, height: float) -> tuple[int, int]:
    """Pixels of the PNG of an SVG of that size.

    >>> png_size(300, 200), png_size(300, 160_000)
    ((600, 400), (30, 16000))
    """
    scale = min(SCALE, SIDE / max(width, height), math.sqrt(AREA / (width * height)))
    return max(round(width * scale), 1), max(round(height * scale), 1)


def painted(svg: str, form: str) -> bytes:
    """A picture of svg.py as "png" or "pdf"."""
    import matplotlib
    from matplotlib.figure import Figure

    root = ElementTree.fromstring(svg)
    width, height = float(root.get("width", 1)), float(root.get("height", 1))
    pixels = png_size(width, height)
    sheet = _sheet("".join(style.text or "" for style in root.iter(f"{NS}style")))
    out = io.BytesIO()
    plain: Any = {"text.usetex": False, "path.sketch": None, "path.effects": [], "pdf.fonttype": 42, "savefig.bbox": None}
    with matplotlib.rc_context(plain), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)  # then a box stands for the letter
        figure = Figure(figsize=(width / 72, height / 72), facecolor="white")
        axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
        axes.set_axis_off()
        scale = 1.0 if form == "pdf" else pixels[0] / width
        for order, artist in enumerate(_artists(root, sheet)):
            if hasattr(artist, "get_fontsize") and artist.get_fontsize() * scale < 1:
                continue  # letters of less than a pixel, at which the font's own program fails
            artist.set_zorder(order)
            axes.add_artist(artist)
        if form == "pdf":
            figure.savefig(out, format=form, metadata={"CreationDate": None, "Title": _title(root)})
        else:
            figure.savefig(out, format=form, dpi=72 * scale, metadata={"Software": None}, pil_kwargs={"compress_level": 3})
    return out.getvalue()


def _title(root: ElementTree.Element) -> str:
    return root.findtext(f"{NS}title") or ""


# --- the style sheet -------------------------------------------------------------------------------------------------------


def _sheet(text: str) -> list[Rule]:
    """The rules of the sheet, for the light: specificity, element, classes, what is declared."""
    rules: list[Rule] = []
    for selectors, body in re.findall(r"([^{}]+)\{([^{}]*)\}", text.partition("@media")[0]):
        declared = dict(re.findall(r"([\w-]+):([^;]+)", body))
        for selector in selectors.split(","):
            element, *classes = selector.split()[-1].split(".")
            rules.append(((len(classes), bool(element)), element, frozenset(classes), declared))
    return sorted(rules, key=lambda rule: rule[0])  # stable: of two that are as special, the later one holds


def _looks(element: ElementTree.Element, rules: list[Rule], known: dict[tuple[str, str], dict[str, str]]) -> dict[str, str]:
    """What holds for an element: the rules for its classes, then what it says itself."""
    tag, classes = element.tag.removeprefix(NS), element.get("class", "")
    if (tag, classes) not in known:
        own = set(classes.split())
        fitting = [declared for _, of, wanted, declared in rules if of in ("", tag) and wanted <= own]
        known[tag, classes] = {name: value for declared in fitting for name, value in declared.items()}
    attributes = {name: value for name, value in element.attrib.items() if name in ("fill", "stroke")}
    return attributes | known[tag, classes] | dict(re.findall(r"([\w-]+):([^;]+)", element.get("style", "")))


# --- elements as artists ---------------------------------------------------------------------------------------------------


def _artists(root: ElementTree.Element, rules: list[Rule]) -> Iterator[Any]:
    known: dict[tuple[str, str], dict[str, str]] = {}
    for element in root.iter():
        look = _looks(element, rules, known)
        if element.tag == f"{NS}rect":
            yield _shape(_rounded(*(float(element.get(name, 0)) for name in ("x", "y", "width", "height", "rx"))), look)
        elif element.tag == f"{NS}path":
            yield _shape(_path(element.get("d", "")), look)
        elif element.tag == f"{NS}text":
            yield from _texts(element, look, rules, known)


def _shape(path: Any, look: Mapping[str, str]) -> Any:
    from matplotlib.patches import PathPatch

    dashes = [float(length) for length in look.get("stroke-dasharray", "").split()]
    return PathPatch(
        path,
        facecolor=look.get("fill", "none"),
        edgecolor=look.get("stroke", "none"),
        linewidth=float(look.get("stroke-width", 1)),
        linestyle=(0, [length / float(look.get("stroke-width", 1)) for length in dashes]) if dashes else "-",
        alpha=float(look.get("opacity", 1)),
    )


def _rounded(x: float, y: float, width: float, height: float, radius: float) -> Any:
    """A rectangle with round corners."""
    r = min(radius, width / 2, height / 2)
    right, low, k = x + width, y + height, r * 0.4477
    return _path(
        f"M{x + r},{y}H{right - r}C{right - k},{y} {right},{y + k} {right},{y + r}V{low - r}"
        f"C{right},{low - k} {right - k},{low} {right - r},{low}H{x + r}"
        f"C{x + k},{low} {x},{low - k} {x},{low - r}V{y + r}C{x},{y + k} {x + k},{y} {x + r},{y}Z"
    )


def _path(text: str) -> Any:
    """A path of M, L, H, V, C and Z, or the same in small letters, which count from the last point."""
    from matplotlib.path import Path

    points: list[tuple[float, float]] = []
    codes: list[Any] = []
    for letter, rest in re.findall(r"([MLHVCZmlhvcz])([^MLHVCZmlhvcz]*)", text):
        numbers = [float(number) for number in re.findall(r"[-+]?[\d.]+(?:e[-+]?\d+)?", rest)]
        x, y = points[-1] if points and letter.islower() else (0.0, 0.0)
        if letter in "HhVv":
            at = numbers[0] + (x if letter == "h" else y if letter == "v" else 0.0)
            new = [(at, points[-1][1]) if letter in "Hh" else (points[-1][0], at)]
        else:
            new = [(x + a, y + b) for a, b in zip(numbers[::2], numbers[1::2], strict=True)] or [points[0]]
        points += new
        codes += [{"M": Path.MOVETO, "C": Path.CURVE4, "Z": Path.CLOSEPOLY}.get(letter.upper(), Path.LINETO)] * len(new)
    return Path(points, codes)


def _texts(
    element: ElementTree.Element, look: Mapping[str, str], rules: list[Rule], known: dict[tuple[str, str], dict[str, str]]
) -> Iterator[Any]:
    """A text; one with parts in other colours, which svg.py writes in letters of one width only, piece by piece."""
    x, y = float(element.get("x", 0)), float(element.get("y", 0))
    if not len(element):
        yield _text(x, y, element.text or "", look, look.get("text-anchor", "start"))
        return
    pieces = [(element.text or "", look)]
    for part in element:
        pieces += [(part.text or "", {**look, **_looks(part, rules, known)}), (part.tail or "", look)]
    advance = float(look.get("font-size", "11px").removesuffix("px")) * ADVANCE
    x -= {"middle": 0.5, "end": 1.0}.get(look.get("text-anchor", ""), 0.0) * advance * sum(len(piece) for piece, _ in pieces)
    for piece, own in pieces:
        yield _text(x, y, piece, own, "start")
        x += advance * len(piece)


def _text(x: float, y: float, text: str, look: Mapping[str, str], anchor: str) -> Any:
    from matplotlib.patheffects import withStroke
    from matplotlib.text import Text

    shown = Text(
        x,
        y,
        text,
        color=look.get("fill", "black"),
        fontsize=float(look.get("font-size", "11px").removesuffix("px")),
        fontweight="bold" if int(look.get("font-weight", "400")) >= 600 else "normal",
        fontfamily=list(_families("monospace" in look.get("font-family", ""))),
        horizontalalignment=SIDES[anchor],
        verticalalignment="baseline",
        parse_math=False,
    )
    if look.get("paint-order") == "stroke":
        shown.set_path_effects([withStroke(linewidth=float(look["stroke-width"]), foreground=look["stroke"])])
    return shown


@cache
def _families(mono: bool) -> tuple[str, ...]:
    from matplotlib import font_manager

    installed = set(font_manager.get_font_names())
    return tuple(name for name in (MONO if mono else SANS) if name in installed)
