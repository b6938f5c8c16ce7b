"""Numbers of one evaluator since its start."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

HOW_SANDBOXES_END = ("closed", "failed", "killed", "out_of_memory", "other_protocol", "refused", "zygote_ended")
"""By its peer or itself; with an error; by a signal; for want of memory, with its peer's protocol, before it began,
and with all others."""


@dataclass(slots=True)
class Counters:
    """Seconds are floats, memory is bytes. Whoever changes them is one thread; others may read."""

    started_at: float = field(default_factory=time.time)
    """Unix time."""
    sandboxes_started: int = 0
    sandboxes_ended: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(HOW_SANDBOXES_END, 0)))
    """By one of HOW_SANDBOXES_END."""
    lifetime_seconds: float = 0.0
    cpu_seconds: float = 0.0
    gpu_seconds: float = 0.0
    peak_memory: int = 0
    """The largest of any sandbox that has ended."""
    connections_refused: int = 0
    zygote_restarts: int = 0
    gpu_hosts_started: int = 0
    gpu_hosts_failed: int = 0
    """Of those, how many ended by themselves."""

    @property
    def sandboxes(self) -> int:
        """That run."""
        return self.sandboxes_started - self.sandboxes_ended.total()

    def sandbox_ended(
        self, how: str, *, lifetime: float = 0.0, cpu: float = 0.0, gpu: float = 0.0, peak_memory: int = 0
    ) -> None:
        """``how``: one of HOW_SANDBOXES_END."""
        self.sandboxes_ended[how] += 1
        self.lifetime_seconds += lifetime
        self.cpu_seconds += cpu
        self.gpu_seconds += gpu
        self.peak_memory = max(self.peak_memory, peak_memory)
