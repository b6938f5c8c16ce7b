"""What the demo shows while it runs, and at its end."""

from __future__ import annotations

import time

from rich.progress_bar import ProgressBar
from rich.table import Table

from .job import State
from .scheduler import Scheduler


def table(scheduler: Scheduler, begun: float, verdict: str = "") -> Table:
    """``begun``: by the monotonic clock. ``verdict``: what the end shows beside what always stands there."""
    job = scheduler.job
    shown = Table(title=job.name, show_header=False, title_justify="left")
    shown.add_column(style="bold", no_wrap=True)
    shown.add_column(overflow="fold", min_width=50)
    counts = {state: job.count(state) for state in State}
    done, total = counts[State.DONE], len(job.slices)
    shown.add_row("slices", ProgressBar(total, done))
    for state in State:
        shown.add_row(f"  {state.value}", str(counts[state]))
    seconds = time.monotonic() - begun
    shown.add_row("time", f"{seconds:.1f} s, {done / seconds:.1f} slices/s")
    shown.add_row("CPU time a slice", _mean_cpu_time(scheduler))
    shown.add_row("filtered", "with WebGPU" if job.uses_gpu else "in JavaScript")
    shown.add_row("workers", ", ".join(sorted({one.worker for one in job.slices.values() if one.worker})) or "none yet")
    shown.add_row("earned", ", ".join(f"{amount:.2f} DCC for {to}" for to, amount in scheduler.paid.items()) or "-")
    shown.add_row("console", scheduler.console[-1] if scheduler.console else "-")
    if verdict:
        shown.add_row("numpy's result", verdict)
    return shown


def _mean_cpu_time(scheduler: Scheduler) -> str:
    times = [one.cpu_time for one in scheduler.job.slices.values() if one.state is State.DONE]
    return f"{sum(times) / len(times):.1f} ms" if times else "-"
