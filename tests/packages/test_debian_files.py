"""What the Debian package has to have of other files of this project."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

pytestmark = pytest.mark.any_engine

_ROOT = Path(__file__).parents[2]
_FILES = _ROOT / "packaging" / "debian"


def test_every_command_is_on_the_path() -> None:
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    links = [line.split() for line in (_FILES / "dcp-evaluator.links").read_text(encoding="utf-8").splitlines()]
    wanted = [[f"usr/lib/dcp-evaluator/bin/{name}", f"usr/bin/{name}"] for name in project["scripts"]]
    assert sorted(links) == sorted(wanted)


def test_both_services_are_restricted_alike() -> None:
    worker, manager = (
        _restrictions(_FILES / f"dcp-evaluator.{unit}.service") for unit in ("dcp-worker", "dcp-evaluator-manager")
    )
    assert "NoNewPrivileges=yes" in worker
    assert worker == manager


def _restrictions(unit: Path) -> list[str]:
    lines = unit.read_text(encoding="utf-8").partition("# Limits of all sandboxes together.")[2].splitlines()
    return [line for line in lines if not line.startswith("#")]
