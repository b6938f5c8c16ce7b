"""Python in sandboxes: which distributions there are, and how long a first result takes."""

from __future__ import annotations

import time
from typing import Any

from ..distribution.places import distributions, installed
from ..errors import DcpError
from ..jobs.compute_for import compute_for
from ..processes.ask import TIMEOUT
from ..settings.settings import Settings
from ..supervision.evaluator import Evaluator

_WORK = """\
import dcp
dcp.set_slice_handler(lambda number: number + 1)
"""


def python_report(settings: Settings, *, timed: bool = True) -> dict[str, Any]:
    """``{"distributions": [{version, python, folder, packages}], "error": text or None, "modules": names, "cold_ms",
    "warm_ms"}``.

    ``error``: why no slice runs, or why a distribution cannot be used. ``modules``: what is loaded ahead of slices.
    ``cold_ms``: until the first result of an evaluator, None where there is none; ``warm_ms``: of a later job, in a
    sandbox that is new, too. Nothing runs where nothing is installed, or it is not to be ``timed``.
    """
    report: dict[str, Any] = {"distributions": [], "error": None, "modules": [], "cold_ms": None, "warm_ms": None}
    try:
        usable, failed = distributions()
        report["distributions"] = [
            {
                "version": each.version,
                "python": each.python,
                "folder": str(each.folder),
                "packages": len(each.installed_packages()),
            }
            for each in usable
        ]
        if usable and timed:
            report |= _measured(settings)
        elif not usable:
            installed()  # which says what to do
        if failed:
            report["error"] = str(failed[0])
    except (DcpError, OSError) as error:
        report["error"] = str(error)
    return report


def _measured(settings: Settings) -> dict[str, Any]:
    with Evaluator.of(settings) as evaluator:
        taken = []
        for _ in range(2):
            job = compute_for([1], _WORK)
            start = time.monotonic()
            job.local_exec(1, progress_timeout=TIMEOUT, evaluator=evaluator).values()
            taken.append(1000 * (time.monotonic() - start))
        modules = [] if job.python is None else list(job.python.modules)
    return {"modules": modules, "cold_ms": taken[0], "warm_ms": taken[1]}
