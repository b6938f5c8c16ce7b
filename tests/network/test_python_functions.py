"""Work functions in Python on networks: in the worktime of dcp-client, with what they use of this program."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pytest
from dcp_programs import start_up_files
from networks import network

import dcp_evaluator as dcp
from line_peer import TcpEvaluator
from scheduler_stand_in.workers import npm_program, npm_program_5, own_program, running

pytestmark = [pytest.mark.any_engine, pytest.mark.timeout(300)]

BASE = 3


@dcp.register
@dataclass(frozen=True)
class Place:
    x: int
    y: int = 0


def power(exponent: int) -> int:
    return BASE**exponent


def work(datum, offset, *, scale=1):  # type: ignore[no-untyped-def]
    print("slice of", datum)
    dcp.emit("spoke", (datum, b"\0\xff"))
    if datum == "wrong":
        raise LookupError(f"{datum} it is")
    if isinstance(datum, Place):
        return {datum.x: power(datum.x)}
    if isinstance(datum, int):
        return scale * datum + offset, float(datum), Fraction(datum, 3).denominator
    with open("note.txt") as file:  # noqa: PTH123
        return datum, file.read(), dcp.public["name"]


async def waits(x: int) -> int:
    await asyncio.sleep(0.01)
    return x + 1


def test_on_workers_of_ours(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Minutes at most the first time, when Pyodide's module is compiled; the compiled module is kept."""
    monkeypatch.setenv("DCP_RESOURCE_DIR", str(tmp_path / "nothing"))
    job = dcp.compute_for([1, 2**70, Place(4), "wrong", {1, 2}, {"a": (None, b"x")}], work, 10, scale=2)
    job.fs.add_bytes("note.txt", b"noted")
    heard, said = [], []
    job.work.on("spoke", heard.append)
    job.on("console", said.append)

    async def main() -> None:
        async with network(tmp_path, group="dcp5", options=("--dialect", "5")) as server:
            results = await asyncio.to_thread(job.exec, server.location, public={"name": "six"})
            await asyncio.to_thread(results.wait)
            assert results.values(errors="skip") == [
                (12, 1.0, 3), (2**71 + 10, float(2**70), 3), {4: 81}, ({1, 2}, "noted", "six"),
                ({"a": (None, b"x")}, "noted", "six"),
            ]  # fmt: skip
            (error,) = results.errors.values()
            assert (error.index, error.name, error.message) == (3, "LookupError", "wrong it is")
            assert 'raise LookupError(f"{datum} it is")' in error.stack
            assert sorted(event.index for event in heard) == list(range(6))
            assert heard[0].value[1] == b"\0\xff"
            assert sorted(event.index for event in said) == list(range(6))
            counted = await asyncio.to_thread(dcp.compute_for(range(5), waits).exec, server.location)
            assert await counted == [1, 2, 3, 4, 5]

    run(main())


@pytest.mark.long_network
@pytest.mark.parametrize("version", ["4.4.29", "5.6.1"])
def test_npms_workers_do_jobs_of_ours(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    """Each in JavaScript and in Python."""
    monkeypatch.setenv("DCP_RESOURCE_DIR", str(tmp_path / "nothing"))
    program_of, group = {"4.4.29": (npm_program, "dcp"), "5.6.1": (npm_program_5, "dcp5")}[version]

    async def main() -> None:
        with TcpEvaluator(*start_up_files(group=group)) as evaluator:
            async with (
                network(tmp_path, workers=0) as server,
                running(program_of(evaluator.port), tmp_path, server) as worker,  # type: ignore[arg-type]
            ):
                double = dcp.compute_for([[1], [2, 3]], "(x, by) => x.map((each) => by * each)", 2)
                assert await (await asyncio.to_thread(double.exec, server.location)) == [[2], [4, 6]]
                powers = await asyncio.to_thread(dcp.compute_for([2, 3], power).exec, server.location)
                assert await powers == [9, 27]
                assert await worker.stop() == 0, worker.said()[-2000:]

    run(main())


@pytest.mark.long_network
def test_own_workers_with_start_up_files_of_dcp_client_4(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DCP_RESOURCE_DIR", str(tmp_path / "nothing"))

    async def main() -> None:
        async with network(tmp_path, workers=0) as server, running(own_program("dcp"), tmp_path, server):  # type: ignore[arg-type]
            powers = await asyncio.to_thread(dcp.compute_for([2, 3], power).exec, server.location)
            assert await powers == [9, 27]

    run(main())
