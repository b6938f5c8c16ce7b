"""What goes wrong in a worker, for whoever runs it."""

from __future__ import annotations


class WorkerError(Exception):
    """The message names cause and remedy."""


class ConfigurationError(WorkerError):
    """A configuration file, an environment variable or an option is wrong."""


class TaskError(WorkerError):
    """The scheduler sent what is no task."""
