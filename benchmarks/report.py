"""Tables and plots of the benchmarks that have been run: ``make bench-report``.

The newest run below ``out/benchmarks`` joins ``benchmarks/history``, which is committed; its tables go into
docs/performance.md between two marks, the plots into ``out/benchmarks``.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import history
import plots

_ROOT = Path(__file__).parents[1]
_BEGIN, _END = "<!-- tables: begin -->\n", "<!-- tables: end -->\n"

Run = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 1 where there is nothing to report."""
    options = _options(arguments)
    newest = max(options.runs.glob("[0-9]*.json"), default=None)
    if newest is not None:
        options.history.mkdir(parents=True, exist_ok=True)
        shutil.copy(newest, options.history)
    runs = history.read(options.history)
    if not runs:
        print("bench-report: there is no run yet: make bench", file=sys.stderr)
        return 1
    put_tables(options.document, tables(runs[-1]))
    print(f"bench-report: tables of {runs[-1]['date']} are in {options.document}")
    for file in plots.draw(runs, options.runs):
        print(f"bench-report: {file}")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, default=_ROOT / "out" / "benchmarks", help="where make bench keeps runs")
    parser.add_argument("--history", type=Path, default=_ROOT / "benchmarks" / "history")
    parser.add_argument("--document", type=Path, default=_ROOT / "docs" / "performance.md")
    return parser.parse_args(arguments)


def put_tables(document: Path, text: str) -> None:
    """Replaces what is between the marks. Raises ValueError where they are missing."""
    whole = document.read_text(encoding="utf-8")
    if _BEGIN not in whole or _END not in whole:
        raise ValueError(f"{document} has no marks {_BEGIN.strip()} and {_END.strip()}")
    before, _, rest = whole.partition(_BEGIN)
    document.write_text(before + _BEGIN + text + _END + rest.partition(_END)[2], encoding="utf-8")


def tables(run: Run) -> str:
    """A run as Markdown: where it was, ratios against peers, all other measures."""
    ratios = [measure for measure in run["measures"] if measure["peer"] is not None]
    others = [measure for measure in run["measures"] if measure["peer"] is None]
    lines = [_about(run), ""]
    if run.get("left_out"):
        lines += ["Not compared with:", *(f"- {what}: {reason}" for what, reason in run["left_out"].items()), ""]
    if ratios:
        lines += [
            "| speed, ours to the peer's | peer | ratio | quartiles | goal |",
            "| --- | --- | ---: | ---: | ---: |",
        ]
        lines += [_ratio_row(measure) for measure in ratios]
        lines.append("")
    lines += ["| measure | value | unit | quartiles | beside it |", "| --- | ---: | --- | ---: | --- |"]
    lines += [_row(measure) for measure in others]
    return "\n".join(lines) + "\n"


def _about(run: Run) -> str:
    machine = run["machine"]
    memory = "" if machine["memory_mib"] is None else f", {machine['memory_mib'] / 1024:.0f} GiB"
    changed = " with changes" if run["changed"] else ""
    kind = "all benchmarks" if run["full"] else "quick"
    where = f"{machine['cpu']}, {machine['cpus_usable']} CPUs{memory}"
    system = f"{machine['os']['name']}, Linux {machine['kernel']['release']}"
    when = f"{run['date']} UTC, commit {run['commit']}{changed}, {kind}"
    return f"{when}. {where}, {system}; load over five minutes {run['load']:.1f}."


def _ratio_row(measure: dict[str, Any]) -> str:
    name = measure["name"].partition(", speed / ")[0]
    return f"| {name} | {measure['peer']} | {number(measure['value'])} | {_spread(measure)} | {measure['target']} |"


def _row(measure: dict[str, Any]) -> str:
    cells = measure["name"], number(measure["value"]), measure["unit"], _spread(measure), measure["target"]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _spread(measure: dict[str, Any]) -> str:
    return "" if measure["spread"] is None else " to ".join(map(number, measure["spread"]))


def number(value: float) -> str:
    """Three digits or more."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


if __name__ == "__main__":
    sys.exit(main())
