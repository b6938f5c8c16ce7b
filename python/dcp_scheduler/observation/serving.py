"""Metrics over HTTP, where an operator wants them there, by the server that evaluators and workers have for theirs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest

from dcp_evaluator.errors import UsageError
from dcp_evaluator.metrics.address import MetricsAddress
from dcp_evaluator.metrics.server import MetricsServer

from ..errors import SchedulerError


@contextlib.contextmanager
def serving(registry: CollectorRegistry, address: MetricsAddress) -> Iterator[str]:
    """The URL. Raises SchedulerError where the address cannot be had."""
    try:
        server = MetricsServer(registry, address)
    except UsageError as error:
        raise SchedulerError(str(error)) from None
    try:
        yield server.address.url
    finally:
        server.close()


def exposition(registry: CollectorRegistry) -> tuple[bytes, str]:
    """As OpenMetrics, and the media type of that."""
    return generate_latest(registry), CONTENT_TYPE_LATEST  # type: ignore[no-untyped-call]
