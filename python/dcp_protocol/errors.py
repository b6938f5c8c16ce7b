"""What goes wrong, with DCP's codes."""

from __future__ import annotations


class ProtocolError(Exception):
    """``code`` is what DCP's programs look at, for example ``EPIPE`` or ``DCPC-1108``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
