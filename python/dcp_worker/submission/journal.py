"""What the store holds, what of it is on disk already, and what has to go when there is too much."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..tasks.slices import Slice, SliceKey
from .bodies import Body


class StoreLimits(NamedTuple):
    """Bytes of results: in all, and of those that are not on disk yet or cannot be."""

    disk: int = 4 << 30
    memory: int = 256 << 20


@dataclass(slots=True)
class Held:
    """A slice that is here. ``number``: of its result, by age; 0 for one that has none."""

    slice: Slice
    number: int = 0
    size: int = 0
    body: Body | None = None
    """None where it is on disk only."""
    is_stored: bool = False
    is_sending: bool = False


class Put(NamedTuple):
    """A row as it is to be. ``body`` is None where there is no result."""

    slice: Slice
    number: int
    size: int
    body: Body | None


@dataclass(frozen=True, slots=True)
class Batch:
    """Changes that go to disk together. ``stale``: numbers of results that are there and are not any more after it."""

    put: Sequence[Put]
    deleted: Sequence[SliceKey]
    stale: Sequence[int]


class Journal:
    """Without I/O. What changes twice before it is written is written once."""

    def __init__(self, limits: StoreLimits | None = None) -> None:
        self.limits = limits or StoreLimits()
        self._held: dict[SliceKey, Held] = {}
        self._results: dict[int, Held] = {}
        self._on_disk: dict[SliceKey, int] = {}
        self._dirty: dict[SliceKey, None] = {}
        self._writing: set[SliceKey] = set()
        self._last = 0
        self._stored = 0
        self._unstored = 0
        self._loaded: list[int] = []
        self._loaded_bytes = 0

    def restore(self, found: Iterable[Held]) -> None:
        """What is on disk at the start."""
        for held in sorted(found, key=lambda one: one.number):
            key = held.slice.key
            self._held[key] = held
            self._on_disk[key] = held.number
            if held.number:
                held.is_stored = True
                self._results[held.number] = held
                self._stored += held.size
                self._last = held.number

    # What is here

    def in_flight(self) -> list[Slice]:
        return [held.slice for held in self._held.values() if not held.number]

    def results(self) -> list[int]:
        """By age."""
        return list(self._results)

    def result(self, number: int) -> Held | None:
        return self._results.get(number)

    @property
    def stored_bytes(self) -> int:
        """Of results that are on disk."""
        return self._stored

    @property
    def unstored_bytes(self) -> int:
        """Of results that are not there yet, or cannot be."""
        return self._unstored

    @property
    def has_changes(self) -> bool:
        return bool(self._dirty)

    # What happens to it

    def began(self, slices: Iterable[Slice]) -> None:
        """A slice that is handed out again has its new authorization; one whose result is here keeps that."""
        for one in slices:
            known = self._held.get(one.key)
            if not known or not (known.number or known.slice.authorization is one.authorization):
                self._hold(one)

    def finished(self, of: Slice, body: Body) -> int:
        """The number of the result. A slice whose result is here already keeps that."""
        known = self._held.get(of.key)
        if known and known.number:
            return known.number
        self._last += 1
        held = Held(of, self._last, body.size, body)
        self._held[of.key] = self._results[self._last] = held
        self._unstored += held.size
        self._dirty[of.key] = None
        return self._last

    def uploaded(self, number: int, body: Body) -> None:
        """The result is at its storage; what is left to send is ``body``."""
        held = self._results.get(number)
        if held is None:
            return
        self._forget_size(held)
        held.body, held.size, held.is_stored = body, body.size, False
        self._unstored += held.size
        self._dirty[held.slice.key] = None

    def acknowledged(self, number: int) -> None:
        held = self._results.get(number)
        if held:
            self._remove(held)

    def lost(self, number: int) -> None:
        """There will be no result: the slice is in flight again, until it is ``gone``."""
        held = self._results.get(number)
        if held:
            self._remove(held)
            self._hold(held.slice)

    def gone(self, of: Slice) -> None:
        """The slice has gone back to the scheduler. One that has a result, or was handed out again, stays."""
        held = self._held.get(of.key)
        if held and not held.number and held.slice.authorization is of.authorization:
            self._remove(held)

    def drop_excess(self) -> list[Held]:
        """Results beyond the limits, which are lost with this: the oldest first, but none that is being sent.

        The oldest, since the scheduler has most likely given their slices to others.
        """
        excess = self._stored + self._unstored - self.limits.disk
        excess_unstored = self._unstored - self.limits.memory
        dropped = []
        for held in self._results.values():
            if excess <= 0 and excess_unstored <= 0:
                break
            if held.is_sending or (held.is_stored and excess <= 0):
                continue
            excess -= held.size
            excess_unstored -= 0 if held.is_stored else held.size
            dropped.append(held)
        for held in dropped:
            self.lost(held.number)
        return dropped

    # What is written

    def take_batch(self) -> Batch:
        """All that has changed; ``written`` or ``failed`` follows before the next."""
        held = [self._held[key] for key in self._dirty if key in self._held]
        deleted = [key for key in self._dirty if key in self._on_disk and key not in self._held]
        stale = [self._on_disk[key] for key in deleted]
        stale += [self._on_disk.get(one.slice.key, one.number) for one in held]
        numbers = {0, *(one.number for one in held)}
        batch = Batch(
            [Put(one.slice, one.number, one.size, one.body) for one in held],
            deleted,
            [number for number in stale if number not in numbers],
        )
        self._writing = {put.slice.key for put in batch.put}
        self._dirty = {}
        return batch

    def written(self, batch: Batch) -> None:
        self._writing = set()
        for key in batch.deleted:
            self._on_disk.pop(key, None)
        for put in batch.put:
            self._on_disk[put.slice.key] = put.number
            held = self._results.get(put.number)
            if held and held.body is put.body and not held.is_stored:
                held.is_stored = True
                self._unstored -= held.size
                self._stored += held.size
                self._loaded.append(held.number)
                self._loaded_bytes += held.size

    def failed(self, batch: Batch) -> None:
        """It is tried again with what comes after it."""
        self._writing = set()
        for key in (*(put.slice.key for put in batch.put), *batch.deleted):
            if key in self._held or key in self._on_disk:
                self._dirty[key] = None
            else:
                self._dirty.pop(key, None)

    def release_bodies(self, most: int) -> None:
        """Forgets bodies that are on disk, the youngest first, until they take ``most`` bytes in memory."""
        while self._loaded_bytes > most and self._loaded:
            held = self._results.get(self._loaded.pop())
            if held and held.body is not None and held.is_stored:
                held.body = None
                self._loaded_bytes -= held.size

    # Inside

    def _hold(self, of: Slice) -> None:
        self._held[of.key] = Held(of)
        self._dirty[of.key] = None

    def _remove(self, held: Held) -> None:
        key = held.slice.key
        if held.number:
            del self._results[held.number]
            self._forget_size(held)
        del self._held[key]
        if key in self._on_disk or key in self._writing:
            self._dirty[key] = None
        else:
            self._dirty.pop(key, None)

    def _forget_size(self, held: Held) -> None:
        if not held.is_stored:
            self._unstored -= held.size
            return
        self._stored -= held.size
        if held.body is not None:
            self._loaded_bytes -= held.size
