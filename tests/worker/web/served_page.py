"""The worker's page as a program of its own, on a worker that is known."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from recorded_worker import RecordedWorker, recorded
from scheduler_stand_in.workers import OWN_COMMAND

_numbers = count(1)


@dataclass
class ServedPage:
    """``url`` ends with a slash. ``pid``: of the page's program."""

    url: str
    worker: RecordedWorker
    home: Path
    pid: int
    thread: _Thread

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    @property
    def token(self) -> str:
        (kept,) = self.home.rglob("web-token")
        return kept.read_text().strip()

    def as_new(self) -> None:
        """With another ``worker.status.worker`` than before, which the page shows."""
        self.worker.status = replace(recorded(time.time()), worker=f"w-{next(_numbers)}-")
        self.worker.orders.clear()


@contextlib.contextmanager
def served_page(home: Path, *options: str, worker: RecordedWorker | None = None) -> Iterator[ServedPage]:
    worker = worker or RecordedWorker()
    with contextlib.closing(_Thread(worker, home / "control")) as thread:
        thread.listen()
        environment = {
            **os.environ, "HOME": str(home), "XDG_STATE_HOME": str(home), "DCP_CLIENT_ALLOW_INSECURE_CONFIGURATION": "1"
        }  # fmt: skip
        command: Sequence[str | Path] = [OWN_COMMAND, "web", "--port", "0", "--socket", home / "control", *options]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, cwd=home) as process:
            try:
                assert process.stdout
                line = process.stdout.readline()
                assert line.startswith("The page is at http://"), line
                yield ServedPage(line.split()[-1], worker, home, process.pid, thread)
                process.terminate()
                assert process.wait(30) == 0
            finally:
                process.kill()


class _Thread:
    """A worker's control socket, whose loop runs in a thread, as browsers are driven without one."""

    def __init__(self, worker: RecordedWorker, path: Path) -> None:
        self._worker, self._path = worker, path
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._socket: AbstractAsyncContextManager[None] | None = None

    def listen(self) -> None:
        self._socket = self._worker.listening(self._path)
        self._run(self._socket.__aenter__())

    def end(self) -> None:
        assert self._socket
        self._run(self._socket.__aexit__(None, None, None))
        self._socket = None

    def close(self) -> None:
        if self._socket:
            self.end()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)
