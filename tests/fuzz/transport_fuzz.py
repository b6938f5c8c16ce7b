"""The transport of DCP's protocol, whose peer here says what tests/fuzz/packets.py makes up.

python tests/fuzz/transport_fuzz.py [--seconds N] [--seed N] [--only SEED]

Machines are fed as they are, ends with sockets over sockets of this machine. It fails on any exception that is not of
the package, anything that is logged, events after the end, memory or descriptors that are left or beyond the bound.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import logging
import random
import sys
from collections.abc import Coroutine
from typing import Any, Literal

from packets import Speaker
from rounds import FaultError, run_rounds

from dcp_protocol.transport import transport, websocket_carrier
from dcp_protocol.transport.client import connect
from dcp_protocol.transport.client_machine import ClientMachine
from dcp_protocol.transport.engine_io import Handshake, PacketSplitter
from dcp_protocol.transport.failures import TransportError
from dcp_protocol.transport.inbox import Message
from dcp_protocol.transport.limits import Budget, Limits
from dcp_protocol.transport.listener import Listener
from dcp_protocol.transport.machine import Lost, Machine
from dcp_protocol.transport.options import ConnectOptions, ListenOptions
from dcp_protocol.transport.server_machine import ServerMachine
from dcp_protocol.transport.texts import Opened

_LIMITS = Limits(fragment_size=100, fragment_count=5, waiting_bytes=4000, incomplete=3, packet_bytes=2000)
_BUDGET = 6000
_PATH = "/dcp5/socketio/?EIO=4&transport="


class Watched:
    """A machine, what it said, and whether that is in order."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._opened = 0
        self._lost = 0

    def look(self) -> None:
        for event in self.machine.events():
            if self._lost:
                raise FaultError("an event after the end")
            self._lost += isinstance(event, Lost)
            self._opened += isinstance(event, Opened)
            if isinstance(event, Message):
                event.text().decode()  # which is UTF-8
            if self._opened > 1 or (isinstance(event, Message) and not self._opened):
                raise FaultError("opened twice, or a message before")
            if isinstance(event, Lost) and not str(event.error).isprintable():
                raise FaultError("an error that is not fit to be printed")
        if self.machine.is_lost != bool(self._lost) or (self._lost and self.machine.deadline is not None):
            raise FaultError("the end is not told, or waits for something")


def feed_machines(source: random.Random) -> None:
    """Two machines of a kind with one budget."""
    is_client, budget, now = source.random() < 0.5, Budget(_BUDGET), 0.0
    watched = [Watched(_machine(source, is_client, budget)) for _ in range(2)]
    speaker = Speaker(source)
    packets = [speaker.server() if is_client else speaker.client() for _ in watched]
    for _ in range(sum(map(len, packets))):
        index = source.randrange(2)
        if packets[index]:
            watched[index].machine.packet_received(packets[index].pop(0), now)
        now += source.choice([0, 0, 0, 1, 20])
        for one in watched:
            _act(source, one.machine, now)
            one.look()
    for one in watched:
        one.machine.carrier_lost(TransportError("ECONNRESET", "cut"))
        one.look()
    if not is_client and budget.left != _BUDGET:
        raise FaultError(f"{_BUDGET - budget.left} bytes of the budget are not given back")


def _machine(source: random.Random, is_client: bool, budget: Budget) -> Machine:
    ack_mode = source.random() < 0.5
    if is_client:
        return ClientMachine(0, limits=_LIMITS, ack_mode=ack_mode)
    handshake = Handshake("s", (), 10_000, 60_000)
    return ServerMachine(0, handshake, "x", limits=_LIMITS, ack_mode=ack_mode, budget=budget)


def _act(source: random.Random, machine: Machine, now: float) -> None:
    choice = source.random()
    if choice < 0.3:
        for _ in range(source.randrange(5)):
            machine.next_packet()
    elif choice < 0.4:
        machine.timer(now)
    elif choice < 0.5:
        machine.stalled(now)
        machine.timer(now + source.choice([0, 100]))
        machine.resumed(now)
    elif choice < 0.6:
        with contextlib.suppress(TransportError):
            source.choice([machine.send, machine.send_out_of_order])(
                b"{" + "é\U0001f600".encode() * source.randrange(90)
            )
    elif choice < 0.605:
        machine.close()


def split_bodies(source: random.Random) -> None:
    """However a body is cut, its packets are the same."""
    speaker = Speaker(source)
    body = speaker.body(speaker.client())
    ways = {tuple(_split(body, size)) for size in (len(body) or 1, source.randrange(1, 300))}
    if len(ways) != 1:
        raise FaultError("a body has other packets when it comes in other pieces")


def _split(body: bytes, size: int) -> list[bytes | str]:
    splitter, packets = PacketSplitter(_LIMITS.packet_bytes), list[bytes | str]()
    try:
        for at in range(0, len(body), size):
            packets += splitter.feed(body[at : at + size])
        packets.append(splitter.last())
    except TransportError as error:
        packets.append(error.code)
    return packets


async def attack_listener(source: random.Random) -> None:
    """Clients that say anything, and one that must be served all the same."""
    options = ListenOptions(limits=_LIMITS, idle_seconds=0.1, waiting_bytes=_BUDGET)
    async with Listener("127.0.0.1", 0, options=options) as listener:
        served = asyncio.create_task(_echo(listener))
        good = await connect(f"http://127.0.0.1:{listener.port}/", ConnectOptions(limits=_LIMITS))
        await asyncio.gather(*(_say(listener.port, _requests(source)) for _ in range(4)))
        await good.send(b"{}")
        if await anext(good, None) != b"{}":
            raise FaultError("another client was not served")
        await good.close()
    await served


def _requests(source: random.Random) -> bytes:
    speaker = Speaker(source)
    if source.random() < 0.6:
        return speaker.head(f"GET {_PATH}websocket HTTP/1.1") + speaker.frames(speaker.client(), masked=True)
    said = speaker.head(f"GET {_PATH}polling HTTP/1.1")
    body = speaker.body(speaker.client())
    for method in source.choices(["GET", "POST", "OPTIONS", "PUT"], k=source.randrange(3)):
        sid = source.choice(["", "&sid=x", "&sid="])
        said += speaker.head(f"{method} {_PATH}polling{sid} HTTP/1.1")[:-2] + b"Content-Length: %d\r\n\r\n" % len(body)
        said += body
    return said


async def attack_client(source: random.Random) -> None:
    """A server that says anything."""
    speaker, carrier = Speaker(source), source.choice(["websocket", "polling"])

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            key = (await reader.readuntil(b"\r\n\r\n")).partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0]
            writer.write(_answer(source, speaker, key))
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    kind: Literal["websocket", "polling"] = "websocket" if carrier == "websocket" else "polling"
    options = ConnectOptions(carriers=(kind,), limits=_LIMITS, connect_seconds=5)
    try:
        end = await connect(f"http://127.0.0.1:{port}/", options)
        await asyncio.gather(_read(end), _send(end))
        await end.close()
    except TransportError as error:
        if not str(error).isprintable():
            raise FaultError("an error that is not fit to be printed") from None
    finally:
        server.close()


def _answer(source: random.Random, speaker: Speaker, key: bytes) -> bytes:
    if key:
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        head = b"HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: " + accept
        return _mostly(source, speaker, head + b"\r\n\r\n") + speaker.frames(speaker.server(), masked=False)
    body = speaker.body(speaker.server())
    status = source.choice([b"200 x"] * 8 + [b"302 x\r\nLocation: /", b"500 x", b"101 x", b"204 x"])
    length = source.choice([b"Content-Length: %d" % len(body), b"Transfer-Encoding: chunked", b"Connection: close"])
    if length.endswith(b"chunked"):
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    return _mostly(source, speaker, b"HTTP/1.1 " + status + b"\r\n" + length + b"\r\n\r\n" + body)


def _mostly(source: random.Random, speaker: Speaker, data: bytes) -> bytes:
    return data if source.random() < 0.8 else speaker.damaged(data)


async def _say(port: int, said: bytes) -> None:
    """Says it, and waits until the listener closes, or a moment."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(0.3):
            writer.write(said)
            await writer.drain()
            while await reader.read(1 << 16):
                pass
    writer.transport.abort()


async def _echo(listener: Listener) -> None:
    async with asyncio.TaskGroup() as group:
        async for end in listener:
            group.create_task(_answer_all(end))


async def _answer_all(end: transport.Transport) -> None:
    async for text in end:
        with contextlib.suppress(TransportError):
            await end.send(text)


async def _read(end: transport.Transport) -> None:
    async for text in end:
        text.decode()


async def _send(end: transport.Transport) -> None:
    with contextlib.suppress(TransportError):
        while True:
            await end.send(b"{" + b"x" * 300)
            await asyncio.sleep(0)


class LogHandler(logging.Handler):
    """What a peer does is no fault of ours, so that nothing is logged."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(self.format(record))


LOG = LogHandler()


async def bounded(attack: Coroutine[Any, Any, None]) -> None:
    async with asyncio.timeout(50):
        await attack
    await asyncio.sleep(0)
    if left := asyncio.all_tasks() - {asyncio.current_task()}:
        raise FaultError(f"{len(left)} tasks are left")


def play(source: random.Random) -> None:
    kind = source.random()
    if kind < 0.98:
        return (feed_machines if kind < 0.8 else split_bodies)(source)
    asyncio.run(bounded((attack_listener if kind < 0.99 else attack_client)(source)))
    if LOG.records:
        raise FaultError(f"logged: {LOG.records[0]}")
    return None


if __name__ == "__main__":
    logging.getLogger().addHandler(LOG)
    transport._CLOSE_SECONDS = websocket_carrier._CLOSE_SECONDS = 0.05  # most peers here do not say goodbye
    sys.exit(run_rounds(__doc__, play, "conversations"))
