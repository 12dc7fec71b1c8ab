"""The demo runs in a process of its own, learns something, and leaves the files that it names."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run_demo(folder, *options, path=None):
    """The folder that the demo wrote to and what it printed. It runs from elsewhere, and warnings are errors."""
    out = folder / "a folder"
    command = [sys.executable, "-W", "error", str(ROOT / "demo.py"), "--out", str(out), *options]
    environment = {**os.environ, "PATH": os.environ["PATH"] if path is None else path}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert not done.stderr  # no bar where there is no terminal
    return out, done.stdout


def epochs(printed):
    """(training loss, validation loss) of each line of the table."""
    rows = re.findall(r"^ +(\d+) +([\d.]+) +[\d.]+% +([\d.]+) +[\d.]+%$", printed, re.MULTILINE)
    return {int(epoch): (float(training), float(validation)) for epoch, training, validation in rows}


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    return run_demo(tmp_path_factory.mktemp("digits"), "--epochs", "1")


def test_it_learns(digits):
    losses = epochs(digits[1])
    assert list(losses) == [0, 1]
    assert losses[1][0] < losses[0][0]
    assert losses[1][1] < losses[0][1]


def test_it_leaves_the_files_that_it_names(digits):
    out, printed = digits
    assert (out / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert (out / "graph.gv").read_text().startswith("digraph")
    named = set(re.findall(r"\b\w+\.(?:png|gv|svg)\b", printed))
    assert named == {path.name for path in out.iterdir()}


def test_the_graph_holds_the_chain_rule(digits):
    """Values and gradients of y = tanh(x1*w1 + x2*w2 + b) as written, against the formula."""
    text = (digits[0] / "graph.gv").read_text()
    labels = dict(re.findall(r'label="(\w+)(?:: tanh)?\nvalue [-\d.e]+\ngradient ([-\d.e]+)"', text))
    value = float(re.search(r"y: tanh\nvalue ([-\d.e]+)", text)[1])
    slope = 1 - value**2
    expected = {"y": 1, "b": slope, "x1": 0.5 * slope, "x2": 1.5 * slope, "w1": 2 * slope, "w2": -slope}
    assert {name: float(labels[name]) for name in expected} == pytest.approx(expected, rel=1e-3)
    assert text.count(" -> ") == 9


def test_without_dot_the_source_is_left(tmp_path):
    out, printed = run_demo(tmp_path, "--epochs", "1", "--data", "spiral", path=str(tmp_path))
    assert {path.name for path in out.iterdir()} == {"loss.png", "graph.gv"}
    assert "install Graphviz" in printed


@pytest.mark.dot
def test_with_dot_the_graph_is_drawn(digits):
    out, _ = digits
    assert "</svg>" in (out / "graph.svg").read_text()
    assert (out / "graph.png").read_bytes().startswith(b"\x89PNG")


def test_the_spiral_is_learnt(tmp_path):
    _, printed = run_demo(tmp_path, "--data", "spiral", "--epochs", "20")
    losses = epochs(printed)
    assert losses[20][1] < 0.3 * losses[0][1]


def test_without_scikit_learn_it_trains_on_the_spiral(tmp_path):
    hidden = tmp_path / "hidden"
    (hidden / "sklearn").mkdir(parents=True)
    (hidden / "sklearn" / "__init__.py").write_text("raise ImportError('hidden from the demo')\n")
    command = [sys.executable, str(ROOT / "demo.py"), "--epochs", "1", "--out", str(tmp_path / "out")]
    environment = {**os.environ, "PYTHONPATH": str(hidden)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "scikit-learn is not installed" in done.stdout
    assert "Data: spiral" in done.stdout
