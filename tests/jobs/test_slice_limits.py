"""Limits of a slice: the time and the CPU time that it takes, and what it writes."""

from __future__ import annotations

import time
from typing import Any

import pytest

import dcp_evaluator as dcp

MIB = 1 << 20


def run(evaluator: dcp.Evaluator, source: str, inputs: Any = range(3), **options: Any) -> dcp.Results:
    return dcp.compute_for(inputs, source).local_exec(1, evaluator=evaluator, **options).wait(60)


def test_time_of_a_slice(evaluator: dcp.Evaluator) -> None:
    """It sleeps, and says that it goes on: neither CPU time nor progress ends it."""
    source = """async (x) => {
      for (let i = 0; x === 1 && i < 1000; ++i) { progress(); await new Promise((done) => setTimeout(done, 10)); }
      return x;
    }"""
    results = run(evaluator, source, slice_timeout=1.0, cpu_timeout=60)
    error = results.errors[1]
    assert (error.code, error.name) == ("ETIMEOUT", "SliceTimeoutError")
    assert error.message == "it ran for 1 s, its sandbox was ended; do less in a slice or raise slice_timeout"
    assert (results[0], results[2]) == (0, 2)


def test_cpu_time_of_a_slice(evaluator: dcp.Evaluator) -> None:
    source = "(x) => { if (x === 1) for (;;) progress(); return x; }"
    results = run(evaluator, source, cpu_timeout=0.2)
    error = results.errors[1]
    assert (error.code, error.name) == ("ECPU", "CpuTimeoutError")
    assert error.message == "it took 0.2 s of CPU time, its sandbox was ended; do less in a slice or raise cpu_timeout"
    assert (results[0], results[2]) == (0, 2)


def test_waiting_takes_no_cpu_time(evaluator: dcp.Evaluator) -> None:
    source = "async (x) => { await new Promise((done) => setTimeout(done, 400)); return x; }"
    assert list(run(evaluator, source, [7], cpu_timeout=0.2)) == [7]


def test_each_slice_has_its_own_time(evaluator: dcp.Evaluator) -> None:
    """Together they take longer than one may."""
    source = "(x) => { for (const end = performance.now() + 20; performance.now() < end;); return x; }"
    assert len(list(run(evaluator, source, range(80), slice_timeout=1.5, cpu_timeout=1))) == 80


@pytest.mark.parametrize(
    "write",
    [
        "console.log('x'.repeat(1 << 16))",
        "work.emit('e', 'x'.repeat(1 << 16))",
        "progress('x'.repeat(1 << 16))",
        "work.emit('e', new Uint8Array(1 << 20))",
    ],
)
def test_output_of_a_slice(evaluator: dcp.Evaluator, write: str) -> None:
    source = f"(x) => {{ if (x === 1) for (;;) {write}; return x; }}"
    results = run(evaluator, source, output_limit=4 * MIB)
    error = results.errors[1]
    assert (error.code, error.name) == ("EOUTPUT", "OutputError")
    assert error.message.startswith("it wrote more than 4194304 bytes ")
    assert error.message.endswith("raise output_limit")
    assert (results[0], results[2]) == (0, 2)


def test_each_slice_has_its_own_output(evaluator: dcp.Evaluator) -> None:
    source = "(x) => { for (let i = 0; i < 10; ++i) console.log('x'.repeat(1 << 16)); return x; }"
    assert list(run(evaluator, source, range(20), output_limit=MIB)) == list(range(20))


def test_what_an_earlier_slice_left_running_counts(evaluator: dcp.Evaluator) -> None:
    source = """async (x) => {
      const flood = () => { console.log('x'.repeat(1 << 16)); setTimeout(flood); };
      if (x === 0) flood();
      if (x === 1) await new Promise((done) => setTimeout(done, 60000));
      return x;
    }"""
    results = run(evaluator, source, range(2), output_limit=MIB)
    assert results[0] == 0
    assert results.errors[1].code == "EOUTPUT"


def test_a_slow_reader_slows_the_writer_down(evaluator: dcp.Evaluator) -> None:
    """Back-pressure: what is on its way stays bounded, since the sandbox waits."""
    job = dcp.compute_for([0], "(x) => { for (let i = 0; i < 64; ++i) console.log('x'.repeat(1 << 20)); return x; }")
    seen = []

    def slow(event: Any) -> None:
        seen.append(len(event.message))
        time.sleep(0.005)

    job.on("console", slow)
    results = job.local_exec(1, evaluator=evaluator)
    assert list(results.wait(60)) == [0]
    assert seen == [1 << 20] * 64
    assert results.metrics[0].wall > 200  # of about 320 ms that the reader took, less what lay in between


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [("slice_timeout", 0, "a positive number of seconds or None, not 0"), ("cpu_timeout", "1", "not '1'"),
     ("output_limit", 0, "a whole number of at least 1, not 0")],
)  # fmt: skip
def test_limits_that_make_no_sense(evaluator: dcp.Evaluator, option: str, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"{option} must be .*{message}"):
        run(evaluator, "(x) => x", **{option: value})


def test_memory_is_an_error_of_the_slice(evaluator: dcp.Evaluator) -> None:
    source = "(x) => { if (x !== 1) return x; const kept = []; for (;;) kept.push(new Array(1 << 16).fill(0)); }"
    results = run(evaluator, source, memory_limit=64 * MIB)
    assert results.errors[1].code == "EWORK"
    assert "out of memory" in results.errors[1].message
    assert (results[0], results[2]) == (0, 2)
