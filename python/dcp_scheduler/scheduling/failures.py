"""When failures end a job."""

from __future__ import annotations

OF_WORK = frozenset(("ENOPROGRESS", "EUNCAUGHT", "ESLICETOOSLOW"))
"""Reasons of returns that say something of the work function; all others may be the worker's own."""
MOST_OF_SLICE = 5
"""As a rule of different workers, since who has failed a slice gets it again last."""
_FEW = 50


def verdict(of_slice: int, of_job: int, done: int, reason: str) -> tuple[str, str] | None:
    """Code and reason to cancel the job for; None as long as it may go on. Only failures that were found to be the
    job's are counted: ``of_slice`` of the slice that failed most, ``of_job`` of all; ``done``: slices with results.
    """
    if of_slice >= MOST_OF_SLICE:
        return reason, f"a slice has failed {of_slice} times: {reason}"
    if of_job >= _FEW and of_job > done:
        return "ETOOMANYERRORS", f"slices have failed {of_job} times, the last with {reason}, and {done} have results"
    return None
