"""Which workers could do a job that has failed somewhere: who is to be heard before it is blamed."""

from __future__ import annotations

from collections import OrderedDict

from .failures import ENOUGH, Present, Witness
from .trust import ALIVE

_MOST_JOBS = 1000
_MOST_PLACES = 16
_MOST_OWNERS = 16
"""At a place: its many identities put nobody else's out."""

_Owners = OrderedDict[tuple[str, bool], float]


class AbleWorkers:
    """Of jobs by number. Times are seconds of one clock."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[int, OrderedDict[str, _Owners]] = OrderedDict()

    def note(self, job: int, witness: Witness, now: float) -> None:
        """The worker asks, and the job suits it."""
        places = self._jobs.setdefault(job, OrderedDict())
        owners = places.setdefault(witness.place, OrderedDict())
        owners[witness.owner, witness.has_results] = now
        owners.move_to_end((witness.owner, witness.has_results))
        places.move_to_end(witness.place)
        self._jobs.move_to_end(job)
        if len(owners) > _MOST_OWNERS:
            newcomer = next((key for key in owners if not key[1]), next(iter(owners)))
            del owners[newcomer]
        for full, most in ((places, _MOST_PLACES), (self._jobs, _MOST_JOBS)):
            if len(full) > most:
                full.popitem(last=False)

    def of(self, job: int, now: float) -> tuple[Present, Present]:
        """All that are there, and those of them that have had results."""
        found = [
            Witness(owner, place, has_results)
            for place, owners in self._jobs.get(job, {}).items()
            for (owner, has_results), at in owners.items()
            if now - at < ALIVE
        ]
        return _present(found), _present([each for each in found if each.has_results])


def _present(witnesses: list[Witness]) -> Present:
    owners, places = {each.owner for each in witnesses}, {each.place for each in witnesses}
    return Present(frozenset(sorted(owners)[:ENOUGH]), frozenset(sorted(places)[:ENOUGH]))
