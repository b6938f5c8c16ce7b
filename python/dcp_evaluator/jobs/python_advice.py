"""Remedies for what Python in a sandbox does not have, or has less of."""

from __future__ import annotations

import re

from ..errors import JobError, SliceError

_NO_MODULE = (
    "job.modules names packages to load; dcp-evaluator python list shows those that are there, and "
    "dcp-evaluator python add NAME adds one of an index"
)
_NO_NETWORK = "a sandbox has no network; send what it needs as inputs, arguments or job.fs"
# What the message of an error says, by the names of its types, where these matter.
_REMEDIES: tuple[tuple[frozenset[str], re.Pattern[str], str], ...] = tuple(
    (frozenset(names.split()), re.compile(pattern), remedy)
    for names, pattern, remedy in (
        ("ModuleNotFoundError", r"^No module named '", _NO_MODULE),
        (
            "NameError",
            r"^name '(progress|emit|reject|work)' ",
            "import dcp; there are dcp.progress(), dcp.emit() and so on",
        ),
        ("FileNotFoundError", r"^\[Errno \d+\] ", "a sandbox has none of your files; job.fs.add(PATH) sends one along"),
        ("URLError gaierror SSLError", "", _NO_NETWORK),
        ("OSError ConnectionError", r"Host is unreachable|Name or service|not connected", _NO_NETWORK),
        ("RuntimeError", r"can't start new thread", "a sandbox has one thread; more slices run in more sandboxes"),
        ("OSError", r"does not support processes", "a sandbox starts no other programs"),
        (
            "MemoryError OverflowError",
            r"^$|allocate|index-sized integer",
            "Python in a sandbox has 4 GiB at most, or memory_limit, and 2 GiB for one object; send smaller slices",
        ),
    )
)


def message_of(error: JobError | SliceError) -> str:
    """With a remedy where there is one."""
    for names, pattern, remedy in _REMEDIES:
        if error.name in names and pattern.search(error.message):
            return f"{error.message}; {remedy}" if error.message else remedy
    return error.message
