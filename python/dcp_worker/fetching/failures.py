"""What goes wrong with what jobs need, and what follows from it."""

from __future__ import annotations

import enum

from dcp_protocol.errors import ProtocolError
from dcp_protocol.uris import FetchError, ForbiddenOriginError

from ..errors import WorkerError


class Consequence(enum.Enum):
    RETURN_SLICE = "the slice goes back"
    RETURN_JOB = "the slices of the job go back; it may come again"
    REJECT_JOB = "the slices of the job go back, and no more of it are wanted"


class FetchFailedError(WorkerError):
    """``code`` is DCP's, and the reason with which slices are returned; ``is_transient``: it may go well later."""

    def __init__(self, code: str, message: str, consequence: Consequence, *, is_transient: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.consequence = consequence
        self.is_transient = is_transient


def is_transient(error: FetchError) -> bool:
    """Whether the same may go well a moment later: nothing came, or the server has trouble."""
    return error.status is None or error.status >= 500 or error.status in (408, 425, 429)


def failure(error: ProtocolError, what: str, consequence: Consequence) -> FetchFailedError:
    """Of what ``dcp_protocol`` raises. ``what`` names what was to be fetched.

    As in npm's worker, a server that fails counts for as long as it does; other faults are told by their own codes.
    """
    message = f"{what}: {error}"
    if isinstance(error, FetchError):
        code = "ESLICEFETCH" if consequence is Consequence.RETURN_SLICE else "EJOBFETCH"
        return FetchFailedError(code, message, consequence, is_transient=True)
    code = "EPERM_ORIGIN" if isinstance(error, ForbiddenOriginError) else "EFETCH"
    return FetchFailedError(code, message, consequence)
