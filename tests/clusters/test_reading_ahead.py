"""Inputs are read as nodes take them: what is on its way is bounded, and an iterator may be endless."""

from __future__ import annotations

import pytest

from dcp_evaluator.clusters.dispatcher import MOST_AHEAD, MOST_BYTES
from ray_cluster import RayCluster

pytestmark = pytest.mark.any_engine

_ENDLESS = """
import sys
import threading
from itertools import count
import dcp_evaluator as dcp

def most_ahead(inputs, source, enough):
    taken = computed = most = 0
    came = threading.Event()

    def lazily():
        nonlocal taken, most
        for datum in inputs:
            taken += 1
            most = max(most, taken - computed)
            yield datum

    def result(event):
        nonlocal computed
        computed += 1
        if computed == enough:
            came.set()

    job = dcp.compute_for(lazily(), source)
    job.on("result", result)
    results = job.cluster_exec(sandboxes_per_node=1)
    assert came.wait(60)
    results.cancel()
    try:
        results.wait(60)
    except dcp.JobCancelledError:
        print(most)

most_ahead(count(), "(x) => x", 20_000)
most_ahead(count(), "(x) => new Promise((done) => setTimeout(done, 20))", 50)
most_ahead((bytes(1 << 20) for _ in count()), "(x) => x.byteLength", 200)
"""
_BATCH = 17 << 20
"""Bytes of a batch, at most."""


def test_an_endless_iterator_is_read_as_it_is_needed(two_nodes: RayCluster) -> None:
    done = two_nodes.run_driver(_ENDLESS)
    slow = "dcp-evaluator: the job waits until Ray has room "
    told = [line for line in done.stderr.splitlines() if not line.startswith(slow)]
    assert (done.returncode, told) == (0, [])
    short, long, large = map(int, done.stdout.split())
    assert short <= 2 * (1 + MOST_AHEAD)
    assert long <= 2 * 2 * 20  # two batches of 0.2 s, and as many again where they were measured badly
    assert large << 20 <= 2 * (MOST_BYTES + _BATCH)
