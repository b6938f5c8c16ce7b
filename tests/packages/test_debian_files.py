"""What the Debian package has to have of other files of this project."""

from __future__ import annotations

import configparser
import re
import shlex
import tomllib
from pathlib import Path

import pytest

from dcp_scheduler.commands.parser import parse

pytestmark = pytest.mark.any_engine

_ROOT = Path(__file__).parents[2]
_FILES = _ROOT / "packaging" / "debian"


def test_every_command_is_on_the_path() -> None:
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    links = [line.split() for line in (_FILES / "dcp-evaluator.links").read_text(encoding="utf-8").splitlines()]
    wanted = [[f"usr/lib/dcp-evaluator/bin/{name}", f"usr/bin/{name}"] for name in project["scripts"]]
    assert sorted(links) == sorted(wanted)


def test_services_that_have_work_of_others_are_restricted_alike() -> None:
    worker, manager = (
        _restrictions(_FILES / f"dcp-evaluator.{unit}.service") for unit in ("dcp-worker", "dcp-evaluator-manager")
    )
    assert "NoNewPrivileges=yes" in worker
    assert worker == manager


def test_the_service_of_the_scheduler_has_options_that_there_are() -> None:
    unit = configparser.RawConfigParser(strict=False, delimiters="=", interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(_FILES / "dcp-evaluator.dcp-scheduler.service", encoding="utf-8")
    program, *options = shlex.split(unit["Service"]["ExecStart"])
    assert program == "/usr/bin/dcp-scheduler"
    assert options.pop() == "$OPTIONS"
    assert parse(options).state == Path("/var/lib") / unit["Service"]["StateDirectory"]
    assert unit["Service"]["EnvironmentFile"] == "/etc/dcp/dcp-scheduler.conf"
    users = (_FILES / "dcp-evaluator.sysusers").read_text(encoding="utf-8").splitlines()
    assert any(line.startswith(f"u {unit['Service']['User']} ") for line in users)
    examples = re.findall(r'^#?OPTIONS="(.*)"$', (_FILES / "dcp-scheduler.conf").read_text(encoding="utf-8"), re.M)
    assert len(examples) >= 3
    for example in examples:
        parse([*options, *shlex.split(example)])


def _restrictions(unit: Path) -> list[str]:
    lines = unit.read_text(encoding="utf-8").partition("# Limits of all sandboxes together.")[2].splitlines()
    return [line for line in lines if not line.startswith("#")]
