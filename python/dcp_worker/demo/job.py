"""A job that waits for workers: its slices, and what has become of each."""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any


class State(enum.Enum):
    WAITING = "waiting"
    HANDED_OUT = "handed out"
    WORKING = "working"
    DONE = "done"


@dataclass(eq=False, slots=True)
class Slice:
    """``number`` counts from 1."""

    number: int
    datum: Any
    state: State = State.WAITING
    worker: str = ""
    result: Any = None
    cpu_time: float = 0.0
    """Milliseconds, as the worker says."""


class Job:
    """``arguments`` gives what follows the datum, for workers with WebGPU or for those without.

    Which they are, the first worker decides.
    """

    def __init__(
        self, name: str, work_function: str, arguments: Callable[[bool], Sequence[Any]], data: Iterable[Any]
    ) -> None:
        self.name = name
        self.work_function = work_function
        self.slices = {number: Slice(number, datum) for number, datum in enumerate(data, 1)}
        self._arguments = arguments
        self._uses_gpu: bool | None = None
        self._waiting = deque(self.slices.values())
        self._missing = len(self.slices)

    @property
    def uses_gpu(self) -> bool:
        return bool(self._uses_gpu)

    @property
    def arguments(self) -> Sequence[Any]:
        return self._arguments(self.uses_gpu)

    def suits(self, has_webgpu: bool) -> bool:
        """Whether a worker with WebGPU, or without, can do it."""
        if self._uses_gpu is None:
            self._uses_gpu = has_webgpu
        return has_webgpu or not self._uses_gpu

    @property
    def is_done(self) -> bool:
        return self._missing == 0

    def count(self, state: State) -> int:
        return sum(one.state is state for one in self.slices.values())

    def hand_out(self, worker: str, most: int) -> list[Slice]:
        taken = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
        for one in taken:
            one.state, one.worker = State.HANDED_OUT, worker
        return taken

    def begin(self, one: Slice, worker: str) -> None:
        if one.worker == worker and one.state is State.HANDED_OUT:
            one.state = State.WORKING

    def take_back(self, one: Slice, worker: str) -> None:
        """The worker returns it: others get it."""
        if one.worker == worker and one.state is not State.DONE:
            one.state, one.worker = State.WAITING, ""
            self._waiting.append(one)

    def finish(self, one: Slice, worker: str, result: Any, cpu_time: float) -> bool:
        """False where the worker does not have the slice."""
        if one.worker != worker or one.state is State.DONE:
            return False
        one.state, one.result, one.cpu_time = State.DONE, result, cpu_time
        self._missing -= 1
        return True
