"""Kinds of machines that wheels are built for."""

from __future__ import annotations

import platform
from dataclasses import dataclass


@dataclass(frozen=True)
class Machine:
    name: str  # as uname and wheels have it
    debian: str  # as Debian has it

    @property
    def triple(self) -> str:
        return f"{self.name}-linux-gnu"

    @property
    def platform(self) -> str:
        """That of wheels, with the glibc of the sysroot."""
        return f"manylinux_2_31_{self.name}"

    @property
    def crossed(self) -> bool:
        """Whether this machine is of another kind."""
        return platform.machine() != self.name


MACHINES = {machine.name: machine for machine in (Machine("x86_64", "amd64"), Machine("aarch64", "arm64"))}
