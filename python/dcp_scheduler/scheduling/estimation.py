"""How many slices of a job go out before it is known what they take."""

from __future__ import annotations

_PATIENCE = 10.0
"""Seconds without a result after which as many slices more go out: a job of long slices is not held up."""


def quota(estimation: int, given: int, since_last: float) -> int:
    """``estimation``: slices that are to be measured first; ``given``: that have been out; ``since_last``: seconds
    since the last of them went out.
    """
    return max(estimation - given, given if since_last >= _PATIENCE else 0)
