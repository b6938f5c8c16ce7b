"""Jobs: a work function over many data, run on this machine (LocalExec)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from inspect import GEN_CLOSED, getgeneratorstate, isgenerator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from ..clusters.membership import Needs
from ..errors import JobError, SliceError
from ..frames import table
from ..frames.values import RESULT_LIMIT, AsNumbers, SharedArrays, encode
from ..sandboxes.slice_limits import OUTPUT_LIMIT, SliceLimits
from ..supervision.evaluator import Evaluator, default_evaluator
from ..supervision.local import LocalRun
from ..supervision.supervisor import Options
from ..supervision.work import PythonNeeds, Work
from ..worktimes.python import PythonWorktime
from . import javascript_advice
from .events import EVENTS, Emitter, JobMetrics
from .results import Results
from .run import Backend, JobRun
from .sources import IterableSource, open_source

if TYPE_CHECKING:
    from ..networks.program import Program

PROGRESS_TIMEOUT = 300.0
RETRIES = 2
LARGEST_SEED = 2**53 - 1
LOCAL_NAME = "local job"


class Job(Emitter):
    """A work function and its inputs. It sees ``public`` as ``work.job.public``; ``work`` has the events it emits."""

    _BLOCK = "{"  # of statements, which needs `return`
    _LEAST_MEMORY = 8 << 20

    def __init__(
        self,
        inputs: Iterable[Any],
        work_function: Any,
        arguments: tuple[Any, ...],
        keywords: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(EVENTS)
        if isinstance(inputs, np.ndarray):
            if inputs.ndim == 0:
                raise TypeError("inputs is a numpy array without rows; one slice is one row")
        elif not isinstance(inputs, Iterable):
            raise TypeError(f"inputs must be an iterable or a numpy array, not {type(inputs).__name__}")
        self.id = uuid4().hex
        self.inputs = inputs
        self._inputs_are_used = False
        self.work_function, self.file_name = self._read(work_function)
        self.arguments = arguments
        self.keywords = keywords or {}
        self.public: dict[str, Any] = {"name": LOCAL_NAME}
        self.work = Emitter()
        self.ready_state = "new"
        self.metrics = JobMetrics()
        self.wants_gpu = "gpu" in self.work_function
        self.lacks_return = self._BLOCK in self.work_function and "return" not in self.work_function
        self.python: PythonWorktime | None = None
        self.result_limit = RESULT_LIMIT

    def local_exec(
        self,
        sandboxes: int | None = None,
        *,
        progress_timeout: float | None = PROGRESS_TIMEOUT,
        on_error: str = "continue",
        retries: int = RETRIES,
        memory_limit: int | None = None,
        result_limit: int = RESULT_LIMIT,
        slice_timeout: float | None = None,
        cpu_timeout: float | None = None,
        output_limit: int = OUTPUT_LIMIT,
        evaluator: Evaluator | None = None,
        seed: int | None = None,
        gpu_errors: str = "fail",
        integers: str = "bigint",
        keep: bool = True,
    ) -> Results:
        """Starts the job in sandboxes on this machine and returns its Results at once.

        ``sandboxes``: how many run at a time (default: one per CPU). ``progress_timeout``: seconds that a slice may run
        without calling ``progress()``, None for ever; then it fails with code ENOPROGRESS. ``on_error``:
        "continue" runs the other slices when one fails, "stop" ends the job. ``retries``: how often a slice is run
        again after its sandbox died. ``memory_limit``: bytes a sandbox may use (default: the evaluator's).
        ``result_limit``: bytes of a result. ``slice_timeout``, ``cpu_timeout``: seconds that a slice may run, and of
        CPU time that it may take, None for ever. ``output_limit``: bytes of its console, progress and events. A slice
        that passes one of the three fails with code ETIMEOUT, ECPU or EOUTPUT. ``seed``: makes ``Math.random`` in each
        slice a function of it and of the slice's number, from 0 to 2**53 - 1. ``gpu_errors``: ``"fail"`` fails a slice
        with the first error of the GPU that its code does not capture, ``"console"`` only tells of such errors there.
        ``integers``: ``"number"`` sends int64 and uint64 as float64, and fails slices where that is not exact.
        ``keep``: False lets go of each result when a loop has taken it, and of all where nobody takes them: there is a
        callback of the event "result", or ``wait()`` came first. While 10,000 slices or 256 MiB wait to be taken, no
        slices are taken from the inputs.

        Raises TypeError and ValueError for arguments that make no sense or cannot be sent.
        """
        if sandboxes is None:
            sandboxes = len(os.sched_getaffinity(0))
        if not isinstance(evaluator, Evaluator | None):
            raise TypeError(f"evaluator must be a dcp_evaluator.Evaluator, not {type(evaluator).__name__}")
        work = self._work(
            sandboxes, progress_timeout, on_error, retries, memory_limit, result_limit, slice_timeout, cpu_timeout,
            output_limit, seed, gpu_errors, integers,
        )  # fmt: skip
        chosen = evaluator or default_evaluator()
        chosen.check_memory_limit(memory_limit)
        source = self._open_inputs(integers)
        shared = SharedArrays()
        try:
            backend = LocalRun(chosen, work, (encode([table.ASSIGN, work.assignment], shared), shared.fds))
        except BaseException:
            shared.close()
            raise
        self.python = backend.python
        return self._start(backend, source, chosen, shared.close, stop_on_error=work.options.stop_on_error, keep=keep)

    def cluster_exec(
        self,
        address: str | None = "auto",
        *,
        sandboxes_per_node: int | None = None,
        nodes: int | None = None,
        gpus: float | str | None = None,
        progress_timeout: float | None = PROGRESS_TIMEOUT,
        on_error: str = "continue",
        retries: int = RETRIES,
        memory_limit: int | None = None,
        result_limit: int = RESULT_LIMIT,
        slice_timeout: float | None = None,
        cpu_timeout: float | None = None,
        output_limit: int = OUTPUT_LIMIT,
        seed: int | None = None,
        gpu_errors: str = "fail",
        integers: str = "bigint",
        keep: bool = True,
    ) -> Results:
        """Starts the job in sandboxes on the nodes of a Ray cluster and returns its Results at once.

        ``address``: ``"auto"`` is the cluster that Ray is connected to, or else finds; ``"ray://HOST:10001"`` one that
        is elsewhere. ``sandboxes_per_node``: how many run at a time on each (default: one per CPU that Ray counts
        there). ``nodes``: how many are used at most (default: all, and those that come later); where there are fewer,
        Ray's autoscaler is asked for them. ``gpus``: how many of Ray's GPUs each evaluator has, and a node has as many
        evaluators as that leaves room for; default: all of a node where the work function uses the GPU, else none;
        ``"software"``: none of Ray's, but software adapters. The others are those of ``local_exec``, for each node.
        Slices of a node that is lost run again elsewhere.

        Raises TypeError and ValueError for arguments that make no sense or cannot be sent, InstallationError where Ray
        is missing, ClusterError where no cluster is to be found.
        """
        if sandboxes_per_node is not None:
            _check_whole("sandboxes_per_node", sandboxes_per_node, 1)
        if nodes is not None:
            _check_whole("nodes", nodes, 1)
        work = self._work(
            sandboxes_per_node or 1, progress_timeout, on_error, retries, memory_limit, result_limit, slice_timeout,
            cpu_timeout, output_limit, seed, gpu_errors, integers,
        )  # fmt: skip
        from ..clusters.ray import open_backend  # takes long to load

        source = self._open_inputs(integers, carried=True)
        backend = open_backend(address, work, Needs(sandboxes_per_node, *self._gpu_needs(gpus), nodes))
        stop_on_error = work.options.stop_on_error
        return self._start(backend, source, default_evaluator(), lambda: None, stop_on_error=stop_on_error, keep=keep)

    def exec(
        self,
        location: str,
        *,
        account: str | os.PathLike[str] | None = None,
        price: float = 0.0,
        groups: Sequence[Mapping[str, Any]] | None = None,
        public: Mapping[str, Any] | None = None,
        on_error: str = "continue",
        integers: str = "bigint",
        keep: bool = True,
    ) -> Results:
        """Deploys the job to a DCP network, whose workers do it, and returns its Results at once.

        ``location``: of its scheduler, as ``"http://localhost:9800/"``. ``account``: the keystore that pays, a name or
        a path; ``price``: what it pays for a slice, in DCC. ``groups``: the compute groups whose workers are to do it,
        each a dict of ``join_key`` and ``join_secret``; default: the public group. ``public``: beside ``job.public``;
        its ``name``, ``description`` and ``link`` are what operators see. The others are those of ``local_exec``.

        The job is of the identity in ``~/.dcp``, as npm's client has it, or else of a new one. Networks tell nothing
        of ``progress`` and metrics. Where the scheduler is away, the job waits for it. ``cancel()`` of the results,
        and the end of the program by an exception, cancel the job there.

        Raises TypeError and ValueError for arguments that make no sense or cannot be sent, NetworkError where there is
        no scheduler, or a keystore is missing.
        """
        from ..networks.backend import open_backend  # takes long to load
        from ..networks.submission import is_of_numbers
        from ..networks.terms import Terms

        _check_word("integers", integers, "bigint", "number")
        _check_word("on_error", on_error, "continue", "stop")
        told = {**self.public, **(public or {})}
        if told.get("name") == LOCAL_NAME:
            del told["name"]
        terms = Terms.of(price, account, groups, told)
        program = self._network_program(told, terms.extra, integers)
        source = self._open_inputs(integers, carried=True)
        numbers = self.inputs if keep and is_of_numbers(self.inputs) else None
        stop_on_error = on_error == "stop"
        backend = open_backend(location, program, terms, numbers, stop_on_error=stop_on_error)  # type: ignore[arg-type]
        return self._start(backend, source, default_evaluator(), lambda: None, stop_on_error=stop_on_error, keep=keep)

    def _network_program(self, public: Mapping[str, Any], extra: Mapping[str, Any], integers: str) -> Program:
        """What sandboxes of a network run. ``extra``: what is public beside what every job has there.

        Raises TypeError, ValueError.
        """
        from ..networks.javascript import javascript_program

        given = self._given(integers)
        return javascript_program(self.work_function, given, extra, wants_gpu=self.wants_gpu)

    def _gpu_needs(self, gpus: float | str | None) -> tuple[float | None, bool]:
        """How many of Ray's, None for all of a node, and whether software will do. Raises ValueError."""
        if gpus == "software":
            return 0, True
        if gpus is None:
            return (None if self.wants_gpu else 0), False
        if not (_is_number(gpus) and (0 <= gpus < 1 or (float(gpus).is_integer() and gpus > 0))):  # type: ignore
            raise ValueError(f'gpus must be a number of GPUs, a part of one, "software" or None, not {gpus!r}')
        return gpus, False  # type: ignore[return-value]

    def _start(
        self,
        backend: Backend,
        source: IterableSource,
        evaluator: Evaluator,
        ended: Callable[[], object],
        *,
        stop_on_error: bool,
        keep: bool,
    ) -> Results:
        self.metrics = JobMetrics()
        run = JobRun(self, self.work.emit, backend, source, stop_on_error=stop_on_error, keep=keep, ended=ended)
        evaluator.track(run)
        run.start()
        return run.results

    def _work(
        self,
        sandboxes: int,
        progress_timeout: float | None,
        on_error: str,
        retries: int,
        memory_limit: int | None,
        result_limit: int,
        slice_timeout: float | None,
        cpu_timeout: float | None,
        output_limit: int,
        seed: int | None,
        gpu_errors: str,
        integers: str,
    ) -> Work:
        """Raises TypeError, ValueError."""
        _check_whole("sandboxes", sandboxes, 1)
        _check_whole("retries", retries, 0)
        _check_whole("result_limit", result_limit, 1)
        _check_whole("output_limit", output_limit, 1)
        if memory_limit is not None:
            _check_whole("memory_limit", memory_limit, self._LEAST_MEMORY)
        _check_seconds("progress_timeout", progress_timeout)
        _check_seconds("slice_timeout", slice_timeout)
        _check_seconds("cpu_timeout", cpu_timeout)
        if seed is not None:
            _check_whole("seed", seed, 0, LARGEST_SEED)
        _check_word("integers", integers, "bigint", "number")
        _check_word("gpu_errors", gpu_errors, "fail", "console")
        _check_word("on_error", on_error, "continue", "stop")
        limits = SliceLimits(slice_timeout, cpu_timeout, output_limit, progress_timeout)
        options = Options(sandboxes, retries, on_error == "stop", result_limit, limits)
        self.result_limit = result_limit
        assignment = self._assignment(seed, gpu_errors, integers)
        return Work(assignment, self._python_needs(), self.wants_gpu, memory_limit, options)

    def message_of(self, error: JobError | SliceError) -> str:
        """With a remedy where there is one."""
        return javascript_advice.message_of(error, self.work_function, self.file_name)

    def received(self, index: int, value: Any) -> Any:
        """What becomes of a slice's result. Raises ValueError where it is not what the job takes."""
        return value

    def failed(self, index: int) -> None:
        """That slice has no result."""

    def told(self, value: Any) -> Any:
        """The same of a value that comes with progress or an event."""
        return value

    def __repr__(self) -> str:
        return f"<dcp_evaluator.Job {self.file_name!r} {self.ready_state}>"

    def _read(self, work_function: Any) -> tuple[str, str]:
        """Its source, and the name for stacks. Raises TypeError, ValueError, OSError."""
        return _read_work_function(work_function)

    def _python_needs(self) -> PythonNeeds | None:
        """Raises TypeError."""
        return None

    def _open_inputs(self, integers: str, *, carried: bool = False) -> IterableSource:
        """``carried``: to other machines. Raises ValueError where an earlier run has taken them, TypeError where they
        cannot be sent.
        """
        self._take_inputs()
        return open_source(self.inputs, as_numbers=integers == "number", carried=carried)

    def _take_inputs(self) -> None:
        if isinstance(self.inputs, Iterator):
            if self._inputs_are_used or (isgenerator(self.inputs) and getgeneratorstate(self.inputs) == GEN_CLOSED):
                kind = type(self.inputs).__name__
                raise ValueError(f"the inputs are a {kind} that has been read already; use a list to read them again")
            self._inputs_are_used = True

    def _assignment(self, seed: int | None, gpu_errors: str, integers: str) -> dict[str, Any]:
        arguments = self._given(integers)
        return {
            "workFunction": self.work_function,
            "name": self.file_name,
            "arguments": arguments,
            "public": self.public,
            "seed": seed,
            "gpuErrors": gpu_errors,
        }

    def _given(self, integers: str) -> list[Any]:
        """What the work function gets besides the datum."""
        given = [*self.arguments, *([self.keywords] if self.keywords else [])]
        return list(map(AsNumbers, given)) if integers == "number" else given


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check_seconds(name: str, value: object) -> None:
    if value is not None and not (_is_number(value) and value > 0):  # type: ignore[operator]
        raise ValueError(f"{name} must be a positive number of seconds or None, not {value!r}")


def _check_word(name: str, value: str, *words: str) -> None:
    if value not in words:
        allowed = " or ".join(f'"{word}"' for word in words)
        raise ValueError(f"{name} must be {allowed}, not {value!r}")


def _check_whole(name: str, value: object, least: int, most: int | None = None) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, not {value!r}")
    if most is not None and value > most:
        raise ValueError(f"{name} must be a whole number of at most {most}, not {value!r}")


def _read_work_function(work_function: str | os.PathLike[str]) -> tuple[str, str]:
    """The source and the name for stacks. A str is a path when it is one line that ends in .js or .mjs."""
    if not isinstance(work_function, str | os.PathLike):
        kind = type(work_function).__name__
        kinds = "a Python function, source of JavaScript or the path of a file"
        raise TypeError(f"the work function must be {kinds}, not {kind}")
    source, name = work_function, "work-function.js"
    if not isinstance(source, str) or (source.endswith((".js", ".mjs")) and "\n" not in source):
        source, name = _read_source(Path(work_function)), str(work_function)
    if not source.strip():
        raise ValueError(f"the work function ({name}) is empty; it must be JavaScript source of a function")
    return source, name


def _read_source(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"the work function in {path} is not UTF-8 text") from None
