"""What an operation on the tables gets: a connection, and what it has to tell when all is committed."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection

from .contents import Contents


@dataclass(slots=True)
class Transaction:
    """``changed``: numbers of jobs of which clients have something to hear; ``deploying``: of those whose client has
    asked for something of their deployment. ``events``: whether there are new ones for clients of other processes.
    """

    connection: Connection
    contents: Contents
    now: float
    changed: set[int] = field(default_factory=set)
    deploying: set[int] = field(default_factory=set)
    events: bool = False
