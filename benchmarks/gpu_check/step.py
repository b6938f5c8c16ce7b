"""A step: a function that looks at one thing, in a process of its own, and tells what it found."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class StepFailedError(Exception):
    """What the step looked at does not work; the message says what, for the page. ``outcome``: what else it found."""

    def __init__(self, message: str, outcome: Outcome | None = None) -> None:
        super().__init__(message)
        self.outcome = outcome or Outcome()


class DoesNotApplyError(Exception):
    """This machine has not what the step looks at; the message says what that is."""


@dataclass
class Outcome:
    """``lines`` go on the page, ``data`` into the JSON."""

    lines: list[str] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Settings:
    """``quick``: smaller and shorter, for tests. ``device``: index of the adapter to measure, None: the first one.
    ``seconds``: what a step has, in its own process.
    """

    folder: Path
    quick: bool = False
    device: int | None = None
    seconds: float = 60.0

    def found(self, step: str) -> dict[str, Any]:
        """The ``data`` of an earlier step; empty where it has not run or found nothing."""
        try:
            return dict(json.loads(result_file(self.folder, step).read_text(encoding="utf-8"))["data"])
        except (OSError, ValueError, LookupError, TypeError):
            return {}


@dataclass(frozen=True)
class Step:
    """``limit``: seconds after which its process is killed."""

    name: str
    title: str
    limit: float
    run: Callable[[Settings], Outcome]


def result_file(folder: Path, step: str) -> Path:
    return folder / "steps" / f"{step}.json"


def write_json(file: Path, value: Any) -> None:
    """Whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    part.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    part.rename(file)


def names(adapters: list[dict[str, Any]]) -> list[str]:
    """What tells adapters apart on the page."""
    return [f"{adapter['device']} ({adapter.get('backend', 'vulkan')}, {adapter['type']})" for adapter in adapters]


def wrapped(prefix: str, items: list[str]) -> Iterator[str]:
    """One line for each item, the prefix before the first."""
    for index, item in enumerate(items or ["none"]):
        yield f"{prefix if index == 0 else ' ' * len(prefix)}{item}"
