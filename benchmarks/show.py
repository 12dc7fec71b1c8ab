"""Results as text and as a chart (SVG, drawn here so that it needs nothing)."""

from collections.abc import Collection
from html import escape
from typing import Any

from .peers import OURS


def header(run: dict[str, Any]) -> str:
    """What was measured on, with what and when."""
    machine = run["machine"]
    return "\n".join(
        [
            f"{run['date']}, {machine['cpu']}, {machine['cpus']} CPUs, {machine['system']}, Python {machine['python']}",
            f"NumPy {machine['numpy']} with {machine['blas']}; threads: {run['threads']}; medians of {run['repeat']} rounds "
            "(quartiles), libraries in turn",
            "versions: " + ", ".join(f"{name} {version}" for name, version in run["versions"].items()),
            "missing: " + (", ".join(run["missing"]) + " (python -m benchmarks.peers)" if run["missing"] else "none"),
        ]
    )


def section(name: str, workload: dict[str, Any]) -> str:
    """One workload as text, the fastest library first."""
    rows = [f"\n{name}: {workload['title']} [{workload['unit']}]"]
    for library, result in sorted(workload["results"].items(), key=lambda item: item[1]["median"]):
        row = f"  {library:13}{number(result['median']):>9}  ({number(result['low'])} to {number(result['high'])})"
        ratio = result.get("ours_to_this")
        if ratio is not None:
            row = f"{row:47}ours is {ratio:.2f} of it"
            row += f" (aim: {workload['aims'][library]:g} at most)" if library in workload["aims"] else ""
        rows.append(row)
    rows += [f"  {library:13} failed: {words}" for library, words in workload["errors"].items()]
    best = best_peer(workload)
    if best and "ours" in workload["results"]:
        rows.append(f"  ours is {workload['results'][best]['ours_to_this']:.2f} of the best peer, {best}")
    return "\n".join(rows)


def best_peer(workload: dict[str, Any], but: Collection[str] = ()) -> str | None:
    """The peer with the smallest figure; NumPy alone, where it was measured, is a yardstick and no peer."""
    peers = [library for library in workload["results"] if library not in OURS and library not in but]
    return min(peers, key=lambda library: workload["results"][library]["median"], default=None)


def number(value: float) -> str:
    """Three digits or more: 0.123, 12.3, 12,345."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def chart(run: dict[str, Any]) -> str:
    """Bars for each workload, the longest of a workload as wide as the chart, ours in colour."""
    parts, y = [], 24
    for name, workload in run["workloads"].items():
        results = workload["results"]
        y += 14
        parts.append(text(8, y, f"{name} [{workload['unit']}]: {workload['title']}", "font-weight='bold'"))
        longest = max((result["median"] for result in results.values()), default=1.0)
        for library, result in sorted(results.items(), key=lambda item: item[1]["median"]):
            y += 18
            width = max(1.0, 480 * result["median"] / longest)
            colour = "#d9480f" if library == "ours" else "#8795a1"
            parts.append(text(88, y, library, "text-anchor='end'"))
            parts.append(f"<rect x='96' y='{y - 11}' width='{width:.1f}' height='14' fill='{colour}'/>")
            parts.append(text(102 + width, y, number(result["median"])))
        y += 16
    for line in header(run).splitlines():
        y += 16
        parts.append(text(8, y, line, "fill='#52606d' font-size='10'"))
    parts.insert(0, text(8, 18, "wengert beside its peers: shorter is better", "font-size='15'"))
    size = f"width='840' height='{y + 12}' viewBox='0 0 840 {y + 12}'"
    style = "font-family='sans-serif' font-size='12'"
    return f"<svg xmlns='http://www.w3.org/2000/svg' {size} {style}>\n" + "\n".join(parts) + "\n</svg>\n"


def text(x: float, y: float, words: str, style: str = "") -> str:
    """One line of text in the chart."""
    return f"<text x='{x:.1f}' y='{y}' {style}>{escape(words)}</text>"
