"""Whether work can run on this machine: one slice, in a sandbox with DCP's start-up files."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

from dcp_evaluator.errors import DcpError
from dcp_evaluator.settings import engines
from dcp_evaluator.settings.settings import Settings

from ..configuration.settings import NodeSettings
from ..errors import WorkerError
from ..node.startup import Startup
from ..sandboxes.embedded import EmbeddedEvaluator
from ..sandboxes.jobs import AssignedJob
from ..sandboxes.outcomes import Completed, Outcome, SliceListener
from ..sandboxes.sandbox import Sandbox
from ..tasks.capabilities import Worktime, Worktimes
from ..tasks.job import Job

_WORK: Final = "async function work(datum, factor) { progress(); return datum * factor; }"
_WORKTIME: Final = "map-basic"
_DEADLINE: Final = 120.0
_SEE: Final = "see dcp-evaluator --probe"


def run_slice(client: Startup, settings: NodeSettings) -> str:
    """Runs one; says what ran it. Raises WorkerError."""
    try:
        chosen = Settings(engine=settings.engine, isolation=settings.isolation)
        engine = engines.chosen(chosen)
        outcome, worktimes = asyncio.run(asyncio.wait_for(_slice(client, chosen), _DEADLINE))
    except TimeoutError:
        raise WorkerError(f"a slice did not end within {_DEADLINE:g} s; {_SEE}") from None
    except (DcpError, WorkerError, ValueError) as error:
        raise WorkerError(f"no slice can run on this machine: {error}; {_SEE}") from None
    if not isinstance(outcome, Completed) or outcome.value != 42:
        raise WorkerError(f"a slice did not give the result of 6 * 7; {_SEE}")
    return f"engine {engine}, worktimes {', '.join(_names(worktimes))}"


async def _slice(client: Startup, settings: Settings) -> tuple[Outcome, tuple[Worktimes, ...]]:
    evaluator = EmbeddedEvaluator(client.files, settings, spares=0)
    try:
        await evaluator.start()
        sandbox = await Sandbox.start(await evaluator.open(), client.messages)
        try:
            worktimes = sandbox.description.worktimes
            await sandbox.assign(_job(worktimes))
            return await sandbox.work(6, SliceListener()), worktimes
        finally:
            await sandbox.end()
            await sandbox.wait_closed()
    finally:
        await evaluator.close()


def _job(worktimes: Iterable[Worktimes]) -> AssignedJob:
    """Raises WorkerError."""
    versions = [version for each in worktimes if each.name == _WORKTIME for version in each.versions]
    if not versions:
        raise WorkerError(f"sandboxes with the start-up files have no worktime {_WORKTIME}")
    worktime = Worktime(_WORKTIME, versions[-1])
    job = Job(identity="self-test", code="", worktime=worktime)
    return AssignedJob(job=job, worktime=worktime, work_function=_WORK, arguments=[7])


def _names(worktimes: Iterable[Worktimes]) -> Iterable[str]:
    return (f"{each.name} {'|'.join(each.versions)}" for each in worktimes)
