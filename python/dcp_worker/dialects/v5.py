"""The dialect of dcp-client 5."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dcp_protocol import canonical_json, kvin
from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.messages.bodies import JsonText
from dcp_protocol.messages.json_parts import Text
from dcp_protocol.transport import paths

from ..tasks.capabilities import Capability
from ..tasks.job import Job
from .dialect import Dialect, Message, liveness_only, sealed_identity
from .fields import Fields
from .scheduler_commands import LABELS, Subscription, filter_options, subscription
from .task_reader import Needs, TaskNames
from .texts import joined
from .work_request import FetchState, WorkRequest

_OPERATION = "requestTask@3"


def _needs(job: Fields) -> Needs:
    bits = job.whole("needCapabilities", 0)
    return Needs(Capability(bits), job.flag("discrete"), job.flag("useStrict"))


class DialectV5(Dialect):
    name = "5"
    kvin_version = 9
    transport = paths.V5
    names = TaskNames("jobId", "jobId", _needs)
    says_names_twice = False

    def request_task(self, request: WorkRequest, session: str, identity: PrivateKey) -> Message:
        data = request.liveness_json() if liveness_only(request) else self._full(request, session)
        members: list[tuple[str, Text]] = [(name, canonical_json.encode(value)) for name, value in data.items()]
        if FetchState.STARTUP in request.state:
            members.append(("returnAllSlices", _proof(request.cores.worker, identity)))
        return Message(_OPERATION, JsonText(joined(members)))

    def _full(self, request: WorkRequest, session: str) -> dict[str, Any]:
        return {
            "targetLoad": request.load_json(),
            "coreStats": request.cores.to_json(),
            "jobQuanta": {"CPU": dict(request.cpu_quanta), "GPU": dict(request.gpu_quanta)},
            "capabilities": int(request.capabilities | Capability.KVIN_V9),
            "gpuSpeed": request.gpu_speed,
            "paymentAddress": request.payment_address,
            "jobIds": list(request.jobs),
            "workerComputeGroups": [group.proof(session) for group in request.groups],
            "minimumWage": request.minimum_wage.to_json(),
            **request.slices_json(),
            "previouslyWorkedJobs": list(request.worked_before),
            "rejectedJobs": list(request.rejected),
            "unresolvedJobs": list(request.unresolved),
            "fetchState": int(request.state),
            "worktimes": [
                {"name": one.name, "version": version} for one in request.worktimes for version in one.versions
            ],
            "seq": request.sequence,
        }

    def return_all(self, worker: str, payment_address: str, identity: PrivateKey) -> Message | None:
        members: list[tuple[str, Text]] = [
            ("paymentAddress", canonical_json.quote(payment_address)),
            ("fetchState", b"%d" % FetchState.RETURN_ALL),
            ("returnAllSlices", _proof(worker, identity)),
        ]
        return Message(_OPERATION, JsonText(joined(members)))

    def value_version(self, job: Job) -> kvin.Version:
        return 9 if Capability.KVIN_V9 in job.needs else 8

    def subscriptions(self, identity: str, worker: str) -> Sequence[Subscription]:
        data = {"schedmsgEvents": list(LABELS), "options": filter_options(identity, worker)}
        return [subscription("subscribeMany", data, LABELS)]


def _proof(worker: str, identity: PrivateKey) -> bytes:
    """The sealed message that proves it, as a text in JSON."""
    return canonical_json.quote(sealed_identity(worker, identity).decode())
