"""What requests of a worker look like, member by member; npm's worker is held against it as ours is.

A shape is a type, a predicate, a value, a list ``[shape]``, a tuple of alternatives, ``Map(shape)`` for an object with
any names, or a dict, whose names are all there, but for those that end in ``?``.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from dcp_protocol.keys.address import Address


@dataclass(frozen=True)
class Map:
    values: Any


def problems(shape: Any, value: Any, where: str = "data") -> list[str]:
    """What is wrong with a value; empty for one of this shape."""
    if isinstance(shape, dict):
        return _of_object(shape, value, where)
    if isinstance(shape, Map):
        if not isinstance(value, dict):
            return [f"{where} is no object"]
        return [found for name, one in value.items() for found in problems(shape.values, one, f"{where}.{name}")]
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{where} is no array"]
        return [found for i, one in enumerate(value) for found in problems(shape[0], one, f"{where}[{i}]")]
    if isinstance(shape, tuple):
        tried = [problems(one, value, where) for one in shape]
        return [] if [] in tried else min(tried, key=len)
    fits = type(value) is shape if isinstance(shape, type) else shape(value) if callable(shape) else value == shape
    return [] if fits else [f"{where} is {value!r:.100}"]


def _of_object(shape: dict[str, Any], value: Any, where: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{where} is no object"]
    allowed = {name.removesuffix("?"): one for name, one in shape.items()}
    missing = [name for name in shape if not name.endswith("?") and name not in value]
    found = [f"{where}.{name} is missing" for name in missing]
    found += [f"{where}.{name} is unknown" for name in value if name not in allowed]
    for name, one in value.items():
        found += problems(allowed.get(name, _anything), one, f"{where}.{name}")
    return found


def _anything(_: Any) -> bool:
    return True


def _number(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value < 1e15


def _address(value: Any) -> bool:
    return isinstance(value, str) and _is_address(value)


@functools.lru_cache
def _is_address(text: str) -> bool:
    try:
        return bool(Address.parse(text))
    except ValueError:
        return False


def _worker(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 22


def _kvin(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"_serializeVerId", "what"}


def _hash(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 68 and value.startswith("eh1-")


_NUMBERS = (None, Map([int]))
_COMMON = {
    "targetLoad": {"cpu": _number, "gpu": _number, "longSlices": int},
    "coreStats": {"worker": _worker, "lCores": int, "pCores": int, "sandbox": int},
    "jobQuanta": {"CPU": Map(_number), "GPU": Map(_number)},
    "paymentAddress": _address,
    "workerComputeGroups": [{"joinKey": str, "joinHashHash": _hash}],
    "minimumWage": {"CPU": _number, "GPU": _number, "in": _number, "out": _number},
    "soteriaJobs": _NUMBERS,
    "overdueSlices": _NUMBERS,
    "previouslyWorkedJobs": [str],
    "rejectedJobs": [str],
    "unresolvedJobs": [str],
    "fetchState": int,
}
_LIVENESS = {
    "coreStats": {"worker": _worker},
    "paymentAddress": _address,
    "workerComputeGroups": _COMMON["workerComputeGroups"],
    "soteriaJobs": _NUMBERS,
    "overdueSlices": _NUMBERS,
    "fetchState": (2, 10),
}
_CAPABILITIES_4 = {
    "engine": {"es7": bool, "spidermonkey": bool},
    "environment": {"webgpu": bool, "offscreenCanvas": bool, "fdlibm": bool},
    "browser": Map(bool),
    "details": {"offscreenCanvas": Map(bool)},
    "discrete": bool,
    "useStrict": bool,
}
_REQUEST_TASK_4 = _COMMON | {
    "supervisor": "2.0.0",
    "capabilities": _CAPABILITIES_4,
    "jobAddresses": [str],
    "worktimes": [{"name": str, "versions": [str]}],
}
_REQUEST_TASK_5 = _COMMON | {
    "capabilities": int,
    "gpuSpeed": lambda value: value == -1 or _number(value),
    "jobIds": [str],
    "worktimes": [{"name": str, "version": str}],
    "seq": int,
    "returnAllSlices?": (str, {"owner": _address, "signature": dict, "body": {"id": _worker}}),
}
_RETURN_ALL = {
    "paymentAddress": _address,
    "fetchState": 16,
    "returnAllSlices": _REQUEST_TASK_5["returnAllSlices?"],
}

_REASON = (str, {"message": (str, bool), "retries?": int, "errorCode": str}, {"reason?": str, "errorCode": str})
_TOLD = {"sliceNumbers": [int], "job": str, "authorizationMessage": dict}
_STATUS = {
    "worker": _worker,
    "slices": [
        (
            _TOLD | {"status": "begin"},
            _TOLD | {"status": "return", "isEstimationSlice": bool, "reason?": _REASON},
        )
    ],
}
_METRICS = {
    "CPUTime": _number,
    "GPUTime": _number,
    "CPUDensity": _number,
    "GPUDensity": _number,
    "InDataSize": _number,
    "OutDataSize": _number,
}
_RESULT = {
    "slice": int,
    "job": str,
    "worker": _worker,
    "paymentAddress": _address,
    "metrics": _METRICS,
    "authorizationMessage": dict,
}
_PAYLOADS = {
    "console": {"level": str, "message": _kvin, "same": int, "jobName": str, "name?": str},
    "custom": {"eventName": "custom", "customEvent": str, "data?": _anything, "jobName": str, "name?": str},
    "error": {
        "name": str, "message": str, "timestamp": _anything, "code?": str, "errorCode?": str, "stack?": str,
        "info?": _anything, "jobName": str,
    },
    "noProgress": {"message": str, "code": str, "timestamp": _anything, "progressReports": dict, "jobName?": str,
                   "name?": str, "stack?": str},
}  # fmt: skip
_WORK_EMIT = tuple(
    {"eventName": name, "payload": payload, "job": str, "slice": int, "worker": _worker, "authorizationMessage": dict}
    for name, payload in _PAYLOADS.items()
)

OPERATIONS: dict[str, Any] = {
    "requestTask": (_REQUEST_TASK_4, _LIVENESS),
    "requestTask@3": (_REQUEST_TASK_5, _LIVENESS, _RETURN_ALL),
    "status": _STATUS,
    "result": (_RESULT | {"resultV2": _kvin}, _RESULT | {"result": str}),
    "workEmit": _WORK_EMIT,
    "fetchModuleURL": {"modules": [str]},
    "subscribe": {"label": str, "options": dict},
    "subscribeMany": (
        {"schedmsgEvents": [str], "options": dict},
        {"reliableEvents": [str], "optionalEvents": [str], "options": dict},
    ),
    "unsubscribe": {"label": str, "token": _anything},
}
