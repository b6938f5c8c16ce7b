"""Which layers of isolation must be in force: ``--isolation``, or the variable ``DCP_EVALUATOR_ISOLATION``."""

from __future__ import annotations

import os

from .errors import UsageError

POLICIES = ("strict", "standard", "none")
_VARIABLE = "DCP_EVALUATOR_ISOLATION"


def choose(policy: str) -> None:
    """For this process and all that it starts from now on."""
    os.environ[_VARIABLE] = policy


def arguments() -> list[str]:
    """Of our programs that run untrusted code. Raises UsageError."""
    policy = os.environ.get(_VARIABLE) or "standard"
    if policy not in POLICIES:
        raise UsageError(f"{_VARIABLE} is strict, standard or none, not {policy!r}")
    return ["--isolation", policy]
