"""What an operator sees of a worker at work: reports, and a line of state on a terminal."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import signal
import threading
from pathlib import Path

import pytest

from scheduler_stand_in import Job, own_program, running, stand_in
from scheduler_stand_in.workers import OWN_COMMAND

pytestmark = pytest.mark.any_engine

REPEATED = re.compile(r"(Slices:\n  working:     1\n  queued:      0\n.*){2}", re.DOTALL)
HALF = re.compile(r"\n +\d+: \S{22} the long one {22} 0:\d\d 50%\n")
LONG = "async (x) => { for (;;) { progress(0.5); await new Promise((resolve) => setTimeout(resolve, 50)); } }"


def test_reports_come_again_and_again(tmp_path: Path) -> None:
    async def test() -> None:
        async with stand_in("ours") as network:
            network.add(Job(work=LONG, data=[1], name="the long one"))
            async with running(own_program("dcp"), tmp_path, network, ["--reportInterval", "0.2"]) as worker:
                async with asyncio.timeout(60):
                    while not (REPEATED.search(worker.said()) and HALF.search(worker.said())):
                        await asyncio.sleep(0.05)
                worker.signal(signal.SIGQUIT)
                await worker.wait()
            said = worker.said()
        assert "Sandboxes:\n  Working:     1\n" in said
        assert "\x1b" not in said

    asyncio.run(test())


def test_a_terminal_shows_the_state_below_the_lines(tmp_path: Path) -> None:
    async def test() -> None:
        async with stand_in("ours") as network:
            job = network.add(Job(work="async (x) => { progress(); return x; }", data=[1, 2], payment=0.25))
            program = own_program("dcp")
            environment = {**program.environment, "PATH": os.environ["PATH"], "TERM": "xterm"}
            environment |= dict.fromkeys(("HOME", "XDG_RUNTIME_DIR"), str(tmp_path))
            options = [f"--dcp-scheduler={network.location}", "-c", "1,0", "--paymentAddress", "0x" + "2" * 40]
            pid, terminal = pty.fork()
            if pid == 0:
                os.execve(OWN_COMMAND, [str(OWN_COMMAND), *options, "--identityKey", "0x" + "3" * 64], environment)
            shown = bytearray()
            reader = threading.Thread(target=_read, args=(terminal, shown))
            reader.start()
            number = signal.SIGKILL
            try:
                await network.until_done(job)
                async with asyncio.timeout(60):
                    while b"2 completed, 0.500 DCC" not in shown:
                        await asyncio.sleep(0.05)
                number = signal.SIGINT
            finally:
                os.kill(pid, number)
            _, status = await asyncio.to_thread(os.waitpid, pid, 0)
            reader.join()
            os.close(terminal)
        assert os.waitstatus_to_exitcode(status) == 0
        text = shown.decode()
        assert "\r\x1b[K * Ready.\r\n" in text or " * Ready.\r\n" in text
        assert re.search(r"\x1b\[K [|/\\-] \d slices working.* queued, 2 completed, 0\.500 DCC", text)
        assert text.rstrip("\r\n").endswith("\r\x1b[K")

    asyncio.run(test())


def _read(terminal: int, shown: bytearray) -> None:
    while True:
        try:
            data = os.read(terminal, 1 << 16)
        except OSError:  # the worker has ended
            return
        shown += data
