"""NVIDIA's library for what its driver knows of GPUs (NVML), as far as it is needed here."""

from __future__ import annotations

import ctypes
from typing import Final

_LIBRARY: Final = "libnvidia-ml.so.1"
_OF_THE_GPU: Final = 0  # NVML_TEMPERATURE_GPU


class _Memory(ctypes.Structure):
    """nvmlMemory_t."""

    _fields_ = (("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong))


class Nvml:
    """Is loaded with the first question, and stays: loading wakes GPUs. For one thread."""

    def __init__(self, library: str = _LIBRARY) -> None:
        self._name = library
        self._library: ctypes.CDLL | None = None
        self._failed = False

    def temperature(self, address: str) -> float | None:
        """Of the GPU at a PCI address, in °C; None where the library is missing or does not say it."""
        library = self._loaded()
        if library is None:
            return None
        device, degrees = ctypes.c_void_p(), ctypes.c_uint()
        if library.nvmlDeviceGetHandleByPciBusId_v2(address.encode(), ctypes.byref(device)):
            return None
        if library.nvmlDeviceGetTemperature(device, _OF_THE_GPU, ctypes.byref(degrees)):
            return None
        return float(degrees.value)

    def memory(self, address: str) -> tuple[int, int] | None:
        """Of the GPU at a PCI address, in bytes: what is used, and all; None as above."""
        library = self._loaded()
        if library is None:
            return None
        device, memory = ctypes.c_void_p(), _Memory()
        if library.nvmlDeviceGetHandleByPciBusId_v2(address.encode(), ctypes.byref(device)):
            return None
        if library.nvmlDeviceGetMemoryInfo(device, ctypes.byref(memory)):
            return None
        return memory.used, memory.total

    def close(self) -> None:
        if self._library is not None:
            self._library.nvmlShutdown()
            self._library = None

    def _loaded(self) -> ctypes.CDLL | None:
        if self._library is None and not self._failed:
            try:
                library = ctypes.CDLL(self._name)
                self._failed = bool(library.nvmlInit_v2())
            except (OSError, AttributeError):
                self._failed = True
            else:
                self._library = None if self._failed else library
        return self._library
