"""Classes of the user whose instances stay instances on their way. All other dataclasses arrive as dicts."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from enum import Enum
from typing import Any

_BY_TYPE: dict[type, Registered] = {}
_BY_NAME: dict[str, Registered] = {}


@dataclasses.dataclass(frozen=True)
class Registered:
    """``fields`` takes an instance apart, ``make(**fields)`` makes one. ``is_plain``: the class itself says how."""

    name: str
    kind: type
    fields: Callable[[Any], dict[str, Any]]
    make: Callable[..., Any]
    is_plain: bool


def register(
    kind: type,
    name: str | None = None,
    *,
    fields: Callable[[Any], dict[str, Any]] | None = None,
    make: Callable[..., Any] | None = None,
) -> type:
    """Lets instances of ``kind`` travel as such; may stand above a class as its decorator. Returns ``kind``.

    A class of the program goes to sandboxes with its source, and is registered there. Other classes are registered on
    both sides, under the same ``name`` (default: that of the class); where the reader has not, a dict arrives.
    ``fields(instance)`` gives a dict with str keys and ``make(**fields)`` an instance. Without them a dataclass gives
    the fields of its ``__init__`` and is made by calling it, with values that the sandbox chose; an Enum gives names.
    Raises TypeError for a class that is neither without both, ValueError for a name that another class has.
    """
    if not isinstance(kind, type):
        raise TypeError(f"register() takes a class, not an instance of {type(kind).__name__}")
    is_plain = fields is None or make is None
    if fields is None or make is None:
        fields, make = _usual(kind)
    entry = Registered(name or kind.__qualname__, kind, fields, make, is_plain)
    other = _BY_NAME.get(entry.name)
    if other is not None and (other.kind.__module__, other.kind.__qualname__) != (kind.__module__, kind.__qualname__):
        raise ValueError(f"another class is registered as {entry.name!r}; give register() another name")
    _BY_NAME[entry.name] = _BY_TYPE[kind] = entry
    return kind


def _usual(kind: type) -> tuple[Callable[[Any], dict[str, Any]], Callable[..., Any]]:
    if issubclass(kind, Enum):
        return lambda member: {"name": member.name}, lambda name: kind[name]
    if not dataclasses.is_dataclass(kind):
        raise TypeError(f"{kind.__qualname__} is neither a dataclass nor an Enum; give register() fields= and make=")
    return init_fields, kind


def init_fields(instance: Any) -> dict[str, Any]:
    """What the ``__init__`` of a dataclass wants, from an instance."""
    return {field.name: getattr(instance, field.name) for field in dataclasses.fields(instance) if field.init}


def all_fields(instance: Any) -> dict[str, Any]:
    """All fields of a dataclass's instance."""
    return {field.name: getattr(instance, field.name) for field in dataclasses.fields(instance)}


def registered() -> list[Registered]:
    return list(_BY_NAME.values())


def registered_type(kind: type) -> Registered | None:
    return _BY_TYPE.get(kind)


def registered_name(name: str) -> Registered | None:
    return _BY_NAME.get(name)
