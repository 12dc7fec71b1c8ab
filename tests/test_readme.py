"""Every block of Python in README.md runs, and prints what the README says; its commands and links exist.

A block is a session of its own: it starts with nothing defined.
"""

import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = [(README.count("\n", 0, match.start(1)), match[1]) for match in BLOCK.finditer(README)]


def failures(source, line=0):
    """What a doctest runner reports of a block."""
    test = doctest.DocTestParser().get_doctest(source, {"__name__": "readme"}, "README.md", "README.md", line)
    assert test.examples
    words = []
    doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS).run(test, out=words.append)
    return "".join(words)


@pytest.mark.parametrize(("line", "source"), BLOCKS, ids=[f"line {line + 1}" for line, _ in BLOCKS])
def test_a_block_does_what_it_says(line, source, own_ops):
    assert failures(source, line) == ""


@pytest.mark.parametrize("source", [">>> 1 + 1\n3\n", ">>> 1 / 0\n", ">>> print('unforeseen')\n"])
def test_a_wrong_block_is_found(source):
    assert failures(source)


def test_no_block_escapes():
    """Each fence opens or closes a block of Python that was found."""
    assert len(BLOCKS) >= 4
    assert README.count("```") == 2 * len(BLOCKS)


def test_the_commands_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^    |`)make ([\w-]+)", README, re.MULTILINE))
    assert named >= {"demo", "test"}
    assert named <= set(re.findall(r"^([\w-]+):", makefile, re.MULTILINE))


def test_the_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).is_file(), target
