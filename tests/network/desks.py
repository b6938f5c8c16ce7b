"""Jobs and workers at the tables themselves, with a clock of the test: no process, no connection."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, select

from dcp_protocol.keys.hashes import eh1
from dcp_scheduler.errors import RefusedError
from dcp_scheduler.groups import groups
from dcp_scheduler.jobs import deployment
from dcp_scheduler.jobs.acceptance import accept
from dcp_scheduler.jobs.data import JobData
from dcp_scheduler.jobs.records import Job, by_number
from dcp_scheduler.jobs.redundancy import UnjudgedError
from dcp_scheduler.ledger import ledger
from dcp_scheduler.model.measured import Measured, Rates
from dcp_scheduler.model.submission import Offer, Submission, Worktime
from dcp_scheduler.model.work_request import FetchState, GroupProof, SliceResult, SliceStatus, WorkRequest
from dcp_scheduler.scheduling.windows import Windows
from dcp_scheduler.services.comparison import compared
from dcp_scheduler.services.dispatcher import Dispatcher
from dcp_scheduler.store.folder import FolderContents
from dcp_scheduler.store.schema import metadata, slices
from dcp_scheduler.store.transaction import Transaction

_SESSION = "session"
_PUBLIC = [GroupProof("public", eh1(_SESSION + eh1("public undefined")))]
SILENCE = 240.0
PAYER = "0x" + "a" * 40


@dataclass
class Desk:
    """``now``: what the clock says, in seconds."""

    folder: Path
    now: float = 1000.0
    jobs: dict[int, Job] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.engine: Engine = create_engine("sqlite://")
        self.connection = self.engine.connect()
        metadata.create_all(self.connection)
        self.contents = FolderContents(self.folder / "contents")
        self.data = JobData(self.contents)
        self.dispatcher = Dispatcher(self.data, Rates(), SILENCE, windows=Windows(1000, 4000))
        groups.ensure_public(self.transaction())
        ledger.deposit(self.transaction(), PAYER, 10**30)

    def close(self) -> None:
        self.connection.close()
        self.engine.dispose()

    def transaction(self) -> Transaction:
        return Transaction(self.connection, self.contents, self.now)

    def deploy(self, count: int, *, price: int = 0, **changes: Any) -> int:
        """A job of that many slices; its number."""
        submission = Submission(
            id=secrets.token_hex(12), dialect=5, owner="0xclient", payer=PAYER, code="data:,", arguments=[],
            worktime=Worktime("map-basic", "^1.0.0"), offer=Offer(absolute=price), slices=count, estimation=0,
            inputs={"start": 1, "end": count, "step": 1},
        )  # fmt: skip
        job = deployment.submit(self.transaction(), replace(submission, **changes))
        groups.add_job(self.transaction(), job.number, [{"id": groups.PUBLIC_ID}], _SESSION)
        self.jobs[job.number] = job
        return int(job.number)

    def request(self, worker: str, **changes: Any) -> WorkRequest:
        request = WorkRequest(
            dialect=5, worker=worker, owner=f"0x{worker}", session=_SESSION, state=FetchState.NORMAL, room=1.0,
            worktimes={"map-basic": ["1.0.0"]}, groups=_PUBLIC,
        )  # fmt: skip
        return replace(request, **changes)

    def ask(self, worker: str, **changes: Any) -> list[tuple[int, int]]:
        """Jobs and slices that the worker gets."""
        tasks = self.dispatcher.assign(self.transaction(), self.request(worker, **changes))
        return [(task.job.number, each.number) for task in tasks for each in task.slices]

    def answer(self, worker: str, job: int, number: int, value: str = "data:,1", seconds: float = 1.0) -> int:
        """What was paid for it. Raises RefusedError."""
        measured = Measured(cpu=1000 * seconds, cpu_density=1.0)
        result = SliceResult(worker, f"0x{worker}", self.jobs[job].id, number, _payee(worker), value, measured)
        (answer,) = accept(self.transaction(), [result], Rates())
        if isinstance(answer, UnjudgedError):
            result = replace(result, compared=compared(self.data, self.contents, result, answer))
            (answer,) = accept(self.transaction(), [result], Rates())
        if isinstance(answer, RefusedError):
            raise answer
        if answer.is_new:
            self.dispatcher.finished(worker, f"0x{worker}", self.now)
        return answer.paid

    def give_back(
        self, worker: str, job: int, *numbers: int, reason: str, place: str = "", owner: str | None = None
    ) -> None:
        status = SliceStatus(worker, self.jobs[job].id, numbers, "return", reason)
        self.dispatcher.returned(self.transaction(), status, owner or f"0x{worker}", place)

    def job(self, number: int) -> Job:
        return by_number(self.connection, number)

    def statuses(self, job: int) -> dict[int, str]:
        query = select(slices.c.number, slices.c.status).where(slices.c.job == job)
        return {row.number: row.status for row in self.connection.execute(query)}

    def earned(self, worker: str) -> int:
        return ledger.balance(self.connection, _payee(worker))


def _payee(worker: str) -> str:
    return f"0xpay{worker}"
