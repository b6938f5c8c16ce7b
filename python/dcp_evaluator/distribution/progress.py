"""How an installation says what it does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Progress:
    """Says nothing: what shows it somewhere overrides this."""

    @contextmanager
    def during(self, what: str, size: int) -> Iterator[None]:
        """``begins``, and ``ends`` however that ends."""
        self.begins(what, size)
        try:
            yield
        finally:
            self.ends()

    def begins(self, what: str, size: int) -> None:
        """``size``: the bytes that will come; 0 where that is not known."""

    def advances(self, name: str, size: int) -> None:
        """``size`` more bytes of the file ``name`` are there."""

    def ends(self) -> None:
        """What began last is done, or has failed."""

    def waits(self, why: str) -> None:
        """Nothing happens for a while."""
