"""The table of keys: fields of the settings' classes that say which value of the configuration they are."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, cast

from .kinds import Kind
from .values import Path

_KEY: Final = "key"
_PREFIX: Final = "prefix"


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


def section(settings: type, prefix: str = "") -> Any:
    """A field that holds settings of a class. ``prefix``: what stands before the names of its keys."""
    path = tuple(prefix.split(".")) if prefix else ()
    return dataclasses.field(default_factory=settings, metadata={_PREFIX: path})


def key_of(field: dataclasses.Field[Any], prefix: Path = ()) -> Key | None:
    found: Key | None = field.metadata.get(_KEY)
    return dataclasses.replace(found, path=(*prefix, *found.path)) if found and prefix else found


def section_of(field: dataclasses.Field[Any], prefix: Path = ()) -> tuple[type, Path] | None:
    """The class that the field holds, and what stands before the names of its keys."""
    own: Path | None = field.metadata.get(_PREFIX)
    return None if own is None else (cast(type, field.default_factory), (*prefix, *own))


def keys_of(settings: type, prefix: Path = ()) -> Iterator[Key]:
    """Of the class and of the classes that it holds, in order."""
    for field in dataclasses.fields(settings):
        if found := key_of(field, prefix):
            yield found
        elif inner := section_of(field, prefix):
            yield from keys_of(*inner)
