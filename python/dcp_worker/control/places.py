"""Where the control socket lies."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from ..configuration.places import PROGRAM

SOCKET: Final = "control"


def places(setting: str | None, state: Path | None, environment: Mapping[str, str] = os.environ) -> list[Path]:
    """Best first: a worker takes the first, a client the first that is there.

    ``setting``: ``node.controlSocket``, beside which nothing counts. ``state``: the worker's state folder.
    """
    return (
        [Path(setting).expanduser().absolute()]
        if setting
        else [folder / SOCKET for folder in _folders(state, environment)]
    )


def _folders(state: Path | None, environment: Mapping[str, str]) -> Iterator[Path]:
    if systemd := environment.get("RUNTIME_DIRECTORY", "").partition(":")[0]:  # of its unit
        yield Path(systemd)
    if runtime := environment.get("XDG_RUNTIME_DIR"):
        yield Path(runtime, PROGRAM)
    if os.geteuid() == 0:
        yield Path("/run", PROGRAM)
    if state:
        yield state
