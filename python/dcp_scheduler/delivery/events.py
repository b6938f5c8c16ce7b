"""What clients hear of a job: the members of each event (``dcp-client/job``, ``common/dcp-events``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..jobs.records import Job
from ..jobs.status import JobStatus

RESULT, STATUS, STOP = "result", "status", "stop"


def result(name: str, number: int, uri: str) -> dict[str, Any]:
    return {"job": name, "sliceNumber": number, "result": {"result": uri}}


def status(job: Job) -> dict[str, Any]:
    return {
        "job": client_name(job), "runStatus": job.status, "total": job.total,
        "distributed": job.next - 1 - job.waiting, "computed": job.done,
    }  # fmt: skip


def stop(job: Job) -> dict[str, Any]:
    """The last of them."""
    told = {"job": client_name(job), "runStatus": job.status, "sliceCount": job.total}
    if job.status == JobStatus.CANCELLED:
        told |= {"reason": job.reason or "", "code": job.code or ""}
        if job.error:
            told["error"] = {"message": job.error}
    return told


def of_work(name: str, number: int, payload: Mapping[str, Any]) -> dict[str, Any]:
    """``console``, ``custom``, ``error``, ``noprogress``: what the worker has told, with the slice."""
    return {**payload, "job": name, "sliceNumber": number}


def client_name(job: Job) -> str:
    """What its client calls it."""
    return str(job.address if job.dialect == 4 else job.id)
