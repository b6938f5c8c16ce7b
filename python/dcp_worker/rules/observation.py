"""What is seen of the machine, for rules to look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from .verdict import Reason


@dataclass(frozen=True, slots=True)
class Gpu:
    """``identity``: its PCI address, where it has one. ``temperature``: °C, None where it cannot be read."""

    identity: str
    name: str
    temperature: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """None where nobody looks, or where it cannot be found out; of the latter ``unwatched`` says why."""

    time: datetime
    """Of the clock on the wall."""
    on_battery: bool | None = None
    is_metered: bool | None = None
    in_use: Mapping[str, str] = field(default_factory=dict)
    """By sign: what is in use, in words."""
    programs: frozenset[str] = frozenset()
    """Of those that were looked for, the ones that run."""
    other_load: float | None = None
    """Percent of the machine's CPUs that other programs use."""
    temperature: float | None = None
    """Of the CPU, °C."""
    memory_pressure: float | None = None
    """Percent of the last ten seconds in which a program waited for memory."""
    free_disk: int | None = None
    """Bytes, where results are kept."""
    gpus: tuple[Gpu, ...] = ()
    unwatched: tuple[Reason, ...] = ()
