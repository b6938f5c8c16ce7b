"""What an adapter can compute at most: additions and multiplications in single precision, on paper."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_GPUS = {
    "NVIDIA GeForce RTX 4090": 82.6,
    "NVIDIA GeForce RTX 3090": 35.6,
    "NVIDIA H200": 66.9,
    "NVIDIA H100 PCIe": 51.2,
    "NVIDIA H100": 66.9,
    "NVIDIA A100": 19.5,
    "NVIDIA A40": 37.4,
    "NVIDIA A10": 31.2,
    "NVIDIA L40S": 91.6,
    "NVIDIA L4": 30.3,
    "Tesla V100": 15.7,
    "Tesla T4": 8.1,
}
"""TFLOP/s by what a name begins with, longer ones first: FP32 outside of tensor cores at boost clock, as the vendors'
data sheets have it."""

_SWIFTSHADER_BITS = 128
_FMA_UNITS = 2
"""Of a core, as x86 has had them since Haswell and Zen 2."""
_CPUINFO = Path("/proc/cpuinfo")
_MOST = Path("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq")


def peak_gflops(adapter: dict[str, Any], machine: dict[str, Any]) -> float | None:
    """In GFLOP/s; None where the adapter is not known. ``adapter``, ``machine``: as the probe gives them.

    An adapter in software: cores x clock x lanes x units x 2, where the CPU has fused multiplication and addition.
    """
    if adapter["type"] == "cpu":
        return _software(adapter["device"], machine)
    name = adapter["device"]
    return next((1e3 * peak for known, peak in _GPUS.items() if re.match(rf"{known}\b(?! Laptop)", name)), None)


def _software(device: str, machine: dict[str, Any]) -> float | None:
    width = re.search(r"(\d+) bits\)", device)  # llvmpipe tells it
    bits = int(width[1]) if width else _SWIFTSHADER_BITS if "SwiftShader" in device else None
    clock = _gigahertz()
    if bits is None or clock is None or "fma" not in machine["cpu_features"]:
        return None
    return float((machine["cores"] or machine["cpus_usable"]) * clock * (bits // 32) * _FMA_UNITS * 2)


def _gigahertz() -> float | None:
    """The highest clock of a core, as far as the kernel tells."""
    try:
        return int(_MOST.read_text(encoding="ascii")) / 1e6
    except (OSError, ValueError):
        pass
    try:
        found = re.findall(r"^cpu MHz\s*: ([\d.]+)", _CPUINFO.read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        return None
    return max(map(float, found)) / 1e3 if found else None
