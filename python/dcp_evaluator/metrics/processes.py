"""The processes of an evaluator in this program, as the kernel counts them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROLES = ("sandbox", "zygote", "gpu_host", "compiler")

_PAGE = os.sysconf("SC_PAGE_SIZE")
_OURS = {"dcp-zygote": "zygote", "dcp-gpu-host": "gpu_host", "dcp-compiler": "compiler"}
"""Roles of our children, by their names. What a zygote has begun is a sandbox, whatever it calls itself."""


class Process(NamedTuple):
    """``memory``: bytes that are no file's."""

    role: str
    memory: int


def processes(root: Path = Path("/proc")) -> Iterator[Process]:
    """Children of this program and of its zygotes; those that end meanwhile are left out."""
    for child in _children(root / "self"):
        role = _OURS.get(_text(child / "comm").strip())
        if role is None:
            continue
        yield Process(role, _memory(child))
        if role == "zygote":
            yield from (Process("sandbox", _memory(sandbox)) for sandbox in _children(child))


def _children(process: Path) -> Iterator[Path]:
    """They belong to the thread that has begun them."""
    root = process.parent
    try:
        threads = list((process / "task").iterdir())
    except OSError:
        return
    for thread in threads:
        yield from (root / number for number in _text(thread / "children").split())


def _memory(process: Path) -> int:
    sizes = _text(process / "statm").split()
    return (int(sizes[1]) - int(sizes[2])) * _PAGE if len(sizes) > 2 else 0


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
