"""The supervisor's Sandbox class of npm's dcp-client, over its standaloneWorker, works slices on this evaluator."""

from __future__ import annotations

import json
from typing import Any

import pytest
from dcp_programs import results, run_slices, start_up_files, worker_information

from gpu_square import SQUARE_ON_GPU
from line_peer import TcpEvaluator


def test_capabilities_and_worktimes_are_described(port: int) -> None:
    report = run_slices(port, {"workFunction": "(x) => { progress(); return x; }"}, [])
    assert report["capabilities"]["environment"] == {"webgpu": True, "offscreenCanvas": False, "fdlibm": True}
    assert report["capabilities"]["useStrict"] is True
    assert [worktime["name"] for worktime in report["worktimes"]] == ["map-basic", "pyodide"]


def test_worker_info_reports_worktimes_and_the_gpu(port: int) -> None:
    information = worker_information(port)
    assert information["worktimes"] == [
        {"name": "map-basic", "versions": ["1.0.0"]},
        {"name": "pyodide", "versions": ["0.26.0"]},
    ]
    assert information["webgpu"]["enabled"] is True
    assert {"vendor", "architecture", "device", "description"} <= information["webgpu"]["info"].keys()
    assert information["webgpu"]["info"]["device"]


def test_slices_of_a_job_with_console_and_events(port: int) -> None:
    source = """async (x, factor) => {
      progress(0.5);
      console.log("slice", x);
      work.emit("mine", { x });
      await new Promise((resolve) => setTimeout(resolve, 5));
      return x * factor;
    }"""
    report = run_slices(port, {"workFunction": source, "arguments": [3]}, [1, 2, 3])
    assert results(report) == [3, 6, 9]
    said = [payload["message"]["what"]["arr"] for name, payload in report["events"] if name == "console"]
    assert said == [["slice", 1], ["slice", 2], ["slice", 3]]
    assert [payload["data"] for name, payload in report["events"] if name == "custom"] == [{"x": 1}, {"x": 2}, {"x": 3}]
    assert all(outcome["cpu"] >= 0 for outcome in report["slices"])


def test_an_exception_is_reported_and_the_sandbox_is_used_again(port: int) -> None:
    source = """(x) => { progress(); if (x === 1) throw new RangeError("too " + x); return x; }"""
    first, second = results(run_slices(port, {"workFunction": source}, [1, 2]))
    assert (first["message"], first["code"], second) == ("too 1", "EUNCAUGHT", 2)


@pytest.mark.parametrize(
    ("fails", "head"),
    [
        ('throw new RangeError("too large")', "RangeError: too large"),
        ('throw new (class extends Error { name = "Mine"; })("of a class")', "Mine: of a class"),
        ('throw new AggregateError([], "several")', "AggregateError: several"),
        ('await null; throw new Error("two\\nlines")', "Error: two\nlines"),
    ],
)
def test_the_stack_of_an_error_tells_what_it_is_about(port: int, fails: str, head: str) -> None:
    """What the work function throws, and what it logs: KVIN sends the error's own properties."""
    source = f"async () => {{ progress(); try {{ {fails}; }} catch (error) {{ console.error(error); throw error; }} }}"
    report = run_slices(port, {"workFunction": source}, [1])
    (thrown,) = results(report)
    (logged,) = [payload["message"]["what"]["arr"][0] for name, payload in report["events"] if name == "console"]
    assert thrown["message"] == head.partition(": ")[2]
    for stack in (thrown["stack"], logged["ps"]["stack"]):
        assert stack.startswith(f"{head}\n    at ")


def test_a_work_function_that_cannot_be_compiled_is_refused(port: int) -> None:
    report = run_slices(port, {"workFunction": "(x) => {"}, [1])
    assert report["slices"] == []
    assert report["refused"].startswith("SyntaxError: ")


def test_a_work_function_rejects_its_slice(port: int) -> None:
    source = """(x) => { progress(); work.reject("not here", 2); return x; }"""
    (outcome,) = run_slices(port, {"workFunction": source}, [1])["slices"]
    assert (outcome["failed"], outcome["retries"]) == ("not here", 2)


def test_a_typed_array_of_8_megabytes_there_and_back(port: int) -> None:
    size = 8 << 20
    source = "(bytes) => { progress(); return bytes.map((x) => 255 - x); }"
    (result,) = results(run_slices(port, {"workFunction": source}, [{"$bytes": size}]))
    assert result == {"$array": "Uint8Array", "length": size, "sum": size // 256 * (255 * 128)}


def test_webassembly_in_a_work_function(port: int) -> None:
    source = """async (x) => {
      progress();
      const bytes = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 6, 1, 96, 1, 127, 1, 127, 3, 2, 1, 0, 7, 5, 1, 1, 102,
                                  0, 0, 10, 9, 1, 7, 0, 32, 0, 32, 0, 108, 11);
      return (await WebAssembly.instantiate(bytes)).instance.exports.f(x);
    }"""
    assert results(run_slices(port, {"workFunction": source}, [7, 12])) == [49, 144]


def test_webgpu_in_a_work_function(port: int) -> None:
    job = {"workFunction": SQUARE_ON_GPU, "requirements": {"environment": {"webgpu": True}, "engine": {}}}
    assert results(run_slices(port, job, [12])) == [144]


def test_an_endless_loop_is_ended(port: int) -> None:
    source = "(x) => { progress(); for (;;); }"
    (outcome,) = run_slices(port, {"workFunction": source}, [1], timeout=1000)["slices"]
    assert outcome["code"] == "ENOPROGRESS"
    assert results(run_slices(port, {"workFunction": "(x) => { progress(); return x; }"}, [5])) == [5]


@pytest.mark.timeout(240)
def test_python_in_the_pyodide_worktime(port: int) -> None:
    """Minutes at most the first time, when Pyodide's module is compiled; the compiled module is kept."""
    source = """
import dcp, statistics
def work(data):
  dcp.progress(1)
  return [statistics.mean(data), 2**70 % 1000003]
dcp.set_slice_handler(work)
"""
    job = {"workFunction": source, "arguments": [1], "worktime": {"name": "pyodide", "version": "0.26.0"}}
    assert results(run_slices(port, job, [[1, 2, 6], [4]])) == [[3, 2**70 % 1000003], [4, 2**70 % 1000003]]


@pytest.mark.timeout(240)
def test_python_that_is_started_ahead_differs_in_nothing_that_a_job_sees() -> None:
    source = """
import dcp, js, json, os, random, sys
def work(_):
  dcp.progress(1)
  defined = [name for name in dir(js) if getattr(js, name, None) is not None]
  names = [defined, sorted(globals()), dict(os.environ), sys.argv, os.listdir("/")]
  return json.dumps([js.Math.random(), random.random(), *names])
dcp.set_slice_handler(work)
"""
    python = {"workFunction": source, "arguments": [1], "worktime": {"name": "pyodide", "version": "0.26.0"}}
    names = """() => { progress(); return Object.getOwnPropertyNames(globalThis).filter(
      (name) => globalThis[name] !== undefined); }"""
    with TcpEvaluator(*start_up_files(), options=("-d", "7")) as evaluator:

        def run() -> list[Any]:
            (text,) = results(run_slices(evaluator.port, python, [1]))
            outcome: list[Any] = json.loads(text)
            return outcome

        usual = run_slices(evaluator.port, {"workFunction": names}, [1])
        here = run()
        evaluator.wait_for("Python is started ahead")
        ahead = [run() for _ in range(2)]
        javascript = run_slices(evaluator.port, {"workFunction": names}, [1])
    assert [outcome[1:] for outcome in ahead] == [here[1:]] * 2
    assert len({outcome[0] for outcome in (here, *ahead)}) == 3
    assert results(javascript) == results(usual)
    assert javascript["capabilities"] == usual["capabilities"]
    assert javascript["worktimes"] == usual["worktimes"]
