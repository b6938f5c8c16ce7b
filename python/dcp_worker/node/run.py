"""A worker from start to end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from dcp_evaluator.service.manager import ServiceManager

from ..configuration import display
from ..configuration.configuration import Configuration
from ..configuration.run_options import RunOptions
from ..configuration.settings import WorkerSettings
from ..control.log import RecentLog
from ..dialects.scheduler_commands import Announcement, Command, Kill, Reload, RemoveJob
from ..errors import ConfigurationError
from ..history.history import History
from ..logs.notices import Notices
from ..sandboxes.channels import Evaluator
from .assembly import Assembly
from .banner import banner
from .board import Board
from .companions import companions
from .compatibility import check_compatibility
from .control import Control
from .disabled import disable, require_enabled
from .ending import end, first
from .evaluator import OwnEvaluator, describe_evaluator, remote_evaluator
from .ledger import Ledger
from .pausing import Pausing
from .remote_configuration import with_remote
from .service import Service
from .signals import StopSignals
from .startup import Startup
from .state_folder import claim, state_folder
from .status import StatusSource
from .told import Told
from .worker_id import worker_id

RELOAD_STATUS, KILL_STATUS = 13, 130
"""Exit statuses by which DCP's worker says what the scheduler has ordered."""


def run(
    configuration: Configuration,
    options: RunOptions,
    reload: Callable[[], Configuration],
    own: OwnEvaluator | None,
    service: ServiceManager,
) -> int:
    """Works until a signal or the scheduler ends it. Returns the exit status. Raises WorkerError.

    ``reload`` reads the configuration anew. ``own``: what ``begin_evaluator`` has begun. ``service``: who has started
    this program.
    """
    return asyncio.run(_Run(configuration, options, reload, service).run(own))


class _Run:
    def __init__(
        self,
        configuration: Configuration,
        options: RunOptions,
        reload: Callable[[], Configuration],
        service: ServiceManager,
    ) -> None:
        self._configuration = configuration
        self._options = options
        self._read_again = reload
        self._status = 0
        self._why = ""
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
        self._service = Service(service, self._source)
        self._told: Told | None = None
        self._reading: asyncio.Task[None] | None = None
        self._is_outdated = False

    async def run(self, own: OwnEvaluator | None) -> int:
        settings = self._configuration.settings
        self._state = state_folder(settings.node.state_folder)
        require_enabled(self._state)
        async with AsyncExitStack() as stack:
            self._tell(settings, stack)
            signals = StopSignals(self.stop, self._reload)
            stack.enter_context(signals.handled())
            self._service.begin(stack)
            await self._control.listen(settings.node, self._state, self._notices, stack)
            await self._accompany(settings, stack)
            self._measure(settings, own, stack)
            evaluator, startup, starting = self._start_evaluator(settings, own, stack)
            complete = await self._unless_ended(with_remote(self._configuration, self._notices))
            if complete is None:
                return 128 + signals.number if signals.number else 0
            self._configuration = complete
            if starting:
                await starting
            await self._work(evaluator, startup, stack)
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

    async def _work(self, evaluator: Evaluator, startup: Startup | None, stack: AsyncExitStack) -> None:
        check_compatibility(self._configuration.settings.scheduler)
        state = claim(self._state, self._notices, stack)
        await self._open_history(state, stack)
        self._introduce(worker_id(state), startup)
        assembly = await self._assemble(evaluator, startup, state, stack)
        assembly.node.start()
        self._notices.say("info", " * Ready.")
        self._service.ready()
        await first(asyncio.create_task(assembly.node.wait_stopped()), self._ending)
        self._source.stage = "stopping"
        self._service.stopping()
        self._notices.say("info", "Worker is stopping")
        await end(assembly, self._source.account, self._hurried, self._notices)
        self._notices.say("info", f"It ends because {self._why or 'the scheduler has no work for it'}")
        self._notices.say("info", "Worker has stopped")

    def _introduce(self, worker: str, startup: Startup | None) -> None:
        """Says who works for whom, before anything has been tried."""
        settings, source = self._configuration.settings, self._source
        source.worker, source.scheduler = worker, settings.scheduler.location
        source.identity, source.account = str(self._options.identity.address), str(self._options.payment_address)
        source.evaluator = describe_evaluator(settings, startup)
        for line in banner(settings, worker, source.identity, source.account, source.evaluator):
            self._notices.say("info", line)

    async def _assemble(
        self, evaluator: Evaluator, startup: Startup | None, state: Path | None, stack: AsyncExitStack
    ) -> Assembly:
        """All parts, which are told what is ordered, and asked what they do."""
        source = self._source
        pausing = Pausing(state, lambda text: self._notices.say("warning", text))
        assembly = Assembly(
            self._configuration,
            self._options,
            source.worker,
            evaluator,
            startup.messages if startup else None,
            self._notices,
            self._obey,
            state,
            pausing.pauses,
        )
        await assembly.open(stack)
        self._assembly = assembly
        pausing.guard, self._control.pausing = assembly.guard, pausing
        self._board.queued = lambda: len(assembly.machine.unfinished()) - assembly.machine.working
        source.machine, source.unsubmitted = assembly.machine, lambda: len(assembly.submitter.pending())
        source.trouble = lambda: assembly.submitter.trouble
        source.verdict, source.heat = lambda: assembly.guard.verdict, assembly.guard.heat
        source.stage = "working"
        assembly.machine.exit_when_done = source.exit_when_done
        return assembly

    # What is told

    async def _open_history(self, state: Path | None, stack: AsyncExitStack) -> None:
        history = await History.open(state, lambda text: self._notices.say("warning", text))
        stack.push_async_callback(history.close)
        self._notices.listen(history)
        self._control.history = history

    def _tell(self, settings: WorkerSettings, stack: AsyncExitStack) -> None:
        """Raises ConfigurationError."""
        self._told = Told(settings, self._options, self._notices, self._board, self._log)
        stack.callback(self._told.close)
        self._notices.listen(self._ledger)
        self._told.begin()

    async def _accompany(self, settings: WorkerSettings, stack: AsyncExitStack) -> None:
        console = self._told.logs.console if self._told else None
        told = (console, self._log, self._notices)
        await stack.enter_async_context(companions(settings, self._control.path, self._state, *told))

    def _measure(self, settings: WorkerSettings, own: OwnEvaluator | None, stack: AsyncExitStack) -> None:
        if settings.metrics:
            from .measured import serve_metrics  # takes long to load

            counters = (lambda: own.evaluator.counters) if own else None
            serve_metrics(settings.metrics, self._source, self._notices, counters, stack)

    # Orders

    def finish(self) -> None:
        self._notices.say("info", "Worker takes no new work, and ends when it has done what it has")
        self._why = self._why or "its owner has had it finish"
        if self._source.stage == "starting":
            self.stop(False)
        elif self._assembly and self._source.stage == "working":
            self._source.stage = "finishing"
            self._assembly.node.tell(self._assembly.machine.finish)

    def exit_when_done(self, wanted: bool) -> None:
        self._source.exit_when_done = wanted
        if self._assembly:
            self._assembly.machine.exit_when_done = wanted

    def configuration(self, path: str) -> str:
        return display.show(self._configuration, path) if path else display.dump(self._configuration)

    def stop(self, hard: bool, why: str = "") -> None:
        self._why = self._why or why
        if hard:
            self._hurried.set()
        self._ending.set()

    def _reload(self) -> None:
        if self._told:
            self._told.logs.reopen()  # files may have been moved away
        self._is_outdated = True
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read_until_current())

    async def _read_until_current(self) -> None:
        """Beside the work, since files in JavaScript may take seconds, in which they may change once more."""
        while self._is_outdated:
            self._is_outdated = False
            await self._read_configuration()

    async def _read_configuration(self) -> None:
        try:
            configuration = await asyncio.to_thread(self._read_again)
            settings = configuration.settings
            if self._told:
                self._told.change(settings)
        except ConfigurationError as error:
            self._notices.say("error", f"the configuration stays as it was: {error}")
            return
        self._configuration = configuration
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
                self.stop(False, "the scheduler has ended it")
            case Reload():
                self._notices.say("warning", "the scheduler wants this worker started again")
                self._status = RELOAD_STATUS
                self.stop(False, "the scheduler wants it started again")
            case RemoveJob(job) if self._assembly:
                self._assembly.node.tell(self._assembly.machine.job_removed, job, "the scheduler has removed the job")
            case _:
                self._notices.say("debug", "the scheduler has sent a command that this worker does not know")

    # The rest

    async def _unless_ended(self, work: Coroutine[Any, Any, Configuration]) -> Configuration | None:
        """None where a signal comes first."""
        task = asyncio.create_task(work)
        if await first(task, self._ending):
            return task.result()
        return None
