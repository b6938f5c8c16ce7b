"""Python through dcp-worker: the Pyodide worktime, with packages that have native code, as numpy has."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from pyodide_packages import extension, numpy_wheel, package_module, wheel
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
    _run(job, tmp_path)
    assert job.results == [[2.5, "half"], [3.5, "half"]]


@pytest.mark.timeout(300)
def test_numpy(tmp_path: Path) -> None:
    """The singular values of a matrix, and the product of two, as numpy has them here."""
    _, modules = package_module("numpy", "numpy-1.26.4-cp312-cp312-pyodide_2024_0_wasm32.whl", numpy_wheel())
    source = """
import dcp, numpy as np
def work(seed):
  dcp.progress(0.5)
  matrix = np.random.default_rng(seed).random((100, 100))
  return [np.__version__, float(np.linalg.svd(matrix)[1].sum()), float((matrix @ matrix.T).sum())]
dcp.set_slice_handler(work)
"""
    job = Job(work=source, data=[1, 2], worktime=("pyodide", "0.26.0"), modules=modules)
    _run(job, tmp_path)
    for seed, (version, values, product) in zip(job.data, job.results, strict=True):
        matrix = np.random.default_rng(seed).random((100, 100))
        assert version == "2.0.2"
        assert values == pytest.approx(np.linalg.svd(matrix)[1].sum())
        assert product == pytest.approx((matrix @ matrix.T).sum())


def _run(job: Job, tmp_path: Path) -> None:
    async def drive() -> None:
        async with stand_in("4.4.29") as network:
            network.add(job)
            async with running(own_program("dcp"), tmp_path, network) as worker:
                await network.until_done(within=240)
                assert await worker.stop() == 0, worker.said()
            assert not network.faults

    asyncio.run(drive())
