"""A worker that begins its dashboard and its page itself: they end with it, and it goes on without them."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import urllib.request
from pathlib import Path

from process_tree import children, is_running
from scheduler_stand_in import PAYMENT_ADDRESS, Job, stand_in
from scheduler_stand_in.stand_in import StandIn
from scheduler_stand_in.workers import IDENTITY_KEY, OWN_COMMAND, WorkerProcess, own_program, running
from terminal import Terminal, on_terminal


def named(pid: int, module: str) -> list[int]:
    """Its children that run this module."""
    found = []
    for child in children(pid):
        try:
            command = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if module.encode() in command:
            found.append(child)
    return found


async def until_gone(pid: int) -> None:
    async with asyncio.timeout(60):
        while is_running(pid):
            await asyncio.sleep(0.05)


async def page_of(worker: WorkerProcess) -> str:
    async with asyncio.timeout(60):
        while not (found := re.search(r"The web page is at (http://127\.0\.0\.1:\d+/)", worker.said())):
            await asyncio.sleep(0.1)
    return found[1]


def status_of(url: str) -> int:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return int(answer.status)


def test_the_page_of_a_worker_ends_with_it(tmp_path: Path) -> None:
    async def run() -> None:
        async with stand_in() as network, running(own_program(), tmp_path, network, ["--web", "0"]) as worker:
            url = await page_of(worker)
            assert await asyncio.to_thread(status_of, url) == 200
            (page,) = named(worker.pid, "dcp_worker.web")
            assert await worker.stop() == 0
            assert not is_running(page)

    asyncio.run(run())


def test_the_page_ends_with_a_worker_that_is_killed(tmp_path: Path) -> None:
    async def run() -> None:
        async with stand_in() as network, running(own_program(), tmp_path, network, ["--web", "0"]) as worker:
            await page_of(worker)
            (page,) = named(worker.pid, "dcp_worker.web")
            worker.signal(signal.SIGKILL)
            await worker.wait()
            await until_gone(page)

    asyncio.run(run())


def test_a_worker_works_without_its_page(tmp_path: Path) -> None:
    async def run() -> None:
        job = Job(work="async (x) => { progress(); return x; }", data=[1])
        async with stand_in() as network, running(own_program(), tmp_path, network, ["--web", "0"]) as worker:
            await page_of(worker)
            (page,) = named(worker.pid, "dcp_worker.web")
            os.kill(page, signal.SIGKILL)
            await until_gone(page)
            network.add(job)
            await network.until(lambda: job.is_done)
            async with asyncio.timeout(60):
                while page in (pages := named(worker.pid, "dcp_worker.web")) or not pages:
                    await asyncio.sleep(0.1)
            async with asyncio.timeout(60):
                while len(places := set(re.findall(r"The web page is at (\S+)", worker.said()))) < 2:
                    await asyncio.sleep(0.1)
            assert "the web page has ended, and begins again" in worker.said()
            assert len(places) == 2
            assert await worker.stop() == 0

    asyncio.run(run())


def test_a_page_that_cannot_be_is_told(tmp_path: Path) -> None:
    async def run() -> None:
        async with stand_in() as network:
            options = ["--web", network.location.rstrip("/").rpartition(":")[2]]
            async with running(own_program(), tmp_path, network, options) as worker:
                async with asyncio.timeout(60):
                    while "there is no web page: the page cannot be at port" not in worker.said():
                        await asyncio.sleep(0.1)
                assert await worker.stop() == 0
            assert "Traceback" not in worker.said()

    asyncio.run(run())


def command(network: StandIn, *output: str) -> list[str | Path]:
    options = [f"--dcp-scheduler={network.location}", "-c", "1,0", *output]
    return [OWN_COMMAND, *options, f"--paymentAddress={PAYMENT_ADDRESS}", f"--identityKey={IDENTITY_KEY}"]


def surroundings(home: Path) -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if name == "TMPDIR" or name.startswith("DCP_")}
    environment |= {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"} | own_program().environment
    return environment | {"HOME": str(home), "XDG_RUNTIME_DIR": str(home)}


async def until_at_work(terminal: Terminal) -> None:
    await terminal.until(lambda: "Waiting for work" in terminal.text or "Working" in terminal.text, "it is at work")


def test_a_worker_on_a_terminal_is_its_dashboard(tmp_path: Path) -> None:
    async def run() -> None:
        async with stand_in() as network:
            async with on_terminal(command(network, "-o", "dashboard"), surroundings(tmp_path)) as (worker, terminal):
                await until_at_work(terminal)
                job = Job(work="async (x) => { progress(); return x; }", data=[1, 2, 3], name="three")
                network.add(job)
                await terminal.until(lambda: "3 done" in terminal.text, "slices are counted")
                terminal.type("q")
                await terminal.until(lambda: "Stop it?" in terminal.text, "it asks first")
                terminal.type("y")
                async with asyncio.timeout(60):
                    assert await worker.wait() == 0
                await terminal.until(lambda: "Worker has stopped" in terminal.text, "the last lines stay")
                assert terminal.raw.count("\x1b[?1049h") == terminal.raw.count("\x1b[?1049l") == 1
            network.assert_one_result_each()

    asyncio.run(run())


def test_lines_take_the_place_of_a_dashboard_that_ends(tmp_path: Path) -> None:
    async def run() -> None:
        async with (
            stand_in() as network,
            on_terminal(command(network, "-o", "dashboard"), surroundings(tmp_path)) as (worker, terminal),
        ):
            await until_at_work(terminal)
            (dashboard,) = named(worker.pid, "dcp_worker.dashboard")
            os.kill(dashboard, signal.SIGKILL)
            await terminal.until(lambda: "the dashboard has ended with status -9" in terminal.raw, "that is said")
            worker.send_signal(signal.SIGINT)
            async with asyncio.timeout(60):
                assert await worker.wait() == 0
            await terminal.until(lambda: "Worker has stopped" in terminal.raw, "lines go on")

    asyncio.run(run())


def test_ctrl_c_is_for_the_worker_and_not_for_its_page(tmp_path: Path) -> None:
    async def run() -> None:
        async with (
            stand_in() as network,
            on_terminal(command(network, "--web", "0"), surroundings(tmp_path)) as (worker, terminal),
        ):
            await terminal.until(lambda: "The web page is at" in terminal.raw, "there is a page")
            await terminal.until(lambda: "Ready." in terminal.raw, "it is at work")
            os.killpg(worker.pid, signal.SIGINT)  # as a terminal does
            async with asyncio.timeout(60):
                assert await worker.wait() == 0
            await terminal.until(lambda: "Worker has stopped" in terminal.raw, "it has stopped")
            assert "page has ended" not in terminal.raw

    asyncio.run(run())
