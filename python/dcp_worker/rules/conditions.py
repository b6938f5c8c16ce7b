"""The rules, one by one: each says in words why the CPU or a GPU has to rest, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from ..configuration.rules import RuleSettings
from .observation import Observation

_COOLER: Final = 5.0  # degrees
_LESS: Final = 0.75  # of the limit, for what goes up and down by itself
_MORE: Final = 1.1  # of the disk that has to be free


@dataclass(frozen=True, slots=True)
class Question:
    """``temperature``: of that which is asked about. ``held``: whether the rule held when it was last asked.

    A rule that holds does so until it is clearly over, so that nothing begins and ends again and again.
    """

    rules: RuleSettings
    seen: Observation
    temperature: float | None = None
    held: bool = False


Condition = Callable[[Question], str]


def hours(asked: Question) -> str:
    wanted = asked.rules.hours
    return "" if wanted is None or wanted.hold(asked.seen.time) else "it is not the time of the week to work"


def battery(asked: Question) -> str:
    return "the machine runs on battery" if asked.rules.battery and asked.seen.on_battery else ""


def metered(asked: Question) -> str:
    return "the network is metered" if asked.rules.metered and asked.seen.is_metered else ""


def in_use(asked: Question) -> str:
    found = [asked.seen.in_use.get(sign, "") for sign in asked.rules.in_use]
    return ", ".join(filter(None, found))


def programs(asked: Question) -> str:
    running = [name for name in asked.rules.programs if name in asked.seen.programs]
    return f"{', '.join(running)} {'run' if len(running) > 1 else 'runs'}" if running else ""


def other_load(asked: Question) -> str:
    limit, load = asked.rules.other_load, asked.seen.other_load
    if limit is None or load is None or load <= (limit * _LESS if asked.held else limit):
        return ""
    return f"other programs use more than {limit:g} % of the machine's CPUs"


def temperature(asked: Question) -> str:
    limit, now = asked.rules.temperature, asked.temperature
    if limit is None or now is None or now <= (limit - _COOLER if asked.held else limit):
        return ""
    return f"it is hotter than {limit:g} °C" if now > limit else f"it cools down to {limit - _COOLER:g} °C"


def memory_pressure(asked: Question) -> str:
    limit, now = asked.rules.memory_pressure, asked.seen.memory_pressure
    if limit is None or now is None or now <= (limit * _LESS if asked.held else limit):
        return ""
    return f"programs wait for memory for more than {limit:g} % of the time"


def free_disk(asked: Question) -> str:
    least, free = asked.rules.free_disk, asked.seen.free_disk
    if least is None or free is None or free >= (least * _MORE if asked.held else least):
        return ""
    return f"less than {_size(least)} of disk is free where results are kept"


CONDITIONS: Final[Mapping[str, Condition]] = {
    "hours": hours,
    "battery": battery,
    "metered": metered,
    "inUse": in_use,
    "programs": programs,
    "otherLoad": other_load,
    "temperature": temperature,
    "memoryPressure": memory_pressure,
    "freeDisk": free_disk,
}
"""By the names that they have in the configuration."""


def _size(count: float) -> str:
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if count >= size:
            return f"{count / size:.4g} {unit}"
    return f"{count:g} bytes"
