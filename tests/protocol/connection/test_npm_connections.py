"""Our ends of a connection against npm's, of both versions."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

import pytest

import dcp_protocol
from dcp_protocol import Connection, IncomingRequest, Target
from dcp_protocol.connection.options import ConnectionOptions
from dcp_protocol.errors import ConnectionEndedError, ProtocolError, RemoteError
from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.transport import paths
from dcp_protocol.transport.options import ConnectOptions
from faulty_relay import FaultyRelay, Frame
from npm_peers import VERSIONS, NpmTarget, PeerError, npm_client, npm_target

pytestmark = pytest.mark.any_engine

OWN, SERVICE, BANK = (PrivateKey(bytes([number]) * 32) for number in (1, 2, 3))
DIALECTS = {"4.4.29": paths.V4, "5.6.1": paths.V5}
each_version = pytest.mark.parametrize("version", VERSIONS)


async def answer(request: IncomingRequest) -> object:
    match request.operation:
        case "echo":
            return request.data
        case "length":
            return len(request.data)
        case "sleep":
            await asyncio.sleep(request.data)
            return request.data
        case "ask":
            return await request.connection.request("echo", request.data)
        case "pays":
            return request.authorizes(BANK.address)
    raise ProtocolError("ENOJOB", "no such job")


async def connect(target: NpmTarget, options: ConnectionOptions | None = None, location: str = "") -> Connection:
    transport = ConnectOptions(dialect=DIALECTS[target.version])
    where = location or target.location
    return await dcp_protocol.connect(where, OWN, transport=transport, on_request=answer, options=options)


def at(number: int) -> Callable[[Frame], bool]:
    return lambda frame: frame.number == number


def at_message(number: int) -> Callable[[Frame], bool]:
    """The message of this number among those that come from now on."""
    numbers = itertools.count()
    return lambda frame: bool(frame.kind) and next(numbers) == number


async def until(condition: object) -> None:
    assert callable(condition)
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.02)


@each_version
def test_requests_to_npm_and_from_it(version: str) -> None:
    async def main() -> None:
        async with npm_target(version) as target, await connect(target) as connection:
            assert connection.peer == target.address
            for value in [None, 1, -0.5, "é\U0001f600", [1, {"2": [], "a": "b"}], 1e300, "\ud800"]:
                assert await connection.request("echo", value) == value
            assert await asyncio.gather(*(connection.request("echo", n) for n in range(100))) == list(range(100))
            assert await connection.request("ask", {"operation": "echo", "data": 7}) == 7
            assert await asyncio.gather(
                *(connection.request("ask", {"operation": "echo", "data": n}) for n in range(50))
            ) == list(range(50))
            with pytest.raises(RemoteError) as failed:
                await connection.request("fail", {"message": "why", "code": "ECODE"})
            assert failed.value.code == "ECODE" and str(failed.value) == "why"
            with pytest.raises(PeerError) as told:
                await target.request("what")
            assert told.value.code == "ENOJOB"
            assert await connection.request("nothing") is None

    asyncio.run(main())


@each_version
def test_large_messages_go_in_fragments(version: str) -> None:
    async def main() -> None:
        async with npm_target(version) as target, await connect(target) as connection:
            text = "é\U0001f600x" * 500_000
            assert await connection.request("length", text) == 4 * 500_000 + 2
            assert await connection.request("big", {"text": "é\U0001f600x", "times": 500_000}) == text

    asyncio.run(main())


@each_version
def test_each_frame_may_be_lost_with_its_transport(version: str) -> None:
    """Each request is handled once and answered, whatever was under way, from the handshake to the last answer."""

    async def main() -> None:
        async with npm_target(version) as target, FaultyRelay(target.location, "target") as relay:
            for number in range(40):
                lost = relay.lost
                relay.loses = at(len(relay.frames) + number)
                options = ConnectionOptions(close_timeout=2.0)
                connection = await connect(target, options, location=relay.location)
                asked = [connection.request("echo", [number, n]) for n in range(2)]
                assert await asyncio.gather(*asked) == [[number, 0], [number, 1]]
                assert await connection.request("ask", {"operation": "echo", "data": number}) == number
                await connection.close()
                handled = [event["data"] for event in target.taken_all("request") if event["operation"] == "echo"]
                assert sorted(handled) == [[number, 0], [number, 1]], "each is handled once"
                if relay.lost == lost:
                    return  # all frames of a conversation had their turn
            raise AssertionError("the conversation has more frames than that")

    asyncio.run(main())


@each_version
def test_a_target_that_was_restarted_knows_no_session(version: str) -> None:
    async def main() -> None:
        async with npm_target(version) as target:
            connection = await connect(target)
            waiting = asyncio.create_task(connection.request("silent"))
            await target.event("request")
            await target.restart()
            with pytest.raises(ConnectionEndedError) as ended:
                await waiting
            assert ended.value.code == "ECONNRESET"
            await connection.wait_closed()
            async with await connect(target) as again:
                assert await again.request("echo", 1) == 1

    asyncio.run(main())


@each_version
def test_each_end_may_close(version: str) -> None:
    async def main() -> None:
        async with npm_target(version) as target:
            connection = await connect(target)
            await connection.close()
            assert connection.end and connection.end.code == "EPIPE"
            assert (await target.event("close"))["code"] == "ECONNRESET"
            connection = await connect(target)
            await target.do("close")
            assert (await connection.wait_closed()).code == "ECONNRESET"

    asyncio.run(main())


@each_version
def test_rights_of_other_keys(version: str) -> None:
    async def main() -> None:
        code = """
            return await new Promise((resolve) => connection.on("request", (request) => {
              if (request.payload.operation === "pays") resolve(request.doesAuthorize(data));
            }))"""
        async with npm_target(version) as target, await connect(target) as connection:
            doing = target.begin("run", code=code, data=BANK.address)
            await asyncio.sleep(0.3)
            with pytest.raises(RemoteError):
                await connection.request("pays", {"amount": 1}, authorize=[BANK])
            assert await doing is True

    asyncio.run(main())


@each_version
@pytest.mark.parametrize("clock", [3600, -3600])
def test_a_clock_that_is_one_hour_off(version: str, clock: int) -> None:
    async def main() -> None:
        async with npm_target(version, clock=clock) as target, await connect(target) as connection:
            assert await connection.request("echo", 1) == 1
            assert await connection.request("ask", {"operation": "echo", "data": 7}) == 7
        async with (
            Target("http://127.0.0.1:0/dcp/", SERVICE, answer) as own,
            npm_client(version, own.location, clock=clock) as peer,
        ):
            await peer.connect()
            assert await peer.request("ask", 7) == 7

    asyncio.run(main())


@each_version
def test_npms_client_at_our_target(version: str) -> None:
    async def main() -> None:
        async with (
            Target("http://127.0.0.1:0/dcp/", SERVICE, answer) as target,
            npm_client(version, target.location) as peer,
        ):
            session = await peer.connect()
            for value in [1, "é\U0001f600", [1, {"2": [], "a": "b"}]]:
                assert await peer.request("echo", value) == value
            answers = await asyncio.gather(*(peer.begin("request", operation="echo", data=n) for n in range(100)))
            assert answers == list(range(100))
            with pytest.raises(PeerError) as failed:
                await peer.request("what")
            assert failed.value.code == "ENOJOB" and failed.value.details["message"] == "no such job"
            (connection,) = target.connections
            assert connection.session == session
            assert await connection.request("echo", [1]) == [1]
            assert await peer.request("length", "x" * 2_000_000) == 2_000_000
            assert await connection.request("big", {"text": "éx", "times": 500_000}) == "éx" * 500_000
            assert await peer.do("keepalive") == {"success": True}
            assert await peer.do("requestWith", operation="pays", data=1, resource=BANK.secret().hex()) is True
            with pytest.raises(PeerError) as refused:
                await peer.do("requestWith", operation="echo", data=1, validity={"time": 1000})
            assert refused.value.code == "EEXPIRED"

    asyncio.run(main())


@each_version
def test_each_message_of_npms_client_may_be_lost_with_its_transport(version: str) -> None:
    async def main() -> None:
        handled: list[object] = []

        async def count(request: IncomingRequest) -> object:
            handled.append(request.data)
            return await answer(request)

        async with (
            Target("http://127.0.0.1:0/dcp/", SERVICE, count) as target,
            FaultyRelay(target.location, "initiator") as relay,
            npm_client(version, relay.location) as peer,
        ):
            # Without the answer to its first message npm's client waits for it without end, as it does
            # when its transport is lost before that.
            for number in [0, 1, *range(3, 40)]:
                lost = relay.lost
                relay.loses = at_message(number)
                await peer.connect(closeTimeout=2)
                connection = target.connections[-1]
                asked = [peer.begin("request", operation="echo", data=[number, n]) for n in range(2)]
                assert await asyncio.gather(*asked) == [[number, 0], [number, 1]]
                assert await connection.request("echo", number) == number
                assert sorted(handled) == [[number, 0], [number, 1]], "each is handled once"
                handled.clear()
                await peer.do("close")
                await connection.close()
                if relay.lost == lost:
                    return  # all messages of a conversation had their turn
            raise AssertionError("the conversation has more messages than that")

    asyncio.run(main())


@each_version
def test_npms_client_and_our_target_close(version: str) -> None:
    async def main() -> None:
        async with (
            Target("http://127.0.0.1:0/dcp/", SERVICE, answer) as target,
            npm_client(version, target.location) as peer,
        ):
            await peer.connect()
            (connection,) = target.connections
            await peer.do("close")
            assert (await connection.wait_closed()).code == "ECONNRESET"
            await peer.connect()
            await until(lambda: target.connections)
            (connection,) = target.connections
            await connection.close()
            assert (await peer.event("close", lambda event: event["code"] == "ECONNRESET"))["code"]

    asyncio.run(main())


class Fragments:
    """What happens to the fragments of one message on their way."""

    def __init__(self, fault: str, to_target: bool) -> None:
        self.fault, self.to_target = fault, to_target
        self.held: list[str] = []
        self.seen = 0

    def __call__(self, frame: Frame) -> list[str]:
        if frame.to_target != self.to_target or not frame.text.startswith('42["message","E') or self.seen > 2:
            return [frame.text]
        if "total" not in frame.text[:80]:
            return [frame.text]
        self.seen += 1
        match self.fault:
            case "out of order" if self.seen < 3:
                self.held.append(frame.text)
                return []
            case "out of order":
                return [frame.text, *self.held]
            case "twice":
                return [frame.text, frame.text]
            case _:
                return [] if self.seen == 2 else [frame.text]


@each_version
@pytest.mark.parametrize("fault", ["out of order", "twice", "missing"])
def test_fragments(version: str, fault: str) -> None:
    """Where a fragment is missing, or comes twice, the message is sent again, whole, on another transport."""
    text = "é\U0001f600x" * 300_000

    async def main() -> None:
        async with (
            npm_target(version, options={"maxRTT": 2}) as target,
            FaultyRelay(target.location, "target") as relay,
        ):
            for to_target in (True, False):
                options = ConnectionOptions(max_rtt=2.0)
                async with await connect(target, options, location=relay.location) as connection:
                    relay.changes = Fragments(fault, to_target)
                    if to_target:
                        assert await connection.request("length", text) == len(text) // 3 * 4 + 2
                    else:
                        assert await connection.request("big", {"text": "é\U0001f600x", "times": 300_000}) == text
                    assert relay.changes.seen > 2
                    assert await connection.request("echo", 1) == 1

    asyncio.run(main())
