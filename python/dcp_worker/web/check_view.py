"""What this machine can do: the probe and the benchmark of its evaluator."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from nicegui import ui

from ..errors import ControlError
from .hub import Hub
from .tables import Table, text


class CheckView:
    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        with ui.element("div").classes("buttons"):
            self._buttons = [
                ui.button("Check this machine", on_click=lambda: self._run("probe")),
                ui.button("Measure it (some minutes)", on_click=lambda: self._run("benchmark")),
            ]
            self._spinner = ui.spinner()
            self._spinner.set_visibility(False)
        for button in self._buttons:
            button.props("no-caps outline")
        self._verdict = text("p", "").props("role=status")
        self._scores = Table("Scores of this machine", ("what", "score", "unit"), "")
        self._scores.show([])
        with ui.expansion("All of it, as JSON").classes("wide") as self._all:
            self._json = text("pre", "")
        self._all.set_visibility(False)

    async def _run(self, kind: Literal["probe", "benchmark"]) -> None:
        self._set_busy(True)
        self._verdict.text = "This machine is checked ..." if kind == "probe" else "This machine is measured ..."
        try:
            report = await self._hub.self_test(kind)
        except ControlError as error:
            self._verdict.text = f"This could not be done: {error}"
        else:
            self._show(report)
        finally:
            self._set_busy(False)

    def _show(self, report: Mapping[str, Any]) -> None:
        problems = "; ".join(map(str, report.get("problems", ())))
        self._verdict.text = str(report.get("verdict", problems or "Measured."))
        scores = report.get("scores", ())
        self._scores.show([(one["id"], (one["name"], f"{one['value']:.4g}", one["unit"])) for one in scores])
        self._json.text = json.dumps(report, indent=2, ensure_ascii=False)
        self._all.set_visibility(True)

    def _set_busy(self, is_busy: bool) -> None:
        self._spinner.set_visibility(is_busy)
        for button in self._buttons:
            button.set_enabled(not is_busy)
