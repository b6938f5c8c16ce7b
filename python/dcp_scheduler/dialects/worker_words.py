"""What workers of both dialects say: ``requestTask``, ``status``, ``result``, ``workEmit``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dcp_protocol import canonical_json, kvin
from dcp_protocol.errors import MessageError
from dcp_protocol.keys.address import Address
from dcp_protocol.messages.sealed import open_sealed
from dcp_protocol.uris.percent import encode_uri

from ..errors import RefusedError
from ..model.measured import Measured, Rates
from ..model.requirements import Requirements
from ..model.work_request import FetchState, GroupProof, SliceResult, SliceStatus, WorkEvent, WorkRequest
from .fields import Fields
from .requirement_objects import read_requirements

_WORKER = 64  # characters
_LONGEST_RESULT = 1 << 30
_MOST_SLICES = 30_000  # one statement takes them
_MOST_QUANTA = 10_000
_OTHERS = "0"  # of quanta: the ratio for jobs that the worker does not know
EVENTS = {"console": "console", "custom": "custom", "error": "error", "noProgress": "noprogress"}
"""Labels of what is emitted."""


def read_work_request(data: object, dialect: int, owner: str, session: str, place: str = "") -> WorkRequest:
    """Raises RefusedError."""
    fields = Fields(data, "the request for work")
    load, state = fields.inner("targetLoad"), FetchState(fields.whole("fetchState", 0, most=255))
    quanta, room = fields.inner("jobQuanta"), min(load.number("cpu"), 1024.0)
    cpu, gpu = _quanta(quanta.inner("CPU")), _quanta(quanta.inner("GPU"))
    sealed = fields.get("returnAllSlices")
    return WorkRequest(
        dialect=dialect,
        worker=_returning(sealed, owner) if sealed is not None else _worker(fields),
        owner=owner,
        session=session,
        state=state,
        place=place,
        payee=fields.address("paymentAddress") if "paymentAddress" in fields else owner,
        room=room,
        gpu=min(load.number("gpu"), 64.0),
        long_slices=int(min(load.number("longSlices", room), 1024.0)),
        quanta=min(8.0, max(0.125, cpu.pop(_OTHERS, 1.0))),
        gpu_quanta=min(64.0, max(1 / 64, gpu.pop(_OTHERS, 1.0))),
        known_cpu=cpu,
        known_gpu=gpu,
        wage=_wage(fields.inner("minimumWage")),
        has=_has(fields, dialect),
        worktimes=dict(_worktimes(fields, dialect)),
        groups=[_proof(each) for each in fields.elements("workerComputeGroups", 1000)],
        only=frozenset(fields.texts("jobAddresses" if dialect == 4 else "jobIds")),
        excluded=frozenset(fields.texts("rejectedJobs")) | frozenset(fields.texts("unresolvedJobs")),
        worked_before=frozenset(fields.texts("previouslyWorkedJobs")),
        alive=_numbers(fields, "soteriaJobs"),
        returns_all=sealed is not None or FetchState.STARTUP in state,
    )


def read_statuses(data: object) -> list[SliceStatus]:
    """Raises RefusedError."""
    fields = Fields(data, "the status")
    worker, told = fields.text("worker", most=_WORKER), []
    for each in fields.elements("slices"):
        part = Fields(each, "a slice")
        told.append(
            SliceStatus(
                worker, part.text("job", most=_WORKER), _slice_numbers(part, "sliceNumbers"), part.text("status"),
                _reason(part.get("reason")),
            )
        )  # fmt: skip
    return told


def read_result(data: object, owner: str) -> SliceResult:
    """Raises RefusedError."""
    fields = Fields(data, "the result")
    measured = fields.inner("metrics")
    return SliceResult(
        worker=fields.text("worker", most=_WORKER),
        owner=owner,
        job=fields.text("job", most=_WORKER),
        number=fields.whole("slice"),
        payee=fields.address("paymentAddress") if "paymentAddress" in fields else owner,
        uri=_result_uri(fields),
        measured=Measured(
            *(
                measured.number(name)
                for name in ("CPUTime", "GPUTime", "CPUDensity", "GPUDensity", "InDataSize", "OutDataSize")
            )
        ),
    )


def read_work_event(data: object) -> WorkEvent:
    """Raises RefusedError."""
    fields = Fields(data, "the event")
    name = EVENTS.get(fields.text("eventName"))
    if name is None:
        raise fields.wrong("eventName", "console, custom, error or noProgress")
    return WorkEvent(
        fields.text("worker", most=_WORKER), fields.text("job", most=_WORKER), fields.whole("slice"), name,
        fields.mapping("payload"),
    )  # fmt: skip


def _worker(fields: Fields) -> str:
    return fields.inner("coreStats").text("worker", most=_WORKER)


def _returning(sealed: Any, owner: str) -> str:
    """The id of a worker that has no slices any more, and has sealed that (dialect 5)."""
    text = sealed if isinstance(sealed, str) else canonical_json.encode(sealed).decode()
    try:
        opened = open_sealed(text.encode())
        worker = json.loads(bytes(opened.body))["id"]
    except (MessageError, ValueError, KeyError, TypeError):
        raise RefusedError("EINVAL", "returnAllSlices is no sealed message with the id of a worker") from None
    if opened.owner != Address(owner) or not isinstance(worker, str) or len(worker) > _WORKER:
        raise RefusedError("EPERM", "returnAllSlices is signed by another than the request")
    return worker


def _quanta(of: Fields) -> dict[str, float]:
    """Milliseconds of each job that the worker knows, and a ratio for all others."""
    found = {name: of.number(name) for name in of.names(_MOST_QUANTA)}
    return {name: value for name, value in found.items() if value > 0}


def _wage(of: Fields) -> Rates:
    return Rates(of.number("CPU"), of.number("GPU"), of.number("in"), of.number("out"))


def _has(fields: Fields, dialect: int) -> Requirements:
    if dialect != 4:
        return Requirements(fields.whole("capabilities", 0, most=2**31))
    return read_requirements(fields.inner("capabilities"))


def _worktimes(fields: Fields, dialect: int) -> Iterator[tuple[str, Sequence[str]]]:
    found: dict[str, list[str]] = {}
    for each in fields.elements("worktimes", 1000):
        part = Fields(each, "a worktime")
        versions = part.texts("versions") if dialect == 4 else [part.text("version", most=64)]
        found.setdefault(part.text("name", most=64), []).extend(versions)
    yield from found.items()


def _proof(value: object) -> GroupProof:
    fields = Fields(value, "a compute group")
    return GroupProof(fields.text("joinKey", "") or fields.text("id", ""), fields.text("joinHashHash", "", most=80))


def _numbers(fields: Fields, name: str) -> Mapping[str, Sequence[int]] | None:
    if name not in fields:
        return None
    jobs = Fields(fields.mapping(name), name)
    return {job: _slice_numbers(jobs, job) for job in list(fields.mapping(name))[:1000]}


def _slice_numbers(fields: Fields, name: str) -> list[int]:
    value = fields.elements(name, _MOST_SLICES)
    if not all(type(number) is int and 0 < number <= 2**53 for number in value):
        raise fields.wrong(name, "a list of numbers of slices")
    return value


def _reason(value: Any) -> str:
    """A text, or an object with a code."""
    if isinstance(value, dict):
        value = value.get("errorCode") or value.get("message")
    return value[:200] if isinstance(value, str) else ""


def _result_uri(fields: Fields) -> str:
    """dialect 4 and 5: ``resultV2``, a text with its type, as KVIN; of storage elsewhere ``result``, a URI."""
    if "resultV2" not in fields:
        return fields.text("result", most=_LONGEST_RESULT)
    try:
        value = Fields(kvin.unmarshal(fields.get("resultV2")), "resultV2")
    except kvin.KvinError as error:
        raise RefusedError("EKVIN", f"the result cannot be read: {error}") from None
    text, media_type = value.text("string", most=_LONGEST_RESULT), value.text("MIMEType", "application/json")
    if media_type not in ("application/json", "application/x-kvin"):
        raise value.wrong("MIMEType", "application/json or application/x-kvin")
    try:
        return f"data:{media_type},{encode_uri(text)}"
    except ValueError:
        raise value.wrong("string", "a text without lone surrogates") from None
