"""A dcp-client with a few short start-up files, laid out as npm does, and the commands that use one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from cli_driver import DEADLINE
from line_peer import PRELUDE
from priority import TIMELY

PREFIX = Path(sys.executable).parents[1]
START = str(PREFIX / "bin" / "dcp-evaluator-start")
MANAGER = str(PREFIX / "bin" / "dcp-evaluator-manager")


def install_dcp_client(folder: Path, prelude: str = PRELUDE) -> Path:
    """In ``folder/node_modules``, which is returned."""
    files = {
        "dcp-client/generated/sandbox-definitions.json": json.dumps(
            {
                "native": ["first", "tool/tool.js", "last"],
                "node": ["first"],
                "broken": ["absent"],
                "alone": ["no/no.js"],
            }
        ),
        "dcp-client/libexec/sandbox/first.js": "const order = ['first'];",
        "tool/tool.js": "order.push('tool');",
        "dcp-client/libexec/sandbox/last.js": prelude,
    }
    for name, text in files.items():
        path = folder / "node_modules" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / "node_modules"


def run_command(*command: str | Path, lines: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs one of the commands to its end, with ``environment`` and PATH only."""
    return subprocess.run(
        command,
        input=lines,
        env={"PATH": "/usr/bin:/bin", **TIMELY, **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE,
        check=False,
    )
