"""The evaluator of a worker: its own, or one that listens elsewhere."""

from __future__ import annotations

from urllib.parse import urlsplit

from dcp_evaluator.errors import DcpError
from dcp_evaluator.settings.settings import Settings

from ..configuration.settings import NodeSettings, WorkerSettings
from ..errors import ConfigurationError
from ..logs.notices import EvaluatorEnded, Notices
from ..sandboxes.embedded import EmbeddedEvaluator
from ..sandboxes.remote import RemoteEvaluator
from .startup import Startup, find_startup

_PORT = 9000
_WARNING = 4  # of syslog's levels, and all below it


def remote_evaluator(location: str) -> RemoteEvaluator:
    parts = urlsplit(location)
    return RemoteEvaluator(parts.hostname or "localhost", parts.port or _PORT)


class OwnEvaluator:
    """The evaluator within this program, and the files that it loads. Ends with its ``with`` block."""

    def __init__(self, settings: NodeSettings) -> None:
        """Begins to load the files, which takes as long as to load the rest of this program.

        Raises ConfigurationError.
        """
        self.startup = find_startup(settings)
        try:
            chosen = Settings(
                engine=settings.engine, isolation=settings.isolation, max_memory=settings.max_memory,
                priority=settings.priority, usual_priority="low",
            )  # fmt: skip
            self.evaluator = EmbeddedEvaluator(self.startup.files, chosen)
        except DcpError as error:
            raise ConfigurationError(f"the evaluator cannot be started: {error}") from None
        self.evaluator.begin()

    def __enter__(self) -> OwnEvaluator:
        return self

    def __exit__(self, *_: object) -> None:
        self.evaluator.abandon()

    async def start(self, notices: Notices) -> None:
        """Waits until the files are loaded. Raises EvaluatorError."""

        def down(reason: str) -> None:
            notices.tell(EvaluatorEnded())
            notices.say("warning", f"the evaluator has ended, and is started again: {reason}")

        def says(level: int, text: str) -> None:
            notices.say("warning" if level <= _WARNING else "debug", f"evaluator: {text}")

        self.evaluator.on_down, self.evaluator.on_notice = down, says
        await self.evaluator.start()


def begin_evaluator(settings: WorkerSettings) -> OwnEvaluator | None:
    """None where sandboxes are to come from elsewhere. Raises ConfigurationError."""
    return None if settings.evaluator.location else OwnEvaluator(settings.node)


def describe_evaluator(settings: WorkerSettings, startup: Startup | None) -> str:
    if startup is None:
        return str(settings.evaluator.location)
    return f"its own, with the start-up files of dcp-client {startup.version}"
