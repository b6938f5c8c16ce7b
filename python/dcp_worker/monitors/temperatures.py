"""How hot the CPU is, and a GPU whose driver tells it to the kernel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from .files import folders, number, text

_CPU_SENSORS: Final = ("coretemp", "k10temp", "zenpower", "cpu_thermal", "cpu", "soc_thermal", "scpi_sensors")
"""Names of hwmon devices that belong to CPUs."""
_CPU_ZONES: Final = ("x86_pkg_temp", "cpu", "soc")
"""What names of thermal zones of CPUs begin with."""
_UNBELIEVABLE: Final = 200.0  # degrees: some sensors tell nonsense when nothing is connected


def cpu_temperature(root: Path = Path("/")) -> float | None:
    """Of the hottest part, in °C; None where no sensor is known to belong to the CPU."""
    sensors = [each for each in folders(root / "sys/class/hwmon") if text(each / "name") in _CPU_SENSORS]
    zones = [
        each
        for each in folders(root / "sys/class/thermal")
        if each.name.startswith("thermal_zone") and text(each / "type").lower().startswith(_CPU_ZONES)
    ]
    return _hottest([*(file for each in sensors for file in _inputs(each)), *(each / "temp" for each in zones)])


def device_temperature(device: Path) -> float | None:
    """Of the hottest sensor that the driver of a device in sysfs has, in °C."""
    return _hottest(file for sensor in folders(device / "hwmon") for file in _inputs(sensor))


def _inputs(sensor: Path) -> Iterator[Path]:
    return (file for file in folders(sensor) if file.name.startswith("temp") and file.name.endswith("_input"))


def _hottest(files: Iterable[Path]) -> float | None:
    degrees = [value / 1000 for file in files if (value := number(file)) is not None]
    return max((each for each in degrees if 0 < each < _UNBELIEVABLE), default=None)
