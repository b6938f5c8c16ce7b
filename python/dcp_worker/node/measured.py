"""Serves the metrics of a worker, and of its evaluator."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import get_args

from prometheus_client import ProcessCollector
from prometheus_client.registry import CollectorRegistry

from dcp_evaluator.errors import UsageError
from dcp_evaluator.metrics.address import MetricsAddress
from dcp_evaluator.metrics.counters import Counters
from dcp_evaluator.metrics.evaluator import EvaluatorCollector
from dcp_evaluator.metrics.server import MetricsServer

from ..control import status as document
from ..logs.notices import Notices
from ..metrics.events import EventMetrics
from ..metrics.gauges import PresentCollector
from ..metrics.present import Present, Resource
from ..monitors.gpus import Gpus, Memory
from ..monitors.nvml import Nvml
from .status import StatusSource

_PATIENCE = 5.0  # seconds, after which the worker counts as one that does not answer


class Measured:
    """All metrics of a worker. ``own``: gives the counters of its evaluator; None where that is another program's."""

    def __init__(self, status: StatusSource, notices: Notices, own: Callable[[], Counters] | None) -> None:
        self._status = status
        self._loop = asyncio.get_running_loop()
        self._gpus = Gpus(nvml=Nvml())
        self._asking = threading.Lock()
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._registry.register(PresentCollector(self._ask))
        if own is not None:
            self._registry.register(EvaluatorCollector(own))
        notices.listen(EventMetrics(self._registry))

    def serve(self, address: MetricsAddress, stack: AsyncExitStack) -> MetricsAddress:
        """Until the stack ends. Returns where. Raises UsageError."""
        server = MetricsServer(self._registry, address)
        stack.callback(server.close)
        return server.address

    def _ask(self) -> Present | None:
        """In a thread of the server; the worker itself is asked in that of its event loop."""
        told = self._told()
        try:
            future = asyncio.run_coroutine_threadsafe(told, self._loop)
        except RuntimeError:  # the event loop is closed
            told.close()
            return None
        try:
            status = future.result(_PATIENCE)
        except (concurrent.futures.TimeoutError, concurrent.futures.CancelledError):
            future.cancel()
            return None
        return present(status, self._memory(status))

    def _memory(self, status: document.WorkerStatus) -> dict[str, Memory]:
        """Of GPUs, where it uses any: others are left alone."""
        if not any(one.kind == "gpu" for one in status.resources):
            return {}
        with self._asking:
            return self._gpus.memory()

    async def _told(self) -> document.WorkerStatus:
        return self._status()


def present(status: document.WorkerStatus, memory: dict[str, Memory]) -> Present:
    """``memory``: of GPUs, by their identity."""
    working = sum(one.state == "working" for one in status.sandboxes)
    return Present(
        state=status.state,
        states=get_args(document.State),
        started=status.started,
        information={"version": status.version, "worker": status.worker, "scheduler": status.scheduler},
        sandboxes_ready=len(status.sandboxes) - working,
        slices_working=working,
        slices_queued=status.queue.queued,
        unsubmitted=status.queue.unsubmitted,
        most_sandboxes=status.max_sandboxes,
        resources=[_resource(one, memory.get(one.id)) for one in status.resources],
    )


def _resource(one: document.Resource, memory: Memory | None) -> Resource:
    return Resource(
        id=one.id,
        allowed=one.allowed,
        limit=one.limit,
        used=one.used,
        temperature=one.temperature,
        memory_used=memory.used if memory else None,
        memory=memory.all if memory else None,
    )


def serve_metrics(
    address: MetricsAddress,
    status: StatusSource,
    notices: Notices,
    own: Callable[[], Counters] | None,
    stack: AsyncExitStack,
) -> None:
    """Until the stack ends; where that cannot be, a warning says why."""
    try:
        served = Measured(status, notices, own).serve(address, stack)
    except UsageError as error:
        notices.say("warning", str(error))
    else:
        notices.say("info", f" . Metrics are at {served.url}")
