"""What is counted while requests are answered."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


class Counters:
    """``registry``: for all metrics of this scheduler."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "dcp_scheduler_requests", "Requests of peers, by what became of them: ok or an error's code",
            ["operation", "outcome"], registry=self.registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "dcp_scheduler_request_seconds", "From a request to its answer", ["operation"], buckets=_SECONDS,
            registry=self.registry,
        )  # fmt: skip
        self._events = Counter(
            "dcp_scheduler_events", "Events of slices: told to clients, or dropped", ["outcome"], registry=self.registry
        )

    def answered(self, operation: str, outcome: str, seconds: float) -> None:
        self._requests.labels(operation, outcome).inc()
        self._seconds.labels(operation).observe(seconds)

    def event(self, outcome: str) -> None:
        """``told`` or ``dropped``."""
        self._events.labels(outcome).inc()
