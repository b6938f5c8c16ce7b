"""``eventRouter`` as clients use it, and workers for commands."""

from __future__ import annotations

import secrets
from typing import Any

from ..dialects.fields import Fields
from ..jobs.records import owned
from .network import Ask, Handler

_MOST_LABELS = 50


async def subscribe_many(ask: Ask) -> Any:
    """The events of a job, for its owner; or commands of the scheduler, for a worker."""
    fields = Fields(ask.data, "the subscription")
    lists = ("reliableEvents", "optionalEvents", "schedmsgEvents")
    labels = [label for name in lists for label in fields.texts(name, _MOST_LABELS, 64)]
    return {"tokens": [{"event": label, "token": token} for label, token in await _tokens(ask, fields, labels)]}


async def subscribe(ask: Ask) -> Any:
    fields = Fields(ask.data, "the subscription")
    ((_, token),) = await _tokens(ask, fields, [fields.text("label", most=64)])
    return {"token": token}


async def _tokens(ask: Ask, fields: Fields, labels: list[str]) -> list[tuple[str, str]]:
    name = fields.inner("options").inner("filter").get("job")
    if name is None:
        return [(label, secrets.token_urlsafe(16)) for label in labels]
    peer = ask.peer
    job = await ask.network.database.read(lambda connection: owned(connection, name, peer))
    return await ask.network.relay.subscribe(ask.connection, job.number, labels)


async def unsubscribe(ask: Ask) -> Any:
    """The token comes inside of an object, as npm's clients send it, or as it is."""
    token = Fields(ask.data, "the subscription").get("token")
    if isinstance(token, dict):
        token = token.get("token")
    if isinstance(token, str):
        ask.network.subscriptions.unsubscribe(ask.session, token)
    return {}


OPERATIONS: dict[str, Handler] = {
    "subscribe": subscribe,
    "subscribeMany": subscribe_many,
    "unsubscribe": unsubscribe,
}
