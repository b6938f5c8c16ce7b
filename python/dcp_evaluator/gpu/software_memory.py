"""Buffers and textures of software adapters are memory of the machine: what each GPU host may take of it."""

from __future__ import annotations

import threading


class SoftwareMemory:
    """What is promised to the hosts that there are."""

    def __init__(self) -> None:
        self._promised = 0
        self._lock = threading.Lock()

    def take(self, most: int, hosts: int = 1, wanted: int | None = None) -> int:
        """Bytes for one more host of about ``hosts``: all that there ever are have less than ``most`` together.

        ``wanted``: what it needs at most.
        """
        with self._lock:
            share = max(0, min(most // (hosts + 1), (most - self._promised) // 2))
            share = share if wanted is None else min(share, wanted)
            self._promised += share
            return share

    def give_back(self, share: int) -> None:
        """Its host has ended."""
        with self._lock:
            self._promised -= share


of_this_process = SoftwareMemory()
"""Over all evaluators."""
