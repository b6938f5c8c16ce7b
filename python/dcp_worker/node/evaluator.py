"""The evaluator of a worker: its own, or one that listens elsewhere."""

from __future__ import annotations

from urllib.parse import urlsplit

from dcp_evaluator.errors import DcpError
from dcp_evaluator.settings.settings import Settings

from ..configuration.settings import NodeSettings, WorkerSettings
from ..errors import ConfigurationError
from ..sandboxes.embedded import EmbeddedEvaluator
from ..sandboxes.remote import RemoteEvaluator
from .notices import Notices
from .startup import Startup

_PORT = 9000
_WARNING = 4  # of syslog's levels, and all below it


def remote_evaluator(location: str) -> RemoteEvaluator:
    parts = urlsplit(location)
    return RemoteEvaluator(parts.hostname or "localhost", parts.port or _PORT)


def own_evaluator(settings: NodeSettings, startup: Startup, notices: Notices) -> EmbeddedEvaluator:
    """One to be started, which loads the start-up files. Raises ConfigurationError."""

    def down(reason: str) -> None:
        notices.say("warning", f"the evaluator has ended, and is started again: {reason}")

    def says(level: int, text: str) -> None:
        notices.say("warning" if level <= _WARNING else "debug", f"evaluator: {text}")

    try:
        chosen = Settings(engine=settings.engine, isolation=settings.isolation, max_memory=settings.max_memory)
        return EmbeddedEvaluator(startup.files, chosen, on_down=down, on_notice=says)
    except DcpError as error:
        raise ConfigurationError(f"the evaluator cannot be started: {error}") from None


def describe_evaluator(settings: WorkerSettings, startup: Startup | None) -> str:
    if startup is None:
        return str(settings.evaluator.location)
    return f"its own, with the start-up files of dcp-client {startup.version}"
