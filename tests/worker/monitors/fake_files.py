"""Files of a kernel that is not there, below a folder."""

from __future__ import annotations

from pathlib import Path


def write(root: Path, files: dict[str, str | int]) -> Path:
    """By path below ``root``; a text that begins with ``->`` makes a link."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        if str(text).startswith("->"):
            path.symlink_to(str(text)[2:])
        else:
            path.write_text(f"{text}\n")
    return root
