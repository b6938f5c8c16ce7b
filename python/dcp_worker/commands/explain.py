"""``dcp-worker config``: which files and variables say what, and what a key means."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..configuration.configuration import Configuration
from ..configuration.display import path_of, show
from ..configuration.keys import Key
from ..configuration.load import load
from ..configuration.places import places
from ..configuration.settings import WITHOUT_EFFECT, all_keys
from ..configuration.suggestions import hint
from ..configuration.values import MISSING, as_json, dotted, is_set, lookup
from ..errors import ConfigurationError
from . import controlling
from .line import tell
from .options import PROGRAM
from .parser import Parser

_DESCRIPTION = """\
Shows which files and variables the configuration comes from, and what they set. The scheduler is not asked."""


def run(arguments: Sequence[str]) -> int:
    """Raises UsageError, ConfigurationError."""
    options = _parse(arguments)
    if options.keys:
        print(table() if options.markdown else "\n\n".join(_described(key) for key in all_keys()))
        return 0
    if options.running is not None:
        print(controlling.running_configuration(options.running, options.socket))
        return 0
    configuration = load(options.dcp_scheduler)
    if options.explain:
        print("\n".join(_explained(configuration, options.explain)))
    else:
        print("\n".join(_overview(configuration)))
    for advice in configuration.advice():
        tell(PROGRAM, advice)
    configuration.settings  # noqa: B018 (what is wrong in it is an error)
    return 0


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = Parser(f"{PROGRAM} config", _DESCRIPTION)
    parser.option("--explain", metavar="KEY", help="what a key means, and which file sets it: worker.cores.cpu")
    parser.option("--keys", action="store_true", help="all keys with their defaults")
    parser.option("--markdown", action="store_true", help="with --keys: as a table of Markdown")
    parser.option("--running", nargs="?", const="", metavar="KEY", help="what a running worker has, as JSON")
    parser.option("--socket", metavar="PATH", type=Path, help="with --running: its control socket")
    parser.option("--dcp-scheduler", metavar="URL", help="the scheduler, as for dcp-worker")
    return parser.parse(arguments)


def _overview(configuration: Configuration) -> Iterator[str]:
    stems = [*places(os.environ).below, *places(os.environ).above]
    files = [layer.file for layer in configuration.layers if layer.file]
    yield "files, of which later ones win; each ends in .json, .kvin or .js, and .toml beside it:"
    for stem in stems:
        there = [file for file in files if file.with_suffix("") == stem]
        yield from (f"  read      {file}" for file in there)
        if not there:
            yield f"  not there {stem}"
    yield "what is set:"
    changed = [key for key in all_keys() if _is_changed(configuration, key)]
    for key in changed:
        path = configuration.path(key)
        yield f"  {dotted(path)} = {_value(configuration, key)}  ({_setter(configuration, key)})"
    if not changed:
        yield "  nothing: all is as it is without configuration"


def _explained(configuration: Configuration, name: str) -> Iterator[str]:
    key = _key(name)
    if key is None:
        reason = WITHOUT_EFFECT[dotted(path_of(name))]
        yield f"{name} has no effect in this worker: {reason}"
        return
    yield f"{key.name} = {_value(configuration, key)}"
    rows = [("set by", _setter(configuration, key))]
    rows += [("also set by", place) for place in _weaker(configuration, key)]
    rows += [("default", _default(key)), *_facts(key)]
    yield from (f"  {label:<12}{text}" for label, text in rows)


def _described(key: Key) -> str:
    rows = [("default", _default(key)), *_facts(key)]
    return "\n".join([key.name, *(f"  {label:<12}{text}" for label, text in rows)])


def table() -> str:
    """docs/worker-keys.md."""
    rows = [
        "# Keys of the worker's configuration",
        "Written by `dcp-worker config --keys --markdown`; [worker.md](worker.md) says where they are set.",
        "",
        "| key | default | meaning | allowed |",
        "| --- | --- | --- | --- |",
    ]
    for key in all_keys():
        names = ", ".join(f"`{dotted(path)}`" for path in key.paths)
        default = _default(key) if key.default is None else f"`{_default(key)}`"
        unit = f" ({key.unit})" if key.unit else ""
        cells = [names, default, f"{key.meaning}{unit}", key.kind.allowed]
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    rows += ["", "Known to npm's worker, and without effect here:", "", "| key | why |", "| --- | --- |"]
    rows += [f"| `{name}` | {reason} |" for name, reason in WITHOUT_EFFECT.items()]
    return "\n".join(rows)


def _facts(key: Key) -> list[tuple[str, str]]:
    rows = [("unit", key.unit)] if key.unit else []
    rows += [("allowed", key.kind.allowed), ("meaning", key.meaning)]
    return rows + [("also called", dotted(alias)) for alias in key.aliases]


def _key(name: str) -> Key | None:
    """None for one that has no effect. Raises ConfigurationError."""
    path = path_of(name)
    for key in all_keys():
        if path in key.paths:
            return key
    if dotted(path) in WITHOUT_EFFECT:
        return None
    known = [*(dotted(each) for key in all_keys() for each in key.paths), *WITHOUT_EFFECT]
    inside = [key.name for key in all_keys() if key.path[: len(path)] == path]
    more = f"; it has {', '.join(inside)}" if inside else hint(name, known)
    raise ConfigurationError(f"there is no key {name}{more}; all are listed by {PROGRAM} config --keys")


def _value(configuration: Configuration, key: Key) -> str:
    value: Any = configuration.value(key)
    return show(configuration, dotted(configuration.path(key))) if is_set(value) else f"unset: {_default(key)}"


def _setter(configuration: Configuration, key: Key) -> str:
    path = configuration.path(key)
    layer = configuration.layer(path)
    if layer is None or layer is configuration.layers[0] or not is_set(configuration.value(key)):
        return "nothing; the default counts"
    return layer.place(path)


def _weaker(configuration: Configuration, key: Key) -> Iterator[str]:
    counts = configuration.layer(configuration.path(key))
    for layer in reversed(configuration.layers[1:]):
        for path in key.paths:
            if layer is not counts and lookup(layer.fragment, path) is not MISSING:
                yield layer.place(path)


def _is_changed(configuration: Configuration, key: Key) -> bool:
    layer = configuration.layer(configuration.path(key))
    return layer is not None and layer is not configuration.layers[0] and is_set(configuration.value(key))


def _default(key: Key) -> str:
    if key.default is None:
        return key.unset or "none"
    written = as_json(key.kind.written(key.default))
    return written if isinstance(written, str) else json.dumps(written, ensure_ascii=False)
