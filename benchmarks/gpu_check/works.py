"""Whether it works as a whole: the probe with its diagnoses, and the project's own tests that take an adapter."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

from .host import run
from .step import Outcome, Settings, StepFailedError, wrapped

_ROOT = Path(__file__).parents[2]
_COMMAND = str(Path(sys.executable).with_name("dcp-evaluator"))
_GRACE = 12.0
"""Seconds of the step that are left for pytest to end."""
_TESTS = ("tests/webgpu", "tests/gpu", "tests/security/test_gpu_host_isolation.py")
_WITHOUT = ("tests/webgpu/test_tfjs.py", "tests/webgpu/test_three.py")  # these need npm's packages
_NO_COMPILER = "No such file or directory: 'cc'"
"""Why a test fails that builds a Vulkan driver for itself."""
_QUICK_TESTS = ("tests/webgpu/test_adapters.py", "tests/webgpu/test_bounds.py")


def probe(settings: Settings) -> Outcome:
    """What an owner would see."""
    output, answer = run([_COMMAND, "--probe", "--json"], os.environ, settings.seconds - 5)
    try:
        report: dict[str, Any] = json.loads(output)
    except ValueError:
        raise StepFailedError(f"dcp-evaluator --probe: {answer.error}", Outcome(answer.said[-6:])) from None
    gpu = report["gpu"]
    data = {name: report.get(name) for name in ("versions", "limits", "slice", "gpu", "gpu_isolation")}
    lines = [f"{adapter['device']}: {_verdict(adapter)}" for adapter in gpu["adapters"]]
    lines += wrapped("diagnoses  ", [each["text"] for each in _diagnoses(gpu)])
    missing = [layer["layer"] for layer in report["gpu_isolation"]["layers"] if not layer["in_force"]]
    lines.append(f"layers of a GPU host that are not in force: {', '.join(missing) or 'none'}")
    if gpu["error"]:
        raise StepFailedError(gpu["error"], Outcome(lines, data))
    return Outcome(lines, data)


def explain(settings: Settings) -> Outcome:
    """The file for a report of a fault, beside the page."""
    file = settings.folder / "explain-gpu.txt"
    _, answer = run([_COMMAND, "--probe", f"--explain-gpu={file}"], os.environ, settings.seconds - 5)
    if answer.error or not file.exists():
        raise StepFailedError(f"dcp-evaluator --probe --explain-gpu: {answer.error}", Outcome(answer.said[-6:]))
    return Outcome([f"{file.name} is beside this page: send it along where a driver is refused"])


def own_tests(settings: Settings) -> Outcome:
    """Those of this project that take an adapter, as many as there is time for."""
    report = (settings.folder / "tests.xml").resolve()
    report.unlink(missing_ok=True)
    chosen = _QUICK_TESTS if settings.quick else _TESTS
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout=60", f"--junitxml={report}"]
    command += [*chosen, *(f"--ignore={path}" for path in _WITHOUT)]
    late = _run_until(command, max(5.0, settings.seconds - _GRACE))
    if not report.exists():
        raise StepFailedError("pytest wrote no report; its last lines are below", late.outcome)
    cases = list(ElementTree.parse(report).iter("testcase"))
    reasons = {f"{case.get('classname')}.{case.get('name')}": _reason(case) for case in cases}
    failed = {name: reason for name, reason in reasons.items() if reason and _NO_COMPILER not in reason}
    unbuilt = sum(reason is not None for reason in reasons.values()) - len(failed)
    skipped = sum(case.find("skipped") is not None for case in cases)
    data = {
        "run": len(cases), "skipped": skipped, "without_compiler": unbuilt, "failed": failed,
        "complete": not late.stopped,
    }  # fmt: skip
    whole = "" if not late.stopped else "; the time was over before the rest"
    passed = len(cases) - len(failed) - skipped - unbuilt
    build = f", {unbuilt} need a C compiler, which is not here" if unbuilt else ""
    lines = [f"{passed} passed, {len(failed)} failed, {skipped} skipped{build}{whole}"]
    lines += [f"{name}: {reason}" for name, reason in failed.items()]
    if failed or not cases:
        raise StepFailedError(f"{len(failed)} tests failed" if failed else "no test ran", Outcome(lines, data))
    return Outcome(lines, data)


class _Run:
    """How pytest ended. ``stopped``: its time was over."""

    def __init__(self, stopped: bool, output: str) -> None:
        self.stopped = stopped
        self.outcome = Outcome(output.splitlines()[-12:])


def _run_until(command: list[str], seconds: float) -> _Run:
    """SIGINT at the end of the time: pytest then writes the report of what it has run."""
    process = subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        output, _ = process.communicate(timeout=seconds)
        return _Run(False, output.decode("utf-8", "replace"))
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
    try:
        output, _ = process.communicate(timeout=_GRACE - 4)
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
    return _Run(True, output.decode("utf-8", "replace"))


def _reason(case: ElementTree.Element) -> str | None:
    """The first line of why a test failed; None where it did not."""
    for kind in ("failure", "error"):
        if (found := case.find(kind)) is not None:
            return (found.get("message") or found.text or kind).strip().splitlines()[0][:160]
    return None


def _verdict(adapter: dict[str, Any]) -> str:
    computes = "computes right" if adapter["compute"]["ok"] else f"fails: {adapter['compute']['error']}"
    return f"{computes}; {'offered' if adapter['offered'] else adapter['refusal']}"


def _diagnoses(gpu: dict[str, Any]) -> list[dict[str, str]]:
    """Of each device that the kernel has, and of drivers that fail alone."""
    found = [each.get("diagnosis") for each in (*gpu.get("devices", []), *gpu["drivers"])]
    return [each for each in found if each]
