"""Containers of podman, with images and volumes in a folder that is removed at the end."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from debian_roots import require

# What podman sets otherwise needs a right that root lacks on some machines.
_SETTINGS = "[containers]\ndefault_ulimits = []\n"
# As docs/container.md has it.
_CONFINED = ("--read-only", "--cap-drop=all", "--security-opt=no-new-privileges")


class Podman:
    """``with Podman(folder) as podman:``; nothing of its containers is left afterwards. It needs root and runc."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Self:
        for program in ("podman", "runc"):
            require(program)
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        # Paths of sockets are short.
        self._runs = tempfile.TemporaryDirectory(prefix="dcp-podman-", dir="/var/tmp")
        settings = self._folder / "containers.conf"
        settings.write_text(_SETTINGS, encoding="utf-8")
        self._environment = os.environ | {"CONTAINERS_CONF": str(settings)}
        places = (f"--root={self._folder / 'storage'}", f"--runroot={self._runs.name}")
        self._podman = ("podman", *places, "--runtime=runc", "--log-level=error")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for left in (("rm", "--all", "--force", "--volumes", "--time=0"), ("rmi", "--all", "--force")):
            self._call(*left)
        self._runs.cleanup()
        shutil.rmtree(self._folder)

    def load(self, image: Path) -> str:
        """The image's name."""
        return self.tell("load", "--quiet", f"--input={image}").rpartition(": ")[2]

    def run(self, *arguments: str | Path) -> str:
        """What a new container, without a network, has printed; exits where it fails."""
        return self.tell("run", "--rm", "--network=none", *_CONFINED, *arguments)

    def begin(self, name: str, *arguments: str | Path, network: str = "none") -> None:
        """A container that goes on."""
        self.tell("run", "--detach", f"--name={name}", f"--network={network}", *_CONFINED, *arguments)

    def tell(self, *arguments: str | Path) -> str:
        """What a command of podman prints; exits where it fails."""
        done = self._call(*arguments)
        if done.returncode != 0:
            sys.exit(f"{done.stdout}{done.stderr}error: podman {arguments[0]} exits with status {done.returncode}")
        return done.stdout.strip()

    def succeeds(self, *arguments: str | Path) -> bool:
        return self._call(*arguments).returncode == 0

    def _call(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = (*self._podman, *arguments)
        return subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)
