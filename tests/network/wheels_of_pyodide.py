"""A distribution of Pyodide with files of a few bytes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path


def distribution(folder: Path, abi: str = "2024_0", copies: int = 100) -> dict[str, bytes]:
    """A distribution of two packages whose files are there, and one whose is not. The files, by packages."""
    files = {"numpy": f"numpy-2.0.2-cp312-cp312-pyodide_{abi}_wasm32.whl", "six": "six-1.16.0-py2.py3-none-any.whl"}
    contents = {name: name.encode() * copies for name in files}
    entries = {
        name: {"file_name": file, "sha256": hashlib.sha256(contents[name]).hexdigest()} for name, file in files.items()
    }
    entries["gone"] = {"file_name": "gone-1.0-py3-none-any.whl", "sha256": "0" * 64}
    info = {"abi_version": abi, "version": "0.27.7"}
    (folder / "pyodide-lock.json").write_text(json.dumps({"info": info, "packages": entries}))
    for name, file in files.items():
        (folder / file).write_bytes(contents[name])
    return contents
