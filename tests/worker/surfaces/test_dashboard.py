"""The dashboard, with keys as they are pressed, on a worker that is known."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from dcp_worker.control.methods import Finish, Pause, Resume, Stop
from dcp_worker.dashboard.app import Dashboard
from dcp_worker.views.watch import Watch
from recorded_worker import FOREIGN, RecordedWorker

pytestmark = pytest.mark.any_engine

Test = Callable[[Pilot[None], RecordedWorker], Awaitable[None]]
SMALL = (80, 24)


def on_a_terminal(folder: Path, test: Test, size: tuple[int, int] = SMALL, **options: Any) -> None:
    async def run() -> None:
        worker = RecordedWorker()
        async with worker.listening(folder / "control"):
            dashboard = Dashboard(Watch(folder / "control"), **options)
            async with dashboard.run_test(size=size, notifications=True) as pilot:
                await until(pilot, lambda: "Working" in text_of(pilot))
                await test(pilot, worker)

    asyncio.run(run())


async def until(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    """What is on the screen comes from another task, and from a socket."""
    async with asyncio.timeout(60):
        while not condition():
            await pilot.pause(0.05)


def text_of(pilot: Pilot[None]) -> str:
    """What the terminal shows, line by line."""
    screen = pilot.app.screen
    return "\n".join("".join(part.text for part in strip) for strip in screen._compositor.render_strips())


def test_a_small_terminal_shows_all_that_matters(tmp_path: Path) -> None:
    async def test(pilot: Pilot[None], worker: RecordedWorker) -> None:
        wanted = (
            "Working for 3 h 12 min", "112 done, 1 failed, 35.2/h earned 0.6013 DCC", "14 queued, 1 unsent",
            "CPU 3 of 8 cores, 64 °C may work", "AMD Radeon RX 7800 XT 0 of 1 in use, 86 °C paused: it has 86 °C",
            "Mandelbrot, tiles 4096 117", "61% █████████", "3 GPU Protein docking on the GPU 9 12:3",
            "2 12 104 1 0.1893 DCC", "Payment: 0.002 DCC", "p Pause", "r Resume", "f Finish", "q Quit",
        )  # fmt: skip
        await until(pilot, lambda: all(one in " ".join(text_of(pilot).split()) for one in wanted))
        lines = text_of(pilot).splitlines()
        assert len(lines) == SMALL[1]
        assert all(len(line) <= SMALL[0] for line in lines)

    on_a_terminal(tmp_path, test)


def test_a_job_cannot_draw_on_the_terminal(tmp_path: Path) -> None:
    async def test(pilot: Pilot[None], worker: RecordedWorker) -> None:
        await until(pilot, lambda: "begins" in text_of(pilot))
        text = text_of(pilot)
        assert "<img src=x" in text
        assert "[bold] [31mred dlrow begins" in " ".join(text.split())
        assert not {"\x1b", "\u202e", "\u202d"} & set(text)
        assert FOREIGN not in text

    on_a_terminal(tmp_path, test, size=(120, 40))


def test_keys_pause_and_resume(tmp_path: Path) -> None:
    async def test(pilot: Pilot[None], worker: RecordedWorker) -> None:
        await pilot.press("p")
        await until(pilot, lambda: "Everything, until it is resumed" in text_of(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: "Paused by its owner" in text_of(pilot))
        assert worker.orders == [Pause(resource="all")]
        await pilot.press("r")
        await until(pilot, lambda: "Paused by its owner" not in text_of(pilot))
        assert worker.orders[1:] == [Resume()]

    on_a_terminal(tmp_path, test)


def test_a_gpu_is_paused_for_a_time(tmp_path: Path) -> None:
    async def test(pilot: Pilot[None], worker: RecordedWorker) -> None:
        await pilot.press("p", *["down"] * 7)
        await until(pilot, lambda: "NVIDIA RTX A4000, for 1 hour" in text_of(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: bool(worker.orders))
        assert worker.orders == [Pause(resource="0000:01:00.0", seconds=3600)]

    on_a_terminal(tmp_path, test)


def test_nothing_is_paused_by_escape(tmp_path: Path) -> None:
    async def test(pilot: Pilot[None], worker: RecordedWorker) -> None:
        await pilot.press("p")
        await until(pilot, lambda: "Pause what" in text_of(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: "Pause what" not in text_of(pilot))
        assert not worker.orders

    on_a_terminal(tmp_path, test)


def test_finish_asks_first(tmp_path: Path) -> None:
    async def test(pilot: Pilot[None], worker: RecordedWorker) -> None:
        await pilot.press("f")
        await until(pilot, lambda: "Finish?" in text_of(pilot))
        await pilot.press("enter")  # no is chosen
        await until(pilot, lambda: "Finish?" not in text_of(pilot))
        assert not worker.orders
        await pilot.press("f")
        await until(pilot, lambda: "Finish?" in text_of(pilot))
        await pilot.press("y")
        await until(pilot, lambda: "Finishing: no new work" in text_of(pilot))
        assert worker.orders == [Finish()]

    on_a_terminal(tmp_path, test)


def test_what_the_worker_refuses_is_said(tmp_path: Path) -> None:
    async def test(pilot: Pilot[None], worker: RecordedWorker) -> None:
        await pilot.press("q")
        await until(pilot, lambda: "Stop it?" in text_of(pilot))
        await pilot.press("y")
        await until(pilot, lambda: "this worker does not stop just now" in text_of(pilot))
        assert worker.orders == [Stop()]
        assert pilot.app.is_running

    on_a_terminal(tmp_path, test, stops_worker=True)


def test_q_leaves_a_worker_that_has_another_terminal(tmp_path: Path) -> None:
    async def test(pilot: Pilot[None], worker: RecordedWorker) -> None:
        await pilot.press("q")
        await until(pilot, lambda: pilot.app._exit)
        assert not worker.orders

    on_a_terminal(tmp_path, test)


def test_the_log_is_filtered(tmp_path: Path) -> None:
    async def test(pilot: Pilot[None], worker: RecordedWorker) -> None:
        await pilot.press("slash", *"SLICE 88")
        await until(pilot, lambda: "Log: information and worse with “SLICE 88”" in text_of(pilot))
        await until(pilot, lambda: "ESLICETOOSLOW" in text_of(pilot))
        assert "Payment" not in text_of(pilot)
        await pilot.press("enter")
        assert not isinstance(pilot.app.focused, Input)
        await pilot.press("slash", *["backspace"] * 8, "enter", "l")
        await until(pilot, lambda: "Log: warnings and worse" in text_of(pilot))
        await until(pilot, lambda: "rests until" in text_of(pilot) and "Ready." not in text_of(pilot))

    on_a_terminal(tmp_path, test, size=(100, 40))


def test_rules_are_shown(tmp_path: Path) -> None:
    async def test(pilot: Pilot[None], worker: RecordedWorker) -> None:
        await pilot.press("u")
        await until(pilot, lambda: "Rules when to work" in text_of(pilot))
        shown = [line.split("┃")[1].strip() for line in text_of(pilot).splitlines() if "┃" in line]
        rules = [line for line in shown if line.startswith(("rests", "works "))]
        assert rules[0].startswith("rests  temperature: AMD Radeon RX 7800 XT has 86 °C")
        assert "works  battery: the machine runs on mains" in rules

    on_a_terminal(tmp_path, test)


def test_what_changes_is_shown(tmp_path: Path) -> None:
    async def test(pilot: Pilot[None], worker: RecordedWorker) -> None:
        first, second, *_ = worker.status.sandboxes
        worker.status = replace(worker.status, sandboxes=(second, replace(first, progress=0.75)), jobs=())
        await until(pilot, lambda: "75%" in text_of(pilot))
        assert "3 GPU" not in text_of(pilot)

    on_a_terminal(tmp_path, test)


def test_it_says_that_the_worker_has_gone_and_finds_the_next(tmp_path: Path) -> None:
    async def run() -> None:
        path = tmp_path / "control"
        dashboard = Dashboard(Watch(path))
        async with dashboard.run_test(size=SMALL) as pilot:
            await until(pilot, lambda: "No worker runs" in text_of(pilot))
            async with RecordedWorker().listening(path):
                await until(pilot, lambda: "for 3 h 12 min" in text_of(pilot))
            await until(pilot, lambda: "waits for" in text_of(pilot))
            assert "Mandelbrot" in text_of(pilot)
            async with RecordedWorker().listening(path):
                await until(pilot, lambda: "for 3 h 12 min" in text_of(pilot))

    asyncio.run(run())


def test_without_colour_nothing_is_coloured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def test(pilot: Pilot[None], worker: RecordedWorker) -> None:
        assert pilot.app.no_color

    on_a_terminal(tmp_path, test)
