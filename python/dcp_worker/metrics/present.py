"""How a worker is just now, as its metrics tell it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """The CPU or a GPU. ``limit`` and ``used``: cores, GPUs. Memory is bytes, of all programs; None: not known."""

    id: str
    allowed: bool
    limit: float
    used: float
    temperature: float | None = None
    memory_used: int | None = None
    memory: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """``state``: one of ``states``. ``unsubmitted``: results that wait for the scheduler."""

    state: str
    states: Sequence[str]
    started: float
    information: dict[str, str]
    sandboxes_ready: int
    slices_working: int
    slices_queued: int
    unsubmitted: int
    most_sandboxes: int
    resources: Sequence[Resource]
