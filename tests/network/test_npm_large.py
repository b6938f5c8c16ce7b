"""npm's dcp-client, unmodified, with jobs that are large: many slices, large data and results, Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from clients import client
from networks import network

pytestmark = [pytest.mark.any_engine, pytest.mark.long_network, pytest.mark.timeout(600)]

VERSIONS = pytest.mark.parametrize("version", ["4.4.29", "5.6.1"])
DIALECT = {"4.4.29": ("dcp", "4"), "5.6.1": ("dcp5", "5")}
MANY = 10_000


def results_of(run, folder: Path, version: str, **job: Any) -> Any:  # type: ignore[no-untyped-def]
    group, dialect = DIALECT[version]

    async def main() -> Any:
        options = ("--dialect", dialect, "-c", "2,0")
        async with (
            network(folder, group=group, options=options) as server,
            client(version, server.location, folder / "home", deadline=500.0, **job) as program,
        ):
            ended = await program.end()
            assert ended["event"] == "done", ended
            return ended["results"]

    return run(main())


@VERSIONS
def test_a_result_of_64_mib(run, tmp_path: Path, version: str) -> None:
    work = "(size) => { progress(); return 'x'.repeat(size); }"
    (result,) = results_of(run, tmp_path, version, values=[64 << 20], work=work)
    assert result == (64 << 20) * "x"


@VERSIONS
def test_ten_thousand_data_of_a_kilobyte(run, tmp_path: Path, version: str) -> None:
    values = [f"{number:05}" + 1000 * "." for number in range(MANY)]
    work = "(x) => { progress(); return [x.length, Number(x.slice(0, 5))]; }"
    expected = [[1005, number] for number in range(MANY)]
    assert results_of(run, tmp_path, version, values=values, work=work) == expected


@VERSIONS
def test_ten_thousand_slices_of_a_range(run, tmp_path: Path, version: str) -> None:
    work = "(x) => { progress(); return 2 * x; }"
    assert results_of(run, tmp_path, version, range=[1, MANY], work=work) == [2 * x for x in range(1, MANY + 1)]


def test_python(run, tmp_path: Path) -> None:
    """The worktime ``pyodide``, without packages."""
    source = "import dcp\ndef work(x):\n  dcp.progress(1)\n  return [x, sum(range(x))]\ndcp.set_slice_handler(work)\n"
    job = {"values": [5, 7], "work": source, "arguments": [1], "worktime": "pyodide"}
    assert results_of(run, tmp_path, "5.6.1", **job) == [[5, 10], [7, 21]]
