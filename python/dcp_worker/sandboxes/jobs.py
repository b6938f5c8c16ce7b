"""What a sandbox gets with its job."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import WorkerError
from ..tasks.capabilities import Worktime
from ..tasks.job import Job
from .events import FetchRequest, FetchResponse, ModuleGroup


class FetchRefusedError(WorkerError):
    """A fetch of a work function fails, which is told to it; ``code`` is DCP's, ``EPERM_ORIGIN`` for one."""

    def __init__(self, message: str, code: str = "EFETCH", name: str = "Error") -> None:
        super().__init__(message)
        self.code = code
        self.name = name


async def no_modules(names: Sequence[str]) -> ModuleGroup | None:
    return None


async def no_fetch(request: FetchRequest) -> FetchResponse:
    raise FetchRefusedError("Fetches are not allowed", "EPERM_ORIGIN", "DCPError")


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignedJob:
    """A job with all that a sandbox needs of it.

    ``worktime``: with the very version that the sandbox is to use. ``size``: UTF-16 units of what was fetched for it.
    ``modules`` gives the text of each file of the packages that are asked for; None where there are none of these
    names. ``fetch`` serves what work functions fetch, and raises ``FetchRefusedError``. Any other exception of them
    ends the sandbox, and is raised by what waits for it.
    """

    job: Job
    worktime: Worktime
    work_function: str
    arguments: Sequence[Any] = ()
    size: int = 0
    modules: Callable[[Sequence[str]], Awaitable[ModuleGroup | None]] = no_modules
    fetch: Callable[[FetchRequest], Awaitable[FetchResponse]] = no_fetch
