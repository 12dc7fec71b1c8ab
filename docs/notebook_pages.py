"""Copies the notebooks to where Sphinx looks for pages, with their links as they are on the site.

Knows no Sphinx: `docs/conf.py` calls it. A file that has not changed is not written, so that Sphinx need not read it again.
"""

from pathlib import Path

LINKS = {"](../docs/": "](../", "](../CONTRIBUTING.md": "](../contributing.md", "](../CHANGELOG.md": "](../changelog.md"}


def write(source: Path, target: Path) -> None:
    """Makes the notebooks in `target` those of `source`."""
    pages = {path.name: page(path.read_text(encoding="utf-8")) for path in sorted(source.glob("*.ipynb"))}
    target.mkdir(exist_ok=True)
    for path in target.glob("*.ipynb"):
        if path.name not in pages:
            path.unlink()
    for name, words in pages.items():
        path = target / name
        if not path.exists() or path.read_text(encoding="utf-8") != words:
            path.write_text(words, encoding="utf-8")


def page(words: str) -> str:
    """A notebook whose links lead to pages of the site."""
    for here, there in LINKS.items():
        words = words.replace(here, there)
    return words
