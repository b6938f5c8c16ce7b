"""What a worker tells of itself while it runs: its logs, its reports, one line on a terminal."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import Final, cast

from ..configuration.run_options import RunOptions
from ..configuration.settings import WorkerSettings
from ..control.log import Level, LogLine, RecentLog
from ..logs.lines import Line, Threshold
from ..logs.logs import Logs
from ..logs.narration import Narrator
from ..logs.notices import Notices
from .board import Board

PROGRAM: Final = "dcp-worker"
_REFRESH: Final = 0.5
_KEPT: Final = Threshold(verbosity=1)
"""Of the log that clients of the control socket see."""


class Told:
    """Hears ``notices`` until it is closed. ``recent`` gets lines for those who ask by the control socket."""

    def __init__(
        self, settings: WorkerSettings, options: RunOptions, notices: Notices, board: Board, recent: RecentLog
    ) -> None:
        """Raises ConfigurationError."""
        self.logs = Logs(settings.log, PROGRAM, options.verbosity)
        self.logs.hide(options.identity.secret().hex())
        self._hide(settings)
        self.logs.listen(lambda line: _keep(line, recent), _KEPT)
        self._interval = options.report_interval
        self._board = board
        self._tasks = ExitStack()
        notices.listen(Narrator(self.logs.say, self.logs.leaves_out))

    def begin(self) -> None:
        """Its reports, and what is shown on a terminal."""
        for repeated in (self._report(), self._show()):
            self._tasks.callback(asyncio.create_task(repeated).cancel)

    def change(self, settings: WorkerSettings) -> None:
        """Raises ConfigurationError."""
        self._hide(settings)
        self.logs.change(settings.log)

    def close(self) -> None:
        self._tasks.close()
        self.logs.close()

    def _hide(self, settings: WorkerSettings) -> None:
        for group in settings.compute_groups:
            self.logs.hide(group.join_secret, group.join_hash)

    async def _report(self) -> None:
        while self._interval:
            await asyncio.sleep(self._interval)
            self.logs.say(Line("info", self._board.report()))

    async def _show(self) -> None:
        while (console := self.logs.console) and console.is_terminal:
            await asyncio.sleep(_REFRESH)
            console.show(self._board.status())


def _keep(line: Line, recent: RecentLog) -> None:
    recent.add(
        LogLine(
            time=line.time.timestamp(),
            level=cast(Level, line.level),
            text=line.text,
            job=line.job,
            slice=line.slice,
            sandbox=line.sandbox,
        )
    )
