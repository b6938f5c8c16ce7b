"""Where sandboxes come from: the embedded evaluator, which may die, and those elsewhere."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sandbox_driver import MAP_BASIC, Dialect, Heard, evaluator, job, pid_of, run, sandbox, value_of

from dcp_evaluator.settings.settings import Settings
from dcp_worker.dialects import sandbox_messages
from dcp_worker.errors import EvaluatorError, SandboxEndedError
from dcp_worker.sandboxes.embedded import EmbeddedEvaluator
from dcp_worker.sandboxes.outcomes import Completed
from dcp_worker.sandboxes.remote import RemoteEvaluator
from dcp_worker.sandboxes.sandbox import Sandbox
from line_peer import TcpEvaluator
from process_tree import children, descendants, is_running, running
from zygote_control import wait_until

ENDLESS = "(x) => { progress(); for (;;); }"
IDENTITY = "(x) => { progress(); return x; }"


def zygotes() -> list[int]:
    return running("dcp-zygote", children(os.getpid()))


def test_a_sandbox_that_is_killed_fails_its_slice_and_no_other(client: Dialect, engine: str) -> None:
    async def drive() -> None:
        async with evaluator(client, engine) as owner:
            first, second = [await Sandbox.start(await owner.open(), client.messages) for _ in range(2)]
            await first.assign(job(ENDLESS))
            await second.assign(job(IDENTITY))
            slice_ = asyncio.create_task(first.work(1, heard := Heard()))
            await heard.has_begun.wait()
            os.kill(await pid_of(first), signal.SIGKILL)
            with pytest.raises(SandboxEndedError, match=r"while it was working: signal 9 \(SIGKILL\)"):
                await slice_
            assert value_of(await second.work(2)) == 2
            with pytest.raises(SandboxEndedError, match="SIGKILL"):
                await first.work(3)
            assert second.error is None
            await second.end()

    run(drive())


def test_ending_a_sandbox_in_an_endless_loop(client: Dialect, engine: str) -> None:
    async def drive() -> None:
        async with evaluator(client, engine) as owner:
            box = await Sandbox.start(await owner.open(), client.messages)
            await box.assign(job(ENDLESS))
            slice_ = asyncio.create_task(box.work(1, heard := Heard()))
            await heard.has_begun.wait()
            pid = await pid_of(box)
            assert is_running(pid)
            await box.end()
            with pytest.raises(SandboxEndedError, match="the sandbox was ended"):
                await slice_
            await asyncio.to_thread(wait_until, lambda: not is_running(pid), "the end of the sandbox")

    run(drive())


def test_an_evaluator_that_dies_is_started_again(client: Dialect, engine: str) -> None:
    told: list[str] = []
    before = set(zygotes())

    async def drive() -> None:
        async with evaluator(client, engine, on_down=told.append) as owner:
            box = await Sandbox.start(await owner.open(), client.messages)
            await box.assign(job(ENDLESS))
            slice_ = asyncio.create_task(box.work(1, heard := Heard()))
            await heard.has_begun.wait()
            (zygote,) = set(zygotes()) - before
            os.kill(zygote, signal.SIGKILL)
            with pytest.raises(SandboxEndedError, match=r"zygote|connection"):
                await slice_
            again = await Sandbox.start(await owner.open(), client.messages)
            await again.assign(job(IDENTITY))
            assert value_of(await again.work(7)) == 7
            await again.end()

    run(drive())
    assert told == ["the sandbox zygote ended (signal 9 (SIGKILL))"]
    assert not set(zygotes()) - before


def test_a_zygote_that_is_killed_while_it_starts_is_started_again(client: Dialect, engine: str) -> None:
    told: list[str] = []
    before = set(children(os.getpid()))

    async def drive() -> None:
        owner = EmbeddedEvaluator(client.files, Settings(engine=engine), on_down=told.append)
        starting = asyncio.create_task(owner.start())
        try:
            while not (new := set(children(os.getpid())) - before):
                await asyncio.sleep(0.001)
            os.kill(new.pop(), signal.SIGKILL)
            await starting
            box = await Sandbox.start(await owner.open(), client.messages)
            await box.assign(job(IDENTITY))
            assert value_of(await box.work(7)) == 7
        finally:
            await owner.close()

    run(drive())
    assert told == ["the sandbox zygote ended (signal 9 (SIGKILL))"]


def test_closing_an_evaluator_ends_its_sandboxes(client: Dialect, engine: str) -> None:
    async def drive() -> None:
        owner = EmbeddedEvaluator(client.files, Settings(engine=engine))
        await owner.start()
        box = await Sandbox.start(await owner.open(), client.messages)
        pid = await pid_of(box)
        await owner.close()
        await box.wait_closed()
        assert isinstance(box.error, SandboxEndedError)
        assert not is_running(pid)
        with pytest.raises(EvaluatorError, match="not started"):
            await owner.open()

    run(drive())


def test_files_begin_to_load_before_there_is_an_event_loop(client: Dialect, engine: str) -> None:
    owner = EmbeddedEvaluator(client.files, Settings(engine=engine))
    owner.begin()
    time.sleep(0.2)

    async def drive() -> None:
        await owner.start()
        box = await Sandbox.start(await owner.open(), client.messages)
        await box.assign(job(IDENTITY))
        assert value_of(await box.work(7)) == 7
        await box.end()
        await owner.close()

    run(drive())


def test_what_has_begun_may_be_abandoned(client: Dialect, engine: str) -> None:
    before = set(zygotes())
    owner = EmbeddedEvaluator(client.files, Settings(engine=engine))
    owner.begin()
    owner.abandon()
    wait_until(lambda: not set(zygotes()) - before, "its zygote has ended")


def test_an_evaluator_whose_files_cannot_be_read_does_not_start(engine: str, tmp_path: Path) -> None:
    async def drive() -> None:
        owner = EmbeddedEvaluator([str(tmp_path / "absent.js")], Settings(engine=engine))
        with pytest.raises(EvaluatorError, match=r"cannot be started.*absent\.js"):
            await owner.start()
        await owner.close()

    run(drive())


def test_files_that_are_none_of_dcp_give_no_sandbox(engine: str, tmp_path: Path) -> None:
    (tmp_path / "start.js").write_text('onreadln((line) => writeln("? " + line));')
    client = Dialect([str(tmp_path / "start.js")], sandbox_messages.V4, MAP_BASIC)

    async def drive() -> None:
        with pytest.raises(SandboxEndedError, match="a line that is none of an evaluator's"):
            async with sandbox(client, engine):
                raise AssertionError

    run(drive())


def test_nothing_is_left_of_a_program_that_is_killed(client: Dialect, engine: str) -> None:
    program = f"""
        import asyncio, sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from sandbox_driver import Heard, dialect, evaluator, job
        from dcp_worker.sandboxes.sandbox import Sandbox

        async def main():
            client = dialect({"dcp" if client.messages.kvin_version == 8 else "dcp5"!r})
            async with evaluator(client, {engine!r}) as owner:
                box = await Sandbox.start(await owner.open(), client.messages)
                await box.assign(job({ENDLESS!r}))
                slice_ = asyncio.ensure_future(box.work(1, heard := Heard()))
                await heard.has_begun.wait()
                print("works", flush=True)
                await slice_

        asyncio.run(main())
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True, env=environment
    ) as worker:
        assert worker.stdout is not None and worker.stdout.readline() == "works\n"
        below = descendants(worker.pid)
        assert len(below) >= 2
        worker.kill()
    wait_until(lambda: not any(is_running(pid) for pid in below), "the end of all processes")


@pytest.fixture(scope="module")
def port(client: Dialect) -> Iterator[int]:
    with TcpEvaluator(*client.files) as remote:
        yield remote.port


def test_an_evaluator_elsewhere(client: Dialect, port: int) -> None:
    async def drive() -> None:
        owner = RemoteEvaluator("localhost", port)
        box = await Sandbox.start(await owner.open(), client.messages)
        await box.assign(job("(x) => { progress(); let y = 0; for (let i = 0; i < 1e5; i++) y += i; return x; }"))
        outcome = await box.work(3)
        assert isinstance(outcome, Completed) and outcome.value == 3
        assert box.pid is None
        assert 0 < outcome.metrics.cpu_time <= outcome.metrics.total_time
        await box.end()
        await owner.close()

    run(drive())


def test_an_evaluator_elsewhere_that_comes_later_or_never(client: Dialect) -> None:
    async def drive() -> None:
        with pytest.raises(EvaluatorError, match=r"no evaluator answers at localhost port 9: .*-H and -p"):
            await RemoteEvaluator("localhost", 9, patience=0.5).open()

    run(drive())
