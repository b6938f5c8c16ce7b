"""npm's dcp-client, unmodified, as a judge of all that a client may ask for: one program asks it, all at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from clients import JUDGE, client
from networks import network
from pages import pages

pytestmark = [pytest.mark.any_engine, pytest.mark.timeout(240)]

DIALECT = {"4.4.29": ("dcp", "4"), "5.6.1": ("dcp5", "5")}
# fmt: off
COMMON: dict[str, Any] = {
    "ranges": [
        [[1, 1], [1, 2], [1, 3], [2, 1], [2, 2], [2, 3]],
        [0, 3, 6, 9],
        [[1, 2, 3], [4, 5, 6]],
        [1, 2, 8, 9],
    ],
    "remoteData": [10, 30],
    "remotePattern": [10, 20, 30],
    "remoteWork": [35, 36],
    "errors": {"fine": 1, "thrown": ["RangeError", "too large"], "heard": [[2, "RangeError", "too large"]]},
    "cancelled": "by name",
    "open": [1, 2, 3],
    "groups": {
        "created": 22, "again": False, "changed": True, "listed": [True], "removed": True, "empty": [],
        "deleted": True, "gone": "gone", "done": "of no group",
    },
    "unknown": "Request for job status failed",
}
# fmt: on


@pytest.mark.parametrize("version", ["4.4.29", "5.6.1"])
def test_all_that_a_client_asks_for(run, tmp_path: Path, version: str) -> None:
    group, dialect = DIALECT[version]

    async def main() -> dict[str, Any]:
        async with pages() as served:
            options = ("--dialect", dialect, "-c", "2,0", "-a", served.location.rstrip("/"))
            asked = {"pages": served.location, "dialect": int(dialect), "program": JUDGE}
            async with (
                network(tmp_path, group=group, options=options) as server,
                client(version, server.location, tmp_path / "home", **asked) as program,
            ):
                await program.end()
                found = {event["part"]: event["value"] for event in program.heard("found")}
            assert sorted(form["element"] for form in served.posted) == ["1", "2"]
            assert sorted(form["content"] for form in served.posted) == ["7", "8"]
            assert {form["token"] for form in served.posted} == {"known"}
            assert [urlsplit(each["href"]).path for each in found.pop("remoteResults")] == ["/1.json", "/2.json"]
            return found

    found = run(main())
    code, message = found.pop("failures")
    assert code == "ENOPROGRESS", message
    deleted = [2, 1, 3] if version == "4.4.29" else None
    assert found.pop("inquiries") == {
        "status": ["finished", 3, 3], "own": 1, "before": 0, "info": ["finished", 3], "fetched": [1, 2, 3],
        "deleted": deleted,
    }  # fmt: skip
    assert found == COMMON


@pytest.mark.parametrize("version", ["4.4.29", "5.6.1"])
@pytest.mark.parametrize("data", [{"values": ["\u00e9%", 2]}, {"range": [4, 5]}], ids=["values", "range"])
def test_a_job_that_its_client_does_itself(run, tmp_path: Path, version: str, data: dict[str, Any]) -> None:
    """The scheduler hands its slices to nobody else."""
    work = "(x, suffix) => { progress(); return x + suffix; }"
    expected = ["\u00e9%!", "2!"] if "values" in data else ["4!", "5!"]

    async def main() -> None:
        async with network(tmp_path, workers=0) as server:
            job = {"work": work, "arguments": ["!"], "local": True, **data}
            async with client(version, server.location, tmp_path / "home", **job) as program:
                assert await program.end() == {"event": "done", "results": expected}, program.errors.read_text()

    run(main())
