"""A connection for asyncio: runs a machine, its transports and the application's handlers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from ..errors import ConnectionEndedError, MessageError, ProtocolError
from ..keys.address import Address
from ..keys.private_key import PrivateKey
from ..messages.bodies import Notification, Received, Request, read_message
from ..messages.error_payload import remote_error
from ..messages.json_parts import Text
from ..transport.failures import TransportError
from ..transport.flag import Flag
from ..transport.transport import Transport
from .events import (
    Delivered,
    DropTransport,
    Ended,
    Event,
    NotificationReceived,
    OpenTransport,
    RequestFailed,
    RequestReceived,
    ResponseReceived,
    Seal,
    Send,
    SessionStarted,
)
from .machine import Machine
from .values import decoded, encoded

_LOG = logging.getLogger(__name__)
_INTERNAL = ProtocolError("EINTERNAL", "the service could not handle the request, and has told why in its log")


@dataclass(frozen=True, slots=True)
class IncomingRequest:
    """What the peer asks. ``data`` is its JSON as Python has it."""

    operation: str
    data: Any
    connection: Connection
    message: Request

    def authorizes(self, resource: Address, guardian: Address | None = None, accessor: Address | None = None) -> bool:
        """Whether the key of ``resource`` allows ``guardian`` (we) to use it for ``accessor`` (the peer) with this."""
        own, peer = self.connection.address, self.connection.peer
        return self.message.authorizes(resource, guardian or own, accessor or peer)


@dataclass(slots=True)
class _Link:
    """A transport, until it is let go."""

    transport: Transport
    let_go: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def let_go_of(self) -> None:
        if not self.let_go.done():
            self.let_go.set_result(None)


RequestHandler = Callable[[IncomingRequest], Awaitable[object]]
NotificationHandler = Callable[[Any], Awaitable[object]]
TransportOpener = Callable[[], Awaitable[Transport]]


async def _refuse(request: IncomingRequest) -> object:
    raise ProtocolError("ENOSYS", f"nobody here answers requests, such as {request.operation!r:.100}")


async def _ignore(_data: Any) -> None:
    pass


async def read_text(text: bytes, inline_bytes: int) -> Received:
    """A text from a transport, verified; elsewhere if it is large. Raises MessageError."""
    return read_message(text) if len(text) <= inline_bytes else await asyncio.to_thread(read_message, text)


class Connection:
    """One end of a session, which outlives its transports. Made by ``connect`` and by ``Target``.

    ``async with`` it, or ``close`` it: nothing is left then, whatever was under way. Not for other threads.
    """

    def __init__(self, machine: Machine, address: Address, open_transport: TransportOpener | None = None) -> None:
        """``open_transport`` is what an initiator reaches its peer with."""
        self.address = address
        self._machine = machine
        self._open_transport = open_transport
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[str, asyncio.Future[ResponseReceived | None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._handling: set[asyncio.Task[None]] = set()
        self._opening: asyncio.Task[None] | None = None
        self._link: _Link | None = None
        self._remote = ""
        self._room, self._established, self._ended = Flag(), Flag(), Flag()
        self._timer: asyncio.TimerHandle | None = None
        self._pumping = False
        self._news: list[Notification] = []
        self._answer: RequestHandler = _refuse
        self._hear: NotificationHandler = _ignore
        self._on_end: Callable[[], None] | None = None
        self.end: ConnectionEndedError | None = None
        """Why the connection is over, once it is."""

    # For the application

    @property
    def session(self) -> str:
        return self._machine.session or ""

    @property
    def peer(self) -> Address:
        """Who the other end is, by its signatures. Raises ConnectionEndedError before the first message."""
        if self._machine.peer is None:
            raise self.end or ConnectionEndedError("ENOTCONN", "there is no session yet")
        return self._machine.peer

    @property
    def remote(self) -> str:
        """Of a Target's connection, the address of the peer's machine; where it was last, if it is away."""
        return self._remote

    @property
    def is_connected(self) -> bool:
        """Whether there is a transport now."""
        return self._machine.connected

    def on_request(self, handler: RequestHandler) -> None:
        """``handler`` answers the peer's requests, several at a time: what it returns, or the ProtocolError it raises.

        Of other exceptions the peer learns nothing; they are logged.
        """
        self._answer = handler

    def on_notification(self, handler: NotificationHandler) -> None:
        """``handler`` gets the data of each notification (dialect 5), one after the other.

        While it waits for one, others wait too; the connection ends when those are too many (``ConnectionOptions``).
        """
        self._hear = handler

    async def request(
        self,
        operation: str,
        data: object = None,
        *,
        authorize: Sequence[PrivateKey] = (),
        ttl: float | None = None,
    ) -> Any:
        """The peer's answer, as Python has its JSON.

        ``data`` is what ``canonical_json.encode`` takes, or a ``JsonText`` that is canonical. The keys of ``authorize``
        let the peer use what is theirs. ``ttl``: for how many seconds the peer may obey, 15 to 600. Waits while the
        limits of ``ConnectionOptions`` are met. Whoever cancels this gets no answer; the peer may obey all the same.

        Raises RemoteError for an answer that is an error, ConnectionEndedError when there will be no answer.
        """
        text = await encoded(data)
        await self._until_room(len(text))
        identity = self._machine.request(operation, text, self._now(), authorize, ttl)
        response = await self._dialogue(identity)
        assert response
        try:
            value = await decoded(response.payload)
        except ValueError as error:
            raise MessageError("EINVAL", f"the answer to {operation!r:.100} is refused: {error}") from None
        if not response.success:
            raise remote_error(value)
        return value

    async def notify(self, data: object = None) -> None:
        """Tells the peer something, and waits until it has it. Raises ConnectionEndedError."""
        text = await encoded(data)
        await self._until_room(len(text))
        await self._dialogue(self._machine.notify(text, self._now()))

    async def close(self) -> None:
        """Says goodbye; what has no answer yet gets none. Waits for the peer up to ``close_timeout``."""
        self._machine.close(self._now())
        self._pump()
        await self.wait_closed()

    async def wait_closed(self) -> ConnectionEndedError:
        """Waits for the end, whoever brings it about, and until nothing is left of the connection."""
        await self._ended.wait()
        current = asyncio.current_task()
        while left := [task for task in self._tasks | self._handling if task is not current]:
            await asyncio.wait(left)
        assert self.end
        return self.end

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # For what makes connections

    def on_end(self, tell: Callable[[], None]) -> None:
        """``tell`` is called when the connection is over, now if it is."""
        if self.end:
            tell()
        else:
            self._on_end = tell

    def start(self) -> None:
        self._machine.start(self._now())
        self._pump()

    async def until_session(self) -> None:
        """Raises ConnectionEndedError."""
        await self._established.wait()
        if self.end:
            raise ConnectionEndedError(self.end.code, str(self.end))

    def attach(self, transport: Transport, first: Received | None = None) -> None:
        """A new transport takes the place of the one before; ``first`` is what has been read from it."""
        self._release()
        if self.end:
            self._background(transport.close())
            return
        self._link = _Link(transport)
        self._remote = transport.location
        self._background(self._carry(self._link))
        self._machine.transport_opened(self._now())
        if first:
            self._machine.read(first, self._now())
        self._pump()

    # Inside

    def _now(self) -> float:
        return self._loop.time()

    def _background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _until_room(self, size: int) -> None:
        while not self._machine.has_room(size) and not self.end:
            self._room.clear()
            await self._room.wait()

    async def _dialogue(self, identity: str) -> ResponseReceived | None:
        future: asyncio.Future[ResponseReceived | None] = self._loop.create_future()
        self._waiting[identity] = future
        self._pump()
        try:
            return await future
        except asyncio.CancelledError:
            self._machine.forget(identity)
            raise
        finally:
            del self._waiting[identity]

    def _pump(self) -> None:
        """Does what the machine asks for, then sees to its next deadline."""
        if self._pumping:
            return
        self._pumping = True
        try:
            while events := self._machine.events():
                for event in events:
                    self._obey(event)
        finally:
            self._pumping = False
        self._room.set()
        self._set_timer()

    def _set_timer(self) -> None:
        deadline = self._machine.deadline
        if self._timer and self._timer.when() == deadline:
            return
        if self._timer:
            self._timer.cancel()
        self._timer = None if deadline is None else self._loop.call_at(deadline, self._time_is_up)

    def _time_is_up(self) -> None:
        self._timer = None
        # The loop's clock may be a moment behind what it was asked for.
        self._machine.timer(max(self._now(), self._machine.deadline or 0.0))
        self._pump()

    def _obey(self, event: Event) -> None:
        match event:
            case Send(text):
                assert self._link
                self._send(self._link, text)
            case Seal():
                self._background(self._seal(event))
            case OpenTransport(after):
                self._release()
                self._opening = self._background(self._open(after))
            case DropTransport():
                self._release()
            case SessionStarted():
                self._established.set()
            case RequestReceived(request):
                self._handle(self._respond(request))
            case NotificationReceived(notification):
                self._news.append(notification)
                if len(self._news) == 1:
                    self._handle(self._hear_news())
            case ResponseReceived(identity):
                self._settle(identity, event)
            case Delivered(identity):
                self._settle(identity, None)
            case RequestFailed(identity, error):
                future = self._waiting.get(identity)
                if future and not future.done():
                    future.set_exception(ConnectionEndedError(error.code, str(error)))
            case Ended(error):
                self._finish(error)

    def _settle(self, identity: str, response: ResponseReceived | None) -> None:
        future = self._waiting.get(identity)
        if future and not future.done():
            future.set_result(response)

    def _finish(self, error: ConnectionEndedError) -> None:
        self.end = error
        for task in self._handling:
            if task is not asyncio.current_task():
                task.cancel()
        self._established.set()
        self._ended.set()
        if self._on_end:
            self._on_end()

    async def _seal(self, event: Seal) -> None:
        text = await asyncio.to_thread(event.work)
        self._machine.sealed(event.token, text, self._now())
        self._pump()

    # Transports

    def _send(self, link: _Link, text: bytes) -> None:
        try:
            link.transport.send_soon(text)
        except TransportError:  # it has ended, or takes no such text: ``_carry`` tells
            link.let_go_of()

    def _release(self) -> None:
        """Lets go of the transport: what waits for it is still sent, and nothing more is read."""
        if self._opening:
            self._opening.cancel()
        if self._link:
            self._link.let_go_of()
        self._opening = self._link = None

    async def _open(self, after: float) -> None:
        assert self._open_transport
        await asyncio.sleep(after)
        try:
            transport = await self._open_transport()
        except TransportError as error:
            self._machine.transport_lost(self._now(), error, error.permanent)
            self._pump()
            return
        self._opening = None
        self.attach(transport)

    async def _carry(self, link: _Link) -> None:
        """Moves texts between the transport and the machine, until it ends or is let go."""
        transport = link.transport
        reading = self._loop.create_task(self._read(link))
        await asyncio.wait([reading, link.let_go], return_when=asyncio.FIRST_COMPLETED)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        if self._link is link:
            self._link = None
            self._machine.transport_lost(self._now(), transport.error)
            self._pump()
        await transport.close()

    async def _read(self, link: _Link) -> None:
        async for text in link.transport:
            try:
                received = await read_text(text, self._machine.options.inline_bytes)
            except MessageError as error:
                self._machine.broken(error, self._now())
            else:
                self._machine.read(received, self._now())
                del received
            del text  # nothing of it is kept until the next one comes
            self._pump()
            if self._link is not link:
                return
            await link.transport.until_room()  # for acknowledgements: a peer that does not take them has to wait

    # The application's handlers

    def _handle(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._handling.add(task)
        task.add_done_callback(self._handling.discard)

    async def _respond(self, request: Request) -> None:
        try:
            text = await self._answer_to(request)
        except ProtocolError as error:
            self._machine.fail(request.id, error, self._now())
        except Exception:
            _LOG.exception("the handler of %r failed", request.operation[:100])
            self._machine.fail(request.id, _INTERNAL, self._now())
        else:
            self._machine.respond(request.id, text, self._now())
        self._pump()

    async def _answer_to(self, request: Request) -> Text:
        try:
            data = await decoded(request.data)
        except ValueError as error:
            raise ProtocolError("EINVAL", f"the data of {request.operation!r:.100} is refused: {error}") from None
        return await encoded(await self._answer(IncomingRequest(request.operation, data, self, request)))

    async def _hear_news(self) -> None:
        """One notification after the other, in their order."""
        while self._news:
            notification = self._news[0]
            try:
                await self._hear(await decoded(notification.data))
            except Exception:
                _LOG.exception("the handler of notifications failed")
            self._news.pop(0)
            self._machine.heard(notification.id)
            self._pump()
