"""A whole Python distribution for tests that run Python in sandboxes, kept below ``build``."""

from __future__ import annotations

import functools
import sys
from pathlib import Path

import pytest

from dcp_evaluator.distribution.installation import install
from dcp_evaluator.distribution.places import FOLDER_VARIABLE
from dcp_evaluator.distribution.progress import Progress
from dcp_evaluator.errors import DcpError
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


if __name__ == "__main__":  # ahead of the demo, which goes on without
    if not _FOLDER.exists():
        print("==> Fetching Python for sandboxes, 77 MB", flush=True)
    try:
        python_folder()
    except (pytest.fail.Exception, DcpError) as error:
        print(f"{error}\nThe demo goes on without Python.", file=sys.stderr)
