"""``jnu``: tables over HTTP, where dcp-client 5 looks what is known of a job (``dcp-client/jnu``, ``getJobInfo``)."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from sqlalchemy import Connection, select

from dcp_protocol import canonical_json, kvin
from dcp_protocol.errors import ProtocolError
from dcp_protocol.messages.sealed import open_sealed

from ..dialects.fields import Fields
from ..errors import RefusedError
from ..jobs.records import Job, owned
from ..store.schema import jobs
from .network import Network
from .outcomes import about_job

PATH = "jnu/"
LARGEST_QUERY = 1 << 16
"""Bytes."""
_MOST_ROWS = 1000
_LATE = 86_400
"""Seconds: dcp-client adds the milliseconds by which clocks differ to an expiry in seconds (``submit-post.js``)."""


def server_time() -> dict[str, Any]:
    """What clients set their clock by; milliseconds."""
    return {"success": True, "now": round(1000 * time.time())}


async def query(network: Network, endpoint: str, text: bytes) -> dict[str, Any]:
    """The reply to a sealed message for ``endpoint``, the URL that it was sent to; also where it is refused."""
    try:
        asker, body = await asyncio.to_thread(_opened, text, endpoint)
        method = endpoint.rpartition("/")[2]
        if method == "schema":
            return {"success": True, "schemaKVIN": kvin.marshal(_schema())}
        if method == "select":
            return {"success": True, "resultsHeaderKVIN": await _select(network, asker, body)}
        raise RefusedError("ENOSYS", "this scheduler's tables can be read with select, and not be changed")
    except ProtocolError as error:
        return {"success": False, "error": {"message": str(error), "code": error.code}}


def _opened(text: bytes, endpoint: str) -> tuple[str, Fields]:
    """Who asks, and for what. Raises ProtocolError."""
    sealed = open_sealed(text)
    try:
        body = Fields(canonical_json.decode(sealed.body), "the query")
    except ValueError:
        raise RefusedError("EINVAL", "the query is no JSON") from None
    if body.get("endpoint") != endpoint:
        raise RefusedError("EINVAL", f"the query is for another endpoint than {endpoint}")
    if body.number("expiry") < time.time() - _LATE:
        raise RefusedError("ETIMEDOUT", "the query has expired; is the clock of this machine right?")
    return str(sealed.owner), body


def _schema() -> dict[str, Any]:
    """The tables that dcp-client insists on; that their columns are one and the same says that they belong together."""
    identity = {"description": "Integers up to 53 bits", "primaryKey": True, "isKey": True, "autoIncrement": True}
    tables = {"jobs": {"id": identity}, "jobResults": {"id": identity}}
    return {"columnTypes": {"autoId": identity}, "tables": tables, "views": {}, "classes": {}, "serializers": {}}


async def _select(network: Network, asker: str, body: Fields) -> dict[str, Any]:
    """Rows of the asker's own jobs. Raises ProtocolError."""
    asked = Fields(kvin.unmarshal(body.get("queryKVINv9")), "the query")
    if asked.text("table") != "jobs":
        raise RefusedError("ENOENT", "this scheduler has one table that can be read: jobs")
    name = asked.inner("prototype").get("opaqueId")

    def read(connection: Connection) -> list[Job]:
        if name is not None:
            return _found(connection, name, asker)
        query = select(jobs).where(jobs.c.owner == asker).order_by(jobs.c.number.desc())
        return list(connection.execute(query.limit(_MOST_ROWS)))

    rows = [about_job(job) for job in await network.database.read(read)]
    header: dict[str, Any] = {"rowCount": len(rows), "firstRow": rows[0] if rows else None, "remainingRows": rows[1:]}
    return kvin.marshal(header)


def _found(connection: Connection, name: Any, owner: str) -> list[Job]:
    try:
        return [owned(connection, name, owner)]
    except RefusedError:
        return []
