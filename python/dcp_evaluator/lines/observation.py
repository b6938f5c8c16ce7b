"""How others look at a server of lines: ``--status`` and ``--metrics``."""

from __future__ import annotations

import contextlib
from typing import Any

from ..errors import reason_of
from ..metrics.address import MetricsAddress
from ..service.journal import NOTICE, WARNING
from .evaluator import LineEvaluator
from .status import Serving, status_document
from .status_socket import StatusSocket


class StatusSockets:
    """One for each port. A port that another evaluator answers for is told."""

    def __init__(self, evaluator: LineEvaluator, serving: Serving) -> None:
        self._evaluator = evaluator
        self._serving = serving
        self._sockets: list[StatusSocket] = []
        for port in sorted({int(address.rpartition(":")[2]) for address in serving.addresses}):
            try:
                each = StatusSocket(port, self._document)
            except OSError as error:
                evaluator.notice(WARNING, f"--status cannot be asked about port {port}: {reason_of(error)}")
                continue
            self._sockets.append(each)
            evaluator.watch(each.socket, each.serve)

    def close(self) -> None:
        """From now on another evaluator may answer."""
        for each in self._sockets:
            self._evaluator.unwatch(each.socket)
            each.close()
        self._sockets = []

    def _document(self) -> dict[str, Any]:
        state = "ready" if self._evaluator.is_ready else "starting"
        return status_document(
            self._serving, state, self._evaluator.running, self._evaluator.counters, self._evaluator.zygote_pid
        )


def serve_metrics(evaluator: LineEvaluator, most: int, address: MetricsAddress, stack: contextlib.ExitStack) -> None:
    """As long as ``stack`` lasts. Raises UsageError."""
    from ..metrics.evaluator import evaluator_registry  # takes long to load
    from ..metrics.server import MetricsServer
    from ..settings.installation import VERSION

    server = MetricsServer(evaluator_registry(evaluator.counters, most, {"version": VERSION}), address)
    stack.callback(server.close)
    evaluator.notice(NOTICE, f"metrics are at {server.address.url}")
