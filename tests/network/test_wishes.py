"""What a client asks for in the link of its job: npm's send it as it is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from clients import client
from networks import network
from sqlalchemy import select

from dcp_scheduler.dialects.wishes import read_wishes
from dcp_scheduler.errors import RefusedError
from dcp_scheduler.jobs.status import VoteStatus
from dcp_scheduler.model.submission import Wishes
from dcp_scheduler.store.schema import votes
from scheduler_stand_in.workers import own_program, running

pytestmark = [pytest.mark.any_engine, pytest.mark.timeout(240)]

DIALECT = {"4.4.29": ("dcp", ("--dialect", "4")), "5.6.1": ("dcp5", ("--dialect", "5"))}


@pytest.mark.parametrize("version", DIALECT)
def test_two_workers_do_each_slice(run, tmp_path: Path, version: str) -> None:
    group, options = DIALECT[version]
    job = {"range": [1, 6], "work": "(x) => { progress(); return { x, root: Math.sqrt(x) }; }"}

    async def main() -> None:
        async with network(tmp_path, workers=0) as server:
            refused = {"link": "https://example.org/#dcp:copies=0", **job}
            async with client(version, server.location, tmp_path / "home", **refused) as program:
                ended = await program.end()
                assert ended["event"] == "failed"
                assert "needs copies from 1 to 9" in ended["message"]
            identities = [("--identityKey", f"0x{digit * 64}") for digit in "45"]
            async with (
                running(own_program(group), tmp_path, server, (*options, *identities[0]), name="one"),  # type: ignore[arg-type]
                running(own_program(group), tmp_path, server, (*options, *identities[1]), name="two"),  # type: ignore[arg-type]
                client(
                    version, server.location, tmp_path / "home", link="https://example.org/#dcp:copies=2", **job
                ) as program,
            ):
                results = [{"x": x, "root": x**0.5} for x in range(1, 7)]
                assert await program.end() == {"event": "done", "results": results}
                found = await server.database.read(
                    lambda connection: list(connection.execute(select(votes.c.number, votes.c.owner, votes.c.status)))
                )
                assert Counter(row.number for row in found) == dict.fromkeys(range(1, 7), 2)
                assert len({row.owner for row in found}) == 2
                assert {row.status for row in found} == {VoteStatus.AGREED}

    run(main())


@pytest.mark.parametrize(
    ("link", "address", "wishes"),
    [
        ("", "", Wishes()),
        ("https://a.org/#part", "https://a.org/#part", Wishes()),
        ("#dcp:priority=-2", "", Wishes(priority=-2)),
        ("https://a.org/x#dcp:copies=3&tolerance=1e-9", "https://a.org/x", Wishes(copies=3, tolerance=1e-9)),
    ],
)
def test_wishes_are_taken_from_the_link(link: str, address: str, wishes: Wishes) -> None:
    assert read_wishes(link) == (address, wishes)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("copies", "is no list of NAME=VALUE"),
        ("copies=10", "needs copies from 1 to 9"),
        ("copies=x", "needs copies from 1 to 9"), ("tolerance=nan", "needs tolerance from 0"),
        ("tolerance=1", "needs tolerance from 0"), ("priority=6", "needs priority from -5 to 5"),
        ("colour=red", "may have copies, tolerance, priority, and nothing else"),
    ],
)  # fmt: skip
def test_wrong_wishes_are_refused(text: str, told: str) -> None:
    with pytest.raises(RefusedError, match=told) as caught:
        read_wishes(f"https://a.org/#dcp:{text}")
    assert caught.value.code == "EINVAL"
