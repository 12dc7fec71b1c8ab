"""The demo runs in a process of its own, learns to read, goes on after an interruption, and leaves the files that it names."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import nn

ROOT = Path(__file__).parents[1]


def run_demo(folder, *options):
    """The folder that the demo wrote to and what it printed. It runs from elsewhere, and warnings are errors."""
    out = folder / "a folder"
    command = [sys.executable, "-W", "error", str(ROOT / "demo.py"), "--out", str(out), *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert not done.stderr  # no bar where there is no terminal
    return out, done.stdout


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    return run_demo(tmp_path_factory.mktemp("demo"))


@pytest.mark.slow
def test_it_learns_to_read(demo):
    accuracies = [float(number) for number in re.findall(r"valid accuracy ([\d.]+)", demo[1])]
    assert len(accuracies) == 20
    assert accuracies[-1] >= 0.97


@pytest.mark.slow
def test_the_check_up_finds_nothing(demo):
    assert len(re.findall(r"^[1-5]\. .* ok$", demo[1], re.MULTILINE)) == 5


@pytest.mark.slow
def test_it_goes_on_to_the_same_bits(demo):
    assert "goes on after step 400, epoch 10 of 20" in demo[1]
    assert "end with the same bits" in demo[1]


@pytest.mark.slow
def test_it_leaves_the_files_that_it_names(demo):
    out, printed = demo
    named = set(re.findall(r"^  (\S+?)/?  +\S", printed.partition("\nIn ")[2], re.MULTILINE))
    assert named == {path.name for path in out.iterdir()}
    for path in out.glob("*.png"):
        assert path.read_bytes().startswith(b"\x89PNG")
    assert (out / "graph.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert "Conv2d" in (out / "gradients.svg").read_text(encoding="utf-8")
    assert nn.load(out / "model.safetensors")["0.weight"].shape == (16, 1, 3, 3)


@pytest.mark.slow
def test_a_second_run_says_the_same(tmp_path, monkeypatch, capsys):
    """But for the time that it took. Both write to one folder."""
    said = []
    for _ in range(2):
        monkeypatch.setattr(sys, "argv", ["demo.py", "--epochs", "2", "--out", str(tmp_path / "a folder")])
        runpy.run_path(str(ROOT / "demo.py"), run_name="__main__")
        said.append(re.sub(r"took \d+ s", "", capsys.readouterr().out))
    assert "end with the same bits" in said[0]
    assert said[0] == said[1]


@pytest.mark.slow
def test_too_few_epochs_are_told(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["demo.py", "--epochs", "1"])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(ROOT / "demo.py"), run_name="__main__")
    assert end.value.code == 2
    assert "--epochs is at least 2" in capsys.readouterr().err
