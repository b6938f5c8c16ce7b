"""Where a running evaluator is asked how it goes: a socket without a file, named by the port that it serves.

An answer is a memfd, so that nobody who asks can keep the evaluator waiting.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

from ..errors import DcpError, reason_of

NO_EVALUATOR = 3
"""Exit status."""
_PATIENCE = 10.0
_PAUSE = 0.01
_LONGEST = 64 << 20
_AT_ONCE = 8
_CREDENTIALS = struct.Struct("iII")


class NoEvaluatorError(DcpError):
    """Nobody serves the port."""

    exit_status = NO_EVALUATOR


class StatusSocket:
    """Of one port. ``document``: what is answered."""

    def __init__(self, port: int, document: Callable[[], dict[str, Any]]) -> None:
        """Raises OSError where another one has the name."""
        self._document = document
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            self.socket.bind(_name(port))
            self.socket.listen(_AT_ONCE)
        except OSError:
            self.socket.close()
            raise

    def serve(self) -> None:
        """Answers those who wait: the evaluator's user and root."""
        for _ in range(_AT_ONCE):
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                if _peer(connection)[1] in (0, os.geteuid()):
                    self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        file = os.memfd_create("status")
        try:
            with open(file, "wb", closefd=False) as stream:
                stream.write(json.dumps(self._document()).encode())
            socket.send_fds(connection, [b"s"], [file], socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
        finally:
            os.close(file)

    def close(self) -> None:
        self.socket.close()


def ask_status(port: int) -> tuple[dict[str, Any], int]:
    """The document of the evaluator that serves ``port``, and the user id that it runs as.

    Raises NoEvaluatorError, DcpError.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_PATIENCE)
        try:
            _connect(connection, _name(port))
            process, user = _peer(connection)
            if os.geteuid() not in (0, user):
                raise DcpError(
                    f"the evaluator on port {port} is process {process} of another user: ask as that user, or as root"
                )
            return _receive(connection), user
        except ConnectionRefusedError:
            raise NoEvaluatorError(f"no evaluator of this machine serves port {port}; -p names another port") from None
        except (OSError, ValueError, RecursionError) as error:
            reason = reason_of(error) if isinstance(error, OSError) else "it is not understood"
            raise DcpError(f"the evaluator on port {port} gives no status: {reason}") from None


def _connect(connection: socket.socket, name: str) -> None:
    """Raises OSError. Where others ask just now, it waits for them."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            return connection.connect(name)
        except BlockingIOError:
            if time.monotonic() > until:
                raise TimeoutError("too many ask it at once") from None
            time.sleep(_PAUSE)


def _receive(connection: socket.socket) -> dict[str, Any]:
    """Raises OSError, ValueError."""
    _, files, _, _ = socket.recv_fds(connection, 1, 1)
    if not files:
        raise ValueError
    with os.fdopen(files[0], "rb") as stream:
        stream.seek(0)
        document = json.loads(stream.read(_LONGEST))
    if not isinstance(document, dict):
        raise ValueError
    return document


def _name(port: int) -> str:
    return f"\0dcp-evaluator/{port}"


def _peer(connection: socket.socket) -> tuple[int, int]:
    """Process and user."""
    process, user, _ = _CREDENTIALS.unpack(
        connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    )
    return process, user
