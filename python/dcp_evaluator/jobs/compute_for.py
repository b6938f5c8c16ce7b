"""Makes jobs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

from ..functions.scripts import is_script
from .job import Job
from .python_job import PythonJob


def compute_for(
    inputs: Iterable[Any],
    work_function: Callable[..., Any] | str | os.PathLike[str],
    /,
    *arguments: Any,
    **keywords: Any,
) -> Job:
    """A job that calls ``work_function(datum, *arguments, **keywords)`` for each datum of ``inputs``.

    ``inputs``: any iterable, or a numpy array, whose rows are the data (a row of a one-dimensional array is a number).
    ``work_function``: a Python function, which goes over as source with what it uses; Python source, or the path of a
    ``.py`` file, that calls ``dcp.set_slice_handler(function)``; JavaScript source of a function, or the path of a file
    with one. JavaScript gets ``keywords`` as one object, its last argument: ``(datum, { gain }) => gain * datum``.
    Raises TypeError, OSError, ValueError, and FunctionError for a function that cannot go to a sandbox.
    """
    if callable(work_function) or is_script(work_function):
        return PythonJob(inputs, work_function, arguments, keywords)
    return Job(inputs, work_function, arguments, keywords)
