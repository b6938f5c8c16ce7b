"""npm's wallet, the one of dcp-client, to compare keys and keystores with."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from node import node
from npm_packages import npm_packages

_SCRIPT = Path(__file__).with_name("npm_wallet.js")
_DEADLINE = 100.0


def ask_npm_wallet(
    code: str, given: object = None, *, packages: str = "dcp", environment: Mapping[str, str] | None = None
) -> Any:
    """What the code returns, as the inside of an async function that has ``wallet``, ``given`` and ``outcome``.

    ``packages``: ``dcp`` for dcp-client 4, ``dcp5`` for 5. ``environment`` is all that the program has beside PATH.
    """
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in ("code.js", "given.json")]
        for file, text in zip(files, (code, json.dumps(given)), strict=True):
            file.write_text(text, encoding="utf-8")
        done = subprocess.run(
            [node(), _SCRIPT, *files],
            env={
                "PATH": os.environ.get("PATH", ""),
                "HOME": folder,
                "NODE_PATH": str(npm_packages(packages)),
                "DCP_CLIENT_ALLOW_INSECURE_CONFIGURATION": "1",
                **(environment or {}),
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=_DEADLINE,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.strip("\n").split("\n")[-1])
