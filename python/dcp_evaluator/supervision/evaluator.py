"""An Evaluator keeps what sandboxes need warm between jobs."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import weakref
from typing import Protocol

from ..errors import JobError
from ..gpu.options import GpuOptions
from ..processes.zygote import DEFAULT_MEMORY
from ..sandboxes.memory_budget import MemoryBudget
from ..sandboxes.sandbox import SandboxFactory
from ..settings import engines
from ..settings.settings import Settings
from .warm import Kind, WarmFactories


class Running(Protocol):
    """A run of a job that may still go on."""

    def cancel(self) -> None: ...
    def join(self) -> None: ...


class Evaluator:
    """Keeps zygotes warm between jobs. Usable as a context manager; ``close`` ends its jobs and all its processes.

    ``memory_limit``: bytes that a sandbox may use, where a job does not say. ``gpu``: which adapters sandboxes are
    offered, and their limits. ``engine``: ``"quickjs"``, ``"v8"``, or ``"auto"``: V8 where it is installed, QuickJS
    for work functions in Python. ``jit``: whether V8 may compile. ``isolation``: ``"strict"``, ``"standard"`` or
    ``"none"``, which layers must be in force. ``clock_step``: of the clocks in sandboxes, 5 to 1000 microseconds.
    ``cache``: the folder for what is compiled, or ``"off"``; ``cache_limit``: bytes that each kind may take there.
    ``max_memory``: bytes for all sandboxes together, three quarters of the machine's where None: no more run at a
    time than their memory limits leave room for, and those without a limit have a part of it, 2 GiB at most.
    ``priority``: ``"normal"``, ``"low"``, which yields to other programs, or ``"idle"``, which takes what they
    leave. What else is None comes from the environment, see docs/cli.md. Raises ValueError for an adapter that
    there is not and for a value that is not valid, InstallationError for an engine that is not installed.
    """

    def __init__(
        self,
        memory_limit: int | None = None,
        *,
        gpu: GpuOptions | None = None,
        engine: str | None = None,
        jit: bool | None = None,
        isolation: str | None = None,
        clock_step: int | None = None,
        cache: str | os.PathLike[str] | None = None,
        cache_limit: int | None = None,
        max_memory: int | None = None,
        priority: str | None = None,
    ) -> None:
        settings = Settings(
            engine=engine, jit=jit, isolation=isolation, clock_step=clock_step, cache=cache, cache_limit=cache_limit,
            max_memory=max_memory, priority=priority,
        )  # fmt: skip
        if engine is not None or jit is not None:
            engines.zygote_command(engines.chosen(settings), settings)
        self._set_up(settings, memory_limit, gpu)

    @classmethod
    def of(cls, settings: Settings, memory_limit: int | None = None, gpu: GpuOptions | None = None) -> Evaluator:
        """One with these settings. Raises ValueError for an adapter that there is not."""
        evaluator = cls.__new__(cls)
        evaluator._set_up(settings, memory_limit, gpu)
        return evaluator

    def _set_up(self, settings: Settings, memory_limit: int | None, gpu: GpuOptions | None) -> None:
        self.settings = settings
        self.engine = engines.chosen(settings)
        self._memory_limit = memory_limit
        self._gpu = gpu or GpuOptions()
        self._gpu.visible(settings)
        self.memory = MemoryBudget(settings)
        self.check_memory_limit(memory_limit)
        self._warm = WarmFactories()
        self._runs: weakref.WeakSet[Running] = weakref.WeakSet()
        self._closed = False
        _evaluators.add(self)

    def __repr__(self) -> str:
        state = " closed" if self._closed else ""
        return f"<dcp_evaluator.Evaluator {self.engine}{state}>"

    def acquire(self, kind: Kind) -> tuple[Kind, SandboxFactory]:
        """A factory for one job, and its own kind, which may have more modules.

        Raises InstallationError, UnknownModuleError, ZygoteError, JobError.
        """
        if self._closed:
            raise JobError("the evaluator is closed")
        if warm := self._warm.take(kind):
            return warm
        if kind.worktime is None:
            return kind, SandboxFactory(self.settings, kind.memory_limit, self._gpu)
        settings, template = engines.for_python(self.settings), kind.worktime.description()
        return kind, SandboxFactory(settings, kind.memory_limit, self._gpu, template)

    def release(self, factory: SandboxFactory, kind: Kind) -> None:
        """Gives a factory of that kind back; its zygote stays warm, and a few GPU hosts where the job used the GPU."""
        factory.services.rest()
        self._warm.put(kind, factory)

    def check_memory_limit(self, memory_limit: int | None) -> None:
        """Raises ValueError where no sandbox could have it."""
        if refusal := self.memory.refusal(memory_limit):
            raise ValueError(refusal)

    def limits(self, memory_limit: int | None, sandboxes: int) -> tuple[int | None, int | None]:
        """Of each of a job's sandboxes: its memory limit, None for the usual one, and what it counts with."""
        asked = memory_limit or self._memory_limit
        limit = asked or self.memory.limit(sandboxes)
        return limit, (limit or DEFAULT_MEMORY) if asked or self.memory.is_given else None

    def track(self, run: Running) -> None:
        """``close`` cancels it, ``wait`` waits for it."""
        self._runs.add(run)

    def wait(self) -> None:
        """Waits until its jobs are done, whether they failed or not."""
        for run in list(self._runs):
            run.join()

    def close(self) -> None:
        """Cancels the jobs that still run and ends all processes."""
        for run in list(self._runs):
            run.cancel()
            run.join()
        self._closed = True
        self._warm.close()

    def __enter__(self) -> Evaluator:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


_evaluators: weakref.WeakSet[Evaluator] = weakref.WeakSet()
_default: list[Evaluator] = []
_default_lock = threading.Lock()


def default_evaluator() -> Evaluator:
    """The one that jobs use where none is named."""
    with _default_lock:
        if not _default or _default[0]._closed:
            _default[:] = [Evaluator()]
        return _default[0]


@atexit.register
def _at_exit() -> None:
    """A program that ends lets its jobs finish, unless it ends by an exception."""
    crashed = getattr(sys, "last_value", None) is not None
    for evaluator in list(_evaluators):
        try:
            if not crashed:
                evaluator.wait()
        except KeyboardInterrupt:
            crashed = True
        evaluator.close()


def finish_before_others() -> None:
    """At the program's end, jobs finish before what has been registered with atexit until now."""
    atexit.unregister(_at_exit)
    atexit.register(_at_exit)
