"""Slices and jobs that are given up."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..tasks.slices import Slice, SliceKey
from .actions import Action, ForgetJob, ReturnSlices
from .dispatcher import Dispatcher
from .jobs import JobTable
from .requests import Requests


class Release:
    """Takes slices from ``jobs`` and from sandboxes, and has them returned."""

    def __init__(
        self, jobs: JobTable, dispatcher: Dispatcher, requests: Requests, act: Callable[[Action], None]
    ) -> None:
        self._jobs = jobs
        self._dispatcher = dispatcher
        self._requests = requests
        self._act = act

    def slices(self, keys: Iterable[SliceKey], reason: str, code: str = "", retries: int | None = None) -> None:
        """Together where they were handed out together. Their sandboxes end."""
        chosen = set(keys)
        self._dispatcher.withdraw(chosen)
        groups: dict[tuple[str, int, bool], list[Slice]] = {}
        for key in chosen:
            job = self._jobs.find(key.job)
            state = job.remove(key.number) if job else None
            if state:
                one = state.slice
                groups.setdefault((key.job, id(one.authorization), one.is_estimation), []).append(one)
        for group in groups.values():
            ordered = tuple(sorted(group, key=lambda one: one.key.number))
            self._act(ReturnSlices(ordered, reason, code, retries))

    def job(self, job: str, reason: str, code: str = "", retries: int | None = None) -> None:
        """All its slices; it may come again."""
        state = self._jobs.find(job)
        if state is None:
            return
        self.slices([one.slice.key for one in state.slices.values()], reason, code, retries)
        self._dispatcher.forget(job)
        self._jobs.remove(job)
        if state.job.is_discrete:
            self._requests.previous.append(job)
        self._act(ForgetJob(job))

    def rejected_job(self, job: str, reason: str, code: str, retries: int | None = None) -> None:
        """The same; it is not wanted again."""
        self._requests.rejected.append(job)
        self.job(job, reason, code, retries)

    def idle_jobs(self, named: Iterable[str]) -> None:
        """Those without slices here, of which the scheduler no longer speaks."""
        kept = set(named)
        for job in [job.job.identity for job in self._jobs if not job.slices]:
            if job not in kept:
                self.job(job, "")
