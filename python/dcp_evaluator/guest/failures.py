"""How a slice ends without a result: a list whose first item says how."""

from __future__ import annotations

import traceback
from pathlib import Path
from types import TracebackType

FAILED = "!"
REJECTED = "?"

_LONGEST = 1 << 20
"""Characters: no more are taken, and Pyodide takes long for each."""

_OURS = str(Path(__file__).parent)
_name_of = type.__dict__["__name__"].__get__  # whatever the class of a class says


class WorkReject(BaseException):
    """The slice is not for this sandbox: ``dcp.reject``. No Exception, so that a job's own handlers let it pass."""

    def __init__(self, reason: str, retries: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retries = retries


def described(error: BaseException) -> list[str | int]:
    """[FAILED, its type's name, its message, the traceback from the user's first line on]; of a WorkReject [REJECTED,
    reason, retries]."""
    if type(error) is WorkReject:
        return [REJECTED, error.reason, error.retries]
    return [FAILED, _name_of(type(error)), _cut(_message(error)), _cut(traceback_of(error))]


def _cut(text: str) -> str:
    return str.__getitem__(text, slice(_LONGEST))  # not what a class of the user's has for it


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except BaseException as other:  # of the user's own __str__
        return f"its message cannot be shown: {_name_of(type(other))}"


def traceback_of(error: BaseException) -> str:
    """The text of it, from the user's first line on."""
    try:
        lines = traceback.format_exception(type(error), error, users_frames(error.__traceback__))
    except BaseException:
        return ""
    return "".join(lines).rstrip("\n")


def users_frames(frames: TracebackType | None) -> TracebackType | None:
    """Without those of this package that come first."""
    while frames is not None and frames.tb_frame.f_code.co_filename.startswith(_OURS):
        frames = frames.tb_next
    return frames
