"""How a slice ends without a result: a list whose first item says how."""

from __future__ import annotations

import traceback
from pathlib import Path
from types import TracebackType

FAILED = "!"
REJECTED = "?"

_OURS = str(Path(__file__).parent)


class WorkReject(BaseException):
    """The slice is not for this sandbox: ``dcp.reject``. No Exception, so that a job's own handlers let it pass."""

    def __init__(self, reason: str, retries: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retries = retries


def described(error: BaseException) -> list[str | int]:
    """[FAILED, its type's name, its message, the traceback from the user's first line on]; of a WorkReject [REJECTED,
    reason, retries]."""
    if isinstance(error, WorkReject):
        return [REJECTED, error.reason, error.retries]
    return [FAILED, type(error).__name__, _message(error), traceback_of(error)]


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as other:
        return f"its message cannot be shown: {type(other).__name__}"


def traceback_of(error: BaseException) -> str:
    """The text of it, from the user's first line on."""
    try:
        lines = traceback.format_exception(type(error), error, users_frames(error.__traceback__))
    except Exception:
        return ""
    return "".join(lines).rstrip("\n")


def users_frames(frames: TracebackType | None) -> TracebackType | None:
    """Without those of this package that come first."""
    while frames is not None and frames.tb_frame.f_code.co_filename.startswith(_OURS):
        frames = frames.tb_next
    return frames
