"""Metrics of how a worker is just now: it is asked when somebody reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from .events import PREFIX
from .present import Present, Resource


class PresentCollector(Collector):
    """``ask`` is called in threads of the server; it gives None where the worker does not answer."""

    def __init__(self, ask: Callable[[], Present | None]) -> None:
        self._ask = ask

    def describe(self) -> Sequence[Metric]:
        """Nobody is to be asked for that."""
        return ()

    def collect(self) -> Iterator[Metric]:
        present = self._ask()
        yield _gauge("up", "Whether the worker answers for itself", present is not None)
        if present is None:
            return
        yield InfoMetricFamily(PREFIX, "The program", present.information)
        yield _gauge("start_time_seconds", "Unix time of its start", present.started)
        state = GaugeMetricFamily(f"{PREFIX}_state", "1 for the state in which it is", labels=["state"])
        for name in present.states:
            state.add_metric([name], float(name == present.state))
        yield state
        sandboxes = GaugeMetricFamily(f"{PREFIX}_sandboxes", "Sandboxes that there are", labels=["state"])
        sandboxes.add_metric(["ready"], present.sandboxes_ready)
        sandboxes.add_metric(["working"], present.slices_working)
        yield sandboxes
        yield _gauge("sandboxes_limit", "Sandboxes that there may be at a time", present.most_sandboxes)
        yield _gauge("slices_working", "Slices that are worked on", present.slices_working)
        yield _gauge("slices_queued", "Slices that wait for a sandbox", present.slices_queued)
        yield _gauge("results_unsubmitted", "Results that wait for the scheduler", present.unsubmitted)
        yield from _resources(present.resources)


def _resources(resources: Sequence[Resource]) -> Iterator[Metric]:
    """Each with a label that says which: ``cpu``, or a GPU."""
    told: tuple[tuple[str, str, Callable[[Resource], float | None]], ...] = (
        ("resource_allowed", "1 where rules and the owner allow work", lambda one: float(one.allowed)),
        ("resource_limit", "Cores, or GPUs, that may be used", lambda one: one.limit),
        ("resource_used", "Cores, or GPUs, that its slices take", lambda one: one.used),
        ("resource_temperature_celsius", "Its temperature", lambda one: one.temperature),
        ("gpu_memory_used_bytes", "Memory of the GPU that all programs use", lambda one: one.memory_used),
        ("gpu_memory_bytes", "Memory of the GPU", lambda one: one.memory),
    )
    for name, text, value_of in told:
        family = GaugeMetricFamily(f"{PREFIX}_{name}", text, labels=["resource"])
        for one in resources:
            if (value := value_of(one)) is not None:
                family.add_metric([one.id], value)
        yield family


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{PREFIX}_{name}", text, value)
