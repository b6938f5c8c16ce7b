"""``dcp-evaluator --probe``: what this machine offers to sandboxes, each item tried, not guessed."""

from __future__ import annotations

import ctypes
import json
import os
import platform
import subprocess
from collections.abc import Callable
from typing import Any

from . import _native, features, installation
from .errors import DcpError
from .evaluator import Evaluator
from .gpu_pool import host_environment
from .job import compute_for

_TIMEOUT = 60.0


def run_probe(*, as_json: bool) -> int:
    """Prints the report. Returns 0 where a slice can run, else 2."""
    report = collect()
    print(json.dumps(report, indent=2) if as_json else _for_people(report))
    return 0 if report["slice"]["ok"] else 2


def collect() -> dict[str, Any]:
    """The report, as ``--json`` prints it. Raises nothing: each fault is told in its place."""
    sandbox = _try_sandbox()
    adapters = gpu_adapters()
    return {
        "versions": _versions(),
        "machine": _machine(),
        "slice": sandbox["slice"],
        "features": sandbox["features"],
        "gpu": adapters,
        "isolation": isolation_layers(),
    }


def isolation_layers() -> dict[str, Any]:
    """``{"layers": [{layer, in_force, reason}], "error": text or None}``, measured in a process like a sandbox."""
    layers, error = _ask("dcp-zygote", ["--report-isolation"], {})
    return {"layers": layers, "error": error}


def gpu_adapters() -> dict[str, Any]:
    """``{"adapters": [...], "error": text or None}``; each adapter has the verdict of a compute check."""
    try:
        arguments = ["--library", installation.wgpu_library(), "--probe"]
    except DcpError as error:
        return {"adapters": [], "error": str(error)}
    adapters, problem = _ask("dcp-gpu-host", arguments, host_environment())
    return {"adapters": adapters, "error": problem}


def _ask(program: str, arguments: list[str], environment: dict[str, str]) -> tuple[list[Any], str | None]:
    """The JSON list that one of our programs prints."""
    try:
        command = [installation.executable(program), *arguments]
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=_TIMEOUT, check=False
        )
        answer = json.loads(done.stdout)
        if isinstance(answer, list):
            return answer, None
        return [], f"{program} printed no list"
    except ValueError:
        reason = done.stderr.decode("utf-8", "replace").strip().splitlines()
        return [], f"{program} failed ({done.returncode}){': ' + reason[-1] if reason else ''}"
    except subprocess.TimeoutExpired:
        return [], f"{program} gave no answer within {_TIMEOUT:g} s"
    except OSError as error:
        return [], f"{program} cannot be run: {error.strerror}"
    except DcpError as error:
        return [], str(error)


def _try_sandbox() -> dict[str, Any]:
    """Runs one slice that tries every feature."""
    evaluator = Evaluator()
    try:
        tests = {"javascript": features.JAVASCRIPT, "webassembly": _assemble()}
        job = compute_for([tests], features.TRY_ALL)
        results = job.local_exec(1, progress_timeout=_TIMEOUT, evaluator=evaluator)
        return {"slice": {"ok": True, "error": None, "milliseconds": results.metrics[0].wall}, "features": results[0]}
    except (DcpError, OSError) as error:
        return {"slice": {"ok": False, "error": str(error), "milliseconds": None}, "features": {}}
    finally:
        evaluator.close()


def _assemble() -> dict[str, bytes]:
    try:
        installation.wasmtime_library()
        from wasmtime import wat2wasm

        return {name: bytes(wat2wasm(text)) for name, text in features.WEBASSEMBLY.items()}
    except (DcpError, ImportError, OSError):
        return {}


def _version_of(package: str) -> str:
    try:
        return installation.package_version(package)
    except DcpError:
        return "missing"


def _wgpu_native_version() -> str:
    try:
        number = ctypes.CDLL(installation.wgpu_library()).wgpuGetVersion()
    except (DcpError, OSError, AttributeError):
        return "missing"
    return ".".join(str(number >> shift & 0xFF) for shift in (24, 16, 8, 0))


def _versions() -> dict[str, str]:
    return {
        "dcp-evaluator": installation.VERSION,
        "engine": f"QuickJS-NG {_native.built_quickjs}",
        "wasmtime": _version_of("wasmtime"),
        "wgpu": _version_of("wgpu"),
        "wgpu-native": _wgpu_native_version(),
        "python": platform.python_version(),
        "kernel": platform.release(),
    }


def _field(path: str, name: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                key, _, value = line.partition(":")
                if key.strip() == name:
                    return value.strip()
    except OSError:
        pass
    return None


def _machine() -> dict[str, Any]:
    def mebibytes(name: str) -> int | None:
        value = _field("/proc/meminfo", name)
        return int(value.split()[0]) // 1024 if value else None

    return {
        "cpu": _field("/proc/cpuinfo", "model name") or platform.machine(),
        "cpus": len(os.sched_getaffinity(0)),
        "memory_mib": mebibytes("MemTotal"),
        "memory_available_mib": mebibytes("MemAvailable"),
    }


# --- For people ---


def _for_people(report: dict[str, Any]) -> str:
    machine, one_slice = report["machine"], report["slice"]
    lines = ["Versions"]
    lines += [f"  {name:14} {value}" for name, value in report["versions"].items()]
    lines += ["Machine", f"  CPU            {machine['cpu']}, {machine['cpus']} in use"]
    lines += [f"  memory         {machine['memory_mib']} MiB, {machine['memory_available_mib']} MiB available"]
    if one_slice["ok"]:
        lines += [f"Slice            ran in a sandbox, {one_slice['milliseconds']:.1f} ms"]
    else:
        lines += [f"Slice            CANNOT RUN: {one_slice['error']}"]
    for group, title in (("javascript", "JavaScript"), ("webassembly", "WebAssembly")):
        lines += _feature_lines(title, report["features"].get(group) or {})
    lines += ["GPU", *_section(report["gpu"], "adapters", _adapter_lines, "no adapter: WebGPU is off, all else works")]
    lines += ["Isolation", *_section(report["isolation"], "layers", _layer_lines, "nothing is known")]
    return "\n".join(lines)


def _section(part: dict[str, Any], name: str, lines: Callable[[dict[str, Any]], list[str]], none: str) -> list[str]:
    if part["error"]:
        return [f"  {part['error']}"]
    found = [line for item in part[name] for line in lines(item)]
    return found or [f"  {none}"]


def _feature_lines(title: str, outcomes: dict[str, Any]) -> list[str]:
    works = [name for name, outcome in outcomes.items() if outcome is True]
    fails = [f"{name} ({outcome})" for name, outcome in outcomes.items() if outcome is not True]
    lines = [title, f"  works          {', '.join(works) or 'nothing was tried'}"]
    return lines + ([f"  missing        {', '.join(fails)}"] if fails else [])


def _adapter_lines(adapter: dict[str, Any]) -> list[str]:
    def text(name: str) -> str:
        return str(adapter.get(name) or "?")

    check = adapter.get("compute")
    verdict = "compute check passed" if check is True else f"compute check FAILED: {check}"
    features, limits = adapter.get("features") or [], adapter.get("limits") or {}
    return [
        f"  {text('device')} ({text('vendor')}), {text('type')}, {text('backend')}",
        f"    driver       {text('driver')}",
        f"    {verdict}; {len(limits)} limits, {len(features)} features",
    ]


def _layer_lines(layer: dict[str, Any]) -> list[str]:
    state = "in force" if layer.get("in_force") else "OFF"
    reason = f"  {layer['reason']}" if layer.get("reason") else ""
    return [f"  {layer.get('layer', '?'):22} {state}{reason}"]
