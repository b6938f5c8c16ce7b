"""A scheduler that stands in for DCP's, and npm's dcp-worker as an operator starts it."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dcp_programs import environment, modules

from node import node
from npm_packages import npm_packages

PAYMENT_ADDRESS = "0x" + "2" * 40
_IDENTITY_KEY = "0x" + "3" * 64
_DEADLINE = 60.0
_SCHEDULER = Path(__file__).with_name("scheduler.js")

Event = dict[str, Any]
"""One key names what happened: ``requestTask``, ``result``, ``workEmit``, ``status``, ``fetchModuleURL``."""


def free_port() -> int:
    with socket.create_server(("localhost", 0)) as server:
        return server.getsockname()[1]


class Scheduler:
    """Hands out the slices of one job and notes what workers tell it."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self._process = process
        self.location = f"http://localhost:{port}/"
        self.events: list[Event] = []

    def wait_for(self, kind: str, when: Callable[[Event], bool] = lambda _: True) -> Event:
        """The next event of this kind. Whatever the scheduler does not know or cannot answer fails the test."""
        assert self._process.stdout is not None
        while line := self._process.stdout.readline():
            event = json.loads(line)
            assert not {"unknown", "failed", "error"} & event.keys(), line
            self.events.append(event)
            if kind in event and when(event):
                return event
        raise AssertionError(f"the scheduler has ended without {kind}: {self.events}")

    def all(self, kind: str) -> list[Event]:
        return [event for event in self.events if kind in event]


@contextmanager
def scheduler(home: Path, job: dict[str, Any]) -> Iterator[Scheduler]:
    description = home / "job.json"
    description.write_text(json.dumps({"arguments": [], "dependencies": [], "modules": {}, "taskSize": 2, **job}))
    port = free_port()
    variables = environment(str(home))
    variables["NODE_PATH"] += f":{npm_packages('scheduler')}"
    with subprocess.Popen(
        [node(), _SCHEDULER, description, str(port)],
        env=variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            started = Scheduler(process, port)
            started.wait_for("listening")
            yield started
        finally:
            process.kill()


@dataclass
class Worker:
    process: subprocess.Popen[bytes]
    log: Path

    def wait(self) -> int:
        return self.process.wait(_DEADLINE)


@contextmanager
def worker(home: Path, scheduler: Scheduler, evaluator_port: int) -> Iterator[Worker]:
    """dcp-worker, which earns for PAYMENT_ADDRESS with one core."""
    options = [f"--dcp-scheduler={scheduler.location}", "-H", "localhost", "-p", str(evaluator_port), "-c", "1,0"]
    identity = [f"--paymentAddress={PAYMENT_ADDRESS}", f"--identityKey={_IDENTITY_KEY}"]
    log = home / "worker.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [node(), modules() / "dcp-worker" / "bin" / "dcp-worker", "-o", "console", *options, *identity],
            env=environment(str(home)),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        ) as process,
    ):
        try:
            yield Worker(process, log)
        finally:
            process.kill()
