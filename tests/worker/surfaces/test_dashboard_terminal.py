"""The dashboard as a program on a terminal, with a worker that works."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from scheduler_stand_in import Job, stand_in
from scheduler_stand_in.workers import OWN_COMMAND, WorkerProcess, own_program, running
from terminal import on_terminal

SLOW = """async (x) => {
  progress(0.25);
  await new Promise((resolve) => setTimeout(resolve, 3_600_000));
}"""


def environment(worker: WorkerProcess) -> dict[str, str]:
    """Of the worker's user."""
    folder = str(worker.home)
    insecure = {"DCP_CLIENT_ALLOW_INSECURE_CONFIGURATION": "1"}
    return {"HOME": folder, "XDG_RUNTIME_DIR": folder, "PATH": "/nowhere", "LANG": "C.UTF-8", **insecure}


def test_the_dashboard_shows_a_worker_and_finishes_it(tmp_path: Path) -> None:
    async def run() -> None:
        job = Job(work="async (x) => { progress(0.25); return x; }", data=[1, 2], name="tiny")
        slow = Job(work=SLOW, data=[1], name="sleeper")
        async with stand_in() as network:
            network.add(job)
            network.add(slow)
            async with running(own_program(), tmp_path, network) as worker:
                await network.until(lambda: job.is_done)
                command = [OWN_COMMAND, "dashboard"]
                async with on_terminal(command, environment(worker)) as (dashboard, terminal):
                    await terminal.until(lambda: "Working" in terminal.text, "it is told that the worker works")
                    await terminal.until(lambda: "2 done" in terminal.text, "slices are counted")
                    await terminal.until(lambda: "25% ████" in terminal.text, "progress is shown")
                    terminal.type("q")
                    assert await dashboard.wait() == 0
                assert worker.process.returncode is None
                async with on_terminal(command, environment(worker)) as (dashboard, terminal):
                    await terminal.until(lambda: "Working" in terminal.text, "another dashboard can be opened")
                    terminal.type("f")
                    await terminal.until(lambda: "Finish?" in terminal.text, "it asks first")
                    terminal.type("y")
                    await terminal.until(lambda: "Finishing" in terminal.text, "the worker finishes")
                    worker.signal(signal.SIGINT)
                    worker.signal(signal.SIGINT)
                    await worker.wait()
                    await terminal.until(lambda: "waits for" in terminal.text, "the worker has gone")
                    terminal.type("q")
                    assert await dashboard.wait() == 0

    asyncio.run(run())


def test_a_dashboard_needs_a_terminal(tmp_path: Path) -> None:
    async def run() -> tuple[int | None, str]:
        process = await asyncio.create_subprocess_exec(
            OWN_COMMAND, "dashboard", "--socket", tmp_path / "control",
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        _, errors = await process.communicate()
        return process.returncode, errors.decode()

    status, message = asyncio.run(run())
    assert status == 1
    assert message == ("dcp-worker: a dashboard needs a terminal; dcp-worker status and dcp-worker logs need none\n")
