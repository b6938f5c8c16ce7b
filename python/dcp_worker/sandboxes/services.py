"""Serves what a work function asks for: modules and fetches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from .background import Background
from .events import FetchWanted, ModulesWanted
from .jobs import AssignedJob, FetchRefusedError
from .requests import Requests


class Services:
    """Of one job. ``answered`` is called when there is something to be sent to the sandbox."""

    def __init__(
        self, job: AssignedJob, requests: Requests, background: Background, answered: Callable[[], None]
    ) -> None:
        self._job = job
        self._requests = requests
        self._background = background
        self._answered = answered

    def serve(self, event: ModulesWanted | FetchWanted) -> None:
        """What the job's services raise goes to ``background``."""
        self._background.run(self._modules(event) if isinstance(event, ModulesWanted) else self._fetch(event))

    async def _modules(self, event: ModulesWanted) -> None:
        group = await self._job.modules(event.names)
        self._requests.provide_modules(event.request, group, asyncio.get_running_loop().time())
        self._answered()

    async def _fetch(self, event: FetchWanted) -> None:
        try:
            self._requests.provide_response(event.request, await self._job.fetch(event.fetch))
        except FetchRefusedError as error:
            self._requests.refuse_fetch(event.request, error.name, str(error), error.code)
        self._answered()
