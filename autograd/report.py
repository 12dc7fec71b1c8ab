"""What this machine computes with: versions, BLAS and its kernels, threads, CPU, GPU, compiler, `dot`; `python -m autograd`.

Its one piece of advice is about OpenBLAS, which knows a CPU by its model number and takes slow kernels for one that it does not
know. Stands on NumPy and the standard library; nothing imports it but `__main__` and the benchmarks, so it costs an import of
autograd nothing.
"""

import ctypes
import importlib
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Collection
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

# The kernel families of OpenBLAS by the instructions that they use.
KERNELS = {
    "AVX-512": ("SkylakeX", "Cooperlake", "SapphireRapids"),
    "AVX2": ("Haswell", "Zen", "Excavator"),
    "SSE or AVX": (
        *("Prescott", "Core2", "Penryn", "Dunnington", "Atom", "Nehalem", "Sandybridge", "Barcelona", "Bobcat"),
        *("Bulldozer", "Piledriver", "Steamroller"),
    ),
}
AVX512 = {"AVX512F", "AVX512BW", "AVX512DQ", "AVX512VL"}  # what the SkylakeX kernels need
WORTH_NAMING = ("AVX", "AVX2", "FMA3", "AVX512F", "AVX512BF16", "AVX512FP16", "NEON", "ASIMD", "SVE", "VSX", "VX", "RVV")


class Blas(NamedTuple):
    """The BLAS that NumPy loaded. `kernels` and `threads` are None where it does not tell."""

    name: str
    kernels: str | None
    threads: int | None
    dynamic: bool  # whether it chooses its kernels when it is loaded, and so can be told which


# --- what is there ---------------------------------------------------------------------------------------------------------


def installed(distribution: str) -> str | None:
    """The version of a distribution, without importing it."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def blas() -> Blas:
    """The BLAS that NumPy loaded, asked through NumPy's own extension module: its symbols include those of the library."""
    config: Any = np.show_config(mode="dicts")
    built = config.get("Build Dependencies", {}).get("blas", {})
    name = f"{built.get('name', 'unknown')} {built.get('version', '')}".strip()
    for prefix, suffix in (("scipy_", "64_"), ("scipy_", ""), ("", "64_"), ("", "")):
        corename, settings, threads = (
            _symbol(f"{prefix}openblas_{what}{suffix}") for what in ("get_corename", "get_config", "get_num_threads")
        )
        if corename and settings and threads:
            corename.restype = settings.restype = ctypes.c_char_p
            words = settings().decode()
            found = re.match(r"OpenBLAS [\d.]*\d", words)
            return Blas(found[0] if found else name, corename().decode(), threads(), "DYNAMIC_ARCH" in words)
    return Blas(name, None, None, dynamic=False)


def _symbol(name: str) -> Any:
    try:
        extension = importlib.import_module("numpy._core._multiarray_umath")
        return getattr(ctypes.CDLL(extension.__file__), name)
    except (ImportError, OSError, AttributeError):
        return None


def cpu_features() -> set[str]:
    """The instruction sets that NumPy found, by NumPy's names."""
    try:
        extension = importlib.import_module("numpy._core._multiarray_umath")
    except ImportError:
        return set()
    return {name for name, present in getattr(extension, "__cpu_features__", {}).items() if present}


def cpu_name() -> str:
    """The CPU in words."""
    info = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*: (.+)$", info.read_text(), re.MULTILINE) if info.exists() else None
    return found[1] if found else platform.processor() or platform.machine() or "unknown"


def cpu_count() -> int:
    """The CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def compiler() -> str | None:
    """The first C compiler on the path, as it introduces itself."""
    for name in ("cc", "gcc", "clang"):
        path = shutil.which(name)
        if path:
            return f"{path}, {_first_line(path, '--version')}"
    return None


def dot() -> str | None:
    """Graphviz's `dot` on the path, as it introduces itself."""
    path = shutil.which("dot")
    return path and f"{path}, {_first_line(path, '-V')}"


def _first_line(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "which does not run"
    return next(iter((done.stdout + done.stderr).splitlines()), "which says nothing")


def gpu(look: bool = False) -> str:
    """CuPy and its devices. Importing CuPy takes seconds, so the devices are named only if asked for."""
    found = next(
        (f"{name} {installed(name)}" for name in ("cupy", "cupy-cuda13x", "cupy-cuda12x", "cupy-cuda11x") if installed(name)),
        None,
    )
    if found is None:
        return "CuPy is not installed"
    if not look:
        return f"{found} (its devices: python -m autograd --gpu)"
    try:
        runtime = importlib.import_module("cupy").cuda.runtime
        names = [runtime.getDeviceProperties(i)["name"].decode() for i in range(runtime.getDeviceCount())]
    except Exception as error:  # noqa: BLE001 - CuPy has its own exceptions, and a report never fails
        return f"{found}, which finds no device: {error}"
    return f"{found}, {', '.join(names) or 'no device'}"


# --- what could be better --------------------------------------------------------------------------------------------------


def instructions(kernels: str | None) -> str | None:
    """The instructions that a kernel family of OpenBLAS uses; None for a family that we do not know."""
    return next((words for words, names in KERNELS.items() if kernels and kernels.lower() in map(str.lower, names)), None)


def faster_kernels(kernels: str | None, features: Collection[str]) -> str | None:
    """The value of OPENBLAS_CORETYPE that uses more of the CPU than `kernels` do, or None.

    >>> faster_kernels("Haswell", {"AVX2", "FMA3", "AVX512F", "AVX512BW", "AVX512DQ", "AVX512VL"})
    'SKYLAKEX'
    >>> faster_kernels("Haswell", {"AVX2", "FMA3"})
    """
    used = instructions(kernels)
    if used is None or used == "AVX-512":
        return None
    if set(features) >= AVX512 or "AVX512_SKX" in features:  # the second is how NumPy before 2.4 says the first
        return "COOPERLAKE" if "AVX512BF16" in features else "SKYLAKEX"
    return "HASWELL" if used != "AVX2" and {"AVX2", "FMA3"} <= set(features) else None


def advice(found: Blas, features: Collection[str]) -> str | None:
    """One line on how to get faster matrix products, where there is a way."""
    better = faster_kernels(found.kernels, features) if found.dynamic else None
    if better is None:
        return None
    target = "AVX2" if better == "HASWELL" else "AVX-512"
    return (
        f"OpenBLAS chose its {instructions(found.kernels)} kernels ({found.kernels}), and this CPU has {target}: for faster "
        f"matrix products set OPENBLAS_CORETYPE={better} in the environment before Python starts"
    )


# --- the report ------------------------------------------------------------------------------------------------------------


def blas_words(found: Blas) -> str:
    """`OpenBLAS 0.3.31, Haswell kernels (AVX2)`."""
    if found.kernels is None:
        return f"{found.name}, kernels unknown"
    return f"{found.name}, {found.kernels} kernels ({instructions(found.kernels) or 'instructions unknown'})"


def lines(look_for_gpu: bool = False) -> list[str]:
    """The report, a line a fact; the advice, if there is any, last."""
    found, features = blas(), cpu_features()
    rows = {
        "wengert": installed("wengert") or "not installed: imported from a folder",
        "Python": f"{platform.python_version()} ({platform.python_implementation()}, {platform.system()} {platform.machine()})",
        "NumPy": np.__version__,
        "SciPy": installed("scipy") or "not installed",
        "BLAS": blas_words(found),
        "threads": f"{found.threads or 'unknown'} in BLAS, {cpu_count()} CPUs to use",
        "CPU": cpu_name(),
        "features": ", ".join(name for name in WORTH_NAMING if name in features) or "unknown",
        "GPU": gpu(look_for_gpu),
        "compiler": compiler() or "none on the path (cc, gcc, clang): what is compiled will not be available",
        "dot": dot() or "not on the path: install Graphviz to draw graphs with it",
    }
    said = advice(found, features)
    return [f"{name:9} {words}" for name, words in rows.items()] + ([f"{'advice':9} {said}"] if said else [])
