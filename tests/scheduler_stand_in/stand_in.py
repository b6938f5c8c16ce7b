"""The stand-in as tests drive it: a door, pages, a network that may be cut, and the scheduler behind them."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from dcp_protocol.keys.private_key import PrivateKey

from .doors import Door, npm_door, own_door
from .jobs import Job
from .messages import configuration
from .relay import Relay
from .scheduler import Ask, Scheduler
from .web import Web

DEADLINE = 60.0


class StandIn(Scheduler):
    """A scheduler that workers reach at ``location``. Made by ``stand_in``."""

    def __init__(self, **options: Any) -> None:
        super().__init__(PrivateKey.generate(), **options)
        self.web = Web()
        self.door: Door
        self.relay: Relay
        self.silent: set[str] = set()
        """Operations that are not answered; those asked meanwhile never are."""
        self.delays: dict[str, float] = {}
        """By operation, seconds until the answer."""
        self.released = 0
        """How many slices only patience has brought back."""
        self._changed = asyncio.Event()
        self._events = 0

    @property
    def location(self) -> str:
        """What ``--dcp-scheduler`` takes."""
        return self.web.location

    def add(self, job: Job) -> Job:
        for package, files in job.modules.items():
            for file, source in files.items():
                self.web.put(f"/modules/{package}/{file}", source)
        return super().add(job)

    async def take(self, ask: Ask) -> Any:
        """What a door asks."""
        if ask.operation in self.silent:
            await asyncio.Event().wait()
        if delay := self.delays.get(ask.operation):
            await asyncio.sleep(delay)
        try:
            return self.answer(ask)
        finally:
            self._changed.set()

    async def until(self, holds: Callable[[], object], within: float = DEADLINE) -> None:
        """Waits until requests have made it so. Raises AssertionError with what is known after ``within`` seconds."""
        try:
            async with asyncio.timeout(within):
                while not holds():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(self.summary()) from None

    async def until_done(self, *jobs: Job, within: float = DEADLINE, patience: float = math.inf) -> None:
        """``patience``: after so many seconds without a result, slices that somebody has for longer go to others.

        DCP does so with those of workers that are gone, or that an answer has not reached; ``released`` counts them.
        """
        watch = asyncio.create_task(self._lose_patience(patience))
        try:
            await self.until(lambda: all(job.is_done for job in jobs or self.jobs), within)
        finally:
            watch.cancel()

    async def _lose_patience(self, patience: float) -> None:
        missing, since = -1, time.monotonic()
        while True:
            await asyncio.sleep(1)
            left = sum(job.missing for job in self.jobs)
            if left != missing:
                missing, since = left, time.monotonic()
            elif time.monotonic() - since > patience:
                self.released += self.release(patience)
                since = time.monotonic()

    def summary(self) -> str:
        jobs = [f"{job.name}: without result {job.without_result[:20]}" for job in self.jobs]
        return f"requests {dict(self.counts)}, faults {self.faults[:10]}, {'; '.join(jobs)}"

    async def command(self, command: str, payload: Any = None, *, worker: str = "") -> list[Any]:
        """Sends a command to all who have subscribed (``schedmsg::broadcast``), or to one worker's session."""
        label = "schedmsg::command" if worker else "schedmsg::broadcast"
        to = [(session, token) for (session, name), token in self.subscriptions.items() if name == label]
        return await asyncio.gather(*(self._send(*one, label, command, payload) for one in to))

    async def _send(self, session: str, token: str, label: str, command: str, payload: Any) -> Any:
        self._events += 1
        data = {"eventName": label, "command": command, "payload": payload or {}}
        event = {"token": token, "event": {"eventId": f"event {self._events}", "data": data}}
        return await self.door.request(session, "event", event)

    def assert_one_result_each(self, jobs: Iterable[Job] = ()) -> None:
        for job in jobs or self.jobs:
            wrong = {number: len(one.results) for number, one in job.slices.items() if len(one.results) != 1}
            assert not wrong, f"{job.name}: results of slices that have not one: {wrong}"


@asynccontextmanager
async def stand_in(
    kind: str = "4.4.29", *, dialect: int | None = None, by_relay: bool = False, **options: Any
) -> AsyncIterator[StandIn]:
    """``kind``: ``4.4.29`` or ``5.6.1``, of npm's Target; or ``ours``, which speaks both dialects.

    ``dialect``: the one that the configuration tells, by itself that of the kind, 4 of ours. ``by_relay``: workers
    connect through ``relay``. The other options are those of Scheduler.
    """
    network = StandIn(**options)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(network.web)
        network.modules_location = f"{network.web.location}modules/"
        door = own_door(network.take) if kind == "ours" else npm_door(kind, network.take)
        network.door = await stack.enter_async_context(door)
        services = network.door.location
        if by_relay:
            network.relay = await stack.enter_async_context(Relay(services))
            services = network.relay.location
        spoken = dialect or (5 if kind == "5.6.1" else 4)
        page = configuration(network.location, services, spoken)
        network.web.put("/etc/dcp-config.kvin", page, "application/x-kvin")
        yield network
