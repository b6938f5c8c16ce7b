"""All that is watched of the machine, in one observation."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from pathlib import Path

from ..configuration.rules import Rules
from ..rules.observation import Observation
from .sensors import Sensors
from .signs import Signs


class Monitors:
    """Watches what the rules ask for, and nothing else."""

    def __init__(
        self, rules: Rules, changed: Callable[[], None], results: Path | None = None, root: Path = Path("/")
    ) -> None:
        """``changed``: called between two looks, where something is told. ``results``: the folder for results."""
        self._sensors = Sensors(rules, results, root)
        self._signs = Signs(rules, changed, root)

    async def look(self) -> Observation:
        """Raises nothing; what cannot be found out is in ``unwatched``."""
        await self._signs.look()
        seen = await asyncio.to_thread(self._sensors.look)
        return dataclasses.replace(
            seen,
            in_use=self._signs.in_use,
            is_metered=self._signs.is_metered,
            unwatched=(*seen.unwatched, *self._signs.unwatched()),
        )

    def close(self) -> None:
        self._signs.close()
        self._sensors.close()
