"""`python -m benchmarks.publish [figures.json]`: figures that were measured, into the pages that show them.

Without a file it writes the pages anew from `benchmarks/result.json`, the committed result; with one, that becomes the result
first. Nothing on the pages is written by hand, so that nothing is claimed that was not measured; a test holds them fresh.
"""

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

from . import show
from .peers import PEERS

HERE = Path(__file__).resolve().parent
RESULT = HERE / "result.json"
README = HERE.parent / "README.md"
PAGE = HERE.parent / "docs" / "benchmarks.md"
CHART = HERE.parent / "docs" / "pictures" / "benchmarks.svg"
BETWEEN = re.compile(r"(?<=<!-- benchmarks: written by `python -m benchmarks.publish` -->\n).*?(?=<!-- end -->)", re.DOTALL)

NAMES = {
    "ours": "wengert",
    "torch": "PyTorch",
    "torch_compile": "compiled PyTorch",
    "jax": "JAX",
    "hips": "HIPS autograd",
    "mygrad": "MyGrad",
    "micrograd": "micrograd",
}
COMPILED = ("torch_compile", "jax")  # JAX's steps are under jit
RATIOS = {"to best eager": COMPILED, "to best": ()}  # columns -> which peers are left out
README_ROWS = {
    "small_array": "100 ops on 8 numbers",
    "scalars": "100 ops on scalars",
    "tiny_mlp": "MLP 2-16-16-1, SGD",
    "mlp_adam": "MLP 784-256-128-10, Adam",
    "cnn_adam": "two convolutions, Adam",
    "lstm_adam": "LSTM of 64 steps, Adam",
    "gpt_adamw": "transformer of 4 layers, AdamW",
    "gelu_like": "GELU of 1e6 numbers",
    "logreg_100k": "logistic regression, 1e5 × 50",
    "rosenbrock_hessian": "Hessian, 100 variables",
    "adam_large": "Adam alone, 10 × 1e6",
    "adam_small": "Adam alone, 1,000 × 100",
}

PAGE_TEXT = """# Benchmarks

Written by `python -m benchmarks.publish` from a run of `make bench`; do not edit.

{header}

Ours beside each peer, each in a process of its own with its own interpreter, in turn, round after round. A figure is the
median over the rounds. A ratio, in the columns after ours, is the median of the ratios within one round, to the peer that was
fastest: below 1 is faster than all of them, above 1 slower. JAX is measured under `jit`. Only ratios within a row mean
anything elsewhere than on this machine. `make bench-peers` installs the peers, `make bench` measures; what the workloads are is
in `benchmarks/steps/`, how it is measured in `benchmarks/README.md`.

{table}

What the rows say:

- wengert runs NumPy, one operation after the other. Where a step is many small operations, its small overhead counts; where it
  is few large ones, NumPy's loops do. Kernels that do several in one pass are then faster (PyTorch's for the LSTM, attention
  and Adam), and so is a compiler that joins them (`torch.compile`, XLA).
- JAX and `torch.compile` have compiled the step before the first measured round; the time for that is not in the figures.
- Memory and the time of an import are each taken in a fresh process.

The same with quartiles, in {units}:

```text
{sections}
```

![The same as bars](pictures/benchmarks.svg)
"""


def table(run: dict[str, Any], names: dict[str, str], libraries: list[str]) -> str:
    """A row for each name, a column for each library, the smallest figure in bold; after ours, its ratios to the best peer."""
    rows = [["", NAMES["ours"], *RATIOS, *(NAMES[library] for library in libraries if library != "ours")]]
    rows.append(["---", *["--:"] * (len(rows[0]) - 1)])
    for name, words in names.items():
        workload = run["workloads"][name]
        results = workload["results"]
        shown = {library: results[library]["median"] for library in libraries if library in results}
        smallest = min(shown.values(), default=0.0)
        cells = {library: emphasised(shown[library], smallest) if library in shown else "" for library in ("ours", *libraries)}
        rows.append([words, cells.pop("ours"), *ratios(workload), *cells.values()])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def emphasised(value: float, smallest: float) -> str:
    """A number, in bold where it is the smallest of its row."""
    return f"**{show.number(value)}**" if value == smallest else show.number(value)


def ratios(workload: dict[str, Any]) -> list[str]:
    """Ours to the fastest peer of a row, for each set of peers to leave out."""
    results = workload["results"]
    best = [show.best_peer(workload, but) if "ours" in results else None for but in RATIOS.values()]
    return [f"{results[library]['ours_to_this']:.2f}" if library else "" for library in best]


def libraries_of(run: dict[str, Any]) -> list[str]:
    """Who was measured, in the order of the names."""
    return [name for name in NAMES if name in run["versions"]]


def readme(run: dict[str, Any], text: str) -> str:
    """The README with the table of the time that steps take."""
    words = f"{table(run, README_ROWS, libraries_of(run))}\n\n{note(run)}\n\n"
    return BETWEEN.sub(lambda _: words, text)


def note(run: dict[str, Any]) -> str:
    """Below the table: when, where and how."""
    machine = run["machine"]
    versions = ", ".join(f"{NAMES[name]} {run['versions'][name]}" for name in libraries_of(run) if name in PEERS)
    return (
        f"Microseconds for a step: forward, backward and update. Medians of {run['repeat']} rounds, libraries in turn, on "
        f"{run['date']}; {machine['cpu']}, threads for each: {run['threads']}; NumPy {machine['numpy']} with "
        f"{machine['blas']}, {versions}; JAX under `jit`. The columns after ours are its ratios to the fastest peer that "
        "compiles nothing, and to the fastest of all: below 1, ours is faster. `make bench-peers` and `make bench` measure; "
        "[all figures](docs/benchmarks.md) have quartiles, memory and imports."
    )


def page(run: dict[str, Any]) -> str:
    """docs/benchmarks.md."""
    sections = "\n".join(show.section(name, workload) for name, workload in run["workloads"].items()).strip()
    header = "\n".join(f"- {line}" for line in show.header(run).splitlines())
    titles = {name: f"{workload['title']}, {workload['unit']}" for name, workload in run["workloads"].items()}
    whole = table(run, titles, libraries_of(run))
    units = ", ".join(dict.fromkeys(workload["unit"] for workload in run["workloads"].values()))
    return PAGE_TEXT.format(header=header, table=whole, sections=sections, units=units)


def pages() -> dict[Path, str]:
    """What the committed result says, for each file that shows it."""
    run = json.loads(RESULT.read_text(encoding="utf-8"))
    return {README: readme(run, README.read_text(encoding="utf-8")), PAGE: page(run), CHART: show.chart(run)}


def main() -> None:
    if len(sys.argv) > 1:
        shutil.copyfile(sys.argv[1], RESULT)
    for path, words in pages().items():
        path.write_text(words, encoding="utf-8")


if __name__ == "__main__":
    main()
