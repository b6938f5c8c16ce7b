"""Metrics of what happens: they hear notices."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Histogram
from prometheus_client.registry import CollectorRegistry

from ..logs.notices import (
    EvaluatorEnded,
    Fetched,
    FetchFailed,
    JobAnnounced,
    Notice,
    Paid,
    Returned,
    Said,
    SandboxGone,
    SandboxReady,
    SliceEnded,
    Submitted,
)

PREFIX: Final = "dcp_worker"
_OUTCOMES: Final = ("completed", "failed", "rejected")
_FETCHES: Final = ("work", "nothing", "failed")
_LEVELS: Final = ("warning", "error")
_UNBELIEVABLE: Final = 1e12
_SECONDS: Final = (0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000, 10000)


class EventMetrics:
    """Hears notices."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"{PREFIX}_{name}", text, labels, registry=registry)

        self._slices = counter("slices", "Slices that have ended in a sandbox, and how", "outcome")
        self._returned = counter("slices_returned", "Slices that went back to the scheduler without a result")
        self._fetched = counter("slices_fetched", "Slices that the scheduler has handed out")
        self._submitted = counter("results_submitted", "Results that the scheduler has acknowledged")
        self._payments = counter("payments", "Payments for results")
        self._earned = counter("earned_dcc", "What was paid, in DCC")
        self._jobs = counter("jobs", "Jobs that came, also those that came again")
        self._fetches = counter("fetches", "Requests for work, and what came of them", "outcome")
        self._begun = counter("sandboxes_started", "Sandboxes that were made")
        self._deaths = counter("sandbox_deaths", "Sandboxes that ended by themselves, or broke a rule")
        self._restarts = counter("evaluator_restarts", "Ends of the evaluator, with all sandboxes")
        self._messages = counter("messages", "Warnings and errors in the log", "level")
        self._cpu = counter("slice_cpu_seconds", "CPU time of slices")
        self._gpu = counter("slice_gpu_seconds", "GPU time of slices")
        self._duration = Histogram(
            f"{PREFIX}_slice_seconds", "From the begin to the end of a slice", buckets=_SECONDS, registry=registry
        )
        for metric, values in ((self._slices, _OUTCOMES), (self._fetches, _FETCHES), (self._messages, _LEVELS)):
            for value in values:
                metric.labels(value)  # is there, as 0

    def __call__(self, notice: Notice) -> None:
        match notice:
            case SliceEnded(how=how, metrics=metrics):
                self._slices.labels(how if how in _OUTCOMES else "failed").inc()
                if seconds := _countable(metrics.total_time / 1000):  # is not known where it failed
                    self._duration.observe(seconds)
                self._cpu.inc(_countable(metrics.cpu_time / 1000))
                self._gpu.inc(_countable(metrics.gpu_time / 1000))
            case Submitted():
                self._submitted.inc()
            case Paid(amount=amount):
                self._payments.inc()
                self._earned.inc(_countable(amount))
            case Returned(slices):
                self._returned.inc(slices)
            case Fetched(slices):
                self._fetches.labels("work" if slices else "nothing").inc()
                self._fetched.inc(slices)
            case FetchFailed():
                self._fetches.labels("failed").inc()
            case JobAnnounced():
                self._jobs.inc()
            case SandboxReady():
                self._begun.inc()
            case SandboxGone(died=True):
                self._deaths.inc()
            case EvaluatorEnded():
                self._restarts.inc()
            case Said(level=level) if level in _LEVELS:
                self._messages.labels(level).inc()


def _countable(value: float) -> float:
    """0 for what nobody can believe: schedulers and sandboxes have said it, and a counter never forgets."""
    return value if 0 < value < _UNBELIEVABLE else 0.0
