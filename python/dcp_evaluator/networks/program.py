"""What a network's sandboxes run for a job."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from dcp_protocol import kvin

_LONGEST = 10_000
"""Characters of a text about an error."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a slice has no value, in the words of the work function's exception."""

    name: str
    message: str
    stack: str


@dataclass(frozen=True, slots=True)
class Program:
    """``source``: text for the worktime of this name and range of versions, as npm writes ranges. ``arguments``: as
    ``kvin`` takes them. ``outcome``: what a result says, a value for the job or a Failure; ``told``: the same of what
    an event says.
    """

    source: str
    worktime: str
    versions: str
    arguments: Sequence[Any]
    outcome: Callable[[Any], Any]
    told: Callable[[Any], Any]
    wants_gpu: bool = False


def thrown(error: kvin.JSError) -> Failure:
    """What a work function threw is the result of its slice."""
    texts = (error.name, error.message, error.properties.get("stack"))
    name, message, stack = (text[:_LONGEST] if isinstance(text, str) else "" for text in texts)
    return Failure(name or "Error", message, stack)
