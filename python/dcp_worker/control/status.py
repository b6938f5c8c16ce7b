"""What a worker says of itself: the document of ``dcp-worker status --json``, of dashboards and of the web page.

Its schema is ``schemas/status-1.json``. Members may be added within a version; one that changes its meaning or goes
makes the next version. Times are Unix seconds, and only ``time`` changes where nothing happens.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from inspect import cleandoc
from pathlib import Path
from typing import Final, Literal

import msgspec

from ..rules.verdict import Reason

SCHEMA_FILE: Final = Path(__file__).parent / "schemas" / "status-1.json"
_TITLE: Final = "What dcp-worker status --json prints, version 1"
_DESCRIPTION: Final = (
    "Members may be added within a version; one that changes its meaning or goes makes the next version."
)

Kind = Literal["cpu", "gpu"]
State = Literal["starting", "working", "idle", "paused", "finishing", "stopping"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    name: Literal["dcp-worker-status"] = "dcp-worker-status"
    version: Literal[1] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """The CPU or a GPU. ``id``: ``cpu``, or the name by which a GPU is paused. ``limit`` and ``used``: cores, GPUs."""

    id: str
    name: str
    kind: Kind
    allowed: bool = True
    reasons: tuple[Reason, ...] = ()
    limit: float = 0.0
    used: float = 0.0
    temperature: float | None = None
    """In degrees Celsius, where it is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """``began``, ``reported``: when its slice began, and last reported progress. ``progress``: from 0 to 1."""

    number: int
    state: Literal["ready", "working"] = "ready"
    job: str = ""
    job_name: str = ""
    slice: int | None = None
    progress: float | None = None
    began: float | None = None
    reported: float | None = None
    uses_gpu: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """``link`` is the job's, and may be anything. Counts are as those of ``Totals``."""

    id: str
    name: str = ""
    description: str = ""
    link: str = ""
    uses_gpu: bool = False
    queued: int = 0
    working: int = 0
    completed: int = 0
    failed: int = 0
    rejected: int = 0
    submitted: int = 0
    cpu_seconds: float = 0.0
    gpu_seconds: float = 0.0
    earned: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """Slices. ``unsubmitted``: their results wait for the scheduler."""

    working: int = 0
    queued: int = 0
    unsubmitted: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Of this run. Times are seconds, ``earned`` is in DCC. ``rejected``: refused by their work functions."""

    completed: int = 0
    failed: int = 0
    rejected: int = 0
    submitted: int = 0
    cpu_seconds: float = 0.0
    gpu_seconds: float = 0.0
    earned: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Of the last hour, or of this run where that is shorter. ``earned`` is in DCC."""

    slices_per_hour: float = 0.0
    earned_per_hour: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """``text`` says what holds just now. ``in_force``: something rests because of it."""

    name: str
    text: str
    in_force: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStatus:
    """``reason``: why it is in this state, in words. ``exit_when_done``: it ends when there is no more work."""

    schema: Schema = field(default_factory=Schema)
    time: float
    version: str
    """Of dcp-evaluator, whose part this program is."""
    pid: int
    worker: str
    """Its id; empty until it has one."""
    started: float
    state: State
    reason: str = ""
    exit_when_done: bool = False
    scheduler: str = ""
    account: str = ""
    identity: str = ""
    evaluator: str = ""
    max_sandboxes: int = 0
    resources: tuple[Resource, ...] = ()
    sandboxes: tuple[Sandbox, ...] = ()
    jobs: tuple[Job, ...] = ()
    queue: Queue = Queue()
    totals: Totals = Totals()
    rates: Rates = Rates()
    rules: tuple[Rule, ...] = ()
    messages: tuple[str, ...] = ()
    """What is wrong just now, for the worker's owner."""

    def differs(self, other: WorkerStatus) -> bool:
        """In more than the time at which it was told."""
        return replace(self, time=other.time) != other


def schema_text() -> str:
    """The schema of ``WorkerStatus``, as its file has it."""
    (schema,), parts = msgspec.json.schema_components([WorkerStatus], ref_template="#/$defs/{name}")
    for part in parts.values():
        if "description" in part:  # a docstring, which some versions of msgspec give as it is
            part["description"] = cleandoc(part["description"])
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": _TITLE, "description": _DESCRIPTION}
    text = msgspec.json.encode({**head, **schema, "$defs": parts})
    return msgspec.json.format(text, indent=2).decode() + "\n"
