"""The page: what the worker does now, what it has done, and buttons for orders."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement

from ..control.status import Resource, Sandbox, WorkerStatus
from ..views.words import (
    clock,
    count,
    dcc,
    duration,
    plain,
    resource_state,
    resource_use,
    sandbox_job,
    share,
    state,
)
from .charts import Charts
from .check_view import CheckView
from .hub import Hub
from .log_view import LogView
from .orders import Orders
from .tables import Cell, Row, Share, Table, text

STYLE: Final = Path(__file__).with_name("page.css")
_REFRESH: Final = 1.0
_COLOURS: Final = {"primary": "light-dark(#1257a8, #7ab8f5)", "negative": "#b71c1c", "positive": "#1b5e20"}


class Page:
    """One for each browser that looks. ``show`` is called again and again, and changes what has changed."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._allowed: dict[str, bool] = {}
        ui.colors(**_COLOURS)
        with ui.element("header"):
            with ui.element("div").classes("title"):
                text("h1", "dcp-worker")
                self._state = text("p", "", "state").props("role=status")
            self._orders = Orders(hub, self.show)
        self._problem = text("p", "", "problem").props("role=alert")
        with ui.element("main"):
            self._compose()
        ui.timer(_REFRESH, self.show)
        ui.timer(0.1, self._charts.show, once=True)
        ui.timer(60.0, self._charts.show, immediate=False)

    def _compose(self) -> None:
        self._numbers = _Numbers()
        with _section("This machine"):
            self._messages = text("p", "", "problem")
            self._resources = Table(
                "CPU and GPUs", ("part", "use", "now"), "Nothing is known yet.", self._resource_button
            )
        with _section("Sandboxes"):
            columns = ("sandbox", "job", "slice", "time", "progress")
            self._sandboxes = Table("Sandboxes", columns, "No sandbox: they begin when there is work.")
        with _section("Jobs"):
            job_columns = ("job", "working", "queued", "done", "failed", "CPU", "GPU", "earned")
            self._jobs = Table("Jobs", job_columns, "No job yet.")
        with _section("Last 30 days"):
            self._charts = Charts(self._hub)
        with _section("Rules"):
            self._rules = Table("Rules when to work", ("rule", "what holds", "so"), "None: the worker may always work.")
        with _section("Log"):
            self._log = LogView(self._hub.watch)
        with _section("What this machine can do"):
            CheckView(self._hub)
        with _section("This worker"):
            self._about = Table("About this worker", ("what", "value"), "Nothing is known yet.")

    def show(self) -> None:
        watch, now = self._hub.watch, time.time()
        self._problem.text = watch.problem
        self._problem.set_visibility(bool(watch.problem))
        self._log.show_new()
        status = watch.status
        if status is None:
            self._state.text = "Unknown"
            return
        self._state.text = state(status)
        self._state.classes(replace=f"state {status.state}")
        self._orders.show(status)
        self._numbers.show(status, now)
        self._messages.text = " ".join(map(plain, status.messages))
        self._messages.set_visibility(bool(status.messages))
        self._show_resources(status, now)
        self._sandboxes.show([(str(one.number), _sandbox(one, now)) for one in status.sandboxes])
        self._jobs.show(list(_jobs(status)))
        self._rules.show(_rules(status))
        self._about.show(list(_about(status)))

    def _show_resources(self, status: WorkerStatus, now: float) -> None:
        """A row is made anew where its button has to be another one."""
        allowed = {one.id: one.allowed for one in status.resources}
        rows = [(one.id, _resource(one, now)) for one in status.resources]
        self._resources.show([row for row in rows if self._allowed.get(row[0], allowed[row[0]]) == allowed[row[0]]])
        self._allowed = allowed
        self._resources.show(rows)

    def _resource_button(self, key: str) -> None:
        status = self._hub.watch.status
        found = next((one for one in status.resources if one.id == key), None) if status else None
        if found and found.allowed:
            self._orders.pause_button(found)
        elif found and any(one.rule == "manual" for one in found.reasons):
            self._orders.resume_button(found)


class _Numbers:
    """Those that matter most."""

    def __init__(self) -> None:
        self._shown: dict[str, TextElement] = {}
        with ui.element("dl").classes("numbers"):
            for name in ("slices done", "slices an hour", "earned", "earned an hour", "queued", "running for"):
                with ui.element("div"):
                    text("dt", name)
                    self._shown[name] = text("dd", "...")

    def show(self, status: WorkerStatus, now: float) -> None:
        totals, rates = status.totals, status.rates
        failed = f" ({totals.failed} failed)" if totals.failed else ""
        unsent = f" ({status.queue.unsubmitted} unsent)" if status.queue.unsubmitted else ""
        for name, value in {
            "slices done": f"{totals.completed}{failed}",
            "slices an hour": count(rates.slices_per_hour),
            "earned": dcc(totals.earned),
            "earned an hour": dcc(rates.earned_per_hour),
            "queued": f"{status.queue.queued}{unsent}",
            "running for": duration(now - status.started),
        }.items():
            self._shown[name].text = value


@contextmanager
def _section(title: str) -> Iterator[None]:
    with ui.element("section") as section:
        section.props["aria-label"] = title
        text("h2", title)
        yield


def _resource(one: Resource, now: float) -> Sequence[Cell]:
    return plain(one.name or one.id, 60), resource_use(one), resource_state(one, now)


def _sandbox(one: Sandbox, now: float) -> Sequence[Cell]:
    number = f"{one.number}{' (GPU)' if one.uses_gpu else ''}"
    if one.began is None:
        return number, sandbox_job(one), "", "", Share(None, one.state)
    words = share(one) or ("works" if one.reported is None else "works, reports")
    slice_number = "" if one.slice is None else str(one.slice)
    return number, sandbox_job(one), slice_number, clock(now - one.began), Share(one.progress, words)


def _jobs(status: WorkerStatus) -> Iterator[Row]:
    for one in status.jobs:
        counts = map(str, (one.working, one.queued, one.completed, one.failed))
        times = duration(one.cpu_seconds), duration(one.gpu_seconds) if one.gpu_seconds else ""
        yield one.id, (plain(one.name or one.id, 80), *counts, *times, dcc(one.earned))


def _rules(status: WorkerStatus) -> list[Row]:
    ordered = sorted(status.rules, key=lambda rule: not rule.in_force)
    return [  # by their places: one rule may hold for several resources
        (str(place), (plain(one.name), plain(one.text), "rests" if one.in_force else "works"))
        for place, one in enumerate(ordered)
    ]


def _about(status: WorkerStatus) -> Iterator[Row]:
    facts = {
        "version": status.version, "worker": status.worker, "scheduler": status.scheduler,
        "account that is paid": status.account, "identity": status.identity, "evaluator": status.evaluator,
        "most sandboxes": str(status.max_sandboxes), "process": str(status.pid),
    }  # fmt: skip
    for name, value in facts.items():
        yield name, (name, plain(value))
