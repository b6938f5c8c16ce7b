"""What a database or bucket that is away keeps from being done is tried again, until it is done or the program ends."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable
from typing import TypeVar

from .backend import reason
from .contents import ContentsAwayError

_LOG = logging.getLogger(__name__)
_FIRST, _LONGEST = 0.05, 5.0

T = TypeVar("T")


class Patience:
    """For several threads, of which one tells when it goes and when it is back.

    ``what`` it is, for people. ``passes``: whether with this error the same may succeed later; ``conflicts``: at once.
    """

    def __init__(
        self,
        what: str,
        *,
        passes: Callable[[BaseException], bool],
        conflicts: Callable[[BaseException], bool] = lambda error: False,
    ) -> None:
        self._what = what
        self._passes = passes
        self._conflicts = conflicts
        self._lock = threading.Lock()
        self._away = ""
        self._ending = threading.Event()

    def until_done(self, action: Callable[[], T]) -> T:
        """What ``action`` returns. It is called again where its error passes. Raises others, and at the end any."""
        pause = _FIRST
        while True:
            try:
                value = action()
            except Exception as error:
                if self._conflicts(error):
                    _LOG.info("a transaction is tried again: %s", reason(error))
                    pause = _FIRST
                elif self._passes(error) and not self._ending.is_set():
                    self._tell_away(error)
                else:
                    raise
            else:
                self._tell_back()
                return value
            self._ending.wait(pause * random.uniform(0.5, 1.0))
            pause = min(_LONGEST, 2 * pause)

    def end(self) -> None:
        """Nobody waits any more."""
        self._ending.set()

    def _tell_away(self, error: Exception) -> None:
        with self._lock:
            if self._away:
                return
            self._away = error.what if isinstance(error, ContentsAwayError) else self._what
            _LOG.warning("%s cannot be used now (%s); requests wait until it can", self._away, reason(error))

    def _tell_back(self) -> None:
        if not self._away:
            return
        with self._lock:
            if self._away:
                _LOG.warning("%s can be used again", self._away)
            self._away = ""
