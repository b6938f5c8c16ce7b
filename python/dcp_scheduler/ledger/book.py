"""Transfers that are written together: however many there are, each account is read and written once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from ..errors import RefusedError
from ..store.amount import MOST, to_text
from ..store.schema import accounts, transfers
from ..store.transaction import Transaction

ISSUER = "0x" + 40 * "0"
"""The operator's account, the only one that may be below zero: what it owes is what there is."""
_READ = (
    select(accounts.c.address, accounts.c.balance)
    .where(accounts.c.address.in_(bindparam("addresses", expanding=True)))
    .order_by(accounts.c.address)
    .with_for_update()
)
_SET = update(accounts).where(accounts.c.address == bindparam("of")).values(balance=bindparam("is_"))


class Book:
    """What accounts have while transfers are noted. Nothing is in the database before ``write``."""

    def __init__(self, transaction: Transaction, addresses: Iterable[str]) -> None:
        """``addresses``: all that take part. They are locked in their order: no two books wait for each other."""
        self._transaction = transaction
        self._balances = _locked(transaction.connection, set(addresses))
        self._before = dict(self._balances)
        self._transfers: list[dict[str, Any]] = []

    def balance(self, address: str) -> int:
        return self._balances[address]

    def transfer(
        self, source: str, target: str, amount: int, kind: str, *, job: int | None = None, number: int | None = None
    ) -> None:
        """Raises RefusedError, ``ENOFUNDS``. ``job``, ``number``: the slice that it is for; once for each kind."""
        if amount == 0 or source == target:
            return
        if not 0 < amount <= MOST:
            raise RefusedError("EINVAL", "an amount is more than 0, and less than all there is")
        left = self._balances[source] - amount
        if left < 0 and source != ISSUER:
            raise RefusedError("ENOFUNDS", f"the account {source} has not {to_text(amount)} DCC")
        self._balances[source] = left
        self._balances[target] += amount
        self._transfers.append(
            {
                "at": self._transaction.now, "source": source, "target": target, "amount": amount, "kind": kind,
                "job": job, "slice": number,
            }
        )  # fmt: skip

    def write(self) -> None:
        if not self._transfers:
            return
        changed = [(of, now) for of, now in self._balances.items() if now != self._before[of]]
        connection = self._transaction.connection
        connection.execute(insert(transfers), self._transfers)
        if changed:
            connection.execute(_SET, [{"of": of, "is_": now} for of, now in changed])


def _locked(connection: Connection, addresses: set[str]) -> dict[str, int]:
    found = {address: int(amount) for address, amount in connection.execute(_READ, {"addresses": list(addresses)})}
    if missing := sorted(addresses - found.keys()):
        connection.execute(insert(accounts), [{"address": address, "balance": 0} for address in missing])
    return found | dict.fromkeys(missing, 0)
