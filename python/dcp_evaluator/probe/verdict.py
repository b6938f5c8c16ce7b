"""The probe's report in one line."""

from __future__ import annotations

from typing import Any

WHOLE = ("works", "offered_twice", "display_only")
"""Codes of diagnoses of a GPU that lacks nothing."""


def verdict(report: dict[str, Any]) -> str:
    """Such as ``Ready: 2 CPUs, 1 GPU (software), isolation complete``."""
    if not report["slice"]["ok"]:
        return "Not ready: no slice can run"
    cpus = report["machine"]["cpus_usable"]
    parts = [count(cpus, "CPU"), gpu_verdict(report["gpu"]), _isolation(report)]
    return f"Ready: {', '.join(parts)}"


def gpu_verdict(gpu: dict[str, Any]) -> str:
    """What sandboxes get, and what of the machine they do not."""
    offered = [a for a in gpu["adapters"] if a["offered"] and (a.get("compute") or {}).get("ok") is True]
    hardware = [adapter for adapter in offered if adapter.get("type") != "cpu"]
    software = "1 GPU (software)" if offered else "no GPU"
    text = count(len(hardware), "GPU") if hardware else software
    useless = sum(device["diagnosis"]["code"] not in WHOLE for device in gpu["devices"])
    return f"{text}, {count(useless, 'GPU')} that cannot be used" if useless else text


def _isolation(report: dict[str, Any]) -> str:
    parts = [report[name] for name in ("isolation", "gpu_isolation")]
    if any(part["error"] for part in parts):
        return "isolation unknown"
    missing = sum(not layer["in_force"] for part in parts for layer in part["layers"])
    return f"isolation without {count(missing, 'layer')}" if missing else "isolation complete"


def count(number: int, what: str) -> str:
    """As ``1 GPU`` and ``2 GPUs``."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
