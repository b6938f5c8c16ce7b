"""A scheduler as a program that tests kill: ``serve.py FOLDER PORT LOCATION LIVENESS DATABASE``, with shorter times
than ``dcp-scheduler`` has.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from dcp_scheduler.server.server import Server
from dcp_scheduler.services.network import Rules


async def serve(folder: str, port: str, location: str, liveness: str, database: str) -> None:
    rules = Rules(liveness_seconds=float(liveness))
    async with Server(Path(folder), port=int(port), public=location, rules=rules, database=database):
        print("ready", flush=True)
        await asyncio.Event().wait()


asyncio.run(serve(*sys.argv[1:]))
