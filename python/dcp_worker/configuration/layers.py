"""Configurations over each other, of which each knows where it came from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dcp_protocol.kvin import URL

from ..errors import ConfigurationError
from .merge import merged
from .values import MISSING, Tree, lookup


@dataclass(frozen=True, slots=True)
class Layer:
    """``name``: a file, a variable or what else it is; ``text``: of the file."""

    name: str
    fragment: Tree
    text: str = field(default="", repr=False)
    file: Path | None = None

    def place(self, path: Sequence[str]) -> str:
        """Where a value was set: the layer, and the line in its file where that can be told."""
        line = self.line(path)
        return f"{self.name}:{line}" if line else self.name

    def line(self, path: Sequence[str]) -> int:
        """From 1; 0 where it is not known."""
        if not self.text or self.file is None:
            return 0
        return _line_of_toml(self.text, path) if self.file.suffix == ".toml" else _line_of_literal(self.text, path)


def merged_layers(layers: Iterable[Layer]) -> Tree:
    """Later ones win. Raises ConfigurationError."""
    tree: Tree = {}
    for layer in layers:
        try:
            tree = merged(tree, layer.fragment)
        except ValueError as error:
            path = str(error).partition(" ")[0].split(".")
            raise ConfigurationError(f"{layer.place(path)}: {error}") from None
    return tree


def setting_layer(layers: Sequence[Layer], path: Sequence[str]) -> Layer | None:
    """The one whose value counts there; None where none has any."""
    is_url = isinstance(lookup(merged_layers(layers), path), URL)
    for layer in reversed(layers):
        value = lookup(layer.fragment, path)
        if value is not MISSING and (value or not is_url):
            return layer
    return None


def _line_of_toml(text: str, path: Sequence[str]) -> int:
    """Of the line that sets it, or the nearest object above it."""
    table: list[str] = []
    best, best_depth = 0, 0
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.fullmatch(r"\s*\[\[?([^\]]+)\]\]?\s*(?:#.*)?", line):
            table = _toml_names(header[1])
            found = table
        elif setting := re.match(r"\s*([\w\"'.\- ]+?)\s*=", line):
            found = [*table, *_toml_names(setting[1])]
        else:
            continue
        if list(path[: len(found)]) == found and len(found) > best_depth:
            best, best_depth = number, len(found)
    return best


def _toml_names(text: str) -> list[str]:
    return [name.strip().strip("\"'") for name in text.split(".")]


def _line_of_literal(text: str, path: Sequence[str]) -> int:
    """Of an object literal of JavaScript or JSON: the name, after the names of the objects around it."""
    position, line = 0, 0
    for name in path:
        found = re.compile(rf"(?<![\w$])[\"']?{re.escape(name)}[\"']?\s*[:=.]").search(text, position)
        if found is None:
            return line
        position = found.end()
        line = text.count("\n", 0, found.start()) + 1
    return line
