"""How this process shares the CPUs: what native/isolation/priority.cpp does for the programs that we start."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from .terminal import has_terminal

_LEAST = 19


def take_priority(priority: str) -> None:
    """Of ``settings.PRIORITIES``, for this thread and all that it starts.

    Niceness counts within a session alone where the kernel has autogroups. The session is lowered too where this
    process leads it, as a service does; otherwise it is that of a terminal, with other programs.
    """
    if priority == "normal":
        return
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, _LEAST)
    if priority == "idle":
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    if os.getsid(0) == os.getpid() and not has_terminal():
        with contextlib.suppress(OSError):
            Path("/proc/self/autogroup").write_text(str(_LEAST), encoding="ascii")
