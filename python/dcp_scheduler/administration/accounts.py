"""Accounts: what they have, where it came from, and the operator's deposits."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, or_, select

from ..dialects.fields import Fields
from ..jobs.status import ACTIVE
from ..ledger import deposits, ledger
from ..ledger.book import ISSUER
from ..store import amount
from ..store.schema import accounts, jobs, transfers
from ..store.transaction import Transaction
from .office import Office, Operation

_MOST_ACCOUNTS = 100_000
_PAGE = 50_000


async def list_accounts(office: Office, _fields: Fields) -> Any:
    query = select(accounts.c.address, accounts.c.balance, jobs.c.number).outerjoin(
        jobs, jobs.c.address == accounts.c.address
    )

    def read(connection: Connection) -> list[dict[str, Any]]:
        found = connection.execute(query.order_by(accounts.c.address).limit(_MOST_ACCOUNTS))
        return [
            {"address": address, "balance": amount.to_text(balance), "kind": _kind(address, job)}
            for address, balance, job in found
        ]

    return await office.database.read(read)


async def show(office: Office, fields: Fields) -> Any:
    address = fields.address("address")
    return await office.database.read(lambda connection: _about(connection, _named(connection, address)))


async def create(office: Office, fields: Fields) -> Any:
    address = fields.address("address")
    await office.database.write(lambda transaction: deposits.open_account(transaction, address))
    return await office.database.read(lambda connection: _about(connection, address))


async def deposit(office: Office, fields: Fields) -> Any:
    """``key``: with the same one, a deposit is made once."""
    address, key = fields.address("address"), fields.text("key", "")
    try:
        sum_ = amount.from_text(fields.text("amount"))
    except ValueError as error:
        raise fields.wrong("amount", f"more than 0: {error}") from None
    if not sum_:
        raise fields.wrong("amount", "more than 0")

    def move(transaction: Transaction) -> tuple[bool, int]:
        made = deposits.deposit_once(transaction, address, sum_, key)
        return made, ledger.balance(transaction.connection, address)

    made, balance = await office.database.write(move)
    return {
        "address": address, "amount": amount.to_text(sum_), "deposited": made, "balance": amount.to_text(balance),
    }  # fmt: skip


async def statement(office: Office, fields: Fields) -> Any:
    """All that has moved, oldest first, in pages: ``after`` is the number of the last one that is known."""
    address, after = fields.address("address"), fields.whole("after", 0)

    def read(connection: Connection) -> list[dict[str, Any]]:
        account, names = _named(connection, address), _names(connection)
        here = or_(transfers.c.source == account, transfers.c.target == account)
        query = select(transfers).where(here, transfers.c.number > after).order_by(transfers.c.number).limit(_PAGE)
        return [_moved(row, account, names) for row in connection.execute(query)]

    return await office.database.read(read)


def _named(connection: Connection, address: str) -> str:
    """The account: a job's is written in lower case, all others with their checksum."""
    query = select(jobs.c.address).where(jobs.c.address == address.lower())
    return connection.execute(query).scalar() or address


def _moved(row: Any, address: str, names: dict[int, str]) -> dict[str, Any]:
    """``amount``: below zero where it went away."""
    is_source = row.source == address
    return {
        "number": row.number, "at": row.at, "kind": row.kind,
        "amount": amount.to_text(-row.amount if is_source else row.amount),
        "other": row.target if is_source else row.source, "job": names.get(row.job), "slice": row.slice,
    }  # fmt: skip


def _names(connection: Connection) -> dict[int, str]:
    return {row.number: row.address for row in connection.execute(select(jobs.c.number, jobs.c.address))}


def _about(connection: Connection, address: str) -> dict[str, Any]:
    paying = select(jobs.c.address).where(jobs.c.payer == address, jobs.c.status.in_(ACTIVE))
    count, held = ledger.escrows(connection, list(connection.execute(paying).scalars()))
    job = connection.execute(select(jobs.c.number).where(jobs.c.address == address)).scalar()
    return {
        "address": address, "balance": amount.to_text(ledger.balance(connection, address)),
        "kind": _kind(address, job), "escrow": {"jobs": count, "amount": amount.to_text(held)},
    }  # fmt: skip


def _kind(address: str, job: int | None) -> str:
    """``escrow``: what is set aside for a job is in an account under the job's address."""
    if address == ISSUER:
        return "issuer"
    return "account" if job is None else "escrow"


OPERATIONS: dict[str, Operation] = {
    "account.list": list_accounts,
    "account.show": show,
    "account.create": create,
    "deposit": deposit,
    "statement": statement,
}
