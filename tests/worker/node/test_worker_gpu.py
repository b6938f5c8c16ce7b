"""dcp-worker and GPUs: jobs that need one, GPUs that are not to be used, and workers that have none to give."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gpu_square import SQUARE_ON_GPU
from scheduler_stand_in import Job, stand_in
from scheduler_stand_in.workers import PROGRAMS, SCHEDULERS, own_program, running

WEBGPU = 32
NO_GPU = "async (x) => { progress(); return typeof navigator.gpu; }"
ANY_GPU = {"worker": {"bannedGPUs": {"device": "/no such device/"}}}
"""The software GPU of these tests is one that workers do not use by themselves."""


def work(
    home: Path, dialect: str, cores: str, settings: dict[str, Any], *jobs: Job, awaited: Sequence[Job]
) -> tuple[str, list[float]]:
    """What the worker's console said, and for how much of a GPU it asked, until those awaited were done."""

    async def run() -> list[float]:
        async with stand_in(SCHEDULERS[dialect]) as network:
            for job in jobs:
                network.add(job)
            program = own_program(PROGRAMS[dialect], **settings)
            async with running(program, home, network, ["-c", cores]) as worker:
                await network.until_done(*awaited)
                assert await worker.stop() == 0
            assert not network.faults
            asked = network.all("requestTask@3" if dialect == "5" else "requestTask")
            return [data["targetLoad"]["gpu"] for data in asked if "targetLoad" in data]

    asked = asyncio.run(run())
    return (home / "worker.log").read_text(), asked


def test_slices_on_the_gpu(tmp_path: Path, dialect: str) -> None:
    on_gpu, elsewhere = Job(work=SQUARE_ON_GPU, data=[3, 4], needs=WEBGPU), Job(work=NO_GPU, data=[1, 2])
    log, asked = work(tmp_path, dialect, "2,1", ANY_GPU, on_gpu, elsewhere, awaited=[on_gpu, elsewhere])
    assert on_gpu.results == [9, 16]
    for one in on_gpu.slices.values():
        metrics = one.results[0].data["metrics"]
        assert metrics["GPUTime"] > 0
        assert 0 < metrics["GPUDensity"] <= 1
    assert elsewhere.results == ["undefined", "undefined"]
    assert "llvmpipe" in log
    assert max(asked) == 0.75, "the share of it that is used by default"


def test_a_banned_gpu_is_not_used(tmp_path: Path, dialect: str) -> None:
    on_gpu, elsewhere = Job(work=SQUARE_ON_GPU, data=[3], needs=WEBGPU), Job(work=NO_GPU, data=[1])
    log, asked = work(tmp_path, dialect, "1,1", {}, on_gpu, elsewhere, awaited=[elsewhere])
    assert "llvmpipe" in log and "bannedGPUs" in log
    assert not any(one.results for one in on_gpu.slices.values())
    assert asked and not any(asked)


def test_a_worker_without_gpu_cores_asks_for_no_gpu_jobs(tmp_path: Path, dialect: str) -> None:
    on_gpu, elsewhere = Job(work=SQUARE_ON_GPU, data=[3], needs=WEBGPU), Job(work=NO_GPU, data=[1])
    _, asked = work(tmp_path, dialect, "1,0", ANY_GPU, on_gpu, elsewhere, awaited=[elsewhere])
    assert not any(one.results for one in on_gpu.slices.values())
    assert asked and not any(asked)
