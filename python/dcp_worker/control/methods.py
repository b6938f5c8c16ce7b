"""What a worker can be asked by its control socket: the methods of the protocol, and their parameters."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

_Name = Annotated[str, Meta(min_length=1, max_length=200)]
_Seconds = Annotated[float, Meta(gt=0, le=10 * 366 * 86400)]
_Level = Literal["debug", "info", "warning", "error"]


class Method(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of a method."""


class Status(Method, frozen=True):
    """Answers with a ``WorkerStatus``."""


class Subscribe(Method, frozen=True, kw_only=True):
    """From the answer on, notifications come: ``status`` whenever it has changed, but ``interval`` seconds apart;
    with ``log``, lines of the log of this level and above, after the last ``backlog`` of them.
    """

    interval: Annotated[float, Meta(ge=0.1, le=3600)] | None = 1.0
    log: _Level | None = None
    backlog: Annotated[int, Meta(ge=0, le=1000)] = 0


class Logs(Method, frozen=True, kw_only=True):
    """Answers with the last lines of the log, oldest first."""

    lines: Annotated[int, Meta(ge=1, le=1000)] = 100
    level: _Level = "debug"


class Pause(Method, frozen=True, kw_only=True):
    """``resource``: ``all``, ``cpu``, ``gpu`` for all GPUs, or the id of one. Without ``seconds`` it ends by
    ``resume``; that outlives a restart of the worker if it is to be ``kept``. One with an end always does.
    """

    resource: _Name = "all"
    seconds: _Seconds | None = None
    kept: bool = False


class Resume(Method, frozen=True, kw_only=True):
    """Takes back what ``pause`` has said; rules of the configuration still hold."""

    resource: _Name = "all"


class Finish(Method, frozen=True):
    """No new work; the worker ends once what it has is computed and submitted."""


class Stop(Method, frozen=True, kw_only=True):
    """As SIGTERM does; ``hard``: what runs is returned, too."""

    hard: bool = False


class ExitWhenDone(Method, frozen=True, kw_only=True):
    """Whether the worker ends once the scheduler has no work for it."""

    value: bool = True


class Report(Method, frozen=True, kw_only=True):
    """Answers with the days since ``since`` (``YYYY-MM-DD``, UTC), or the last ``days``."""

    since: Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")] | None = None
    days: Annotated[int, Meta(ge=1, le=366)] = 30


class Config(Method, frozen=True, kw_only=True):
    """Answers with the configuration that counts, without secrets; ``path``: a part of it."""

    path: Annotated[str, Meta(max_length=200)] = ""


class SelfTest(Method, frozen=True, kw_only=True):
    """Answers with what the evaluator says of this machine, as ``dcp-evaluator`` prints it as JSON."""

    kind: Literal["probe", "benchmark"] = "probe"


METHODS: Final[dict[str, type[Method]]] = {
    "status": Status,
    "subscribe": Subscribe,
    "logs": Logs,
    "pause": Pause,
    "resume": Resume,
    "finish": Finish,
    "stop": Stop,
    "exit_when_done": ExitWhenDone,
    "report": Report,
    "config": Config,
    "self_test": SelfTest,
}
