"""Accounts and transfers. Every movement is one transfer between two accounts: the sum of all balances stays zero.

A job's escrow is an account under the job's address.
"""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from ..store.schema import accounts, transfers
from ..store.transaction import Transaction
from .book import ISSUER, Book


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
    """One, as ``Book.transfer`` has it. Raises RefusedError, ``ENOFUNDS``."""
    if amount == 0 or source == target:
        return
    book = Book(transaction, (source, target))
    book.transfer(source, target, amount, kind, job=job, number=number)
    book.write()


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
