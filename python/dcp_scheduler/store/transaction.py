"""What an operation on the tables gets: a connection, and what it has to tell when all is committed."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection

from .contents import Contents, Pack


@dataclass(slots=True)
class Transaction:
    """``pack``: texts for slices, which get its name before the end. ``changed``: numbers of jobs of which clients
    have something to hear.
    """

    connection: Connection
    contents: Contents
    now: float
    pack: Pack = field(default_factory=Pack)
    changed: set[int] = field(default_factory=set)
