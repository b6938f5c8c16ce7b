"""The GPUs of the machine, and how hot they are."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from dcp_evaluator.probe.devices import Device, devices

from ..rules.observation import Gpu
from .files import number, text
from .nvml import Nvml
from .temperatures import device_temperature


class Memory(NamedTuple):
    """Of a GPU, in bytes: what all programs use, and all of it."""

    used: int
    all: int


class Gpus:
    """Those that have a file for programs to open: what only shows a picture is none. They are looked for once."""

    def __init__(self, root: Path = Path("/"), nvml: Nvml | None = None) -> None:
        """``nvml``: asked for temperatures, which NVIDIA's driver does not tell the kernel."""
        self._root = root
        self._nvml = nvml
        self._devices = [device for device in devices(root) if any(node.exists for node in device.nodes)]

    def look(self) -> tuple[Gpu, ...]:
        return tuple(
            Gpu(device.address or f"gpu{index}", device.name, self._temperature(device))
            for index, device in enumerate(self._devices)
        )

    def memory(self) -> dict[str, Memory]:
        """Of those of which it is known, by identity; not of those that sleep, which the question would wake."""
        found = ((device.address, self._memory(device)) for device in self._devices)
        return {address: memory for address, memory in found if address and memory}

    def _memory(self, device: Device) -> Memory | None:
        if device.address is None:
            return None
        folder = self._root / "sys/bus/pci/devices" / device.address
        if text(folder / "power/runtime_status") == "suspended":
            return None
        if device.kernel_driver == "nvidia":
            told = self._nvml.memory(device.address) if self._nvml else None
            return Memory(*told) if told else None
        used, size = (number(folder / f"mem_info_vram_{name}") for name in ("used", "total"))
        return None if used is None or size is None else Memory(used, size)

    def _temperature(self, device: Device) -> float | None:
        if device.address is None:
            return None
        told = device_temperature(self._root / "sys/bus/pci/devices" / device.address)
        if told is None and device.kernel_driver == "nvidia" and self._nvml:
            return self._nvml.temperature(device.address)
        return told
