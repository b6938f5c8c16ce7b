"""A program: a job on a cluster that doubles numbers. It prints what becomes of the job as lines of JSON.

Arguments: the work function, or "python" for one in Python; how many numbers, or 0 for all until a line on stdin;
options of cluster_exec as JSON.
"""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any

import dcp_evaluator as dcp

EACH = 100
"""So many results are told together."""


def tell(what: str, *details: Any) -> None:
    print(json.dumps([what, *details]), flush=True)


def until_told() -> Iterator[int]:
    told = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.readline(), told.set()), daemon=True).start()
    for number in count():
        if told.is_set():
            return
        yield number


def double(x: int) -> int:
    return 2 * x


def run(numbers: Iterable[int], work_function: Any, options: dict[str, Any]) -> None:
    seen: Counter[int] = Counter()
    job = dcp.compute_for(numbers, work_function)

    def result(event: dcp.ResultEvent) -> None:
        assert event.value == 2 * event.index
        seen[event.index] += 1
        if job.metrics.slices % EACH == 0:
            tell("results", job.metrics.slices)

    job.on("result", result)
    job.on("node", lambda event: tell(event.state, event.name, event.reason))
    job.on("progress", lambda event: tell("progress"))
    results = job.cluster_exec(**options)
    try:
        results.wait()
    except dcp.DcpError as error:
        tell("failed", str(error))
        return
    assert set(seen.values()) <= {1}
    assert sorted([*seen, *results.errors]) == list(range(len(results)))
    assert results.values(errors="skip") == [2 * index for index in sorted(seen)]
    assert job.metrics.slices == len(seen)
    tell("done", len(seen), [str(error) for error in results.errors.values()])


if __name__ == "__main__":
    source, how_many, options = sys.argv[1:]
    numbers = range(int(how_many)) if how_many != "0" else until_told()
    run(numbers, double if source == "python" else source, json.loads(options))
