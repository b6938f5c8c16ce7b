"""What goes between the driver and its nodes. Ray pickles it: both ends are this package.

Values of sandboxes have passed the decoder on their node: they are None, bool, int, float, str, bytes, datetime, numpy
arrays, and lists and dicts of those.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..errors import JobError
from ..frames.values import Encoded
from ..supervision.work import Work


class Assignment(NamedTuple):
    """What a node gets once a job. ``work``: without the assignment, which is ``frame``, encoded once for all nodes."""

    work: Work
    frame: Encoded


class Batch(NamedTuple):
    """Slices: their indices, their data, encoded, and the large buffers of those that have some, by position."""

    indices: list[int]
    payloads: list[bytes]
    buffers: dict[int, Sequence[Any]]


RESULT, ERROR, PROGRESS, CONSOLE, EMIT, SANDBOX_DIED, ASSIGNED = range(7)
"""Of an output: the first item of its tuple, before the arguments of the sink's method of that name."""
ENDS = frozenset((RESULT, ERROR))
"""Of slices."""
Output = tuple[Any, ...]


class Outputs(NamedTuple):
    """What a poll gives. ``number`` counts them. ``seconds``: that the node has worked on what is answered in it.
    ``end``: why nothing more comes, where that is so: the job fails with a JobError; another reason is this node's own.
    """

    number: int
    items: Sequence[Output]
    seconds: float
    end: JobError | str | None = None
