"""Metrics of whatever happens to a worker, or is said to it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.registry import CollectorRegistry

from dcp_worker.logs.notices import Fetched, Notice, Paid, Returned, Said, SandboxGone, SliceEnded, SliceProgress
from dcp_worker.metrics.events import EventMetrics
from dcp_worker.metrics.gauges import PresentCollector
from dcp_worker.tasks.slices import SliceKey, SliceMetrics

pytestmark = pytest.mark.any_engine

KEY = SliceKey("0x" + "1" * 40, 3)
numbers = st.floats() | st.sampled_from([0.0, 1.0, -1.0, 1e308, math.inf, math.nan])
texts = st.text(max_size=5)
notices = st.one_of(
    st.builds(Paid, st.just(KEY), numbers),
    st.builds(
        SliceEnded, st.just(1), st.just(KEY), texts, st.sampled_from(["completed", "failed", "rejected", "else"]),
        st.builds(SliceMetrics, cpu_time=numbers, gpu_time=numbers, total_time=numbers),
    ),
    st.builds(Said, st.sampled_from(["debug", "info", "warning", "error"]), texts),
    st.builds(Fetched, st.integers(0, 10)),
    st.builds(Returned, st.integers(0, 10)),
    st.builds(SandboxGone, st.just(1), st.none(), st.booleans()),
    st.builds(SliceProgress, st.just(1), st.none()),
)  # fmt: skip


def values(registry: CollectorRegistry) -> dict[str, float]:
    text = generate_latest(registry).decode()
    families = list(text_string_to_metric_families(text))
    return {sample.name + str(sample.labels or ""): sample.value for family in families for sample in family.samples}


@given(st.lists(notices, max_size=30))
def test_counters_count_and_stay_finite(told: list[Notice]) -> None:
    registry = CollectorRegistry()
    metrics = EventMetrics(registry)
    before = values(registry)
    for notice in told:
        metrics(notice)
    after = values(registry)
    assert before.keys() == after.keys()
    assert all(math.isfinite(value) and value >= before[name] for name, value in after.items())
    ended = [notice for notice in told if isinstance(notice, SliceEnded)]
    assert sum(value for name, value in after.items() if name.startswith("dcp_worker_slices_total")) == len(ended)
    assert after["dcp_worker_payments_total"] == sum(isinstance(notice, Paid) for notice in told)
    assert after["dcp_worker_sandbox_deaths_total"] == sum(
        isinstance(notice, SandboxGone) and notice.died for notice in told
    )


def test_of_a_worker_that_does_not_answer_nothing_else_is_told() -> None:
    registry = CollectorRegistry()
    registry.register(PresentCollector(lambda: None))
    assert values(registry) == {"dcp_worker_up": 0}
