"""Which workers have gone without a word: the connection on which they ask for work has no transport any more."""

from __future__ import annotations

from dataclasses import dataclass

from dcp_protocol import Connection

_MOST = 100_000


@dataclass(slots=True)
class _Asked:
    connection: Connection
    lost: float | None = None


class Presence:
    """Of workers that have asked this process, by id and owner. A connection that its worker has closed says nothing:
    it says goodbye by returning what it has. ``seconds``: a worker that lives is back before, since its program
    connects again within seconds.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._asked: dict[tuple[str, str], _Asked] = {}

    def asked(self, worker: str, owner: str, connection: Connection) -> None:
        if len(self._asked) < _MOST or (worker, owner) in self._asked:
            self._asked[worker, owner] = _Asked(connection)

    def gone(self, now: float) -> list[tuple[str, str]]:
        """Those that have just been away for long enough. ``now``: seconds of one clock; to be asked now and then."""
        found = []
        for worker, asked in list(self._asked.items()):
            if asked.connection.end is not None:
                del self._asked[worker]
            elif asked.connection.is_connected:
                asked.lost = None
            elif asked.lost is None:
                asked.lost = now
            elif now - asked.lost >= self._seconds:
                del self._asked[worker]
                found.append(worker)
        return found
