"""What a worker tells the scheduler of slices: results, and what becomes of the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from dcp_protocol import kvin
from dcp_protocol.uris import AllowedOrigins

from ..dialects.dialect import Dialect
from ..dialects.results import Acknowledgement
from ..dialects.slice_status import Begun, Reason, Returned, rejected
from ..errors import SchedulerError
from ..tasks.job import Job
from ..tasks.slices import Slice, SliceKey, SliceMetrics
from .asking import Asking, Request
from .background import Background
from .bodies import Body, ResultText, Upload
from .journal import StoreLimits
from .result_sender import ResultSender
from .status_queue import StatusQueue
from .status_teller import StatusTeller
from .store import ResultStore
from .submission_queue import QueueOptions, SubmissionQueue
from .uploader import Uploader

NO_ROOM: Final = "the worker had no room to keep the result"
INTERRUPTED: Final = "the worker ended while the slice was in flight"
_LARGE: Final = 1 << 16
_MANY: Final = 200


async def at_once(_: SliceKey) -> None:
    """Nothing has to come before this result."""


class Submitter:
    """``start`` it, then tell it of slices, which never waits. ``close`` leaves in the store what is not told.

    A result is on disk before it is sent, and is sent until it is acknowledged: where an acknowledgement was lost, or
    the worker crashed before it came, the scheduler gets the same result again. A result that it refuses is tried
    again, then its slice goes back with the reason.
    """

    def __init__(
        self,
        request: Request,
        dialect: Dialect,
        worker: str,
        payment_address: str,
        *,
        origins: AllowedOrigins,
        folder: Path | None,
        limit: int = StoreLimits().disk,
        before_result: Callable[[SliceKey], Awaitable[None]] = at_once,
        on_acknowledged: Callable[[SliceKey, Acknowledgement | None], None] = lambda key, acknowledgement: None,
        on_warning: Callable[[str], None] = lambda text: None,
        options: QueueOptions | None = None,
    ) -> None:
        """``folder``: of this worker alone; None keeps results in memory. ``limit``: bytes of results that are kept.
        ``origins``: where results may be sent to. A result is not sent before ``before_result`` of its slice is done.

        ``on_acknowledged`` hears of each result that the scheduler has, and with None of each that was given up and
        whose slice goes back.
        """
        self._dialect = dialect
        self._worker = worker
        self._payment_address = payment_address
        self._folder = folder
        self._limits = StoreLimits(limit, min(limit, StoreLimits().memory))
        self._before_result = before_result
        self._on_acknowledged = on_acknowledged
        self._on_warning = on_warning
        self._options = options or QueueOptions()
        self._loop = asyncio.get_running_loop()
        self._idle = asyncio.Event()
        self._being_stored: dict[SliceKey, None] = {}
        self._storing = Background()
        self._sending = Background()
        self._uploader = Uploader(origins)
        self._asking = Asking(request, self._options.answer)
        self._store: ResultStore
        self._results: ResultSender
        self._statuses = StatusTeller(
            self._asking,
            dialect,
            worker,
            self._sending,
            StatusQueue(),
            on_returned=self._forget,
            on_warning=on_warning,
            on_change=self._look,
        )

    # For who runs it

    async def start(self) -> None:
        """Opens the store, sends the results of an earlier run, and returns the slices that it had in flight."""
        await self._uploader.__aenter__()
        self._store = await ResultStore.open(self._folder, self._limits, self._on_warning)
        self._results = ResultSender(
            self._asking,
            self._store,
            self._statuses,
            self._uploader,
            self._sending,
            SubmissionQueue(self._options),
            before_result=self._before_result,
            on_acknowledged=self._on_acknowledged,
            give_back=self._give_up,
            on_warning=self._on_warning,
            on_change=self._look,
        )
        for number in self._store.results():
            self._results.add(number, may_have_come=True)
        self.give_back(self._store.in_flight(), INTERRUPTED)
        self._results.pump()

    def pending(self) -> list[SliceKey]:
        """Slices whose results the scheduler does not have."""
        held = (self._store.result(number) for number in self._store.results())
        return [*(one.slice.key for one in held if one), *self._being_stored]

    @property
    def has_room(self) -> bool:
        """Whether there is room for results of more slices: without, no work should be asked for."""
        return self._store.has_room

    @property
    def trouble(self) -> str:
        """Why results are in memory only; empty where they are on disk."""
        return self._store.trouble

    async def drain(self, seconds: float | None = None) -> bool:
        """Waits until all that was to be told is told; False where that takes longer."""
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """What has been submitted is on disk then, where that can be."""
        await self._storing.finish()
        await self._sending.close()
        await self._store.close()
        await self._uploader.__aexit__(None, None, None)

    # What happens to slices

    def handed_out(self, slices: Iterable[Slice]) -> None:
        """To this worker: if it crashes, its next run returns them."""
        self._store.began(slices)

    def begun(self, of: Slice) -> None:
        """It runs now."""
        self._statuses.add([Begun(of)])

    def give_back(self, slices: Iterable[Slice], reason: str, code: str = "", retries: int | None = None) -> None:
        """They will have no result here. ``code``: DCP's, if there is one; ``retries``: after ``work.reject``."""
        told: Reason = code or reason if retries is None else rejected(reason or False, retries)
        self._statuses.add([Returned(one, told) for one in slices])

    def submit(self, job: Job, of: Slice, value: Any, metrics: SliceMetrics) -> None:
        """The slice has this result. A value that cannot be sent gives the slice back."""
        self._being_stored[of.key] = None
        self._idle.clear()
        if is_large(value):
            self._storing.start(self._submit_large(job, of, value, metrics))
        else:
            self._store_body(job, of, partial(self._body, job, of, value, metrics))

    def connected(self) -> None:
        """There is a connection again: what has waited for it need not wait longer."""
        self._results.connected()
        self._statuses.connected()

    # Inside

    async def _submit_large(self, job: Job, of: Slice, value: Any, metrics: SliceMetrics) -> None:
        making = self._loop.run_in_executor(None, self._body, job, of, value, metrics)
        await asyncio.wait([making])
        self._store_body(job, of, making.result)

    def _body(self, job: Job, of: Slice, value: Any, metrics: SliceMetrics) -> Body:
        head = self._dialect.result_head(of, self._worker, self._payment_address, metrics)
        if of.storage.url:
            return Upload(of.storage.url, job.group, head.text, self._dialect.upload_form(of, value, job))
        return ResultText(head.with_value(self._dialect.job_value(value, job)).text)

    def _store_body(self, job: Job, of: Slice, make: Callable[[], Body]) -> None:
        try:
            body = make()
        except (ValueError, TypeError, SchedulerError) as error:
            del self._being_stored[of.key]
            self._give_up(of, f"the result cannot be written: {error}")
            return
        number, dropped, stored = self._store.finished(of, body)
        for held in dropped:
            self._results.removed(held.number)
            self._give_up(held.slice, NO_ROOM)
        stored.add_done_callback(lambda _: self._stored(of.key, number))

    def _stored(self, key: SliceKey, number: int) -> None:
        self._being_stored.pop(key, None)
        self._results.add(number)
        self._results.pump()

    def _give_up(self, of: Slice, reason: str) -> None:
        """Its slice goes back; it is in the store as in flight until the scheduler has it."""
        self._on_acknowledged(of.key, None)
        self.give_back([of], reason)

    def _forget(self, slices: Iterable[Slice]) -> None:
        self._store.gone(slices)

    def _look(self) -> None:
        """Whether there is anything left to be told."""
        if self._statuses.is_idle and not self._being_stored and not len(self._results):
            self._idle.set()
        else:
            self._idle.clear()


def is_large(value: Any) -> bool:
    """Whether writing it would hold up the event loop. Looks at 200 parts at most."""
    waiting, size, seen = [value], 0, 0
    while waiting:
        part = waiting.pop()
        seen += 1
        if isinstance(part, str | bytes):
            size += len(part)
        elif isinstance(part, np.ndarray):
            size += part.nbytes
        elif isinstance(part, list | dict):
            if len(part) > _MANY:
                return True
            waiting.extend(part.values() if isinstance(part, dict) else part)
        elif isinstance(part, kvin.Map | kvin.Set | kvin.Array):
            return True
        if size > _LARGE or seen > _MANY:
            return True
    return False
