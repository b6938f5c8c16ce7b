"""Pictures of the worker's dashboard and page, for the documents: ``make screenshots``."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from PIL import Image
from served_page import ServedPage, served_page
from textual.pilot import Pilot

from browser import Browser, browsing
from dcp_worker.dashboard.app import Dashboard
from dcp_worker.views.watch import Watch
from recorded_worker import RecordedWorker

NAMES: Final = ("dashboard.png", "dashboard-pause.png", "web.png", "web-dark.png", "web-phone.png", "web-charts.png")
_COLOURS: Final = 256
_DESK, _PHONE = 1100, 360


def make(folder: Path) -> None:
    """Writes all NAMES there."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        with browsing() as browser:
            asyncio.run(_dashboard(browser, home, folder))
            with served_page(home, worker=RecordedWorker(has_foreign=False)) as page:
                _page(browser, page, folder)
    for name in NAMES:
        with Image.open(folder / name) as picture:
            picture.convert("RGB").quantize(_COLOURS).save(folder / name, optimize=True)


async def _dashboard(browser: Browser, home: Path, folder: Path) -> None:
    async with RecordedWorker(has_foreign=False).listening(home / "dashboard"):
        dashboard = Dashboard(Watch(home / "dashboard"))
        async with dashboard.run_test(size=(80, 24)) as pilot:
            await _until_drawn(pilot)
            _draw(browser, pilot, home, folder / "dashboard.png")
            await pilot.press("p")
            await pilot.pause(0.5)
            _draw(browser, pilot, home, folder / "dashboard-pause.png")


async def _until_drawn(pilot: Pilot[None]) -> None:
    async with asyncio.timeout(30):
        while "Payment" not in (drawn := pilot.app.export_screenshot()) or "Quit" not in drawn:
            await pilot.pause(0.2)


def _draw(browser: Browser, pilot: Pilot[None], home: Path, path: Path) -> None:
    drawing = home / "dashboard.svg"
    drawing.write_text(pilot.app.export_screenshot(title="dcp-worker dashboard"), encoding="utf-8")
    browser.open(drawing.as_uri(), 994, 635)
    browser.picture(path, 635)


def _page(browser: Browser, page: ServedPage, folder: Path) -> None:
    with _shown(browser, page, _DESK):
        browser.picture(folder / "web.png", 760)
    with _shown(browser, page, _DESK, dark=True):
        browser.picture(folder / "web-dark.png", 760)
    with _shown(browser, page, _PHONE):
        browser.picture(folder / "web-phone.png", 800)
    with _shown(browser, page, _DESK):
        browser.run("document.querySelector('[aria-label=\"Last 30 days\"]').scrollIntoView()")
        browser.picture(folder / "web-charts.png", 640)


@contextmanager
def _shown(browser: Browser, page: ServedPage, width: int, *, dark: bool = False) -> Iterator[None]:
    browser.open(page.url, width, dark=dark)
    browser.until_text("Payment")
    browser.until(lambda: browser.charts_are_drawn, "charts are drawn")
    yield


if __name__ == "__main__":
    make(Path(sys.argv[1]))
