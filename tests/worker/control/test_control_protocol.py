"""Both ends of the control socket's protocol, whatever comes and in whatever pieces."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcp_worker.control import methods, protocol
from dcp_worker.control.log import LogLine, LogQueue, RecentLog
from dcp_worker.control.protocol import (
    LONGEST_CALL,
    MOST_OPEN,
    Answered,
    Called,
    ClientMachine,
    Failed,
    Notified,
    ServerMachine,
)
from dcp_worker.errors import ControlError

pytestmark = pytest.mark.any_engine

names = st.sampled_from([*methods.METHODS, "nothing", ""])
ids = st.one_of(st.integers(), st.text(max_size=70), st.none(), st.floats(allow_nan=False), st.booleans())
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
parameters = st.dictionaries(
    st.sampled_from(["resource", "seconds", "interval", "log", "lines", "level", "hard", "since", "path", "kind", "x"]),
    values | st.sampled_from(["cpu", "info", "2026-01-01", "probe", 1.0, 10, True]),
    max_size=3,
)
calls = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0"), "id": ids, "method": names}, optional={"params": parameters | values, "more": values}
)
lines = st.one_of(calls.map(lambda call: json.dumps(call).encode()), values.map(lambda one: json.dumps(one).encode()),
                  st.binary(max_size=60).map(lambda data: data.replace(b"\n", b"")))  # fmt: skip


def replies(machine: ServerMachine) -> list[Any]:
    return [json.loads(line) for line in machine.take_output().splitlines()]


@given(st.lists(lines, max_size=8), st.data())
def test_each_line_is_a_call_or_gets_an_error(sent: list[bytes], data: st.DataObject) -> None:
    machine, called = ServerMachine(), []
    stream = b"".join(line + b"\n" for line in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=4)))
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        called += machine.receive(stream[start:end])
    errors = replies(machine)
    assert len(called) + len(errors) == sum(bool(line.strip()) for line in sent)
    assert all(set(reply) == {"jsonrpc", "id", "error"} and reply["error"]["message"] for reply in errors)
    assert len({one.id for one in called}) == len(called) <= MOST_OPEN
    for one in called:
        machine.answer(one.id, None)
    assert [reply["id"] for reply in replies(machine)] == [one.id for one in called]


@given(st.binary(max_size=200))
def test_a_client_takes_nothing_else_than_replies(data: bytes) -> None:
    machine = ClientMachine()
    try:
        found = machine.receive(data + b"\n")
    except ControlError as error:
        assert "no worker" in str(error)
    else:
        assert all(isinstance(one, Answered | Failed | Notified) for one in found)


@given(st.sampled_from([methods.Status(), methods.Pause(resource="cpu", seconds=5), methods.Subscribe(log="info")]))
def test_what_a_client_calls_a_server_hears_and_the_other_way_round(method: methods.Method) -> None:
    client, server = ClientMachine(), ServerMachine()
    number, text = client.call(method)
    assert server.receive(text) == [Called(number, method)]
    server.answer(number, {"done": True})
    server.notify("log", [1])
    assert client.receive(server.take_output()) == [Answered(number, b'{"done":true}'), Notified("log", b"[1]")]
    number, text = client.call(method)
    server.receive(text)
    server.refuse(number, "not now")
    assert client.receive(server.take_output()) == [Failed(number, protocol.REFUSED, "not now")]


@pytest.mark.parametrize(
    ("line", "code", "number"),
    [
        (b"{", protocol.NOT_JSON, None),
        (b"[" * 50_000, protocol.NO_CALL, None),
        (b'{"jsonrpc":"2.0","id":7,"method":"status","params":' + b"[" * 50_000, protocol.NOT_JSON, None),
        (b"\xff", protocol.NOT_JSON, None),
        (b"[]", protocol.NO_CALL, None),
        (b'{"jsonrpc":"2.0","method":"status"}', protocol.NO_CALL, None),
        (b'{"jsonrpc":"1.0","id":7,"method":"status"}', protocol.NO_CALL, 7),
        (b'{"jsonrpc":"2.0","id":7,"method":"eval"}', protocol.NO_METHOD, 7),
        (b'{"jsonrpc":"2.0","id":7,"method":"status","params":{"x":1}}', protocol.BAD_PARAMETERS, 7),
        (b'{"jsonrpc":"2.0","id":7,"method":"pause","params":{"seconds":-1}}', protocol.BAD_PARAMETERS, 7),
        (b'{"jsonrpc":"2.0","id":7,"method":"report","params":{"since":"1 or 1"}}', protocol.BAD_PARAMETERS, 7),
    ],
)
def test_what_is_wrong_has_its_code(line: bytes, code: int, number: int | None) -> None:
    machine = ServerMachine()
    assert machine.receive(line + b"\n") == []
    (reply,) = replies(machine)
    assert (reply["error"]["code"], reply["id"]) == (code, number)
    assert len(reply["error"]["message"]) <= 300


def test_a_line_without_end_ends_the_conversation() -> None:
    machine = ServerMachine()
    for _ in range(LONGEST_CALL // 1000 + 1):
        machine.receive(b"x" * 1000)
    assert machine.is_over
    assert machine.receive(b'{"jsonrpc":"2.0","id":1,"method":"status"}\n') == []
    assert [reply["error"]["code"] for reply in replies(machine)] == [protocol.NO_CALL]


def test_only_so_many_calls_are_open_and_none_twice() -> None:
    machine = ServerMachine()
    client = ClientMachine()
    sent = b"".join(client.call(methods.Status())[1] for _ in range(MOST_OPEN + 1))
    called = machine.receive(sent)
    assert len(called) == MOST_OPEN
    (refused,) = replies(machine)
    assert (refused["id"], refused["error"]["code"]) == (MOST_OPEN + 1, protocol.REFUSED)
    machine.answer(called[0].id, None)
    assert machine.receive(b'{"jsonrpc":"2.0","id":2,"method":"status"}\n') == []
    assert machine.receive(b'{"jsonrpc":"2.0","id":1,"method":"status"}\n') == [Called(1, methods.Status())]


def line(text: str, level: Any = "info") -> LogLine:
    return LogLine(time=0.0, level=level, text=text)


def test_the_last_lines_are_kept_from_a_level_on() -> None:
    log = RecentLog()
    for number in range(1200):
        log.add(line(f"{number}", "error" if number % 100 == 0 else "debug"))
    assert [one.text for one in log.last(2)] == ["1198", "1199"]
    assert [one.text for one in log.last(3, "warning")] == ["900", "1000", "1100"]
    assert len(log.last(5000)) == 1000
    assert log.last(0) == ()


def test_a_line_may_have_any_text() -> None:
    log, server = RecentLog(), ServerMachine()
    log.add(LogLine(time=0.0, level="info", text="a\ud800\nb", job="\udfff"))
    server.notify("log", log.last(1))
    ((told,),) = [reply["params"] for reply in replies(server)]
    assert (told["text"], told["job"]) == ("a?\nb", "?")


def test_a_reader_that_is_slow_is_told_how_many_lines_it_has_missed() -> None:
    queue = LogQueue("info")
    for number in range(1005):
        queue.add(line(f"{number}"))
    queue.add(line("nothing", "debug"))
    taken = queue.take()
    assert (taken.left_out, taken.lines[0].text, len(taken.lines)) == (5, "5", 1000)
    assert not queue
    assert queue.take().left_out == 0
