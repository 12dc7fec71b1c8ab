"""The pytest plugin: the fixture `gradcheck`, its marker and options, and a section in the report.

It is loaded by pytest where the package is installed. What a check found travels with the test's own report, so that it
arrives from other processes too. Stands on checks.
"""

from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any

import pytest

from .checks import Report, check_grads

PROPERTY = "gradcheck"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("gradcheck", "derivatives against finite differences")
    group.addoption("--gradcheck-seed", type=int, default=0, help="where the random directions start from")
    group.addoption("--gradcheck-exhaustive", action="store_true", help="every element by itself, instead of random directions")


def pytest_configure(config: pytest.Config) -> None:
    words = "gradcheck(**settings): settings of check_grads for the fixture `gradcheck` in this test"
    config.addinivalue_line("markers", words)


@pytest.fixture
def gradcheck(request: pytest.FixtureRequest) -> Callable[..., Report]:
    """check_grads with the settings of the command line and of the test's marker; what it finds is listed in the report."""
    marker = request.node.get_closest_marker("gradcheck")
    settings = {"seed": request.config.getoption("--gradcheck-seed")}
    if request.config.getoption("--gradcheck-exhaustive"):
        settings["exhaustive"] = True
    settings |= marker.kwargs if marker else {}

    def check(f: Any, *inputs: Any, **more: Any) -> Report:
        start = perf_counter()
        report = check_grads(f, *inputs, **{**settings, **more})
        found = {"name": report.name, "error": max(report.errors.values(), default=0.0), "kinks": len(report.kinks)}
        request.node.user_properties.append((PROPERTY, {**found, "seconds": perf_counter() - start}))
        return report

    return check


def _found(reporter: Any) -> Iterator[dict[str, Any]]:
    for reports in reporter.stats.values():
        for report in reports:
            if getattr(report, "when", None) == "call":
                yield from (value for name, value in report.user_properties if name == PROPERTY)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """For each function that was checked: how often, its worst relative error, kinks met, and the time."""
    rows: dict[str, list[float]] = {}
    for found in _found(terminalreporter):
        row = rows.setdefault(found["name"], [0, 0.0, 0, 0.0])
        rows[found["name"]] = [row[0] + 1, max(row[1], found["error"]), row[2] + found["kinks"], row[3] + found["seconds"]]
    if not rows:
        return
    terminalreporter.section("gradcheck")
    terminalreporter.write_line(f"{'function':32} {'checks':>6} {'worst error':>12} {'kinks':>6} {'seconds':>8}")
    for name, (count, error, kinks, seconds) in sorted(rows.items(), key=lambda item: -item[1][1]):
        terminalreporter.write_line(f"{name:32} {count:6} {error:12.2g} {kinks:6} {seconds:8.2f}")
