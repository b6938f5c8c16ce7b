"""Kinds of settings that rules have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dcp_evaluator.gpu.devices import canonical

from .hours import Hours
from .keys import Key
from .kinds import Number
from .values import is_set, shown


@dataclass(frozen=True, slots=True)
class Week:
    """``Hours``; false stands for always."""

    allowed: str = 'a list of hours, such as ["Mon-Fri 18:00-08:00", "Sat,Sun"], or false'

    def read(self, value: Any) -> Hours | None:
        if value is False:
            return None
        entries = _texts(value, self.allowed)
        try:
            return Hours.parse(entries)
        except ValueError as error:
            raise ValueError(f"{error}; allowed is {self.allowed}") from None

    def written(self, value: Any) -> Any:
        return False


@dataclass(frozen=True, slots=True)
class Names:
    """A list of texts. ``choices``: those that there are, where not all are allowed."""

    choices: tuple[str, ...] = ()

    @property
    def allowed(self) -> str:
        return f"a list of {', '.join(self.choices)}" if self.choices else 'a list of names, such as ["blender"]'

    def read(self, value: Any) -> tuple[str, ...]:
        names = _texts(value, self.allowed)
        if "" in names or (self.choices and not set(names) <= set(self.choices)):
            raise ValueError(f"it is {', '.join(map(shown, names))}; allowed is {self.allowed}")
        return names

    def written(self, value: Any) -> Any:
        return list(value)


@dataclass(frozen=True, slots=True)
class Limit:
    """As ``number`` has it; false stands for none."""

    number: Number

    @property
    def allowed(self) -> str:
        return f"{self.number.allowed}, or false"

    def read(self, value: Any) -> float | None:
        try:
            return None if value is False else self.number.read(value)
        except ValueError:
            raise ValueError(f"it is {shown(value)}; allowed is {self.allowed}") from None

    def written(self, value: Any) -> Any:
        return False if value is None else self.number.written(value)


@dataclass(frozen=True, slots=True)
class ByGpu:
    """Rules of single GPUs. ``keys``: of those of all GPUs, by the names of the settings' fields."""

    keys: Callable[[], Mapping[str, Key]]
    allowed: str = 'rules by GPU, such as {"0000:65:00.0": {temperature: 75}}'

    def read(self, value: Any) -> dict[str, dict[str, Any]]:
        """Fields by the GPU's PCI address."""
        if not isinstance(value, dict):
            raise ValueError(f"it is {shown(value)}; allowed is {self.allowed}")
        return {self._gpu(name): self._rules(name, rules) for name, rules in value.items()}

    def written(self, value: Any) -> Any:
        return {}

    def _gpu(self, name: str) -> str:
        known = canonical(name)
        if known is None or "." not in known:  # a UUID, which the kernel does not know
            raise ValueError(f"{shown(name)} is no PCI address of a GPU, such as 0000:65:00.0; --probe shows them")
        return known

    def _rules(self, gpu: str, rules: Any) -> dict[str, Any]:
        if not isinstance(rules, dict):
            raise ValueError(f"the rules of {shown(gpu)} are {shown(rules)}; allowed is {self.allowed}")
        fields = {key.path[-1]: (field, key) for field, key in self.keys().items()}
        read = {}
        for name, value in rules.items():
            if name not in fields:
                raise ValueError(f"there is no rule {shown(name)}; there are {', '.join(fields)}")
            field, key = fields[name]
            if is_set(value):
                try:
                    read[field] = key.kind.read(value)
                except ValueError as error:
                    raise ValueError(f"{name} of {shown(gpu)}: {error}") from None
        return read


def _texts(value: Any, allowed: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise ValueError(f"it is {shown(value)}; allowed is {allowed}")
    texts: Iterable[str] = value
    return tuple(texts)
