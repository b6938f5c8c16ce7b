"""Sends results that are in the store, until the scheduler has them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from dcp_protocol.messages.bodies import JsonText

from ..dialects.dialect import Message
from ..dialects.results import Acknowledgement, ResultHead, read_acknowledgement
from ..tasks.slices import Slice, SliceKey
from .asking import Asking, NoAnswerError, RefusedError
from .background import Alarm, Background
from .bodies import ResultText, Upload
from .journal import Held
from .status_teller import StatusTeller
from .store import ResultStore
from .submission_queue import Outcome, SubmissionQueue
from .uploader import Uploader, UploadError

NOT_WHOLE: Final = "the worker's disk has lost the result"
_TOGETHER: Final = 5.0  # seconds in which warnings of one kind are one


class ResultSender:
    """``on_acknowledged``: with None for a result that is given up. ``give_back``: its slice, and why."""

    def __init__(
        self,
        asking: Asking,
        store: ResultStore,
        teller: StatusTeller,
        uploader: Uploader,
        background: Background,
        queue: SubmissionQueue,
        *,
        before_result: Callable[[SliceKey], Awaitable[None]],
        on_acknowledged: Callable[[SliceKey, Acknowledgement | None], None],
        give_back: Callable[[Slice, str], None],
        on_warning: Callable[[str], None],
        on_change: Callable[[], None],
    ) -> None:
        self._asking = asking
        self._store = store
        self._teller = teller
        self._uploader = uploader
        self._background = background
        self._queue = queue
        self._before_result = before_result
        self._on_acknowledged = on_acknowledged
        self._give_back = give_back
        self._on_warning = on_warning
        self._on_change = on_change
        self._loop = asyncio.get_running_loop()
        self._alarm = Alarm(self.pump)
        self._forgotten = 0

    def __len__(self) -> int:
        return len(self._queue)

    def add(self, number: int, *, may_have_come: bool = False) -> None:
        """A result of the store, unless it is gone. ``may_have_come``: an earlier run may have sent it."""
        if held := self._store.result(number):
            self._queue.add(number, held.size, may_have_come=may_have_come)

    def removed(self, number: int) -> None:
        self._queue.removed(number)

    def connected(self) -> None:
        self._queue.connected()
        self.pump()

    def pump(self) -> None:
        for number in self._queue.take(self._loop.time()):
            self._background.start(self._send(number))
        self._alarm.set(self._queue.deadline())
        self._on_change()

    async def _send(self, number: int) -> None:
        self._store.sending(number, True)
        try:
            await self._send_result(number)
        finally:
            self._store.sending(number, False)
        self.pump()

    async def _send_result(self, number: int) -> None:
        held = self._store.result(number)
        body = held.body if held and held.body else await self._store.body(number)
        if held is None or body is None:
            self._queue.removed(number)
            if held:
                self._lose(held, NOT_WHOLE)
            return
        try:
            text = await self._uploaded(number, body) if isinstance(body, Upload) else body.text
            await self._teller.told_of_beginning(held.slice.key)
            await self._before_result(held.slice.key)
            reply = await self._asking.ask(Message("result", JsonText(text)))
        except UploadError as error:
            self._refused(held, error.code, str(error), is_final=error.is_final)
        except RefusedError as error:
            self._refused(held, error.code, str(error))
        except NoAnswerError:
            self._queue.interrupted(number, self._loop.time())
        else:
            acknowledgement = read_acknowledgement(reply)
            self._store.acknowledged(number)
            self._queue.acknowledged(number)
            self._on_acknowledged(held.slice.key, acknowledgement)

    async def _uploaded(self, number: int, upload: Upload) -> Any:
        answer = await self._uploader.upload(upload)
        body = ResultText(ResultHead(upload.head).with_answer(answer).text)
        self._queue.resized(number, body.size)
        await asyncio.shield(self._store.uploaded(number, body))
        return body.text

    def _refused(self, held: Held, code: str, message: str, *, is_final: bool = False) -> None:
        outcome = Outcome.GIVEN_UP
        may_have_come = self._queue.may_have_come(held.number)
        if is_final:
            self._queue.removed(held.number)
        else:
            outcome = self._queue.refused(held.number, self._loop.time())
        if outcome is Outcome.AGAIN:
            return
        if may_have_come:
            self._forget(held)
            return
        self._on_warning(f"the result of slice {held.slice.key.number} is refused, and its slice goes back: {message}")
        self._lose(held, code or message)

    def _lose(self, held: Held, reason: str) -> None:
        self._store.lost(held.number)
        self._give_back(held.slice, reason)

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
