"""How good the scheduler's decisions are: 10,000 simulated workers of mixed speed and failure, discrete events.

``python benchmarks/scheduler_sim.py``: a table, and out/scheduler-sim.png. In less than a minute.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

_ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(_ROOT / "tests" / "network"))

from simulation import Job, Simulation, Worker  # noqa: E402

_OWNERS = (1, 1, 2, 4, 8)
"""How many jobs each owner has: all of them together as much work as any other owner."""
_MINUTES = 15
"""Of work for all cores."""


@dataclass(frozen=True)
class Measure:
    """``bound``: seconds in which the work cannot be done faster; ``fairness``: Jain's index over owners."""

    name: str
    makespan: float
    bound: float
    utilisation: float
    wasted: float
    fairness: float
    seconds: float


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    few, runs = max(1, options.workers // 5), {}
    for workers, copy_late in ((options.workers, True), (few, True), (few, False)):
        begun = time.perf_counter()
        simulation = Simulation(*network(workers, options.seed), options.seed, copy_late=copy_late)
        simulation.run()
        name = f"{workers} workers{'' if copy_late else ', no copies'}"
        runs[measure(name, simulation, time.perf_counter() - begun)] = simulation
    print(table(list(runs)))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    draw({each.name: simulation for each, simulation in runs.items()}).savefig(options.out, dpi=110)
    print(f"scheduler-sim: {options.out}", file=sys.stderr)
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=_ROOT / "out" / "scheduler-sim.png")
    return parser.parse_args(arguments)


def network(count: int, seed: int) -> tuple[list[Worker], list[Job]]:
    """Speeds are lognormal, one worker of a hundred fails always and one of ten now and then, one of twenty dies."""
    source = random.Random(seed)
    workers = [
        Worker(
            f"w{number}", source.choice((1, 1, 2, 4)), min(4.0, max(0.2, source.lognormvariate(0, 0.5))),
            source.choice((1.0, *[0.05] * 10, *[0.0] * 89)),
            source.choice((source.uniform(0, 60 * _MINUTES), *[float("inf")] * 19)),
        )
        for number in range(count)
    ]  # fmt: skip
    work = sum(worker.cores * worker.speed for worker in workers) * 60 * _MINUTES / len(_OWNERS)
    numbers = np.random.default_rng(seed)
    jobs: list[Job] = []
    for owner, many in enumerate(_OWNERS):
        for _ in range(many):
            mean = source.choice((30.0, 60.0, 90.0, 120.0))
            slices = numbers.gamma(4.0, mean / 4, max(1, int(work / many / mean)))
            jobs.append(Job(len(jobs) + 1, f"owner {owner + 1}", slices.tolist()))
    return workers, jobs


def measure(name: str, simulation: Simulation, seconds: float) -> Measure:
    """Utilisation is of the cores of all workers until they die, by work whose results were taken."""
    end = max(job.ended or simulation.now for job in simulation.jobs.values())
    cores = sum(worker.cores * min(end, worker.dies) for worker in simulation.workers)
    return Measure(
        name, end, bound(simulation), simulation.useful / cores, 1 - simulation.useful / simulation.spent,
        jain(shares(simulation)), seconds,
    )  # fmt: skip


def bound(simulation: Simulation) -> float:
    """Sum of work by sum of speed, of those that work at all and while they live, or the longest slice."""
    work = sum(sum(job.work) for job in simulation.jobs.values())
    longest = max(max(job.work) for job in simulation.jobs.values()) / max(each.speed for each in simulation.workers)
    low, high = 0.0, 1e9
    while high - low > 0.1:
        middle = (low + high) / 2
        able = sum(each.cores * each.speed * min(middle, each.dies) * (1 - each.fails) for each in simulation.workers)
        low, high = (middle, high) if able < work else (low, middle)
    return max(high, longest)


def shares(simulation: Simulation) -> dict[str, float]:
    """Work that was done for each owner from a fifth to a half of the time for which there is work for all."""
    begin, end = 12.0 * _MINUTES, 30.0 * _MINUTES
    owners = {job.owner: 0.0 for job in simulation.jobs.values()}
    for owner, begun, ended, speed in simulation.spans:
        owners[owner] += max(0.0, min(ended, end) - max(begun, begin)) * speed
    return owners


def jain(values: dict[str, float]) -> float:
    """1: all have the same; 1/n: one has all."""
    numbers = list(values.values())
    return sum(numbers) ** 2 / (len(numbers) * sum(number**2 for number in numbers))


def table(measures: Sequence[Measure]) -> str:
    rows = [
        "| | makespan | lower bound | of it | utilisation | work for nothing | fairness (Jain) | simulated in |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for each in measures:
        rows.append(
            f"| {each.name} | {each.makespan:.0f} s | {each.bound:.0f} s | {each.makespan / each.bound:.2f} "
            f"| {each.utilisation:.1%} | {each.wasted:.1%} | {each.fairness:.4f} | {each.seconds:.0f} s |"
        )
    return "\n".join(rows)


def draw(simulations: dict[str, Simulation]) -> Figure:
    """Cores that work in each run, and work for each owner in the first, over time."""
    figure = Figure(figsize=(9, 6), layout="constrained")
    above, below = figure.subplots(2, sharex=True)
    for name, simulation in simulations.items():
        times, changes = zip(*simulation.busy, strict=True)
        cores = sum(worker.cores for worker in simulation.workers)
        above.plot(np.array(times) / 60, np.cumsum(changes) / cores, label=name, linewidth=1)
    above.set_ylabel("cores that work, of all")
    above.legend()
    first = next(iter(simulations.values()))
    for owner in sorted({job.owner for job in first.jobs.values()}):
        spans = sorted((end, (end - begin) * speed) for whose, begin, end, speed in first.spans if whose == owner)
        ends, work = np.array(spans).T
        count = sum(job.owner == owner for job in first.jobs.values())
        below.plot(ends / 60, np.cumsum(work) / 3600, label=f"{owner}, jobs: {count}", linewidth=1)
    below.set_ylabel("hours of work done")
    below.set_xlabel("minutes")
    below.legend(fontsize=7)
    return figure


if __name__ == "__main__":
    sys.exit(main())
