"""The GPUs of the machine, and how hot they are."""

from __future__ import annotations

from pathlib import Path

from dcp_evaluator.probe.devices import Device, devices

from ..rules.observation import Gpu
from .nvml import Nvml
from .temperatures import device_temperature


class Gpus:
    """Those that have a file for programs to open: what only shows a picture is none. They are looked for once."""

    def __init__(self, root: Path = Path("/"), nvml: Nvml | None = None) -> None:
        """``nvml``: asked for temperatures, which NVIDIA's driver does not tell the kernel."""
        self._root = root
        self._nvml = nvml
        self._devices = [device for device in devices(root) if any(node.exists for node in device.nodes)]

    def look(self, *, temperatures: bool = False) -> tuple[Gpu, ...]:
        return tuple(self._gpu(number, device, temperatures) for number, device in enumerate(self._devices))

    def _gpu(self, number: int, device: Device, temperatures: bool) -> Gpu:
        identity = device.address or f"gpu{number}"
        return Gpu(identity, device.name, self._temperature(device) if temperatures else None)

    def _temperature(self, device: Device) -> float | None:
        if device.address is None:
            return None
        told = device_temperature(self._root / "sys/bus/pci/devices" / device.address)
        if told is None and device.kernel_driver == "nvidia" and self._nvml:
            return self._nvml.temperature(device.address)
        return told
