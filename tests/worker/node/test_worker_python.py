"""Python through dcp-worker: the Pyodide worktime, with packages that have native code, as numpy has."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pyodide_packages import extension, package_module, wheel
from scheduler_stand_in import Job, stand_in
from scheduler_stand_in.workers import own_program, running


@pytest.mark.timeout(300)
def test_slices_in_python_with_packages_that_have_native_code(tmp_path: Path) -> None:
    """Minutes at most the first time, when Pyodide's module is compiled; the compiled module is kept."""
    native = {"msgpack/_native.cpython-312-wasm32-emscripten.so": extension()}
    msgpack = wheel("msgpack", "1.0.8", native | {"msgpack/__init__.py": "from ._native import half\n"})
    _, modules = package_module("msgpack", "msgpack-1.0.8-cp312-cp312-pyodide_2024_0_wasm32.whl", msgpack)
    source = """
import dcp, msgpack
def work(x):
  dcp.progress(1)
  return [msgpack.half(x), msgpack.half.__name__]
dcp.set_slice_handler(work)
"""
    job = Job(work=source, arguments=[1], data=[5, 7], worktime=("pyodide", "0.26.0"), modules=modules)

    async def drive() -> None:
        async with stand_in("4.4.29") as network:
            network.add(job)
            async with running(own_program("dcp"), tmp_path, network) as worker:
                await network.until_done(within=240)
                assert await worker.stop() == 0, worker.said()
            assert not network.faults

    asyncio.run(drive())
    assert job.results == [[2.5, "half"], [3.5, "half"]]
