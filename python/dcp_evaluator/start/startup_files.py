"""The start-up files that dcp-client has for each type of evaluator."""

from __future__ import annotations

import json
from pathlib import Path

from ..errors import UsageError
from .node_modules import package_folders, resolve

_DEFINITIONS = Path("generated", "sandbox-definitions.json")


def find_dcp_client(prefix: Path) -> Path:
    """The folder of an installed dcp-client. Raises UsageError."""
    tried = list(package_folders("dcp-client", prefix, dependent="dcp-worker"))
    for folder in tried:
        if (folder / _DEFINITIONS).is_file():
            return folder
    roots = ", ".join(
        dict.fromkeys(str(folder.parent) for folder in tried if folder.parent.parent.name != "dcp-worker")
    )
    raise UsageError(
        f"no dcp-client is installed in {roots}; "
        "give its folder with --dcp-client (an option of dcp-evaluator-start), or the folder that holds it in NODE_PATH"
    )


class StartupFiles:
    """The types of evaluators that a file of definitions names, and the start-up files of each.

    The file is dcp-client's ``generated/sandbox-definitions.json``: an object with an array of names for each type. A
    name without ``/`` is a file of ``libexec``; others are modules (dcp-worker's bin/dcp-evaluator-start).
    """

    def __init__(self, client: Path, definitions: Path | None, libexec: Path | None) -> None:
        """``definitions``, ``libexec``: used instead of those in ``client``. Raises UsageError."""
        self._client = client
        self._libexec = libexec or client / "libexec" / "sandbox"
        self._path = definitions or client / _DEFINITIONS
        self._definitions = _read(self._path)

    @property
    def types(self) -> list[str]:
        return list(self._definitions)

    def files(self, sandbox_type: str) -> list[Path]:
        """In the order in which an evaluator loads them. Raises UsageError."""
        try:
            names = self._definitions[sandbox_type]
        except KeyError:
            known = ", ".join(self.types)
            raise UsageError(f"there is no sandbox type {sandbox_type!r} in {self._path}; it has {known}") from None
        return [resolve(name if "/" in name else f"{self._libexec}/{name}", self._client) for name in names]


def _read(path: Path) -> dict[str, list[str]]:
    try:
        definitions = json.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"the sandbox definitions cannot be read from {path}: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"the sandbox definitions in {path} are no JSON: {error}") from None
    if not isinstance(definitions, dict) or not all(_is_list_of_names(value) for value in definitions.values()):
        raise UsageError(f"the sandbox definitions in {path} are no object with a list of file names for each type")
    return definitions


def _is_list_of_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) and name for name in value)
