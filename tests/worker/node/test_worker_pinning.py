"""A scheduler that has another key one day is not believed, by the next start of the worker neither."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from scheduler_stand_in import Job, own_program, running, stand_in

pytestmark = pytest.mark.any_engine


def test_an_impostor_gets_nothing_until_the_owner_says_so(tmp_path: Path) -> None:
    file = tmp_path / "worker" / ".dcp" / "identity-cache.json"

    async def test() -> None:
        async with stand_in("ours") as network:
            first = network.add(Job(work="async (x) => { progress(); return x; }", data=[1]))
            async with running(own_program("dcp"), tmp_path, network) as worker:
                await network.until_done(first)
                assert await worker.stop() == 0
            ((place, _),) = json.loads(file.read_text()).items()
            assert place == network.door.location
            await network.door.restart(as_another=True)
            asked = len(network.requests_for_work)
            second = network.add(Job(work="async (x) => { progress(); return x + 1; }", data=[1]))
            async with running(own_program("dcp"), tmp_path, network) as worker:
                remedy = f"if those who run it have told you so, delete its line in {file}"
                async with asyncio.timeout(60):
                    while f"{place} has another key than before" not in worker.said() or remedy not in worker.said():
                        await asyncio.sleep(0.05)
                assert len(network.requests_for_work) == asked
                await worker.stop()
            file.unlink()
            async with running(own_program("dcp"), tmp_path, network) as worker:
                await network.until_done(second)
                assert await worker.stop() == 0
        assert second.results == [2]

    asyncio.run(test())


def test_a_broken_file_of_identities_is_told(tmp_path: Path) -> None:
    file = tmp_path / "worker" / ".dcp" / "identity-cache.json"
    file.parent.mkdir(parents=True)
    file.write_text("nonsense")

    async def test() -> None:
        async with stand_in("ours") as network, running(own_program("dcp"), tmp_path, network) as worker:
            async with asyncio.timeout(60):
                while f"{file} holds no addresses of peers" not in worker.said():
                    await asyncio.sleep(0.05)
            assert await worker.stop() == 0
            assert "Traceback" not in worker.said()

    asyncio.run(test())
