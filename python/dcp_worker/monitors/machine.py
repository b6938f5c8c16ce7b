"""All that is watched of the machine, in one observation."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from ..configuration.rules import Rules
from ..rules.observation import Observation
from ..rules.verdict import Reason
from .sensors import Sensors
from .signs import Signs

_PATIENCE: Final = 20.0
"""Seconds in which all sensors have to answer."""
_SILENT: Final = Reason("sensors", "a sensor, driver or disk of this machine does not answer; what it said last counts")


class Monitors:
    """Watches what the rules ask for, and nothing else."""

    def __init__(
        self,
        rules: Rules,
        changed: Callable[[], None],
        results: Path | None = None,
        root: Path = Path("/"),
        patience: float = _PATIENCE,
    ) -> None:
        """``changed``: called between two looks, where something is told. ``results``: the folder for results."""
        self._sensors = Sensors(rules, results, root)
        self._signs = Signs(rules, changed, root)
        self._patience = patience
        self._looking: asyncio.Future[Observation] | None = None
        self._last = Observation(time=datetime.now())

    async def look(self) -> Observation:
        """Raises nothing; what cannot be found out is in ``unwatched``."""
        await self._signs.look()
        seen = await self._sensed()
        return dataclasses.replace(
            seen,
            in_use=self._signs.in_use,
            is_metered=self._signs.is_metered,
            unwatched=(*seen.unwatched, *self._signs.unwatched()),
        )

    def close(self) -> None:
        self._signs.close()
        if self._looking is None:  # else its thread is in the middle of them
            self._sensors.close()

    async def _sensed(self) -> Observation:
        """Of sensors that hang, what they said last: they are not asked anew until they answer."""
        if self._looking is None:
            self._looking = _in_thread(self._sensors.look)
        await asyncio.wait([self._looking], timeout=self._patience)
        if not self._looking.done():
            return dataclasses.replace(self._last, unwatched=(*self._last.unwatched, _SILENT))
        looked, self._looking = self._looking, None
        self._last = looked.result()
        return self._last


def _in_thread(look: Callable[[], Observation]) -> asyncio.Future[Observation]:
    """Not in one of the loop's: the program could not end while that hangs."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Observation] = loop.create_future()

    def run() -> None:
        try:
            seen = look()
        except Exception as error:
            tell(future.set_exception, error)
        else:
            tell(future.set_result, seen)

    def tell(end: Callable[..., None], value: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(end, value)

    threading.Thread(target=run, name="sensors", daemon=True).start()
    return future
