"""Against the transports of npm's dcp-client, both versions: its Target and its Connection."""

from __future__ import annotations

import json
import time

import pytest
from transport_peers import run

from dcp_protocol import canonical_json
from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.messages.drafts import Stage, message_body, request_draft
from dcp_protocol.messages.sealed import seal
from dcp_protocol.transport import paths
from dcp_protocol.transport.client import connect
from dcp_protocol.transport.listener import Listener
from dcp_protocol.transport.options import ConnectOptions
from npm_peers import VERSIONS, npm_client, npm_target

pytestmark = pytest.mark.any_engine

_DIALECTS = {"4.4.29": paths.V4, "5.6.1": paths.V5}


def connect_request(more: str) -> bytes:
    """Sealed, with something in it that targets do not look at."""
    key = PrivateKey(b"k" * 32)
    data = canonical_json.encode({"version": "5.3.0", "sid": "s" * 21, "more": more})
    stage = Stage(None, time.time(), key.address, None)
    return seal(key, message_body([request_draft("1-1-x", "connect", data)], stage, "ATi1-x", None))


@pytest.mark.parametrize("carrier", ["websocket", "polling"])
@pytest.mark.parametrize("version", VERSIONS)
def test_npms_target_hears_us(version: str, carrier: str) -> None:
    """It acknowledges a message in one piece, and one in many."""

    async def body() -> None:
        async with npm_target(version) as target:
            options = ConnectOptions(dialect=_DIALECTS[version], carriers=(carrier,))  # type: ignore[arg-type]
            for more in ("", "é\U0001f600" * 300_000):
                transport = await connect(target.location, options)
                await transport.send(connect_request(more))
                ack = json.loads(await anext(transport))["body"]
                assert (ack["type"], ack["token"]) == ("ack", "ATi1-x")
                await transport.close()

    run(body())


@pytest.mark.parametrize("version", VERSIONS)
def test_npms_client_finds_us_and_comes_again(version: str) -> None:
    async def body() -> None:
        async with (
            Listener("127.0.0.1", 0, "/dcp/") as listener,
            npm_client(version, f"http://127.0.0.1:{listener.port}/dcp/") as client,
        ):
            connecting = client.begin("connect", options={})
            said = []
            for _ in range(2):
                transport = await anext(listener)
                said.append(await anext(transport))
                await transport.close()
            assert said[0] == said[1]
            assert json.loads(said[0])["body"]["payload"]["operation"] == "connect"
            connecting.cancel()

    run(body())
