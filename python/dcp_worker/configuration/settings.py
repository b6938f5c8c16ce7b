"""What a worker can be told: its settings, and the table of their keys."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from dcp_evaluator.metrics.address import MetricsAddress
from dcp_protocol.keys.address import Address

from .keys import Key, key, keys_of, section
from .kinds import (
    SCHEDULER,
    Account,
    BannedGpu,
    BannedGpus,
    Boolean,
    Choice,
    ComputeGroup,
    ComputeGroups,
    Location,
    Number,
    Origins,
    Text,
    Texts,
    Whole,
)
from .log_settings import LogSettings, MetricsPlace
from .rules import Rules

PUBLIC_SCHEDULER: Final = "https://scheduler.distributed.computer/"
"""Of the public network, as in dcp-client."""

WEB_PORT: Final = 9080
"""Of the worker's page, where no other is chosen."""

_MEMORY_PER_SANDBOX: Final = 2.5e9
_BANNED: Final = BannedGpus().read({"device": "/llvmpipe/", "description": r"/D3D.*version\s[0-2][0-9]/"})
_MILLISECONDS: Final = Number(low=0, scale=0.001)
_SECONDS: Final = Number()
_OWN: Final = (SCHEDULER,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cores:
    cpu: float | None = key(
        "worker.cores.cpu", Number(), None, "CPU cores that the worker may use; 0 keeps it from working",
        unset="the machine's",
    )  # fmt: skip
    gpu: float | None = key(
        "worker.cores.gpu", Number(), None, "GPUs that the worker may use; 0: no jobs that need a GPU", unset="1"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Utilization:
    cpu: float = key("worker.utilization.cpu", Number(), 1.0, "share of the CPU cores that is used")
    gpu: float = key("worker.utilization.gpu", Number(), 0.75, "share of the GPUs' time that is used")


@dataclass(frozen=True, slots=True, kw_only=True)
class MinimumWage:
    cpu: float = key("worker.minimumWage.CPU", Number(), 0.0, "least pay for CPU time", unit="DCC per hour")
    gpu: float = key("worker.minimumWage.GPU", Number(), 0.0, "least pay for GPU time", unit="DCC per hour")
    inbound: float = key("worker.minimumWage.in", Number(), 0.0, "least pay for what is received", unit="DCC per MB")
    outbound: float = key("worker.minimumWage.out", Number(), 0.0, "least pay for what is sent", unit="DCC per MB")


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowOrigins:
    """URLs, their origins, or ``scheduler``, which stands for the scheduler's origin (``dcp_protocol.uris``)."""

    work_functions: tuple[str, ...] = key(
        "worker.allowOrigins.fetchWorkFunctions", Origins(), _OWN, "from where work functions may come"
    )
    arguments: tuple[str, ...] = key(
        "worker.allowOrigins.fetchArguments", Origins(), _OWN, "from where jobs' arguments may come"
    )
    data: tuple[str, ...] = key("worker.allowOrigins.fetchData", Origins(), _OWN, "from where slices' data may come")
    results: tuple[str, ...] = key("worker.allowOrigins.sendResults", Origins(), _OWN, "to where results may be sent")
    any: tuple[str, ...] = key(
        "worker.allowOrigins.any", Origins(), (), "allowed for all purposes, and for what jobs fetch while they run"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxLimits:
    """Seconds."""

    creation_timeout: float = key(
        "supervisor.sandbox.sandboxCreationTimeoutMs", _MILLISECONDS, 60.0, "until a new sandbox must be there",
        unit="ms",
    )  # fmt: skip
    general_timeout: float = key(
        "supervisor.sandbox.generalTimeoutMs", _MILLISECONDS, 10.0, "until a sandbox must answer", unit="ms"
    )
    progress_timeout: float = key(
        "supervisor.sandbox.progressTimeoutMs", _MILLISECONDS, 300.0, "that a slice may run without reporting progress",
        unit="ms",
    )  # fmt: skip
    slice_timeout: float = key(
        "supervisor.sandbox.sliceTimeoutMs", _MILLISECONDS, 86400.0, "that a slice may run", unit="ms"
    )
    max_use: int = key("supervisor.sandbox.maxSandboxUse", Whole(1), 200, "slices that one sandbox runs at most")
    assign_failures: int = key(
        "supervisor.sandbox.consecutiveAssignFailureLimit", Whole(1), 2,
        "after how many sandboxes in a row that cannot load a job it is given up",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """Times are seconds."""

    watchdog_interval: float = key(
        "supervisor.tuning.watchdogInterval", Number(0.1), 7.0, "how often the state of everything is looked at",
        unit="s",
    )  # fmt: skip
    prefetch_interval: float = key(
        "supervisor.tuning.prefetchInterval", Number(), 20.0, "how much sooner than needed work is asked for", unit="s"
    )
    max_slice_retries: int = key(
        "supervisor.tuning.maxSandboxSliceRetries", Whole(0, 100), 1,
        "how often a slice is run again after its sandbox failed",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionTimes:
    """Seconds, of connections to each service of the network."""

    connect_timeout: float = key(
        "dcp.connectionOptions.default.connectTimeout", _SECONDS, 60.0, "until a first connection must stand", unit="s"
    )
    reconnect_timeout: float = key(
        "dcp.connectionOptions.default.reconnectTimeout", _SECONDS, 7200.0, "until one that was lost must stand again",
        unit="s",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluatorSettings:
    location: str | None = key(
        "evaluator.location", Location(), None,
        "an evaluator that listens elsewhere, such as http://localhost:9000/", unset="the worker has its own",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSettings:
    """What only this worker knows."""

    dialect: str = key(
        "node.dialect", Choice(("auto", "4", "5")), "auto",
        "dcp-client whose words are spoken: 4.x, 5.x, or what the scheduler says",
    )  # fmt: skip
    startup_files: str | None = key(
        "node.startupFiles", Text("the path of a folder of dcp-client"), None,
        "the dcp-client of which sandboxes load the start-up files", unset="found: dcp-worker setup fetches one",
    )  # fmt: skip
    engine: str = key(
        "node.engine", Choice(("auto", "quickjs", "v8")), "auto", "JavaScript engine; auto: V8 where it is installed"
    )
    isolation: str = key(
        "node.isolation", Choice(("strict", "standard", "none")), "standard",
        "which layers of isolation must be in force for work to run",
    )  # fmt: skip
    priority: str | None = key(
        "node.priority", Choice(("normal", "low", "idle")), None,
        "how sandboxes share the CPUs with the machine's other programs; low: they get the least where others want "
        "them; idle: what others leave", unset="low, or what DCP_EVALUATOR_PRIORITY says",
    )  # fmt: skip
    max_memory: int | None = key(
        "node.maxMemory", Whole(64 << 20), None, "memory of all sandboxes together", unit="bytes",
        unset="three quarters of the machine's",
    )  # fmt: skip
    state_folder: str | None = key(
        "node.stateFolder", Text("the path of a folder"), None, "where results wait until they are submitted",
        unset="dcp-worker in XDG_STATE_HOME, else ~/.local/state/dcp-worker",
    )  # fmt: skip
    cache_folder: str | None = key(
        "node.cacheFolder", Text("the path of a folder, or off"), None, "where work functions and modules are kept",
        unset="dcp-worker in XDG_CACHE_HOME, else ~/.cache/dcp-worker",
    )  # fmt: skip
    control_socket: str | None = key(
        "node.controlSocket", Text("a path, or off"), None, "the socket by which a running worker is controlled",
        unset="control in RUNTIME_DIRECTORY, else dcp-worker/control in XDG_RUNTIME_DIR or /run (root), "
        "else in the state folder",
    )  # fmt: skip
    control_group: str | None = key(
        "node.controlGroup", Text("the name of a group"), None, "whose members may control the worker",
        unset="its user and root alone",
    )  # fmt: skip
    results_limit: int = key(
        "node.resultsLimit", Whole(1 << 20), 2 << 30, "how much room results may take that wait", unit="bytes"
    )
    cache_limit: int = key(
        "node.cacheLimit", Whole(0), 1 << 30, "how much room work functions and modules may take", unit="bytes"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """Of the worker's page for browsers."""

    port: int | None = key(
        "node.web.port", Whole(0, 65535), None, "where the worker has a web page; 0: any", unset="none"
    )
    address: str = key("node.web.address", Text("an address of this machine"), "127.0.0.1", "where that page listens")
    names: tuple[str, ...] | None = key(
        "node.web.names", Texts(), (), "host names under which the page may be reached, beside localhost and addresses"
    )
    always_token: bool = key(
        "node.web.alwaysToken", Boolean(), False,
        "whether the page's token is wanted of the worker's own user on this machine, too",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerSettings:
    location: str = key("scheduler.location", Location(), PUBLIC_SCHEDULER, "the scheduler of the network")
    config_location: str | bool | None = key(
        "scheduler.configLocation", Location(may_be_false=True), None,
        "where the scheduler's configuration is fetched; false: nowhere", unset="/etc/dcp-config.kvin of the scheduler",
    )  # fmt: skip
    package_manager: str | None = key(
        "packageManager.location", Location(), None, "from where modules of jobs come", unset="the scheduler says it"
    )
    bank: str | None = key("bank.location", Location(), None, "the bank of the network", unset="the scheduler says it")
    operations: str | None = key(
        "scheduler.worker.operations", Text(), None, "versions of operations that the scheduler has for workers",
        unset="the scheduler says it",
    )  # fmt: skip
    worker_types: tuple[str, ...] | None = key(
        "scheduler.worker.types", Texts(), None, "kinds of workers that the scheduler serves",
        unset="the scheduler says it",
    )  # fmt: skip
    minimum_protocol: str | None = key(
        "scheduler.compatibility.minimum.dcp", Text(), None, "versions of the protocol that the scheduler speaks",
        unset="the scheduler says it",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """All settings of a worker."""

    payment_address: Address | None = key(
        "worker.paymentAddress", Account(), None, "the account that is paid", unset="that of the keystore default"
    )
    cores: Cores = section(Cores)
    utilization: Utilization = section(Utilization)
    max_sandboxes_set: int | None = key(
        "worker.maxSandboxes", Whole(1, 100_000), None, "sandboxes at a time", unset="one for each 2.5 GB of memory"
    )
    v_cores: int | None = key(
        "worker.hardware.vCores", Whole(0, 100_000), None, "CPU cores of this machine", unset="counted"
    )
    minimum_wage: MinimumWage = section(MinimumWage)
    allow_origins: AllowOrigins = section(AllowOrigins)
    trust_group_origins: bool = key(
        "worker.trustComputeGroupOrigins", Boolean(), True, "whether compute groups may allow their jobs more origins",
        aliases=("worker.trustScheduler",),
    )  # fmt: skip
    banned_gpus: tuple[BannedGpu, ...] = key(
        "worker.bannedGPUs", BannedGpus(), _BANNED, "GPUs that are not used: regular expressions by adapter.info"
    )
    compute_groups: tuple[ComputeGroup, ...] = key(
        "worker.computeGroups", ComputeGroups(), (), "compute groups to join, with their secrets"
    )
    leave_public_group: bool = key(
        "worker.leavePublicGroup", Boolean(), False, "whether to do no work of the public compute group",
        aliases=("worker.leaveGlobalGroup",),
    )  # fmt: skip
    public_group_fallback: bool = key(
        "worker.publicGroupFallback", Boolean(), False,
        "whether the public compute group comes after the others, when they have no work",
    )  # fmt: skip
    jobs: tuple[str, ...] | None = key(
        "worker.jobAddresses", Texts(), None, "only these jobs; an empty list: none", unset="all",
        aliases=("worker.jobIds",),
    )  # fmt: skip
    watchdog_interval: float | None = key(
        "worker.watchdogInterval", Number(0.1), None, "stands for supervisor.tuning.watchdogInterval", unit="s",
        unset="that one's",
    )  # fmt: skip
    cleanup_timeout: float = key(
        "worker.cleanupTimeout", Number(), 60.0, "until a worker that is to stop is ended", unit="s"
    )
    pid_file: str | None = key(
        "worker.pidfile", Text("a path"), None, "the file for the process id where --pid-file names none",
        unset="dcp-worker.pid, in XDG_RUNTIME_DIR, /run (root) or the temporary folder",
    )  # fmt: skip
    sandbox: SandboxLimits = section(SandboxLimits)
    tuning: Tuning = section(Tuning)
    connections: ConnectionTimes = section(ConnectionTimes)
    evaluator: EvaluatorSettings = section(EvaluatorSettings)
    node: NodeSettings = section(NodeSettings)
    rules: Rules = section(Rules, "node.rules")
    log: LogSettings = section(LogSettings)
    metrics: MetricsAddress | None = key(
        "node.metrics", MetricsPlace(), None, "where metrics are served for a monitoring", unset="nowhere"
    )
    web: WebSettings = section(WebSettings)
    scheduler: SchedulerSettings = section(SchedulerSettings)

    @property
    def logical_cores(self) -> int:
        """Of this machine, as far as this process may use them."""
        return self.v_cores or len(os.sched_getaffinity(0))

    @property
    def cpu_cores(self) -> float:
        """That may work, after utilization."""
        cores = self.logical_cores if self.cores.cpu is None else self.cores.cpu
        return cores * self.utilization.cpu

    @property
    def gpu_cores(self) -> float:
        """That may work, after utilization."""
        return (1.0 if self.cores.gpu is None else self.cores.gpu) * self.utilization.gpu

    @property
    def max_sandboxes(self) -> int:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return self.max_sandboxes_set or max(1, round(memory / _MEMORY_PER_SANDBOX))


@cache
def all_keys() -> tuple[Key, ...]:
    """The table."""
    return tuple(keys_of(WorkerSettings))


WITHOUT_EFFECT: Final[Mapping[str, str]] = {
    "evaluator.listen": "the evaluator is told where it listens by its own options",
    "evaluator.friendLocation": "evaluator.location counts",
    "worker.unhandledRejectionLog": "this worker is no program of Node",
    "worker.allowConsoleAccess": "this worker is no program of Node",
    "worker.warningTimeout": "warnings of this worker have limits of their own",
    "worker.unmanaged": "this worker is always unmanaged",
    "worker.managed": "this worker is always unmanaged",
    "worker.claimedEarnings": "this worker is paid to an account that is named",
    "worker.taskHistoryLength": "this worker is always unmanaged",
    "worker.updateEarningsMinFrequency": "this worker is always unmanaged",
    "worker.requestSnapshot": "requests for work are written nowhere",
    "worker.evaluator.retryLimit": "an evaluator is tried again without end",
    "worker.evaluator.retrySleep": "the pauses grow by themselves",
    "supervisor.dcp.connectionOptions.default.identityUnlockTimeout": "the identity is unlocked while the worker runs",
    "supervisor.tuning.defaultDelayIncrementMs": "pauses between tries grow by themselves",
    "supervisor.tuning.maxProportionOfLongJobs": "cores are shared by what jobs have had of them",
    "supervisor.tuning.reservedSliceLifetimeMs": "a slice has a sandbox when that is there",
    "supervisor.tuning.sliceResolutionTimeoutMs": "what is fetched has limits of its own",
    "supervisor.tuning.artifactResolutionTimeoutMs": "what is fetched has limits of its own",
    "supervisor.tuning.detectSuspensionIntervalMs": "clocks that stand still while the machine sleeps are used",
    "supervisor.tuning.detectSuspensionLateMultiplier": "clocks that stand still while the machine sleeps are used",
    "supervisor.tuning.pruneFrequencyMs": "sandboxes are never more than worker.maxSandboxes",
    "supervisor.tuning.mustPruneMultiplier": "sandboxes are never more than worker.maxSandboxes",
    "bundle.location": "this worker loads no bundle",
    "bundle.autoUpdate": "this worker loads no bundle",
    "cookie": "no file has to prove that it was read",
}
"""Keys that npm's worker knows, and why they have no effect here."""
