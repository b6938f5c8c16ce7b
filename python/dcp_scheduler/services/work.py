"""``taskDistributor`` and ``resultSubmitter`` as workers use them."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import Connection

from ..delivery import events
from ..dialects.tasks import TaskJob, TaskSlice, metrics, task_message
from ..dialects.worker_words import read_result, read_statuses, read_work_event, read_work_request
from ..errors import RefusedError
from ..groups import groups
from ..jobs import handing, workers
from ..jobs.records import Job, find
from ..jobs.status import JobStatus
from ..model.requirements import Requirements
from ..model.work_request import FetchState, WorkRequest
from ..scheduling.allotment import Candidate, allot, version_of
from ..store import amount
from ..store.transaction import Transaction
from .network import Ask, Handler, Network

_LARGE = 1 << 16
"""Bytes: reading a result of less takes no longer than going to another thread."""


async def request_task_4(ask: Ask) -> Any:
    return await _request_task(ask, 4)


async def request_task_5(ask: Ask) -> Any:
    return await _request_task(ask, 5)


async def _request_task(ask: Ask, dialect: int) -> Any:
    request, network = read_work_request(ask.data, dialect, ask.peer, ask.session), ask.network
    found = await network.database.write(lambda transaction: _take(transaction, network, request))
    return task_message(network.key, request.worker, found, dialect, network.rules.to_workers())


def _take(transaction: Transaction, network: Network, request: WorkRequest) -> list[TaskJob]:
    connection = transaction.connection
    workers.note(transaction, request)
    if request.returns_all:
        handing.take_back_all(transaction, request.worker, request.owner)
    for name, numbers in (request.alive or {}).items():
        try:
            handing.keep_alive(transaction, find(connection, name), numbers, request.worker, request.owner)
        except RefusedError:
            continue  # a job that is gone
    if FetchState.NORMAL not in request.state or request.room <= 0:
        return []
    jobs = {job.number: job for job in handing.active(connection)}
    proven = groups.proven(connection, request.groups, request.session) if jobs else {}
    of_jobs = groups.of_jobs(connection, list(jobs))
    candidates = [_candidate(job, of_jobs[job.number]) for job in jobs.values()]
    tasks = []
    for share in allot(request, frozenset(proven), candidates):
        job = jobs[share.job]
        numbers = handing.hand_out(transaction, job, share.slices, request)
        estimates = job.status == JobStatus.ESTIMATION
        slices = [
            TaskSlice(number, datum, estimates, share.is_long)
            for number, datum in zip(numbers, network.data.data(connection, job, numbers), strict=True)
        ]
        mine = [(proven[each].id, proven[each].join_key) for each in of_jobs[job.number] if each in proven]
        version = version_of(request.worktimes.get(job.worktime, ()), job.worktime_range)
        if slices:
            tasks.append(TaskJob(job, network.data.of(job), slices, mine, version))
    return tasks


def _candidate(job: Job, group_numbers: list[int]) -> Candidate:
    quota = job.waiting + max(0, job.total - job.next + 1)
    if job.status == JobStatus.ESTIMATION and job.estimation >= 0:
        quota = min(quota, max(0, job.estimation - job.out - job.done))
    return Candidate(
        job=job.number,
        names=frozenset((job.address, job.id)),
        owner=job.owner,
        groups=frozenset(group_numbers),
        needs=Requirements(job.needs),
        worktime=job.worktime,
        versions=job.worktime_range,
        discrete=job.discrete,
        local=job.local,
        cpu=job.cpu / job.done if job.done else None,
        gpu=job.gpu / job.done if job.done else None,
        quota=quota,
    )


async def status(ask: Ask) -> Any:
    told, peer = read_statuses(ask.data), ask.peer

    def note(transaction: Transaction) -> None:
        for each in told:
            if each.status != "return":
                continue
            job = find(transaction.connection, each.job)
            numbers = handing.holds(transaction.connection, job, each.numbers, each.worker, peer)
            handing.take_back(transaction, job.number, numbers, each.worker, each.reason)

    if any(each.status == "return" for each in told):
        await ask.network.database.write(note)
    return {}


async def result(ask: Ask) -> Any:
    if len(ask.request.message.payload) > _LARGE:
        sent = await asyncio.to_thread(read_result, ask.data, ask.peer)
    else:
        sent = read_result(ask.data, ask.peer)
    job, paid = await ask.network.intake.accept(sent)
    return {"slicePaymentAmount": amount.to_text(paid), "metrics": metrics(job)}


async def work_emit(ask: Ask) -> Any:
    """What nobody may say who has not the slice is not passed on: the reply is false then."""
    event, peer, network = read_work_event(ask.data), ask.peer, ask.network

    def allowed(connection: Connection) -> tuple[Job, bool] | None:
        job = find(connection, event.job)
        if not handing.holds(connection, job, [event.number], event.worker, peer):
            return None
        return job, network.relay.is_heard_elsewhere(connection, job.number)

    found = await network.database.read(allowed)
    if found is None:
        return False
    job, everywhere = found
    told = ask.size <= network.limits.event_bytes and network.events.take(job.number)
    if told:
        data = events.of_work(events.client_name(job), event.number, event.payload)
        told = await network.relay.publish(job.number, event.name, data, everywhere=everywhere)
    network.counters.event("told" if told else "dropped")
    return True


OPERATIONS: dict[str, Handler] = {
    "requestTask": request_task_4,
    "requestTask@3": request_task_5,
    "status": status,
    "result": result,
    "workEmit": work_emit,
}
