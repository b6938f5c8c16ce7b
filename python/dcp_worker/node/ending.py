"""The end of a worker."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Final

from dcp_protocol.errors import ProtocolError

from ..logs.notices import Notices
from .assembly import Assembly

LONGEST: Final = 30.0
"""Seconds that it may take."""
_FOR_RESULTS: Final = 5.0
_HURRIED: Final = 1.0


async def end(assembly: Assembly, account: str, hurried: asyncio.Event, notices: Notices) -> None:
    """What runs may finish, within bounds; then results and returns are to be acknowledged."""
    loop = asyncio.get_running_loop()
    longest = min(LONGEST, assembly.settings.cleanup_timeout)
    until = loop.time() + longest
    assembly.node.stop(hard=hurried.is_set())
    stopping = asyncio.create_task(assembly.node.wait_stopped())
    if not await first(stopping, hurried, seconds=max(0.0, longest - _FOR_RESULTS)):
        assembly.node.stop(hard=True)
        await assembly.node.wait_stopped()
    draining = asyncio.create_task(assembly.submitter.drain())
    if not await first(draining, hurried, seconds=max(1.0, until - loop.time())):
        await assembly.submitter.drain(_HURRIED)
    if pending := len(assembly.submitter.pending()):
        notices.say("warning", f"{pending} results are not submitted yet; the next start does it")
    else:  # which would take back the slices of those results, too
        with contextlib.suppress(ProtocolError, TimeoutError):
            await asyncio.wait_for(assembly.scheduler.return_all(account), _HURRIED)


async def first(task: asyncio.Task[Any], *events: asyncio.Event, seconds: float | None = None) -> bool:
    """Whether the task is done before any of the events, and in time; it is cancelled otherwise."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait([task, *waiting], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    done = task.done()
    for one in [*waiting, task]:
        one.cancel()
    await asyncio.wait([*waiting, task])
    return done
