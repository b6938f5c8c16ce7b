"""A machine with configuration files, for the tests of this folder and of the commands."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from dcp_worker.configuration.configuration import Configuration
from dcp_worker.configuration.load import load


@dataclass
class Machine:
    """Its files are below ``root``: ``etc`` and ``home``; ``environment``: of the programs that run on it."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.environment |= {
            "DCP_ETCDIR": str(self.root / "etc"),
            "DCP_HOMEDIR": str(self.root / "home"),
            "HOME": str(self.root / "home"),
            "DCP_CLIENT_ALLOW_INSECURE_CONFIGURATION": "1",  # everybody may write the folder /tmp
        }

    @property
    def program(self) -> Path:
        return self.root / "bin" / "dcp-worker"

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def load(self, scheduler: str | None = None) -> Configuration:
        return load(scheduler, environment=self.environment, program=self.program)

    def users(self, text: str, suffix: str = "js") -> Path:
        """Writes the file of the user's worker."""
        return self.write(f"home/.dcp/dcp-worker/dcp-config.{suffix}", text)
