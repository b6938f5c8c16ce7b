"""The nodes of a cluster."""

from __future__ import annotations

from typing import NamedTuple

from .connection import load_ray

_HEAD = "node:__internal_head__"
"""A resource of the head alone."""


class Node(NamedTuple):
    """One that lives. ``id``: Ray's. ``cpus``, ``gpus``, ``memory``: what Ray counts there, memory in bytes."""

    id: str
    host: str
    address: str
    cpus: float
    gpus: float
    memory: float = 0.0

    @property
    def name(self) -> str:
        """For people: hosts have several nodes in tests."""
        return f"{self.host} ({self.id[:8]})"


def nodes() -> list[Node]:
    """Of the cluster that the program is connected to, the head first."""
    living = [node for node in load_ray().nodes() if node["Alive"]]
    living.sort(key=lambda node: (_HEAD not in node["Resources"], node["NodeManagerHostname"], node["NodeID"]))
    return [
        Node(
            node["NodeID"],
            node["NodeManagerHostname"],
            node["NodeManagerAddress"],
            node["Resources"].get("CPU", 0.0),
            node["Resources"].get("GPU", 0.0),
            node["Resources"].get("memory", 0.0),
        )
        for node in living
    ]
