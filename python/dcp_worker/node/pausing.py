"""Pauses that the owner orders by the control socket. Some outlive a restart of the worker."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from ..errors import ControlError
from ..rules.pauses import Pause, Pauses
from .guard import Guard

_NAME: Final = "pauses.json"
_LONGEST: Final = 1 << 20
_LATEST: Final = 253402300800.0
"""The year 10000, for which there are no words."""


class Pausing:
    """``folder``: the worker's state; without one, or where nothing can be written there, no pause outlives it."""

    def __init__(self, folder: Path | None, warn: Callable[[str], None]) -> None:
        self._path = folder / _NAME if folder else None
        self._warn = warn
        kept = self._read()
        self._kept = {pause.target for pause in kept}
        self.pauses = Pauses(kept)
        self.guard: Guard | None = None
        """Once it is there."""

    def pause(self, target: str, seconds: float | None, *, kept: bool) -> None:
        """``kept``: it outlives a restart although it has no end. Raises ControlError."""
        guard = self._known(target)
        self._kept.discard(target)
        if kept or seconds is not None:
            self._kept.add(target)
        guard.pause(target, None if seconds is None else time.time() + seconds)
        self._write()

    def resume(self, target: str) -> None:
        """Raises ControlError."""
        guard = self._known(target)
        guard.resume(target)
        self._write()
        if guard.pauses.reasons(target):
            wider = ", ".join(pause.target for pause in guard.pauses)
            raise ControlError(f"{target} stays paused, as what is wider is: {wider}; resume that")

    def _known(self, target: str) -> Guard:
        if self.guard is None:
            raise ControlError("the worker is starting; ask again in a moment")
        if target not in (known := self.guard.targets()):
            raise ControlError(f"there is nothing of that name to pause; there are {', '.join(known)}")
        return self.guard

    def _read(self) -> list[Pause]:
        if self._path is None:
            return []
        try:
            with self._path.open("rb") as file:
                return [_shown(pause) for pause in msgspec.json.decode(file.read(_LONGEST), type=list[Pause])]
        except FileNotFoundError:
            return []
        except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self._warn(f"pauses of an earlier run are not known, as {self._path} cannot be read: {error}")
            return []

    def _write(self) -> None:
        if self._path is None:
            return
        kept = [pause for pause in self.pauses if pause.target in self._kept]
        new = self._path.with_suffix(".new")
        try:
            new.write_bytes(msgspec.json.encode(kept))
            new.replace(self._path)
        except OSError as error:
            self._warn(f"pauses end with this worker, as {self._path} cannot be written: {error.strerror}")


def _shown(pause: Pause) -> Pause:
    """Without an end that cannot be shown."""
    return pause if pause.until is None or pause.until < _LATEST else Pause(pause.target)
