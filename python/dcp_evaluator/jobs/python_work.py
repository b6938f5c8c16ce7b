"""A work function in Python: what sandboxes get of it, and how values go there and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..distribution.distribution import Distribution
from ..frames.values import Deferred
from ..functions.packing import Packed
from ..guest import objects
from ..worktimes.python import PythonWorktime
from .sources import IterableSource, numbers

NAME = "pyodide"
"""Of the worktime, as DCP has it."""


def to_wire(value: Any) -> Any:
    """A header, or [header, *buffers]. Raises TypeError."""
    header, buffers = objects.dumps(value)
    return [header, *map(_octets, buffers)] if buffers else header


def from_wire(value: Any, limit: int) -> Any:
    """What a sandbox has made so. ``limit``: bytes that it may take here. Raises ObjectError."""
    match value:
        case str():
            return objects.loads(value, (), limit)
        case [str() as header, *buffers] if all(isinstance(each, np.ndarray | bytes) for each in buffers):
            return objects.loads(header, buffers, limit)
        case _:
            raise objects.ObjectError("a value from a sandbox has no header")


def _octets(buffer: Any) -> np.ndarray[Any, Any]:
    """``buffer`` as one that stays in shared memory where it is there."""
    return np.frombuffer(buffer, np.uint8) if memoryview(buffer).nbytes else np.empty(0, np.uint8)


class PythonWork:
    """``modules``: names to import before the first slice. ``files``: what the sandbox's working directory has."""

    def __init__(self, packed: Packed) -> None:
        self._packed = packed
        self.source = packed.source
        self.file_name = packed.file

    def worktime(self, distribution: Distribution, modules: Iterable[str]) -> PythonWorktime:
        """With ``modules``, and what of the distribution the function imports itself."""
        known = {module for module in self._packed.imports if distribution.has(module)}
        return PythonWorktime.of(distribution, [*modules, *known])

    def assignment(
        self,
        arguments: Sequence[Any],
        keywords: Mapping[str, Any],
        public: Mapping[str, Any],
        files: Mapping[str, bytes],
        env: Mapping[str, str],
        seed: int | None,
    ) -> Any:
        """For driver.py. Raises TypeError for what cannot travel."""
        packed = self._packed
        return to_wire(
            {
                "source": packed.source,
                "name": packed.name,
                "file": packed.file,
                "first_line": packed.first_line,
                "globals": packed.globals,
                "arguments": list(arguments),
                "keywords": dict(keywords),
                "public": dict(public),
                "files": dict(files),
                "env": dict(env),
                "seed": seed,
            }
        )


class PythonSource(IterableSource):
    """Slices whose data go over as Python values; rows of a numpy array with their shape, numbers as Python's own."""

    def __init__(self, inputs: Iterable[Any]) -> None:
        data = numbers(inputs) if isinstance(inputs, np.ndarray) and inputs.ndim == 1 else inputs
        super().__init__(_Deferred(data))
        try:
            self.total = len(inputs)  # type: ignore[arg-type]
        except (TypeError, OverflowError):
            self.total = None


class _Deferred:
    """What cannot travel fails its slice when it is sent."""

    def __init__(self, data: Iterable[Any]) -> None:
        self._data = data

    def __iter__(self) -> Iterator[Deferred]:
        for datum in self._data:
            yield Deferred(partial(to_wire, datum))
