"""What a worker's dashboard and web page cost: the worker, which serves their control socket, and the machine."""

from __future__ import annotations

import asyncio
import os
import re
import statistics
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from browser import Browser, browsing
from scheduler_stand_in import Job, own_program, running, stand_in
from scheduler_stand_in.workers import OWN_COMMAND, WorkerProcess
from terminal import on_terminal

_COUNTING = """async (x) => {
  for (let i = 0; i < 3600; i++) {
    progress(i / 3600);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}"""
"""Progress in each second, as of a job that works."""
_FORGOTTEN = 15.0
"""Seconds after which the page's program has left the control socket, since nobody looks."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as browser:
        yield browser


@pytest.mark.full
def test_a_page_load(benchmark, measure, browser, tmp_path) -> None:
    """CPU time of the worker's own process for the first page that is open, beyond what it needs anyway."""

    async def milliseconds() -> list[float]:
        async with _at_work(tmp_path) as worker:
            url = await _page(worker)
            await asyncio.to_thread(_load, browser, url)  # what is begun once
            found = []
            for _ in range(10):
                browser.driver.get("about:blank")
                await asyncio.sleep(_FORGOTTEN)
                base = await _share(worker.pid, 5)
                begun, start = _nanoseconds(worker.pid), time.perf_counter()
                await asyncio.to_thread(_load, browser, url)
                used, passed = _nanoseconds(worker.pid) - begun, time.perf_counter() - start
                found.append(used / 1e6 - 1e3 * base * passed)
            return found

    times = benchmark.pedantic(lambda: asyncio.run(milliseconds()), rounds=1)
    measure("CPU of a worker for a load of its page", max(statistics.median(times), 0.0), "ms", "<= 20")


@pytest.mark.full
def test_dashboard_and_page(benchmark, measure, browser, tmp_path) -> None:
    """CPU time of both programs, and what the worker needs more than without them, while a slice runs."""
    seconds = 60

    async def shares() -> tuple[float, float, float]:
        async with _at_work(tmp_path) as worker:
            await asyncio.to_thread(_load, browser, await _page(worker))
            browser.driver.get("about:blank")
            await asyncio.sleep(_FORGOTTEN)
            alone = await _share(worker.pid, seconds)
            await asyncio.to_thread(_load, browser, await _page(worker))
            command = [OWN_COMMAND, "dashboard"]
            async with on_terminal(command, _environment(worker)) as (dashboard, terminal):
                await terminal.until(lambda: "Working" in terminal.text, "the dashboard shows the worker")
                await asyncio.sleep(5)
                pids = worker.pid, _child(worker.pid), dashboard.pid
                own, page, other = await asyncio.gather(*(_share(pid, seconds) for pid in pids))
                terminal.type("q")
                await dashboard.wait()
            return max(0.0, 100 * (own - alone)), 100 * page, 100 * other

    own, page, dashboard = benchmark.pedantic(lambda: asyncio.run(shares()), rounds=1)
    measure("CPU of a worker for its dashboard and page", own, "% of a core")
    measure("CPU of the dashboard", dashboard, "% of a core")
    measure("CPU of the page's program, one browser", page, "% of a core")
    measure("CPU of dashboard, page and worker for them", own + page + dashboard, "% of a core", "<= 2")


@asynccontextmanager
async def _at_work(home: Path) -> AsyncIterator[WorkerProcess]:
    async with stand_in() as network:
        network.add(Job(work=_COUNTING, data=[1], name="counting"))
        async with running(own_program(), home, network, ["--web", "0"]) as worker:
            await network.until(lambda: "begins" in worker.said() or network.counts["requestTask"])
            yield worker
            worker.process.kill()


async def _page(worker: WorkerProcess) -> str:
    while not (found := re.search(r"The web page is at (\S+)", worker.said())):
        await asyncio.sleep(0.1)
    return found[1]


def _load(browser: Browser, url: str) -> None:
    browser.open(url)
    browser.until_text("counting")


async def _share(pid: int, seconds: float) -> float:
    """Of a core."""
    begun = _nanoseconds(pid)
    await asyncio.sleep(seconds)
    return (_nanoseconds(pid) - begun) / 1e9 / seconds


def _nanoseconds(pid: int) -> int:
    """Of CPU time, of all its threads."""
    return sum(int((task / "schedstat").read_text().split()[0]) for task in Path(f"/proc/{pid}/task").iterdir())


def _child(pid: int) -> int:
    """The program of the worker's page."""
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        if b"dcp_worker.web" in Path(f"/proc/{child}/cmdline").read_bytes():
            return int(child)
    raise AssertionError("the page has no program")


def _environment(worker: WorkerProcess) -> dict[str, str]:
    own = dict.fromkeys(("HOME", "XDG_RUNTIME_DIR"), str(worker.home))
    return {**own, "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "DCP_CLIENT_ALLOW_INSECURE_CONFIGURATION": "1"}
