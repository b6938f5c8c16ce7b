"""Pictures of the portal for docs/network.md: ``make screenshots``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Final

from PIL import Image
from portal_page import PortalPage, portal_page

from browser import Browser, browsing
from dcp_protocol.keys.private_key import PrivateKey
from dcp_scheduler.jobs import deployment
from dcp_scheduler.model.submission import Offer, Submission, Worktime
from dcp_scheduler.store.schema import jobs
from dcp_scheduler.store.transaction import Transaction
from ports import free_port

NAMES: Final = ("portal.png",)
_COLOURS: Final = 256
_KEY: Final = PrivateKey(b"\3" * 32)
_JOBS: Final = {"Protein docking": (5000, 3120), "Mandelbrot, row by row": (480, 480), "Weather ensemble": (96, 17)}


def make(folder: Path) -> None:
    """Writes all NAMES there."""
    with (
        tempfile.TemporaryDirectory() as name,
        portal_page(Path(name), port=free_port()) as page,
        browsing() as browser,
    ):
        draw(browser, page, folder)
    for name in NAMES:
        with Image.open(folder / name) as picture:
            picture.convert("RGB").quantize(_COLOURS).save(folder / name, optimize=True)


def draw(browser: Browser, page: PortalPage, folder: Path) -> None:
    page.write(_deploy)
    page.sign_in(browser, _KEY)
    browser.until_text("3120 of 5000")
    browser.picture(folder / NAMES[0], 330)


def _deploy(transaction: Transaction) -> None:
    for name, (slices, done) in _JOBS.items():
        submission = Submission(
            id=name.ljust(22, "-")[:22], dialect=5, owner=str(_KEY.address), payer=str(_KEY.address), code="data:,x",
            arguments=[], worktime=Worktime("map-basic", "^1.0.0"), offer=Offer(), slices=slices,
            inputs={"start": 1, "end": slices, "step": 1}, name=name,
        )  # fmt: skip
        job = deployment.submit(transaction, submission)
        known = {"done": done, "out": min(12, slices - done)}
        status = "finished" if done == slices else "running"
        transaction.connection.execute(jobs.update().where(jobs.c.number == job.number).values(status=status, **known))


if __name__ == "__main__":
    make(Path(sys.argv[1]))
