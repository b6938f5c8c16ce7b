"""Work functions in Python that import packages: those of a distribution of Pyodide, which the operator publishes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from clients import client
from networks import network

from dcp_scheduler.packages.ownership import OPERATOR
from dcp_scheduler.packages.publishing import publish
from dcp_scheduler.packages.python_packages import read_distribution
from python_distribution import python_folder

pytestmark = [pytest.mark.any_engine, pytest.mark.long_network, pytest.mark.timeout(400)]

WORK = """
import dcp, pandas, numpy as np
def work(seed):
  dcp.progress(0.5)
  matrix = np.random.default_rng(int(seed)).random((50, 50))
  frame = pandas.DataFrame(matrix)
  return [np.__version__, float(np.linalg.svd(matrix)[1].sum()), float(frame.mean().sum())]
dcp.set_slice_handler(work)
"""
PACKAGES = ("numpy", "pandas", "python-dateutil", "pytz", "six")


@pytest.mark.parametrize(("version", "dialect"), [("5.6.1", "5")])
def test_numpy_and_pandas(run, tmp_path: Path, version: str, dialect: str) -> None:
    """The worker has the start-up files of dcp-client 4.4.29, whose Pyodide takes packages of 0.27.7."""

    async def main() -> None:
        async with network(tmp_path, group="dcp", options=("--dialect", dialect)) as server:
            folder = python_folder() / "0.27.7"
            for package in read_distribution(folder):
                if package.name.removeprefix("pyodide-0.26.4-") in PACKAGES:
                    await publish(server.database, package, OPERATOR)
            job = {"range": [1, 2], "work": WORK, "worktime": "pyodide", "worktimeVersion": "^0.26.0"}
            async with client(version, server.location, tmp_path / "home", **job) as program:
                ended = await program.end()
        assert ended["event"] == "done", ended
        for seed, (numpy, values, mean) in enumerate(ended["results"], 1):
            matrix = np.random.default_rng(seed).random((50, 50))
            assert numpy == "2.0.2"
            assert values == pytest.approx(np.linalg.svd(matrix)[1].sum())
            assert mean == pytest.approx(matrix.mean(axis=0).sum())

    run(main())
