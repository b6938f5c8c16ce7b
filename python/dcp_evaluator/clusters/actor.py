"""What runs on a node: an Evaluator, and one job. Ray makes an actor of it."""

from __future__ import annotations

from ..settings.installation import VERSION
from ..supervision.evaluator import Evaluator
from .messages import Assignment, Batch, Outputs
from .node_run import NodeRun


class EvaluatorActor:
    """Its methods are called from the driver, several at a time."""

    def __init__(self) -> None:
        self._evaluator: Evaluator | None = None
        self._run: NodeRun | None = None

    def hello(self) -> str:
        """The version of this package here."""
        return VERSION

    def begin(self, assignment: Assignment, sandboxes: int) -> None:
        """Raises DcpError where sandboxes cannot be made here."""
        options = assignment.work.options._replace(sandboxes=sandboxes, stop_on_error=False)
        self._evaluator = Evaluator()
        self._run = NodeRun(self._evaluator, assignment._replace(work=assignment.work._replace(options=options)))

    def feed(self, batch: Batch) -> None:
        if self._run is not None:
            self._run.feed(batch)

    def poll(self, timeout: float) -> Outputs:
        return Outputs(0, (), "it has not begun") if self._run is None else self._run.poll(timeout)

    def close(self) -> None:
        """Ends all that it has started."""
        if self._run is not None:
            self._run.close()
        if self._evaluator is not None:
            self._evaluator.close()
