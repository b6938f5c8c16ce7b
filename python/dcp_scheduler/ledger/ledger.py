"""Accounts and transfers. Every movement is one transfer between two accounts: the sum of all balances stays zero.

The operator's account ``ISSUER`` is the only one that may be below zero: what it owes is what there is. A job's escrow
is an account under the job's address.
"""

from __future__ import annotations

from sqlalchemy import Connection, func, insert, select, update

from ..errors import RefusedError
from ..store.amount import MOST, to_text
from ..store.schema import accounts, transfers
from ..store.transaction import Transaction

ISSUER = "0x" + 40 * "0"


def balance(connection: Connection, address: str) -> int:
    """Of an account, which exists as soon as it is named."""
    found = connection.execute(select(accounts.c.balance).where(accounts.c.address == address)).scalar()
    return 0 if found is None else int(found)


def transfer(
    transaction: Transaction,
    source: str,
    target: str,
    amount: int,
    kind: str,
    *,
    job: int | None = None,
    number: int | None = None,
) -> None:
    """Raises RefusedError, ``ENOFUNDS``. ``job``, ``number``: the slice that it is for; once for each kind."""
    if amount == 0 or source == target:
        return
    if not 0 < amount <= MOST:
        raise RefusedError("EINVAL", "an amount is more than 0, and less than all there is")
    connection = transaction.connection
    left = _locked(connection, source) - amount
    if left < 0 and source != ISSUER:
        raise RefusedError("ENOFUNDS", f"the account {source} has not {to_text(amount)} DCC")
    connection.execute(
        insert(transfers).values(
            at=transaction.now, source=source, target=target, amount=amount, kind=kind, job=job, slice=number
        )
    )
    _set(connection, source, left)
    _set(connection, target, _locked(connection, target) + amount)


def deposit(transaction: Transaction, address: str, amount: int) -> None:
    """The operator's gift."""
    transfer(transaction, ISSUER, address, amount, "deposit")


def imbalance(connection: Connection) -> dict[str, int]:
    """Accounts whose balance is not what their transfers say, with the difference; ``""`` for the sum of all."""
    said: dict[str, int] = {}
    for source, target, amount in connection.execute(
        select(transfers.c.source, transfers.c.target, transfers.c.amount)
    ):
        said[source] = said.get(source, 0) - amount
        said[target] = said.get(target, 0) + amount
    had = {address: int(amount) for address, amount in connection.execute(select(accounts))}
    wrong = {each: had.get(each, 0) - said.get(each, 0) for each in had.keys() | said.keys()}
    wrong[""] = sum(had.values())
    return {address: difference for address, difference in wrong.items() if difference}


def escrows(connection: Connection, addresses: list[str]) -> tuple[int, int]:
    """How many of these hold something, and how much."""
    query = select(func.count(), accounts.c.balance).where(accounts.c.address.in_(addresses))
    held = [amount for _, amount in connection.execute(query.group_by(accounts.c.balance)) if amount]
    return len(held), sum(held)


def _locked(connection: Connection, address: str) -> int:
    query = select(accounts.c.balance).where(accounts.c.address == address).with_for_update()
    found = connection.execute(query).scalar()
    if found is None:
        connection.execute(insert(accounts).values(address=address, balance=0))
        return 0
    return int(found)


def _set(connection: Connection, address: str, amount: int) -> None:
    connection.execute(update(accounts).where(accounts.c.address == address).values(balance=amount))
