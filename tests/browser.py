"""Chromium without a screen, for tests of pages; Debian's packages chromium and chromium-driver have it.

Names that end with ``.example`` lead to this machine.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    StaleElementReferenceException,
)
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from zygote_control import wait_until

_ARGUMENTS = (
    "--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--disable-breakpad",
    "--disable-background-networking", "--no-first-run", "--lang=en-US",
    "--no-proxy-server", "--host-resolver-rules=MAP *.example 127.0.0.1",
)  # fmt: skip

_PATIENCE = 60.0
_MEANWHILE = (StaleElementReferenceException, ElementClickInterceptedException, ElementNotInteractableException)
"""The page has changed, or moves."""


class Browser:
    """``driver``: selenium's."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def open(self, url: str, width: int = 1100, height: int = 900, *, dark: bool = False) -> None:
        self.resize(width, height)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.command("Emulation.setEmulatedMedia", features=[scheme])
        self.driver.get(url)

    def resize(self, width: int, height: int) -> None:
        self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )

    def command(self, name: str, **parameters: Any) -> Any:
        """Of the DevTools protocol."""
        return self.driver.execute_cdp_cmd(name, parameters)

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    @property
    def text(self) -> str:
        """What is seen."""
        return str(self.run("return document.body ? document.body.innerText : ''"))

    def until(self, condition: Callable[[], Any], what: str) -> None:
        def holds() -> bool:
            try:
                return bool(condition())
            except _MEANWHILE:
                return False

        wait_until(holds, what, seconds=_PATIENCE)

    def until_text(self, wanted: str) -> None:
        self.until(lambda: wanted in self.text, f"the page shows {wanted}")

    @property
    def charts_are_drawn(self) -> bool:
        """Three of them, each with bars."""
        charts = self.all(".chart")
        return len(charts) == 3 and all(len(one.find_elements(By.CSS_SELECTOR, "svg path")) > 20 for one in charts)

    def find(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def click(self, label: str, selector: str = "button, .q-item, label") -> None:
        """The first that is called so and is seen."""

        def clicked() -> bool:
            here = [one for one in self.all(selector) if one.is_displayed()]
            called = [one for one in here if label in (*one.text.split("\n"), one.get_attribute("aria-label"))]
            if called:
                called[0].click()
            return bool(called)

        self.until(clicked, f"there is something called {label}")

    def complaints(self) -> list[str]:
        """Of its console, since the last call."""
        return [one["message"] for one in self.driver.get_log("browser") if one["level"] in ("SEVERE", "WARNING")]

    def picture(self, path: Path, height: int | None = None) -> None:
        """Of the whole page, or of its upper part."""
        width = int(self.run("return innerWidth"))
        self.resize(width, height or int(self.run("return document.documentElement.scrollHeight")))
        self.driver.save_screenshot(str(path))


@contextlib.contextmanager
def browsing() -> Iterator[Browser]:
    """What it keeps goes with it. Its sockets have long names, and so it needs a folder with a short one."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _browsing(Path(folder))


def _browsing(folder: Path) -> Iterator[Browser]:
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    assert program and driver, "Chromium is missing; on Debian: apt-get install chromium chromium-driver"
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for argument in (*_ARGUMENTS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(argument)
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")  # root has none
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    own = {"HOME": str(folder), "TMPDIR": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    chrome = webdriver.Chrome(options=options, service=Service(driver, env={**os.environ, **own}))
    try:
        yield Browser(chrome)
    finally:
        chrome.quit()


@pytest.fixture(scope="session")
def browser(temporary_folder: Path) -> Iterator[Browser]:
    with browsing() as browser:
        yield browser
