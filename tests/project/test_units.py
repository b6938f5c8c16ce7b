"""The units of docs/operating.md and docs/worker.md: what they start is started here, without systemd."""

from __future__ import annotations

import configparser
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from dcp_client import PREFIX, install_dcp_client
from line_peer import Peer
from priority import TIMELY
from service_manager import DEADLINE, StandInManager

pytestmark = pytest.mark.any_engine
DOCUMENTS = Path(__file__).parents[2] / "docs"


class Unit(configparser.RawConfigParser):
    """As systemd reads it: a key may come more than once, with other values."""

    def __init__(self, text: str) -> None:
        super().__init__(strict=False, delimiters="=", comment_prefixes="#", interpolation=None)
        self.optionxform = str  # type: ignore[assignment]
        self.read_string(text)


def units(document: str) -> list[Unit]:
    text = (DOCUMENTS / document).read_text(encoding="utf-8")
    return [Unit(block) for block in re.findall(r"```ini\n(.*?)```", text, re.DOTALL)]


def service(document: str, program: str) -> Unit:
    (found,) = [each for each in units(document) if f"/{program}" in each.get("Service", "ExecStart", fallback="")]
    return found


def test_the_service_of_the_evaluator_serves(tmp_path: Path) -> None:
    """Its command and its environment, with other ports, folders and start-up files."""
    unit = service("operating.md", "dcp-evaluator-start")["Service"]
    assert unit["Type"] == "notify"
    assert unit["CacheDirectory"] == Path(unit["Environment"].partition("=")[2]).name
    command = [word.replace("/opt/dcp", str(PREFIX)) for word in shlex.split(unit["ExecStart"])]
    at = command.index("--")
    command[at:at] = ["--port", "0"]
    command[command.index("--metrics") + 1] = "0"
    name, _, _ = unit["Environment"].partition("=")
    with StandInManager(tmp_path) as manager:
        environment = {
            "PATH": "/usr/bin:/bin", "NODE_PATH": str(install_dcp_client(tmp_path)), name: str(tmp_path / "cache"),
            **TIMELY, **manager.environment,
        }  # fmt: skip
        process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        try:
            manager.wait_for("READY=1", "STATUS=Ready: 0 sandboxes of ")
            said = ""
            while "listening on" not in said:
                said = process.stderr.readline()
            with Peer(int(said.split()[-1])) as peer:
                assert peer.ask("echo one") == "one"
        finally:
            process.terminate()
            process.communicate(timeout=DEADLINE)
        assert process.returncode == 0
        manager.wait_for("STOPPING=1")
    assert (tmp_path / "cache" / "scripts").is_dir()


@pytest.mark.parametrize("harmful", ["MemoryDenyWriteExecute", "SystemCallFilter", "RestrictNamespaces"])
def test_no_unit_has_a_line_that_the_page_warns_of(harmful: str) -> None:
    assert f"| `{harmful}=" in (DOCUMENTS / "operating.md").read_text(encoding="utf-8")
    for document in ("operating.md", "worker.md"):
        assert not any(harmful in unit.get(section, "", fallback="") or unit.has_option(section, harmful)
                       for unit in units(document) for section in unit.sections())  # fmt: skip
