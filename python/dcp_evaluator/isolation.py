"""What holds for all sandboxes of a process: the layers of isolation that must be in force, the step of their clocks.

Options of the commands set the variables ``DCP_EVALUATOR_ISOLATION`` and ``DCP_EVALUATOR_CLOCK_STEP``; Python programs
find them in their environment.
"""

from __future__ import annotations

import os

from .errors import UsageError

POLICIES = ("strict", "standard", "none")
FINEST_STEP, COARSEST_STEP = 5, 1000
"""Microseconds: native/runtime/runtime.hpp."""
_POLICY, _STEP = "DCP_EVALUATOR_ISOLATION", "DCP_EVALUATOR_CLOCK_STEP"


def choose(policy: str | None, clock_step: int | None = None) -> None:
    """For this process and all that it starts from now on; None changes nothing."""
    if policy is not None:
        os.environ[_POLICY] = policy
    if clock_step is not None:
        os.environ[_STEP] = str(clock_step)


def clock_arguments() -> list[str]:
    """Of the zygote. Raises UsageError."""
    text = os.environ.get(_STEP) or str(FINEST_STEP)
    if not (text.isascii() and text.isdigit() and len(text) < 5 and FINEST_STEP <= int(text) <= COARSEST_STEP):
        raise UsageError(f"{_STEP} is a number of microseconds from {FINEST_STEP} to {COARSEST_STEP}, not {text!r}")
    return ["--clock-step", text]


def arguments() -> list[str]:
    """Of our programs that run untrusted code. Raises UsageError."""
    policy = os.environ.get(_POLICY) or "standard"
    if policy not in POLICIES:
        raise UsageError(f"{_POLICY} is strict, standard or none, not {policy!r}")
    return ["--isolation", policy]
