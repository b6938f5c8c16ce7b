"""Jobs whose work function is Python."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import JobError, SliceError
from ..frames.values import Deferred
from ..functions.packing import packed
from ..guest.objects import ObjectError
from ..guest.wire import from_wire, to_wire
from ..supervision.work import PythonNeeds
from . import python_advice
from .job import Job
from .sources import IterableSource, numbers

if TYPE_CHECKING:
    from ..networks.program import Program

WORKTIME = "pyodide"
"""Its name, as DCP has it."""


class JobFiles:
    """The files that a job's sandboxes have, in their memory. Their names are below the working directory."""

    def __init__(self) -> None:
        self._contents: dict[str, bytes] = {}

    @property
    def contents(self) -> Mapping[str, bytes]:
        """By name."""
        return MappingProxyType(self._contents)

    def add(self, path: str | os.PathLike[str], name: str | None = None) -> None:
        """The file at ``path``, as it is now. ``name``: in the sandbox, the file's own where None.

        Raises OSError, and ValueError for a name that leads out of the working directory.
        """
        self.add_bytes(name if name is not None else Path(path).name, Path(path).read_bytes())

    def add_bytes(self, name: str, content: bytes) -> None:
        """A file of that name with that content. Raises ValueError as ``add`` does."""
        target = PurePosixPath(name)
        if target.is_absolute() or ".." in target.parts or target == PurePosixPath():
            raise ValueError(f"a file of a job is named below its working directory, as data/model.npy, not {name!r}")
        self._contents[str(target)] = bytes(content)

    def __repr__(self) -> str:
        return f"<dcp_evaluator.JobFiles {', '.join(self._contents) or 'none'}>"


class PythonJob(Job):
    """A work function in Python and its inputs.

    ``modules``: names of modules, or of their packages, that are loaded before the first slice; those that the function
    itself imports are found without. ``fs``: the files that sandboxes have. ``env``: variables of their environment.
    ``worktimeVersion``: the release of Pyodide, the newest that is installed and has the modules where None.
    """

    worktime = WORKTIME
    _BLOCK = "def "
    _LEAST_MEMORY = 64 << 20
    usual_modules: tuple[str, ...] = ("numpy",)
    """Arrays arrive as arrays, though the function itself imports nothing."""

    def __init__(
        self,
        inputs: Iterable[Any],
        work_function: Callable[..., Any] | str | os.PathLike[str],
        arguments: tuple[Any, ...],
        keywords: dict[str, Any] | None = None,
    ) -> None:
        self._packed = packed(work_function)
        super().__init__(inputs, work_function, arguments, keywords)
        self.modules: list[str] = []
        self.fs = JobFiles()
        self.env: dict[str, str] = {}
        self.worktimeVersion: str | None = None

    def message_of(self, error: JobError | SliceError) -> str:
        return python_advice.message_of(error)

    def received(self, index: int, value: Any) -> Any:
        return _taken(value, self.result_limit)

    def told(self, value: Any) -> Any:
        """Events cost what their bytes justify: there may be far more of them than results."""
        return _taken(value, min(self.result_limit, _DEAREST * _size(value)))

    def _read(self, work_function: Any) -> tuple[str, str]:
        return self._packed.source, self._packed.file

    def _open_inputs(self, integers: str, *, carried: bool = False) -> IterableSource:
        self._take_inputs()
        return PythonSource(self.inputs)

    def _parts(self, public: Mapping[str, Any], seed: int | None = None) -> dict[str, Any]:
        """What the sandbox makes the job of."""
        return {
            "surroundings": {"public": dict(public), "env": self.env, "files": dict(self.fs.contents)},
            "workFunction": self._packed.value,
            "call": {"arguments": self.arguments, "keywords": self.keywords, "seed": seed},
        }

    def _assignment(self, seed: int | None, gpu_errors: str, integers: str) -> dict[str, Any]:
        assignment = {name: _buffers(to_wire(part)) for name, part in self._parts(self.public, seed).items()}
        return {**assignment, "name": "", "arguments": [], "public": {}, "seed": seed, "gpuErrors": gpu_errors}

    def _network_program(self, public: Mapping[str, Any], extra: Mapping[str, Any], integers: str) -> Program:
        from ..networks.python import python_program

        arrays = ["numpy"] if any(isinstance(each, np.ndarray) for each in (self.inputs, *self.arguments)) else []
        modules = {*self._checked_modules(), *self._packed.imports, *arrays}
        return python_program(self._parts(public), modules, self.worktimeVersion, wants_gpu=self.wants_gpu)

    def _python_needs(self) -> PythonNeeds:
        wanted = {*self.usual_modules, *self._packed.imports}
        return PythonNeeds(self._checked_modules(), frozenset(wanted), self.worktimeVersion)

    def _checked_modules(self) -> tuple[str, ...]:
        if isinstance(self.modules, str) or not all(isinstance(name, str) for name in self.modules):
            raise TypeError('modules is a list of names, as ["scipy"]')
        return tuple(self.modules)


_DEAREST = 400
"""Bytes that a byte of a value may cost here: of brackets and commas."""


def _taken(value: Any, limit: int) -> Any:
    match value:
        case str() | [_, *_]:
            return from_wire(value, limit)
        case _:
            raise ObjectError("a value from a sandbox has no header")


def _size(value: Any) -> int:
    match value:
        case str() | bytes():
            return len(value)
        case np.ndarray():
            return value.nbytes
        case list():
            return sum(map(_size, value))
    return 0


def _buffers(value: str | list[Any]) -> Any:
    """A value of wire.py for frames: buffers that lie in shared memory stay there."""
    return value if isinstance(value, str) else [_octets(buffer) for buffer in value]


def _octets(buffer: Any) -> np.ndarray[Any, Any]:
    return np.frombuffer(buffer, np.uint8) if memoryview(buffer).nbytes else np.empty(0, np.uint8)


def _packed_datum(datum: Any) -> Any:
    return _buffers(to_wire(datum))


def _deferred(datum: Any) -> Deferred:
    return Deferred(partial(_packed_datum, datum))


class PythonSource(IterableSource):
    """Slices whose data are Python's: rows of a numpy array have their shape, items of one with one dimension are
    Python's own numbers. What cannot travel fails its slice."""

    def __init__(self, inputs: Iterable[Any]) -> None:
        if isinstance(inputs, np.ndarray) and inputs.ndim == 1:
            super().__init__(numbers(inputs), _deferred)
            self.total = len(inputs)
        else:
            super().__init__(inputs, _deferred)
