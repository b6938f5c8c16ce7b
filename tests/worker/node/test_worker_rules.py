"""dcp-worker rests while a rule says so, and works again."""

from __future__ import annotations

import asyncio
import os
import pty
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cli_driver import DEADLINE
from gpu_square import SQUARE_ON_GPU
from scheduler_stand_in import Job, stand_in
from scheduler_stand_in.stand_in import StandIn
from scheduler_stand_in.workers import (
    OWN_COMMAND,
    PROGRAMS,
    SCHEDULERS,
    Program,
    WorkerProcess,
    own_program,
    running,
)
from session_bus import Screensaver, SessionBus

pytestmark = pytest.mark.any_engine

GNOME = ("org.gnome.ScreenSaver", "/org/gnome/ScreenSaver", "org.gnome.ScreenSaver")
WEBGPU = 32
ANY_GPU = {"bannedGPUs": {"device": "/no such device/"}}
"""The software GPU of these tests is one that workers do not use by themselves."""
INSECURE = {"DCP_CLIENT_ALLOW_INSECURE_CONFIGURATION": "1"}
ENDLESS = "async (x) => { progress(); work.emit('begun', x); await new Promise(() => {}); }"
QUICK = "async (x) => { progress(); return x; }"


@contextmanager
def game(folder: Path) -> Iterator[str]:
    """A program of a name that no other has, which runs meanwhile."""
    name = f"game-{os.getpid()}"
    path = folder / name
    shutil.copy("/bin/sleep", path)
    with subprocess.Popen([path, "1000"]) as process:
        try:
            yield name
        finally:
            process.kill()


@contextmanager
def typing() -> Iterator[str]:
    """Somebody types in a terminal meanwhile. Its name."""
    ours, theirs = pty.openpty()
    ended = threading.Event()

    def type_on() -> None:
        while not ended.wait(0.2):
            os.write(ours, b"x\n")
            os.read(theirs, 10)
            os.read(ours, 10)
            os.utime(theirs)  # the kernel has it only to eight seconds

    thread = threading.Thread(target=type_on)
    thread.start()
    try:
        yield os.ttyname(theirs)
    finally:
        ended.set()
        thread.join()
        os.close(ours)
        os.close(theirs)


def rules(of_cpu: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"node": {"rules": {"cpu": dict(of_cpu), "calm": 0, **more}}}


async def said(worker: WorkerProcess, text: str) -> None:
    async with asyncio.timeout(DEADLINE):
        while text not in worker.said():
            assert not worker.has_ended, worker.said()
            await asyncio.sleep(0.05)


def test_it_rests_while_a_program_runs_and_what_runs_goes_back_after_the_time_of_grace(
    tmp_path: Path, dialect: str
) -> None:
    endless = Job(work=ENDLESS, data=[1])
    program = own_program(PROGRAMS[dialect], **rules({"programs": [f"game-{os.getpid()}"]}, grace=1))

    async def run() -> None:
        async with stand_in(SCHEDULERS[dialect]) as network:
            network.add(endless)
            async with running(program, tmp_path, network) as worker:
                await network.until(lambda: network.counts["workEmit"])
                endless.is_open = False
                with game(tmp_path) as name:
                    await said(worker, f" . CPU rests: {name} runs\n")
                    await network.until(lambda: endless.slices[1].returns)
                    quick = Job(work=QUICK, data=[7])
                    network.add(quick)
                await said(worker, " . CPU works again\n")
                await network.until_done(quick)
                assert await worker.stop() == 0
            assert endless.slices[1].returns[0].data["reason"] == "this worker rests"
            assert quick.results == [7]

    asyncio.run(run())


def test_what_runs_finishes_within_the_time_of_grace(tmp_path: Path, dialect: str) -> None:
    job = Job(
        work="""async (x) => {
          progress();
          work.emit("begun", x);
          await new Promise((resolve) => setTimeout(resolve, 6000));
          return x;
        }""",
        data=[1],
    )
    program = own_program(PROGRAMS[dialect], **rules({"programs": [f"game-{os.getpid()}"]}, grace=60))

    async def run() -> None:
        async with stand_in(SCHEDULERS[dialect]) as network:
            network.add(job)
            async with running(program, tmp_path, network) as worker:
                await network.until(lambda: network.counts["workEmit"])
                with game(tmp_path):
                    await said(worker, " . CPU rests: ")
                    await network.until_done(job)
                    assert await worker.stop() == 0
            assert job.results == [1]

    asyncio.run(run())


def test_a_worker_whose_hours_have_not_come_asks_for_nothing_until_it_has_other_rules(
    tmp_path: Path, dialect: str
) -> None:
    job = Job(work=QUICK, data=[7])
    tomorrow = datetime.now() + timedelta(days=2)
    program = own_program(PROGRAMS[dialect])
    folder = tmp_path / "worker/.dcp/dcp-worker"
    folder.mkdir(parents=True)
    configuration = folder / "dcp-config.toml"
    configuration.write_text(f'[node.rules.cpu]\nhours = ["{tomorrow:%a}"]\n')

    async def run() -> None:
        async with stand_in(SCHEDULERS[dialect]) as network:
            network.add(job)
            async with running(program, tmp_path, network) as worker:
                await said(worker, "Ready.")
                assert " . CPU rests: it is not the time of the week to work\n" in worker.said()
                await asyncio.sleep(2)
                assert not _asked(network)
                configuration.write_text("")
                worker.signal(signal.SIGHUP)
                await network.until_done(job)
                assert " . CPU works again\n" in worker.said()
                assert await worker.stop() == 0

    asyncio.run(run())
    assert job.results == [7]


def test_it_rests_while_somebody_types_on_a_terminal(tmp_path: Path) -> None:
    program = own_program(**rules({"inUse": ["terminal"]}, idleTime=2))

    async def run() -> None:
        async with stand_in(SCHEDULERS["4"]) as network, running(program, tmp_path, network) as worker:
            await said(worker, "Ready.")
            with typing() as terminal:
                await said(worker, f"terminal {terminal}")
            await said(worker, " . CPU works again\n")
            assert await worker.stop() == 0

    asyncio.run(run())


def test_it_rests_while_a_screensaver_is_off(tmp_path: Path) -> None:
    program = own_program(**rules({"inUse": ["screensaver"]}))
    job = Job(work=QUICK, data=[1])

    async def run(bus: SessionBus, screensaver: Screensaver) -> None:
        variables = {**program.environment, "DBUS_SESSION_BUS_ADDRESS": bus.address}
        on_bus = replace(program, environment=variables)
        async with stand_in(SCHEDULERS["4"]) as network, running(on_bus, tmp_path, network) as worker:
            network.add(job)
            await said(worker, " . CPU rests: the screensaver org.gnome.ScreenSaver is off\n")
            await said(worker, "Ready.")
            assert not _asked(network)
            screensaver.switch(True)
            await network.until_done(job)
            screensaver.switch(False)
            async with asyncio.timeout(DEADLINE):
                while worker.said().count(" . CPU rests") < 2:
                    await asyncio.sleep(0.05)
            assert await worker.stop() == 0

    with SessionBus(tmp_path) as bus, Screensaver(bus, *GNOME, active=False) as screensaver:
        asyncio.run(run(bus, screensaver))
    assert job.results == [1]


def test_it_rests_while_the_disk_is_too_full_and_says_of_which_rules_nothing_is_known(tmp_path: Path) -> None:
    unknown = {"inUse": ["screensaver"]}
    program = own_program(**rules({"freeDisk": 1e15, **unknown}))

    async def run() -> None:
        async with stand_in(SCHEDULERS["4"]) as network, running(program, tmp_path, network) as worker:
            await said(worker, "Ready.")
            assert " . CPU rests: less than 1000 TB of disk is free where results are kept\n" in worker.said()
            assert "the rule inUse has no effect: the screensaver monitor finds no session bus" in worker.said()
            assert await worker.stop() == 0

    asyncio.run(run())


def test_a_gpu_that_its_owner_pauses_is_not_asked_for_and_its_slices_go_back(tmp_path: Path, dialect: str) -> None:
    on_gpu = Job(work=ENDLESS, data=[1], needs=WEBGPU)

    async def run() -> None:
        async with stand_in(SCHEDULERS[dialect]) as network:
            network.add(on_gpu)
            async with running(_with_gpu(dialect), tmp_path, network, ["-c", "2,1"]) as worker:
                await network.until(lambda: network.counts["workEmit"])
                assert await order(worker, "pause", "gpu") == 0
                await network.until(lambda: on_gpu.slices[1].returns)
                asked = len(_asked(network))
                elsewhere = Job(work=QUICK, data=[3])
                network.add(elsewhere)
                await network.until_done(elsewhere)
                assert {load["gpu"] for load in _loads(network)[asked:]} == {0}
                again = Job(work=SQUARE_ON_GPU, data=[3], needs=WEBGPU)
                on_gpu.is_open = False
                network.add(again)
                assert await order(worker, "resume", "gpu") == 0
                await network.until_done(again)
                assert await worker.stop() == 0
            assert again.results == [9]

    asyncio.run(run())


def test_a_gpu_that_rests_when_the_worker_starts_is_used_later(tmp_path: Path, dialect: str) -> None:
    on_gpu, elsewhere = Job(work=SQUARE_ON_GPU, data=[3], needs=WEBGPU), Job(work=QUICK, data=[1])
    program = own_program(PROGRAMS[dialect], worker=ANY_GPU, **rules({}, gpu={"programs": [f"game-{os.getpid()}"]}))

    async def run() -> None:
        async with stand_in(SCHEDULERS[dialect]) as network:
            network.add(on_gpu)
            network.add(elsewhere)
            with ExitStack() as stack:
                stack.enter_context(game(tmp_path))
                async with running(program, tmp_path, network, ["-c", "2,1"]) as worker:
                    await network.until_done(elsewhere)
                    assert " . GPU rests: game" in worker.said()
                    assert not any(one.results for one in on_gpu.slices.values())
                    stack.close()
                    await network.until_done(on_gpu)
                    assert await worker.stop() == 0

    asyncio.run(run())


def test_while_the_cpu_rests_jobs_for_the_gpu_go_on(tmp_path: Path, dialect: str) -> None:
    elsewhere = Job(work=ENDLESS, data=[1])

    async def run() -> None:
        async with stand_in(SCHEDULERS[dialect]) as network:
            network.add(elsewhere)
            async with running(_with_gpu(dialect), tmp_path, network, ["-c", "2,1"]) as worker:
                await network.until(lambda: network.counts["workEmit"])
                assert await order(worker, "pause", "cpu") == 0
                await network.until(lambda: elsewhere.slices[1].returns)
                on_gpu = Job(work=SQUARE_ON_GPU, data=[3, 4, 5], needs=WEBGPU)
                network.add(on_gpu)
                await network.until_done(on_gpu)
                assert len(elsewhere.slices[1].returns) <= 2, "it is refused once, and not sent again"
                begun = network.counts["workEmit"]
                assert await order(worker, "resume") == 0
                await network.until(lambda: network.counts["workEmit"] > begun)
                assert await worker.stop() == 0
            assert on_gpu.results == [9, 16, 25]

    asyncio.run(run())


def _with_gpu(dialect: str) -> Program:
    return own_program(PROGRAMS[dialect], worker=ANY_GPU, **rules({}, grace=0))


async def order(worker: WorkerProcess, *arguments: str) -> int:
    """The exit status of a command of dcp-worker, as its owner gives it."""
    environment = {"HOME": str(worker.home), "XDG_RUNTIME_DIR": str(worker.home), **INSECURE}
    process = await asyncio.create_subprocess_exec(OWN_COMMAND, *arguments, env=environment)
    return await process.wait()


def _loads(network: StandIn) -> list[Any]:
    return [data["targetLoad"] for data in _asked(network) if "targetLoad" in data]


def _asked(network: StandIn) -> list[Any]:
    return [*network.all("requestTask"), *network.all("requestTask@3")]
