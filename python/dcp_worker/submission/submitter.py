"""Sends results and statuses of slices to the scheduler, until it has them."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from dcp_protocol import kvin
from dcp_protocol.errors import ConnectionEndedError, ProtocolError
from dcp_protocol.messages.bodies import JsonText
from dcp_protocol.uris import AllowedOrigins

from ..dialects.dialect import Dialect, Message
from ..dialects.results import Acknowledgement, ResultHead, read_acknowledgement
from ..dialects.slice_status import Begun, Reason, Returned, Status, rejected
from ..errors import SchedulerError
from ..tasks.job import Job
from ..tasks.slices import Slice, SliceKey, SliceMetrics
from .bodies import Body, ResultText, Upload
from .journal import Held, Payment, PaymentKey, StoreLimits
from .status_queue import StatusQueue
from .store import ResultStore
from .submission_queue import Outcome, QueueOptions, SubmissionQueue
from .uploader import Uploader, UploadError

Request = Callable[[Message], Awaitable[Any]]
"""A request to the result submitter, which may wait for a connection. Raises ProtocolError."""

NETWORK_CODES: Final = frozenset(
    {"EPIPE", "ECONNRESET", "ECONNREFUSED", "ECONNABORTED", "ETIMEDOUT", "ENOTCONN", "EBUSY", "DCPC-1014"}
)
"""Of errors that say nothing of what was sent."""

NO_ROOM: Final = "the worker had no room to keep the result"
NOT_WHOLE: Final = "the worker's disk has lost the result"
INTERRUPTED: Final = "the worker ended while the slice was in flight"
_LARGE: Final = 1 << 16
_TOGETHER: Final = 5.0  # seconds in which warnings of one kind are one
_MANY: Final = 200


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
        on_acknowledged: Callable[[SliceKey, Acknowledgement | None], None] = lambda key, acknowledgement: None,
        on_warning: Callable[[str], None] = lambda text: None,
        options: QueueOptions | None = None,
    ) -> None:
        """``folder``: of this worker alone; None keeps results in memory. ``limit``: bytes of results that are kept.
        ``origins``: where results may be sent to.

        ``on_acknowledged`` hears of each result that the scheduler has, and with None of each that was given up and
        whose slice goes back.
        """
        self._request = request
        self._dialect = dialect
        self._worker = worker
        self._payment_address = payment_address
        self._folder = folder
        self._limits = StoreLimits(limit, min(limit, StoreLimits().memory))
        self._on_acknowledged = on_acknowledged
        self._on_warning = on_warning
        self._loop = asyncio.get_running_loop()
        self._uploader = Uploader(origins)
        self._store: ResultStore
        self._results = SubmissionQueue(options or QueueOptions())
        self._statuses = StatusQueue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._storing: weakref.WeakSet[asyncio.Task[None]] = weakref.WeakSet()
        self._timer: asyncio.TimerHandle | None = None
        self._idle = asyncio.Event()
        self._closed = False
        self._being_stored: dict[SliceKey, None] = {}
        self._forgotten = 0
        self._not_begun = 0
        """Messages of statuses whose tasks have not run yet."""

    # For who runs it

    async def start(self) -> None:
        """Opens the store, sends the results of an earlier run, and returns the slices that it had in flight."""
        await self._uploader.__aenter__()
        self._store = await ResultStore.open(self._folder, self._limits, self._on_warning)
        for number in self._store.results():
            held = self._store.result(number)
            assert held
            self._results.add(number, held.size, may_have_come=True)
        self.give_back(self._store.in_flight(), INTERRUPTED)

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

    async def payments(self, since: str = "") -> Mapping[PaymentKey, Payment]:
        """By job and day, from the day ``since`` (``YYYY-MM-DD``, UTC) on."""
        return await self._store.payments(since)

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
        while storing := [task for task in self._storing if not task.done()]:
            await asyncio.wait(storing)
        self._closed = True
        if self._timer:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._store.close()
        await self._uploader.__aexit__(None, None, None)

    # What happens to slices

    def handed_out(self, slices: Iterable[Slice]) -> None:
        """To this worker: if it crashes, its next run returns them."""
        self._store.began(slices)

    def begun(self, of: Slice) -> None:
        """It runs now."""
        self._statuses.add([Begun(of)])
        self._pump()

    def give_back(self, slices: Iterable[Slice], reason: str, code: str = "", retries: int | None = None) -> None:
        """They will have no result here. ``code``: DCP's, if there is one; ``retries``: after ``work.reject``."""
        told: Reason = code or reason if retries is None else rejected(reason or False, retries)
        self._statuses.add([Returned(one, told) for one in slices])
        self._pump()

    def submit(self, job: Job, of: Slice, value: Any, metrics: SliceMetrics) -> None:
        """The slice has this result. A value that cannot be sent gives the slice back."""
        self._being_stored[of.key] = None
        self._idle.clear()
        if is_large(value):
            self._storing.add(self._start(self._submit_large(job, of, value, metrics)))
        else:
            self._store_body(job, of, partial(self._body, job, of, value, metrics))

    def connected(self) -> None:
        """There is a connection again: what has waited for it need not wait longer."""
        self._results.connected()
        self._statuses.connected()
        self._pump()

    # From a value to the store

    async def _submit_large(self, job: Job, of: Slice, value: Any, metrics: SliceMetrics) -> None:
        making = self._loop.run_in_executor(None, self._body, job, of, value, metrics)
        await asyncio.wait([making])
        self._store_body(job, of, making.result)

    def _store_body(self, job: Job, of: Slice, make: Callable[[], Body]) -> None:
        try:
            body = make()
        except (ValueError, TypeError, SchedulerError) as error:
            del self._being_stored[of.key]
            self._give_up(of, f"the result cannot be written: {error}")
            return
        number, dropped, stored = self._store.finished(of, body, job.name)
        for held in dropped:
            self._results.removed(held.number)
            self._give_up(held.slice, NO_ROOM)
        stored.add_done_callback(lambda _: self._stored(of.key, number, body.size))

    def _stored(self, key: SliceKey, number: int, size: int) -> None:
        self._being_stored.pop(key, None)
        if self._store.result(number):
            self._results.add(number, size)
        self._pump()

    # Inside

    def _body(self, job: Job, of: Slice, value: Any, metrics: SliceMetrics) -> Body:
        head = self._dialect.result_head(of, self._worker, self._payment_address, metrics)
        if of.storage.url:
            return Upload(of.storage.url, job.group, head.text, self._dialect.upload_form(of, value, job))
        return ResultText(head.with_value(self._dialect.job_value(value, job)).text)

    def _pump(self) -> None:
        """Sends what is to be sent, then sees to the next deadline."""
        if self._closed:
            return
        now = self._loop.time()
        while statuses := self._statuses.take(now):
            self._start_telling(statuses)
        for number in self._results.take(now):
            self._start(self._send(number))
        deadlines = [time for time in (self._statuses.deadline(), self._results.deadline()) if time is not None]
        self._set_timer(min(deadlines) if deadlines else None)
        if not (len(self._results) or self._being_stored) and self._statuses.is_idle:
            self._idle.set()
        else:
            self._idle.clear()

    def _set_timer(self, deadline: float | None) -> None:
        if self._timer and self._timer.when() == deadline and not self._timer.cancelled():
            return
        if self._timer:
            self._timer.cancel()
        self._timer = None if deadline is None else self._loop.call_at(deadline, self._time_is_up)

    def _time_is_up(self) -> None:
        self._timer = None
        self._pump()

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _give_up(self, of: Slice, reason: str) -> None:
        """Its slice goes back; it is in the store as in flight until the scheduler has it."""
        self._on_acknowledged(of.key, None)
        self.give_back([of], reason)

    async def _answer(self, message: Message) -> Any:
        """Raises ProtocolError, also where no answer comes: the scheduler has lost the request."""
        try:
            async with asyncio.timeout(self._results.options.answer):
                return await self._request(message)
        except TimeoutError:
            raise ConnectionEndedError("ETIMEDOUT", "the scheduler has not answered") from None

    # Results

    async def _send(self, number: int) -> None:
        self._store.sending(number, True)
        try:
            await self._send_result(number)
        finally:
            self._store.sending(number, False)
        self._pump()

    async def _send_result(self, number: int) -> None:
        held = self._store.result(number)
        body = held.body if held and held.body else await self._store.body(number)
        if held is None or body is None:
            self._results.removed(number)
            if held:
                self._lose(held, NOT_WHOLE)
            return
        try:
            text = await self._uploaded(number, body) if isinstance(body, Upload) else body.text
            await self._tell_of_beginning(held.slice)
            reply = await self._answer(Message("result", JsonText(text)))
        except UploadError as error:
            self._refused(held, error.code, str(error), is_final=error.is_final)
        except ProtocolError as error:
            if isinstance(error, ConnectionEndedError) or error.code in NETWORK_CODES:
                self._results.interrupted(number, self._loop.time())
            else:
                self._refused(held, error.code, str(error))
        else:
            acknowledgement = read_acknowledgement(reply)
            self._store.acknowledged(number, acknowledgement.payment)
            self._results.acknowledged(number)
            self._on_acknowledged(held.slice.key, acknowledgement)

    async def _uploaded(self, number: int, upload: Upload) -> Any:
        answer = await self._uploader.upload(upload)
        text = ResultHead(upload.head).with_answer(answer).text
        body = ResultText(text)
        self._results.resized(number, body.size)
        await asyncio.shield(self._store.uploaded(number, body))
        return text

    async def _tell_of_beginning(self, of: Slice) -> None:
        """That it has begun is told before it has a result."""
        while self._statuses.has_begun_waiting(of.key):
            statuses = self._statuses.take(self._loop.time(), at_once=True)
            if not statuses:
                break
            self._start_telling(statuses)
        while self._not_begun:
            await asyncio.sleep(0)

    def _refused(self, held: Held, code: str, message: str, *, is_final: bool = False) -> None:
        outcome = Outcome.GIVEN_UP
        may_have_come = self._results.may_have_come(held.number)
        if is_final:
            self._results.removed(held.number)
        else:
            outcome = self._results.refused(held.number, self._loop.time())
        if outcome is Outcome.AGAIN:
            return
        if may_have_come:
            self._forget(held)
            return
        self._on_warning(f"the result of slice {held.slice.key.number} is refused, and its slice goes back: {message}")
        self._lose(held, code or message)

    def _forget(self, held: Held) -> None:
        """A result that the scheduler most likely has from before: returning its slice would have it computed again."""
        self._store.lost(held.number)
        self._store.gone([held.slice])
        self._on_acknowledged(held.slice.key, None)
        if not self._forgotten:
            self._loop.call_later(_TOGETHER, self._tell_of_forgotten)
        self._forgotten += 1

    def _tell_of_forgotten(self) -> None:
        count, self._forgotten = self._forgotten, 0
        self._on_warning(
            f"{count} results were sent before a connection was lost, and are refused now: the scheduler has them, "
            "or has given their slices to others"
        )

    def _lose(self, held: Held, reason: str) -> None:
        self._store.lost(held.number)
        self._give_up(held.slice, reason)

    # Statuses

    def _start_telling(self, statuses: list[Status]) -> None:
        self._not_begun += 1
        self._start(self._tell(statuses))

    async def _tell(self, statuses: list[Status]) -> None:
        self._not_begun -= 1
        message = self._dialect.status(self._worker, statuses)
        try:
            await self._answer(message)
        except ProtocolError as error:
            if isinstance(error, ConnectionEndedError) or error.code in NETWORK_CODES:
                self._statuses.interrupted(statuses, self._loop.time())
            elif self._statuses.refused(statuses, self._loop.time()):
                self._on_warning(f"the scheduler refuses what it is told of {len(statuses)} slices: {error}")
                self._forget_returned(statuses)
        else:
            self._statuses.told()
            self._forget_returned(statuses)
        self._pump()

    def _forget_returned(self, statuses: list[Status]) -> None:
        slices = [status.slice for status in statuses if isinstance(status, Returned)]
        if slices:
            self._store.gone(slices)


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
