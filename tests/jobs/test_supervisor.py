"""When sandboxes die, hang, lie or run out of memory: what happens to their slices, and that the rest goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import dcp_evaluator as dcp
from process_tree import children, is_running, kill
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
    results = job.local_exec(1, progress_timeout=2.0, evaluator=evaluator).wait(60)
    assert time.monotonic() - begun >= 2.0
    assert results.errors[0].code == "ENOPROGRESS"
    assert results.errors[0].message.startswith("no progress for 2 s, its sandbox was ended; call progress()")
    assert results[1:] == [1, 2, 3]


@pytest.mark.parametrize(
    "source",
    [
        "() => { for (const end = Date.now() + 6000; Date.now() < end;) progress(); return 1; }",
        """async () => {
          for (let i = 0; i < 20; i++) { await new Promise((done) => setTimeout(done, 300)); progress(i / 20); }
          return 1;
        }""",
    ],
)
def test_progress_keeps_a_slice_alive(evaluator, source):
    assert list(start(evaluator, [0], source, progress_timeout=5)) == [1]


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
