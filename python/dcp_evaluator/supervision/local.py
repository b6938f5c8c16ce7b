"""Runs the slices of one job on this machine, with what an Evaluator keeps for it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import partial

from ..errors import ZygoteError
from ..processes.notices import notice
from ..sandboxes.sandbox import SandboxFactory
from ..sandboxes.slice_ledger import SliceSource
from ..worktimes.python import PythonWorktime
from .evaluator import Evaluator
from .identity import identity
from .supervisor import Options, Sink, Supervisor
from .warm import Kind
from .work import Work

_SLOW = 1.0  # seconds


class LocalRun:
    """``frame``: payload and descriptors of the assignment, which stay the caller's. ``python``: what its sandboxes
    share, where they run Python.

    Raises InstallationError and UnknownModuleError for Python that is not here.
    """

    def __init__(self, evaluator: Evaluator, work: Work, frame: tuple[bytes, Sequence[int]]) -> None:
        self._evaluator = evaluator
        self._options = work.options
        self._memory_limit = work.memory_limit
        self._wants_gpu = work.wants_gpu
        self.python = None if work.python is None else work.python.worktime()
        self._frame = frame
        self._lock = threading.RLock()  # a finalizer may call `wake` anywhere
        self._stopped = False
        self._supervisor: Supervisor | None = None

    def stop(self) -> None:
        """Makes ``run`` return soon; may be called at any time, from any thread."""
        with self._lock:
            self._stopped = True
            if self._supervisor is not None:
                self._supervisor.stop()

    def wake(self) -> None:
        """The source has slices again; may be called at any time, from any thread."""
        with self._lock:
            if self._supervisor is not None:
                self._supervisor.wake()

    def run(self, source: SliceSource, sink: Sink) -> None:
        """Returns when every slice has its result or error, or after ``stop``. Raises what makes the job fail."""
        wanted = self._options.sandboxes
        limit, each = self._evaluator.limits(self._memory_limit, wanted)
        given = self._evaluator.memory.reserve(wanted, each)
        try:
            self._run_in(given, limit, source, sink)
        except ZygoteError as error:
            raise error if self.python is None else _of_python(error, self.python, limit) from None
        finally:
            self._evaluator.memory.release(given, each)

    def _run_in(self, sandboxes: int, memory_limit: int | None, source: SliceSource, sink: Sink) -> None:
        if sandboxes < self._options.sandboxes:
            notice(
                f"a job has {sandboxes} of {self._options.sandboxes} sandboxes at a time: with their memory limit, "
                "more would pass the memory for all together; lower memory_limit, or raise max_memory"
            )
        kind, factory = self._evaluator.acquire(Kind(memory_limit, self.python))
        factory.services.gpu_pool.expect(sandboxes)
        factory.services.gpu_pool.begin(partial(identity, *self._frame))
        slow = threading.Timer(_SLOW, self._tell_of_template, [factory])
        slow.daemon = True
        try:
            if self.python is not None and not factory.zygote.is_ready:
                slow.start()
            if self._wants_gpu:
                factory.services.gpu_pool.prewarm(sandboxes)
            self._supervise(factory, source, sink, self._options._replace(sandboxes=sandboxes))
        finally:
            slow.cancel()
            self._evaluator.release(factory, kind)

    def _supervise(self, factory: SandboxFactory, source: SliceSource, sink: Sink, options: Options) -> None:
        supervisor = Supervisor(factory, self._frame, source, sink, options)
        try:
            with self._lock:
                self._supervisor = supervisor
            if not self._stopped:
                supervisor.run()
        finally:
            with self._lock:
                self._supervisor = None
            supervisor.close()

    def _tell_of_template(self, factory: SandboxFactory) -> None:
        if self.python is not None and not factory.zygote.is_ready:
            notice(f"loading {self.python.title} (the first time its modules are compiled, and kept)")


def _of_python(error: ZygoteError, python: PythonWorktime, limit: int | None) -> ZygoteError:
    """Each engine has its own words where Python finds no room."""
    remedy = "" if limit is None else f"\nIts modules may need more than the memory_limit of {limit >> 20} MiB"
    return type(error)(f"{python.title} cannot be loaded, or has ended: {error}{remedy}")
