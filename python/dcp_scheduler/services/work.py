"""``taskDistributor`` and ``resultSubmitter`` as workers use them."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from ..delivery import events
from ..dialects.tasks import metrics, task_message
from ..dialects.worker_words import read_result, read_statuses, read_work_event, read_work_request
from ..jobs import holdings
from ..jobs.records import Job, find
from ..jobs.redundancy import UnjudgedError
from ..jobs.results import Accepted
from ..model.work_request import SliceResult
from ..store import amount
from ..store.transaction import Transaction
from .comparison import compared
from .network import Ask, Handler, Network

_LARGE = 1 << 16
"""Bytes: reading a result of less takes no longer than going to another thread."""


async def request_task_4(ask: Ask) -> Any:
    return await _request_task(ask, 4)


async def request_task_5(ask: Ask) -> Any:
    return await _request_task(ask, 5)


async def _request_task(ask: Ask, dialect: int) -> Any:
    request, network = read_work_request(ask.data, dialect, ask.peer, ask.session, ask.place), ask.network
    network.presence.asked(request.worker, request.owner, ask.connection)
    found = await network.database.write(lambda transaction: network.dispatcher.assign(transaction, request))
    return task_message(network.key, request.worker, found, dialect, network.rules.to_workers())


async def status(ask: Ask) -> Any:
    told, peer, place, dispatcher = read_statuses(ask.data), ask.peer, ask.place, ask.network.dispatcher

    def note(transaction: Transaction) -> None:
        for each in told:
            if each.status == "return":
                dispatcher.returned(transaction, each, peer, place)

    if any(each.status == "return" for each in told):
        await ask.network.database.write(note)
    return {}


async def result(ask: Ask) -> Any:
    if ask.size > _LARGE:
        sent = await asyncio.to_thread(read_result, ask.data, ask.peer)
    else:
        sent = read_result(ask.data, ask.peer)
    accepted = await _accept(ask.network, sent)
    if accepted.is_new:
        ask.network.dispatcher.finished(sent.worker, sent.owner, time.time())
    return {"slicePaymentAmount": amount.to_text(accepted.paid), "metrics": metrics(accepted.job)}


async def _accept(network: Network, sent: SliceResult) -> Accepted:
    """Where a job wants several results of each slice, they are compared outside of the database."""
    while True:
        try:
            return await network.intake.accept(sent)
        except UnjudgedError as error:
            stored = network.data, network.database.contents
            sent = replace(sent, compared=await asyncio.to_thread(compared, *stored, sent, error))


async def work_emit(ask: Ask) -> Any:
    """What nobody may say who has not the slice is not passed on: the reply is false then."""
    event, peer, network = read_work_event(ask.data), ask.peer, ask.network

    def allowed(connection: Connection) -> tuple[Job, bool] | None:
        job = find(connection, event.job)
        if not holdings.holds(connection, job, [event.number], event.worker, peer):
            return None
        return job, network.relay.is_heard_elsewhere(connection, job.number)

    found = await network.database.read(allowed)
    if found is None:
        return False
    job, everywhere = found
    told = ask.size <= network.limits.event_bytes and network.events.take(job.number)
    if told:
        data = events.of_work(events.client_name(job), event.number, event.payload)
        told = await network.relay.publish(job.number, event.name, data, size=ask.size, everywhere=everywhere)
    network.counters.event("told" if told else "dropped")
    return True


OPERATIONS: dict[str, Handler] = {
    "requestTask": request_task_4,
    "requestTask@3": request_task_5,
    "status": status,
    "result": result,
    "workEmit": work_emit,
}
