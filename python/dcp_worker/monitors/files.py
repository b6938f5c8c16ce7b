"""Small files of the kernel."""

from __future__ import annotations

from pathlib import Path


def text(file: Path) -> str:
    """Without the space around it; empty where it cannot be read: a sensor sleeps, or a process has ended."""
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def number(file: Path) -> int | None:
    try:
        return int(text(file))
    except ValueError:
        return None


def folders(parent: Path) -> list[Path]:
    """What is in a folder, in order; nothing where there is none."""
    try:
        return sorted(parent.iterdir())
    except OSError:
        return []
