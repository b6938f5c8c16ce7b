"""How much work to ask for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..tasks.load import Load
from .estimates import JobEstimate
from .room import Limits


@dataclass(frozen=True, slots=True)
class Queue:
    """Slices of a job that wait, and for how many milliseconds each that runs has run."""

    estimate: JobEstimate
    waiting: int
    running: tuple[float, ...]
    is_long: bool = False


_LEAST = 0.25  # of a core


def is_worth_asking(load: Load) -> bool:
    return load.cpu >= _LEAST


def demand(queues: Iterable[Queue], limits: Limits, ahead: float) -> Load:
    """What is missing to keep the machine busy for ``ahead`` milliseconds from now.

    Slices of which nobody knows how long they take count as if they took as long as that: no second one is asked for
    before the first has run.
    """
    # Of a CPU that rests jobs for the GPU get a core for each GPU, which is none where the GPU rests, too.
    cores = min(limits.cores, math.ceil(limits.gpu)) if limits.cpu_rests else limits.cores
    work = busy = 0.0
    for queue in queues:
        elapsed = ahead if queue.estimate.elapsed is None else queue.estimate.elapsed
        density = queue.estimate.cpu_density
        work += queue.waiting * min(elapsed, ahead) * density
        for since in queue.running:
            left = min(ahead, max(0.0, elapsed - since))
            work += left * density
            busy += density if left >= ahead else 0.0
    if cores <= 0 or work >= cores * ahead:
        return Load(0.0, 0.0)
    return Load(max(0.0, cores - busy), limits.gpu)


def excess(queues: Mapping[str, Queue], limits: Limits, most: float) -> dict[str, int]:
    """How many waiting slices of each job are to be returned, so that what is here takes at most ``most`` milliseconds.

    Long ones go first, then those of the job with the most work.
    """
    left = {job: queue.waiting for job, queue in queues.items()}
    shares = {job: (queue.estimate.elapsed or 0.0) * queue.estimate.cpu_density for job, queue in queues.items()}
    over = sum(left[job] * shares[job] for job in left) - limits.cores * most
    returned: dict[str, int] = {}
    for job in sorted(queues, key=lambda job: (not queues[job].is_long, -left[job] * shares[job])):
        if over <= 0 or shares[job] <= 0:
            continue
        count = int(min(left[job], over // shares[job]))
        if count:
            returned[job] = count
            over -= count * shares[job]
    return returned
