"""The worker's log, with a filter."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, RichLog, Static

from ..views.lines import Filter, Line

_KEPT: Final = 1000
_STYLES: Final = {"warning": "bold", "error": "bold reverse"}


class LogView(Vertical):
    """``lines``: those that are there to be shown again when the filter changes, oldest first."""

    def __init__(self, lines: Callable[[], Iterable[Line]]) -> None:
        super().__init__(id="log-view")
        self._lines = lines
        self._filter = Filter()
        self._last = 0

    def compose(self) -> ComposeResult:
        yield Static(id="log-title", markup=False)
        yield Input(placeholder="show only lines with this text; Enter goes back", id="filter")
        yield RichLog(id="log", max_lines=_KEPT, wrap=True, min_width=0)

    def on_mount(self) -> None:
        self._show_title()
        self.query_one(Input).display = False

    def on_resize(self) -> None:
        """The lines above have become more, for example."""
        self.query_one(RichLog).scroll_end(animate=False)

    def ask_for_filter(self) -> None:
        self.query_one(Input).display = True
        self.query_one(Input).focus()

    def next_level(self) -> None:
        """Of those that are shown: the worst alone, then more again."""
        self._filter = self._filter.next_level()
        self.show_all()

    def show_new(self) -> None:
        """Writes those that are not there yet."""
        log = self.query_one(RichLog)
        for line in self._lines():
            if line.number > self._last:
                self._last = line.number
                if self._filter.passes(line):
                    log.write(_shown(line))

    def show_all(self) -> None:
        log = self.query_one(RichLog)
        log.clear()
        self._show_title()
        self._last = 0
        self.show_new()

    def on_input_changed(self, event: Input.Changed) -> None:
        self._filter = self._filter.with_text(event.value)
        self.show_all()

    def on_input_submitted(self) -> None:
        self.query_one(Input).display = bool(self._filter.text)
        self.query_one(RichLog).focus()

    def _show_title(self) -> None:
        self.query_one("#log-title", Static).update(f"Log: {self._filter.describe()}")


def _shown(line: Line) -> Text:
    time = f"{datetime.fromtimestamp(line.time).astimezone():%H:%M:%S} "
    return Text.assemble((time, "dim"), (line.text, _STYLES.get(line.level, "")))
