"""How long a connection waits, and how much it holds (DCP: ``protocol/connection.js``, ``dcpConfig.dcp``)."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..messages.drafts import BatchLimits


@dataclass(frozen=True, slots=True)
class ConnectionOptions:
    """Times are seconds."""

    connect_timeout: float = 60.0
    """How long an initiator tries to get a session. A target ends what has none after ``session_timeout``."""
    session_timeout: float = 10.0
    reconnect_timeout: float = 7200.0
    """How long an initiator tries to get back to its session."""
    linger_timeout: float = 7300.0
    """How long a target keeps a session for an initiator that is away."""
    close_timeout: float = 7.0
    max_rtt: float = 120.0
    """A message that is not acknowledged for so long drops its transport."""
    ttl: float = 120.0
    """For how long a request of ours may be obeyed."""
    batch_wait: float = 0.0
    """How long a request waits for others to go with it. npm's programs wait 0.03; here those that come while a
    message is in flight, and those of the same turn of the event loop, go together anyway."""
    batch: BatchLimits = field(default_factory=BatchLimits)
    open_requests: int = 4096
    """Of each side: those of the peer beyond it are answered with ``EBUSY``, ours wait."""
    held_bytes: int = 1 << 29
    """What messages in both directions may take until they are answered or sent; the same happens beyond it."""
    inline_bytes: int = 1_000_000
    """A message up to this size is sealed at once (4 ms at most), a larger one elsewhere."""


@dataclass(slots=True)
class Budget:
    """What the messages of several connections may take together: beyond ``most`` bytes requests are refused."""

    most: int = 1 << 31
    used: int = 0
