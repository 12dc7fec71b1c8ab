"""The site: every public name is on a page of the reference, formulas and docstrings become what they should, and it builds.

`make docs` builds it with warnings as errors, which finds dead links and docstrings that do not parse; that takes most of a
minute, so that no test does it. What is tested here needs Sphinx installed, but no build.
"""

import ast
import json
import re
from pathlib import Path

import pytest

pytest.importorskip("sphinx", reason="Sphinx is not installed: pip install 'wengert[docs]'")
pytest.importorskip("latex2mathml", reason="latex2mathml is not installed: pip install 'wengert[docs]'")

from docutils import nodes

from docs import formulas, listings, notebook_pages

ROOT = Path(__file__).parents[1]
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs" / "api").glob("*.rst"))}
COVERED = {name for page in PAGES.values() for name in listings.covered(page)}
PACKAGES = ["autograd", "autograd.testing", "autograd.viz", "nn", "nn.functional", "nn.init", "optim"]
NAMESPACES = {"autograd": {"fft", "integrate", "linalg", "random", "sparse", "special"}, "nn": {"functional", "init"}}
PARTS = ["autograd.linalg", "autograd.special", "autograd.integrate"]


@pytest.mark.parametrize("package", PACKAGES + PARTS)
def test_every_public_name_is_on_a_page(package):
    names = set(listings.package(package).__all__) if package != "nn.init" else set(listings.listed(package))
    missing = {name for name in names - NAMESPACES.get(package, set()) if f"{package}.{name}" not in COVERED}
    assert not missing - {"MatrixError"}  # of linalg: it stands among the errors


@pytest.mark.parametrize("name", sorted(set().union(*NAMESPACES.values())))
def test_every_namespace_is_on_a_page(name):
    assert any(covered.startswith((f"autograd.{name}.", f"nn.{name}.")) for covered in COVERED)


def test_a_name_is_on_one_page():
    """Sphinx warns of a second one only where the two are spelt alike."""
    names = [name for page in PAGES.values() for name in listings.covered(page)]
    assert len(names) == len(set(names))


def test_a_name_that_is_nowhere_would_be_missed():
    page = ".. public:: nn\n   :from: nn.linear\n   :leave: Linear Flatten\n\n.. autofunction:: nn.state::save\n"
    assert set(listings.covered(page)) == {"nn.Identity", "nn.Bilinear", "nn.Unflatten", "nn.state.save"}


def test_hand_written_entries_are_read():
    page = ".. py:data:: autograd.e\n             autograd.pi\n   :no-index:\n\n.. py:function:: autograd.f(x, y)\n"
    assert list(listings.covered(page)) == ["autograd.e", "autograd.pi", "autograd.f"]


@pytest.mark.parametrize(("name", "page"), list(PAGES.items()), ids=PAGES)
def test_every_page_is_in_the_reference(name, page):
    assert f"\napi/{name}\n" in (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    assert list(listings.covered(page))


def test_a_listing_follows_the_source():
    assert listings.listed("optim", ["optim.sgd", "optim.adam"]) == ["SGD", "Adam", "AdamW"]
    assert listings.listed("optim", ["optim.adam", "optim.sgd"], ["AdamW"]) == ["Adam", "SGD"]


def test_a_second_name_refers_to_the_first():
    (head, _, _, words, _) = listings.entry("autograd", "acos", False)
    assert (head, words.strip()) == (".. py:function:: acos(x)", "The same as `arccos`.")
    assert next(listings.entry("autograd", "arccos", False)) == ".. autofunction:: autograd::arccos"


@pytest.mark.parametrize(
    ("lines", "made"),
    [
        (["w**2 * |x| and x_, not `a*b`"], [r"w\*\*2 \* \|x\| and x\_, not `a*b`"]),
        (["`axis` of `sum`"], ["``axis`` of `sum`"]),
        (["by", "", "    a * b", "", "c*d"], ["by", "", "::", "", "    a * b", "", r"c\*d"]),
        ([">>> 2*3", "6", "", "x*y"], [">>> 2*3", "6", "", r"x\*y"]),
        (["- `a`: b*c", "  d|e"], [r"- `a`: b\*c", r"  d\|e"]),
    ],
)
def test_docstrings_are_plain_text(lines, made):
    def thing(axis):
        pass

    listings.as_rest(None, "function", "thing", thing, None, lines)
    assert lines == made


@pytest.mark.parametrize(
    ("signature", "plainer"),
    [
        ("(x: ~typing.Any, axis: ~typing.Any = None)", "(x, axis=None)"),
        ("(f: ~collections.abc.Callable[[...], ~typing.Any], n: int = 0)", "(f: ~collections.abc.Callable, n: int = 0)"),
        ("(x: dict[str, ~typing.Any])", "(x: dict[str, ~typing.Any])"),
        (None, None),
    ],
)
def test_signatures_say_what_matters(signature, plainer):
    assert listings.plainly(None, "function", "f", None, None, signature, "~typing.Any") == (plainer, None)
    assert listings.plainly(None, "function", "f", None, None, signature, "int") == (plainer, "int")


@pytest.mark.slow
def test_every_docstring_has_its_backticks_in_pairs():
    """A pair that is broken over two lines would be shown as it stands."""
    odd = []
    for folder in ("autograd", "nn", "optim"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                    words = ast.get_docstring(node) or ""
                    odd += [f"{path.name}: {line}" for line in words.split("\n") if line.count("`") % 2 or "``" in line]
    assert not odd


@pytest.mark.parametrize(
    ("tex", "found"),
    [
        (r"\frac{a}{b}", "<mfrac>"),
        (r"\ln x", '<mi>ln</mi><mspace width="0.167em" /><mi>x</mi>'),
        (r"\log_2 p", '</msub><mspace width="0.167em" /><mi>p</mi>'),
        (r"a = b", "<mo>=</mo>"),
        (r"\ln(x)", '<mi>ln</mi><mo stretchy="false">(</mo>'),
    ],
)
def test_formulas_become_mathml(tex, found):
    written = formulas.mathml(nodes.math(tex, tex))
    assert found in written
    assert 'display="inline"' in written
    assert 'display="block"' in formulas.mathml(nodes.math_block(tex, tex))


@pytest.mark.parametrize("tex", [r"\nonsense x", r"\frac{a}", "a^b^c"])
def test_a_formula_that_is_not_understood_is_a_warning(tex, monkeypatch):
    said = []
    monkeypatch.setattr(formulas.logger, "warning", lambda *words, **options: said.append(words))
    formulas.mathml(nodes.math(tex, tex))
    assert len(said) == 1


def test_all_formulas_of_the_notebooks_are_understood(monkeypatch):
    said, count = [], 0
    monkeypatch.setattr(formulas.logger, "warning", lambda *words, **options: said.append(words))
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "markdown":
                words = re.sub(r"`[^`]*`", "", "".join(cell["source"]))
                for block, inline in re.findall(r"\$\$(.+?)\$\$|\$([^$]+)\$", words, re.DOTALL):
                    formulas.mathml(nodes.math(block or inline, block or inline))
                    count += 1
    assert not said
    assert count > 100


def test_notebooks_are_copied_with_their_links(tmp_path):
    source, target = tmp_path / "notebooks", tmp_path / "docs"
    source.mkdir()
    (source / "1.ipynb").write_text('["[a](../docs/ops.md), [b](2.ipynb), [c](../CONTRIBUTING.md)"]', encoding="utf-8")
    notebook_pages.write(source, target)
    written = target / "1.ipynb"
    assert written.read_text(encoding="utf-8") == '["[a](../ops.md), [b](2.ipynb), [c](../contributing.md)"]'
    before = written.stat().st_mtime_ns
    notebook_pages.write(source, target)
    assert written.stat().st_mtime_ns == before  # Sphinx would read it again
    (source / "1.ipynb").rename(source / "2.ipynb")
    notebook_pages.write(source, target)
    assert [path.name for path in target.iterdir()] == ["2.ipynb"]


def test_nothing_is_fetched():
    """No page of ours asks for a script, a font or a style from elsewhere."""
    for path in [ROOT / "docs" / "conf.py", *sorted((ROOT / "docs" / "_static").iterdir())]:
        assert "http" not in path.read_text(encoding="utf-8")
