"""The JavaScript engines that sandboxes can run on."""

from __future__ import annotations

from dataclasses import dataclass

from .. import engines as installed
from ..evaluator import Evaluator


@dataclass(frozen=True)
class Engine:
    """An engine of this installation."""

    name: str
    version: str

    def evaluator(self) -> Evaluator:
        """A new one, whose sandboxes run on this engine."""
        return Evaluator(engine=self.name)


def engines() -> list[Engine]:
    """Those of this installation, the default one first, also where it is missing: a first slice says why.

    Raises UsageError where the environment names none.
    """
    default = installed.choose(None)
    others = [name for name in installed.NAMES if name not in ("auto", default) and installed.missing(name) is None]
    return [Engine(name, installed.description(name)) for name in (default, *others)]
