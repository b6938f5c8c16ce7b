"""The dialect of dcp-client 4, which dcp-worker 3.3 speaks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dcp_protocol import canonical_json
from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.messages.bodies import JsonText
from dcp_protocol.transport import paths

from .capability_objects import from_bits, to_bits
from .dialect import Dialect, Message, liveness_only
from .fields import Fields
from .scheduler_commands import LABELS, Subscription, filter_options, subscription
from .task_reader import Needs, TaskNames
from .work_request import WorkRequest

_SUPERVISOR = "2.0.0"


def _needs(job: Fields) -> Needs:
    requirements = job.mapping("requirements")
    fields = Fields(requirements, "requirements")
    return Needs(to_bits(requirements), fields.flag("discrete"), fields.flag("useStrict"), requirements)


class DialectV4(Dialect):
    name = "4"
    kvin_version = 8
    transport = paths.V4
    names = TaskNames("address", "jobAddress", _needs)
    says_names_twice = True

    def request_task(self, request: WorkRequest, session: str, identity: PrivateKey) -> Message:
        data = request.liveness_json() if liveness_only(request) else self._full(request, session)
        return Message("requestTask", JsonText(canonical_json.encode(data)))

    def _full(self, request: WorkRequest, session: str) -> dict[str, Any]:
        described = request.described if isinstance(request.described, dict) else from_bits(request.capabilities)
        return {
            "supervisor": _SUPERVISOR,
            "targetLoad": request.load_json(),
            "coreStats": request.cores.to_json(),
            "jobQuanta": {"CPU": dict(request.cpu_quanta), "GPU": dict(request.gpu_quanta)},
            "capabilities": described,
            "paymentAddress": request.payment_address,
            "jobAddresses": list(request.jobs),
            "workerComputeGroups": [group.proof(session) for group in request.groups],
            "minimumWage": request.minimum_wage.to_json(),
            **request.slices_json(),
            "previouslyWorkedJobs": list(request.worked_before),
            "rejectedJobs": list(request.rejected),
            "unresolvedJobs": list(request.unresolved),
            "fetchState": int(request.state),
            "worktimes": [{"name": one.name, "versions": list(one.versions)} for one in request.worktimes],
        }

    def return_all(self, worker: str, payment_address: str, identity: PrivateKey) -> Message | None:
        return None

    def subscriptions(self, identity: str, worker: str) -> Sequence[Subscription]:
        options = filter_options(identity, worker)
        return [subscription("subscribe", {"label": label, "options": options}, (label,)) for label in LABELS]
