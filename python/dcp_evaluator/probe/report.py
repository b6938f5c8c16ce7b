"""``dcp-evaluator --probe``: what this machine offers to sandboxes, each item tried, not guessed."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import DcpError, UsageError
from ..gpu.options import GpuOptions
from ..jobs.compute_for import compute_for
from ..processes.ask import TIMEOUT, ask
from ..settings import engines, installation
from ..settings.settings import ENGINES, Settings
from ..supervision.evaluator import Evaluator
from . import features
from .gpu import Findings, examine
from .machine import limits, machine, operating_system
from .python import python_report
from .verdict import verdict
from .worktimes import worktimes

SCHEMA_VERSION = 1
"""Grows when a member of the report changes its meaning or goes; new members may come without."""


def run_probe(
    files: Sequence[str],
    settings: Settings,
    gpu: GpuOptions | None = None,
    *,
    as_json: bool,
    explain: str | None = None,
) -> int:
    """Prints the report. Returns 0 where a slice can run, else 2.

    ``explain``: a file to write all to that is known of the GPUs; stderr tells where it is. Raises UsageError where it
    cannot be written.
    """
    from .text import for_people

    if explain is not None:
        _write(explain, "")  # before minutes are spent
    findings = examine(settings, gpu, thorough=explain is not None)
    report = collect(findings, settings, files, gpu)
    print(json.dumps(report, indent=2) if as_json else for_people(report))
    if explain is not None:
        from .explanation import explanation

        _write(explain, explanation(findings, report))
        print(f"dcp-evaluator: what it found out about GPUs is in {Path(explain).resolve()}", file=sys.stderr)
    return 0 if report["slice"]["ok"] else 2


def _write(path: str, text: str) -> None:
    try:
        Path(path).write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"cannot write {path!r}: {error.strerror}") from None


def collect(
    findings: Findings,
    settings: Settings,
    files: Sequence[str] = (),
    options: GpuOptions | None = None,
    *,
    time_python: bool = True,
) -> dict[str, Any]:
    """The report, as ``--json`` prints it. Raises nothing: each fault is told in its place.

    ``findings``: about GPUs, with these ``options``. ``files``: start-up files, whose worktimes are asked for.
    ``time_python``: whether a slice in Python is run, which takes long.
    """
    gpu = findings.report
    tried = {engine: _try_engine(engine, settings) for engine in ENGINES if engine != "auto"}
    default = tried[engines.chosen(settings)]
    python = python_report(settings, timed=time_python)
    report = {
        "schema": {"name": "dcp-evaluator-probe", "version": SCHEMA_VERSION},
        "versions": _versions(gpu, settings),
        "machine": machine(),
        "limits": limits(options),
        "slice": default["slice"],
        "features": default["features"],
        "engines": tried,
        "python": python,
        "worktimes": worktimes(files, settings, [each["version"] for each in python["distributions"]]),
        "gpu": gpu,
        "isolation": isolation_layers(),
        "gpu_isolation": isolation_layers("dcp-gpu-host"),
    }
    return {"verdict": verdict(report), **report}


def isolation_layers(program: str = "dcp-zygote") -> dict[str, Any]:
    """``{"layers": [{layer, in_force, reason, remedy}], "error": text or None}``, measured in a process like a sandbox,
    or like a GPU host.
    """
    layers, error = ask(program, ["--report-isolation"], {}, list)
    return {"layers": layers or [], "error": error}


def _try_engine(engine: str, settings: Settings) -> dict[str, Any]:
    """``{"version": text, "slice": {ok, error, milliseconds}, "features": {group: ...}}``; the slice tries them all."""
    problem = engines.missing(engine, settings)
    if problem is not None:
        return {"version": None, "slice": {"ok": False, "error": problem, "milliseconds": None}, "features": {}}
    return {"version": engines.description(engine, settings), **_try_sandbox(settings.with_engine(engine))}


def _try_sandbox(settings: Settings) -> dict[str, Any]:
    modules, problems = _assemble(features.WEBASSEMBLY)
    api_modules, api_problems = _assemble(features.API_MODULES)
    api = {} if api_problems else features.WEBASSEMBLY_API
    javascript = {name: body for edition in features.ECMASCRIPT.values() for name, body in edition.items()}
    tests = {"javascript": javascript, "webassembly": modules, "api": api, "modules": api_modules}
    try:
        with Evaluator.of(settings) as evaluator:
            job = compute_for([tests], features.TRY_ALL)
            results = job.local_exec(1, progress_timeout=TIMEOUT, evaluator=evaluator).wait()
            found, milliseconds = results[0], results.metrics[0].wall
    except (DcpError, OSError) as error:
        return {"slice": {"ok": False, "error": str(error), "milliseconds": None}, "features": {}}
    found["webassembly"].update(problems)
    found["ecmascript"] = _editions(found["javascript"])
    return {"slice": {"ok": True, "error": None, "milliseconds": milliseconds}, "features": found}


def _editions(outcomes: dict[str, Any]) -> dict[str, Any]:
    """For each edition of ECMA-262 what of it is missing, of what was tried."""
    editions = {name: tests for name, tests in features.ECMASCRIPT.items() if name.startswith("ES")}
    return {
        edition: {"missing": [name for name in tests if outcomes[name] is not True]}
        for edition, tests in editions.items()
    }


def _assemble(texts: dict[str, str]) -> tuple[dict[str, bytes], dict[str, str]]:
    """The WebAssembly modules to try, and for those that there are none of, the reason."""
    modules, problems = {}, {}
    try:
        installation.wasmtime_library()
        from wasmtime import WasmtimeError, wat2wasm
    except (DcpError, ImportError, OSError, RuntimeError) as error:
        return {}, dict.fromkeys(texts, str(error))
    for name, text in texts.items():
        try:
            modules[name] = bytes(wat2wasm(text))
        except WasmtimeError as error:
            problems[name] = str(error)
    return modules, problems


def _versions(gpu: dict[str, Any], settings: Settings) -> dict[str, Any]:
    drivers = {str(item.get("description") or item.get("driver")) for item in gpu["adapters"]}
    return {
        "dcp-evaluator": installation.VERSION,
        "engine": engines.description(engines.chosen(settings), settings),
        "wasmtime": _version_of("wasmtime"),
        "wgpu": _version_of("wgpu"),
        "wgpu-native": gpu["version"],
        "drivers": sorted(drivers),
        "python": platform.python_version(),
        "kernel": platform.release(),
        "libc": " ".join(platform.libc_ver()).strip() or None,
        "system": operating_system()["name"],
    }


def _version_of(package: str) -> str | None:
    try:
        return installation.package_version(package)
    except DcpError:
        return None
