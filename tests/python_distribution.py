"""A whole Python distribution for tests that run Python in sandboxes, kept below ``build``."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from dcp_evaluator.distribution.installation import install
from dcp_evaluator.distribution.places import FOLDER_VARIABLE
from dcp_evaluator.distribution.progress import Progress
from pyodide_packages import carrier

_FOLDER = Path(__file__).parents[1] / "build" / "python"


@functools.cache
def python_folder() -> Path:
    """A folder for ``DCP_EVALUATOR_PYTHON``, with Pyodide 0.27.7 and all that its carrier holds.

    Processes that ask at the same time wait for the first. A test that cannot have it fails, with the reason.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER_VARIABLE, str(_FOLDER))
        install(str(carrier()), [], Progress())
    return _FOLDER
