"""Commands of a scheduler: subscribed, read once, refused where they are nobody's."""

from __future__ import annotations

from typing import Any

import pytest
from dialect_values import value_of

from dcp_protocol.errors import ProtocolError
from dcp_worker.dialects.choice import V4, V5
from dcp_worker.dialects.dialect import Dialect
from dcp_worker.dialects.scheduler_commands import (
    Announcement,
    CommandReader,
    Kill,
    PriorityJob,
    Reload,
    RemoveJob,
    Restart,
    UnknownCommand,
)
from dcp_worker.errors import SchedulerError

pytestmark = pytest.mark.any_engine
BOTH = pytest.mark.parametrize("dialect", [V4, V5], ids=["4", "5"])


def reader(dialect: Dialect) -> CommandReader:
    commands = dialect.command_reader()
    for number, subscription in enumerate(dialect.subscriptions("0x1", "w")):
        tokens = [{"event": label, "token": f"t{index}"} for index, label in enumerate(subscription.labels)]
        commands.subscribed(subscription, {"token": f"t{number}"} if dialect is V4 else {"tokens": tokens})
    return commands


def event(command: str, payload: Any = None, token: str = "t1", identity: str | None = None) -> dict[str, Any]:
    label = {"t0": "schedmsg::broadcast"}.get(token, "schedmsg::command")
    return {
        "token": token,
        "event": {"eventId": identity, "data": {"eventName": label, "command": command, "payload": payload}},
    }


def test_subscriptions_of_dialect_5() -> None:
    (only,) = V5.subscriptions("0x1", "w")
    assert only.operation == "subscribeMany"
    assert value_of(only.data) == {
        "schedmsgEvents": ["schedmsg::broadcast", "schedmsg::command"],
        "options": {"filter": {"$or": [{"target": "0x1"}, {"target": "w"}, {"broadcast": True}]}},
    }


@BOTH
def test_commands(dialect: Dialect) -> None:
    commands = reader(dialect)
    job = dialect.names.slice_job
    for name, payload, command in (
        ("announce", {"message": "hello\x1b"}, Announcement("hello ")),
        ("kill", {"temporary": True}, Kill(True)),
        ("kill", None, Kill(False)),
        ("restart", None, Restart()),
        ("reload", {}, Reload()),
        ("remove", {job: "j"}, RemoveJob("j")),
        ("addPriorityJob", {job: "j", "immediate": 1}, PriorityJob("j", True, True)),
        ("removePriorityJob", {job: "j"}, PriorityJob("j", False, False)),
        ("dance\x07", {}, UnknownCommand("dance ")),
    ):
        assert commands.read("event", event(name, payload)) == command
    assert commands.read("event", event("reload", token="t0")) == Reload()


@BOTH
@pytest.mark.parametrize(
    ("operation", "data", "code"),
    [
        ("other", {}, "ENOSYS"),
        ("event", None, "EINVAL"),
        ("event", {"token": "t1"}, "EINVAL"),
        ("event", event("kill", token="t9"), "ENOENT"),
        ("event", event("remove", {"job": "j j"}), "EINVAL"),
        ("event", event("kill", []), "EINVAL"),
    ],
)
def test_what_is_refused(dialect: Dialect, operation: str, data: Any, code: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        reader(dialect).read(operation, data)
    assert caught.value.code == code


def test_an_event_is_obeyed_once() -> None:
    commands = reader(V4)
    assert commands.read("event", event("reload", identity="e1")) == Reload()
    with pytest.raises(ProtocolError, match="already"):
        commands.read("event", event("reload", identity="e1"))
    for number in range(1000):
        commands.read("event", event("reload", identity=f"n{number}"))
    assert commands.read("event", event("reload", identity="e1")) == Reload()


def test_unsubscribing_ends_it() -> None:
    commands = reader(V5)
    assert [(one.operation, one.data.value) for one in commands.unsubscriptions()] == [
        ("unsubscribe", {"label": "schedmsg::broadcast", "token": {"token": "t0"}}),
        ("unsubscribe", {"label": "schedmsg::command", "token": {"token": "t1"}}),
    ]
    with pytest.raises(ProtocolError):
        commands.read("event", event("reload"))


@BOTH
@pytest.mark.parametrize("answer", [None, {}, {"token": 5}, {"tokens": [{}]}, {"tokens": 1}])
def test_answers_without_token(dialect: Dialect, answer: Any) -> None:
    with pytest.raises(SchedulerError):
        dialect.command_reader().subscribed(dialect.subscriptions("0x1", "w")[0], answer)
