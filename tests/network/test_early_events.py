"""Events of work that come before the job's client listens to them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from strangers import deployed, taken, worker

from dcp_protocol import IncomingRequest, connect
from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.transport import paths
from dcp_protocol.transport.options import ConnectOptions
from dcp_scheduler.delivery.unheard import SECONDS, Unheard
from dcp_scheduler.server.server import Server

pytestmark = pytest.mark.any_engine


def test_who_listens_first_hears_what_came_before(run, tmp_path: Path) -> None:
    heard: asyncio.Queue[Any] = asyncio.Queue()

    async def answer(request: IncomingRequest) -> str:
        event = request.data["event"]["data"]
        heard.put_nowait((event["eventName"], event.get("message")))
        return "success"

    async def main() -> None:
        async with Server(tmp_path) as server, worker(server) as peer:
            client = await connect(
                f"{server.location}dcp/",
                PrivateKey.generate(),
                transport=ConnectOptions(dialect=paths.V5),
                on_request=answer,
            )
            async with client:
                job = await deployed(client)
                wanted = {"options": {"filter": {"job": job}}}
                await client.request("subscribeMany", {"reliableEvents": ["stop"], **wanted})
                (_, number), *_ = (await taken(peer))[0]

                async def says(text: str) -> None:
                    event = {"worker": peer.id, "job": job, "slice": number, "eventName": "console"}
                    payload = {"level": "log", "message": [text]}
                    assert await peer.connection.request("workEmit", {**event, "payload": payload})

                await says("one")
                await says("two")
                await client.request("subscribeMany", {"optionalEvents": ["console"], **wanted})
                await says("three")
                said = [await asyncio.wait_for(heard.get(), 30) for _ in range(3)]
                assert sorted(said) == [("console", [text]) for text in ("one", "three", "two")]

    run(main())


def test_they_are_taken_once_in_their_order_by_job_and_label() -> None:
    unheard = Unheard(lambda: 0.0)
    for number in range(3):
        unheard.keep(1, "console", {"at": number}, 10)
        unheard.keep(1, "custom", {}, 10)
        unheard.keep(2, "console", {}, 10)
    assert unheard.take(1, ["console", "stop"]) == [("console", {"at": number}) for number in range(3)]
    assert unheard.take(1, ["console"]) == []
    assert len(unheard.take(2, ["console"])) == len(unheard.take(1, ["custom"])) == 3


def test_they_are_kept_for_a_moment_and_within_bounds() -> None:
    now = 0.0
    unheard = Unheard(lambda: now, most_bytes=1000)
    for number in range(20):
        unheard.keep(1, "console", {"at": number}, 100)
    assert [data["at"] for _, data in unheard.take(1, ["console"])] == list(range(10, 20))
    unheard.keep(1, "console", {}, 1001)
    assert unheard.take(1, ["console"]) == []
    for number in range(20_000):
        unheard.keep(1, "console", {"at": number}, 0)
    assert len(unheard.take(1, ["console"])) == 5000
    unheard.keep(1, "console", {}, 100)
    now += SECONDS + 0.1
    assert unheard.take(1, ["console"]) == []
