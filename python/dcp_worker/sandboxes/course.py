"""Where the dialogue with a sandbox is: its state, how long to wait, what is to be sent and what has happened."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from ..dialects.sandbox_messages import SandboxMessages
from ..errors import SandboxEndedError, SandboxError
from .events import Ended, Event
from .states import OURS, STATES, State, Step
from .wire import RuleBrokenError, Told, Wire

_ENDED = State.ENDED  # looking up a member of an Enum takes Python 3.11 as long as the rest of an event
_NOTHING = Told(3, None)


class Course:
    """What the parts of a dialogue share. ``now``: when the message came that is handled, which is ``told``.

    ``output`` has the bytes to be sent and ``events`` what has happened, in order. ``until``: when the sandbox is late.
    """

    def __init__(self, messages: SandboxMessages, now: float) -> None:
        self.messages = messages
        self.wire = Wire(messages.kvin_version)
        self.state = State.STARTING
        self.output: list[bytes] = []
        self.events: list[Event] = []
        self.now = now
        self.told = _NOTHING
        self.until = math.inf
        self.at_end: list[Callable[[], None]] = []
        """What is to be forgotten then."""
        self._late: Callable[[float], None] | None = None

    def move(self, step: Step) -> None:
        """Raises RuleBrokenError where the sandbox is out of step, RuntimeError where this program is."""
        try:
            self.state = STATES[self.state][step]
        except KeyError:
            fault = f"{step!s} while it was {self.state}"
            raise (RuntimeError if step in OURS else RuleBrokenError)(fault) from None

    def send(self, message: Mapping[str, Any]) -> None:
        """Raises KvinError, TypeError for a value that KVIN does not have."""
        self.output.append(self.wire.write(message))

    def wait(self, until: float, late: Callable[[float], None] | None = None) -> None:
        """Something is due: else ``late`` is called with the time, which by itself ends the sandbox."""
        self.until = until
        self._late = late

    def wait_no_more(self) -> None:
        self.until = math.inf

    def is_late(self, now: float) -> None:
        if self._late is not None:
            self._late(now)
        else:
            self.end(SandboxEndedError(f"the sandbox gave no answer within its time while it was {self.state}"))

    def broke(self, what: str) -> None:
        """The sandbox has broken a rule."""
        self.end(SandboxEndedError(f"the sandbox was ended: {what}"))

    def end(self, error: SandboxError) -> None:
        """It is over; ``Ended`` follows, once."""
        if self.state is not _ENDED:
            self.move(Step.END)
            self.until = math.inf
            self.events.append(Ended(error))
            for forget in self.at_end:
                forget()
