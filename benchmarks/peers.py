"""The peers, each in an environment of its own: `python -m benchmarks.peers [names...]` makes benchmarks/.peers/<name>.

An environment that exists is taken as it is. Of their own, because HIPS autograd imports under our name, and so that no
peer's version of NumPy decides ours.
"""

import argparse
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
FOLDER = HERE / ".peers"

# name -> what to install, the measured distribution first.
PEERS = {
    "torch": ("torch==2.13.0", "numpy"),
    "hips": ("autograd",),
    "mygrad": ("mygrad",),
    "micrograd": ("micrograd",),
    "jax": ("jax",),
}
WAYS = {"torch_compile": "torch"}  # another way to use a peer, in the peer's environment
OURS = {"ours": "wengert", "numpy": "numpy"}  # what runs under our own interpreter


def interpreter(library: str) -> Path | None:
    """The Python that has the library, or None if there is none."""
    if library in OURS:
        return Path(sys.executable)
    inside = "Scripts/python.exe" if os.name == "nt" else "bin/python"
    path = FOLDER / WAYS.get(library, library) / inside
    return path if path.exists() else None


def version(library: str) -> str:
    """The version of the library in its environment, without importing it."""
    distribution = OURS.get(library) or PEERS[WAYS.get(library, library)][0].split("==")[0]
    code = f"from importlib.metadata import version; print(version({distribution!r}))"
    done = subprocess.run([str(interpreter(library)), "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def environment(library: str, measure: str, threads: int) -> dict[str, str]:
    """The variables for a process of the library: `threads` threads; ours from this checkout, a peer from its own packages."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    names = ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM", "NUMEXPR")
    variables.update({f"{name}_NUM_THREADS".replace("MAXIMUM_NUM", "MAXIMUM"): str(threads) for name in names})
    if library in OURS:
        variables["PYTHONPATH"] = str(HERE.parent)
    variables["NPROC"] = str(threads)  # what XLA listens to
    # Each array in pages of its own, which go back when it is freed (glibc): resident memory then shows what is alive, and
    # not what a heap still holds from before.
    if measure == "memory":
        variables["MALLOC_MMAP_THRESHOLD_"] = "65536"
    return variables


def make(library: str) -> bool:
    """Makes the environment of a peer; True if it is there afterwards. A half-made one is taken away again."""
    if interpreter(library):
        print(f"{library}: is there, taken as it is")
        return True
    folder = FOLDER / library
    print(f"{library}: installing {', '.join(PEERS[library])}", flush=True)
    venv.create(folder, with_pip=True, clear=True)
    pip = [str(interpreter(library)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if subprocess.run([*pip, *PEERS[library]], check=False).returncode == 0:
        return True
    shutil.rmtree(folder)
    print(f"{library}: could not be installed; the benchmarks run without it", file=sys.stderr)
    return False


def main() -> int:
    """The number of environments that could not be made."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"one or more of {', '.join(PEERS)}; all by default")
    names = parser.parse_args().names
    unknown = [name for name in names if name not in PEERS]
    if unknown:
        parser.error(f"no such peer: {', '.join(unknown)}; there are {', '.join(PEERS)}")
    failed = [name for name in names or PEERS if not make(name)]
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
