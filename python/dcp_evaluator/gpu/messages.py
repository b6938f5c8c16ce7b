"""What GPU hosts and their drivers write to stderr goes to ours, within limits: a hostile job may make them write."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable

from ..processes.allowance import Allowance
from .records import Records

MOST_OF_A_HOST = 64 * 1024
MOST_AT_ONCE = 256 * 1024
MOST_A_SECOND = 1024
_READ, _PIPE = 4096, 64 * 1024

# Line feeds and tabs pass; what else could steer a terminal does not. UTF-8 has no bytes below 0x80 in its sequences.
_VISIBLE = bytes(byte if byte in b"\n\t" or 0x20 <= byte != 0x7F else ord("?") for byte in range(256))


# All GPU hosts of this process together.
_of_this_process = Allowance(MOST_AT_ONCE, MOST_A_SECOND)


class Messages:
    """What comes from the pipe ``source`` goes to ``write``, until its end or until it is too much; records do not.

    Later writes of the host fail with EPIPE; other hosts are not affected.
    """

    def __init__(
        self,
        source: int,
        write: Callable[[bytes], object],
        allowance: Allowance = _of_this_process,
        records: Records | None = None,
    ) -> None:
        """``source`` is this object's own from now on."""
        os.set_blocking(source, False)
        self._source = source
        self._write = write
        self._allowance = allowance
        self._records = records or Records()
        self._room = MOST_OF_A_HOST
        self._ended = False
        self._lock = threading.Lock()

    def run(self) -> None:
        """Until the end; closes ``source``."""
        arrival = select.poll()
        arrival.register(self._source, select.POLLIN)
        while not self._ended:
            arrival.poll()
            self.catch_up()
        os.close(self._source)

    def catch_up(self) -> None:
        """Takes what has come so far, at most what a pipe holds. Any thread."""
        with self._lock:
            for _ in range(_PIPE // _READ):
                if self._ended:
                    return
                try:
                    data = os.read(self._source, _READ)
                except BlockingIOError:
                    return
                self._ended = not self._pass_on(data)

    def _pass_on(self, data: bytes) -> bool:
        """Whether more may come."""
        if not data:
            self._write(self._records.rest().translate(_VISIBLE))
            return False
        data = self._records.take(data)
        given = self._allowance.take(min(len(data), self._room))
        self._room -= given
        self._write(data[:given].translate(_VISIBLE))
        if given < len(data):
            self._records.ready = True  # nothing more is learnt of it
            self._write(b"\ndcp-evaluator: a GPU host writes too much to stderr: the rest of its messages is dropped\n")
            return False
        return True
