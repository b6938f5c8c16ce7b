"""When the worker may work: rules for the CPU, for GPUs, and for single ones of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from .hours import Hours
from .keys import Key, key, key_of, section
from .kinds import Boolean, Number
from .rule_kinds import ByGpu, Limit, Names, Week

SIGNS: Final = ("terminal", "screensaver", "desktop")
"""That the machine is in use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSettings:
    """Of the CPU, or of a GPU: it rests while one of them says so."""

    hours: Hours | None = key("hours", Week(), None, "the hours of the week at which it works", unset="always")
    battery: bool = key("battery", Boolean(), True, "whether it rests while the machine runs on battery")
    metered: bool = key("metered", Boolean(), True, "whether it rests while the network is metered (NetworkManager)")
    in_use: tuple[str, ...] = key(
        "inUse", Names(SIGNS), (),
        "signs that somebody uses the machine, at which it rests: input on a terminal, a screensaver that is off, "
        "a desktop that is not idle (logind)",
    )  # fmt: skip
    programs: tuple[str, ...] = key("programs", Names(), (), "it rests while one of these programs runs")
    other_load: float | None = key(
        "otherLoad", Limit(Number(1, 100)), None, "it rests while other programs use more of the machine's CPUs",
        unit="%", unset="whatever they use",
    )  # fmt: skip
    temperature: float | None = key(
        "temperature", Limit(Number(20, 150)), None, "it rests when it is hotter, until it is 5 degrees cooler",
        unit="°C", unset="however hot",
    )  # fmt: skip
    memory_pressure: float | None = key(
        "memoryPressure", Limit(Number(0.1, 100)), None,
        "it rests while programs wait for memory for more of the time (PSI some, 10 s)", unit="%",
        unset="however long they wait",
    )  # fmt: skip
    free_disk: float | None = key(
        "freeDisk", Limit(Number(1)), None, "it rests while less is free where results are kept", unit="bytes",
        unset="however little",
    )  # fmt: skip


def _keys() -> Mapping[str, Key]:
    return {each.name: found for each in dataclasses.fields(RuleSettings) if (found := key_of(each))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """``gpus``: fields of ``RuleSettings`` that a GPU has of its own, by its PCI address. Times are seconds."""

    cpu: RuleSettings = section(RuleSettings, "cpu")
    gpu: RuleSettings = section(RuleSettings, "gpu")
    gpus: Mapping[str, Mapping[str, Any]] | None = key(
        "gpus", ByGpu(_keys), None, "rules that a single GPU has instead of those of all", unset="none"
    )
    grace: float = key(
        "grace", Number(0, 86400), 60.0,
        "for how long slices may go on that run when a rule or their owner has the worker rest, before they go back",
        unit="s",
    )  # fmt: skip
    calm: float = key("calm", Number(0, 86400), 30.0, "how long a rule holds after its reason has gone", unit="s")
    idle_time: float = key(
        "idleTime", Number(1, 86400), 180.0, "how long after input a terminal counts as in use", unit="s"
    )

    def of_gpu(self, identity: str) -> RuleSettings:
        return dataclasses.replace(self.gpu, **(self.gpus or {}).get(identity, {}))

    def all(self) -> tuple[RuleSettings, ...]:
        """Those that there are, for whoever asks what must be watched."""
        return (self.cpu, self.gpu, *(self.of_gpu(identity) for identity in self.gpus or ()))
