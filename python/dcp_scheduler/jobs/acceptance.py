"""Results of many jobs at a time: each job takes its own."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import RefusedError
from ..model.measured import Rates
from ..model.work_request import SliceResult
from ..store.transaction import Transaction
from . import redundancy, results
from .records import locked
from .results import Answer


def accept(transaction: Transaction, sent: Sequence[SliceResult], rates: Rates) -> list[Answer]:
    """To each its answer.

    All of a job are taken together: their number hardly matters to the database.
    """
    known = locked(transaction.connection, {each.job for each in sent})
    answers: list[Answer] = [RefusedError("ENOENT", "there is no such job") for _ in sent]
    places: dict[int, list[int]] = {}
    for place, each in enumerate(sent):
        if job := known.get(each.job):
            places.setdefault(job.number, []).append(place)
    for its in places.values():
        some = [sent[place] for place in its]
        job = known[some[0].job]
        take = redundancy.accept if job.copies > 1 else results.accept
        for place, answer in zip(its, take(transaction, job, some, rates), strict=True):
            answers[place] = answer
    return answers
