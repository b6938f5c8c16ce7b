"""The file that ``setup`` writes: every key, with what it means, its unit and its default."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, Final

from .keys import Key
from .settings import all_keys
from .values import Path

_HEAD: Final = """\
# What the DCP worker of this user is told. Lines that begin with # say how it is without them.
# dcp-worker config --explain KEY says more of a key, and which file sets it. Stronger than this file are variables of
# the environment, the files in /etc/dcp/dcp-worker, and options."""
_WIDTH: Final = 100


def commented_file(values: Mapping[Path, Any]) -> str:
    """``values``: those that are set, as TOML can hold them; all other keys stand in comments."""
    parts = [_HEAD]
    table: Path | None = None
    for key in _grouped():
        if key.path[:-1] != table:
            table = key.path[:-1]
            parts.append(f"\n[{'.'.join(table)}]")
        parts.append(_entry(key, values.get(key.path)))
    return "\n".join(parts) + "\n"


def _grouped() -> Iterator[Key]:
    """TOML names each table once."""
    tables: dict[Path, list[Key]] = {}
    for key in all_keys():
        tables.setdefault(key.path[:-1], []).append(key)
    for keys in tables.values():
        yield from keys


def _entry(key: Key, value: Any) -> str:
    unit = f" ({key.unit})" if key.unit else ""
    text = f"{key.meaning}{unit}; {key.kind.allowed}"
    if key.default is None and key.unset:
        text += f"; without it: {key.unset}"
    lines = textwrap.wrap(text, _WIDTH, initial_indent="# ", subsequent_indent="#   ")
    if value is not None:
        lines.append(f"{_name(key.path[-1])} = {_toml(value)}")
    elif key.default is not None:
        lines.append(f"#{_name(key.path[-1])} = {_toml(key.kind.written(key.default))}")
    else:
        lines.append(f"#{_name(key.path[-1])} =")
    return "\n".join(lines)


def _name(name: str) -> str:
    return name if name.replace("-", "").replace("_", "").isalnum() and name.isascii() else json.dumps(name)


def _toml(value: Any) -> str:
    """TOML's texts, numbers, truth values and lists are written as those of JSON."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_name(name)} = {_toml(member)}" for name, member in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)
