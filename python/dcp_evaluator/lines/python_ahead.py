"""A second zygote, whose sandboxes have the Python of DCP's worktime running: made once a job has asked for Python."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from ..errors import DcpError
from ..processes.zygote import Zygote

IDLE_SECONDS = 900.0
"""After which it goes, if no job has asked for Python: its memory is more than a hundred megabytes."""


class PythonAhead:
    """``start`` makes the zygote. ``watch`` and ``unwatch`` look at it for an event loop.

    ``failure``: why there is none, and will be none.
    """

    def __init__(
        self, start: Callable[[], Zygote], watch: Callable[[Zygote], None], unwatch: Callable[[Zygote], None]
    ) -> None:
        self.zygote: Zygote | None = None
        self.failure = ""
        self._start = start
        self._watch = watch
        self._unwatch = unwatch
        self._sandboxes: set[int] = set()
        self._used = 0.0

    def expect(self) -> None:
        """A job uses Python, so others may. Raises InstallationError, ZygoteError, after which it does nothing."""
        self._used = time.monotonic()
        if self.zygote is not None or self.failure:
            return
        try:
            self.zygote = self._start()
        except DcpError as error:
            self.failure = str(error)
            raise
        self._watch(self.zygote)

    def take(self) -> Zygote | None:
        """The zygote that is to make the next sandbox, if it is ready."""
        return self.zygote if self.zygote is not None and self.zygote.is_ready else None

    def made(self, sandbox: int) -> None:
        self._sandboxes.add(sandbox)

    def has(self, sandbox: int) -> bool:
        return sandbox in self._sandboxes

    def forget(self, sandbox: int) -> None:
        """It has ended."""
        self._sandboxes.discard(sandbox)

    def rest(self) -> None:
        """Ends the zygote if it is of no use any more."""
        if self.zygote is not None and not self._sandboxes and time.monotonic() - self._used > IDLE_SECONDS:
            self.close()

    def ended(self, reason: str) -> list[int]:
        """The zygote has, and its sandboxes with it, which are returned. One that does not load is not tried again."""
        if self.zygote is not None and not self.zygote.is_ready:
            self.failure = reason
        lost = sorted(self._sandboxes)
        self.close()
        return lost

    def close(self) -> None:
        """Ends the zygote, and its sandboxes."""
        zygote, self.zygote = self.zygote, None
        self._sandboxes.clear()
        if zygote is not None:
            with contextlib.suppress(KeyError, ValueError):
                self._unwatch(zygote)
            zygote.close()
