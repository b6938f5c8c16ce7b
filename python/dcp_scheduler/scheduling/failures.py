"""When failures end a job.

Identities are free, addresses are not, and results cost work. A job is blamed when workers of several owners, and from
several places, have failed it: of as many as there are, up to some. Where enough have had results, only they are asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Set
from dataclasses import dataclass

OF_WORK = frozenset(("ENOPROGRESS", "EUNCAUGHT", "ESLICETOOSLOW"))
"""Reasons of returns that say something of the work function; all others may be the worker's own."""
MOST_OF_SLICE = 5
MOST_OF_JOB = 50
"""At least, and more than have results."""
ENOUGH = 3
"""Of owners, and of places."""


@dataclass(frozen=True, slots=True)
class Witness:
    """A worker: who has it, from where it asks, and whether it has had results."""

    owner: str
    place: str
    has_results: bool = False


@dataclass(frozen=True, slots=True)
class Present:
    """Owners and places of workers that are there: no more of them than matter."""

    owners: Set[str] = frozenset()
    places: Set[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Needed:
    """By workers of so many owners, from so many places, a job has to fail."""

    owners: int = 1
    places: int = 1


@dataclass(frozen=True, slots=True)
class Failed:
    """How often workers of this owner from this place have failed something."""

    owner: str
    place: str
    count: int


def needed(everybody: Present, judges: Present, witness: Witness) -> Needed | None:
    """None where the witness says nothing. ``judges``: of those that are there, who has had results."""
    asked = everybody
    if len(judges.owners | ({witness.owner} if witness.has_results else set())) >= ENOUGH:
        if not witness.has_results:
            return None
        asked = judges
    return Needed(
        min(ENOUGH, len(asked.owners | {witness.owner})), min(ENOUGH, len(asked.places | {witness.place}))
    )  # fmt: skip


def counted(failed: Iterable[Failed], by: Needed, most: int) -> int:
    """Each owner and each place has its share of ``most``, and counts for no more."""
    owners: Counter[str] = Counter()
    places: Counter[str] = Counter()
    for each in failed:
        owners[each.owner] += each.count
        places[each.place] += each.count
    return min(_shared(owners, by.owners, most), _shared(places, by.places, most))


def _shared(failed: Counter[str], by: int, most: int) -> int:
    share = -(-most // by)
    return sum(min(count, share) for count in failed.values())


def verdict(of_slice: int, of_job: int, done: int, reason: str) -> tuple[str, str] | None:
    """Code and reason to cancel the job for; None as long as it may go on. Only failures that were found to be the
    job's are counted: ``of_slice`` of the slice that failed most, ``of_job`` of all; ``done``: slices with results.
    """
    if of_slice >= MOST_OF_SLICE:
        return reason, f"a slice has failed {of_slice} times: {reason}"
    if of_job >= MOST_OF_JOB and of_job > done:
        return "ETOOMANYERRORS", f"slices have failed {of_job} times, the last with {reason}, and {done} have results"
    return None
