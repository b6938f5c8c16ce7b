"""Workers that lied in redundancy are shown to the operator, who may give an identity no more work."""

from __future__ import annotations

from pathlib import Path

import pytest
from strangers import deployed, peer, taken, worker
from test_operator import answer, command

from dcp_protocol.errors import RemoteError
from dcp_scheduler.server.server import Server

pytestmark = pytest.mark.any_engine


def test_a_banned_identity_gets_nothing_until_it_is_forgiven(run, tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            Server(tmp_path) as server, peer(server) as client, worker(server, "a") as bad, worker(server, "b") as good,
        ):  # fmt: skip
            owner = str(bad._key.address)
            job = await deployed(client, 3)
            slices, authorization = await taken(bad)
            assert slices == [(job, 1)]
            told = await answer(tmp_path, "worker", "ban", owner, "--reason", "it lies")
            assert told == {"owner": owner, "banned": True, "taken": 1}
            bad.id = "c" * 22  # under another name, too
            with pytest.raises(RemoteError, match="no work: it lies"):
                await bad.request_task()
            bad.id = "a" * 22
            with pytest.raises(RemoteError, match="does not have this slice"):
                await bad.submit(job, 1, authorization, 1)
            assert (await taken(good))[0] == [(job, 1)]
            listed = await answer(tmp_path, "worker", "list")
            assert {each["owner"]: each["banned"] for each in listed} == {owner: True, str(good._key.address): False}
            assert "it lies" in await command(tmp_path, "worker", "bans")
            await command(tmp_path, "worker", "forgive", owner)
            assert (await taken(bad))[0] == [(job, 2)]
            assert "is not banned" in await command(tmp_path, "worker", "forgive", owner, status=1)
            assert await answer(tmp_path, "worker", "bans") == []

    run(main())


def test_who_has_other_results_than_the_majority_is_shown(run, tmp_path: Path) -> None:
    async def main() -> None:
        async with Server(tmp_path) as server, peer(server) as client:
            job = await deployed(client, 2, link="#dcp:copies=3")
            for name, value in (("a", 1), ("b", 2), ("c", 1)):
                async with worker(server, name) as one:
                    slices, authorization = await taken(one)
                    assert slices == [(job, 1)]
                    await one.submit(job, 1, authorization, value)
                    await taken(one)
            found = {each["worker"][0]: each for each in await answer(tmp_path, "worker", "list")}
            assert {name: (each["differed"], each["judged"]) for name, each in found.items()} == {
                "a": (0, 0), "b": (1, 1), "c": (0, 0),
            }  # fmt: skip
            assert {each["results"] for each in found.values()} == {1}
            assert "1/1" in await command(tmp_path, "worker", "list")

    run(main())
