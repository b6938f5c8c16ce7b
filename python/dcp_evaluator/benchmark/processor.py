"""What the processor does in sandboxes: JavaScript on each engine, WebAssembly, copies; on each core, then on all."""

from __future__ import annotations

import math
import os
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from typing import Any

from ..jobs.compute_for import compute_for
from ..supervision.evaluator import Evaluator
from .engines import Engine
from .scores import Run, Score, Step

KERNELS = ("numbers", "integers", "objects", "strings", "sorting")
_MATRIX, _HASHED = 256, 1 << 20
_WORK = {"f32": 2 * _MATRIX**3 / 1e9, "sha256": _HASHED / 1e6}
"""What one run does: billions of operations, megabytes."""
_COPIED = 32 << 20

# Each kernel runs until the time is over; `best` is the shortest run, `rate` the runs a second, the first one left out.
_RUNNER = """(_, seconds, names, modules) => {
  const kernels = MAKE;
  const found = {};
  for (const name of names) {
    const run = kernels[name], value = run();
    const begun = performance.now();
    let count = 0, best = Infinity, last = begun;
    do {
      if (run() !== value) throw new Error(`the kernel ${name} computes another value each time`);
      const now = performance.now();
      best = Math.min(best, now - last);
      last = now;
      count++;
    } while (last - begun < 1000 * seconds);
    found[name] = { value, best: best / 1000, rate: 1000 * count / (last - begun) };
  }
  return found;
}"""
_WEBASSEMBLY = """(() => {
  const program = (name, argument) => {
    const { run } = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(modules[name]))).exports;
    return () => run(argument);
  };
  return { f32: program("f32", MATRIX), sha256: program("sha256", HASHED) };
})()"""
_COPY = """(() => {
  const source = new Uint8Array(COPIED).fill(1), target = new Uint8Array(COPIED);
  return { copy: () => { target.set(source); return target[COPIED - 1]; } };
})()"""


def kernel_source() -> str:
    """An expression whose value is an object of functions, by the names ``KERNELS``."""
    return _read("kernels.js")


@cache
def _modules() -> dict[str, bytes]:
    from wasmtime import wat2wasm

    return {
        name: bytes(wat2wasm(_read(f"{file}.wat")))
        for name, file in (("f32", "matrix_product_simd"), ("sha256", "sha256"))
    }


def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def steps(engines: list[Engine], run: Run, *, seconds: float, most_cores: int) -> list[Step]:
    """``seconds`` of each kernel; at most so many cores one by one. The cores' scores are noted in ``run``."""
    cpus = sorted(os.sched_getaffinity(0))
    chosen = cpus[:: max(1, math.ceil(len(cpus) / most_cores))]
    core_steps = [Step(f"CPU {cpu}", _core(engines, run, cpu, seconds)) for cpu in chosen]
    together = [Step(f"all CPUs, {engine.name}", _all_cores(engine, len(cpus), seconds)) for engine in engines]
    return [
        *core_steps,
        Step("CPUs compared", lambda: _over_cores(run, engines)),
        *together,
        Step("all CPUs, WebAssembly", _all_cores_webassembly(engines[0], len(cpus), seconds)),
        Step("copies", _copies(engines[0], len(cpus), seconds)),
    ]


def _core(engines: list[Engine], run: Run, cpu: int, seconds: float) -> Callable[[], list[Score]]:
    def measure() -> list[Score]:
        core: dict[str, Any] = {"cpu": cpu}
        with pinned(cpu):
            for engine in engines:
                with engine.evaluator() as evaluator:
                    found = _run_kernels(evaluator, 1, seconds, KERNELS, kernel_source())[0]
                    rates = {name: 1 / found[name]["best"] for name in KERNELS}
                    core |= {f"javascript.{engine.name}": _mean(rates), f"javascript.{engine.name}.kernels": rates}
            with engines[0].evaluator() as evaluator:
                found = run_webassembly(evaluator, 1, seconds)[0]
                core.update({f"webassembly.{name}": work / found[name]["best"] for name, work in _WORK.items()})
        run.cores.append(core)
        return []

    return measure


@contextmanager
def pinned(cpu: int) -> Iterator[None]:
    """This thread, and the threads and processes that it starts meanwhile, run on this CPU alone."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def _over_cores(run: Run, engines: list[Engine]) -> Iterator[Score]:
    """The typical core, and the range where cores differ."""
    names = [(f"javascript.{engine.name}", f"JavaScript on {engine.name}", "runs/s") for engine in engines]
    names += [
        ("webassembly.f32", "WebAssembly f32 SIMD", "GFLOP/s"),
        ("webassembly.sha256", "WebAssembly SHA-256", "MB/s"),
    ]
    for id_, name, unit in names:
        values = [core[id_] for core in run.cores]
        if not values:
            continue
        yield Score(f"{id_}.core", f"{name}, a core", statistics.median(values), unit)
        if len(values) > 1:
            yield Score(f"{id_}.slowest_core", f"{name}, the slowest core", min(values), unit)


def _all_cores(engine: Engine, count: int, seconds: float) -> Callable[[], list[Score]]:
    def measure() -> list[Score]:
        with engine.evaluator() as evaluator:
            found = _run_kernels(evaluator, count, seconds, KERNELS, kernel_source())
        total = _mean({name: sum(each[name]["rate"] for each in found) for name in KERNELS})
        return [
            Score(f"javascript.{engine.name}.all", f"JavaScript on {engine.name}, {count} sandboxes", total, "runs/s")
        ]

    return measure


def _all_cores_webassembly(engine: Engine, count: int, seconds: float) -> Callable[[], list[Score]]:
    def measure() -> list[Score]:
        with engine.evaluator() as evaluator:
            found = run_webassembly(evaluator, count, seconds)
        total = {name: sum(each[name]["rate"] for each in found) * work for name, work in _WORK.items()}
        return [
            Score("webassembly.f32.all", f"WebAssembly f32 SIMD, {count} sandboxes", total["f32"], "GFLOP/s"),
            Score("webassembly.sha256.all", f"WebAssembly SHA-256, {count} sandboxes", total["sha256"], "MB/s"),
        ]

    return measure


def _copies(engine: Engine, count: int, seconds: float) -> Callable[[], list[Score]]:
    def measure() -> list[Score]:
        source = _COPY.replace("COPIED", str(_COPIED))
        with engine.evaluator() as evaluator:
            one, every = (_run_kernels(evaluator, some, seconds, ("copy",), source) for some in (1, count))
        rate, total = _COPIED / one[0]["copy"]["best"], sum(_COPIED * each["copy"]["rate"] for each in every)
        return [
            Score("memory.copy", "copy in a sandbox", rate / 1e9, "GB/s"),
            Score("memory.copy.all", f"copy in {count} sandboxes", total / 1e9, "GB/s"),
        ]

    return measure


def _run_kernels(
    evaluator: Evaluator, sandboxes: int, seconds: float, names: tuple[str, ...], kernels: str
) -> list[dict[str, Any]]:
    """What each sandbox found. Raises DcpError where a kernel fails."""
    modules = _modules() if kernels is _WEBASSEMBLY_SOURCE else {}
    source = _RUNNER.replace("MAKE", kernels)
    job = compute_for(range(sandboxes), source, seconds, list(names), modules)
    return list(job.local_exec(sandboxes, on_error="stop", evaluator=evaluator))


_WEBASSEMBLY_SOURCE = _WEBASSEMBLY.replace("MATRIX", str(_MATRIX)).replace("HASHED", str(_HASHED))


def run_webassembly(evaluator: Evaluator, sandboxes: int, seconds: float) -> list[dict[str, Any]]:
    return _run_kernels(evaluator, sandboxes, seconds, tuple(_WORK), _WEBASSEMBLY_SOURCE)


def _mean(rates: dict[str, float]) -> float:
    """The geometric mean: twice as fast on one kernel and half as fast on another is the same score."""
    return math.exp(statistics.fmean(math.log(rate) for rate in rates.values()))
