"""Where the operator's commands are obeyed: by the scheduler that runs, or here, on its database."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import NotRunningError, SchedulerError


@dataclass(frozen=True, slots=True)
class Reach:
    """``state``: the folder of the network; ``database``: another than SQLite in it; ``contents``: another place."""

    state: Path
    database: str = ""
    contents: str = ""

    def ask(self, operation: str, parameters: Mapping[str, Any]) -> Any:
        """The same operation either way. Raises RefusedError, SchedulerError."""
        from ..control import client

        try:
            return client.ask(self.state, operation, parameters)
        except NotRunningError:
            return asyncio.run(self._ask_database(operation, parameters))

    async def _ask_database(self, operation: str, parameters: Mapping[str, Any]) -> Any:
        from ..administration.backup import CONTENTS, DATABASE
        from ..administration.office import Office
        from ..administration.operations import perform
        from ..store.database import Database

        place = self.state / DATABASE
        if not self.database and not place.exists():
            raise SchedulerError(
                f"there is no network in {self.state}: start dcp-scheduler, or name its folder with --state"
            )
        url = self.database or f"sqlite:///{place}"
        database = await asyncio.to_thread(Database, url, self.contents or self.state / CONTENTS)
        try:
            return await perform(Office(database), operation, parameters)
        finally:
            await asyncio.to_thread(database.close)
