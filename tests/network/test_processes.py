"""Two processes of one network, on PostgreSQL: workers are connected to the one, clients to the other."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from clients import client
from schedulers import scheduler

from postgresql import PostgreSQL
from scheduler_stand_in.workers import own_program, running

pytestmark = [pytest.mark.any_engine, pytest.mark.timeout(240)]

_DIALECTS = {"4.4.29": ("dcp", ("--dialect", "4")), "5.6.1": ("dcp5", ("--dialect", "5"))}
_WORK = """(x, factor) => {
  progress(0.5);
  console.log("slice of", x);
  work.emit("spoke", { x });
  return x * factor;
}"""


def test_clients_hear_of_what_workers_of_another_process_do(run, tmp_path: Path, postgresql: PostgreSQL) -> None:
    options = ("--database", postgresql.database())

    async def main() -> None:
        async with AsyncExitStack() as stack:
            starting = [stack.enter_async_context(scheduler(tmp_path / "state", *options)) for _ in range(2)]
            here, there = await asyncio.gather(*starting)  # both make tables, key and folders, or find them
            programs = []
            for version, (group, dialect) in _DIALECTS.items():
                worker = running(own_program(group), tmp_path, there, dialect, name=f"worker of {version}")  # type: ignore[arg-type]
                await stack.enter_async_context(worker)
                job = {"range": [1, 12], "work": _WORK, "arguments": [3], "listen": ["console", "status"]}
                home = tmp_path / f"client {version}"
                programs.append(await stack.enter_async_context(client(version, here.location, home, **job)))
            for program in programs:
                assert await program.end() == {"event": "done", "results": [3 * x for x in range(1, 13)]}
                assert sorted(event["message"][1] for event in program.heard("console")) == list(range(1, 13))
                assert sorted(event["data"]["x"] for event in program.heard("custom")) == list(range(1, 13))
                assert program.heard("status")[-1]["status"] == "finished"

    run(main())
