"""Messages to a system log: by UDP, TCP, TLS or the socket of this machine (RFC 3164, 5424, 5425, 5426, 6587)."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import ssl
import time
from typing import Final

from ..configuration.log_settings import SyslogSettings
from ..errors import ConfigurationError
from .lines import Line
from .output import Output

FACILITIES: Final = (
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
    "audit", "alert", "clock", *(f"local{number}" for number in range(8)),
)  # fmt: skip
"""By their numbers."""

SEVERITIES: Final = {"error": 3, "warning": 4, "info": 5, "debug": 7}
"""As npm's worker has them: what it logs is a notice."""

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LOCAL: Final = "/dev/log"
_SUBJECTS: Final = "dcp@32473"
"""Of the element with job, slice and sandbox: the number that RFC 5612 has for documentation."""
_SECONDS: Final = 5.0
_LONGEST: Final = {"udp": 2048, "tcp": 8192, "tls": 8192, "unix": 8192}  # bytes of a message
_PAUSE: Final = 5.0  # seconds until a log that cannot be reached is tried again


class SyslogOutput(Output):
    """One message a line of text."""

    def __init__(self, settings: SyslogSettings, name: str) -> None:
        """``name``: of the program. Raises ConfigurationError as ``SyslogSender`` does."""
        self._sender = SyslogSender(settings, name)
        super().__init__(f"the system log at {self._sender.place}")

    def _open(self) -> None:
        self._sender.close()

    def _write(self, line: Line) -> None:
        for text in line.text.splitlines():
            self._sender.send(line, text)

    def _end(self) -> None:
        self._sender.close()


class SyslogSender:
    """Connects with the first message, and anew after an error; meanwhile messages are lost. For one thread."""

    def __init__(self, target: SyslogSettings, name: str) -> None:
        """Raises ConfigurationError for a facility that there is not, and for certificates that cannot be read."""
        if target.facility.lower() not in FACILITIES:
            raise ConfigurationError(
                f"there is no facility {target.facility!r} of a system log; there are {', '.join(FACILITIES)}"
            )
        self._target = target
        self._facility = FACILITIES.index(target.facility.lower())
        self._is_old = target.form == "rfc3164" or (target.form == "auto" and target.transport == "unix")
        self._trust = _trust(target.ca) if target.transport == "tls" else None
        self._program = name
        self._host = re.sub(r"[^!-~]", "", socket.gethostname())[:255] or "-"
        self._socket: socket.socket | None = None
        self._not_before = 0.0

    @property
    def place(self) -> str:
        """For messages."""
        target = self._target
        return self._path if target.transport == "unix" else f"{target.address}:{target.port} ({target.transport})"

    @property
    def _path(self) -> str:
        return self._target.address if self._target.address.startswith("/") else _LOCAL

    def send(self, line: Line, text: str) -> None:
        """``text``: one line of it. Raises OSError where the log cannot be reached."""
        message = self._message(line, text)
        if self._socket is not None and _has_ended(self._socket):
            self.close()
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
                if isinstance(connection, ssl.SSLSocket):
                    connection.settimeout(0)
                    connection.unwrap()  # says goodbye, and waits for no answer
            connection.close()

    def _message(self, line: Line, text: str) -> bytes:
        priority = self._facility * 8 + SEVERITIES[line.level]
        head = self._old_head(line) if self._is_old else self._head(line)
        data = f"<{priority}>{head}{_printable(text)}".encode(errors="replace")
        return data[: _LONGEST[self._target.transport]].decode(errors="ignore").encode()

    def _head(self, line: Line) -> str:
        """RFC 5424, section 6."""
        subjects = "".join(f' {name}="{_escaped(str(value))}"' for name, value in line.subjects())
        told = f"[{_SUBJECTS}{subjects}]" if subjects else "-"
        return f"1 {line.stamp} {self._host} {self._program} {os.getpid()} - {told} "

    def _old_head(self, line: Line) -> str:
        """RFC 3164; logs of this machine want no host."""
        time = line.time.astimezone()
        host = "" if self._target.transport == "unix" else f"{self._host} "
        return f"{_MONTHS[time.month - 1]} {time.day:2} {time:%H:%M:%S} {host}{self._program}[{os.getpid()}]: "

    def _connected(self) -> socket.socket:
        address, transport = self._target.address, self._target.transport
        if transport == "unix":
            return _unix(self._path)
        if transport == "udp":
            family, kind, protocol, _, where = socket.getaddrinfo(address, self._target.port, type=socket.SOCK_DGRAM)[0]
            connection = socket.socket(family, kind, protocol)
            connection.connect(where)
            return connection
        connection = socket.create_connection((address, self._target.port), timeout=_SECONDS)
        if self._trust is not None:
            try:
                return self._trust.wrap_socket(connection, server_hostname=address)
            except BaseException:
                connection.close()
                raise
        return connection


def _trust(authorities: str | None) -> ssl.SSLContext:
    """``authorities``: a file of certificates; None for those of the system. Raises ConfigurationError."""
    try:
        return ssl.create_default_context(cafile=authorities)
    except OSError as error:
        reason = "it has no certificates" if isinstance(error, ssl.SSLError) else error.strerror
        raise ConfigurationError(f"node.log.syslog.ca: {authorities} cannot be read: {reason}") from None


def _escaped(value: str) -> str:
    """A parameter's value, RFC 5424 section 6.3.3."""
    return re.sub(r'(["\\\]])', r"\\\1", _printable(value))


def _printable(text: str) -> str:
    """In one line, without what a terminal would obey."""
    return "".join(character if character.isprintable() else " " for character in text)


def _has_ended(connection: socket.socket) -> bool:
    """Whether the other end of a stream has closed it: the next message would be lost without an error."""
    if connection.type is not socket.SOCK_STREAM:
        return False
    connection.settimeout(0)
    try:
        return not connection.recv(4096)
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    except OSError:
        return True
    finally:
        connection.settimeout(_SECONDS)


def _unix(path: str) -> socket.socket:
    """The log's socket takes datagrams on most machines, else a stream."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        connection = socket.socket(socket.AF_UNIX, kind)
        try:
            connection.settimeout(_SECONDS)
            connection.connect(path)
            return connection
        except OSError:
            connection.close()
            if kind is socket.SOCK_STREAM:
                raise
    raise AssertionError
