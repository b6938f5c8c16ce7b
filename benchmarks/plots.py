"""Plots of the benchmarks: ratios against peers in the newest run, and how ratios went over all runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

Run = dict[str, Any]


def draw(runs: list[Run], folder: Path) -> list[Path]:
    """Writes ``ratios.png`` and ``history.png`` and gives their paths; runs without ratios have none."""
    folder.mkdir(parents=True, exist_ok=True)
    if not any(measure["peer"] for run in runs for measure in run["measures"]):
        return []
    figures = {"ratios.png": ratios(runs[-1]), "history.png": history(runs)}
    for name, figure in figures.items():
        figure.savefig(folder / name, dpi=110)
    return [folder / name for name in figures]


def ratios(run: Run) -> Figure:
    """A bar for each ratio, on a logarithmic axis: as far to the right of 1 as we are faster."""
    measures = [measure for measure in run["measures"] if measure["peer"]]
    figure = Figure(figsize=(9, 1.2 + 0.28 * len(measures)), layout="constrained")
    axes = figure.subplots()
    for row, measure in enumerate(measures):
        value = measure["value"]
        axes.barh(row, value - 1, left=1, color="tab:green" if value >= 1 else "tab:red")
        if measure["spread"]:
            axes.plot(measure["spread"], [row, row], color="black", linewidth=1.5)
    axes.set_yticks(range(len(measures)), [measure["name"] for measure in measures], fontsize=8)
    axes.set_xscale("log")
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_ylim(len(measures) - 0.5, -0.5)
    axes.set_xlabel("our speed / the peer's; black: quartiles")
    axes.set_title(f"{run['date']}, {run['commit']}", fontsize=9)
    return figure


def history(runs: list[Run]) -> Figure:
    """A line for each ratio over the runs: ratios hold on machines of different speed, times do not."""
    figure = Figure(figsize=(9, 6), layout="constrained")
    axes = figure.subplots()
    names = {measure["name"]: None for run in runs for measure in run["measures"] if measure["peer"]}
    for name in names:
        points = [
            (index, measure["value"])
            for index, run in enumerate(runs)
            for measure in run["measures"]
            if measure["name"] == name
        ]
        axes.plot(*zip(*points, strict=True), marker="o", markersize=3, linewidth=1, label=name)
    axes.set_yscale("log")
    axes.axhline(1, color="black", linewidth=0.8)
    axes.set_xticks(range(len(runs)), [run["commit"] for run in runs], rotation=60, fontsize=7)
    axes.set_ylabel("our speed / the peer's")
    axes.legend(fontsize=6, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure
