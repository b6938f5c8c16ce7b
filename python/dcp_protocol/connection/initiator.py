"""``connect``: a connection to the service at a location."""

from __future__ import annotations

from functools import partial

from ..keys.address import Address
from ..keys.private_key import PrivateKey
from ..transport import client
from ..transport.backoff import shared_backoff
from ..transport.options import ConnectOptions
from .connection import Connection, NotificationHandler, RequestHandler
from .identity_cache import IdentityCache, base_href
from .machine import Machine, Role
from .options import ConnectionOptions


async def connect(
    location: str,
    identity: PrivateKey,
    *,
    peer: Address | None = None,
    identities: IdentityCache | None = None,
    options: ConnectionOptions | None = None,
    transport: ConnectOptions | None = None,
    on_request: RequestHandler | None = None,
    on_notification: NotificationHandler | None = None,
) -> Connection:
    """A connection to the service at ``location``, an http or https URL, once there is a session.

    ``peer`` is who the service has to be; without it, it has to be who ``identities`` remembers, which learns it
    otherwise. The dialect is one of ``transport``'s options: npm's dcp-client 4 and 5 listen on different paths.

    Raises ConnectionEndedError: ``ETIMEDOUT``, ``DCPC-1014``, ``EVERSION``, ``EADDRCHANGE`` or ``ECONNRESET``.
    """
    options = options or ConnectionOptions()
    identities = identities or IdentityCache()
    expected = peer or identities.known(location)
    machine = Machine(
        Role.INITIATOR, identity, options, backoff=shared_backoff(base_href(location)), expected_peer=expected
    )
    connection = Connection(machine, identity.address, partial(client.connect, location, transport))
    if on_request:
        connection.on_request(on_request)
    if on_notification:
        connection.on_notification(on_notification)
    connection.start()
    try:
        await connection.until_session()
    except BaseException:
        await connection.close()
        raise
    if not peer:
        identities.learn(location, connection.peer)
    return connection
