"""Measures a cluster of this machine against local_exec and plain Ray tasks; prints ratios of speeds as JSON.

Usage: cluster_programs.py ROUNDS   (RAY_ADDRESS names a cluster of two nodes with a CPU each)
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import ray

import dcp_evaluator as dcp

SANDBOXES = 2
SPIN = "x => { const end = performance.now() + 10; while (performance.now() < end); return x; }"


def spin(x: int) -> int:
    import time

    end = time.perf_counter() + 0.01
    while time.perf_counter() < end:
        pass
    return x


def increment(x: int) -> int:
    return x + 1


def rate(count: int, run: Callable[[dcp.Job], dcp.Results], job: dcp.Job) -> tuple[float, float]:
    """Slices a second from the first result on, and seconds until then."""
    begun = time.perf_counter()
    first: list[float] = []
    job.on("result", lambda event: first or first.append(time.perf_counter()))
    results = run(job)
    for _ in results.as_completed():
        pass
    return (count - 1) / (time.perf_counter() - first[0]), first[0] - begun


def against_local(inputs: Any, source: Any) -> dict[str, float]:
    count = len(inputs)
    cluster, start = rate(count, lambda job: job.cluster_exec(), dcp.compute_for(inputs, source))
    local, _ = rate(count, lambda job: job.local_exec(SANDBOXES), dcp.compute_for(inputs, source))
    return {"ratio": cluster / local, "rate": cluster, "start": start}


def in_ray(count: int, function: Callable[[int], int]) -> float:
    """Slices a second of plain tasks, one a slice."""
    task = ray.remote(function)
    ray.get([task.remote(0) for _ in range(SANDBOXES)])
    begun = time.perf_counter()
    ray.get([task.remote(x) for x in range(count)])
    return count / (time.perf_counter() - begun)


def against_ray(count: int, function: Callable[[int], int]) -> dict[str, float]:
    cluster, _ = rate(count, lambda job: job.cluster_exec(), dcp.compute_for(range(count), function))
    theirs = in_ray(min(count, 10_000), function)
    return {"ratio": cluster / theirs, "rate": cluster}


def median(rounds: int, measure: Callable[[], dict[str, float]]) -> dict[str, float]:
    found: Iterable[dict[str, float]] = sorted((measure() for _ in range(rounds)), key=lambda each: each["ratio"])
    found = list(found)
    middle = dict(found[len(found) // 2])
    return middle | {"least": found[0]["ratio"], "most": found[-1]["ratio"]}


def main(rounds: int) -> None:
    rows = np.tile(np.arange(1 << 18, dtype=np.float32), (1000, 1))
    dcp.compute_for(range(2), increment).local_exec(SANDBOXES).wait()
    dcp.compute_for(range(2), increment).cluster_exec().wait()  # connected, and Python's modules are compiled
    told = {
        "trivial": median(rounds, lambda: against_local(range(400_000), "x => x + 1")),
        "10 ms": median(rounds, lambda: against_local(range(1000), SPIN)),
        "1 MiB": median(rounds, lambda: against_local(rows, "x => x")),
        "trivial, Ray": median(rounds, lambda: against_ray(50_000, increment)),
        "10 ms, Ray": median(rounds, lambda: against_ray(1000, spin)),
    }
    told["start"] = {"seconds": statistics.median(told[name]["start"] for name in ("trivial", "10 ms", "1 MiB"))}
    print(json.dumps(told))


if __name__ == "__main__":
    main(int(sys.argv[1]))
