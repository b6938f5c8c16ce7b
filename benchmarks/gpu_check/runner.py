"""Runs steps one after the other, each in a process of its own with a time limit, and keeps what each found."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any

from dcp_evaluator.settings import installation

from .processes import adopt_orphans, children
from .step import DoesNotApplyError, Outcome, Settings, Step, StepFailedError, result_file, write_json

DONE = ("ok", "does not apply")
"""Verdicts of steps that are not run again."""
_LEAST_SECONDS = 2.0
_UUID = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)
_LAST_LINES = 12

Result = dict[str, Any]


def identity(settings: Settings) -> str:
    """Of what results belong to: this build, this kernel and its drivers, these settings. Others' are not reused."""
    host = Path(installation.executable("dcp-gpu-host")).read_bytes()
    versions = (Path("/sys/module/nvidia/version"), Path("/proc/sys/kernel/osrelease"))
    parts = [
        hashlib.sha256(host).hexdigest(),
        installation.package_version("wgpu"),
        *(file.read_text(encoding="ascii") for file in versions if file.exists()),
        *sorted(f"{name}={value}" for name, value in os.environ.items() if name.startswith("VK_")),
        f"{settings.quick} {settings.device}",
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def run_all(
    steps: Iterable[Step],
    settings: Settings,
    *,
    only: Collection[str],
    again: bool,
    seconds: float,
    tell: Callable[[str], None],
) -> list[Result]:
    """The results of all steps, in order. ``seconds``: of all steps together; what they have no time for is not run.

    A step that is done is taken from its file, unless ``again`` is set or the file belongs to something else. Of steps
    that are not among ``only`` the last result is shown; empty: all are run.
    """
    adopt_orphans()
    belongs_to, until, results = identity(settings), time.monotonic() + seconds, []
    for number, step in enumerate(steps, 1):
        asked = not only or step.name in only
        last = _last(settings.folder, step.name, belongs_to)
        if not asked:
            last = last or _result("not run", "not asked for")
        elif again or (last and last["verdict"] not in DONE):
            last = None
        if last is None:
            tell(f"{number:2} {step.title} ...")
        result = last or _run_within(step, settings, until - time.monotonic())
        if last is None:
            tell(f"   {result['verdict']}, {result['seconds']:.1f} s")
            write_json(result_file(settings.folder, step.name), {**result, "belongs_to": belongs_to})
        results.append({"name": step.name, "title": step.title, "kept": last is not None, **result})
    return results


def _run_within(step: Step, settings: Settings, left: float) -> Result:
    if left < _LEAST_SECONDS:
        return _result("not run", "the time of all steps was over; the same command goes on from here")
    return _run(step, settings, min(step.limit, left))


def run_one(step: Step, settings: Settings, file: Path) -> None:
    """In the step's own process: runs it, and writes what became of it."""
    begun = time.monotonic()
    try:
        outcome, verdict, error = step.run(settings), "ok", None
    except DoesNotApplyError as reason:
        outcome, verdict, error = Outcome(), "does not apply", str(reason)
    except StepFailedError as failure:
        outcome, verdict, error = failure.outcome, "failed", str(failure)
    except Exception as unforeseen:  # one step that fails is to be told, whatever it is
        outcome, verdict, error = Outcome(), "failed", f"{type(unforeseen).__name__}: {unforeseen}"
    write_json(file, _without_names(_result(verdict, error, time.monotonic() - begun, outcome)))


def _without_names(result: Result) -> Result:
    """Paths tell who runs this, and where; a UUID tells which GPU it is of all in the world."""
    text = _UUID.sub("UUID", json.dumps(result))
    for path, name in ((Path(__file__).parents[2], "PROJECT"), (Path.home(), "~")):
        text = text.replace(json.dumps(str(path))[1:-1], name)
    cleaned: Result = json.loads(text)
    return cleaned


def _run(step: Step, settings: Settings, limit: float) -> Result:
    file = settings.folder / "steps" / f"{step.name}.new"
    file.unlink(missing_ok=True)
    command = [sys.executable, "-m", "gpu_check", "--step", step.name, "--seconds", f"{limit:.1f}"]
    command += ["--out", str(settings.folder), *(["--quick"] if settings.quick else [])]
    command += ["--device", str(settings.device)] if settings.device is not None else []
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    log = file.with_suffix(".log")
    log.parent.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    try:
        status: int | None = process.wait(limit)
    except subprocess.TimeoutExpired:
        status = None
    finally:
        _end(process)
    result = _taken(file)
    if result is None:
        how = f"it took longer than its {limit:.0f} s" if status is None else f"its process ended with {status}"
        outcome = Outcome(_last_lines(log))
        result = _result("failed" if status is not None else "timed out", how, time.monotonic() - begun, outcome)
    return result


def _end(process: subprocess.Popen[bytes]) -> None:
    """The step's process and all that it has started, whatever session they are in."""
    process.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(5)  # a process that hangs in the kernel is left behind
    until = time.monotonic() + 5
    while (orphans := children()) and time.monotonic() < until:
        for pid in orphans:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        time.sleep(0.01)


def _taken(file: Path) -> Result | None:
    try:
        result: Result = json.loads(file.read_text(encoding="utf-8"))
        file.unlink()
    except (OSError, ValueError):
        return None
    return result


def _last(folder: Path, name: str, belongs_to: str) -> Result | None:
    try:
        result: Result = json.loads(result_file(folder, name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return result if result.pop("belongs_to", None) == belongs_to else None


def _result(verdict: str, error: str | None, seconds: float = 0.0, outcome: Outcome | None = None) -> Result:
    found = outcome or Outcome()
    return {"verdict": verdict, "error": error, "seconds": seconds, "lines": found.lines, "data": found.data}


def _last_lines(log: Path) -> list[str]:
    return log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:]
