"""npm's dcp-worker, unmodified, works for a network of one's own, beside ours."""

from __future__ import annotations

from pathlib import Path

import pytest
from clients import client
from dcp_programs import start_up_files
from networks import network

from line_peer import TcpEvaluator
from scheduler_stand_in.workers import npm_program, npm_program_5, running

pytestmark = [pytest.mark.any_engine, pytest.mark.timeout(240)]


@pytest.mark.parametrize("version", ["4.4.29", "5.6.1"])
def test_it_does_a_job(run, tmp_path: Path, version: str) -> None:
    program_of, group = {"4.4.29": (npm_program, "dcp"), "5.6.1": (npm_program_5, "dcp5")}[version]
    work = "(x, factor) => { progress(); return x * factor; }"

    async def main() -> None:
        with TcpEvaluator(*start_up_files(group=group)) as evaluator:
            async with (
                network(tmp_path, workers=0) as server,
                running(program_of(evaluator.port), tmp_path, server) as worker,  # type: ignore[arg-type]
                client(version, server.location, tmp_path / "home", range=[1, 20], work=work, arguments=[2]) as program,
            ):
                assert await program.end() == {"event": "done", "results": [2 * x for x in range(1, 21)]}
                assert await worker.stop() == 0, worker.said()[-2000:]

    run(main())
