"""More promises, timers, messages and lines than anybody wants."""

from __future__ import annotations

import re

import pytest
from target import DEADLINE, Attacks, Target, check_attacks

import dcp_evaluator as dcp
from line_peer import TcpEvaluator

FLOODS: Attacks = {
    "promises that are rejected and not handled": (
        "for (let i = 0; i < 3000; i++) Promise.reject(new Error(`${i}`)); return 1;",
        1,
    ),
    "promises that are handled too late": (
        """
        const all = Array.from({ length: 3000 }, () => Promise.reject(1));
        await Promise.allSettled(all);
        return all.length;
        """,
        3000,
    ),
    "microtasks": (
        """
        let left = 2e5;
        await new Promise((done) => (function again() { left-- ? queueMicrotask(again) : done(); })());
        return 1;
        """,
        1,
    ),
    "microtasks that throw": (
        "for (let i = 0; i < 3000; i++) queueMicrotask(() => { throw new Error(`${i}`); }); return 1;",
        re.compile("Error: 0"),
    ),
    "timers": (
        """
        let fired = 0;
        await new Promise((done) => {
          for (let i = 0; i < 20000; i++) setTimeout(() => ++fired === 20000 && done(), i % 7);
        });
        return fired;
        """,
        20000,
    ),
    "timers that are set and cancelled": (
        "for (let i = 0; i < 5e4; i++) clearTimeout(setTimeout(() => {}, i)); return 1;",
        1,
    ),
    "intervals that outlive their slice": (
        "for (let i = 0; i < 50; i++) setInterval(() => progress(i), 0); return 1;",
        1,
    ),
    "progress": ("for (let i = 0; i < 20000; i++) progress(i); return 1;", 1),
    "console lines": ("for (let i = 0; i < 20000; i++) console.log(i); return 1;", 1),
    "long console lines": ("for (let i = 0; i < 40; i++) console.log('x'.repeat(1 << 20)); return 1;", 1),
    "console lines after the slice": (
        "setTimeout(() => { for (let i = 0; i < 1e4; i++) console.log(i); }, 0); return 1;",
        1,
    ),
    "work events": ("for (let i = 0; i < 20000; i++) work.emit(`${i}`, i); return 1;", 1),
    "large work events": ("for (let i = 0; i < 30; i++) work.emit('x', new Uint8Array(1 << 20)); return 1;", 1),
    "events": (
        """
        const target = new EventTarget();
        for (let i = 0; i < 5e4; i++) target.dispatchEvent(new Event("x"));
        return 1;
        """,
        1,
    ),
    "aborted signals": (
        """
        const controllers = Array.from({ length: 2000 }, () => new AbortController());
        const any = AbortSignal.any(controllers.map(({ signal }) => signal));
        controllers[7].abort();
        return any.aborted;
        """,
        True,
    ),
    "WebAssembly modules": (
        """
        for (let i = 0; i < 100; i++) {
          try { new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, i])); } catch {}
        }
        return 1;
        """,
        1,
    ),
}


@pytest.mark.parametrize("name", FLOODS)
def test_floods(target: Target, name: str) -> None:
    check_attacks(target.attack(FLOODS[name][0]), FLOODS[name][1])


ENDLESS_FLOODS = {
    "promises": "await new Promise(() => (function again() { Promise.resolve().then(again); })());",
    "thenables": "return { then(resolve) { resolve(this); } };",
    "console": "for (;;) console.log('x');",
    "console, from a timer": """
      setInterval(() => { for (let i = 0; i < 1000; i++) console.log(i); }, 0);
      await new Promise(() => {});
    """,
    "events": "for (;;) work.emit('x', 'y'.repeat(1 << 16));",
    "timers": "(function again() { setTimeout(again); setTimeout(again); })(); await new Promise(() => {});",
}


@pytest.mark.parametrize("name", ENDLESS_FLOODS)
def test_floods_without_an_end(target: Target, name: str) -> None:
    found = target.attack(ENDLESS_FLOODS[name], progress_timeout=1.0)
    # Whichever limit is reached first: a fast machine writes all that a slice may within the second.
    assert found.outcome.code in ("ENOPROGRESS", "EWORK", "EOUTPUT")
    assert found.after.value == 42


def test_progress_without_an_end_is_ended_by_the_one_who_waits(target: Target) -> None:
    """That is progress, as far as anybody can tell: cancel() ends it."""
    job = dcp.compute_for([0], "() => { for (;;) progress(); }")
    heard: list[object] = []
    results = job.local_exec(1, evaluator=target.evaluator)
    job.on("progress", lambda event: heard.append(event) if len(heard) < 1000 else results.cancel())
    with pytest.raises(dcp.JobCancelledError):
        results.wait(DEADLINE)


def test_a_flood_of_lines_waits_for_a_slow_reader(line_target: TcpEvaluator) -> None:
    with line_target.connect() as peer, line_target.connect() as other:
        peer.send("for (let i = 0; ; i++) writeln('x'.repeat(1 << 20));")
        assert peer.read() == "x" * (1 << 20)
        assert other.ask("6 * 7") == "42"


def test_lines_that_hold_newlines(line_target: TcpEvaluator) -> None:
    """A sandbox may say what it likes to its own peer, and to no other."""
    with line_target.connect() as peer, line_target.connect() as other:
        peer.send("writeln('one\\ntwo'); 3")
        assert [peer.read() for _ in range(3)] == ["one", "two", "3"]
        assert other.ask("1") == "1"
