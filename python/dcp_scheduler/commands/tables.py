"""What an operator reads: tables and lines of text. What others have written cannot steer the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

_LONGEST = 60
_NONE = "-"


def table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> Iterator[str]:
    """``columns``: the heading of each member that is shown."""
    cells = [list(columns.values()), *([shown(row.get(name)) for name in columns] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        yield "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()


def listing(members: Mapping[str, Any]) -> Iterator[str]:
    """A member a line."""
    width = max(map(len, members), default=0)
    for name, value in members.items():
        yield f"{name.ljust(width)}  {shown(value, longest=2000)}"


def shown(value: Any, longest: int = _LONGEST) -> str:
    if value is None or value == "":
        return _NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    text = text if len(text) <= longest else f"{text[: longest - 1]}…"
    return text if text.isprintable() else "".join(each if each.isprintable() else "�" for each in text)


def moment(seconds: float | None) -> str | None:
    """Of Unix time, as ISO 8601."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def joined(parts: Iterable[str]) -> str:
    return ", ".join(parts) or _NONE
