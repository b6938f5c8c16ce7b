"""Which database a URL names."""

from __future__ import annotations

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from ..errors import SchedulerError
from .backend import Backend
from .postgresql import Postgresql
from .sqlite import Sqlite

_KINDS: dict[str, type[Backend]] = {"sqlite": Sqlite, "postgresql": Postgresql, "postgres": Postgresql}
_WANTED = "postgresql://user@host/database, or sqlite:////folder/file.db"


def backend_of(url: str) -> Backend:
    """Raises SchedulerError."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # it is not shown, as it may have a password in it
        raise SchedulerError(f"the database is named by a URL: {_WANTED}") from None
    kind = _KINDS.get(parsed.get_backend_name())
    if kind is None:
        raise SchedulerError(f"there are databases of {_WANTED}; not of {parsed.get_backend_name()!r:.40}")
    return kind(parsed)
