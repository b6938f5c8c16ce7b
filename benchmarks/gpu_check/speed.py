"""How fast: matrix products, transfers, round trips, four hosts at once. Each result is compared with numpy's."""

from __future__ import annotations

from functools import cache, cached_property
from importlib.resources import files
from statistics import median
from typing import Any

import numpy as np

import dcp_evaluator as dcp
from dcp_evaluator.benchmark import gpu as gpu_measures
from dcp_evaluator.settings.settings import Settings as EvaluatorSettings

from .sandbox import adapter, evaluator, gpu_hosts, on_paper, run
from .step import DoesNotApplyError, Outcome, Settings, StepFailedError

_MOST = 4096
_TYPES = {"f32": np.float32, "f16": np.float16}
_ENOUGH_MS = 20.0
_MIB = 1 << 20


def product_f32(settings: Settings) -> Outcome:
    return _measure(settings, "f32")


def product_f16(settings: Settings) -> Outcome:
    adapter(settings)
    with evaluator(settings) as sandboxes:
        (info,) = run(sandboxes, {"what": "info"})
    if not info["f16"]:
        raise DoesNotApplyError("the adapter has no shader-f16")
    return _measure(settings, "f16")


def transfers(settings: Settings) -> Outcome:
    """Of random bytes, which are compared when they have come back."""
    adapter(settings)
    size = (4 if settings.quick else 64) * _MIB
    data = np.random.default_rng(1).integers(0, 256, size, np.uint8)
    rounds = 3 if settings.quick else 12
    with evaluator(settings) as sandboxes:
        (found,) = run(sandboxes, {"what": "transfer", "bytes": data, "rounds": rounds})
    data[0] = rounds - 1
    if not np.array_equal(found["back"], data):
        raise StepFailedError("other bytes came back than were sent")
    rates = {way: size / 1e6 / median(found[way][1:]) for way in ("up", "down")}
    both = f"upload {rates['up']:.2f} GB/s, copy, map and read {rates['down']:.2f} GB/s"
    return Outcome([f"{both}, of {size // _MIB} MiB; right bytes"], {"bytes": size, "gigabytes_per_second": rates})


def round_trip(settings: Settings) -> Outcome:
    adapter(settings)
    rounds = 200 if settings.quick else 3000
    with evaluator(settings) as sandboxes:
        (found,) = run(sandboxes, {"what": "trip", "rounds": rounds})
    if not np.array_equal(found["values"], np.arange(rounds, dtype=np.uint32) * 7919):
        raise StepFailedError("other values came back than were sent")
    times = 1e3 * np.sort(found["milliseconds"])
    data = {"median_us": float(np.median(times)), "p99_us": float(times[int(0.99 * rounds)])}
    line = "write, submit, map 4 bytes: median {median_us:.0f} us, 99 of 100 within {p99_us:.0f} us; right values"
    return Outcome([line.format(**data)], data)


def benchmark(settings: Settings) -> Outcome:
    """The GPU part of ``dcp-evaluator --benchmark``, whose scores can be compared with those of reference machines."""
    adapter(settings)
    measured = {"index": settings.device or 0}
    steps = gpu_measures.steps(EvaluatorSettings(), [measured], seconds=0.2 if settings.quick else 2.0)
    scores, problems = [], []
    for step in steps:
        try:
            scores += step.measure()
        except dcp.DcpError as error:
            problems.append(f"{step.title}: {error}")
    outcome = Outcome(
        [f"{score.name}: {score.value:.4g} {score.unit}" for score in scores],
        {"scores": [score.as_json() for score in scores], "problems": problems},
    )
    if problems:
        raise StepFailedError("; ".join(problems), outcome)
    return outcome


def four_hosts(settings: Settings) -> Outcome:
    """Four sandboxes multiply at once, each through a host of its own, beside one alone."""
    adapter(settings)
    product = Product("f32", 256 if settings.quick else settings.found("f32").get("n", 1024))
    inputs = product.inputs(4, 0.5 if settings.quick else 3.0) | {"begins": True}
    seen = []
    with evaluator(settings) as sandboxes:
        alone = run(sandboxes, inputs)
        four = run(sandboxes, *[inputs] * 4, begins=lambda: seen.append(len(gpu_hosts())))
    for found in (*alone, *four):
        product.check(found["c"])
    one, rates = product.rate(alone[0], 4), [product.rate(found, 4) for found in four]
    data = {"hosts_at_once": max(seen), "one_gflops": one, "gflops": rates}
    together = f"{_gflops(sum(rates))} ({sum(rates) / one:.2f} of one), the slowest {_gflops(min(rates))}"
    lines = [f"{max(seen)} hosts ran at once; one alone {_gflops(one)}, four together {together}; right results"]
    if max(seen) < 4:
        raise StepFailedError("fewer than four hosts ran at once", Outcome(lines, data))
    return Outcome(lines, data)


def memory_limit(settings: Settings) -> Outcome:
    """A host with 1 GiB: buffers up to that, then an error, and the driver lives under the limit of its process."""
    adapter(settings)
    size, limit = 128 * _MIB, 1024 * _MIB
    with evaluator(settings, memory_limit=limit) as sandboxes:
        (found,) = run(sandboxes, {"what": "fill", "size": size, "most": limit // size + 1})
    line = f"{found['made']} buffers of 128 MiB fit into --gpu-memory 1024, then: {found['error']}"
    if found["made"] != limit // size or found["error"] is None:
        raise StepFailedError("the limit of 1 GiB does not hold", Outcome([line], found))
    return Outcome([line], found)


class Product:
    """C = A B of n x n numbers. They are -1, 0 and 1: sums are whole and small, so exact in f16 too."""

    def __init__(self, kind: str, n: int) -> None:
        """``kind``: f32 or f16. ``n`` is a multiple of 64."""
        self.n, self._kind = n, kind
        self.a, self.b = np.random.default_rng(n).integers(-1, 2, (2, n, n)).astype(_TYPES[kind])

    def inputs(self, count: int = 1, seconds: float = 0.0) -> dict[str, Any]:
        """For programs.js: submissions of ``count`` products each, until ``seconds`` are over."""
        enable = "enable f16;\n" if self._kind == "f16" else ""
        code = f"{enable}alias real = {self._kind};\n{_matrix_product()}"
        of_product = {"a": self.a, "b": self.b, "n": self.n, "code": code}
        return {"what": "product", **of_product, "count": count, "seconds": seconds}

    @cached_property
    def expected(self) -> np.ndarray:
        """As numpy has it, in f32, of one dimension."""
        found: np.ndarray = (self.a.astype(np.float32) @ self.b.astype(np.float32)).ravel()
        assert np.abs(found).max() <= 2048, "f16 has whole numbers to 2048 only"
        return found

    def check(self, product: np.ndarray) -> None:
        """Raises StepFailedError unless every element is right."""
        wrong = np.flatnonzero(product.astype(np.float32) != self.expected)
        if wrong.size:
            first = int(wrong[0])
            instead = f"element {first} is {product[first]} instead of {self.expected[first]:g}"
            raise StepFailedError(f"{wrong.size} of {product.size} elements are wrong: {instead}")

    def rate(self, found: dict[str, Any], count: int) -> float:
        """In GFLOP/s, of the median submission of ``count`` products."""
        return float(2 * self.n**3 * count / median(found["milliseconds"]) / 1e6)


def _measure(settings: Settings, kind: str) -> Outcome:
    """Twice as large until a product takes 20 ms, then for 2 seconds."""
    adapter(settings)
    with evaluator(settings) as sandboxes:
        (info,) = run(sandboxes, {"what": "info"})
        most, n = min(_MOST, info["most"]), 256
        while True:
            product = Product(kind, n)
            (found,) = run(sandboxes, product.inputs())
            product.check(found["c"])
            took = min(found["milliseconds"])
            if settings.quick or took >= _ENOUGH_MS or 2 * n > most:
                break
            n *= 2
        count = max(1, round(100 / took))
        (found,) = run(sandboxes, product.inputs(count, 0.3 if settings.quick else 2.0))
        product.check(found["c"])
    rate = product.rate(found, count)
    data = {"n": n, "gflops": rate, "on_paper_gflops": on_paper(settings)}
    return Outcome([f"n = {n}, tiled WGSL: {_gflops(rate)}{_beside(settings, rate)}; equal to numpy's"], data)


def _gflops(rate: float) -> str:
    return f"{rate:,.0f} GFLOP/s" if rate >= 100 else f"{rate:.1f} GFLOP/s"


def _beside(settings: Settings, rate: float) -> str:
    paper = on_paper(settings)
    if paper is not None:
        return f", {100 * rate / paper:.0f} % of f32 on its data sheet, {_gflops(paper)}"
    if adapter(settings)["type"] == "cpu":
        return " (a CPU adapter: no data sheet applies)"
    return " (its data sheet is not in benchmark/peak.py)"


@cache
def _matrix_product() -> str:
    return files("dcp_evaluator.benchmark").joinpath("matrix_product.wgsl").read_text(encoding="utf-8")
