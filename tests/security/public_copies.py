"""Copies of our programs and of the libraries that they open, in a folder that every user can reach."""

from __future__ import annotations

import shutil
import sys
from functools import cached_property
from pathlib import Path

from dcp_evaluator.settings import installation


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

    @cached_property
    def _of_v8(self) -> dict[str, str]:
        """The copy of each file, by its path; made when V8 is tested, as they are large."""
        files = (installation.node_program(), installation.addon())
        return {file: shutil.copy(file, self.folder) for file in files}

    def of_v8(self, command: list[str]) -> list[str]:
        """The command with the copies in it."""
        return [self._of_v8.get(part, part) for part in command]
