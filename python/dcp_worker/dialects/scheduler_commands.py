"""Commands and announcements of a scheduler (``dcp-client/schedmsg``, ``events/event-subscriber.js``)."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from dcp_protocol import canonical_json
from dcp_protocol.errors import ProtocolError
from dcp_protocol.messages.bodies import JsonText

from ..errors import SchedulerError
from .fields import Fields

LABELS: Final = ("schedmsg::broadcast", "schedmsg::command")
_REMEMBERED: Final = 100


@dataclass(frozen=True, slots=True)
class Announcement:
    message: str


@dataclass(frozen=True, slots=True)
class Kill:
    """Stop at once; unless it is temporary, the next start asks its user first."""

    temporary: bool


@dataclass(frozen=True, slots=True)
class Restart:
    pass


@dataclass(frozen=True, slots=True)
class Reload:
    """End the process, for whoever supervises it to start a new one."""


@dataclass(frozen=True, slots=True)
class RemoveJob:
    job: str


@dataclass(frozen=True, slots=True)
class PriorityJob:
    """Work for this job only, with others that came so; or no longer. ``immediate``: what else is under way ends."""

    job: str
    wanted: bool
    immediate: bool


@dataclass(frozen=True, slots=True)
class UnknownCommand:
    """``name`` is cut and printable."""

    name: str


Command: TypeAlias = Announcement | Kill | Restart | Reload | RemoveJob | PriorityJob | UnknownCommand


@dataclass(frozen=True, slots=True)
class Subscription:
    """A request to the event router."""

    operation: str
    data: JsonText
    labels: Sequence[str]


def filter_options(identity: str, worker: str) -> dict[str, Any]:
    """Messages to this identity, to this worker, and to all."""
    return {"filter": {"$or": [{"target": identity}, {"target": worker}, {"broadcast": True}]}}


def subscription(operation: str, data: object, labels: Sequence[str]) -> Subscription:
    return Subscription(operation, JsonText(canonical_json.encode(data)), labels)


class CommandReader:
    """Knows what is subscribed on one connection, and which events have come before."""

    def __init__(self, job_member: str) -> None:
        """``job_member``: what a job is named by in commands."""
        self._job_member = job_member
        self._tokens: dict[str, str] = {}
        self._seen: deque[str] = deque(maxlen=_REMEMBERED)

    def subscribed(self, to: Subscription, reply: object) -> None:
        """Reads the answer. Raises SchedulerError."""
        fields = Fields(reply, f"the answer to {to.operation}")
        if len(to.labels) == 1 and "token" in fields:
            self._tokens[to.labels[0]] = fields.text("token")
            return
        tokens = fields.get("tokens")
        if not isinstance(tokens, list):
            raise SchedulerError(f"the answer to {to.operation} has no token")
        for element in tokens:
            entry = Fields(element, "an element of tokens")
            if (label := entry.text("event")) in to.labels:
                self._tokens[label] = entry.text("token")

    def unsubscriptions(self) -> list[Subscription]:
        """What ends all that is subscribed, which is forgotten here. npm's programs send the token in an object."""
        tokens, self._tokens = self._tokens, {}
        return [
            subscription("unsubscribe", {"label": label, "token": {"token": token}}, (label,))
            for label, token in tokens.items()
        ]

    def read(self, operation: str, data: object) -> Command:
        """A request of the scheduler, to be answered with ``"success"``. Raises ProtocolError, which is the answer."""
        if operation != "event":
            raise ProtocolError("ENOSYS", "the worker answers only to the operation event")
        try:
            request = Fields(data, "the event")
            event = Fields(request.get("event"), "event")
            message = Fields(event.get("data"), "event.data")
            label, token = message.text("eventName"), request.text("token")
            identity = event.text("eventId", "")
            if self._tokens.get(label) != token:
                raise ProtocolError("ENOENT", "no subscription is registered for this token")
            if identity and identity in self._seen:
                raise ProtocolError("EDUP", "this event has already been sent")
            command = self._command(message)
        except SchedulerError as error:
            raise ProtocolError("EINVAL", str(error)) from None
        if identity:
            self._seen.append(identity)
        return command

    def _command(self, message: Fields) -> Command:
        payload = Fields(message.mapping("payload"), "payload")
        match message.text("command"):
            case "announce":
                return Announcement(payload.shown("message", 10_000))
            case "kill":
                return Kill(payload.flag("temporary"))
            case "restart":
                return Restart()
            case "reload":
                return Reload()
            case "remove":
                return RemoveJob(payload.identity(self._job_member))
            case "addPriorityJob" | "removePriorityJob" as name:
                job = payload.identity(self._job_member)
                return PriorityJob(job, name == "addPriorityJob", payload.flag("immediate"))
        return UnknownCommand(message.shown("command", 40))
