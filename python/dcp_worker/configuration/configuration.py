"""The layers of a configuration together, and the settings that come of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import urljoin

from ..errors import ConfigurationError
from .keys import Key, key_of, section_of
from .layers import Layer, merged_layers, setting_layer
from .remote import PATH, parse
from .settings import WITHOUT_EFFECT, WorkerSettings, all_keys
from .suggestions import nearest
from .values import Path, Tree, dotted, is_set, leaves, lookup

Settings = TypeVar("Settings")

_OURS = ("worker", "node", "supervisor", "evaluator")
"""In these every key is known."""

_FREE = (
    ("worker", "bannedGPUs"), ("worker", "computeGroups"), ("supervisor", "dcp"), ("worker", "sandboxOptions"),
    ("node", "rules", "gpus"),
)  # fmt: skip
"""Below these, names are the user's."""

_PUBLIC_GROUP = "worker.leavePublicGroup"


@dataclass(frozen=True)
class Configuration:
    """``layers``: weakest first, of which ``DEFAULT_LAYER`` is the first. ``messages``: what files wrote themselves."""

    layers: tuple[Layer, ...]
    messages: tuple[str, ...] = field(default=())

    @cached_property
    def tree(self) -> Tree:
        """All of them, merged. Raises ConfigurationError."""
        return merged_layers(self.layers)

    def with_remote(self, text: bytes | str, location: str) -> Configuration:
        """With what the scheduler says, which is stronger than the defaults alone. Raises ConfigurationError."""
        first, *rest = self.layers
        remote = Layer(f"the scheduler, {location}", parse(text, location))
        return Configuration((first, remote, *rest), self.messages)

    def with_options(self, fragment: Tree, name: str = "command line") -> Configuration:
        """With what is stronger than all layers."""
        return Configuration((*self.layers, Layer(name, fragment)), self.messages)

    @cached_property
    def settings(self) -> WorkerSettings:
        """Raises ConfigurationError, which tells all values that are wrong."""
        wrong: list[str] = []
        settings = self._read(WorkerSettings, wrong)
        if wrong:
            raise ConfigurationError("\n".join(wrong))
        (leave,) = (key for key in all_keys() if key.name == _PUBLIC_GROUP)
        if self.value(leave) == "fallback":  # npm's screensaver says it so
            settings = dataclasses.replace(settings, public_group_fallback=True)
        return settings

    @property
    def config_location(self) -> str | None:
        """Where the scheduler's configuration is; None where none is to be fetched. Raises ConfigurationError."""
        scheduler = self.settings.scheduler
        if scheduler.config_location is False:
            return None
        return str(scheduler.config_location or urljoin(scheduler.location, PATH))

    def value(self, key: Key) -> Any:
        """As it stands in the configuration, MISSING, None or UNDEFINED where the default counts."""
        return lookup(self.tree, self.path(key))

    def path(self, key: Key) -> Path:
        """Of its names, that which the strongest layer sets; the first of two in one layer."""
        if len(key.paths) == 1:
            return key.path
        return max(key.paths, key=self._strength)

    def _strength(self, path: Path) -> int:
        layer = self.layer(path) if is_set(lookup(self.tree, path)) else None
        return self.layers.index(layer) if layer else -1

    def layer(self, path: Sequence[str]) -> Layer | None:
        """Whose value counts there; None where none has any."""
        return setting_layer(self.layers, path)

    def advice(self) -> Iterator[str]:
        """Names in files and variables that nothing knows, where one that is known is nearly the same."""
        known = {path for key in all_keys() for path in key.paths} | {tuple(name.split(".")) for name in WITHOUT_EFFECT}
        names = [dotted(path) for path in known]
        for layer in self.layers[1:]:
            for path, _ in leaves(layer.fragment):
                if path[0] not in _OURS or _is_known(path, known):
                    continue
                if found := nearest(dotted(path), names):
                    yield f"{layer.place(path)}: {dotted(path)} is not known, and has no effect; is it {found}?"

    def _read(self, settings: type[Settings], wrong: list[str], prefix: Path = ()) -> Settings:
        values: dict[str, Any] = {}
        for member in dataclasses.fields(settings):  # type: ignore[arg-type]
            if key := key_of(member, prefix):
                values[member.name] = self._checked(key, wrong)
            elif inner := section_of(member, prefix):
                values[member.name] = self._read(inner[0], wrong, inner[1])
        return settings(**values)

    def _checked(self, key: Key, wrong: list[str]) -> Any:
        path = self.path(key)
        value = lookup(self.tree, path)
        if not is_set(value) or (key.name == _PUBLIC_GROUP and value == "fallback"):
            return key.default
        try:
            return key.kind.read(value)
        except ValueError as error:
            layer = self.layer(path)
            place = f"{layer.place(path)}: " if layer else ""
            wrong.append(f"{place}{dotted(path)}: {error}")
            return key.default


def _is_known(path: Path, known: set[Path]) -> bool:
    if any(path[: len(free)] == free for free in _FREE):
        return True
    return any(path == other[: len(path)] or other == path[: len(other)] for other in known)
