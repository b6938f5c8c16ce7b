"""Events of work functions, for the job's owner (``postWorkEmit`` in ``supervisor2/index.js``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dcp_protocol import canonical_json, kvin
from dcp_protocol.messages.bodies import JsonText

from ..tasks.job import Job
from ..tasks.slices import Slice, SliceError
from .javascript_json import stringify
from .texts import joined, utf16_size

Members = list[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class WorkEvent:
    """The data of ``workEmit``; ``size`` is what DCP counts as output of the slice."""

    text: JsonText
    size: int = 0


@dataclass(frozen=True, slots=True)
class EventSource:
    """Where an event comes from. ``named``: dialect 4 says the job's name twice."""

    job: Job
    slice: Slice
    worker: str
    named: bool

    def event(self, kind: str, members: Members, size: int = 0) -> WorkEvent:
        name = self.job.public.get("name")
        if isinstance(name, str) and name:
            members.append(("jobName", canonical_json.quote(name)))
        text = joined(
            [
                ("eventName", canonical_json.quote(kind)),
                ("payload", joined(members) if members else b"{}"),
                ("job", canonical_json.quote(self.slice.key.job)),
                ("slice", b"%d" % self.slice.key.number),
                ("worker", canonical_json.quote(self.worker)),
                ("authorizationMessage", self.slice.authorization.text.text),
            ]
        )
        return WorkEvent(JsonText(text), size)

    def names(self, otherwise: str) -> Members:
        name = self.job.public.get("name")
        return [("name", canonical_json.quote(name if isinstance(name, str) else otherwise))] if self.named else []


def console_event(
    source: EventSource, level: str, arguments: Sequence[Any], same: int, version: kvin.Version
) -> WorkEvent:
    """``same``: how often it was said. Raises KvinError and TypeError for arguments that cannot be written."""
    message = canonical_json.encode(kvin.marshal(list(arguments), version))
    members = [("level", canonical_json.quote(level)), ("message", message), ("same", b"%d" % same)]
    return source.event("console", members + source.names("console"), utf16_size(message))


def custom_event(source: EventSource, name: str, data: Any) -> WorkEvent:
    """Of ``work.emit(name, data)``. Raises ValueError for data that has no JSON."""
    members = [("eventName", b'"custom"'), ("customEvent", canonical_json.quote(name))]
    if (text := stringify(data)) is not None:
        members.append(("data", text))
    return source.event("custom", members + source.names("custom"))


def error_event(source: EventSource, error: SliceError, time: datetime, info: str = "") -> WorkEvent:
    name = "Error" if source.named and error.name == "DCPError" else error.name or "Error"
    moment = time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    told = {"name": name, "message": error.message, "timestamp": moment}
    codes = {"code": error.code}
    if error.own_code and not source.named:
        codes = {"code": error.own_code, "errorCode": error.code}
    told |= {member: text for member, text in {**codes, "stack": error.stack, "info": info}.items() if text}
    return source.event("error", [(member, canonical_json.quote(text)) for member, text in told.items()])


def no_progress_event(source: EventSource, message: str, elapsed: float, reports: Any) -> WorkEvent:
    """``elapsed``: seconds since the slice began; ``reports``: ``{last, lastDeterministic}`` of its progress."""
    members = [
        ("message", canonical_json.quote(message)),
        ("code", b'"ENOPROGRESS"'),
        ("timestamp", b"%d" % round(elapsed * 1000)),
        *source.names("noProgress"),
    ]
    if (text := stringify(reports)) is not None:
        members.append(("progressReports", text))
    return source.event("noProgress", members)
