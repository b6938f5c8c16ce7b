"""What a scheduler that stands in for DCP's answers: requests in, replies out, without I/O."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dcp_protocol import canonical_json
from dcp_protocol.errors import MessageError, ProtocolError
from dcp_protocol.keys.address import Address
from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.messages.sealed import open_sealed

from .jobs import HandOut, Job, Slice, Told
from .messages import job_message, metrics, name_of, slice_message
from .shapes import OPERATIONS, problems

_NORMAL, _RETURN_ALL = 1, 16


@dataclass(frozen=True)
class Ask:
    """A request as it came in. ``session``: of the connection; ``owner``: the address that signed."""

    operation: str
    data: Any
    session: str
    owner: str


@dataclass
class Scheduler:
    """Jobs are handed out in the order in which they were added. ``faults`` is what was wrong with requests."""

    key: PrivateKey
    task_size: int = 4
    """How many slices a worker gets at a time, at most."""
    modules_location: str = ""
    origins: Mapping[str, Mapping[str, list[str]]] = field(default_factory=dict)
    """Dialect 5: the origins that compute groups allow, by purpose."""
    rules: Mapping[str, Any] | None = None
    """``schedulerConfig`` of replies."""
    checks_shapes: bool = True
    keeps_asks: bool = True
    keeps_values: bool = True
    """Whether the values of results stay in the ledger, or their sizes only."""

    def __post_init__(self) -> None:
        self.jobs: list[Job] = []
        self.asks: list[Ask] = []
        """All that came, but for results, which are with their slices."""
        self.counts: Counter[str] = Counter()
        self.faults: list[str] = []
        self.workers: dict[str, set[str]] = {}
        """Of each worker's id the addresses that signed for it."""
        self.subscriptions: dict[tuple[str, str], str] = {}
        """Tokens by session and label."""
        self._named: dict[str, Job] = {}
        self._operations = {
            "requestTask": lambda ask: self._request_task(ask, 4),
            "requestTask@3": lambda ask: self._request_task(ask, 5),
            "status": self._status,
            "result": self._result,
            "workEmit": self._work_emit,
            "fetchModuleURL": self._module_urls,
            "subscribe": self._subscribe,
            "subscribeMany": self._subscribe_many,
            "unsubscribe": self._unsubscribe,
        }

    def add(self, job: Job) -> Job:
        self.jobs.append(job)
        self._named |= {job.address: job, job.id: job}
        return job

    @property
    def requests_for_work(self) -> list[Any]:
        """The data of all of them, in either dialect."""
        return self.all("requestTask") + self.all("requestTask@3")

    def without(self, operation: str) -> None:
        """It is answered with an error from now on."""
        self._operations.pop(operation)

    def all(self, operation: str) -> list[Any]:
        """The data of all requests of this operation, in their order."""
        return [ask.data for ask in self.asks if ask.operation == operation]

    def emitted(self, event: str) -> list[Any]:
        """Those of ``workEmit``: ``console``, ``custom``, ``error``, ``noProgress``."""
        return [data for data in self.all("workEmit") if data["eventName"] == event]

    def answer(self, ask: Ask) -> Any:
        """The reply. Raises ProtocolError, which is one with ``success: false``."""
        self.counts[ask.operation] += 1
        if self.keeps_asks and ask.operation != "result":
            self.asks.append(ask)
        if ask.operation not in self._operations:
            self.faults.append(f"there is no operation {ask.operation}")
            raise ProtocolError("ENOENT", f"there is no operation {ask.operation}")
        if self.checks_shapes:
            found = problems(OPERATIONS[ask.operation], ask.data)
            self.faults += [f"{ask.operation}: {problem}" for problem in found]
        try:
            return self._operations[ask.operation](ask)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            self.faults.append(f"{ask.operation} cannot be answered: {error!r:.100}")
            raise ProtocolError("EINVAL", f"this {ask.operation} cannot be answered") from None

    # Work

    def _request_task(self, ask: Ask, dialect: int) -> Any:
        asked = ask.data
        if "returnAllSlices" in asked:
            self._return_all(asked["returnAllSlices"], ask)
        if not asked["fetchState"] & _NORMAL:
            return {"body": {}}
        worker = asked["coreStats"]["worker"]
        self.workers.setdefault(worker, set()).add(ask.owner)
        taken = self._choose(ask, dialect)
        if not taken:
            return {"body": {}}
        return self._task(taken, worker, ask.session, dialect)

    def _choose(self, ask: Ask, dialect: int) -> dict[Job, list[Slice]]:
        room = self.task_size if ask.data["targetLoad"]["cpu"] > 0 else 0
        taken: dict[Job, list[Slice]] = {}
        for job in self.jobs:
            is_offered = room and job.waiting and job.is_open and self._suits(job, ask, dialect)
            if found := list(job.take(room)) if is_offered else []:
                taken[job] = found
                room -= len(found)
        return taken

    def _suits(self, job: Job, ask: Ask, dialect: int) -> bool:
        asked, name = ask.data, name_of(job, dialect)
        only = asked["jobAddresses" if dialect == 4 else "jobIds"]
        if (only and name not in only) or name in asked["rejectedJobs"] or name in asked["unresolvedJobs"]:
            return False
        if not job.group.admits(asked["workerComputeGroups"], ask.session):
            return False
        if job.needs & 32 and not asked["targetLoad"]["gpu"] > 0:
            return False
        able = _bits(asked["capabilities"]) if dialect == 4 else asked["capabilities"]
        return not job.needs & ~able and any(one["name"] == job.worktime[0] for one in asked["worktimes"])

    def _task(self, taken: dict[Job, list[Slice]], worker: str, session: str, dialect: int) -> Any:
        auth = {
            "workerId": worker,
            "authSlices": {name_of(job, dialect): [one.number for one in found] for job, found in taken.items()},
            "schedulerId": str(self.key.address),
            "jobCommissions": {name_of(job, dialect): {"rate": 0, "account": 0} for job in taken},
        }
        signature = self.key.sign(canonical_json.encode(auth)).to_json()
        authorization = {"owner": str(self.key.address), "signature": signature, "auth": auth}
        for found in taken.values():
            for one in found:
                hand_out = HandOut(worker, session, authorization)
                one.hand_outs.append(hand_out)
                one.holders.append(hand_out)
        body = {
            "newJobs": {name_of(job, dialect): job_message(job, dialect) for job in taken},
            "task": {
                name_of(job, dialect): [slice_message(job, one, dialect) for one in found]
                for job, found in taken.items()
            },
        }
        if self.rules is not None:
            body["schedulerConfig"] = dict(self.rules)
        if dialect == 5:
            body["computeGroupOrigins"] = {group: dict(origins) for group, origins in self.origins.items()}
        return {**authorization, "body": body}

    def _return_all(self, sealed: Any, ask: Ask) -> None:
        """Dialect 5: a worker that has started, or stops, has no slices any more."""
        text = sealed if isinstance(sealed, str) else canonical_json.encode(sealed).decode()
        try:
            opened = open_sealed(text.encode())
        except MessageError as error:
            self.faults.append(f"returnAllSlices: {error}")
            return
        if Address.parse(ask.owner) != opened.owner:
            self.faults.append("returnAllSlices is signed by another than the request")
            return
        worker = json.loads(bytes(opened.body))["id"]
        told = Told({"reason": "returnAllSlices", "worker": worker}, ask.owner)
        for job in self.jobs:
            for one in job.slices.values():
                for hand_out in [holder for holder in one.holders if holder.worker == worker]:
                    one.returns.append(told)
                    job.take_back(one, hand_out)

    def release(self, older: float) -> int:
        """Takes back all slices that somebody has for longer than these seconds, as DCP does of workers that are gone.

        How many that were.
        """
        late = time.monotonic() - older
        found = [(job, one, holder) for job in self.jobs for one in job.slices.values() for holder in one.holders]
        abandoned = [(job, one, holder) for job, one, holder in found if holder.at < late]
        for job, one, holder in abandoned:
            job.take_back(one, holder)
        return len(abandoned)

    # What workers tell of slices

    def _find(self, job: Any, number: Any) -> tuple[Job, Slice]:
        try:
            found = self._named[job]
            return found, found.slices[number]
        except (KeyError, TypeError):
            self.faults.append(f"there is no slice {number!r:.20} of a job {job!r:.50}")
            raise ProtocolError("ENOENT", "there is no such slice") from None

    def _status(self, ask: Ask) -> Any:
        for part in ask.data["slices"]:
            for number in part["sliceNumbers"]:
                job, one = self._find(part["job"], number)
                self._slice_status(job, one, part, ask)
        return {}

    def _slice_status(self, job: Job, one: Slice, part: Mapping[str, Any], ask: Ask) -> None:
        holder = one.held_by(ask.data["worker"], part["authorizationMessage"])
        told = Told(part, ask.owner, "" if holder else "the worker does not have the slice")
        if part["status"] == "begin":
            one.begins.append(told)
            return
        one.returns.append(told)
        if holder:
            job.take_back(one, holder)

    def _result(self, ask: Ask) -> Any:
        data = ask.data
        job, one = self._find(data["job"], data["slice"])
        holder = one.held_by(data["worker"], data["authorizationMessage"])
        if job.refusals.get(one.number, 0) > 0:
            job.refusals[one.number] -= 1
            self._refuse(one, ask, "EFAULT", "the result cannot be taken now")
        if one.results:
            self._refuse(one, ask, "EEXIST", "the slice has its result")
        if not holder:
            self._refuse(one, ask, "EPERM", "the worker does not have the slice")
        one.holders.remove(holder)
        one.results.append(Told(data if self.keeps_values else _without_value(data), ask.owner))
        job.missing -= 1
        job.cpu_time += data["metrics"]["CPUTime"]
        return {"slicePaymentAmount": job.payment, "metrics": metrics(job)}

    def _refuse(self, one: Slice, ask: Ask, code: str, why: str) -> None:
        one.refused.append(Told(ask.data, ask.owner, why))
        raise ProtocolError(code, why)

    def _work_emit(self, ask: Ask) -> Any:
        self._find(ask.data["job"], ask.data["slice"])
        return True

    def _module_urls(self, ask: Ask) -> Any:
        wanted = {name.split("/")[0] for name in ask.data["modules"]}
        modules = {name: files for job in self.jobs for name, files in job.modules.items()}
        if missing := wanted - modules.keys():
            raise ProtocolError("ENOENT", f"there is no package {', '.join(sorted(missing))}")
        return {
            name: {file: f"{self.modules_location}{name}/{file}" for file in modules[name]} for name in sorted(wanted)
        }

    # Events

    def _subscribe(self, ask: Ask) -> Any:
        return {"token": self._new_token(ask.session, ask.data["label"])}

    def _subscribe_many(self, ask: Ask) -> Any:
        asked = ask.data
        labels = asked.get("schedmsgEvents") or [*asked["reliableEvents"], *asked["optionalEvents"]]
        return {"tokens": [{"event": label, "token": self._new_token(ask.session, label)} for label in labels]}

    def _unsubscribe(self, ask: Ask) -> Any:
        if self.subscriptions.pop((ask.session, ask.data["label"]), None) is None:
            self.faults.append(f"unsubscribe of {ask.data['label']}, to which nobody has subscribed")
        return {}

    def _new_token(self, session: str, label: str) -> str:
        token = f"token {len(self.subscriptions) + 1}"
        self.subscriptions[session, label] = token
        return token


def _without_value(result: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in result.items() if name not in ("result", "resultV2")}


def _bits(capabilities: Mapping[str, Any]) -> int:
    """Those of dialect 5 of the capabilities as dialect 4 has them."""
    environment = capabilities["environment"]
    bits = {"offscreenCanvas": 8, "fdlibm": 16, "webgpu": 32}
    return sum(bit for name, bit in bits.items() if environment.get(name))
