"""The GPU's part of the probe: each adapter with a shader whose result was verified, and which driver is to blame."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from . import installation, isolation
from .errors import DcpError
from .gpu_options import GpuOptions
from .host_environment import host_environment
from .probe_program import TIMEOUT, ask

_OFFERED = ("vulkan",)  # backends on which WebGPU is whole
_TWICE = "the same GPU through another driver"
_CHOICES = ("VK_DRIVER_FILES", "VK_ICD_FILENAMES")


def gpu_adapters(options: GpuOptions | None = None) -> dict[str, Any]:
    """``{"version": wgpu-native's or None, "adapters": [...], "error": text or None, "drivers": [...]}``.

    Each adapter has ``compute``: ``{"ok": bool, "error": text}``, the verdict of a shader whose result was verified,
    ``index``: its number in ``--gpu-devices``, None where sandboxes cannot have it; and ``offered``: whether they are
    offered it, else ``refusal``: why not. ``drivers``: where all drivers together gave no answer, each Vulkan driver
    tried alone: ``{"manifest": path, "ok": bool, "error": text or None}``.
    """
    gpu = options or GpuOptions()
    timeout = gpu.timeout or TIMEOUT
    try:
        command = ["--library", installation.wgpu_library(), "--probe", *isolation.arguments()]
    except DcpError as error:
        return {"version": None, "adapters": [], "error": str(error), "drivers": []}
    answer, problem = ask("dcp-gpu-host", command, host_environment(), dict, timeout)
    report = {"version": None, "adapters": [], **(answer or {}), "error": problem, "drivers": []}
    if problem is not None:
        report["drivers"] = _drivers(command, timeout)
        if broken := [driver["manifest"] for driver in report["drivers"] if not driver["ok"]]:
            report["error"] += (
                f"; alone, {' and '.join(broken)} fails: repair that driver, or name others in {_CHOICES[0]}"
            )
    _say_what_is_offered(report["adapters"], gpu)
    return report


def _say_what_is_offered(adapters: list[dict[str, Any]], gpu: GpuOptions) -> None:
    indices = itertools.count()
    seen: set[object] = set()
    for adapter in adapters:
        possible = adapter.get("backend") in _OFFERED
        twice = possible and adapter.get("identity") in seen
        seen.add(adapter.get("identity"))
        adapter["index"] = next(indices) if possible and not twice else None
        if not possible:
            adapter["refusal"] = "WebGPU needs a Vulkan driver"
        else:
            adapter["refusal"] = _TWICE if twice else gpu.refusal(adapter["index"], adapter)
        adapter["offered"] = adapter["refusal"] is None


def _drivers(command: list[str], timeout: float) -> list[dict[str, Any]]:
    """Each driver alone, all at once: one that hangs costs the time of one. Nothing where none alone fails or works."""
    manifests = list(_manifests())

    def alone(manifest: str) -> dict[str, Any]:
        environment = {name: value for name, value in host_environment().items() if name not in _CHOICES}
        environment |= {_CHOICES[0]: manifest, _CHOICES[1]: manifest}
        _, error = ask("dcp-gpu-host", command, environment, dict, timeout)
        return {"manifest": manifest, "ok": error is None, "error": error}

    if not manifests:
        return []
    with ThreadPoolExecutor(max_workers=len(manifests)) as pool:
        return list(pool.map(alone, manifests))


def _manifests() -> Iterator[str]:
    """The Vulkan loader's list of drivers (LoaderDriverInterface.md, "Driver Discovery" on Linux)."""
    for name in _CHOICES:
        if chosen := os.environ.get(name):
            yield from _in_order(Path(part) for part in chosen.split(":") if part)
            return
    home = Path(os.environ.get("HOME") or "/nonexistent")
    config, data = os.environ.get("XDG_CONFIG_DIRS") or "/etc/xdg", os.environ.get("XDG_DATA_DIRS")
    folders = [
        os.environ.get("XDG_CONFIG_HOME") or home / ".config", *config.split(":"), "/etc",
        os.environ.get("XDG_DATA_HOME") or home / ".local/share", *(data or "/usr/local/share:/usr/share").split(":"),
    ]  # fmt: skip
    yield from _in_order(Path(folder) / "vulkan/icd.d" for folder in folders)


def _in_order(places: Iterator[Path]) -> Iterator[str]:
    for place in places:
        if place.is_dir():
            yield from sorted(map(str, place.glob("*.json")))
        elif place.suffix == ".json" and place.is_file():
            yield str(place)
