"""How an installation says what it does."""

from __future__ import annotations


class Progress:
    """Says nothing: what shows it somewhere overrides this."""

    def begins(self, what: str, size: int) -> None:
        """``size``: the bytes that will come; 0 where that is not known."""

    def advances(self, name: str, size: int) -> None:
        """``size`` more bytes of the file ``name`` are there."""

    def ends(self) -> None:
        """What began last is done."""

    def waits(self, why: str) -> None:
        """Nothing happens for a while."""
