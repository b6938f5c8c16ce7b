"""The JavaScript engines that sandboxes can run on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .. import _native
from ..evaluator import Evaluator


@dataclass(frozen=True)
class Engine:
    """``evaluator``: makes an Evaluator whose sandboxes run on it."""

    name: str
    version: str
    evaluator: Callable[[], Evaluator]


def engines() -> list[Engine]:
    """Those of this installation, the default one first."""
    return [Engine("quickjs", f"QuickJS-NG {_native.built_quickjs}", Evaluator)]
