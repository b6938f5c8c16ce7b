"""Reading what a peer sent, member by member. What is wrong is told by its name; nothing foreign is shown."""

from __future__ import annotations

import math
from datetime import datetime
from itertools import islice
from typing import Any

from dcp_protocol.keys.address import Address

from ..errors import RefusedError

LARGEST_NUMBER = 2**53
_LONGEST_LIST = 100_000


class Fields:
    """The members of an object that came as JSON; null is taken for a member that is missing."""

    __slots__ = ("_members", "_what")

    def __init__(self, value: object, what: str) -> None:
        """``what`` names the object in messages. Raises RefusedError for what is no object."""
        if not isinstance(value, dict):
            raise RefusedError("EINVAL", f"{what} is no object")
        self._members: dict[str, Any] = value
        self._what = what

    def __contains__(self, name: str) -> bool:
        return self._members.get(name) is not None

    def get(self, name: str) -> Any:
        return self._members.get(name)

    def wrong(self, name: str, must: str) -> RefusedError:
        return RefusedError("EINVAL", f"{self._what}: {name} must be {must}")

    def text(self, name: str, default: str | None = None, most: int = 255) -> str:
        value = self._members.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or len(value) > most:
            raise self.wrong(name, f"a text of {most} characters at most")
        return value

    def address(self, name: str) -> str:
        """With its checksum."""
        try:
            return str(Address.parse(self._members.get(name)))
        except ValueError:
            raise self.wrong(name, "an address") from None

    def whole(self, name: str, default: int | None = None, most: int = LARGEST_NUMBER) -> int:
        value = self._members.get(name)
        if value is None and default is not None:
            return default
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if type(value) is not int or not 0 <= value <= most:
            raise self.wrong(name, f"a whole number from 0 to {most}")
        return value

    def number(self, name: str, default: float = 0.0) -> float:
        """A finite number that is not negative; ``default`` for anything else."""
        value = self._members.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return default
        return float(value) if math.isfinite(value) and 0 <= value <= LARGEST_NUMBER else default

    def time(self, name: str) -> float | None:
        """Seconds since 1970 of milliseconds, or of a date as JSON has it; None where there is none."""
        value = self._members.get(name)
        if value is None:
            return None
        try:
            return datetime.fromisoformat(value).timestamp() if isinstance(value, str) else float(value) / 1000
        except (TypeError, ValueError, OverflowError):
            raise self.wrong(name, "a time: milliseconds since 1970, or a date") from None

    def flag(self, name: str) -> bool:
        """What JavaScript takes for true."""
        value = self._members.get(name)
        return bool(value) or isinstance(value, list | dict)

    def elements(self, name: str, most: int = _LONGEST_LIST) -> list[Any]:
        value = self._members.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or len(value) > most:
            raise self.wrong(name, f"a list of {most} elements at most")
        return value

    def texts(self, name: str, most: int = 10_000, longest: int = 4096) -> list[str]:
        value = self.elements(name, most)
        if not all(isinstance(text, str) and len(text) <= longest for text in value):
            raise self.wrong(name, "a list of texts")
        return value

    def mapping(self, name: str) -> dict[str, Any]:
        value = self._members.get(name)
        if value is None:
            return {}
        if not isinstance(value, dict) or len(value) > _LONGEST_LIST:
            raise self.wrong(name, "an object")
        return value

    def names(self, most: int) -> list[str]:
        """Of the members, the first ones."""
        return list(islice(self._members, most))

    def inner(self, name: str) -> Fields:
        return Fields(self.mapping(name), f"{self._what}: {name}")
