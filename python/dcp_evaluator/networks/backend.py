"""Runs the slices of a job on a network: its data go there, and what is told of it comes to the job's sink."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any

from dcp_protocol import kvin
from dcp_protocol.uris.data_uri import decode_data_uri

from .._native import FrameError
from ..errors import SliceError
from ..frames.fields import NO_METRICS
from ..sandboxes.slice_ledger import Slice, SliceSource
from ..supervision.supervisor import Sink
from .deployment import Deployment, Order
from .identities import Keys, load_keys
from .location import Services, find_services
from .news import Console, Emitted, News, Result, Status
from .program import Failure, Program
from .session import Session
from .submission import KVIN, new_job_id, submission
from .terms import Terms
from .threads import LoopThread
from .values import text_of, to_kvin, weight

_PILE_BYTES = 1_000_000
_PILE_SLICES = 10_000
_PILE_SECONDS = 0.05
_MOST_REPEATED = 100


def open_backend(
    location: str, program: Program, terms: Terms, numbers: range | None, *, stop_on_error: bool
) -> NetworkBackend:
    """``numbers``: the job's data, where the network makes them.

    Raises NetworkError where there is no scheduler, or a keystore is missing; ValueError, TypeError for what cannot be
    sent.
    """
    services = find_services(location)
    keys, job = load_keys(terms.account, terms.price), new_job_id()
    owner, payer = str(keys.owner.address), str(keys.payer.address)
    data = submission(job, program, terms, payer, numbers)
    order = Order(job=job, submission=data, groups=terms.proofs, owner=owner, payer=payer, by_value=numbers is None)
    return NetworkBackend(order, services, keys, program, stop_on_error=stop_on_error)


class NetworkBackend:
    """``run`` in one thread, which reads the inputs and calls the job's listeners; the connections are in another."""

    def __init__(self, order: Order, services: Services, keys: Keys, program: Program, *, stop_on_error: bool) -> None:
        self._program = program
        self._stop_on_error = stop_on_error
        self._inbox: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._is_stopped = self._has_ended = self._wants_data = False
        self._failure: BaseException | None = None
        self._distributed = 0
        self._indices: list[int] | None = [] if order.by_value else None
        self._said = ""
        self._session = Session(
            Deployment(order), services, keys,
            lambda news: self._inbox.put(lambda: self._take(news)),
            lambda: self._inbox.put(self._accepted),
            lambda: self._inbox.put(self._has_demand),
        )  # fmt: skip
        self._thread = LoopThread()

    def stop(self) -> None:
        """Cancels the job; ``run`` returns soon. May be called at any time, from any thread."""
        self._is_stopped = True
        if not self._thread.begin(None):
            self._inbox.put(lambda: self._cancel("cancelled by its owner"))

    def wake(self) -> None:
        """The source has slices again; may be called at any time, from any thread, in a finalizer."""
        self._inbox.put(self._fill)

    def run(self, source: SliceSource, sink: Sink) -> None:
        """Returns when every slice has its result or error, or after ``stop``. Raises what makes the job fail."""
        self._source, self._sink = source, sink
        if not self._thread.begin(self._carry):
            return
        try:
            while not self._has_ended:
                self._inbox.get()()
                if self._inbox.empty():
                    sink.flush(self._distributed)
        except BaseException:
            self._is_stopped = True
            self._cancel("the program that has deployed it cannot go on")
            raise
        finally:
            while not self._has_ended:
                self._inbox.get()()
            self._thread.join()
        if self._failure and not self._is_stopped:
            raise self._failure

    # --- In the loop ---

    async def _carry(self) -> None:
        try:
            await self._session.run()
        except BaseException as error:
            self._failure = error
        self._inbox.put(self._end)

    # --- In the thread of run ---

    def _end(self) -> None:
        self._has_ended = True

    def _accepted(self) -> None:
        if not self._is_stopped:
            self._sink.assigned("")

    def _cancel(self, reason: str) -> None:
        self._thread.call(self._session.cancel, reason)

    def _has_demand(self) -> None:
        self._wants_data = True
        self._fill()

    def _fill(self) -> None:
        """Sends as many data as are there now, or can be read in little time."""
        if not self._wants_data or self._is_stopped:
            return
        pile: list[Any] = []
        size, until, has_more = 0, time.monotonic() + _PILE_SECONDS, True
        while has_more and len(pile) < _PILE_SLICES and size < _PILE_BYTES and time.monotonic() < until:
            work = self._source.take()
            if work is None:
                has_more = False
            elif self._add(pile, work):
                size += weight(pile[-1])
        if pile:
            self._send(kvin.marshal(pile, KVIN), len(pile))
        elif has_more:
            self.wake()  # in its turn: none of those could be sent
        elif self._source.exhausted:
            self._send(None, 0)

    def _add(self, pile: list[Any], work: Slice) -> bool:
        """Whether its datum can be sent."""
        try:
            pile.append(to_kvin(work.datum))
        except (TypeError, ValueError) as error:
            self._report(work.index, type(error).__name__, f"the input cannot be sent: {error}", "", "EINPUT")
            return False
        assert self._indices is not None
        self._indices.append(work.index)
        return True

    def _send(self, pile: Any, count: int) -> None:
        self._wants_data = False
        self._thread.call(self._session.add, pile, count)

    def _take(self, news: News) -> None:
        self._thread.call(self._session.taken)
        if self._is_stopped:
            return
        match news:
            case Result(number, uri):
                self._result(self._index(number), uri)
            case Status(_, distributed, _):
                self._distributed = distributed
            case Console(number):
                self._console(self._index(number), news)
            case Emitted(number, name, data):
                with suppress(FrameError):  # only hostile code sends what the job cannot read
                    self._emit(self._index(number), name, data)

    def _index(self, number: int) -> int:
        """Data that could not be sent have no number."""
        if self._indices is None or not 0 < number <= len(self._indices):
            return number - 1
        return self._indices[number - 1]

    def _result(self, index: int, uri: str) -> None:
        try:
            if not uri.startswith("data:"):
                raise ValueError(f"it is not here but at {uri:.200}")
            outcome = self._program.outcome(decode_data_uri(uri).value)
        except ValueError as error:
            self._report(index, "ResultError", f"the result cannot be taken: {error}", "", "ERESULT")
            return
        if isinstance(outcome, Failure):
            self._report(index, outcome.name, outcome.message, outcome.stack, "EWORK")
        else:
            self._sink.result(index, outcome, NO_METRICS)

    def _report(self, index: int, name: str, message: str, stack: str, code: str) -> None:
        self._sink.error(SliceError(index, name, message, stack, code), NO_METRICS)
        if self._stop_on_error:
            self.stop()

    def _console(self, index: int, news: Console) -> None:
        if news.arguments is not None:
            self._said = text_of(news.arguments)
        for _ in range(1 if news.arguments is not None else min(news.same, _MOST_REPEATED)):
            self._sink.console(index, news.level, self._said)

    def _emit(self, index: int, name: str, data: Any) -> None:
        try:
            value = self._program.told(data)
        except ValueError as error:
            raise FrameError(f"an event cannot be read: {error}") from None
        self._sink.emit(index, name, value)
