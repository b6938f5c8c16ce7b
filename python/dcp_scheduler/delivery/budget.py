"""How many events the slices of a job may tell its client: a work function may print for ever."""

from __future__ import annotations

from collections import OrderedDict

_MOST_JOBS = 10_000


class EventBudget:
    """``most``: of each job."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._told: OrderedDict[int, int] = OrderedDict()

    def take(self, job: int) -> bool:
        """Whether one more may be told."""
        told = self._told.get(job, 0)
        if told >= self._most:
            return False
        self._told[job] = told + 1
        self._told.move_to_end(job)
        if len(self._told) > _MOST_JOBS:
            self._told.popitem(last=False)
        return True
