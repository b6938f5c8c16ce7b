"""Native code in the GPU host of one job leaves something in the driver's cache: only the same job ever meets it."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from attacks import copy_library
from public_copies import PublicCopies
from users import ORDINARY

pytestmark = pytest.mark.any_engine

Run = Callable[..., list[str]]

# Each job has a host that is taken over, and tells on stderr what it has found.
_PROGRAM = """
import os, sys
from unittest import mock
from dcp_evaluator.gpu.pool import GpuPool
from dcp_evaluator.gpu.rest import AdapterRest
from dcp_evaluator.gpu.shader_cache import ShaderCache
from dcp_evaluator.settings import installation
from dcp_evaluator.settings.settings import Settings

import encodings.ascii, encodings.idna, encodings.latin_1  # what another user may not load
host, library, cache, user, *jobs = sys.argv[1:]
if int(user):
    os.setgroups([])
    os.setresgid(int(user), int(user), int(user))
    os.setresuid(int(user), int(user), int(user))
settings = Settings(cache=cache)
with (
    mock.patch.object(installation, "executable", lambda name: host),
    mock.patch.object(installation, "wgpu_library", lambda: library),
):
    pool = GpuPool(settings, rest=AdapterRest(), shaders=ShaderCache(settings))
    for job in jobs:
        pool.begin(lambda job=job: job.encode().ljust(32))
        with pool.connect(1):
            pool._used[1].wait(20)
        pool.release(1)
        pool.rest()
        pool._end(pool._warm)
    pool.close()
"""
_folders = itertools.count()


@pytest.fixture(params=[0, ORDINARY] if os.geteuid() == 0 else [0], ids=lambda user: "ordinary" if user else "self")
def run(request: pytest.FixtureRequest, public: PublicCopies) -> Run:
    """Runs jobs in the order given, in a program of its own: what each has found."""
    library = copy_library("attack_shaders", public)
    folder = public.folder / f"shaders-{next(_folders)}"
    folder.mkdir()
    os.chown(folder, request.param or -1, -1)

    def run_all(*jobs: str, cache: str | Path = folder / "cache") -> list[str]:
        arguments = [public.gpu_host, library, cache, str(request.param), *jobs]
        command = [sys.executable, "-c", _PROGRAM, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        found = [line.removeprefix("attack: ") for line in done.stderr.splitlines() if line.startswith("attack: ")]
        assert done.returncode == 0, done.stderr
        assert len(found) >= len(jobs), done.stderr
        return found

    return run_all


def test_the_same_job_finds_it(run: Run) -> None:
    assert run("a") == ["nothing"]
    (found,) = run("a")
    assert len(found.strip()) == 38
    assert found in run("a")[0]


def test_another_job_finds_nothing(run: Run) -> None:
    assert run("a") == ["nothing"]
    assert run("b") == ["nothing"]
    assert run("c", "d") == ["nothing", "nothing"]
    assert "nothing" not in run("a", "b", "c", "d")


def test_nothing_is_kept_where_the_cache_is_off(run: Run) -> None:
    assert run("a", "a", cache="off") == ["nothing", "nothing"]
