"""The probe's report as text for people."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable
from typing import Any

_WIDTH = 110
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
    lines = ["Versions"]
    for name, value in report["versions"].items():
        lines += _item(name, ", ".join(value) or "none" if isinstance(value, list) else value or "missing")
    lines += ["Machine", *_machine_lines(report["machine"])]
    lines += ["Slice", *_slice_lines(report["slice"])]
    for group, title in (("javascript", "JavaScript"), ("webassembly", "WebAssembly")):
        lines += [title, *_feature_lines(report["features"].get(group) or {})]
    lines += ["GPU", *_section(report["gpu"], "adapters", _adapter_lines, "no adapter: WebGPU is off, all else works")]
    for part, title in (("isolation", "Isolation of sandboxes"), ("gpu_isolation", "Isolation of GPU hosts")):
        lines += [title, *_section(report[part], "layers", _layer_lines, "nothing is known")]
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
    return [
        *_item("CPU", f"{machine['cpu']}, {machine['architecture']}, {cpus}"),
        *_item("memory", memory or "unknown"),
    ]


def _slice_lines(outcome: dict[str, Any]) -> list[str]:
    if outcome["ok"]:
        return _item("in a sandbox", f"ran, {outcome['milliseconds']:.1f} ms")
    return _item("in a sandbox", f"CANNOT RUN: {outcome['error']}")


def _section(part: dict[str, Any], name: str, lines: Callable[[dict[str, Any]], list[str]], none: str) -> list[str]:
    if part["error"]:
        return [f"  {part['error']}"]
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


def _adapter_lines(adapter: dict[str, Any]) -> list[str]:
    def text(name: str) -> str:
        return str(adapter.get(name) or "unknown")

    check, limits = adapter.get("compute") or {}, adapter.get("limits") or {}
    lines = [f"  {text('device')}"]
    for name in ("vendor", "type", "backend", "driver", "description"):
        lines += _item(name, text(name), 4)
    verdict = "passed, the result is right" if check.get("ok") is True else f"FAILED: {check.get('error') or 'unknown'}"
    lines += _item("compute check", verdict, 4)
    index = adapter.get("index")
    offer = "offered" if adapter.get("offered") else f"not offered: {adapter.get('refusal')}"
    lines += _item("to sandboxes", offer if index is None else f"{offer} (device {index})", 4)
    lines += _item("features", _list(adapter.get("features") or []) or "none", 4)
    main = [f"{name} {limits[name]}" for name in _MAIN_LIMITS if name in limits]
    return lines + _item("limits", f"{_list(main)}; all {len(limits)} with --json", 4)


def _layer_lines(layer: dict[str, Any]) -> list[str]:
    state = "in force" if layer.get("in_force") is True else "OFF"
    reason = f": {layer['reason']}" if layer.get("reason") else ""
    remedy = f"; remedy: {layer['remedy']}" if layer.get("remedy") else ""
    return _item(str(layer.get("layer")), f"{state}{reason}{remedy}")


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)
