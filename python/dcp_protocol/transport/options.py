"""What the owner of a transport may choose. Times are seconds."""

from __future__ import annotations

import platform
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import metadata
from typing import Literal

from . import paths
from .limits import Limits


def _footprint() -> str:
    return f"python-{platform.python_version()} release {metadata.version('dcp-evaluator')}"


@dataclass(frozen=True)
class ConnectOptions:
    """``dialect``: ``paths.V4`` or ``paths.V5``.

    ``carriers``: which are tried, in this order; ``websocket_seconds``: after which the next is tried instead of a
    websocket, which a proxy may take and never answer. ``ssl_context``: None for the system's certificates.
    ``footprint``: the value of the header ``X-DCP``.
    """

    dialect: str = paths.V5
    connect_seconds: float = 60.0
    websocket_seconds: float = 20.0
    carriers: tuple[Literal["websocket", "polling"], ...] = ("websocket", "polling")
    ssl_context: ssl.SSLContext | None = None
    limits: Limits = field(default_factory=Limits)
    ack_mode: bool = False
    footprint: str = field(default_factory=_footprint)


@dataclass(frozen=True)
class ListenOptions:
    """The times of pings are those of protocol/transports/socketio.js.

    ``connections``: TCP connections at a time; ``connections_per_place``: of these, from one place, which ``place``
    finds for an address: None for one that is not counted. ``transports``: transports.
    ``idle_seconds``: how long a connection
    may take for the head of a request. ``max_payload``: bytes of one body of long polling, which clients are asked to
    keep to.
    ``waiting_bytes``: what all transports together keep of messages that are not whole, counted as in ``Limits``.
    """

    ping_interval: float = 10.1
    ping_timeout: float = 60.01
    connections: int = 10_000
    connections_per_place: int = 10_000
    place: Callable[[str], str | None] = str
    transports: int = 5_000
    idle_seconds: float = 20.0
    max_payload: int = 4 << 20
    waiting_bytes: int = 2_000_000_000
    limits: Limits = field(default_factory=Limits)
    ack_mode: bool = False
