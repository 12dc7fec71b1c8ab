"""`python -m autograd`: its lines, and its advice on BLAS kernels for CPUs that this machine does not have."""

import subprocess
import sys

import pytest

from autograd import report
from autograd.report import Blas, advice, faster_kernels

AVX2 = {"AVX", "AVX2", "FMA3"}
AVX512 = AVX2 | {"AVX512F", "AVX512CD", "AVX512BW", "AVX512DQ", "AVX512VL"}


@pytest.mark.parametrize(
    ("kernels", "features", "better"),
    [
        ("Haswell", AVX512, "SKYLAKEX"),
        ("Zen", AVX512, "SKYLAKEX"),
        ("Zen", AVX512 | {"AVX512BF16"}, "COOPERLAKE"),
        ("Haswell", AVX2 | {"AVX512F", "AVX512CD", "AVX512_SKX"}, "SKYLAKEX"),  # as NumPy 2.0 names them
        ("Haswell", AVX2 | {"AVX512F", "AVX512CD"}, None),  # a Xeon Phi: the kernels need more than the foundation
        ("SkylakeX", AVX512 | {"AVX512BF16"}, None),
        ("Cooperlake", AVX512 | {"AVX512BF16"}, None),
        ("SapphireRapids", AVX512, None),
        ("Haswell", AVX2, None),
        ("Zen", AVX2, None),
        ("Prescott", AVX2, "HASWELL"),
        ("Sandybridge", AVX512, "SKYLAKEX"),
        ("Nehalem", {"SSE42"}, None),
        ("neoversen1", {"ASIMD", "NEON"}, None),
        ("a family of tomorrow", AVX512, None),
        (None, AVX512, None),
    ],
)
def test_faster_kernels(kernels, features, better):
    assert faster_kernels(kernels, features) == better


def test_the_advice_is_one_line_that_can_be_followed():
    words = advice(Blas("OpenBLAS 0.3.31", "Haswell", 2, dynamic=True), AVX512 | {"AVX512BF16"})
    assert "OPENBLAS_CORETYPE=COOPERLAKE in the environment before Python starts" in words
    assert "Haswell" in words
    assert "\n" not in words


def test_no_advice_where_it_would_not_help():
    assert advice(Blas("OpenBLAS 0.3.31", "SkylakeX", 2, dynamic=True), AVX512) is None
    assert advice(Blas("OpenBLAS 0.3.31", "Haswell", 2, dynamic=False), AVX512) is None  # built for one CPU
    assert advice(Blas("accelerate", None, None, dynamic=False), AVX512) is None


def test_advice_stands_in_the_report(monkeypatch):
    monkeypatch.setattr(report, "blas", lambda: Blas("OpenBLAS 0.3.31", "Zen", 2, dynamic=True))
    monkeypatch.setattr(report, "cpu_features", lambda: AVX512)
    lines = report.lines()
    assert lines[-1].startswith("advice ")
    assert any("Zen kernels (AVX2)" in line for line in lines)
    monkeypatch.setattr(report, "cpu_features", lambda: AVX2)
    assert not any(line.startswith("advice") for line in report.lines())


def test_a_machine_with_nothing_on_it_is_reported_all_the_same(monkeypatch):
    monkeypatch.setattr(report.shutil, "which", lambda name: None)
    monkeypatch.setattr(report, "installed", lambda distribution: None)
    monkeypatch.setattr(report, "_symbol", lambda name: None)
    monkeypatch.setattr(report, "cpu_features", set)
    text = "\n".join(report.lines(look_for_gpu=True))
    for words in ("kernels unknown", "CuPy is not installed", "none on the path", "install Graphviz"):
        assert words in text


@pytest.mark.slow
def test_the_report_runs_and_imports_nothing_heavy():
    code = (
        "import runpy, sys; sys.argv = ['autograd']; runpy.run_module('autograd', run_name='__main__'); "
        "print('imported:', sorted({'scipy', 'cupy', 'graphviz', 'hypothesis'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    names = [line.split()[0] for line in lines]
    expected = ["wengert", "Python", "NumPy", "SciPy", "BLAS", "threads", "CPU", "features", "GPU", "compiler", "dot"]
    assert names[: len(expected)] == expected
    assert lines[-1] == "imported: []"
    assert done.stderr == ""


def test_importing_autograd_does_not_import_the_report():
    code = "import autograd, sys; print('autograd.report' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("False")
