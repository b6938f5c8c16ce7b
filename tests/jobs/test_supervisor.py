"""When sandboxes die, hang, lie or run out of memory: what happens to their slices, and that the rest goes on."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dcp_evaluator as dcp
from dcp_evaluator import _native, frames
from lying_sandbox import LyingEvaluator, after_assignment, pack, raw
from process_tree import children, is_running, kill, open_descriptors
from zygote_control import wait_until

ENDLESS = "(x) => { if (x === 0) { console.log('here'); progress(); for (;;); } return x; }"
MIB = 1 << 20


@pytest.fixture
def own_evaluator() -> Iterator[dcp.Evaluator]:
    """An evaluator whose processes a test may kill."""
    with dcp.Evaluator() as evaluator:
        yield evaluator


def start(evaluator: dcp.Evaluator, inputs: Any, source: str, count: int = 1, **options: Any) -> dcp.Results:
    return dcp.compute_for(inputs, source).local_exec(count, evaluator=evaluator, **options)


class Victim:
    """A job with a slice that never ends, and the processes of its evaluator."""

    def __init__(self, evaluator: dcp.Evaluator, source: str = ENDLESS, **options: Any) -> None:
        self._others = set(children(os.getpid()))
        self.job = dcp.compute_for(range(4), source)
        self._runs = threading.Semaphore(0)
        self.job.on("progress", lambda event: self._runs.release())
        self.results = self.job.local_exec(1, evaluator=evaluator, **options)
        self.wait_for_slice()
        self.find_zygote()

    def find_zygote(self) -> None:
        (self.zygote,) = (pid for pid in set(children(os.getpid())) - self._others if is_running(pid))

    def wait_for_slice(self) -> None:
        assert self._runs.acquire(timeout=60)

    def kill_sandboxes(self) -> None:
        """SIGKILL to the sandbox, and to those that wait."""
        for pid in children(self.zygote):
            kill(pid, "dcp-sandbox")


# --- Death ---


def test_a_slice_is_run_again_when_its_sandbox_dies(own_evaluator):
    victim = Victim(own_evaluator, retries=2)
    for _ in range(2):
        victim.kill_sandboxes()
        victim.wait_for_slice()
    victim.kill_sandboxes()
    assert victim.results.wait(60).errors.keys() == {0}
    error = victim.results.errors[0]
    assert error.code == "ESANDBOX"
    assert error.message == "its sandbox died, 3 of 3 times; the last: signal 9 (SIGKILL)"
    assert victim.results[1:] == [1, 2, 3]
    assert victim.job.metrics.sandbox_deaths >= 3  # one that was killed as it became the job's counts too


def test_without_retries(own_evaluator):
    victim = Victim(own_evaluator, retries=0)
    victim.kill_sandboxes()
    assert victim.results.wait(60).errors[0].code == "ESANDBOX"
    assert victim.results[1:] == [1, 2, 3]


def test_a_zygote_that_dies_is_replaced_and_the_job_goes_on(own_evaluator):
    victim = Victim(own_evaluator, retries=2)
    for _ in range(2):
        os.kill(victim.zygote, signal.SIGKILL)
        victim.wait_for_slice()
        victim.find_zygote()
    os.kill(victim.zygote, signal.SIGKILL)
    assert victim.results.wait(60).errors.keys() == {0}
    message = "its sandbox died, 3 of 3 times; the last: the sandbox zygote ended (signal 9 (SIGKILL))"
    assert victim.results.errors[0].message == message
    assert victim.results[1:] == [1, 2, 3]
    assert list(start(own_evaluator, [1], "(x) => x")) == [1]


def test_zygotes_that_die_and_no_slice_ends_end_the_job_with_the_reason(own_evaluator):
    victim = Victim(own_evaluator, retries=100)
    for _ in range(5):
        os.kill(victim.zygote, signal.SIGKILL)
        victim.wait_for_slice()
        victim.find_zygote()
    os.kill(victim.zygote, signal.SIGKILL)
    with pytest.raises(dcp.ZygoteError, match=r"the sandbox zygote ended \(signal 9 \(SIGKILL\)\)"):
        victim.results.wait(60)
    assert list(start(own_evaluator, [1], "(x) => x")) == [1]


def test_a_zygote_that_dies_between_jobs_is_replaced(own_evaluator):
    before = set(children(os.getpid()))
    assert list(start(own_evaluator, [1], "(x) => x")) == [1]
    (zygote,) = set(children(os.getpid())) - before
    os.kill(zygote, signal.SIGKILL)
    wait_until(lambda: not is_running(zygote), "the zygote is dead")
    assert list(start(own_evaluator, [2], "(x) => x")) == [2]


# --- Hanging ---


def test_a_slice_without_progress_is_ended(evaluator):
    job = dcp.compute_for(range(4), ENDLESS)
    begun = time.monotonic()
    results = job.local_exec(1, progress_timeout=0.3, evaluator=evaluator).wait(60)
    assert time.monotonic() - begun >= 0.3
    assert results.errors[0].code == "ENOPROGRESS"
    assert results.errors[0].message.startswith("no progress for 0.3 s, its sandbox was ended; call progress()")
    assert results[1:] == [1, 2, 3]


@pytest.mark.parametrize(
    "source",
    [
        "() => { for (const end = Date.now() + 2000; Date.now() < end;) progress(); return 1; }",
        """async () => {
          for (let i = 0; i < 20; i++) { await new Promise((done) => setTimeout(done, 100)); progress(i / 20); }
          return 1;
        }""",
    ],
)
def test_progress_keeps_a_slice_alive(evaluator, source):
    assert list(start(evaluator, [0], source, progress_timeout=1.5)) == [1]


def test_a_slice_that_sleeps_too_long(evaluator):
    source = "() => new Promise((done) => setTimeout(done, 60_000))"
    assert start(evaluator, [0], source, progress_timeout=0.2).wait(60).errors[0].code == "ENOPROGRESS"


# --- Limits ---


@pytest.mark.parametrize(
    "greedy",
    [
        "const kept = []; for (;;) kept.push(new Uint8Array(1 << 20).fill(1));",
        "const kept = []; for (;;) kept.push({ a: [kept.length] });",
        "const kept = []; for (;;) kept.push(`${kept.length}`.repeat(1e5));",
        "new ArrayBuffer(1 << 30);",
    ],
)
def test_the_memory_limit(evaluator, greedy):
    source = f"(x) => {{ if (x === 0) {{ {greedy} }} return x; }}"
    results = start(evaluator, [0, 1], source, memory_limit=48 * MIB).wait(60)
    assert results[1] == 1
    assert any(text in results.errors[0].message.lower() for text in ("out of memory", "array buffer"))


def test_memory_comes_back_between_slices(evaluator):
    source = (
        "(x) => { const kept = []; for (let i = 0; i < 20; i++) kept.push(new Uint8Array(1 << 20).fill(i)); return x; }"
    )
    assert list(start(evaluator, range(20), source, memory_limit=48 * MIB)) == list(range(20))


def test_an_input_that_is_larger_than_the_sandbox_may_be(evaluator):
    inputs = [np.zeros(200 * MIB, np.uint8), np.ones(8, np.uint8)]
    results = start(evaluator, inputs, "(x) => { x[0] = 3; return x.length; }", memory_limit=48 * MIB).wait(60)
    assert "the input does not fit into the sandbox" in results.errors[0].message
    assert results[1] == 8


def test_a_result_that_is_larger_than_the_sandbox_may_write(evaluator):
    results = start(
        evaluator, [0], "() => [new Uint8Array(30 << 20), 'x'.repeat(30 << 20)]", memory_limit=64 * MIB
    ).wait(60)
    assert results.errors.keys() == {0}
    assert list(start(evaluator, [1], "(x) => x", memory_limit=64 * MIB)) == [1]


@pytest.mark.parametrize(
    "deep",
    [
        "const f = () => f() + 1; f()",
        "JSON.parse('['.repeat(1e6))",
        "new RegExp('('.repeat(1e5))",
        "[1].map(function f() { return [1].map(f); })",
    ],
)
def test_a_stack_overflow_is_an_error_of_the_slice(evaluator, deep):
    job = dcp.compute_for([0, 1], f"(x) => {{ if (x === 0) {{ {deep}; }} return x; }}")
    results = job.local_exec(1, evaluator=evaluator).wait(60)
    assert results.errors[0].code == "EWORK"
    assert results[1] == 1
    assert job.metrics.sandbox_deaths == 0


def test_more_sandboxes_than_descriptors(tmp_path):
    script = tmp_path / "program.py"
    script.write_text(
        "import resource, dcp_evaluator as dcp\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))\n"
        "try:\n"
        "    dcp.compute_for(range(1000), '(x) => x').local_exec(1000).wait(60)\n"
        "except dcp.JobError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60, check=False)
    assert "a sandbox cannot be made: Too many open files; use fewer sandboxes" in done.stdout, done.stderr
    assert done.stderr == ""


# --- Lies: a peer that is no sandbox of ours ---


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
    "kind of ours": pack(frames.RUN, 0, 1),
    "kind a text": pack("result", 0, 1, {}),
    "kind a boolean": pack(True, 0, 1, {}),
    "fields missing": pack(frames.RESULT, 0),
    "a field too many": pack(frames.RESULT, 0, 1, {}, None),
    "slice a boolean": pack(frames.RESULT, False, 1, {}),
    "no such slice": pack(frames.RESULT, 7, 1, {}),
    "slice negative": pack(frames.RESULT, -1, 1, {}),
    "slice a text": pack(frames.RESULT, "0", 1, {}),
    "metrics missing": pack(frames.RESULT, 0, 1, None),
    "error no error": pack(frames.FAILED, 0, 7, {}),
    "error without text": pack(frames.FAILED, 0, {"name": 1, "message": [], "stack": {}}, {}),
    "two results": pack(frames.RESULT, 0, 0, {}) * 2,
    "refuses after it agreed": pack(frames.ASSIGNMENT_FAILED, {"name": "E", "message": "m", "stack": ""}),
    "console no text": pack(frames.CONSOLE, 0, 1, 2),
    "emit no name": pack(frames.EMIT, 0, None, 2),
    "extension unknown": pack(frames.RESULT, 0, msgspec.msgpack.Ext(99, b"x"), {}),
    "shared without it": pack(frames.RESULT, 0, msgspec.msgpack.Ext(2, struct.pack("<BIQQ", 1, 0, 0, 9)), {}),
    "array broken": pack(frames.RESULT, 0, msgspec.msgpack.Ext(1, b"\x0a123"), {}),
    "BigInt broken": pack(frames.RESULT, 0, msgspec.msgpack.Ext(3, b"0x12"), {}),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_sandbox_that_breaks_the_protocol_is_replaced(lie):
    with LyingEvaluator(after_assignment(LIES[lie])) as evaluator:
        job = dcp.compute_for(range(5), "(x) => x")
        assert list(job.local_exec(1, evaluator=evaluator)) == list(range(5))
        assert job.metrics.sandbox_deaths == 1


@pytest.mark.parametrize(
    "early", [pack(frames.RESULT, 0, 1, {}), pack(frames.ASSIGNED) + pack(frames.PROGRESS, "a", 0)]
)
def test_a_sandbox_that_speaks_out_of_turn_is_replaced(early):
    with LyingEvaluator(after_assignment(early, early=True)) as evaluator:
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
    lies = pack(frames.RESULT, 0, 5, {"cpu": -1, "wall": float("nan"), "gpu": 1e308})
    with LyingEvaluator(after_assignment(pack(frames.CONSOLE, 0, "nonsense", "x" * (2 * MIB)), lies)) as evaluator:
        job = dcp.compute_for([0], "(x) => x")
        heard: list[dcp.ConsoleEvent] = []
        job.on("console", heard.append)
        results = job.local_exec(1, evaluator=evaluator)
        assert results[0] == 5
        assert results.metrics[0] == dcp.SliceMetrics(0.0, 0.0, 0.0)
        assert (heard[0].level, len(heard[0].message)) == ("log", MIB)


def test_a_peer_that_says_nothing_is_replaced():
    with LyingEvaluator(lambda channel: None) as evaluator:
        assert list(start(evaluator, range(3), "(x) => x", progress_timeout=1.5)) == [0, 1, 2]


def test_a_peer_that_stops_reading_does_not_hold_up_the_others():
    def play(channel: socket.socket) -> None:
        channel.sendall(pack(frames.READY) + pack(frames.ASSIGNED))
        stop.wait(60)

    stop = threading.Event()
    with LyingEvaluator(play) as evaluator:
        results = start(evaluator, [b"x" * 60_000] * 200, "(x) => x.byteLength", count=2, progress_timeout=1.5)
        assert next(results.as_completed())[1] == 60_000
        results.wait(60)
        stop.set()
        assert len(results.errors) <= 1


def test_a_peer_that_leaves_is_replaced():
    with LyingEvaluator(lambda channel: channel.close()) as evaluator:
        assert list(start(evaluator, [1], "(x) => x")) == [1]


def test_sandboxes_that_never_get_ready_end_the_job():
    def rave(channel: socket.socket) -> None:
        channel.sendall(LIES["noise"])

    with LyingEvaluator(*[rave] * 20) as evaluator:
        results = start(evaluator, [0], "(x) => x")
        with pytest.raises(dcp.JobError, match="sandboxes die before they begin a slice; the last: it broke the frame"):
            results.wait(60)


# --- Frames over a socket ---


def _receive(channel: _native.FrameChannel) -> list[tuple[bytes, int]]:
    """The frames of one read: payload and number of descriptors, which are closed."""
    received = []
    for payload, fds in channel.receive():
        received.append((payload, len(fds)))
        for fd in fds:
            os.close(fd)
    return received


def test_a_broken_frame_closes_the_descriptors_of_those_before_it():
    before = len(open_descriptors(os.getpid()))
    ours, theirs = socket.socketpair()
    channel = _native.FrameChannel(ours.detach())
    frame = struct.pack("<II", 1, 1) + b"\xc0"
    with theirs:
        socket.send_fds(theirs, [2 * frame], [0])
        with pytest.raises(_native.FrameError, match="without its descriptors"):
            channel.receive()
    channel.close()
    assert len(open_descriptors(os.getpid())) == before


@settings(max_examples=200, deadline=None)
@given(chunks=st.lists(st.tuples(st.binary(min_size=1, max_size=64), st.integers(0, 3)), min_size=1, max_size=10))
def test_any_bytes_give_frames_or_a_frame_error(chunks):
    before = len(open_descriptors(os.getpid()))
    ours, theirs = socket.socketpair()
    channel = _native.FrameChannel(ours.detach())
    with theirs:
        try:
            for data, descriptors in chunks:
                socket.send_fds(theirs, [data], [0] * descriptors)
                _receive(channel)
        except _native.FrameError:
            pass
    channel.close()
    assert len(open_descriptors(os.getpid())) == before


@settings(max_examples=50, deadline=None)
@given(
    sent=st.lists(st.tuples(st.binary(max_size=300), st.integers(0, 3)), max_size=20),
    sizes=st.lists(st.integers(1, 500), min_size=1, max_size=5),
)
def test_frames_arrive_as_they_were_sent_whatever_the_pieces(sent, sizes):
    ours, theirs = socket.socketpair()
    relay_in, relay_out = socket.socketpair()
    writer, reader = _native.FrameChannel(ours.detach()), _native.FrameChannel(relay_out.detach())
    for payload, descriptors in sent:
        writer.send(payload, [0] * descriptors)
    assert writer.flush()
    assert writer.pending == 0
    writer.close()
    received = []
    with theirs, relay_in:
        for position in range(100_000):
            data, fds, _, _ = socket.recv_fds(theirs, sizes[position % len(sizes)], 64)
            if not data:
                break
            socket.send_fds(relay_in, [data], fds)
            for fd in fds:
                os.close(fd)
            received += _receive(reader)
    reader.close()
    assert received == sent


def test_a_large_frame_through_a_small_socket():
    ours, theirs = socket.socketpair()
    writer, reader = _native.FrameChannel(ours.detach()), _native.FrameChannel(theirs.detach())
    payload = os.urandom(5 * MIB)
    writer.send(payload, [])
    received: list[tuple[bytes, int]] = []
    while not received:
        writer.flush()
        received += _receive(reader)
    assert received == [(payload, 0)]
    writer.close()
    with pytest.raises(EOFError):
        reader.receive()
    reader.close()
    with pytest.raises(ValueError, match="closed"):
        reader.receive()


def test_a_channel_whose_peer_has_gone():
    ours, theirs = socket.socketpair()
    theirs.close()
    channel = _native.FrameChannel(ours.detach())
    channel.send(b"x" * 100, [])
    with pytest.raises(OSError, match="Broken pipe"):
        channel.flush()
    with pytest.raises(ValueError, match="64 descriptors"):
        channel.send(b"", [0] * 65)
    channel.close()
