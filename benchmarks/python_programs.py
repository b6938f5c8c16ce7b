"""Ten programs that run in Pyodide, in our sandboxes and in Node: milliseconds of each, the best of some rounds."""

from __future__ import annotations

import json
import random
import re
import sqlite3
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize

ROUNDS = 5


def loops() -> Any:
    total = 0
    for i in range(300_000):
        total = (total + i * i) % 1_000_003
    return total


def recursion() -> Any:
    def fib(n: int) -> int:
        return n if n < 2 else fib(n - 1) + fib(n - 2)

    return fib(22)


def dicts() -> Any:
    counts: dict[int, int] = {}
    for i in range(150_000):
        key = i * 7919 % 5003
        counts[key] = counts.get(key, 0) + 1
    return len(counts)


def texts() -> Any:
    words = [f"word{i % 97}" for i in range(60_000)]
    return len(" ".join(words).upper().replace("WORD1", "x").split())


def json_text() -> Any:
    data = [{"id": i, "name": f"n{i}", "values": [i / 3, None, True]} for i in range(4000)]
    return len(json.loads(json.dumps(data)))


def expressions() -> Any:
    text = "the quick brown fox 1234 jumps over 56 lazy dogs; " * 2000
    return len(re.findall(r"\b(\w+)\s+(\d+)\b", text))


def numpy_arrays() -> Any:
    a = np.arange(250_000, dtype=np.float64).reshape(500, 500)
    return float(np.linalg.norm(np.sin(a) @ np.cos(a[:, :100])))


def scipy_search() -> Any:
    return float(optimize.minimize(optimize.rosen, np.full(6, 1.3), method="BFGS").fun)


def pandas_groups() -> Any:
    n = np.arange(100_000)
    frame = pd.DataFrame({"key": n % 101, "value": n * 0.5})
    return float(frame.groupby("key").value.mean().sum())


def sql() -> Any:
    with sqlite3.connect(":memory:") as base:
        base.execute("CREATE TABLE t (k INTEGER, v REAL)")
        base.executemany("INSERT INTO t VALUES (?, ?)", ((i % 50, i * 0.5) for i in range(20_000)))
        return base.execute("SELECT sum(v) FROM t WHERE k < 25 GROUP BY k ORDER BY k").fetchall()[0][0]


PROGRAMS: tuple[Callable[[], Any], ...] = (
    loops, recursion, dicts, texts, json_text, expressions, numpy_arrays, scipy_search, pandas_groups, sql,
)  # fmt: skip


def measured() -> dict[str, float]:
    """The milliseconds of each program."""
    random.seed(1)
    times = {}
    for program in PROGRAMS:
        best = float("inf")
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            program()
            best = min(best, time.perf_counter() - begun)
        times[program.__name__] = 1e3 * best
    return times
