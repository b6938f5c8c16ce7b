"""Configurations as values: a tree of objects, whose leaves are JSON, ``UNDEFINED``, ``URL`` and ``RegExp``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from dcp_protocol.kvin import UNDEFINED, URL, Array, Constructed, RegExp

Tree = dict[str, Any]
Path = tuple[str, ...]
"""The names of the objects above a value, and its own."""

DEPTH: Final = 32
_SHOWN: Final = 80  # characters of a value in a message


class Missing:
    """The type of ``MISSING``: there is no value of this name."""


MISSING: Final = Missing()


def dotted(path: Sequence[str]) -> str:
    """As people write it: ``worker.cores.cpu``."""
    return ".".join(path)


def lookup(tree: object, path: Sequence[str]) -> Any:
    """The value there, or MISSING."""
    for name in path:
        if not isinstance(tree, dict) or name not in tree:
            return MISSING
        tree = tree[name]
    return tree


def is_set(value: object) -> bool:
    """Whether it says anything: JavaScript's ``undefined`` and ``null`` stand for the default."""
    return value is not None and value is not UNDEFINED and value is not MISSING


def leaves(tree: Tree, above: Path = ()) -> Iterator[tuple[Path, Any]]:
    """What is in a tree, but objects; lists are leaves."""
    for name, value in tree.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, (*above, name))
        else:
            yield (*above, name), value


def changes(before: Tree, after: Tree) -> Tree:
    """What must be merged over ``before`` to have the leaves of ``after``."""
    changed: Tree = {}
    for name, value in after.items():
        old = before.get(name, MISSING)
        if isinstance(value, dict) and isinstance(old, dict):
            if inner := changes(old, value):
                changed[name] = inner
        elif type(value) is not type(old) or value != old:
            changed[name] = value
    return changed


def plain(value: object, depth: int = DEPTH) -> Any:
    """A value of JSON or KVIN as it stands in a tree; what a configuration has no use for is UNDEFINED.

    Raises ValueError where it is nested too deep.
    """
    if depth < 0:
        raise ValueError(f"it is nested more than {DEPTH} levels deep")
    if isinstance(value, dict):
        return {str(name): plain(member, depth - 1) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [plain(member, depth - 1) for member in value]
    if isinstance(value, Array):
        return [plain(member, depth - 1) for _, member in sorted(value.elements.items())]
    if isinstance(value, Constructed):  # dcpEth$$Address
        return value.arguments[0] if len(value.arguments) == 1 and isinstance(value.arguments[0], str) else UNDEFINED
    if isinstance(value, URL):
        return URL(value.href)  # whatever its class is called
    if value is None or isinstance(value, bool | int | float | str | RegExp):
        return value
    return UNDEFINED


def shown(value: object) -> str:
    """For a message: as JSON would have it, and short."""
    if value is UNDEFINED:
        return "undefined"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, URL):
        return _printable(value.href)
    if isinstance(value, RegExp):
        return _printable(f"/{value.source}/{value.flags}")
    return f'"{_printable(value)}"' if isinstance(value, str) else str(value)[:_SHOWN]


def _printable(text: str) -> str:
    kept = "".join(character if character.isprintable() else "\ufffd" for character in text[:_SHOWN])
    return kept if len(text) <= _SHOWN else f"{kept}..."


def as_json(value: object) -> Any:
    """What JSON can hold of it: URLs and regular expressions are texts, what is undefined is left out."""
    if isinstance(value, dict):
        return {name: as_json(member) for name, member in value.items() if member is not UNDEFINED}
    if isinstance(value, list):
        return [None if member is UNDEFINED else as_json(member) for member in value]
    if isinstance(value, URL):
        return value.href
    if isinstance(value, RegExp):
        return f"/{value.source}/{value.flags}"
    return None if value is UNDEFINED else value
