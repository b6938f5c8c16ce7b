"""What files of the kernel say, as far as rules ask for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from ..configuration.rules import Rules
from ..rules.observation import Observation
from ..rules.verdict import Reason
from .disk import free_disk
from .gpus import Gpus
from .load import OtherLoad
from .nvml import Nvml
from .power import on_battery
from .pressure import memory_pressure
from .programs import Programs, hidden
from .temperatures import cpu_temperature


class Sensors:
    """``look`` may take long, as sensors and drivers do. For one thread."""

    def __init__(self, rules: Rules, results: Path | None, root: Path = Path("/")) -> None:
        """``results``: the folder of the disk that must not be full."""
        every = rules.all()
        self._root = root
        self._results = results
        self._battery = any(rule.battery for rule in every)
        self._pressure = any(rule.memory_pressure is not None for rule in every)
        self._disk = any(rule.free_disk is not None for rule in every)
        names = frozenset(name for rule in every for name in rule.programs)
        self._programs = Programs(names, root) if names else None
        self._load = OtherLoad(root=root) if any(rule.other_load is not None for rule in every) else None
        # Temperatures are shown too, but a GPU is not woken for that.
        self._nvml = Nvml() if any(rule.temperature is not None for rule in every[1:]) else None
        self._gpus = Gpus(root, self._nvml)

    def look(self) -> Observation:
        root = self._root
        pressure = memory_pressure(root) if self._pressure else None
        free = free_disk(self._results) if self._disk and self._results else None
        obstacle = self._load.obstacle() if self._load else ""
        return Observation(
            time=datetime.now(),
            on_battery=on_battery(root) if self._battery else None,
            programs=self._programs.running() if self._programs else frozenset(),
            other_load=self._load.percent() if self._load and not obstacle else None,
            temperature=cpu_temperature(root),
            memory_pressure=pressure,
            free_disk=free,
            gpus=self._gpus.look(),
            unwatched=tuple(self._unwatched(pressure, free, obstacle)),
        )

    def close(self) -> None:
        if self._nvml:
            self._nvml.close()

    def _unwatched(self, pressure: float | None, free: int | None, obstacle: str) -> Iterator[Reason]:
        if self._pressure and pressure is None:
            yield Reason("memoryPressure", "this kernel does not measure how long programs wait for memory (PSI)")
        if self._disk and free is None:
            yield Reason("freeDisk", "results are kept in memory" if self._results is None else "the disk says nothing")
        if obstacle:
            yield Reason("otherLoad", obstacle)
        if self._programs and hidden(self._root):
            yield Reason("programs", "programs of other users are hidden here (hidepid)")
