"""What a database has to be: what differs between SQLite and PostgreSQL. Everything else is the same SQL."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from sqlalchemy import URL, Connection, Engine
from sqlalchemy.exc import DBAPIError


@dataclass(frozen=True, slots=True)
class Begun:
    """``now``: seconds since 1970 by the clock that all processes share. ``mark``: a name of the transaction, by which
    is found later whether it was committed; empty where that is never in doubt.
    """

    now: float
    mark: str = ""


class Backend:
    """One that is in this process, and always there."""

    is_shared = False
    """Whether several processes may use it at the same time."""

    def __init__(self, url: URL) -> None:
        self.url = url

    @property
    def shown(self) -> str:
        """The URL without a password."""
        return self.url.render_as_string(hide_password=True)

    def engine(self) -> Engine:
        raise NotImplementedError

    def alone(self) -> AbstractContextManager[None]:
        """While it is entered, no other scheduler has the database, unless it is shared. Raises SchedulerError."""
        return nullcontext()

    def for_reading(self, engine: Engine) -> Engine:
        """What is read in one of its transactions is of one moment."""
        return engine

    def begin(self, connection: Connection) -> Begun:
        """To be called first in a transaction that may write. From then on no other writes before this one ends."""
        return Begun(time.time())

    def was_committed(self, connection: Connection, mark: str) -> bool:
        """Of a transaction whose commit was not answered. To be called after ``begin``, so that it is over."""
        return False

    def passes(self, error: BaseException) -> bool:
        """Whether the same transaction may succeed later: the server is away, say."""
        return False

    def conflicts(self, error: BaseException) -> bool:
        """Whether it may succeed at once: another transaction was in the way."""
        return False


def reason(error: BaseException) -> str:
    """What the driver has said, in a line."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return str(cause).strip().partition("\n")[0] or type(cause).__name__
