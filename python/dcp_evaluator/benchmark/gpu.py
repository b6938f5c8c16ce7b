"""What each GPU adapter does that sandboxes are offered."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

from ..errors import JobError, SliceError
from ..gpu.options import GpuOptions
from ..jobs.compute_for import compute_for
from ..settings.settings import Settings
from ..supervision.evaluator import Evaluator
from .scores import Score, Step

_TITLES = {
    "trip": "round trip",
    "transfer": "transfers",
    "memory": "memory",
    "f32": "f32 matrix product",
    "f16": "f16 matrix product",
}


def steps(settings: Settings, adapters: list[dict[str, Any]], *, seconds: float) -> list[Step]:
    """``adapters``: of the probe, those that are offered; ``seconds`` of each measure."""
    return [
        Step(f"GPU {adapter['index']}, {title}", _measure(settings, adapter["index"], what, seconds))
        for adapter in adapters
        for what, title in _TITLES.items()
    ]


def _measure(settings: Settings, index: int, what: str, seconds: float) -> Callable[[], list[Score]]:
    def measure() -> list[Score]:
        with Evaluator.of(settings, gpu=GpuOptions(devices=(index,))) as evaluator:
            job = compute_for([what], _read("gpu.js"), seconds, _read("matrix_product.wgsl"))
            try:
                found = job.local_exec(1, retries=0, evaluator=evaluator)[0]
            except SliceError as error:
                raise JobError(error.message) from None
        return [] if found is None else [Score(*score, gpu=index) for score in _scores(what, found)]

    return measure


def _scores(what: str, found: dict[str, float]) -> list[tuple[str, str, float, str]]:
    if what == "trip":
        return [("gpu.trip", "submit and map 4 bytes", found["us"], "us")]
    if what == "transfer":
        return [
            ("gpu.upload", "upload, 32 MiB", found["up"], "GB/s"),
            ("gpu.readback", "copy, map and read, 32 MiB", found["down"], "GB/s"),
        ]
    if what == "memory":
        return [("gpu.memory", "memory, read and write in a shader", found["rate"], "GB/s")]
    name = f"{what} matrix product, n = {found['n']:g}, tiled WGSL"
    return [(f"gpu.matrix_product.{what}", name, found["rate"], "GFLOP/s")]


@cache
def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
