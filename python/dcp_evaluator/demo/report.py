"""The table at the end of the demo."""

from __future__ import annotations

from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from ..jobs.events import JobMetrics
from ..probe import gpu
from ..probe import report as probe
from ..settings import engines
from ..settings.settings import Settings
from .detail import Detail


@dataclass
class Summary:
    """What a run of the demo took. ``difference``: the largest from numpy's result.

    ``detail``: what the job in Python found, why there was none, or None where none was wanted.
    """

    engine: str
    settings: Settings
    slices: int
    sandboxes: int
    gpu_wanted: bool
    adapters: set[str | None] = field(default_factory=set)
    metrics: JobMetrics = field(default_factory=JobMetrics)
    seconds: float = 0.0
    difference: float = float("inf")
    tolerance: float = 0.0
    detail: Detail | str | None = None

    @property
    def agrees(self) -> bool:
        """Whether both jobs found what numpy finds."""
        return self.filter_agrees and not (isinstance(self.detail, Detail) and not self.detail.agrees)

    @property
    def filter_agrees(self) -> bool:
        return self.difference <= self.tolerance


def show(summary: Summary, console: Console) -> None:
    """Prints the table."""
    table = Table(title="dcp-evaluator demo", show_header=False, title_justify="left")
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    metrics, slices = summary.metrics, summary.slices
    table.add_row("slices", f"{slices} in {summary.seconds:.2f} s, {slices / summary.seconds:.1f} slices/s")
    table.add_row("sandboxes", f"{summary.sandboxes}, {metrics.sandbox_deaths} replaced")
    table.add_row("engine", engines.description(summary.engine, summary.settings))
    table.add_row("CPU time a slice", f"{metrics.cpu / slices:.1f} ms")
    table.add_row("GPU time a slice", f"{metrics.gpu / slices:.1f} ms" if metrics.gpu else "not used")
    table.add_row("wall time a slice", f"{metrics.wall / slices:.1f} ms")
    table.add_row("adapter", _adapter(summary))
    for name, text in _isolation():
        table.add_row(name, text)
    verdict = "agrees" if summary.filter_agrees else "DIFFERS"
    table.add_row(
        "numpy's result", f"{verdict}: largest difference {summary.difference:.1e} of {summary.tolerance:.0e}"
    )
    for name, text in _in_python(summary.detail):
        table.add_row(name, text)
    console.print(table)


def _in_python(detail: Detail | str | None) -> list[tuple[str, str]]:
    if detail is None:
        return []
    return detail.rows() if isinstance(detail, Detail) else [("slices in Python", f"none ({detail})")]


def _adapter(summary: Summary) -> str:
    names = sorted(name for name in summary.adapters if name)
    if names:
        return ", ".join(names)
    if not summary.gpu_wanted:
        return "not asked for; filtered in JavaScript"
    reason = gpu.gpu_adapters(summary.settings)["error"] or "no Vulkan driver was found"
    return f"none ({reason}); filtered in JavaScript"


def _isolation() -> list[tuple[str, str]]:
    report = probe.isolation_layers()
    if report["error"]:
        return [("isolation", f"unknown: {report['error']}")]
    layers = report["layers"]
    rows = [("isolation in force", ", ".join(layer["layer"] for layer in layers if layer["in_force"]) or "none")]
    missing = [f"{layer['layer']} ({layer['reason']})" for layer in layers if not layer["in_force"]]
    return rows + ([("not in force", "\n".join(missing))] if missing else [])
