"""What the machine goes by. Times are seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SupervisionOptions:
    """Defaults are those of dcp-client (``supervisor2/config.js``), but for the last three."""

    watchdog_interval: float = 7.0
    """Between requests for work while there is none."""
    prefetch_interval: float = 20.0
    """Work is asked for so long before it runs out."""
    slice_retries: int = 1
    """How often a slice is begun again whose sandbox has ended."""
    sandbox_uses: int = 200
    repo_man_factor: float = 2.0
    """Slices are returned that make more work than so many target durations."""
    fetch_timeout: float = 180.0
    start_backoff: float = 1.0
    """Before a sandbox is tried again, doubled each time, up to the next."""
    most_start_backoff: float = 32.0
    start_failures: int = 4
    """After so many in a row with no sandbox left, all slices are returned."""
    assign_failures: int = 2
    """After so many in a row a job is given up."""
    rest_between_tasks: float = 1.0
    """After a task of which no slice could be taken."""
