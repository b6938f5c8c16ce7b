"""The newest that is known of a worker: a subscription at its control socket, begun again when the worker is."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from ..control.client import Client
from ..control.log import LogLine, LogLines
from ..control.methods import Method, Subscribe
from ..control.status import WorkerStatus
from ..errors import ControlError
from .lines import Line
from .words import plain

_KEPT: Final = 1000
_LONGEST: Final = 2000
_PAUSE: Final = 2.0


class Watch:
    """``path``: of the control socket. ``status`` stays as it was when the worker has gone, and ``problem`` says so."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last = 0
        self._numbered: deque[Line] = deque(maxlen=_KEPT)
        self.status: WorkerStatus | None = None
        self.problem = ""
        """Why nothing is known, or what is known may be old; empty where all is well."""
        self.revision = 0
        """Another one after each change."""
        self.on_news: Callable[[], None] = lambda: None

    @property
    def lines(self) -> deque[Line]:
        """The last ones of the log, oldest first."""
        return self._numbered

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            try:
                await self._follow()
                self._tell_problem("The worker has ended; this waits for its next start.")
            except ControlError as error:
                self._tell_problem(f"{str(error)[:1].upper()}{str(error)[1:]}; this waits for one.")
            await asyncio.sleep(_PAUSE)

    async def order(self, method: Method) -> Any:
        """The worker's answer, as JSON has it. Raises ControlError."""
        async with Client.connect(self._path) as client:
            return await client.call(method, object)

    async def _follow(self) -> None:
        """While the worker is there. Raises ControlError."""
        async with Client.connect(self._path) as client:
            self._numbered.clear()  # the last lines come again
            async for event in client.subscribe(Subscribe(interval=1.0, log="debug", backlog=_KEPT)):
                self._take(event)

    def _take(self, event: WorkerStatus | LogLines) -> None:
        if isinstance(event, WorkerStatus):
            self.status, self.problem = event, ""
        else:
            if event.left_out and event.lines:
                text = f"({event.left_out} lines were left out)"
                self._add(LogLine(time=event.lines[0].time, level="info", text=text))
            for line in event.lines:
                self._add(line)
        self._changed()

    def _add(self, line: LogLine) -> None:
        self._last += 1
        self._numbered.append(Line(self._last, line.time, line.level, plain(line.text, _LONGEST)))

    def _tell_problem(self, text: str) -> None:
        self.problem = text
        self._changed()

    def _changed(self) -> None:
        self.revision += 1
        self.on_news()
