"""What a root needs to try an installed package in: installed.py, and the start-up files for ``dcp-worker``."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

_TESTS = Path(__file__).parents[1]
_INSTALLED = "import npm_packages; print(npm_packages.installed('dcp') or '')"


@cache
def trial() -> dict[str, Path]:
    """Files and folders of this machine, by their paths in the root.

    There: ``PYTHON /run/installed.py --dcp-client /run/node_modules/dcp-client``. Exits where npm cannot fetch it.
    """
    subprocess.run([sys.executable, _TESTS / "npm_packages.py", "dcp"], check=True)  # says what fails
    tell = [sys.executable, "-c", _INSTALLED]
    environment = os.environ | {"PYTHONPATH": str(_TESTS)}
    packages = subprocess.run(tell, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    if not packages:
        sys.exit("error: without npm's dcp-client, dcp-worker cannot be tried; why it is missing is said above")
    return {"/run/installed.py": _TESTS / "packages" / "installed.py", "/run/node_modules": Path(packages)}
