"""What is told of slices beside their results: begun, returned (``supervisor2/common.js``, ``slice2.js``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from dcp_protocol import canonical_json
from dcp_protocol.messages.bodies import JsonText

from ..tasks.slices import Slice
from .texts import joined

Reason: TypeAlias = "str | Mapping[str, Any]"
"""A text, one of DCP's error codes, or an object as ``rejected`` makes it."""


def rejected(message: str | bool, retries: int) -> Mapping[str, Any]:
    """The reason of slices whose work function has called ``work.reject``; without a reason its message is False."""
    return {"message": message, "retries": retries, "errorCode": "EWORKREJECT"}


@dataclass(frozen=True, slots=True)
class Begun:
    slice: Slice


@dataclass(frozen=True, slots=True)
class Returned:
    slice: Slice
    reason: Reason


Status: TypeAlias = Begun | Returned


def status_text(worker: str, statuses: Iterable[Status]) -> JsonText:
    """Slices of one job with the same authorization, reason and kind share an entry, as npm does with returned ones."""
    entries: dict[tuple[Any, ...], list[int]] = {}
    slices: dict[tuple[Any, ...], Slice] = {}
    for status in statuses:
        key = (status.slice.key.job, bytes(status.slice.authorization.text.text), *_ending(status))
        entries.setdefault(key, []).append(status.slice.key.number)
        slices.setdefault(key, status.slice)
    texts = [_entry(slices[key], numbers, key[2:]) for key, numbers in entries.items()]
    return JsonText(joined([("worker", canonical_json.quote(worker)), ("slices", b"[%b]" % b",".join(texts))]))


def _ending(status: Status) -> tuple[bytes, bytes | None, bool]:
    if isinstance(status, Begun):
        return (b'"begin"', None, False)
    reason = status.reason if isinstance(status.reason, str) else dict(status.reason)
    return (b'"return"', canonical_json.encode(reason), status.slice.is_estimation)


def _entry(of: Slice, numbers: Sequence[int], ending: tuple[Any, ...]) -> bytes:
    kind, reason, is_estimation = ending
    members = [
        ("sliceNumbers", canonical_json.encode(list(numbers))),
        ("job", canonical_json.quote(of.key.job)),
        ("authorizationMessage", of.authorization.text.text),
        ("status", kind),
    ]
    if reason is not None:
        members += [("reason", reason), ("isEstimationSlice", canonical_json.encode(is_estimation))]
    return joined(members)
