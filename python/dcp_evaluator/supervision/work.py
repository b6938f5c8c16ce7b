"""What is the same for all slices of a job, wherever they run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..distribution.places import installed
from ..worktimes.python import PythonWorktime
from .supervisor import Options


class PythonNeeds(NamedTuple):
    """Of a work function in Python. ``modules`` are loaded before the first slice, ``optional`` ones where the
    distribution has them; ``version``: the release of Pyodide, the newest that has the modules where None.
    """

    modules: tuple[str, ...]
    optional: frozenset[str]
    version: str | None = None

    def worktime(self) -> PythonWorktime:
        """With a distribution of this machine. Raises InstallationError, UnknownModuleError."""
        distribution = installed(self.modules, self.version)
        return PythonWorktime.of(distribution, [*self.modules, *filter(distribution.has, self.optional)])


class Work(NamedTuple):
    """``assignment``: what sandboxes get before slices, as values that frames can carry. ``python``: None for
    JavaScript. ``memory_limit``: bytes of a sandbox, None for the evaluator's. ``wants_gpu``: whether sandboxes will
    ask for a GPU.
    """

    assignment: Mapping[str, Any]
    python: PythonNeeds | None
    wants_gpu: bool
    memory_limit: int | None
    options: Options
