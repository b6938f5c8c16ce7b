"""A scheduler that stands in for DCP's: jobs, groups, faults, and a ledger of each slice.

::

    async with stand_in("4.4.29") as network:
        job = network.add(Job(work="async (x) => { progress(); return 2 * x; }", data=[1, 2]))
        ...  # a worker, started with --dcp-scheduler=<network.location>
        await network.until_done()
        assert job.results == [2, 4]
        assert not network.faults
"""

from .jobs import PUBLIC, Group, Job, Location, Slice, Told
from .stand_in import StandIn, stand_in
from .workers import PAYMENT_ADDRESS, Program, WorkerProcess, npm_program, npm_program_5, own_program, running

__all__ = [
    "PAYMENT_ADDRESS", "PUBLIC", "Group", "Job", "Location", "Program", "Slice", "StandIn", "Told", "WorkerProcess",
    "npm_program", "npm_program_5", "own_program", "running", "stand_in",
]  # fmt: skip
