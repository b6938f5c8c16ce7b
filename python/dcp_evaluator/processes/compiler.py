"""The process that compiles WebAssembly for sandboxes (native/compiler), started when the first one asks."""

from __future__ import annotations

import contextlib
import socket

from ..settings import installation
from ..settings.settings import Settings
from .child import Child


class Compiler:
    """One dcp-compiler, replaced where it has ended. Not thread-safe: one owner."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._child: Child | None = None
        self._spare: socket.socket | None = None

    @property
    def pid(self) -> int | None:
        """Of the process that runs; None before the first sandbox has asked."""
        return self._child.pid if self._child is not None else None

    def connect(self) -> socket.socket:
        """A new connection for a sandbox. Raises InstallationError, OSError."""
        if self._child is None or self._child.poll() is not None:
            self._child = self._replace()
        connection, self._spare = self._spare, None
        if connection is not None:
            return connection
        try:
            return self._new_connection(self._child)
        except OSError:  # it ends this very moment
            self._child = self._replace()
            return self._new_connection(self._child)

    def _replace(self) -> Child:
        self.close()
        return self._start()

    def refill(self) -> None:
        """Makes the next connection ahead, which spares the next sandbox a part of its wait."""
        if self._child is not None and self._spare is None:
            with contextlib.suppress(OSError):  # reported to the next sandbox that asks
                self._spare = self._new_connection(self._child)

    @staticmethod
    def _new_connection(child: Child) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                socket.send_fds(child.socket, [b"c"], [theirs.fileno()], socket.MSG_NOSIGNAL)
            except OSError:
                ours.close()
                raise
        return ours

    def close(self) -> None:
        """Ends the process."""
        if self._spare is not None:
            self._spare.close()
            self._spare = None
        if self._child is not None:
            self._child.end(grace=1.0)
            self._child = None

    def _start(self) -> Child:
        arguments = [installation.executable("dcp-compiler"), "--wasmtime", installation.wasmtime_library()]
        arguments += self._settings.isolation_arguments() + self._settings.cache_arguments("modules")
        return Child(arguments, socket.SOCK_SEQPACKET, {})
