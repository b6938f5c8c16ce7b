"""What a zygote says on its control socket (docs/protocol.md section 4), as values."""

from __future__ import annotations

from typing import NamedTuple

from ..errors import ZygoteError
from .exit_status import ExitStatus


class Ready(NamedTuple):
    """The start-up files are loaded."""


class WantsCompiler(NamedTuple):
    """Its template has WebAssembly; it waits for a connection to the compiler."""


class Spawned(NamedTuple):
    """The sandbox runs, in process ``pid``."""

    sandbox: int
    pid: int


class Refused(NamedTuple):
    """The sandbox could not be made."""

    sandbox: int
    reason: str


class Use(NamedTuple):
    """What a sandbox has used: seconds of CPU time, and the most bytes that it had beyond what its zygote shares."""

    cpu: float = 0.0
    memory: int = 0


class Exited(NamedTuple):
    """The sandbox has ended."""

    sandbox: int
    status: ExitStatus
    use: Use = Use()


Message = Spawned | Refused | Exited


def parse(text: str) -> Message | Ready | WantsCompiler:
    """Raises ZygoteError for ``failed``, which is the zygote's last message, and for what is no message."""
    kind, _, rest = text.partition(" ")
    if kind == "failed":
        raise ZygoteError(rest or "the sandbox runtime cannot be loaded")
    sandbox, _, detail = rest.partition(" ")
    try:
        match kind:
            case "ready":
                return Ready()
            case "compiler":
                return WantsCompiler()
            case "spawned":
                return Spawned(int(sandbox), int(detail))
            case "refused":
                return Refused(int(sandbox), detail)
            case "exited":
                status, cpu, memory = detail.rsplit(" ", 2)
                return Exited(int(sandbox), _status(status), Use(_count(cpu) / 1_000_000, _count(memory) << 10))
    except ValueError:
        pass  # a refusal without a sandbox, too: we sent what this zygote does not know
    raise ZygoteError(
        f"the sandbox zygote and this package do not understand each other (it said {text[:80]!a}); "
        "install dcp-evaluator again"
    )


def _count(text: str) -> int:
    """Raises ValueError."""
    if not (text.isascii() and text.isdigit()):
        raise ValueError(text)
    return int(text)


def _status(text: str) -> ExitStatus:
    """``exit N`` or ``signal N``. Raises ValueError."""
    kind, _, number = text.partition(" ")
    if kind not in ("exit", "signal"):
        raise ValueError(text)
    return ExitStatus(int(number) if kind == "exit" else -int(number))
