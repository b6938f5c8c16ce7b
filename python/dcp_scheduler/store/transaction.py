"""What an operation on the tables gets: a connection, and what it has to tell when all is committed."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection

from .contents import Contents


@dataclass(slots=True)
class Transaction:
    """``changed``: numbers of jobs of which clients have something to hear."""

    connection: Connection
    contents: Contents
    now: float
    changed: set[int] = field(default_factory=set)
