"""Looks at the machine now and then, and says whether the CPU and each GPU may work."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from ..configuration.rules import Rules
from ..logs.notices import Notices
from ..monitors.machine import Monitors
from ..rules.judge import Judge
from ..rules.observation import Gpu, Observation
from ..rules.pauses import ALL, CPU, GPU, Pauses
from ..rules.verdict import Decision, Verdict

_PERIOD: Final = 5.0  # seconds between two looks
_ANY_GPU: Final = Gpu(GPU, "GPU")
"""Where the kernel has none: the evaluator's, which may be in software, or elsewhere."""


class Guard:
    """``verdict``: the last one. ``pauses``: those that the owner has ordered."""

    def __init__(
        self,
        rules: Rules,
        notices: Notices,
        has_gpu: Callable[[], bool],
        obey: Callable[[Verdict], None],
        *,
        results: Path | None = None,
        pauses: Pauses | None = None,
        root: Path = Path("/"),
    ) -> None:
        """``obey`` hears each verdict that differs from the last. ``has_gpu``: whether there is one to speak of.

        ``results``: the folder for results. ``root``: of the kernel's files.
        """
        self.verdict = Verdict()
        self.pauses = pauses or Pauses()
        self._notices = notices
        self._has_gpu = has_gpu
        self._obey = obey
        self._results = results
        self._root = root
        self._judge = Judge(rules)
        self._seen = Observation(time=datetime.now())
        self._told: set[str] = set()
        self._next_rules: Rules | None = None
        self._wake = asyncio.Event()
        self._monitors = self._watch(rules)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """The first verdict is there when this returns."""
        await self._look()
        self._task = asyncio.create_task(self._keep_looking())

    async def close(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._monitors.close()

    def change(self, rules: Rules) -> None:
        """Other rules: the next look, at once, is by them."""
        self._next_rules = rules
        self._wake.set()

    def targets(self) -> list[str]:
        """What can be paused, by name."""
        return [ALL, CPU, *([GPU, *(name for name in self.verdict.gpus if name != GPU)] if self.verdict.gpus else [])]

    def heat(self) -> dict[str, float]:
        """°C of the CPU and of GPUs, by name, as far as they are known."""
        known = {CPU: self._seen.temperature, **{gpu.identity: gpu.temperature for gpu in self._seen.gpus}}
        return {name: degrees for name, degrees in known.items() if degrees is not None}

    def pause(self, target: str, until: float | None = None) -> None:
        """``until``: seconds since the epoch; None: until it is resumed."""
        self.pauses.pause(target, until)
        self.judge_now()

    def resume(self, target: str) -> None:
        self.pauses.resume(target)
        self.judge_now()

    def judge_now(self) -> None:
        """By what was last seen."""
        seen = dataclasses.replace(self._seen, time=datetime.now(), gpus=self._gpus())
        verdict = self._judge.judge(seen, self.pauses)
        before, self.verdict = self.verdict, verdict
        for text in _changes(before, verdict):
            self._notices.say("info", text)
        for reason in verdict.unwatched:
            if reason.text not in self._told:
                self._told.add(reason.text)
                self._notices.say("warning", f"the rule {reason.rule} has no effect: {reason.text}")
        if verdict != before:
            self._obey(verdict)

    def _watch(self, rules: Rules) -> Monitors:
        return Monitors(rules, self._wake.set, self._results, self._root)

    def _gpus(self) -> tuple[Gpu, ...]:
        return (self._seen.gpus or (_ANY_GPU,)) if self._has_gpu() else ()

    async def _keep_looking(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _PERIOD)
            try:
                await self._look()
            except Exception as error:  # else no rule would ever begin or end again
                message = {"message": "the machine cannot be looked at", "exception": error}
                asyncio.get_running_loop().call_exception_handler(message)

    async def _look(self) -> None:
        self._wake.clear()
        rules, self._next_rules = self._next_rules, None
        if rules:
            self._monitors.close()
            self._monitors = self._watch(rules)
            self._told.clear()
        seen = await self._monitors.look()
        if rules:
            self._judge.change(rules)
        self._seen = seen
        self.judge_now()


def _changes(before: Verdict, after: Verdict) -> Iterator[str]:
    """What begins or ceases to rest, and other reasons for it."""
    pairs = [(before.cpu, after.cpu)]
    pairs += [(before.gpus.get(name, Decision("")), decision) for name, decision in after.gpus.items()]
    for old, new in pairs:
        texts = [reason.text for reason in new.reasons]
        if texts and texts != [reason.text for reason in old.reasons]:
            yield f" . {new.name} rests: {', '.join(texts)}"
        elif not texts and old.reasons:
            yield f" . {new.name} works again"
