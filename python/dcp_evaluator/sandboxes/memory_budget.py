"""What the sandboxes of one evaluator may take together."""

from __future__ import annotations

import threading

from ..processes.zygote import DEFAULT_MEMORY
from ..settings.settings import Settings

_MIB = 1 << 20
_LEAST, _USEFUL = 64 * _MIB, 512 * _MIB


class MemoryBudget:
    """Of ``Settings.max_memory``. A sandbox counts with its memory limit, whatever it uses."""

    def __init__(self, settings: Settings) -> None:
        self.total = settings.max_memory
        self.is_given = settings.max_memory_given
        self._reserved = 0
        self._lock = threading.Lock()

    def refusal(self, each: int | None) -> str | None:
        """Why no sandbox may have that memory limit, where somebody has set the other one."""
        if each is None or each <= self.total or not self.is_given:
            return None
        return (
            f"the memory limit of a sandbox is {each // _MIB} MiB, more than the {self.total // _MIB} MiB for all "
            "together; lower the first, or raise max_memory (--max-memory)"
        )

    def limit(self, sandboxes: int) -> int | None:
        """Of each of them, where nobody has said: its part, or a useful size; None for the usual one."""
        part = self.total // sandboxes // _LEAST * _LEAST
        part = max(part, _LEAST if self.is_given else _USEFUL)
        return None if part >= DEFAULT_MEMORY else part

    def reserve(self, wanted: int, each: int | None) -> int:
        """How many sandboxes of ``wanted`` there is memory for: at least one, so that no job waits for another.

        All where nobody has set a limit: None.
        """
        if each is None:
            return wanted
        with self._lock:
            given = max(1, min(wanted, (self.total - self._reserved) // each))
            self._reserved += given * each
            return given

    def release(self, given: int, each: int | None) -> None:
        if each is not None:
            with self._lock:
                self._reserved -= given * each
