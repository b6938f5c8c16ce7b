"""What a service tells its service manager: sd_notify(3), which asks for no library."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import MutableMapping

_SOCKET, _WATCHDOG, _WATCHDOG_PROCESS = "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"
_MICROSECONDS = 1_000_000
_LONGEST_STATUS = 1000


class ServiceManager:
    """The one that started this process; where nobody wants to be told, the methods do nothing. None of them raises.

    ``watchdog_interval``: seconds after which ``alive`` is to be called again; None where nobody waits for it.
    """

    def __init__(self, address: str | None = None, watchdog_interval: float | None = None) -> None:
        """``address``: of its socket, a path, or a name that begins with ``@``."""
        self.watchdog_interval = watchdog_interval if address else None
        self._address = "\0" + address[1:] if address and address.startswith("@") else address
        self._socket: socket.socket | None = None
        self._status = ""
        if address:
            with contextlib.suppress(OSError):
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

    @classmethod
    def of_environment(cls, environment: MutableMapping[str, str] = os.environ) -> ServiceManager:
        """As the environment names it. Takes its variables away: they are not meant for the programs that we start."""
        address = environment.pop(_SOCKET, "")
        patience = environment.pop(_WATCHDOG, "")
        process = environment.pop(_WATCHDOG_PROCESS, "")
        wanted = _is_number(patience) and int(patience) > 0 and process in ("", str(os.getpid()))
        interval = int(patience) / _MICROSECONDS / 2 if wanted else None
        return cls(address if address[:1] in ("/", "@") else None, interval)

    @property
    def is_there(self) -> bool:
        """Whether somebody is told."""
        return self._socket is not None

    def ready(self, status: str = "") -> None:
        """The service does its work from now on. ``status``: one line for people."""
        self._tell("READY=1", status)

    def status(self, text: str) -> None:
        """One line for people, as in ``systemctl status``. One that has not changed is not told again."""
        if text != self._status:
            self._tell(status=text)

    def stopping(self, status: str = "") -> None:
        """It ends, or takes no more work and ends when it has done the rest."""
        self._tell("STOPPING=1", status)

    def needs(self, seconds: float) -> None:
        """Starting or stopping goes on, and takes at most so long from now, whatever limit the unit has."""
        self._tell(f"EXTEND_TIMEOUT_USEC={int(seconds * _MICROSECONDS)}")

    def alive(self) -> None:
        """Its loop turns."""
        if self.watchdog_interval is not None:
            self._tell("WATCHDOG=1")

    def close(self) -> None:
        """From now on nobody is told."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _tell(self, state: str = "", status: str = "") -> None:
        lines = [state] if state else []
        if status:
            self._status = status
            lines.append("STATUS=" + " ".join(status.split())[:_LONGEST_STATUS])
        if self._socket is None or self._address is None:
            return
        with contextlib.suppress(OSError):  # it has gone, or takes nothing now: no reason to stop working
            self._socket.sendto("\n".join(lines).encode("utf-8", "replace"), socket.MSG_DONTWAIT, self._address)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18
