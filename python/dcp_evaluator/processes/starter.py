"""Calls made on a thread that lives as long as this process.

The kernel takes the thread that started a child for its parent: a child that is to end with its parent
(PR_SET_PDEATHSIG) would end with the thread of the job that started it, even a GPU host that waits for the next job.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from typing import TypeVar

_T = TypeVar("_T")


class _Starter:
    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """The thread is started by the first call; after a fork there is none."""
        self._lock = threading.Lock()
        self._calls: SimpleQueue[Callable[[], None]] | None = None

    def call(self, function: Callable[[], _T]) -> _T:
        """What ``function`` returns or raises."""
        future: Future[_T] = Future()
        self._queue().put(partial(_settle, future, function))
        return future.result()

    def _queue(self) -> SimpleQueue[Callable[[], None]]:
        with self._lock:
            if self._calls is None:
                self._calls = SimpleQueue()
                threading.Thread(target=_serve, args=(self._calls,), name="dcp-starter", daemon=True).start()
            return self._calls


def _serve(calls: SimpleQueue[Callable[[], None]]) -> None:
    while True:
        calls.get()()


def _settle(future: Future[_T], function: Callable[[], _T]) -> None:
    try:
        future.set_result(function())
    except BaseException as error:
        future.set_exception(error)


_starter = _Starter()
os.register_at_fork(after_in_child=_starter.reset)
call = _starter.call
