"""The scores on one screen, beside those of the reference machines."""

from __future__ import annotations

import statistics
from typing import Any

from rich.console import Console
from rich.table import Table

_NARROW = 78  # columns of a terminal that hold no comparison with more than one machine
_BUSY = 0.5  # programs per CPU that ran, or wanted to, before
_SOFTWARE = "cpu"


def show(report: dict[str, Any], references: dict[str, dict[str, Any]], console: Console) -> None:
    """``report``, ``references``: as ``--json`` prints them."""
    machine = report["machine"]
    cores = "" if machine["cores"] is None else f", {machine['cores']} cores"
    memory = "" if machine["memory_mib"] is None else f", {machine['memory_mib'] / 1024:.1f} GiB"
    console.print(f"{machine['cpu']}: {machine['cpus_usable']} CPUs{cores}{memory}", highlight=False)
    console.print(_table(report, references, console.width))
    for name, other in references.items():
        gpu = ", ".join(_gpu(gpu) for gpu in other["gpus"] if gpu["offered"]) or "no GPU"
        there = f"{other['machine']['cpu']}, {other['machine']['cpus_usable']} CPUs, {gpu}, {other['date']}"
        console.print(f"x {name}: times better than {there}", highlight=False, style="dim")
    if not any(gpu["offered"] for gpu in report["gpus"]):
        console.print("No GPU is offered to sandboxes; dcp-evaluator --probe says why.", highlight=False)
    if report["load_before"] > _BUSY * machine["cpus_usable"]:
        busy = f"load average {report['load_before']:.1f} on {machine['cpus_usable']} CPUs"
        console.print(
            f"The machine was busy before this began ({busy}): idle, it does better.", highlight=False, style="yellow"
        )
    for problem in report["problems"]:
        console.print(f"Not measured: {problem}", highlight=False, markup=False, style="red")
    if not report["complete"]:
        console.print("Interrupted: the rest was not measured.", style="yellow")
    elif report["quick"]:
        console.print(
            "Quick: scores vary by 10 % or so; without --quick they are steadier.", highlight=False, style="dim"
        )


def _gpu(gpu: dict[str, Any]) -> str:
    return f"{gpu['device']} (software)" if gpu["type"] == _SOFTWARE else str(gpu["device"])


def _table(report: dict[str, Any], references: dict[str, dict[str, Any]], width: int) -> Table:
    shown = dict(list(references.items())[: 1 if width <= _NARROW else 4])
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("measure")
    table.add_column("here", justify="right")
    table.add_column("unit")
    for name in shown:
        table.add_column(f"x {name}", justify="right")
    groups = [("", None, None)]
    groups += [(f"GPU {gpu['index']}: {gpu['device']}", gpu["index"], gpu["peak_gflops"]) for gpu in report["gpus"]]
    for title, index, peak in groups:
        scores = [score for score in report["scores"] if score["gpu"] == index]
        if title and scores:
            table.add_section()
            table.add_row(f"[bold]{title}[/bold]")
        for score in scores:
            compared = [_compared(score, other) for other in shown.values()]
            table.add_row(score["name"], number(score["value"]), score["unit"], *compared)
        if scores and peak is not None:
            table.add_row("f32 on paper", number(peak), "GFLOP/s")
    return table


def _compared(score: dict[str, Any], other: dict[str, Any]) -> str:
    """How many times better than there, where it was measured."""
    values = [theirs["value"] for theirs in other["scores"] if theirs["id"] == score["id"]]
    if not values or not score["value"] or not statistics.median(values):
        return ""
    ratio = score["value"] / statistics.median(values)
    return f"{ratio if score['better'] == 'higher' else 1 / ratio:.2f}"


def number(value: float) -> str:
    """Three digits or more."""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
