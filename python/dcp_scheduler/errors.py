"""What goes wrong, for peers and for operators."""

from __future__ import annotations

from dcp_protocol.errors import ProtocolError


class RefusedError(ProtocolError):
    """A request that is not obeyed; the peer hears why. ``code`` is what DCP's programs look at."""


class SchedulerError(Exception):
    """The scheduler cannot work as it was told to; the message names the remedy."""


class NotRunningError(SchedulerError):
    """No scheduler runs with this state."""
