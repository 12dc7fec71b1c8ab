"""Runs notebooks and keeps their outputs: `python -m notebooks.execute` for all of them, or with the paths of some.

They run in the folder of the repository, in a fresh kernel each, with one thread of BLAS: their matrices are small. What
differs from machine to machine is left out of the file: times, versions, and the folder's own path. Pictures are kept with a
palette of 256 colours, in a third of the room. Stands on nbclient, nbformat and Pillow; knows nothing of what is in a notebook.
"""

import argparse
import base64
import io
import os
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

ROOT = Path(__file__).parents[1]
LIMIT = 300  # seconds for a cell
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def smaller(picture):
    """A PNG, in base64 as notebooks have it, with 256 colours at most; itself if that is not smaller."""
    out = io.BytesIO()
    image = Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB")
    image.quantize(256, dither=Image.Dither.NONE).save(out, format="png", optimize=True)
    return min(picture, base64.b64encode(out.getvalue()).decode(), key=len)


def executed(path):
    """The notebook with the outputs of a run of its own; an error in a cell is raised."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    # Prints in a row are one output, however they came in time.
    client = NotebookClient(notebook, timeout=LIMIT, coalesce_streams=True, resources={"metadata": {"path": str(ROOT)}})
    client.execute(env={**os.environ, **ONE_THREAD})
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return notebook


def main(arguments=None):
    """Runs notebooks, and writes them with their outputs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("notebooks", nargs="*", type=Path, default=sorted((ROOT / "notebooks").glob("*.ipynb")))
    for path in parser.parse_args(arguments).notebooks:
        notebook = executed(path)
        for cell in notebook.cells:
            for output in cell.get("outputs", ()):
                if "image/png" in output.get("data", {}):
                    output.data["image/png"] = smaller(output.data["image/png"])
        text = nbformat.writes(notebook)
        for word in (str(ROOT), "ipykernel_"):
            if word in text:
                raise ValueError(f"{path.name} has the path {word} in its outputs, which is another elsewhere")
        path.write_text(text + "\n" * (not text.endswith("\n")), encoding="utf-8")
        print(f"{path.name}: {sum(cell.cell_type == 'code' for cell in notebook.cells)} cells, {len(text) // 1024} KB")


if __name__ == "__main__":
    main()
