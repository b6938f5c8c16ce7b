"""A worker from start to end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from dcp_protocol.errors import ProtocolError

from ..configuration import remote
from ..configuration.configuration import Configuration
from ..configuration.run_options import RunOptions
from ..configuration.settings import WorkerSettings
from ..control.log import RecentLog
from ..dialects.scheduler_commands import Announcement, Command, Kill, Reload, RemoveJob
from ..errors import ConfigurationError
from ..logs.notices import Notices
from ..sandboxes.channels import Evaluator
from .assembly import Assembly
from .banner import banner
from .board import Board
from .compatibility import check_compatibility
from .control import Control
from .disabled import disable, require_enabled
from .evaluator import OwnEvaluator, describe_evaluator, remote_evaluator
from .ledger import Ledger
from .signals import StopSignals
from .startup import Startup
from .state_folder import claimed, state_folder
from .status import StatusSource
from .told import Told
from .worker_id import worker_id

RELOAD_STATUS, KILL_STATUS = 13, 130
"""Exit statuses by which DCP's worker says what the scheduler has ordered."""

_PATIENCE = 60.0
_PAUSE = 5.0
_LONGEST_END = 30.0
_FOR_RESULTS = 5.0
_HURRIED = 1.0


def run(
    configuration: Configuration, options: RunOptions, reload: Callable[[], Configuration], own: OwnEvaluator | None
) -> int:
    """Works until a signal or the scheduler ends it. Returns the exit status. Raises WorkerError.

    ``reload`` reads the configuration anew. ``own``: what ``begin_evaluator`` has begun.
    """
    return asyncio.run(_Run(options, reload).run(configuration, own))


class _Run:
    def __init__(self, options: RunOptions, reload: Callable[[], Configuration]) -> None:
        self._options = options
        self._read_again = reload
        self._status = 0
        self._ending = asyncio.Event()
        self._hurried = asyncio.Event()
        self._assembly: Assembly | None = None
        self._state: Path | None = None
        self._notices = Notices()
        self._ledger = Ledger()
        self._board = Board(self._ledger)
        self._source = StatusSource(self._ledger)
        self._source.exit_when_done = options.exit_when_done
        self._log = RecentLog()
        self._control = Control(self, self._source, self._log)
        self._told: Told | None = None

    async def run(self, configuration: Configuration, own: OwnEvaluator | None) -> int:
        self._state = state_folder(configuration.settings.node.state_folder)
        require_enabled(self._state)
        async with AsyncExitStack() as stack:
            self._tell(configuration.settings, stack)
            signals = StopSignals(self.stop, self._reload)
            stack.enter_context(signals.handled())
            await self._control.listen(configuration.settings.node, self._state, self._notices, stack)
            evaluator, startup, starting = self._start_evaluator(configuration.settings, own, stack)
            complete = await self._unless_ended(self._with_remote(configuration))
            if complete is None:
                return 128 + (signals.number or 0)
            if starting:
                await starting
            await self._work(complete, evaluator, startup, stack)
        return self._status

    def _start_evaluator(
        self, settings: WorkerSettings, own: OwnEvaluator | None, stack: AsyncExitStack
    ) -> tuple[Evaluator, Startup | None, asyncio.Task[None] | None]:
        """While the scheduler's configuration is on its way, which has no say in it."""
        if own is None:
            return remote_evaluator(str(settings.evaluator.location)), None, None
        stack.push_async_callback(own.evaluator.close)
        starting = asyncio.create_task(own.start(self._notices))
        stack.callback(starting.cancel)
        return own.evaluator, own.startup, starting

    async def _work(
        self, configuration: Configuration, evaluator: Evaluator, startup: Startup | None, stack: AsyncExitStack
    ) -> None:
        settings = configuration.settings
        check_compatibility(settings.scheduler)
        state = self._state
        if state is None:
            self._notices.say("warning", "results are kept in memory only: no folder for them can be written")
        elif not stack.enter_context(claimed(state)):
            self._notices.say(
                "warning",
                f"another worker uses {state}: this one has a name of its own and keeps results "
                "in memory; give it a folder with node.stateFolder",
            )
            state = None
        worker = worker_id(state)
        source = self._source
        source.worker, source.scheduler = worker, settings.scheduler.location
        source.identity, source.account = str(self._options.identity.address), str(self._options.payment_address)
        source.evaluator = describe_evaluator(settings, startup)
        for line in banner(settings, worker, source.identity, source.account, source.evaluator):
            self._notices.say("info", line)
        messages = startup.messages if startup else None
        assembly = Assembly(configuration, self._options, worker, evaluator, messages, self._notices, self._obey, state)
        await assembly.open(stack)
        self._assembly = assembly
        self._board.queued = lambda: len(assembly.machine.unfinished()) - assembly.machine.working
        source.machine, source.unsubmitted = assembly.machine, lambda: len(assembly.submitter.pending())
        source.verdict = lambda: assembly.guard.verdict
        source.stage = "working"
        assembly.machine.exit_when_done = source.exit_when_done
        assembly.node.start()
        self._notices.say("info", " * Ready.")
        await _first(asyncio.create_task(assembly.node.wait_stopped()), self._ending)
        await self._end(assembly)

    async def _end(self, assembly: Assembly) -> None:
        """What runs may finish, within bounds; then results and returns are to be acknowledged."""
        self._source.stage = "stopping"
        self._notices.say("info", "Worker is stopping")
        loop = asyncio.get_running_loop()
        longest = min(_LONGEST_END, assembly.settings.cleanup_timeout)
        until = loop.time() + longest
        assembly.node.stop(hard=self._hurried.is_set())
        stopping = asyncio.create_task(assembly.node.wait_stopped())
        if not await _first(stopping, self._hurried, seconds=max(0.0, longest - _FOR_RESULTS)):
            assembly.node.stop(hard=True)
            await assembly.node.wait_stopped()
        draining = asyncio.create_task(assembly.submitter.drain())
        if not await _first(draining, self._hurried, seconds=max(1.0, until - loop.time())):
            await assembly.submitter.drain(_HURRIED)
        if pending := len(assembly.submitter.pending()):
            self._notices.say("warning", f"{pending} results are not submitted yet; the next start does it")
        else:  # which would take back the slices of those results, too
            with contextlib.suppress(ProtocolError, TimeoutError):
                await asyncio.wait_for(assembly.scheduler.return_all(str(self._options.payment_address)), _HURRIED)
        self._notices.say("info", "Worker has stopped")

    def _tell(self, settings: WorkerSettings, stack: AsyncExitStack) -> None:
        """Raises ConfigurationError."""
        self._told = Told(settings, self._options, self._notices, self._board, self._log)
        stack.callback(self._told.close)
        self._notices.listen(self._ledger)
        self._told.begin()

    # Orders

    def finish(self) -> None:
        self._notices.say("info", "Worker takes no new work, and ends when it has done what it has")
        if self._source.stage == "starting":
            self.stop(False)
        elif self._assembly and self._source.stage == "working":
            self._source.stage = "finishing"
            self._assembly.node.tell(self._assembly.machine.finish)

    def exit_when_done(self, wanted: bool) -> None:
        self._source.exit_when_done = wanted
        if self._assembly:
            self._assembly.machine.exit_when_done = wanted

    def stop(self, hard: bool) -> None:
        if hard:
            self._hurried.set()
        self._ending.set()

    def _reload(self) -> None:
        if self._told:
            self._told.logs.reopen()  # files may have been moved away
        try:
            settings = self._read_again().settings
            if self._told:
                self._told.change(settings)
        except ConfigurationError as error:
            self._notices.say("error", f"the configuration stays as it was: {error}")
            return
        assembly = self._assembly
        if assembly is None:
            return
        assembly.change(settings)
        self._notices.say("info", "The configuration was read again")

    def _obey(self, command: Command) -> None:
        match command:
            case Announcement(message):
                self._notices.say("info", f" * The scheduler announces: {message}")
            case Kill(temporary):
                self._notices.say("warning", "the scheduler ends this worker")
                if self._assembly and not temporary:
                    disable(self._state, self._assembly.settings.scheduler.location)
                self._status = KILL_STATUS
                self.stop(False)
            case Reload():
                self._notices.say("warning", "the scheduler wants this worker started again")
                self._status = RELOAD_STATUS
                self.stop(False)
            case RemoveJob(job) if self._assembly:
                self._assembly.node.tell(self._assembly.machine.job_removed, job, "the scheduler has removed the job")
            case _:
                self._notices.say("debug", "the scheduler has sent a command that this worker does not know")

    # The scheduler's configuration

    async def _with_remote(self, configuration: Configuration) -> Configuration:
        """Waits for a scheduler that is not there yet, for a minute. Raises ConfigurationError."""
        location = configuration.config_location
        if location is None:
            return configuration
        loop = asyncio.get_running_loop()
        until = loop.time() + _PATIENCE
        dialect = 5 if configuration.settings.node.dialect == "5" else 4
        while True:
            try:
                return configuration.with_remote(await remote.fetch(location, dialect), location)
            except ConfigurationError as error:
                if loop.time() + _PAUSE > until:
                    raise
                self._notices.say("warning", f"{error}; trying again")
                await asyncio.sleep(_PAUSE)

    async def _unless_ended(self, work: Coroutine[Any, Any, Configuration]) -> Configuration | None:
        """None where a signal comes first."""
        task = asyncio.create_task(work)
        if await _first(task, self._ending):
            return task.result()
        return None


async def _first(task: asyncio.Task[Any], *events: asyncio.Event, seconds: float | None = None) -> bool:
    """Whether the task is done before any of the events, and in time; it is cancelled otherwise."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait([task, *waiting], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    done = task.done()
    for one in [*waiting, task]:
        one.cancel()
    await asyncio.wait([*waiting, task])
    return done
