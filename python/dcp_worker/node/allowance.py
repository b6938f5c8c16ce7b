"""Has supervisor and evaluator do what the rules allow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ..rules.verdict import Verdict
from ..sandboxes.channels import Evaluator
from ..supervision.machine import Machine
from .work_requests import WorkRequests


class Allowance:
    """``tell``: passes events to the machine. ``grace``: seconds for which what runs may go on."""

    def __init__(
        self,
        machine: Machine,
        requests: WorkRequests,
        evaluator: Evaluator,
        tell: Callable[..., None],
        grace: float,
    ) -> None:
        self.grace = grace
        self._machine = machine
        self._requests = requests
        self._evaluator = evaluator
        self._tell = tell
        self._resting: frozenset[str] = frozenset()
        self._renew = False
        """Whether sandboxes are to be replaced that may have a GPU which rests now, while others work."""
        self._timer: asyncio.TimerHandle | None = None

    def apply(self, verdict: Verdict) -> None:
        """What rests now may go on for the time of grace; what works again begins at once."""
        resting = frozenset(name for name, decision in verdict.gpus.items() if not decision.allowed)
        allowed = len(verdict.gpus) - len(resting)
        # Where all rest, no job gets one, and the sandbox that is asked what there is must see them.
        withheld = resting if allowed else frozenset()
        if not self._evaluator.withhold_gpus(withheld) and withheld:
            allowed = 0
        begun, self._resting = resting - self._resting, resting
        self._renew = bool(resting and allowed and (self._renew or begun))
        before = self._requests.limits()
        self._requests.cpu_rests = not verdict.cpu.allowed
        self._requests.gpus = allowed if resting else None
        limits = self._requests.limits()
        if begun and self._renew:
            self._tell(self._machine.gpus_changed)
        if limits != before or (begun and self._renew):
            self._set(hard=self.grace <= 0)
            self._restart_timer(rests=limits.cpu_rests or bool(resting))

    def close(self) -> None:
        if self._timer:
            self._timer.cancel()

    def _set(self, *, hard: bool) -> None:
        if self._renew and hard:
            self._tell(self._machine.gpus_changed, hard=True)
        self._tell(self._machine.set_limits, self._requests.limits(), hard=hard)

    def _restart_timer(self, *, rests: bool) -> None:
        self.close()
        self._timer = asyncio.get_running_loop().call_later(self.grace, self._end_grace) if rests else None

    def _end_grace(self) -> None:
        self._set(hard=True)
        self._renew = False
