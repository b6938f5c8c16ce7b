"""What a worker asks for, and what it tells of its slices."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .measured import Measured, Rates
from .requirements import Requirements


class FetchState(enum.IntFlag, boundary=enum.FlagBoundary.KEEP):
    """Of ``utils/fetchState.js``, what changes the answer. Without NORMAL a worker wants no slices."""

    NORMAL = 1
    STARTUP = 4


@dataclass(frozen=True, slots=True)
class GroupProof:
    """That a worker, or a client, knows a group's secret. ``name``: its join key or its id."""

    name: str
    join_hash_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkRequest:
    """``worker``: its id; ``owner``: the address that has signed; ``place``: where it asks from, as limits count that,
    empty where they do not. ``room``: cores that have nothing to do; ``gpu``:
    GPUs; ``long_slices``: how many it would take. ``quanta``: how many times slower than the network's mean this worker
    is; ``known_cpu``, ``known_gpu``: milliseconds of jobs that it has done itself, by their name. ``worktimes``: by
    name the versions that it has. ``wage``: what it wants at least. ``alive``: slices that are not finished, by job;
    None where nothing was said.
    """

    dialect: int
    worker: str
    owner: str
    session: str
    state: FetchState
    place: str = ""
    payee: str = ""
    room: float = 0.0
    gpu: float = 0.0
    long_slices: int = 1
    quanta: float = 1.0
    gpu_quanta: float = 1.0
    known_cpu: Mapping[str, float] = field(default_factory=dict)
    known_gpu: Mapping[str, float] = field(default_factory=dict)
    wage: Rates = field(default_factory=Rates)
    has: Requirements = Requirements.NONE
    worktimes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    groups: Sequence[GroupProof] = ()
    only: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()
    worked_before: frozenset[str] = frozenset()
    alive: Mapping[str, Sequence[int]] | None = None
    returns_all: bool = False


@dataclass(frozen=True, slots=True)
class Compared:
    """Of a result among several of one slice. ``kind``: the same as of those that agree with it; ``content``: where it
    is kept for others to be compared with; ``among``: how many it was compared with, None where that does not matter.
    """

    kind: str
    content: str = ""
    among: int | None = None


@dataclass(frozen=True, slots=True)
class SliceResult:
    """``uri``: what clients get as the result. ``compared``: where its job wants several."""

    worker: str
    owner: str
    job: str
    number: int
    payee: str
    uri: str
    measured: Measured
    compared: Compared | None = None


@dataclass(frozen=True, slots=True)
class SliceStatus:
    """``status``: ``begin``, ``return`` or another that workers tell. ``reason``: of a return."""

    worker: str
    job: str
    numbers: Sequence[int]
    status: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class WorkEvent:
    """Something that a work function, or its failure, has to say to the client."""

    worker: str
    job: str
    number: int
    name: str
    payload: Mapping[str, Any]
