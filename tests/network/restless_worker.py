"""A simulated worker that does all that may go wrong with workers: it returns slices, sends results twice, dies."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

from dcp_protocol.errors import ConnectionEndedError, RemoteError
from dcp_protocol.ranges.rehydrate import rehydrate
from scheduler_stand_in.small_worker import SmallWorker

_AT_ONCE = 5
_STARTUP = 5
"""``fetchState`` of a worker that begins, and has no slices any more."""


class RestlessWorker(SmallWorker):
    """Its work function doubles a number. ``paid``: the slices for which it was told that it is paid."""

    def __init__(self, location: str, dialect: int, name: str, seed: int) -> None:
        super().__init__(location, dialect, name)
        self.done: Counter[str] = Counter()
        self.paid: list[tuple[str, int]] = []
        self._random = random.Random(f"{seed} {name}")
        self._name = name
        self._inputs: dict[str, Sequence[Any]] = {}

    async def work_on(self) -> None:
        """Until it is cancelled. It dies now and then, and comes back: as who it was, or as another."""
        begins = False
        while True:
            try:
                slices = self._slices(await self.request_task(**self._beginning() if begins else {}))
            except ConnectionEndedError:
                await self._again()
                continue
            begins = self._random.random() < 0.1
            for first in range(0, len(slices), _AT_ONCE):
                if begins and self._random.random() < 0.5:
                    break
                await asyncio.gather(*(self._do_restlessly(one) for one in slices[first : first + _AT_ONCE]))
            if not slices:
                await asyncio.sleep(0.2)
            if begins:
                await self._die()

    def _beginning(self) -> dict[str, Any]:
        return {"fetchState": _STARTUP} if self._dialect == 4 else {"returnAllSlices": self.sealed()}

    async def _die(self) -> None:
        self.done["died"] += 1
        await self._again()
        if self._random.random() < 0.5:  # the slices of who it was come back when nobody has spoken of them for a while
            self.id = f"{self._name}{self.done['died']:04}".ljust(22, "x")

    async def _again(self) -> None:
        await self.connection.close()
        while True:
            try:
                self.connection = await self._connect()
                return
            except ConnectionEndedError:
                await asyncio.sleep(0.2)

    def _slices(self, reply: Any) -> list[tuple[str, Any, bytes]]:
        jobs = reply["body"].get("newJobs", {})
        self._inputs |= {job: rehydrate(told["mro"]) for job, told in jobs.items()}
        return super()._slices(reply)

    async def _do_restlessly(self, one: tuple[str, Any, bytes]) -> None:
        job, told, authorization = one
        number = told["sliceNumber"]
        await asyncio.sleep(self._random.uniform(0.02, 0.3))
        try:
            await self._tell(job, number, authorization)
        except RemoteError as error:
            if error.code not in ("EPERM", "ENOENT"):
                raise
            self.done["refused"] += 1  # others have it: this worker was silent for too long

    async def _tell(self, job: str, number: int, authorization: bytes) -> None:
        what = self._random.choices(("result", "twice", "return"), (90, 5, 5))[0]
        self.done[what] += 1
        if what == "return":
            await self.tell(job, number, authorization, status="return", reason="EPERM_ORIGIN")
            return
        value = 2 * self._inputs[job][number - 1]
        times = 2 if what == "twice" else 1
        replies = await asyncio.gather(*(self.submit(job, number, authorization, value) for _ in range(times)))
        self.paid += [(job, number) for reply in replies if reply and float(reply["slicePaymentAmount"]) > 0]
