"""What the dialogue with a sandbox reports, and the values that work in it is asked with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from dcp_protocol import kvin

from ..dialects.sandbox_messages import Description
from ..errors import SandboxError

ModuleGroup = Mapping[str, Mapping[str, str]]
"""The text of each file of each package."""


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """What a work function wants from the network. ``url`` and all else is foreign: whether it may is not decided."""

    url: str
    method: str
    headers: Sequence[tuple[str, str]]
    body: bytes | None
    credentials: str


@dataclass(frozen=True, slots=True)
class FetchResponse:
    url: str
    status: int
    status_text: str
    headers: Sequence[tuple[str, str]]
    body: bytes | None


class Measured(NamedTuple):
    """Milliseconds that the start-up files measured. They run beside the work function, which may change them."""

    cpu: float = 0.0
    gpu: float = 0.0


class Sizes(NamedTuple):
    """UTF-16 units, and bytes of fetches, that came into a slice or went out of it."""

    taken: int
    given: int


class Described(NamedTuple):
    description: Description


class Assigned(NamedTuple):
    pass


class Evaluated(NamedTuple):
    """The answer to ``evaluate``, or the error that it threw."""

    value: Any
    error: str | None


class Progressed(NamedTuple):
    """``percent``: 0 to 100; None where the work function does not know."""

    percent: float | None


class ConsoleWritten(NamedTuple):
    """``arguments``: a list; UNDEFINED where the last text came ``same`` times more."""

    level: str
    arguments: Any
    same: int


class EventEmitted(NamedTuple):
    name: str
    data: Any


class ModulesWanted(NamedTuple):
    request: Any
    names: Sequence[str]


class FetchWanted(NamedTuple):
    request: Any
    fetch: FetchRequest


class SliceCompleted(NamedTuple):
    value: Any
    measured: Measured
    sizes: Sizes


class SliceThrew(NamedTuple):
    error: kvin.JSError
    measured: Measured
    sizes: Sizes


class SliceRejected(NamedTuple):
    """``work.reject(reason, retries)``: the sandbox ends with it."""

    reason: str
    retries: int
    measured: Measured
    sizes: Sizes


class Ended(NamedTuple):
    """The last event: nothing more is to be said to this sandbox, and it is to be ended."""

    error: SandboxError


Event = (
    Described | Assigned | Evaluated | Progressed | ConsoleWritten | EventEmitted | ModulesWanted | FetchWanted
    | SliceCompleted | SliceThrew | SliceRejected | Ended
)  # fmt: skip
