"""Where the evaluator keeps what it has compiled: a folder that only this user can write to."""

from __future__ import annotations

import os

from .errors import UsageError

_DEFAULT_MIB = 2048
_FOLDER_VARIABLE, _LIMIT_VARIABLE = "DCP_EVALUATOR_CACHE", "DCP_EVALUATOR_CACHE_MIB"


def cache_folder(part: str) -> str | None:
    """The folder for one kind of thing, such as ``modules``; None where nothing is to be kept.

    ``DCP_EVALUATOR_CACHE`` names the folder of all kinds, or is ``off``. Otherwise it is ``dcp-evaluator`` below
    ``XDG_CACHE_HOME`` or ``~/.cache``. Whoever uses the folder makes it and checks whose it is.
    """
    chosen = os.environ.get(_FOLDER_VARIABLE)
    if chosen == "off":
        return None
    if chosen:
        return os.path.join(os.path.abspath(chosen), part)  # noqa: PTH100, PTH118  pathlib takes long to load
    base = os.environ.get("XDG_CACHE_HOME") or ""
    if not os.path.isabs(base):  # noqa: PTH117  the XDG specification: others are invalid
        home = os.path.expanduser("~")  # noqa: PTH111
        if not os.path.isabs(home):  # noqa: PTH117
            return None
        base = f"{home}/.cache"
    return f"{base}/dcp-evaluator/{part}"


def cache_limit() -> int:
    """Bytes that one kind may take: ``DCP_EVALUATOR_CACHE_MIB``, or 2 GiB. Raises UsageError."""
    text = os.environ.get(_LIMIT_VARIABLE, "")
    if not text:
        return _DEFAULT_MIB << 20
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise UsageError(f"{_LIMIT_VARIABLE} is a number of MiB, not {text!r}")
    return int(text) << 20
