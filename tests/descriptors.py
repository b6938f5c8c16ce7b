"""What this process has open, which tests see closed again."""

from __future__ import annotations

from pathlib import Path

LASTING: set[str] = set()
"""Those that a library keeps until the process ends."""


def open_descriptors() -> set[str]:
    """Sockets, eventfds and shared memory."""
    targets = set()
    for link in Path("/proc/self/fd").iterdir():
        try:
            targets.add(f"{link.name} {link.readlink()}")
        except FileNotFoundError:  # that of this listing
            continue
    return {target for target in targets if any(kind in target for kind in ("socket:", "[event", "memfd:dcp"))}
