"""DCP's protocol 5: keys, values and connections, without knowledge of evaluators."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .connection.connection import Connection, IncomingRequest
    from .connection.initiator import connect
    from .connection.target import Target

__all__ = ["Connection", "IncomingRequest", "Target", "connect"]

_PLACES = {
    "Connection": "connection.connection",
    "IncomingRequest": "connection.connection",
    "Target": "connection.target",
    "connect": "connection.initiator",
}


def __getattr__(name: str) -> object:
    """Loaded when they are asked for: programs that need keys or values only are spared the network's libraries."""
    import importlib

    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_PLACES[name]}", __name__), name)
