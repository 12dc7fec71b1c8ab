"""Every notebook runs from top to bottom, and what is committed is the outcome of such a run."""

import re
from pathlib import Path

import pytest

from notebooks.execute import ROOT, executed

nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed: pip install nbclient ipykernel")
PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LARGEST = 1_500_000  # bytes of a file


def codes(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.mark.slow
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_it_runs(path):
    """A cell that raises would stop it."""
    said, again = codes(nbformat.read(path, as_version=4)), codes(executed(path))
    assert [kinds(cell) for cell in again] == [kinds(cell) for cell in said]


def kinds(cell):
    """What sorts of output a cell has."""
    return [sorted(output.get("data", [output.output_type])) for output in cell.outputs]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_what_is_committed_is_a_whole_run(path: Path):
    text = path.read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    cells = codes(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert any("image/png" in output.get("data", {}) or "image/svg+xml" in output.get("data", {}) for output in outputs)
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]
    assert len(text) < LARGEST
    assert not re.search(r"/home/|/root/|/work/|/tmp/|<[\w. ]+ object at 0x", text)


def test_there_are_some():
    assert [path.name[:2] for path in PATHS] == [f"{i:02}" for i in range(1, len(PATHS) + 1)]
