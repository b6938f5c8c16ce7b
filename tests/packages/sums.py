"""SHA-256 of files, and the SHA256SUMS of a folder, as ``sha256sum --check`` reads them."""

from __future__ import annotations

import hashlib
from pathlib import Path


def sha256(file: Path) -> str:
    """In hexadecimal digits."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def write_sums(folder: Path) -> int:
    """Writes SHA256SUMS into a folder that has none yet. Returns how many files it names."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    lines = [f"{sha256(file)}  {file.relative_to(folder)}\n" for file in files]
    (folder / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")
    return len(files)
