"""What workers connect to: npm's class Target, which is a strict judge of their messages, or ours, which is faster."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol

from dcp_protocol import IncomingRequest, Target
from dcp_protocol.errors import ProtocolError
from dcp_protocol.keys.private_key import PrivateKey
from npm_peers import AskingTarget, npm_target

from .scheduler import Ask

Answer = Callable[[Ask], Any]
"""Gives the reply, or an awaitable of it; raises ProtocolError."""


class Door(Protocol):
    @property
    def location(self) -> str: ...

    async def request(self, session: str, operation: str, data: Any) -> Any:
        """Asks the worker of a session."""

    async def restart(self, *, as_another: bool = False) -> None:
        """Ends as a crash does and begins again at the same place, without sessions; ``as_another``: with a new key."""


class NpmDoor:
    def __init__(self, target: AskingTarget, answer: Answer) -> None:
        self._target = target
        self._answer = answer
        self._tasks: set[asyncio.Task[None]] = set()
        target.on_ask = self._asked

    @property
    def location(self) -> str:
        return self._target.location

    def _asked(self, event: dict[str, Any]) -> None:
        asked = Ask(event["operation"], event.get("data"), event["session"], event["owner"])
        task = asyncio.get_running_loop().create_task(self._reply(event["ask"], asked, self._target.pid))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _reply(self, number: int, asked: Ask, pid: int) -> None:
        try:
            reply = {"value": await self._answer(asked)}
        except ProtocolError as error:
            reply = {"error": {"code": error.code, "message": str(error)}}
        if pid == self._target.pid:
            self._target.tell("answer", ask=number, **reply)

    async def request(self, session: str, operation: str, data: Any) -> Any:
        return await self._target.do("request", session=session, operation=operation, data=data)

    async def restart(self, *, as_another: bool = False) -> None:
        if as_another:
            self._target.settings["identity"] = secrets.token_hex(32)
        await self._target.restart()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class OwnDoor:
    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._key = PrivateKey.generate()
        self._target = self._make("http://127.0.0.1:0/dcp/")

    def _make(self, location: str) -> Target:
        return Target(location, self._key, self._reply)

    @property
    def location(self) -> str:
        return self._target.location

    async def _reply(self, request: IncomingRequest) -> Any:
        session, owner = request.connection.session, str(request.connection.peer)
        return await self._answer(Ask(request.operation, request.data, session, owner))

    async def request(self, session: str, operation: str, data: Any) -> Any:
        (connection,) = (one for one in self._target.connections if one.session == session)
        return await connection.request(operation, data)

    async def restart(self, *, as_another: bool = False) -> None:
        """Orderly: a target in this process cannot crash without it."""
        location = self.location
        if as_another:
            self._key = PrivateKey.generate()
        await self._target.close()
        self._target = self._make(location)
        await self._target.__aenter__()

    async def open(self) -> None:
        await self._target.__aenter__()

    async def close(self) -> None:
        await self._target.close()


@asynccontextmanager
async def npm_door(version: str, answer: Answer) -> AsyncIterator[NpmDoor]:
    async with npm_target(version, asks=True) as target:
        assert isinstance(target, AskingTarget)
        door = NpmDoor(target, answer)
        try:
            yield door
        finally:
            await door.close()


@asynccontextmanager
async def own_door(answer: Answer) -> AsyncIterator[OwnDoor]:
    door = OwnDoor(answer)
    await door.open()
    try:
        yield door
    finally:
        await door.close()
