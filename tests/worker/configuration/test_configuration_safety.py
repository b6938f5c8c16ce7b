"""Files that somebody else may have written are not read."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from configured_machine import Machine

from dcp_worker.configuration.safety import ALLOW_INSECURE
from dcp_worker.errors import ConfigurationError

pytestmark = pytest.mark.any_engine


@pytest.fixture
def careful() -> Iterator[Machine]:
    """A machine on which the rules hold, in a folder that not everybody may write."""
    folders = [Path(__file__).resolve().parents[3], Path.home(), Path("/run"), Path("/dev")]
    folder = next(folder for folder in folders if os.access(folder, os.W_OK) and not _is_open(folder))
    root = Path(tempfile.mkdtemp(prefix=".dcp-test-", dir=folder))
    machine = Machine(root)
    del machine.environment[ALLOW_INSECURE]
    yield machine
    shutil.rmtree(root)


def _is_open(folder: Path) -> bool:
    return any(part.stat().st_mode & stat.S_IWOTH for part in (folder, *folder.parents))


def test_a_file_of_ones_own_is_read(careful: Machine) -> None:
    careful.users("worker.maxSandboxes = 3", "toml")
    assert careful.load().settings.max_sandboxes == 3


@pytest.mark.parametrize("name", ["home/.dcp/dcp-worker/dcp-config.toml", "home/.dcp/dcp-worker", "home"])
def test_what_everybody_may_write_is_refused(careful: Machine, name: str) -> None:
    careful.users("worker.maxSandboxes = 3", "toml")
    open_one = careful.root / name
    open_one.chmod(open_one.stat().st_mode | stat.S_IWOTH)
    with pytest.raises(ConfigurationError, match="everybody may write") as raised:
        careful.load()
    assert f"chmod o-w {open_one}," in str(raised.value)
    careful.environment[ALLOW_INSECURE] = "1"
    assert careful.load().settings.max_sandboxes == 3


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_a_file_of_somebody_else_is_refused(careful: Machine) -> None:
    path = careful.users("worker.maxSandboxes = 3", "toml")
    os.chown(path, 65534, 65534)
    with pytest.raises(ConfigurationError, match=r"dcp-config.toml: it belongs to somebody else"):
        careful.load()
