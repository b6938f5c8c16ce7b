"""Slices in sandboxes with DCP's own start-up files, of both dcp-clients: what they give, and what is heard of them."""

from __future__ import annotations

import hashlib
import os

import numpy as np
import pytest
from sandbox_driver import Dialect, Heard, dialect, evaluator, job, run, sandbox, value_of

from dcp_protocol import kvin
from dcp_worker.errors import AssignError, EvaluationError, NoProgressError, SandboxEndedError, SliceTooSlowError
from dcp_worker.sandboxes.limits import Timeouts
from dcp_worker.sandboxes.outcomes import Completed, Rejected, Threw
from dcp_worker.sandboxes.sandbox import Sandbox
from dcp_worker.tasks.capabilities import Capability, Worktime
from gpu_square import SQUARE_ON_GPU
from process_tree import descendants, running


def gpu_hosts() -> set[int]:
    return set(running("dcp-gpu-host", descendants(os.getpid())))


def completed(outcome: object) -> Completed:
    assert isinstance(outcome, Completed), outcome
    return outcome


def test_a_sandbox_says_what_it_can_do(client: Dialect, engine: str) -> None:
    async def drive() -> None:
        async with sandbox(client, engine) as box:
            capability, worktimes, _ = box.description
            assert capability == Capability.FDLIBM | Capability.WEBGPU | Capability.KVIN_V9
            found = {worktime.name: worktime.versions for worktime in worktimes}
            assert found == {"map-basic": ("1.0.0",), client.python.name: (client.python.version,)}
            assert await box.evaluate("Promise.resolve(6 * 7)") == 42
            with pytest.raises(EvaluationError, match="ReferenceError"):
                await box.evaluate("nothing.here")

    run(drive())


def test_slices_with_arguments_console_events_and_progress(client: Dialect, engine: str) -> None:
    source = """async (x, factor) => {
      progress(0.5);
      console.log("slice", x);
      console.warn("twice"); console.warn("twice"); console.warn("twice");
      work.emit("mine", { x });
      await new Promise((resolve) => setTimeout(resolve, 5));
      return x * factor;
    }"""

    async def drive() -> None:
        async with sandbox(client, engine) as box:
            await box.assign(job(source, 3))
            for x in range(3):
                heard = Heard()
                outcome = completed(await box.work(x, heard))
                assert outcome.value == 3 * x
                assert heard.percents == [50]
                first, second, again = heard.texts
                assert (first, second) == (("log", ["slice", x], 1), ("warn", ["twice"], 1))
                assert again == ("warn", kvin.UNDEFINED, 3)
                assert heard.events == [("mine", {"x": x})]
                metrics = outcome.metrics
                assert 5 <= metrics.total_time < 60_000
                assert 0 < metrics.cpu_time <= metrics.total_time
                assert metrics.gpu_time == 0

    run(drive())


def test_what_a_work_function_throws_is_a_result_and_the_sandbox_goes_on(client: Dialect, engine: str) -> None:
    source = """(x) => { progress(); if (x === 1) throw new RangeError("too " + x); return x; }"""

    async def drive() -> None:
        async with sandbox(client, engine) as box:
            await box.assign(job(source))
            outcome = await box.work(1)
            assert isinstance(outcome, Threw)
            assert (outcome.error.code, outcome.error.name, outcome.error.message) == (
                "EUNCAUGHT",
                "RangeError",
                "too 1",
            )
            assert "RangeError: too 1" in outcome.error.stack
            assert outcome.value.properties["errorCode"] == "EUNCAUGHT"
            assert outcome.metrics.output_size > 100
            assert completed(await box.work(2)).value == 2

    run(drive())


def test_work_reject_ends_the_slice_and_the_sandbox(client: Dialect, engine: str) -> None:
    source = """(x) => { progress(); work.reject("not here", 2); return x; }"""

    async def drive() -> None:
        async with sandbox(client, engine) as box:
            await box.assign(job(source))
            outcome = await box.work(1)
            assert isinstance(outcome, Rejected)
            assert (outcome.reason, outcome.retries) == ("not here", 2)
            await box.wait_closed()
            with pytest.raises(SandboxEndedError, match="ended itself"):
                await box.work(2)

    run(drive())


@pytest.mark.parametrize("source", ["(x) => {", "(x) => { const x = 1; }"])
def test_a_syntax_error_is_told_at_once(client: Dialect, engine: str, source: str) -> None:
    async def drive() -> None:
        async with sandbox(client, engine) as box:
            with pytest.raises(AssignError, match="cannot be assigned: SyntaxError") as caught:
                await box.assign(job(source))
            assert caught.value.name == "SyntaxError"

    run(drive())


def test_a_work_function_that_is_never_taken_is_timed_out(client: Dialect, engine: str) -> None:
    async def drive() -> None:
        async with sandbox(client, engine, Timeouts(assign=0.5)) as box:
            with pytest.raises(AssignError, match=r"did not take the work function within 0\.5 s"):
                await box.assign(job("(() => { for (;;); })()"))

    run(drive())


def test_a_slice_without_progress_is_none(client: Dialect, engine: str) -> None:
    async def drive() -> None:
        async with sandbox(client, engine) as box:
            await box.assign(job("(x) => x"))
            with pytest.raises(NoProgressError, match="never emitted a progress event") as caught:
                await box.work(1)
            assert caught.value.reports == {"last": None, "lastDeterministic": None}
            await box.wait_closed()

    run(drive())


def test_an_endless_slice_is_ended_by_the_lack_of_progress(client: Dialect, engine: str) -> None:
    async def drive() -> None:
        async with sandbox(client, engine, Timeouts(progress=2.0)) as box:
            await box.assign(job("(x) => { progress(0.25); for (;;); }"))
            with pytest.raises(NoProgressError, match="in the last 2 seconds") as caught:
                await box.work(1)
            assert caught.value.reports["last"]["progress"] == 25
            assert caught.value.timestamp >= 2000
            await box.wait_closed()

    run(drive())


def test_a_slice_that_takes_too_long_is_ended(client: Dialect, engine: str) -> None:
    source = "async () => { for (;;) { progress(); await new Promise((done) => setTimeout(done, 50)); } }"

    async def drive() -> None:
        async with sandbox(client, engine, Timeouts(slice=1.0)) as box:
            await box.assign(job(source))
            with pytest.raises(SliceTooSlowError, match="longer than 1 seconds"):
                await box.work(1)

    run(drive())


def test_typed_arrays_there_and_back(client: Dialect, engine: str) -> None:
    source = """(datum, add) => {
      progress();
      const sum = datum.floats.reduce((a, b) => a + b, add[0]);
      return { sum, bytes: datum.bytes.map((x) => 255 - x), more: [datum] };
    }"""

    async def drive() -> None:
        async with sandbox(client, engine) as box:
            await box.assign(job(source, np.array([1000.5])))
            datum = {"floats": np.arange(1000.0), "bytes": np.arange(256, dtype=np.uint8)}
            value = completed(await box.work(datum)).value
            assert value["sum"] == 1000.5 + 999 * 500
            np.testing.assert_array_equal(value["bytes"], np.arange(255, -1, -1, dtype=np.uint8))
            np.testing.assert_array_equal(value["more"][0]["floats"], datum["floats"])

    run(drive())


@pytest.mark.parametrize("mebibytes", [8, 64])
def test_large_results(client: Dialect, engine: str, mebibytes: int) -> None:
    source = (
        """(n) => { progress(); const a = new Uint8Array(n); for (let i = 0; i < n; i++) a[i] = i % 251; return a; }"""
    )
    size = mebibytes << 20

    async def drive() -> None:
        async with sandbox(client, engine) as box:
            await box.assign(job(source))
            outcome = completed(await box.work(size))
            assert outcome.value.dtype == np.uint8
            expected = np.resize(np.arange(251, dtype=np.uint8), size)
            assert hashlib.sha256(outcome.value).digest() == hashlib.sha256(expected).digest()
            assert outcome.metrics.output_size > size

    run(drive())


def test_webgpu_in_a_work_function(client: Dialect, engine: str) -> None:
    async def drive() -> None:
        async with sandbox(client, engine) as box:
            await box.assign(job(SQUARE_ON_GPU, needs=Capability.WEBGPU))
            outcome = await box.work(12)
            assert value_of(outcome) == 144
            assert 0 < outcome.metrics.gpu_time <= outcome.metrics.total_time

    run(drive())


def test_a_sandbox_gets_a_gpu_only_when_it_is_asked_about_it_or_its_job_needs_one(client: Dialect, engine: str) -> None:
    source = "async () => { progress(); return Boolean(await navigator.gpu?.requestAdapter()); }"

    async def drive() -> None:
        async with evaluator(client, engine) as owner:
            first = await Sandbox.start(await owner.open(), client.messages)
            hosts = gpu_hosts()
            for needs in (Capability.NONE, Capability.WEBGPU):
                box = await Sandbox.start(await owner.open(), client.messages, known=first.description)
                assert box.description is first.description
                await box.assign(job(source, needs=needs))
                assert value_of(await box.work(1)) is bool(needs)
                assert len(gpu_hosts() - hosts) == bool(needs)
                await box.end()
            await first.end()

    run(drive())


def test_without_need_there_is_no_webgpu(client: Dialect, engine: str) -> None:
    async def drive() -> None:
        async with sandbox(client, engine) as box:
            await box.assign(job("() => { progress(); return typeof navigator.gpu; }"))
            assert value_of(await box.work(1)) == "undefined"

    run(drive())


@pytest.mark.timeout(240)
def test_python_in_the_pyodide_worktime(engine: str) -> None:
    """Minutes at most the first time, when Pyodide's module is compiled; the compiled module is kept."""
    client = dialect("dcp5")
    source = """
import dcp, statistics
def work(data):
  dcp.progress(1)
  return [statistics.mean(data), 2**70 % 1000003]
dcp.set_slice_handler(work)
"""

    async def drive() -> None:
        async with sandbox(client, engine) as box:
            await box.assign(job(source, 1, worktime=client.python))
            for data, mean in (([1, 2, 6], 3), ([4], 4)):
                assert value_of(await box.work(data)) == [mean, 2**70 % 1000003]

    run(drive(), seconds=220)


def test_an_unknown_worktime_is_no_answer_to_wait_for(client: Dialect, engine: str) -> None:
    """dcp-client 5 would never answer."""

    async def drive() -> None:
        async with sandbox(client, engine) as box:
            with pytest.raises(AssignError, match=r"has no worktime map-basic 9\.0\.0; it has .*map-basic 1\.0\.0"):
                await box.assign(job("(x) => x", worktime=Worktime("map-basic", "9.0.0")))
            await box.wait_closed()

    run(drive())


def test_a_datum_that_kvin_does_not_have_changes_nothing(client: Dialect, engine: str) -> None:
    async def drive() -> None:
        async with sandbox(client, engine) as box:
            await box.assign(job("(x) => { progress(); return x; }"))
            with pytest.raises(TypeError):
                await box.work(object())
            assert value_of(await box.work("ok")) == "ok"

    run(drive())


def test_arguments_that_kvin_does_not_have_end_the_sandbox(client: Dialect, engine: str) -> None:
    async def drive() -> None:
        async with sandbox(client, engine) as box:
            with pytest.raises(TypeError):
                await box.assign(job("(x) => x", object()))
            await box.wait_closed()

    run(drive())
