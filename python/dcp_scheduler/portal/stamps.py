"""Each signed request is obeyed once. What changes nothing is known to this process; orders are known to all."""

from __future__ import annotations

import hashlib
import time

from sqlalchemy import delete, insert, select

from dcp_protocol.messages.validity import Stamps

from ..errors import RefusedError
from ..store.database import Database
from ..store.schema import stamps as table
from ..store.transaction import Transaction
from .signed import RULES, SignedRequest


class SpentStamps:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._here = Stamps(RULES)

    def spend_here(self, request: SignedRequest) -> None:
        """Raises ProtocolError: ``EDUP``, or ``EEXPIRED`` and ``ETIMETRAVEL`` where it is not valid now."""
        stamped = type(request.validity)(request.stamp, request.validity.time, request.validity.ttl)
        if refusal := self._here.refusal(stamped, time.time()):
            raise refusal

    async def spend_everywhere(self, request: SignedRequest) -> None:
        """Once this has returned, no process obeys the request again, whatever becomes of it. Raises RefusedError."""
        stamp = hashlib.sha256(request.stamp.encode("utf-8", "replace")).hexdigest()
        until = RULES.expiry(request.validity) + RULES.slop

        def spend(transaction: Transaction) -> None:
            connection = transaction.connection
            connection.execute(delete(table).where(table.c.until < transaction.now))
            if connection.execute(select(table.c.stamp).where(table.c.stamp == stamp)).first():
                raise RefusedError("EDUP", "this request was obeyed before")
            connection.execute(insert(table).values(stamp=stamp, until=until))

        await self._database.write(spend)
