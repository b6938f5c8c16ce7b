"""The worker's log on a page, with a filter."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from nicegui import ui
from nicegui.events import ValueChangeEventArguments

from ..views.lines import Filter
from ..views.watch import Watch

_SHOWN: Final = 300
_LEVELS: Final = {"debug": "everything", "info": "information", "warning": "warnings", "error": "errors"}


class LogView:
    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._filter = Filter()
        self._last = 0
        with ui.element("div").classes("filter"):
            ui.input("Only lines with", on_change=self._set_text).props("dense outlined clearable debounce=300")
            ui.select(_LEVELS, value="info", label="Level", on_change=self._set_level).props("dense outlined")
        self._log = ui.log(max_lines=_SHOWN).classes("lines")
        self._log.props["role"] = "log"
        self._log.props["tabindex"] = 0
        self._log.props["aria-label"] = "The worker's log"
        self._log.props["aria-live"] = "off"

    def show_new(self) -> None:
        lines = self._watch.lines
        if lines and lines[-1].number < self._last:
            self._show_all()
        wanted = [one for one in lines if one.number > self._last and self._filter.passes(one)]
        for line in wanted[-_SHOWN:]:
            time = f"{datetime.fromtimestamp(line.time).astimezone():%H:%M:%S}"
            self._log.push(f"{time} {line.text}", classes=f"line {line.level}")
        self._last = lines[-1].number if lines else self._last

    def _set_text(self, event: ValueChangeEventArguments[Any]) -> None:
        self._filter = self._filter.with_text(str(event.value or ""))
        self._show_all()

    def _set_level(self, event: ValueChangeEventArguments[Any]) -> None:
        self._filter = replace(self._filter, level=str(event.value))
        self._show_all()

    def _show_all(self) -> None:
        self._log.clear()
        self._last = 0
        self.show_new()
