"""The process that compiles WebAssembly for sandboxes (native/compiler), started when the first one asks."""

from __future__ import annotations

import socket
import struct

from ..settings import installation
from ..settings.settings import Settings
from .child import Child
from .control_groups import ControlGroups
from .passing import send_descriptors, shortage

_GROUP = "compiler"
_MOST_TASKS = 4096

_CONNECTION = struct.Struct("=cQ")
"""native/compiler/protocol.hpp"""


class Compiler:
    """One dcp-compiler, replaced where it has ended. Not thread-safe: one owner."""

    def __init__(self, settings: Settings, groups: ControlGroups | None = None) -> None:
        """``groups``: one of them is for it and the processes that compile."""
        self._settings = settings
        self._groups = groups
        self._child: Child | None = None

    @property
    def pid(self) -> int | None:
        """Of the process that runs; None before the first sandbox has asked."""
        return self._child.pid if self._child is not None else None

    def connect(self, sandbox: int) -> socket.socket:
        """A connection for this sandbox, which ends its earlier one. Raises InstallationError, OSError."""
        if self._child is None or self._child.poll() is not None:
            self._child = self._replace()
        try:
            return self._hand_over(self._child, sandbox)
        except OSError as error:
            if shortage(error):
                raise
            # it ends this very moment
            self._child = self._replace()
            return self._hand_over(self._child, sandbox)

    def _replace(self) -> Child:
        self.close()
        return self._start()

    @staticmethod
    def _hand_over(child: Child, sandbox: int) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                send_descriptors(child.socket, _CONNECTION.pack(b"c", sandbox), [theirs.fileno()])
            except OSError:
                ours.close()
                raise
        return ours

    def close(self) -> None:
        """Ends the process."""
        if self._child is not None:
            self._child.end(grace=1.0)
            self._child = None
            if self._groups is not None:
                self._groups.remove(_GROUP)

    def _start(self) -> Child:
        arguments = [installation.executable("dcp-compiler"), "--wasmtime", installation.wasmtime_library()]
        arguments += self._settings.isolation_arguments() + self._settings.cache_arguments("modules")
        arguments += self._settings.compile_arguments() + self._settings.priority_arguments()
        child = Child(arguments, socket.SOCK_SEQPACKET, {})
        if self._groups is not None:
            self._groups.add(_GROUP, child.pid, _MOST_TASKS)
        return child
