"""The JavaScript engines that sandboxes can run on."""

from __future__ import annotations

from dataclasses import dataclass

from ..settings import engines as installed
from ..settings.settings import ENGINES, Settings
from ..supervision.evaluator import Evaluator


@dataclass(frozen=True)
class Engine:
    """An engine of this installation."""

    name: str
    version: str
    settings: Settings

    def evaluator(self) -> Evaluator:
        """A new one, whose sandboxes run on this engine."""
        return Evaluator.of(self.settings)


def engines(settings: Settings) -> list[Engine]:
    """Those of this installation, the chosen one first, also where it is missing: a first slice says why."""
    chosen = installed.chosen(settings)
    both = settings.with_engine("auto")
    others = [name for name in ENGINES if name not in ("auto", chosen) and installed.missing(name, both) is None]
    return [Engine(name, installed.description(name, both), both.with_engine(name)) for name in (chosen, *others)]
