"""The operator's deposits, each made once, and accounts with nothing in them."""

from __future__ import annotations

from sqlalchemy import insert, select

from ..errors import RefusedError
from ..store.amount import to_text
from ..store.schema import accounts, deposit_keys
from ..store.transaction import Transaction
from . import ledger


def deposit_once(transaction: Transaction, address: str, amount: int, key: str) -> bool:
    """Whether it is made now: of deposits with the same ``key`` the first one is; without a key each is.

    Raises RefusedError, ``EEXIST`` where the key belongs to another deposit.
    """
    if not key:
        ledger.deposit(transaction, address, amount)
        return True
    query = select(deposit_keys.c.target, deposit_keys.c.amount).where(deposit_keys.c.key == key)
    known = transaction.connection.execute(query).first()
    if known is not None:
        if tuple(known) != (address, amount):
            raise RefusedError("EEXIST", f"this key belongs to a deposit of {to_text(known[1])} DCC to {known[0]}")
        return False
    ledger.deposit(transaction, address, amount)
    values = {"key": key, "target": address, "amount": amount, "at": transaction.now}
    transaction.connection.execute(insert(deposit_keys).values(values))
    return True


def open_account(transaction: Transaction, address: str) -> None:
    """Others are there as soon as something moves."""
    query = select(accounts.c.address).where(accounts.c.address == address)
    if transaction.connection.execute(query).first() is None:
        transaction.connection.execute(insert(accounts).values(address=address, balance=0))
