"""How a network is just now: what its tables say, and who is connected."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection, func, select

from ..jobs.status import ACTIVE, JobStatus
from ..store.database import Database
from ..store.schema import jobs, workers

_PREFIX = "dcp_scheduler"
_LIVELY_SECONDS = 600.0
_PATIENCE = 8.0


class NetworkCollector(Collector):
    """``sessions``: how many there are. Made in the thread of ``loop``, collected in others."""

    def __init__(self, database: Database, sessions: Callable[[], int]) -> None:
        self._database = database
        self._sessions = sessions
        self._loop = asyncio.get_running_loop()

    def describe(self) -> list[Metric]:
        """Nothing: the registry would collect otherwise, in the thread of the loop."""
        return []

    def collect(self) -> Iterator[Metric]:
        read = asyncio.run_coroutine_threadsafe(self._database.read(_read), self._loop)
        by_status, workers_seen = read.result(_PATIENCE)
        yield InfoMetricFamily(_PREFIX, "The program", {"version": version("dcp-evaluator")})
        yield GaugeMetricFamily(f"{_PREFIX}_sessions", "Clients and workers that are connected", self._sessions())
        yield GaugeMetricFamily(f"{_PREFIX}_workers", "Workers that asked for work in ten minutes", workers_seen)
        count = GaugeMetricFamily(f"{_PREFIX}_jobs", "Jobs", labels=["status"])
        for status in JobStatus:
            count.add_metric([status], by_status[status].count if status in by_status else 0)
        yield count
        active = [by_status[status] for status in ACTIVE if status in by_status]
        slices = GaugeMetricFamily(f"{_PREFIX}_slices", "Slices of jobs that are not over", labels=["state"])
        slices.add_metric(["out"], sum(each.out for each in active))
        slices.add_metric(["waiting"], sum(each.waiting for each in active))
        yield slices
        done = sum(each.done for each in by_status.values())
        yield CounterMetricFamily(f"{_PREFIX}_results", "Results that are kept", done)


def _read(connection: Connection) -> tuple[dict[str, Any], int]:
    waiting = func.sum(jobs.c.waiting + jobs.c.total - jobs.c.next + 1)
    query = select(
        jobs.c.status, func.count().label("count"), func.sum(jobs.c.out).label("out"), waiting.label("waiting"),
        func.sum(jobs.c.done).label("done"),
    )  # fmt: skip
    by_status = {row.status: row for row in connection.execute(query.group_by(jobs.c.status))}
    lively = select(func.count()).select_from(workers).where(workers.c.seen > time.time() - _LIVELY_SECONDS)
    return by_status, connection.execute(lively).scalar_one()
