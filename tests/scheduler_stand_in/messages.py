"""What a scheduler sends of jobs and slices, as dcp-client 4 and 5 read it."""

from __future__ import annotations

from typing import Any

from dcp_protocol.kvin import Constructed, Version, serialize
from dcp_protocol.uris.data_uri import encode_data_uri

from .jobs import Job, Location, Slice

_ENVIRONMENT = {"offscreenCanvas": 8, "fdlibm": 16, "webgpu": 32}
_SERVICES = ("eventRouter", "taskDistributor", "resultSubmitter", "jobSubmit", "phonebook")


def configuration(scheduler: str, services: str, dialect: int) -> bytes:
    """What workers download before all else (``/etc/dcp-config.kvin``): where the services are, and what is spoken."""

    def url(location: str) -> Constructed:
        return Constructed("dcpUrl$$DcpURL", (location,))

    service = {"location": url(services)}
    entry: dict[str, Any] = {
        "location": url(scheduler),
        "services": dict.fromkeys(_SERVICES, service),
        "compatibility": {"minimum": {"dcp": "^5.0.0"}},
    }
    whole: dict[str, Any] = {
        "scheduler": entry,
        "packageManager": service,
        "bank": {"location": url(scheduler), "services": {"bankTeller": service}},
    }
    if dialect == 4:
        entry["worker"] = {"types": ["v4"], "operations": "1.0.0"}
    else:
        whole["pxAuth"] = {"location": url(scheduler)}
    return serialize(whole, 8)


def job_message(job: Job, dialect: int) -> dict[str, Any]:
    version: Version = 8 if dialect == 4 else 9
    message: dict[str, Any] = {
        "uuid": f"uuid-{job.serial}",
        "codeLocation": job.code or encode_data_uri(job.work, "application/javascript"),
        "argumentsLocation": [
            {"argIndex": index, "value": _location(value, version)} for index, value in enumerate(job.arguments)
        ],
        "dependencies": list(job.dependencies),
        "modulePath": [],
        "requirePath": [],
        "public": {
            "name": job.name,
            "description": "",
            "link": "",
            "computeGroups": [{"opaqueId": job.group.identity, "name": job.group.join_key}],
        },
        "metrics": metrics(job),
        "almostDone": False,
        "workerConsole": job.sends_console,
        "localExec": False,
        "opaqueId": f"opaque-{job.serial}",
    }
    if job.input_set is not None:
        message["mro"] = job.input_set
    return message | (_of_dialect_4(job) if dialect == 4 else _of_dialect_5(job))


def _of_dialect_4(job: Job) -> dict[str, Any]:
    environment = {name: True for name, bit in _ENVIRONMENT.items() if job.needs & bit}
    return {
        "address": job.address,
        "requirements": {
            "environment": environment,
            "engine": {},
            "discrete": job.discrete,
            "useStrict": job.use_strict,
        },
        "worktime": dict(zip(("name", "version"), job.worktime, strict=True)),
    }


def _of_dialect_5(job: Job) -> dict[str, Any]:
    return {
        "jobId": job.id,
        "jobCgId": f"{job.id}-{job.group.identity}",
        "needCapabilities": job.needs,
        "discrete": job.discrete,
        "useStrict": job.use_strict,
        "worktime": {"name": job.worktime[0], "version": job.worktime_range},
    }


def slice_message(job: Job, one: Slice, dialect: int) -> dict[str, Any]:
    message: dict[str, Any] = {
        "jobAddress" if dialect == 4 else "jobId": name_of(job, dialect),
        "sliceNumber": one.number,
        "resultStorageType": "pattern" if job.upload else "values",
        "resultStorageDetails": job.upload,
        "resultStorageParams": dict(job.upload_fields),
        "isEstimationSlice": one.number <= job.estimation,
        "isLongSlice": job.is_long,
        "cotaskCount": 0,
    }
    if job.input_set is None:
        message["datumUri"] = _location(one.datum, 8 if dialect == 4 else 9)
    return message


def metrics(job: Job) -> dict[str, Any]:
    """What the network knows of a job's slices: the mean of their times."""
    done = len(job.slices) - job.missing
    return {
        "sliceCPUTime": job.cpu_time / done if done else 0,
        "sliceGPUTime": 0,
        "sliceCPUDensity": 1,
        "sliceGPUDensity": 0,
        "sliceInDataSize": 0,
        "sliceOutDataSize": 0,
        "lastSliceNumber": len(job.slices),
        "measuredSlices": done,
        "alpha": 0.1,
        "running": 1,
    }


def name_of(job: Job, dialect: int) -> str:
    return job.address if dialect == 4 else job.id


def _location(value: Any, version: Version) -> str:
    return str(value) if isinstance(value, Location) else encode_data_uri(value, kvin_version=version)
