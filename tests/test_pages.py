"""Every block of Python in README.md and in the pages of docs/ runs, and prints what the page says; commands and links exist.

A block is a session of its own: it starts with nothing defined. One that imports a peer is skipped where that is missing.
CONTRIBUTING.md has a test of its own.
"""

import doctest
import importlib.util
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PEERS = ("torch", "jax", "micrograd", "mygrad")


def blocks():
    """Each block of each page: where it stands and what it says."""
    for page in PAGES:
        words = page.read_text(encoding="utf-8")
        for match in BLOCK.finditer(words):
            line = words.count("\n", 0, match.start(1))
            name = page.relative_to(ROOT).as_posix()
            yield pytest.param(match[1], name, line, id=f"{name}, line {line + 1}")


def failures(source, name="page", line=0):
    """What a doctest runner reports of a block."""
    test = doctest.DocTestParser().get_doctest(source, {"__name__": "page"}, name, name, line)
    assert test.examples
    words = []
    doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS).run(test, out=words.append)
    return "".join(words)


@pytest.mark.parametrize(("source", "name", "line"), list(blocks()))
def test_a_block_does_what_it_says(source, name, line, own_ops, monkeypatch, tmp_path):
    for peer in re.findall(r"^>>> (?:import|from) (\w+)", source, re.MULTILINE):
        if peer in PEERS and importlib.util.find_spec(peer) is None:
            pytest.skip(f"{peer} is not installed")
    monkeypatch.chdir(tmp_path)  # what a block writes stays with it
    assert failures(source, name, line) == ""


@pytest.mark.parametrize("source", [">>> 1 + 1\n3\n", ">>> 1 / 0\n", ">>> print('unforeseen')\n"])
def test_a_wrong_block_is_found(source):
    assert failures(source)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_block_escapes(page):
    """Each fence is closed, and says what language it is in; a prompt of Python stands in a fence of Python."""
    words = page.read_text(encoding="utf-8")
    fences = re.findall(r"^```.*$", words, re.MULTILINE)
    assert all(fence == "```" for fence in fences[1::2])
    assert all(re.fullmatch(r"```(python|text|console|\{[\w-]+\}.*)", fence) for fence in fences[::2])
    assert not re.search(r"^\s*>>> ", BLOCK.sub("", words), re.MULTILINE)


def test_the_readme_has_examples():
    assert len(BLOCK.findall(PAGES[0].read_text(encoding="utf-8"))) >= 4


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_commands_exist(page):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^    |`|^)make ([\w-]+)", page.read_text(encoding="utf-8"), re.MULTILINE))
    assert named <= set(re.findall(r"^([\w-]+):", makefile, re.MULTILINE))


def test_the_readme_names_the_two_commands():
    words = PAGES[0].read_text(encoding="utf-8")
    assert "    make demo" in words
    assert "    make test" in words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", BLOCK.sub("", page.read_text(encoding="utf-8"))):
        place = (page.parent / target).resolve()
        if place.parent == ROOT / "docs" / "notebooks":  # copies, which the build of the site makes
            place = ROOT / "notebooks" / place.name
        assert place.exists(), target


def headings(path):
    """The headings of a notebook."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    words = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    return re.findall(r"^#+ (.*)$", words, re.MULTILINE)


ROWS = re.findall(r"^\| [^|]+ \| \[\d\]\((notebooks/[^)]+)\),? ?(.*) \|$", PAGES[0].read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize(("path", "named"), ROWS)
def test_the_table_of_the_lectures_names_sections_that_are_there(path, named):
    """By how they begin."""
    there = headings(ROOT / path)
    for name in named.removeprefix("from ").split(" to " if named.startswith("from ") else "; "):
        assert any(heading.startswith(name) for heading in there), name


def test_the_table_of_the_lectures_was_found():
    assert len(ROWS) >= 15
    assert sum(bool(named) for _, named in ROWS) >= len(ROWS) - 1
