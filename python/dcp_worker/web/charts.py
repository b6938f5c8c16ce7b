"""Charts of the last days, and the same as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from nicegui import ui

from ..errors import ControlError
from ..views.words import count, dcc
from .hub import Hub
from .tables import Table, text

_GREY: Final = "#888"
_LINE: Final = "rgba(128, 128, 128, 0.3)"
_HOUR: Final = 3600.0


class Charts:
    """Of what ``hub`` has of the worker's history."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._report: Any = None
        self._problem = text("p", "", "quiet")
        with ui.element("div").classes("charts") as self._charts:
            self._slices = _chart("Slices by day")
            self._hours = _chart("Hours of CPU and GPU by day")
            self._earned = _chart("Earned by day, in DCC")
        with ui.expansion("The same as a table").classes("wide"):
            columns = ("day", "done", "failed", "CPU hours", "GPU hours", "earned")
            self._table = Table("The last days", columns, "No day with work yet.")

    async def show(self) -> None:
        try:
            report = await self._hub.report()
            days = _days(report)
        except ControlError as error:
            self._problem.text = f"There is no history: {error}"
            self._charts.set_visibility(False)
            return
        if report is self._report:
            return
        self._report = report
        self._problem.text = "" if days else "No day with work yet: charts begin with the first slice."
        self._problem.set_visibility(not days)
        self._charts.set_visibility(bool(days))
        self._draw(days)

    def _draw(self, days: Sequence[Mapping[str, Any]]) -> None:
        names = [one["day"] for one in days]
        _set(self._slices, names, {"done": _column(days, "completed"), "failed": _column(days, "failed")})
        hours = {"CPU": _column(days, "cpu_seconds", _HOUR), "GPU": _column(days, "gpu_seconds", _HOUR)}
        _set(self._hours, names, hours)
        _set(self._earned, names, {"earned": _column(days, "earned")})
        self._table.show([(one["day"], _cells(one)) for one in reversed(days)])


def _days(report: Any) -> list[Mapping[str, Any]]:
    return [{"day": one["day"], **one["work"]} for one in report["days"]]


def _cells(day: Mapping[str, Any]) -> Sequence[str]:
    hours = (count(day["cpu_seconds"] / _HOUR), count(day["gpu_seconds"] / _HOUR))
    return day["day"], str(day["completed"]), str(day["failed"]), *hours, dcc(day["earned"])


def _column(days: Sequence[Mapping[str, Any]], name: str, unit: float = 1.0) -> list[float]:
    return [round(one[name] / unit, 4) for one in days]


def _chart(title: str) -> ui.echart:
    axis = {"axisLabel": {"color": _GREY}, "axisLine": {"lineStyle": {"color": _LINE}}}
    options = {
        "title": {"text": title, "textStyle": {"fontSize": 14, "fontWeight": "normal", "color": _GREY}},
        "legend": {"bottom": 0, "textStyle": {"color": _GREY}},
        "tooltip": {"trigger": "axis", "renderMode": "richText"},
        "grid": {"left": 8, "right": 8, "top": 36, "bottom": 30, "containLabel": True},
        "xAxis": {"type": "category", "data": [], **axis},
        "yAxis": {"type": "value", "splitLine": {"lineStyle": {"color": _LINE}}, **axis},
        "series": [],
        "animation": False,
        "aria": {"enabled": True},
    }
    chart = ui.echart(options, renderer="svg").classes("chart")
    chart.props["aria-label"] = title
    return chart


def _set(chart: ui.echart, days: Sequence[str], columns: Mapping[str, Sequence[float]]) -> None:
    colours = {"failed": "#c62828", "GPU": "#ef6c00"}
    chart.options["xAxis"]["data"] = list(days)
    chart.options["series"] = [
        {
            "name": name, "type": "bar", "stack": "all", "data": list(values),
            "itemStyle": {"color": colours.get(name, "#1976d2")},
        }
        for name, values in columns.items()
    ]  # fmt: skip
    chart.update()
