"""Messages to a system log: by UDP, TCP, TLS or the socket of this machine (RFC 3164, 5424, 5425, 6587)."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import time
from datetime import datetime
from typing import Final

from ..configuration.run_options import Syslog
from ..errors import ConfigurationError

FACILITIES: Final = (
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
    "audit", "alert", "clock", *(f"local{number}" for number in range(8)),
)  # fmt: skip
"""By their numbers."""

_SEVERITIES: Final = {"error": 3, "warning": 4, "info": 5, "debug": 7}
"""As npm's worker has them: what it logs is a notice."""

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LOCAL: Final = "/dev/log"
_SECONDS: Final = 5.0
_LONGEST: Final = 8192  # bytes of a message
_PAUSE: Final = 5.0  # seconds until a log that cannot be reached is tried again


class SyslogSender:
    """Connects with the first message, and anew after an error; meanwhile messages are lost. For one thread.

    Raises ConfigurationError for a facility that there is not.
    """

    def __init__(self, target: Syslog, name: str) -> None:
        if target.facility.lower() not in FACILITIES:
            raise ConfigurationError(
                f"there is no facility {target.facility!r} of a system log; there are {', '.join(FACILITIES)}"
            )
        self._target = target
        self._facility = FACILITIES.index(target.facility.lower())
        self._tag = f"{name}[{os.getpid()}]"
        self._host = socket.gethostname() or "-"
        self._socket: socket.socket | None = None
        self._not_before = 0.0

    @property
    def place(self) -> str:
        """For messages."""
        target = self._target
        return _LOCAL if target.transport == "unix" else f"{target.address}:{target.port} ({target.transport})"

    def send(self, level: str, text: str) -> None:
        """One line. Raises OSError where the log cannot be reached."""
        message = self._message(level, text)
        if self._socket is None:
            if time.monotonic() < self._not_before:
                raise OSError("it is tried again in a few seconds")
            self._not_before = time.monotonic() + _PAUSE
            self._socket = self._connected()
        try:
            if self._target.transport == "tls":
                message = b"%d %s" % (len(message), message)  # RFC 5425
            elif self._target.transport == "tcp":
                message += b"\n"  # RFC 6587
            self._socket.sendall(message)
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """The next message connects anew."""
        connection, self._socket = self._socket, None
        self._not_before = 0.0
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.close()

    def _message(self, level: str, text: str) -> bytes:
        priority = self._facility * 8 + _SEVERITIES[level]
        if self._target.transport == "tls":
            stamp = datetime.now().astimezone().isoformat(timespec="milliseconds")
            name, _, process = self._tag.rstrip("]").partition("[")
            head = f"<{priority}>1 {stamp} {self._host} {name} {process} - - "
        else:
            now = datetime.now()
            stamp = f"{_MONTHS[now.month - 1]} {now.day:2} {now:%H:%M:%S}"
            host = "" if self._target.transport == "unix" else f"{self._host} "
            head = f"<{priority}>{stamp} {host}{self._tag}: "
        plain = "".join(character if character.isprintable() else " " for character in text)
        return f"{head}{plain}".encode(errors="replace")[:_LONGEST]

    def _connected(self) -> socket.socket:
        address, transport = self._target.address, self._target.transport
        if transport == "unix":
            return _unix(address if address.startswith("/") else _LOCAL)
        if transport == "udp":
            family, kind, protocol, _, where = socket.getaddrinfo(address, self._target.port, type=socket.SOCK_DGRAM)[0]
            connection = socket.socket(family, kind, protocol)
            connection.connect(where)
            return connection
        connection = socket.create_connection((address, self._target.port), timeout=_SECONDS)
        if transport == "tls":
            try:
                return ssl.create_default_context().wrap_socket(connection, server_hostname=address)
            except BaseException:
                connection.close()
                raise
        return connection


def _unix(path: str) -> socket.socket:
    """The log's socket takes datagrams on most machines, else a stream."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        connection = socket.socket(socket.AF_UNIX, kind)
        try:
            connection.connect(path)
            return connection
        except OSError:
            connection.close()
            if kind is socket.SOCK_STREAM:
                raise
    raise AssertionError
