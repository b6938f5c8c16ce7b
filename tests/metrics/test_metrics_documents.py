"""docs/monitoring.md and the dashboard for Grafana name the metrics that there are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.registry import CollectorRegistry

from dcp_evaluator.metrics.counters import Counters
from dcp_evaluator.metrics.evaluator import evaluator_registry
from dcp_worker.metrics.events import EventMetrics
from dcp_worker.metrics.gauges import PresentCollector
from dcp_worker.metrics.present import Present, Resource

pytestmark = pytest.mark.any_engine

DOCS = Path(__file__).parents[2] / "docs"
NAME = re.compile(r"\bdcp_(?:worker|evaluator)_[a-z_]+[a-z]\b")
SUFFIXES = {"counter": "_total", "info": "_info"}


def present() -> Present:
    gpu = Resource(id="gpu", allowed=True, limit=1, used=0, temperature=50, memory_used=1, memory=2)
    return Present(
        state="idle", states=["idle", "working"], started=0, information={"version": "1"}, sandboxes_ready=0,
        slices_working=0, slices_queued=0, unsubmitted=0, most_sandboxes=1, resources=[gpu],
    )  # fmt: skip


def exposed() -> set[str]:
    """Names of all metrics, as a query has them."""
    worker = CollectorRegistry()
    EventMetrics(worker)
    worker.register(PresentCollector(present))
    registries = (worker, evaluator_registry(Counters(), 1, {"version": "1"}))
    families = [family for registry in registries for family in registry.collect()]
    return {f"{one.name}{SUFFIXES.get(one.type, '')}" for one in families if one.name.startswith("dcp_")}


def expressions(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("expr"), str):
            yield value["expr"]
        value = list(value.values())
    if isinstance(value, list):
        for member in value:
            yield from expressions(member)


def test_the_document_has_all_metrics_and_no_others() -> None:
    assert set(NAME.findall((DOCS / "monitoring.md").read_text())) == exposed()


def test_the_dashboard_asks_for_metrics_that_there_are() -> None:
    dashboard = json.loads((DOCS / "grafana-dashboard.json").read_text())
    asked = {name for text in expressions(dashboard) for name in NAME.findall(text)}
    assert len(asked) > 20
    assert {name.removesuffix("_bucket") for name in asked} <= exposed()
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(panel["title"] and (panel["type"] == "row" or panel["targets"]) for panel in panels)


def test_the_dashboard_has_no_panel_over_another() -> None:
    places: set[tuple[int, int]] = set()
    for panel in json.loads((DOCS / "grafana-dashboard.json").read_text())["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & places, panel["title"]
        places |= cells
