"""The GPU's part of the probe: each adapter with a shader whose result was verified, and why a GPU has none."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..errors import DcpError
from ..gpu.options import GpuOptions
from ..processes.ask import TIMEOUT, Outcome
from ..settings.settings import Settings
from . import devices as probe_devices
from .devices import Device
from .diagnosis import (
    Diagnosis,
    Machine,
    Trials,
    adapters,
    adapters_of,
    after_trials,
    before_trials,
    beside_broken,
    of_driver,
)
from .manifests import Manifest, in_home, manifests
from .trials import Driver, try_out

_OFFERED = ("vulkan",)  # backends on which WebGPU is whole
_TWICE = "the same GPU through another driver"


@dataclass(frozen=True)
class Findings:
    """What the probe found out about GPUs."""

    report: dict[str, Any]
    machine: Machine
    trials: Trials
    """Of all drivers together."""
    alone: Mapping[str, Trials] = field(default_factory=dict)
    """Of each driver, by its manifest, where all together gave no answer."""


def gpu_adapters(settings: Settings, options: GpuOptions | None = None) -> dict[str, Any]:
    """``{"version": wgpu-native's or None, "adapters": [...], "error": text or None}``, as sandboxes find them.

    Each adapter has ``compute``: ``{"ok": bool, "error": text, "seconds": to its first result}``, the verdict of a
    shader whose result was verified; ``index``: its number in ``--gpu-devices``, None where sandboxes cannot have it;
    and ``offered``: whether they are offered it, else ``refusal``: why not.
    """
    gpu = options or GpuOptions()
    try:
        driver = Driver(settings, timeout=gpu.timeout or TIMEOUT)
    except DcpError as error:
        return _report(Outcome(error=str(error)), gpu)
    return _report(driver.sealed(), gpu)


def examine(
    settings: Settings, options: GpuOptions | None = None, root: Path = Path("/"), *, thorough: bool = False
) -> Findings:
    """For ``--probe``: runs drivers without the seal, too, where a GPU has no adapter.

    ``root``: of /sys, /proc and /dev. ``thorough``: every trial, also where all works.

    The report is that of ``gpu_adapters``, and ``devices``: the kernel's GPUs, each with its ``diagnosis``;
    ``drivers``: where all drivers together gave no answer, each tried alone; ``opengl_error``.
    """
    gpu = options or GpuOptions()
    timeout = gpu.timeout or TIMEOUT
    machine = _machine(root)
    try:
        driver = Driver(settings, timeout=timeout)
    except DcpError as error:
        sealed = Outcome(error=str(error))
        report = _report(sealed, gpu) | {"opengl_error": None, "drivers": []}
        return _diagnosed(report, machine, Trials(sealed), {})
    sealed = driver.sealed()
    opengl = driver.opengl() if sealed.status is not None else Outcome()
    report = _report(sealed, gpu, opengl) | {"opengl_error": opengl.error}
    alone = _alone(settings, machine.manifests, timeout) if sealed.error is not None else {}
    report["drivers"] = [_driver(manifest, trials) for manifest, trials in alone.items()]
    if report["error"] is not None:
        broken = [item for item in report["drivers"] if not item["ok"]]
        report["error"] += "".join(f"; alone, {item['manifest']} fails: {item['diagnosis']['text']}" for item in broken)
    puzzling = [device for device in machine.devices if _needs_trials(device, machine, sealed)]
    trials = Trials(sealed)
    if thorough or (puzzling and sealed.answer is not None):
        egl = machine.nvidia.egl_library and any(device.kernel_driver == "nvidia" for device in puzzling)
        trials = try_out(driver, sealed, _all_work(puzzling, machine.devices), egl=egl, thorough=thorough)
    return _diagnosed(report, machine, trials, alone)


def _report(sealed: Outcome, gpu: GpuOptions, opengl: Outcome | None = None) -> dict[str, Any]:
    report = {"version": None, "adapters": [], **(sealed.answer or {}), "error": sealed.error}
    if opengl is not None and opengl.answer is not None:
        report["adapters"] += opengl.answer.get("adapters", [])
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


def _machine(root: Path) -> Machine:
    return Machine(
        devices=probe_devices.devices(root),
        manifests=manifests(),
        nvidia=probe_devices.nvidia(root),
        container=probe_devices.in_container(root),
        capabilities=os.environ.get("NVIDIA_DRIVER_CAPABILITIES"),
        hidden_manifests=in_home(),
    )


def _needs_trials(device: Device, machine: Machine, sealed: Outcome) -> bool:
    found = adapters_of(device, machine.devices, adapters(sealed))
    return not _compute(found) if found else before_trials(device, machine) is None


def _all_work(wanted: Sequence[Device], devices: Sequence[Device]) -> Callable[[Outcome], bool]:
    """Whether an outcome has one of the wanted GPUs; where none is wanted, any adapter will do."""

    def works(outcome: Outcome) -> bool:
        found = adapters(outcome)
        if not wanted:
            return _compute(found)
        return any(_compute(adapters_of(device, devices, found)) for device in wanted)

    return works


def _compute(found: Sequence[dict[str, Any]]) -> bool:
    return bool(found) and all((adapter.get("compute") or {}).get("ok") is True for adapter in found)


def _alone(settings: Settings, found: Sequence[Manifest], timeout: float) -> dict[str, Trials]:
    """Each driver alone, all at once: one that hangs costs the time of one. One that fails is tried further."""

    def tried(manifest: str) -> Trials:
        driver = Driver(settings, manifest, timeout)
        sealed = driver.sealed()
        if sealed.error is None:
            return Trials(sealed)
        return try_out(driver, sealed, lambda outcome: outcome.error is None and _compute(adapters(outcome)))

    if not found:
        return {}
    paths = [manifest.path for manifest in found]
    with ThreadPoolExecutor(max_workers=len(paths)) as pool:
        return dict(zip(paths, pool.map(tried, paths), strict=True))


def _driver(manifest: str, trials: Trials) -> dict[str, Any]:
    error = trials.sealed.error
    diagnosis = None if error is None else of_driver(trials).as_json()
    return {"manifest": manifest, "ok": error is None, "error": error, "diagnosis": diagnosis}


def _diagnosed(report: dict[str, Any], machine: Machine, trials: Trials, alone: Mapping[str, Trials]) -> Findings:
    report["devices"] = [
        {
            **asdict(device),
            "vendor": device.vendor,
            "nodes": [asdict(node) for node in device.nodes],
            "diagnosis": _diagnosis(device, machine, trials, alone).as_json(),
        }
        for device in machine.devices
    ]
    return Findings(report, machine, trials, alone)


def _diagnosis(device: Device, machine: Machine, trials: Trials, alone: Mapping[str, Trials]) -> Diagnosis:
    """Where a driver ends the process for all, each GPU is judged by its own driver alone."""
    if trials.sealed.answer is not None or not alone:
        return after_trials(device, machine, trials)
    broken = [manifest for manifest, tried in alone.items() if tried.sealed.error is not None]
    own = [manifest.path for manifest in machine.manifests if manifest.fits(device.kernel_driver)]
    own.sort(key=lambda manifest: manifest not in broken)
    told = [after_trials(device, machine, alone[manifest]) for manifest in own]
    if any(diagnosis.code in ("works", "offered_twice") for diagnosis in told):
        return beside_broken(device, broken)
    return told[0] if told else after_trials(device, machine, trials)
