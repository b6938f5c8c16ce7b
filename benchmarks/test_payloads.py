"""Slices a second through one sandbox by the size of their data, over frames and over lines, beside memcpy."""

from __future__ import annotations

import json
import socket
import time
from typing import Self

import numpy as np
import pytest

import dcp_evaluator as dcp
from conftest import on
from line_peer import TcpEvaluator

_SIZES = [16, 256, 4 << 10, 64 << 10, 1 << 20, 16 << 20, 64 << 20]
_QUICK_ON_V8 = (16, 4 << 10, 1 << 20)
_ENOUGH = 64 << 20
_MOST_SLICES = 20_000
_ECHO = """onreadln((line) => { const { data } = JSON.parse(line); writeln(JSON.stringify({ data })); });"""


def _count(size: int, full: bool) -> int:
    return max(2, min(_MOST_SLICES, _ENOUGH // size) // (1 if full else 4))


def _name(size: int) -> str:
    for unit, name in ((1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= unit:
            return f"{size // unit} {name}"
    return f"{size} B"


def _skip_long(engine: str, size: int, full: bool) -> None:
    if engine == "v8" and size not in _QUICK_ON_V8 and not full:
        pytest.skip("with --full")


def _report(measure, way: str, size: int, rates: list[float], bare: float) -> None:
    rate = float(np.median(rates))
    spread = (float(np.quantile(rates, 0.25)), float(np.quantile(rates, 0.75)))
    copies = f"{bare / 1e9:.2f} GB/s is a memcpy, in and out {2 * rate * size / 1e9:.3f} GB/s"
    measure(f"slices of {_name(size)} over {way}", rate, "slices/s", copies, spread=spread)


def _memcpy(size: int) -> float:
    """Bytes a second of a plain copy of that size, the best of some."""
    source, target = np.ones(size, np.uint8), np.zeros(size, np.uint8)
    repeat, best = max(1, (8 << 20) // size), float("inf")
    for _ in range(5):
        begun = time.perf_counter()
        for _ in range(repeat):
            np.copyto(target, source)
        best = min(best, time.perf_counter() - begun)
    return size * repeat / best


@pytest.mark.parametrize("size", _SIZES, ids=_name)
def test_over_frames(benchmark, measure, engine, engine_evaluator, full, size):
    _skip_long(engine, size, full)
    rows = dcp.shared_empty((_count(size, full), size), np.uint8)
    rows[:] = 7
    rates = []

    def run() -> None:
        begun = time.perf_counter()
        for result in dcp.compute_for(rows, "(x) => x").local_exec(1, evaluator=engine_evaluator):
            assert len(result) == size and result[-1] == 7
        rates.append(len(rows) / (time.perf_counter() - begun))

    benchmark.pedantic(run, rounds=5 if full else 3, warmup_rounds=1)
    _report(measure, f"frames{on(engine)}", size, rates[1:], _memcpy(size))


class _Peer:
    """Asks one line again and again, in memory that it has already: the time is the sandbox's and the network's."""

    def __init__(self, port: int, line: str) -> None:
        self._socket = socket.create_connection(("localhost", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._line = line.encode() + b"\n"
        self._answer = memoryview(bytearray(2 * len(self._line)))

    def ask(self) -> int:
        """Bytes of the answer, without its end."""
        self._socket.sendall(self._line)
        size = 0
        while size == 0 or self._answer[size - 1] != ord("\n"):
            got = self._socket.recv_into(self._answer[size:])
            assert got, "it ended"
            size += got
        return size - 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()


@pytest.mark.parametrize("size", _SIZES, ids=_name)
def test_over_lines(benchmark, measure, engine, tmp_path, full, size):
    """One at a time, as DCP's supervisor sends them: the text of a line is the datum."""
    _skip_long(engine, size, full)
    if size > 1 << 20 and not full:
        pytest.skip("with --full: lines of this size take seconds")
    (tmp_path / "echo.js").write_text(_ECHO)
    line, rates = json.dumps({"data": "x" * size}), []
    count = max(2, min(2000, (16 << 20) // size) // (1 if full else 4))

    def run() -> None:
        begun = time.perf_counter()
        for _ in range(count):
            assert peer.ask() == size + len('{"data":""}')
        rates.append(count / (time.perf_counter() - begun))

    options = ("--engine", engine)
    with TcpEvaluator(str(tmp_path / "echo.js"), options=options) as evaluator, _Peer(evaluator.port, line) as peer:
        benchmark.pedantic(run, rounds=5 if full else 3, warmup_rounds=1)
    _report(measure, f"lines{on(engine)}", size, rates[1:], _memcpy(size))
