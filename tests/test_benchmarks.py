"""The benchmarks run, on ours alone and with as few rounds as there can be, and say what they did in valid JSON.

What they measured is not looked at: a test that fails on a busy machine is worse than none.
"""

import json
import sys
from xml.etree import ElementTree

import pytest

from benchmarks import __main__ as command
from benchmarks import peers, publish, rounds, show
from benchmarks.table import TABLE, UNITS, Workload


@pytest.fixture
def bench(monkeypatch, tmp_path):
    """Runs the command as if there were no peers: (exit status, what its JSON holds)."""
    monkeypatch.setattr(peers, "FOLDER", tmp_path / "none")

    def run(*arguments):
        file = tmp_path / "a folder" / "figures.json"
        monkeypatch.setattr(command, "OUT", tmp_path)
        monkeypatch.setattr(sys, "argv", ["benchmarks", *arguments, "--json", str(file)])
        return command.main(), json.loads(file.read_text())

    return run


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLE)
def test_each_workload_runs_on_ours_alone(bench, name):
    status, figures = bench(name, "--repeat", "1", "--only", "ours")
    assert status == 0
    result = figures["workloads"][name]["results"]["ours"]
    assert len(result["rounds"]) == 1
    assert result["low"] == result["median"] == result["high"] > 0


@pytest.mark.slow
def test_without_peers_it_says_which_are_missing(bench, capsys, tmp_path):
    chart = tmp_path / "chart.svg"
    status, figures = bench("import_time", "--repeat", "2", "--chart", str(chart))
    assert status == 0
    assert set(figures["missing"]) == set(peers.PEERS)
    assert set(figures["workloads"]["import_time"]["results"]) == {"ours", "numpy"}
    out = capsys.readouterr().out
    assert "missing: torch" in out
    assert figures["date"] in out
    assert figures["machine"]["blas"] in out
    assert "ours is" in out
    ElementTree.parse(chart)


@pytest.mark.slow
def test_a_library_that_breaks_is_reported_and_only_ours_counts(bench, monkeypatch, capsys):
    monkeypatch.setitem(TABLE, "broken", Workload("no such option", step="matmul", options={"sighs": 2}))
    status, figures = bench("broken", "--repeat", "1", "--only", "numpy")
    assert status == 0
    assert "sighs" in figures["workloads"]["broken"]["errors"]["numpy"]
    assert "failed" in capsys.readouterr().out
    status, _ = bench("broken", "--repeat", "1", "--only", "ours")
    assert status == 1


def test_an_unknown_workload_is_refused(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["benchmarks", "nonsense"])
    with pytest.raises(SystemExit, match="2"):
        command.main()


def test_rows_are_whole():
    for workload in TABLE.values():
        assert workload.measure in UNITS
        assert workload.libraries[0] == "ours"
        assert set(workload.libraries) <= {*peers.PEERS, *peers.WAYS, *peers.OURS}
        assert set(workload.aims) <= set(workload.libraries)


def test_a_child_gets_its_threads_and_a_peer_nothing_of_ours(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "somewhere")
    ours, peer = (peers.environment(name, "time", threads=3) for name in ("ours", "torch"))
    assert ours["OMP_NUM_THREADS"] == peer["OPENBLAS_NUM_THREADS"] == peer["VECLIB_MAXIMUM_THREADS"] == "3"
    assert ours["PYTHONPATH"] == str(peers.HERE.parent)
    assert "PYTHONPATH" not in peer


def test_summary_and_numbers():
    summary = rounds.summary([4.0, 1.0, 3.0, 2.0, 5.0])
    assert (summary["low"], summary["median"], summary["high"]) == (2.0, 3.0, 4.0)
    assert [show.number(value) for value in (0.1234, 12.34, 12345.6)] == ["0.123", "12.3", "12,346"]


def test_peers_take_what_exists_and_make_what_does_not(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(peers, "FOLDER", tmp_path)
    monkeypatch.setattr(peers.venv, "create", lambda folder, **_: folder.mkdir(parents=True))
    commands = []

    def install(command, **_):
        commands.append(command)
        return type("Done", (), {"returncode": int("jax" in command)})()

    monkeypatch.setattr(peers.subprocess, "run", install)
    assert peers.make("torch")
    assert commands[0][-2:] == ["torch==2.13.0", "numpy"]
    assert not peers.make("jax")
    assert not (tmp_path / "jax").exists()  # a half-made environment would be taken for a whole one
    python = tmp_path / "hips" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    python.parent.mkdir(parents=True)
    python.touch()
    assert peers.make("hips")
    assert len(commands) == 2
    assert "taken as it is" in capsys.readouterr().out


def measured(**medians):
    """A row of results as a run gives them."""
    results = {name: {"median": value, "low": value, "high": value} for name, value in medians.items()}
    for name in results.keys() - {"ours"}:
        results[name]["ours_to_this"] = medians["ours"] / medians[name] if "ours" in medians else None
    return {"title": "a", "unit": "us", "aims": {}, "results": results, "errors": {}}


@pytest.mark.parametrize(
    ("medians", "best", "row"),
    [
        ({"ours": 2.0, "torch": 4.0, "jax": 1.0}, "jax", "| a | 2 | 0.50 | 2.00 | 4 | **1** |"),
        ({"ours": 2.0, "torch": 4.0}, "torch", "| a | **2** | 0.50 | 0.50 | 4 |  |"),
        ({"ours": 2.0, "numpy": 1.0}, None, "| a | **2** |  |  |  |  |"),  # a yardstick is no peer
        ({"torch": 4.0}, "torch", "| a |  |  |  | **4** |  |"),
    ],
)
def test_a_row_says_who_was_best(medians, best, row):
    workload = measured(**medians)
    assert show.best_peer(workload) == best
    assert publish.table({"workloads": {"w": workload}}, {"w": "a"}, ["ours", "torch", "jax"]).splitlines()[-1] == row
    assert (f"of the best peer, {best}" in show.section("w", workload)) == (best is not None and "ours" in medians)


def test_the_pages_show_the_committed_result():
    for path, words in publish.pages().items():
        assert path.read_text(encoding="utf-8") == words, f"{path.name} is behind the result: python -m benchmarks.publish"


def test_the_committed_result_is_whole():
    """Of all workloads, with nothing that broke."""
    run = json.loads(publish.RESULT.read_text(encoding="utf-8"))
    assert set(run["workloads"]) == set(TABLE)
    assert not run["missing"]
    assert run["repeat"] >= 15
    assert not [words for workload in run["workloads"].values() for words in workload["errors"].values()]
