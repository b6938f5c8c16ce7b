"""A sandbox that lies, says nothing, or leaves: it is replaced, and no slice is lost."""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

import dcp_evaluator as dcp
from dcp_evaluator.frames import table
from dcp_evaluator.processes.exit_status import ExitStatus
from dcp_evaluator.processes.zygote_messages import Exited, Message
from dcp_evaluator.sandboxes.pool import SandboxPool
from dcp_evaluator.sandboxes.sandbox import Sandbox
from lying_sandbox import LyingEvaluator, after_assignment, pack, raw
from process_tree import open_descriptors
from zygote_control import wait_until

MIB = 1 << 20


def start(evaluator: dcp.Evaluator, inputs: Any, source: str, count: int = 1, **options: Any) -> dcp.Results:
    return dcp.compute_for(inputs, source).local_exec(count, evaluator=evaluator, **options)


_NUMBERS = msgspec.msgpack.Ext(1, b"\x05" + bytes(40))

LIES = {
    "noise": b"\xff" * 64,
    "text": b"HTTP/1.1 200 OK\r\n\r\n",
    "too large": struct.pack("<II", (1 << 30) + 1, 0),
    "too many descriptors": struct.pack("<II", 1, 65),
    "without its descriptor": raw(b"\xc0", 1),
    "empty": raw(b""),
    "no array": raw(b"\xc0"),
    "empty array": raw(b"\x90"),
    "bytes after it": raw(b"\x91\x10\x10"),
    "not MessagePack": raw(b"\xc1\xc1\xc1"),
    "cut short": raw(b"\xdd\xff\xff\xff\xff"),
    "deep": raw(b"\x91" * 100_000),
    "kind unknown": pack(99),
    "kind of ours": pack(table.RUN, 0, 1),
    "kind a text": pack("result", 0, 1, {}),
    "kind a boolean": pack(True, 0, 1, {}),
    "fields missing": pack(table.RESULT, 0),
    "a field too many": pack(table.RESULT, 0, 1, {}, None),
    "slice a boolean": pack(table.RESULT, False, 1, {}),
    "no such slice": pack(table.RESULT, 7, 1, {}),
    "slice negative": pack(table.RESULT, -1, 1, {}),
    "slice a text": pack(table.RESULT, "0", 1, {}),
    "metrics missing": pack(table.RESULT, 0, 1, None),
    "error no error": pack(table.FAILED, 0, 7, {}),
    "error without text": pack(table.FAILED, 0, {"name": 1, "message": [], "stack": {}}, {}),
    "two results": pack(table.RESULT, 0, 0, {}) * 2,
    "refuses after it agreed": pack(table.ASSIGNMENT_FAILED, {"name": "E", "message": "m", "stack": ""}),
    "console no text": pack(table.CONSOLE, 0, 1, 2),
    "emit no name": pack(table.EMIT, 0, None, 2),
    "extension unknown": pack(table.RESULT, 0, msgspec.msgpack.Ext(99, b"x"), {}),
    "shared without it": pack(table.RESULT, 0, msgspec.msgpack.Ext(2, struct.pack("<BIQQ", 1, 0, 0, 9)), {}),
    "array broken": pack(table.RESULT, 0, msgspec.msgpack.Ext(1, b"\x0a123"), {}),
    "kind an array of numbers": pack(_NUMBERS, 0, 1, {}),
    "slice an array of numbers": pack(table.RESULT, _NUMBERS, 1, {}),
    "slice a long number": pack(table.RESULT, msgspec.msgpack.Ext(3, b"f" * 20_000), 1, {}),
    "progress of another slice": pack(table.PROGRESS, 1, 0),
    "console of another slice": pack(table.CONSOLE, 999, "log", "mine"),
    "console of a long number": pack(table.CONSOLE, msgspec.msgpack.Ext(3, b"f" * 20_000), "log", "mine"),
    "event of another slice": pack(table.EMIT, 4, "name", 0),
    "ready again": pack(table.READY),
    "ready again and again": pack(table.READY) * 100_000,
    "assigned again": pack(table.ASSIGNED),
    "reason no text": pack(table.REJECTED, 0, [0] * 1000, 5),
    "reason an array of numbers": pack(table.REJECTED, 0, _NUMBERS, 5),
    "BigInt broken": pack(table.RESULT, 0, msgspec.msgpack.Ext(3, b"0x12"), {}),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_sandbox_that_breaks_the_protocol_is_replaced(lie):
    with LyingEvaluator(after_assignment(LIES[lie])) as evaluator:
        job = dcp.compute_for(range(5), "(x) => x")
        assert list(job.local_exec(1, evaluator=evaluator)) == list(range(5))
        assert job.metrics.sandbox_deaths == 1


@pytest.mark.parametrize(
    "early",
    [
        pack(table.RESULT, 0, 1, {}),
        pack(table.ASSIGNED) + pack(table.PROGRESS, "a", 0),
        pack(table.CONSOLE, 0, "log", "before the assignment"),
        pack(table.READY),
    ],
)
def test_a_sandbox_that_speaks_out_of_turn_is_replaced(early):
    with LyingEvaluator(after_assignment(early, early=True)) as evaluator:
        assert list(start(evaluator, range(5), "(x) => x")) == list(range(5))


def test_a_sandbox_that_is_assigned_before_it_is_ready_is_replaced():
    with LyingEvaluator(lambda channel: channel.sendall(pack(table.ASSIGNED))) as evaluator:
        assert list(start(evaluator, range(5), "(x) => x")) == list(range(5))


def test_descriptors_that_belong_to_no_frame_are_closed():
    def play(channel: socket.socket) -> None:
        after_assignment()(channel)
        socket.send_fds(channel, [raw(b"\xc0")], [0, 1, 2])

    before = len(open_descriptors(os.getpid()))
    with LyingEvaluator(play) as evaluator:
        assert list(start(evaluator, [1], "(x) => x")) == [1]
    wait_until(lambda: len(open_descriptors(os.getpid())) <= before, "the descriptors are closed")


def test_what_a_sandbox_may_claim_is_bounded():
    lies = pack(table.RESULT, 0, 5, {"cpu": -1, "wall": float("nan"), "gpu": 1e308})
    with LyingEvaluator(after_assignment(pack(table.CONSOLE, 0, "nonsense", "x" * (2 * MIB)), lies)) as evaluator:
        job = dcp.compute_for([0], "(x) => x")
        heard: list[dcp.ConsoleEvent] = []
        job.on("console", heard.append)
        results = job.local_exec(1, evaluator=evaluator)
        assert results[0] == 5
        assert results.metrics[0] == dcp.SliceMetrics(0.0, 0.0, 0.0)
        assert (heard[0].level, len(heard[0].message)) == ("log", MIB)


def test_a_peer_that_says_nothing_is_replaced():
    with LyingEvaluator(lambda channel: None) as evaluator:
        assert list(start(evaluator, range(3), "(x) => x", progress_timeout=4)) == [0, 1, 2]


def test_a_peer_that_stops_reading_does_not_hold_up_the_others():
    def play(channel: socket.socket) -> None:
        channel.sendall(pack(table.READY) + pack(table.ASSIGNED))
        stop.wait(60)

    stop = threading.Event()
    with LyingEvaluator(play) as evaluator:
        results = start(evaluator, [b"x" * 60_000] * 200, "(x) => x.byteLength", count=2, progress_timeout=4)
        assert next(results.as_completed())[1] == 60_000
        results.wait(60)
        stop.set()
        assert len(results.errors) <= 1


def test_a_peer_that_leaves_is_replaced():
    with LyingEvaluator(lambda channel: channel.close()) as evaluator:
        assert list(start(evaluator, [1], "(x) => x")) == [1]


def test_what_others_say_on_the_channel_of_a_sandbox_that_has_ended_does_not_count(monkeypatch):
    """It has given its channel away, to its GPU host for example, which floods it."""
    stop, flooding = threading.Event(), threading.Event()

    def flood(channel: socket.socket) -> None:
        after_assignment()(channel)
        console = pack(table.CONSOLE, 0, "log", "x" * 100) * 1000
        try:
            while not stop.is_set():
                channel.sendall(console)
                flooding.set()
        except OSError:
            stop.set()

    def messages(pool: SandboxPool) -> Iterator[tuple[Sandbox, Message]]:
        """The zygote says that the first one has ended, which it knows nothing of."""
        yield from of_the_zygote(pool)
        for sandbox in pool:
            if sandbox.number > 1_000_000 and flooding.is_set():
                yield sandbox, Exited(sandbox.number, ExitStatus(0))

    def watch(pool: SandboxPool, on_readable: Callable[[], object]) -> None:
        listeners.append(on_readable)
        watch_zygote(pool, on_readable)

    def wait(pool: SandboxPool) -> None:
        wait_for_events(pool)
        if flooding.is_set() and listeners:
            listeners.pop()()

    listeners: list[Callable[[], object]] = []
    of_the_zygote, watch_zygote = SandboxPool.zygote_messages, SandboxPool.watch_zygote
    wait_for_events = SandboxPool.wait
    monkeypatch.setattr(SandboxPool, "zygote_messages", messages)
    monkeypatch.setattr(SandboxPool, "watch_zygote", watch)
    monkeypatch.setattr(SandboxPool, "wait", wait)
    with LyingEvaluator(flood) as evaluator:
        job = dcp.compute_for(range(4), "(x) => x")
        try:
            assert list(job.local_exec(1, evaluator=evaluator)) == [0, 1, 2, 3]
        finally:
            assert stop.wait(60)
        assert job.metrics.sandbox_deaths == 1


def test_sandboxes_that_never_get_ready_end_the_job():
    def rave(channel: socket.socket) -> None:
        channel.sendall(LIES["noise"])

    with LyingEvaluator(*[rave] * 20) as evaluator:
        results = start(evaluator, [0], "(x) => x")
        with pytest.raises(dcp.JobError, match="sandboxes die before they begin a slice; the last: it broke the frame"):
            results.wait(60)
