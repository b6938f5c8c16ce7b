"""What a client asks for beyond DCP, in the one text that reaches a scheduler as it was written, from each of npm's
clients: the fragment of ``job.public.link``. ``https://example.org/about#dcp:copies=3&tolerance=1e-9``
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from ..errors import RefusedError
from ..model.submission import Wishes

_MARK = "#dcp:"
_MOST_PRIORITY = 5
_MOST_COPIES = 9


def read_wishes(link: str) -> tuple[str, Wishes]:
    """The link without them, and they. Raises RefusedError for what is none."""
    address, mark, text = link.partition(_MARK)
    if not mark:
        return link, Wishes()
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, max_num_fields=10)
    except ValueError:
        raise _wrong("is no list of NAME=VALUE with & between them") from None
    return address, Wishes(**{name: _value(name, value) for name, value in pairs})


def _value(name: str, text: str) -> Any:
    if name not in _READERS:
        raise _wrong(f"may have {', '.join(_READERS)}, and nothing else")
    read, must = _READERS[name]
    try:
        return read(text)
    except ValueError:
        raise _wrong(f"needs {name} {must}") from None


def _priority(text: str) -> int:
    value = int(text)
    if abs(value) > _MOST_PRIORITY:
        raise ValueError
    return value


def _copies(text: str) -> int:
    value = int(text)
    if not 1 <= value <= _MOST_COPIES:
        raise ValueError
    return value


def _tolerance(text: str) -> float:
    value = float(text)
    if not 0 <= value < 1:
        raise ValueError
    return value


_READERS: Mapping[str, tuple[Callable[[str], Any], str]] = {
    "copies": (_copies, f"from 1 to {_MOST_COPIES}"),
    "tolerance": (_tolerance, "from 0 up to 1, without 1"),
    "priority": (_priority, f"from {-_MOST_PRIORITY} to {_MOST_PRIORITY}"),
}


def _wrong(what: str) -> RefusedError:
    return RefusedError("EINVAL", f"what stands after {_MARK} in job.public.link {what}")
