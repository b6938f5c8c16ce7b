"""The datum of a slice, and what is known of a job, from contents."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache

import msgspec
from sqlalchemy import Connection, bindparam, select

from ..model.submission import Submission
from ..store.contents import Contents
from ..store.schema import piles
from .records import Job

_KEPT = 256
_KEPT_PILES = 32
"""A client sends a million characters or more in each."""
_PILES = (
    select(piles.c.first, piles.c.content)
    .where(
        piles.c.job == bindparam("of"), piles.c.first <= bindparam("most"),
        piles.c.first + piles.c.count > bindparam("least"),
    )
    .order_by(piles.c.first)
)  # fmt: skip


class JobData:
    """Keeps what was read last. Usable from any thread."""

    def __init__(self, contents: Contents) -> None:
        self.submission = lru_cache(_KEPT)(lambda name: msgspec.json.decode(contents.get(name), type=Submission))
        self._pile = lru_cache(_KEPT_PILES)(lambda name: msgspec.json.decode(contents.get(name), type=list[str]))

    def of(self, job: Job) -> Submission:
        submission: Submission = self.submission(job.submission)
        return submission

    def data(self, connection: Connection, job: Job, numbers: Sequence[int]) -> list[str | None]:
        """The URIs of slices' data; None where the worker finds it in the job's range."""
        submission = self.of(job)
        if submission.pattern:
            pattern = submission.pattern.replace("{job}", job.id)
            return [pattern.replace("{slice}", str(number)) for number in numbers]
        if submission.local_data:
            return [submission.local_data[number - 1] for number in numbers]
        if submission.inputs is not None or submission.local_range or not numbers:
            return [None] * len(numbers)
        asked = {"of": job.number, "least": min(numbers), "most": max(numbers)}
        its = [(first, content) for first, content in connection.execute(_PILES, asked)]
        starts = [first for first, _ in its]

        def datum(number: int) -> str:
            first, content = its[bisect_right(starts, number) - 1]
            return str(self._pile(content)[number - first])

        return [datum(number) for number in numbers]
