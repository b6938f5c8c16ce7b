"""Reading what a scheduler sent, field by field. What is wrong is told by its name; nothing foreign is shown."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from ..errors import TaskError

_IDENTITY = re.compile(r"[!-~]{1,128}")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
LARGEST_NUMBER = 2**53


class Fields:
    """The members of an object that came as JSON. null is taken for a member that is missing, as in JavaScript."""

    __slots__ = ("_members", "_what")

    def __init__(self, value: object, what: str) -> None:
        """``what`` names the object in messages. Raises TaskError for what is no object."""
        if not isinstance(value, dict):
            raise TaskError(f"{what} is no object")
        self._members: dict[str, Any] = value
        self._what = what

    def __contains__(self, name: str) -> bool:
        return self._members.get(name) is not None

    def get(self, name: str) -> Any:
        """As it came; None where it is missing."""
        return self._members.get(name)

    def wrong(self, name: str, must: str) -> TaskError:
        return TaskError(f"{self._what}: {name} must be {must}")

    def text(self, name: str, default: str | None = None) -> str:
        value = self._members.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str):
            raise self.wrong(name, "a text")
        return value

    def identity(self, name: str) -> str:
        """An address or an id: 1 to 128 characters of ASCII without spaces, which may be shown."""
        value = self._members.get(name)
        if not isinstance(value, str) or not _IDENTITY.fullmatch(value):
            raise self.wrong(name, "an address or an id")
        return value

    def shown(self, name: str, most: int) -> str:
        """A text for people, at most ``most`` characters, without what moves a terminal's cursor; "" for others."""
        value = self._members.get(name)
        return _UNPRINTABLE.sub(" ", value[:most]) if isinstance(value, str) else ""

    def whole(self, name: str, default: int | None = None) -> int:
        """A whole number from 0 to 2**53."""
        value = self._members.get(name)
        if value is None and default is not None:
            return default
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if type(value) is not int or not 0 <= value <= LARGEST_NUMBER:
            raise self.wrong(name, "a whole number from 0")
        return value

    def number(self, name: str) -> float | None:
        """A finite number that is not negative, or None for anything else."""
        value = self._members.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        try:
            number = float(value)
        except OverflowError:
            return None
        return number if math.isfinite(number) and number >= 0 else None

    def flag(self, name: str) -> bool:
        """What JavaScript takes for true."""
        return truth(self._members.get(name))

    def texts(self, name: str) -> tuple[str, ...]:
        value = self._members.get(name)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
            raise self.wrong(name, "a list of texts")
        return tuple(value)

    def mapping(self, name: str) -> Mapping[str, Any]:
        value = self._members.get(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self.wrong(name, "an object")
        return value


def truth(value: Any) -> bool:
    """As JavaScript has it: empty lists and objects are true."""
    return bool(value) or isinstance(value, list | dict)
