"""The demo's scheduler: npm's worker earns from it, and a wrong picture or a worker that fails is told."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dcp_evaluator.demo import picture
from dcp_protocol.keys.private_key import PrivateKey
from dcp_worker.configuration import remote
from dcp_worker.demo.job import Job, State
from dcp_worker.demo.scheduler import Scheduler
from dcp_worker.demo.serving import serving
from dcp_worker.dialects.choice import choose
from npm_packages import npm_packages
from scheduler_stand_in import npm_program
from scheduler_stand_in.small_worker import SmallWorker

SIZE = 128


def run_demo(folder: Path, *arguments: str, client: str = "dcp") -> subprocess.CompletedProcess[str]:
    variables = {
        **os.environ,
        "NODE_PATH": str(npm_packages(client)),
        "DCP_CLIENT_ALLOW_INSECURE_CONFIGURATION": "1",
        "COLUMNS": "120",
    }
    command = [sys.executable, "-m", "dcp_worker.demo", "--size", str(SIZE), *arguments]
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False, timeout=100)


def check_picture(done: subprocess.CompletedProcess[str], folder: Path) -> None:
    assert done.returncode == 0, done.stdout + done.stderr
    for name, shown in {"done": "64", "waiting": "0", "numpy's result": "agrees"}.items():
        assert re.search(rf"│ +{name} +│ {shown}", done.stdout), done.stdout
    assert "0.64 DCC for 0x" in done.stdout
    assert done.stdout.endswith("\nPicture: out/demo-worker.png\n")
    with Image.open(folder / "out" / "demo-worker.png") as written:
        pixels = np.asarray(written)
    expected = picture.filter_with_numpy(picture.as_float(picture.make_picture(SIZE)), picture.gaussian())
    assert np.abs(pixels - 255 * expected).max() < 0.51


@pytest.mark.parametrize(("client", "dialect"), [("dcp", 4), ("dcp5", 5)])
def test_the_worker_filters_the_picture(tmp_path: Path, client: str, dialect: int) -> None:
    check_picture(run_demo(tmp_path, "--dialect", str(dialect), client=client), tmp_path)


@pytest.mark.any_engine
def test_npms_worker_filters_the_picture(tmp_path: Path, port: int) -> None:
    worker = shlex.join(str(part) for part in npm_program(port).command)
    check_picture(run_demo(tmp_path, "--no-gpu", "--worker", worker), tmp_path)


@pytest.mark.any_engine
def test_a_wrong_picture_ends_with_status_1(tmp_path: Path) -> None:
    done = run_demo(tmp_path, "--tolerance", "0")
    assert done.returncode == 1
    assert done.stderr == "demo: the worker's result differs from numpy's\n"


@pytest.mark.any_engine
def test_a_worker_that_fails_is_told_with_what_it_said(tmp_path: Path) -> None:
    failing = shlex.join([sys.executable, "-c", "print('no work today'); raise SystemExit(3)"])
    done = run_demo(tmp_path, "--worker", failing)
    assert done.returncode == 1
    assert done.stderr == "demo: the worker has ended before its work was done:\nno work today\n"
    missing = run_demo(tmp_path, "--worker", "/nowhere/dcp-worker")
    assert missing.returncode == 1
    assert missing.stderr == "demo: /nowhere/dcp-worker: No such file or directory\n"


def scheduler(count: int) -> Scheduler:
    job = Job("a job", "(x) => x", lambda gpu: [gpu], range(count))
    return Scheduler(PrivateKey.generate(), job)


@pytest.mark.any_engine
@pytest.mark.parametrize("dialect", [4, 5])
def test_each_slice_is_done_once_in_both_dialects(dialect: int) -> None:
    async def test() -> None:
        demo = scheduler(20)
        async with serving(demo, demo.key, dialect) as location:
            told = remote.parse(await remote.fetch(f"{location}etc/dcp-config.kvin"), location)["scheduler"]
            assert choose({"scheduler": told}).name == str(dialect)
            services = str(told["services"]["taskDistributor"]["location"])
            async with SmallWorker(services, dialect) as worker:
                assert await worker.work(lambda x: x + 1) == 20
        assert demo.job.is_done
        assert [one.result for one in demo.job.slices.values()] == list(range(1, 21))
        assert round(sum(demo.paid.values()), 6) == 0.2

    asyncio.run(test())


@pytest.mark.any_engine
def test_returned_slices_are_handed_out_again() -> None:
    job = scheduler(2).job
    first, second = job.hand_out("a", 5)
    job.begin(first, "a")
    job.take_back(first, "b")
    assert first.state is State.WORKING
    job.take_back(first, "a")
    assert job.hand_out("b", 5) == [first]
    assert not job.finish(first, "a", 1, 1.0)
    assert job.finish(first, "b", 1, 1.0)
    assert not job.finish(first, "b", 2, 1.0)
    assert not job.is_done
    assert job.finish(second, "a", 2, 1.0)
    assert job.is_done
