"""What runs on a node: an Evaluator, and one job. Ray makes an actor of it."""

from __future__ import annotations

from typing import Any

from ..settings.settings import Settings
from ..supervision.evaluator import Evaluator
from .gpus import gpu_options
from .membership import Place
from .messages import Assignment, Batch, Outputs
from .node_run import NodeRun
from .versions import tell_versions


class EvaluatorActor:
    """Its methods are called from the driver, several at a time."""

    def __init__(self) -> None:
        self._evaluator: Evaluator | None = None
        self._run: NodeRun | None = None

    def hello(self) -> dict[str, Any]:
        """The fields of ``Versions``."""
        return tell_versions()

    def begin(self, assignment: Assignment, place: Place, software: bool) -> None:
        """``software``: sandboxes may have software adapters. Raises DcpError where sandboxes cannot be made here."""
        options = assignment.work.options._replace(sandboxes=place.sandboxes, stop_on_error=False)
        gpu = gpu_options(place.gpus, place.node.gpus, Settings(), software=software)
        self._evaluator = Evaluator(gpu=gpu)
        self._run = NodeRun(self._evaluator, assignment._replace(work=assignment.work._replace(options=options)))

    def feed(self, batch: Batch) -> None:
        if self._run is not None:
            self._run.feed(batch)

    def poll(self, timeout: float, linger: float) -> Outputs:
        return Outputs(1, (), 0.0, "it has not begun") if self._run is None else self._run.poll(timeout, linger)

    def close(self) -> None:
        """Ends all that it has started."""
        if self._run is not None:
            self._run.close()
        if self._evaluator is not None:
            self._evaluator.close()
