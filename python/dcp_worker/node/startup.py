"""The start-up files that sandboxes load: an installed dcp-client's."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dcp_evaluator.errors import UsageError
from dcp_evaluator.start.startup_files import StartupFiles, find_dcp_client

from ..configuration.settings import NodeSettings
from ..dialects.sandbox_messages import V4, V5, SandboxMessages
from ..errors import ConfigurationError

_KIND = "native"


@dataclass(frozen=True, slots=True)
class Startup:
    """``messages``: those that sandboxes with these files understand."""

    client: Path
    version: str
    files: Sequence[str]
    messages: SandboxMessages


def find_startup(settings: NodeSettings) -> Startup:
    """Raises ConfigurationError, which says how to get the files."""
    if settings.startup_files:
        return startup_at(Path(settings.startup_files))
    try:
        return startup_at(find_dcp_client(_prefix()))
    except UsageError as error:
        raise _missing(error) from None


def startup_at(client: Path) -> Startup:
    """Those of the dcp-client in a folder. Raises ConfigurationError, which says how to get others."""
    try:
        files = StartupFiles(client, None, None).files(_KIND)
    except UsageError as error:
        raise _missing(error) from None
    version = _version(client)
    messages = V4 if version.partition(".")[0] in ("", "4") else V5
    return Startup(client, version, [str(file) for file in files], messages)


def _missing(error: UsageError) -> ConfigurationError:
    return ConfigurationError(f"there are no start-up files for sandboxes: {error}; dcp-worker setup --fetch gets them")


def _prefix() -> Path:
    return Path(sys.argv[0]).resolve().parent.parent


def _version(client: Path) -> str:
    path = client / "package.json"
    try:
        version = json.loads(path.read_bytes())["version"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{path} does not say which dcp-client this is: {error}") from None
    return str(version)
