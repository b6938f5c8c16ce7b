"""WebGPU against Deno's, the same program on the same adapter, in turns."""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

import pytest
from deno import deno, deno_call, last_line

import dcp_evaluator as dcp
from conftest import on

_PROGRAM = Path(__file__).with_name("webgpu.js")
_FIRST = Path(__file__).with_name("webgpu_first.js")
_ROUNDS = 3
_FIRST_ROUNDS = 9
_WARMING = 0.5  # seconds that a GPU host has to get ready between two jobs


def _median_ratio(ours: list[dict[str, float]], theirs: list[dict[str, float]]) -> dict[str, float]:
    """Of each cost, ours to theirs in the same round."""
    return {key: statistics.median(a[key] / b[key] for a, b in zip(ours, theirs, strict=True)) for key in ours[0]}


def _medians(costs: list[dict[str, float]]) -> dict[str, float]:
    return {key: statistics.median(cost[key] for cost in costs) for key in costs[0]}


@pytest.mark.full
def test_webgpu_against_deno(benchmark, measure, engine):
    ours, theirs = [], []

    def run():
        ours.append(last_line([sys.executable, "-m", "dcp_evaluator", "--engine", engine, "--shell", _PROGRAM]))
        theirs.append(deno(_PROGRAM))

    benchmark.pedantic(run, rounds=_ROUNDS)
    ratio, own = _median_ratio(ours, theirs), _medians(ours)
    measure(f"round trips, submit + mapAsync(4 B), rate / Deno's{on(engine)}", 1 / ratio["trip"], "x", ">= 20")
    measure(f"writeBuffer of 64 MiB until done, rate / Deno's{on(engine)}", ratio["write"], "x", ">= 1")
    measure(f"writeBuffer of 64 MiB until done{on(engine)}", own["write"], "GB/s", "")
    measure(f"copy, map and read of 64 MiB, rate / Deno's{on(engine)}", ratio["read"], "x", ">= 3")
    measure(f"copy, map and read of 64 MiB{on(engine)}", own["read"], "GB/s", "")
    measure(f"createBuffer + createBindGroup, time / Deno's{on(engine)}", ratio["create"], "x", "<= 0.5")
    measure(f"createBuffer + createBindGroup{on(engine)}", own["create"], "us", "<= 5.5")
    measure(f"setPipeline + setBindGroup + dispatchWorkgroups, encoding{on(engine)}", own["encode"], "us", "")
    measure(f"the same, time / Deno's{on(engine)}", ratio["encode"], "x", "<= 2.5")
    measure(f"the same until the host has decoded and called{on(engine)}", own["complete"], "us", "")


@pytest.mark.full
def test_first_result_in_a_new_sandbox(benchmark, measure):
    program = _FIRST.read_text()
    function = program[program.index("async") :]
    ours, theirs = [], []

    def run(evaluator: dcp.Evaluator, seed: int) -> None:
        time.sleep(_WARMING)
        (costs,) = dcp.compute_for([seed], function).local_exec(1, evaluator=evaluator)
        ours.append(costs)
        theirs.append(deno_call(function, seed))

    with dcp.Evaluator() as evaluator:
        dcp.compute_for([0], function).local_exec(1, evaluator=evaluator).wait()  # GPU hosts wait from now on
        seeds = iter(range(1, 1 + _FIRST_ROUNDS))
        benchmark.pedantic(run, setup=lambda: ((evaluator, next(seeds)), {}), rounds=_FIRST_ROUNDS)
    own = _medians(ours)
    measure("first compute result, warm pool", own["total"], "ms", "<= 30")
    measure("of these, requestAdapter()", own["adapterTime"], "ms", "")
    measure("of these, requestDevice()", own["deviceTime"], "ms", "")
    measure("of these, shader and pipeline", own["pipelineTime"], "ms", "")
    measure("of these, the driver's compiler and the result", own["resultTime"], "ms", "")
    measure("first compute result, time / Deno's", _median_ratio(ours, theirs)["total"], "x", "")
