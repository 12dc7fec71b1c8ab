"""`python -m benchmarks [names...]`: measures our workloads, beside each peer that has an environment.

It shows what it measured and draws no conclusion: however noisy the machine, it ends well unless ours itself breaks.
"""

import argparse
import json
import platform
import sys
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from autograd import report

from . import peers, rounds, show
from .table import TABLE, UNITS

OUT = Path("out")


def machine() -> dict[str, Any]:
    """What the figures depend on besides the code."""
    return {
        "cpu": report.cpu_name(),
        "cpus": report.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": report.blas_words(report.blas()),
    }


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Ours beside its peers.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"workloads, all by default: {', '.join(TABLE)}")
    parser.add_argument("--repeat", type=int, default=15, metavar="N", help="rounds (15)")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="threads of each library (1)")
    parser.add_argument("--only", nargs="+", metavar="LIBRARY", help="these libraries only, for example: ours torch")
    parser.add_argument("--json", type=Path, default=OUT / "bench.json", metavar="FILE", help="all figures (out/bench.json)")
    parser.add_argument("--chart", type=Path, default=OUT / "bench.svg", metavar="FILE", help="a chart (out/bench.svg)")
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in TABLE]
    if unknown:
        parser.error(f"no such workload: {', '.join(unknown)}; there are {', '.join(TABLE)}")
    if given.repeat < 1 or given.threads < 1:
        parser.error("--repeat and --threads are at least 1")
    return given


def main() -> int:
    """1 if ours failed on a workload, else 0."""
    given = arguments()
    chosen = {name: TABLE[name] for name in given.names or TABLE}
    named = dict.fromkeys(library for workload in chosen.values() for library in workload.libraries)
    wanted = [library for library in named if not given.only or library in given.only]
    present = [library for library in wanted if peers.interpreter(library)]
    run: dict[str, Any] = {
        "date": date.today().isoformat(),
        "machine": machine(),
        "threads": given.threads,
        "repeat": given.repeat,
        "versions": {library: peers.version(library) for library in present},
        "missing": [library for library in wanted if library not in present],
        "workloads": {},
    }
    print(show.header(run), flush=True)
    for name, workload in chosen.items():
        libraries = [library for library in workload.libraries if library in present]
        facts = {"title": workload.title, "unit": UNITS[workload.measure], "aims": workload.aims}
        run["workloads"][name] = facts | rounds.run(workload, libraries, given.repeat, given.threads)
        print(show.section(name, run["workloads"][name]), flush=True)
    for path, words in ((given.json, json.dumps(run, indent=1) + "\n"), (given.chart, show.chart(run))):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(words, encoding="utf-8")
    print(f"\nwritten: {given.json}, {given.chart}")
    return int(any("ours" in result["errors"] for result in run["workloads"].values()))


if __name__ == "__main__":
    sys.exit(main())
