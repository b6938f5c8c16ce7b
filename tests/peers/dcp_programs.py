"""npm's dcp-worker and dcp-client: their start-up files, their front of the evaluator, their supervisor's Sandbox."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from node import node
from npm_packages import npm_packages
from priority import TIMELY

_DEADLINE = 200.0
EVALUATOR = Path(sys.executable).with_name("dcp-evaluator")
_SCRIPTS = Path(__file__).parent


def modules(group: str = "dcp") -> Path:
    return npm_packages(group)


def start_up_files(kind: str = "native", group: str = "dcp") -> list[str]:
    """The start-up files that dcp-evaluator-start gives to an evaluator of this type, in order.

    ``group``: of npm packages, ``dcp`` has dcp-client 4, ``dcp5`` dcp-client 5.
    """
    packages = npm_packages(group)
    client = packages / "dcp-client"
    names = json.loads((client / "generated" / "sandbox-definitions.json").read_text())[kind]
    return [str(packages / name if "/" in name else client / "libexec" / "sandbox" / f"{name}.js") for name in names]


def environment(home: str, group: str = "dcp") -> dict[str, str]:
    return {
        "PATH": f"{node().parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "HOME": home,
        "NODE_PATH": str(modules(group)),
        # dcp-client refuses configuration below a folder that all may write to, such as /tmp, where a clone may lie.
        "DCP_CLIENT_ALLOW_INSECURE_CONFIGURATION": "1",
        **TIMELY,
    }


def run_slices(
    port: int, job: dict[str, Any] | None, data: list[Any], group: str = "dcp", **scenario: Any
) -> dict[str, Any]:
    """What ``supervisor.js`` reports of a job that the real Sandbox class runs on the evaluator at ``port``.

    ``group``: ``dcp`` for the class of dcp-client 4, ``dcp5`` for that of 5.
    """
    report: dict[str, Any] = _run(
        "supervisor.js", given=json.dumps({"port": port, "job": job, "data": data, **scenario}), group=group
    )
    return report


def results(report: dict[str, Any]) -> list[Any]:
    """The results of all slices of a report; what the work function threw is one."""
    assert "refused" not in report, report["refused"]
    return [outcome["result"] for outcome in report["slices"]]


def worker_information(port: int) -> Any:
    """What dcp-worker finds out at its start about the evaluator at ``port``."""
    return _run("worker_info.js", str(port))


def _run(script: str, *arguments: str, given: str = "", group: str = "dcp") -> Any:
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [node(), _SCRIPTS / script, *arguments],
            input=given,
            env=environment(home, group),
            capture_output=True,
            text=True,
            timeout=_DEADLINE,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)
