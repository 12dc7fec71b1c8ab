"""The pytest plugin: the fixture `gradcheck`, its marker and options, and a section in the report.

It is loaded by pytest where the package is installed. What a check found travels with the test's own report, so that it
arrives from other processes too. Stands on checks.
"""

from collections import defaultdict
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
    """check_grads with the settings of the command line and of the test's marker; what it finds is listed in the report.

    Each op that a function runs is checked by itself as well, unless `each_op=False`.
    """
    marker = request.node.get_closest_marker("gradcheck")
    settings = {"seed": request.config.getoption("--gradcheck-seed"), "each_op": True}
    if request.config.getoption("--gradcheck-exhaustive"):
        settings["exhaustive"] = True
    settings |= marker.kwargs if marker else {}

    def check(f: Any, *inputs: Any, **more: Any) -> Report:
        start = perf_counter()
        report = check_grads(f, *inputs, **{**settings, **more})
        found = {"name": report.name, "error": max(report.errors.values(), default=0.0), "kinks": len(report.kinks)}
        request.node.user_properties.append((PROPERTY, {**found, "ops": report.ops, "seconds": perf_counter() - start}))
        return report

    return check


def _found(reporter: Any) -> Iterator[dict[str, Any]]:
    for reports in reporter.stats.values():
        for report in reports:
            if getattr(report, "when", None) == "call":
                yield from (value for name, value in report.user_properties if name == PROPERTY)


class Row:
    """What all checks of one function, or of one op, found together."""

    def __init__(self) -> None:
        self.checks, self.error, self.kinks, self.seconds = 0, 0.0, 0, 0.0

    def add(self, error: float, kinks: int = 0, seconds: float = 0.0) -> None:
        self.checks, self.error = self.checks + 1, max(self.error, error)
        self.kinks, self.seconds = self.kinks + kinks, self.seconds + seconds


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """For each function that was checked: how often, its worst relative error, kinks met, and the time; for each op that these
    ran: how often, and its worst relative error by itself."""
    functions: dict[str, Row] = defaultdict(Row)
    ops: dict[str, Row] = defaultdict(Row)
    for found in _found(terminalreporter):
        functions[found["name"]].add(found["error"], found["kinks"], found["seconds"])
        for name, error in found["ops"].items():
            ops[name].add(error)
    if not functions:
        return
    terminalreporter.section("gradcheck")
    terminalreporter.write_line(f"{'function':32} {'checks':>6} {'worst error':>12} {'kinks':>6} {'seconds':>8}")
    for name, row in by_error(functions):
        terminalreporter.write_line(f"{name:32} {row.checks:6} {row.error:12.2g} {row.kinks:6} {row.seconds:8.2f}")
    if ops:
        terminalreporter.write_line(f"{'op':32} {'checks':>6} {'worst error':>12}")
    for name, row in by_error(ops):
        terminalreporter.write_line(f"{name:32} {row.checks:6} {row.error:12.2g}")


def by_error(rows: dict[str, Row]) -> list[tuple[str, Row]]:
    """The worst first."""
    return sorted(rows.items(), key=lambda item: -item[1].error)
