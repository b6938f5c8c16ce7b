"""``dcp-evaluator --probe``: what this machine offers to sandboxes, each item tried, not guessed."""

from __future__ import annotations

import itertools
import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

from . import _native, features, installation
from .child import describe_signal
from .errors import DcpError
from .evaluator import Evaluator
from .gpu_options import GpuOptions
from .host_environment import host_environment
from .job import compute_for

_TIMEOUT = 60.0  # seconds for each part; a driver may compile for long when it is first used
_OFFERED = ("vulkan",)  # backends on which WebGPU is whole


def run_probe(gpu: GpuOptions | None = None, *, as_json: bool) -> int:
    """Prints the report. Returns 0 where a slice can run, else 2."""
    from .probe_text import for_people

    report = collect(gpu)
    print(json.dumps(report, indent=2) if as_json else for_people(report))
    return 0 if report["slice"]["ok"] else 2


def collect(options: GpuOptions | None = None) -> dict[str, Any]:
    """The report, as ``--json`` prints it. Raises nothing: each fault is told in its place."""
    gpu = gpu_adapters(options)
    return {
        "versions": _versions(gpu),
        "machine": _machine(),
        **_try_sandbox(),
        "gpu": gpu,
        "isolation": isolation_layers(),
        "gpu_isolation": isolation_layers("dcp-gpu-host"),
    }


def isolation_layers(program: str = "dcp-zygote") -> dict[str, Any]:
    """``{"layers": [{layer, in_force, reason, remedy}], "error": text or None}``, measured in a process like a sandbox,
    or like a GPU host.
    """
    layers, error = _ask(program, ["--report-isolation"], {}, list)
    return {"layers": layers or [], "error": error}


def gpu_adapters(options: GpuOptions | None = None) -> dict[str, Any]:
    """``{"version": wgpu-native's or None, "adapters": [...], "error": text or None}``.

    Each adapter has ``compute``: ``{"ok": bool, "error": text}``, the verdict of a shader whose result was verified,
    ``index``: its number in ``--gpu-devices``, None where sandboxes cannot have it; and ``offered``: whether they are
    offered it, else ``refusal``: why not.
    """
    try:
        arguments = ["--library", installation.wgpu_library(), "--probe"]
    except DcpError as error:
        return {"version": None, "adapters": [], "error": str(error)}
    answer, problem = _ask("dcp-gpu-host", arguments, host_environment(), dict)
    report = {"version": None, "adapters": [], **(answer or {}), "error": problem}
    indices = itertools.count()
    for adapter in report["adapters"]:
        possible = adapter.get("backend") in _OFFERED
        adapter["index"] = next(indices) if possible else None
        adapter["refusal"] = "WebGPU needs a Vulkan driver"
        if possible:
            adapter["refusal"] = (options or GpuOptions()).refusal(adapter["index"], adapter)
        adapter["offered"] = adapter["refusal"] is None
    return report


def _ask(
    program: str, arguments: list[str], environment: dict[str, str], kind: type[Any]
) -> tuple[Any, None] | tuple[None, str]:
    """The JSON value that one of our programs prints, or the reason why there is none.

    A process of its own: a driver that crashes or hangs does not take the probe along.
    """
    try:
        command = [installation.executable(program), *arguments]
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=_TIMEOUT, check=False
        )
        answer = json.loads(done.stdout)
        return (answer, None) if isinstance(answer, kind) else (None, f"{program} printed something unknown")
    except ValueError:
        ended = describe_signal(-done.returncode) if done.returncode < 0 else f"exit {done.returncode}"
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        return None, ": ".join([f"{program} failed ({ended})", *(line.removeprefix(f"{program}: ") for line in last)])
    except subprocess.TimeoutExpired:
        return None, f"{program} gave no answer within {_TIMEOUT:g} s"
    except OSError as error:
        return None, f"{program} cannot be run: {error.strerror}"
    except DcpError as error:
        return None, str(error)


def _try_sandbox() -> dict[str, Any]:
    """Runs one slice that tries every feature: ``{"slice": {ok, error, milliseconds}, "features": {group: ...}}``."""
    modules, problems = _assemble()
    tests = {"javascript": features.JAVASCRIPT, "webassembly": modules}
    try:
        with Evaluator() as evaluator:
            job = compute_for([tests], features.TRY_ALL)
            results = job.local_exec(1, progress_timeout=_TIMEOUT, evaluator=evaluator).wait()
            found, milliseconds = results[0], results.metrics[0].wall
    except (DcpError, OSError) as error:
        return {"slice": {"ok": False, "error": str(error), "milliseconds": None}, "features": {}}
    found["webassembly"].update(problems)
    return {"slice": {"ok": True, "error": None, "milliseconds": milliseconds}, "features": found}


def _assemble() -> tuple[dict[str, bytes], dict[str, str]]:
    """The WebAssembly modules to try, and for those that there are none of, the reason."""
    modules, problems = {}, {}
    try:
        installation.wasmtime_library()
        from wasmtime import WasmtimeError, wat2wasm
    except (DcpError, ImportError, OSError, RuntimeError) as error:
        return {}, dict.fromkeys(features.WEBASSEMBLY, str(error))
    for name, text in features.WEBASSEMBLY.items():
        try:
            modules[name] = bytes(wat2wasm(text))
        except WasmtimeError as error:
            problems[name] = str(error)
    return modules, problems


# --- Versions and the machine ---


def _versions(gpu: dict[str, Any]) -> dict[str, Any]:
    drivers = {str(item.get("description") or item.get("driver")) for item in gpu["adapters"]}
    return {
        "dcp-evaluator": installation.VERSION,
        "engine": f"QuickJS-NG {_native.built_quickjs}",
        "wasmtime": _version_of("wasmtime"),
        "wgpu": _version_of("wgpu"),
        "wgpu-native": gpu["version"],
        "drivers": sorted(drivers),
        "python": platform.python_version(),
        "kernel": platform.release(),
        "system": _system(),
    }


def _version_of(package: str) -> str | None:
    try:
        return installation.package_version(package)
    except DcpError:
        return None


def _system() -> str | None:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME")
    except OSError:
        return None


def _machine() -> dict[str, Any]:
    return {
        "cpu": _field("/proc/cpuinfo", "model name") or platform.machine(),
        "architecture": platform.machine(),
        "cpus": os.cpu_count(),
        "cpus_usable": len(os.sched_getaffinity(0)),
        "memory_mib": _mebibytes("MemTotal"),
        "memory_available_mib": _mebibytes("MemAvailable"),
    }


def _mebibytes(name: str) -> int | None:
    value = (_field("/proc/meminfo", name) or "").partition(" ")[0]
    return int(value) // 1024 if value.isdigit() else None


def _field(path: str, name: str) -> str | None:
    """The value of the first line ``name: value`` of a file of the kernel's."""
    try:
        with Path(path).open(encoding="utf-8", errors="replace") as file:
            for line in file:
                key, _, value = line.partition(":")
                if key.strip() == name:
                    return value.strip()
    except OSError:
        pass
    return None
