"""The JavaScript engines that sandboxes can run on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from .. import engines as installed
from ..evaluator import Evaluator


@dataclass(frozen=True)
class Engine:
    """``evaluator``: makes an Evaluator whose sandboxes run on it."""

    name: str
    version: str
    evaluator: Callable[[], Evaluator]


def engines() -> list[Engine]:
    """Those of this installation, the default one first."""
    default = installed.choose(None)
    names = [default, *(name for name in installed.NAMES if name not in ("auto", default))]
    return [
        Engine(name, installed.description(name), partial(Evaluator, engine=name))
        for name in names
        if name == default or not installed.missing(name)
    ]
