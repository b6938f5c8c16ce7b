"""The error of a value that came from the other side and cannot be read."""

from __future__ import annotations


class ObjectError(ValueError):
    """A header or a buffer is not what ``dumps`` makes, or asks for more than its reader allows."""
