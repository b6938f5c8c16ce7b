"""Kinds of settings: what values each allows, and what they become."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from dcp_protocol.keys.address import Address
from dcp_protocol.kvin import URL, RegExp

from .values import shown

SCHEDULER: Final = "scheduler"
"""As in ``dcp_protocol.uris.origins``, which takes long to load: stands for the scheduler's origin."""


class Kind(Protocol):
    """``allowed`` is for people. ``read`` makes of a value, which is set, what the program works with."""

    @property
    def allowed(self) -> str: ...

    def read(self, value: Any) -> Any:
        """Raises ValueError, of which the message says what is wrong with it."""

    def written(self, value: Any) -> Any:
        """What a file would have to hold to mean ``value``."""


@dataclass(frozen=True, slots=True)
class Number:
    """``scale``: how many units of the program one unit of the file is."""

    low: float = 0.0
    high: float = 1e15
    scale: float = 1.0

    @property
    def allowed(self) -> str:
        return (
            f"a number of at least {self.low:g}"
            if self.high == 1e15
            else f"a number from {self.low:g} to {self.high:g}"
        )

    def read(self, value: Any) -> float:
        number = _number(value)
        if number is None or not self.low <= number <= self.high:
            raise _wrong(value, self.allowed)
        return number * self.scale

    def written(self, value: Any) -> Any:
        return _short(round(value / self.scale, 9))


@dataclass(frozen=True, slots=True)
class Whole:
    low: int = 0
    high: int = 10**15

    @property
    def allowed(self) -> str:
        upper = "" if self.high == 10**15 else f", {self.high} at most"
        return f"a whole number, {self.low} or more{upper}"

    def read(self, value: Any) -> int:
        number = _number(value)
        if number is None or number != int(number) or not self.low <= number <= self.high:
            raise _wrong(value, self.allowed)
        return int(number)

    def written(self, value: Any) -> Any:
        return value


@dataclass(frozen=True, slots=True)
class Boolean:
    allowed: str = "true or false"

    def read(self, value: Any) -> bool:
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        raise _wrong(value, self.allowed)

    def written(self, value: Any) -> Any:
        return value


@dataclass(frozen=True, slots=True)
class Choice:
    choices: tuple[str, ...]

    @property
    def allowed(self) -> str:
        return f"one of {', '.join(self.choices)}"

    def read(self, value: Any) -> str:
        if not isinstance(value, str) or value not in self.choices:
            raise _wrong(value, self.allowed)
        return value

    def written(self, value: Any) -> Any:
        return value


@dataclass(frozen=True, slots=True)
class Text:
    allowed: str = "a text"

    def read(self, value: Any) -> str:
        if not isinstance(value, str) or "\0" in value:
            raise _wrong(value, self.allowed)
        return value

    def written(self, value: Any) -> Any:
        return value


@dataclass(frozen=True, slots=True)
class Location:
    """A URL; ``may_be_false``: false stands for none."""

    may_be_false: bool = False

    @property
    def allowed(self) -> str:
        return "a URL, such as https://host.example/" + (", or false" if self.may_be_false else "")

    def read(self, value: Any) -> str | bool:
        if value is False and self.may_be_false:
            return False
        text = value.href if isinstance(value, URL) else value
        if not isinstance(text, str) or not _has_host(text):
            raise _wrong(value, self.allowed)
        return text if urlsplit(text).path else f"{text}/"

    def written(self, value: Any) -> Any:
        return value


@dataclass(frozen=True, slots=True)
class Account:
    allowed: str = "an address: 0x and 40 hexadecimal digits"

    def read(self, value: Any) -> Address:
        try:
            return Address.parse(value)
        except ValueError as error:
            raise ValueError(f"{error}; allowed is {self.allowed}") from None

    def written(self, value: Any) -> Any:
        return str(value)


@dataclass(frozen=True, slots=True)
class Origins:
    allowed: str = 'a list of origins, such as ["https://host.example"]'

    def read(self, value: Any) -> tuple[str, ...]:
        origins = list(value.values()) if isinstance(value, dict) else value
        if not isinstance(origins, list):
            raise _wrong(value, self.allowed)
        return tuple(self._origin(origin) for origin in origins)

    def _origin(self, value: Any) -> str:
        text = value.href if isinstance(value, URL) else value
        if not isinstance(text, str) or not (_has_host(text) or text.startswith("/") or text == SCHEDULER):
            raise _wrong(value, self.allowed)
        return text

    def written(self, value: Any) -> Any:
        return list(value)


@dataclass(frozen=True, slots=True)
class Texts:
    """A list; false stands for none."""

    allowed: str = "a list of texts, or false"

    def read(self, value: Any) -> tuple[str, ...] | None:
        if value is False:
            return None
        if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
            raise _wrong(value, self.allowed)
        return tuple(value)

    def written(self, value: Any) -> Any:
        return False if value is None else list(value)


@dataclass(frozen=True, slots=True)
class ComputeGroup:
    """Which group, and what proves the right to join it: ``join_secret``, or ``join_hash`` (``eh1-`` and 64 digits)."""

    join_key: str
    join_secret: str = ""
    join_hash: str = ""

    def __repr__(self) -> str:
        return f"<ComputeGroup {self.join_key!r}>"


@dataclass(frozen=True, slots=True)
class ComputeGroups:
    allowed: str = "a list of {joinKey, joinSecret} or {joinKey, joinHash}"

    def read(self, value: Any) -> tuple[ComputeGroup, ...]:
        groups = list(value.values()) if isinstance(value, dict) else value
        if not isinstance(groups, list):
            raise _wrong(value, self.allowed)
        return tuple(self._group(group, number) for number, group in enumerate(groups))

    def _group(self, value: Any, number: int) -> ComputeGroup:
        parts = (
            [value.get(name) or "" for name in ("joinKey", "joinSecret", "joinHash")] if isinstance(value, dict) else []
        )
        if len(parts) != 3 or not all(isinstance(part, str) for part in parts) or not parts[0]:
            raise ValueError(f"group {number} has no joinKey; allowed is {self.allowed}")
        return ComputeGroup(*parts)

    def written(self, value: Any) -> Any:
        return list(value)


@dataclass(frozen=True, slots=True)
class BannedGpu:
    """A GPU is not used where ``pattern`` is found in that ``property`` of its description (``adapter.info``)."""

    property: str
    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class BannedGpus:
    allowed: str = "regular expressions by a property of GPUs, such as {description: /D3D/}"

    def read(self, value: Any) -> tuple[BannedGpu, ...]:
        entries = value if isinstance(value, list) else [value]
        if not all(isinstance(entry, dict) for entry in entries):
            raise _wrong(value, self.allowed)
        return tuple(BannedGpu(name, self._pattern(name, text)) for entry in entries for name, text in entry.items())

    def _pattern(self, name: str, value: Any) -> re.Pattern[str]:
        if isinstance(value, str):  # of a file that has no regular expressions
            literal = re.fullmatch(r"/(.*)/([a-z]*)", value, re.DOTALL)
            value = RegExp(literal[1], literal[2]) if literal else RegExp(value)
        if not isinstance(value, RegExp):
            raise _wrong(value, self.allowed)
        flags = sum({"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL}.get(flag, 0) for flag in value.flags)
        try:
            return re.compile(
                value.source.replace("(?<", "(?P<").replace("(?P<=", "(?<=").replace("(?P<!", "(?<!"), flags
            )
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(f"{name} is no regular expression that is understood here: {error}") from None

    def written(self, value: Any) -> Any:
        return {banned.property: f"/{banned.pattern.pattern}/" for banned in value}


def _wrong(value: Any, allowed: str) -> ValueError:
    return ValueError(f"it is {shown(value)}; allowed is {allowed}")


def _number(value: Any) -> float | None:
    if isinstance(value, str) and re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", value.strip(), re.I | re.A):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _short(number: float) -> float:
    return int(number) if number == int(number) else number


def _has_host(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return bool(parts.scheme and parts.hostname) and parts.port != 0 and not re.search(r"\s", text)
    except ValueError:
        return False
