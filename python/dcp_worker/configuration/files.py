"""One configuration file: which of its forms is there, and what it says."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from dcp_protocol.errors import ProtocolError
from dcp_protocol.kvin import deserialize

from ..errors import ConfigurationError
from . import safety
from .javascript import LONGEST, Interpreter
from .values import Tree, plain

DCP_SUFFIXES: Final = (".json", ".kvin", ".js")
"""The first that is there counts."""

OUR_SUFFIX: Final = ".toml"
"""Counts beside them, and wins."""


@dataclass(frozen=True, slots=True)
class ReadFile:
    """``messages``: what a file in JavaScript wrote to its console."""

    path: Path
    text: str
    fragment: Tree
    messages: tuple[str, ...] = ()


def existing(stem: Path) -> Iterator[Path]:
    """The files of this name, without suffix, that are there."""
    for suffix in DCP_SUFFIXES:
        if (path := stem.with_name(f"{stem.name}{suffix}")).exists():
            yield path
            break
    if (path := stem.with_name(f"{stem.name}{OUR_SUFFIX}")).exists():
        yield path


def read(path: Path, config: Tree, interpreter: Interpreter, environment: Mapping[str, str]) -> ReadFile:
    """``config``: what the files before it say. Raises ConfigurationError."""
    try:
        safety.check(path, environment)
        text = _text(path)
    except OSError as error:
        raise ConfigurationError(f"{path}: it cannot be read: {error.strerror}") from None
    if path.suffix == ".js":
        found = interpreter.evaluate(text, config, str(path))
        return ReadFile(path, text, found.fragment, found.messages)
    fragment = _toml(text, path) if path.suffix == OUR_SUFFIX else _data(text, path)
    return ReadFile(path, text, fragment)


def _text(path: Path) -> str:
    if not path.is_file():
        raise ConfigurationError(f"{path}: it is no file; move it away")
    with path.open("rb") as file:
        data = file.read(LONGEST + 1)
    if len(data) > LONGEST:
        raise ConfigurationError(f"{path}: it has more than {LONGEST} bytes, which no configuration needs")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: byte {error.start} is no UTF-8; save the file as UTF-8") from None


def _toml(text: str, path: Path) -> Tree:
    try:
        return _tree(tomllib.loads(text), path)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path}: this is no TOML: {error}") from None
    except RecursionError:
        raise ConfigurationError(f"{path}: it is nested too deep") from None


def _data(text: str, path: Path) -> Tree:
    try:
        value = json.loads(text) if path.suffix == ".json" else deserialize(text)
    except json.JSONDecodeError as error:
        raise ConfigurationError(f"{path}:{error.lineno}: this is no JSON: {error.msg}") from None
    except RecursionError:
        raise ConfigurationError(f"{path}: it is nested too deep") from None
    except ProtocolError as error:
        raise ConfigurationError(f"{path}: this is no KVIN: {error}") from None
    return _tree(value, path)


def _tree(value: Any, path: Path) -> Tree:
    if not isinstance(value, dict):
        raise ConfigurationError(f"{path}: it must hold an object, such as {{'worker': {{...}}}}")
    try:
        tree = plain(value)
    except ValueError as error:
        raise ConfigurationError(f"{path}: {error}") from None
    assert isinstance(tree, dict)
    return tree
