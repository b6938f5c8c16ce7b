"""Python work functions."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
from scenarios import Execute, of_two_nodes, outcomes, run

import dcp_evaluator as dcp
from python_values import EXAMPLES

FACTOR = 3


def helper(x: Any) -> Any:
    return x * FACTOR


def work(task: tuple[str, Any], *more: Any, offset: Any) -> Any:
    kind, x = task
    match kind:
        case "arguments":
            return helper(x), more, offset
        case "surroundings":
            import os

            import six

            return Path("data/model.bin").read_bytes(), os.environ["MODE"], dcp.public, six.__version__
        case "random":
            return random.random(), float(np.random.rand())
        case "talk":
            print("one", x)
            print("two", file=sys.stderr)
            dcp.progress({"at": (x, 0.5)})
            dcp.emit("array", np.arange(x))
        case "missing":
            return {}[kind]
        case "exit":
            sys.exit("enough")
        case "recursion":
            return work(task, offset=offset)
        case "reject":
            dcp.reject("not for me")
        case "object":
            return object()
    return x


@of_two_nodes
def a_job(execute: Execute) -> Any:
    kinds = (
        "arguments", "surroundings", "random", "random", "talk", "missing", "exit", "recursion", "reject", "object",
    )  # fmt: skip
    values = [*EXAMPLES, np.arange(400_000.0).reshape(2, -1).T, print]
    inputs = [*(("value", value) for value in values), *((kind, 3) for kind in kinds)]
    job = dcp.compute_for(inputs, work, (1, 2), np.eye(200), offset=1j)
    job.modules = ["six"]
    job.public["name"] = ("mine", {1})
    job.env["MODE"] = "fast"
    job.fs.add_bytes("data/model.bin", b"\x93" * 100_000)
    heard: list[Any] = []
    job.on("console", lambda event: heard.append((event.index, event.level, event.message)))
    job.on("progress", lambda event: heard.append((event.index, event.value)))
    job.work.on("array", lambda event: heard.append((event.index, event.value)))
    results = execute(job, seed=5)
    return outcomes(results), heard, (job.metrics.slices, job.metrics.errors)


if __name__ == "__main__":
    run()
