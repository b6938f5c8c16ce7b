"""Puts a node together, by its configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from dcp_protocol.connection.options import ConnectionOptions
from dcp_protocol.uris import AllowedOrigins, Fetcher
from dcp_protocol.wallet.files import resource_folder

from ..configuration.configuration import Configuration
from ..configuration.run_options import RunOptions
from ..configuration.settings import NodeSettings, SandboxLimits, WorkerSettings
from ..dialects.choice import choose
from ..dialects.dialect import Dialect
from ..dialects.results import Acknowledgement
from ..dialects.sandbox_messages import V4, V5, SandboxMessages
from ..dialects.scheduler_commands import Command
from ..dialects.services import read_services
from ..errors import ConfigurationError
from ..fetching.content_cache import CacheError, ContentCache, cache_folder
from ..fetching.job_fetcher import JobFetcher, trust_groups
from ..fetching.module_fetcher import ModuleFetcher
from ..fetching.patient import PatientFetcher
from ..fetching.work_fetcher import WorkFetcher
from ..logs.notices import Notices, Paid, SandboxGone, Submitted
from ..rules.pauses import Pauses
from ..sandboxes.channels import Evaluator
from ..sandboxes.limits import Timeouts
from ..sandboxes.sandbox import Sandbox
from ..submission.submitter import Submitter
from ..supervision.machine import Machine
from ..supervision.options import SupervisionOptions
from ..tasks.capabilities import Capability
from ..tasks.job import Job
from ..tasks.slices import SliceKey
from .allowance import Allowance
from .banner import evaluator_lines
from .boxes import Boxes
from .gpu import ban, gpu_information
from .guard import Guard
from .node import Node
from .outgoing_events import OutgoingEvents
from .scheduler import Scheduler
from .services import Services
from .work_requests import WorkRequests

_IDENTITIES = "identity-cache.json"
"""In the user's folder of DCP: npm's file of who answered where."""


class Assembly:
    """``node`` and its parts, once ``open`` has made them."""

    def __init__(
        self,
        configuration: Configuration,
        options: RunOptions,
        worker: str,
        evaluator: Evaluator,
        messages: SandboxMessages | None,
        notices: Notices,
        on_command: Callable[[Command], None],
        state: Path | None,
        pauses: Pauses | None = None,
    ) -> None:
        """``messages``: those of the evaluator's start-up files; None where they are not known. Raises
        ConfigurationError.
        """
        self.settings = configuration.settings
        self.dialect = _dialect(configuration)
        self._notices = notices
        account = str(options.payment_address)
        self.requests = WorkRequests(self.settings, worker, account)
        self.machine = Machine(self.requests.limits(), _supervision(self.settings))
        self.machine.admission.lacks = self._lacks
        if self.settings.jobs is not None:
            self.machine.admission.allowed_jobs = frozenset(self.settings.jobs)
        self.scheduler = Scheduler(
            self.dialect,
            read_services(configuration.tree),
            options.identity,
            worker,
            options=_connections(self.settings),
            identities=resource_folder() / _IDENTITIES,
            on_command=on_command,
            on_warning=lambda text: notices.say("warning", text),
        )
        self._events = OutgoingEvents(self.scheduler.emit)
        self._origins = _origins(self.settings, self.dialect)
        self.submitter = Submitter(
            self.scheduler.submit,
            self.dialect,
            worker,
            account,
            origins=self._origins,
            folder=state,
            limit=self.settings.node.results_limit,
            before_result=self._events.told,
            on_acknowledged=self._acknowledged,
            on_warning=lambda text: notices.say("warning", text),
        )
        self._evaluator = evaluator
        self._messages = messages or (V4 if self.dialect.name == "4" else V5)
        self._pauses = pauses
        self._results = state
        self.node: Node
        self.guard: Guard
        self._allowance: Allowance

    async def open(self, stack: AsyncExitStack) -> None:
        """Starts what the node needs. Raises EvaluatorError, WorkerError."""
        stack.push_async_callback(self.scheduler.close)
        self.scheduler.listen()
        fetcher = await stack.enter_async_context(Fetcher(self._origins))
        anywhere = await stack.enter_async_context(Fetcher(None))
        work = await stack.enter_async_context(WorkFetcher(self._origins))
        cache = _cache(self.settings.node, self._notices)
        modules = ModuleFetcher(self.scheduler.package_request, PatientFetcher(anywhere, cache))
        stack.push_async_callback(modules.close)
        boxes = Boxes(self._evaluator, self._messages, _timeouts(self.settings.sandbox), self._sandbox_ended)
        self.node = Node(
            self.machine,
            self.scheduler,
            boxes,
            JobFetcher(PatientFetcher(fetcher, cache)),
            Services(modules, work),
            self.submitter,
            self._events,
            self.requests,
            self._notices,
            self._trust,
            self._described,
        )
        stack.push_async_callback(self.node.close)
        await self._start_submitter(stack)
        await self._start_guard(stack)

    async def _start_submitter(self, stack: AsyncExitStack) -> None:
        """What an earlier run has left is sent and returned, and not taken again meanwhile."""
        await self.submitter.start()
        stack.push_async_callback(self.submitter.close)
        left = self.submitter.pending()
        for key in left:
            self.machine.result_pending(key)
        self.requests.is_new = not left
        self.scheduler.on_submitter_connected(self.submitter.connected)

    async def _start_guard(self, stack: AsyncExitStack) -> None:
        """Before anything is asked for, it is known whether it may be."""
        rules = self.settings.rules
        self._allowance = Allowance(self.machine, self.requests, self._evaluator, self.node.tell, rules.grace)
        stack.callback(self._allowance.close)
        self.guard = Guard(
            rules,
            self._notices,
            lambda: self.requests.has_gpu,
            self._allowance.apply,
            results=self._results,
            pauses=self._pauses,
        )
        stack.push_async_callback(self.guard.close)
        await self.guard.start()

    def change(self, settings: WorkerSettings) -> None:
        """Other cores, groups, wages and rules, from now on."""
        self.requests.change(settings)
        self.node.tell(self.machine.set_limits, self.requests.limits())
        self._allowance.grace = settings.rules.grace
        self.guard.change(settings.rules)

    # What the parts tell

    async def _described(self, sandbox: Sandbox) -> None:
        """The first sandbox has said what it can do. Raises SandboxError."""
        self.requests.describe(sandbox.description)
        self.machine.admission.capabilities = sandbox.description.capability
        information: dict[str, str] = {}
        banned = None
        if Capability.WEBGPU in sandbox.description.capability and self.settings.gpu_cores > 0:
            information = await gpu_information(sandbox)
            banned = ban(information, self.settings.banned_gpus)
        if banned or not information:
            self.requests.without_gpu = True
            self.guard.judge_now()
            self.node.tell(self.machine.set_limits, self.requests.limits())
        for line in evaluator_lines(self.requests.worktimes, information, banned):
            self._notices.say("info", line)

    def _lacks(self, job: Job) -> str | None:
        if self.requests.worktime(job):
            return None
        return f"this worker's evaluator has no worktime {job.worktime.name:.40} {job.worktime.version:.40}"

    def _acknowledged(self, key: SliceKey, acknowledgement: Acknowledgement | None) -> None:
        if acknowledgement:
            self._notices.tell(Submitted(key))
            self._notices.tell(Paid(key, acknowledgement.payment))
        self.node.tell(self.machine.result_acknowledged, key)

    def _trust(self, groups: Mapping[str, Mapping[str, Sequence[str]]]) -> None:
        if self.settings.trust_group_origins:
            trust_groups(self._origins, groups)

    def _sandbox_ended(self, number: int, reason: str) -> None:
        self._notices.tell(SandboxGone(number, None, died=True))
        self.node.tell(self.machine.sandbox_ended, number, reason)


def _dialect(configuration: Configuration) -> Dialect:
    return choose(configuration.tree, configuration.settings.node.dialect)


def _supervision(settings: WorkerSettings) -> SupervisionOptions:
    tuning = settings.tuning
    return SupervisionOptions(
        watchdog_interval=settings.watchdog_interval or tuning.watchdog_interval,
        prefetch_interval=tuning.prefetch_interval,
        slice_retries=tuning.max_slice_retries,
        sandbox_uses=settings.sandbox.max_use,
        assign_failures=settings.sandbox.assign_failures,
    )


def _timeouts(limits: SandboxLimits) -> Timeouts:
    return Timeouts(
        describe=limits.creation_timeout,
        answer=2 * limits.general_timeout,
        assign=2 * limits.general_timeout,
        progress=limits.progress_timeout,
        slice=limits.slice_timeout,
    )


def _connections(settings: WorkerSettings) -> ConnectionOptions:
    times = settings.connections
    return ConnectionOptions(connect_timeout=times.connect_timeout, reconnect_timeout=times.reconnect_timeout)


def _origins(settings: WorkerSettings, dialect: Dialect) -> AllowedOrigins:
    """Raises ConfigurationError."""
    allowed = settings.allow_origins
    lists = {
        "fetchWorkFunctions": allowed.work_functions,
        "fetchArguments": allowed.arguments,
        "fetchData": allowed.data,
        "sendResults": allowed.results,
        "any": allowed.any,
    }
    try:
        return AllowedOrigins(lists, scheduler=settings.scheduler.location, subdomains=dialect.name != "4")
    except ValueError as error:
        raise ConfigurationError(f"worker.allowOrigins: {error}") from None


def _cache(node: NodeSettings, notices: Notices) -> ContentCache | None:
    """None where nothing is kept, which costs time and no work."""
    if node.cache_folder == "off":
        return None
    folder = Path(node.cache_folder).expanduser() if node.cache_folder else cache_folder()
    if folder is None:
        return None
    try:
        return ContentCache(folder, node.cache_limit)
    except CacheError as error:
        notices.say("warning", f"work functions and modules are not kept: {error}")
        return None
