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
from dcp_evaluator.settings.settings import CACHE_VARIABLE
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


def python_environment() -> dict[str, str]:
    """Variables for programs that run Python in sandboxes: the distribution, and a folder for what is compiled of it.

    That is kept below ``build`` too: compiling scipy takes half a minute.
    """
    return {FOLDER_VARIABLE: str(python_folder()), CACHE_VARIABLE: str(_FOLDER.parent / "compiled")}


if __name__ == "__main__":  # ahead of the demo, which goes on without
    if not _FOLDER.exists():
        print("==> Fetching Python for sandboxes, 77 MB", flush=True)
    try:
        python_folder()
    except (pytest.fail.Exception, DcpError) as error:
        print(f"{error}\nThe demo goes on without Python.", file=sys.stderr)
