"""Jobs of a scheduler that stands in for DCP's, and the ledger of what became of each of their slices."""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dcp_protocol import canonical_json, kvin
from dcp_protocol.keys.hashes import eh1
from dcp_protocol.uris.data_uri import decode_data_uri

_SERIAL = itertools.count(1)


@dataclass(frozen=True)
class Group:
    """A compute group. Workers prove that they know its secret, without telling it."""

    identity: str
    join_key: str
    join_secret: str

    @property
    def join_hash(self) -> str:
        return eh1(f"{self.join_key} {self.join_secret}")

    def admits(self, joined: Sequence[Mapping[str, Any]], session: str) -> bool:
        """Whether ``workerComputeGroups``, as told in this session, has this group."""
        proof = {"joinKey": self.join_key, "joinHashHash": eh1(session + self.join_hash)}
        return proof in joined


PUBLIC = Group("public-group", "public", "undefined")


class Location(str):
    """A URL that stands for a value which the worker has to fetch."""


@dataclass(frozen=True)
class HandOut:
    worker: str
    session: str
    authorization: Mapping[str, Any]
    """What the worker has to send back with all that it tells of the slice."""
    at: float = field(default_factory=time.monotonic, compare=False)


@dataclass(frozen=True)
class Told:
    """A status or a result, as it came."""

    data: Mapping[str, Any]
    owner: str
    refusal: str = ""
    """Why it was refused; empty where it was taken."""

    @property
    def value(self) -> Any:
        """The value of a result."""
        if "result" in self.data:
            return decode_data_uri(self.data["result"]).value
        sent = kvin.unmarshal(self.data["resultV2"])
        if sent["method"] == "json":
            return canonical_json.decode(sent["string"].encode())
        return kvin.deserialize(sent["string"])


@dataclass(eq=False)
class Slice:
    """``number`` counts from 1."""

    number: int
    datum: Any = None
    hand_outs: list[HandOut] = field(default_factory=list)
    """All that there were; ``holders`` are those that the worker has not returned."""
    holders: list[HandOut] = field(default_factory=list)
    begins: list[Told] = field(default_factory=list)
    returns: list[Told] = field(default_factory=list)
    results: list[Told] = field(default_factory=list)
    refused: list[Told] = field(default_factory=list)
    """Results that were not taken: of nobody who has the slice, or one more."""

    @property
    def result(self) -> Any:
        """The value of the one result that was taken."""
        (only,) = self.results
        return only.value

    def held_by(self, worker: str, authorization: object) -> HandOut | None:
        same = (one for one in self.holders if one.worker == worker and one.authorization == authorization)
        return next(same, None)


@dataclass(eq=False, kw_only=True)
class Job:
    """``data``: values, or ``Location``; or the size of ``input_set``, the JSON of a range. Slices count from 1."""

    work: str
    data: Sequence[Any] | int
    arguments: Sequence[Any] = ()
    input_set: Any = None
    name: str = "a job of the test"
    group: Group = PUBLIC
    code: str = ""
    """Where the work function is, if it is to be fetched."""
    modules: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By package the sources of its files."""
    dependencies: Sequence[str] = ()
    needs: int = 0
    """Bits of dialect 5: 8 offscreenCanvas, 16 fdlibm, 32 WebGPU."""
    discrete: bool = False
    use_strict: bool = False
    sends_console: bool = True
    worktime: tuple[str, str] = ("map-basic", "1.0.0")
    worktime_range: str = "^1.0.0"
    """What dialect 5 has of its version."""
    estimation: int = 0
    """How many slices are handed out, and have to have results, before the others."""
    is_long: bool = False
    upload: str = ""
    """Where results go: storage ``pattern``."""
    upload_fields: Mapping[str, Any] = field(default_factory=dict)
    payment: float = 0.0
    """DCC per slice."""
    refusals: dict[int, int] = field(default_factory=dict)
    """By slice, how many of its results are answered with ``success: false`` before one is taken."""
    serial: int = field(default_factory=lambda: next(_SERIAL))

    def __post_init__(self) -> None:
        data = [None] * self.data if isinstance(self.data, int) else self.data
        self.slices = {number: Slice(number, datum) for number, datum in enumerate(data, 1)}
        self.waiting = deque(self.slices.values())
        self.missing = len(self.slices)
        """How many slices have no result yet."""
        self.cpu_time = 0.0
        self.is_open = True

    @property
    def address(self) -> str:
        """What dialect 4 calls it."""
        return "0x" + 5 * f"{self.serial:08x}"

    @property
    def id(self) -> str:
        """What dialect 5 calls it."""
        return f"job{self.serial:019d}"

    @property
    def is_done(self) -> bool:
        return self.missing == 0

    @property
    def results(self) -> list[Any]:
        """The values of all slices. Raises ValueError if not each has one result."""
        return [one.result for one in self.slices.values()]

    @property
    def without_result(self) -> list[int]:
        return [number for number, one in self.slices.items() if not one.results]

    def take(self, most: int) -> Iterator[Slice]:
        """Slices to hand out now."""
        while most > 0 and self.waiting and not self._waits_for_estimation():
            most -= 1
            yield self.waiting.popleft()

    def _waits_for_estimation(self) -> bool:
        estimated = [self.slices[number] for number in range(1, self.estimation + 1)]
        return self.waiting[0].number > self.estimation and not all(one.results for one in estimated)

    def hand_out_again(self, *numbers: int) -> None:
        """These next, whether or not somebody has them."""
        self.waiting.extendleft(self.slices[number] for number in reversed(numbers))

    def take_back(self, one: Slice, from_whom: HandOut) -> None:
        """The worker has returned it, so another gets it."""
        one.holders.remove(from_whom)
        if not one.results and not one.holders and one not in self.waiting:
            self.waiting.appendleft(one)
