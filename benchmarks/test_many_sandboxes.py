"""Many sandboxes of one evaluator: what each takes, idle and busy, and how long a new one takes beside them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from conftest import on
from line_peer import Peer, TcpEvaluator, write_prelude
from process_tree import cpu_seconds, descendants, is_running, memory_bytes

pytestmark = pytest.mark.full

_MOST, _NEW, _QUIET = 1000, 10, 10.0
_BUSY = """
handlers.work = () => { const until = Date.now() + 3000; while (Date.now() < until); return "done"; };
"""


@contextmanager
def connected(evaluator: TcpEvaluator, count: int) -> Iterator[list[Peer]]:
    """Each with a sandbox that has answered."""
    with ExitStack() as stack:
        peers = [stack.enter_context(evaluator.connect()) for _ in range(count)]
        for peer in peers:
            assert peer.ask("echo x") == "x"
        yield peers


def below(evaluator: TcpEvaluator) -> list[int]:
    return [pid for pid in (evaluator.process.pid, *descendants(evaluator.process.pid)) if is_running(pid)]


def memory(evaluator: TcpEvaluator) -> int:
    return sum(map(memory_bytes, below(evaluator)))


def milliseconds_of_new_ones(evaluator: TcpEvaluator) -> float:
    """From the connection to the first answer, the median; spares come back between them."""
    taken = []
    for _ in range(_NEW):
        time.sleep(0.05)
        begun = time.perf_counter()
        with evaluator.connect() as peer:
            assert peer.ask("echo x") == "x"
            taken.append(1000 * (time.perf_counter() - begun))
    return statistics.median(taken)


def answers_a_second(peers: list[Peer]) -> float:
    """Lines that go round, one with each sandbox at a time."""
    rounds = max(1, 20_000 // len(peers))
    begun = time.perf_counter()
    for _ in range(rounds):
        for peer in peers:
            peer.send("echo x")
        for peer in peers:
            assert peer.read() == "x"
    return rounds * len(peers) / (time.perf_counter() - begun)


@pytest.fixture
def evaluator(engine, tmp_path) -> Iterator[TcpEvaluator]:
    limits = ("--engine", engine, "--memory-limit", "64", "--max-sandboxes", str(_MOST + 100))
    with TcpEvaluator(write_prelude(tmp_path, _BUSY), options=limits) as evaluator:
        yield evaluator


@pytest.mark.parametrize("count", [1, 2, 4, 64, 256])
def test_beside_others(benchmark, measure, engine, evaluator, count):
    def run() -> tuple[float, float, float, float]:
        with evaluator.connect() as peer:
            assert peer.ask("echo x") == "x"
        time.sleep(0.5)
        before = memory(evaluator)
        with connected(evaluator, count) as peers:
            each = (memory(evaluator) - before) / count
            idle, rate = milliseconds_of_new_ones(evaluator), answers_a_second(peers)
            for peer in peers:
                peer.send("work")
            busy = milliseconds_of_new_ones(evaluator)
            for peer in peers:
                assert peer.read() == "done"
        return each, idle, rate, busy

    each, idle, rate, busy = benchmark.pedantic(run, rounds=1)
    among = f"{count} sandboxes{on(engine)}"
    measure(f"{among}: memory of each", each / 1e6, "MB")
    measure(f"{among}: a new one beside them, idle", idle, "ms")
    measure(f"{among}: a new one beside them, all busy for 3 s", busy, "ms")
    measure(f"{among}: lines that go round", rate, "lines/s")


def test_a_thousand_idle_ones(benchmark, measure, engine, evaluator):
    def run() -> tuple[float, float]:
        before = memory(evaluator)
        with connected(evaluator, _MOST):
            time.sleep(1)
            processes = below(evaluator)
            used = sum(map(cpu_seconds, processes))
            time.sleep(_QUIET)
            return memory(evaluator) - before, sum(map(cpu_seconds, processes)) - used

    size, used = benchmark.pedantic(run, rounds=1)
    measure(f"{_MOST} idle sandboxes{on(engine)}: memory of all", size / 1e6, "MB")
    measure(f"{_MOST} idle sandboxes{on(engine)}: CPU of all, of one core", 100 * used / _QUIET, "%", "0")
