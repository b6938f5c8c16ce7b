"""Inputs, arguments and results."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
from scenarios import Execute, of_two_nodes, outcomes, run, scenario

import dcp_evaluator as dcp

LARGE = 40_000
"""Elements of an array that does not go along with other values."""
VALUES = [
    None, True, 0, -1, 2**53, 2**63, -(2**70), 0.5, -0.0, float("nan"), float("inf"), "", "x" * 100_000,
    "\0é\U0001f600", b"", b"\x00\xff", bytes(200_000), bytearray(b"ab"), datetime(2020, 2, 29, 1, 2, 3, 4, UTC),
    [], [[], [1, [None]]], {}, {"a": [1, {"b": b"c"}], "é": None}, (1, 2), np.float32(1.5), np.int64(7), np.array(2.5),
    np.zeros((0, 3)), {"large": np.arange(LARGE), "small": [np.arange(3.0)], "bytes": bytes(100_000)},
    *(np.arange(6).astype(kind).reshape(2, 3) for kind in ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8")),
    *(np.arange(LARGE).astype(kind) for kind in ("u1", "i8", "f8")), np.arange(4, dtype=">i4"),
    np.arange(LARGE, dtype="f8").reshape(200, 200)[::2, ::-1], np.asfortranarray(np.eye(200, 300)),
]  # fmt: skip


@of_two_nodes
def values(execute: Execute) -> Any:
    values, errors = outcomes(execute(dcp.compute_for(VALUES, "(x) => x")))
    return values, errors, [value.flags.writeable for value in values if isinstance(value, np.ndarray)]


@scenario
def what_the_work_function_sees(execute: Execute) -> Any:
    source = "(x) => [typeof x, x?.constructor?.name, x?.shape, x?.length, String(x).slice(0, 50)]"
    return outcomes(execute(dcp.compute_for(VALUES, source)))


@of_two_nodes
def rows(execute: Execute) -> Any:
    images = np.arange(4 * 3 * LARGE, dtype=np.float32).reshape(4, 3, LARGE)
    shared = dcp.shared_empty((3, LARGE), np.int16)
    shared[:] = np.arange(3)[:, None]
    return [
        execute(dcp.compute_for(inputs, "(x) => x.map((each) => -each)")).values()
        for inputs in (images, np.asfortranarray(images[:, 0, ::2]), shared)
    ]


@scenario
def numbers(execute: Execute) -> Any:
    inputs = [{"a": [np.array([2**53, 1])]}, [np.array([2**53 + 1])], np.array([7]), 2**60]
    return [
        execute(dcp.compute_for(np.arange(300), "(x) => [typeof x, x]")).values(),
        outcomes(execute(dcp.compute_for(inputs, "(x) => x"), integers="number")),
    ]


@scenario
def arguments(execute: Execute) -> Any:
    source = "(x, ...rest) => [x, rest, work.job.public]"
    job = dcp.compute_for([1, 2], source, {"k": [None]}, np.arange(LARGE), b"b", key=np.eye(2))
    job.public = {"name": "test", "n": 2**60, "array": np.arange(LARGE)}
    return execute(job).values()


@of_two_nodes
def random_numbers(execute: Execute) -> Any:
    draw = (
        "async (n) => { const a = Math.random(); await null; return [a, ...Array.from({ length: n }, Math.random)]; }"
    )
    return execute(dcp.compute_for([3] * 20, draw), seed=7).values()


if __name__ == "__main__":
    run()
