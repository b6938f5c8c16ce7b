"""WebGPU against Deno's, the same program on the same adapter, in turns."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path

_PROGRAM = Path(__file__).with_name("webgpu.js")
_ROUNDS = 3

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from npm_packages import npm_packages  # noqa: E402 - it lies beside the tests


def _costs(command: list[str | Path]) -> dict[str, float]:
    done = subprocess.run([*command, _PROGRAM], capture_output=True, text=True, timeout=300, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_webgpu_against_deno(benchmark, measure):
    deno = npm_packages("deno") / "@deno/linux-x64-glibc/deno"
    ours, theirs = [], []

    def run():
        ours.append(_costs([sys.executable, "-m", "dcp_evaluator", "--shell"]))
        theirs.append(_costs([deno, "run", "--unstable-webgpu"]))

    benchmark.pedantic(run, rounds=_ROUNDS)
    ratio = {key: statistics.median(a[key] / b[key] for a, b in zip(ours, theirs, strict=True)) for key in ours[0]}
    own = {key: statistics.median(costs[key] for costs in ours) for key in ours[0]}
    measure("round trips, submit + mapAsync(4 B), rate / Deno's", 1 / ratio["trip"], "x", ">= 20")
    measure("writeBuffer of 64 MiB until done, rate / Deno's", ratio["write"], "x", ">= 1")
    measure("writeBuffer of 64 MiB until done", own["write"], "GB/s", "")
    measure("copy, map and read of 64 MiB, rate / Deno's", ratio["read"], "x", ">= 3")
    measure("copy, map and read of 64 MiB", own["read"], "GB/s", "")
    measure("createBuffer + createBindGroup, time / Deno's", ratio["create"], "x", "<= 0.5")
    measure("setPipeline + setBindGroup + dispatchWorkgroups, encoding", own["encode"], "us", "")
    measure("the same until the host has decoded and called", own["complete"], "us", "")
