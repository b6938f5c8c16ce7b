"""Amounts of DCC: whole numbers of 10**-18."""

from __future__ import annotations

import re
from decimal import Decimal

ATTO = 10**18
MOST = 10**30
"""Of any amount: more than all there is."""
_TEXT = re.compile(r"\d{1,12}(\.\d{1,18})?", re.ASCII)


def from_text(text: str) -> int:
    """``1.5`` is 15 * 10**17. Raises ValueError."""
    if not _TEXT.fullmatch(text):
        raise ValueError("an amount is a decimal number of DCC, with 18 decimals at most")
    return _exact(text)


def from_number(value: float) -> int:
    """Of a number of JSON. Raises ValueError for what is negative, or no number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        raise ValueError("an amount is a number of DCC, 0 or more")
    return _exact(format(Decimal(repr(value)), "f"))


def _exact(text: str) -> int:
    """Of digits with a point or without; what is less than the smallest amount is left out."""
    whole, _, parts = text.partition(".")
    return int(whole) * ATTO + int(parts[:18].ljust(18, "0"))


def to_text(amount: int) -> str:
    """Without zeros at the end."""
    whole, atto = divmod(abs(amount), ATTO)
    text = f"{whole}.{atto:018d}".rstrip("0").rstrip(".")
    return f"-{text}" if amount < 0 else text
