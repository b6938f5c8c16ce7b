"""The probe's report as text for people."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterable
from typing import Any

_WIDTH = 110
_MAIN_CPU_FEATURES = (
    "sse4_2",
    "fma",
    "avx",
    "avx2",
    "avx512f",
    "amx_tile",
    "sha_ni",
    "asimd",
    "asimdhp",
    "sve",
    "sve2",
)
_MAIN_LIMITS = (
    "maxBufferSize",
    "maxStorageBufferBindingSize",
    "maxStorageBuffersPerShaderStage",
    "maxComputeInvocationsPerWorkgroup",
    "maxComputeWorkgroupStorageSize",
    "maxComputeWorkgroupsPerDimension",
)


def for_people(report: dict[str, Any]) -> str:
    """``report``: of ``probe.collect``."""
    lines = textwrap.wrap(report["verdict"], _WIDTH, subsequent_indent="  ")
    lines += ["Versions"]
    for name, value in report["versions"].items():
        lines += _item(name, ", ".join(value) or "none" if isinstance(value, list) else value or "missing")
    lines += ["Machine", *_machine_lines(report["machine"])]
    lines += ["Limits", *_limit_lines(report["limits"])]
    lines += ["Slice", *_slice_lines(report["slice"])]
    lines += ["Engines", *_engine_lines(report["engines"])]
    for group, title in (("javascript", "JavaScript"), ("webassembly", "WebAssembly")):
        lines += [title, *_feature_lines(report["features"].get(group) or {})]
        if group == "javascript":
            lines += _edition_lines(report["features"].get("ecmascript") or {})
    lines += ["Python in sandboxes", *_python_lines(report["python"])]
    lines += ["GPU", *_gpu_lines(report["gpu"])]
    for part, title in (("isolation", "Isolation of sandboxes"), ("gpu_isolation", "Isolation of GPU hosts")):
        lines += [title, *_section(report[part], "layers", _layer_lines, "nothing is known")]
    lines += ["Worktimes, the environments that jobs ask for by name", *_worktime_lines(report["worktimes"])]
    return "\n".join(lines)


def _item(name: str, text: Any, indent: int = 2) -> list[str]:
    """One item; its text is folded below itself."""
    head = f"{' ' * indent}{name:{21 - indent}} "
    folded = textwrap.wrap(
        str(text), _WIDTH, initial_indent=head, subsequent_indent=" " * len(head), break_on_hyphens=False
    )
    return folded or [head.rstrip()]


def _machine_lines(machine: dict[str, Any]) -> list[str]:
    memory = ", ".join(
        f"{machine[key]} MiB{suffix}"
        for key, suffix in (("memory_mib", ""), ("memory_available_mib", " available"))
        if machine[key] is not None
    )
    cpus = f"{machine['cpus_usable']} of {machine['cpus']} CPUs usable"
    cores = "" if machine["cores"] is None else f", {machine['cores']} cores"
    features = _list(name for name in _MAIN_CPU_FEATURES if name in machine["cpu_features"])
    return [
        *_item("CPU", f"{machine['cpu']}, {machine['architecture']}, {cpus}{cores}"),
        *_item("CPU features", f"{features or 'none of note'}; all {len(machine['cpu_features'])} with --json"),
        *_item("memory", memory or "unknown"),
    ]


def _limit_lines(limits: dict[str, Any]) -> list[str]:
    def text(name: str, unit: str) -> str:
        return "no limit" if limits[name] is None else f"{limits[name]:g}{unit}"

    groups = limits["control_groups"]
    gpu = f"memory {text('gpu_memory_mib', ' MiB')}, staging {text('gpu_staging_mib', ' MiB')}"
    return [
        *_item("control groups", f"{'one for each sandbox' if groups['in_force'] else 'NONE'}: {groups['reason']}"),
        *_item("control group", f"CPU {text('cpu_quota', ' CPUs')}, memory {text('memory_mib', ' MiB')}"),
        *_item("user", f"processes {text('processes', '')}, open files {text('open_files', '')}"),
        *_item("GPU, each sandbox", f"{gpu}, submission {text('gpu_timeout_s', ' s')}"),
    ]


def _worktime_lines(worktimes: dict[str, Any]) -> list[str]:
    def text(items: list[dict[str, Any]]) -> str:
        return _list(f"{item['name']} {_list(item['versions'])}" for item in items)

    lines = _item("Python API", text(worktimes["local"]))
    if worktimes["error"] or worktimes["files"] is not None:
        lines += _item("start-up files", worktimes["error"] or text(worktimes["files"]) or "none")
        if worktimes["capabilities"] is not None:
            lines += _item("capabilities", json.dumps(worktimes["capabilities"]))
        return lines
    return lines + _item("start-up files", "none were given: dcp-evaluator --probe FILE...")


def _slice_lines(outcome: dict[str, Any]) -> list[str]:
    if outcome["ok"]:
        return _item("in a sandbox", f"ran, {outcome['milliseconds']:.1f} ms")
    return _item("in a sandbox", f"CANNOT RUN: {outcome['error']}")


def _engine_lines(tried: dict[str, Any]) -> list[str]:
    lines = []
    for name, engine in tried.items():
        outcome = engine["slice"]
        said = f"ran, {outcome['milliseconds']:.1f} ms" if outcome["ok"] else str(outcome["error"])
        lines += _item(name, f"{engine['version']}: {said}" if engine["version"] else f"not installed: {said}")
    return lines


def _python_lines(python: dict[str, Any]) -> list[str]:
    lines = []
    for each in python["distributions"]:
        lines += _item(
            f"Pyodide {each['version']}", f"Python {each['python']}, {each['packages']} packages in {each['folder']}"
        )
    if python["cold_ms"] is not None:
        loaded = f" with {_list(python['modules'])}" if python["modules"] else ""
        later = f"{python['warm_ms']:.0f} ms in a new sandbox"
        lines += _item("first result", f"{python['cold_ms']:.0f} ms{loaded}, later {later}")
    return lines + _item("error" if lines else "not installed", python["error"]) if python["error"] else lines


def _section(part: dict[str, Any], name: str, lines: Callable[[dict[str, Any]], list[str]], none: str) -> list[str]:
    if part["error"]:
        return textwrap.wrap(part["error"], _WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
    return [line for item in part[name] for line in lines(item)] or [f"  {none}"]


def _feature_lines(outcomes: dict[str, Any]) -> list[str]:
    works = _list(name for name, outcome in outcomes.items() if outcome is True)
    lines = _item("works", works or "nothing was tried")
    failed: dict[str, list[str]] = {}
    for name, outcome in outcomes.items():
        if outcome is not True:
            failed.setdefault(str(outcome), []).append(name)
    for reason, names in failed.items():
        lines += _item("missing", f"{_list(names)}: {reason}")
    return lines


def _edition_lines(editions: dict[str, Any]) -> list[str]:
    parts = [f"{name} but for {_list(has['missing'])}" if has["missing"] else name for name, has in editions.items()]
    return _item("of ECMA-262", _list(parts)) if parts else []


def _adapter_lines(adapter: dict[str, Any]) -> list[str]:
    def text(name: str) -> str:
        return str(adapter.get(name) or "unknown")

    check, limits = adapter.get("compute") or {}, adapter.get("limits") or {}
    lines = [f"  {text('device')}"]
    for name in ("vendor", "type", "backend", "driver", "description"):
        lines += _item(name, text(name), 4)
    if adapter.get("identity"):
        lines += _item("identity", text("identity"), 4)
    verdict = "passed, the result is right" if check.get("ok") is True else f"FAILED: {check.get('error') or 'unknown'}"
    if check.get("ok") is True and "seconds" in check:
        verdict += f", {check['seconds']:.2f} s after the start of the driver"
    lines += _item("compute check", verdict, 4)
    index = adapter.get("index")
    offer = "offered" if adapter.get("offered") else f"not offered: {adapter.get('refusal')}"
    lines += _item("to sandboxes", offer if index is None else f"{offer} (device {index})", 4)
    lines += _item("features", _list(adapter.get("features") or []) or "none", 4)
    main = [f"{name} {limits[name]}" for name in _MAIN_LIMITS if name in limits]
    return lines + _item("limits", f"{_list(main)}; all {len(limits)} with --json", 4)


def _gpu_lines(gpu: dict[str, Any]) -> list[str]:
    lines = [line for device in gpu["devices"] for line in _device_lines(device)] or _no_device_lines(gpu)
    lines += _section(gpu, "adapters", _adapter_lines, "no adapter: WebGPU is off, all else works")
    if gpu["opengl_error"]:
        lines += _item("OpenGL", f"{gpu['opengl_error']}; sandboxes do not use it")
    return lines + [line for driver in gpu["drivers"] for line in _driver_lines(driver)]


def _device_lines(device: dict[str, Any]) -> list[str]:
    diagnosis = device["diagnosis"]
    return _item(diagnosis["code"].replace("_", " "), diagnosis["text"])


def _no_device_lines(gpu: dict[str, Any]) -> list[str]:
    software = dict.fromkeys(str(adapter.get("device")) for adapter in gpu["adapters"] if adapter.get("type") == "cpu")
    return _item("no GPU", f"{_list(software)} is software, on the CPU" if software else "the kernel has none")


def _driver_lines(driver: dict[str, Any]) -> list[str]:
    """Its diagnosis is in the error above."""
    said = "works alone" if driver["ok"] else f"fails alone: {driver['error']}"
    indent = " " * 4
    return [f"  {driver['manifest']}", *textwrap.wrap(said, _WIDTH, initial_indent=indent, subsequent_indent=indent)]


def _layer_lines(layer: dict[str, Any]) -> list[str]:
    state = "in force" if layer.get("in_force") is True else "OFF"
    reason = f": {layer['reason']}" if layer.get("reason") else ""
    remedy = f"; remedy: {layer['remedy']}" if layer.get("remedy") else ""
    return _item(str(layer.get("layer")), f"{state}{reason}{remedy}")


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)
