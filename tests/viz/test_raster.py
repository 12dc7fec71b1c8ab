"""PNG and PDF of the built-in layout: files that others can read, of the promised size, with everything that the SVG shows."""

import io
import re
import warnings
import zlib
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

matplotlib = pytest.importorskip("matplotlib")
from autograd.viz import colours, raster  # noqa: E402
from autograd.viz.raster import AREA, SIDE, png_size, to_pdf, to_png  # noqa: E402
from autograd.viz.svg import to_svg  # noqa: E402
from autograd.viz.view import Options  # noqa: E402
from tests.viz.drawn import expression, failed, network, wild  # noqa: E402


def pixels(png):
    return (matplotlib.image.imread(io.BytesIO(png))[..., :3] * 255).round().astype(int)


def size_of(svg):
    root = ElementTree.fromstring(svg)
    return float(root.get("width")), float(root.get("height"))


def rgb(colour):
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))


def holds(picture, colour):
    return bool((picture == rgb(colour)).all(axis=-1).any())


@pytest.mark.slow
@pytest.mark.parametrize("graph", [expression(), network(), failed()], ids=["expression", "network", "failed"])
@pytest.mark.parametrize("direction", ["down", "right"])
def test_png_has_two_pixels_for_each_unit(graph, direction):
    options = Options(direction=direction)
    width, height = size_of(to_svg(graph, options))
    assert pixels(to_png(graph, options)).shape == (2 * height, 2 * width, 3)


@pytest.mark.slow
@given(st.floats(1, 1e6), st.floats(1, 1e6))
def test_large_pictures_shrink(width, height):
    across, down = png_size(width, height)
    assert 1 <= across <= min(2 * width + 1, SIDE)
    assert 1 <= down <= min(2 * height + 1, SIDE)
    assert across * down <= AREA * 1.01 + across + down


def test_letters_of_less_than_a_pixel_are_left_out_which_no_font_can_draw():
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="900000"><text x="9" y="9">a</text></svg>'
    assert pixels(raster.painted(svg, "png")).shape[1] == 5


@pytest.mark.slow
def test_png_has_the_colours_of_kinds_marks_and_lines():
    picture = pixels(to_png(expression()))
    for colour in (colours.PAPER[0], colours.KINDS["input"][0], colours.LINE[0], colours.KINDS["op"][1]):
        assert holds(picture, colour), colour
    assert not holds(picture, colours.KINDS["parameter"][0])
    assert holds(pixels(to_png(failed())), colours.MARKS["failed"][0])


@pytest.mark.slow
def test_colours_of_magnitudes():
    picture = pixels(to_png(network(), Options(colour="gradient")))
    assert holds(picture, colours.scale(1.0))
    assert holds(picture, colours.scale(0.0))


@pytest.mark.slow
def test_axes_that_clash_stand_out_in_their_line():
    """The brackets are written in pieces, in another colour, on the same line."""
    svg = to_svg(failed())
    bare = re.sub("</?tspan[^>]*>", "", svg)
    in_pieces, in_one = pixels(raster.painted(svg, "png")), pixels(raster.painted(bare, "png"))
    strong = rgb(colours.MARKS["failed"][0])
    assert (in_pieces == strong).all(axis=-1).sum() > (in_one == strong).all(axis=-1).sum() + 50
    with_ink = [np.flatnonzero((picture != 255).any(axis=-1).any(axis=1)) for picture in (in_pieces, in_one)]
    np.testing.assert_array_equal(*with_ink)  # on the same lines


def test_the_painter_knows_all_that_the_svg_is_made_of():
    """Whatever svg.py writes: no element, letter of a path or property that would be left out here without a word."""
    known = {"svg", "title", "desc", "style", "g", "rect", "path", "text", "tspan"}
    for graph, options in ((expression(), Options()), (network(6), Options(depth=2, colour="time")), (wild(3), Options())):
        root = ElementTree.fromstring(to_svg(graph, options))
        assert {element.tag.removeprefix(raster.NS) for element in root.iter()} <= known
        for element in root.iter():
            assert not {"transform", "points", "cx"} & set(element.attrib), element.attrib
            assert not set(re.findall("[a-zA-Z]", element.get("d", "").replace("e", ""))) - set("MLHVCZmlhvcz")
        sheet = "".join(style.text for style in root.iter(f"{raster.NS}style")).partition("@media")[0]
        for selector in re.findall(r"([^{}]+)\{", sheet):
            for one in selector.split(","):
                assert re.fullmatch(r"\.wv (\w+)?(\.[\w-]+)*", one), one


# --- PDF -------------------------------------------------------------------------------------------------------------------


def pdf_objects(data):
    """The objects of a PDF by number, found by its table of references as a reader finds them."""
    assert data.startswith(b"%PDF-1.")
    assert data.rstrip().endswith(b"%%EOF")
    start = int(re.search(rb"startxref\s+(\d+)", data)[1])
    assert data[start : start + 4] == b"xref"
    table = re.match(rb"xref\s+0 (\d+)\s+", data[start:])
    rows = re.findall(rb"(\d{10}) \d{5} ([nf])\s", data[start + table.end() :])[: int(table[1])]
    found = {}
    for number, (offset, kind) in enumerate(rows):
        if kind == b"n":
            at = int(offset)
            assert data[at:].startswith(b"%d 0 obj" % number)
            found[number] = data[at : data.index(b"endobj", at)]
    return found


def stream(part):
    content = part.partition(b"stream")[2].lstrip(b"\r\n")
    return zlib.decompressobj().decompress(content) if b"FlateDecode" in part else content


@pytest.mark.slow
def test_pdf_has_one_page_of_the_size_of_the_svg_with_text_on_it():
    data, (width, height) = to_pdf(network()), size_of(to_svg(network()))
    objects = pdf_objects(data)
    pages = [part for part in objects.values() if re.search(rb"/Type /Page\b", part)]
    assert len(pages) == 1
    box = [float(number) for number in re.search(rb"/MediaBox \[([^\]]+)\]", pages[0])[1].split()]
    np.testing.assert_allclose(box, [0, 0, width, height])
    content = stream(objects[int(re.search(rb"/Contents (\d+) 0 R", pages[0])[1])])
    assert content.count(b"BT") >= 20
    assert any(b"/FontFile2" in part for part in objects.values())
    assert b"/CreationDate" not in data


@pytest.mark.slow
@settings(max_examples=4)  # large ones: a PDF takes its time for the fonts, of which a small one needs as many
@given(st.integers(0, 10_000))
def test_any_text_is_safe_and_the_files_are_the_same_each_time(seed):
    graph, again = wild(seed, 120, 24), wild(seed, 120, 24)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of letters that no font has, of fonts that are not there
        options = Options(depth=0)
        assert to_png(graph, options) == to_png(again, options)
        pdf = to_pdf(graph, options)
        assert pdf_objects(pdf)
        assert to_pdf(again, options) == pdf


@pytest.mark.slow
def test_the_users_settings_of_matplotlib_change_nothing_and_are_not_changed():
    before = to_png(expression())
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "lines.linewidth": 9, "savefig.bbox": "tight"}):
        assert to_png(expression()) == before
        assert matplotlib.rcParams["font.size"] == 30


def test_a_path_in_letters_of_both_kinds():
    path = raster._path("M1,2H5V6h-1v-1L0,0l2,3C1,1 2,2 3,3c1,1 2,2 3,3m1e1,0Z")
    points = [
        (1, 2),
        (5, 2),
        (5, 6),
        (4, 6),
        (4, 5),
        (0, 0),
        (2, 3),
        (1, 1),
        (2, 2),
        (3, 3),
        (4, 4),
        (5, 5),
        (6, 6),
        (16, 6),
        (1, 2),
    ]
    np.testing.assert_array_equal(path.vertices, points)
