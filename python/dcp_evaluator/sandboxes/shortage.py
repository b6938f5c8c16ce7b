"""How long a job waits for descriptors that others have taken."""

from __future__ import annotations

import errno
import math
import resource

from ..errors import JobError, reason_of
from ..processes.notices import notice
from ..processes.passing import shortage

PATIENCE = 10.0
"""Seconds, as long as no slice runs."""
_PAUSE = 0.05
_NEWS = 1.0
"""Seconds without a failure, after which the next one begins another shortage."""
_OF_A_SANDBOX = 2
"""Descriptors that it takes here."""


class Shortage:
    """What fails for want of descriptors, and is tried again."""

    def __init__(self) -> None:
        self._retry_at = math.inf
        self._since = self._last = -math.inf
        self._told = False

    def take_retry(self) -> float:
        """When what has failed since the last call is worth another try; infinite where nothing has."""
        retry_at, self._retry_at = self._retry_at, math.inf
        return retry_at

    def met(self, error: OSError, now: float, sandboxes: int, *, idle: bool) -> None:
        """Raises JobError where waiting is of no use: for another failure, or when this job has taken them itself.

        ``sandboxes``: how many the job has. ``idle``: whether none of them runs a slice; then patience ends.
        """
        reason = shortage(error)
        if reason is None:
            raise JobError(f"a sandbox cannot be made: {reason_of(error)}") from None
        if now - self._last > _NEWS:
            self._since = now
        self._last = now
        lasts = now - self._since >= PATIENCE
        if (error.errno == errno.EMFILE and _takes_most(sandboxes)) or (idle and lasts):
            raise JobError(f"a sandbox cannot be made: {reason}") from None
        if lasts and not self._told:
            self._told = True
            notice(f"a job goes on with {sandboxes} sandboxes: {reason}")
        self._retry_at = now + _PAUSE


def _takes_most(sandboxes: int) -> bool:
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return limit != resource.RLIM_INFINITY and 2 * _OF_A_SANDBOX * sandboxes >= limit
