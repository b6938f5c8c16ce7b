"""The dashboard: tables, a log, and keys for orders."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import ClassVar, Final

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import DataTable, Footer, Static

from ..control.methods import Finish, Method, Pause, Resume, Stop
from ..errors import ControlError
from ..views.watch import Watch
from ..views.words import PauseChoice, pause_choices
from . import head
from .log_view import LogView
from .pause_screen import PauseScreen
from .sure_screen import SureScreen
from .tables import JOB_COLUMNS, SANDBOX_COLUMNS, Row, job_rows, sandbox_rows
from .text_screen import TextScreen

_REFRESH: Final = 1.0


class Dashboard(App[None]):
    """Shows what ``watch`` sees. ``stops_worker``: leaving it stops the worker, whose terminal this is."""

    CSS_PATH = "dashboard.tcss"
    TITLE = "dcp-worker"
    VERTICAL_BREAKPOINTS = [(0, "-low"), (32, "-tall")]  # noqa: RUF012
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "pause", "Pause"),
        Binding("r", "resume", "Resume"),
        Binding("f", "finish", "Finish"),
        Binding("u", "rules", "Rules"),
        Binding("slash", "filter", "Filter", key_display="/"),
        Binding("l", "level", "Level"),
        Binding("q,ctrl+c", "leave", "Quit", key_display="q"),
    ]

    def __init__(self, watch: Watch, *, stops_worker: bool = False) -> None:
        super().__init__(ansi_color=True)
        self._watch = watch
        self._stops_worker = stops_worker
        self._shown = 0.0
        self._said: dict[str, Text] = {}
        self._watching: asyncio.Task[None] | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="title", markup=False)
        yield Static(id="summary", markup=False)
        yield Static(id="resources", markup=False)
        yield _table("sandboxes", SANDBOX_COLUMNS)
        yield _table("jobs", JOB_COLUMNS)
        yield LogView(lambda: self._watch.lines)
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        self._watching = asyncio.create_task(self._watch.run())
        self.set_interval(_REFRESH, self._tick)
        self._watch.on_news = self.show
        self.query_one("#log").focus()

    async def on_unmount(self) -> None:
        if self._watching:
            self._watching.cancel()
            await asyncio.wait([self._watching])

    def _tick(self) -> None:
        """Times go on also where nothing else does."""
        if time.monotonic() - self._shown > _REFRESH / 2:
            self.show()

    def show(self) -> None:
        """What is known now."""
        screen = self.screen_stack[0] if self.screen_stack else None
        if screen is None or not screen.query("#title"):
            return  # it begins, or ends
        status, now = self._watch.status, time.time()
        self._shown = time.monotonic()
        if status is None:
            self._say("title", Text(self._watch.problem or "Connecting with the worker ..."))
            return
        self._say("title", Text(self._watch.problem) if self._watch.problem else head.title(status, now))
        self._say("summary", head.summary(status))
        self._say("resources", head.resources(status, now))
        _fill(screen.query_one("#sandboxes", DataTable), sandbox_rows(status, now))
        _fill(screen.query_one("#jobs", DataTable), job_rows(status))
        screen.query_one(LogView).show_new()

    def _say(self, identity: str, text: Text) -> None:
        """What stays as it is costs nothing."""
        if self._said.get(identity) != text:
            self._said[identity] = text
            self.screen_stack[0].query_one(f"#{identity}", Static).update(text)

    # Orders

    def action_pause(self) -> None:
        resources = self._watch.status.resources if self._watch.status else ()
        self.push_screen(PauseScreen(pause_choices(resources)), self._pause)

    def _pause(self, choice: PauseChoice | None) -> None:
        if choice:
            self._order(f"Paused: {choice.label}", Pause(resource=choice.resource, seconds=choice.seconds))

    def action_resume(self) -> None:
        self._order("Resumed: all pauses by its owner are over", Resume())

    def action_finish(self) -> None:
        question = SureScreen(
            "No new work is taken; the worker ends when its slices are done and submitted. Finish?",
            "Yes, finish and end (y)", "No, go on working (n)",
        )  # fmt: skip
        self.push_screen(question, self._finish)

    def _finish(self, is_sure: bool | None) -> None:
        if is_sure:
            self._order("The worker finishes what it has, and ends", Finish())

    def action_leave(self) -> None:
        if not self._stops_worker:
            self.exit()
            return
        question = SureScreen("The worker ends with its dashboard. Stop it?", "Yes, stop it (y)", "No, go on (n)")
        self.push_screen(question, self._leave)

    def _leave(self, is_sure: bool | None) -> None:
        if is_sure:
            self._order("The worker stops", Stop())

    def _order(self, done: str, method: Method) -> None:
        self.run_worker(self._give(done, method), exit_on_error=False)

    async def _give(self, done: str, method: Method) -> None:
        try:
            await self._watch.order(method)
        except ControlError as error:
            self.notify(str(error), severity="error", markup=False)
        else:
            self.notify(done, markup=False)

    # What is shown

    def action_rules(self) -> None:
        if self._watch.status:
            self.push_screen(TextScreen("Rules when to work", head.rules(self._watch.status)))

    def action_filter(self) -> None:
        self.query_one(LogView).ask_for_filter()

    def action_level(self) -> None:
        self.query_one(LogView).next_level()

    async def action_quit(self) -> None:
        self.action_leave()


def _table(identity: str, columns: Sequence[str]) -> DataTable[Text]:
    table: DataTable[Text] = DataTable(id=identity, cursor_type="none", zebra_stripes=False)
    for column in columns:
        table.add_column(column, key=column)
    return table


def _fill(table: DataTable[Text], rows: Sequence[Row]) -> None:
    """Changes what has changed alone."""
    wanted = {key for key, _ in rows}
    for gone in [row for row in table.rows if row.value not in wanted]:
        table.remove_row(gone)
    for key, texts in rows:
        cells = [Text(text) for text in texts]  # which is no markup
        if key not in table.rows:
            table.add_row(*cells, key=key)
            continue
        for column, cell in zip(table.columns, cells, strict=True):
            old = table.get_cell(key, column)
            if old != cell:
                table.update_cell(key, column, cell, update_width=len(old) != len(cell))
