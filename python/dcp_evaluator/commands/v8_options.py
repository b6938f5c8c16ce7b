"""Options of V8, which DCP's programs and their users pass on to an evaluator: ``--options=...``, or behind ``--``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

LARGEST_MEMORY_MIB = 1 << 24
_MEMORY = re.compile(r"--max[-_](?:old[-_]space|heap)[-_]size(?:=(.*))?\Z", re.DOTALL)


def heap_limit(options: Iterable[str], notice: Callable[[str], None]) -> int | None:
    """MiB that the options allow for the heap; None where none says so. The last one counts, and 0 is V8's default.

    As V8 does, takes several in one string, a value after ``=`` or as the next word, and ``_`` for ``-``. ``notice`` is
    called with a sentence for each option that does nothing here.
    """
    limit: int | None = None
    words = iter(" ".join(options).replace(",", " ").split())
    for word in words:
        found = _MEMORY.match(word)
        if not found:
            notice(f"the engine option {word} has no meaning here")
            continue
        value = next(words, "") if found[1] is None else found[1]
        if re.fullmatch("[0-9]{1,12}", value) and int(value) <= LARGEST_MEMORY_MIB:
            limit = int(value) or None
        else:
            notice(f"the engine option {word} takes MiB, a number from 0 to {LARGEST_MEMORY_MIB}, not {value!r}")
    return limit
