"""A scheduler whose job does not end, for a worker that is to be stopped: prints its location, and serves it.

It needs the installed package only; check_image.py runs it in a container.
"""

from __future__ import annotations

import asyncio

from dcp_protocol.keys.private_key import PrivateKey
from dcp_worker.demo.job import Job
from dcp_worker.demo.scheduler import Scheduler
from dcp_worker.demo.serving import serving

_WORK = "(seconds) => { const end = Date.now() + 1000 * seconds; while (Date.now() < end) progress(); return seconds; }"


async def main() -> None:
    scheduler = Scheduler(PrivateKey.generate(), Job("endless", _WORK, lambda gpu: [], [0.2] * 100_000))
    async with serving(scheduler, scheduler.key, 4) as location:
        print(location, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
