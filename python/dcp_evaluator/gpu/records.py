"""What a GPU host tells of its start and its work: records in what it writes to stderr (native/gpu/host_main.cpp)."""

from __future__ import annotations

import re

_MARK, _LONGEST = b"\x1e", 256
_RECORD = re.compile(rb"(adapter|gone) ([0-9a-f:.#-]{1,64})|ready|failed|busy ([0-9]{1,15})")


class Records:
    """Takes the records out of a host's messages.

    From "ready" on the host's sandbox may have made it say what it likes: then it can only fail, or have been busy.
    """

    def __init__(self) -> None:
        self.adapter: str | None = None
        """The identity of the adapter that it uses first."""
        self.gone: list[str] = []
        """Identities that it was to offer and did not find."""
        self.ready = False
        self.failed = False
        self.busy = 0.0
        """Seconds that the GPU has had work."""
        self._pending = b""

    def take(self, data: bytes) -> bytes:
        """``data`` without records; a record that has begun is kept back."""
        data = self._pending + data
        self._pending = b""
        messages, at = b"", 0
        while (start := data.find(_MARK, at)) >= 0:
            messages += data[at:start]
            end = data.find(b"\n", start, start + _LONGEST + 1)
            if end < 0 and len(data) - start <= _LONGEST:
                self._pending = data[start:]
                return messages
            if end >= 0 and self._read(data[start + 1 : end]):
                at = end + 1
            else:  # it is a message, in which a record may begin
                messages += _MARK
                at = start + 1
        return messages + data[at:]

    def _read(self, record: bytes) -> bool:
        found = _RECORD.fullmatch(record)
        if found is None or (self.ready and found[1]) or (self.ready and record == b"ready"):
            return False
        if found[3]:
            self.busy = max(self.busy, int(found[3]) / 1_000_000)
        elif found[1] == b"adapter":
            self.adapter = found[2].decode()
        elif found[1] == b"gone":
            self.gone.append(found[2].decode())
        else:
            setattr(self, record.decode(), True)
        return True

    def rest(self) -> bytes:
        """At the end: what began as a record, and was none."""
        rest, self._pending = self._pending, b""
        return rest
