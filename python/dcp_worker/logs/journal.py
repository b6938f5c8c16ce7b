"""The journal of systemd, by its own protocol: datagrams of fields (systemd's "Native Journal Protocol")."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Mapping
from typing import Final

from .lines import Line
from .output import Output
from .syslog import SEVERITIES

_LONGEST: Final = 32 << 10  # bytes of a message: with them a datagram is never too long
_SECONDS: Final = 5.0


class JournalOutput(Output):
    """Each line is an entry with the fields DCP_JOB, DCP_SLICE and DCP_SANDBOX of what it tells.

    ``path``: the journal's socket; ``name``: of the program.
    """

    def __init__(self, path: str, name: str) -> None:
        self._path = path
        self._program = name
        self._socket: socket.socket | None = None
        super().__init__(f"the journal at {path}")

    def _open(self) -> None:
        self._end()

    def _write(self, line: Line) -> None:
        text = line.text.strip()
        if not text:
            return
        try:
            if self._socket is None:
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                self._socket.settimeout(_SECONDS)
            self._socket.sendto(self._entry(line, text), self._path)
        except OSError:
            self._end()
            raise

    def _entry(self, line: Line, text: str) -> bytes:
        fields = {
            "MESSAGE": text,
            "PRIORITY": str(SEVERITIES[line.level]),
            "SYSLOG_IDENTIFIER": self._program,
            **{f"DCP_{name.upper()}": str(value) for name, value in line.subjects()},
        }
        return b"".join(_field(name, value) for name, value in fields.items())

    def _end(self) -> None:
        connection, self._socket = self._socket, None
        if connection is not None:
            connection.close()


def _field(name: str, value: str) -> bytes:
    data = value.encode(errors="replace")[:_LONGEST].decode(errors="ignore").encode()
    if b"\n" not in data:
        return b"%s=%s\n" % (name.encode(), data)
    return b"%s\n%s%s\n" % (name.encode(), len(data).to_bytes(8, "little"), data)


def is_under_systemd(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether what is written to stdout or stderr comes to the journal anyway, without fields and levels."""
    stream = environment.get("JOURNAL_STREAM", "")
    for file in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, or none at all
            status = os.fstat(file.fileno())
            if stream == f"{status.st_dev}:{status.st_ino}":
                return True
    return False
