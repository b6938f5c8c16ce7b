"""What goes wrong with a URI."""

from __future__ import annotations

from ..errors import ProtocolError


class ForbiddenOriginError(ProtocolError):
    """Code ``EPERM_ORIGIN``: the origin, or the path of a file, is not allowed for the purpose."""

    def __init__(self, message: str) -> None:
        super().__init__("EPERM_ORIGIN", message)


class FetchError(ProtocolError):
    """Code ``EFETCH``: nothing came, too much, too late, or another HTTP status than 200, which is ``status``."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__("EFETCH", message)
        self.status = status


class UndecodableError(ProtocolError):
    """Code ``EFETCH``: what the URI has is not of its media type."""

    def __init__(self, message: str) -> None:
        super().__init__("EFETCH", message)
