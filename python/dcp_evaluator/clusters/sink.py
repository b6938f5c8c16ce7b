"""Where everything that happens on a cluster goes."""

from __future__ import annotations

from typing import Protocol

from ..supervision.supervisor import Sink


class ClusterSink(Sink, Protocol):
    """``node``: what has become of a node: it has ``"joined"``, is ``"lost"`` or ``"left out"``, and why."""

    def node(self, state: str, name: str, reason: str) -> None: ...
