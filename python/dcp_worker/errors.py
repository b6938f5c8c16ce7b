"""What goes wrong in a worker, for whoever runs it."""

from __future__ import annotations


class WorkerError(Exception):
    """The message names cause and remedy."""


class ConfigurationError(WorkerError):
    """A configuration file, an environment variable or an option is wrong."""


class SchedulerError(WorkerError):
    """The scheduler sent what this worker does not understand. The message shows nothing foreign."""


class TaskError(SchedulerError):
    """The scheduler sent what is no task, no job or no slice."""
