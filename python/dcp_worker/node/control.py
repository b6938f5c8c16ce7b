"""What a worker does for clients of its control socket."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Protocol, TypeVar

from ..configuration.settings import NodeSettings
from ..control import methods
from ..control.log import RecentLog
from ..control.places import places
from ..control.server import ControlServer
from ..errors import ControlError
from ..history.history import History
from ..logs.notices import Notices
from .pausing import Pausing
from .self_tests import SelfTests
from .status import StatusSource

T = TypeVar("T")


class Orders(Protocol):
    """What the control socket may order."""

    def finish(self) -> None:
        """No new work; the worker ends once it has done what it has."""

    def stop(self, hard: bool, why: str) -> None: ...

    def exit_when_done(self, wanted: bool) -> None: ...

    def configuration(self, path: str) -> str:
        """What counts: all as JSON, or a part of it. Raises ConfigurationError."""


class Control:
    """Answers the calls of clients. ``history`` and ``pausing``: once they are there."""

    def __init__(self, orders: Orders, status: StatusSource, log: RecentLog) -> None:
        self.history: History | None = None
        self.pausing: Pausing | None = None
        self._orders = orders
        self._log = log
        self._self_tests: SelfTests | None = None
        self._server = ControlServer(self._answer, status, log)

    @property
    def path(self) -> Path | None:
        return self._server.path

    async def listen(self, settings: NodeSettings, state: Path | None, notices: Notices, stack: AsyncExitStack) -> None:
        """Until the stack ends, at the first place that can be used; where there is none, a warning says why."""
        if settings.control_socket == "off":
            return
        self._self_tests = SelfTests(settings.engine)
        reason = "there is no folder for its control socket; set node.controlSocket"
        for place in places(settings.control_socket, state):
            try:
                await stack.enter_async_context(self._server.listening(place, settings.control_group))
            except ControlError as error:
                reason = str(error)
                continue
            if self.path != place:
                notices.say(
                    "warning", f"another worker has the control socket {place}; that of this one is {self.path}"
                )
            return
        notices.say("warning", f"this worker cannot be controlled: {reason}")

    async def _answer(self, method: methods.Method) -> object:
        """Raises WorkerError."""
        match method:
            case methods.Logs(lines=count, level=level):
                return self._log.last(count, level)
            case methods.Pause(resource=target, seconds=seconds, kept=kept):
                _there(self.pausing).pause(target, seconds, kept=kept)
            case methods.Resume(resource=target):
                _there(self.pausing).resume(target)
            case methods.Finish():
                self._orders.finish()
            case methods.Stop(hard=hard):
                self._orders.stop(hard, "its owner has stopped it")
            case methods.ExitWhenDone(value=wanted):
                self._orders.exit_when_done(wanted)
            case methods.Config(path=path):
                return self._orders.configuration(path)
            case methods.Report(since=since, days=days):
                return await _there(self.history).report(since, days)
            case methods.SelfTest(kind=kind):
                return await _there(self._self_tests).run(kind)
            case _:
                raise ControlError("this worker cannot do that")
        return None


def _there(part: T | None) -> T:
    """Raises ControlError."""
    if part is None:
        raise ControlError("the worker is starting; ask again in a moment")
    return part
