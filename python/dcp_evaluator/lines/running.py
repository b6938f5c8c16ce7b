"""A sandbox that has a connection, and what is said of it when it has ended."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from ..processes.exit_status import ExitStatus
from ..processes.zygote_messages import Use

_MIB = 1 << 20
_MINUTE, _HOUR = 60, 3600


@dataclass(slots=True, eq=False)
class Running:
    """``peer``: the address at the other end, empty where there is none. ``began``: of the monotonic clock.

    ``was_short``: memory was refused to its job, which may have gone on.
    """

    number: int
    peer: str
    service_socket: socket.socket
    began: float
    pid: int | None = None
    was_short: bool = False

    def name(self) -> str:
        return f"sandbox {self.number}"

    def told_end(self, status: ExitStatus, now: float, use: Use, gpu: float) -> str:
        """Why, whose, how long it lived and what it used. ``gpu``: seconds."""
        used = [f"CPU {use.cpu:.2f} s", *([f"GPU {gpu:.2f} s"] if gpu else []), f"memory {_mebibytes(use.memory)} MiB"]
        whose = [f"peer {self.peer}"] if self.peer else []
        return f"{self.name()} ended ({status}): {', '.join([*whose, f'life {duration(now - self.began)}', *used])}"


def duration(seconds: float) -> str:
    """For people, as in ``2 h 3 min``."""
    whole = int(seconds)
    if whole < _MINUTE:
        return f"{seconds:.1f} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"


def _mebibytes(size: int) -> int:
    return -(-size // _MIB)
