"""A scheduler of one job, in both dialects: what it answers to each request of a worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dcp_protocol import canonical_json, kvin
from dcp_protocol.errors import ProtocolError
from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.uris.data_uri import encode_data_uri

from .job import Job, Slice

GROUP = "public"
PAYMENT = 0.01
"""DCC for each slice."""

_PER_TASK = 8
_WEBGPU = 32
_ADDRESS = "0x" + "d" * 40
_ID = "demo-job"


class Scheduler:
    """``on_change`` is called after each request."""

    def __init__(self, key: PrivateKey, job: Job, on_change: Callable[[], None] = lambda: None) -> None:
        self.job = job
        self.console: list[str] = []
        """What the work function has said."""
        self.paid: dict[str, float] = {}
        """By the account."""
        self.key = key
        self._on_change = on_change
        self._tokens = 0
        self._operations: dict[str, Callable[[Any], Any]] = {
            "requestTask": lambda asked: self._task(asked, _Dialect4(job)),
            "requestTask@3": lambda asked: self._task(asked, _Dialect5(job)),
            "status": self._status,
            "result": self._result,
            "workEmit": self._work_emit,
            "subscribe": lambda _: {"token": self._token()},
            "subscribeMany": lambda asked: {
                "tokens": [{"event": label, "token": self._token()} for label in asked["schedmsgEvents"]]
            },
            "unsubscribe": lambda _: {},
        }

    def answer(self, operation: str, data: Any) -> Any:
        """Raises ProtocolError, which the worker gets."""
        try:
            return self._operations[operation](data)
        except (AttributeError, KeyError, TypeError, ValueError):
            raise ProtocolError("EINVAL", f"this scheduler cannot answer such a {operation:.40}") from None
        finally:
            self._on_change()

    def _token(self) -> str:
        self._tokens += 1
        return f"token {self._tokens}"

    def _task(self, asked: Mapping[str, Any], dialect: _Dialect4 | _Dialect5) -> Any:
        has_room = "targetLoad" in asked and asked["targetLoad"]["cpu"] > 0
        if not has_room or not self.job.suits(dialect.has_webgpu(asked)):
            return {"body": {}}
        worker = asked["coreStats"]["worker"]
        slices = self.job.hand_out(worker, _PER_TASK)
        if not slices:
            return {"body": {}}
        name = dialect.job_name
        auth = {
            "workerId": worker,
            "authSlices": {name: [one.number for one in slices]},
            "schedulerId": str(self.key.address),
            "jobCommissions": {},
        }
        return {
            "owner": str(self.key.address),
            "signature": self.key.sign(canonical_json.encode(auth)).to_json(),
            "auth": auth,
            "body": {
                "newJobs": {name: dialect.job_message()},
                "task": {name: [dialect.slice_message(one) for one in slices]},
                "computeGroupOrigins": {},
            },
        }

    def _slice(self, number: Any) -> Slice:
        return self.job.slices[number]

    def _status(self, told: Mapping[str, Any]) -> Any:
        for part in told["slices"]:
            change = {"begin": self.job.begin, "return": self.job.take_back}[part["status"]]
            for number in part["sliceNumbers"]:
                change(self._slice(number), told["worker"])
        return {}

    def _result(self, told: Mapping[str, Any]) -> Any:
        sent = kvin.unmarshal(told["resultV2"])
        if sent["method"] == "kvin":
            value = kvin.deserialize(sent["string"])
        else:
            value = canonical_json.decode(sent["string"].encode())
        cpu_time = float(told["metrics"]["CPUTime"])
        if not self.job.finish(self._slice(told["slice"]), told["worker"], value, cpu_time):
            raise ProtocolError("EPERM", "this worker does not have the slice")
        account = str(told["paymentAddress"])
        self.paid[account] = self.paid.get(account, 0.0) + PAYMENT
        return {"slicePaymentAmount": PAYMENT, "metrics": _METRICS | {"sliceCPUTime": cpu_time}}

    def _work_emit(self, told: Mapping[str, Any]) -> Any:
        if told["eventName"] == "console":
            said = kvin.unmarshal(told["payload"]["message"])
            self.console.append(" ".join(map(str, said)))
        return True


class _Dialect4:
    job_name = _ADDRESS
    version: kvin.Version = 8

    def __init__(self, job: Job) -> None:
        self._job = job

    def has_webgpu(self, asked: Mapping[str, Any]) -> bool:
        return asked["targetLoad"]["gpu"] > 0 and asked["capabilities"]["environment"]["webgpu"] is True

    def job_message(self) -> dict[str, Any]:
        environment = {"webgpu": True} if self._job.uses_gpu else {}
        return _job_message(self._job, self.version) | {
            "address": _ADDRESS,
            "requirements": {"environment": environment, "engine": {}, "discrete": False, "useStrict": False},
        }

    def slice_message(self, one: Slice) -> dict[str, Any]:
        return {"jobAddress": _ADDRESS, **_slice_message(one, self.version)}


class _Dialect5:
    job_name = _ID
    version: kvin.Version = 9

    def __init__(self, job: Job) -> None:
        self._job = job

    def has_webgpu(self, asked: Mapping[str, Any]) -> bool:
        return asked["targetLoad"]["gpu"] > 0 and bool(asked["capabilities"] & _WEBGPU)

    def job_message(self) -> dict[str, Any]:
        return _job_message(self._job, self.version) | {
            "jobId": _ID,
            "jobCgId": f"{_ID}-{GROUP}",
            "needCapabilities": _WEBGPU if self._job.uses_gpu else 0,
            "discrete": False,
            "useStrict": False,
        }

    def slice_message(self, one: Slice) -> dict[str, Any]:
        return {"jobId": _ID, **_slice_message(one, self.version)}


_METRICS = {
    "sliceCPUTime": 0, "sliceGPUTime": 0, "sliceCPUDensity": 1, "sliceGPUDensity": 0, "sliceInDataSize": 0,
    "sliceOutDataSize": 0,
}  # fmt: skip


def _job_message(job: Job, version: kvin.Version) -> dict[str, Any]:
    values = [encode_data_uri(value, kvin_version=version) for value in job.arguments]
    return {
        "codeLocation": encode_data_uri(job.work_function, "application/javascript"),
        "argumentsLocation": [{"argIndex": index, "value": value} for index, value in enumerate(values)],
        "dependencies": [],
        "modulePath": [],
        "requirePath": [],
        "worktime": {"name": "map-basic", "version": "1.0.0"},
        "public": {"name": job.name, "description": "", "link": "", "computeGroups": []},
        "metrics": {**_METRICS, "lastSliceNumber": len(job.slices), "measuredSlices": 0, "alpha": 0.1, "running": 1},
        "almostDone": False,
        "workerConsole": True,
        "localExec": False,
        "opaqueId": _ID,
        "uuid": _ID,
    }


def _slice_message(one: Slice, version: kvin.Version) -> dict[str, Any]:
    return {
        "sliceNumber": one.number,
        "datumUri": encode_data_uri(one.datum, kvin_version=version),
        "resultStorageType": "values",
        "resultStorageDetails": "",
        "isEstimationSlice": False,
        "isLongSlice": False,
    }
