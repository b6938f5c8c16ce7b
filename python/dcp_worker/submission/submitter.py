"""Sends results and statuses of slices to the scheduler, until it has them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, Protocol

import numpy as np

from dcp_protocol import kvin
from dcp_protocol.errors import ConnectionEndedError, ProtocolError
from dcp_protocol.messages.bodies import JsonText

from ..dialects.dialect import Dialect
from ..dialects.results import Acknowledgement, ResultHead, read_acknowledgement
from ..dialects.slice_status import Begun, Reason, Returned, Status
from ..errors import SchedulerError
from ..tasks.job import Job
from ..tasks.slices import Slice, SliceMetrics
from .bodies import Body, ResultText, Upload
from .journal import Held
from .status_queue import StatusQueue
from .store import ResultStore
from .submission_queue import Outcome, QueueOptions, SubmissionQueue
from .uploader import UploadError, Uploads

Request = Callable[[str, Any], Awaitable[Any]]
"""``request(operation, data)`` of a connection to the result submitter. Raises ProtocolError."""

NETWORK_CODES: Final = frozenset(
    {"EPIPE", "ECONNRESET", "ECONNREFUSED", "ECONNABORTED", "ETIMEDOUT", "ENOTCONN", "EBUSY", "DCPC-1014"}
)
"""Of errors that say nothing of what was sent."""

NO_ROOM: Final = "the worker had no room to keep the result"
NOT_WHOLE: Final = "the worker's disk has lost the result"
INTERRUPTED: Final = "the worker ended while the slice was in flight"
_LARGE: Final = 1 << 16
_MANY: Final = 200


class Listener(Protocol):
    """Who wants to know. Called on the event loop, and must not raise."""

    def acknowledged(self, of: Slice, acknowledgement: Acknowledgement) -> None:
        """The scheduler has the slice's result."""

    def given_up(self, of: Slice, reason: str) -> None:
        """The slice had a result, and goes back to the scheduler without."""

    def warned(self, message: str) -> None: ...


class Submitter:
    """``request`` may wait for a connection, and may raise; ``connected`` says that there is one again.

    A result is on disk before it is sent, and is sent until it is acknowledged: where an acknowledgement was lost, or
    the worker crashed before it came, the scheduler gets the same result again. A result that it refuses is tried
    again, then its slice goes back with the reason.
    """

    def __init__(
        self,
        dialect: Dialect,
        worker: str,
        payment_address: str,
        store: ResultStore,
        request: Request,
        uploads: Uploads,
        listener: Listener,
        options: QueueOptions | None = None,
    ) -> None:
        self._dialect = dialect
        self._worker = worker
        self._payment_address = payment_address
        self._store = store
        self._request = request
        self._uploads = uploads
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._results = SubmissionQueue(options or QueueOptions())
        self._statuses = StatusQueue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self._closed = False
        self._being_stored = 0
        self._not_begun = 0
        """Messages of statuses whose tasks have not run yet."""

    # What happened

    def recover(self, *, returning: bool = True) -> list[Slice]:
        """Takes up what an earlier run has left: sends its results; the slices that it had in flight.

        ``returning``: those are returned. Where another message gives back all slices, it should come after the
        results are acknowledged (``drained``), since it gives back their slices too.
        """
        for number in self._store.results():
            held = self._store.result(number)
            assert held
            self._results.add(number, held.size)
        in_flight = self._store.in_flight()
        if returning:
            self.give_back(in_flight, INTERRUPTED)
        self._pump()
        return in_flight

    def taken(self, slices: Iterable[Slice]) -> None:
        """They are handed out to this worker: if it crashes, its next run returns them."""
        self._store.began(slices)

    def begin(self, of: Slice) -> None:
        """It runs now."""
        self._statuses.add([Begun(of)])
        self._pump()

    def give_back(self, slices: Iterable[Slice], reason: Reason) -> None:
        """They will have no result here."""
        self._statuses.add([Returned(one, reason) for one in slices])
        self._pump()

    async def submit(self, job: Job, of: Slice, value: Any, metrics: SliceMetrics) -> None:
        """The slice has this result. Returns when it is on disk, or cannot be. A value that cannot be sent gives the
        slice back.
        """
        self._being_stored += 1
        self._idle.clear()
        try:
            try:
                if is_large(value):
                    body = await asyncio.to_thread(self._body, job, of, value, metrics)
                else:
                    body = self._body(job, of, value, metrics)
            except (ValueError, TypeError, SchedulerError) as error:
                self._give_up(of, f"the result cannot be written: {error}")
                return
            number, dropped, stored = self._store.finished(of, body, job.name)
            for held in dropped:
                self._results.removed(held.number)
                self._give_up(held.slice, NO_ROOM)
            await asyncio.shield(stored)
            if self._store.result(number):
                self._results.add(number, body.size)
        finally:
            self._being_stored -= 1
            self._pump()

    def connected(self) -> None:
        """There is a connection again: what has waited for it goes now."""
        self._results.connected()
        self._statuses.connected()
        self._pump()

    @property
    def pending(self) -> int:
        """Results that the scheduler does not have."""
        return len(self._results) + self._being_stored

    async def drained(self, timeout: float | None = None) -> bool:
        """Waits until all that was to be told is told; False after ``timeout`` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """What is on its way is given up here, and stays in the store."""
        self._closed = True
        if self._timer:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

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
        if not len(self._results) and not self._being_stored and self._statuses.is_idle:
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

    def _start(self, work: Any) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _give_up(self, of: Slice, reason: str) -> None:
        """Its slice goes back; it is in the store as in flight until the scheduler has it."""
        self._listener.given_up(of, reason)
        self.give_back([of], reason)

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
            reply = await self._request("result", JsonText(text))
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
            self._listener.acknowledged(held.slice, acknowledgement)

    async def _uploaded(self, number: int, upload: Upload) -> Any:
        answer = await self._uploads.upload(upload)
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
        if is_final:
            self._results.removed(held.number)
        else:
            outcome = self._results.refused(held.number, self._loop.time())
        if outcome is Outcome.AGAIN:
            return
        self._listener.warned(
            f"the result of slice {held.slice.key.number} is refused, and the slice returned: {message}"
        )
        self._lose(held, code or message)

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
            await self._request(message.operation, message.data)
        except ProtocolError as error:
            if isinstance(error, ConnectionEndedError) or error.code in NETWORK_CODES:
                self._statuses.interrupted(statuses, self._loop.time())
            elif self._statuses.refused(statuses, self._loop.time()):
                self._listener.warned(f"the scheduler refuses what it is told of {len(statuses)} slices: {error}")
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
