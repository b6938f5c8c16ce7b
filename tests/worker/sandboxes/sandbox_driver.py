"""Sandboxes of DCP's start-up files, driven as a worker does."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Any, NamedTuple, TypeVar

from dcp_evaluator.settings.settings import Settings
from dcp_worker.dialects import sandbox_messages
from dcp_worker.dialects.sandbox_messages import SandboxMessages
from dcp_worker.sandboxes.embedded import EmbeddedEvaluator
from dcp_worker.sandboxes.jobs import AssignedJob
from dcp_worker.sandboxes.limits import Limits, Timeouts
from dcp_worker.sandboxes.outcomes import Completed, Outcome, SliceListener
from dcp_worker.sandboxes.sandbox import Sandbox
from dcp_worker.tasks.capabilities import Worktime
from dcp_worker.tasks.job import Job
from npm_packages import npm_packages

MAP_BASIC = Worktime("map-basic", "1.0.0")
_DEADLINE = 100.0
_T = TypeVar("_T")


class Dialect(NamedTuple):
    """The start-up files of one dcp-client and the messages that they understand."""

    files: Sequence[str]
    messages: SandboxMessages
    python: Worktime
    group: str = ""


def dialect(group: str) -> Dialect:
    """``dcp`` or ``dcp5``, of tests/npm."""
    modules = npm_packages(group)
    client = modules / "dcp-client"
    names = json.loads((client / "generated" / "sandbox-definitions.json").read_text())["native"]
    files = [str(modules / name if "/" in name else client / "libexec" / "sandbox" / f"{name}.js") for name in names]
    if group == "dcp":
        return Dialect(files, sandbox_messages.V4, Worktime("pyodide", "0.26.0"), group)
    return Dialect(files, sandbox_messages.V5, Worktime("pyodide", "0.28.0"), group)


def run(work: Coroutine[Any, Any, _T], seconds: float = _DEADLINE) -> _T:
    async def bounded() -> _T:
        async with asyncio.timeout(seconds):
            return await work

    return asyncio.run(bounded())


@contextlib.asynccontextmanager
async def evaluator(dialect: Dialect, engine: str, **options: Any) -> AsyncIterator[EmbeddedEvaluator]:
    made = EmbeddedEvaluator(dialect.files, Settings(engine=engine), **options)
    try:
        await made.start()
        yield made
    finally:
        await made.close()


@contextlib.asynccontextmanager
async def sandbox(
    dialect: Dialect, engine: str, timeouts: Timeouts | None = None, limits: Limits | None = None
) -> AsyncIterator[Sandbox]:
    """The only one of an evaluator."""
    async with evaluator(dialect, engine, spares=0) as owner:
        box = await Sandbox.start(await owner.open(), dialect.messages, timeouts, limits)
        try:
            yield box
        finally:
            await box.end()


def job(work_function: str, *arguments: Any, worktime: Worktime = MAP_BASIC, **members: Any) -> AssignedJob:
    """``members`` of ``Job``, and of ``AssignedJob`` where it has them."""
    ours = {name: members.pop(name) for name in ("modules", "fetch", "size") if name in members}
    described = Job(**{"identity": f"0x{'1' * 40}", "code": "data:,", "worktime": worktime, **members})
    return AssignedJob(job=described, worktime=worktime, work_function=work_function, arguments=arguments, **ours)


async def pid_of(box: Sandbox) -> int:
    """Once the evaluator has told it."""
    while (pid := box.pid) is None:
        await asyncio.sleep(0.005)
    return pid


class Heard(SliceListener):
    """Remembers what it hears. ``has_begun``: set by the first progress."""

    def __init__(self) -> None:
        self.has_begun = asyncio.Event()
        self.percents: list[float | None] = []
        self.texts: list[tuple[str, Any, int]] = []
        self.events: list[tuple[str, Any]] = []

    def progressed(self, percent: float | None) -> None:
        self.percents.append(percent)
        self.has_begun.set()

    def console(self, level: str, arguments: Any, same: int) -> None:
        self.texts.append((level, arguments, same))

    def emitted(self, name: str, data: Any) -> None:
        self.events.append((name, data))


def value_of(outcome: Outcome) -> Any:
    """The result of a slice that has one."""
    assert isinstance(outcome, Completed), outcome
    return outcome.value
