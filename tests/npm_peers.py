"""npm's dcp-client as a peer on the wire: its class ``Target``, and its class ``Connection`` that connects to one.

Both are driven by lines of JSON (``protocol/peers/npm_peer.js``) from asyncio::

    async with npm_target("5.6.1") as target:
        connection = await dcp_protocol.connect(target.location)
        assert await connection.request("echo", 1) == 1
        assert (await target.event("request"))["operation"] == "echo"

What a peer answers to requests is in ``answers`` of that file: ``echo``, ``fail``, ``delay``, ``big``, ``length``,
``nothing``, ``silent``, ``ask`` (asks back), ``drop`` (loses its transport before the answer).
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from node import node
from npm_packages import npm_packages

VERSIONS = ("4.4.29", "5.6.1")
_GROUPS = {"4.4.29": "dcp", "5.6.1": "dcp5"}
_PROGRAM = Path(__file__).parent / "protocol" / "peers" / "npm_peer.js"
_DEADLINE = 120.0
_LONGEST_LINE = 512 * 2**20

Event = dict[str, Any]
"""``event`` names it: ``request``, ``answered``, ``session``, ``connect``, ``disconnect``, ``end``, ``close``,
``error``, ``notification``, ``listening``; with ``wire=True`` also ``wire``, for each message sent and received."""


class PeerError(Exception):
    """What a command made npm's end throw. ``code`` is DCP's, ``details`` has the name, message and origin."""

    def __init__(self, details: dict[str, Any]) -> None:
        super().__init__(f"{details.get('code')}: {details.get('message')}")
        self.code = details.get("code")
        self.details = details


class NpmPeer:
    """A process of Node with one end of the protocol."""

    def __init__(self, version: str, home: str, settings: dict[str, Any], environment: dict[str, str]) -> None:
        self.version = version
        self.settings = settings
        self.address = ""
        self._home = home
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None
        self._events: list[Event] = []
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._changed = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None
        self._commands = 0
        self._ended = ""

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self, first: str) -> Event:
        packages = [npm_packages(_GROUPS[self.version]), npm_packages("scheduler")]
        # What a bundle throws is told after its source, of megabytes: Node loses a part of it where it is a pipe.
        with (Path(self._home) / "stderr").open("wb") as stderr:
            self._process = await asyncio.create_subprocess_exec(
                node(),
                _PROGRAM,
                json.dumps(self.settings),
                env={
                    "PATH": os.environ.get("PATH", ""),
                    "HOME": self._home,
                    "NODE_PATH": os.pathsep.join(map(str, packages)),
                    # dcp-client refuses configuration below a folder that all may write to, such as /tmp.
                    "DCP_CLIENT_ALLOW_INSECURE_CONFIGURATION": "1",
                    **self._environment,
                },
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=stderr,
                limit=_LONGEST_LINE,
            )
        self._ended = ""
        self._reader = asyncio.create_task(self._read(self._process))
        event = await self.event(first)
        self.address = event["address"]
        return event

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            told = json.loads(line)
            if "event" in told:
                self._heard(told)
            else:
                self._settle(told)
        said = (Path(self._home) / "stderr").read_bytes()[-2000:].decode(errors="replace")
        self._ended = f"npm's {self.settings['role']} has ended: {said}"
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(PeerError({"code": "ENODE", "message": self._ended}))
        self._answers.clear()
        self._changed.set()

    def _heard(self, event: Event) -> None:
        self._events.append(event)
        self._changed.set()

    def _settle(self, told: dict[str, Any]) -> None:
        answer = self._answers.pop(told["done"] if "done" in told else told["failed"])
        if answer.done():  # given up
            return
        if "done" in told:
            answer.set_result(told.get("value"))
        else:
            answer.set_exception(PeerError(told["error"]))

    async def event(self, kind: str, when: Callable[[Event], bool] = lambda _: True) -> Event:
        """Takes the first event of this kind that no call has taken yet; waits for it, while the process runs."""
        async with asyncio.timeout(_DEADLINE):
            while (found := next((e for e in self._events if e["event"] == kind and when(e)), None)) is None:
                if self._ended:
                    raise PeerError({"code": "ENODE", "message": self._ended})
                self._changed.clear()
                await self._changed.wait()
        self._events.remove(found)
        return found

    def taken_all(self, kind: str) -> list[Event]:
        """Takes all events of this kind that have come."""
        found = [event for event in self._events if event["event"] == kind]
        self._events = [event for event in self._events if event["event"] != kind]
        return found

    async def do(self, command: str, **arguments: Any) -> Any:
        """The value of a command of ``commands`` in npm_peer.js; raises PeerError if it throws there.

        Each takes ``number``, which of the connections that there were it means; without, the newest.
        """
        async with asyncio.timeout(_DEADLINE):
            return await self.begin(command, **arguments)

    def begin(self, command: str, **arguments: Any) -> asyncio.Future[Any]:
        """The same without waiting."""
        self._commands += 1
        answer = self._answers[self._commands] = asyncio.get_running_loop().create_future()
        self.tell(command, id=self._commands, **arguments)
        return answer

    def tell(self, command: str, **arguments: Any) -> None:
        """A command of which nothing comes back."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": command, **arguments}).encode() + b"\n")

    async def request(self, operation: str, data: Any = None) -> Any:
        """What the other end answers, which is not npm's; raises PeerError if that is an error."""
        return await self.do("request", operation=operation, data=data)

    def pause(self) -> None:
        """Nothing is read, answered or acknowledged until ``resume``."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    async def kill(self) -> None:
        """Ends the process as a crash does."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        if self._reader is not None:
            await self._reader

    async def end(self) -> None:
        """Ends the process with its input."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()


class NpmTarget(NpmPeer):
    location = ""

    async def listen(self) -> None:
        port = (await self.start("listening"))["port"]
        self.location = self.settings["location"] = f"http://127.0.0.1:{port}/dcp/"

    @property
    def socket_path(self) -> str:
        """The path of Socket.IO below the location's origin, which differs between the versions."""
        return "/dcp/" if self.version == "4.4.29" else "/dcp/dcp5/socketio/"

    async def restart(self) -> None:
        """Ends the process as a crash does and starts another: same port and identity, no sessions."""
        await self.kill()
        self._events.clear()
        await self.listen()


class AskingTarget(NpmTarget):
    """Whoever has this answers its requests: ``on_ask`` gets each, and ``tell("answer", ask=...)`` answers it."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.on_ask: Callable[[Event], None] = lambda _: None

    def _heard(self, event: Event) -> None:
        if event["event"] == "ask":
            self.on_ask(event)
        else:
            super()._heard(event)


class NpmClient(NpmPeer):
    async def connect(self, **options: Any) -> str:
        """Opens one more connection, whose session it tells; raises PeerError with its code if there is none."""
        return str((await self.do("connect", options=options))["session"])


@asynccontextmanager
async def npm_target(version: str, **settings: Any) -> AsyncIterator[NpmTarget]:
    """A target that listens on any port. The settings are those of npm_peer.js, without role and location."""
    with tempfile.TemporaryDirectory() as home:
        given = {"role": "target", "location": "http://127.0.0.1:0/dcp/", **_named(settings)}
        peer = (AskingTarget if settings.get("asks") else NpmTarget)(version, home, given, {})
        try:
            await peer.listen()
            yield peer
        finally:
            await peer.kill()


@asynccontextmanager
async def npm_client(
    version: str, location: str, *, home: str | None = None, environment: dict[str, str] | None = None, **settings: Any
) -> AsyncIterator[NpmClient]:
    """A client of the target at ``location``, yet without a connection. ``home`` keeps what it learns of identities."""
    with tempfile.TemporaryDirectory() as folder:
        given = {"role": "client", "location": location, **_named(settings)}
        peer = NpmClient(version, home or folder, given, environment or {})
        try:
            await peer.start("ready")
            yield peer
        finally:
            await peer.kill()


def _named(settings: dict[str, Any]) -> dict[str, Any]:
    """With an identity that outlives a restart."""
    return {"identity": secrets.token_hex(32), **settings}
