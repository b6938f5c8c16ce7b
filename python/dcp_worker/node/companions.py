"""The dashboard and the web page of a worker: processes of their own, which end with it, however it ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import termios
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from ..configuration.settings import WebSettings, WorkerSettings
from ..control.log import RecentLog
from ..logs.console import ConsoleOutput
from ..logs.lines import Line
from ..logs.notices import Notices

_PATIENCE: Final = 5.0
_PAUSE: Final = 10.0
_LONGEST: Final = 1000
_LAST: Final = 10
"""Lines that stay on the terminal when the dashboard has gone."""
_RESTORED: Final = "\x1b[?1049l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[?25h\x1b[0m"
"""The first screen again, no mouse, no marks of what is pasted, a cursor, no style."""


@contextlib.asynccontextmanager
async def companions(
    settings: WorkerSettings,
    socket: Path | None,
    state: Path | None,
    console: ConsoleOutput | None,
    recent: RecentLog,
    notices: Notices,
) -> AsyncIterator[None]:
    """Those that are configured, while this lasts. ``socket``: the control socket; ``recent``: what it has told."""
    has_dashboard = any(choice.name == "dashboard" for choice in settings.log.outputs)
    async with contextlib.AsyncExitStack() as stack:
        if socket is None:
            if has_dashboard or settings.web.port is not None:
                notices.say("error", "there is no dashboard and no web page: they need the control socket")
        else:
            if settings.web.port is not None:
                await stack.enter_async_context(_web(socket, settings.web, state, notices))
            if has_dashboard and console:
                await stack.enter_async_context(_dashboard(socket, console, recent, notices))
        yield


@contextlib.asynccontextmanager
async def _dashboard(socket: Path, console: ConsoleOutput, recent: RecentLog, notices: Notices) -> AsyncIterator[None]:
    """On the worker's terminal. Where it ends by itself, lines of the console take its place."""
    was_there = False
    console.hold()
    try:
        with _kept_terminal():
            async with _child("dcp_worker.dashboard", [str(socket)]) as process:
                watching = asyncio.create_task(_until_left(process, console, notices))
                try:
                    yield
                finally:
                    was_there = process.returncode is None
                    watching.cancel()
    finally:
        console.release()
        for line in recent.last(_LAST, "info") if was_there else ():
            console.say(Line(line.level, line.text))


async def _until_left(process: asyncio.subprocess.Process, console: ConsoleOutput, notices: Notices) -> None:
    status = await process.wait()
    _restore_terminal()
    console.release()
    notices.say("warning", f"the dashboard has ended with status {status}; dcp-worker dashboard shows another one")


@contextlib.asynccontextmanager
async def _web(socket: Path, settings: WebSettings, state: Path | None, notices: Notices) -> AsyncIterator[None]:
    """Where ``settings.port`` says."""
    options = {
        "path": str(socket), "state": str(state) if state else None, "address": settings.address,
        "port": settings.port, "names": settings.names or (), "always_token": settings.always_token,
    }  # fmt: skip
    serving = asyncio.create_task(_serve([msgspec.json.encode(options).decode()], notices))
    try:
        yield
    finally:
        serving.cancel()
        await asyncio.wait([serving])


async def _serve(arguments: Sequence[str], notices: Notices) -> None:
    """Begins it again where it ends, unless it was never there."""
    told = ""
    while True:
        last = ""
        pipe = asyncio.subprocess.PIPE
        streams = {"stdin": asyncio.subprocess.DEVNULL, "stdout": pipe, "stderr": asyncio.subprocess.STDOUT}
        # In a group of its own Ctrl-C does not reach it: the worker ends it, when it has ended itself.
        async with _child("dcp_worker.web", arguments, process_group=0, **streams) as process:
            assert process.stdout
            try:
                async for line in process.stdout:
                    last = line.decode("utf-8", "replace").strip()[:_LONGEST]
                    if last.startswith("http://") and last != told:
                        told = last
                        notices.say("info", f" * The web page is at {told}")
            except ValueError:  # a line that is endless
                process.kill()
            await process.wait()
        if not told:
            notices.say("error", f"there is no web page: {last}")
            return
        notices.say("warning", f"the web page has ended, and begins again: {last}")
        await asyncio.sleep(_PAUSE)


@contextlib.asynccontextmanager
async def _child(module: str, arguments: Sequence[str], **streams: Any) -> AsyncIterator[asyncio.subprocess.Process]:
    """Its last argument is the end of a pipe, whose other end is closed when this ends, or this process does."""
    theirs, ours = os.pipe()
    with contextlib.closing(_Descriptor(ours)) as lifeline:
        try:
            # -P: not from the folder in which the worker happens to run.
            command = [sys.executable, "-P", "-m", module, *arguments, str(theirs)]
            process = await asyncio.create_subprocess_exec(*command, pass_fds=(theirs,), **streams)
        finally:
            os.close(theirs)
        try:
            yield process
        finally:
            lifeline.close()
            await _ended(process)


async def _ended(process: asyncio.subprocess.Process) -> None:
    try:
        async with asyncio.timeout(_PATIENCE):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


class _Descriptor:
    def __init__(self, number: int) -> None:
        self._number = number

    def close(self) -> None:
        """May be called again."""
        number, self._number = self._number, -1
        if number >= 0:
            os.close(number)


@contextlib.contextmanager
def _kept_terminal() -> Iterator[None]:
    """As it was, whatever the dashboard has done."""
    try:
        kept = termios.tcgetattr(sys.stdin)
    except termios.error:
        yield
        return
    try:
        yield
    finally:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(sys.stdin, termios.TCSANOW, kept)


def _restore_terminal() -> None:
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.write(_RESTORED)
        sys.stdout.flush()
