"""Several processes behind one address, which end one after the other, as for an upgrade."""

from __future__ import annotations

import signal
from contextlib import AsyncExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest
from balancer import balancer
from clients import client
from schedulers import scheduler

from ports import free_port
from postgresql import PostgreSQL
from scheduler_stand_in.workers import own_program, running

pytestmark = [pytest.mark.any_engine, pytest.mark.timeout(240)]

_DIALECTS = {"4.4.29": ("dcp", ("--dialect", "4")), "5.6.1": ("dcp5", ("--dialect", "5"))}
_WORK = "async (x) => { progress(); await new Promise((done) => setTimeout(done, 300)); return 2 * x; }"


@pytest.mark.long_network
@pytest.mark.parametrize("version", _DIALECTS)
def test_a_job_goes_on_while_one_process_after_the_other_ends(
    run, tmp_path: Path, postgresql: PostgreSQL, version: str
) -> None:
    group, dialect = _DIALECTS[version]
    count = 200

    async def main() -> None:
        port = free_port()
        network = SimpleNamespace(location=f"http://127.0.0.1:{port}/")
        options = ("--database", postgresql.database(), "--public", network.location)
        async with AsyncExitStack() as stack:
            several = [await stack.enter_async_context(scheduler(tmp_path / "state", *options)) for _ in range(3)]
            await stack.enter_async_context(balancer(port, [each.port for each in several]))
            await stack.enter_async_context(running(own_program(group), tmp_path, network, dialect))  # type: ignore[arg-type]
            program = await stack.enter_async_context(
                client(version, network.location, tmp_path / "home", range=[1, count], work=_WORK)
            )
            await program.until("accepted")  # dcp-client fails where it loses a connection before that
            await program.until("result")
            for each in several[:2]:
                assert each.process
                each.process.send_signal(signal.SIGTERM)
                assert await each.process.wait() == 0
                await program.until("result")
            assert await program.end() == {"event": "done", "results": [2 * x for x in range(1, count + 1)]}
            assert sorted(event["slice"] for event in program.heard("result")) == list(range(1, count + 1))

    run(main())
