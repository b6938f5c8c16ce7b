"""What somebody may have meant by a name that is nearly right."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that is most like it, whatever the case; empty where none is."""
    by_folded = {candidate.casefold(): candidate for candidate in known}
    found = difflib.get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.75)
    return by_folded[found[0]] if found else ""


def hint(name: str, known: Iterable[str]) -> str:
    """`` (is it NAME?)``, or nothing."""
    found = nearest(name, known)
    return f" (is it {found}?)" if found else ""
