"""The buttons of a page, and what comes of their orders."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nicegui import ui

from ..control.methods import Finish, Method, Pause, Resume, Stop
from ..control.status import Resource, WorkerStatus
from ..errors import ControlError
from ..views.words import PauseChoice, pause_choices
from .hub import Hub
from .tables import text


class Orders:
    """``changed`` is called after each order, to show what it has done."""

    def __init__(self, hub: Hub, changed: Callable[[], None]) -> None:
        self._hub = hub
        self._changed = changed
        self._choices: list[PauseChoice] = []
        with ui.element("div").classes("buttons"):
            with _button("Pause", "pause"):
                self._menu = ui.menu()
            self._resume = _button("Resume", "play_arrow").on_click(lambda: self.give("Resumed", Resume()))
            _button("Finish", "done_all").on_click(self._finish)
            _button("Stop", "stop").on_click(self._stop)

    def show(self, status: WorkerStatus) -> None:
        choices = pause_choices(status.resources)
        if choices != self._choices:
            self._choices = choices
            self._show_choices(self._menu, choices)

    def pause_button(self, resource: Resource) -> None:
        """For one GPU, or the CPU."""
        choices = [one for one in pause_choices([resource, *_OTHERS]) if one.resource == resource.id]
        with _button("Pause", "pause").props("flat dense") as button:
            button.props["aria-label"] = f"Pause {resource.name}"
            self._show_choices(ui.menu(), choices)

    def resume_button(self, resource: Resource) -> None:
        button = _button("Resume", "play_arrow").props("flat dense")
        button.props["aria-label"] = f"Resume {resource.name}"
        button.on_click(lambda: self.give(f"Resumed: {resource.name}", Resume(resource=resource.id)))

    async def give(self, done: str, method: Method) -> None:
        try:
            await self._hub.order(method)
        except ControlError as error:
            ui.notify(str(error), type="negative", close_button="Close", timeout=0)
        else:
            ui.notify(done, type="positive")
            self._changed()

    def _show_choices(self, menu: ui.menu, choices: Sequence[PauseChoice]) -> None:
        menu.clear()
        with menu:
            for choice in choices:
                ui.menu_item(choice.label, lambda choice=choice: self._pause(choice))

    async def _pause(self, choice: PauseChoice) -> None:
        await self.give(f"Paused: {choice.label}", Pause(resource=choice.resource, seconds=choice.seconds))

    async def _finish(self) -> None:
        question = "The worker takes no new work, and ends when its slices are done and submitted."
        if await _is_sure("Finish?", question, "Finish"):
            await self.give("The worker finishes what it has, and ends", Finish())

    async def _stop(self) -> None:
        question = "What runs may finish within 30 seconds, what waits goes back to the scheduler. This page ends, too."
        if await _is_sure("Stop the worker?", question, "Stop"):
            await self.give("The worker stops", Stop())


_OTHERS = (Resource(id="other", name="", kind="gpu"),)
"""Beside which a resource has choices of its own."""


def _button(label: str, icon: str) -> ui.button:
    return ui.button(label, icon=icon).props("no-caps outline")


async def _is_sure(title: str, question: str, yes: str) -> bool:
    with ui.dialog() as dialog, ui.card():
        text("h2", title)
        text("p", question)
        with ui.element("div").classes("buttons"):
            ui.button(yes, on_click=lambda: dialog.submit(True)).props("no-caps outline")
            ui.button("Go on working", on_click=lambda: dialog.submit(False)).props("no-caps flat autofocus")
    dialog.props("aria-label=question").on("hide", dialog.delete)
    return bool(await dialog)
