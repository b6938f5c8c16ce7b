"""TCP ports for programs that want to be told theirs."""

from __future__ import annotations

import secrets
import socket
from pathlib import Path

_LEAST = 24_000
"""Above those that Ray chooses by itself."""


def free_port() -> int:
    """One at which nobody on loopback listens, and that the kernel gives to nobody meanwhile, as it does others."""
    low, high = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    ports = [port for port in range(_LEAST, 65_536) if not low <= port <= high] or list(range(_LEAST, 65_536))
    while not _is_free(port := secrets.choice(ports)):
        pass
    return port


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
