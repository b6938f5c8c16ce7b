"""Copies of our programs and of the libraries that they open, in a folder that every user can reach."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from dcp_evaluator import installation


class PublicCopies:
    def __init__(self, folder: Path) -> None:
        folder.chmod(0o755)
        self.folder = folder
        self.zygote, self.gpu_host, self.compiler = (
            shutil.copy(installation.executable(name), folder)
            for name in ("dcp-zygote", "dcp-gpu-host", "dcp-compiler")
        )
        self.wasmtime = shutil.copy(installation.wasmtime_library(), folder)
        self.wgpu = shutil.copy(installation.wgpu_library(), folder)
        self.command = str(Path(sys.executable).parent / "dcp-evaluator")
