"""What the portal answers over HTTP: to whom has signed, for this network, once, and of one's own only."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from networks import network

from dcp_protocol import canonical_json
from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.messages.sealed import seal
from dcp_scheduler.jobs import deployment
from dcp_scheduler.ledger import ledger
from dcp_scheduler.model.limits import Limits
from dcp_scheduler.model.submission import Offer, Submission, Worktime
from dcp_scheduler.portal.signed import LARGEST_REQUEST
from dcp_scheduler.portal.stamps import SpentStamps
from dcp_scheduler.server.server import Server
from dcp_scheduler.store.amount import ATTO
from dcp_scheduler.store.transaction import Transaction

pytestmark = pytest.mark.any_engine

OWNER, PAYER, OTHER = (PrivateKey.generate() for _ in range(3))
JOB = "j" * 22
SUBMISSION = Submission(
    id=JOB, dialect=5, owner=str(OWNER.address), payer=str(PAYER.address), code="data:,x", arguments=[],
    worktime=Worktime("map-basic", "^1.0.0"), offer=Offer(), slices=3, inputs={"start": 1, "end": 3, "step": 1},
)  # fmt: skip
TARGET = "0x" + "2" * 40


@dataclass
class Asking:
    """``post`` is a request as a browser sends it; ``code`` of a refusal, empty where it is obeyed."""

    server: Server
    http: aiohttp.ClientSession

    def sealed(self, key: PrivateKey, operation: str, data: Any = None, **changes: Any) -> bytes:
        body = {
            "endpoint": f"{self.server.location}portal/ask", "operation": operation, "data": data or {},
            "validity": {"stamp": secrets.token_hex(8), "time": time.time(), "ttl": 60}, **changes,
        }  # fmt: skip
        return seal(key, [canonical_json.encode(body)])

    async def post(self, body: bytes) -> Any:
        async with self.http.post(f"{self.server.location}portal/ask", data=body) as reply:
            assert "Access-Control-Allow-Origin" not in reply.headers
            return await reply.json()

    async def ask(self, key: PrivateKey, operation: str, data: Any = None) -> Any:
        return (await self.post(self.sealed(key, operation, data)))["payload"]

    async def code(self, body: bytes) -> str:
        return str((await self.post(body)).get("error", {"code": ""})["code"])

    async def refused(self, key: PrivateKey, operation: str, data: Any = None) -> str:
        return await self.code(self.sealed(key, operation, data))


@asynccontextmanager
async def asking(folder: Path, **settings: Any) -> AsyncIterator[Asking]:
    async with network(folder, workers=0, **settings) as server, aiohttp.ClientSession() as http:
        await server.database.write(lambda transaction: deployment.submit(transaction, SUBMISSION))
        yield Asking(server, http)


def test_a_request_is_for_this_network_now_and_once(run, tmp_path: Path) -> None:
    async def main() -> None:
        async with asking(tmp_path) as portal:
            body = portal.sealed(OWNER, "portal.jobs")
            assert await portal.code(body) == ""
            assert await portal.code(body) == "EDUP"
            assert (
                await portal.code(portal.sealed(OWNER, "portal.jobs").replace(b"portal.jobs", b"portal.jabs"))
                == "EINVAL"
            )
            assert (
                await portal.code(portal.sealed(OWNER, "portal.jobs", endpoint="https://other/portal/ask")) == "EINVAL"
            )
            for late, code in ((-200, "EEXPIRED"), (200, "ETIMETRAVEL")):
                validity = {"stamp": "a", "time": time.time() + late, "ttl": 60}
                assert await portal.code(portal.sealed(OWNER, "portal.jobs", validity=validity)) == code
            for text in (b"", b"{}", b"[]", b"\xff", b'{"owner":1,"signature":{},"body":{}}', seal(OWNER, [b"[1]"])):
                assert await portal.code(text) == "EINVAL"
            assert await portal.code(b" " * (LARGEST_REQUEST + 1)) == "E2BIG"

    run(main())


def test_a_signed_order_is_obeyed_once_by_all_processes(run, tmp_path: Path) -> None:
    async def main() -> None:
        async with asking(tmp_path) as portal:
            address = str(OWNER.address)
            await portal.server.database.write(lambda each: ledger.deposit(each, address, 5 * ATTO))
            order = portal.sealed(
                OWNER, "transferCredits", {"fromAccount": address, "toAccount": TARGET, "amount": "2"}
            )
            assert await portal.code(order) == ""
            portal.server._portal._stamps = SpentStamps(
                portal.server.database
            )  # as another process is, or this one later
            assert await portal.code(order) == "EDUP"
            moved = await portal.ask(OWNER, "portal.statement")
            assert [(each["kind"], each["amount"]) for each in moved] == [("transfer", "-2"), ("deposit", "5")]

    run(main())


def test_a_long_statement_comes_in_pages(run, tmp_path: Path) -> None:
    def move(transaction: Transaction) -> None:
        ledger.deposit(transaction, str(OWNER.address), 300)
        for number in range(1, 121):
            ledger.transfer(transaction, str(OWNER.address), TARGET, 2, "transfer")
            if number % 2:
                ledger.transfer(transaction, TARGET, str(OWNER.address), 1, "transfer")

    async def main() -> None:
        async with asking(tmp_path) as portal:
            await portal.server.database.write(move)
            found: list[dict[str, Any]] = []
            while page := await portal.ask(OWNER, "portal.statement", {"before": found[-1]["number"]} if found else {}):
                assert len(page) <= 100
                found += page
            numbers = [each["number"] for each in found]
            assert len(numbers) == 181 and numbers == sorted(set(numbers), reverse=True)
            assert await portal.ask(OTHER, "portal.statement") == []

    run(main())


def test_the_key_has_the_authority_that_it_has_over_the_wire(run, tmp_path: Path) -> None:
    async def main() -> None:
        async with asking(tmp_path) as portal:
            for operation in ("submit@5", "requestTask@3", "subscribeMany", "deployPackage", "audit", "deposit", "x"):
                assert await portal.refused(OWNER, operation) == "ENOSYS"
            move = {"fromAccount": str(OWNER.address), "toAccount": str(OTHER.address), "amount": "1"}
            assert await portal.refused(OTHER, "transferCredits", move) == "EPERM"
            assert await portal.refused(OTHER, "viewAccount", {"address": str(OWNER.address)}) == "EPERM"
            for operation in ("portal.job", "portal.results", "cancelJob"):
                assert await portal.refused(OTHER, operation, {"job": JOB}) == "ENOENT"
            assert await portal.refused(PAYER, "portal.results", {"job": JOB}) == "ENOENT"
            assert await portal.ask(OTHER, "portal.jobs") == []
            seen = [each["mine"] for key in (OWNER, PAYER) for each in await portal.ask(key, "portal.jobs")]
            assert seen == [True, False]
            group = {"joinDescriptor": {"joinKey": "lab", "joinHash": "eh1-x"}, "name": "Lab"}
            assert (await portal.ask(OWNER, "createGroup", group))["success"]
            assert await portal.ask(OTHER, "portal.groups") == []
            assert await portal.refused(OTHER, "deleteGroup", {"descriptor": {"joinKey": "lab"}}) == "ENOENT"
            await portal.ask(PAYER, "cancelJob", {"job": JOB, "reason": "enough"})
            assert (await portal.ask(OWNER, "portal.job", {"job": JOB}))["reason"] == "enough"

    run(main())


def test_who_asks_too_much_is_refused(run, tmp_path: Path) -> None:
    one = Limits(requests_per_second_per_identity=1, requests_per_second_per_address=1, own_machine=True)

    async def main() -> None:
        async with asking(tmp_path, limits=one) as portal:
            admission = portal.server._door._admission
            admission._by_identity[0].wait(str(OWNER.address), 1000, time.monotonic())  # it has asked for much just now
            assert await portal.refused(OWNER, "portal.jobs") == "EBUSY"
            assert await portal.refused(OTHER, "portal.jobs") == ""
            admission._by_address[0].wait("127.0.0.1", 1000, time.monotonic())
            for page in ("portal/", "etc/dcp-config.kvin", "jnu/time"):
                async with portal.http.get(portal.server.location + page) as reply:
                    assert (reply.status, reply.headers["Retry-After"]) == (429, "10")

    run(main())


def test_browsers_run_nothing_but_the_pages_own_scripts(run, tmp_path: Path) -> None:
    async def main() -> None:
        async with asking(tmp_path) as portal:
            place = f"{portal.server.location}portal/"
            async with portal.http.get(place) as reply:
                page, headers = await reply.text(), reply.headers
            policy = headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy and "require-trusted-types-for 'script'" in policy
            assert "unsafe" not in policy and "'self'" not in policy.split("script-src")[1].split(";")[0]
            assert headers["X-Frame-Options"] == "DENY" and "Set-Cookie" not in headers
            assert "http" not in page and "style=" not in page and page.count("<script") == 1
            async with portal.http.get(place, headers={"Host": "[::1]:9800"}) as reply:
                assert "script-src 'self';" in reply.headers["Content-Security-Policy"]
            async with portal.http.get(portal.server.location, headers={"Accept": "text/html"}) as reply:
                assert (reply.status, reply.url.path) == (200, "/portal/")
            async with portal.http.get(portal.server.location) as reply:
                assert reply.status == 404
            async with portal.http.get(place, headers={"If-None-Match": headers["ETag"]}) as reply:
                assert reply.status == 304
            for path in ("noble/secp256k1.js", "noble/hashes/scrypt.js", "main.js", "page.css"):
                async with portal.http.get(place + path) as reply:
                    assert reply.status == 200, path
            for path in ("..%2f__init__.py", "noble/../../portal.py", "portal.py", "noble"):
                async with portal.http.get(place + path) as reply:
                    assert reply.status == 404, path

    run(main())
