"""The datum of a slice, and what is known of a job, from contents."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from ..model.submission import Submission
from ..store.contents import Contents
from ..store.schema import piles
from .records import Job

_KEPT = 256


class JobData:
    """Keeps what was read last. Usable from any thread."""

    def __init__(self, contents: Contents) -> None:
        self.submission = lru_cache(_KEPT)(lambda name: msgspec.json.decode(contents.get(name), type=Submission))
        self._pile = lru_cache(_KEPT)(lambda name: msgspec.json.decode(contents.get(name), type=list[str]))

    def of(self, job: Job) -> Submission:
        submission: Submission = self.submission(job.submission)
        return submission

    def datum(self, connection: Connection, job: Job, number: int) -> str | None:
        """The URI of a slice's datum; None where the worker finds it in the job's range."""
        submission = self.of(job)
        if submission.pattern:
            return submission.pattern.replace("{slice}", str(number)).replace("{job}", job.id)
        if submission.inputs is not None:
            return None
        query = select(piles.c.first, piles.c.content).where(piles.c.job == job.number, piles.c.first <= number)
        first, content = connection.execute(query.order_by(piles.c.first.desc()).limit(1)).one()
        uri: Any = self._pile(content)[number - first]
        return str(uri)
