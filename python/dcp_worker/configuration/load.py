"""Reading a configuration: defaults, files, variables and options, in the order of dcp-client 4 (``index.js``)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dcp_protocol.kvin import UNDEFINED, URL, RegExp

from . import environment as variables
from . import files
from .configuration import Configuration
from .javascript import Interpreter
from .layers import Layer, merged_layers
from .places import places
from .settings import all_keys
from .values import Tree


def load(
    scheduler: str | None = None, *, environment: Mapping[str, str] = os.environ, program: Path | None = None
) -> Configuration:
    """The configuration of this machine and user, without what the scheduler says.

    ``scheduler``: its URL, of the command line. ``program``: the file of the program that runs. Raises
    ConfigurationError.
    """
    with Interpreter(environment) as interpreter:
        reader = _Reader(interpreter, environment)
        where = places(environment, program)
        reader.add([_defaults()])
        reader.add_variables(scheduler)  # so that files can use them; they come again, and win
        early = len(reader.layers)
        reader.add_files(where.below)
        reader.add_variables(scheduler)
        reader.add_files(where.above)
    first, late = reader.layers[0], reader.layers[early:]
    return Configuration((first, *late), tuple(reader.messages))


@dataclass(slots=True)
class _Reader:
    interpreter: Interpreter
    environment: Mapping[str, str]
    layers: list[Layer] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    _variables: list[Layer] | None = None

    def add(self, layers: Iterable[Layer]) -> None:
        self.layers.extend(layers)

    def add_variables(self, scheduler: str | None) -> None:
        if self._variables is None:
            tree = merged_layers(self.layers)
            self._variables = [
                *variables.objects(self.environment, tree, self.interpreter), *variables.variables(self.environment)
            ]  # fmt: skip
            if scheduler:
                location = variables.url(scheduler, "option --dcp-scheduler")
                self._variables.append(Layer("option --dcp-scheduler", {"scheduler": {"location": location}}))
        self.add(self._variables)

    def add_files(self, stems: Iterable[Path]) -> None:
        for stem in stems:
            for path in files.existing(stem):
                found = files.read(path, merged_layers(self.layers), self.interpreter, self.environment)
                self.messages += [f"{path}: {message}" for message in found.messages]
                self.add([Layer(str(path), found.fragment, found.text, path)])


def _defaults() -> Layer:
    """As files see them: ``dcpConfig.scheduler.location`` is a URL, and whatever is left open is undefined."""
    tree: Tree = {"bank": {}, "packageManager": {}, "bundle": {}}
    for key in all_keys():
        above = tree
        for name in key.path[:-1]:
            above = above.setdefault(name, {})
        above[key.path[-1]] = UNDEFINED if key.default is None else key.kind.written(key.default)
    tree["scheduler"]["location"] = URL(tree["scheduler"]["location"])
    banned = tree["worker"]["bannedGPUs"]
    tree["worker"]["bannedGPUs"] = {name: RegExp(text.strip("/")) for name, text in banned.items()}
    return Layer("default", tree)
