"""The status document of a worker, made of what its parts know."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version

from ..control import status as document
from ..control.status import State, WorkerStatus
from ..logs.lines import plain
from ..rules.verdict import Decision, Verdict
from ..scheduling.room import Limits
from ..supervision.machine import Machine
from ..tasks.load import Load
from .ledger import JobRecord, Ledger, Running

_VERSION = version("dcp-evaluator")


@dataclass(slots=True)
class StatusSource:
    """What is filled in as the worker comes to know it. ``unsubmitted``: how many results wait for the scheduler.

    ``trouble``: why they are in memory only. ``heat``: °C, by the id of a resource.
    """

    ledger: Ledger
    stage: State = "starting"
    exit_when_done: bool = False
    worker: str = ""
    scheduler: str = ""
    account: str = ""
    identity: str = ""
    evaluator: str = ""
    machine: Machine | None = None
    unsubmitted: Callable[[], int] = lambda: 0
    trouble: Callable[[], str] = lambda: ""
    verdict: Callable[[], Verdict] = Verdict
    heat: Callable[[], Mapping[str, float]] = dict

    def __call__(self) -> WorkerStatus:
        verdict = self.verdict()
        working = Counter(one.key.job for _, one in self.ledger.running())
        unfinished = Counter(one.key.job for one in self.machine.unfinished()) if self.machine else Counter()
        queued = unfinished - working
        limits = self.machine.limits if self.machine else Limits(0, 0, 0)
        resources = tuple(self._resources(verdict, limits))
        slices, earned = self.ledger.per_hour()
        state, reason = self._state(resources, working.total())
        return WorkerStatus(
            time=time.time(),
            version=_VERSION,
            pid=os.getpid(),
            started=self.ledger.began,
            state=state,
            reason=reason,
            exit_when_done=self.exit_when_done,
            worker=self.worker,
            scheduler=self.scheduler,
            account=self.account,
            identity=self.identity,
            evaluator=self.evaluator,
            max_sandboxes=limits.sandboxes,
            resources=resources,
            sandboxes=tuple(self._sandbox(number, one) for number, one in sorted(self.ledger.sandboxes.items())),
            jobs=tuple(_job(one, queued[name], working[name]) for name, one in self.ledger.jobs.items()),
            queue=document.Queue(working=working.total(), queued=queued.total(), unsubmitted=self.unsubmitted()),
            totals=document.Totals(**asdict(self.ledger.totals)),
            rates=document.Rates(slices_per_hour=round(slices, 2), earned_per_hour=earned),
            rules=tuple(_rules(resources, verdict)),
            messages=tuple(self._messages(verdict)),
        )

    def _state(self, resources: tuple[document.Resource, ...], working: int) -> tuple[State, str]:
        if self.stage != "working":
            return self.stage, _STAGES[self.stage]
        if not any(one.allowed for one in resources):
            return "paused", "; ".join(dict.fromkeys(reason.text for one in resources for reason in one.reasons))
        return ("working", "") if working or not self.machine else ("idle", _why_idle(self.machine))

    def _resources(self, verdict: Verdict, limits: Limits) -> Iterator[document.Resource]:
        used = self.machine.used if self.machine else Load(0, 0)
        heat = self.heat()
        yield _resource("cpu", "cpu", verdict.cpu, limits.cpu, used.cpu, heat)
        working = sum(decision.allowed for decision in verdict.gpus.values()) or 1
        for name, decision in verdict.gpus.items():
            share = decision.allowed / working
            yield _resource("gpu", name, decision, limits.gpu * share, used.gpu * share, heat)

    def _messages(self, verdict: Verdict) -> Iterator[str]:
        if trouble := self.trouble():
            yield f"results are kept in memory only: {trouble}"
        yield from (reason.text for reason in verdict.unwatched)

    def _sandbox(self, number: int, one: Running | None) -> document.Sandbox:
        if one is None:
            return document.Sandbox(number=number)
        record = self.ledger.jobs.get(one.key.job)
        return document.Sandbox(
            number=number,
            state="working",
            job=plain(one.key.job),
            job_name=plain(one.job_name),
            slice=one.key.number,
            progress=one.share,
            began=one.began,
            reported=one.told,
            uses_gpu=record is not None and record.job.uses_gpu,
        )


_STAGES = {
    "starting": "it starts",
    "finishing": "it takes no new work, and ends once what it has is done",
    "stopping": "it has been told to stop",
}


def _why_idle(machine: Machine) -> str:
    if not machine.has_evaluator:
        return "there is no sandbox yet, or none can be made"
    if not machine.is_answered:
        return "the scheduler has not answered its last request for work"
    return "slices are made ready" if machine.unfinished() else "the scheduler has no work for it just now"


def _resource(
    kind: document.Kind, name: str, decision: Decision, limit: float, used: float, heat: Mapping[str, float]
) -> document.Resource:
    return document.Resource(
        id=name,
        name=plain(decision.name),
        kind=kind,
        allowed=decision.allowed,
        reasons=decision.reasons,
        limit=round(limit, 3),
        used=round(used, 3),
        temperature=heat.get(name),
    )


def _job(record: JobRecord, queued: int, working: int) -> document.Job:
    job, work = record.job, record.work
    return document.Job(
        id=plain(job.identity),
        name=plain(job.name),
        description=plain(job.description),
        link=plain(job.link),
        uses_gpu=job.uses_gpu,
        queued=queued,
        working=working,
        **asdict(work),
    )


def _rules(resources: tuple[document.Resource, ...], verdict: Verdict) -> Iterator[document.Rule]:
    """Those in force, each once, and those that cannot be."""
    in_force = dict.fromkeys((reason.rule, reason.text) for one in resources for reason in one.reasons)
    yield from (document.Rule(name=rule, text=text, in_force=True) for rule, text in in_force)
    yield from (document.Rule(name=one.rule, text=one.text) for one in verdict.unwatched)
