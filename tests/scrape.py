"""What a monitoring reads of a program's metrics."""

from __future__ import annotations

import http.client
from collections.abc import Mapping

from prometheus_client.openmetrics.parser import text_string_to_metric_families

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def scrape(port: int) -> dict[str, float]:
    """All samples by name and labels, as in ``name{how="closed"}``; fails where it is not OpenMetrics."""
    status, kind, text = ask(port, headers={"Accept": OPENMETRICS})
    assert status == 200
    assert kind.startswith(OPENMETRICS), kind
    return {
        f"{sample.name}{_labels(sample.labels)}": float(sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def ask(
    port: int, path: str = "/metrics", method: str = "GET", *, host: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, str, str]:  # fmt: skip
    """Status, content type and text. ``host``: what stands in the field Host."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, headers={"Host": host or f"127.0.0.1:{port}", **(headers or {})})
        answer = connection.getresponse()
        return answer.status, answer.headers.get("Content-Type", ""), answer.read().decode()
    finally:
        connection.close()


def _labels(labels: Mapping[str, str]) -> str:
    return "{" + ",".join(f'{name}="{value}"' for name, value in sorted(labels.items())) + "}" if labels else ""
