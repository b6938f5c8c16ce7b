"""The counters of an evaluator as metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from .counters import Counters
from .processes import ROLES, processes

_PREFIX = "dcp_evaluator"


class EvaluatorCollector(Collector):
    """``counters``: gives those that count now. ``most``: sandboxes that there may be at a time. ``information``:
    labels of a metric that never changes.
    """

    def __init__(
        self, counters: Callable[[], Counters], most: int | None = None, information: dict[str, str] | None = None
    ) -> None:
        self._counters = counters
        self._most = most
        self._information = information

    def collect(self) -> Iterator[Metric]:
        counters = self._counters()
        if self._information is not None:
            yield InfoMetricFamily(_PREFIX, "The program", self._information)
        if self._most is not None:
            yield _gauge("sandboxes_limit", "Sandboxes that there may be at a time", self._most)
        yield _gauge("start_time_seconds", "Unix time of its start", counters.started_at)
        yield _gauge("sandboxes", "Sandboxes that run, one for each connection", counters.sandboxes)
        yield _gauge("sandbox_memory_peak_bytes", "Most memory that an ended sandbox had", counters.peak_memory)
        yield _counter("sandboxes_started", "Sandboxes that were begun", counters.sandboxes_started)
        ended = CounterMetricFamily(f"{_PREFIX}_sandboxes_ended", "Sandboxes that have ended, and how", labels=["how"])
        for how, count in list(counters.sandboxes_ended.items()):
            ended.add_metric([how], count)
        yield ended
        yield _counter("sandbox_lifetime_seconds", "Time that ended sandboxes have lived", counters.lifetime_seconds)
        yield _counter("sandbox_cpu_seconds", "CPU time of ended sandboxes", counters.cpu_seconds)
        yield _counter("sandbox_gpu_seconds", "GPU time of ended sandboxes", counters.gpu_seconds)
        yield _counter("connections_refused", "Connections beyond the limit", counters.connections_refused)
        yield _counter("zygote_restarts", "Ends of the zygote, with all sandboxes", counters.zygote_restarts)
        yield _counter("gpu_hosts_started", "Processes for the GPU that were begun", counters.gpu_hosts_started)
        yield _counter("gpu_hosts_failed", "Of those, how many ended by themselves", counters.gpu_hosts_failed)
        yield from _processes()


def evaluator_registry(counters: Counters, most: int, information: dict[str, str]) -> CollectorRegistry:
    """With what the kernel says of this process."""
    registry = CollectorRegistry()
    registry.register(EvaluatorCollector(lambda: counters, most, information))
    ProcessCollector(registry=registry)
    return registry


def _processes() -> Iterator[Metric]:
    count = GaugeMetricFamily(f"{_PREFIX}_processes", "Processes that there are, also spare ones", labels=["role"])
    memory = GaugeMetricFamily(f"{_PREFIX}_memory_bytes", "Memory that they have, without files", labels=["role"])
    found = list(processes())
    for role in ROLES:
        count.add_metric([role], sum(one.role == role for one in found))
        memory.add_metric([role], sum(one.memory for one in found if one.role == role))
    yield count
    yield memory


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{_PREFIX}_{name}", text, value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"{_PREFIX}_{name}", text, value)
