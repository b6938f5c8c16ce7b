"""Parts of a JSON text by their position, without building values of the rest."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeAlias

from .. import canonical_json
from ..errors import MessageError

Text: TypeAlias = "bytes | memoryview"
# A name, an id or a nonce that is longer than this is none of DCP's (they have about 30 characters).
LONGEST_NAME = 256


def members(text: Text, what: str) -> dict[str, memoryview]:
    """The members of an object: their names, and their values' texts. Raises MessageError."""
    try:
        return canonical_json.members(text)
    except ValueError as error:
        raise MessageError("EINVAL", f"{what}: {error}") from None


def elements(text: Text, what: str) -> list[memoryview]:
    """The elements of an array. Raises MessageError."""
    try:
        return canonical_json.elements(text)
    except ValueError as error:
        raise MessageError("EINVAL", f"{what}: {error}") from None


def small(text: memoryview, what: str, most: int = 4096) -> Any:
    """The value of a part that is no payload, thus at most ``most`` bytes."""
    if len(text) > most:
        raise MessageError("EINVAL", f"{what} has more than {most} bytes")
    try:
        return canonical_json.decode(text)
    except ValueError:
        raise MessageError("EINVAL", f"{what} is not JSON") from None


def name(parts: Mapping[str, memoryview], member: str, what: str) -> str:
    """A member that has to be a text of 1 to ``LONGEST_NAME`` characters."""
    value = optional_name(parts, member, what)
    if value is None:
        raise MessageError("EINVAL", f"{what} has no {member}")
    return value


def optional_name(parts: Mapping[str, memoryview], member: str, what: str) -> str | None:
    """The same; None where the member is missing or null."""
    if member not in parts:
        return None
    value = small(parts[member], what)
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_NAME:
        raise MessageError("EINVAL", f"{what}: {member} must be a text of 1 to {LONGEST_NAME} characters")
    return value


def number(value: object) -> float | None:
    """A finite number, or None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        finite = float(value)
    except OverflowError:
        return None
    return finite if math.isfinite(finite) else None
