"""The portal of a scheduler whose loop runs in a thread, as browsers are driven without one."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selenium.webdriver.common.by import By

from browser import Browser
from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.wallet.keystore import Keystore
from dcp_scheduler.server.server import Server
from dcp_scheduler.store.transaction import Transaction
from scheduler_stand_in.workers import own_program, running

PASSPHRASE = "correct horse"


@dataclass
class PortalPage:
    """``url`` ends with a slash."""

    server: Server
    folder: Path
    loop: asyncio.AbstractEventLoop

    @property
    def url(self) -> str:
        return f"{self.server.location}portal/"

    def start(self, work: Coroutine[Any, Any, Any]) -> Future[Any]:
        """In the loop of the scheduler."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.start(work).result(60)

    def write(self, operation: Callable[[Transaction], Any]) -> Any:
        return self.do(self.server.database.write(operation))

    def keystore(self, key: PrivateKey) -> Path:
        """A file of that key, as DCP's programs write it."""
        path = self.folder / f"{key.address}.keystore"
        path.write_bytes(Keystore.create(key, PASSPHRASE).to_json())
        return path

    @contextlib.contextmanager
    def worker(self, folder: Path) -> Iterator[None]:
        """One of ours, which works for the network."""
        work = running(own_program("dcp"), folder, self.server)  # type: ignore[arg-type]
        self.do(work.__aenter__())
        try:
            yield
        finally:
            self.do(work.__aexit__(None, None, None))

    def sign_in(self, browser: Browser, key: PrivateKey, page: str = "jobs") -> None:
        """Opens the page anew, and signs in with that key's keystore."""
        browser.open(f"{self.url}?{key.address}#/{page}")
        browser.until(lambda: browser.all("input[name=file]"), "the page asks for a keystore")
        browser.find("input[name=file]").send_keys(str(self.keystore(key)))
        browser.find("input[name=passphrase]").send_keys(PASSPHRASE)
        browser.click("Sign in", "form button")
        browser.until_text("Sign out")


@contextlib.contextmanager
def portal_page(folder: Path, **settings: Any) -> Iterator[PortalPage]:
    """``settings``: of the scheduler."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = Server(folder / "scheduler", **settings)
    try:
        asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(60)
        try:
            yield PortalPage(server, folder, loop)
        finally:
            asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result(60)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def fill(browser: Browser, **values: str) -> None:
    """Fields by their names."""
    for name, value in values.items():
        shown = [one for one in browser.driver.find_elements(By.NAME, name) if one.is_displayed()]
        shown[0].clear()
        shown[0].send_keys(value)
