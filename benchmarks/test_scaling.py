"""What more sandboxes and more CPUs bring, and what making and keeping a sandbox costs."""

from __future__ import annotations

import os
import socket
import statistics
import time

import pytest

import dcp_evaluator as dcp
from conftest import on
from dcp_evaluator.benchmark.processor import pinned, run_webassembly
from dcp_evaluator.benchmark.sandboxes import idle_sandbox_bytes
from dcp_evaluator.processes.zygote import Zygote
from dcp_evaluator.processes.zygote_messages import Spawned
from dcp_evaluator.settings.settings import Settings

_SECONDS = 0.3


def _counts(cpus: int) -> list[int]:
    return sorted({1, 2, 4, max(1, cpus // 2), cpus, 2 * cpus})


@pytest.mark.full
def test_over_sandboxes(benchmark, measure, evaluator):
    """WebAssembly that fills a CPU, in 1 to twice as many sandboxes as there are CPUs."""
    cpus = len(os.sched_getaffinity(0))

    def rate(count: int) -> float:
        return sum(found["f32"]["rate"] for found in run_webassembly(evaluator, count, _SECONDS))

    def run() -> dict[int, float]:
        return {count: statistics.median(rate(count) for _ in range(5)) for count in _counts(cpus)}

    found = benchmark.pedantic(run, rounds=1)
    for count, total in found.items():
        ideal = min(count, cpus) * found[1]
        measure(f"{count} sandboxes on {cpus} CPUs, of the rate of one on each", total / ideal, "x", "1 is ideal")


def test_over_slices_in_many_sandboxes(benchmark, measure, evaluator, full):
    """Trivial slices: here the supervisor is what is measured."""
    cpus, count = len(os.sched_getaffinity(0)), 40_000 if full else 10_000
    rates: dict[int, float] = {}

    def run() -> None:
        for sandboxes in _counts(cpus):
            begun = time.perf_counter()
            dcp.compute_for(range(count), "(x) => x + 1").local_exec(sandboxes, evaluator=evaluator).wait()
            rates[sandboxes] = count / (time.perf_counter() - begun)

    benchmark.pedantic(run, rounds=1, warmup_rounds=1)
    for sandboxes, rate in rates.items():
        measure(f"trivial slices through {sandboxes} sandboxes", rate, "slices/s")


def test_each_cpu_alone(benchmark, measure):
    def run() -> dict[int, float]:
        found = {}
        for cpu in sorted(os.sched_getaffinity(0))[:16]:
            with pinned(cpu), dcp.Evaluator() as evaluator:
                found[cpu] = run_webassembly(evaluator, 1, _SECONDS)[0]["f32"]["rate"]
        return found

    found = benchmark.pedantic(run, rounds=1)
    measure("the slowest CPU, of the fastest one's rate", min(found.values()) / max(found.values()), "x")


def test_memory_of_an_idle_sandbox(benchmark, measure, engine, engine_evaluator):
    size = benchmark.pedantic(lambda: idle_sandbox_bytes(engine_evaluator), rounds=3)
    measure(f"private memory and page tables of an idle sandbox{on(engine)}", size / 1e6, "MB", "<= 8")


@pytest.mark.parametrize("spares", [0, 2], ids=["forked and sealed on demand", "a spare waits"])
def test_sealing(benchmark, measure, full, spares):
    """From the request to the end of a sandbox whose peer has hung up: without a spare, fork and seal are in it."""
    milliseconds = []

    def start_and_end() -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        service_socket, their_service_socket = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        begun = time.perf_counter()
        number = zygote.spawn(theirs.fileno(), theirs.fileno(), their_service_socket.fileno())
        while not any(isinstance(message, Spawned) and message.sandbox == number for message in zygote.receive()):
            time.sleep(0.0001)
        milliseconds.append(1000 * (time.perf_counter() - begun))
        for end in (ours, theirs, service_socket, their_service_socket):
            end.close()
        time.sleep(0.03)

    zygote = Zygote("job", Settings(), spares=spares)
    try:
        zygote.wait_ready()
        time.sleep(0.1)
        benchmark.pedantic(start_and_end, rounds=60 if full else 20, warmup_rounds=2)
    finally:
        zygote.close()
    way = "with a spare" if spares else "fork and seal"
    quartiles = statistics.quantiles(milliseconds, n=4)
    measure(f"a sandbox is there, {way}, median", statistics.median(milliseconds), "ms", spread=quartiles[::2])
