"""What all operations of an operator work on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..dialects.fields import Fields
from ..store.database import Database


@dataclass(frozen=True, slots=True)
class Office:
    """``connected``: how many sessions each identity has, where the scheduler runs."""

    database: Database
    connected: Callable[[], Mapping[str, int]] | None = None


Operation = Callable[[Office, Fields], Awaitable[Any]]
"""Takes an object of JSON and gives JSON. Amounts are decimal texts of DCC. Raises RefusedError."""
