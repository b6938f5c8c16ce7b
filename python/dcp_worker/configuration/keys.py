"""The table of keys: fields of the settings' classes that say which value of the configuration they are."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from .kinds import Kind
from .values import Path

_KEY: Final = "key"


@dataclass(frozen=True, slots=True)
class Key:
    """``aliases``: other names for it, which count where it is not set. ``default``: what the program works with.

    ``unset``: what stands in the documents where the default is found out when the worker starts.
    """

    path: Path
    kind: Kind
    default: Any
    unit: str
    meaning: str
    aliases: tuple[Path, ...]
    unset: str

    @property
    def name(self) -> str:
        return ".".join(self.path)

    @property
    def paths(self) -> tuple[Path, ...]:
        return (self.path, *self.aliases)


def key(
    name: str, kind: Kind, default: Any, meaning: str, *, unit: str = "", aliases: tuple[str, ...] = (), unset: str = ""
) -> Any:
    """A field of settings."""
    paths = [tuple(alias.split(".")) for alias in aliases]
    made = Key(tuple(name.split(".")), kind, default, unit, meaning, tuple(paths), unset)
    return dataclasses.field(default=default, metadata={_KEY: made})


def section(settings: type) -> Any:
    """A field that holds settings of a class."""
    return dataclasses.field(default_factory=settings)


def key_of(field: dataclasses.Field[Any]) -> Key | None:
    found: Key | None = field.metadata.get(_KEY)
    return found


def keys_of(settings: type) -> Iterator[Key]:
    """Of the class and of the classes that it holds, in order."""
    for field in dataclasses.fields(settings):
        found = key_of(field)
        if found:
            yield found
        elif isinstance(field.default_factory, type) and dataclasses.is_dataclass(field.default_factory):
            yield from keys_of(field.default_factory)
