"""What state a sandbox is in for its supervisor, and what leads from one to another, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    STARTING = "starting"
    DESCRIBING = "describing itself"
    READY = "ready"
    APPLYING = "applying requirements"
    ASSIGNING = "assigning"
    ASSIGNED = "assigned"
    RESETTING = "resetting"
    WORKING = "working"
    ENDED = "ended"


class Step(StrEnum):
    ASK = "ask what it can do"
    DESCRIBE = "describe"
    ASSIGN = "assign"
    APPLY = "apply requirements"
    TAKE_JOB = "take the job"
    WORK = "work"
    RESET = "reset"
    FINISH = "finish"
    END = "end"


STATES: Mapping[State, Mapping[Step, State]] = {
    State.STARTING: {Step.ASK: State.DESCRIBING, Step.ASSIGN: State.APPLYING, Step.END: State.ENDED},
    State.DESCRIBING: {Step.DESCRIBE: State.READY, Step.END: State.ENDED},
    State.READY: {Step.ASSIGN: State.APPLYING, Step.END: State.ENDED},
    State.APPLYING: {Step.APPLY: State.ASSIGNING, Step.END: State.ENDED},
    State.ASSIGNING: {Step.TAKE_JOB: State.ASSIGNED, Step.END: State.ENDED},
    State.ASSIGNED: {Step.WORK: State.RESETTING, Step.END: State.ENDED},
    State.RESETTING: {Step.RESET: State.WORKING, Step.END: State.ENDED},
    State.WORKING: {Step.FINISH: State.ASSIGNED, Step.END: State.ENDED},
    State.ENDED: {},
}

OURS = (Step.ASK, Step.ASSIGN, Step.WORK)
"""Steps that the supervisor takes; the others are the sandbox's."""
