"""What goes wrong in a worker, for whoever runs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class WorkerError(Exception):
    """The message names cause and remedy."""


class ConfigurationError(WorkerError):
    """A configuration file, an environment variable or an option is wrong."""


class SchedulerError(WorkerError):
    """The scheduler sent what this worker does not understand. The message shows nothing foreign."""


class TaskError(SchedulerError):
    """The scheduler sent what is no task, no job or no slice."""


class EvaluatorError(WorkerError):
    """There is no evaluator: it cannot be started or reached, or ends again and again."""


class EvaluationError(WorkerError):
    """What a sandbox was asked to evaluate has thrown; the sandbox goes on."""


class SandboxError(WorkerError):
    """A sandbox has ended, and with it what it worked on. ``code`` is DCP's."""

    code = "ESANDBOX"


class SandboxEndedError(SandboxError):
    """It died, was ended, did not answer or broke the rules of its protocol: the slice may run in another one."""


class UnrecoverableEvaluatorError(SandboxEndedError):
    """The sandbox says that its evaluator is of no use any more. npm's worker of dialect 4 then exits with 55."""


class AssignError(SandboxError):
    """A job cannot be assigned: its work function is wrong, or the sandbox does not answer.

    ``name`` and ``stack`` are those of what was thrown; empty where nothing was.
    """

    code = "EASSIGN"

    def __init__(self, message: str, name: str = "", stack: str = "") -> None:
        super().__init__(message)
        self.name = name
        self.stack = stack


class NoProgressError(SandboxError):
    """A slice called ``progress()`` too seldom, or never.

    ``timestamp``: milliseconds since its begin. ``reports``: the last ones, as ``noProgress`` events have them.
    """

    code = "ENOPROGRESS"

    def __init__(self, message: str, timestamp: float, reports: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.timestamp = timestamp
        self.reports = reports


class SliceTooSlowError(SandboxError):
    """``timestamp``: milliseconds since the begin of the slice."""

    code = "ESLICETOOSLOW"

    def __init__(self, message: str, timestamp: float) -> None:
        super().__init__(message)
        self.timestamp = timestamp


class SliceOutputError(SandboxError):
    """A slice wrote more to its console and as events than a slice may."""

    code = "EOUTPUT"


class ControlError(WorkerError):
    """The control socket cannot be used, or the worker there does not do what it is asked."""


class NoWorkerError(ControlError):
    """No worker runs that could be asked."""
