"""Work functions that require modules: of their program, which npm's client publishes, and of the package server."""

from __future__ import annotations

from pathlib import Path

import pytest
from clients import client
from dcp_programs import start_up_files
from networks import network

from dcp_scheduler.model.package import Package
from dcp_scheduler.packages.ownership import OPERATOR
from dcp_scheduler.packages.publishing import publish
from dcp_scheduler.server.server import Server
from line_peer import TcpEvaluator
from scheduler_stand_in.workers import npm_program, npm_program_5, running

pytestmark = [pytest.mark.any_engine, pytest.mark.timeout(240)]

DIALECT = {"4.4.29": ("dcp", ("--dialect", "4")), "5.6.1": ("dcp5", ("--dialect", "5"))}
VERSIONS = pytest.mark.parametrize("version", list(DIALECT))
FILES = {
    "square.js": """module.declare(["./inner/product", "sums/sum"], function (require, exports) {
      exports.square = (x) => require("sums/sum").sum(require("./inner/product").product(x, x), 1);
    });""",
    "inner/product.js": "module.declare([], (require, exports) => { exports.product = (x, y) => x * y; });",
}
SUM = "module.declare([], (require, exports) => { exports.sum = (x, y) => x + y; });"
WORK = """(x) => {
  progress();
  return require("./modules/ten").tens(x) + require("shapes/square").square(x);
}"""
JOB = {"range": [1, 5], "work": WORK, "requires": ["./modules/ten", "shapes/square"]}
RESULTS = [20 * x + x * x + 1 for x in range(1, 6)]


async def publish_shapes(server: Server) -> None:
    for name, files in {"shapes": FILES, "sums": {"sum.js": SUM}}.items():
        package = Package(name, "1.0.0", {file: text.encode() for file, text in files.items()})
        await publish(server.database, package, OPERATOR)


@VERSIONS
def test_modules_of_the_program_and_of_packages(run, tmp_path: Path, version: str) -> None:
    group, options = DIALECT[version]

    async def main() -> None:
        async with network(tmp_path, group=group, options=options) as server:
            await publish_shapes(server)
            async with client(version, server.location, tmp_path / "home", **JOB) as program:
                assert await program.end() == {"event": "done", "results": RESULTS}

    run(main())


@VERSIONS
def test_local_exec_fetches_them_too(run, tmp_path: Path, version: str) -> None:
    async def main() -> None:
        async with network(tmp_path, workers=0) as server:
            await publish_shapes(server)
            async with client(version, server.location, tmp_path / "home", local=True, **JOB) as program:
                assert await program.end() == {"event": "done", "results": RESULTS}

    run(main())


@VERSIONS
def test_npms_worker_fetches_them_too(run, tmp_path: Path, version: str) -> None:
    program_of = {"4.4.29": npm_program, "5.6.1": npm_program_5}[version]

    async def main() -> None:
        with TcpEvaluator(*start_up_files(group=DIALECT[version][0])) as evaluator:
            async with network(tmp_path, workers=0) as server, running(program_of(evaluator.port), tmp_path, server):  # type: ignore[arg-type]
                await publish_shapes(server)
                async with client(version, server.location, tmp_path / "home", **JOB) as program:
                    assert await program.end() == {"event": "done", "results": RESULTS}

    run(main())


@VERSIONS
def test_a_module_that_there_is_not_is_told_before_the_job_begins(run, tmp_path: Path, version: str) -> None:
    async def main() -> None:
        async with network(tmp_path, workers=0) as server:
            job = {**JOB, "requires": ["shapes/square"]}
            async with client(version, server.location, tmp_path / "home", **job) as program:
                ended = await program.end()
                assert (ended["event"], ended["code"]) == ("failed", "ENOENT"), ended
                assert "there is no module square in the package shapes" in ended["message"]

    run(main())
