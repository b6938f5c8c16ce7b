"""Tables over HTTP: who asks is who has signed, for this scheduler, and sees own jobs only."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from networks import network

from dcp_protocol import canonical_json, kvin
from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.messages.sealed import seal
from dcp_scheduler.jobs import deployment
from dcp_scheduler.model.submission import Offer, Submission, Worktime

pytestmark = pytest.mark.any_engine

OWNER, OTHER = PrivateKey.generate(), PrivateKey.generate()
JOB = "j" * 22
SUBMISSION = Submission(
    id=JOB, dialect=5, owner=str(OWNER.address), payer=str(OWNER.address), code="data:,x", arguments=[],
    worktime=Worktime("map-basic", "^1.0.0"), offer=Offer(), slices=3, inputs={"start": 1, "end": 3, "step": 1},
)  # fmt: skip


def test_rows_of_own_jobs_only(run, tmp_path: Path) -> None:
    async def main() -> None:
        async with network(tmp_path, workers=0) as server, aiohttp.ClientSession() as http:
            await server.database.write(lambda transaction: deployment.submit(transaction, SUBMISSION))

            async def post(method: str, body: bytes) -> Any:
                async with http.post(f"{server.location}jnu/{method}", data=body) as reply:
                    assert reply.headers["Content-Type"] == "application/json"
                    return await reply.json()

            def sealed(key: PrivateKey, method: str = "select", **changes: Any) -> bytes:
                query = kvin.marshal({"table": "jobs", "prototype": {"opaqueId": JOB}, **changes.pop("query", {})})
                endpoint = f"{server.location}jnu/{method}"
                body = {"expiry": time.time() + 60, "endpoint": endpoint, "queryKVINv9": query, **changes}
                return seal(key, [canonical_json.encode(body)])

            async def rows(key: PrivateKey, **changes: Any) -> int:
                reply = await post("select", sealed(key, **changes))
                return int(kvin.unmarshal(reply["resultsHeaderKVIN"])["rowCount"])

            async def refused(body: bytes, method: str = "select") -> str:
                return str((await post(method, body))["error"]["code"])

            assert (await rows(OWNER), await rows(OWNER, query={"prototype": {}})) == (1, 1)
            assert (await rows(OTHER), await rows(OTHER, query={"prototype": {}})) == (0, 0)
            assert await refused(sealed(OWNER).replace(b"jobs", b"jabs")) == "EINVAL"  # not what was signed
            assert await refused(sealed(OWNER, endpoint="http://another/jnu/select")) == "EINVAL"
            assert await refused(sealed(OWNER, expiry=1)) == "ETIMEDOUT"
            assert await refused(sealed(OWNER, query={"table": "transfers"})) == "ENOENT"
            assert await refused(sealed(OWNER, "delete"), "delete") == "ENOSYS"
            assert await refused(b"no message") == "EINVAL"

    run(main())
