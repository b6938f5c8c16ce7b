"""npm's dcp-worker, unmodified, from its start to its end: it earns on this evaluator, from a scheduler of the test."""

from __future__ import annotations

import signal
from pathlib import Path

from dcp_network import PAYMENT_ADDRESS, scheduler, worker


def test_it_works_the_slices_of_a_job_and_submits_their_results(tmp_path: Path, port: int) -> None:
    job = {
        "workFunction": """async (x, factor) => {
          progress();
          console.log("slice", x);
          work.emit("mine", { x });
          if (x === 4) throw new RangeError("too many");
          return x * factor * require("tens/ten.js").ten;
        }""",
        "arguments": [3],
        "dependencies": ["tens/ten.js"],
        "modules": {"tens": {"ten.js": "module.declare([], (require, exports) => { exports.ten = 10; });"}},
        "data": [0, 1, 2, 3, 4],
    }
    with scheduler(tmp_path, job) as network, worker(tmp_path, network, port) as started:
        for _ in job["data"]:
            network.wait_for("result")
        started.process.send_signal(signal.SIGINT)
        assert started.wait() == 0, started.log.read_text()

    asked = network.all("requestTask")[0]["requestTask"]
    assert asked["capabilities"]["environment"] == {"webgpu": True, "offscreenCanvas": False, "fdlibm": True}
    assert [worktime["name"] for worktime in asked["worktimes"]] == ["map-basic", "pyodide"]
    assert network.all("fetchModuleURL")

    results = {event["slice"]: event for event in network.all("result")}
    assert [results[number]["result"] for number in range(4)] == [0, 30, 60, 90]
    assert results[4]["result"]["name"] == "RangeError"
    assert all(event["metrics"]["CPUTime"] > 0 and event["paidTo"] == PAYMENT_ADDRESS for event in results.values())

    emitted = network.all("workEmit")
    for kind, numbers in {"console": [0, 1, 2, 3, 4], "custom": [0, 1, 2, 3, 4], "error": [4]}.items():
        assert sorted(event["slice"] for event in emitted if event["workEmit"] == kind) == numbers
    assert [event["payload"]["message"] for event in emitted if event["workEmit"] == "error"] == ["too many"]

    log = started.log.read_text()
    assert "WebGPU available" in log
    assert "Worker has stopped" in log


def test_sigint_in_the_midst_of_a_slice_finishes_it_and_returns_the_others(tmp_path: Path, port: int) -> None:
    job = {
        "workFunction": """async (x) => {
          progress();
          work.emit("begun", x);
          await new Promise((resolve) => setTimeout(resolve, 1000));
          return x;
        }""",
        "data": [1, 2],
    }
    with scheduler(tmp_path, job) as network, worker(tmp_path, network, port) as started:
        begun = network.wait_for("workEmit")["slice"]
        started.process.send_signal(signal.SIGINT)
        assert network.wait_for("result")["slice"] == begun
        assert started.wait() == 0, started.log.read_text()
    told = [part for event in network.all("status") for part in event["status"]["slices"]]
    assert [part["sliceNumbers"] for part in told if part["status"] == "return"] == [[1 - begun]]
