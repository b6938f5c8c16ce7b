"""How a process ended."""

from __future__ import annotations

import os
import signal
from typing import NamedTuple

from ..frames.table import EXIT_OTHER_PROTOCOL, EXIT_OUT_OF_MEMORY


class ExitStatus(NamedTuple):
    """``code``: what the process exited with; for one that a signal ended the negative number of the signal.

    As text it is ``exit 1``, ``signal 9 (SIGKILL)``, ``out of memory`` or what its peer did.
    """

    code: int

    @classmethod
    def of_wait(cls, status: int) -> ExitStatus:
        """From a status as ``os.waitpid`` returns it."""
        return cls(os.waitstatus_to_exitcode(status))

    @property
    def by_signal(self) -> bool:
        """Whether a signal ended it."""
        return self.code < 0

    @property
    def is_out_of_memory(self) -> bool:
        """Whether it was a sandbox whose engine had no memory left, and could throw no error for it."""
        return self.code == EXIT_OUT_OF_MEMORY

    @property
    def is_other_protocol(self) -> bool:
        """Whether it was a sandbox whose peer sent no lines, but an HTTP request, a TLS hello or the like."""
        return self.code == EXIT_OTHER_PROTOCOL

    @property
    def for_shells(self) -> int:
        """As a shell's ``$?`` has it: 128 and the number of the signal, or the code."""
        return 128 - self.code if self.by_signal else self.code

    def __str__(self) -> str:
        if self.is_out_of_memory:
            return "out of memory"
        if self.is_other_protocol:
            return "its peer does not speak lines, but HTTP, TLS or another protocol"
        if not self.by_signal:
            return f"exit {self.code}"
        try:
            return f"signal {-self.code} ({signal.Signals(-self.code).name})"
        except ValueError:
            return f"signal {-self.code}"
