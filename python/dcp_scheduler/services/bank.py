"""``bankTeller``: accounts, for who has their keys."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from ..dialects.fields import Fields
from ..errors import RefusedError
from ..jobs.status import ACTIVE
from ..ledger import ledger
from ..store import amount
from ..store.schema import jobs
from ..store.transaction import Transaction
from .network import Ask, Handler


async def view_account(ask: Ask) -> Any:
    address = Fields(ask.data, "the account").address("address")
    _authorized(ask, address)
    return await ask.network.database.read(lambda connection: _about(connection, address))


async def view_accounts(ask: Ask) -> Any:
    fields = Fields(ask.data, "the accounts")
    texts = fields.texts("addresses", 1000) or fields.texts("address", 1000)
    addresses = [Fields({"address": text}, "the account").address("address") for text in texts]
    for address in addresses:
        _authorized(ask, address)
    return {
        "accounts": await ask.network.database.read(lambda connection: [_about(connection, each) for each in addresses])
    }


async def transfer_credits(ask: Ask) -> Any:
    """Of dcp-util; ``transfer@1`` of dcp-client 5 says the same in other words."""
    fields = Fields(ask.data, "the transfer")
    source, target = fields.address("fromAccount"), fields.address("toAccount")
    _authorized(ask, source)

    def move(transaction: Transaction) -> int:
        sum_ = ledger.balance(transaction.connection, source) if fields.flag("transferAll") else _amount(fields)
        if sum_ <= 0:
            raise RefusedError("EINVAL", "nothing would be transferred: the amount must be more than 0")
        ledger.transfer(transaction, source, target, sum_, "transfer")
        return sum_

    return {"amount": amount.to_text(await ask.network.database.write(move))}


def _amount(fields: Fields) -> int:
    value = fields.get("amount")
    try:
        return amount.from_text(value) if isinstance(value, str) else amount.from_number(value)
    except ValueError as error:
        raise RefusedError("EINVAL", str(error)) from None


def _authorized(ask: Ask, account: str) -> None:
    """Raises RefusedError, ``EPERM``. Who is connected with the account's own key needs no other proof."""
    if ask.peer != account:
        ask.needs_signature(account)


def _about(connection: Connection, address: str) -> dict[str, Any]:
    paying = select(jobs.c.address).where(jobs.c.payer == address, jobs.c.status.in_(ACTIVE))
    count, held = ledger.escrows(connection, list(connection.execute(paying).scalars()))
    return {
        "address": address,
        "balance": amount.to_text(ledger.balance(connection, address)),
        "escrow": {"num": count, "total": amount.to_text(held)},
    }


OPERATIONS: dict[str, Handler] = {
    "viewAccount": view_account,
    "viewAccounts": view_accounts,
    "transferCredits": transfer_credits,
    "transfer@1": transfer_credits,
}
