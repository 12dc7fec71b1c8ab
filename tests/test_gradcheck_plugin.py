"""The pytest plugin and the command line of autograd.testing, each in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

TESTS = """
import numpy as np
import pytest
from autograd import rule

@rule(x=lambda g, x: 3 * g * x)
def wrong_square(x):
    return x * x

def test_right(gradcheck):
    gradcheck(np.sin, np.array([0.5, 1.5]))

@pytest.mark.gradcheck(order=1, modes=("rev",))
def test_of_order_one(gradcheck):
    report = gradcheck(np.abs, np.array([0.0, 1.0]), name="a kink")
    assert list(report.errors) == ["reverse mode, order 1"]

def test_of_two_ops(gradcheck):
    gradcheck(lambda x: np.sin(x) * np.exp(x), np.array([0.5, 1.5]), name="two ops")

def test_wrong(gradcheck):
    gradcheck(wrong_square, np.array([0.5]))
"""


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", *arguments]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return result.returncode, result.stdout + result.stderr


@pytest.mark.parametrize("options", [[], ["--gradcheck-exhaustive", "--gradcheck-seed", "3"], ["-n", "2"]])
def test_the_plugin(tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "test_it.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers\n")
    status, text = run(tmp_path, "pytest", "-p", "no:cacheprovider", *options)
    assert status == 1
    assert "3 passed" in text
    assert "1 failed" in text
    assert "wrong_square: forward mode, order 1, is wrong at output 0[0]" in text
    section = text[text.index("== gradcheck ==") :].splitlines()
    middle = next(i for i, line in enumerate(section) if line.startswith("op "))
    functions, ops = (
        {line[:32].strip(): line[32:].split() for line in part if line[32:39].strip().isdigit()}
        for part in (section[:middle], section[middle:])
    )
    assert functions["sin"][0] == "1"
    assert float(functions["sin"][1]) < 1e-8
    assert int(functions["a kink"][2]) >= 1
    assert {"two ops"} <= functions.keys()
    assert ops["sin"][0] == "2"
    assert {"exp", "multiply"} <= ops.keys()
    assert all(float(row[1]) < 1e-8 for row in ops.values())


def test_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(TESTS + "\ndef right(x, w=2.0):\n    return np.tanh(x) * w\n")
    status, text = run(tmp_path, "autograd.testing", "mine:right", "--shape", "2,3")
    assert (status, text.count("right, worst relative error")) == (0, 6)
    status, text = run(tmp_path, "autograd.testing", "mine:wrong_square")
    assert status == 1
    assert "wrong_square: forward mode, order 1" in text
    status, text = run(tmp_path, "autograd.testing", "mine:nothing")
    assert status == 1
    assert "mine:nothing:" in text
