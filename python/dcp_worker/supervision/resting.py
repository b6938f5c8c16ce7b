"""What becomes of jobs that may not run now, as the CPU or the GPUs rest."""

from __future__ import annotations

from .admission import PAUSED
from .dispatcher import Dispatcher
from .jobs import JobTable, SliceStage
from .release import Release


class Resting:
    """Their slices go back, and their sandboxes end."""

    def __init__(self, jobs: JobTable, dispatcher: Dispatcher, release: Release) -> None:
        self._jobs = jobs
        self._dispatcher = dispatcher
        self._release = release

    def enforce(self, *, hard: bool = False) -> None:
        """Slices that run may finish; ``hard``: they may not."""
        limits = self._dispatcher.limits
        for state in [state for state in self._jobs if not limits.allow(uses_gpu=state.job.uses_gpu)]:
            kept = set() if hard else {n for n, one in state.slices.items() if one.stage is SliceStage.WORKING}
            keys = [one.slice.key for number, one in state.slices.items() if number not in kept]
            self._release.slices(keys, PAUSED)
            self._dispatcher.end_idle(state.job.identity)
            if not state.slices:
                self._release.job(state.job.identity, PAUSED)
        if limits.rests:
            self._dispatcher.end_idle()
