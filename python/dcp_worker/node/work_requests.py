"""What a worker asks a scheduler for, made of its settings and of what the supervisor wants."""

from __future__ import annotations

from collections.abc import Mapping

from dcp_protocol import canonical_json

from ..configuration.settings import WorkerSettings
from ..dialects.compute_groups import GLOBAL, ComputeGroup
from ..dialects.javascript_json import stringify
from ..dialects.sandbox_messages import Description
from ..dialects.work_request import Cores, FetchState, Wage, WorkRequest
from ..scheduling.room import Limits
from ..supervision.actions import FetchTask, Liveness, ReportLiveness
from ..tasks.capabilities import Capability, Worktime, Worktimes
from ..tasks.job import Job
from ..tasks.load import Load
from .worktimes import choose_worktime


class WorkRequests:
    """``payment_address``: as text. ``description``: of the evaluator, once it is known."""

    def __init__(self, settings: WorkerSettings, worker: str, payment_address: str) -> None:
        self._settings = settings
        self._worker = worker
        self._payment_address = payment_address
        self._groups = _groups(settings)
        self._sequence = 0
        self.is_new = True
        """No earlier run has left results: the first request may say that all slices of it are void."""
        self.without_gpu = False
        """The evaluator has none, or its owner does not want it used."""
        self.cpu_rests = False
        self.gpus: int | None = None
        """How many may work just now, while one rests."""
        self._last_had_work = settings.public_group_fallback
        self.capabilities = Capability.NONE
        self.described: object = None
        self.worktimes: tuple[Worktimes, ...] = ()

    def limits(self) -> Limits:
        settings = self._settings
        gpu = settings.gpu_cores if self.has_gpu else 0.0
        if self.gpus is not None:
            gpu = min(gpu, self.gpus * settings.utilization.gpu)
        return Limits(settings.cpu_cores, gpu, settings.max_sandboxes, self.cpu_rests)

    @property
    def has_gpu(self) -> bool:
        """Whether there is one that is wanted."""
        return not self.without_gpu and self._settings.gpu_cores > 0

    def change(self, settings: WorkerSettings) -> None:
        """Other cores, groups and wages, from now on."""
        self._settings = settings
        self._groups = _groups(settings)

    def full(self, action: FetchTask) -> WorkRequest:
        state = FetchState.NORMAL
        if action.liveness is not None:
            state |= FetchState.LIVENESS
        if not self._sequence and self.is_new:
            state |= FetchState.STARTUP
        sequence, self._sequence = self._sequence, self._sequence + 1
        wage = self._settings.minimum_wage
        return WorkRequest(
            state=state,
            load=action.load,
            cores=self._cores(),
            cpu_quanta=action.cpu_quanta,
            gpu_quanta=action.gpu_quanta,
            capabilities=self.capabilities,
            described=self.described,
            payment_address=self._payment_address,
            jobs=self._settings.jobs or (),
            groups=self._wanted_groups(),
            minimum_wage=Wage(wage.cpu, wage.gpu, wage.inbound, wage.outbound),
            at_work=_or_none(action.liveness.unfinished) if action.liveness else None,
            overdue=_or_none(action.liveness.overdue) if action.liveness else None,
            worked_before=action.previous_jobs,
            rejected=action.rejected_jobs,
            unresolved=action.unresolved_jobs,
            worktimes=self.worktimes,
            sequence=sequence,
        )

    def liveness(self, action: ReportLiveness) -> WorkRequest:
        """Tells only that slices are at work."""
        return self._telling(action.liveness)

    def describe(self, description: Description) -> None:
        """What the evaluator can do is known."""
        self.capabilities = description.capability
        text = stringify(description.capabilities)  # without what is undefined
        # Files of dcp-client 5 describe less than a scheduler of dialect 4 is told.
        self.described = canonical_json.decode(text) if text and "engine" in description.capabilities else None
        self.worktimes = description.worktimes

    def worktime(self, job: Job) -> Worktime | None:
        """In the version that the job gets; None where the evaluator has none of them."""
        return choose_worktime(job.worktime, self.worktimes)

    def answered(self, slices: int) -> None:
        """So many slices have come: the public group is asked when the others had none, where that is wanted."""
        self._last_had_work = slices > 0

    def _telling(self, liveness: Liveness) -> WorkRequest:
        return WorkRequest(
            state=FetchState.LIVENESS,
            load=Load(0, 0),
            cores=self._cores(),
            payment_address=self._payment_address,
            at_work=_or_none(liveness.unfinished),
            overdue=_or_none(liveness.overdue),
        )

    def _cores(self) -> Cores:
        logical = self._settings.logical_cores
        return Cores(self._worker, logical, logical, self._settings.max_sandboxes)

    def _wanted_groups(self) -> tuple[ComputeGroup, ...]:
        settings = self._settings
        without_public = settings.leave_public_group or (settings.public_group_fallback and self._last_had_work)
        return self._groups if without_public else (*self._groups, GLOBAL)


def _groups(settings: WorkerSettings) -> tuple[ComputeGroup, ...]:
    return tuple(_group(one.join_key, one.join_secret, one.join_hash) for one in settings.compute_groups)


def _group(join_key: str, secret: str, join_hash: str) -> ComputeGroup:
    return ComputeGroup.with_hash(join_key, join_hash) if join_hash else ComputeGroup.with_secret(join_key, secret)


def _or_none(slices: Mapping[str, list[int]]) -> Mapping[str, list[int]] | None:
    return slices or None
