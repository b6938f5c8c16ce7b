"""What a scheduler tells of a job, as typed values. Slices are counted from 1, as on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dcp_protocol import kvin
from dcp_protocol.errors import ProtocolError

LABELS = ("stop",), ("result", "status", "console", "custom", "error", "noprogress")
"""Of events: those that a scheduler keeps until they are answered, and the others."""
_MOST = 2**53
_LONGEST = 10_000
_LEVELS = frozenset(("debug", "log", "info", "warn", "error", "trace"))


@dataclass(frozen=True, slots=True)
class Result:
    """``uri``: where it is, or itself."""

    slice: int
    uri: str


@dataclass(frozen=True, slots=True)
class Status:
    """How many slices there are, were handed out, and have results."""

    total: int
    distributed: int
    computed: int


@dataclass(frozen=True, slots=True)
class Console:
    """``arguments`` None: those of the last one ``same`` times again."""

    slice: int
    level: str
    arguments: list[Any] | None
    same: int


@dataclass(frozen=True, slots=True)
class Emitted:
    slice: int
    name: str
    data: Any


@dataclass(frozen=True, slots=True)
class Trouble:
    """An error of a slice, which may run again."""

    slice: int
    message: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """``status``: finished, cancelled, or another word; ``total``: of slices."""

    status: str
    total: int
    code: str
    reason: str


News = Result | Status | Console | Emitted | Trouble | Stopped


def read_news(label: str, data: Mapping[str, Any]) -> News:
    """Raises ProtocolError, ``EINVAL``, for what does not say what it should."""
    match label:
        case "result":
            inner = data.get("result")
            return Result(_number(data, "sliceNumber", 1), _text(inner if isinstance(inner, Mapping) else {}, "result"))
        case "status":
            return Status(*(_number(data, name) for name in ("total", "distributed", "computed")))
        case "console":
            return _console(data)
        case "custom":
            return Emitted(_number(data, "sliceNumber"), _text(data, "customEvent"), data.get("data"))
        case "error" | "noprogress":
            return Trouble(_number(data, "sliceNumber"), _words(data, "message"))
        case "stop":
            return _stopped(data)
    raise ProtocolError("EINVAL", f"the event {label!r:.60} was not asked for")


def _console(data: Mapping[str, Any]) -> Console:
    level, same = _text(data, "level"), data.get("same")
    try:
        message = kvin.unmarshal(data.get("message"), memory=1 << 26)
    except kvin.KvinError:
        message = None
    is_again = not isinstance(message, list) or (len(message) == 1 and message[0] is kvin.UNDEFINED)
    times = same if type(same) is int and 0 < same < _MOST else 1
    arguments = None if is_again else message
    return Console(_number(data, "sliceNumber"), level if level in _LEVELS else "log", arguments, times)


def _stopped(data: Mapping[str, Any]) -> Stopped:
    error = data.get("error")
    reason = _words(data, "reason")
    if isinstance(error, Mapping) and (message := _words(error, "message")):
        reason = f"{reason}; {message}" if reason else message
    total = _number(data, "sliceCount") if data.get("runStatus") == "finished" else 0
    return Stopped(_text(data, "runStatus"), total, _words(data, "code"), reason)


def _number(data: Mapping[str, Any], name: str, least: int = 0) -> int:
    value = data.get(name)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) is not int or not least <= value <= _MOST:
        raise ProtocolError("EINVAL", f"the event's {name} must be a whole number of at least {least}")
    return value


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str):
        raise ProtocolError("EINVAL", f"the event's {name} must be a text")
    return value


def _words(data: Mapping[str, Any], name: str) -> str:
    """For people; empty where there are none."""
    value = data.get(name)
    text = value[:_LONGEST] if isinstance(value, str) else ""
    return "".join(character if character.isprintable() or character == "\n" else "\ufffd" for character in text)
