"""Peers that speak the protocol as they like: clients with any identity, workers that want what is not theirs."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from dcp_protocol import Connection, connect
from dcp_protocol.canonical_json import encode
from dcp_protocol.connection.options import ConnectionOptions
from dcp_protocol.errors import RemoteError
from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.transport import paths
from dcp_protocol.transport.options import ConnectOptions
from dcp_scheduler.server.server import Server
from scheduler_stand_in.small_worker import SmallWorker

PUBLIC = {"id": 1, "joinKey": "public", "joinHash": "", "opaqueId": "WHhetL7mj1w1mw1XV6dxyC"}


@asynccontextmanager
async def peer(server: Server, key: PrivateKey | None = None, seconds: float = 60.0) -> AsyncIterator[Connection]:
    """``seconds``: how long it tries to get a session."""
    connection = await connect(
        f"{server.location}dcp/", key or PrivateKey.generate(), transport=ConnectOptions(dialect=paths.V5),
        options=ConnectionOptions(connect_timeout=seconds),
    )  # fmt: skip
    async with connection:
        yield connection


def worker(server: Server, name: str = "a") -> SmallWorker:
    return SmallWorker(f"{server.location}dcp/", 5, name)


async def refusal(connection: Connection, operation: str, data: Any = None) -> str:
    """The code of the error with which that is answered; empty where it is done."""
    try:
        await connection.request(operation, data)
    except RemoteError as error:
        return error.code
    return ""


def submission(slices: int | None = 3, **others: Any) -> dict[str, Any]:
    """Of a job for nothing. ``slices``: of a range; None where data come by value."""
    inputs = {"dataRange": {"start": 1, "end": slices, "step": 1}} if slices else {}
    return {
        "paymentAccount": "0x" + "8" * 40, "job": secrets.token_hex(11), "workFunctionURI": "data:,(x)=>x",
        "mvMultSlicePayment": 0, "absoluteSlicePayment": 0, "requirements": 0, "isOpen": False,
        "worktime": {"name": "map-basic", "version": "^1.0.0", "custom": False}, **inputs, **others,
    }  # fmt: skip


async def deployed(client: Connection, slices: int | None = 3, **others: Any) -> str:
    """The id of a job in the public group."""
    told = submission(slices, **others)
    await client.request("submit@5", told)
    await client.request("addJobToGroups", {"job": told["job"], "cgArray": [PUBLIC]})
    return str(told["job"])


async def taken(worker_: SmallWorker, **changes: Any) -> tuple[list[tuple[str, int]], bytes]:
    """Slices that a worker got, and what says so."""
    reply = await worker_.request_task(**changes)
    body = reply.pop("body")
    return [(job, each["sliceNumber"]) for job, its in body.get("task", {}).items() for each in its], encode(reply)
