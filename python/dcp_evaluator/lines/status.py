"""How an evaluator goes, as a document: schemas/status-1.json."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ..metrics.counters import Counters
from ..settings import engines, installation
from ..settings.settings import Settings
from .running import Running

SCHEMA_NAME, SCHEMA_VERSION = "dcp-evaluator-status", 1
_TICKS, _PAGE = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Serving:
    """What stays: where it listens, as ``127.0.0.1:9000``, and its limits."""

    addresses: tuple[str, ...]
    most: int
    settings: Settings


def status_document(
    serving: Serving, state: str, sandboxes: Sequence[Running], counters: Counters, zygote: int
) -> dict[str, Any]:
    """``state``: ``ready``, or ``starting`` where the zygote is. ``zygote``: its process."""
    settings, now = serving.settings, time.monotonic()
    shared = _memory(zygote) or 0
    started = counters.started_at
    return {
        "schema": {"name": SCHEMA_NAME, "version": SCHEMA_VERSION},
        "evaluator": {
            "version": installation.VERSION,
            "process": os.getpid(),
            "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
            "seconds": max(0.0, time.time() - started),
            "state": state,
            "listens": list(serving.addresses),
            "engine": engines.chosen(settings),
            "isolation": settings.isolation,
            "priority": settings.priority,
            "max_sandboxes": serving.most,
            "max_memory": settings.max_memory,
        },
        "sandboxes": [_sandbox(running, now, shared) for running in sandboxes],
        "totals": _totals(counters),
    }


def _totals(counters: Counters) -> dict[str, Any]:
    totals = {each.name: getattr(counters, each.name) for each in fields(counters) if each.name != "started_at"}
    return {**totals, "sandboxes_ended": dict(counters.sandboxes_ended)}


def _sandbox(running: Running, now: float, shared: int) -> dict[str, Any]:
    memory = None if running.pid is None else _memory(running.pid)
    return {
        "number": running.number,
        "process": running.pid,
        "peer": running.peer,
        "seconds": now - running.began,
        "cpu_seconds": None if running.pid is None else _cpu_seconds(running.pid),
        "memory": None if memory is None else max(0, memory - shared),
    }


def _cpu_seconds(process: int) -> float | None:
    try:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS
    except (OSError, IndexError, ValueError):
        return None


def _memory(process: int) -> int | None:
    """Bytes that are no file's."""
    try:
        _, resident, files, *_ = Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()
        return (int(resident) - int(files)) * _PAGE
    except (OSError, ValueError):
        return None
