"""The configuration as it counts, for people and programs, without secrets."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from dcp_protocol.kvin import UNDEFINED

from ..errors import ConfigurationError
from .configuration import Configuration
from .settings import all_keys
from .suggestions import hint
from .values import Path, Tree, as_json

_SECRETS: Final = frozenset({"joinSecret", "joinHash", "joinHashHash", "passphrase", "privateKey"})
_HIDDEN: Final = "(hidden)"


def dump(configuration: Configuration) -> str:
    """All of it as JSON, without secrets."""
    return json.dumps(as_json(_hidden(configuration.tree)), indent=2, ensure_ascii=False)


def show(configuration: Configuration, name: str) -> str:
    """A part of it, such as ``worker.cores``: texts as they are, all else as JSON. Raises ConfigurationError."""
    value = _found(configuration.tree, name)
    if value is UNDEFINED:
        return "undefined"
    if isinstance(value, dict | list):
        value = _hidden(value)
    shown = as_json(value)
    return shown if isinstance(shown, str) else json.dumps(shown, indent=2, ensure_ascii=False)


def path_of(name: str) -> Path:
    """``worker.computeGroups[0]`` and ``worker['cores']`` as dcpConfig would be asked."""
    return tuple(part for part in re.split(r"\.|\[|\]|['\"]", name.removeprefix("dcpConfig.")) if part)


def _found(tree: Tree, name: str) -> Any:
    value: Any = tree
    for part in path_of(name):
        if isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        elif isinstance(value, dict) and part in value:
            value = value[part]
        else:
            known = [*(".".join(path) for key in all_keys() for path in key.paths), *tree]
            raise ConfigurationError(f"there is nothing called {name} in the configuration{hint(name, known)}")
    return value


def _hidden(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: _HIDDEN if name in _SECRETS and isinstance(member, str) and member else _hidden(member)
            for name, member in value.items()
        }
    return [_hidden(member) for member in value] if isinstance(value, list) else value
