"""Keeps secrets out of all logs, whoever has put them into a message."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

HIDDEN: Final = "[secret]"

_LEAST_UNSEEN = 6  # characters: shorter ones are hidden as whole words only, or half of the language would be
_IN_URLS: Final = re.compile(r"(?<=://)[^/\s@]+(?=@)")
_JOIN_HASHES: Final = re.compile(r"\beh1-[0-9a-f]{64}\b", re.IGNORECASE)


class Redactor:
    """Hides the secrets that it knows, users and passwords in URLs, and hashes that let workers join compute groups."""

    def __init__(self) -> None:
        self._patterns: dict[str, None] = {}
        self._known: re.Pattern[str] | None = None

    def add(self, secrets: Iterable[str]) -> None:
        """Texts that are never to be shown, also as they stand in URLs. Case does not count."""
        for secret in secrets:
            for form in (secret, quote(secret, safe="")):
                pattern = re.escape(form)
                if form:
                    self._patterns[pattern if len(form) >= _LEAST_UNSEEN else rf"(?<!\w){pattern}(?!\w)"] = None
        longest_first = sorted(self._patterns, key=len, reverse=True)
        self._known = re.compile("|".join(longest_first), re.IGNORECASE) if longest_first else None

    def __call__(self, text: str) -> str:
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        if "://" in text:
            text = _IN_URLS.sub(HIDDEN, text)
        return _JOIN_HASHES.sub(HIDDEN, text) if "eh1-" in text.lower() else text
