"""What goes wrong with a range."""

from __future__ import annotations

from ..errors import ProtocolError


class RangeError(ProtocolError):
    """Code ``EINVAL``: an object is no range, or one that no job can have. dcp-client throws errors without code."""

    def __init__(self, message: str) -> None:
        super().__init__("EINVAL", message)
