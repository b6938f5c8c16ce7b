"""The page of a worker that works: real clicks, and what the worker makes of them."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

from browser import Browser
from scheduler_stand_in import Job, stand_in
from scheduler_stand_in.workers import WorkerProcess, own_program, running

LONG = """async (x) => {
  progress(0.5);
  await new Promise((resolve) => setTimeout(resolve, x));
  return x;
}"""


async def open_page(worker: WorkerProcess, browser: Browser) -> None:
    async with asyncio.timeout(60):
        while not (found := re.search(r"The web page is at (\S+)", worker.said())):
            await asyncio.sleep(0.1)
    await asyncio.to_thread(browser.open, found[1])


def test_a_worker_is_seen_paused_resumed_and_finished(tmp_path: Path, browser: Browser) -> None:
    async def seen(text: str) -> None:
        await asyncio.to_thread(browser.until_text, text)

    async def click(*where: Any) -> None:
        await asyncio.to_thread(browser.click, *where)

    async def run() -> None:
        quick = Job(work="async (x) => { progress(); return x; }", data=[1, 2, 3], name="three quick ones", payment=0.5)
        async with stand_in() as network, running(own_program(), tmp_path, network, ["--web", "0"]) as worker:
            await open_page(worker, browser)
            await seen("Waiting for work")
            network.add(quick)
            await network.until(lambda: quick.is_done)
            await seen("three quick ones")
            await seen("1.5 DCC")
            await click("Pause")
            await click("Everything, until it is resumed")
            await seen("Paused by its owner")
            late = network.add(Job(work=LONG, data=[0], name="late"))
            await seen("Resume")
            await asyncio.sleep(2)
            assert not late.is_done
            await click("Resume")
            await network.until(lambda: late.is_done)
            await click("Finish")
            await click("Finish", ".q-dialog button")
            assert await worker.wait() == 0
            await seen("Connection lost")
            network.assert_one_result_each()

    asyncio.run(run())
